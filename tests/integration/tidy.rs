//! The style of this house as tests: what a reviewer would otherwise have to say again and again.
//! Each check is a function from text to complaints, so that each is itself tested on a bad sample.

mod rust;

use std::fs;
use std::path::PathBuf;

use unicode_width::UnicodeWidthStr;

/// Columns on screen; a Chinese character takes two.
const LINE_WIDTH_MAX: usize = 100;
/// A function longer than this is asked whether it has one purpose.
const FUNCTION_LINES_MAX: usize = 70;
/// A source file longer than this is asked the same.
const FILE_LINES_MAX: usize = 500;
/// A larger file makes each clone slow, for ever.
const FILE_BYTES_MAX: u64 = 300 * 1024;

/// Files that may pass a limit, each with its reason. An entry that is no longer needed fails.
const LONG_FILES: &[(&str, &str)] = &[];
const LONG_FUNCTIONS: &[(&str, &str)] = &[];
const WIDE_FILES: &[(&str, &str)] = &[];
const LARGE_FILES: &[(&str, &str)] = &[];

/// Foreign ideas have one home each: what may be named where, under `src` and in the build script.
const HOMES: &[(&str, &[&str])] = &[
    ("sled", &["src/store"]),
    ("clap", &["src/cli"]),
    ("indicatif", &["src/cli"]),
    ("comfy_table", &["src/cli"]),
    ("cel", &["build.rs", "build/"]),
    ("protox", &["build.rs", "build/"]),
    ("scraper", &["src/document/"]),
    ("zip", &["src/document/"]),
    ("quick_xml", &["src/document/"]),
];
/// Of these, one file alone speaks.
const HOMES_OF_ONE_FILE: &[&str] = &["scraper", "zip", "quick_xml"];
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

/// Marks of unfinished work, in two pieces each so that this file does not hold them.
const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("HA", "CK:"),
];
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
struct File {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the project, its path relative to the root. What git ignores is left out.
fn walk() -> Vec<String> {
    const IGNORED: &[&str] = &[
        ".git",
        "target",
        "node_modules",
        "nianbao-data",
        "__pycache__",
        ".venv",
    ];
    let (mut files, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if IGNORED.contains(&name) || name.ends_with(".pyc") {
                continue;
            }
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path.strip_prefix(root()).unwrap().to_str().unwrap().into()),
            }
        }
    }
    files.sort();
    files
}

/// The text files below one of the folders, or of that name, with one of the endings.
fn read(places: &[&str], endings: &[&str]) -> Vec<File> {
    let wanted = |path: &String| {
        places.iter().any(|place| path.starts_with(place))
            && endings.iter().any(|ending| path.ends_with(ending))
    };
    let text = |path: String| {
        Some(File {
            text: fs::read_to_string(root().join(&path)).ok()?,
            path,
        })
    };
    walk().into_iter().filter(wanted).filter_map(text).collect()
}

/// The Rust of the program itself.
fn sources() -> Vec<File> {
    read(&["src/", "build.rs", "build/"], &[".rs"])
}

/// All that is written by hand, the vendored contracts apart.
fn own_files() -> Vec<File> {
    let vendored = ["proto/buf/", "proto/google/", "proto/grpc/", "LICENSE"];
    let mut files = read(&[""], &[""]);
    files.retain(|file| {
        !vendored.iter().any(|place| file.path.starts_with(place)) && !file.path.ends_with(".lock")
    });
    files
}

/// Fails with every complaint, one a line.
#[track_caller]
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Takes named exceptions out of the complaints, which begin with what they are about; an exception
/// that excuses nothing is a complaint of its own.
fn except(mut complaints: Vec<String>, exceptions: &[(&str, &str)]) -> Vec<String> {
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

// --- the checks -----------------------------------------------------------------------------

/// The modules of the library in the order of `lib.rs`, which is that of reading and of importing.
fn module_order(lib: &str) -> Vec<&str> {
    let tokens = rust::tokens(lib);
    let modules = tokens.windows(3).filter(|window| {
        window[0].text == "mod" && (window[2].text == ";" || window[2].text == "{")
    });
    modules.map(|window| window[1].text).collect()
}

/// A module may name only what stands before it in `lib.rs`.
fn check_imports(order: &[&str], file: &File) -> Vec<String> {
    let inner = file
        .path
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .trim_end_matches("/mod");
    let module = inner.split('/').next().unwrap();
    let Some(here) = order.iter().position(|name| *name == module) else {
        return Vec::new();
    };
    let depth = inner.split('/').count();

    let tokens = rust::tokens(&file.text);
    let mut complaints = Vec::new();
    for path in rust::paths(&tokens) {
        let climbs = path
            .segments
            .iter()
            .take_while(|segment| **segment == "super")
            .count();
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
            complaints.push(format!(
                "{path}:{line}: {module} stands before {other} in lib.rs"
            ));
        }
    }
    complaints
}

/// Where a foreign crate is named outside its home.
fn check_homes(file: &File) -> Vec<String> {
    let tokens = rust::tokens(&file.text);
    let mut complaints = Vec::new();
    for path in rust::paths(&tokens)
        .iter()
        .filter(|path| path.segments.len() > 1)
    {
        let complain = |what: &str| format!("{}:{}: {what}", file.path, path.line);
        for (name, homes) in HOMES {
            let at_home = homes.iter().any(|home| file.path.starts_with(home));
            if path.segments[0] == *name && !at_home {
                complaints.push(complain(&format!(
                    "{name} belongs in {}",
                    homes.join(" or ")
                )));
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
fn check_single_homes(files: &[File]) -> Vec<String> {
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

fn check_width(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let width = line.width();
        if width > LINE_WIDTH_MAX {
            complaints.push(format!("{}:{}: {width} columns", file.path, number + 1));
        }
    }
    complaints
}

fn check_file_length(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    match lines > FILE_LINES_MAX {
        true => vec![format!("{}: {lines} lines", file.path)],
        false => Vec::new(),
    }
}

fn check_function_length(file: &File) -> Vec<String> {
    let tokens = rust::tokens(&file.text);
    let mut functions = rust::functions(&tokens);
    functions.retain(|function| function.lines > FUNCTION_LINES_MAX);
    let complain = |function: &rust::Function<'_>| {
        format!("{}::{}: {} lines", file.path, function.name, function.lines)
    };
    functions.iter().map(complain).collect()
}

fn check_leftovers(file: &File) -> Vec<String> {
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

/// The changelog begins with what is not released yet, so that a change finds its place.
fn check_changelog(text: &str) -> Vec<String> {
    let first = text
        .lines()
        .find(|line| line.starts_with("## "))
        .unwrap_or_default();
    match first.contains("TBD") || first.contains("Unreleased") {
        true => Vec::new(),
        false => vec![format!(
            "CHANGELOG.md: the first section is not TBD but: {first}"
        )],
    }
}

/// A page has one title, and begins with it.
fn check_title(file: &File) -> Vec<String> {
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
        false => vec![format!(
            "{}: {titles} titles, first heading {first:?}",
            file.path
        )],
    }
}

fn check_paths(file: &File) -> Vec<String> {
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

// --- held against the project ---------------------------------------------------------------

#[test]
fn modules_import_only_what_stands_before_them() {
    let files = sources();
    let lib = files.iter().find(|file| file.path == "src/lib.rs").unwrap();
    let order = module_order(&lib.text);
    assert!(!order.is_empty());
    none(
        files
            .iter()
            .flat_map(|file| check_imports(&order, file))
            .collect(),
    );
}

#[test]
fn foreign_ideas_have_one_home_each() {
    let files = sources();
    none(files.iter().flat_map(check_homes).collect());
    none(check_single_homes(&files));
}

#[test]
fn lines_fit_the_screen() {
    let endings = [
        ".rs", ".proto", ".sh", ".py", ".js", ".mjs", ".ts", "test", "run", "rebase",
    ];
    let files = own_files();
    let files = files
        .iter()
        .filter(|file| endings.iter().any(|end| file.path.ends_with(end)));
    none(except(files.flat_map(check_width).collect(), WIDE_FILES));
}

#[test]
fn files_and_functions_have_one_purpose() {
    let files = sources();
    none(except(
        files.iter().flat_map(check_file_length).collect(),
        LONG_FILES,
    ));
    none(except(
        files.iter().flat_map(check_function_length).collect(),
        LONG_FUNCTIONS,
    ));
}

#[test]
fn nothing_is_left_over() {
    none(own_files().iter().flat_map(check_leftovers).collect());
}

#[test]
fn changelog_has_room_for_the_next_release() {
    none(check_changelog(
        &fs::read_to_string(root().join("CHANGELOG.md")).unwrap(),
    ));
}

#[test]
fn pages_have_one_title() {
    none(
        own_files()
            .iter()
            .filter(|file| file.path.ends_with(".md"))
            .flat_map(check_title)
            .collect(),
    );
}

#[test]
fn no_file_is_large() {
    let mut complaints = Vec::new();
    for path in walk() {
        let bytes = fs::metadata(root().join(&path)).unwrap().len();
        if bytes > FILE_BYTES_MAX {
            complaints.push(format!("{path}: {bytes} bytes"));
        }
    }
    none(except(complaints, LARGE_FILES));
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    none(own_files().iter().flat_map(check_paths).collect());
}

#[test]
fn lock_of_the_tools_names_no_registry() {
    let lock = fs::read_to_string(root().join("tests/tools/package-lock.json")).unwrap();
    assert!(!lock.contains("\"resolved\""), "see tests/tools/.npmrc");
}

// --- the checks themselves can fail ---------------------------------------------------------

fn file(path: &str, text: &str) -> File {
    File {
        path: path.into(),
        text: text.into(),
    }
}

/// Asserts which lines, or which names, a check complains of.
#[track_caller]
fn complains(complaints: Vec<String>, wanted: &[&str]) {
    let found: Vec<_> = complaints
        .iter()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(found, wanted, "{complaints:?}");
}

#[test]
fn finds_imports_against_the_order() {
    let order = module_order("//! mod z;\nmod a;\npub mod b { }\nmod c;");
    assert_eq!(order, ["a", "b", "c"]);
    let check = |path, text| check_imports(&order, &file(path, text));
    complains(
        check(
            "src/b.rs",
            "use crate::{a, c::X};\nfn f() { crate::c::g() }",
        ),
        &["src/b.rs:1", "src/b.rs:2"],
    );
    complains(
        check(
            "src/b.rs",
            "use super::c;\nmod tests { use super::c; use super::super::c; }",
        ),
        &["src/b.rs:1", "src/b.rs:2"],
    );
    complains(
        check("src/b/inner.rs", "use super::c; use super::super::c;"),
        &["src/b/inner.rs:1"],
    );
    complains(check("src/c/mod.rs", "use crate::{a, b}; // crate::d"), &[]);
    complains(check("src/main.rs", "use crate::c;"), &[]);
}

#[test]
fn finds_foreign_ideas_abroad() {
    let check = |path, text| check_homes(&file(path, text));
    complains(
        check(
            "src/report.rs",
            "use sled::Db;\n// sled::x\nlet zip = 1; zip.x();",
        ),
        &["src/report.rs:1"],
    );
    complains(check("src/store/tree.rs", "use sled::Db;"), &[]);
    complains(
        check("src/service.rs", "Err(tonic::Status::internal(\"\"))"),
        &["src/service.rs:1"],
    );
    complains(
        check(
            "src/service.rs",
            "fn f() -> Result<(), Status> { Status::code(&x) }",
        ),
        &[],
    );
    complains(check("src/status.rs", "Status::new(code, \"\")"), &[]);
    let twice = ["src/document/a.rs", "src/document/b.rs"].map(|path| file(path, "zip::read()"));
    complains(check_single_homes(&twice), &["src/document/b.rs"]);
}

#[test]
fn finds_what_is_too_wide_or_too_long() {
    let wide = format!("ok\n// {}", "宽".repeat(50));
    complains(check_width(&file("a.rs", &wide)), &["a.rs:2"]);
    complains(check_width(&file("a.rs", &"x".repeat(100))), &[]);
    complains(
        check_file_length(&file("a.rs", &"\n".repeat(501))),
        &["a.rs"],
    );
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
fn finds_a_page_without_one_title() {
    complains(
        check_title(&file("a.md", "# A\n\n```\n# no title\n```\n## B")),
        &[],
    );
    complains(check_title(&file("a.md", "# A\n# B")), &["a.md"]);
    complains(check_title(&file("a.md", "## A\n# B")), &["a.md"]);
    complains(
        check_changelog("# Changes\n\n## 0.1.0\n\n## TBD"),
        &["CHANGELOG.md"],
    );
    complains(check_changelog("# Changes\n\n## TBD\n"), &[]);
}

#[test]
fn wants_exceptions_to_be_needed() {
    let complaints = || vec!["a.rs: 600 lines".to_owned()];
    complains(except(complaints(), &[("a.rs", "a table")]), &[]);
    complains(
        except(complaints(), &[("b.rs", "a table")]),
        &["a.rs", "b.rs"],
    );
}
