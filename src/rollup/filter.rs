//! Which organs count in a sum.

use crate::failure::Failure;
use crate::pb::{Organ, organ};
use crate::query::{self, FilterError};

/// The terms of a filter, in the language in which organs are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    level: Option<organ::Level>,
    kind: Option<organ::Kind>,
    sector: Option<String>,
}

impl Filter {
    /// Reads a filter; the empty text lets every organ through.
    ///
    /// # Errors
    /// `Filter`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let terms = query::Filter::parse(text, &["level", "kind", "sector"]);
        let mut out = Filter::default();
        for (field, value) in terms.map_err(Failure::Filter)?.terms {
            out.take(text, &field, value)?;
        }
        Ok(out)
    }

    /// Takes a term of the filter `text`: of `level`, of `kind`, else of `sector`.
    ///
    /// # Errors
    /// `Filter`.
    pub fn take(&mut self, text: &str, field: &str, value: String) -> Result<(), Failure> {
        let wrong = |expected: &str| {
            let expected = format!("{expected}, not {value}");
            Failure::Filter(FilterError { at: text.chars().count(), expected })
        };
        match field {
            "level" => {
                let level = organ::Level::from_str_name(&format!("LEVEL_{value}"));
                self.level = Some(level.ok_or_else(|| wrong("a level such as COUNTY"))?);
            }
            "kind" => {
                let kind = organ::Kind::from_str_name(&format!("KIND_{value}"));
                self.kind = Some(kind.ok_or_else(|| wrong("a kind such as DEPARTMENT"))?);
            }
            _ => self.sector = Some(value),
        }
        Ok(())
    }

    /// Whether every organ passes.
    pub(super) fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// Whether an organ passes.
    pub fn passes(&self, organ: &Organ) -> bool {
        self.level.is_none_or(|level| organ.level() == level)
            && self.kind.is_none_or(|kind| organ.kind() == kind)
            && self.sector.as_ref().is_none_or(|sector| organ.sector == *sector)
    }
}
