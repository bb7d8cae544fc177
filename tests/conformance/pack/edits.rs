//! Reports to start from, and edits of cells by path.

use nianbao::form::{self, Amount, CELLS, Cell, CellKind};
use nianbao::pb::{Blank, Edition, Report, blank};

/// The report from its JSON. The fixtures are read by tests of their own.
fn parse(json: &str) -> Report {
    serde_json::from_str(json).expect("the fixture is a report")
}

/// The report of a department for 2023, which breaks no rule.
pub fn housing() -> Report {
    parse(include_str!("../../fixtures/housing-2023.json"))
}

/// The report of an office for 2019, in the form of that year, which breaks no rule.
pub fn office() -> Report {
    parse(include_str!("../../fixtures/office-2019.json"))
}

/// The report of a city for its region, of 2023.
pub fn suqian() -> Report {
    parse(include_str!("../../fixtures/suqian-2023.json"))
}

/// The report of a city for its region, of 2024.
pub fn huaian() -> Report {
    parse(include_str!("../../fixtures/huaian-2024.json"))
}

/// The report of a district for its region, of 2023, with two totals that are no sums.
pub fn hongze() -> Report {
    parse(include_str!("../../fixtures/hongze-2023.json"))
}

/// The cells of an edition.
pub fn cells(edition: Edition) -> impl Iterator<Item = &'static Cell> {
    CELLS.iter().filter(move |cell| cell.is_in(edition))
}

/// The cells of an edition that hold a count.
pub fn counts(edition: Edition) -> impl Iterator<Item = &'static Cell> {
    cells(edition).filter(|cell| cell.kind == CellKind::Count)
}

/// Puts a value into a cell; an empty one blanks it.
pub fn put(report: &mut Report, cell: &Cell, value: &str) {
    let amount = match cell.kind {
        _ if value.is_empty() => None,
        CellKind::Count => Some(Amount::Count(value.parse().expect("the cases put counts there"))),
        CellKind::Money => Some(Amount::Money(value.to_owned())),
        CellKind::Text => Some(Amount::Text(value.to_owned())),
    };
    cell.set(report, amount).expect("the amount is made of the kind of the cell");
}

/// The report with these cells.
pub fn with(mut report: Report, values: &[(&str, &str)]) -> Report {
    for (path, value) in values {
        let cell = form::cell(path).expect("the cases name cells of the form");
        put(&mut report, cell, value);
    }
    report
}

/// The report with a blank registered.
pub fn blanked(mut report: Report, path: &str, kind: blank::Kind) -> Report {
    report.blanks.push(Blank { field_path: path.into(), kind: kind.into(), raw: String::new() });
    report
}
