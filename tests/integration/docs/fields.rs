//! What a field takes, in words.

use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};

use super::text::{cell, code};
use crate::contract::{option, part, string};

/// The words for the rules of a field that are no expressions.
pub fn constraints(field: &FieldDescriptor) -> String {
    let rules = option(&field.options(), "buf.validate.field");
    let mut words = rules.as_ref().map(of_rules).unwrap_or_default();
    // A oneof of one field is how `optional` is written in descriptors.
    let oneof =
        field.containing_oneof().filter(|_| !field.field_descriptor_proto().proto3_optional());
    if let Some(oneof) = oneof {
        words.push(format!("one of {}", code(oneof.name())));
    }
    cell(&words.join("; "))
}

fn of_rules(rules: &DynamicMessage) -> Vec<String> {
    let mut words = Vec::new();
    for (field, value) in rules.fields() {
        match (field.name(), value) {
            ("required", _) => words.insert(0, "required".to_owned()),
            ("ignore", value) => words.push(ignored(value).to_owned()),
            ("repeated", value) => words.extend(of_list(value.as_message().unwrap())),
            (_, Value::Message(inner)) => words.extend(of_value(inner)),
            (other, _) => panic!("no words for the rule {other}"),
        }
    }
    words
}

fn ignored(value: &Value) -> &'static str {
    match value.as_enum_number() {
        Some(1) => "may be empty",
        Some(3) => "its own rules do not refuse the call",
        other => panic!("no words for ignore = {other:?}"),
    }
}

fn of_list(rules: &DynamicMessage) -> Vec<String> {
    let number = |name: &str| {
        rules.has_field_by_name(name).then(|| whole(&rules.get_field_by_name(name).unwrap()))
    };
    let mut words = vec![match (number("min_items"), number("max_items")) {
        (Some(min), Some(max)) => format!("{min} to {max} items"),
        (Some(min), None) => format!("at least {min} items"),
        (None, Some(max)) => format!("at most {max} items"),
        (None, None) => panic!("a list without a bound"),
    }];
    if let Some(items) = part(rules, "items") {
        words.push(format!("each {}", of_rules(&items).join(", ")));
    }
    words
}

/// The rules of one value: of a text, a number, bytes, an enum.
fn of_value(rules: &DynamicMessage) -> Vec<String> {
    let mut words = Vec::new();
    let mut bounds = (None, None);
    for (field, value) in rules.fields() {
        match field.name() {
            "max_bytes" | "max_len" => words.push(format!("at most {} bytes", whole(value))),
            "pattern" => words.push(format!("matches {}", code(&string(rules, "pattern")))),
            "defined_only" => words.push("a value that is listed".to_owned()),
            "gte" => bounds.0 = Some(whole(value)),
            "lte" => bounds.1 = Some(whole(value)),
            other => panic!("no words for the rule {other}"),
        }
    }
    match bounds {
        (Some(low), Some(high)) => words.insert(0, format!("{low} to {high}")),
        (None, None) => (),
        _ => panic!("a range with one end"),
    }
    words
}

fn whole(value: &Value) -> String {
    match value {
        Value::I32(n) => n.to_string(),
        Value::I64(n) => n.to_string(),
        Value::U64(n) => n.to_string(),
        other => panic!("no whole number: {other:?}"),
    }
}

/// The type of a field as the schema writes it, before the name of a message or enum.
pub fn presence(field: &FieldDescriptor) -> &'static str {
    if field.cardinality() == Cardinality::Repeated {
        "repeated "
    } else if field.field_descriptor_proto().proto3_optional() {
        "optional "
    } else {
        ""
    }
}

/// The name of a scalar type; `None` for a message or an enum.
pub fn scalar(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Message(_) | Kind::Enum(_) => None,
        kind => Some(format!("{kind:?}").to_lowercase()),
    }
}

/// What the form prints beside a field, where it is a part, a row or a cell of it.
pub fn printed(field: &FieldDescriptor) -> String {
    let Some(options) = option(&field.options(), "nianbao.v1.cell") else {
        return String::new();
    };
    let mut words = vec![string(&options, "label_en")];
    for name in ["number", "heading", "column", "ground"] {
        words.push(string(&options, name));
    }
    for name in ["unit", "summing", "editions"] {
        let value = options.get_field_by_name(name).unwrap();
        let kind = options.descriptor().get_field_by_name(name).unwrap().kind();
        let kind = kind.as_enum().unwrap();
        let numbers = match value.as_ref() {
            Value::List(list) => list.iter().filter_map(Value::as_enum_number).collect(),
            value => vec![value.as_enum_number().unwrap()],
        };
        for number in numbers.into_iter().filter(|&number| number != 0) {
            let value = kind.get_value(number).unwrap();
            let label = option(&value.options(), "nianbao.v1.label").unwrap();
            words.push(format!("{} {}", string(&label, "zh"), string(&label, "en")));
        }
    }
    words.retain(|word| !word.is_empty());
    cell(&words.join(", "))
}
