//! The reports of one year: where each stands, and the figures that may count.

use super::digest::Digest;
use super::row::Row;
use crate::archive::Archive;
use crate::failure::Failure;
use crate::names::{OrganId, ReportId};
use crate::pb::report::State;
use crate::pb::{Edition, Report, Scope, Timestamp};

/// The reports of one year, by the places of their organs.
#[derive(Default)]
pub(super) struct Year {
    /// The own report and that of the region. A box, since most organs file one of them at most.
    filed: Vec<[Option<Box<Filed>>; 2]>,
}

/// A report as it stands.
pub(super) struct Filed {
    pub(super) state: State,
    pub(super) late: bool,
    pub(super) submit_time: Option<Timestamp>,
    pub(super) due_date: String,
    latest: i32,
    pub(super) effective: i32,
    /// Those that can count in a sum: the effective one, and what waits for acceptance.
    revisions: Vec<Revision>,
}

/// A revision that can count in a sum.
pub(super) struct Revision {
    pub(super) number: i32,
    /// Whether it keeps errors, submitted as published.
    pub(super) as_published: bool,
    pub(super) edition: Edition,
    /// Of its name.
    pub(super) digest: Digest,
    pub(super) row: Row,
}

impl Filed {
    /// The revision that takes part in sums, if any: the effective one; where what waits for
    /// acceptance was asked for, that.
    pub(super) fn counted(&self, include_unaccepted: bool) -> Option<&Revision> {
        let waits = include_unaccepted && self.state == State::Submitted;
        let number = if waits { self.latest } else { self.effective };
        self.revisions.iter().find(|revision| revision.number == number)
    }

    /// The numbers of the revisions that can count.
    fn countable(&self) -> impl Iterator<Item = i32> {
        let waiting = (self.state == State::Submitted).then_some(self.latest);
        let effective = (self.effective > 0).then_some(self.effective);
        effective.into_iter().chain(waiting.filter(|_| Some(self.latest) != effective))
    }
}

impl Year {
    /// Reads the reports of these organs as they stand.
    ///
    /// # Errors
    /// `Store`, `Journal`.
    pub(super) fn load<'a>(
        archive: &Archive,
        year: i32,
        organs: impl Iterator<Item = &'a OrganId>,
    ) -> Result<Self, Failure> {
        let mut loaded = Year::default();
        for (place, organ) in organs.enumerate() {
            for scope in [Scope::Own, Scope::Region] {
                let id = ReportId { organ: organ.clone(), year, scope };
                match archive.head(&id) {
                    Ok(head) => loaded.put(archive, place, &id, &head, None)?,
                    Err(Failure::ReportNotFound(_)) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(loaded)
    }

    /// Takes a report as it now stands. `content` is that of its latest revision, where it is at
    /// hand. Revisions do not change, so what is known of them is kept.
    ///
    /// # Errors
    /// `Store`, `Journal`, `RevisionNotFound`.
    pub(super) fn put(
        &mut self,
        archive: &Archive,
        place: usize,
        id: &ReportId,
        head: &Report,
        content: Option<&Report>,
    ) -> Result<(), Failure> {
        if self.filed.len() <= place {
            self.filed.resize_with(place + 1, Default::default);
        }
        let slot = &mut self.filed[place][usize::from(id.scope == Scope::Region)];
        let mut known = slot.take().map(|filed| filed.revisions).unwrap_or_default();
        let mut filed = Filed {
            state: head.state(),
            late: head.late,
            submit_time: head.submit_time,
            due_date: head.due_date.clone(),
            latest: head.latest_revision,
            effective: head.effective_revision,
            revisions: Vec::new(),
        };
        let mut revisions = Vec::with_capacity(1);
        for number in filed.countable() {
            let revision = match known.iter().position(|revision| revision.number == number) {
                Some(at) => known.swap_remove(at),
                None => match content.filter(|_| number == head.latest_revision) {
                    Some(content) => revision(id, number, content)?,
                    None => {
                        let content = archive.dressed(id, Report::default(), number)?;
                        revision(id, number, &content)?
                    }
                },
            };
            revisions.push(revision);
        }
        filed.revisions = revisions;
        *slot = Some(Box::new(filed));
        Ok(())
    }

    /// The report of an organ, if one is filed.
    pub(super) fn filed(&self, place: usize, scope: Scope) -> Option<&Filed> {
        self.filed.get(place)?[usize::from(scope == Scope::Region)].as_deref()
    }
}

fn revision(id: &ReportId, number: i32, content: &Report) -> Result<Revision, Failure> {
    Ok(Revision {
        number,
        as_published: !content.as_published_reason.is_empty(),
        edition: content.edition(),
        digest: Digest::of(&revision_name(id, number)),
        row: Row::of(content)?,
    })
}

/// The name of a revision.
pub(super) fn revision_name(id: &ReportId, number: i32) -> String {
    format!("{id}/revisions/{number}")
}
