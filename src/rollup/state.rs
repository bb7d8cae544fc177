//! All that the roll-up holds: the state of the archive at one position.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::memo::{Memos, Way};
use super::row::Totals;
use super::share::{Counts, Share, Taking};
use super::tree::{Registry, Tree};
use super::year::{Filed, Year};
use crate::archive::{self, Archive, Moment};
use crate::failure::Failure;
use crate::limits::PAGE_SIZE_MAX;
use crate::names::{OrganId, ReportId};
use crate::pb::{Deadline, Organ, Scope};
use crate::store::{Position, Recorded};

/// Of the journal, read at a time.
const FOLLOW_BYTES: usize = 1 << 20;

/// The organs, deadlines, and the reports of some years, as they stood at one position.
pub(super) struct State {
    position: Position,
    registry: Registry,
    /// In the order of the places of their organs.
    ids: Vec<OrganId>,
    /// By year, scope and level.
    deadlines: BTreeMap<(i32, i32, i32), String>,
    years: BTreeMap<i32, Year>,
    memos: Mutex<Memos>,
}

impl State {
    /// Before the first entry. Of the years named the reports are followed.
    fn empty(years: &[i32]) -> Self {
        State {
            position: Position::START,
            registry: Registry::default(),
            ids: Vec::new(),
            deadlines: BTreeMap::new(),
            years: years.iter().map(|&year| (year, Year::default())).collect(),
            memos: Mutex::default(),
        }
    }

    /// The organs and deadlines of today. What is written during the scan may be among them or not:
    /// [`State::catch_up`] settles it.
    ///
    /// # Errors
    /// `Store`.
    pub(super) fn load(archive: &Archive) -> Result<Self, Failure> {
        let mut state = State { position: archive.store().position(), ..State::empty(&[]) };
        let mut after = None;
        loop {
            let page = archive.organs(after.as_deref(), PAGE_SIZE_MAX, |_| true)?;
            for organ in page.items {
                if let Some(id) = OrganId::from_name(&organ.name) {
                    state.put_organ(id, organ);
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        loop {
            let page = archive.deadlines(None, after.as_deref(), PAGE_SIZE_MAX)?;
            page.items.into_iter().for_each(|deadline| state.put_deadline(deadline));
            after = page.next;
            if after.is_none() {
                return Ok(state);
            }
        }
    }

    /// The state as it stood at a moment, from the journal alone; it is not to be caught up.
    ///
    /// # Errors
    /// `Journal`, `Store`.
    pub(super) fn at(archive: &Archive, moment: Moment, years: &[i32]) -> Result<Self, Failure> {
        let mut state = State::empty(years);
        let within = |entry: &Recorded| match moment {
            Moment::Now => true,
            Moment::Position(position) => entry.position() <= position,
            Moment::Time(time) => {
                let written = entry.time();
                (written.seconds, written.nanos) <= (time.seconds, time.nanos)
            }
        };
        loop {
            let entries = archive.store().follow(state.position, FOLLOW_BYTES)?;
            if entries.is_empty() {
                return Ok(state);
            }
            for entry in &entries {
                if !within(entry) {
                    return Ok(state);
                }
                state.apply(archive, entry)?;
            }
        }
    }

    /// Whether this state holds that position, and these years.
    pub(super) fn is_at_least(&self, position: Position, years: &[i32]) -> bool {
        self.position >= position && years.iter().all(|year| self.years.contains_key(year))
    }

    /// Brings the state, with these years, to a position that no earlier write lies beyond.
    ///
    /// A year is scanned while it may be written to. So all entries since the old position are
    /// applied once more: each says what resulted, so that the last one stands, and the state is
    /// that of the position that was read after the scan.
    ///
    /// # Errors
    /// `Journal`, `Store`. The state is then of no use.
    pub(super) fn catch_up(&mut self, archive: &Archive, years: &[i32]) -> Result<(), Failure> {
        for &year in years {
            if !self.years.contains_key(&year) {
                let loaded = Year::load(archive, year, self.ids.iter())?;
                self.years.insert(year, loaded);
            }
        }
        let position = archive.store().position();
        while self.position < position {
            for entry in archive.store().follow(self.position, FOLLOW_BYTES)? {
                self.apply(archive, &entry)?;
            }
        }
        Ok(())
    }

    /// Takes what an entry left.
    fn apply(&mut self, archive: &Archive, entry: &Recorded) -> Result<(), Failure> {
        match archive::taken(entry).map_err(|e| Failure::Store(e.to_string()))? {
            archive::Taken::Organ(id, organ) => self.put_organ(id, *organ),
            archive::Taken::Organs(organs, _) => {
                for (id, organ) in organs {
                    self.put_organ(id, organ);
                }
            }
            archive::Taken::Deadline(deadline) => self.put_deadline(deadline),
            archive::Taken::Report(id, change) => {
                if let Some(year) = self.years.get_mut(&id.year) {
                    let unknown = || Failure::Store(format!("{} was never registered", id.organ));
                    let place = self.registry.place(&id.organ).ok_or_else(unknown)?;
                    let head = change.head.as_ref().ok_or_else(unknown)?;
                    year.put(archive, place, &id, head, change.content.as_ref())?;
                    self.memos().forget(id.year, place);
                }
            }
        }
        self.position = entry.position();
        Ok(())
    }

    fn put_organ(&mut self, id: OrganId, organ: Organ) {
        if self.registry.place(&id).is_none() {
            self.ids.push(id.clone());
        }
        self.registry.put(id, organ);
        self.memos().clear();
    }

    fn put_deadline(&mut self, deadline: Deadline) {
        let key = (deadline.year, deadline.scope, deadline.level);
        self.deadlines.insert(key, deadline.due_date);
    }

    fn memos(&self) -> MutexGuard<'_, Memos> {
        // What is kept is whole between two insertions, so a panic in between leaves it sound.
        self.memos.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The position whose state this is.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// The place of an organ.
    ///
    /// # Errors
    /// `OrganNotFound`.
    pub(super) fn place(&self, id: &OrganId) -> Result<usize, Failure> {
        self.registry.place(id).ok_or_else(|| Failure::OrganNotFound(id.to_string()))
    }

    /// The organ at a place.
    pub(super) fn organ(&self, place: usize) -> &Organ {
        self.registry.organ(place)
    }

    /// The places of all organs.
    pub(super) fn places(&self) -> Range<usize> {
        0..self.ids.len()
    }

    /// The id of the organ at a place.
    pub(super) fn id(&self, place: usize) -> &OrganId {
        &self.ids[place]
    }

    /// The tree of a year.
    pub(super) fn tree(&self, year: i32) -> Arc<Tree> {
        self.memos().tree(year, || self.registry.tree(year))
    }

    /// What an organ brings into a sum.
    pub(super) fn share(&self, taking: Taking, place: usize) -> Share<'_> {
        Share::of(taking, self.organ(place), place, self.years.get(&taking.year))
    }

    /// A report of a year that is at hand, if it is filed.
    pub(super) fn filed(&self, year: i32, place: usize, scope: Scope) -> Option<&Filed> {
        self.years.get(&year)?.filed(place, scope)
    }

    /// The sum of an organ and all below it.
    pub(super) fn sum(&self, way: Way, top: usize) -> (Totals, Counts) {
        let tree = self.tree(way.tree_year);
        self.memos().sum(way, &tree, top, |place| self.share(way.taking, place))
    }

    /// The name of a report of an organ.
    pub(super) fn report(&self, place: usize, year: i32, scope: Scope) -> ReportId {
        ReportId { organ: self.id(place).clone(), year, scope }
    }

    /// The last day for a report that was not submitted yet.
    pub(super) fn due_date(&self, place: usize, year: i32, scope: Scope) -> String {
        let level = self.organ(place).level;
        let set = |level| self.deadlines.get(&(year, scope as i32, level));
        let set = [level, 0].into_iter().filter_map(set).find(|date| !date.is_empty());
        set.cloned().unwrap_or_else(|| archive::lawful_date(year, scope))
    }
}
