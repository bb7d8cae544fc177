//! What is asked, and who takes part in the answer.

use super::filter::Filter;
use super::memo::Way;
use super::share::{Counts, Share, Taken, Taking};
use super::state::State;
use crate::archive::{Moment, this_year};
use crate::failure::Failure;
use crate::names::OrganId;
use crate::pb::{Basis, OrganTree};

/// What is to be summed.
#[derive(Clone, Debug)]
pub struct Question {
    /// The organ at the top.
    pub organ: OrganId,
    /// Whose figures are taken.
    pub basis: Basis,
    /// Which tree says what stands below.
    pub tree: OrganTree,
    /// The year whose tree it is, whatever `tree` says; 0 where that decides.
    pub tree_year: i32,
    /// Which organs count.
    pub filter: Filter,
    /// Whether what waits for acceptance is taken.
    pub include_unaccepted: bool,
    /// As it stands, or stood.
    pub moment: Moment,
}

impl Question {
    /// How a year is summed.
    pub(super) fn way(&self, year: i32) -> Way {
        let basis = match self.basis {
            Basis::Unspecified | Basis::Parts => Basis::Parts,
            Basis::Declared => Basis::Declared,
        };
        let tree_year = match (self.tree_year, self.tree) {
            (0, OrganTree::Unspecified | OrganTree::OfYear) => year,
            (0, OrganTree::OfToday) => this_year(),
            (named, _) => named,
        };
        let include_unaccepted = self.include_unaccepted;
        Way { taking: Taking { year, basis, include_unaccepted }, tree_year }
    }
}

/// An organ that takes part.
pub(super) struct Member<'a> {
    pub(super) place: usize,
    pub(super) share: Share<'a>,
    /// The organ above whose report of the region holds the figures of this one.
    pub(super) covered_by: Option<usize>,
    /// The parent in the tree.
    pub(super) parent: Option<usize>,
    /// The member right below the top through which it stands below; of the top itself, the top.
    pub(super) branch: usize,
    /// Whether it declares figures of a region of which no part is in the sum.
    alone: bool,
}

impl<'a> Member<'a> {
    /// What is taken of it.
    pub(super) fn taken(&self) -> Taken<'a> {
        match self.covered_by {
            None => self.share.taken(),
            Some(_) => Taken::Nothing,
        }
    }

    /// What is counted of it.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = self.share.counts(self.covered_by.is_some());
        counts.region_without_parts = self.alone.into();
        counts
    }
}

/// The organ at the top and all below it that pass the filter, each after its parent. What is taken
/// is decided before the filter: a region covers what is below it, whether or not it passes itself.
///
/// # Errors
/// `OrganNotFound`.
pub(super) fn members<'a>(
    state: &'a State,
    question: &Question,
    year: i32,
) -> Result<Vec<Member<'a>>, Failure> {
    let way = question.way(year);
    let mut members = all_members(state, way, way.taking, state.place(&question.organ)?);
    members.retain(|member| question.filter.passes(state.organ(member.place)));
    Ok(members)
}

/// The parts of what the organ at the top declares of its region: its own report is taken, not that
/// of the region, and below it what the question says. No filter applies.
///
/// # Errors
/// `OrganNotFound`.
pub(super) fn part_members<'a>(
    state: &'a State,
    question: &Question,
    year: i32,
) -> Result<Vec<Member<'a>>, Failure> {
    let way = question.way(year);
    let at_top = Taking { basis: Basis::Parts, ..way.taking };
    Ok(all_members(state, way, at_top, state.place(&question.organ)?))
}

/// The organ at the top, where reports are taken as `at_top` says, and all below it, each after its
/// parent.
fn all_members(state: &State, way: Way, at_top: Taking, top: usize) -> Vec<Member<'_>> {
    let tree = state.tree(way.tree_year);
    let steps = tree.walk(top, |_| true);
    let mut members: Vec<Member<'_>> = Vec::with_capacity(steps.len());
    for step in &steps {
        let taking = if step.above.is_none() { at_top } else { way.taking };
        let share = state.share(taking, step.place);
        let above = step.above.map(|above| &members[above]);
        let covered_by = above.and_then(|above| match above.taken() {
            Taken::Region(_) => Some(above.place),
            Taken::Nothing | Taken::Own(_) => above.covered_by,
        });
        let branch = match step.above {
            Some(above) if above > 0 => members[above].branch,
            Some(_) | None => step.place,
        };
        let (place, parent) = (step.place, tree.parent(step.place));
        members.push(Member { place, share, covered_by, parent, branch, alone: false });
    }
    // From the last on, children come before their parents.
    let mut included = vec![0; steps.len()];
    for (at, step) in steps.iter().enumerate().rev() {
        included[at] += u32::from(members[at].taken().revision().is_some());
        members[at].alone = members[at].share.stands_alone(included[at]);
        if let Some(above) = step.above {
            included[above] += included[at];
        }
    }
    members
}
