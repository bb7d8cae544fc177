//! `compare`: figures over the years. `reviews`: reports that no longer follow from last year's.
//! `outliers`: figures that stand out.

use comfy_table::Cell;
use nianbao::pb::{
    CompareYearsRequest, CompareYearsResponse, Finding, ListOutliersRequest, ListOutliersResponse,
    ListReviewsRequest, ListReviewsResponse, YearSeries,
};

use super::args::{CompareArgs, OutliersArgs, ReviewsArgs};
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::{Error, Outcome, aggregate, get, table};

/// The most that the server gives at once.
const PAGE_SIZE: usize = nianbao::limits::PAGE_SIZE_MAX;

pub(super) fn run(console: &Console, args: &CompareArgs) -> Result<Outcome, Error> {
    let (as_of_position, as_of_time) = aggregate::as_of(&args.what);
    let request = CompareYearsRequest {
        organ: args.organ.to_string(),
        years: args.year.clone(),
        cells: args.cell.clone(),
        basis: args.what.basis as i32,
        tree: args.what.tree as i32,
        filter: args.what.filter.clone(),
        include_unaccepted: args.what.include_unaccepted,
        as_of_position,
        as_of_time,
        at_least: args.what.at_least.clone().unwrap_or_default(),
    };
    let answer = block_on(async {
        let server = Server::connect(&args.remote).await?;
        server.answered(server.aggregates().compare_years(request).await)
    })?;
    if console.json_wanted() {
        console.json(&answer)?;
        return Ok(Outcome::Done);
    }
    let everything = args.all || !args.cell.is_empty();
    console.out(&series(console, &answer, &args.year, everything))?;
    for (year, coverage) in args.year.iter().zip(&answer.coverage) {
        let counts = aggregate::counts(console, coverage).join(console.pick("；", "; "));
        console.out(&format!("{year}{}{counts}", console.pick("：", ": ")))?;
    }
    Ok(Outcome::Done)
}

/// One line a figure, one column a year. Unless all are wanted, of the rows with applicants only
/// the totals.
fn series(
    console: &Console,
    answer: &CompareYearsResponse,
    years: &[i32],
    everything: bool,
) -> String {
    let mut head = vec![console.pick("单元格", "cell").to_owned()];
    head.extend(years.iter().map(ToString::to_string));
    head.push(console.pick("末年较上年", "change in the last").to_owned());
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let mut out = table::plain(console, &head);
    let is_total = |path: &str| path.ends_with(".total") || !path.starts_with("requests.");
    let mut notes = Vec::new();
    for line in answer.series.iter().filter(|line| everything || is_total(&line.field_path)) {
        let mut row = vec![Cell::new(name(console, line, &mut notes))];
        row.extend(line.points.iter().map(|point| {
            let value = match &point.value {
                Some(value) if point.unknown > 0 => format!("{value}*"),
                Some(value) => value.clone(),
                None if point.unknown > 0 => console.pick("未知", "unknown").to_owned(),
                None => "-".to_owned(),
            };
            table::figure(&value, false)
        }));
        let change = line.points.last().and_then(|point| point.change.as_deref());
        row.push(table::figure(&change.map(signed).unwrap_or_default(), false));
        out.add_row(row);
    }
    let mut text = table::text(&out);
    let partly = answer.series.iter().flat_map(|line| &line.points);
    if partly.clone().any(|point| point.unknown > 0) {
        text.push('\n');
        text.push_str(console.pick(
            "“未知”：当年所用格式没有此项，并非 0。“*”：部分机关所用格式没有此项",
            "unknown: the form of that year has no such figure, which is not 0. \
             *: the form of some organs has none",
        ));
    }
    for (mark, note) in (1..).zip(notes) {
        text.push_str(&format!("\n[{mark}] {note}"));
    }
    text
}

/// The cell, with the mark of a note where the editions differ.
fn name(console: &Console, line: &YearSeries, notes: &mut Vec<String>) -> String {
    let name = console.pick(&line.cell, &line.field_path);
    let note = console.pick(&line.counterpart_note, &line.counterpart_note_en);
    if note.is_empty() {
        return name.clone();
    }
    let mark = notes.iter().position(|known| known == note).unwrap_or_else(|| {
        notes.push(note.clone());
        notes.len() - 1
    });
    format!("{name} [{}]", mark + 1)
}

fn signed(change: &str) -> String {
    match change.starts_with('-') || change.chars().all(|c| matches!(c, '0' | '.')) {
        true => change.to_owned(),
        false => format!("+{change}"),
    }
}

pub(super) fn reviews(console: &Console, args: &ReviewsArgs) -> Result<Outcome, Error> {
    let mut answer = block_on(async {
        let server = Server::connect(&args.remote).await?;
        ask(&server, args).await
    })?;
    let more = !answer.next_page_token.is_empty();
    answer.next_page_token.clear();
    if console.json_wanted() {
        console.json(&answer)?;
        return Ok(Outcome::Done);
    }
    for review in &answer.reviews {
        let title = console.pick(
            format!("{} {}，对照 {}", review.display_name, review.revision, review.compared_with),
            format!("{} {}, beside {}", review.display_name, review.revision, review.compared_with),
        );
        told(console, &title, &review.findings)?;
    }
    let count = answer.reviews.len();
    console.out(
        &console
            .pick(format!("待复核报告 {count} 份"), format!("{count} reports to look at again")),
    )?;
    get::tell_more(console, more, args.limit);
    Ok(Outcome::Done)
}

async fn ask(server: &Server, args: &ReviewsArgs) -> Result<ListReviewsResponse, Error> {
    let mut request = ListReviewsRequest {
        organ: args.organ.to_string(),
        year: args.year,
        filter: args.filter.clone(),
        at_least: args.at_least.clone().unwrap_or_default(),
        page_size: 0,
        page_token: String::new(),
    };
    let mut reviews = Vec::new();
    loop {
        let left = args.limit - reviews.len();
        request.page_size = i32::try_from(left.min(PAGE_SIZE)).unwrap_or(0);
        let answer = server.answered(server.aggregates().list_reviews(request.clone()).await)?;
        reviews.extend(answer.reviews);
        request.page_token.clone_from(&answer.next_page_token);
        if answer.next_page_token.is_empty() || reviews.len() >= args.limit {
            return Ok(ListReviewsResponse { reviews, ..answer });
        }
    }
}

/// A report, and what was found in it.
fn told(console: &Console, title: &str, findings: &[Finding]) -> Result<(), Error> {
    console.out(&console.on_out(Style::Bold, title))?;
    let findings: Vec<&Finding> = findings.iter().collect();
    console.out(&table::text(&table::findings(console, &findings)))
}

pub(super) fn outliers(console: &Console, args: &OutliersArgs) -> Result<Outcome, Error> {
    let mut answer = block_on(async {
        let server = Server::connect(&args.which.remote).await?;
        ask_outliers(&server, args).await
    })?;
    let more = !answer.next_page_token.is_empty();
    answer.next_page_token.clear();
    if console.json_wanted() {
        console.json(&answer)?;
        return Ok(Outcome::Done);
    }
    for outlier in &answer.outliers {
        let title = format!("{} {}", outlier.display_name, outlier.revision);
        told(console, &title, &outlier.findings)?;
    }
    let count = answer.outliers.len();
    console.out(&console.pick(
        format!("有异常数据的报告 {count} 份，仅供核对参考"),
        format!("{count} reports with figures that stand out, which proves nothing"),
    ))?;
    get::tell_more(console, more, args.which.limit);
    Ok(Outcome::Done)
}

async fn ask_outliers(server: &Server, args: &OutliersArgs) -> Result<ListOutliersResponse, Error> {
    let mut request = ListOutliersRequest {
        organ: args.which.organ.to_string(),
        year: args.which.year,
        filter: args.which.filter.clone(),
        include_unaccepted: args.include_unaccepted,
        at_least: args.which.at_least.clone().unwrap_or_default(),
        page_size: 0,
        page_token: String::new(),
    };
    let mut outliers = Vec::new();
    loop {
        let left = args.which.limit - outliers.len();
        request.page_size = i32::try_from(left.min(PAGE_SIZE)).unwrap_or(0);
        let answer = server.answered(server.aggregates().list_outliers(request.clone()).await)?;
        outliers.extend(answer.outliers);
        request.page_token.clone_from(&answer.next_page_token);
        if answer.next_page_token.is_empty() || outliers.len() >= args.which.limit {
            return Ok(ListOutliersResponse { outliers, ..answer });
        }
    }
}
