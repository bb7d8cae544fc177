//! The contract as text, and what this house asks of every field, rule and method.
//!
//! `contract.txt` shows in a review what a change means for clients, labels and rules included;
//! `buf breaking` compares names and numbers only.

mod limits;
mod render;
mod rules;

use std::collections::BTreeMap;
use std::{env, fs};

use prost_reflect::{
    DescriptorPool, DynamicMessage, FileDescriptor, MessageDescriptor, ReflectMessage,
};
use render::{PACKAGE, short};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/contract.txt");

pub fn pool() -> DescriptorPool {
    DescriptorPool::decode(nianbao::pb::FILE_DESCRIPTOR_SET).unwrap()
}

pub fn files(pool: &DescriptorPool) -> impl Iterator<Item = FileDescriptor> {
    pool.files().filter(|file| file.package_name() == PACKAGE)
}

pub fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> {
    pool.all_messages().filter(|item| item.package_name() == PACKAGE && !item.is_map_entry())
}

/// The message that an option of ours, or of protovalidate, holds.
pub fn option(options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    let pool = options.descriptor().parent_pool().clone();
    let extension = pool.get_extension_by_name(name).unwrap_or_else(|| panic!("no option {name}"));
    options
        .has_extension(&extension)
        .then(|| options.get_extension(&extension).as_message().unwrap().clone())
}

/// A field that is set, as its text.
pub fn string(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).unwrap().as_str().unwrap().to_owned()
}

/// A list of messages.
pub fn entries(message: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    let value = message.get_field_by_name(field).unwrap();
    value.as_list().unwrap().iter().map(|entry| entry.as_message().unwrap().clone()).collect()
}

/// A message field that is set.
pub fn part(message: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    message
        .has_field_by_name(field)
        .then(|| message.get_field_by_name(field).unwrap().as_message().unwrap().clone())
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
pub fn difference(golden: &str, actual: &str) -> Option<String> {
    let (golden, actual): (Vec<_>, Vec<_>) = (golden.lines().collect(), actual.lines().collect());
    if golden == actual {
        return None;
    }
    let same = golden.iter().zip(&actual).take_while(|(a, b)| a == b).count();
    let line = |lines: &[&str]| (*lines.get(same).unwrap_or(&"(the end)")).to_owned();
    let before = golden[same.saturating_sub(2)..same].join("\n  ");
    Some(format!("line {}:\n  {before}\n- {}\n+ {}", same + 1, line(&golden), line(&actual)))
}

#[test]
fn shows_where_two_contracts_part() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(difference("a\nb\nc", "a\nb\nd").unwrap(), "line 3:\n  a\n  b\n- c\n+ d");
    assert_eq!(difference("a", "a\nb").unwrap(), "line 2:\n  a\n- (the end)\n+ b");
}

// --- comments -------------------------------------------------------------------------------

/// What stands above each element, by its path in the file's descriptor.
pub fn comments(file: &FileDescriptor) -> BTreeMap<Vec<i32>, String> {
    let info = file.file_descriptor_proto().source_code_info.clone().unwrap_or_default();
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
        assert!(!comments.is_empty(), "{}: the descriptors hold no comments", file.name());
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
                let led = comments.get(value.path()).is_some_and(|text| text.starts_with(&label));
                check(value.full_name(), value.path(), if led { &label } else { "" });
            }
        }
        for service in file.services() {
            check(service.full_name(), service.path(), "");
            service.methods().for_each(|item| check(item.full_name(), item.path(), ""));
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
