//! Why a report is sent back.

use crate::check::{Evidence, Value, Violation};
use crate::failure::Failure;
use crate::finding;
use crate::form;
use crate::pb::ReturnReason;
use crate::rules;

/// Puts the Chinese address beside each path; refuses a reason that names nothing.
pub(super) fn address(reasons: &mut [ReturnReason]) -> Result<(), Failure> {
    let mut broken = Vec::new();
    for (index, reason) in reasons.iter_mut().enumerate() {
        broken.extend(broken_reason(reason, format!("reasons[{index}]")));
        let place = form::place(&reason.field_path);
        reason.cell = place.map(|(_, place)| place.zh.to_owned()).unwrap_or_default();
    }
    match broken.is_empty() {
        true => Ok(()),
        false => Err(Failure::InvalidRequest(finding::describe(broken))),
    }
}

/// What the native rules find in a reason that stands at `path`.
pub fn broken_reason(reason: &ReturnReason, path: String) -> Vec<Violation> {
    let mut broken = Vec::new();
    let mut add = |rule: &'static str, field: &'static str, found: &str| {
        let operands = vec![(field, Value::Text(found.to_owned()))];
        let evidence = Evidence { operands, ..Evidence::default() };
        broken.push(Violation { rule, path: path.clone(), evidence });
    };
    let field_path = &reason.field_path;
    let is_place = form::place(field_path).is_some_and(|(_, place)| place.path == *field_path);
    if !field_path.is_empty() && !is_place {
        add("return_reason.field_path", "field_path", field_path);
    }
    if !reason.rule_id.is_empty() && rules::rule(&reason.rule_id).is_none() {
        add("return_reason.rule_id", "rule_id", &reason.rule_id);
    }
    broken
}
