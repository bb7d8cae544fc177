//! `set`: cells of a report filled by address, all or none.

use nianbao::address::{self, Change, Content};
use nianbao::form::Labelled as _;
use nianbao::pb::{Report, blank};
use serde::Serialize;

use super::args::SetArgs;
use super::console::{Console, Style};
use super::{Error, Outcome, files};

/// Longer texts are cut where they are only shown.
const SHOWN_CHARS_MAX: usize = 30;

/// One change for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed<'a> {
    field_path: &'a str,
    cell: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

/// The answer for programs.
#[derive(Serialize)]
struct Answer<'a> {
    file: &'a str,
    changes: Vec<Changed<'a>>,
}

pub(super) fn run(console: &Console, args: &SetArgs) -> Result<Outcome, Error> {
    let bytes = files::read(&args.file)?;
    let mut report = files::report_of_json(&args.file, &bytes)?;
    let changes = fill(&mut report, &args.assignments, &args.explain)?;
    let mut text = serde_json::to_string_pretty(&report).map_err(Error::Json)?;
    text.push('\n');
    files::replace(&args.file, &text)?;
    if console.json_wanted() {
        let changes = changes.iter().map(changed).collect();
        console.json(&Answer { file: &args.file, changes })?;
        return Ok(Outcome::Done);
    }
    for change in &changes {
        console.out(&line(console, change))?;
    }
    for explanation in &args.explain {
        let (fingerprint, _) = explanation.split_once(['=', '＝']).unwrap_or((explanation, ""));
        let head = console.pick("情况说明", "explanation");
        console.out(&format!("{head} {}", fingerprint.trim()))?;
    }
    Ok(Outcome::Done)
}

/// Carries out all of it, or says all that is wrong with it.
///
/// # Errors
/// `Assignment`; what was filled until then is of no use.
pub(super) fn fill(
    report: &mut Report,
    assignments: &[String],
    explanations: &[String],
) -> Result<Vec<Change>, Error> {
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    for assignment in assignments {
        match address::assign(report, assignment) {
            Ok(change) => changes.push(change),
            Err(error) => errors.push(error),
        }
    }
    for explanation in explanations {
        errors.extend(address::explain(report, explanation).err());
    }
    if errors.is_empty() { Ok(changes) } else { Err(Error::Assignment(errors)) }
}

/// A change as a person reads it.
pub(super) fn line(console: &Console, change: &Change) -> String {
    let place = console.pick(change.target.address(), change.target.path());
    let colon = console.pick("：", ": ");
    let old = console.on_out(Style::Dim, &shown(console, &change.old));
    let new = console.on_out(Style::Bold, &shown(console, &change.new));
    format!("{place}{colon}{old} → {new}")
}

fn shown(console: &Console, content: &Content) -> String {
    match content {
        Content::Value(value) => match value.char_indices().nth(SHOWN_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.clone(),
        },
        Content::Blank(kind) => {
            let kind = kind.unwrap_or(blank::Kind::Empty);
            console.pick(kind.zh(), kind.en()).to_owned()
        }
    }
}

fn changed(change: &Change) -> Changed<'_> {
    Changed {
        field_path: change.target.path(),
        cell: change.target.address(),
        old: value(&change.old),
        new: value(&change.new),
    }
}

fn value(content: &Content) -> Option<&str> {
    match content {
        Content::Value(value) => Some(value),
        Content::Blank(_) => None,
    }
}
