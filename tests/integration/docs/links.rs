//! Where the links of the pages lead.

use std::fs;
use std::path::{Path, PathBuf};

/// The pages of the project, those that are printed included.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    for folder in ["", "docs", "docs/reference", "clients/grpcurl", "clients/examples"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The targets of all links of a page, blocks of code apart.
fn links(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if !fenced {
            let after = line.split("](").skip(1);
            found.extend(after.filter_map(|rest| rest.split_once(')')).map(|(link, _)| link));
        }
    }
    found
}

/// Whether a page has a place of that name: one that is named, or a heading.
fn has_anchor(text: &str, anchor: &str) -> bool {
    let slug = |heading: &str| -> String {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|&c| c.is_alphanumeric() || " -_".contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    text.contains(&format!("<a id=\"{anchor}\">"))
        || text.lines().any(|line| line.starts_with('#') && slug(line) == anchor)
}

#[test]
fn links_lead_somewhere() {
    let mut complaints = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            let leads = match anchor {
                "" => target.exists(),
                anchor => fs::read_to_string(&target).is_ok_and(|text| has_anchor(&text, anchor)),
            };
            if !leads {
                complaints.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn finds_links_and_anchors() {
    assert_eq!(links("[a](b.md#c) [d](e)\n```\n[f](g)\n```\n[h](#i)"), ["b.md#c", "e", "#i"]);
    assert!(has_anchor("# A\n## Any Call: b_c\n", "any-call-b_c"));
    assert!(has_anchor("### <a id=\"A.b\"></a>A", "A.b"));
    assert!(!has_anchor("text", "text"));
}
