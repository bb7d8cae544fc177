//! Writes the catalogue of rules: an encoded `ListRulesResponse`, ordered by id.

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};

use super::Result;
use super::options::{extension, messages, number, numbers, text, texts};

/// `Rule.Engine`.
const ENGINE_CEL: i32 = 1;
const ENGINE_STANDARD: i32 = 2;
const ENGINE_NATIVE: i32 = 3;

/// The catalogue.
pub struct Catalogue {
    /// The ids of all rules.
    pub ids: Vec<String>,
    /// An encoded `ListRulesResponse`.
    pub encoded: Vec<u8>,
}

/// Reads the catalogue from the options of `all`. Refuses an id that occurs twice, a CEL rule
/// without an entry, and an entry without texts.
pub fn catalogue(pool: &DescriptorPool, all: &[MessageDescriptor]) -> Result<Catalogue> {
    let ours = extension(pool, "nianbao.v1.rules")?;
    let cel = extension(pool, "buf.validate.message")?;
    let mut rules: Vec<(String, DynamicMessage)> = Vec::new();
    for message in all {
        let options = message.options();
        let cel_rules = options
            .get_extension(&cel)
            .as_message()
            .map(|r| messages(r, "cel"))
            .unwrap_or_default();
        let entries = options
            .get_extension(&ours)
            .as_message()
            .map(|r| messages(r, "rule"))
            .unwrap_or_default();
        for rule in &cel_rules {
            let id = text(rule, "id");
            if !entries.iter().any(|entry| text(entry, "id") == id) {
                return Err(format!("rule {id} has no entry in (nianbao.v1.rules)").into());
            }
            // Twice on one message there may be but one entry, which the check below would not see.
            if cel_rules.iter().filter(|r| text(r, "id") == id).count() > 1 {
                return Err(format!("rule id {id} is used twice").into());
            }
        }
        for entry in &entries {
            let id = text(entry, "id");
            let expression = cel_rules.iter().find(|rule| text(rule, "id") == id);
            rules.push((id, rule(pool, message, entry, expression)?));
        }
    }
    rules.sort_by(|(a, _), (b, _)| a.cmp(b));
    for pair in rules.windows(2) {
        if pair[0].0 == pair[1].0 {
            return Err(format!("rule id {} is used twice", pair[0].0).into());
        }
    }
    let ids: Vec<String> = rules.iter().map(|(id, _)| id.clone()).collect();
    for (id, rule) in &rules {
        for cause in texts(rule, "implied_by") {
            if !ids.contains(&cause) {
                return Err(format!("rule {id} is implied by {cause}, which does not exist").into());
            }
        }
    }
    let response = pool
        .get_message_by_name("nianbao.v1.ListRulesResponse")
        .ok_or("the schema lacks ListRulesResponse")?;
    let mut out = DynamicMessage::new(response);
    let list = rules.into_iter().map(|(_, rule)| Value::Message(rule)).collect();
    out.set_field_by_name("rules", Value::List(list));
    Ok(Catalogue { ids, encoded: out.encode_to_vec() })
}

fn rule(
    pool: &DescriptorPool,
    message: &MessageDescriptor,
    entry: &DynamicMessage,
    cel: Option<&DynamicMessage>,
) -> Result<DynamicMessage> {
    let descriptor = pool.get_message_by_name("nianbao.v1.Rule").ok_or("the schema lacks Rule")?;
    let id = text(entry, "id");
    let text_zh = cel.map_or_else(|| text(entry, "text_zh"), |c| text(c, "message"));
    if text_zh.is_empty() || text(entry, "text_en").is_empty() {
        return Err(format!("rule {id} lacks a text").into());
    }
    let engine = match cel {
        Some(_) => ENGINE_CEL,
        None if is_standard(pool, &id) => ENGINE_STANDARD,
        None => ENGINE_NATIVE,
    };
    let mut out = DynamicMessage::new(descriptor);
    let mut set = |name: &str, value: Value| out.set_field_by_name(name, value);
    for (name, value) in [
        ("id", id),
        ("ground", text(entry, "ground")),
        ("text_zh", text_zh),
        ("text_en", text(entry, "text_en")),
        ("subject", text(entry, "subject")),
        ("message", cel.map(|_| message.full_name().to_owned()).unwrap_or_default()),
        ("expression", cel.map(|c| text(c, "expression")).unwrap_or_default()),
    ] {
        set(name, Value::String(value));
    }
    for name in ["severity", "rule_class", "missing_operand"] {
        let value = number(entry, name).and_then(|v| i32::try_from(v).ok()).unwrap_or(0);
        set(name, Value::EnumNumber(value));
    }
    let editions = numbers(entry, "editions").into_iter().map(Value::EnumNumber).collect();
    set("editions", Value::List(editions));
    let causes = texts(entry, "implied_by").into_iter().map(Value::String).collect();
    set("implied_by", Value::List(causes));
    set("engine", Value::EnumNumber(engine));
    Ok(out)
}

/// Whether protovalidate itself has that rule: `required`, or a field of its rules for the type.
fn is_standard(pool: &DescriptorPool, id: &str) -> bool {
    let Some((kind, rest)) = id.split_once('.') else {
        return id == "required";
    };
    let Some(field) = pool
        .get_message_by_name("buf.validate.FieldRules")
        .and_then(|rules| rules.get_field_by_name(kind))
    else {
        return false;
    };
    let first = rest.split('_').next().unwrap_or(rest);
    field.kind().as_message().is_some_and(|m| {
        m.get_field_by_name(rest).is_some() || m.get_field_by_name(first).is_some()
    })
}
