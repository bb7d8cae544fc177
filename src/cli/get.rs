//! `get` and `list`: stored reports.

use comfy_table::Cell;
use nianbao::form::Labelled as _;
use nianbao::names::{OrganId, ReportId};
use nianbao::pb::{GetReportRequest, ListReportsRequest, ListReportsResponse, Report};

use super::args::{GetArgs, ListArgs, Page};
use super::client::{Server, block_on};
use super::console::Console;
use super::{Error, Outcome, form_table, table};

/// The most that the server gives at once.
const PAGE_SIZE: usize = nianbao::limits::PAGE_SIZE_MAX;

pub(super) fn get(console: &Console, args: &GetArgs) -> Result<Outcome, Error> {
    if ReportId::from_name(&args.name).is_none() {
        return Err(Error::Argument {
            zh: format!("“{}”不是报告名称，应如 organs/lc-housing/reports/2023-own", args.name),
            en: format!("{:?} is no name such as organs/lc-housing/reports/2023-own", args.name),
        });
    }
    let report = block_on(async {
        let server = Server::connect(&args.remote).await?;
        report(&server, &args.name).await
    })?;
    if console.json_wanted() {
        console.json(&report)?;
    } else {
        console.out(&form_table::report(console, &report))?;
    }
    Ok(Outcome::Done)
}

/// A stored report.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn report(server: &Server, name: &str) -> Result<Report, Error> {
    let request = GetReportRequest { name: name.to_owned(), ..GetReportRequest::default() };
    let answer = server.reports().get_report(request).await;
    server.answered(answer)
}

pub(super) fn list(console: &Console, args: &ListArgs) -> Result<Outcome, Error> {
    let (reports, more) = block_on(async {
        let server = Server::connect(&args.remote).await?;
        reports(&server, args.organ.as_ref(), &args.page).await
    })?;
    if console.json_wanted() {
        console.json(&ListReportsResponse { reports, next_page_token: String::new() })?;
    } else {
        console.out(&reports_table(console, &reports))?;
    }
    tell_more(console, more, args.page.limit);
    Ok(Outcome::Done)
}

/// Says that a list was cut.
pub(super) fn tell_more(console: &Console, more: bool, limit: usize) {
    if more {
        console.note(&console.pick(
            format!("只列出前 {limit} 条，--limit 可增加"),
            format!("only the first {limit}; --limit shows more"),
        ));
    }
}

/// The reports of an organ or of all, and whether there are more.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn reports(
    server: &Server,
    organ: Option<&OrganId>,
    page: &Page,
) -> Result<(Vec<Report>, bool), Error> {
    let mut reports = Vec::new();
    let mut page_token = String::new();
    loop {
        let left = page.limit - reports.len();
        let request = ListReportsRequest {
            parent: organ.map_or_else(|| "organs/-".to_owned(), ToString::to_string),
            page_size: i32::try_from(left.min(PAGE_SIZE)).unwrap_or(0),
            page_token,
            filter: page.filter.clone(),
            ..ListReportsRequest::default()
        };
        let answer = server.reports().list_reports(request).await;
        let answer = server.answered(answer)?;
        reports.extend(answer.reports);
        page_token = answer.next_page_token;
        if page_token.is_empty() || reports.len() >= page.limit {
            return Ok((reports, !page_token.is_empty()));
        }
    }
}

/// One line a report.
pub(super) fn reports_table(console: &Console, reports: &[Report]) -> String {
    let head = console.pick(
        ["报告", "单位", "状态", "版本", "新收", "办理", "结转"],
        ["report", "of", "state", "rev.", "new", "done", "left"],
    );
    let mut out = table::plain(console, &head);
    for report in reports {
        let state = report.state();
        let figure = |path| table::figure(&form_table::value(report, path), false);
        out.add_row(vec![
            Cell::new(&report.name),
            Cell::new(author(report)),
            Cell::new(console.pick(state.zh(), state.en())),
            table::figure(&report.latest_revision.to_string(), false),
            figure("requests.newly_received.total"),
            figure("requests.total_processed.total"),
            figure("requests.carried_out.total"),
        ]);
    }
    for column in [0, 2, 3, 4, 5, 6] {
        table::whole(&mut out, column);
    }
    table::text(&out)
}

/// Whose report it is, from the title: what stands before the year.
pub(super) fn author(report: &Report) -> &str {
    let year = format!("{}年", report.year);
    match report.title.split_once(&year) {
        Some((author, _)) if !author.is_empty() => author,
        _ => &report.title,
    }
}
