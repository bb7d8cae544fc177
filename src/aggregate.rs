//! Sums of reports over the tree of organs, with what they cover.
//!
//! A cell's sum is exact: whole numbers in `i128`, money in decimals of the largest scale of the
//! parts. Only own reports are added, so that nothing is counted twice. A cell that no organ gave
//! is absent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use crate::archive::{Archive, is_active, parent_in};
use crate::failure::Failure;
use crate::form::{Amount, CELLS, Cell, CellKind};
use crate::limits::{COVERAGE_LIST_MAX, PAGE_BYTES_MAX, PAGE_SIZE_MAX};
use crate::names::{OrganId, ReportId};
use crate::pb::{Aggregate, CellSum, Coverage, Organ, Report, Scope, Summing, report};
use crate::query::hex;

/// What is to be summed.
pub struct Question {
    /// The organ at the top.
    pub organ: OrganId,
    /// Each year is summed by itself.
    pub years: Vec<i32>,
    /// Whether reports that are not accepted yet are added.
    pub include_unaccepted: bool,
    /// Whether the members are listed.
    pub list_members: bool,
}

/// One sum a year, in the order asked for.
///
/// # Errors
/// `OrganNotFound`, `Store`.
pub fn aggregate(archive: &Archive, question: &Question) -> Result<Vec<Aggregate>, Failure> {
    archive.organ(&question.organ)?;
    let organs = all_organs(archive)?;
    let sum = |&year: &i32| sum_of_year(archive, &organs, question, year);
    let mut sums: Vec<Aggregate> = question.years.iter().map(sum).collect::<Result<_, _>>()?;
    let mut room = PAGE_BYTES_MAX;
    for coverage in sums.iter_mut().filter_map(|sum| sum.coverage.as_mut()) {
        let mut cut = fit(&mut coverage.missing_organs, &mut room);
        cut |= fit(&mut coverage.included_revisions, &mut room);
        coverage.lists_truncated |= cut;
    }
    Ok(sums)
}

/// Cuts a list to the room that is left in the answer, and says whether it did.
fn fit(list: &mut Vec<String>, room: &mut usize) -> bool {
    /// What a name takes beside its own bytes.
    const OVERHEAD: usize = 4;
    let kept = list
        .iter()
        .take_while(|name| match room.checked_sub(name.len() + OVERHEAD) {
            Some(left) => {
                *room = left;
                true
            }
            None => false,
        })
        .count();
    let cut = kept < list.len();
    list.truncate(kept);
    cut
}

fn all_organs(archive: &Archive) -> Result<Vec<Organ>, Failure> {
    let mut organs = Vec::new();
    let mut after = None;
    loop {
        let page = archive.organs(after.as_deref(), PAGE_SIZE_MAX, |_| true)?;
        organs.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(organs),
        }
    }
}

fn sum_of_year(
    archive: &Archive,
    organs: &[Organ],
    question: &Question,
    year: i32,
) -> Result<Aggregate, Failure> {
    let mut tally = Tally::default();
    let mut coverage = Coverage::default();
    let (mut revisions, mut missing) = (BTreeSet::new(), BTreeSet::new());
    for organ in subtree(organs, &question.organ, year) {
        let Some(id) = OrganId::from_name(&organ.name) else {
            continue;
        };
        if !is_active(organ, year) {
            continue;
        }
        coverage.expected += 1;
        let id = ReportId { organ: id, year, scope: Scope::Own };
        let Some((report, number)) = counted(archive, &id, question.include_unaccepted)? else {
            coverage.missing += 1;
            missing.insert(organ.name.clone());
            continue;
        };
        coverage.included += 1;
        coverage.unaccepted += i32::from(number != report.effective_revision);
        coverage.as_published += i32::from(!report.as_published_reason.is_empty());
        revisions.insert(format!("{id}/revisions/{number}"));
        tally.add(&report)?;
    }
    let mut hash = Sha256::new();
    for revision in &revisions {
        hash.update(revision.as_bytes());
        hash.update(b"\n");
    }
    coverage.revision_digest = hex(&hash.finalize());
    if question.list_members {
        coverage.lists_truncated = revisions.len().max(missing.len()) > COVERAGE_LIST_MAX;
        coverage.included_revisions = revisions.into_iter().take(COVERAGE_LIST_MAX).collect();
        coverage.missing_organs = missing.into_iter().take(COVERAGE_LIST_MAX).collect();
    }
    let mut sum = tally.finish()?;
    sum.organ = question.organ.to_string();
    sum.year = year;
    sum.coverage = Some(coverage);
    Ok(sum)
}

/// The organ and all below it, by the affiliations of that year.
fn subtree<'a>(organs: &'a [Organ], top: &OrganId, year: i32) -> Vec<&'a Organ> {
    let mut children: HashMap<&str, Vec<&Organ>> = HashMap::new();
    for organ in organs {
        if let Some(parent) = parent_in(organ, year) {
            children.entry(parent).or_default().push(organ);
        }
    }
    let top = top.to_string();
    let mut out: Vec<&Organ> = organs.iter().filter(|o| o.name == top).collect();
    let mut seen: BTreeSet<&str> = out.iter().map(|o| o.name.as_str()).collect();
    let mut next = 0;
    while let Some(organ) = out.get(next).copied() {
        next += 1;
        for &child in children.get(organ.name.as_str()).into_iter().flatten() {
            // Affiliations are acyclic; should a store ever say otherwise, each organ counts once.
            if seen.insert(&child.name) {
                out.push(child);
            }
        }
    }
    out
}

/// The revision of a report that takes part in sums, if any, and its number: the effective one;
/// where what waits for acceptance was asked for, that.
fn counted(
    archive: &Archive,
    id: &ReportId,
    include_unaccepted: bool,
) -> Result<Option<(Report, i32)>, Failure> {
    let head = match archive.head(id) {
        Ok(head) => head,
        Err(Failure::ReportNotFound(_)) => return Ok(None),
        Err(other) => return Err(other),
    };
    let waits = include_unaccepted && head.state() == report::State::Submitted;
    let number = if waits { head.latest_revision } else { head.effective_revision };
    match number {
        0 => Ok(None),
        number => Ok(Some((archive.dressed(id, head, number)?, number))),
    }
}

/// Running sums of all cells.
#[derive(Default)]
struct Tally {
    sums: BTreeMap<usize, (Sum, i32)>,
}

/// The running sum of one cell.
enum Sum {
    Count(i128),
    /// With the largest scale of the parts, which adding zero does not keep.
    Money(Decimal, u32),
}

impl Tally {
    fn add(&mut self, report: &Report) -> Result<(), Failure> {
        for (index, cell) in CELLS.iter().enumerate() {
            if cell.summing() == Summing::Never {
                continue;
            }
            let Some(value) = cell.get(report) else {
                continue;
            };
            let value = match value {
                Amount::Count(count) => Sum::Count(i128::from(count)),
                Amount::Money(text) => {
                    let money: Decimal =
                        text.parse().map_err(|_| unsummable(cell, &report.name))?;
                    Sum::Money(money, money.scale())
                }
                Amount::Text(_) => continue,
            };
            let (sum, given) = self.sums.entry(index).or_insert((zero(cell.kind), 0));
            *given += 1;
            match (sum, value) {
                (Sum::Count(sum), Sum::Count(value)) => *sum += value,
                (Sum::Money(sum, scale), Sum::Money(value, own)) => {
                    *scale = own.max(*scale);
                    *sum = sum.checked_add(value).ok_or_else(|| unsummable(cell, &report.name))?;
                }
                (Sum::Count(_), Sum::Money(..)) | (Sum::Money(..), Sum::Count(_)) => {
                    return Err(unsummable(cell, &report.name));
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Aggregate, Failure> {
        let mut shape = Report::default();
        let mut cells = Vec::with_capacity(self.sums.len());
        for (index, (sum, given)) in self.sums {
            let cell = &CELLS[index];
            let amount = match sum {
                Sum::Count(sum) => {
                    Amount::Count(i64::try_from(sum).map_err(|_| unsummable(cell, "the sum"))?)
                }
                Sum::Money(mut sum, scale) => {
                    sum.rescale(scale);
                    Amount::Money(sum.to_string())
                }
            };
            cells.push(CellSum {
                field_path: cell.path.to_owned(),
                cell: cell.address.to_owned(),
                value: amount.to_string(),
                given,
                summing: cell.summing() as i32,
            });
            cell.set(&mut shape, Some(amount)).map_err(|_| unsummable(cell, "the sum"))?;
        }
        Ok(Aggregate {
            disclosure: shape.disclosure,
            disclosure_2019: shape.disclosure_2019,
            requests: shape.requests,
            disputes: shape.disputes,
            cells,
            ..Aggregate::default()
        })
    }
}

fn zero(kind: CellKind) -> Sum {
    match kind {
        CellKind::Money => Sum::Money(Decimal::ZERO, 0),
        CellKind::Count | CellKind::Text => Sum::Count(0),
    }
}

/// Only a report that no door of this program let in can be so.
fn unsummable(cell: &Cell, name: &str) -> Failure {
    Failure::Store(format!("{} of {name} cannot be summed", cell.path))
}
