//! `aggregate`: the sum of an organ and all below it, with what it covers.

use nianbao::pb::{
    Aggregate, AggregateReportsRequest, AggregateReportsResponse, Coverage, Edition, Report,
};

use super::args::AggregateArgs;
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::{Error, Outcome, form_table, organs};

/// So many missing organs are named with their full name.
const NAMED_MAX: usize = 20;

/// A sum and the full names of the organs that are missing in it.
type Named = (Aggregate, Vec<String>);

pub(super) fn run(console: &Console, args: &AggregateArgs) -> Result<Outcome, Error> {
    let request = AggregateReportsRequest {
        organ: args.organ.to_string(),
        years: args.year.clone(),
        include_unaccepted: args.include_unaccepted,
        // For a person the missing organs are named in any case.
        list_members: args.members || !console.json_wanted(),
        ..AggregateReportsRequest::default()
    };
    let named = block_on(async {
        let server = Server::connect(&args.remote).await?;
        let answer = ask(&server, request).await?;
        let mut out: Vec<Named> = Vec::new();
        for aggregate in answer.aggregates {
            let names = match console.json_wanted() {
                true => Vec::new(),
                false => missing(&server, console, &aggregate).await?,
            };
            out.push((aggregate, names));
        }
        Ok(out)
    })?;
    if console.json_wanted() {
        let aggregates = named.into_iter().map(|(aggregate, _)| aggregate).collect();
        console.json(&AggregateReportsResponse { aggregates })?;
        return Ok(Outcome::Done);
    }
    for (aggregate, names) in &named {
        if aggregate.cells.is_empty() {
            console.out(&title(console, aggregate))?;
        } else {
            console.out(&sums(console, aggregate))?;
        }
        console.out(&coverage(console, aggregate, names, args.members))?;
    }
    Ok(Outcome::Done)
}

/// The sums.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn ask(
    server: &Server,
    request: AggregateReportsRequest,
) -> Result<AggregateReportsResponse, Error> {
    let answer = server.aggregates().aggregate_reports(request).await;
    server.answered(answer)
}

/// The missing organs, the first of them with their full names.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn missing(
    server: &Server,
    console: &Console,
    aggregate: &Aggregate,
) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let organs = aggregate.coverage.iter().flat_map(|c| &c.missing_organs);
    for name in organs.take(NAMED_MAX) {
        let organ = organs::organ_named(server, name).await?;
        let full = organ.display_name;
        names.push(console.pick(format!("{full}（{name}）"), format!("{full} ({name})")));
    }
    Ok(names)
}

/// The tables of a sum. Where reports of both editions were added, each table two stands by itself.
pub(super) fn sums(console: &Console, sum: &Aggregate) -> String {
    let report = Report {
        disclosure: sum.disclosure.clone(),
        disclosure_2019: sum.disclosure_2019.clone(),
        requests: sum.requests,
        disputes: sum.disputes,
        edition: match (&sum.disclosure, &sum.disclosure_2019) {
            (None, Some(_)) => Edition::Edition2019 as i32,
            _ => Edition::Edition2021 as i32,
        },
        ..Report::default()
    };
    let mut out = title(console, sum);
    out.push('\n');
    if sum.disclosure.is_some() && sum.disclosure_2019.is_some() {
        let old = Report { edition: Edition::Edition2019 as i32, ..report.clone() };
        out.push_str(&form_table::table_with(console, &old, "disclosure_2019", &[]));
        out.push('\n');
    }
    out.push_str(&form_table::tables(console, &report, &[]));
    out
}

fn title(console: &Console, sum: &Aggregate) -> String {
    let title = console.pick(
        format!("{} {} 年度汇总", sum.organ, sum.year),
        format!("{}, sum of {}", sum.organ, sum.year),
    );
    console.on_out(Style::Bold, &title)
}

/// What a sum covers.
pub(super) fn coverage(
    console: &Console,
    sum: &Aggregate,
    missing: &[String],
    members: bool,
) -> String {
    let coverage = sum.coverage.clone().unwrap_or_default();
    let Coverage { expected, included, unaccepted, as_published, .. } = coverage;
    let mut lines = vec![console.pick(
        format!("覆盖：应报 {expected}，已汇总 {included}，缺报 {}", coverage.missing),
        format!("coverage: {expected} expected, {included} included, {} missing", coverage.missing),
    )];
    if unaccepted > 0 {
        lines.push(console.pick(
            format!("其中尚未接收 {unaccepted}"),
            format!("{unaccepted} of them not accepted yet"),
        ));
    }
    if as_published > 0 {
        lines.push(console.pick(
            format!("其中原样补录、仍有错误 {as_published}"),
            format!("{as_published} of them keep errors, submitted as published"),
        ));
    }
    if !missing.is_empty() {
        let more = usize::try_from(coverage.missing).unwrap_or(0) > missing.len();
        let list = missing.join(console.pick("、", ", "));
        let rest = if more { " …" } else { "" };
        let text = console.pick(format!("缺报：{list}{rest}"), format!("missing: {list}{rest}"));
        lines.push(console.on_out(Style::Yellow, &text));
    }
    lines.push(console.pick(
        format!("版本摘要：{}", coverage.revision_digest),
        format!("digest of the revisions: {}", coverage.revision_digest),
    ));
    if members {
        let head = console.pick("计入版本：", "included revisions:").to_owned();
        lines.push(head);
        lines.extend(coverage.included_revisions.iter().map(|name| format!("  {name}")));
        let head = console.pick("缺报机关：", "missing organs:").to_owned();
        lines.push(head);
        lines.extend(coverage.missing_organs.iter().map(|name| format!("  {name}")));
    }
    lines.join("\n")
}
