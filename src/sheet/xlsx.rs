//! Workbooks, cell by cell: a sheet whose two cells stand in opposite corners must not become a
//! table between them.

use std::io::Cursor;

use calamine::{DataRef, Reader as _, Xlsx, XlsxError};

use super::{Error, Row, Rows, UNPACKED_BYTES_MAX};
use crate::document::unpacks_within;

/// From here on not every whole number has a double of its own.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

pub(super) fn read(bytes: &[u8], sheet: &str) -> Result<Vec<Row>, Error> {
    // Before anything of it is read: the library unpacks what it is given.
    if !unpacks_within(bytes, UNPACKED_BYTES_MAX).map_err(Error::Workbook)? {
        return Err(Error::TooLarge("import_unpacked_bytes_max", UNPACKED_BYTES_MAX));
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    let names = book.sheet_names();
    let name = match sheet {
        "" => names.first().cloned(),
        wanted => names.into_iter().find(|name| name == wanted),
    };
    let name = name.ok_or_else(|| Error::NoSheet(sheet.to_owned()))?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(damaged)?;
    let mut rows = Rows::default();
    let mut last = 0;
    while let Some(cell) = cells.next_cell().map_err(damaged)? {
        let (row, column) = cell.get_position();
        let number = row as usize + 1;
        // Every writer keeps the order of rows; one that goes back would tear a row in two.
        if number < last {
            return Err(Error::Row(number));
        }
        last = number;
        rows.put(number, column as usize, &text(cell.get_value()))?;
    }
    Ok(rows.0)
}

/// A value as a person would have typed it.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        // Years and codes that were typed as numbers.
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < EXACT_MAX => {
            format!("{number:.0}")
        }
        // A code of 18 digits is not what was typed any more: shown so that no rule takes it.
        DataRef::Float(number) => format!("{number:e}"),
        DataRef::Int(number) => number.to_string(),
        DataRef::Bool(truth) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

fn damaged(error: XlsxError) -> Error {
    // The library quotes what it read, which may be as long as the file.
    Error::Workbook(error.to_string().chars().take(200).collect())
}
