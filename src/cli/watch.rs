//! `watch`: what changes, one line each, until the reader has seen enough.

use nianbao::form::Labelled as _;
use nianbao::pb::{Change, Deadline, ReportChange, WatchChangesRequest, WatchChangesResponse};

use super::args::WatchArgs;
use super::client::{Server, block_on};
use super::console::Console;
use super::{Error, Outcome, deadlines, moment, serve};

pub(super) fn run(console: &Console, args: &WatchArgs) -> Result<Outcome, Error> {
    block_on(watch(console, args))
}

async fn watch(console: &Console, args: &WatchArgs) -> Result<Outcome, Error> {
    // Before anything is printed: who reads it may send a signal at once.
    let mut signal = std::pin::pin!(serve::signal().map_err(Error::System)?);
    let server = Server::connect(&args.remote).await?;
    let request = WatchChangesRequest {
        after: args.after.clone().unwrap_or_default(),
        organ: args.organ.as_ref().map(ToString::to_string).unwrap_or_default(),
        include_content: args.content,
        heartbeat_seconds: 0,
        from_now: args.after.is_none() && !args.all,
    };
    let answer = server.reports().watch_changes(request).await;
    let mut changes = server.answered(answer)?;
    let mut position = args.after.clone().unwrap_or_default();
    loop {
        let next = tokio::select! {
            () = &mut signal => {
                go_on(console, &position);
                return Ok(Outcome::Done);
            }
            next = server.next(&mut changes) => next.and_then(|n| n.ok_or_else(|| server.ended())),
        };
        let message = match next {
            Ok(message) => message,
            Err(error) => {
                go_on(console, &position);
                return Err(error);
            }
        };
        position.clone_from(&message.position);
        if !tell(console, &message)? {
            return Ok(Outcome::Done);
        }
    }
}

/// Says from where to go on.
fn go_on(console: &Console, position: &str) {
    if !position.is_empty() {
        console.note(&console.pick(
            format!("接着看：nianbao watch --after {position}"),
            format!("to go on: nianbao watch --after {position}"),
        ));
    }
}

/// One message; false where nobody reads any more.
fn tell(console: &Console, message: &WatchChangesResponse) -> Result<bool, Error> {
    if console.json_wanted() {
        return console.heard(&serde_json::to_string(message).map_err(Error::Json)?);
    }
    let Some(change) = &message.change else { return Ok(true) };
    let receipt = message.receipt.clone().unwrap_or_default();
    let who = match message.principal.is_empty() {
        true => "—",
        false => &message.principal,
    };
    let time = moment::shown(receipt.time.as_ref());
    console.heard(&format!("{} {time} {who} {}", message.position, what(console, change)))
}

fn what(console: &Console, change: &Change) -> String {
    if !change.organs.is_empty() {
        return together(console, change);
    }
    match (&change.report, &change.organ, &change.deadline) {
        (Some(report), ..) => step(console, report),
        (_, Some(organ), _) => console.pick(
            format!("机关 {} {}", organ.name, organ.display_name),
            format!("organ {} {}", organ.name, organ.display_name),
        ),
        (_, _, Some(deadline)) => deadline_line(console, deadline),
        (None, None, None) => String::new(),
    }
}

/// Organs that changed in one write: the first few by name.
fn together(console: &Console, change: &Change) -> String {
    const NAMED: usize = 5;
    let names: Vec<&str> = change.organs.iter().take(NAMED).map(|o| o.name.as_str()).collect();
    let (count, names) = (change.organs.len(), names.join(" "));
    let more = if count > NAMED { " …" } else { "" };
    console.pick(
        format!("机关 {count} 个一并变更：{names}{more}"),
        format!("{count} organs together: {names}{more}"),
    )
}

fn step(console: &Console, change: &ReportChange) -> String {
    let head = change.head.clone().unwrap_or_default();
    let (action, from, to) = (change.action(), change.from_state(), head.state());
    let reason = match change.reason.is_empty() {
        true => String::new(),
        false => console.pick(format!("：{}", change.reason), format!(": {}", change.reason)),
    };
    console.pick(
        format!(
            "{} {} {} → {} 版本 {}{reason}",
            action.zh(),
            head.name,
            from.zh(),
            to.zh(),
            head.latest_revision
        ),
        format!(
            "{} {} {} → {} revision {}{reason}",
            action.en(),
            head.name,
            from.en(),
            to.en(),
            head.latest_revision
        ),
    )
}

fn deadline_line(console: &Console, deadline: &Deadline) -> String {
    let words = deadlines::words(console, deadline);
    let head = console.pick("期限", "deadline");
    format!("{head} {}", words.join(" "))
}
