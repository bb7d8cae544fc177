//! Organs: what is registered, and what must hold for it.

use std::collections::BTreeSet;

use super::index::{Taken, organ_key, receipt};
use super::reorganise::stored;
use super::tree::Ground;
use super::write::{Caller, Decision};
use super::{Archive, Page, decode, not_this, this_year};
use crate::check::{Evidence, Value, Violation, violations};
use crate::credit_code;
use crate::failure::Failure;
use crate::finding;
use crate::names::OrganId;
use crate::pb::{Affiliation, Change, Finding, Organ, Receipt};
use crate::store::Precondition;

impl Archive {
    /// The organ of that id.
    ///
    /// # Errors
    /// `OrganNotFound`, `Store`.
    pub fn organ(&self, id: &OrganId) -> Result<Organ, Failure> {
        let stored = self.store.get(&organ_key(id))?;
        let organ = decode(&stored.ok_or_else(|| Failure::OrganNotFound(id.to_string()))?)?;
        Ok(with_parent(organ))
    }

    /// Organs that `keep` lets through, ordered by id.
    ///
    /// # Errors
    /// `Store`.
    pub fn organs(
        &self,
        after: Option<&[u8]>,
        limit: usize,
        keep: impl Fn(&Organ) -> bool,
    ) -> Result<Page<Organ>, Failure> {
        let year = this_year();
        self.list(b"o/", after, limit, |_, mut organ: Organ| {
            organ.parent = parent_in(&organ, year).unwrap_or_default().to_owned();
            Ok(keep(&organ).then_some(organ))
        })
    }

    /// Registers an organ; with `validate_only` only checks.
    ///
    /// # Errors
    /// `InvalidRequest`, `OrganAlreadyExists`, `ParentNotFound`, `OrganClosed`, `RequestIdReused`,
    /// `WritesOff`, `Store`.
    pub async fn create_organ(
        &self,
        caller: &Caller,
        id: &OrganId,
        organ: Organ,
    ) -> Result<(Organ, Option<Receipt>), Failure> {
        let organ = Organ {
            name: id.to_string(),
            successor: String::new(),
            successor_from_year: None,
            create_time: None,
            ..stored(organ)
        };
        let broken = broken_organ(&organ);
        if !broken.is_empty() {
            return Err(Failure::InvalidRequest(broken));
        }
        let outcome = self.write(caller, |archive| archive.decide_organ(id, &organ)).await?;
        match outcome.taken {
            Taken::Organ(_, organ) => {
                Ok((with_parent(*organ), outcome.recorded.as_ref().map(receipt)))
            }
            _ => Err(not_this("an organ")),
        }
    }

    fn decide_organ(&self, id: &OrganId, organ: &Organ) -> Result<Decision, Failure> {
        if self.store.get(&organ_key(id))?.is_some() {
            return Err(Failure::OrganAlreadyExists(id.to_string()));
        }
        // Nobody reports to an organ that was not there, so none can close a cycle: this rests on
        // its parents, not on the whole tree, and many organs can be registered at once.
        let mut preconditions = vec![Precondition::Absent(organ_key(id))];
        let parents: BTreeSet<&str> =
            organ.affiliations.iter().map(|a| a.parent.as_str()).collect();
        for parent in parents.into_iter().filter_map(OrganId::from_name) {
            let key = organ_key(&parent);
            let Some(value) = self.store.get(&key)? else {
                let (organ, parent) = (id.to_string(), parent.to_string());
                return Err(Failure::ParentNotFound { organ, parent });
            };
            preconditions.push(Precondition::Unchanged { key, value });
        }
        Ground::new(self)?.parents(organ, None)?;
        let change = Change { organ: Some(organ.clone()), ..Change::default() };
        Ok(Decision { change, preconditions })
    }
}

/// With the parent of today.
pub(super) fn with_parent(mut organ: Organ) -> Organ {
    organ.parent = parent_in(&organ, this_year()).unwrap_or_default().to_owned();
    organ
}

/// What the rules of the schema and the native ones find in an organ.
pub fn broken_organ(organ: &Organ) -> Vec<Finding> {
    let mut broken = violations(organ);
    let mut add = |rule: &'static str, field: &'static str, found: String| {
        let evidence =
            Evidence { operands: vec![(field, Value::Text(found))], ..Evidence::default() };
        broken.push(Violation { rule, path: String::new(), evidence });
    };
    if let Some(year) = overlap(&organ.affiliations) {
        add("organ.affiliations_overlap", "affiliations", year.to_string());
    }
    if organ.affiliations.iter().any(|a| a.parent == organ.name) {
        add("organ.own_parent", "affiliations", organ.name.clone());
    }
    let mut years: Vec<i32> = organ.former_names.iter().map(|f| f.until_year).collect();
    years.sort_unstable();
    if let Some(pair) = years.windows(2).find(|pair| pair[0] == pair[1]) {
        add("organ.former_names_years", "former_names", pair[0].to_string());
    }
    if organ.credit_code.len() == 18 && !credit_code::checks(&organ.credit_code) {
        add("organ.credit_code", "credit_code", organ.credit_code.clone());
    }
    finding::describe(broken)
}

/// The first year in which two affiliations stand.
fn overlap(affiliations: &[Affiliation]) -> Option<i32> {
    let mut sorted: Vec<(i32, i32)> =
        affiliations.iter().map(|a| (a.from_year, a.until_year.unwrap_or(i32::MAX))).collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[1].0 <= pair[0].1).map(|pair| pair[1].0)
}

/// The name that an organ had in a year.
pub fn name_in(organ: &Organ, year: i32) -> &str {
    let former = organ.former_names.iter().filter(|former| former.until_year >= year);
    let name = former.min_by_key(|former| former.until_year);
    name.map_or(&organ.display_name, |former| &former.display_name)
}

/// The parent of an organ in a year.
pub fn parent_in(organ: &Organ, year: i32) -> Option<&str> {
    organ
        .affiliations
        .iter()
        .find(|a| a.from_year <= year && a.until_year.is_none_or(|until| year <= until))
        .map(|a| a.parent.as_str())
}

/// The organ below which one stands in a year: its parent; after its end, where it stood at last,
/// so that what it filed is not lost to those who look at the past by a later tree.
pub fn standing_in(organ: &Organ, year: i32) -> Option<&str> {
    let ended = || organ.active_until_year.is_some_and(|until| until < year);
    parent_in(organ, year).or_else(|| {
        let before = organ.affiliations.iter().filter(|a| ended() && a.from_year <= year);
        before.max_by_key(|a| a.from_year).map(|a| a.parent.as_str())
    })
}

/// Whether an organ reports for a year.
pub fn is_active(organ: &Organ, year: i32) -> bool {
    organ.active_from_year.is_none_or(|from| from <= year)
        && organ.active_until_year.is_none_or(|until| year <= until)
}
