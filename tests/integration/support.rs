//! What the tests share: reports to start from, and edits by path.

use nianbao::form::{self, Amount, CellKind};
use nianbao::pb::Report;

/// A report of 2023 that breaks no rule. Its figures are those of a published report.
pub fn housing() -> Report {
    parse(include_str!("../fixtures/housing-2023.json"))
}

/// A report of 2019, in the edition of that year, that breaks no rule. Its figures are those of a
/// published report, its blanks filled with zeros and sums.
pub fn office() -> Report {
    parse(include_str!("../fixtures/office-2019.json"))
}

/// A report from its JSON.
pub fn parse(json: &str) -> Report {
    serde_json::from_str(json).expect("the fixture is a report")
}

/// Puts `value` into the cell at `path`; an empty value blanks it.
pub fn set(report: &mut Report, path: &str, value: &str) {
    let cell = form::cell(path).unwrap_or_else(|| panic!("{path} is no cell"));
    let amount = match cell.kind {
        _ if value.is_empty() => None,
        CellKind::Count => Some(Amount::Count(value.parse().expect("a count"))),
        CellKind::Money => Some(Amount::Money(value.to_owned())),
        CellKind::Text => Some(Amount::Text(value.to_owned())),
    };
    cell.set(report, amount)
        .expect("the amount is of the cell's kind");
}
