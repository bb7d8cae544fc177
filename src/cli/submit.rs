//! `submit`: reports to the server, one answer each.
//!
//! What is sent has an id made of its bytes. Whoever runs the same command again after an
//! interruption gets for what was taken the first answer, and nothing is written twice.

mod feed;

use nianbao::form::Labelled as _;
use nianbao::names::ReportId;
use nianbao::pb::report::State;
use nianbao::pb::{
    Finding, Receipt, Refusal, Report, Severity, SubmitReportRequest, SubmitReportResponse,
    SubmitReportsResponse, Timestamp,
};
use serde::Serialize;
use tonic::{Code, Streaming};

use super::args::SubmitArgs;
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::{Error, Outcome, files, get, progress, steps, table};

/// So many findings of a refused file are shown; `validate` shows all.
const FINDINGS_MAX: usize = 10;

/// What came of one file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answered<A> {
    pub(super) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<A>,
    /// Whether it was taken before this run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) taken_before: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// The whole answer for programs.
#[derive(Serialize)]
pub(super) struct Answer<A> {
    pub(super) files: Vec<Answered<A>>,
}

/// How many files came to which end.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) taken: usize,
    pub(super) before: usize,
    pub(super) refused: usize,
    pub(super) unread: usize,
}

impl Tally {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Tally { unread: 1.., .. } => Outcome::Incomplete,
            Tally { refused: 1.., .. } => Outcome::Refused,
            _ => Outcome::Done,
        }
    }

    fn ended(&self) -> usize {
        self.taken + self.before + self.refused + self.unread
    }
}

/// The end of one file.
enum End {
    /// Taken now, or found to be good.
    Taken(Box<SubmitReportsResponse>),
    /// Taken before this run; the state in which it is now.
    Before(Box<SubmitReportsResponse>, State),
    /// Refused, with all that was found; and what it is about.
    Refused(Box<SubmitReportsResponse>, Refusal, String),
    /// Not sent, or refused by itself.
    Failed(Error),
}

pub(super) fn run(console: &Console, args: &SubmitArgs) -> Result<Outcome, Error> {
    if let Some(id) = &args.draft {
        return block_on(submit_draft(console, args, id));
    }
    let files = files::reports(&args.files)?;
    if args.etag.is_some() && files.len() > 1 {
        return Err(Error::Argument {
            zh: "--etag 只能用于一份报告".to_owned(),
            en: "--etag takes one report only".to_owned(),
        });
    }
    block_on(submit_all(console, args, files))
}

async fn submit_draft(
    console: &Console,
    args: &SubmitArgs,
    id: &ReportId,
) -> Result<Outcome, Error> {
    let server = Server::connect(&args.remote).await?;
    let request = SubmitReportRequest {
        name: id.to_string(),
        validate_only: args.validate_only,
        as_published: args.as_published.is_some(),
        as_published_reason: args.as_published.clone().unwrap_or_default(),
        etag: args.etag.clone().unwrap_or_default(),
        ..SubmitReportRequest::default()
    };
    let answer = server.reports().submit_report(request).await;
    let answer = server.answered(answer)?;
    if console.json_wanted() {
        console.json(&answer)?;
    } else {
        let report = answer.report.unwrap_or_default();
        console.out(&steps::line(console, &report, answer.receipt.as_ref()))?;
    }
    Ok(Outcome::Done)
}

async fn submit_all(
    console: &Console,
    args: &SubmitArgs,
    files: Vec<String>,
) -> Result<Outcome, Error> {
    let server = Server::connect(&args.remote).await?;
    let started = server.info().await?.head.and_then(|head| head.time);
    let count = files.len();
    let bar = progress::items(console, count);
    let (mut waiting, mut answers) = feed::open(&server, args, files).await?;
    let mut tally = Tally::default();
    let mut all = Vec::new();
    let mut broken = None;
    while let Some(sent) = waiting.recv().await {
        let file = sent.file.clone();
        let end = match end(&server, sent, &mut answers, started).await {
            Ok(end) => end,
            Err(cause) => {
                let cause = Box::new(cause);
                broken = Some(Error::Interrupted { cause, done: tally.ended(), of: count });
                break;
            }
        };
        // The bar steps aside while a line is printed.
        bar.suspend(|| tell(console, args, &file, &end, count))?;
        let answered = count_in(console, &mut tally, file, end);
        if console.json_wanted() {
            all.push(answered);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    finish(console, count, &tally, all)?;
    match broken {
        Some(error) => Err(error),
        None => Ok(tally.outcome()),
    }
}

/// What becomes of one file.
///
/// # Errors
/// Those that end the stream, and with it the command.
async fn end(
    server: &Server,
    sent: feed::Sent,
    answers: &mut Streaming<SubmitReportsResponse>,
    started: Option<Timestamp>,
) -> Result<End, Error> {
    let request = match sent.request {
        Ok(request) => request,
        Err(error) => return Ok(End::Failed(error)),
    };
    let mut answer = server.next(answers).await?.ok_or_else(|| server.ended())?;
    if let Some(refusal) = answer.refusal.take() {
        let subject = subject(&request, &refusal);
        return Ok(End::Refused(Box::new(answer), refusal, subject));
    }
    let time = answer.receipt.as_ref().and_then(|receipt| receipt.time);
    match (time, started) {
        (Some(time), Some(started)) if before(time, started) => {
            repeated(server, *request, answer).await
        }
        _ => Ok(End::Taken(Box::new(answer))),
    }
}

/// What a refusal is about: the organ, or the report.
fn subject(request: &SubmitReportRequest, refusal: &Refusal) -> String {
    let report = request.report.as_deref();
    let id = report.and_then(ReportId::of).filter(|_| !refusal.reason.starts_with("ORGAN"));
    let organ = || report.map(|report| report.organ.clone()).unwrap_or_default();
    id.map_or_else(organ, |id| id.to_string())
}

/// Whether a write was there when this command began: its time is no later than the last one's.
fn before(time: Timestamp, started: Timestamp) -> bool {
    (time.seconds, time.nanos) <= (started.seconds, started.nanos)
}

/// A request that was taken before. Where its report was sent back since, it is not the same
/// request any more, and is made anew.
async fn repeated(
    server: &Server,
    request: SubmitReportRequest,
    answer: SubmitReportsResponse,
) -> Result<End, Error> {
    let name = answer.report.as_ref().map(|report| report.name.clone()).unwrap_or_default();
    let now = get::report(server, &name).await?;
    let open = matches!(now.state(), State::Draft | State::Returned | State::Amending);
    if !open {
        return Ok(End::Before(Box::new(answer), now.state()));
    }
    let again = server.reports().submit_report(feed::identified(request, &now.etag)).await;
    match server.answered(again) {
        Ok(SubmitReportResponse { report, findings, counts, receipt }) => {
            let index = answer.index;
            let answer =
                SubmitReportsResponse { index, report, findings, counts, receipt, refusal: None };
            Ok(End::Taken(Box::new(answer)))
        }
        Err(error @ Error::Unreachable { .. }) => Err(error),
        Err(error) => Ok(End::Failed(error)),
    }
}

fn count_in(
    console: &Console,
    tally: &mut Tally,
    file: String,
    end: End,
) -> Answered<SubmitReportsResponse> {
    let mut answered =
        Answered { file, answer: None, taken_before: false, reason: None, error: None };
    match end {
        End::Taken(answer) => {
            tally.taken += 1;
            answered.answer = Some(*answer);
        }
        End::Before(answer, _) => {
            tally.before += 1;
            answered.taken_before = true;
            answered.answer = Some(*answer);
        }
        End::Refused(answer, refusal, subject) => {
            match is_of_the_server(&refusal) {
                true => tally.unread += 1,
                false => tally.refused += 1,
            }
            answered.error = Some(headline(console, &answer, &refusal, &subject));
            answered.reason = Some(refusal.reason.clone());
            answered.answer = Some(SubmitReportsResponse { refusal: Some(refusal), ..*answer });
        }
        End::Failed(error) => failed(console, tally, &mut answered, &error),
    }
    answered
}

/// Whether the state of the server is to blame, not the report.
fn is_of_the_server(refusal: &Refusal) -> bool {
    [Code::Unavailable as i32, Code::Internal as i32].contains(&refusal.code)
}

/// Counts a file that was not sent, or refused by itself.
pub(super) fn failed<A>(
    console: &Console,
    tally: &mut Tally,
    answered: &mut Answered<A>,
    error: &Error,
) {
    match error.code() {
        1 => tally.refused += 1,
        _ => tally.unread += 1,
    }
    answered.error = Some(error.text(console.lang));
    if let Error::Refused(refusal) = error {
        answered.reason = Some(refusal.reason());
    }
}

/// Submits one report by itself.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn submit(server: &Server, report: Report) -> Result<SubmitReportResponse, Error> {
    let request =
        SubmitReportRequest { report: Some(Box::new(report)), ..SubmitReportRequest::default() };
    let answer = server.reports().submit_report(request).await;
    server.answered(answer)
}

/// One file's end, for a person.
fn tell(
    console: &Console,
    args: &SubmitArgs,
    file: &str,
    end: &End,
    count: usize,
) -> Result<(), Error> {
    if console.json_wanted() {
        return Ok(());
    }
    match end {
        End::Taken(answer) => {
            let verb = match args.validate_only {
                true => console.pick("可以接收", "would be taken"),
                false => console.pick("已提交", "taken"),
            };
            tell_taken(console, file, verb, answer, count)
        }
        End::Before(answer, state) => {
            let verb = console.pick(
                format!("此前已提交，现为{}", state.zh()),
                format!("taken before, now {}", state.en()),
            );
            tell_taken(console, file, &verb, answer, count)
        }
        End::Refused(answer, refusal, subject) => {
            let head = headline(console, answer, refusal, subject);
            tell_refused(console, file, &head, lines(console, answer, refusal))
        }
        End::Failed(error) => tell_failed(console, file, error),
    }
}

fn tell_taken(
    console: &Console,
    file: &str,
    verb: &str,
    answer: &SubmitReportsResponse,
    count: usize,
) -> Result<(), Error> {
    let name = answer.report.as_ref().map_or("", |report| &report.name);
    let counts = table::counts(console, &answer.counts.unwrap_or_default(), false);
    console.out(&taken(console, file, verb, name, &counts))?;
    // Of one file a person may keep the receipt; those of many are in the JSON.
    match &answer.receipt {
        Some(receipt) if count == 1 => console.out(&format!("  {}", proof(console, receipt))),
        _ => Ok(()),
    }
}

/// A receipt in a line.
pub(super) fn proof(console: &Console, receipt: &Receipt) -> String {
    let head = console.pick("回执", "receipt");
    format!("{head} {} {}", receipt.position, receipt.entry_hash)
}

/// A file that was not sent, or refused by itself, for a person.
pub(super) fn tell_failed(console: &Console, file: &str, error: &Error) -> Result<(), Error> {
    match error {
        Error::Refused(refusal) => {
            let lang = console.lang;
            tell_refused(console, file, &refusal.headline(lang), refusal.details(lang))
        }
        error => {
            console.error(&error.text(console.lang));
            Ok(())
        }
    }
}

fn tell_refused(
    console: &Console,
    file: &str,
    head: &str,
    lines: Vec<String>,
) -> Result<(), Error> {
    let verb = console.pick("拒收", "refused");
    let colon = console.pick("：", ": ");
    let mark = console.on_out(Style::Red, "✗");
    console.out(&format!("{mark} {file}{colon}{verb}{colon}{head}"))?;
    lines.iter().try_for_each(|line| console.fold(&format!("  {line}")))
}

/// Why an item was refused, in one line.
fn headline(
    console: &Console,
    answer: &SubmitReportsResponse,
    refusal: &Refusal,
    subject: &str,
) -> String {
    // Where findings say why, they name what they are about.
    let zh = match answer.findings.is_empty() {
        true => format!("{}：{subject}", refusal.message_zh),
        false => refusal.message_zh.clone(),
    };
    format!("{} [{}]", console.pick(zh, refusal.message_en.clone()), refusal.reason)
}

/// The first of the findings for which an item was refused.
fn lines(console: &Console, answer: &SubmitReportsResponse, refusal: &Refusal) -> Vec<String> {
    let severity = match refusal.reason.as_str() {
        "WARNING_UNEXPLAINED" => Severity::Warning,
        _ => Severity::Error,
    };
    let why = |finding: &&Finding| finding.severity() == severity && !finding.derived;
    let findings: Vec<&Finding> = answer.findings.iter().filter(why).collect();
    let mut lines: Vec<String> =
        findings.iter().take(FINDINGS_MAX).map(|finding| line(console, finding)).collect();
    if findings.len() > FINDINGS_MAX {
        let more = findings.len() - FINDINGS_MAX;
        lines.push(console.pick(
            format!("……另有 {more} 项，见 nianbao validate"),
            format!("… and {more} more, see nianbao validate"),
        ));
    }
    lines
}

fn line(console: &Console, finding: &Finding) -> String {
    let place = console.pick(&finding.cell, &finding.field_path);
    let place = if place.is_empty() { &finding.field_path } else { place };
    let colon = console.pick("：", ": ");
    let message = console.pick(&finding.message_zh, &finding.message_en);
    format!("{place}{colon}{message} [{}]", finding.rule_id)
}

/// The line of a report that was taken.
pub(super) fn taken(console: &Console, file: &str, verb: &str, name: &str, counts: &str) -> String {
    let mark = console.on_out(Style::Green, "✓");
    let colon = console.pick("：", ": ");
    let open = console.pick("（", " (");
    let close = console.pick("）", ")");
    format!("{mark} {file}{colon}{verb} {name}{open}{counts}{close}")
}

fn finish(
    console: &Console,
    count: usize,
    tally: &Tally,
    files: Vec<Answered<SubmitReportsResponse>>,
) -> Result<(), Error> {
    if console.json_wanted() {
        return console.json(&Answer { files });
    }
    if count < 2 {
        return Ok(());
    }
    let Tally { taken, before, refused, unread } = tally;
    let zh = match before {
        0 => String::new(),
        before => format!("，此前已接收 {before}"),
    };
    let en = match before {
        0 => String::new(),
        before => format!(", {before} taken before"),
    };
    console.out(&console.pick(
        format!("共 {count} 份：接收 {taken}{zh}，拒收 {refused}，未能处理 {unread}"),
        format!("{count} files: {taken} taken{en}, {refused} refused, {unread} failed"),
    ))
}
