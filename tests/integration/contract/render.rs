//! Renders the schema as short text: what a client may rely on, in the order in which it is
//! written. Comments are left out; they may be improved.

use std::fmt::Write;

use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey,
    MessageDescriptor, MethodDescriptor, Value,
};

/// The package whose contract this is. What it imports is guarded by `buf breaking` alone.
pub const PACKAGE: &str = "nianbao.v1";

/// The whole contract, one file of the schema after the other.
pub fn contract(pool: &DescriptorPool) -> String {
    let mut out = String::from(
        "# The contract of nianbao.v1. Rewritten by `UPDATE_GOLDEN=1 cargo test contract`.\n",
    );
    let mut files: Vec<_> = pool.files().filter(|file| file.package_name() == PACKAGE).collect();
    files.sort_by(|a, b| a.name().cmp(b.name()));
    for file in files {
        line(&mut out, 0, &format!("\n## {}", file.name()));
        for extension in file.extensions() {
            let (name, kind) = (extension.full_name(), kind(&extension.kind()));
            let (of, number) = (extension.containing_message(), extension.number());
            line(&mut out, 0, &format!("\nextend {}: {number} {name}: {kind}", of.full_name()));
        }
        file.services().for_each(|service| {
            line(&mut out, 0, &format!("\nservice {}", service.full_name()));
            service.methods().for_each(|method| line(&mut out, 1, &signature(&method)));
        });
        file.messages().for_each(|item| message(&mut out, &item));
        file.enums().for_each(|item| enumeration(&mut out, &item));
    }
    out
}

fn line(out: &mut String, indent: usize, text: &str) {
    writeln!(out, "{}{text}", "  ".repeat(indent)).unwrap();
}

fn signature(method: &MethodDescriptor) -> String {
    let stream = |streaming| if streaming { "stream " } else { "" };
    let (input, output) = (method.input(), method.output());
    format!(
        "{}({}{}) returns ({}{})",
        method.name(),
        stream(method.is_client_streaming()),
        short(input.full_name()),
        stream(method.is_server_streaming()),
        short(output.full_name()),
    )
}

fn message(out: &mut String, message: &MessageDescriptor) {
    if message.is_map_entry() {
        return;
    }
    line(out, 0, &format!("\nmessage {}", short(message.full_name())));
    options(out, 1, &message.options());
    message.fields().for_each(|item| field(out, &item));
    let proto = message.descriptor_proto();
    for range in &proto.reserved_range {
        // The end of a range is exclusive in descriptors.
        line(out, 1, &format!("reserved {} to {}", range.start(), range.end() - 1));
    }
    proto.reserved_name.iter().for_each(|name| line(out, 1, &format!("reserved {name}")));
    message.child_messages().for_each(|item| self::message(out, &item));
    message.child_enums().for_each(|item| enumeration(out, &item));
}

fn field(out: &mut String, field: &FieldDescriptor) {
    let kind = kind(&field.kind());
    let presence = if field.is_map() || field.cardinality() == Cardinality::Repeated {
        "repeated "
    } else if field.field_descriptor_proto().proto3_optional() {
        "optional "
    } else {
        ""
    };
    // A oneof of one field is how `optional` is written in descriptors.
    let oneof = field.containing_oneof().filter(|_| presence.is_empty());
    let oneof = oneof.map(|oneof| format!(" oneof {}", oneof.name())).unwrap_or_default();
    line(out, 1, &format!("{} {}: {presence}{kind}{oneof}", field.number(), field.name()));
    options(out, 3, &field.options());
}

fn enumeration(out: &mut String, item: &EnumDescriptor) {
    line(out, 0, &format!("\nenum {}", short(item.full_name())));
    options(out, 1, &item.options());
    for value in item.values() {
        line(out, 1, &format!("{} {}", value.number(), value.name()));
        options(out, 3, &value.options());
    }
}

/// Options, each on a line; a list of messages inside (rules), each entry on a line of its own.
fn options(out: &mut String, indent: usize, options: &DynamicMessage) {
    for (field, value) in options.fields() {
        line(out, indent, &format!("{}: {}", field.name(), text(&field, value)));
    }
    for (extension, value) in options.extensions() {
        let name = short(extension.full_name());
        let Some(inner) = value.as_message() else {
            line(out, indent, &format!("{name}: {}", scalar(&extension.kind(), value)));
            continue;
        };
        let mut plain = Vec::new();
        for (field, value) in inner.fields() {
            match (value, field.kind()) {
                (Value::List(entries), Kind::Message(_)) => {
                    for entry in entries.iter().filter_map(Value::as_message) {
                        line(out, indent, &format!("{name}.{}", field.name()));
                        for (field, value) in entry.fields() {
                            let text = format!("{}: {}", field.name(), text(&field, value));
                            line(out, indent + 1, &text);
                        }
                    }
                }
                _ => plain.push(format!("{}: {}", field.name(), text(&field, value))),
            }
        }
        if !plain.is_empty() {
            line(out, indent, &format!("{name} {}", plain.join(", ")));
        }
    }
}

fn text(field: &FieldDescriptor, value: &Value) -> String {
    scalar(&field.kind(), value)
}

fn scalar(kind: &Kind, value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::EnumNumber(number) => {
            let name = kind.as_enum().and_then(|item| item.get_value(*number));
            name.map_or(number.to_string(), |value| value.name().to_owned())
        }
        Value::Message(inner) => {
            let fields = inner
                .fields()
                .map(|(field, value)| format!("{}: {}", field.name(), text(&field, value)));
            let extensions = inner.extensions().map(|(field, value)| {
                format!("[{}]: {}", field.full_name(), scalar(&field.kind(), value))
            });
            format!("{{{}}}", fields.chain(extensions).collect::<Vec<_>>().join(", "))
        }
        Value::List(entries) => {
            let entries: Vec<_> = entries.iter().map(|entry| scalar(kind, entry)).collect();
            format!("[{}]", entries.join(", "))
        }
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|(key, value)| pair(key, value)).collect();
            entries.sort();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Bool(value) => value.to_string(),
        Value::I32(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        Value::F32(value) => value.to_string(),
        Value::F64(value) => value.to_string(),
        Value::Bytes(value) => format!("{value:?}"),
    }
}

fn pair(key: &MapKey, value: &Value) -> String {
    format!("{key:?}: {value:?}")
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Message(item) if item.is_map_entry() => {
            let value = item.map_entry_value_field().kind();
            format!(
                "map<{}, {}>",
                self::kind(&item.map_entry_key_field().kind()),
                self::kind(&value)
            )
        }
        Kind::Message(item) => short(item.full_name()).to_owned(),
        Kind::Enum(item) => short(item.full_name()).to_owned(),
        scalar => format!("{scalar:?}"),
    }
}

/// A full name without our own package.
pub fn short(name: &str) -> &str {
    name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}
