//! `reconcile`: what a report of a region declares against the sum of its parts.

use comfy_table::Cell;
use nianbao::form::{self, Labelled as _};
use nianbao::names::{OrganId, ReportId};
use nianbao::pb::delta_explanation::Kind;
use nianbao::pb::reconciled_cell::Outcome as Agreement;
use nianbao::pb::{
    Contribution, DeltaExplanation, OrganCoverage, ReconcileReportRequest, ReconcileReportResponse,
    ReconciledCell, Reconciliation, Scope,
};

use super::args::ReconcileArgs;
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::moment::Moment;
use super::{Error, Outcome, aggregate, table};

/// So many missing organs, and parts of another form, are named.
const NAMED_MAX: usize = 20;

pub(super) fn run(console: &Console, args: &ReconcileArgs) -> Result<Outcome, Error> {
    let (as_of_position, as_of_time) = match &args.as_of {
        Some(Moment::Position(position)) => (position.clone(), None),
        Some(Moment::Time(time)) => (String::new(), Some(*time)),
        None => (String::new(), None),
    };
    let request = ReconcileReportRequest {
        name: name(args)?,
        basis: args.basis as i32,
        tree: args.tree as i32,
        tree_year: args.tree_year.unwrap_or(0),
        include_unaccepted: args.include_unaccepted,
        as_of_position,
        as_of_time,
        at_least: args.at_least.clone().unwrap_or_default(),
        all_cells: args.all_cells,
    };
    let answer = block_on(async {
        let server = Server::connect(&args.remote).await?;
        ask(&server, request).await
    })?;
    if console.json_wanted() {
        console.json(&ReconcileReportResponse { reconciliation: Some(answer.clone()) })?;
    } else {
        show(console, &answer)?;
    }
    Ok(if agrees(&answer) { Outcome::Done } else { Outcome::Refused })
}

/// Whether there is something to compare, and all of it agrees.
fn agrees(answer: &Reconciliation) -> bool {
    answer.cells_compared > 0 && answer.cells_compared == answer.cells_equal
}

/// The name of the report that is meant: typed as such, or by its organ and year.
fn name(args: &ReconcileArgs) -> Result<String, Error> {
    let wrong = |zh: &str, en: &str| Error::Argument { zh: zh.to_owned(), en: en.to_owned() };
    let typed = &args.report;
    if let Some((report, _)) = ReportId::with_revision(typed) {
        if report.scope != Scope::Region {
            return Err(wrong(
                "本机关报告没有分报可核对；应为 …-region",
                "an own report has no parts to be held against; expected …-region",
            ));
        }
        if args.year.is_some_and(|year| year != report.year) {
            return Err(wrong(
                "报告名称与 --year 的年度不同",
                "the name of the report and --year have different years",
            ));
        }
        return Ok(typed.clone());
    }
    let organ = OrganId::from_name(typed).or_else(|| OrganId::parse(typed)).ok_or_else(|| {
        wrong(
            "应为机关编号，或汇总报告名称如 organs/lc/reports/2023-region",
            "expected the id of an organ, or a name such as organs/lc/reports/2023-region",
        )
    })?;
    let year = args.year.ok_or_else(|| wrong("需要 --year", "--year is needed"))?;
    Ok(ReportId { organ, year, scope: Scope::Region }.to_string())
}

/// The report against its parts.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn ask(
    server: &Server,
    request: ReconcileReportRequest,
) -> Result<Reconciliation, Error> {
    let answer = server.aggregates().reconcile_report(request).await;
    Ok(server.answered(answer)?.reconciliation.unwrap_or_default())
}

fn show(console: &Console, answer: &Reconciliation) -> Result<(), Error> {
    let (basis, state) = (answer.basis(), answer.state());
    let title = console.pick(
        format!("{}  {}（{}，{}）", answer.display_name, answer.revision, state.zh(), basis.zh()),
        format!("{}  {} ({}, {})", answer.display_name, answer.revision, state.en(), basis.en()),
    );
    console.out(&console.on_out(Style::Bold, &title))?;
    if !answer.cells.is_empty() {
        console.out(&cells(console, &answer.cells))?;
    }
    for line in lines(console, answer) {
        console.fold(&line)?;
    }
    Ok(())
}

/// One line a cell.
fn cells(console: &Console, cells: &[ReconciledCell]) -> String {
    let head = console.pick(
        ["单元格", "申报数", "汇总数", "差额", "说明"],
        ["cell", "declared", "computed", "difference", "note"],
    );
    let mut out = table::plain(console, &head);
    for cell in cells {
        let place = match form::place(&cell.field_path) {
            Some((_, place)) => console.pick(cell.cell.as_str(), place.en),
            None => &cell.cell,
        };
        let delta = match cell.delta.as_deref() {
            Some(delta) if !delta.starts_with('-') && cell.outcome() == Agreement::Different => {
                format!("+{delta}")
            }
            delta => delta.unwrap_or("-").to_owned(),
        };
        let figure = |text: &Option<String>| table::figure(text.as_deref().unwrap_or("-"), false);
        out.add_row(vec![
            Cell::new(place),
            figure(&cell.declared),
            figure(&cell.computed),
            table::figure(&delta, cell.outcome() == Agreement::Different),
            Cell::new(note(console, cell)),
        ]);
    }
    for column in [1, 2, 3] {
        table::whole(&mut out, column);
    }
    table::text(&out)
}

/// What is to be said of a cell.
fn note(console: &Console, cell: &ReconciledCell) -> String {
    let outcome = cell.outcome();
    let mut words = match (&cell.explanation, outcome) {
        (Some(explanation), _) => vec![explained(console, explanation)],
        (None, Agreement::Different | Agreement::Unspecified) => Vec::new(),
        (None, outcome) => vec![console.pick(outcome.zh(), outcome.en()).to_owned()],
    };
    for (count, zh, en) in [
        (cell.blank, "个分报未填", "parts left it blank"),
        (cell.not_on_form, "个分报的格式无此格", "parts have no such cell"),
    ] {
        if count > 0 && !matches!(outcome, Agreement::NotGiven | Agreement::Blank) {
            words.push(console.pick(format!("{count} {zh}"), format!("{count} {en}")));
        }
    }
    words.join(console.pick("；", "; "))
}

/// What happened to which parts.
fn explained(console: &Console, explanation: &DeltaExplanation) -> String {
    let part = |part: &Contribution| {
        let id = part.organ.trim_start_matches("organs/");
        let value = if part.value.is_empty() { String::new() } else { format!(" {}", part.value) };
        console.pick(
            format!("{}（{id}）{value}", part.display_name),
            format!("{} ({id}){value}", part.display_name),
        )
    };
    let parts: Vec<String> = explanation.parts.iter().map(part).collect();
    let parts = parts.join(console.pick("、", ", "));
    match explanation.kind() {
        Kind::Unspecified => parts,
        kind => console.pick(format!("{}{parts}", kind.zh()), format!("{}: {parts}", kind.en())),
    }
}

/// The totals, what explains all of it, who is missing, and what the sum covers.
fn lines(console: &Console, answer: &Reconciliation) -> Vec<String> {
    let Reconciliation { cells_compared, cells_equal, cells_different, .. } = answer;
    let (one_sided, other) = (answer.cells_one_sided, answer.cells_not_comparable);
    let mut counts = console.pick(
        format!(
            "比较 {cells_compared} 格：一致 {cells_equal}，不一致 {cells_different}，仅一方有数 \
             {one_sided}"
        ),
        format!(
            "{cells_compared} cells compared: {cells_equal} equal, {cells_different} different, \
             {one_sided} on one side only"
        ),
    );
    if other > 0 {
        counts.push_str(
            &console.pick(
                format!("；格式不同、不可比 {other}"),
                format!("; {other} not on both forms"),
            ),
        );
    }
    let agrees = agrees(answer);
    let style = if agrees { Style::Green } else { Style::Yellow };
    let mut lines = vec![console.on_out(style, &counts)];
    if let Some(explanation) = &answer.explanation {
        let text = explained(console, explanation);
        let text = console.pick(
            format!("全部差额恰合：{text}。请核实"),
            format!("all differences at once: {text}. Please verify"),
        );
        lines.push(console.on_out(Style::Bold, &text));
    }
    if !answer.missing.is_empty() {
        lines.push(console.on_out(Style::Yellow, &missing(console, answer)));
    }
    if answer.parts_of_other_edition > 0 {
        let count = answer.parts_of_other_edition;
        lines.push(console.pick(
            format!("{count} 个分报使用另一版格式"),
            format!("{count} parts use another edition of the form"),
        ));
    }
    if answer.pairs_not_sought && !agrees {
        let text = console.pick("分报过多，未寻找成对的分报", "too many parts to seek pairs");
        lines.push(text.to_owned());
    }
    lines.extend(aggregate::counts(console, &answer.coverage.clone().unwrap_or_default()));
    lines
}

fn missing(console: &Console, answer: &Reconciliation) -> String {
    let name = |row: &OrganCoverage| {
        let id = row.organ.trim_start_matches("organs/");
        console
            .pick(format!("{}（{id}）", row.display_name), format!("{} ({id})", row.display_name))
    };
    let names: Vec<String> = answer.missing.iter().take(NAMED_MAX).map(name).collect();
    let more = answer.missing_truncated || answer.missing.len() > NAMED_MAX;
    let rest = if more { " …" } else { "" };
    let list = names.join(console.pick("、", ", "));
    console.pick(format!("缺报：{list}{rest}"), format!("missing: {list}{rest}"))
}
