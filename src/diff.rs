//! How two reports differ, cell by cell and text by text.
//!
//! Texts are compared by sentence first and by character within what was replaced: Chinese prints
//! no spaces to cut words at, and a text compared by character alone falls to pieces.

use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{DiffOp, DiffTag};

use crate::form::{self, CELLS};
use crate::pb::blank::Kind;
use crate::pb::text_piece::Kind as Side;
use crate::pb::{CellDifference, Report, ReportDiff, TextDifference, TextPiece};

/// After so long the rest of a text is told less finely. Real reports take a thousandth of it.
const PATIENCE: Duration = Duration::from_millis(500);
/// Characters on both sides, multiplied, up to which a replaced stretch is compared by character.
const CHARACTERS_MAX: usize = 4_000_000;

/// How `right` differs from `left`.
pub fn diff(left: &Report, right: &Report) -> ReportDiff {
    ReportDiff {
        left: revision_name(left),
        right: revision_name(right),
        cells: cells(left, right),
        texts: texts(left, right),
    }
}

fn revision_name(report: &Report) -> String {
    format!("{}/revisions/{}", report.name, report.revision)
}

fn cells(left: &Report, right: &Report) -> Vec<CellDifference> {
    let mut differences = Vec::new();
    for cell in &CELLS {
        let value = |report| cell.get(report).map(|amount| amount.to_string());
        let (before, after) = (value(left), value(right));
        let (left_blank, right_blank) =
            (blank(left, cell.path, &before), blank(right, cell.path, &after));
        let delta = delta(before.as_deref(), after.as_deref());
        let same = before == after || delta.as_deref() == Some("0");
        if same && left_blank == right_blank {
            continue;
        }
        differences.push(CellDifference {
            field_path: cell.path.to_owned(),
            cell: cell.address.to_owned(),
            left: before,
            right: after,
            left_blank: left_blank as i32,
            right_blank: right_blank as i32,
            delta: delta.unwrap_or_default(),
        });
    }
    differences
}

/// How a cell without a value was left blank.
fn blank(report: &Report, path: &str, value: &Option<String>) -> Kind {
    let listed = report.blanks.iter().find(|blank| blank.field_path == path);
    match value {
        Some(_) => Kind::Unspecified,
        None => listed.map_or(Kind::Unspecified, super::pb::Blank::kind),
    }
}

/// Right less left, exact, without zeros at its end; `None` unless both are numbers.
fn delta(left: Option<&str>, right: Option<&str>) -> Option<String> {
    let number = |text: Option<&str>| text?.parse::<Decimal>().ok();
    let delta = number(right)?.checked_sub(number(left)?)?;
    Some(delta.normalize().to_string())
}

/// A text of a report: its path, and where it stands.
type Text = (&'static str, fn(&Report) -> &str);

/// In form order.
const TEXTS: [Text; 4] = [
    ("title", |report| &report.title),
    ("overview.text", |report| report.overview.as_ref().map_or("", |part| &part.text)),
    ("problems.text", |report| report.problems.as_ref().map_or("", |part| &part.text)),
    ("other_matters.text", |report| report.other_matters.as_ref().map_or("", |part| &part.text)),
];

fn texts(left: &Report, right: &Report) -> Vec<TextDifference> {
    let mut differences = Vec::new();
    for (path, text) in TEXTS {
        let (before, after) = (text(left), text(right));
        if before != after {
            differences.push(TextDifference {
                field_path: path.to_owned(),
                label: form::place(path).map_or(path, |(_, place)| place.zh).to_owned(),
                pieces: pieces(before, after),
            });
        }
    }
    differences
}

fn pieces(left: &str, right: &str) -> Vec<TextPiece> {
    let mut out = Vec::new();
    for (side, old, new) in steps(&sentences(left), &sentences(right)) {
        match side {
            DiffTag::Equal => push(&mut out, Side::Same, &old),
            DiffTag::Replace => replaced(&mut out, &old, &new),
            DiffTag::Delete | DiffTag::Insert => change(&mut out, &old, &new),
        }
    }
    out
}

/// A stretch that was replaced, by character where that is not too much.
fn replaced(out: &mut Vec<TextPiece>, old: &str, new: &str) {
    let size = old.chars().count().saturating_mul(new.chars().count());
    if size > CHARACTERS_MAX {
        return change(out, old, new);
    }
    for (side, old, new) in steps(&characters(old), &characters(new)) {
        match side {
            DiffTag::Equal => push(out, Side::Same, &old),
            DiffTag::Replace | DiffTag::Delete | DiffTag::Insert => change(out, &old, &new),
        }
    }
}

/// What leads from one row of pieces to another, and both sides of each step.
///
/// The one algorithm that is used, called by its name: asked for by its number, all seven are
/// compiled, for each kind of text, into an eighth of this package.
fn steps(before: &[&str], after: &[&str]) -> Vec<(DiffTag, String, String)> {
    let mut hook = Compact::new(Replace::new(Capture::new()), before, after);
    let (old, new) = (0..before.len(), 0..after.len());
    let deadline = Some(Instant::now() + PATIENCE);
    let Ok(()) = myers::diff_deadline(&mut hook, before, old, after, new, deadline);
    let ops = hook.into_inner().into_inner().into_ops();
    let step =
        |op: DiffOp| (op.tag(), before[op.old_range()].concat(), after[op.new_range()].concat());
    ops.into_iter().map(step).collect()
}

fn change(out: &mut Vec<TextPiece>, old: &str, new: &str) {
    push(out, Side::Deleted, old);
    push(out, Side::Inserted, new);
}

/// Adds a piece, to the last one where it stands on the same side.
fn push(out: &mut Vec<TextPiece>, side: Side, text: &str) {
    match out.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.kind() == side => last.text.push_str(text),
        _ => out.push(TextPiece { kind: side as i32, text: text.to_owned() }),
    }
}

/// A text cut behind each mark that ends a sentence, and at each line feed.
fn sentences(text: &str) -> Vec<&str> {
    text.split_inclusive(['。', '；', '！', '？', '\n']).collect()
}

fn characters(text: &str) -> Vec<&str> {
    text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::{ApplicantCounts, Blank, Overview, Requests};

    fn report(granted: Option<i64>, text: &str) -> Report {
        let granted = ApplicantCounts { total: granted, ..ApplicantCounts::default() };
        Report {
            requests: Some(Requests { granted: Some(granted), ..Requests::default() }.into()),
            overview: Some(Overview { text: text.to_owned() }),
            ..Report::default()
        }
    }

    fn sides(left: &str, right: &str) -> (String, String, usize) {
        let pieces = pieces(left, right);
        let without = |side: Side| {
            pieces.iter().filter(|p| p.kind() != side).map(|p| p.text.as_str()).collect()
        };
        (without(Side::Inserted), without(Side::Deleted), pieces.len())
    }

    #[test]
    fn a_report_does_not_differ_from_itself() {
        let report = report(Some(8), "一。二。");
        let diff = diff(&report, &report);
        assert!(diff.cells.is_empty() && diff.texts.is_empty());
    }

    #[test]
    fn tells_value_blank_and_zero_apart() {
        let with = |kind: Kind| {
            let mut report = report(None, "");
            report.blanks.push(Blank {
                field_path: "requests.granted.total".to_owned(),
                kind: kind as i32,
                raw: String::new(),
            });
            report
        };
        let cell = |left: &Report, right: &Report| diff(left, right).cells;
        let found = cell(&report(Some(0), ""), &report(None, ""));
        assert_eq!((found[0].left.as_deref(), found[0].right.as_deref()), (Some("0"), None));
        assert_eq!(found[0].delta, "");
        let found = cell(&with(Kind::Slash), &with(Kind::Empty));
        assert_eq!((found[0].left_blank(), found[0].right_blank()), (Kind::Slash, Kind::Empty));
        assert!(cell(&with(Kind::Slash), &with(Kind::Slash)).is_empty());
        let found = cell(&report(Some(8), ""), &report(Some(5), ""));
        assert_eq!(found[0].delta, "-3");
        assert_eq!(found[0].cell, "表三·（一）予以公开·总计");
    }

    #[test]
    fn money_differs_by_value() {
        let with = |money: &str| {
            let mut report = Report::default();
            report.disclosure.get_or_insert_default().fees_wan_yuan = Some(money.to_owned());
            report
        };
        assert!(diff(&with("1.5"), &with("1.50")).cells.is_empty());
        assert_eq!(diff(&with("1.5"), &with("1.75")).cells[0].delta, "0.25");
    }

    #[test]
    fn pieces_put_together_are_both_texts() {
        let left = "本年度新收申请五件。均已办结；无结转。\n另有说明。";
        let right = "本年度新收申请七件。均已办结；结转一件。\n另有说明。";
        let (before, after, count) = sides(left, right);
        assert_eq!((before.as_str(), after.as_str()), (left, right));
        assert!(count > 4, "the sentence in between stays whole");
        assert_eq!(sides("", "全新。"), (String::new(), "全新。".to_owned(), 1));
    }

    #[test]
    fn a_long_text_that_has_nothing_in_common_ends_soon() {
        let left: String =
            (0..40_000).map(|i| char::from_u32(0x4e00 + i % 9000).unwrap()).collect();
        let right: String = left.chars().rev().collect();
        let (before, after, _) = sides(&left, &right);
        assert!(before == left && after == right);
    }
}
