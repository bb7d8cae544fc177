//! What is found in a report beside that of the year before.

use super::Archive;
use super::decode;
use super::index::{merged_prefix, organ_key, report_key};
use super::read::Moment;
use super::tree::{Ground, Years};
use crate::failure::Failure;
use crate::finding::{findings, findings_beside};
use crate::names::{OrganId, ReportId};
use crate::pb::report::State;
use crate::pb::{Finding, Organ, Report, Scope};
use crate::store::Precondition;
use crate::years::{Figures, broken, copied_texts};

/// The report of the year before.
struct LastYear {
    /// The name of the revision.
    revision: String,
    report: Report,
}

impl Archive {
    /// Everything that the rules find in a report, those too that hold it against last year's,
    /// where that is stored.
    ///
    /// # Errors
    /// `Store`.
    pub fn findings(&self, report: &Report) -> Result<Vec<Finding>, Failure> {
        self.findings_at(report, Moment::Now).map(|(findings, _)| findings)
    }

    /// The same as it was at a moment; and what is stored that it rests on.
    pub(super) fn findings_at(
        &self,
        report: &Report,
        moment: Moment,
    ) -> Result<(Vec<Finding>, Option<Precondition>), Failure> {
        let Some(id) = ReportId::of(report) else {
            return Ok((findings(report), None));
        };
        let before = ReportId { year: id.year.saturating_sub(1), ..id.clone() };
        let key = report_key(&before);
        // What was stored once is there for ever, so what is not there never was.
        let Some(stored) = self.store.get(&key)? else {
            return Ok((findings(report), Some(Precondition::Absent(key))));
        };
        let head = match moment {
            Moment::Now => Some(decode(&stored)?),
            moment => self.head_of(&before, moment)?,
        };
        let rests_on = Some(Precondition::Unchanged { key, value: stored });
        let Some(last) = head.map(|head| self.last_year(&before, head)).transpose()?.flatten()
        else {
            return Ok((findings(report), rests_on));
        };
        let findings = self.findings_beside(&id, report, &last.report, &last.revision)?;
        Ok((findings, rests_on))
    }

    /// Everything that the rules find in a report beside that revision of the year before.
    ///
    /// # Errors
    /// `Store`.
    pub fn findings_beside(
        &self,
        id: &ReportId,
        report: &Report,
        last: &Report,
        revision: &str,
    ) -> Result<Vec<Finding>, Failure> {
        let (this, figures) = (Figures::of(report), Figures::of(last));
        let mut beside = broken(&this, &figures, true);
        if !beside.is_empty() && self.is_reorganised(id)? {
            beside = broken(&this, &figures, false);
        }
        beside.extend(copied_texts(report, last));
        Ok(findings_beside(report, beside, revision))
    }

    /// The revision of a report to hold the next one against: that which counts in sums; where none
    /// does yet, that which waits for acceptance. A draft is nobody's word.
    fn last_year(&self, id: &ReportId, head: Report) -> Result<Option<LastYear>, Failure> {
        let number = match head.effective_revision {
            0 if head.state() == State::Submitted => head.latest_revision,
            effective => effective,
        };
        if number == 0 {
            return Ok(None);
        }
        let revision = format!("{id}/revisions/{number}");
        Ok(Some(LastYear { revision, report: self.dressed(id, head, number)? }))
    }

    /// The head of a report at a moment, if it was there.
    fn head_of(&self, id: &ReportId, moment: Moment) -> Result<Option<Report>, Failure> {
        match self.head_in(id, moment) {
            Ok(head) => Ok(Some(head)),
            Err(Failure::ReportNotFound(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Whether the organ is not what it was the year before: another was merged into it, or, for
    /// its region, other organs stand right below it.
    fn is_reorganised(&self, id: &ReportId) -> Result<bool, Failure> {
        let mut ground = Ground::new(self)?;
        if id.scope == Scope::Region {
            let mut below = |year| {
                let years = Years { from: year, until: year };
                let children = ground.children(&id.organ, years)?;
                Ok::<_, Failure>(children.into_iter().map(|(id, _)| id).collect::<Vec<_>>())
            };
            return Ok(below(id.year - 1)? != below(id.year)?);
        }
        const BATCH: usize = 256;
        let prefix = merged_prefix(&id.organ);
        let mut after = None::<Vec<u8>>;
        loop {
            let batch = self.store.scan(&prefix, after.as_deref(), BATCH)?;
            let ended = batch.len() < BATCH;
            for (key, value) in batch {
                after = Some(key);
                if self.is_merged_in(&value, id)? {
                    return Ok(true);
                }
            }
            if ended {
                return Ok(false);
            }
        }
    }

    /// Whether the organ of that id was merged into the one that reports, from this year on.
    fn is_merged_in(&self, source: &[u8], id: &ReportId) -> Result<bool, Failure> {
        let source = std::str::from_utf8(source).ok().and_then(OrganId::parse);
        let Some(source) = source else { return Ok(false) };
        let Some(stored) = self.store.get(&organ_key(&source))? else { return Ok(false) };
        let organ: Organ = decode(&stored)?;
        let into = organ.successor == id.organ.to_string();
        Ok(into && organ.successor_from_year == Some(id.year))
    }
}
