//! Figures that stand out among those of the same organ in other years, or of organs like it.
//!
//! Counts of organs are skewed: a few have a hundred times what most have. So figures are compared
//! by the logarithm, and by median and median deviation, which a few wild ones do not move: a figure
//! stands out where its modified z-score is above 3.5 (Iglewicz and Hoaglin, 1993), and it differs
//! by an amount that matters. All in whole numbers, so that every machine finds the same.

use std::collections::HashMap;

use prost::Message as _;

use super::Rollup;
use super::compare::{FIGURES, Figure};
use super::question::Question;
use super::state::State;
use super::year::{Filed, Revision, revision_name};
use crate::archive::is_active;
use crate::check::Value;
use crate::failure::Failure;
use crate::finding;
use crate::form::{self, CELLS, CellKind};
use crate::limits::PAGE_BYTES_MAX;
use crate::pb::{Finding, ListOutliersResponse, Outlier, Scope, Statistics};

/// Years before that are looked at.
const YEARS: i32 = 10;
/// The first year of the form.
const FIRST_YEAR: i32 = 2019;
/// With fewer figures of other years nothing stands out.
const HISTORY_MIN: usize = 5;
/// With fewer figures of other organs nothing stands out.
const PEERS_MIN: usize = 12;
/// What a figure must differ by at least: so many pieces, or so many 万元.
const PIECES_MIN: i64 = 20;
const WAN_YUAN_MIN: i64 = 10;
/// A modified z-score of 3.5, in median deviations: 3.5 / 0.6745.
const DEVIATIONS: (i64, i64) = (35_000, 6_745);
/// Of the logarithm, a doubling.
const DOUBLING: i64 = 1 << 10;
/// The least median deviation that is taken: figures that are all but equal are no measure.
const DEVIATION_MIN: i64 = DOUBLING / 4;

/// What is usual among some figures.
struct Usual {
    count: usize,
    median: i64,
    low: i64,
    high: i64,
}

/// Organs like each other, and which of their reports.
type Peers = (i32, i32, bool);

/// A page of the reports with figures that stand out, ordered by name, from the one after `after`
/// on. The key of the next page comes beside it, where there is one.
///
/// # Errors
/// `OrganNotFound`, `Journal`, `Store`.
pub fn outliers(
    rollup: &Rollup,
    question: &Question,
    year: i32,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<(ListOutliersResponse, Option<Vec<u8>>), Failure> {
    let years: Vec<i32> = (FIRST_YEAR.max(year - YEARS)..=year).collect();
    rollup.ask(question.moment, &years, |state| {
        let mut looked_at = reports(state, question, year)?;
        looked_at.sort_by_cached_key(|report| report.name(state, year));
        let mut peers = HashMap::new();
        let (mut outliers, mut bytes, mut last) = (Vec::new(), 0, None);
        for report in looked_at {
            let name = report.name(state, year).into_bytes();
            if after.is_some_and(|after| &name[..] <= after) {
                continue;
            }
            let usual = peers
                .entry(report.peers(state))
                .or_insert_with_key(|peers| usual_among(state, question, year, *peers));
            let Some(outlier) = report.outlier(state, question, &years, usual) else { continue };
            bytes += outlier.encoded_len();
            if outliers.len() == limit || (bytes > PAGE_BYTES_MAX && !outliers.is_empty()) {
                return Ok((ListOutliersResponse { outliers, ..Default::default() }, last));
            }
            outliers.push(outlier);
            last = Some(name);
        }
        Ok((ListOutliersResponse { outliers, ..Default::default() }, None))
    })
}

/// A report that is looked at.
struct Looked<'a> {
    place: usize,
    scope: Scope,
    filed: &'a Filed,
    revision: &'a Revision,
}

/// The reports of a subtree that count.
fn reports<'a>(
    state: &'a State,
    question: &Question,
    year: i32,
) -> Result<Vec<Looked<'a>>, Failure> {
    let tree = state.tree(question.way(year).tree_year);
    let mut reports = Vec::new();
    for step in tree.walk(state.place(&question.organ)?, |_| true) {
        let (place, organ) = (step.place, state.organ(step.place));
        if !question.filter.passes(organ) || !is_active(organ, year) {
            continue;
        }
        for scope in [Scope::Own, Scope::Region] {
            let Some(filed) = state.filed(year, place, scope) else { continue };
            if let Some(revision) = filed.counted(question.include_unaccepted) {
                reports.push(Looked { place, scope, filed, revision });
            }
        }
    }
    Ok(reports)
}

impl Looked<'_> {
    fn name(&self, state: &State, year: i32) -> String {
        state.report(self.place, year, self.scope).to_string()
    }

    fn peers(&self, state: &State) -> Peers {
        let organ = state.organ(self.place);
        (organ.level, organ.kind, self.scope == Scope::Region)
    }

    /// What stands out, if anything does. The last of the years is that of the report.
    fn outlier(
        &self,
        state: &State,
        question: &Question,
        years: &[i32],
        peers: &[Option<Usual>],
    ) -> Option<Outlier> {
        let (&year, before) = years.split_last()?;
        let earlier: Vec<(String, Vec<Option<i64>>)> = before
            .iter()
            .filter_map(|&year| {
                let filed = state.filed(year, self.place, self.scope)?;
                let revision = filed.counted(question.include_unaccepted)?;
                let report = state.report(self.place, year, self.scope);
                Some((revision_name(&report, revision.number), revision.row.cells()))
            })
            .collect();
        let cells = self.revision.row.cells();
        let mut findings = Vec::new();
        for (figure, peers) in looked_at().zip(peers) {
            let Some(value) = figure.of(&cells) else { continue };
            let of = |(_, cells): &(String, Vec<Option<i64>>)| figure.of(cells);
            let history = usual(earlier.iter().filter_map(of).collect(), HISTORY_MIN);
            if let Some(usual) = history.filter(|usual| usual.is_left_by(figure, value)) {
                let given = earlier.iter().filter(|year| of(year).is_some());
                let revisions = given.map(|(name, _)| name.clone()).collect();
                findings.extend(usual.finding("outlier.history", figure, value, revisions));
            }
            if let Some(usual) = peers.as_ref().filter(|usual| usual.is_left_by(figure, value)) {
                findings.extend(usual.finding("outlier.peers", figure, value, Vec::new()));
            }
        }
        let report = state.report(self.place, year, self.scope);
        (!findings.is_empty()).then(|| Outlier {
            revision: revision_name(&report, self.revision.number),
            display_name: state.organ(self.place).display_name.clone(),
            state: self.filed.state as i32,
            findings,
        })
    }
}

/// The figures that are looked at: of rows with several columns the totals alone, so that one odd
/// report is not told seven times.
fn looked_at() -> impl Iterator<Item = &'static Figure> {
    FIGURES.iter().filter(|figure| {
        let path = CELLS[figure.cell].path;
        let has_columns = path.starts_with("requests.") || path.starts_with("disputes.");
        path.ends_with(".total") || !has_columns
    })
}

/// What is usual among all organs like each other, one a figure that is looked at.
fn usual_among(
    state: &State,
    question: &Question,
    year: i32,
    (level, kind, region): Peers,
) -> Vec<Option<Usual>> {
    let scope = if region { Scope::Region } else { Scope::Own };
    let mut values: Vec<Vec<i64>> = looked_at().map(|_| Vec::new()).collect();
    for place in state.places() {
        let organ = state.organ(place);
        if organ.level != level || organ.kind != kind || !is_active(organ, year) {
            continue;
        }
        let filed = state.filed(year, place, scope);
        let Some(revision) = filed.and_then(|filed| filed.counted(question.include_unaccepted))
        else {
            continue;
        };
        let cells = revision.row.cells();
        for (values, figure) in values.iter_mut().zip(looked_at()) {
            values.extend(figure.of(&cells));
        }
    }
    // The report itself is among its peers, and is not counted as another.
    values.into_iter().map(|values| usual(values, PEERS_MIN + 1).map(Usual::of_others)).collect()
}

/// What is usual among figures; none where they are too few to say.
fn usual(mut values: Vec<i64>, least: usize) -> Option<Usual> {
    if values.len() < least {
        return None;
    }
    let count = values.len();
    let median = middle(&mut values)?;
    let mut deviations: Vec<i64> =
        values.iter().map(|&value| (logarithm(value) - logarithm(median)).abs()).collect();
    let deviation = middle(&mut deviations)?.max(DEVIATION_MIN);
    let reach = deviation * DEVIATIONS.0 / DEVIATIONS.1;
    let at = logarithm(median);
    Some(Usual { count, median, low: least_at(at - reach), high: least_at(at + reach + 1) - 1 })
}

/// The lower of the two in the middle.
fn middle(values: &mut [i64]) -> Option<i64> {
    let at = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(at).1)
}

/// 1024 times the logarithm to base 2 of a figure and one more, straight between powers of two. Of
/// a negative figure that of its amount, below zero.
fn logarithm(value: i64) -> i64 {
    let number = value.unsigned_abs().saturating_add(1);
    let power = number.ilog2();
    // Below a doubling, since the power is taken out.
    let fraction = i64::try_from(u128::from(number) << 10 >> power).unwrap_or(DOUBLING) - DOUBLING;
    let logarithm = i64::from(power) * DOUBLING + fraction;
    if value < 0 { -logarithm } else { logarithm }
}

/// The least figure whose logarithm is at least that.
fn least_at(wanted: i64) -> i64 {
    let (mut low, mut high) = (-(1_i64 << 60), 1_i64 << 60);
    while low < high {
        let middle = (low + high).div_euclid(2);
        if logarithm(middle) >= wanted {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

impl Usual {
    /// Without the figure that is looked at.
    fn of_others(self) -> Usual {
        Usual { count: self.count - 1, ..self }
    }

    fn is_left_by(&self, figure: &Figure, value: i64) -> bool {
        let matters = match CELLS[figure.cell].kind {
            CellKind::Money => WAN_YUAN_MIN * 10_i64.pow(form::MONEY_SCALE),
            CellKind::Count | CellKind::Text => PIECES_MIN,
        };
        (value < self.low || value > self.high) && (value - self.median).abs() >= matters
    }

    fn finding(
        &self,
        rule: &'static str,
        figure: &Figure,
        value: i64,
        compared_with: Vec<String>,
    ) -> Option<Finding> {
        let cell = &CELLS[figure.cell];
        let text = |value: i64| match cell.kind {
            CellKind::Money => form::money_text(value),
            CellKind::Count | CellKind::Text => value.to_string(),
        };
        // Few cells can be below zero, and where this one is not, no bound there says anything.
        let low = if value < 0 { self.low } else { self.low.max(0) };
        let statistics = Statistics {
            count: i32::try_from(self.count).unwrap_or(i32::MAX),
            median: text(self.median),
            low: text(low),
            high: text(self.high),
        };
        finding::outlier(rule, cell, Value::Text(text(value)), statistics, compared_with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_grows_with_the_figure_and_is_read_back() {
        let mut last = i64::MIN;
        for value in (-3000..3000).chain([1 << 40, (1 << 40) + (1 << 31), 999_999_999_999]) {
            assert!(logarithm(value) >= last, "{value}");
            last = logarithm(value);
            assert!(logarithm(least_at(last)) >= last && least_at(last) <= value, "{value}");
        }
        assert_eq!([0, 1, 3, 1023].map(logarithm), [0, 1024, 2048, 10_240]);
    }

    #[test]
    fn few_figures_say_nothing_and_like_ones_leave_room() {
        assert!(usual(vec![5; 4], 5).is_none());
        let same = usual(vec![100; 5], 5).expect("enough");
        assert_eq!((same.count, same.median), (5, 100));
        assert!(same.low < 50 && same.high > 200 && same.high < 300, "{} {}", same.low, same.high);
        let wild = usual(vec![10, 100, 1000, 10_000, 100_000], 5).expect("enough");
        assert!(wild.high > 100_000_000, "what scatters widely is no measure: {}", wild.high);
    }
}
