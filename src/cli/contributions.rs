//! `contributions`: which reports make up the sum of a cell.

use comfy_table::Cell;
use nianbao::pb::{ListContributionsRequest, ListContributionsResponse};

use super::args::ContributionsArgs;
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::{Error, Outcome, aggregate, get, table};

/// The most that the server gives at once.
const PAGE_SIZE: usize = nianbao::limits::PAGE_SIZE_MAX;

pub(super) fn run(console: &Console, args: &ContributionsArgs) -> Result<Outcome, Error> {
    let mut answer = block_on(async {
        let server = Server::connect(&args.remote).await?;
        ask(&server, args).await
    })?;
    let more = !answer.next_page_token.is_empty();
    answer.next_page_token.clear();
    if console.json_wanted() {
        console.json(&answer)?;
    } else {
        console.out(&shares(console, &answer))?;
    }
    get::tell_more(console, more, args.limit);
    Ok(Outcome::Done)
}

async fn ask(
    server: &Server,
    args: &ContributionsArgs,
) -> Result<ListContributionsResponse, Error> {
    let (as_of_position, as_of_time) = aggregate::as_of(&args.what);
    let mut request = ListContributionsRequest {
        organ: args.organ.to_string(),
        year: args.year,
        cell: args.cell.clone(),
        basis: args.what.basis as i32,
        tree: args.what.tree as i32,
        tree_year: args.what.tree_year.unwrap_or(0),
        filter: args.what.filter.clone(),
        include_unaccepted: args.what.include_unaccepted,
        as_of_position,
        as_of_time,
        at_least: args.what.at_least.clone().unwrap_or_default(),
        page_size: 0,
        page_token: String::new(),
    };
    let mut contributions = Vec::new();
    loop {
        let left = args.limit - contributions.len();
        request.page_size = i32::try_from(left.min(PAGE_SIZE)).unwrap_or(0);
        let answer = server.aggregates().list_contributions(request.clone()).await;
        let answer = server.answered(answer)?;
        contributions.extend(answer.contributions);
        request.page_token.clone_from(&answer.next_page_token);
        if answer.next_page_token.is_empty() || contributions.len() >= args.limit {
            return Ok(ListContributionsResponse { contributions, ..answer });
        }
    }
}

/// The cell, one line a report, and the sum.
fn shares(console: &Console, answer: &ListContributionsResponse) -> String {
    let head = console.pick(["机关", "版本", "数值"], ["organ", "revision", "value"]);
    let mut out = table::plain(console, &head);
    for share in &answer.contributions {
        out.add_row(vec![
            Cell::new(&share.display_name),
            Cell::new(&share.revision),
            table::figure(&share.value, false),
        ]);
    }
    let title = console.on_out(Style::Bold, console.pick(&answer.cell, &answer.field_path));
    let total = answer.total.as_deref().unwrap_or("-");
    let sum = console.pick(
        format!("合计 {total}，填报机关 {}", answer.given),
        format!("sum {total}, given by {}", answer.given),
    );
    format!("{title}\n{}\n{sum}", table::text(&out))
}
