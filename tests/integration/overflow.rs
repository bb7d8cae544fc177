//! Numbers too large to add are findings: the rule that cannot be computed is told as `cell.range`,
//! all others hold as ever, and nothing panics, although this build checks arithmetic.

use std::collections::BTreeSet;

use nianbao::check::{CELL_RANGE, violations};
use nianbao::finding;
use nianbao::form::{CELLS, CellKind};
use nianbao::pb::{Edition, Report};

use crate::support;

const RANGE: &str = "int64.gte_lte";

fn set(report: &mut Report, path: &str, count: i64) {
    support::set(report, path, &count.to_string());
}

/// A report of that edition with the same number in every cell.
fn filled(edition: Edition, count: i64) -> Report {
    let year = if edition == Edition::Edition2019 { 2019 } else { 2021 };
    let mut report = Report { year, scope: 2, edition: edition.into(), ..Report::default() };
    for cell in CELLS.iter().filter(|c| c.is_in(edition) && c.kind == CellKind::Count) {
        set(&mut report, cell.path, count);
    }
    report
}

/// Path and id of the broken rules, which are the same as violations and as findings.
#[track_caller]
fn broken(report: &Report) -> Vec<(String, String)> {
    let violations = violations(report).into_iter().map(|v| (v.path, v.rule.to_owned()));
    let mut broken: Vec<(String, String)> = violations.collect();
    let findings = finding::findings(report).into_iter().map(|f| (f.rule_path, f.rule_id));
    let mut told: Vec<(String, String)> = findings.collect();
    broken.sort();
    told.sort();
    assert_eq!(broken, told, "each violation is told, and no other");
    broken
}

/// How often a rule is broken at that path.
fn count(broken: &[(String, String)], path: &str, id: &str) -> usize {
    broken.iter().filter(|(p, i)| p == path && i == id).count()
}

/// The rules that are broken at `path` are these.
#[track_caller]
fn check(report: &Report, path: &str, expected: &[&str]) {
    let found: BTreeSet<String> =
        broken(report).into_iter().filter(|(p, _)| p == path).map(|(_, id)| id).collect();
    let expected: BTreeSet<String> = expected.iter().map(|&id| id.to_owned()).collect();
    assert_eq!(found, expected, "at {path:?}");
}

#[test]
fn finds_the_range_of_every_cell_and_of_every_sum_that_overflows() {
    for edition in [Edition::Edition2019, Edition::Edition2021] {
        for extreme in [i64::MAX, i64::MIN] {
            let report = filled(edition, extreme);
            let broken = broken(&report);
            for cell in CELLS.iter().filter(|c| c.is_in(edition) && c.kind == CellKind::Count) {
                assert_eq!(count(&broken, cell.path, RANGE), 1, "{}", cell.path);
            }
            // Each row with a total, each group of table four, each column by two rules.
            for row in
                ["requests.granted", "requests.denied.state_secret", "disputes.reconsideration"]
            {
                assert_eq!(count(&broken, row, CELL_RANGE), 1, "{row}");
            }
            assert!(count(&broken, "requests", CELL_RANGE) >= 14);
        }
    }
}

#[test]
fn finds_an_overflow_of_the_two_tables_of_documents_and_matters() {
    let new = filled(Edition::Edition2021, i64::MAX);
    check(&new, "disclosure.rules", &[CELL_RANGE]);
    let old = filled(Edition::Edition2019, i64::MIN);
    check(&old, "disclosure_2019.licensing", &[CELL_RANGE]);
    check(&old, "disclosure_2019.fees", &[CELL_RANGE]);
}

#[test]
fn adds_up_to_the_largest_number_without_overflow() {
    let mut report = filled(Edition::Edition2021, 0);
    set(&mut report, "requests.granted.natural_person", i64::MAX - 1);
    set(&mut report, "requests.granted.business", 1);
    set(&mut report, "requests.granted.total", i64::MAX);
    check(&report, "requests.granted", &[]);
    check(&report, "requests.granted.total", &[RANGE]);

    set(&mut report, "requests.granted.business", 2);
    check(&report, "requests.granted", &[CELL_RANGE]);
}

#[test]
fn tells_a_difference_that_is_larger_than_any_number() {
    let mut report = filled(Edition::Edition2021, 0);
    set(&mut report, "requests.granted.natural_person", i64::MIN);
    set(&mut report, "requests.granted.total", i64::MAX);
    check(&report, "requests.granted", &["applicants.total"]);
    set(&mut report, "disputes.reconsideration.upheld", i64::MAX);
    set(&mut report, "disputes.reconsideration.total", i64::MIN);
    check(&report, "disputes.reconsideration", &["disputes.total"]);
}

#[test]
fn finds_a_product_that_overflows() {
    let mut report = filled(Edition::Edition2021, 0);
    set(&mut report, "requests.carried_out.total", i64::MAX / 4 + 1);
    assert_eq!(count(&broken(&report), "requests", CELL_RANGE), 1);
    set(&mut report, "requests.carried_out.total", i64::MAX / 4);
    assert_eq!(count(&broken(&report), "requests", CELL_RANGE), 0);
}
