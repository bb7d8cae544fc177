//! The running text of a document while it is being read: where paragraphs, tables, rows and
//! cells begin and end is told here by the readers of the file kinds, and the same rules for
//! merged cells, nested tables and limits hold for all of them.

use super::{
    Block, CELLS_MAX, COLUMNS_MAX, Cell, Document, Error, Kind, Limit, PARAGRAPHS_MAX, Paragraph,
    Place, ROWS_MAX, Row, TABLE_DEPTH_MAX, Table,
};

/// The widest and tallest span that is believed; HTML clamps columns to the same number.
const SPAN_MAX: u32 = 1000;

/// A document under construction.
///
/// Calls may come in any order: a start closes what it cannot stand in, an end without its start
/// does nothing, as browsers have it.
#[derive(Default)]
pub(super) struct Flow {
    root: Vec<Item>,
    tables: Vec<OpenTable>,
    paragraph: String,
    line: Option<u32>,
    cells: usize,
    rows: usize,
    paragraphs: usize,
}

enum Item {
    Paragraph { text: String, line: Option<u32> },
    Table(Vec<Vec<FlatCell>>),
}

/// A cell of a finished table.
struct FlatCell {
    text: String,
    columns: u32,
    line: Option<u32>,
    continued: bool,
}

/// A cell of an open table, whose content may still turn out to be a page of its own.
#[derive(Default)]
struct OpenCell {
    items: Vec<Item>,
    columns: u32,
    line: Option<u32>,
    merged: Option<Merged>,
}

/// Which cell a cell is merged into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merged {
    /// The one above: it stays as an empty cell, so that the columns keep their place.
    Up,
    /// The one before: it is left out.
    Left,
}

#[derive(Default)]
struct OpenTable {
    rows: Vec<Vec<OpenCell>>,
    /// The open row; its last cell is open while `in_cell` is set.
    row: Option<Vec<OpenCell>>,
    in_cell: bool,
    /// The grid column after the last cell.
    column: usize,
    /// Cells of earlier rows that reach down into this one, by grid column.
    spans: Vec<Span>,
}

struct Span {
    column: usize,
    columns: usize,
    rows_left: usize,
}

impl Flow {
    /// Says on which line of a text file the following stands.
    pub(super) fn at_line(&mut self, line: u32) {
        self.line = Some(line);
    }

    /// Adds text to the paragraph. Characters without width are dropped, since they split labels
    /// and numbers invisibly, and the no-break space becomes a space.
    pub(super) fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\u{A0}' => self.paragraph.push(' '),
                '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' => {}
                c => self.paragraph.push(c),
            }
        }
    }

    /// The last character of the open paragraph.
    pub(super) fn last_char(&self) -> Option<char> {
        self.paragraph.chars().next_back()
    }

    /// Takes the open paragraph away, so that a text box inside it can be read first.
    pub(super) fn suspend_paragraph(&mut self) -> String {
        std::mem::take(&mut self.paragraph)
    }

    /// Puts back what [`Flow::suspend_paragraph`] took.
    pub(super) fn resume_paragraph(&mut self, paragraph: String) {
        self.paragraph = paragraph;
    }

    /// Whether a table is open.
    pub(super) fn in_table(&self) -> bool {
        !self.tables.is_empty()
    }

    /// Whether a cell is open.
    pub(super) fn in_cell(&self) -> bool {
        self.tables.last().is_some_and(|table| table.in_cell)
    }

    /// Ends the paragraph; also a line break inside one.
    pub(super) fn end_paragraph(&mut self) -> Result<(), Error> {
        let text = self.paragraph.trim();
        if !text.is_empty() {
            self.paragraphs += 1;
            if self.paragraphs > PARAGRAPHS_MAX {
                return Err(Error::TooMuch(Limit::Paragraphs));
            }
            let item = Item::Paragraph { text: text.to_owned(), line: self.line };
            self.place().push(item);
        }
        self.paragraph.clear();
        Ok(())
    }

    /// Begins a table. Directly inside a table, outside its cells, it ends that one first.
    pub(super) fn start_table(&mut self) -> Result<(), Error> {
        self.end_paragraph()?;
        if self.in_table() && !self.in_cell() {
            self.end_table()?;
        }
        if self.tables.len() >= TABLE_DEPTH_MAX {
            return Err(Error::TooMuch(Limit::TableDepth));
        }
        self.tables.push(OpenTable::default());
        Ok(())
    }

    /// Begins a row of the innermost table.
    pub(super) fn start_row(&mut self) -> Result<(), Error> {
        self.end_row()?;
        let Some(table) = self.tables.last_mut() else {
            return Ok(());
        };
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Err(Error::TooMuch(Limit::Rows));
        }
        table.row = Some(Vec::new());
        table.column = 0;
        Ok(())
    }

    /// Begins a cell that covers so many columns and rows.
    pub(super) fn start_cell(&mut self, columns: usize, rows: usize) -> Result<(), Error> {
        self.end_cell()?;
        if self.tables.last().is_some_and(|table| table.row.is_none()) {
            self.start_row()?;
        }
        self.continue_cells()?;
        let line = self.line;
        let Some(table) = self.tables.last_mut() else {
            return Ok(());
        };
        let columns = columns.clamp(1, SPAN_MAX as usize);
        if rows > 1 {
            let rows_left = rows.min(ROWS_MAX);
            table.spans.push(Span { column: table.column, columns, rows_left });
        }
        table.column += columns;
        table.in_cell = true;
        // Clamped above, so it fits.
        let columns = u32::try_from(columns).unwrap_or(1);
        self.push_cell(OpenCell { line, columns, ..OpenCell::default() })
    }

    /// Says that the open cell covers so many columns.
    pub(super) fn span_cell(&mut self, columns: u32) {
        let cell = self.tables.last_mut().and_then(|table| table.row.as_mut()?.last_mut());
        if let Some(cell) = cell {
            cell.columns = columns.clamp(1, SPAN_MAX);
        }
    }

    /// Says that the open cell is merged into another. Programs do not show what stands in it.
    pub(super) fn merge_cell(&mut self, into: Merged) {
        let cell = self.tables.last_mut().and_then(|table| table.row.as_mut()?.last_mut());
        if let Some(cell) = cell {
            cell.merged = Some(into);
        }
    }

    /// Ends the open cell of the innermost table.
    pub(super) fn end_cell(&mut self) -> Result<(), Error> {
        self.end_paragraph()?;
        if let Some(table) = self.tables.last_mut() {
            table.in_cell = false;
        }
        Ok(())
    }

    /// Ends the open row of the innermost table.
    pub(super) fn end_row(&mut self) -> Result<(), Error> {
        self.end_cell()?;
        self.continue_cells()?;
        let Some(table) = self.tables.last_mut() else {
            return Ok(());
        };
        if let Some(mut row) = table.row.take() {
            row.retain(|cell| cell.merged != Some(Merged::Left));
            for span in &mut table.spans {
                span.rows_left -= 1;
            }
            table.spans.retain(|span| span.rows_left > 0);
            if !row.is_empty() {
                table.rows.push(row);
            }
        }
        Ok(())
    }

    /// Ends the innermost table.
    ///
    /// A table of one cell, or with a table inside, is no table but the layout of a page: what
    /// it holds goes on as running text.
    pub(super) fn end_table(&mut self) -> Result<(), Error> {
        self.end_row()?;
        let Some(table) = self.tables.pop() else {
            return Ok(());
        };
        let nested = |cell: &OpenCell| cell.items.iter().any(|i| matches!(i, Item::Table(_)));
        let nested = table.rows.iter().flatten().any(nested);
        let single = table.rows.iter().map(Vec::len).sum::<usize>() <= 1;
        if nested || single {
            let items = table.rows.into_iter().flatten().flat_map(|cell| cell.items);
            self.place().extend(items);
        } else {
            let flat = |row: Vec<OpenCell>| row.into_iter().map(OpenCell::flatten).collect();
            let rows = table.rows.into_iter().map(flat).collect();
            self.place().push(Item::Table(rows));
        }
        Ok(())
    }

    /// Closes all that is open and hands the document over.
    pub(super) fn finish(
        mut self,
        kind: Kind,
        title: Option<String>,
        undecoded: usize,
    ) -> Result<Document, Error> {
        while self.in_table() {
            self.end_table()?;
        }
        self.end_paragraph()?;
        let (mut paragraphs, mut tables) = (0, 0);
        let mut blocks = Vec::with_capacity(self.root.len());
        for item in self.root {
            blocks.push(match item {
                Item::Paragraph { text, line } => {
                    paragraphs += 1;
                    Block::Paragraph(Paragraph { text, index: paragraphs, line })
                }
                Item::Table(rows) => {
                    tables += 1;
                    Block::Table(numbered(rows, tables))
                }
            });
        }
        let has_text = |block: &Block| match block {
            Block::Paragraph(_) => true,
            Block::Table(table) => {
                table.rows.iter().flat_map(|row| &row.cells).any(|cell| !cell.text.is_empty())
            }
        };
        if !blocks.iter().any(has_text) {
            return Err(Error::NoText);
        }
        Ok(Document { kind, title, blocks, undecoded })
    }

    /// Where finished paragraphs and tables go: the innermost open cell, or the page. Text
    /// between the cells of a table goes before the table, as in a browser.
    fn place(&mut self) -> &mut Vec<Item> {
        let cell = self.tables.iter_mut().rev().find(|table| table.in_cell);
        match cell.and_then(|table| table.row.as_mut()?.last_mut()) {
            Some(cell) => &mut cell.items,
            None => &mut self.root,
        }
    }

    fn push_cell(&mut self, cell: OpenCell) -> Result<(), Error> {
        self.cells += 1;
        if self.cells > CELLS_MAX {
            return Err(Error::TooMuch(Limit::Cells));
        }
        if let Some(table) = self.tables.last_mut() {
            let row = table.row.get_or_insert_default();
            if row.len() >= COLUMNS_MAX {
                return Err(Error::TooMuch(Limit::Columns));
            }
            row.push(cell);
        }
        Ok(())
    }

    /// Adds empty cells where cells of earlier rows reach down to the current column.
    fn continue_cells(&mut self) -> Result<(), Error> {
        loop {
            let Some(table) = self.tables.last_mut() else {
                return Ok(());
            };
            if table.row.is_none() {
                return Ok(());
            }
            // A span that begins in this row lies left of the column, so it is never found here.
            let here = table.spans.iter().find(|span| span.column == table.column);
            let Some(columns) = here.map(|span| span.columns) else {
                return Ok(());
            };
            table.column += columns;
            let columns = u32::try_from(columns).unwrap_or(1);
            let merged = Some(Merged::Up);
            self.push_cell(OpenCell { merged, columns, ..OpenCell::default() })?;
        }
    }
}

impl OpenCell {
    fn flatten(self) -> FlatCell {
        let continued = self.merged == Some(Merged::Up);
        let mut text = String::new();
        for item in self.items {
            if continued {
                break;
            }
            if let Item::Paragraph { text: part, .. } = item {
                push_line(&mut text, &part);
            }
        }
        FlatCell { text, columns: self.columns.max(1), line: self.line, continued }
    }
}

/// Adds a line of a broken cell. Two digits are never put together: that would be a number which
/// nobody printed.
fn push_line(text: &mut String, line: &str) {
    let digit = |c: Option<char>| c.is_some_and(char::is_numeric);
    if digit(text.chars().next_back()) && digit(line.chars().next()) {
        text.push('\n');
    }
    text.push_str(line);
}

fn numbered(rows: Vec<Vec<FlatCell>>, table: u32) -> Table {
    let number = |row: Vec<FlatCell>, row_number: u32| {
        let cells = row.into_iter().zip(1..).map(|(cell, column)| Cell {
            text: cell.text,
            place: Place { table, row: row_number, column, line: cell.line },
            columns: cell.columns,
            continued: cell.continued,
        });
        Row { cells: cells.collect() }
    };
    let rows = rows.into_iter().zip(1..).map(|(row, at)| number(row, at)).collect();
    Table { index: table, rows }
}
