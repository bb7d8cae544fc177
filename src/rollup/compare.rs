//! Figures over the years, across the editions of the form.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::Rollup;
use super::contributions::{summed_cell, text};
use super::question::{Question, members};
use super::row::Totals;
use super::share::Counts;
use super::state::State;
use super::sums::{Sum, parts};
use crate::failure::Failure;
use crate::form::{CELLS, Cell};
use crate::pb::{CompareYearsResponse, Edition, GroupBy, Summing, YearPoint, YearSeries};

/// A figure that can be followed: a cell, and those of the other edition whose sum stands for it
/// there.
pub(super) struct Figure {
    pub(super) cell: usize,
    counterparts: Vec<usize>,
}

/// Every figure, in form order. A cell that alone stands for another is that other's figure.
pub(super) static FIGURES: LazyLock<Vec<Figure>> = LazyLock::new(|| {
    let place = |path: &&str| CELLS.iter().position(|cell| cell.path == *path);
    let alone = |paths: &&[&'static str]| paths.len() == 1;
    let of_another: HashSet<&str> =
        CELLS.iter().map(Cell::counterparts).filter(alone).flatten().copied().collect();
    let is_own = |path: &str| !of_another.contains(path);
    (0..CELLS.len())
        .filter(|&cell| is_own(CELLS[cell].path) && CELLS[cell].summing() != Summing::Never)
        .map(|cell| {
            let counterparts = CELLS[cell].counterparts().iter().filter_map(place).collect();
            Figure { cell, counterparts }
        })
        .collect()
});

/// The sums of one year.
struct Year {
    year: i32,
    totals: Totals,
    counts: Counts,
}

/// The figures of some cells, or of all where none is named, over years.
///
/// # Errors
/// `CellUnknown`, `OrganNotFound`, `Journal`, `Store`.
pub fn compare_years(
    rollup: &Rollup,
    question: &Question,
    years: &[i32],
    cells: &[String],
) -> Result<CompareYearsResponse, Failure> {
    let figures = figures(cells, years)?;
    rollup.ask(question.moment, years, |state| {
        let sums: Vec<Year> =
            years.iter().map(|&year| sum(state, question, year)).collect::<Result<_, _>>()?;
        let series = figures.iter().map(|figure| figure.series(&sums));
        let ways = years.iter().map(|&year| question.way(year));
        Ok(CompareYearsResponse {
            series: series.collect::<Result<_, _>>()?,
            coverage: sums.iter().map(|sum| sum.counts.coverage()).collect(),
            position: state.position().to_string(),
            basis: question.way(0).taking.basis as i32,
            tree_years: ways.map(|way| way.tree_year).collect(),
        })
    })
}

/// The figures of the cells that were named.
fn figures(cells: &[String], years: &[i32]) -> Result<Vec<&'static Figure>, Failure> {
    if cells.is_empty() {
        return Ok(FIGURES.iter().collect());
    }
    let newest = years.iter().copied().max().unwrap_or_default();
    let figure = |address: &String| {
        let (place, cell) = summed_cell(address, newest)?;
        let holds = |figure: &&Figure| figure.cell == place || *figure.counterparts == [place];
        let unknown = || Failure::Store(format!("{} has no figure", cell.path));
        FIGURES.iter().find(holds).ok_or_else(unknown)
    };
    cells.iter().map(figure).collect()
}

fn sum(state: &State, question: &Question, year: i32) -> Result<Year, Failure> {
    let (way, top) = (question.way(year), state.place(&question.organ)?);
    let members = match question.filter.is_empty() {
        true => Vec::new(),
        false => members(state, question, year)?,
    };
    let Sum { totals, counts } =
        parts(state, question, way, top, GroupBy::Unspecified, &members).whole;
    Ok(Year { year, totals, counts })
}

/// A figure in one year: the sum and its decimals as printed, and how many gave it.
#[derive(Clone, Copy)]
struct Value {
    sum: i128,
    scale: u8,
    given: u32,
}

impl Figure {
    fn series(&self, years: &[Year]) -> Result<YearSeries, Failure> {
        let cell = &CELLS[self.cell];
        let [note, note_en] = cell.counterpart_note().map(str::to_owned);
        let points = years.iter().map(|year| self.point(year, years));
        Ok(YearSeries {
            field_path: cell.path.to_owned(),
            cell: cell.address.to_owned(),
            counterparts: cell.counterparts().iter().map(|&path| path.to_owned()).collect(),
            counterpart_note: note,
            counterpart_note_en: note_en,
            summing: cell.summing() as i32,
            unit: cell.unit() as i32,
            points: points.collect::<Result<_, _>>()?,
        })
    }

    fn point(&self, year: &Year, years: &[Year]) -> Result<YearPoint, Failure> {
        let cell = &CELLS[self.cell];
        let value = self.value(year);
        let before = years.iter().find(|other| other.year == year.year - 1);
        let known = |year: &Year| (self.unknown(year) == 0).then(|| self.value(year)).flatten();
        let change = known(year).zip(before.and_then(known));
        let printed = |value: Value| text(cell, value.sum, value.scale);
        let difference = |(now, before): (Value, Value)| {
            let scale = now.scale.max(before.scale);
            text(cell, now.sum - before.sum, scale)
        };
        let whole = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        Ok(YearPoint {
            year: year.year,
            value: value.map(printed).transpose()?,
            given: whole(value.map_or(0, |value| value.given)),
            unknown: whole(self.unknown(year)),
            change: change.map(difference).transpose()?,
        })
    }

    /// The sum over the reports of both editions; none where nobody gave one.
    fn value(&self, year: &Year) -> Option<Value> {
        let total = |&cell: &usize| year.totals.total(cell);
        let own = total(&self.cell);
        let others = self
            .counterparts
            .iter()
            .filter_map(total)
            .reduce(|a, b| Value { given: a.given.max(b.given), ..a.and(b) });
        match (own, others) {
            (Some(own), Some(others)) => Some(own.and(others)),
            (own, others) => own.or(others),
        }
    }

    /// What one report gives: its own cell, or the sum of those that stand for it.
    pub(super) fn of(&self, cells: &[Option<i64>]) -> Option<i64> {
        let others =
            || self.counterparts.iter().filter_map(|&cell| cells[cell]).reduce(|a, b| a + b);
        cells[self.cell].or_else(others)
    }

    /// The organs whose form has no such figure.
    fn unknown(&self, year: &Year) -> u32 {
        let has = |edition| {
            let mut cells = self.counterparts.iter().chain([&self.cell]);
            cells.any(|&cell| CELLS[cell].is_in(edition))
        };
        let editions = [Edition::Edition2019, Edition::Edition2021];
        let lacking = editions.into_iter().filter(|&edition| !has(edition));
        lacking.map(|edition| year.counts.included_in(edition)).sum()
    }
}

impl Value {
    fn and(self, other: Value) -> Value {
        Value {
            sum: self.sum + other.sum,
            scale: self.scale.max(other.scale),
            given: self.given + other.given,
        }
    }
}

impl Totals {
    fn total(&self, cell: usize) -> Option<Value> {
        let (sum, given, scale) = self.parts(cell)?;
        Some(Value { sum, scale, given })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(path: &str) -> Option<&'static Figure> {
        FIGURES.iter().find(|figure| CELLS[figure.cell].path == path)
    }

    #[test]
    fn every_cell_that_is_summed_is_in_one_figure_as_itself_or_as_the_only_counterpart() {
        for (place, cell) in CELLS.iter().enumerate().filter(|(_, c)| c.summing() != Summing::Never)
        {
            let holds = |f: &&Figure| f.cell == place || *f.counterparts == [place];
            assert_eq!(FIGURES.iter().filter(holds).count(), 1, "{}", cell.path);
        }
    }

    #[test]
    fn corresponds_as_the_form_says() {
        let counterparts = |path| {
            let figure = figure(path).expect(path);
            figure.counterparts.iter().map(|&cell| CELLS[cell].path).collect::<Vec<_>>()
        };
        assert_eq!(counterparts("disclosure.rules.issued"), ["disclosure_2019.rules.made"]);
        assert_eq!(
            counterparts("disclosure.penalty_decisions"),
            ["disclosure_2019.penalty.decisions"]
        );
        assert_eq!(
            counterparts("requests.other.undivided.research"),
            [
                "requests.other.not_corrected.research",
                "requests.other.fee_unpaid.research",
                "requests.other.other_reason.research",
            ]
        );
        for path in [
            "disclosure.rules.repealed",
            "disclosure.rules.in_force",
            "disclosure.fees_wan_yuan",
            "disclosure_2019.rules.public_total",
            "disclosure_2019.fees.items_before",
            "requests.granted.total",
            "requests.other.not_corrected.total",
        ] {
            assert_eq!(counterparts(path), Vec::<&str>::new(), "{path}");
        }
        assert!(figure("disclosure_2019.licensing.decisions").is_none(), "it is that of 2021");
    }
}
