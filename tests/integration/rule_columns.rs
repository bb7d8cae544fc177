//! The seven columns of table three have the same rules: their texts differ in the column alone.
//!
//! CEL has no loops that every runtime compiles to fast code, so the schema writes each column out.
//! What was written seven times must not come apart.

use nianbao::form;
use nianbao::pb::Rule;
use nianbao::rules::rule;

/// The fields of a row, in form order.
const COLUMNS: [&str; 7] = [
    "natural_person",
    "business",
    "research",
    "public_interest",
    "legal_service",
    "other_organization",
    "total",
];

#[test]
fn balance_rules_of_all_columns_are_one_text() {
    assert_uniform("requests.balance");
}

#[test]
fn total_rules_of_all_columns_are_one_text() {
    assert_uniform("requests.total_processed");
}

#[track_caller]
fn assert_uniform(family: &str) {
    let first = general(family, COLUMNS[0]);
    for column in &COLUMNS[1..] {
        assert_eq!(general(family, column), first, "{family}.{column}");
    }
}

/// The rule of a column, the column's names replaced by `COLUMN`.
#[track_caller]
fn general(family: &str, column: &str) -> Rule {
    let mut general = rule(&format!("{family}.{column}"))
        .unwrap_or_else(|| panic!("no rule {family}.{column}"))
        .clone();
    let cell = form::cell(&format!("requests.granted.{column}")).expect("each column is a cell");
    let label_zh = cell.address.rsplit('·').next().expect("an address has a last step");
    let label_en = cell.label_en.rsplit(" / ").next().expect("a label has a last step");

    general.id = family.to_owned();
    general.expression = generalized(&general.expression, column);
    general.subject = generalized(&general.subject, column);
    general.text_zh = replaced_once(&general.text_zh, &format!("“{label_zh}”列："), "COLUMN：");
    general.text_en = replaced_once(&general.text_en, &format!("{label_en}:"), "COLUMN:");
    // The column of totals follows from the others and from the sums of its rows.
    let causes: Vec<String> = COLUMNS[..6]
        .iter()
        .map(|other| format!("{family}.{other}"))
        .chain(["applicants.total".to_owned()])
        .collect();
    let expected = if column == "total" { causes } else { Vec::new() };
    assert_eq!(general.implied_by, expected, "{family}.{column}");
    general.implied_by.clear();
    general
}

/// Puts `COLUMN` for the last name of each path, which must be the column.
#[track_caller]
fn generalized(expression: &str, column: &str) -> String {
    let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let mut out = String::new();
    let mut rest = expression;
    while !rest.is_empty() {
        let other = rest.find(is_path).unwrap_or(rest.len());
        out.push_str(&rest[..other]);
        rest = &rest[other..];
        let end = rest.find(|c| !is_path(c)).unwrap_or(rest.len());
        let (path, after) = rest.split_at(end);
        match path.rsplit_once('.') {
            Some((row, last)) => {
                assert_eq!(last, column, "{path} is of another column in {expression}");
                out.push_str(row);
                out.push_str(".COLUMN");
            }
            None => out.push_str(path), // `has`, or nothing at the end
        }
        rest = after;
    }
    out
}

#[track_caller]
fn replaced_once(text: &str, what: &str, by: &str) -> String {
    assert_eq!(text.matches(what).count(), 1, "{text} does not say {what}");
    text.replace(what, by)
}
