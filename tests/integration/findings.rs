//! Findings of whole reports: what they say, in which order, and what they mark as derived.

use nianbao::finding::{counts, findings};
use nianbao::pb::{Finding, Report};

use crate::support::{housing, set};

/// Rule, path, and `~` for derived, of each finding.
fn short(findings: &[Finding]) -> Vec<String> {
    let mark = |f: &Finding| if f.derived { "~" } else { "" };
    findings.iter().map(|f| format!("{}{} {}", mark(f), f.rule_id, f.field_path)).collect()
}

#[test]
fn finds_nothing_in_a_balanced_report() {
    assert_eq!(short(&findings(&housing())), [""; 0]);
}

#[test]
fn names_the_sums_of_row_and_column_of_a_wrong_cell() {
    let mut report = housing();
    set(&mut report, "requests.unable.not_held.natural_person", "50");
    let findings = findings(&report);
    assert_eq!(
        short(&findings),
        [
            "applicants.total requests.unable.not_held.total",
            "requests.total_processed.natural_person requests.total_processed.natural_person",
        ]
    );
    let row = &findings[0];
    assert_eq!(row.cell, "表三·（四）无法提供·1.本机关不掌握相关政府信息·总计");
    assert_eq!((row.expected.as_str(), row.actual.as_str(), row.delta.as_str()), ("50", "51", "1"));
    assert_eq!(row.rule_path, "requests.unable.not_held");
    assert_eq!(row.operands.len(), 7);
    assert_eq!(
        row.message_zh,
        "总计应等于自然人与法人或其他组织各列之和：应为 50，实为 51，相差 1"
    );
    let column = &findings[1];
    assert_eq!((column.expected.as_str(), column.actual.as_str()), ("64", "65"));
}

#[test]
fn marks_what_follows_from_other_columns_as_derived() {
    let mut report = housing();
    for path in ["requests.newly_received.natural_person", "requests.newly_received.total"] {
        set(&mut report, path, "66");
    }
    assert_eq!(
        short(&findings(&report)),
        [
            "requests.balance.natural_person requests.total_processed.natural_person",
            "~requests.balance.total requests.total_processed.total",
        ]
    );
}

#[test]
fn tells_blank_totals_as_missing_not_as_wrong_sums() {
    let mut report = housing();
    set(&mut report, "requests.granted.total", "");
    assert_eq!(short(&findings(&report)), ["required requests.granted.total"]);
}

#[test]
fn does_not_let_negative_numbers_pass_that_balance() {
    let mut report = housing();
    set(&mut report, "requests.granted.natural_person", "-8");
    set(&mut report, "requests.granted.business", "16");
    set(&mut report, "requests.partially_granted.natural_person", "21");
    set(&mut report, "requests.partially_granted.business", "-16");
    assert_eq!(
        short(&findings(&report)),
        [
            "int64.gte_lte requests.granted.natural_person",
            "int64.gte_lte requests.partially_granted.business",
        ]
    );
}

#[test]
fn names_the_blank_cells_of_a_row_in_one_warning() {
    let mut report = housing();
    set(&mut report, "requests.granted.business", "");
    set(&mut report, "requests.granted.research", "");
    let findings = findings(&report);
    assert_eq!(short(&findings), ["applicants.blank requests.granted"]);
    assert_eq!(findings[0].message_zh, "本行有空白单元格：商业企业、科研机构");
    assert_eq!(counts(&findings).warnings, 1);
}

#[test]
fn never_takes_an_untouched_form_for_a_report() {
    let found = findings(&Report::default());
    assert!(counts(&found).errors >= 8, "{:?}", short(&found));
    let paths: Vec<&str> = found.iter().map(|f| f.field_path.as_str()).collect();
    for path in ["year", "scope", "edition", "overview", "requests", "disputes", "problems"] {
        assert!(paths.contains(&path), "{path} is not named");
    }
}
