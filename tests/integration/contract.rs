//! The contract as text, and what this house asks of every field, rule and method.
//!
//! `contract.txt` shows in a review what a change means for clients, labels and rules included;
//! `buf breaking` compares names and numbers only.

mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::{env, fs};

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
    ReflectMessage,
};
use render::{PACKAGE, short};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/contract.txt");

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

fn pool() -> DescriptorPool {
    DescriptorPool::decode(nianbao::pb::FILE_DESCRIPTOR_SET).unwrap()
}

fn files(pool: &DescriptorPool) -> impl Iterator<Item = FileDescriptor> {
    pool.files().filter(|file| file.package_name() == PACKAGE)
}

fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> {
    pool.all_messages()
        .filter(|item| item.package_name() == PACKAGE && !item.is_map_entry())
}

/// The message that an option of ours, or of protovalidate, holds.
fn option(options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    let pool = options.descriptor().parent_pool().clone();
    let extension = pool
        .get_extension_by_name(name)
        .unwrap_or_else(|| panic!("no option {name}"));
    options.has_extension(&extension).then(|| {
        options
            .get_extension(&extension)
            .as_message()
            .unwrap()
            .clone()
    })
}

/// A field that is set, as its text.
fn string(message: &DynamicMessage, field: &str) -> String {
    message
        .get_field_by_name(field)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// A list of messages.
fn entries(message: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    let value = message.get_field_by_name(field).unwrap();
    value
        .as_list()
        .unwrap()
        .iter()
        .map(|entry| entry.as_message().unwrap().clone())
        .collect()
}

/// A message field that is set.
fn part(message: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    message.has_field_by_name(field).then(|| {
        message
            .get_field_by_name(field)
            .unwrap()
            .as_message()
            .unwrap()
            .clone()
    })
}

#[track_caller]
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

// --- the golden text ------------------------------------------------------------------------

#[test]
fn contract_is_as_committed() {
    let actual = render::contract(&pool());
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(GOLDEN, &actual).unwrap();
    }
    let golden = fs::read_to_string(GOLDEN).unwrap_or_default();
    if let Some(difference) = difference(&golden, &actual) {
        panic!(
            "the contract is not that of tests/contract/contract.txt:\n{difference}\n\
             If that is what you mean, run `UPDATE_GOLDEN=1 cargo test contract`, read the diff, \
             and give it a line in CHANGELOG.md."
        );
    }
}

/// Where two texts part, with the two lines before.
fn difference(golden: &str, actual: &str) -> Option<String> {
    let (golden, actual): (Vec<_>, Vec<_>) = (golden.lines().collect(), actual.lines().collect());
    if golden == actual {
        return None;
    }
    let same = golden
        .iter()
        .zip(&actual)
        .take_while(|(a, b)| a == b)
        .count();
    let line = |lines: &[&str]| (*lines.get(same).unwrap_or(&"(the end)")).to_owned();
    let before = golden[same.saturating_sub(2)..same].join("\n  ");
    Some(format!(
        "line {}:\n  {before}\n- {}\n+ {}",
        same + 1,
        line(&golden),
        line(&actual)
    ))
}

#[test]
fn shows_where_two_contracts_part() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(
        difference("a\nb\nc", "a\nb\nd").unwrap(),
        "line 3:\n  a\n  b\n- c\n+ d"
    );
    assert_eq!(
        difference("a", "a\nb").unwrap(),
        "line 2:\n  a\n- (the end)\n+ b"
    );
}

// --- comments -------------------------------------------------------------------------------

/// What stands above each element, by its path in the file's descriptor.
fn comments(file: &FileDescriptor) -> BTreeMap<Vec<i32>, String> {
    let info = file
        .file_descriptor_proto()
        .source_code_info
        .clone()
        .unwrap_or_default();
    let comment = |location: prost_types::source_code_info::Location| {
        let text = location.leading_comments?;
        Some((location.path, text.trim().to_owned()))
    };
    info.location.into_iter().filter_map(comment).collect()
}

/// Complains unless the comment begins with the label; without one, with a Chinese character.
fn check_comment(name: &str, comment: Option<&String>, label: &str) -> Option<String> {
    let Some(comment) = comment else {
        return Some(format!("{name}: no comment"));
    };
    let led = match comment.strip_prefix(label) {
        _ if label.is_empty() => comment.starts_with(chinese),
        Some(rest) => !rest.starts_with(|c: char| c.is_alphanumeric()),
        None => false,
    };
    let first = comment.lines().next().unwrap_or_default();
    (!led).then(|| format!("{name}: the comment is not led by its Chinese label {label}: {first}"))
}

fn chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[test]
fn every_element_is_documented_and_led_by_its_label() {
    let pool = pool();
    let mut complaints = Vec::new();
    for file in files(&pool) {
        let comments = comments(&file);
        assert!(
            !comments.is_empty(),
            "{}: the descriptors hold no comments",
            file.name()
        );
        let mut check = |name: &str, path: &[i32], label: &str| {
            complaints.extend(check_comment(short(name), comments.get(path), label));
        };
        for message in messages(&pool).filter(|message| message.parent_file() == file) {
            check(message.full_name(), message.path(), "");
            for field in message.fields() {
                let cell = option(&field.options(), "nianbao.v1.cell");
                let label = cell.map(|cell| string(&cell, "label")).unwrap_or_default();
                check(field.full_name(), field.path(), &label);
            }
        }
        for item in pool.all_enums().filter(|item| item.parent_file() == file) {
            check(item.full_name(), item.path(), "");
            for value in item.values() {
                // A value's label may be a whole phrase; its comment then names it shortly.
                let label = option(&value.options(), "nianbao.v1.label");
                let label = label.map(|label| string(&label, "zh")).unwrap_or_default();
                let led = comments
                    .get(value.path())
                    .is_some_and(|text| text.starts_with(&label));
                check(
                    value.full_name(),
                    value.path(),
                    if led { &label } else { "" },
                );
            }
        }
        for service in file.services() {
            check(service.full_name(), service.path(), "");
            service
                .methods()
                .for_each(|item| check(item.full_name(), item.path(), ""));
        }
    }
    none(complaints);
}

#[test]
fn refuses_a_comment_that_is_not_led_by_its_label() {
    let check = |comment: &str, label| check_comment("f", Some(&comment.to_owned()), label);
    assert_eq!(check_comment("f", None, ""), Some("f: no comment".into()));
    assert!(check("The count.", "").is_some());
    assert!(check("其他处理 Rows.", "其他").is_some());
    assert!(check("总计 Sum.", "合计").is_some());
    assert_eq!(check("总计 Sum.", "总计"), None);
    assert_eq!(check("2019年试行格式 Trial.", "2019年试行格式"), None);
    assert_eq!(check("总计", ""), None);
}

// --- limits ---------------------------------------------------------------------------------

/// The messages of our package that a request can carry: what a stranger may fill.
fn request_messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    let mut open: Vec<_> = files(pool)
        .flat_map(|file| file.services().collect::<Vec<_>>())
        .flat_map(|service| {
            service
                .methods()
                .map(|method| method.input())
                .collect::<Vec<_>>()
        })
        .collect();
    let mut seen = BTreeMap::new();
    while let Some(message) = open.pop() {
        if message.package_name() != PACKAGE || seen.contains_key(message.full_name()) {
            continue;
        }
        open.extend(
            message
                .fields()
                .filter_map(|field| field.kind().as_message().cloned()),
        );
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
        return if limited {
            Vec::new()
        } else {
            vec!["max_pairs"]
        };
    }
    if !field.is_list() {
        return missing_bound(&field.kind(), rules.as_ref())
            .into_iter()
            .collect();
    }
    let list = group("repeated");
    let limited = list
        .as_ref()
        .is_some_and(|list| list.has_field_by_name("max_items"));
    let items = list.and_then(|list| part(&list, "items"));
    let items = missing_bound(&field.kind(), items.as_ref());
    (!limited)
        .then_some("max_items")
        .into_iter()
        .chain(items)
        .collect()
}

#[test]
fn every_field_of_a_request_is_bounded() {
    let pool = pool();
    let messages = request_messages(&pool);
    let names: Vec<_> = messages
        .iter()
        .map(|message| short(message.full_name()))
        .collect();
    assert!(
        names.contains(&"Report"),
        "no request carries a report: {names:?}"
    );
    let fields = messages
        .iter()
        .flat_map(|message| message.fields().collect::<Vec<_>>());
    none(
        fields
            .flat_map(|field| {
                let name = short(field.full_name()).to_owned();
                missing_bounds(&field)
                    .into_iter()
                    .map(move |bound| format!("{name}: no {bound}"))
            })
            .collect(),
    );
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
    assert_eq!(
        missing("nianbao.v1.CellOptions", "aliases"),
        ["max_items", "max_len"]
    );
    assert_eq!(missing("nianbao.v1.RulesOptions", "rule"), ["max_items"]);
    assert_eq!(missing("buf.validate.Int64Rules", "lt"), ["lte"]);
    assert_eq!(missing("buf.validate.DoubleRules", "lt").len(), 1);
}

// --- rules ----------------------------------------------------------------------------------

/// The CEL rules of a message and of its fields.
fn cel_rules(message: &MessageDescriptor) -> Vec<DynamicMessage> {
    let of_message = option(&message.options(), "buf.validate.message");
    let of_fields = message
        .fields()
        .map(|field| option(&field.options(), "buf.validate.field"));
    of_message
        .into_iter()
        .chain(of_fields.flatten())
        .flat_map(|rules| entries(&rules, "cel"))
        .collect()
}

/// Our own entries, one a rule.
fn rule_options(message: &MessageDescriptor) -> Vec<DynamicMessage> {
    let rules = option(&message.options(), "nianbao.v1.rules");
    rules
        .map(|rules| entries(&rules, "rule"))
        .unwrap_or_default()
}

/// Dotted, lower case, at least two segments: `requests.balance.total`.
fn is_rule_id(id: &str) -> bool {
    let segment = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
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
            complaints.push(format!(
                "{id}: neither a CEL rule of this message nor a text_zh"
            ));
        }
        if in_cel && !text.is_empty() {
            complaints.push(format!(
                "{id}: text_zh beside the CEL message; one of them is enough"
            ));
        }
    }
    complaints
}

#[test]
fn every_rule_has_its_entry_and_every_entry_its_rule() {
    let mut complaints = Vec::new();
    for message in messages(&pool()) {
        let pairs = |rules: Vec<DynamicMessage>, text: &str| -> Vec<_> {
            rules
                .iter()
                .map(|rule| (string(rule, "id"), string(rule, text)))
                .collect()
        };
        let cel = pairs(cel_rules(&message), "message");
        let ours = pairs(rule_options(&message), "text_zh");
        let name = short(message.full_name());
        complaints.extend(
            check_rules(&cel, &ours)
                .iter()
                .map(|text| format!("{name}: {text}")),
        );
    }
    none(complaints);
}

#[test]
fn refuses_a_rule_without_an_entry() {
    let pairs = |list: &[(&str, &str)]| -> Vec<_> {
        list.iter()
            .map(|(id, text)| ((*id).to_owned(), (*text).to_owned()))
            .collect()
    };
    let check = |cel: &[_], ours: &[_]| check_rules(&pairs(cel), &pairs(ours)).len();
    assert_eq!(
        check(
            &[("a.b", "中")],
            &[("a.b", ""), ("required", "必填"), ("c.d", "文")]
        ),
        0
    );
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
        cel_rules(&message)
            .iter()
            .for_each(|rule| once(&mut cel, string(rule, "id")));
        rule_options(&message)
            .iter()
            .for_each(|rule| once(&mut ours, string(rule, "id")));
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
        for cause in causes
            .as_list()
            .unwrap()
            .iter()
            .filter_map(|cause| cause.as_str())
        {
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
    rest.is_empty()
        || field
            .kind()
            .as_message()
            .is_some_and(|inner| leads_to_a_field(inner, rest))
}
