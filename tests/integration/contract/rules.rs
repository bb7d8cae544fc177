//! Every rule has one id, one expression, and one entry that says what it means.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, MessageDescriptor};

use super::render::short;
use super::{chinese, entries, messages, none, option, pool, string};

/// The first segments of protovalidate's own rule ids: entries with them need no CEL.
const STANDARD: &[&str] = &[
    "required",
    "bool",
    "bytes",
    "enum",
    "int32",
    "int64",
    "map",
    "message",
    "oneof",
    "repeated",
    "string",
    "timestamp",
    "uint32",
    "uint64",
];

/// The CEL rules of a message and of its fields.
fn cel_rules(message: &MessageDescriptor) -> Vec<DynamicMessage> {
    let of_message = option(&message.options(), "buf.validate.message");
    let of_fields = message.fields().map(|field| option(&field.options(), "buf.validate.field"));
    of_message
        .into_iter()
        .chain(of_fields.flatten())
        .flat_map(|rules| entries(&rules, "cel"))
        .collect()
}

/// Our own entries, one a rule.
fn rule_options(message: &MessageDescriptor) -> Vec<DynamicMessage> {
    let rules = option(&message.options(), "nianbao.v1.rules");
    rules.map(|rules| entries(&rules, "rule")).unwrap_or_default()
}

/// Dotted, lower case, at least two segments: `requests.balance.total`.
fn is_rule_id(id: &str) -> bool {
    let segment = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    id.contains('.') && id.split('.').all(segment)
}

fn is_standard(id: &str) -> bool {
    STANDARD.contains(&id.split('.').next().unwrap())
}

/// Complains of ids and texts of one message, given as (id, Chinese text) of each CEL rule and of
/// each of our entries.
fn check_rules(cel: &[(String, String)], ours: &[(String, String)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (id, text) in cel {
        if !is_rule_id(id) || is_standard(id) {
            complaints.push(format!("{id}: not a dotted lower-case id of our own"));
        }
        if !text.contains(chinese) {
            complaints.push(format!("{id}: the message is not Chinese"));
        }
        if !ours.iter().any(|(other, _)| other == id) {
            complaints.push(format!("{id}: no entry in the option (nianbao.v1.rules)"));
        }
    }
    for (id, text) in ours {
        let in_cel = cel.iter().any(|(other, _)| other == id);
        if !is_rule_id(id) && !is_standard(id) {
            complaints.push(format!("{id}: not a dotted lower-case id"));
        }
        // A standard rule, or a rule in Rust, has its Chinese text in the entry itself.
        if !in_cel && text.is_empty() {
            complaints.push(format!("{id}: neither a CEL rule of this message nor a text_zh"));
        }
        if in_cel && !text.is_empty() {
            complaints.push(format!("{id}: text_zh beside the CEL message; one of them is enough"));
        }
    }
    complaints
}

#[test]
fn every_rule_has_its_entry_and_every_entry_its_rule() {
    let mut complaints = Vec::new();
    for message in messages(&pool()) {
        let pairs = |rules: Vec<DynamicMessage>, text: &str| -> Vec<_> {
            rules.iter().map(|rule| (string(rule, "id"), string(rule, text))).collect()
        };
        let cel = pairs(cel_rules(&message), "message");
        let ours = pairs(rule_options(&message), "text_zh");
        let name = short(message.full_name());
        complaints.extend(check_rules(&cel, &ours).iter().map(|text| format!("{name}: {text}")));
    }
    none(complaints);
}

#[test]
fn refuses_a_rule_without_an_entry() {
    let pairs = |list: &[(&str, &str)]| -> Vec<_> {
        list.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
    };
    let check = |cel: &[_], ours: &[_]| check_rules(&pairs(cel), &pairs(ours)).len();
    assert_eq!(check(&[("a.b", "中")], &[("a.b", ""), ("required", "必填"), ("c.d", "文")]), 0);
    assert_eq!(check(&[("a.b", "中")], &[]), 1);
    assert_eq!(check(&[], &[("a.b", "")]), 1);
    assert_eq!(check(&[("a.b", "中")], &[("a.b", "中")]), 1);
    assert_eq!(check(&[("a.b", "text")], &[("a.b", "")]), 1);
    for id in ["total", "A.b", "a.", "a..b", "1.b", "string.len"] {
        assert!(check(&[(id, "中")], &[(id, "")]) > 0, "{id} passes");
    }
}

#[test]
fn rule_ids_are_unique() {
    let (mut cel, mut ours) = (BTreeSet::new(), BTreeSet::new());
    let mut complaints = Vec::new();
    for message in messages(&pool()) {
        let name = short(message.full_name());
        let mut once = |seen: &mut BTreeSet<String>, id: String| {
            if !seen.insert(id.clone()) {
                complaints.push(format!("{name}: {id} is used twice"));
            }
        };
        cel_rules(&message).iter().for_each(|rule| once(&mut cel, string(rule, "id")));
        rule_options(&message).iter().for_each(|rule| once(&mut ours, string(rule, "id")));
    }
    assert!(!cel.is_empty(), "the schema has no CEL rule");
    none(complaints);
}

#[test]
fn implied_by_and_subject_name_what_exists() {
    let pool = pool();
    let options: Vec<_> = messages(&pool)
        .flat_map(|message| {
            rule_options(&message)
                .into_iter()
                .map(move |rule| (message.clone(), rule))
                .collect::<Vec<_>>()
        })
        .collect();
    let ids: BTreeSet<_> = options.iter().map(|(_, rule)| string(rule, "id")).collect();
    let mut complaints = Vec::new();
    for (message, rule) in &options {
        let (id, subject) = (string(rule, "id"), string(rule, "subject"));
        let causes = rule.get_field_by_name("implied_by").unwrap().into_owned();
        for cause in causes.as_list().unwrap().iter().filter_map(|cause| cause.as_str()) {
            if !ids.contains(cause) {
                complaints.push(format!("{id}: implied_by names no rule: {cause}"));
            }
        }
        if !subject.is_empty() && !leads_to_a_field(message, &subject) {
            complaints.push(format!("{id}: {} has no {subject}", message.name()));
        }
    }
    none(complaints);
}

fn leads_to_a_field(message: &MessageDescriptor, path: &str) -> bool {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(field) = message.get_field_by_name(first) else {
        return false;
    };
    rest.is_empty() || field.kind().as_message().is_some_and(|inner| leads_to_a_field(inner, rest))
}
