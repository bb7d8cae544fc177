//! `get` and `list`: stored reports.

use comfy_table::Cell;
use nianbao::form::Labelled as _;
use nianbao::names::OrganId;
use nianbao::pb::get_report_request::Version;
use nianbao::pb::{
    GetReportRequest, ListReportsRequest, ListReportsResponse, Report, ReturnReason,
};

use super::args::{GetArgs, ListArgs, Page};
use super::client::{Server, block_on};
use super::console::Console;
use super::moment::{self, Moment};
use super::{Error, Outcome, form_table, table};

/// The most that the server gives at once.
const PAGE_SIZE: usize = nianbao::limits::PAGE_SIZE_MAX;

pub(super) fn get(console: &Console, args: &GetArgs) -> Result<Outcome, Error> {
    let request = request(args)?;
    let report = block_on(async {
        let server = Server::connect(&args.remote).await?;
        let answer = server.reports().get_report(request).await;
        server.answered(answer)
    })?;
    if console.json_wanted() {
        console.json(&report)?;
    } else {
        console.out(&form_table::report(console, &report, &standing(console, &report)))?;
    }
    Ok(Outcome::Done)
}

fn request(args: &GetArgs) -> Result<GetReportRequest, Error> {
    let mut request = GetReportRequest {
        name: args.name.clone(),
        at_least: args.at_least.clone().unwrap_or_default(),
        ..GetReportRequest::default()
    };
    let numbered = args.name.contains("/revisions/");
    if numbered && (args.revision.is_some() || args.effective) {
        return Err(Error::Argument {
            zh: "名称中已有版本号，不能再用 --revision 或 --effective".to_owned(),
            en: "the name has a revision: neither --revision nor --effective goes with it"
                .to_owned(),
        });
    }
    if let Some(number) = args.revision {
        request.name = format!("{}/revisions/{number}", args.name);
    }
    if args.effective {
        request.set_version(Version::Effective);
    }
    match &args.as_of {
        Some(Moment::Position(position)) => request.as_of_position.clone_from(position),
        Some(Moment::Time(time)) => request.as_of_time = Some(*time),
        None => {}
    }
    Ok(request)
}

/// Where a report stands in its life, in lines.
fn standing(console: &Console, report: &Report) -> Vec<String> {
    let Report { latest_revision, effective_revision, published_revision, .. } = report;
    let mut lines = vec![console.pick(
        format!(
            "此为版本 {}；最新 {latest_revision}，生效 {effective_revision}，\
             公布 {published_revision}",
            report.revision
        ),
        format!(
            "this is revision {}; latest {latest_revision}, effective {effective_revision}, \
             published {published_revision}",
            report.revision
        ),
    )];
    let mut add = |zh: &str, en: &str, value: &str| {
        if !value.is_empty() {
            lines.push(console.pick(format!("{zh}：{value}"), format!("{en}: {value}")));
        }
    };
    add("提交人", "submitter", &report.submitter);
    add("首次提交", "first submitted", &moment::shown(report.submit_time.as_ref()));
    let late = match report.late {
        true => console.pick("，逾期", ", late"),
        false => "",
    };
    if !report.due_date.is_empty() {
        add("截止日期", "due", &format!("{}{late}", report.due_date));
    }
    add("接收人", "accepted by", &report.accepter);
    add("原样补录理由", "submitted as published", &report.as_published_reason);
    add("理由", "reason", &report.state_reason);
    add("版本标识", "etag", &report.etag);
    lines.extend(reasons(console, &report.return_reasons));
    lines
}

/// What is to be mended, one line each.
pub(super) fn reasons(console: &Console, reasons: &[ReturnReason]) -> Vec<String> {
    let line = |reason: &ReturnReason| {
        let place = console.pick(&reason.cell, &reason.field_path);
        let place = if place.is_empty() { &reason.field_path } else { place };
        let colon = console.pick("：", ": ");
        let place = if place.is_empty() { String::new() } else { format!("{place}{colon}") };
        let rule = match reason.rule_id.is_empty() {
            true => String::new(),
            false => format!(" [{}]", reason.rule_id),
        };
        let head = console.pick("退回意见", "to be mended");
        format!("{head}{colon}{place}{}{rule}", reason.text)
    };
    reasons.iter().map(line).collect()
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
