//! Text files, as word processors dump them: one table cell a line, indented by a tab; a line of
//! tabs alone is an empty cell; an empty line ends a row. A label that was broken over lines
//! goes on without indent.

use super::charset::Decoded;
use super::flow::Flow;
use super::{Document, Error, Kind};

/// The longest label of the form has some forty characters. Indented lines that are twice as
/// long are paragraphs whose first line is indented.
const LABEL_CHARS_MAX: usize = 80;

/// A table ends at so many empty lines; one ends a row.
const EMPTY_LINES_END_TABLE: usize = 2;

pub(super) fn read(decoded: &Decoded) -> Result<Document, Error> {
    let mut reader = Reader::default();
    let text = decoded.text.replace("\r\n", "\n");
    for (line, number) in text.split(['\n', '\r']).zip(1..) {
        // Page breaks and soft line ends of word processors end lines too, uncounted ones.
        for part in line.split(['\u{B}', '\u{C}']) {
            reader.line(&without_marks(part), number)?;
        }
    }
    reader.end_rows()?;
    reader.flow.finish(Kind::Text, None, decoded.undecoded)
}

#[derive(Default)]
struct Reader {
    flow: Flow,
    /// Rows that are not told to the flow yet: only at their end is it known what they are.
    rows: Vec<Vec<Line>>,
    row_open: bool,
    empty_lines: usize,
}

/// A cell, with the lines that continue it.
struct Line {
    number: u32,
    parts: Vec<String>,
}

impl Reader {
    fn line(&mut self, line: &str, number: u32) -> Result<(), Error> {
        if line.starts_with('\t') {
            self.cells(line, number)
        } else if line.trim().is_empty() {
            self.row_open = false;
            self.empty_lines += 1;
            Ok(())
        } else if self.continues() {
            if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
                cell.parts.push(line.trim().to_owned());
            }
            Ok(())
        } else {
            self.end_rows()?;
            self.paragraph(line, number)
        }
    }

    fn cells(&mut self, line: &str, number: u32) -> Result<(), Error> {
        if self.empty_lines >= EMPTY_LINES_END_TABLE {
            self.end_rows()?;
        }
        self.empty_lines = 0;
        if !self.row_open {
            self.rows.push(Vec::new());
            self.row_open = true;
        }
        let Some(row) = self.rows.last_mut() else {
            return Ok(());
        };
        let cells = line.trim_start_matches('\t').split('\t');
        row.extend(cells.map(|cell| Line { number, parts: vec![cell.trim().to_owned()] }));
        Ok(())
    }

    /// Whether a line without indent can go on with the cell above it. A blank or a number does
    /// not go on in words: there the table has ended without an empty line.
    fn continues(&self) -> bool {
        let cell = self.rows.last().and_then(|row| row.last());
        let text = cell.and_then(|cell| cell.parts.last());
        self.row_open && text.is_some_and(|text| text.chars().any(char::is_alphabetic))
    }

    fn end_rows(&mut self) -> Result<(), Error> {
        self.row_open = false;
        self.empty_lines = 0;
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        if is_prose(&rows) {
            for cell in rows.iter().flatten() {
                for (part, number) in cell.parts.iter().zip(cell.number..) {
                    self.paragraph(part, number)?;
                }
            }
            return Ok(());
        }
        self.flow.start_table()?;
        for row in rows {
            self.flow.start_row()?;
            for cell in row {
                self.flow.at_line(cell.number);
                self.flow.start_cell(1, 1)?;
                for part in cell.parts {
                    self.flow.text(&part);
                    self.flow.end_paragraph()?;
                }
            }
        }
        self.flow.end_table()
    }

    fn paragraph(&mut self, line: &str, number: u32) -> Result<(), Error> {
        self.flow.at_line(number);
        self.flow.text(line);
        self.flow.end_paragraph()
    }
}

/// Whether indented lines are paragraphs: one of them is long, and none is blank or a number.
fn is_prose(rows: &[Vec<Line>]) -> bool {
    let mut cells = rows.iter().flatten();
    let long = |line: &Line| line.parts.iter().any(|p| p.chars().count() > LABEL_CHARS_MAX);
    let words = |line: &Line| line.parts.iter().any(|p| p.chars().any(char::is_alphabetic));
    cells.clone().any(long) && cells.all(words)
}

/// Drops `[bookmark: …]`, which dumps print where the document had an invisible mark.
fn without_marks(line: &str) -> String {
    const OPEN: &str = "[bookmark:";
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(OPEN) {
        let Some(end) = rest[at..].find(']') else {
            break;
        };
        kept.push_str(&rest[..at]);
        rest = &rest[at + end + 1..];
    }
    kept.push_str(rest);
    kept
}
