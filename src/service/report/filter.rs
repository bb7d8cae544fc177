//! What a list of reports may be filtered by.

use crate::failure::Failure;
use crate::names::scope_of;
use crate::pb::{self, Edition, Report, report};
use crate::query::{Filter, FilterError};

/// The terms of a filter over reports.
#[derive(Default)]
pub(super) struct ReportFilter {
    year: Option<i32>,
    scope: Option<pb::Scope>,
    state: Option<report::State>,
    edition: Option<Edition>,
    late: Option<bool>,
}

impl ReportFilter {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let filter = Filter::parse(text, &["year", "scope", "state", "edition", "late"])
            .map_err(Failure::Filter)?;
        let mut out = ReportFilter::default();
        for (field, value) in &filter.terms {
            let wrong = |expected: &str| {
                let expected = format!("{expected} as {field}, not {value}");
                Failure::Filter(FilterError { at: text.chars().count(), expected })
            };
            match field.as_str() {
                "year" => out.year = Some(value.parse().map_err(|_| wrong("a year"))?),
                "scope" => out.scope = Some(scope_of(value).ok_or_else(|| wrong("own or region"))?),
                "state" => {
                    let name = format!("STATE_{value}");
                    let state = report::State::from_str_name(&name);
                    out.state = Some(state.ok_or_else(|| wrong("a state such as SUBMITTED"))?);
                }
                "late" => {
                    out.late = Some(value.parse().map_err(|_| wrong("true or false"))?);
                }
                _ => {
                    let edition = Edition::from_str_name(&format!("EDITION_{value}"));
                    out.edition = Some(edition.ok_or_else(|| wrong("2019 or 2021"))?);
                }
            }
        }
        Ok(out)
    }

    pub(super) fn keeps(&self, report: &Report) -> bool {
        self.year.is_none_or(|year| report.year == year)
            && self.scope.is_none_or(|scope| report.scope() == scope)
            && self.state.is_none_or(|state| report.state() == state)
            && self.edition.is_none_or(|edition| report.edition() == edition)
            && self.late.is_none_or(|late| report.late == late)
    }
}
