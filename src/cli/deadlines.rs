//! `deadlines`: until when reports are to be submitted.

use comfy_table::Cell;
use nianbao::form::Labelled as _;
use nianbao::pb::organ::Level;
use nianbao::pb::{
    Deadline, ListDeadlinesRequest, ListDeadlinesResponse, SetDeadlineRequest, SetDeadlineResponse,
};

use super::args::{DeadlineArgs, DeadlinesArgs, DeadlinesCommand, Remote};
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::submit::proof;
use super::{Error, Outcome, moment, table};

pub(super) fn run(console: &Console, args: &DeadlinesArgs) -> Result<Outcome, Error> {
    match &args.command {
        DeadlinesCommand::List { year, remote } => list(console, *year, remote),
        DeadlinesCommand::Set(args) => set(console, args),
    }
}

fn list(console: &Console, year: Option<i32>, remote: &Remote) -> Result<Outcome, Error> {
    let deadlines = block_on(async {
        let server = Server::connect(remote).await?;
        let mut deadlines = Vec::new();
        let mut page_token = String::new();
        loop {
            let request =
                ListDeadlinesRequest { year: year.unwrap_or_default(), page_size: 0, page_token };
            let answer = server.admin().list_deadlines(request).await;
            let answer = server.answered(answer)?;
            deadlines.extend(answer.deadlines);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return Ok(deadlines);
            }
        }
    })?;
    if console.json_wanted() {
        console.json(&ListDeadlinesResponse { deadlines, next_page_token: String::new() })?;
        return Ok(Outcome::Done);
    }
    let head =
        console.pick(["年度", "范围", "层级", "截止日期"], ["year", "scope", "level", "due date"]);
    let mut out = table::plain(console, &head);
    for deadline in &deadlines {
        out.add_row(words(console, deadline).map(Cell::new).to_vec());
    }
    console.out(&table::text(&out))?;
    console.out(console.pick(
        "未另设期限的：本机关报告次年1月31日，政府汇总报告次年3月31日（条例第四十九条）",
        "otherwise: own reports 31 January, those of a government 31 March of the year after",
    ))?;
    Ok(Outcome::Done)
}

/// Year, scope, level and date, as a person reads them.
pub(super) fn words(console: &Console, deadline: &Deadline) -> [String; 4] {
    let (scope, level) = (deadline.scope(), deadline.level());
    let level = match level {
        Level::Unspecified => console.pick("各级", "all levels"),
        level => console.pick(level.zh(), level.en()),
    };
    let due = match deadline.due_date.is_empty() {
        true => console.pick("已取消", "taken back"),
        false => &deadline.due_date,
    };
    let scope = console.pick(scope.zh(), scope.en());
    [deadline.year.to_string(), scope.to_owned(), level.to_owned(), due.to_owned()]
}

fn set(console: &Console, args: &DeadlineArgs) -> Result<Outcome, Error> {
    let due = args.due.clone().unwrap_or_default();
    if args.due.is_some() && moment::date(&due).is_none() {
        return Err(Error::Argument {
            zh: format!("“{due}”不是日期，应如 2024-01-31"),
            en: format!("{due:?} is no day such as 2024-01-31"),
        });
    }
    let request = SetDeadlineRequest {
        deadline: Some(Deadline {
            year: args.year,
            scope: args.scope as i32,
            level: args.level.map_or(0, |level| level as i32),
            due_date: due,
            update_time: None,
        }),
        request_id: args.request_id.clone().unwrap_or_default(),
        validate_only: args.validate_only,
    };
    let answer = block_on(async {
        let server = Server::connect(&args.remote).await?;
        let answer = server.admin().set_deadline(request).await;
        server.answered(answer)
    })?;
    if console.json_wanted() {
        console.json(&answer)?;
    } else {
        tell(console, &answer)?;
    }
    Ok(Outcome::Done)
}

fn tell(console: &Console, answer: &SetDeadlineResponse) -> Result<(), Error> {
    let deadline = answer.deadline.clone().unwrap_or_default();
    let mark = console.on_out(Style::Green, "✓");
    let proof = match &answer.receipt {
        Some(receipt) => proof(console, receipt),
        None => console.pick("仅核对，未入库", "checked only, nothing stored").to_owned(),
    };
    let comma = console.pick("，", ", ");
    console.out(&format!("{mark} {}{comma}{proof}", words(console, &deadline).join(" ")))
}
