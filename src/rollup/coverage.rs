//! How each organ stands in a sum.

use super::Rollup;
use super::question::{Member, Question, members};
use super::share::{Counts, Taken};
use super::state::State;
use super::year::revision_name;
use crate::failure::Failure;
use crate::pb::get_coverage_request::Only;
use crate::pb::organ_coverage::Taken as TakenWord;
use crate::pb::report::State as ReportState;
use crate::pb::{GetCoverageResponse, OrganCoverage, Scope};

/// Counts over all organs, and a page of those that `only` names, ordered by id, from the one after
/// `after` on. The key of the next page comes beside it, where there is one.
///
/// # Errors
/// `OrganNotFound`, `Journal`, `Store`.
pub fn coverage(
    rollup: &Rollup,
    question: &Question,
    year: i32,
    only: Only,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<(GetCoverageResponse, Option<Vec<u8>>), Failure> {
    rollup.ask(question.moment, &[year], |state| {
        let way = question.way(year);
        let members = members(state, question, year)?;
        let mut counts = Counts::default();
        members.iter().for_each(|member| counts += &member.counts());
        let id = |member: &Member<'_>| state.id(member.place).as_str().as_bytes();
        let wanted = |member: &&Member<'_>| {
            names(only, &member.counts()) && after.is_none_or(|after| id(member) > after)
        };
        let mut wanted: Vec<&Member<'_>> = members.iter().filter(wanted).collect();
        wanted.sort_unstable_by_key(|member| id(member));
        let more = wanted.len() > limit;
        wanted.truncate(limit);
        let next = wanted.last().filter(|_| more).map(|member| id(member).to_vec());
        let response = GetCoverageResponse {
            coverage: Some(counts.coverage()),
            organs: wanted.iter().map(|member| row(state, member, year)).collect(),
            next_page_token: String::new(),
            position: state.position().to_string(),
            basis: way.taking.basis as i32,
            tree_year: way.tree_year,
        };
        Ok((response, next))
    })
}

/// Whether an organ of which that is counted is among those asked for.
fn names(only: Only, counts: &Counts) -> bool {
    match only {
        Only::Unspecified | Only::All => true,
        Only::Missing => counts.missing > 0,
        Only::Late => counts.late > 0,
        Only::Included => counts.included > 0,
        Only::Unaccepted => counts.unaccepted > 0,
        Only::AsPublished => counts.as_published > 0,
        Only::CoveredByRegion => counts.covered > 0,
        Only::NotFiled => counts.not_filed > 0,
        Only::Waiting => counts.missing > 0 && counts.is_in(ReportState::Submitted),
    }
}

/// How an organ stands.
pub(super) fn row(state: &State, member: &Member<'_>, year: i32) -> OrganCoverage {
    let organ = state.organ(member.place);
    let counts = member.counts();
    let filed = member.share.filed(member.covered_by.is_some());
    let name = |scope, number| revision_name(&state.report(member.place, year, scope), number);
    let (taken, revision) = match member.taken() {
        Taken::Own(revision) => (TakenWord::Own, name(Scope::Own, revision.number)),
        Taken::Region(revision) => (TakenWord::Region, name(Scope::Region, revision.number)),
        Taken::Nothing if counts.covered > 0 => (TakenWord::CoveredByRegion, String::new()),
        Taken::Nothing => (TakenWord::None, String::new()),
    };
    let due_date = match filed.filter(|filed| filed.submit_time.is_some()) {
        Some(filed) => filed.due_date.clone(),
        None if member.share.expected => state.due_date(member.place, year, Scope::Own),
        None => String::new(),
    };
    OrganCoverage {
        organ: organ.name.clone(),
        display_name: organ.display_name.clone(),
        parent: member.parent.map(|place| state.organ(place).name.clone()).unwrap_or_default(),
        expected: member.share.expected,
        state: filed.map_or(ReportState::Unspecified, |filed| filed.state) as i32,
        late: counts.late > 0,
        submit_time: filed.and_then(|filed| filed.submit_time),
        due_date,
        taken: taken as i32,
        revision,
        covered_by: covering(state, member, year, taken),
        unaccepted: counts.unaccepted > 0,
        as_published: counts.as_published > 0,
    }
}

/// The revision that declares the figures of an organ.
fn covering(state: &State, member: &Member<'_>, year: i32, taken: TakenWord) -> String {
    let above = member.covered_by.filter(|_| taken == TakenWord::CoveredByRegion);
    let named = above.and_then(|place| {
        let Taken::Region(revision) = state.share(member.share.taking, place).taken() else {
            return None;
        };
        Some(revision_name(&state.report(place, year, Scope::Region), revision.number))
    });
    named.unwrap_or_default()
}
