//! `validate`: reports held against all rules, without a server.

use nianbao::finding;
use nianbao::pb::{Finding, FindingCounts};
use serde::Serialize;

use super::args::ValidateArgs;
use super::console::{Console, Style};
use super::{Error, Outcome, files, table};

/// What is found in one file.
#[derive(Serialize)]
struct Checked {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<FindingCounts>,
    findings: Vec<Finding>,
}

/// The whole answer for programs.
#[derive(Serialize)]
struct Answer {
    files: Vec<Checked>,
}

pub(super) fn run(console: &Console, args: &ValidateArgs) -> Result<Outcome, Error> {
    let mut checked = Vec::new();
    let mut outcome = Outcome::Done;
    for file in &args.files {
        match files::report(file) {
            Ok(report) => {
                let findings = finding::findings(&report);
                let counts = finding::counts(&findings);
                if counts.errors > 0 && outcome == Outcome::Done {
                    outcome = Outcome::Refused;
                }
                if !console.json_wanted() {
                    show(console, file, &findings, &counts, args.all)?;
                }
                checked.push(Checked {
                    file: file.clone(),
                    error: None,
                    counts: Some(counts),
                    findings,
                });
            }
            Err(error @ Error::Output(_)) => return Err(error),
            Err(error) => {
                let text = error.text(console.lang);
                console.error(&text);
                outcome = Outcome::Incomplete;
                checked.push(Checked {
                    file: file.clone(),
                    error: Some(text),
                    counts: None,
                    findings: Vec::new(),
                });
            }
        }
    }
    if console.json_wanted() {
        console.json(&Answer { files: checked })?;
    }
    Ok(outcome)
}

/// One line, and a table where there is something to tell.
pub(super) fn show(
    console: &Console,
    file: &str,
    findings: &[Finding],
    counts: &FindingCounts,
    all: bool,
) -> Result<(), Error> {
    let mark = match (counts.errors, counts.warnings) {
        (0, 0) => console.on_out(Style::Green, "✓"),
        (0, _) => console.on_out(Style::Yellow, "!"),
        _ => console.on_out(Style::Red, "✗"),
    };
    let colon = console.pick("：", ": ");
    let summary = table::counts(console, counts, false);
    console.out(&format!("{mark} {file}{colon}{summary}"))?;
    let shown: Vec<&Finding> = findings.iter().filter(|f| all || !f.derived).collect();
    if !shown.is_empty() {
        console.out(&table::text(&table::findings(console, &shown)))?;
    }
    let folded = findings.len() - shown.len();
    if folded > 0 {
        let text = console.pick(
            format!("  另有 {folded} 项由上述问题引起，--all 可显示"),
            format!("  {folded} more follow from these, shown with --all"),
        );
        console.out(&console.on_out(Style::Dim, &text))?;
    }
    Ok(())
}
