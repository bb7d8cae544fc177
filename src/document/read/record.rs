//! What comes out of reading: values with their provenance, blanks and notes.

use std::collections::HashMap;

use crate::document::{Cell, Paragraph, Place};
use crate::form::{self, Amount};
use crate::pb::{self, blank::Kind};

use super::index::{Column, Row};
use super::values::{self, Money, Printed, Remark};

/// As much of a text as a note or a provenance shows.
const EXCERPT_CHARS: usize = 60;
/// The schema's limit of what a blank keeps as printed.
const RAW_BYTES_MAX: usize = 600;

/// The report and what is known of where it was read.
#[derive(Default)]
pub(super) struct Record {
    pub report: pb::Report,
    provenance: Vec<(usize, pb::Provenance)>,
    blanks: Vec<(usize, pb::Blank)>,
    notes: Vec<pb::ReadingNote>,
    /// The text of each cell that was read, by path: none is read twice.
    read: HashMap<&'static str, String>,
}

impl Record {
    /// Reads a cell of the document into a cell of the form. `head` is the printed head of the
    /// column, which may name a unit.
    pub(super) fn cell(&mut self, row: &Row, column: &Column, head: &str, cell: &Cell) {
        if let Some(first) = self.read.get(column.path) {
            if *first != cell.text {
                let zh = format!("同一单元格出现两次且不同，取前者，舍弃“{}”", excerpt(&cell.text));
                let en = format!(
                    "the cell occurs twice and differs; the first is taken, not {:?}",
                    excerpt(&cell.text)
                );
                self.note(column.path, zh, en, &at_cell(cell.place));
            }
            return;
        }
        let Some(target) = form::cell(column.path) else {
            return;
        };
        self.read.insert(column.path, cell.text.clone());
        let place = at_cell(cell.place);
        let (amount, kind, remark) = match target.kind {
            form::CellKind::Count => match values::count(&cell.text, column.is_change) {
                Printed::Value(count, remark) => (Some(Amount::Count(count)), None, remark),
                Printed::Blank(kind) => (None, Some(kind), None),
            },
            form::CellKind::Money => match values::money(&cell.text) {
                Printed::Value(money, remark) => self.money(row, target, head, money, remark),
                Printed::Blank(kind) => (None, Some(kind), None),
            },
            form::CellKind::Text => return,
        };
        if let Some(remark) = remark {
            let (zh, en) = texts(&remark);
            self.note(column.path, zh, en, &place);
        }
        match amount {
            Some(amount) => self.set(target, amount),
            None => {
                self.make_row(target);
                self.blank(column.path, kind.unwrap_or(Kind::Unreadable), &cell.text);
            }
        }
        self.provenance.push((
            rank(column.path),
            pb::Provenance {
                field_path: column.path.to_owned(),
                raw: cell.text.clone(),
                place,
                table: number(cell.place.table),
                row: number(cell.place.row),
                column: number(cell.place.column),
            },
        ));
    }

    /// An amount for a cell in 万元, or for one whose unit stands beside it.
    fn money(
        &mut self,
        row: &Row,
        target: &form::Cell,
        head: &str,
        money: Money,
        remark: Option<Remark>,
    ) -> (Option<Amount>, Option<Kind>, Option<Remark>) {
        let unit = match (money.unit, head.contains("万元"), head.contains('元')) {
            ("", true, _) => "万元",
            ("", false, true) => "元",
            (unit, ..) => unit,
        };
        if target.unit() != pb::Unit::WanYuan {
            if let Some(unit_cell) = row.unit_path.and_then(form::cell)
                && !unit.is_empty()
            {
                self.set(unit_cell, Amount::Text(unit.to_owned()));
            }
            return (Some(Amount::Money(money.amount)), None, remark);
        }
        if unit != "元" {
            return (Some(Amount::Money(money.amount)), None, remark);
        }
        match values::wan_yuan(&money.amount) {
            Some(amount) => (Some(Amount::Money(amount)), None, Some(Remark::FromYuan)),
            None => (None, Some(Kind::Unreadable), None),
        }
    }

    fn set(&mut self, target: &form::Cell, amount: Amount) {
        // The amount was made for the kind of this cell, so it fits.
        let _fits = target.set(&mut self.report, Some(amount));
    }

    /// Makes the row of a blank cell: the document has it, though without a value.
    fn make_row(&mut self, target: &form::Cell) {
        if target.get(&self.report).is_none() {
            let zero = match target.kind {
                form::CellKind::Count => Amount::Count(0),
                form::CellKind::Money => Amount::Money(String::new()),
                form::CellKind::Text => Amount::Text(String::new()),
            };
            self.set(target, zero);
            let _fits = target.set(&mut self.report, None);
        }
    }

    /// Registers that a cell or a table has no value.
    pub(super) fn blank(&mut self, path: &str, kind: Kind, raw: &str) {
        let mut end = raw.len().min(RAW_BYTES_MAX);
        while !raw.is_char_boundary(end) {
            end -= 1;
        }
        let blank = pb::Blank {
            field_path: path.to_owned(),
            kind: kind as i32,
            raw: raw[..end].to_owned(),
        };
        self.blanks.push((rank(path), blank));
    }

    /// Says that prose or a title was read from a paragraph.
    pub(super) fn prose(&mut self, path: &str, text: &str, paragraph: &Paragraph) {
        let provenance = pb::Provenance {
            field_path: path.to_owned(),
            raw: excerpt(text),
            place: at_paragraph(paragraph),
            row: number(paragraph.line.unwrap_or(0)),
            ..pb::Provenance::default()
        };
        self.provenance.push((rank(path), provenance));
    }

    /// Adds a note for a person.
    pub(super) fn note(&mut self, path: &str, zh: String, en: String, place: &str) {
        self.notes.push(pb::ReadingNote {
            field_path: path.to_owned(),
            message_zh: zh,
            message_en: en,
            place: place.to_owned(),
        });
    }

    /// Says that a label was told by likeness.
    pub(super) fn similar(&mut self, path: &str, printed: &str, likeness: u32, place: &str) {
        let (zh, en) = (
            format!("“{}”按相似度识别（{}%）", excerpt(printed), likeness / 10),
            format!("{:?} was told by likeness ({}%)", excerpt(printed), likeness / 10),
        );
        self.note(path, zh, en, place);
    }

    /// Whether a cell below that path was read.
    pub(super) fn has_read(&self, path: &str) -> bool {
        self.read.keys().any(|read| {
            read.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// The results, in form order.
    pub(super) fn finish(mut self) -> super::Reading {
        self.provenance.sort_by_key(|&(rank, _)| rank);
        self.blanks.sort_by_key(|&(rank, _)| rank);
        self.report.blanks = self.blanks.into_iter().map(|(_, blank)| blank).collect();
        super::Reading {
            report: self.report,
            provenance: self.provenance.into_iter().map(|(_, provenance)| provenance).collect(),
            notes: self.notes,
        }
    }
}

fn texts(remark: &Remark) -> (String, String) {
    match remark {
        Remark::Aside(aside) => (
            format!("单元格中的附注未读入：{}", excerpt(aside)),
            format!("the aside in the cell is left out: {}", excerpt(aside)),
        ),
        Remark::Unit(unit) => (
            format!("单元格中的计量单位“{unit}”未读入"),
            format!("the unit {unit} in the cell is left out"),
        ),
        Remark::Gap => (
            "数字中间有空格，已连读，请核对是否为两个数".to_owned(),
            "there is a blank inside the number; it is read as one".to_owned(),
        ),
        Remark::FromYuan => (
            "金额以元列示，已换算为万元".to_owned(),
            "the amount is in yuan and was brought to 10,000 yuan".to_owned(),
        ),
    }
}

/// The beginning of a text.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT_CHARS).collect()
}

/// The place of a cell, for a person.
pub(super) fn at_cell(place: Place) -> String {
    let Place { table, row, column, line } = place;
    match line {
        Some(line) => format!("第{table}个表格第{row}行第{column}格（文本第{line}行）"),
        None => format!("第{table}个表格第{row}行第{column}格"),
    }
}

/// The place of a paragraph, for a person.
pub(super) fn at_paragraph(paragraph: &Paragraph) -> String {
    match paragraph.line {
        Some(line) => format!("第{}段（文本第{line}行）", paragraph.index),
        None => format!("第{}段", paragraph.index),
    }
}

fn rank(path: &str) -> usize {
    form::place(path).map_or(usize::MAX, |(rank, _)| rank)
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
