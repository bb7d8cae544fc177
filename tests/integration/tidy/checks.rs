//! The checks of style: each a function from text to complaints, and each tested on a bad sample,
//! since a check that cannot fail is none.

use unicode_width::UnicodeWidthStr;

use super::rust;

/// Columns on screen; a Chinese character takes two.
const LINE_WIDTH_MAX: usize = 100;
/// A function longer than this is asked whether it has one purpose.
const FUNCTION_LINES_MAX: usize = 70;
/// A source file longer than this is asked the same.
const FILE_LINES_MAX: usize = 500;
/// Foreign ideas have one home each: what may be named where, under `src` and in the build script.
const HOMES: &[(&str, &[&str])] = &[
    ("sled", &["src/store"]),
    ("clap", &["src/cli"]),
    ("indicatif", &["src/cli"]),
    ("comfy_table", &["src/cli"]),
    ("cel", &["build.rs", "src/codegen/"]),
    ("protox", &["build.rs", "src/codegen/"]),
    ("html5gum", &["src/document/"]),
    ("zip", &["src/document/"]),
    ("quick_xml", &["src/document/"]),
    ("csv", &["src/sheet/", "src/export/"]),
    ("calamine", &["src/sheet/"]),
    ("rust_xlsxwriter", &["src/export/"]),
    ("parquet", &["src/export/"]),
];
/// Of these, one file alone speaks.
const HOMES_OF_ONE_FILE: &[&str] = &["html5gum", "zip", "quick_xml"];
/// The file in which every gRPC status is made.
const STATUS_HOME: &str = "src/status.rs";
/// The functions of `tonic::Status` that make one.
const STATUS_MAKERS: &[&str] = &[
    "new",
    "with_details",
    "with_metadata",
    "with_details_and_metadata",
    "from_error",
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

/// Fewer words name a thing; they do not say why something cannot happen.
const EXPECT_WORDS_MIN: usize = 3;
/// Marks of unfinished work, in two pieces each so that this file does not hold them.
const LEFTOVERS: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("HA", "CK:")];
const LEFTOVER_MACROS: &[&str] = &["dbg", "todo", "unimplemented"];
/// Roots of somebody's own machine: a path below one works nowhere else.
const FOREIGN_PATHS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/tm", "p/w/"),
    concat!("../sha", "red"),
];

/// A text file of the project.
pub struct File {
    pub path: String,
    pub text: String,
}

/// Takes named exceptions out of the complaints, which begin with what they are about; an exception
/// that excuses nothing is a complaint of its own.
pub fn except(mut complaints: Vec<String>, exceptions: &[(&str, &str)]) -> Vec<String> {
    for (name, reason) in exceptions {
        assert!(!reason.is_empty(), "{name}: an exception wants a reason");
        let before = complaints.len();
        complaints.retain(|complaint| !complaint.starts_with(&format!("{name}:")));
        if complaints.len() == before {
            complaints.push(format!("{name}: the exception is no longer needed"));
        }
    }
    complaints
}

/// The modules of the library in the order of `lib.rs`, which is that of reading and of importing.
pub fn module_order(lib: &str) -> Vec<&str> {
    let tokens = rust::tokens(lib);
    let modules = tokens.windows(3).filter(|window| {
        window[0].text == "mod" && (window[2].text == ";" || window[2].text == "{")
    });
    modules.map(|window| window[1].text).collect()
}

/// A module may name only what stands before it in `lib.rs`.
pub fn check_imports(order: &[&str], file: &File) -> Vec<String> {
    let inner =
        file.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let module = inner.split('/').next().unwrap();
    let Some(here) = order.iter().position(|name| *name == module) else {
        return Vec::new();
    };
    let depth = inner.split('/').count();

    let tokens = rust::tokens(&file.text);
    let mut complaints = Vec::new();
    for path in rust::paths(&tokens) {
        let climbs = path.segments.iter().take_while(|segment| **segment == "super").count();
        let named = match path.segments[0] {
            "crate" => path.segments.get(1),
            "super" if climbs >= depth + path.depth => path.segments.get(climbs),
            _ => None,
        };
        let Some(there) = named.and_then(|name| order.iter().position(|module| module == name))
        else {
            continue;
        };
        if there > here {
            let (path, line, other) = (&file.path, path.line, order[there]);
            complaints.push(format!("{path}:{line}: {module} stands before {other} in lib.rs"));
        }
    }
    // A line with `use a::{b, c}` says it once.
    complaints.dedup();
    complaints
}

/// Where a foreign crate is named outside its home.
pub fn check_homes(file: &File) -> Vec<String> {
    let tokens = rust::tokens(&file.text);
    let mut complaints = Vec::new();
    for path in rust::paths(&tokens).iter().filter(|path| path.segments.len() > 1) {
        let complain = |what: &str| format!("{}:{}: {what}", file.path, path.line);
        for (name, homes) in HOMES {
            let at_home = homes.iter().any(|home| file.path.starts_with(home));
            if path.segments[0] == *name && !at_home {
                complaints.push(complain(&format!("{name} belongs in {}", homes.join(" or "))));
            }
        }
        let makes_status = path
            .segments
            .windows(2)
            .any(|pair| pair[0] == "Status" && STATUS_MAKERS.contains(&pair[1]));
        if makes_status && file.path != STATUS_HOME {
            complaints.push(complain(&format!("every Status is made in {STATUS_HOME}")));
        }
    }
    complaints
}

/// Of a foreign idea with a home of one file, the second file that names it.
pub fn check_single_homes(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for name in HOMES_OF_ONE_FILE {
        let names_it = |file: &&File| {
            let tokens = rust::tokens(&file.text);
            rust::paths(&tokens)
                .iter()
                .any(|path| path.segments.len() > 1 && path.segments[0] == *name)
        };
        for file in files.iter().filter(names_it).skip(1) {
            complaints.push(format!("{}: {name} has a home in another file", file.path));
        }
    }
    complaints
}

pub fn check_width(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let width = line.width();
        if width > LINE_WIDTH_MAX {
            complaints.push(format!("{}:{}: {width} columns", file.path, number + 1));
        }
    }
    complaints
}

pub fn check_file_length(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    match lines > FILE_LINES_MAX {
        true => vec![format!("{}: {lines} lines", file.path)],
        false => Vec::new(),
    }
}

pub fn check_function_length(file: &File) -> Vec<String> {
    let tokens = rust::tokens(&file.text);
    let mut functions = rust::functions(&tokens);
    functions.retain(|function| function.lines > FUNCTION_LINES_MAX);
    let complain = |function: &rust::Function<'_>| {
        format!("{}::{}: {} lines", file.path, function.name, function.lines)
    };
    functions.iter().map(complain).collect()
}

pub fn check_leftovers(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for mark in LEFTOVERS.iter().filter(|mark| line.contains(*mark)) {
            complaints.push(format!("{}:{}: {mark}", file.path, number + 1));
        }
    }
    if file.path.ends_with(".rs") {
        for pair in rust::tokens(&file.text).windows(2) {
            if LEFTOVER_MACROS.contains(&pair[0].text) && pair[1].text == "!" {
                complaints.push(format!("{}:{}: {}!", file.path, pair[0].line, pair[0].text));
            }
        }
    }
    complaints
}

/// The text of an `expect` is the reason why it cannot happen, so it is a sentence and not a name.
pub fn check_expectations(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    // Unit tests stand at the end of a file, or in one of their own, and may fail loudly.
    if file.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
    for (number, line) in code.lines().enumerate() {
        for (at, call) in line.match_indices(".expect(") {
            let reason = line[at + call.len()..].split('"').nth(1).unwrap_or_default();
            // A long reason stands on the next line.
            let on_this_line = !line.ends_with(call);
            if on_this_line && reason.split_whitespace().count() < EXPECT_WORDS_MIN {
                complaints.push(format!("{}:{}: expect says why", file.path, number + 1));
            }
        }
    }
    complaints
}

/// The changelog begins with what is not released yet, so that a change finds its place.
pub fn check_changelog(text: &str) -> Vec<String> {
    let first = text.lines().find(|line| line.starts_with("## ")).unwrap_or_default();
    match first.contains("TBD") || first.contains("Unreleased") {
        true => Vec::new(),
        false => vec![format!("CHANGELOG.md: the first section is not TBD but: {first}")],
    }
}

/// A page has one title, and begins with it.
pub fn check_title(file: &File) -> Vec<String> {
    let (mut fenced, mut titles, mut first) = (false, 0, None);
    for line in file.text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if !fenced && line.starts_with('#') {
            first.get_or_insert(line);
            titles += usize::from(line.starts_with("# "));
        }
    }
    match titles == 1 && first.is_some_and(|line| line.starts_with("# ")) {
        true => Vec::new(),
        false => vec![format!("{}: {titles} titles, first heading {first:?}", file.path)],
    }
}

pub fn check_paths(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for path in FOREIGN_PATHS {
            // `lib/root/x` and `https://host/home/` are no paths of a machine.
            let names_it = line.match_indices(path).any(|(at, _)| {
                !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_-.}".contains(c))
            });
            if names_it {
                complaints.push(format!("{}:{}: {path}", file.path, number + 1));
            }
        }
    }
    complaints
}

fn file(path: &str, text: &str) -> File {
    File { path: path.into(), text: text.into() }
}

/// Asserts which lines, or which names, a check complains of.
#[track_caller]
fn complains(complaints: Vec<String>, wanted: &[&str]) {
    let found: Vec<_> = complaints.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(found, wanted, "{complaints:?}");
}

#[test]
fn finds_imports_against_the_order() {
    let order = module_order("//! mod z;\nmod a;\npub mod b { }\nmod c;");
    assert_eq!(order, ["a", "b", "c"]);
    let check = |path, text| check_imports(&order, &file(path, text));
    complains(
        check("src/b.rs", "use crate::{a, c::X};\nfn f() { crate::c::g() }"),
        &["src/b.rs:1", "src/b.rs:2"],
    );
    complains(
        check("src/b.rs", "use super::c;\nmod tests { use super::c; use super::super::c; }"),
        &["src/b.rs:1", "src/b.rs:2"],
    );
    complains(check("src/b/inner.rs", "use super::c; use super::super::c;"), &["src/b/inner.rs:1"]);
    complains(check("src/c/mod.rs", "use crate::{a, b}; // crate::d"), &[]);
    complains(check("src/main.rs", "use crate::c;"), &[]);
}

#[test]
fn finds_foreign_ideas_abroad() {
    let check = |path, text| check_homes(&file(path, text));
    complains(
        check("src/report.rs", "use sled::Db;\n// sled::x\nlet zip = 1; zip.x();"),
        &["src/report.rs:1"],
    );
    complains(check("src/store/tree.rs", "use sled::Db;"), &[]);
    complains(check("src/service.rs", "Err(tonic::Status::internal(\"\"))"), &["src/service.rs:1"]);
    complains(check("src/service.rs", "fn f() -> Result<(), Status> { Status::code(&x) }"), &[]);
    complains(check("src/status.rs", "Status::new(code, \"\")"), &[]);
    let twice = ["src/document/a.rs", "src/document/b.rs"].map(|path| file(path, "zip::read()"));
    complains(check_single_homes(&twice), &["src/document/b.rs"]);
}

#[test]
fn finds_what_is_too_wide_or_too_long() {
    let wide = format!("ok\n// {}", "宽".repeat(50));
    complains(check_width(&file("a.rs", &wide)), &["a.rs:2"]);
    complains(check_width(&file("a.rs", &"x".repeat(100))), &[]);
    complains(check_file_length(&file("a.rs", &"\n".repeat(501))), &["a.rs"]);
    complains(check_file_length(&file("a.rs", &"\n".repeat(500))), &[]);
    let function = |lines: usize| file("a.rs", &format!("fn f() {{{}}}", "\n".repeat(lines - 1)));
    complains(check_function_length(&function(71)), &["a.rs::f"]);
    complains(check_function_length(&function(70)), &[]);
}

#[test]
fn finds_leftovers_and_foreign_paths() {
    let (mark, path) = (LEFTOVERS[0], FOREIGN_PATHS[0]);
    let text = format!("// {mark}\nfn f() {{ dbg!(1) }}\nlet dbg = \"dbg!\";");
    complains(check_leftovers(&file("a.rs", &text)), &["a.rs:1", "a.rs:2"]);
    let text = format!("x = {path}me\nhttps://example.org{path}\n");
    complains(check_paths(&file("a.md", &text)), &["a.md:1"]);
}

#[test]
fn finds_an_expectation_without_a_reason() {
    let text = "a.expect(\"index\");\nb.expect(\"the index was just made\");\nc.expect(&name);";
    complains(check_expectations(&file("a.rs", text)), &["a.rs:1", "a.rs:3"]);
}

#[test]
fn finds_a_page_without_one_title() {
    complains(check_title(&file("a.md", "# A\n\n```\n# no title\n```\n## B")), &[]);
    complains(check_title(&file("a.md", "# A\n# B")), &["a.md"]);
    complains(check_title(&file("a.md", "## A\n# B")), &["a.md"]);
    complains(check_changelog("# Changes\n\n## 0.1.0\n\n## TBD"), &["CHANGELOG.md"]);
    complains(check_changelog("# Changes\n\n## TBD\n"), &[]);
}

#[test]
fn wants_exceptions_to_be_needed() {
    let complaints = || vec!["a.rs: 600 lines".to_owned()];
    complains(except(complaints(), &[("a.rs", "a table")]), &[]);
    complains(except(complaints(), &[("b.rs", "a table")]), &["a.rs", "b.rs"]);
}
