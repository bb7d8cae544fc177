//! `new`: an empty report of the year's form, carried over from last year.

use nianbao::form::{Amount, CELLS, Cell, CellKind};
use nianbao::names::ReportId;
use nianbao::pb::{
    Edition, GetOrganRequest, GetReportRequest, OtherMatters, Overview, Problems, Report,
};

use super::args::{NewArgs, Remote};
use super::client::Server;
use super::console::Console;
use super::{Error, Outcome, client, files};

/// The first year of the form of 2021.
const FORM_2021_FROM: i32 = 2021;

pub(super) fn run(console: &Console, args: &NewArgs) -> Result<Outcome, Error> {
    let mut report = empty(args);
    let (last, title) = match (&args.from, &args.server) {
        (Some(file), _) => (Some(files::report(file)?), None),
        (None, Some(server)) => client::block_on(ask(args, server))?,
        (None, None) => (None, None),
    };
    if let Some(name) = title {
        report.title = format!("{name}{}年政府信息公开工作年度报告", args.year);
    }
    match last {
        Some(last) => {
            if last.year != 0 && last.year != args.year - 1 {
                console.note(&console.pick(
                    format!("注意：所给报告为 {} 年度，并非上一年度", last.year),
                    format!("note: the report given is of {}, not of the year before", last.year),
                ));
            }
            carry_over(console, &last, &mut report);
        }
        None if args.server.is_some() => console.note(&console.pick(
            format!("服务中没有 {} 年度的报告，结转数留空", args.year - 1),
            format!("the server has no report of {}: nothing carried over", args.year - 1),
        )),
        None => console.note(console.pick(
            "未给出上年报告（--from 或 --server），结转数留空",
            "no report of last year given (--from or --server): nothing carried over",
        )),
    }
    console.json(&report)?;
    Ok(Outcome::Done)
}

/// All rows of the form, without a value.
fn empty(args: &NewArgs) -> Report {
    let old = args.year < FORM_2021_FROM;
    let edition = if old { Edition::Edition2019 } else { Edition::Edition2021 };
    let mut report = Report {
        organ: args.organ.to_string(),
        year: args.year,
        scope: args.scope as i32,
        edition: edition as i32,
        overview: Some(Overview::default()),
        problems: Some(Problems::default()),
        other_matters: Some(OtherMatters::default()),
        disclosure: (!old).then(Box::default),
        disclosure_2019: old.then(Box::default),
        ..Report::default()
    };
    for cell in CELLS.iter().filter(|cell| cell.is_in(edition)) {
        make_row(cell, &mut report);
    }
    report
}

/// Makes the row of a cell, the cell itself blank.
fn make_row(cell: &Cell, report: &mut Report) {
    let any = match cell.kind {
        CellKind::Count => Amount::Count(0),
        CellKind::Money => Amount::Money("0".to_owned()),
        CellKind::Text => Amount::Text("0".to_owned()),
    };
    // The amount is of the cell's kind, and a blank is of any.
    let _ = cell.set(report, Some(any));
    let _ = cell.set(report, None);
}

/// Takes the column of 结转下年度继续办理 over into 上年结转, each column by itself.
fn carry_over(console: &Console, last: &Report, report: &mut Report) {
    let (from, into) = ("requests.carried_out.", "requests.carried_in.");
    let mut carried = Vec::new();
    for cell in &CELLS {
        let Some(column) = cell.path.strip_prefix(from) else {
            continue;
        };
        let target = nianbao::form::cell(&format!("{into}{column}"));
        if let (Some(target), Some(value)) = (target, cell.get(last)) {
            let label = target.address.rsplit('·').next().unwrap_or(target.address);
            carried.push(format!("{} {value}", console.pick(label, column)));
            // Both rows are of one message type, so the kinds agree.
            let _ = target.set(report, Some(value));
        }
    }
    let list = carried.join(console.pick("，", ", "));
    console.note(&console.pick(
        format!("上年结转自 {} 年度报告：{list}", last.year),
        format!("carried over from the report of {}: {list}", last.year),
    ));
}

/// Last year's report, and the name of the organ, as far as the server has them.
async fn ask(args: &NewArgs, url: &str) -> Result<(Option<Report>, Option<String>), Error> {
    let server =
        Server::connect(&Remote { server: url.to_owned(), principal: args.principal.clone() })
            .await?;
    let name = ReportId { organ: args.organ.clone(), year: args.year - 1, scope: args.scope };
    let request = GetReportRequest { name: name.to_string(), ..GetReportRequest::default() };
    let last = server.reports().get_report(request).await;
    let last = server.found(last)?;
    let request = GetOrganRequest { name: args.organ.to_string(), ..GetOrganRequest::default() };
    let organ = server.organs().get_organ(request).await;
    let organ = server.found(organ)?;
    Ok((last, organ.map(|organ| organ.display_name)))
}
