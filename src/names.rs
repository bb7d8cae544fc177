//! Resource names, parsed once at the edge and typed from there on.

use std::fmt;

use crate::pb::{Report, Scope};

/// The id of an organ: `[a-z][a-z0-9-]{0,62}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganId(String);

impl OrganId {
    /// Reads a bare id.
    pub fn parse(id: &str) -> Option<Self> {
        let mut bytes = id.bytes();
        let well = id.len() <= 63
            && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        well.then(|| OrganId(id.to_owned()))
    }

    /// Reads `organs/{organ}`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::parse(name.strip_prefix("organs/")?)
    }

    /// The bare id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrganId {
    /// Writes `organs/{organ}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "organs/{}", self.0)
    }
}

/// The identity of a report: organ, year and scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReportId {
    /// The organ.
    pub organ: OrganId,
    /// The year, four digits.
    pub year: i32,
    /// `Own` or `Region`.
    pub scope: Scope,
}

impl ReportId {
    /// The identity that a report states; `None` where organ, year or scope is missing or
    /// malformed.
    pub fn of(report: &Report) -> Option<Self> {
        let organ = OrganId::from_name(&report.organ)?;
        let scope = report.scope();
        let well = (1000..=9999).contains(&report.year) && scope != Scope::Unspecified;
        well.then_some(ReportId { organ, year: report.year, scope })
    }

    /// Reads `organs/{organ}/reports/{year}-{scope}`.
    pub fn from_name(name: &str) -> Option<Self> {
        let (organ, id) = name.split_once("/reports/")?;
        let organ = OrganId::from_name(organ)?;
        let (year, scope) = id.split_once('-')?;
        let digits = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
        let scope = scope_of(scope)?;
        digits.then(|| year.parse().ok())?.map(|year| ReportId { organ, year, scope })
    }

    /// Reads `organs/{organ}/reports/{year}-{scope}`, or that with `/revisions/{revision}`.
    pub fn with_revision(name: &str) -> Option<(Self, Option<i32>)> {
        let Some((report, revision)) = name.split_once("/revisions/") else {
            return Some((Self::from_name(name)?, None));
        };
        let plain = !revision.starts_with('0') && revision.bytes().all(|b| b.is_ascii_digit());
        let revision = revision.parse().ok().filter(|_| plain)?;
        Some((Self::from_name(report)?, Some(revision)))
    }

    /// The last part of the name: `{year}-{scope}`.
    pub fn suffix(&self) -> String {
        format!("{}-{}", self.year, scope_word(self.scope))
    }
}

impl fmt::Display for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/reports/{}", self.organ, self.suffix())
    }
}

/// The scope that a word names: `own` or `region`.
pub fn scope_of(word: &str) -> Option<Scope> {
    match word {
        "own" => Some(Scope::Own),
        "region" => Some(Scope::Region),
        _ => None,
    }
}

/// The word for a scope.
pub fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Unspecified => "unspecified",
        Scope::Own => "own",
        Scope::Region => "region",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for name in ["organs/a/reports/2023-own", "organs/lc-housing-1/reports/2019-region"] {
            assert_eq!(ReportId::from_name(name).expect("a name").to_string(), name);
        }
    }

    #[test]
    fn reads_the_number_of_a_revision() {
        let report = "organs/a/reports/2023-own";
        let read = |rest: &str| ReportId::with_revision(&format!("{report}{rest}"));
        assert_eq!(read("").expect("a name").1, None);
        assert_eq!(read("/revisions/12").expect("a name").1, Some(12));
        for rest in ["/revisions/", "/revisions/0", "/revisions/01", "/revisions/+1", "/x/1"] {
            assert_eq!(read(rest), None, "{rest}");
        }
    }

    #[test]
    fn refuses_names_of_another_form() {
        for name in [
            "",
            "organs/a",
            "organs//reports/2023-own",
            "organs/A/reports/2023-own",
            "organs/a/reports/23-own",
            "organs/a/reports/+023-own",
            "organs/a/reports/2023-both",
            "organs/a/reports/2023-own/",
            "organs/a/reports/2023-own/revisions/1",
        ] {
            assert_eq!(ReportId::from_name(name), None, "{name}");
        }
        assert_eq!(OrganId::parse(&"a".repeat(64)), None);
        assert_eq!(OrganId::parse("-a"), None);
    }
}
