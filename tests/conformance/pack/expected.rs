//! What the rules find in a report, in the form of the pack and of the runners' answers.

use nianbao::check::violations;
use nianbao::finding::findings;
use nianbao::pb::{Finding, Report};
use serde::Serialize;

/// What protovalidate finds: the path and the id of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct BrokenRule {
    /// The dotted path, such as `requests.granted` or `blanks[0].kind`.
    pub path: String,
    /// The id of the rule.
    pub rule: String,
}

/// A finding, without its texts: they may be reworded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The id of the rule.
    pub rule: String,
    /// Where protovalidate reports it.
    pub rule_path: String,
    /// The cell of which it speaks.
    pub field_path: String,
    /// The Chinese address of the cell.
    pub cell: String,
    /// `ERROR`, `WARNING` or `INFO`.
    pub severity: String,
    /// Whether another finding explains it.
    pub derived: bool,
    /// The fingerprint.
    pub fingerprint: String,
    /// What the rule read.
    pub operands: Vec<Read>,
}

/// A cell that a rule read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Read {
    /// The path of the cell.
    pub field_path: String,
    /// What stood there; null for a blank.
    pub value: Option<String>,
}

/// What the rules find in a report by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// What protovalidate finds, in order of path and rule and none twice.
    pub violations: Vec<BrokenRule>,
    /// All findings, in their order.
    pub findings: Vec<Found>,
}

impl Expected {
    /// By the compiled rules.
    pub fn of(report: &Report) -> Self {
        let broken = violations(report).into_iter();
        let broken = broken.map(|v| BrokenRule { path: v.path, rule: v.rule.to_owned() });
        Expected { violations: sorted(broken), findings: told(findings(report)) }
    }
}

/// Violations as the pack has them: a set.
pub fn sorted(violations: impl Iterator<Item = BrokenRule>) -> Vec<BrokenRule> {
    let mut violations: Vec<BrokenRule> = violations.collect();
    violations.sort();
    violations.dedup();
    violations
}

/// Findings as the pack has them.
pub fn told(findings: Vec<Finding>) -> Vec<Found> {
    findings
        .into_iter()
        .map(|finding| Found {
            severity: finding.severity().as_str_name().replace("SEVERITY_", ""),
            rule: finding.rule_id,
            rule_path: finding.rule_path,
            field_path: finding.field_path,
            cell: finding.cell,
            derived: finding.derived,
            fingerprint: finding.fingerprint,
            operands: finding
                .operands
                .into_iter()
                .map(|operand| Read { field_path: operand.field_path, value: operand.value })
                .collect(),
        })
        .collect()
}
