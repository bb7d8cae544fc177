//! Reports whose tables balance: the leaves are chosen, the sums follow.
//!
//! Rows and columns come from the cells of the form; only what a sum adds up is written here.

use std::collections::BTreeMap;

use nianbao::form::{Amount, CELLS, Cell, CellKind};
use nianbao::pb::{Edition, OtherMatters, Overview, Problems, Report};

use super::random::Random;

/// Rows of table three that are no outcome of a request.
pub(crate) const NO_OUTCOME: [&str; 4] = [
    "requests.newly_received",
    "requests.carried_in",
    "requests.total_processed",
    "requests.carried_out",
];

/// A balanced report of that edition, of a year that the edition serves.
pub(crate) fn report(edition: Edition, random: &mut Random) -> Report {
    let year = match edition {
        Edition::Edition2019 => *random.pick(&[2019, 2020]),
        Edition::Edition2021 | Edition::Unspecified => *random.pick(&[2021, 2022, 2023, 2025]),
    };
    let mut report = Report {
        organ: (*random.pick(&["", "organs/a", "organs/example-housing-3"])).to_owned(),
        year,
        scope: *random.pick(&[1, 1, 2]),
        edition: i32::from(edition),
        title: "年度报告".to_owned(),
        overview: Some(Overview { text: "本年度情况如下。\n第二段。".to_owned() }),
        problems: Some(Problems { text: "公开内容不够细，下一步改进。".to_owned() }),
        other_matters: Some(OtherMatters { text: "无".to_owned() }),
        ..Report::default()
    };
    let figures = figures(edition, random);
    for cell in CELLS.iter().filter(|cell| cell.is_in(edition)) {
        let value = match cell.kind {
            CellKind::Count => Amount::Count(figures.get(cell.path).copied().unwrap_or(0)),
            CellKind::Money => Amount::Money(money(random)),
            CellKind::Text => Amount::Text((*random.pick(&["元", "万元"])).to_owned()),
        };
        put(&mut report, cell, Some(value));
    }
    report
}

/// Sets a cell to a value of its own kind.
pub(crate) fn put(report: &mut Report, cell: &Cell, value: Option<Amount>) {
    let outcome = cell.set(report, value);
    assert!(outcome.is_ok(), "{}: the value is of the kind of the cell", cell.path);
}

/// The edition's figures by path.
fn figures(edition: Edition, random: &mut Random) -> BTreeMap<String, i64> {
    // Most reports are small; some have zeros alone, some have millions.
    let most = *random.pick(&[0, 3, 3, 40, 40, 2_000, 1_000_000, 1_000_000_000]);
    let mut figures = BTreeMap::new();
    for cell in CELLS.iter().filter(|c| c.is_in(edition) && c.kind == CellKind::Count) {
        let figure = if random.one_in(2) { 0 } else { random.between(0, most) };
        figures.insert(cell.path.to_owned(), figure);
    }
    if random.one_in(4) {
        outweigh(edition, &mut figures, random);
    }
    balance_disclosure(edition, &mut figures, random);
    balance_requests(edition, &mut figures, random);
    for row in rows(edition, "disputes.") {
        sum_row(&mut figures, row);
    }
    figures
}

/// Makes one row of table three weigh more than the others, since some rules speak of shares.
fn outweigh(edition: Edition, figures: &mut BTreeMap<String, i64>, random: &mut Random) {
    let rows = rows(edition, "requests.");
    let heavy: Vec<&str> = ["requests.carried_out", "requests.other.other_reason"]
        .into_iter()
        .chain([*random.pick(&rows)])
        .collect();
    let within = format!("{}.", random.pick(&heavy));
    for (_, figure) in figures.iter_mut().filter(|(path, _)| path.starts_with(&within)) {
        *figure *= 100;
    }
}

fn balance_disclosure(edition: Edition, figures: &mut BTreeMap<String, i64>, random: &mut Random) {
    for row in rows(edition, "disclosure") {
        let of = |column: &str| figures.get(&format!("{row}.{column}")).copied();
        if let (Some(issued), Some(repealed)) = (of("issued"), of("repealed")) {
            *figures.entry(format!("{row}.in_force")).or_default() += (issued - repealed).max(0);
        } else if let (Some(before), Some(change)) = (of("items_before"), of("items_change")) {
            let change = random.between(-before, change);
            figures.insert(format!("{row}.items_change"), change);
        }
    }
}

fn balance_requests(edition: Edition, figures: &mut BTreeMap<String, i64>, random: &mut Random) {
    let rows = rows(edition, "requests.");
    let columns: Vec<&str> = CELLS
        .iter()
        .filter_map(|cell| cell.path.strip_prefix("requests.granted."))
        .filter(|column| *column != "total")
        .collect();
    for column in columns {
        let of = |row: &str| figures.get(&format!("{row}.{column}")).copied().unwrap_or(0);
        let outcomes = rows.iter().filter(|row| !NO_OUTCOME.contains(row));
        let processed: i64 = outcomes.map(|row| of(row)).sum();
        let all = processed + of("requests.carried_out");
        let carried_in = of("requests.carried_in").min(random.between(0, all));
        figures.insert(format!("requests.total_processed.{column}"), processed);
        figures.insert(format!("requests.carried_in.{column}"), carried_in);
        figures.insert(format!("requests.newly_received.{column}"), all - carried_in);
    }
    for row in rows {
        sum_row(figures, row);
    }
}

/// Makes the column `total` of a row the sum of the other columns.
fn sum_row(figures: &mut BTreeMap<String, i64>, row: &str) {
    let total = format!("{row}.total");
    let within = format!("{row}.");
    let parts = figures.iter().filter(|(path, _)| path.starts_with(&within) && **path != total);
    let sum = parts.map(|(_, figure)| figure).sum();
    figures.insert(total, sum);
}

/// The paths of the rows below `prefix`, in form order.
pub(crate) fn rows(edition: Edition, prefix: &str) -> Vec<&'static str> {
    let cells = CELLS.iter().filter(|c| c.is_in(edition) && c.path.starts_with(prefix));
    let mut rows: Vec<&'static str> =
        cells.filter_map(|cell| cell.path.rsplit_once('.').map(|(row, _)| row)).collect();
    rows.dedup();
    rows
}

fn money(random: &mut Random) -> String {
    let most = *random.pick(&[0, 9, 2_000, 999_999_999_999]);
    let whole = random.between(0, most);
    match random.below(4) {
        0 => format!("{whole}.{}", random.between(0, 9)),
        1 => format!("{whole}.{:06}", random.between(0, 999_999)),
        _ => whole.to_string(),
    }
}
