//! Writes what the codec must know of messages: for each message that a method takes or answers,
//! whether fields that the schema does not have are refused in it, and if so, which it has.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

use super::checks::rust_path;
use super::{PACKAGE, Result};

/// The field by which a write is told: each has one, somewhere.
const REQUEST_ID: &str = "request_id";

/// The source of all shapes.
pub fn generate(pool: &DescriptorPool) -> Result<String> {
    let methods = pool
        .services()
        .filter(|service| service.package_name() == PACKAGE)
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    let (mut carried, mut taken) = (BTreeMap::new(), BTreeMap::new());
    // Answers are read as far as they are known, though what a write takes may stand in them.
    let mut strict = HashSet::new();
    for method in methods {
        for message in [method.input(), method.output()] {
            carried.insert(message.full_name().to_owned(), message);
        }
        if has_field(&method.input(), REQUEST_ID, &mut HashSet::new()) {
            below(&method.input(), &mut taken);
            strict.insert(method.input().full_name().to_owned());
        }
    }
    let index: Vec<&str> = taken.keys().map(String::as_str).collect();
    let place = |name: &str| index.iter().position(|known| *known == name);

    let mut out = String::from("// Written by src/codegen from the schema.\n\n");
    writeln!(out, "static SHAPES: [Shape; {}] = [", taken.len())?;
    for (name, message) in &taken {
        write!(out, "    Shape {{ message: {name:?}, fields: &[")?;
        let mut fields: Vec<_> = message.fields().collect();
        fields.sort_by_key(prost_reflect::FieldDescriptor::number);
        for field in fields {
            let shape = match field.kind() {
                Kind::Message(inner) => place(inner.full_name()),
                _ => None,
            };
            write!(out, "({}, {:?}, {shape:?}), ", field.number(), field.name())?;
        }
        out.push_str("] },\n");
    }
    out.push_str("];\n\n");
    for (name, message) in &carried {
        writeln!(
            out,
            "impl Carried for {} {{\n    const SHAPE: Option<usize> = {:?};\n}}\n",
            rust_path(message),
            place(name).filter(|_| strict.contains(name))
        )?;
    }
    Ok(out)
}

/// Whether the message or one below it has a field of that name.
fn has_field(message: &MessageDescriptor, name: &str, seen: &mut HashSet<String>) -> bool {
    seen.insert(message.full_name().to_owned())
        && message.fields().any(|field| match field.kind() {
            _ if field.name() == name => true,
            Kind::Message(inner) => has_field(&inner, name, seen),
            _ => false,
        })
}

/// The message and all below it.
fn below(message: &MessageDescriptor, found: &mut BTreeMap<String, MessageDescriptor>) {
    if found.insert(message.full_name().to_owned(), message.clone()).is_some() {
        return;
    }
    for field in message.fields() {
        if let Kind::Message(inner) = field.kind() {
            below(&inner, found);
        }
    }
}
