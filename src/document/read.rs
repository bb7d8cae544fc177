//! The form read from a document: six parts, three tables, and where each value stood.
//!
//! Labels come from the schema alone. What is printed is kept: a blank stays a blank of its kind,
//! a table that is not there is registered as missing, and whatever had to be inferred is said in
//! a note. Whether the figures are right is the business of the rules.

mod index;
mod labels;
mod prose;
mod record;
mod tables;
mod values;

use crate::document::{Block, Document};
use crate::form::{Cell, CellKind};
use crate::pb::{self, Edition, Scope, blank::Kind};

use index::{Part, TABLE_FOUR, TABLE_THREE, TABLE_TWO, index};
use record::Record;

/// A report as read from a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The report. What the document does not hold is absent.
    pub report: pb::Report,
    /// Where each value and each blank of it was read, in form order.
    pub provenance: Vec<pb::Provenance>,
    /// What a person should know of the reading.
    pub notes: Vec<pb::ReadingNote>,
}

/// Reads the report that a document holds.
///
/// Title and year come from the document, organ and scope from the header alone, and a year in
/// the header goes before that of the title. The edition is that of the columns. Every document
/// gives a reading, if an empty one: that a report is incomplete is a finding.
#[must_use]
pub fn read(document: &Document, header: &pb::DocumentHeader) -> Reading {
    let mut record = Record::default();
    let rows = tables::Rows::new(document.tables());
    let edition = rows.edition();
    record.report.edition = edition as i32;
    prose::read(document, &parts_of(document, &rows), &mut record);
    tables::two(&rows, edition, &mut record);
    tables::three(&rows, &mut record);
    tables::four(&rows, &mut record);
    missing_tables(edition, &mut record);
    apply(header, document, &mut record);
    record.finish()
}

/// As what kind of blank a text is read in a cell; `None` where it is read as a figure. Lines are
/// parted as reading leaves them: between two digits only.
pub(crate) fn blank_kind(cell: &Cell, text: &str) -> Option<Kind> {
    match cell.kind {
        CellKind::Count => match values::count(text, index::is_change(cell.address)) {
            values::Printed::Value(..) => None,
            values::Printed::Blank(kind) => Some(kind),
        },
        CellKind::Money | CellKind::Text => match values::money(text) {
            values::Printed::Value(..) => None,
            values::Printed::Blank(kind) => Some(kind),
        },
    }
}

/// To which table of the form each block of the document belongs.
fn parts_of(document: &Document, rows: &tables::Rows<'_>) -> Vec<Option<Part>> {
    let part = |block: &Block| match block {
        Block::Paragraph(_) => None,
        Block::Table(table) => rows.part_of(table),
    };
    document.blocks.iter().map(part).collect()
}

fn missing_tables(edition: Edition, record: &mut Record) {
    for part in [TABLE_TWO, TABLE_THREE, TABLE_FOUR] {
        let path = if part == TABLE_TWO && edition == Edition::Edition2019 {
            index().two_2019_path
        } else {
            index().path(part)
        };
        if !record.has_read(path) {
            record.blank(path, Kind::TableMissing, "");
        }
    }
}

/// Puts in what the caller knows, and notes what the document could not say.
fn apply(header: &pb::DocumentHeader, document: &Document, record: &mut Record) {
    record.report.organ.clone_from(&header.organ);
    let scope = if header.scope == 0 { Scope::Own as i32 } else { header.scope };
    record.report.scope = scope;
    let printed = record.report.year;
    if header.year != 0 {
        record.report.year = header.year;
        if printed != 0 && printed != header.year {
            let zh = format!("标题中的年份为{printed}，按要求读作{}", header.year);
            let en = format!("the title says {printed}; the year asked for is {}", header.year);
            record.note("year", zh, en, "");
        }
    }
    if record.report.year == 0 {
        let (zh, en) = ("标题中未找到报告年度", "the title names no year");
        record.note("year", zh.to_owned(), en.to_owned(), "");
    }
    if record.report.edition == Edition::Unspecified as i32 {
        let (zh, en) =
            ("无法从表头判断报告格式", "the heads of the tables do not show the edition");
        record.note("edition", zh.to_owned(), en.to_owned(), "");
    }
    if document.undecoded > 0 {
        let zh = format!("有{}个字符无法解码，以“\u{FFFD}”表示", document.undecoded);
        let en = format!("{} characters could not be decoded", document.undecoded);
        record.note("", zh, en, "");
    }
}
