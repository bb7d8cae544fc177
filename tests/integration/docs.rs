//! The pages of `docs/` that are printed from the schema and the code: the reference, the catalogue
//! of rules, the errors, the limits. There is no second list of what they say.
//!
//! `UPDATE_GOLDEN=1 cargo test --test integration docs_show` writes them anew.

mod codes;
mod errors;
mod fields;
mod limits;
mod links;
mod reference;
mod rules;
mod text;

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::contract::difference;

/// The line below the title of a page of which nothing is written by hand.
const PRINTED: &str =
    "<!-- Printed from the schema: UPDATE_GOLDEN=1 cargo test --test integration docs_show -->";

/// The language of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    const BOTH: [Language; 2] = [Language::English, Language::Chinese];

    /// The one of two texts that is in this language.
    fn of<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Language::English => en,
            Language::Chinese => zh,
        }
    }

    /// The file of a page in this language.
    fn file(self, name: &str) -> String {
        format!("{name}{}.md", self.of("", ".zh-CN"))
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// Holds a page against what the schema says, or writes it.
#[track_caller]
fn page(name: &str, expected: &str) {
    let path = path(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    if let Some(difference) = difference(&found, expected) {
        panic!(
            "docs/{name} is not what the schema says:\n{difference}\n\
             UPDATE_GOLDEN=1 cargo test --test integration docs_show"
        );
    }
}

/// Holds what stands between two marks of a page that is written by hand, or writes it.
#[track_caller]
fn part_of_page(name: &str, mark: &str, expected: &str) {
    let text = fs::read_to_string(path(name)).unwrap();
    let begin = format!("<!-- {mark}: UPDATE_GOLDEN=1 cargo test --test integration docs_show -->");
    let (head, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{name}: no {begin}"));
    let end = format!("<!-- end of {mark} -->");
    let (_, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("{name}: no {end}"));
    page(name, &format!("{head}{begin}\n{expected}{end}{tail}"));
}

#[test]
fn docs_show_the_reference() {
    let pages = reference::pages();
    for (name, text) in &pages {
        page(&format!("reference/{name}"), text);
    }
    for entry in fs::read_dir(path("reference")).unwrap() {
        let found = entry.unwrap().file_name().into_string().unwrap();
        let printed = pages.iter().any(|(name, _)| *name == found);
        assert!(printed, "docs/reference/{found} is printed from nothing that is there");
    }
}

#[test]
fn docs_show_each_rule() {
    for language in Language::BOTH {
        page(&language.file("rules"), &rules::page(language));
    }
}

#[test]
fn docs_show_each_error() {
    for language in Language::BOTH {
        page(&language.file("errors"), &errors::page(language));
    }
}

#[test]
fn docs_show_each_limit() {
    for language in Language::BOTH {
        part_of_page(&language.file("guide"), "limits", &limits::table(language));
    }
}

#[test]
fn docs_show_when_to_call_each_method() {
    for language in Language::BOTH {
        let name = language.file("guide");
        let guide = fs::read_to_string(path(&name)).unwrap();
        for method in reference::methods() {
            assert!(guide.contains(&format!("`{method}`")), "docs/{name} does not name {method}");
        }
    }
}
