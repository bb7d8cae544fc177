//! `history` and `revisions`: what was done to a report, and what it said.

use comfy_table::Cell;
use nianbao::form::Labelled as _;
use nianbao::pb::{
    ListReportEventsRequest, ListReportEventsResponse, ListRevisionsRequest, ListRevisionsResponse,
    Receipt, ReportEvent, Revision,
};

use super::args::HistoryArgs;
use super::client::{Server, block_on};
use super::console::Console;
use super::{Error, Outcome, get, moment, table};

/// Of a hash so much is shown beside much else; the JSON has all of it.
const HASH_SHOWN: usize = 12;

pub(super) fn events(console: &Console, args: &HistoryArgs) -> Result<Outcome, Error> {
    let (events, more) = block_on(async {
        let server = Server::connect(&args.remote).await?;
        list_events(&server, args).await
    })?;
    if console.json_wanted() {
        console.json(&ListReportEventsResponse { events, next_page_token: String::new() })?;
    } else {
        console.out(&events_table(console, &events))?;
        for event in &events {
            let reasons = event.change.as_ref().map_or(&[][..], |change| &change.return_reasons);
            let position = event.receipt.as_ref().map_or("", |receipt| &receipt.position);
            for line in get::reasons(console, reasons) {
                console.fold(&format!("{position}  {line}"))?;
            }
        }
    }
    get::tell_more(console, more, args.limit);
    Ok(Outcome::Done)
}

async fn list_events(
    server: &Server,
    args: &HistoryArgs,
) -> Result<(Vec<ReportEvent>, bool), Error> {
    let mut events = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListReportEventsRequest {
            parent: args.name.to_string(),
            page_size: page_size(args.limit - events.len()),
            page_token,
            at_least: args.at_least.clone().unwrap_or_default(),
        };
        let answer = server.reports().list_report_events(request).await;
        let answer = server.answered(answer)?;
        events.extend(answer.events);
        page_token = answer.next_page_token;
        if page_token.is_empty() || events.len() >= args.limit {
            return Ok((events, !page_token.is_empty()));
        }
    }
}

fn page_size(left: usize) -> i32 {
    i32::try_from(left.min(nianbao::limits::PAGE_SIZE_MAX)).unwrap_or(0)
}

/// One line a step.
pub(super) fn events_table(console: &Console, events: &[ReportEvent]) -> String {
    let head = console.pick(
        ["时间", "操作人", "办理", "状态", "版本", "理由", "位置"],
        ["time", "who", "action", "state", "rev.", "reason", "position"],
    );
    let mut out = table::plain(console, &head);
    for event in events {
        let change = event.change.clone().unwrap_or_default();
        let report = change.head.clone().unwrap_or_default();
        let (action, from, to) = (change.action(), change.from_state(), report.state());
        let states = match from == to {
            true => console.pick(to.zh(), to.en()).to_owned(),
            false => console.pick(
                format!("{} → {}", from.zh(), to.zh()),
                format!("{} → {}", from.en(), to.en()),
            ),
        };
        let receipt = event.receipt.clone().unwrap_or_default();
        out.add_row(vec![
            Cell::new(moment::shown(receipt.time.as_ref())),
            Cell::new(&event.principal),
            Cell::new(console.pick(action.zh(), action.en())),
            Cell::new(states),
            table::figure(&report.latest_revision.to_string(), false),
            Cell::new(&change.reason),
            Cell::new(&receipt.position),
        ]);
    }
    for column in [0, 2, 3, 4, 6] {
        table::whole(&mut out, column);
    }
    table::text(&out)
}

pub(super) fn revisions(console: &Console, args: &HistoryArgs) -> Result<Outcome, Error> {
    let (revisions, more) = block_on(async {
        let server = Server::connect(&args.remote).await?;
        list_revisions(&server, args).await
    })?;
    if console.json_wanted() {
        console.json(&ListRevisionsResponse { revisions, next_page_token: String::new() })?;
    } else {
        console.out(&format!("{}/revisions/", args.name))?;
        console.out(&revisions_table(console, &revisions))?;
    }
    get::tell_more(console, more, args.limit);
    Ok(Outcome::Done)
}

async fn list_revisions(
    server: &Server,
    args: &HistoryArgs,
) -> Result<(Vec<Revision>, bool), Error> {
    let mut revisions = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListRevisionsRequest {
            parent: args.name.to_string(),
            page_size: page_size(args.limit - revisions.len()),
            page_token,
            at_least: args.at_least.clone().unwrap_or_default(),
        };
        let answer = server.reports().list_revisions(request).await;
        let answer = server.answered(answer)?;
        revisions.extend(answer.revisions);
        page_token = answer.next_page_token;
        if page_token.is_empty() || revisions.len() >= args.limit {
            return Ok((revisions, !page_token.is_empty()));
        }
    }
}

fn revisions_table(console: &Console, revisions: &[Revision]) -> String {
    let head = console.pick(
        ["版本", "时间", "操作人", "位置", "条目哈希"],
        ["rev.", "time", "who", "position", "entry hash"],
    );
    let mut out = table::plain(console, &head);
    for revision in revisions {
        let receipt = revision.receipt.clone().unwrap_or_default();
        out.add_row(vec![
            table::figure(&revision.revision.to_string(), false),
            Cell::new(moment::shown(receipt.time.as_ref())),
            Cell::new(&revision.principal),
            Cell::new(&receipt.position),
            Cell::new(hash(&receipt)),
        ]);
    }
    for column in [0, 1, 3, 4] {
        table::whole(&mut out, column);
    }
    table::text(&out)
}

/// The beginning of a hash.
fn hash(receipt: &Receipt) -> String {
    let shown = receipt.entry_hash.get(..HASH_SHOWN);
    shown.map_or(String::new(), |shown| format!("{shown}…"))
}
