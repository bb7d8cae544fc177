//! `submit`: reports to the server, one answer each.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nianbao::pb::{Report, SubmitReportRequest, SubmitReportResponse};
use serde::Serialize;

use super::args::SubmitArgs;
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::{Error, Outcome, files, table};

/// What came of one file.
#[derive(Serialize)]
struct Answered {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<SubmitReportResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The whole answer for programs.
#[derive(Serialize)]
struct Answer {
    files: Vec<Answered>,
}

/// How many files came to which end.
#[derive(Default)]
struct Tally {
    taken: usize,
    refused: usize,
    unread: usize,
}

pub(super) fn run(console: &Console, args: &SubmitArgs) -> Result<Outcome, Error> {
    block_on(submit_all(console, args))
}

async fn submit_all(console: &Console, args: &SubmitArgs) -> Result<Outcome, Error> {
    let server = Server::connect(&args.remote).await?;
    let bar = bar(console, args.files.len());
    let mut tally = Tally::default();
    let mut answers = Vec::new();
    for file in &args.files {
        let outcome = submit_file(&server, args, file).await;
        // The bar steps aside while a line is printed.
        bar.suspend(|| tell(console, args, file, &outcome))?;
        let mut answered = Answered { file: file.clone(), answer: None, reason: None, error: None };
        match outcome {
            Ok(answer) => {
                tally.taken += 1;
                answered.answer = Some(answer);
            }
            Err(error @ Error::Unreachable { .. }) => return Err(error),
            Err(error) => {
                if error.code() == 1 {
                    tally.refused += 1;
                } else {
                    tally.unread += 1;
                }
                answered.error = Some(error.text(console.lang));
                if let Error::Refused(refusal) = &error {
                    answered.reason = Some(refusal.reason());
                }
            }
        }
        if console.json_wanted() {
            answers.push(answered);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    finish(console, args, &tally, answers)
}

fn bar(console: &Console, files: usize) -> ProgressBar {
    let bar = ProgressBar::new(files as u64);
    let target = match files > 1 && console.is_watched() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    bar.set_draw_target(target);
    // A template that cannot be read leaves the default one.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {eta}") {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

async fn submit_file(
    server: &Server,
    args: &SubmitArgs,
    file: &str,
) -> Result<SubmitReportResponse, Error> {
    let mut report = files::report(file)?;
    if let Some(organ) = &args.organ {
        report.organ = organ.to_string();
    }
    submit(server, report, args.as_published.clone(), args.validate_only).await
}

/// Submits one report.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn submit(
    server: &Server,
    report: Report,
    as_published: Option<String>,
    validate_only: bool,
) -> Result<SubmitReportResponse, Error> {
    let request = SubmitReportRequest {
        report: Some(Box::new(report)),
        validate_only,
        as_published: as_published.is_some(),
        as_published_reason: as_published.unwrap_or_default(),
        ..SubmitReportRequest::default()
    };
    let answer = server.reports().submit_report(request).await;
    server.answered(answer)
}

/// One file's end, for a person.
fn tell(
    console: &Console,
    args: &SubmitArgs,
    file: &str,
    outcome: &Result<SubmitReportResponse, Error>,
) -> Result<(), Error> {
    if console.json_wanted() {
        return Ok(());
    }
    match outcome {
        Ok(answer) => {
            let verb = match args.validate_only {
                true => console.pick("可以接收", "would be taken"),
                false => console.pick("已提交", "taken"),
            };
            console.out(&taken(console, file, verb, answer))
        }
        Err(Error::Refused(refusal)) => {
            let verb = console.pick("拒收", "refused");
            let colon = console.pick("：", ": ");
            let head = refusal.headline(console.lang);
            console.out(&format!(
                "{} {file}{colon}{verb}{colon}{head}",
                console.on_out(Style::Red, "✗")
            ))?;
            for line in refusal.details(console.lang) {
                console.fold(&format!("  {line}"))?;
            }
            Ok(())
        }
        // The command itself ends with it.
        Err(Error::Unreachable { .. }) => Ok(()),
        Err(error) => {
            console.error(&error.text(console.lang));
            Ok(())
        }
    }
}

/// The line of a report that was taken.
pub(super) fn taken(
    console: &Console,
    file: &str,
    verb: &str,
    answer: &SubmitReportResponse,
) -> String {
    let report = answer.report.clone().unwrap_or_default();
    let counts = table::counts(console, &answer.counts.unwrap_or_default(), false);
    let mark = console.on_out(Style::Green, "✓");
    let colon = console.pick("：", ": ");
    let open = console.pick("（", " (");
    let close = console.pick("）", ")");
    format!("{mark} {file}{colon}{verb} {}{open}{counts}{close}", report.name)
}

fn finish(
    console: &Console,
    args: &SubmitArgs,
    tally: &Tally,
    answers: Vec<Answered>,
) -> Result<Outcome, Error> {
    if console.json_wanted() {
        console.json(&Answer { files: answers })?;
    } else if args.files.len() > 1 {
        let Tally { taken, refused, unread } = tally;
        console.out(&console.pick(
            format!("共 {} 份：接收 {taken}，拒收 {refused}，未能处理 {unread}", args.files.len()),
            format!(
                "{} files: {taken} taken, {refused} refused, {unread} failed",
                args.files.len()
            ),
        ))?;
    }
    Ok(match tally {
        Tally { unread: 1.., .. } => Outcome::Incomplete,
        Tally { refused: 1.., .. } => Outcome::Refused,
        _ => Outcome::Done,
    })
}
