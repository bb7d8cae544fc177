//! Sums with their coverage, whole and in groups.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;

use super::Rollup;
use super::indicator::indicators;
use super::memo::Way;
use super::question::{Member, Question, members};
use super::row::Totals;
use super::share::{Counts, Taken};
use super::state::State;
use super::year::revision_name;
use crate::failure::Failure;
use crate::form::{self, Labelled as _};
use crate::limits::{COVERAGE_LIST_MAX, GROUPS_MAX, PAGE_BYTES_MAX};
use crate::pb::{Aggregate, AggregateGroup, Coverage, Edition, GroupBy, Indicator, Scope};

/// A sum while it is made.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) totals: Totals,
    pub(super) counts: Counts,
}

impl Sum {
    fn add(&mut self, member: &Member<'_>) {
        self.counts += &member.counts();
        if let Some(revision) = member.taken().revision() {
            self.totals.add_row(&revision.row);
        }
    }
}

/// One sum a year, in the order asked for, each divided by `group_by`.
///
/// # Errors
/// `OrganNotFound`, `Journal`, `Store`.
pub fn sums(
    rollup: &Rollup,
    question: &Question,
    years: &[i32],
    group_by: GroupBy,
    list_members: bool,
) -> Result<Vec<Aggregate>, Failure> {
    let mut sums = rollup.ask(question.moment, years, |state| {
        let sum = |&year: &i32| sum_of_year(state, question, year, group_by, list_members);
        years.iter().map(sum).collect::<Result<Vec<_>, _>>()
    })?;
    let mut room = PAGE_BYTES_MAX;
    for sum in &mut sums {
        sum.groups_truncated |= fit(&mut sum.groups, &mut room, AggregateGroup::encoded_len);
        let Some(coverage) = &mut sum.coverage else { continue };
        let mut cut = fit(&mut coverage.missing_organs, &mut room, String::len);
        cut |= fit(&mut coverage.included_revisions, &mut room, String::len);
        coverage.lists_truncated |= cut;
    }
    Ok(sums)
}

/// Cuts a list to the room that is left in the answer, and says whether it did.
pub(super) fn fit<T>(list: &mut Vec<T>, room: &mut usize, size: impl Fn(&T) -> usize) -> bool {
    /// What an item takes beside its own bytes.
    const OVERHEAD: usize = 4;
    let kept = list
        .iter()
        .take_while(|item| match room.checked_sub(size(item) + OVERHEAD) {
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

fn sum_of_year(
    state: &State,
    question: &Question,
    year: i32,
    group_by: GroupBy,
    list_members: bool,
) -> Result<Aggregate, Failure> {
    let way = question.way(year);
    let top = state.place(&question.organ)?;
    let whole = question.filter.is_empty() && group_by == GroupBy::Unspecified;
    let members = match whole && !list_members {
        true => Vec::new(),
        false => members(state, question, year)?,
    };
    let parts = parts(state, question, way, top, group_by, &members);
    let groups = parts.groups.into_iter().map(|(name, part)| name.group(state, &part));
    let groups = groups.collect::<Result<Vec<_>, _>>()?;
    let mut aggregate = aggregate(state, way, top, &parts.whole)?;
    (aggregate.groups, aggregate.groups_truncated) = (groups, parts.truncated);
    if let Some(coverage) = aggregate.coverage.as_mut().filter(|_| list_members) {
        list(state, year, &members, coverage);
    }
    Ok(aggregate)
}

/// A sum and its groups.
pub(super) struct Parts {
    pub(super) whole: Sum,
    /// In the order of their keys, up to the limit.
    pub(super) groups: Vec<(Name, Sum)>,
    /// Whether there are more.
    pub(super) truncated: bool,
}

/// The sum of a year, divided. The members are looked at where a filter or groups ask for it.
pub(super) fn parts(
    state: &State,
    question: &Question,
    way: Way,
    top: usize,
    group_by: GroupBy,
    members: &[Member<'_>],
) -> Parts {
    if group_by != GroupBy::Unspecified {
        let Divided { groups, rest } = divide(state, group_by, members);
        let truncated = rest.is_some();
        let mut whole = rest.unwrap_or_default();
        for (_, part) in &groups {
            whole.totals.add(&part.totals);
            whole.counts += &part.counts;
        }
        return Parts { whole, groups, truncated };
    }
    let mut whole = Sum::default();
    if question.filter.is_empty() {
        (whole.totals, whole.counts) = state.sum(way, top);
    } else {
        members.iter().for_each(|member| whole.add(member));
    }
    Parts { whole, groups: Vec::new(), truncated: false }
}

fn aggregate(state: &State, way: Way, top: usize, sum: &Sum) -> Result<Aggregate, Failure> {
    let (shape, mut cells) = sum.totals.finish()?;
    for told in &mut cells {
        let editions = [Edition::Edition2019, Edition::Edition2021].into_iter();
        let printed = |edition: &Edition| {
            form::cell(&told.field_path).is_some_and(|cell| cell.is_in(*edition))
        };
        let asked: u32 = editions.filter(printed).map(|e| sum.counts.included_in(e)).sum();
        told.blank = i32::try_from(asked).unwrap_or(i32::MAX) - told.given;
    }
    Ok(Aggregate {
        organ: state.organ(top).name.clone(),
        year: way.taking.year,
        disclosure: shape.disclosure,
        disclosure_2019: shape.disclosure_2019,
        requests: shape.requests,
        disputes: shape.disputes,
        cells,
        coverage: Some(sum.counts.coverage()),
        indicators: indicators(&sum.totals),
        position: state.position().to_string(),
        basis: way.taking.basis as i32,
        tree_year: way.tree_year,
        ..Aggregate::default()
    })
}

/// The lists of a coverage, sorted and cut at their limit.
fn list(state: &State, year: i32, members: &[Member<'_>], coverage: &mut Coverage) {
    let (mut included, mut missing) = (Vec::new(), Vec::new());
    for member in members {
        let name = |scope, number| revision_name(&state.report(member.place, year, scope), number);
        match member.taken() {
            Taken::Own(revision) => included.push(name(Scope::Own, revision.number)),
            Taken::Region(revision) => included.push(name(Scope::Region, revision.number)),
            Taken::Nothing if member.counts().missing > 0 => {
                missing.push(state.organ(member.place).name.clone());
            }
            Taken::Nothing => {}
        }
    }
    coverage.lists_truncated = included.len().max(missing.len()) > COVERAGE_LIST_MAX;
    for list in [&mut included, &mut missing] {
        list.sort_unstable();
        list.truncate(COVERAGE_LIST_MAX);
    }
    (coverage.included_revisions, coverage.missing_organs) = (included, missing);
}

/// What a group is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    Branch(usize),
    Level(i32),
    Kind(i32),
    Sector(&'a str),
}

/// What a group is called.
pub(super) struct Name {
    pub(super) key: String,
    pub(super) zh: String,
    en: String,
    /// The organ at its top, where it has one of its own.
    pub(super) top: Option<usize>,
}

impl Key<'_> {
    fn name(self, state: &State) -> Name {
        let labelled = |key: &str, prefix: &str, zh: &str, en: &str| Name {
            key: key.trim_start_matches(prefix).to_owned(),
            zh: zh.to_owned(),
            en: en.to_owned(),
            top: None,
        };
        match self {
            Key::Branch(place) => {
                let organ = state.organ(place);
                let name = labelled(&organ.name, "", &organ.display_name, &organ.display_name);
                Name { top: Some(place), ..name }
            }
            Key::Level(number) => {
                let level = crate::pb::organ::Level::try_from(number).unwrap_or_default();
                labelled(level.as_str_name(), "LEVEL_", level.zh(), level.en())
            }
            Key::Kind(number) => {
                let kind = crate::pb::organ::Kind::try_from(number).unwrap_or_default();
                labelled(kind.as_str_name(), "KIND_", kind.zh(), kind.en())
            }
            Key::Sector(sector) => labelled(sector, "", sector, sector),
        }
    }
}

impl Name {
    fn group(self, state: &State, part: &Sum) -> Result<AggregateGroup, Failure> {
        let (shape, _) = part.totals.finish()?;
        // The labels of the indicators are most of a group, and stand in the whole.
        let plain = |indicator: Indicator| Indicator {
            label_zh: String::new(),
            label_en: String::new(),
            ..indicator
        };
        let organ = self.top.map(|place| state.organ(place).name.clone());
        Ok(AggregateGroup {
            key: self.key,
            label_zh: self.zh,
            label_en: self.en,
            organ: organ.unwrap_or_default(),
            disclosure: shape.disclosure,
            disclosure_2019: shape.disclosure_2019,
            requests: shape.requests,
            disputes: shape.disputes,
            coverage: Some(part.counts.coverage()),
            indicators: indicators(&part.totals).into_iter().map(plain).collect(),
        })
    }
}

/// A sum in parts.
struct Divided {
    /// In the order of their keys, up to the limit.
    groups: Vec<(Name, Sum)>,
    /// The sum of the groups beyond it.
    rest: Option<Sum>,
}

fn divide(state: &State, group_by: GroupBy, members: &[Member<'_>]) -> Divided {
    let key = |member: &Member<'_>| {
        let organ = state.organ(member.place);
        match group_by {
            GroupBy::Unspecified | GroupBy::Child => Key::Branch(member.branch),
            GroupBy::Level => Key::Level(organ.level),
            GroupBy::Kind => Key::Kind(organ.kind),
            GroupBy::Sector => Key::Sector(&organ.sector),
        }
    };
    let mut slots: HashMap<Key<'_>, usize> =
        members.iter().map(|member| (key(member), GROUPS_MAX)).collect();
    let names: BTreeMap<String, Key<'_>> =
        slots.keys().map(|&key| (key.name(state).key, key)).collect();
    for (slot, key) in names.values().enumerate().take(GROUPS_MAX) {
        slots.insert(*key, slot);
    }
    let mut groups: Vec<(Name, Sum)> =
        names.values().take(GROUPS_MAX).map(|key| (key.name(state), Sum::default())).collect();
    let mut rest = None;
    for member in members {
        match slots.get(&key(member)).and_then(|&slot| groups.get_mut(slot)) {
            Some((_, sum)) => sum.add(member),
            None => rest.get_or_insert_with(Sum::default).add(member),
        }
    }
    Divided { groups, rest }
}
