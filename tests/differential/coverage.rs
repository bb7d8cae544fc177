//! Which rules a report puts to the test, read from the options of the schema alone.
//!
//! The compiled rules say what fails; this walk says what was asked, so that what passed is known.
//! A rule that no report breaks, or none passes, has not been compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;

use nianbao::pb::Report;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    ReflectMessage as _,
};

/// Path and rule id.
pub(crate) type Broken = BTreeSet<(String, String)>;

/// `buf.validate.Ignore.IGNORE_IF_ZERO_VALUE`.
const IGNORE_IF_ZERO_VALUE: i32 = 1;

/// How often each rule was passed and broken.
pub(crate) struct Coverage {
    report: MessageDescriptor,
    asked_of: HashMap<String, Asked>,
    passed_broken: BTreeMap<String, (u64, u64)>,
}

/// What the schema asks of a message.
struct Asked {
    rules: Vec<String>,
    fields: Vec<AskedField>,
}

struct AskedField {
    field: FieldDescriptor,
    required: bool,
    /// Whether the standard rules hold for zero or empty values too.
    of_zero: bool,
    rules: Vec<String>,
}

impl Coverage {
    /// Reads the options of all messages that a report can hold.
    pub(crate) fn new(pool: &DescriptorPool) -> Result<Self, Box<dyn Error>> {
        let report = pool.get_message_by_name("nianbao.v1.Report").ok_or("no message Report")?;
        let on_message =
            pool.get_extension_by_name("buf.validate.message").ok_or("no buf.validate.message")?;
        let on_field =
            pool.get_extension_by_name("buf.validate.field").ok_or("no buf.validate.field")?;
        let mut asked_of = HashMap::new();
        let mut passed_broken = BTreeMap::new();
        let mut open = vec![report.clone()];
        while let Some(message) = open.pop() {
            if asked_of.contains_key(message.full_name()) {
                continue;
            }
            let mut fields = Vec::new();
            for field in message.fields() {
                open.extend(own_message(&field));
                fields.push(asked_of_field(field, &on_field)?);
            }
            let rules = rules_of_message(&message, &on_message);
            let of_fields = fields.iter().flat_map(|f: &AskedField| f.rules.iter().cloned());
            for id in rules.iter().cloned().chain(of_fields) {
                passed_broken.insert(id, (0, 0));
            }
            asked_of.insert(message.full_name().to_owned(), Asked { rules, fields });
        }
        passed_broken.insert("required".to_owned(), (0, 0));
        Ok(Coverage { report, asked_of, passed_broken })
    }

    /// Counts the rules that `report` passes and those that it breaks.
    ///
    /// # Errors
    /// Where `broken` names a rule that the schema does not ask at that path.
    pub(crate) fn count(&mut self, report: &Report, broken: &Broken) -> Result<(), Box<dyn Error>> {
        let bytes = report.encode_to_vec();
        let message = DynamicMessage::decode(self.report.clone(), bytes.as_slice())?;
        let mut asked = Vec::new();
        self.walk(&message, "", &mut asked);
        let mut unasked = broken.clone();
        for place in asked {
            let fails = unasked.remove(&place);
            let counts = self.passed_broken.entry(place.1).or_default();
            if fails {
                counts.1 += 1;
            } else {
                counts.0 += 1;
            }
        }
        match unasked.first() {
            Some((path, id)) => Err(format!("the schema asks no rule {id} at {path:?}").into()),
            None => Ok(()),
        }
    }

    /// How often each rule was passed and broken, by id.
    pub(crate) fn passed_broken(&self) -> &BTreeMap<String, (u64, u64)> {
        &self.passed_broken
    }

    fn walk(&self, message: &DynamicMessage, path: &str, out: &mut Vec<(String, String)>) {
        let Some(asked) = self.asked_of.get(message.descriptor().full_name()) else {
            return;
        };
        out.extend(asked.rules.iter().map(|id| (path.to_owned(), id.clone())));
        for asked in &asked.fields {
            let name = asked.field.name();
            let place = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let there = message.has_field(&asked.field);
            if asked.required {
                out.push((place.clone(), "required".to_owned()));
            }
            if there || asked.of_zero {
                out.extend(asked.rules.iter().map(|id| (place.clone(), id.clone())));
            }
            if !there || own_message(&asked.field).is_none() {
                continue;
            }
            let value = message.get_field(&asked.field);
            if let Some(list) = value.as_list() {
                for (index, item) in list.iter().enumerate() {
                    if let Some(item) = item.as_message() {
                        self.walk(item, &format!("{place}[{index}]"), out);
                    }
                }
            } else if let Some(nested) = value.as_message() {
                self.walk(nested, &place, out);
            }
        }
    }
}

/// The message of the package that a field holds.
pub(crate) fn own_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if message.package_name() == "nianbao.v1" => Some(message),
        _ => None,
    }
}

fn rules_of_message(message: &MessageDescriptor, option: &ExtensionDescriptor) -> Vec<String> {
    let options = message.options();
    let value = options.get_extension(option);
    let Some(rules) = value.as_message().and_then(|m| m.get_field_by_name("cel")) else {
        return Vec::new();
    };
    let list = rules.as_list().unwrap_or_default();
    list.iter().filter_map(|rule| Some(text(rule.as_message()?, "id"))).collect()
}

fn asked_of_field(
    field: FieldDescriptor,
    option: &ExtensionDescriptor,
) -> Result<AskedField, Box<dyn Error>> {
    let options = field.options();
    let value = options.get_extension(option);
    let all = value.as_message().ok_or("buf.validate.field is no message")?;
    let mut asked = AskedField {
        required: false,
        of_zero: !field.supports_presence() || field.is_list(),
        rules: Vec::new(),
        field,
    };
    for (part, value) in all.fields() {
        match (part.name(), value.as_message()) {
            ("required", _) => {
                asked.required = value.as_bool() == Some(true);
                asked.of_zero &= !asked.required;
            }
            ("ignore", _) if value.as_enum_number() == Some(IGNORE_IF_ZERO_VALUE) => {
                asked.of_zero = false;
            }
            (kind, Some(rules)) => asked.rules.extend(standard(kind, rules)?),
            (other, None) => return Err(format!("{other} is not understood here").into()),
        }
    }
    Ok(asked)
}

/// The ids of the standard rules of one kind; both bounds of a number are one rule.
fn standard(kind: &str, rules: &DynamicMessage) -> Result<Vec<String>, Box<dyn Error>> {
    let names: Vec<String> = rules.fields().map(|(field, _)| field.name().to_owned()).collect();
    match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["lte", "gte"] | ["gte", "lte"] => Ok(vec![format!("{kind}.gte_lte")]),
        names if names.contains(&"items") => Err("rules of items are not understood here".into()),
        names => Ok(names.iter().map(|name| format!("{kind}.{name}")).collect()),
    }
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
