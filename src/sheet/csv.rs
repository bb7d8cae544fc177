//! Comma-separated values, as spreadsheets of either platform write them.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord};
use encoding_rs::GB18030;

use super::{Error, Row, Rows};

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Row>, Error> {
    // The reader counts a line at its line feed, which it leaves for later after a carriage return.
    let mut text = decode(bytes)?.replace("\r\n", "\n").replace('\r', "\n");
    text.push('\n');
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let (mut rows, mut record) = (Rows::default(), StringRecord::new());
    loop {
        let line = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        if !reader.read_record(&mut record).map_err(|_| Error::Row(line))? {
            break;
        }
        // Counted from its end, since empty lines before it are no records of their own.
        let end = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        let within = record.iter().map(|cell| cell.matches('\n').count()).sum::<usize>();
        let number = end.saturating_sub(within + 1).max(line);
        for (column, text) in record.iter().enumerate() {
            rows.put(number, column, text)?;
        }
    }
    Ok(rows.0)
}

/// UTF-8, with or without its mark, else GB18030. What is neither is not guessed at.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let text = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
            text.ok_or(Error::NoText)?
        }
    };
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if text.chars().any(control) { Err(Error::NoText) } else { Ok(text) }
}
