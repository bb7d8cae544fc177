//! All cases: those of `tests/rules` that are a report by itself, and those of the pack alone.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;

use nianbao::check::{CELL_RANGE, violations};
use nianbao::pb::Report;
use prost::Message as _;
use serde_json::Value;

use super::{Case, json, own};
use crate::case_file::{self, Base, Edit, Verdict, apply, read};

/// A report larger than this stays out: a pack is to be handled quickly by every language.
const REPORT_BYTES_MAX: usize = 100 * 1024;
/// A longer value is cut where a case says what it shows.
const SHOWN_CHARS_MAX: usize = 60;

/// Every case of the pack, in order of its name.
///
/// # Errors
/// A case cannot be read, two have one name, or one of the pack alone overflows.
pub fn all() -> Result<Vec<Case>, Box<dyn Error>> {
    let mut cases = of_rules()?;
    for case in own::cases() {
        if overflows(&case.report) {
            return Err(format!("{}: a sum overflows", case.name).into());
        }
        cases.push(case);
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    if names.len() < cases.len() {
        return Err("two cases have one name".into());
    }
    Ok(cases)
}

/// Whether a rule cannot be computed. Interpreters give up the whole report then.
pub fn overflows(report: &Report) -> bool {
    violations(report).iter().any(|violation| violation.rule == CELL_RANGE)
}

/// Those of `tests/rules`, numbered by rule and verdict in the order of the files.
fn of_rules() -> Result<Vec<Case>, Box<dyn Error>> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut cases = Vec::new();
    for source in sources()? {
        let Some((from, report)) = report(&source)? else { continue };
        let (verdict, says) = match &source.verdict {
            Verdict::Passes => ("passes", "lets it pass".to_owned()),
            Verdict::Rejects { at, .. } => ("rejects", format!("rejects at {}", places(at))),
        };
        let kind = format!("rule.{}.{verdict}", source.rule);
        // Counted before it is left out, so that a limit does not rename what follows.
        let number = numbers.entry(kind.clone()).or_default();
        *number += 1;
        if report.encoded_len() > REPORT_BYTES_MAX || overflows(&report) {
            continue;
        }
        let edits: Vec<String> = source.edits.iter().map(shown).collect();
        cases.push(Case {
            name: format!("{kind}.{number}"),
            about: format!("{from} with [{}]: {} {says}", edits.join("; "), source.rule),
            report,
            source: Some(source),
        });
    }
    Ok(cases)
}

fn sources() -> Result<Vec<case_file::Case>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    files.sort();
    let mut cases = Vec::new();
    for path in files {
        cases.extend(read(&path.display().to_string(), &fs::read_to_string(&path)?)?);
    }
    Ok(cases)
}

/// The report of a case and what it started from; `None` where it is no report by itself.
fn report(case: &case_file::Case) -> Result<Option<(&str, Report)>, Box<dyn Error>> {
    let (from, mut value) = match &case.base {
        Base::Housing => ("valid.housing-2023", serde_json::to_value(own::housing())?),
        Base::Office => ("valid.office-2019", serde_json::to_value(own::office())?),
        Base::Message { name, json } if name == "Report" => ("a report", json.clone()),
        Base::Message { .. } | Base::HousingYears | Base::OfficeYears => return Ok(None),
    };
    for edit in &case.edits {
        apply(&mut value, edit)?;
    }
    Ok(Some((from, json::read(&value.to_string())?)))
}

fn places(at: &[String]) -> String {
    let named = |path: &String| if path.is_empty() { "the report" } else { path }.to_owned();
    at.iter().map(named).collect::<Vec<_>>().join(" and ")
}

fn shown(edit: &Edit) -> String {
    match edit {
        Edit::Take(path) => format!("{path} taken away"),
        Edit::Put(path, value) => format!("{path} = {}", cut(value)),
    }
}

fn cut(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
