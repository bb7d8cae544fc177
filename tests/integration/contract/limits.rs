//! Every field that a stranger may fill is bounded.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};

use super::render::{PACKAGE, short};
use super::{comments, files, messages, none, option, part, pool};

/// The messages of our package that a request can carry: what a stranger may fill.
fn request_messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    let mut open: Vec<_> = files(pool)
        .flat_map(|file| file.services().collect::<Vec<_>>())
        .flat_map(|service| service.methods().map(|method| method.input()).collect::<Vec<_>>())
        .collect();
    let mut seen = BTreeMap::new();
    while let Some(message) = open.pop() {
        if message.package_name() != PACKAGE || seen.contains_key(message.full_name()) {
            continue;
        }
        open.extend(message.fields().filter_map(|field| field.kind().as_message().cloned()));
        seen.insert(message.full_name().to_owned(), message);
    }
    seen.into_values().collect()
}

/// Which bound a value of the kind lacks under these rules of protovalidate.
fn missing_bound(kind: &Kind, rules: Option<&DynamicMessage>) -> Option<&'static str> {
    let (group, unsigned) = match kind {
        Kind::String => ("string", false),
        Kind::Bytes => ("bytes", false),
        Kind::Int32 => ("int32", false),
        Kind::Int64 => ("int64", false),
        Kind::Uint32 => ("uint32", true),
        Kind::Uint64 => ("uint64", true),
        Kind::Enum(_) => ("enum", false),
        Kind::Bool | Kind::Message(_) => return None,
        _ => return Some("a kind that this schema does not use"),
    };
    let rules = rules.and_then(|rules| part(rules, group));
    let has = |names: &[&str]| {
        rules.as_ref().is_some_and(|rules| {
            // `in` is a list: a list is set when it is not empty.
            names.iter().any(|name| rules.has_field_by_name(name))
        })
    };
    if has(&["const", "in"]) {
        return None;
    }
    match group {
        "string" | "bytes" => {
            (!has(&["max_len", "max_bytes", "len", "len_bytes"])).then_some("max_len")
        }
        "enum" => (!has(&["defined_only"])).then_some("defined_only"),
        _ if !has(&["lt", "lte"]) => Some("lte"),
        _ if !unsigned && !has(&["gt", "gte"]) => Some("gte"),
        _ => None,
    }
}

/// What a field of a request lacks.
fn missing_bounds(field: &FieldDescriptor) -> Vec<&'static str> {
    let rules = option(&field.options(), "buf.validate.field");
    let group = |name| rules.as_ref().and_then(|rules| part(rules, name));
    if field.is_map() {
        let limited = group("map").is_some_and(|rules| rules.has_field_by_name("max_pairs"));
        return if limited { Vec::new() } else { vec!["max_pairs"] };
    }
    if !field.is_list() {
        return missing_bound(&field.kind(), rules.as_ref()).into_iter().collect();
    }
    let list = group("repeated");
    let limited = list.as_ref().is_some_and(|list| list.has_field_by_name("max_items"));
    let items = list.and_then(|list| part(&list, "items"));
    let items = missing_bound(&field.kind(), items.as_ref());
    (!limited).then_some("max_items").into_iter().chain(items).collect()
}

/// A number that the server sets and never reads from a request can do no harm there. A text or a
/// list can, by its mere size.
fn is_output_number(field: &FieldDescriptor) -> bool {
    let sized = field.is_list() || matches!(field.kind(), Kind::String | Kind::Bytes);
    let comments = comments(&field.parent_message().parent_file());
    !sized && comments.get(field.path()).is_some_and(|text| text.contains(" Output only."))
}

#[test]
fn every_field_of_a_request_is_bounded() {
    let pool = pool();
    let messages = request_messages(&pool);
    let names: Vec<_> = messages.iter().map(|message| short(message.full_name())).collect();
    assert!(names.contains(&"Report"), "no request carries a report: {names:?}");
    let mut complaints = Vec::new();
    for field in messages.iter().flat_map(MessageDescriptor::fields) {
        if !is_output_number(&field) {
            let name = short(field.full_name());
            let missing = missing_bounds(&field).into_iter();
            complaints.extend(missing.map(|bound| format!("{name}: no {bound}")));
        }
    }
    none(complaints);
}

#[test]
fn no_number_is_inexact() {
    let pool = pool();
    let fields = messages(&pool).flat_map(|message| message.fields().collect::<Vec<_>>());
    let inexact = fields.filter(|field| matches!(field.kind(), Kind::Float | Kind::Double));
    none(inexact.map(|field| field.full_name().to_owned()).collect());
}

#[test]
fn refuses_a_field_without_a_bound() {
    // The schema of the options is filled by us, not by requests: it has no bounds, a ready sample.
    let pool = pool();
    let missing = |message: &str, field: &str| {
        let message = pool.get_message_by_name(message).unwrap();
        missing_bounds(&message.get_field_by_name(field).unwrap())
    };
    assert_eq!(missing("nianbao.v1.CellOptions", "label"), ["max_len"]);
    assert_eq!(missing("nianbao.v1.CellOptions", "unit"), ["defined_only"]);
    assert_eq!(missing("nianbao.v1.CellOptions", "aliases"), ["max_items", "max_len"]);
    assert_eq!(missing("nianbao.v1.RulesOptions", "rule"), ["max_items"]);
    assert_eq!(missing("buf.validate.Int64Rules", "lt"), ["lte"]);
    assert_eq!(missing("buf.validate.DoubleRules", "lt").len(), 1);
}
