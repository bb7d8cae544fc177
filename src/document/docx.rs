//! Word files: the main part of the zip, streamed. Deleted text, field codes, headers, footers
//! and pictures are not read; text boxes are.

use std::io::{Cursor, Read, Write as _};

use encoding_rs::Encoding;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipArchive, ZipWriter};

use super::flow::{Flow, Merged};
use super::{Document, Error, Kind, Limit, PART_BYTES_MAX};

const MAIN_PART: &str = "word/document.xml";

pub(super) fn read(bytes: &[u8]) -> Result<Document, Error> {
    let mut walk = Walk::default();
    walk.run(&main_part(bytes)?)?;
    walk.flow.finish(Kind::Docx, None, 0)
}

/// The XML of the main part.
fn main_part(bytes: &[u8]) -> Result<String, Error> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
        // The list of a zip stands at its end, so a file that lost its end has none.
        if has_end_record(bytes) { damaged(&error) } else { Error::DocxTruncated }
    })?;
    let part = match zip.by_name(MAIN_PART) {
        Ok(part) => part,
        Err(ZipError::FileNotFound) => return Err(Error::NotDocx),
        Err(error) => return Err(damaged(&error)),
    };
    let mut xml = Vec::new();
    // The declared size is not believed: what comes out of the unpacking is counted.
    let limit = PART_BYTES_MAX as u64 + 1;
    part.take(limit).read_to_end(&mut xml).map_err(|error| damaged(&error))?;
    if xml.len() > PART_BYTES_MAX {
        return Err(Error::TooMuch(Limit::PartBytes));
    }
    match Encoding::for_bom(&xml) {
        Some((encoding, mark)) => {
            let (text, flawed) = encoding.decode_without_bom_handling(&xml[mark..]);
            if flawed { Err(damaged(&"its text is not valid")) } else { Ok(text.into_owned()) }
        }
        None => String::from_utf8(xml).map_err(|error| damaged(&error)),
    }
}

/// Whether all parts of a zip together, as they really unpack, stay within a limit: what its own
/// lists say of their sizes is not believed.
///
/// # Errors
/// What is wrong with the zip.
pub(crate) fn unpacks_within(bytes: &[u8], limit: usize) -> Result<bool, String> {
    /// No workbook has so many, and each costs room beside its bytes.
    const PARTS_MAX: usize = 1000;
    let text = |error: &dyn std::fmt::Display| damaged(error).to_string();
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| text(&error))?;
    if zip.len() > PARTS_MAX {
        return Ok(false);
    }
    let mut left = limit as u64;
    for index in 0..zip.len() {
        let part = zip.by_index(index).map_err(|error| text(&error))?;
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink());
        let unpacked = unpacked.map_err(|error| text(&error))?;
        if unpacked > left {
            return Ok(false);
        }
        left -= unpacked;
    }
    Ok(true)
}

/// Packs parts into a zip. Each has the first day that a zip can name, so that the same parts give
/// the same bytes.
///
/// # Errors
/// What the library that packs them said.
pub(crate) fn packed(parts: &[(&str, &str)]) -> Result<Vec<u8>, String> {
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    let write = || -> Result<Vec<u8>, ZipError> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            zip.start_file(*name, options)?;
            zip.write_all(text.as_bytes())?;
        }
        Ok(zip.finish()?.into_inner())
    };
    write().map_err(|error| error.to_string())
}

/// Whether the record that ends a zip is there in full.
fn has_end_record(bytes: &[u8]) -> bool {
    const RECORD_BYTES: usize = 22;
    const COMMENT_BYTES_MAX: usize = 64 << 10;
    let tail = &bytes[bytes.len().saturating_sub(RECORD_BYTES + COMMENT_BYTES_MAX)..];
    tail.windows(RECORD_BYTES).any(|window| window.starts_with(b"PK\x05\x06"))
}

/// What is told of the library's words.
const DETAIL_CHARS_MAX: usize = 200;

fn damaged(error: &dyn std::fmt::Display) -> Error {
    // The library quotes what it read, which may be as long as the file.
    Error::DocxDamaged { detail: error.to_string().chars().take(DETAIL_CHARS_MAX).collect() }
}

/// The state while the elements of the main part pass by.
#[derive(Default)]
struct Walk {
    flow: Flow,
    /// Names with this prefix are Word's own. Pictures and formulas have text of other kinds.
    prefix: Option<String>,
    depth: usize,
    /// How many open elements are left out with all that is in them.
    left_out: usize,
    in_text: bool,
    /// What the marks of the cell being opened say.
    merged: Option<Merged>,
    columns: u32,
    /// Paragraphs around an open text box.
    suspended: Vec<String>,
}

impl Walk {
    fn run(&mut self, xml: &str) -> Result<(), Error> {
        let mut reader = Reader::from_str(xml);
        loop {
            match reader.read_event().map_err(|error| damaged(&error))? {
                Event::Start(element) => {
                    self.depth += 1;
                    self.left_out += usize::from(is_left_out(element.name().into_inner()));
                    self.start(&element, false)?;
                }
                Event::Empty(element) => self.start(&element, true)?,
                Event::End(element) => {
                    let name = element.name().into_inner();
                    self.end(name)?;
                    self.depth -= 1;
                    self.left_out -= usize::from(is_left_out(name));
                }
                Event::Text(text) if self.in_text => self.flow.text(&text.xml10_content()),
                Event::CData(text) if self.in_text => self.flow.text(&text.xml10_content()),
                Event::GeneralRef(name) if self.in_text => {
                    let char_ref = name.resolve_char_ref().map_err(|error| damaged(&error))?;
                    match char_ref.or_else(|| predefined(&name)) {
                        Some(c) => self.flow.text(c.encode_utf8(&mut [0; 4])),
                        None => return Err(damaged(&format!("unknown entity {}", &*name))),
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        // The XML reader checks that an end matches its start, but not that there is an end.
        if self.prefix.is_none() || self.depth > 0 {
            return Err(damaged(&"its main part is incomplete"));
        }
        Ok(())
    }

    fn start(&mut self, element: &BytesStart<'_>, empty: bool) -> Result<(), Error> {
        let Some(name) = self.word_name(element.name().into_inner()) else {
            return Ok(());
        };
        match name {
            "vMerge" if continues(element) => self.merged = Some(Merged::Up),
            "hMerge" if continues(element) => self.merged = Some(Merged::Left),
            "gridSpan" => {
                self.columns = value(element).and_then(|v| v.parse().ok()).unwrap_or(1);
            }
            "tab" => self.flow.text(" "),
            "noBreakHyphen" => self.flow.text("-"),
            "br" | "cr" => self.flow.end_paragraph()?,
            "t" => self.in_text = !empty,
            "tbl" if !empty => self.flow.start_table()?,
            "tr" if !empty => self.flow.start_row()?,
            "tc" if !empty => {
                (self.merged, self.columns) = (None, 1);
                self.flow.start_cell(1, 1)?;
            }
            "txbxContent" if !empty => self.suspended.push(self.flow.suspend_paragraph()),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), Error> {
        match self.word_name(name) {
            Some("t") => self.in_text = false,
            Some("tcPr") => {
                self.flow.span_cell(self.columns);
                if let Some(into) = self.merged.take() {
                    self.flow.merge_cell(into);
                }
            }
            Some("p") => self.flow.end_paragraph()?,
            Some("tc") => self.flow.end_cell()?,
            Some("tr") => self.flow.end_row()?,
            Some("tbl") => self.flow.end_table()?,
            Some("txbxContent") => {
                self.flow.end_paragraph()?;
                let paragraph = self.suspended.pop().unwrap_or_default();
                self.flow.resume_paragraph(paragraph);
            }
            _ => {}
        }
        Ok(())
    }

    /// The name without the prefix, if it is one of Word's own and not left out. The root
    /// element tells the prefix: nearly always `w`, but programs are free to choose.
    fn word_name<'n>(&mut self, name: &'n str) -> Option<&'n str> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        match &self.prefix {
            Some(known) => (known == prefix && self.left_out == 0).then_some(local),
            None => {
                self.prefix = (local == "document").then(|| prefix.to_owned());
                None
            }
        }
    }
}

/// Elements of which nothing is read: the properties of paragraphs, whose tab stops have the
/// name of a tab; what was before a tracked change, or was moved away; and the second rendering
/// of a thing, made for old programs.
fn is_left_out(name: &str) -> bool {
    let name = local(name);
    matches!(name, "pPr" | "moveFrom" | "Fallback") || name.ends_with("PrChange")
}

/// Whether a merge mark says that the cell goes on with another: without a value it does.
fn continues(element: &BytesStart<'_>) -> bool {
    value(element).is_none_or(|value| value != "restart")
}

fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// The attribute `val`. The check for repeated names would take quadratic time.
fn value(element: &BytesStart<'_>) -> Option<String> {
    let mut attributes = element.attributes();
    let attributes = attributes.with_checks(false);
    attributes
        .flatten()
        .find(|attribute| local(attribute.key.into_inner()) == "val")
        .map(|attribute| attribute.value.into_owned())
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
