//! Reads options out of dynamic messages.

use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, Value};

use super::Result;

/// The extension of that full name.
pub fn extension(pool: &DescriptorPool, name: &str) -> Result<ExtensionDescriptor> {
    pool.get_extension_by_name(name).ok_or_else(|| format!("the schema lacks option {name}").into())
}

/// The message in that field, where it is set.
pub fn message(from: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    if !from.has_field_by_name(field) {
        return None;
    }
    from.get_field_by_name(field)?.as_message().cloned()
}

/// The messages in that repeated field.
pub fn messages(from: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    let Some(value) = from.get_field_by_name(field) else {
        return Vec::new();
    };
    let list = value.as_list().unwrap_or_default();
    list.iter().filter_map(|v| v.as_message().cloned()).collect()
}

/// The text in that field; empty where it is not set.
pub fn text(from: &DynamicMessage, field: &str) -> String {
    from.get_field_by_name(field).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The texts in that repeated field.
pub fn texts(from: &DynamicMessage, field: &str) -> Vec<String> {
    let Some(value) = from.get_field_by_name(field) else {
        return Vec::new();
    };
    let list = value.as_list().unwrap_or_default();
    list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// The whole number (or enum number) in that field, where it is set.
pub fn number(from: &DynamicMessage, field: &str) -> Option<i64> {
    if !from.has_field_by_name(field) {
        return None;
    }
    match from.get_field_by_name(field)?.as_ref() {
        Value::I64(v) => Some(*v),
        Value::I32(v) | Value::EnumNumber(v) => Some(i64::from(*v)),
        Value::U64(v) => i64::try_from(*v).ok(),
        Value::U32(v) => Some(i64::from(*v)),
        _ => None,
    }
}

/// The enum numbers in that repeated field.
pub fn numbers(from: &DynamicMessage, field: &str) -> Vec<i32> {
    let Some(value) = from.get_field_by_name(field) else {
        return Vec::new();
    };
    let list = value.as_list().unwrap_or_default();
    list.iter().filter_map(Value::as_enum_number).collect()
}

/// The truth value in that field.
pub fn flag(from: &DynamicMessage, field: &str) -> bool {
    from.get_field_by_name(field).and_then(|v| v.as_bool()).unwrap_or(false)
}

/// The names of the fields that are set, extensions aside.
pub fn set_fields(from: &DynamicMessage) -> Vec<String> {
    from.fields().map(|(field, _)| field.name().to_owned()).collect()
}
