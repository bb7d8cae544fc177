//! What each revision brings into the sum of one cell.

use std::cmp::Reverse;

use super::Rollup;
use super::question::{Question, members};
use super::row::{Figure, printed};
use super::share::Taken;
use super::state::State;
use super::year::revision_name;
use crate::address::{self, Target};
use crate::failure::Failure;
use crate::form::{CELLS, Cell};
use crate::pb::{Contribution, Edition, ListContributionsResponse, Scope, Summing};

/// Where a contribution stands: the largest first, then by id.
type Rank<'a> = (Reverse<i64>, &'a str);

/// A page of the contributions to a cell, from the one after `after` on. The key of the next page
/// comes beside it, where there is one.
///
/// # Errors
/// `CellUnknown`, `PageToken` for a key that this did not give, `OrganNotFound`, `Journal`,
/// `Store`.
pub fn contributions(
    rollup: &Rollup,
    question: &Question,
    year: i32,
    cell: &str,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<(ListContributionsResponse, Option<Vec<u8>>), Failure> {
    let (place, cell) = summed_cell(cell, year)?;
    let after = after.map(|key| read_key(key).ok_or(Failure::PageToken)).transpose()?;
    rollup.ask(question.moment, &[year], |state| {
        let way = question.way(year);
        let members = members(state, question, year)?;
        let mut rows: Vec<Row<'_>> = Vec::new();
        for member in &members {
            let (scope, revision) = match member.taken() {
                Taken::Own(revision) => (Scope::Own, revision),
                Taken::Region(revision) => (Scope::Region, revision),
                Taken::Nothing => continue,
            };
            let Some(figure) = revision.row.get(place) else { continue };
            let rank = (Reverse(figure.value), state.id(member.place).as_str());
            let name = revision_name(&state.report(member.place, year, scope), revision.number);
            rows.push(Row { rank, figure, place: member.place, revision: name });
        }
        let total: i128 = rows.iter().map(|row| i128::from(row.figure.value)).sum();
        let scale = rows.iter().map(|row| row.figure.scale).max();
        let given = i32::try_from(rows.len()).unwrap_or(i32::MAX);
        rows.retain(|row| after.is_none_or(|after| row.rank > after));
        rows.sort_unstable_by_key(|row| row.rank);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let key = |(Reverse(value), id): Rank<'_>| format!("{value} {id}").into_bytes();
        let next = rows.last().filter(|_| more).map(|row| key(row.rank));
        let contributions = rows.into_iter().map(|row| row.finish(state, cell));
        let response = ListContributionsResponse {
            contributions: contributions.collect::<Result<_, _>>()?,
            next_page_token: String::new(),
            field_path: cell.path.to_owned(),
            cell: cell.address.to_owned(),
            total: scale.map(|scale| text(cell, total, scale)).transpose()?,
            given,
            position: state.position().to_string(),
            basis: way.taking.basis as i32,
            tree_year: way.tree_year,
        };
        Ok((response, next))
    })
}

/// What one revision brings.
struct Row<'a> {
    rank: Rank<'a>,
    figure: Figure,
    place: usize,
    revision: String,
}

impl Row<'_> {
    fn finish(self, state: &State, cell: &Cell) -> Result<Contribution, Failure> {
        let organ = state.organ(self.place);
        Ok(Contribution {
            organ: organ.name.clone(),
            display_name: organ.display_name.clone(),
            revision: self.revision,
            value: text(cell, self.figure.value.into(), self.figure.scale)?,
        })
    }
}

/// A figure as it is printed.
///
/// # Errors
/// `Store` for one beyond what a cell holds.
pub(super) fn text(cell: &Cell, value: i128, scale: u8) -> Result<String, Failure> {
    let beyond = || Failure::Store(format!("the sum of {} is beyond a cell", cell.path));
    Ok(printed(cell, value, scale).ok_or_else(beyond)?.to_string())
}

/// Reads the key of a page.
fn read_key(key: &[u8]) -> Option<Rank<'_>> {
    let (value, id) = std::str::from_utf8(key).ok()?.split_once(' ')?;
    Some((Reverse(value.parse().ok()?), id))
}

/// The cell of a path or a Chinese address, and its place among all. The form of the year is tried
/// first, then the other: reports of both may be summed.
pub(super) fn summed_cell(address: &str, year: i32) -> Result<(usize, &'static Cell), Failure> {
    let (first, second) = match year {
        ..=2020 => (Edition::Edition2019, Edition::Edition2021),
        _ => (Edition::Edition2021, Edition::Edition2019),
    };
    let found = match address::resolve(address, first) {
        Err(address::Error::OtherEdition { .. }) => address::resolve(address, second),
        other => other,
    };
    let unknown = |zh: String, en: String| Failure::CellUnknown { zh, en };
    let target = found.map_err(|error| unknown(error.zh(), error.to_string()))?;
    let never = || {
        let (zh, path) = (target.address(), target.path());
        unknown(format!("“{zh}”不汇总"), format!("{path} is never summed"))
    };
    let Target::Cell(cell) = target else { return Err(never()) };
    let place = CELLS.iter().position(|other| std::ptr::eq(other, cell));
    place.filter(|_| cell.summing() != Summing::Never).map(|place| (place, cell)).ok_or_else(never)
}
