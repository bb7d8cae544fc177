//! Tables of text from files: .csv in UTF-8 or GB18030, .xlsx. Nothing is told of what the columns
//! mean; rows keep the number that a person sees.

mod csv;
mod xlsx;

use std::fmt;

/// A file.
pub const BYTES_MAX: usize = 16 << 20;
/// All parts of a workbook, unpacked: a bomb is a small file that unpacks to a large one.
pub const UNPACKED_BYTES_MAX: usize = 128 << 20;
/// Rows with content, the heading apart.
pub const ROWS_MAX: usize = 50_000;
/// Columns; a cell further right is one too many.
pub const COLUMNS_MAX: usize = 64;
/// Bytes of one cell.
pub const CELL_BYTES_MAX: usize = 16 << 10;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// A workbook of Office Open XML.
    Xlsx,
}

impl Format {
    /// What the first bytes say.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"PK") { Format::Xlsx } else { Format::Csv }
    }
}

/// A row with content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1.
    pub number: usize,
    /// Its cells from the first column on, trimmed.
    pub cells: Vec<String>,
}

/// Why a file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// Nothing stands in it.
    Empty,
    /// It is neither UTF-8 nor GB18030, or no text at all.
    NoText,
    /// It is no workbook, or a damaged one.
    Workbook(String),
    /// The workbook has no sheet of that name.
    NoSheet(String),
    /// A row cannot be read.
    Row(usize),
    /// It passes a limit: its name and value.
    TooLarge(&'static str, usize),
}

impl Error {
    /// The text in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Error::Empty => "文件没有内容".to_owned(),
            Error::NoText => "不是 UTF-8 或 GB18030 编码的文本".to_owned(),
            Error::Workbook(_) => "不是 .xlsx 工作簿，或已损坏；请另存为 .xlsx 或 .csv".to_owned(),
            Error::NoSheet(name) => format!("工作簿中没有工作表“{name}”"),
            Error::Row(row) => format!("第{row}行无法读取"),
            Error::TooLarge(limit, value) => format!("超过限额 {limit}：{value}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Empty => f.write_str("the file has no content"),
            Error::NoText => f.write_str("the file is no text in UTF-8 or GB18030"),
            Error::Workbook(detail) => write!(f, "no .xlsx workbook, or a damaged one: {detail}"),
            Error::NoSheet(name) => write!(f, "the workbook has no sheet {name}"),
            Error::Row(row) => write!(f, "row {row} cannot be read"),
            Error::TooLarge(limit, value) => write!(f, "the file passes {limit}, {value}"),
        }
    }
}

impl std::error::Error for Error {}

/// The rows of a file that have content; of a workbook those of the named sheet, or of the first.
///
/// # Errors
/// See [`Error`].
pub fn read(bytes: &[u8], format: Format, sheet: &str) -> Result<Vec<Row>, Error> {
    if bytes.len() > BYTES_MAX {
        return Err(Error::TooLarge("import_bytes_max", BYTES_MAX));
    }
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    let rows = match format {
        Format::Csv => csv::read(bytes)?,
        Format::Xlsx => xlsx::read(bytes, sheet)?,
    };
    if rows.is_empty() { Err(Error::Empty) } else { Ok(rows) }
}

/// Rows as they come, within the limits.
#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    /// Puts a text into a cell. Rows must come in order.
    fn put(&mut self, number: usize, column: usize, text: &str) -> Result<(), Error> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        if column >= COLUMNS_MAX {
            return Err(Error::TooLarge("import_columns_max", COLUMNS_MAX));
        }
        if text.len() > CELL_BYTES_MAX {
            return Err(Error::Row(number));
        }
        if self.0.last().is_none_or(|last| last.number != number) {
            // One more for the heading.
            if self.0.len() > ROWS_MAX {
                return Err(Error::TooLarge("import_rows_max", ROWS_MAX));
            }
            self.0.push(Row { number, cells: Vec::new() });
        }
        if let Some(row) = self.0.last_mut() {
            if row.cells.len() <= column {
                row.cells.resize(column + 1, String::new());
            }
            text.clone_into(&mut row.cells[column]);
        }
        Ok(())
    }
}
