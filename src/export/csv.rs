//! Comma-separated values: one head, one line a record, one column a cell.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};

use super::columns::{Column, OF_REPORTS, OF_SUMS, Text, speaks_chinese};
use super::failed;
use super::record::{Record, Source};
use crate::failure::Failure;
use crate::form::{Amount, CELLS, Cell, Labelled as _};
use crate::pb::{Edition, ExportContent, ExportHeads, Summing};

/// Without it a spreadsheet takes the Chinese of UTF-8 for another encoding.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Writes one line after another.
pub(super) struct Writer {
    heads: ExportHeads,
    columns: &'static [Column],
    cells: Vec<&'static Cell>,
    begun: bool,
}

impl Writer {
    /// A file whose head speaks so.
    pub(super) fn new(heads: ExportHeads, content: ExportContent) -> Self {
        let columns = match content {
            ExportContent::Sums => OF_SUMS,
            ExportContent::Unspecified | ExportContent::Reports => OF_REPORTS,
        };
        let stands =
            |cell: &&Cell| content != ExportContent::Sums || cell.summing() != Summing::Never;
        Writer { heads, columns, cells: CELLS.iter().filter(stands).collect(), begun: false }
    }

    /// Appends the head, or the next line; false where there is none.
    ///
    /// # Errors
    /// `Store`, `Journal`.
    pub(super) fn write(
        &mut self,
        source: &mut Source,
        out: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        if !self.begun {
            self.begun = true;
            out.extend_from_slice(MARK);
            line(out, &self.head())?;
            return Ok(true);
        }
        let Some(record) = source.next()? else { return Ok(false) };
        line(out, &self.fields(&record))?;
        Ok(true)
    }

    fn head(&self) -> Vec<String> {
        let columns = self.columns.iter().map(|column| column.head(self.heads).to_owned());
        let cells = self.cells.iter().map(|cell| match speaks_chinese(self.heads) {
            true => address(cell),
            false => cell.path.to_owned(),
        });
        columns.chain(cells).collect()
    }

    fn fields(&self, record: &Record) -> Vec<String> {
        let columns = self.columns.iter().map(|column| match column.text(record, self.heads) {
            Text::Words(words) => guarded(&words).into_owned(),
            Text::Own(own) => own,
        });
        let cells = self.cells.iter().map(|cell| match cell.get(&record.report) {
            None => String::new(),
            Some(Amount::Text(text)) => guarded(&text).into_owned(),
            Some(figure) => figure.to_string(),
        });
        columns.chain(cells).collect()
    }
}

/// The Chinese address of a cell, with its edition where both print another cell under it.
fn address(cell: &Cell) -> String {
    if CELLS.iter().filter(|other| other.address == cell.address).count() < 2 {
        return cell.address.to_owned();
    }
    let edition = match cell.is_in(Edition::Edition2019) {
        true => Edition::Edition2019,
        false => Edition::Edition2021,
    };
    format!("{}（{}）", cell.address, edition.zh())
}

/// Words that a spreadsheet would take for a formula get an apostrophe before them.
fn guarded(words: &str) -> Cow<'_, str> {
    match words.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => Cow::Owned(format!("'{words}")),
        false => Cow::Borrowed(words),
    }
}

fn line(out: &mut Vec<u8>, fields: &[String]) -> Result<(), Failure> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    writer.write_record(fields).map_err(failed)?;
    writer.flush().map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_columns_have_one_head() {
        for heads in [ExportHeads::Labels, ExportHeads::Paths] {
            for content in [ExportContent::Reports, ExportContent::Sums] {
                let head = Writer::new(heads, content).head();
                let distinct: HashSet<&String> = head.iter().collect();
                assert_eq!(distinct.len(), head.len(), "{heads:?} {content:?}");
            }
        }
    }

    #[test]
    fn words_are_no_formulas() {
        for words in ["=1+1", "+86", "-1", "@a", "\tx"] {
            assert_eq!(guarded(words), format!("'{words}"));
        }
        assert_eq!(guarded("甲=乙"), "甲=乙");
    }
}
