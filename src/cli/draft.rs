//! `draft`: reports stored as far as they are written.

use nianbao::pb::{SaveDraftRequest, SaveDraftResponse};

use super::args::DraftArgs;
use super::client::{Server, block_on};
use super::console::Console;
use super::submit::{Answer, Answered, Tally, failed, proof, taken, tell_failed};
use super::{Error, Outcome, files, progress, table};

pub(super) fn run(console: &Console, args: &DraftArgs) -> Result<Outcome, Error> {
    let files = files::reports(&args.files)?;
    let write = &args.write;
    if files.len() > 1 && (write.etag.is_some() || write.request_id.is_some()) {
        return Err(Error::Argument {
            zh: "--etag 和 --request-id 只能用于一份报告".to_owned(),
            en: "--etag and --request-id take one report only".to_owned(),
        });
    }
    block_on(save_all(console, args, files))
}

async fn save_all(
    console: &Console,
    args: &DraftArgs,
    names: Vec<String>,
) -> Result<Outcome, Error> {
    let server = Server::connect(&args.write.remote).await?;
    let bar = progress::items(console, names.len());
    let mut tally = Tally::default();
    let mut files = Vec::new();
    for file in names {
        let outcome = save(&server, args, &file).await;
        if let Err(error @ Error::Unreachable { .. }) = outcome {
            return Err(error);
        }
        bar.suspend(|| match &outcome {
            _ if console.json_wanted() => Ok(()),
            Ok(answer) => tell(console, args, &file, answer),
            Err(error) => tell_failed(console, &file, error),
        })?;
        let mut answered =
            Answered { file, answer: None, taken_before: false, reason: None, error: None };
        match outcome {
            Ok(answer) => answered.answer = Some(answer),
            Err(error) => failed(console, &mut tally, &mut answered, &error),
        }
        files.push(answered);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if console.json_wanted() {
        console.json(&Answer { files })?;
    }
    Ok(tally.outcome())
}

async fn save(server: &Server, args: &DraftArgs, file: &str) -> Result<SaveDraftResponse, Error> {
    let mut report = files::report(file)?;
    if let Some(organ) = &args.organ {
        report.organ = organ.to_string();
    }
    let request = SaveDraftRequest {
        report: Some(Box::new(report)),
        validate_only: args.write.validate_only,
        etag: args.write.etag.clone().unwrap_or_default(),
        request_id: args.write.request_id.clone().unwrap_or_default(),
    };
    let answer = server.reports().save_draft(request).await;
    server.answered(answer)
}

fn tell(
    console: &Console,
    args: &DraftArgs,
    file: &str,
    answer: &SaveDraftResponse,
) -> Result<(), Error> {
    let verb = match args.write.validate_only {
        true => console.pick("可以存为草稿", "could be stored as a draft of"),
        false => console.pick("草稿已存", "draft stored as"),
    };
    let name = answer.report.as_ref().map_or("", |report| &report.name);
    let counts = table::counts(console, &answer.counts.unwrap_or_default(), false);
    console.out(&taken(console, file, verb, name, &counts))?;
    match &answer.receipt {
        Some(receipt) => console.out(&format!("  {}", proof(console, receipt))),
        None => Ok(()),
    }
}
