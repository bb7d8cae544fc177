//! The cases of the pack and the files that stand for each. README.md beside this folder says what
//! they are for.

pub mod cases;
pub mod edits;
pub mod expected;
pub mod json;
pub mod own;

use std::error::Error;
use std::fmt::Write as _;

use nianbao::pb::{FILE_DESCRIPTOR_SET, Report};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, FileDescriptor, Value};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::case_file;
use expected::Expected;

/// The version of the pack: README.md says when it moves.
pub const VERSION: &str = include_str!("../VERSION").trim_ascii();

/// A report with what it is for.
pub struct Case {
    /// A readable name, of which the files of the case are named.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// The report.
    pub report: Report,
    /// The case of `tests/rules` that it was taken from.
    pub source: Option<case_file::Case>,
}

/// What the pack holds for a case.
pub struct Files {
    /// The encoded report.
    pub binary: Vec<u8>,
    /// Its canonical JSON.
    pub json: String,
    /// What the rules find in it, as JSON.
    pub expected: String,
}

/// The SHA-256 of the three files of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Digests {
    /// Of the encoded report.
    pub binpb: String,
    /// Of its JSON.
    pub json: String,
    /// Of what the rules find.
    pub expected: String,
}

#[derive(Serialize)]
struct Expectation<'a> {
    about: &'a str,
    #[serde(flatten)]
    expected: Expected,
}

impl Case {
    /// Writes the files of a case.
    pub fn files(&self) -> Result<Files, Box<dyn Error>> {
        let expected = Expected::of(&self.report);
        let expectation = Expectation { about: &self.about, expected };
        Ok(Files {
            binary: self.report.encode_to_vec(),
            json: json::write(&self.report)?,
            expected: serde_json::to_string_pretty(&expectation)? + "\n",
        })
    }
}

impl Files {
    /// The digests of the files.
    pub fn digests(&self) -> Digests {
        Digests {
            binpb: sha256(&self.binary),
            json: sha256(self.json.as_bytes()),
            expected: sha256(self.expected.as_bytes()),
        }
    }
}

/// The SHA-256 of bytes as hex digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// An encoded `FileDescriptorSet` of the file of `Report` and all that it imports, each after what
/// it imports, with their options and without their comments: what other services or comments say
/// does not change it.
pub fn descriptors() -> Result<Vec<u8>, Box<dyn Error>> {
    let pool = json::pool();
    let report = pool.get_file_by_name("nianbao/v1/report.proto").ok_or("no report.proto")?;
    let mut names = Vec::new();
    with_imports(&report, &mut names);

    // The set as messages of its own schema, which keeps options that the types of prost drop.
    let schema = DescriptorPool::decode(FILE_DESCRIPTOR_SET)?;
    let set = schema
        .get_message_by_name("google.protobuf.FileDescriptorSet")
        .ok_or("the descriptors do not describe themselves")?;
    let mut set = DynamicMessage::decode(set, FILE_DESCRIPTOR_SET)?;
    let all = set.get_field_by_name("file").ok_or("a set without files")?.into_owned();
    let mut kept = Vec::new();
    for name in &names {
        let named = |file: &&Value| {
            let file = file.as_message().and_then(|m| m.get_field_by_name("name"));
            file.is_some_and(|value| value.as_str() == Some(name))
        };
        let file = all.as_list().unwrap_or_default().iter().find(named);
        let mut file = file.ok_or_else(|| format!("{name} is not in the set"))?.clone();
        if let Some(message) = file.as_message_mut() {
            message.clear_field_by_name("source_code_info");
        }
        kept.push(file);
    }
    set.set_field_by_name("file", Value::List(kept));
    Ok(set.encode_to_vec())
}

fn with_imports(file: &FileDescriptor, names: &mut Vec<String>) {
    for import in file.dependencies() {
        with_imports(&import, names);
    }
    if !names.iter().any(|name| name == file.name()) {
        names.push(file.name().to_owned());
    }
}
