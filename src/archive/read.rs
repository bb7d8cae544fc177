//! Reports as they stand, stood, and came to be so.

use super::index::{
    content_key, event_key, events_prefix, report_key, revision_key, revisions_prefix,
};
use super::{Archive, Page, decode, full};
use crate::failure::Failure;
use crate::names::{OrganId, ReportId};
use crate::pb::{Report, ReportEvent, Revision, Timestamp};
use crate::store::Position;

/// Which revision of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The latest.
    Latest,
    /// The one that counts in sums.
    Effective,
    /// The one of that number.
    Number(i32),
}

/// When.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// As it stands.
    Now,
    /// As it stood at a position.
    Position(Position),
    /// As it stood at a time.
    Time(Timestamp),
}

impl Archive {
    /// A revision of a report, with the state that the report has, or had then.
    ///
    /// # Errors
    /// `ReportNotFound`, `RevisionNotFound`, `Store`.
    pub fn report_at(
        &self,
        id: &ReportId,
        version: Version,
        moment: Moment,
    ) -> Result<Report, Failure> {
        let head = self.head_in(id, moment)?;
        let number = match version {
            Version::Latest => head.latest_revision,
            Version::Effective => head.effective_revision,
            Version::Number(number) if number <= head.latest_revision => number,
            Version::Number(_) => 0,
        };
        self.dressed(id, head, number).map_err(|failure| match (failure, version) {
            (Failure::RevisionNotFound(_), Version::Number(number)) => {
                Failure::RevisionNotFound(format!("{id}/revisions/{number}"))
            }
            (Failure::RevisionNotFound(_), Version::Effective) => {
                Failure::RevisionNotFound(format!("{id}, effective"))
            }
            (other, _) => other,
        })
    }

    /// The content of a revision under a head.
    ///
    /// # Errors
    /// `RevisionNotFound`, `Store`.
    pub fn dressed(&self, id: &ReportId, head: Report, number: i32) -> Result<Report, Failure> {
        Ok(full(self.content(id, number)?, number, head))
    }

    /// The content of a revision.
    pub(super) fn content(&self, id: &ReportId, number: i32) -> Result<Report, Failure> {
        let stored = self.store.get(&revision_key(id, number))?;
        let missing = || Failure::RevisionNotFound(format!("{id}/revisions/{number}"));
        let revision: Revision = decode(&stored.ok_or_else(missing)?)?;
        self.content_of(&revision)
    }

    /// The content of a revision that was read.
    fn content_of(&self, revision: &Revision) -> Result<Report, Failure> {
        let receipt = revision.receipt.as_ref();
        let position = receipt.map_or("", |receipt| receipt.position.as_str());
        let lost = || Failure::Store(format!("the content of {} is not there", revision.name));
        decode(&self.store.get(&content_key(position))?.ok_or_else(lost)?)
    }

    /// What is known of a report beside its content.
    ///
    /// # Errors
    /// `ReportNotFound`, `Store`.
    pub fn head(&self, id: &ReportId) -> Result<Report, Failure> {
        match self.store.get(&report_key(id))? {
            Some(bytes) => decode(&bytes),
            None => Err(Failure::ReportNotFound(id.to_string())),
        }
    }

    /// The head as it is, or was at a moment.
    pub(super) fn head_in(&self, id: &ReportId, moment: Moment) -> Result<Report, Failure> {
        match moment {
            Moment::Now => self.head(id),
            Moment::Position(position) => {
                let last = event_key(id, position);
                self.head_at(id, |key, _| key <= &last[..])
            }
            Moment::Time(time) => self.head_at(id, |_, event| {
                let written = event.receipt.as_ref().and_then(|r| r.time).unwrap_or_default();
                (written.seconds, written.nanos) <= (time.seconds, time.nanos)
            }),
        }
    }

    /// The head after the last event that is `within` what was asked for.
    fn head_at(
        &self,
        id: &ReportId,
        within: impl Fn(&[u8], &ReportEvent) -> bool,
    ) -> Result<Report, Failure> {
        const BATCH: usize = 256;
        let prefix = events_prefix(id);
        let (mut head, mut after) = (None, None);
        loop {
            let batch = self.store.scan(&prefix, after.as_deref(), BATCH)?;
            let ended = batch.len() < BATCH;
            for (key, value) in batch {
                let event: ReportEvent = decode(&value)?;
                if !within(&key, &event) {
                    return head.ok_or_else(|| Failure::ReportNotFound(id.to_string()));
                }
                head = event.change.and_then(|change| change.head);
                after = Some(key);
            }
            if ended {
                return head.ok_or_else(|| Failure::ReportNotFound(id.to_string()));
            }
        }
    }

    /// Reports of one organ, or of all, whose head `keep` lets through, ordered by organ, year and
    /// scope.
    ///
    /// # Errors
    /// `Store`.
    pub fn reports(
        &self,
        organ: Option<&OrganId>,
        after: Option<&[u8]>,
        limit: usize,
        keep: impl Fn(&Report) -> bool,
    ) -> Result<Page<Report>, Failure> {
        let prefix = organ.map_or_else(|| "r/".to_owned(), |id| format!("r/{}!", id.as_str()));
        self.list(prefix.as_bytes(), after, limit, |_, head: Report| {
            let Some(id) = ReportId::of(&head).filter(|_| keep(&head)) else {
                return Ok(None);
            };
            let number = head.latest_revision;
            self.dressed(&id, head, number).map(Some)
        })
    }

    /// The revisions of a report, ordered by number.
    ///
    /// # Errors
    /// `ReportNotFound`, `Store`.
    pub fn revisions(
        &self,
        id: &ReportId,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Revision>, Failure> {
        self.head(id)?;
        self.list(&revisions_prefix(id), after, limit, |_, mut revision: Revision| {
            revision.report = Some(self.content_of(&revision)?);
            Ok(Some(revision))
        })
    }

    /// What was done to a report, in order.
    ///
    /// # Errors
    /// `ReportNotFound`, `Store`.
    pub fn events(
        &self,
        id: &ReportId,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<ReportEvent>, Failure> {
        self.head(id)?;
        self.list(&events_prefix(id), after, limit, |_, event| Ok(Some(event)))
    }
}
