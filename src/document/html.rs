//! Web pages, read tag by tag with html5gum, which cuts them into tags and text as browsers do.
//!
//! No tree is built, on purpose: the tree that a browser makes of a hostile page can be far
//! larger than the page. Of a page only text, paragraphs and tables are wanted, and those come out
//! the same.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{HtmlString, Token, Tokenizer};

use super::charset::Decoded;
use super::flow::Flow;
use super::{Document, Error, Kind};

/// Elements whose content is no text of the page. All but `title` are dropped.
const RAW: [&str; 9] =
    ["script", "style", "title", "textarea", "template", "noscript", "iframe", "xmp", "svg"];

/// Elements that begin and end a paragraph.
const BLOCKS: [&str; 39] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "summary",
    "ul",
];

/// Whether a text is a web page: it begins with a tag, or has some that pages are made of.
/// A text without any is one all the same if its file is called so.
pub(super) fn looks_like(text: &str, file_name: Option<&str>) -> bool {
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
    let mut chars = start.chars();
    if chars.next() == Some('<')
        && chars.next().is_some_and(|c| c == '!' || c.is_ascii_alphabetic())
    {
        return true;
    }
    if ["</p>", "</td>", "</table>", "</div>", "</html>"].iter().any(|tag| {
        let len = tag.len();
        text.as_bytes().windows(len).any(|window| window.eq_ignore_ascii_case(tag.as_bytes()))
    }) {
        return true;
    }
    let extension =
        file_name.and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
    extension.is_some_and(|e| ["html", "htm", "shtml"].iter().any(|x| e.eq_ignore_ascii_case(x)))
}

pub(super) fn read(decoded: &Decoded) -> Result<Document, Error> {
    let mut page = Page::default();
    page.run(&decoded.text)?;
    page.flow.finish(Kind::Html, page.title, decoded.undecoded)
}

#[derive(Default)]
struct Page {
    flow: Flow,
    title: Option<String>,
    /// White space that stands before the next word, if there is one.
    gap: Option<Gap>,
    /// How many `pre` are open: in them line ends count.
    preformatted: usize,
    /// The element whose content is no text of the page, until its end tag; with what it holds.
    hidden: Option<(&'static str, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Space,
    /// With a line end in it.
    LineEnd,
}

/// How many columns and rows a cell takes, as its tag says.
type Spans = (Option<usize>, Option<usize>);

impl Page {
    fn run(&mut self, text: &str) -> Result<(), Error> {
        let mut emitter = DefaultEmitter::default();
        // What stands in `script`, `title` and the like is no markup.
        emitter.naively_switch_states(true);
        for token in Tokenizer::new_with_emitter(text, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => {
                    let span = |name: &str| {
                        let value = tag.attributes.get(name.as_bytes())?;
                        lossy(value).trim().parse().ok()
                    };
                    let spans = (span("colspan"), span("rowspan"));
                    self.start(&lossy(&tag.name), spans, tag.self_closing)?;
                }
                Token::EndTag(tag) => self.end(&lossy(&tag.name))?,
                Token::String(text) => self.string(&lossy(&text))?,
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        Ok(())
    }

    fn start(&mut self, name: &str, spans: Spans, self_closing: bool) -> Result<(), Error> {
        if self.hidden.is_some() {
            return Ok(());
        }
        if let Some(raw) = RAW.iter().find(|raw| **raw == name) {
            // Of these only a picture can close itself.
            if !(self_closing && name == "svg") {
                self.hidden = Some((raw, String::new()));
            }
            return Ok(());
        }
        self.tag(name, false, spans)
    }

    fn end(&mut self, name: &str) -> Result<(), Error> {
        let Some((hidden, text)) = self.hidden.take_if(|(hidden, _)| *hidden == name) else {
            return if self.hidden.is_some() { Ok(()) } else { self.tag(name, true, (None, None)) };
        };
        // The first title is the page's; pictures have titles of their own.
        if hidden == "title" && self.title.is_none() {
            let title = text.split_whitespace().collect::<Vec<_>>().join(" ");
            self.title = (!title.is_empty()).then_some(title);
        }
        Ok(())
    }

    fn string(&mut self, text: &str) -> Result<(), Error> {
        match &mut self.hidden {
            Some(("title", title)) => title.push_str(text),
            Some(_) => {}
            None => self.text(text)?,
        }
        Ok(())
    }

    fn tag(&mut self, name: &str, is_end: bool, (columns, rows): Spans) -> Result<(), Error> {
        match (name, is_end) {
            ("table", false) => self.flow.start_table()?,
            ("table", true) => self.flow.end_table()?,
            ("tr", false) if self.flow.in_table() => self.flow.start_row()?,
            ("tr" | "thead" | "tbody" | "tfoot", _) => self.flow.end_row()?,
            ("td" | "th", false) if self.flow.in_table() => {
                let rows = rows.unwrap_or(1);
                // Zero rows means all the rows that are left.
                let rows = if rows == 0 { usize::MAX } else { rows };
                self.flow.start_cell(columns.unwrap_or(1), rows)?;
            }
            ("td" | "th", _) => self.flow.end_cell()?,
            (name, _) if BLOCKS.binary_search(&name).is_ok() => self.flow.end_paragraph()?,
            // Neither a paragraph nor a cell ends, so neither does the white space.
            _ => return Ok(()),
        }
        self.gap = None;
        if name == "pre" {
            let depth = self.preformatted;
            self.preformatted = if is_end { depth.saturating_sub(1) } else { depth + 1 };
        }
        Ok(())
    }

    /// Adds text with its white space collapsed. A line end between two Chinese characters is
    /// no space: there the source was wrapped, not the sentence.
    fn text(&mut self, text: &str) -> Result<(), Error> {
        for word in text.split_inclusive(|c: char| c.is_ascii_whitespace()) {
            let trimmed = word.trim_end_matches(|c: char| c.is_ascii_whitespace());
            if let Some(first) = trimmed.chars().next() {
                let wide = |c: Option<char>| c.is_none_or(|c| !c.is_ascii());
                match self.gap.take() {
                    Some(Gap::LineEnd) if wide(self.flow.last_char()) && wide(Some(first)) => {}
                    Some(_) => self.flow.text(" "),
                    None => {}
                }
                self.flow.text(trimmed);
            }
            let line_end = word.ends_with(['\n', '\r']);
            if line_end && self.preformatted > 0 {
                self.flow.end_paragraph()?;
            } else if line_end {
                self.gap = Some(Gap::LineEnd);
            } else if trimmed.len() < word.len() && self.gap.is_none() {
                self.gap = Some(Gap::Space);
            }
        }
        Ok(())
    }
}

/// The text of a token. It comes out of a `str` and is one again; a broken one would show as such.
fn lossy(text: &HtmlString) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}
