//! What one organ brings into a sum, and what is counted of it.

use std::ops::AddAssign;

use super::digest::Digest;
use super::year::{Filed, Revision, Year};
use crate::archive::is_active;
use crate::pb::report::State;
use crate::pb::{Basis, Coverage, Edition, EditionCount, Organ, Scope, StateCount};

/// As many as a report has.
const STATES: usize = 8;

/// What a sum covers, in numbers that can be added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) expected: u32,
    pub(super) included: u32,
    pub(super) missing: u32,
    pub(super) covered: u32,
    pub(super) late: u32,
    pub(super) unaccepted: u32,
    pub(super) as_published: u32,
    pub(super) region_without_parts: u32,
    /// Of those included, on the form of 2019.
    pub(super) edition_2019: u32,
    /// By the number of the state.
    pub(super) states: [u32; STATES],
    pub(super) digest: Digest,
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        self.expected += other.expected;
        self.included += other.included;
        self.missing += other.missing;
        self.covered += other.covered;
        self.late += other.late;
        self.unaccepted += other.unaccepted;
        self.as_published += other.as_published;
        self.region_without_parts += other.region_without_parts;
        self.edition_2019 += other.edition_2019;
        for (count, added) in self.states.iter_mut().zip(other.states) {
            *count += added;
        }
        self.digest += other.digest;
    }
}

impl Counts {
    /// As clients see them, without lists.
    pub(super) fn coverage(&self) -> Coverage {
        let whole = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        let states = (0..).zip(self.states).filter(|(_, count)| *count > 0);
        Coverage {
            expected: whole(self.expected),
            included: whole(self.included),
            missing: whole(self.missing),
            unaccepted: whole(self.unaccepted),
            as_published: whole(self.as_published),
            revision_digest: self.digest.to_string(),
            covered_by_region: whole(self.covered),
            late: whole(self.late),
            by_state: states
                .map(|(state, count)| StateCount { state, count: whole(count) })
                .collect(),
            region_without_parts: whole(self.region_without_parts),
            by_edition: self.by_edition(),
            ..Coverage::default()
        }
    }
}

impl Counts {
    /// Those included on the form of that edition.
    pub(super) fn included_in(&self, edition: Edition) -> u32 {
        match edition {
            Edition::Unspecified => 0,
            Edition::Edition2019 => self.edition_2019,
            Edition::Edition2021 => self.included.saturating_sub(self.edition_2019),
        }
    }

    fn by_edition(&self) -> Vec<EditionCount> {
        let count = |edition| EditionCount {
            edition: edition as i32,
            count: i32::try_from(self.included_in(edition)).unwrap_or(i32::MAX),
        };
        let editions = [Edition::Edition2019, Edition::Edition2021].map(count);
        editions.into_iter().filter(|edition| edition.count > 0).collect()
    }
}

/// How reports are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taking {
    pub(super) year: i32,
    pub(super) basis: Basis,
    pub(super) include_unaccepted: bool,
}

/// What stands at one organ.
#[derive(Clone, Copy)]
pub(super) struct Share<'a> {
    /// Whether the organ reports for the year; nothing of one that does not is counted.
    pub(super) expected: bool,
    own: Option<&'a Filed>,
    region: Option<&'a Filed>,
    own_counted: Option<&'a Revision>,
    region_counted: Option<&'a Revision>,
    pub(super) taking: Taking,
}

/// What is taken at an organ.
#[derive(Clone, Copy)]
pub(super) enum Taken<'a> {
    Nothing,
    Own(&'a Revision),
    /// The report of the region, and nothing below the organ.
    Region(&'a Revision),
}

impl<'a> Taken<'a> {
    pub(super) fn revision(self) -> Option<&'a Revision> {
        match self {
            Taken::Nothing => None,
            Taken::Own(revision) | Taken::Region(revision) => Some(revision),
        }
    }
}

impl<'a> Share<'a> {
    pub(super) fn of(taking: Taking, organ: &Organ, place: usize, year: Option<&'a Year>) -> Self {
        let expected = is_active(organ, taking.year);
        let filed = |scope| year?.filed(place, scope).filter(|_| expected);
        let counted = |filed: Option<&'a Filed>| filed?.counted(taking.include_unaccepted);
        let (own, region) = (filed(Scope::Own), filed(Scope::Region));
        let (own_counted, region_counted) = (counted(own), counted(region));
        Share { expected, own, region, own_counted, region_counted, taking }
    }

    /// What is taken here, where no region above covers it. Never both of an organ's reports: that
    /// of a region holds that of its office.
    pub(super) fn taken(&self) -> Taken<'a> {
        match (self.taking.basis, self.region_counted, self.own_counted) {
            (Basis::Declared, Some(region), _) => Taken::Region(region),
            (_, _, Some(own)) => Taken::Own(own),
            _ => Taken::Nothing,
        }
    }

    /// The report of which state and lateness are counted: what is taken, else the own one.
    pub(super) fn filed(&self, covered: bool) -> Option<&'a Filed> {
        match self.taken() {
            Taken::Region(_) if !covered => self.region,
            _ => self.own,
        }
    }

    /// What is counted of this organ alone; `covered` where the report of a region above holds it.
    pub(super) fn counts(&self, covered: bool) -> Counts {
        let mut counts = Counts::default();
        if !self.expected {
            return counts;
        }
        let filed = self.filed(covered);
        let state = filed.map_or(State::Unspecified, |filed| filed.state);
        counts.expected = 1;
        counts.late = filed.is_some_and(|filed| filed.late).into();
        let state = usize::try_from(state as i32).ok();
        if let Some(count) = state.and_then(|state| counts.states.get_mut(state)) {
            *count = 1;
        }
        match self.taken().revision().filter(|_| !covered) {
            _ if covered => counts.covered = 1,
            None => counts.missing = 1,
            Some(revision) => {
                counts.included = 1;
                counts.unaccepted =
                    filed.is_some_and(|filed| filed.effective != revision.number).into();
                counts.as_published = revision.as_published.into();
                counts.edition_2019 = (revision.edition == Edition::Edition2019).into();
                counts.digest = revision.digest;
            }
        }
        counts
    }

    /// What is counted of an organ with none below it.
    pub(super) fn alone(&self) -> Counts {
        let mut counts = self.counts(false);
        counts.region_without_parts = self.stands_alone(counts.included).into();
        counts
    }

    /// Whether the organ declares figures of a region of which no part is in the sum: `included` is
    /// how many reports are, of it and all below.
    pub(super) fn stands_alone(&self, included: u32) -> bool {
        self.taking.basis == Basis::Parts && self.region_counted.is_some() && included == 0
    }
}
