//! `aggregate`: the sum of an organ and all below it, with what it covers.

use comfy_table::Cell;
use nianbao::form::Labelled as _;
use nianbao::pb::{
    Aggregate, AggregateReportsRequest, AggregateReportsResponse, Basis, Coverage, Edition,
    Indicator, Report, Timestamp,
};

use super::args::{AggregateArgs, SumArgs};
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::moment::Moment;
use super::{Error, Outcome, form_table, organs, table};

/// So many missing organs are named with their full name.
const NAMED_MAX: usize = 20;

/// A sum and the full names of the organs that are missing in it.
type Named = (Aggregate, Vec<String>);

pub(super) fn run(console: &Console, args: &AggregateArgs) -> Result<Outcome, Error> {
    let (as_of_position, as_of_time) = as_of(&args.what);
    let request = AggregateReportsRequest {
        organ: args.organ.to_string(),
        years: args.year.clone(),
        basis: args.what.basis as i32,
        tree: args.what.tree as i32,
        tree_year: args.what.tree_year.unwrap_or(0),
        filter: args.what.filter.clone(),
        include_unaccepted: args.what.include_unaccepted,
        group_by: args.group_by.map_or(0, |by| by as i32),
        as_of_position,
        as_of_time,
        at_least: args.what.at_least.clone().unwrap_or_default(),
        // For a person the missing organs are named in any case.
        list_members: args.members || !console.json_wanted(),
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
            console.out(&indicators(console, &aggregate.indicators))?;
        }
        if !aggregate.groups.is_empty() {
            console.out(&groups(console, aggregate))?;
        }
        console.out(&coverage(console, aggregate, names, args.members))?;
    }
    Ok(Outcome::Done)
}

/// The moment that was typed: a position or a time.
pub(super) fn as_of(args: &SumArgs) -> (String, Option<Timestamp>) {
    match &args.as_of {
        Some(Moment::Position(position)) => (position.clone(), None),
        Some(Moment::Time(time)) => (String::new(), Some(*time)),
        None => (String::new(), None),
    }
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
        requests: sum.requests.clone(),
        disputes: sum.disputes.clone(),
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
    let basis = match sum.basis() {
        Basis::Unspecified | Basis::Parts => String::new(),
        basis @ Basis::Declared => {
            console.pick(format!("（{}）", basis.zh()), format!(", {}", basis.en()))
        }
    };
    let title = console.pick(
        format!("{} {} 年度汇总{basis}", sum.organ, sum.year),
        format!("{}, sum of {}{basis}", sum.organ, sum.year),
    );
    console.on_out(Style::Bold, &title)
}

/// The indicators, one a line.
fn indicators(console: &Console, indicators: &[Indicator]) -> String {
    let head = console.pick(["指标", "分子", "分母", "值"], ["indicator", "of", "by", "value"]);
    let mut out = table::plain(console, &head);
    for indicator in indicators {
        let figure = |text: &Option<String>| table::figure(text.as_deref().unwrap_or("-"), false);
        out.add_row(vec![
            Cell::new(console.pick(&indicator.label_zh, &indicator.label_en)),
            figure(&indicator.numerator),
            figure(&indicator.denominator),
            figure(&indicator.value),
        ]);
    }
    table::text(&out)
}

/// One line a group.
fn groups(console: &Console, sum: &Aggregate) -> String {
    let head = console.pick(
        ["组别", "应报", "已汇总", "缺报", "本年新收", "办理结果总计", "结转下年", "公开率"],
        ["group", "expected", "included", "missing", "new", "done", "left", "disclosed"],
    );
    let mut out = table::plain(console, &head);
    for group in &sum.groups {
        let coverage = group.coverage.clone().unwrap_or_default();
        let report = Report { requests: group.requests.clone(), ..Report::default() };
        let label = console.pick(&group.label_zh, &group.label_en);
        let unstated = console.pick("未注明", "not stated");
        let rate = group.indicators.first().and_then(|rate| rate.value.as_deref());
        let count = |count: i32| table::figure(&count.to_string(), false);
        let figure = |path| table::figure(&form_table::value(&report, path), false);
        out.add_row(vec![
            Cell::new(if label.is_empty() { unstated } else { label }),
            count(coverage.expected),
            count(coverage.included),
            count(coverage.missing),
            figure("requests.newly_received.total"),
            figure("requests.total_processed.total"),
            figure("requests.carried_out.total"),
            table::figure(rate.unwrap_or("-"), false),
        ]);
    }
    let mut text = table::text(&out);
    if sum.groups_truncated {
        text.push('\n');
        text.push_str(console.pick("……其余各组未列", "… and more groups"));
    }
    text
}

/// What a sum covers.
pub(super) fn coverage(
    console: &Console,
    sum: &Aggregate,
    missing: &[String],
    members: bool,
) -> String {
    let coverage = sum.coverage.clone().unwrap_or_default();
    let mut lines = counts(console, &coverage);
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

/// The counts of a coverage, in lines.
pub(super) fn counts(console: &Console, coverage: &Coverage) -> Vec<String> {
    let Coverage { expected, included, missing, .. } = coverage;
    let mut lines = vec![console.pick(
        format!("覆盖：应报 {expected}，已汇总 {included}，缺报 {missing}"),
        format!("coverage: {expected} expected, {included} included, {missing} missing"),
    )];
    for (count, zh, en) in [
        (coverage.not_filed, "缺报中未报送", "of the missing have submitted nothing"),
        (coverage.unaccepted, "其中尚未接收", "of them not accepted yet"),
        (
            coverage.as_published,
            "其中原样补录、仍有错误",
            "of them keep errors, submitted as published",
        ),
        (coverage.covered_by_region, "由上级政府汇总涵盖", "covered by the report of a region"),
        (coverage.late, "逾期提交", "submitted late"),
        (
            coverage.region_without_parts,
            "有政府汇总报告而无分报，未计入",
            "regions declared without a part, not in the sum",
        ),
    ] {
        if count > 0 {
            lines.push(console.pick(format!("{zh} {count}"), format!("{count} {en}")));
        }
    }
    lines
}
