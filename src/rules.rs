//! The catalogue of rules, and the rules that need more than an expression.
//!
//! The catalogue is written by `build.rs` from the options of the schema: severity, class, texts
//! and what a missing operand means stand beside each rule there, and nowhere else.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use prost::Message as _;

use crate::check::{Evidence, Value, Violation, violations};
use crate::form;
use crate::pb::{self, Report, Rule, blank};

/// A path that names no cell or table of the form.
const BLANKS_PATH: &str = "blanks.path";
/// Blanks beyond twice the limit of the list are not looked at, as in the compiled rules.
const BLANKS_READ_MAX: usize = 1024;
/// A path that is listed twice.
const BLANKS_REPEATED: &str = "blanks.repeated";
/// A cell that is listed as blank and has a value.
const BLANKS_VALUED: &str = "blanks.valued";

/// Every rule, ordered by id.
pub fn catalogue() -> &'static [Rule] {
    static CATALOGUE: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        let bytes: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.bin"));
        pb::ListRulesResponse::decode(bytes)
            .expect("build.rs encodes the catalogue with this very schema")
            .rules
    });
    &CATALOGUE
}

/// The rule of that id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    static INDEX: LazyLock<HashMap<&str, &Rule>> =
        LazyLock::new(|| catalogue().iter().map(|rule| (rule.id.as_str(), rule)).collect());
    INDEX.get(id).copied()
}

/// All rules that a report breaks: those of the schema, then the native ones.
pub fn broken(report: &Report) -> Vec<Violation> {
    let mut out = violations(report);
    blanks(report, &mut out);
    out
}

/// Each blank names, once, a cell of the edition or a missing table, and what it names has no
/// value.
fn blanks(report: &Report, out: &mut Vec<Violation>) {
    let mut seen = HashSet::new();
    for (index, blank) in report.blanks.iter().take(BLANKS_READ_MAX).enumerate() {
        let path = blank.field_path.as_str();
        if path.is_empty() {
            continue; // `required` has said it
        }
        let broken = if seen.insert(path) {
            broken_blank(report, blank)
        } else {
            Some((BLANKS_REPEATED, path.to_owned()))
        };
        if let Some((rule, found)) = broken {
            let evidence =
                Evidence { operands: vec![("", Value::Text(found))], ..Evidence::default() };
            out.push(Violation { rule, path: format!("blanks[{index}].field_path"), evidence });
        }
    }
}

/// The rule that one blank breaks, and what was found.
fn broken_blank(report: &Report, blank: &pb::Blank) -> Option<(&'static str, String)> {
    let path = blank.field_path.as_str();
    let whole_table = blank.kind() == blank::Kind::TableMissing;
    let other_table = match report.edition() {
        pb::Edition::Edition2021 => "disclosure_2019",
        pb::Edition::Edition2019 => "disclosure",
        pb::Edition::Unspecified => "",
    };
    match (form::cell(path), table_is_there(report, path)) {
        _ if path.split('.').next() == Some(other_table) => Some((BLANKS_PATH, path.to_owned())),
        (Some(cell), _) if !whole_table => {
            cell.get(report).map(|value| (BLANKS_VALUED, value.to_string()))
        }
        (None, Some(there)) if whole_table => there.then(|| (BLANKS_VALUED, path.to_owned())),
        _ => Some((BLANKS_PATH, path.to_owned())),
    }
}

/// Whether the table of that path is in the report; `None` where the path is no table.
fn table_is_there(report: &Report, path: &str) -> Option<bool> {
    match path {
        "disclosure" => Some(report.disclosure.is_some()),
        "disclosure_2019" => Some(report.disclosure_2019.is_some()),
        "requests" => Some(report.requests.is_some()),
        "disputes" => Some(report.disputes.is_some()),
        _ => None,
    }
}
