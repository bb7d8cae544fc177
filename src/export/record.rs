//! One record of an export, read when its turn comes.

use std::sync::Arc;

use super::content;
use crate::archive::Archive;
use crate::failure::Failure;
use crate::pb::report::State;
use crate::pb::{Basis, CellSum, Coverage, ExportContent, Report, Scope};
use crate::rollup::{Facts, Group, Items, Records};

/// A record: a revision with its figures, or a sum.
pub(super) struct Record {
    /// Whose figures: the organ, or the one at the top of a sum.
    pub(super) organ: Arc<Facts>,
    pub(super) year: i32,
    pub(super) basis: Basis,
    pub(super) tree_year: i32,
    pub(super) what: What,
    /// The figures; of a sum in the places of a report.
    pub(super) report: Report,
}

/// What a record is.
pub(super) enum What {
    Revision {
        /// Its name.
        name: String,
        scope: Scope,
        state: State,
        as_published: bool,
    },
    Sum {
        /// `None` for the whole.
        group: Option<Group>,
        coverage: Coverage,
        /// How often each cell was given.
        cells: Vec<CellSum>,
    },
}

impl Record {
    pub(super) fn group(&self) -> Option<&Group> {
        match &self.what {
            What::Revision { .. } => None,
            What::Sum { group, .. } => group.as_ref(),
        }
    }

    pub(super) fn coverage(&self) -> Option<&Coverage> {
        match &self.what {
            What::Revision { .. } => None,
            What::Sum { coverage, .. } => Some(coverage),
        }
    }
}

/// The records, one after another.
pub(super) struct Source {
    archive: Archive,
    records: Records,
    next: usize,
}

impl Source {
    pub(super) fn new(archive: Archive, records: Records) -> Self {
        Source { archive, records, next: 0 }
    }

    /// What was listed.
    pub(super) fn records(&self) -> &Records {
        &self.records
    }

    pub(super) fn content(&self) -> ExportContent {
        content(&self.records.items)
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        match &self.records.items {
            Items::Reports(revisions) => revisions.len(),
            Items::Sums(sums) => sums.len(),
        }
    }

    /// The next record; `None` after the last.
    ///
    /// # Errors
    /// `Store`, `Journal`.
    pub(super) fn next(&mut self) -> Result<Option<Record>, Failure> {
        let record = match &self.records.items {
            Items::Reports(revisions) => self.revision(revisions.get(self.next))?,
            Items::Sums(sums) => match sums.get(self.next) {
                None => None,
                Some(sum) => {
                    let year = &self.records.years[sum.year];
                    let (report, cells) = sum.figures()?;
                    Some(Record {
                        organ: sum.organ.clone(),
                        year: year.year,
                        basis: self.records.basis,
                        tree_year: year.tree_year,
                        what: What::Sum {
                            group: sum.group.clone(),
                            coverage: sum.coverage.clone(),
                            cells,
                        },
                        report,
                    })
                }
            },
        };
        self.next += 1;
        Ok(record)
    }

    fn revision(
        &self,
        taken: Option<&crate::rollup::TakenRevision>,
    ) -> Result<Option<Record>, Failure> {
        let Some(taken) = taken else { return Ok(None) };
        let report = self.archive.dressed(&taken.report, Report::default(), taken.number)?;
        let year = taken.report.year;
        let listed = self.records.years.iter().find(|listed| listed.year == year);
        Ok(Some(Record {
            organ: taken.organ.clone(),
            year,
            basis: self.records.basis,
            tree_year: listed.map_or(year, |listed| listed.tree_year),
            what: What::Revision {
                name: format!("{}/revisions/{}", taken.report, taken.number),
                scope: taken.report.scope,
                state: taken.state,
                as_published: taken.as_published,
            },
            report,
        }))
    }
}
