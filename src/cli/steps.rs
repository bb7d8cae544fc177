//! `return`, `accept`, `publish`, `amend`, `void`: from one state to the next.

use nianbao::address;
use nianbao::form::{self, Labelled as _};
use nianbao::pb::{
    AcceptReportRequest, AmendReportRequest, Edition, PublishReportRequest, Receipt, Report,
    ReturnReason, ReturnReportRequest, VoidReportRequest,
};
use nianbao::rules;
use serde::Serialize;

use super::args::{ReasonedArgs, ReturnArgs, StepArgs, Write};
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::submit::proof;
use super::{Error, Outcome};

pub(super) fn send_back(console: &Console, args: &ReturnArgs) -> Result<Outcome, Error> {
    let (mut reasons, mut errors) = (Vec::new(), Vec::new());
    for text in &args.reason {
        match reason(text) {
            Ok(reason) => reasons.push(reason),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(Error::Assignment(errors));
    }
    block_on(return_report(console, &args.name.to_string(), reasons, &args.write))
}

async fn return_report(
    console: &Console,
    name: &str,
    reasons: Vec<ReturnReason>,
    write: &Write,
) -> Result<Outcome, Error> {
    let server = Server::connect(&write.remote).await?;
    let (name, etag, request_id, validate_only) = common(name, write);
    let request = ReturnReportRequest { name, reasons, etag, request_id, validate_only };
    let answer = server.reports().return_report(request).await;
    let answer = server.answered(answer)?;
    tell(console, &answer, answer.report.as_ref(), answer.receipt.as_ref())
}

pub(super) fn accept(console: &Console, args: &StepArgs) -> Result<Outcome, Error> {
    block_on(async {
        let server = Server::connect(&args.write.remote).await?;
        let (name, etag, request_id, validate_only) = common(&args.name.to_string(), &args.write);
        let request = AcceptReportRequest { name, etag, request_id, validate_only };
        let answer = server.reports().accept_report(request).await;
        let answer = server.answered(answer)?;
        tell(console, &answer, answer.report.as_ref(), answer.receipt.as_ref())
    })
}

pub(super) fn publish(console: &Console, args: &StepArgs) -> Result<Outcome, Error> {
    block_on(async {
        let server = Server::connect(&args.write.remote).await?;
        let (name, etag, request_id, validate_only) = common(&args.name.to_string(), &args.write);
        let request = PublishReportRequest { name, etag, request_id, validate_only };
        let answer = server.reports().publish_report(request).await;
        let answer = server.answered(answer)?;
        tell(console, &answer, answer.report.as_ref(), answer.receipt.as_ref())
    })
}

pub(super) fn amend(console: &Console, args: &ReasonedArgs) -> Result<Outcome, Error> {
    block_on(async {
        let server = Server::connect(&args.write.remote).await?;
        let (name, etag, request_id, validate_only) = common(&args.name.to_string(), &args.write);
        let reason = args.reason.clone();
        let request = AmendReportRequest { name, reason, etag, request_id, validate_only };
        let answer = server.reports().amend_report(request).await;
        let answer = server.answered(answer)?;
        tell(console, &answer, answer.report.as_ref(), answer.receipt.as_ref())
    })
}

pub(super) fn void(console: &Console, args: &ReasonedArgs) -> Result<Outcome, Error> {
    block_on(async {
        let server = Server::connect(&args.write.remote).await?;
        let (name, etag, request_id, validate_only) = common(&args.name.to_string(), &args.write);
        let reason = args.reason.clone();
        let request = VoidReportRequest { name, reason, etag, request_id, validate_only };
        let answer = server.reports().void_report(request).await;
        let answer = server.answered(answer)?;
        tell(console, &answer, answer.report.as_ref(), answer.receipt.as_ref())
    })
}

/// What every step says: name, etag, request id, whether to check only.
fn common(name: &str, write: &Write) -> (String, String, String, bool) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    (name.to_owned(), text(&write.etag), text(&write.request_id), write.validate_only)
}

fn tell<A: Serialize>(
    console: &Console,
    answer: &A,
    report: Option<&Report>,
    receipt: Option<&Receipt>,
) -> Result<Outcome, Error> {
    if console.json_wanted() {
        console.json(answer)?;
    } else {
        console.out(&line(console, &report.cloned().unwrap_or_default(), receipt))?;
    }
    Ok(Outcome::Done)
}

/// A report after a step: its name, state and revision, and the receipt.
pub(super) fn line(console: &Console, report: &Report, receipt: Option<&Receipt>) -> String {
    let state = report.state();
    let (state, number) = (console.pick(state.zh(), state.en()), report.latest_revision);
    let mark = console.on_out(Style::Green, "✓");
    let what = console.pick(
        format!("{}：{state}，版本 {number}", report.name),
        format!("{}: {state}, revision {number}", report.name),
    );
    let proof = match receipt {
        Some(receipt) => proof(console, receipt),
        None => console.pick("仅核对，未入库", "checked only, nothing stored").to_owned(),
    };
    format!("{mark} {what}{}{proof}", console.pick("，", ", "))
}

/// A reason as typed: what it is about, `=`, and what is to be mended. Without `=` all of it is
/// what is to be mended.
///
/// # Errors
/// What is before `=` is neither a cell, nor a place of the form, nor a rule.
pub(super) fn reason(typed: &str) -> Result<ReturnReason, address::Error> {
    let (about, text) = typed.split_once(['=', '＝']).unwrap_or(("", typed));
    let (about, text) = (about.trim(), text.trim().to_owned());
    let reason = ReturnReason { text, ..ReturnReason::default() };
    if about.is_empty() {
        return Ok(reason);
    }
    if rules::rule(about).is_some() {
        return Ok(ReturnReason { rule_id: about.to_owned(), ..reason });
    }
    let place = |field_path: &str| ReturnReason { field_path: field_path.to_owned(), ..reason };
    // Tables and rows have no value, so that only their paths and printed addresses name them.
    let named = form::place(about).map(|(_, found)| found);
    if let Some(found) = named.filter(|found| found.path == about) {
        return Ok(place(found.path));
    }
    match address::resolve(about, Edition::Edition2021) {
        Ok(target) => Ok(place(target.path())),
        Err(address::Error::OtherEdition { .. }) => {
            address::resolve(about, Edition::Edition2019).map(|target| place(target.path()))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_reason_is_about() {
        for (typed, path, rule, text) in [
            ("表三·（三）·4·自然人=不符", "requests.denied.third_party.natural_person", "", "不符"),
            ("requests.granted.total=a=b", "requests.granted.total", "", "a=b"),
            ("requests=整表", "requests", "", "整表"),
            ("applicants.total＝请核对", "", "applicants.total", "请核对"),
            ("=请补充", "", "", "请补充"),
            ("请补充", "", "", "请补充"),
        ] {
            let reason = reason(typed).expect(typed);
            assert_eq!((&*reason.field_path, &*reason.rule_id, &*reason.text), (path, rule, text));
        }
    }

    #[test]
    fn refuses_a_place_that_is_none_or_several() {
        for typed in ["表九=x", "表三·4·自然人=x"] {
            assert!(reason(typed).is_err(), "{typed}");
        }
    }
}
