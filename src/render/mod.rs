//! Reports as the official document: a Word file, a web page, or text.
//!
//! What is printed is what the report holds: its title, its six parts under the headings of the
//! form, the three tables as [`crate::layout`] places them, each blank as the blank that it is.
//! Nothing is made up but the title of a report that has none. What [`crate::document`] reads back
//! from it is the same report, within the limits that `docs/guide.md` names.
//!
//! `page` makes paragraphs and tables of a report and knows nothing of a file; `docx`, `html` and
//! `text` write them. The Word file is made of six small parts of XML, by hand: the crate for it,
//! `docx-rs`, is maintained and under MIT, but brings a second zip and a second XML reader, and
//! models for what is forty lines here.

mod page;
mod docx;
mod html;
mod text;

use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use crate::names::{OrganId, scope_word};
use crate::pb::{DocumentType, RenderedDocument, Report};
use crate::query::hex;
use page::Page;

/// A document and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Name, type, size and digest.
    pub header: RenderedDocument,
    /// The file.
    pub bytes: Vec<u8>,
}

/// The title of an annual report that states none; without a year where that is not known.
pub fn title(organ_display_name: &str, year: i32) -> String {
    let year = if year == 0 { String::new() } else { format!("{year}年") };
    format!("{organ_display_name}{year}政府信息公开工作年度报告")
}

/// Writes a report as a document; `organ_display_name` is for the title of one that has none.
///
/// # Errors
/// `Store` where the file cannot be packed, which no report brings about.
pub fn render(
    report: &Report,
    organ_display_name: &str,
    document_type: DocumentType,
) -> Result<Document, Failure> {
    let page = Page::new(report, organ_display_name);
    let (bytes, ending, media_type) = match document_type {
        DocumentType::Unspecified | DocumentType::Docx => (
            docx::write(&page).map_err(Failure::Store)?,
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        DocumentType::Html => (html::write(&page).into(), "html", "text/html; charset=utf-8"),
        DocumentType::Text => (text::write(&page).into(), "txt", "text/plain; charset=utf-8"),
    };
    let header = RenderedDocument {
        file_name: format!("{}.{ending}", stem(report)),
        media_type: media_type.to_owned(),
        size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        sha256: hex(&Sha256::digest(&bytes)),
        revision: String::new(),
    };
    Ok(Document { header, bytes })
}

/// The name of the file without its ending: whose report of when it is.
fn stem(report: &Report) -> String {
    let organ = OrganId::from_name(&report.organ);
    let organ = organ.as_ref().map_or("report", OrganId::as_str);
    format!("{organ}-{}-{}", report.year, scope_word(report.scope()))
}

/// A text as XML and HTML have it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
