//! `coverage`: who has filed, who has not, and what a sum takes.

use comfy_table::Cell;
use nianbao::form::Labelled as _;
use nianbao::pb::{GetCoverageRequest, GetCoverageResponse, OrganCoverage};

use super::args::CoverageArgs;
use super::client::{Server, block_on};
use super::console::Console;
use super::{Error, Outcome, aggregate, get, moment, table};

/// The most that the server gives at once.
const PAGE_SIZE: usize = nianbao::limits::PAGE_SIZE_MAX;

pub(super) fn run(console: &Console, args: &CoverageArgs) -> Result<Outcome, Error> {
    let mut answer = block_on(async {
        let server = Server::connect(&args.remote).await?;
        ask(&server, args).await
    })?;
    let more = !answer.next_page_token.is_empty();
    answer.next_page_token.clear();
    if console.json_wanted() {
        console.json(&answer)?;
    } else {
        console.out(&organs(console, &answer.organs))?;
        let counts = answer.coverage.unwrap_or_default();
        console.out(&aggregate::counts(console, &counts).join("\n"))?;
        let states = counts.by_state.iter().map(|told| {
            let state = told.state();
            format!("{} {}", console.pick(state.zh(), state.en()), told.count)
        });
        let states: Vec<String> = states.collect();
        console.out(&console.pick(
            format!("按状态：{}", states.join("，")),
            format!("by state: {}", states.join(", ")),
        ))?;
    }
    get::tell_more(console, more, args.limit);
    Ok(Outcome::Done)
}

/// The counts, and as many organs as were asked for.
async fn ask(server: &Server, args: &CoverageArgs) -> Result<GetCoverageResponse, Error> {
    let (as_of_position, as_of_time) = aggregate::as_of(&args.what);
    let mut request = GetCoverageRequest {
        organ: args.organ.to_string(),
        year: args.year,
        basis: args.what.basis as i32,
        tree: args.what.tree as i32,
        tree_year: args.what.tree_year.unwrap_or(0),
        filter: args.what.filter.clone(),
        include_unaccepted: args.what.include_unaccepted,
        as_of_position,
        as_of_time,
        at_least: args.what.at_least.clone().unwrap_or_default(),
        only: args.only as i32,
        page_size: 0,
        page_token: String::new(),
    };
    let mut organs = Vec::new();
    loop {
        let left = args.limit - organs.len();
        request.page_size = i32::try_from(left.min(PAGE_SIZE)).unwrap_or(0);
        let answer = server.aggregates().get_coverage(request.clone()).await;
        let answer = server.answered(answer)?;
        organs.extend(answer.organs);
        request.page_token.clone_from(&answer.next_page_token);
        if answer.next_page_token.is_empty() || organs.len() >= args.limit {
            return Ok(GetCoverageResponse { organs, ..answer });
        }
    }
}

/// One line an organ.
fn organs(console: &Console, rows: &[OrganCoverage]) -> String {
    let head = console.pick(
        ["机关", "编号", "状态", "取用", "版本", "首次提交", "截止日期"],
        ["organ", "id", "state", "taken", "revision", "submitted", "due"],
    );
    let mut out = table::plain(console, &head);
    for row in rows {
        let (state, taken) = (row.state(), row.taken());
        let state = match row.expected {
            true => console.pick(state.zh(), state.en()),
            false => console.pick("不报", "does not report"),
        };
        let late = if row.late { console.pick("（逾期）", " (late)") } else { "" };
        // Of what is taken the number of its revision, of what is covered the organ above.
        let (above, _) = row.covered_by.split_once("/reports/").unwrap_or_default();
        let revision = row.revision.rsplit_once('/').map_or(above, |(_, number)| number);
        let submitted = moment::shown(row.submit_time.as_ref());
        out.add_row(vec![
            Cell::new(&row.display_name),
            Cell::new(row.organ.trim_start_matches("organs/")),
            Cell::new(state),
            Cell::new(console.pick(taken.zh(), taken.en())),
            Cell::new(revision.trim_start_matches("organs/")),
            Cell::new(submitted.split(' ').next().unwrap_or_default()),
            Cell::new(format!("{}{late}", row.due_date)),
        ]);
    }
    for column in 1..7 {
        table::whole(&mut out, column);
    }
    table::text(&out)
}
