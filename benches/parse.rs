//! Reading a document: the file, the form in it, and both together.
//!
//! Every document in the folder of the fixtures is measured, so a new kind needs no change here.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark is a program that prints, and fails loudly"
)]

mod clock;

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use nianbao::document::{Document, read};
use nianbao::pb::DocumentHeader;

use clock::Bench;

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The kinds of file that hold a document.
const EXTENSIONS: [&str; 4] = ["docx", "html", "pdf", "txt"];

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let mut criterion = clock::criterion();
    if files.is_empty() {
        println!("tests/fixtures holds no document: there is nothing to measure");
    }
    for file in &files {
        measure(&mut criterion, file);
    }
    criterion.final_summary();
}

/// The documents below `folder`. What cannot be read is left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let extension = path.extension().and_then(|e| e.to_str());
        if path.is_dir() {
            collect(&path, files);
        } else if extension.is_some_and(|e| EXTENSIONS.contains(&e)) {
            files.push(path);
        }
    }
}

fn measure(criterion: &mut Bench, path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bytes = fs::read(path).expect("a fixture can be read");
    let hint = Some(name.as_ref());
    let document = match Document::from_bytes(&bytes, hint) {
        Ok(document) => document,
        Err(error) => {
            println!("{name} is not measured: {error}");
            return;
        }
    };
    let header = DocumentHeader::default();
    let values = read::read(&document, &header).provenance.len();
    println!("{name}: {} bytes, {values} values and blanks read", bytes.len());
    let mut group = criterion.benchmark_group(format!("parse/{name}"));
    group.bench_function("file", |b| {
        b.iter(|| Document::from_bytes(black_box(&bytes), hint));
    });
    group.bench_function("form", |b| {
        b.iter(|| read::read(black_box(&document), &header));
    });
    group.bench_function("both", |b| {
        b.iter(|| {
            let document = Document::from_bytes(black_box(&bytes), hint);
            document.map(|document| read::read(&document, &header))
        });
    });
    group.finish();
}
