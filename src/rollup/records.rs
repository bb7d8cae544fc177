//! What an export lists: of each sum the revisions that it takes, or its groups, as they stood at
//! one position. Revisions never change, so their figures are read from the archive afterwards, one
//! after another; sums are kept packed.

use std::collections::HashMap;
use std::sync::Arc;

use super::Rollup;
use super::question::{Member, Question, members};
use super::row::{Packed, Totals};
use super::share::Taken;
use super::state::State;
use super::sums::{Sum, parts};
use crate::failure::Failure;
use crate::limits::COVERAGE_LIST_MAX;
use crate::names::ReportId;
use crate::pb::report::State as ReportState;
use crate::pb::{Basis, CellSum, Coverage, ExportContent, GroupBy, Report, Scope, organ};

/// What is known of an organ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `organs/{organ}`.
    pub name: String,
    /// Its full name.
    pub display_name: String,
    /// Its level.
    pub level: organ::Level,
    /// Its kind.
    pub kind: organ::Kind,
    /// Its vertical line; may be empty.
    pub sector: String,
    /// Its division; may be empty.
    pub division_code: String,
}

/// What is taken of a year.
pub struct YearRecords {
    /// The year.
    pub year: i32,
    /// The year whose affiliations are the tree.
    pub tree_year: i32,
    /// What the sum covers, without lists.
    pub coverage: Coverage,
    /// The missing organs, ordered by id, up to the limit of such lists.
    pub missing: Vec<Arc<Facts>>,
    /// Whether groups were left out.
    pub groups_truncated: bool,
}

/// A revision that a sum takes.
#[derive(Clone)]
pub struct TakenRevision {
    /// Whose report.
    pub organ: Arc<Facts>,
    /// The report.
    pub report: ReportId,
    /// The number of the revision.
    pub number: i32,
    /// Where the report stands.
    pub state: ReportState,
    /// Whether it keeps errors, submitted as published.
    pub as_published: bool,
}

/// A sum, or a part of one.
pub struct SumRecord {
    /// The organ at its top.
    pub organ: Arc<Facts>,
    /// The place of its year among the years.
    pub year: usize,
    /// The group; `None` for the whole.
    pub group: Option<Group>,
    /// What it covers, without lists.
    pub coverage: Coverage,
    kept: Packed,
}

/// What a group of a sum is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What it is known by.
    pub key: String,
    /// Its name in Chinese.
    pub label: String,
}

impl SumRecord {
    /// The sums in the places of a report, and each with how often it was given.
    ///
    /// # Errors
    /// `Store`.
    pub fn figures(&self) -> Result<(Report, Vec<CellSum>), Failure> {
        let mut totals = Totals::default();
        totals.add_packed(&self.kept);
        totals.finish()
    }
}

/// The records themselves.
pub enum Items {
    /// By year, then by the id of the organ.
    Reports(Vec<TakenRevision>),
    /// Of each year the whole, then its groups by their keys.
    Sums(Vec<SumRecord>),
}

/// All that an export lists.
pub struct Records {
    /// The position whose state this is.
    pub position: String,
    /// The basis.
    pub basis: Basis,
    /// The organ at the top.
    pub top: Arc<Facts>,
    /// The years, in the order asked for.
    pub years: Vec<YearRecords>,
    /// The records.
    pub items: Items,
}

/// What an export of these years lists. Sums are divided by `group_by`.
///
/// # Errors
/// `OrganNotFound`, `Journal`, `Store`.
pub fn records(
    rollup: &Rollup,
    question: &Question,
    years: &[i32],
    content: ExportContent,
    group_by: GroupBy,
) -> Result<Records, Failure> {
    rollup.ask(question.moment, years, |state| {
        let (top, mut known) =
            (state.place(&question.organ)?, Known { state, facts: HashMap::new() });
        let mut listed = Vec::new();
        let (mut revisions, mut sums) = (Vec::new(), Vec::new());
        for &year in years {
            let way = question.way(year);
            let mut members = members(state, question, year)?;
            members.sort_unstable_by_key(|member| state.id(member.place));
            let parts = parts(state, question, way, top, group_by, &members);
            let mut records = YearRecords {
                year,
                tree_year: way.tree_year,
                coverage: parts.whole.counts.coverage(),
                missing: known.missing(&members),
                groups_truncated: false,
            };
            if content == ExportContent::Sums {
                records.groups_truncated = parts.truncated;
                sums.push(known.sum(top, listed.len(), None, &parts.whole));
                for (name, part) in parts.groups {
                    let (key, label) = (name.key, name.zh);
                    let top = name.top.unwrap_or(top);
                    sums.push(known.sum(top, listed.len(), Some(Group { key, label }), &part));
                }
            } else {
                revisions.extend(members.iter().filter_map(|member| known.revision(member, year)));
            }
            listed.push(records);
        }
        Ok(Records {
            position: state.position().to_string(),
            basis: question.way(0).taking.basis,
            top: known.organ(top),
            years: listed,
            items: match content {
                ExportContent::Sums => Items::Sums(sums),
                ExportContent::Unspecified | ExportContent::Reports => Items::Reports(revisions),
            },
        })
    })
}

/// The organs that were named already, each kept once.
struct Known<'a> {
    state: &'a State,
    facts: HashMap<usize, Arc<Facts>>,
}

impl Known<'_> {
    fn organ(&mut self, place: usize) -> Arc<Facts> {
        let facts = self.facts.entry(place).or_insert_with(|| {
            let organ = self.state.organ(place);
            Arc::new(Facts {
                name: organ.name.clone(),
                display_name: organ.display_name.clone(),
                level: organ.level(),
                kind: organ.kind(),
                sector: organ.sector.clone(),
                division_code: organ.division_code.clone(),
            })
        });
        facts.clone()
    }

    fn missing(&mut self, members: &[Member<'_>]) -> Vec<Arc<Facts>> {
        let missing = members.iter().filter(|member| member.counts().missing > 0);
        missing.take(COVERAGE_LIST_MAX).map(|member| self.organ(member.place)).collect()
    }

    fn revision(&mut self, member: &Member<'_>, year: i32) -> Option<TakenRevision> {
        let (scope, revision) = match member.taken() {
            Taken::Own(revision) => (Scope::Own, revision),
            Taken::Region(revision) => (Scope::Region, revision),
            Taken::Nothing => return None,
        };
        let filed = member.share.filed(member.covered_by.is_some());
        Some(TakenRevision {
            organ: self.organ(member.place),
            report: self.state.report(member.place, year, scope),
            number: revision.number,
            state: filed.map_or(ReportState::Unspecified, |filed| filed.state),
            as_published: revision.as_published,
        })
    }

    fn sum(&mut self, top: usize, year: usize, group: Option<Group>, sum: &Sum) -> SumRecord {
        let (organ, coverage) = (self.organ(top), sum.counts.coverage());
        SumRecord { organ, year, group, coverage, kept: sum.totals.pack() }
    }
}
