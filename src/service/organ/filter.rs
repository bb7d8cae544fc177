//! What a list of organs may be narrowed down by.

use crate::failure::Failure;
use crate::pb::{Organ, organ};
use crate::query::{Filter, FilterError};

/// The terms of a filter over organs.
#[derive(Default)]
pub(super) struct OrganFilter {
    parent: Option<String>,
    level: Option<organ::Level>,
    kind: Option<organ::Kind>,
    sector: Option<String>,
    division_code: Option<String>,
}

impl OrganFilter {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let fields = ["parent", "level", "kind", "sector", "division_code"];
        let filter = Filter::parse(text, &fields).map_err(Failure::Filter)?;
        let mut out = OrganFilter::default();
        for (field, value) in filter.terms {
            let wrong = |expected: &str| {
                let expected = format!("{expected}, not {value}");
                Failure::Filter(FilterError { at: text.chars().count(), expected })
            };
            match field.as_str() {
                "parent" => out.parent = Some(value),
                "level" => {
                    let level = organ::Level::from_str_name(&format!("LEVEL_{value}"));
                    out.level = Some(level.ok_or_else(|| wrong("a level such as COUNTY"))?);
                }
                "kind" => {
                    let kind = organ::Kind::from_str_name(&format!("KIND_{value}"));
                    out.kind = Some(kind.ok_or_else(|| wrong("a kind such as DEPARTMENT"))?);
                }
                "sector" => out.sector = Some(value),
                _ => out.division_code = Some(value),
            }
        }
        Ok(out)
    }

    pub(super) fn keeps(&self, organ: &Organ) -> bool {
        self.parent.as_ref().is_none_or(|parent| organ.parent == *parent)
            && self.level.is_none_or(|level| organ.level() == level)
            && self.kind.is_none_or(|kind| organ.kind() == kind)
            && self.sector.as_ref().is_none_or(|sector| organ.sector == *sector)
            && self.division_code.as_ref().is_none_or(|code| organ.division_code == *code)
    }
}
