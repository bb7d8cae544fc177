//! What holds of every report: balanced ones pass, one wrong cell breaks the rules that name it, a
//! blank is never a wrong sum, and findings are the same bytes in the same order.
//!
//! Which rules name a cell is written here by hand from the printed form, not read from the schema.

use std::collections::BTreeSet;

use nianbao::finding::findings;
use nianbao::form::{self, Amount, CELLS, Cell, CellKind};
use nianbao::pb::{Blank, Edition, Explanation, Finding, Report, Severity};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use prost::Message;

use crate::balanced::{balanced, is_count, pair};

/// Rule and path of a finding.
type Key = (String, String);

/// The rules that are equations of cells.
const EQUATIONS: [&str; 4] =
    ["applicants.total", "disputes.total", "requests.balance.", "requests.total_processed."];

/// The same cases in every run, so that a red test is red again.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(2019),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn finds_no_error_in_a_balanced_report(report in balanced()) {
        prop_assert_eq!(errors(&report), BTreeSet::new());
    }

    #[test]
    fn stays_balanced_when_another_is_added_cell_by_cell(
        (mine, yours) in pair(),
    ) {
        let mut sum = mine.clone();
        for cell in CELLS.iter().filter(|cell| is_count(cell, &mine)) {
            let total = count(cell, &mine) + count(cell, &yours);
            put(&mut sum, cell, total);
        }
        prop_assert_eq!(errors(&sum), BTreeSet::new());
    }

    #[test]
    fn gives_the_same_bytes_in_form_order(
        mut report in balanced(),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), extreme()), 0..12),
        blank in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        for (index, value) in wrong {
            put_extreme(&mut report, &CELLS[index.index(CELLS.len())], value);
        }
        for index in blank {
            set(&mut report, &CELLS[index.index(CELLS.len())], None);
        }
        let found = findings(&report);
        let stored = Report::decode(report.encode_to_vec().as_slice()).expect("its own bytes");
        prop_assert_eq!(bytes(&findings(&stored)), bytes(&found));
        prop_assert_eq!(bytes(&findings(&report)), bytes(&found));
        let order: Vec<_> = found.iter().map(place_in_order).collect();
        prop_assert!(order.is_sorted(), "{:?}", order);
    }

    #[test]
    fn never_panics_at_extremes_in_all_cells(
        edition in prop_oneof![Just(0), Just(1), Just(2), any::<i32>()],
        year in prop_oneof![Just(2019), Just(2023), any::<i32>()],
        scope in prop_oneof![Just(2), any::<i32>()],
        values in prop::collection::vec(prop::option::weighted(0.9, extreme()), CELLS.len()),
        paths in prop::collection::vec(wild_path(), 0..4),
        fingerprint in ".{0,20}",
    ) {
        let mut report = Report { edition, year, scope, ..Report::default() };
        for (cell, value) in CELLS.iter().zip(values) {
            match value {
                Some(value) => put_extreme(&mut report, cell, value),
                None => set(&mut report, cell, None),
            }
        }
        for (kind, field_path) in (0..).zip(paths) {
            report.blanks.push(Blank { field_path, kind, raw: fingerprint.clone() });
        }
        let text = fingerprint.clone();
        report.explanations.push(Explanation { fingerprint, text });
        let found = findings(&report);
        prop_assert_eq!(bytes(&findings(&report)), bytes(&found));
    }
}

proptest! {
    // Each case goes through all cells of the form.
    #![proptest_config(config(24))]

    #[test]
    fn breaks_exactly_the_equations_that_name_a_changed_cell(
        report in balanced(),
        delta in prop_oneof![Just(1_i64), Just(-1), -1_000_000..1_000_000_i64]
            .prop_filter("a change", |delta| *delta != 0),
    ) {
        for cell in CELLS.iter().filter(|cell| is_count(cell, &report)) {
            let value = count(cell, &report) + delta;
            let mut changed = report.clone();
            put(&mut changed, cell, value);
            let mut expected = equations_of(cell.path);
            let signed = cell.path.ends_with(".items_change");
            if value < 0 && !signed {
                expected.insert(key("int64.gte_lte", cell.path));
            }
            prop_assert_eq!(errors(&changed), expected, "{} by {}", cell.path, delta);
        }
    }

    #[test]
    fn tells_a_blank_cell_as_blank_and_never_as_a_wrong_sum(report in balanced()) {
        let before = keys(&findings(&report));
        for cell in CELLS.iter().filter(|cell| is_printed(cell, &report)) {
            let mut blanked = report.clone();
            set(&mut blanked, cell, None);
            let after = keys(&findings(&blanked));
            let new: BTreeSet<Key> = after.difference(&before).cloned().collect();
            let expected = blank_finding(cell, &report);
            prop_assert_eq!(new, expected.into_iter().collect(), "{}", cell.path);
        }
    }
}

/// The equations that name a cell, by the printed form.
fn equations_of(path: &str) -> BTreeSet<Key> {
    let (row, column) = path.rsplit_once('.').unwrap_or(("", path));
    let of_column = |family: &str| key(&format!("{family}.{column}"), "requests");
    if row.starts_with("disputes.") {
        return [key("disputes.total", row)].into();
    }
    let Some(name) = row.strip_prefix("requests.") else {
        return BTreeSet::new(); // table two prints no sums
    };
    let mut out: BTreeSet<Key> = [key("applicants.total", row)].into();
    if ["newly_received", "carried_in", "total_processed", "carried_out"].contains(&name) {
        out.insert(of_column("requests.balance"));
    }
    if !["newly_received", "carried_in", "carried_out"].contains(&name) {
        out.insert(of_column("requests.total_processed"));
    }
    out
}

/// What is told of a cell that is blank: one finding of the cell or of its row or table.
fn blank_finding(cell: &Cell, report: &Report) -> Option<Key> {
    let (row, column) = cell.path.rsplit_once('.').unwrap_or(("", cell.path));
    let rule = match (row, column) {
        (_, "total") => return Some(key("required", cell.path)),
        (_, "amount_unit") => {
            let amount = form::cell("disclosure_2019.procurement.amount")?.get(report)?;
            let some = amount.to_string().contains(|c: char| ('1'..='9').contains(&c));
            return some.then(|| key("disclosure_2019.amount_unit", row));
        }
        ("disclosure", _) => "disclosure.blank",
        ("disclosure_2019.fees", _) => "disclosure_2019.fees_blank",
        ("disclosure_2019.procurement", _) => "disclosure_2019.procurement_blank",
        (_, "issued" | "repealed" | "in_force") => "disclosure.documents_blank",
        (_, "made" | "newly_public" | "public_total") => "disclosure_2019.documents_blank",
        (_, "items_before" | "items_change" | "decisions") => "disclosure_2019.items_blank",
        (_, "upheld" | "corrected" | "other" | "pending") => "disputes.blank",
        _ => "applicants.blank",
    };
    Some(key(rule, row))
}

fn key(rule: &str, path: &str) -> Key {
    (rule.to_owned(), path.to_owned())
}

fn keys(findings: &[Finding]) -> BTreeSet<Key> {
    findings.iter().map(|f| key(&f.rule_id, &f.rule_path)).collect()
}

/// The findings of severity ERROR. That every broken equation is among them is held here as well.
fn errors(report: &Report) -> BTreeSet<Key> {
    let found = findings(report);
    let is_error = |f: &&Finding| f.severity() == Severity::Error;
    let errors: BTreeSet<Key> =
        found.iter().filter(is_error).map(|f| key(&f.rule_id, &f.rule_path)).collect();
    let is_equation = |(rule, _): &&Key| EQUATIONS.iter().any(|e| rule.starts_with(e));
    assert!(keys(&found).iter().filter(is_equation).all(|k| errors.contains(k)));
    errors
}

/// Derived last, then form order, then rule id.
fn place_in_order(finding: &Finding) -> (bool, usize, String) {
    let rank = form::place(&finding.field_path).map_or(0, |(rank, _)| rank);
    (finding.derived, rank, finding.rule_id.clone())
}

fn bytes(findings: &[Finding]) -> Vec<Vec<u8>> {
    findings.iter().map(Message::encode_to_vec).collect()
}

/// Whether the report's edition prints the cell.
fn is_printed(cell: &Cell, report: &Report) -> bool {
    cell.is_in(Edition::try_from(report.edition).expect("a balanced report states its edition"))
}

fn count(cell: &Cell, report: &Report) -> i64 {
    match cell.get(report) {
        Some(Amount::Count(count)) => count,
        other => panic!("{} holds {other:?}", cell.path),
    }
}

fn put(report: &mut Report, cell: &Cell, value: i64) {
    set(report, cell, Some(Amount::Count(value)));
}

/// A count as it is, in other cells as text.
fn put_extreme(report: &mut Report, cell: &Cell, value: i64) {
    let amount = match cell.kind {
        CellKind::Count => Amount::Count(value),
        CellKind::Money => Amount::Money(value.to_string()),
        CellKind::Text => Amount::Text(value.to_string()),
    };
    set(report, cell, Some(amount));
}

fn set(report: &mut Report, cell: &Cell, value: Option<Amount>) {
    cell.set(report, value).expect("the amount is of the cell's kind");
}

/// Numbers at the ends, at the bounds, and any.
fn extreme() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MAX),
        Just(i64::MIN),
        Just(i64::MAX / 2),
        Just(i64::MIN / 2),
        Just(999_999_999_999),
        Just(1_000_000_000_000),
        -2_i64..=2,
        any::<i64>(),
    ]
}

/// Paths of cells, tables and of nothing, with signs at which a reader of paths may stumble.
fn wild_path() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<prop::sample::Index>().prop_map(|i| CELLS[i.index(CELLS.len())].path.to_owned()),
        Just("requests".to_owned()),
        Just(String::new()),
        "[a-z_.\\[\\]0-9年]{0,24}",
        Just("blanks[0].field_path".to_owned()),
        Just("blanks[9999999999999999999].x".to_owned()),
    ]
}
