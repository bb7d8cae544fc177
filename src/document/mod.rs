//! Documents that people keep reports in, brought to one plain shape.
//!
//! A Word file, a web page and a text dump all become a [`Document`]: paragraphs and tables in
//! reading order, each cell with the place where it stands, so that every figure taken from it
//! can be shown to its author as evidence. Up to there nothing is known of the national form:
//! nothing is repaired, no cell dropped and no meaning guessed. What the cells mean is the
//! business of [`read`], which knows nothing of file kinds.
//!
//! Any bytes may come in. They end in a document or in an [`Error`], never in a panic, and in
//! time and memory that grow with their length and not faster.

mod charset;
mod docx;
mod error;
mod flow;
mod html;
pub mod read;
mod text;

pub(crate) use docx::{packed, unpacks_within};
pub use error::{Error, Limit};

/// The largest file that is read, in bytes. Reports with pictures stay far below it.
pub const BYTES_MAX: usize = 32 << 20;
/// The largest text part of a Word file once unpacked, in bytes: a zip of a few kilobytes can
/// unpack to terabytes.
pub const PART_BYTES_MAX: usize = 64 << 20;
/// The most table cells in one document. The whole form has about four hundred; every label of a
/// document is compared with those of the form, so this bounds the time that takes.
pub const CELLS_MAX: usize = 20_000;
/// The most table rows in one document.
pub const ROWS_MAX: usize = 5_000;
/// The most cells in one row. The widest table of the form has fifteen.
pub const COLUMNS_MAX: usize = 500;
/// The most paragraphs in one document. Long reports have some hundreds, and web pages as many
/// lines of navigation around them.
pub const PARAGRAPHS_MAX: usize = 20_000;
/// The deepest nesting of tables in tables. Old web pages are laid out with some ten levels.
pub const TABLE_DEPTH_MAX: usize = 32;

/// What kind of file a document was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Word file (Office Open XML).
    Docx,
    /// A web page.
    Html,
    /// Plain text, as a word processor dumps it.
    Text,
}

/// Paragraphs and tables in reading order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The kind of the file.
    pub kind: Kind,
    /// The title that the file itself carries (a page's `<title>`), not one found in its text.
    pub title: Option<String>,
    /// What stands in the document, in reading order.
    pub blocks: Vec<Block>,
    /// How many characters could not be decoded; they stand in the text as U+FFFD.
    pub undecoded: usize,
}

/// One piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph with text in it; empty paragraphs are left out.
    Paragraph(Paragraph),
    /// A table with at least one row.
    Table(Table),
}

/// A paragraph of prose: one line of it where the file breaks lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// The text, without surrounding space.
    pub text: String,
    /// Which paragraph of the document it is, counted from 1.
    pub index: u32,
    /// The line of a text file, counted from 1.
    pub line: Option<u32>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Which table of the document it is, counted from 1.
    pub index: u32,
    /// The rows; rows without any cell are left out.
    pub rows: Vec<Row>,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The cells as printed. A cell merged over columns stands once; a cell merged over rows
    /// stands in its first row and is empty in those that it continues into, so that all file
    /// kinds give the same rows.
    pub cells: Vec<Cell>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The text, without surrounding space. Lines of a broken label are joined; a break between
    /// two digits is kept as `\n`, since joining would make up a number.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// How many columns of the page it covers. A text file does not say, so there it is 1.
    pub columns: u32,
    /// Whether it continues a cell above it. A text file does not say, so there it is false.
    pub continued: bool,
}

/// Where a cell stands, all counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The table of the document.
    pub table: u32,
    /// The row of the table.
    pub row: u32,
    /// The cell of the row.
    pub column: u32,
    /// The line of a text file.
    pub line: Option<u32>,
}

impl Document {
    /// Reads a file of any kind.
    ///
    /// The content decides what the file is. `file_name` is a hint for the one case that content
    /// leaves open: a text without any tag that is called `.html`.
    ///
    /// # Errors
    ///
    /// Every [`Error`], each for the file that it describes.
    pub fn from_bytes(bytes: &[u8], file_name: Option<&str>) -> Result<Document, Error> {
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        if bytes.len() > BYTES_MAX {
            return Err(Error::TooLarge { bytes: bytes.len() });
        }
        match sniff(bytes) {
            Signature::Zip => docx::read(bytes),
            Signature::Pdf => Err(Error::Pdf),
            Signature::OldOffice => Err(Error::OldOffice),
            Signature::Rtf => Err(Error::Rtf),
            Signature::None => {
                let decoded = charset::decode(bytes)?;
                if html::looks_like(&decoded.text, file_name) {
                    html::read(&decoded)
                } else {
                    text::read(&decoded)
                }
            }
        }
    }

    /// The paragraphs, in order.
    pub fn paragraphs(&self) -> impl Iterator<Item = &Paragraph> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Paragraph(paragraph) => Some(paragraph),
            Block::Table(_) => None,
        })
    }

    /// The tables, in order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Table(table) => Some(table),
            Block::Paragraph(_) => None,
        })
    }
}

/// What the first bytes say. Whether a zip is a Word file only its parts can tell.
enum Signature {
    Zip,
    Pdf,
    OldOffice,
    Rtf,
    None,
}

fn sniff(bytes: &[u8]) -> Signature {
    // Readers of PDF accept the mark anywhere in the first kilobyte, and such files exist.
    let head = &bytes[..bytes.len().min(1024)];
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        Signature::Zip
    } else if head.windows(5).any(|window| window == b"%PDF-") {
        Signature::Pdf
    } else if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
        Signature::OldOffice
    } else if bytes.starts_with(b"{\\rtf") {
        Signature::Rtf
    } else {
        Signature::None
    }
}
