//! Findings: what the broken rules say to a person and to a program.
//!
//! The same report gives the same findings, byte for byte: in form order, then by rule id, derived
//! ones last. Nothing is suppressed.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::check::{Evidence, Value, Violation};
use crate::form;
use crate::pb::{self, Finding, FindingCounts, Operand, Report, Severity, Span, Statistics};
use crate::rules;

/// Room for what is hashed: the operands of a column take as much, and more makes it grow.
const FINGERPRINTED_BYTES: usize = 1024;
/// Quoted text longer than this many characters is cut in messages.
const QUOTE_CHARS_MAX: usize = 60;

/// Everything that the rules find in a report by itself.
pub fn findings(report: &Report) -> Vec<Finding> {
    findings_beside(report, Vec::new(), "")
}

/// Everything that the rules find in a report, with what it broke beside that revision of another
/// year.
pub fn findings_beside(report: &Report, beside: Vec<Violation>, revision: &str) -> Vec<Finding> {
    let alone = rules::broken(report).into_iter().filter_map(|v| render(report, v, ""));
    let beside = beside.into_iter().filter_map(|v| render(report, v, revision));
    let mut ranked: Vec<(usize, Finding)> = alone.chain(beside).collect();
    mark_derived(&mut ranked);
    ranked.sort_by(|(rank_a, a), (rank_b, b)| {
        (a.derived, rank_a, &a.rule_id, &a.rule_path, &a.fingerprint).cmp(&(
            b.derived,
            rank_b,
            &b.rule_id,
            &b.rule_path,
            &b.fingerprint,
        ))
    });
    ranked.into_iter().map(|(_, finding)| finding).collect()
}

/// The broken rules of any other message, such as a request, as findings in the order of the
/// schema.
pub fn describe(violations: Vec<Violation>) -> Vec<Finding> {
    let none = Report::default();
    violations
        .into_iter()
        .filter_map(|v| render(&none, v, ""))
        .map(|(_, finding)| finding)
        .collect()
}

/// The finding that a figure stands out.
pub fn outlier(
    rule: &'static str,
    cell: &'static form::Cell,
    value: Value,
    statistics: Statistics,
    compared_with: Vec<String>,
) -> Option<Finding> {
    let evidence = Evidence { operands: vec![("", value)], ..Evidence::default() };
    let violation = Violation { rule, path: cell.path.to_owned(), evidence };
    let (_, mut finding) = render(&Report::default(), violation, "")?;
    let Statistics { count, median, low, high } = &statistics;
    let zh = format!("，其余 {count} 个数的中位数为 {median}，正常范围 {low} 至 {high}");
    let en = format!("; the median of {count} others is {median}, usual are {low} to {high}");
    finding.message_zh.push_str(&zh);
    finding.message_en.push_str(&en);
    finding.compared_with = compared_with;
    finding.statistics = Some(statistics);
    Some(finding)
}

/// How many findings of each severity there are.
pub fn counts(findings: &[Finding]) -> FindingCounts {
    let mut counts = FindingCounts::default();
    for finding in findings {
        match finding.severity() {
            Severity::Error => counts.errors += 1,
            Severity::Warning => counts.warnings += 1,
            Severity::Info | Severity::Unspecified => counts.infos += 1,
        }
        counts.derived += i32::from(finding.derived);
    }
    counts
}

/// The warnings that the report's explanations do not cover. A derived warning is explained by the
/// finding that explains it.
pub fn unexplained<'a>(report: &Report, findings: &'a [Finding]) -> Vec<&'a Finding> {
    findings
        .iter()
        .filter(|f| f.severity() == Severity::Warning && !f.derived)
        .filter(|f| !report.explanations.iter().any(|e| e.fingerprint == f.fingerprint))
        .collect()
}

/// The finding of one violation and its rank in form order. `None` cannot arise: `build.rs` refuses
/// a rule without an entry in the catalogue. `revision` is what a rule compared with, if anything.
fn render(report: &Report, violation: Violation, revision: &str) -> Option<(usize, Finding)> {
    let rule = rules::rule(violation.rule)?;
    let Violation { path: rule_path, evidence, .. } = violation;
    let field_path = join(&rule_path, &rule.subject);
    let (rank, cell) = address(report, &field_path);
    let operands = operands(&rule_path, &evidence, revision);
    let (expected, actual, delta) = figures(&evidence);
    let blanks = blank_labels(rule, &operands);
    let fingerprint = fingerprint(&rule.id, &field_path, &operands);
    let finding = Finding {
        rule_id: rule.id.clone(),
        severity: rule.severity,
        message_zh: message_zh(rule, &expected, &actual, &delta, &blanks),
        message_en: message_en(rule, &expected, &actual),
        span: evidence.words.map(|(part, range)| Span {
            part: join(&rule_path, part),
            start: i32::try_from(range.start).unwrap_or(i32::MAX),
            end: i32::try_from(range.end).unwrap_or(i32::MAX),
        }),
        rule_path,
        field_path,
        cell,
        expected,
        actual,
        delta,
        operands,
        compared_with: Some(revision)
            .filter(|r| !r.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect(),
        derived: false,
        fingerprint,
        statistics: None,
    };
    Some((rank, finding))
}

/// The rank in form order and the Chinese address of a path. A blank is found under the cell that
/// it speaks of.
fn address(report: &Report, path: &str) -> (usize, String) {
    let spoken_of = blank_of(report, path).unwrap_or(path);
    match form::place(spoken_of) {
        Some((rank, place)) => (rank, place.zh.to_owned()),
        None => (0, "整份报告".to_owned()),
    }
}

/// The cell of which `blanks[i]` speaks.
fn blank_of<'a>(report: &'a Report, path: &str) -> Option<&'a str> {
    let rest = path.strip_prefix("blanks[")?;
    let index: usize = rest[..rest.find(']')?].parse().ok()?;
    let spoken_of = report.blanks.get(index)?.field_path.as_str();
    form::place(spoken_of).map(|_| spoken_of)
}

fn operands(rule_path: &str, evidence: &Evidence, revision: &str) -> Vec<Operand> {
    let operand = |(path, value): &(&'static str, Value), revision: &str| Operand {
        field_path: join(rule_path, path),
        value: match value {
            Value::Absent => None,
            Value::Present => Some("present".to_owned()),
            Value::Number(number) => Some(number.to_string()),
            Value::Text(text) => Some(text.clone()),
        },
        revision: revision.to_owned(),
    };
    let own = evidence.operands.iter().map(|read| operand(read, ""));
    own.chain(evidence.last.iter().map(|read| operand(read, revision))).collect()
}

/// Expected, actual, and actual less expected where the rule is an equation.
fn figures(evidence: &Evidence) -> (String, String, String) {
    if let Some((actual, relation, expected)) = evidence.compared {
        return if relation == "==" {
            let delta = i128::from(actual) - i128::from(expected);
            (expected.to_string(), actual.to_string(), delta.to_string())
        } else {
            (format!("{relation} {expected}"), actual.to_string(), String::new())
        };
    }
    let expected = evidence.bound.unwrap_or_default().to_owned();
    let actual = match evidence.operands.as_slice() {
        [("", Value::Number(number))] => number.to_string(),
        [(_, Value::Text(text))] => quote(text),
        _ => String::new(),
    };
    (expected, actual, String::new())
}

/// The labels of the blank cells, where a blank is what the rule reports.
fn blank_labels(rule: &pb::Rule, operands: &[Operand]) -> String {
    if rule.missing_operand() != pb::MissingOperand::Fails || operands.len() < 2 {
        return String::new();
    }
    let labels: Vec<&str> = operands
        .iter()
        // Parts of the report are named by the rule itself.
        .filter(|operand| operand.value.is_none() && operand.field_path.contains('.'))
        .filter_map(|operand| form::place(&operand.field_path))
        .map(|(_, place)| place.zh.rsplit('·').next().unwrap_or(place.zh))
        .collect();
    labels.join("、")
}

fn message_zh(rule: &pb::Rule, expected: &str, actual: &str, delta: &str, blanks: &str) -> String {
    let mut out = rule.text_zh.clone();
    if !expected.is_empty() {
        let _ = write!(out, "：应为 {expected}，实为 {}", shown(actual, "空白"));
    } else if !actual.is_empty() {
        let _ = write!(out, "：{actual}");
    }
    if !delta.is_empty() {
        let _ = write!(out, "，相差 {delta}");
    }
    if !blanks.is_empty() {
        let _ = write!(out, "：{blanks}");
    }
    out
}

fn message_en(rule: &pb::Rule, expected: &str, actual: &str) -> String {
    let mut out = rule.text_en.clone();
    if !expected.is_empty() {
        let _ = write!(out, ": expected {expected}, found {}", shown(actual, "nothing"));
    } else if !actual.is_empty() {
        let _ = write!(out, ": {actual}");
    }
    out
}

fn shown<'a>(actual: &'a str, nothing: &'a str) -> &'a str {
    if actual.is_empty() { nothing } else { actual }
}

fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// See the schema, `Finding.fingerprint`.
fn fingerprint(rule_id: &str, field_path: &str, operands: &[Operand]) -> String {
    let mut hashed = String::with_capacity(FINGERPRINTED_BYTES);
    for line in [rule_id, field_path] {
        hashed.push_str(line);
        hashed.push('\n');
    }
    for operand in operands {
        hashed.push_str(&operand.field_path);
        if let Some(value) = &operand.value {
            hashed.push('=');
            hashed.push_str(value);
        }
        hashed.push('\n');
    }
    let digest: [u8; 32] = Sha256::digest(hashed).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    format!("{:016x}", u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

/// Marks the findings that another explains: one of a rule in `implied_by`, on the same message, or
/// below it with an operand in common.
fn mark_derived(ranked: &mut [(usize, Finding)]) {
    let derived: Vec<bool> = ranked
        .iter()
        .map(|(_, finding)| {
            let causes = rules::rule(&finding.rule_id).map_or(&[][..], |r| &r.implied_by);
            !causes.is_empty() && ranked.iter().any(|(_, cause)| explains(cause, finding, causes))
        })
        .collect();
    for ((_, finding), derived) in ranked.iter_mut().zip(derived) {
        finding.derived = derived;
    }
}

fn explains(cause: &Finding, finding: &Finding, causes: &[String]) -> bool {
    if !causes.contains(&cause.rule_id) {
        return false;
    }
    if cause.rule_path == finding.rule_path {
        return cause.rule_id != finding.rule_id;
    }
    let below = cause
        .rule_path
        .strip_prefix(&finding.rule_path)
        .is_some_and(|rest| finding.rule_path.is_empty() || rest.starts_with('.'));
    below
        && cause.operands.iter().any(|operand| {
            finding.operands.iter().any(|other| other.field_path == operand.field_path)
        })
}

fn join(path: &str, rest: &str) -> String {
    match (path.is_empty(), rest.is_empty()) {
        (true, _) => rest.to_owned(),
        (_, true) => path.to_owned(),
        // A finding of a column joins two dozen paths: each is one allocation.
        _ => [path, ".", rest].concat(),
    }
}
