//! `diff`: how two reports differ, cell by cell and text by text.

use comfy_table::Cell;
use nianbao::diff::diff;
use nianbao::form::{self, Labelled as _};
use nianbao::names::ReportId;
use nianbao::pb::text_piece::Kind as Side;
use nianbao::pb::{CellDifference, DiffReportsRequest, Report, ReportDiff, TextDifference, blank};

use super::args::DiffArgs;
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::{Error, Outcome, files, get, table};

pub(super) fn run(console: &Console, args: &DiffArgs) -> Result<Outcome, Error> {
    let is_name = |side: &str| ReportId::with_revision(side).is_some();
    let diff = match (is_name(&args.left), is_name(&args.right)) {
        (true, true) => block_on(ask(args))?,
        _ => ReportDiff {
            left: args.left.clone(),
            right: args.right.clone(),
            ..diff(&side(args, &args.left)?, &side(args, &args.right)?)
        },
    };
    if console.json_wanted() {
        console.json(&diff)?;
    } else {
        show(console, &diff)?;
    }
    Ok(Outcome::Done)
}

async fn ask(args: &DiffArgs) -> Result<ReportDiff, Error> {
    let server = Server::connect(&args.remote).await?;
    let request = DiffReportsRequest {
        left: args.left.clone(),
        right: args.right.clone(),
        ..DiffReportsRequest::default()
    };
    let answer = server.reports().diff_reports(request).await;
    Ok(server.answered(answer)?.diff.unwrap_or_default())
}

/// A file, or what the server has of that name.
fn side(args: &DiffArgs, name: &str) -> Result<Report, Error> {
    if ReportId::with_revision(name).is_none() {
        return files::report(name);
    }
    block_on(async {
        let server = Server::connect(&args.remote).await?;
        get::report(&server, name).await
    })
}

fn show(console: &Console, diff: &ReportDiff) -> Result<(), Error> {
    let head = format!("{} → {}", diff.left, diff.right);
    console.out(&console.on_out(Style::Bold, &head))?;
    if diff.cells.is_empty() && diff.texts.is_empty() {
        return console.out(console.pick("没有差异", "no difference"));
    }
    if !diff.cells.is_empty() {
        console.out(&cells(console, &diff.cells))?;
    }
    for text in &diff.texts {
        let label = match form::place(&text.field_path) {
            Some((_, place)) => console.pick(text.label.as_str(), place.en),
            None => &text.label,
        };
        console.out(&console.on_out(Style::Bold, label))?;
        console.out(&marked(console, text))?;
    }
    Ok(())
}

fn cells(console: &Console, cells: &[CellDifference]) -> String {
    let head =
        console.pick(["单元格", "甲", "乙", "差额"], ["cell", "left", "right", "difference"]);
    let mut out = table::plain(console, &head);
    for cell in cells {
        let place = match form::place(&cell.field_path) {
            Some((_, place)) => console.pick(cell.cell.as_str(), place.en),
            None => &cell.cell,
        };
        let signed = match cell.delta.is_empty() || cell.delta.starts_with('-') {
            true => cell.delta.clone(),
            false => format!("+{}", cell.delta),
        };
        out.add_row(vec![
            Cell::new(place),
            table::figure(&value(console, cell.left.as_deref(), cell.left_blank()), false),
            table::figure(&value(console, cell.right.as_deref(), cell.right_blank()), false),
            table::figure(&signed, false),
        ]);
    }
    for column in [1, 2, 3] {
        table::whole(&mut out, column);
    }
    table::text(&out)
}

/// What stands in a cell, or how it was left blank.
fn value(console: &Console, value: Option<&str>, blank: blank::Kind) -> String {
    match (value, blank) {
        (Some(value), _) => value.to_owned(),
        (None, blank::Kind::Unspecified) => {
            console.pick(blank::Kind::Empty.zh(), blank::Kind::Empty.en()).to_owned()
        }
        (None, kind) => console.pick(kind.zh(), kind.en()).to_owned(),
    }
}

/// A text with what was left out and what was put in: by colour, or by signs where there is none.
fn marked(console: &Console, text: &TextDifference) -> String {
    let mut out = String::new();
    for piece in &text.pieces {
        match (piece.kind(), console.colour) {
            (Side::Deleted, true) => out.push_str(&console.on_out(Style::Red, &piece.text)),
            (Side::Inserted, true) => out.push_str(&console.on_out(Style::Green, &piece.text)),
            (Side::Deleted, false) => out.push_str(&format!("[-{}-]", piece.text)),
            (Side::Inserted, false) => out.push_str(&format!("{{+{}+}}", piece.text)),
            (Side::Same | Side::Unspecified, _) => out.push_str(&piece.text),
        }
    }
    out
}
