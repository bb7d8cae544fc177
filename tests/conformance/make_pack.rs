//! Writes the conformance pack: `make_pack FOLDER`.
//!
//! README.md beside this file says what stands where and what it is for. The same sources give the
//! same bytes. What stands in the folder already is not cleared away: tests/conformance/archive
//! begins with an empty one.

#![allow(unreachable_pub, reason = "nobody can reach into a program, whatever is public in it")]

#[allow(dead_code, reason = "places and figures are for the tests of the rules")]
#[path = "../integration/case_file.rs"]
mod case_file;
mod pack;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use serde::Serialize;

use pack::{Digests, VERSION, cases, descriptors, sha256};

#[derive(Serialize)]
struct Manifest<'a> {
    pack: &'a str,
    version: &'a str,
    schema_sha256: String,
    cases: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    about: String,
    /// The rule that the case is of, if it is of one.
    rule: Option<String>,
    sha256: Digests,
}

#[expect(clippy::print_stderr, reason = "a tool of the test suite tells the developer what failed")]
fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [folder] = args.as_slice() else {
        eprintln!("usage: make_pack FOLDER");
        return ExitCode::FAILURE;
    };
    match write(Path::new(folder)) {
        Ok(count) => {
            eprintln!("{count} cases, version {VERSION}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("make_pack: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> Result<usize, Box<dyn Error>> {
    for below in ["reports", "expected"] {
        fs::create_dir_all(folder.join(below))?;
    }
    let mut entries = Vec::new();
    for case in cases::all()? {
        let files = case.files()?;
        let name = &case.name;
        fs::write(folder.join(format!("reports/{name}.binpb")), &files.binary)?;
        fs::write(folder.join(format!("reports/{name}.json")), &files.json)?;
        fs::write(folder.join(format!("expected/{name}.json")), &files.expected)?;
        let rule = case.source.map(|source| source.rule);
        let (name, about, sha256) = (case.name, case.about, files.digests());
        entries.push(Entry { name, about, rule, sha256 });
    }
    let descriptors = descriptors()?;
    let manifest = Manifest {
        pack: "nianbao-conformance",
        version: VERSION,
        schema_sha256: sha256(&descriptors),
        cases: entries,
    };
    fs::write(folder.join("descriptors.binpb"), descriptors)?;
    fs::write(folder.join("manifest.json"), serde_json::to_string_pretty(&manifest)? + "\n")?;
    for (name, text) in [
        ("README.md", include_str!("README.md")),
        ("VERSION", include_str!("VERSION")),
        ("check.py", include_str!("check.py")),
        ("LICENSE", include_str!("../../LICENSE")),
    ] {
        fs::write(folder.join(name), text)?;
    }
    Ok(manifest.cases.len())
}
