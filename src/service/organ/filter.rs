//! What a list of organs may be narrowed down by.

use crate::failure::Failure;
use crate::pb::Organ;
use crate::query;
use crate::rollup::Filter;

/// The terms of a filter over organs: those that sums know too, and those of a list alone.
#[derive(Default)]
pub(super) struct OrganFilter {
    parent: Option<String>,
    division_code: Option<String>,
    rest: Filter,
}

impl OrganFilter {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let fields = ["parent", "level", "kind", "sector", "division_code"];
        let filter = query::Filter::parse(text, &fields).map_err(Failure::Filter)?;
        let mut out = OrganFilter::default();
        for (field, value) in filter.terms {
            match field.as_str() {
                "parent" => out.parent = Some(value),
                "division_code" => out.division_code = Some(value),
                other => out.rest.take(text, other, value)?,
            }
        }
        Ok(out)
    }

    pub(super) fn keeps(&self, organ: &Organ) -> bool {
        self.parent.as_ref().is_none_or(|parent| organ.parent == *parent)
            && self.division_code.as_ref().is_none_or(|code| organ.division_code == *code)
            && self.rest.passes(organ)
    }
}
