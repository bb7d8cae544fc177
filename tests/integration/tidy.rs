//! The style of this house as tests: what a reviewer would otherwise have to say again and again.
//! Here the project is read and held against the checks, which stand in `checks`.

mod checks;
mod rust;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use checks::{
    File, check_changelog, check_expectations, check_file_length, check_function_length,
    check_homes, check_imports, check_leftovers, check_paths, check_single_homes, check_title,
    check_width, except, module_order,
};

/// A larger file makes each clone slow, for ever.
const FILE_BYTES_MAX: u64 = 300 * 1024;

/// Files that may pass a limit, each with its reason. An entry that is no longer needed fails.
const LONG_FILES: &[(&str, &str)] = &[];
const LONG_FUNCTIONS: &[(&str, &str)] = &[
    ("src/codegen/checks.rs::standard", "one arm a standard rule"),
    ("src/failure.rs::fmt", "one arm a failure"),
    ("src/status.rs::of", "one arm a failure, and none for the rest"),
];
const WIDE_FILES: &[(&str, &str)] = &[
    ("src/codegen/checks.rs", "templates of generated code read best unbroken"),
    ("src/codegen/form.rs", "templates of generated code read best unbroken"),
    ("src/codegen/labels.rs", "templates of generated code read best unbroken"),
];
const LARGE_FILES: &[(&str, &str)] = &[];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the project, its path relative to the root. What git ignores is left out; in an
/// archive of the sources, which has no git, every file is of the project.
fn walk() -> Vec<String> {
    let mut files = if root().join(".git").exists() { listed() } else { unpacked() };
    files.sort();
    files.dedup();
    files
}

fn listed() -> Vec<String> {
    let listed = Command::new("git")
        // Whoever owns the checkout.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).unwrap();
    // What was removed and not committed yet is listed too.
    let paths = paths.split_terminator('\0').filter(|path| root().join(path).exists());
    paths.map(str::to_owned).collect()
}

fn unpacked() -> Vec<String> {
    const MADE: &[&str] = &["target", "node_modules", "__pycache__", "dist", "gen"];
    let (mut files, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            match path.is_dir() {
                true if MADE.contains(&name) || name.starts_with('.') => {}
                true => folders.push(path),
                false => files.push(path.strip_prefix(root()).unwrap().to_str().unwrap().into()),
            }
        }
    }
    files
}

/// The text files below one of the folders, or of that name, with one of the endings.
fn read(places: &[&str], endings: &[&str]) -> Vec<File> {
    let wanted = |path: &String| {
        places.iter().any(|place| path.starts_with(place))
            && endings.iter().any(|ending| path.ends_with(ending))
    };
    let text =
        |path: String| Some(File { text: fs::read_to_string(root().join(&path)).ok()?, path });
    walk().into_iter().filter(wanted).filter_map(text).collect()
}

/// The Rust of the program itself.
fn sources() -> Vec<File> {
    read(&["src/", "build.rs"], &[".rs"])
}

/// All that is written by hand, the vendored contracts and committed generated code apart.
fn own_files() -> Vec<File> {
    let vendored = [
        "proto/buf/",
        "proto/google/",
        "proto/grpc/",
        "LICENSE",
        "clients/go/nianbao/",
        "clients/python/src/nianbao/v1/",
        "clients/python/src/nianbao/_vendored/validate_pb2",
    ];
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

#[test]
fn modules_import_only_what_stands_before_them() {
    let files = sources();
    let lib = files.iter().find(|file| file.path == "src/lib.rs").unwrap();
    let order = module_order(&lib.text);
    assert!(!order.is_empty());
    none(files.iter().flat_map(|file| check_imports(&order, file)).collect());
}

#[test]
fn foreign_ideas_have_one_home_each() {
    let files = sources();
    none(files.iter().flat_map(check_homes).collect());
    none(check_single_homes(&files));
}

#[test]
fn lines_fit_the_screen() {
    let endings =
        [".rs", ".proto", ".sh", ".py", ".js", ".mjs", ".ts", "test", "run", "run-all", "rebase"];
    let files = own_files();
    let files = files.iter().filter(|file| endings.iter().any(|end| file.path.ends_with(end)));
    none(except(files.flat_map(check_width).collect(), WIDE_FILES));
}

#[test]
fn files_and_functions_have_one_purpose() {
    let files = sources();
    none(except(files.iter().flat_map(check_file_length).collect(), LONG_FILES));
    none(except(files.iter().flat_map(check_function_length).collect(), LONG_FUNCTIONS));
}

#[test]
fn nothing_is_left_over() {
    none(own_files().iter().flat_map(check_leftovers).collect());
}

#[test]
fn expectations_say_why_they_hold() {
    none(sources().iter().flat_map(check_expectations).collect());
}

#[test]
fn changelog_has_room_for_the_next_release() {
    none(check_changelog(&fs::read_to_string(root().join("CHANGELOG.md")).unwrap()));
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
