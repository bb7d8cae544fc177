//! The tree of organs, year by year: who reports to whom, and that nobody reports to itself.
//!
//! An affiliation holds for years, so there is a tree for each year. A change to one organ is
//! checked for all years at once: where a walk up the parents meets years with different parents it
//! parts, and each part goes on with its own.

use std::collections::{HashMap, HashSet};

use super::index::{TREE_KEY, children_prefix, organ_key};
use super::organ::is_active;
use super::{Archive, decode};
use crate::failure::Failure;
use crate::names::OrganId;
use crate::pb::{Affiliation, Organ};
use crate::store::Precondition;

/// Years, both ends included; [`i32::MAX`] where there is no last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Years {
    pub(super) from: i32,
    pub(super) until: i32,
}

impl Years {
    pub(super) fn new(from: i32, until: Option<i32>) -> Self {
        Years { from, until: until.unwrap_or(i32::MAX) }
    }

    pub(super) fn of(affiliation: &Affiliation) -> Self {
        Years::new(affiliation.from_year, affiliation.until_year)
    }

    /// The years that are in both.
    pub(super) fn meet(self, other: Years) -> Option<Years> {
        let years = Years { from: self.from.max(other.from), until: self.until.min(other.until) };
        (years.from <= years.until).then_some(years)
    }

    /// The years of these that lie before and after the others.
    fn without(self, other: Years) -> impl Iterator<Item = Years> {
        let before = Years { until: self.until.min(other.from.saturating_sub(1)), ..self };
        let after = Years { from: self.from.max(other.until.saturating_add(1)), ..self };
        let after = (other.until < i32::MAX).then_some(after);
        [Some(before), after].into_iter().flatten().filter(|years| years.from <= years.until)
    }
}

/// The affiliations with another parent, or none, in some years, and in all others as they were.
pub(super) fn reaffiliated(
    affiliations: &[Affiliation],
    years: Years,
    parent: Option<&str>,
) -> Vec<Affiliation> {
    let stretch = |parent: &str, years: Years| Affiliation {
        parent: parent.to_owned(),
        from_year: years.from,
        until_year: (years.until < i32::MAX).then_some(years.until),
    };
    let mut all: Vec<Affiliation> = affiliations
        .iter()
        .flat_map(|a| Years::of(a).without(years).map(|left| stretch(&a.parent, left)))
        .chain(parent.map(|parent| stretch(parent, years)))
        .collect();
    all.sort_by_key(|a| a.from_year);
    // What goes on with the same parent is one affiliation.
    let mut joined: Vec<Affiliation> = Vec::with_capacity(all.len());
    for next in all {
        match joined.last_mut() {
            Some(last)
                if last.parent == next.parent
                    && last.until_year == Some(next.from_year.saturating_sub(1)) =>
            {
                last.until_year = next.until_year;
            }
            _ => joined.push(next),
        }
    }
    joined
}

/// The organs that a decision rests on: those that it changes as they will be, all others as they
/// are stored.
pub(super) struct Ground<'a> {
    archive: &'a Archive,
    known: HashMap<OrganId, Option<Organ>>,
    stamp: Precondition,
}

impl<'a> Ground<'a> {
    /// The ground as it stands.
    pub(super) fn new(archive: &'a Archive) -> Result<Self, Failure> {
        // Before anything is read of the organs: else what was read could be older than the stamp.
        let key = TREE_KEY.to_vec();
        let stamp = match archive.store.get(&key)? {
            Some(value) => Precondition::Unchanged { key, value },
            None => Precondition::Absent(key),
        };
        Ok(Ground { archive, known: HashMap::new(), stamp })
    }

    /// That no organ has changed since.
    pub(super) fn stamp(&self) -> Precondition {
        self.stamp.clone()
    }

    /// An organ, if there is one.
    pub(super) fn organ(&mut self, id: &OrganId) -> Result<Option<&Organ>, Failure> {
        if !self.known.contains_key(id) {
            let stored = self.archive.store.get(&organ_key(id))?;
            let organ = stored.map(|bytes| decode::<Organ>(&bytes)).transpose()?;
            self.known.insert(id.clone(), organ);
        }
        Ok(self.known.get(id).and_then(Option::as_ref))
    }

    /// An organ that must be there.
    pub(super) fn registered(&mut self, id: &OrganId) -> Result<Organ, Failure> {
        let organ = self.organ(id)?.cloned();
        organ.ok_or_else(|| Failure::OrganNotFound(id.to_string()))
    }

    /// From here on the organ is seen as it will be.
    pub(super) fn put(&mut self, id: &OrganId, organ: Organ) {
        self.known.insert(id.clone(), Some(organ));
    }

    /// The organs that report to one in some of the years in which they are active, ordered by
    /// name.
    pub(super) fn children(
        &mut self,
        parent: &OrganId,
        years: Years,
    ) -> Result<Vec<(OrganId, Organ)>, Failure> {
        const BATCH: usize = 256;
        let prefix = children_prefix(parent);
        let name = parent.to_string();
        let (mut children, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let batch = self.archive.store.scan(&prefix, after.as_deref(), BATCH)?;
            let ended = batch.len() < BATCH;
            for (key, value) in batch {
                let id = std::str::from_utf8(&value).ok().and_then(OrganId::parse);
                after = Some(key);
                let Some(id) = id else { continue };
                if let Some(organ) = self.organ(&id)?
                    && reports_to(organ, &name, years)
                {
                    let organ = organ.clone();
                    children.push((id, organ));
                }
            }
            if ended {
                return Ok(children);
            }
        }
    }

    /// That each parent that the organ names beyond those of `before`, or is active below for
    /// longer, is there, and is not closed while it is needed.
    pub(super) fn parents(&mut self, organ: &Organ, before: Option<&Organ>) -> Result<(), Failure> {
        let kept = before.filter(|before| lost(organ, before).is_empty());
        let kept = kept.map_or(&[][..], |before| &before.affiliations);
        for affiliation in organ.affiliations.iter().filter(|a| !kept.contains(a)) {
            let missing = || Failure::ParentNotFound {
                organ: organ.name.clone(),
                parent: affiliation.parent.clone(),
            };
            let id = OrganId::from_name(&affiliation.parent).ok_or_else(missing)?;
            let parent = self.organ(&id)?.ok_or_else(missing)?;
            let needed = Years::of(affiliation).meet(active(organ));
            if let (Some(needed), Some(last_year)) = (needed, parent.active_until_year)
                && needed.until > last_year
            {
                return Err(Failure::OrganClosed { organ: id.to_string(), last_year });
            }
        }
        Ok(())
    }

    /// That no organ stands below itself in any year, as far as the named ones have changed. All
    /// others stand on what was checked before, so a cycle has one of these in it.
    pub(super) fn acyclic(&mut self, changed: &[OrganId]) -> Result<(), Failure> {
        for id in changed {
            if let Some(year) = self.below_itself(id)? {
                return Err(Failure::OrganTreeCycle { organ: id.to_string(), year });
            }
        }
        Ok(())
    }

    /// The first year found in which an organ stands below itself.
    fn below_itself(&mut self, start: &OrganId) -> Result<Option<i32>, Failure> {
        let mut seen = HashSet::new();
        let mut ahead = vec![(start.clone(), Years { from: i32::MIN, until: i32::MAX })];
        while let Some((id, years)) = ahead.pop() {
            let Some(organ) = self.organ(&id)? else { continue };
            let above: Vec<(OrganId, Years)> = organ
                .affiliations
                .iter()
                .filter_map(|a| Some((OrganId::from_name(&a.parent)?, Years::of(a).meet(years)?)))
                .collect();
            for (parent, years) in above {
                if parent == *start {
                    return Ok(Some(years.from));
                }
                // A cycle further up, which another of the changed organs is in, must not hold
                // this walk for ever.
                if seen.insert((parent.clone(), years)) {
                    ahead.push((parent, years));
                }
            }
        }
        Ok(None)
    }
}

/// The years in which an organ is active.
pub(super) fn active(organ: &Organ) -> Years {
    Years::new(organ.active_from_year.unwrap_or(i32::MIN), organ.active_until_year)
}

/// Whether an organ reports to another in some of the years in which it is active.
fn reports_to(organ: &Organ, parent: &str, years: Years) -> bool {
    let active = active(organ).meet(years);
    organ
        .affiliations
        .iter()
        .filter(|a| a.parent == parent)
        .any(|a| active.and_then(|active| active.meet(Years::of(a))).is_some())
}

/// The years in which an organ was active and will not be.
pub(super) fn lost(before: &Organ, after: &Organ) -> Vec<Years> {
    active(before).without(active(after)).collect()
}

/// Whether an organ that was merged into another is active again in years of its successor.
pub(super) fn is_back(organ: &Organ) -> bool {
    organ.successor_from_year.is_some_and(|year| is_active(organ, year))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<Affiliation> {
        let one = |part: &str| {
            let mut words = part.split(' ');
            let parent = words.next().expect("a parent").to_owned();
            let mut year = || words.next().and_then(|word| word.parse().ok());
            Affiliation { parent, from_year: year().expect("a year"), until_year: year() }
        };
        text.split(", ").filter(|part| !part.is_empty()).map(one).collect()
    }

    #[test]
    fn another_parent_in_some_years_leaves_all_others_as_they_were() {
        for (before, from, until, parent, after) in [
            ("", 2020, None, Some("b"), "b 2020"),
            ("a 2010", 2020, None, Some("b"), "a 2010 2019, b 2020"),
            ("a 2010", 2010, None, Some("b"), "b 2010"),
            ("a 2010", 2020, None, None, "a 2010 2019"),
            ("a 2010", 2020, Some(2021), Some("b"), "a 2010 2019, b 2020 2021, a 2022"),
            ("a 2010 2012", 2020, None, Some("b"), "a 2010 2012, b 2020"),
            (
                "a 2010 2019, c 2020 2021, d 2022",
                2015,
                Some(2022),
                Some("b"),
                "a 2010 2014, b 2015 2022, d 2023",
            ),
            ("a 2010 2019, c 2020", 2015, Some(2019), None, "a 2010 2014, c 2020"),
            ("a 2010", 2020, None, Some("a"), "a 2010"),
            ("a 2010 2019, b 2020", 2020, None, Some("a"), "a 2010"),
        ] {
            let years = Years::new(from, until);
            let found = reaffiliated(&list(before), years, parent);
            assert_eq!(found, list(after), "{before}, from {from}");
        }
    }

    #[test]
    fn years_are_lost_at_both_ends() {
        let organ = |from, until| Organ {
            active_from_year: from,
            active_until_year: until,
            ..Organ::default()
        };
        let before = organ(Some(2000), None);
        let years = |from, until| Years { from, until };
        let found = lost(&before, &organ(Some(2005), Some(2020)));
        assert_eq!(found, [years(2000, 2004), years(2021, i32::MAX)]);
        assert_eq!(lost(&before, &before), []);
        assert_eq!(lost(&organ(None, Some(2010)), &before), [years(i32::MIN, 1999)]);
    }
}
