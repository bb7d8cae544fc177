//! Reports that count and no longer follow from that of the year before.

use prost::Message as _;

use super::Rollup;
use super::filter::Filter;
use super::question::Question;
use super::state::State;
use super::year::{Revision, revision_name};
use crate::archive::{Moment, is_active};
use crate::failure::Failure;
use crate::finding::unexplained;
use crate::limits::PAGE_BYTES_MAX;
use crate::names::{OrganId, ReportId};
use crate::pb::{
    Basis, Finding, ListReviewsResponse, OrganTree, Report, Review, Scope, Severity, report,
};
use crate::rules;
use crate::years::{Figures, broken};

/// A report whose figures do not follow from those of last year's.
struct Candidate {
    id: ReportId,
    number: i32,
    state: report::State,
    display_name: String,
    last: ReportId,
    last_number: i32,
}

/// A page of the reports to look at again, ordered by name, from the one after `after` on. The key
/// of the next page comes beside it, where there is one.
///
/// # Errors
/// `OrganNotFound`, `Journal`, `Store`.
pub fn reviews(
    rollup: &Rollup,
    organ: OrganId,
    year: i32,
    filter: Filter,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<(ListReviewsResponse, Option<Vec<u8>>), Failure> {
    let question = Question {
        organ,
        basis: Basis::Parts,
        tree: OrganTree::OfYear,
        filter,
        include_unaccepted: false,
        moment: Moment::Now,
    };
    let years = [year, year - 1];
    let mut candidates =
        rollup.ask(question.moment, &years, |state| candidates(state, &question, year))?;
    candidates.sort_unstable_by_key(|candidate| candidate.id.to_string());
    let (mut reviews, mut bytes, mut last) = (Vec::new(), 0, None);
    for candidate in candidates {
        let name = candidate.id.to_string();
        if after.is_some_and(|after| name.as_bytes() <= after) {
            continue;
        }
        let Some(review) = candidate.review(rollup)? else { continue };
        bytes += review.encoded_len();
        if reviews.len() == limit || (bytes > PAGE_BYTES_MAX && !reviews.is_empty()) {
            return Ok((ListReviewsResponse { reviews, ..Default::default() }, last));
        }
        reviews.push(review);
        last = Some(name.into_bytes());
    }
    Ok((ListReviewsResponse { reviews, ..Default::default() }, None))
}

/// By the figures alone: whether words explain them is for the report itself to say.
fn candidates(state: &State, question: &Question, year: i32) -> Result<Vec<Candidate>, Failure> {
    let tree = state.tree(question.way(year).tree_year);
    let mut candidates = Vec::new();
    for step in tree.walk(state.place(&question.organ)?, |_| true) {
        let organ = state.organ(step.place);
        if !question.filter.passes(organ) || !is_active(organ, year) {
            continue;
        }
        for scope in [Scope::Own, Scope::Region] {
            let Some(filed) = state.filed(year, step.place, scope) else { continue };
            let Some(this) = filed.counted(false).filter(|this| !this.as_published) else {
                continue;
            };
            let Some(earlier) = state.filed(year - 1, step.place, scope) else { continue };
            let Some(last) = earlier.counted(false).or_else(|| earlier.counted(true)) else {
                continue;
            };
            if is_broken(&figures(this, year), &figures(last, year - 1)) {
                candidates.push(Candidate {
                    id: state.report(step.place, year, scope),
                    number: this.number,
                    state: filed.state,
                    display_name: organ.display_name.clone(),
                    last: state.report(step.place, year - 1, scope),
                    last_number: last.number,
                });
            }
        }
    }
    Ok(candidates)
}

fn figures(revision: &Revision, year: i32) -> Figures {
    Figures { year, edition: revision.edition, cells: revision.row.cells() }
}

fn is_broken(this: &Figures, last: &Figures) -> bool {
    broken(this, last, true).iter().any(|violation| {
        rules::rule(violation.rule).is_some_and(|rule| rule.severity() == Severity::Warning)
    })
}

impl Candidate {
    /// What stands unexplained, if anything does.
    fn review(&self, rollup: &Rollup) -> Result<Option<Review>, Failure> {
        let archive = rollup.archive();
        let read = |id: &ReportId, number| {
            let head = Report { name: id.to_string(), ..Report::default() };
            archive.dressed(id, head, number)
        };
        let this = read(&self.id, self.number)?;
        let last = read(&self.last, self.last_number)?;
        let compared_with = revision_name(&self.last, self.last_number);
        let findings = archive.findings_beside(&self.id, &this, &last, &compared_with)?;
        let unexplained = unexplained(&this, &findings).into_iter();
        let findings: Vec<Finding> =
            unexplained.filter(|finding| !finding.compared_with.is_empty()).cloned().collect();
        Ok((!findings.is_empty()).then(|| Review {
            revision: revision_name(&self.id, self.number),
            display_name: self.display_name.clone(),
            state: self.state as i32,
            compared_with,
            findings,
        }))
    }
}
