//! Web pages, read tag by tag.
//!
//! No tree is built, on purpose: the tree that a browser makes of a hostile page can be far
//! larger than the page, and the common parsers take quadratic time on a tag of many attributes.
//! Of a page only text, paragraphs and tables are wanted, and those come out the same.

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
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Space,
    /// With a line end in it.
    LineEnd,
}

/// A tag, as far as it matters here.
struct Tag<'t> {
    name: String,
    is_end: bool,
    /// Its attributes, unparsed.
    attributes: &'t str,
}

impl Page {
    fn run(&mut self, text: &str) -> Result<(), Error> {
        let mut rest = text;
        while let Some(at) = rest.find('<') {
            self.text(&rest[..at])?;
            rest = &rest[at..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                // `<!-->` and `<!--->` are whole comments; one without an end hides all.
                let whole = comment.strip_prefix('>').or_else(|| comment.strip_prefix("->"));
                let end = || comment.find("-->").map_or("", |end| &comment[end + 3..]);
                rest = whole.unwrap_or_else(end);
            } else if rest.starts_with("<!") || rest.starts_with("<?") {
                rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
            } else if let Some((tag, after)) = tag(rest) {
                rest = self.tag(&tag, after)?;
            } else {
                self.text("<")?;
                rest = &rest[1..];
            }
        }
        self.text(rest)
    }

    /// Handles a tag and answers what is left to read.
    fn tag<'t>(&mut self, tag: &Tag<'_>, rest: &'t str) -> Result<&'t str, Error> {
        let name = tag.name.as_str();
        if !tag.is_end && RAW.contains(&name) {
            let (raw, after) = until_end_tag(rest, name);
            // The first title is the page's; pictures have titles of their own.
            if name == "title" && self.title.is_none() {
                let title = unescape(raw);
                let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
                self.title = (!title.is_empty()).then_some(title);
            }
            return Ok(after);
        }
        match (name, tag.is_end) {
            ("table", false) => self.flow.start_table()?,
            ("table", true) => self.flow.end_table()?,
            ("tr", false) if self.flow.in_table() => self.flow.start_row()?,
            ("tr" | "thead" | "tbody" | "tfoot", _) => self.flow.end_row()?,
            ("td" | "th", false) if self.flow.in_table() => {
                let span = |name| attribute(tag.attributes, name).and_then(|v| v.parse().ok());
                let rows = span("rowspan").unwrap_or(1);
                // Zero rows means all the rows that are left.
                let rows = if rows == 0 { usize::MAX } else { rows };
                self.flow.start_cell(span("colspan").unwrap_or(1), rows)?;
            }
            ("td" | "th", _) => self.flow.end_cell()?,
            (name, _) if BLOCKS.binary_search(&name).is_ok() => self.flow.end_paragraph()?,
            // Neither a paragraph nor a cell ends, so neither does the white space.
            _ => return Ok(rest),
        }
        self.gap = None;
        if name == "pre" {
            let depth = self.preformatted;
            self.preformatted = if tag.is_end { depth.saturating_sub(1) } else { depth + 1 };
        }
        Ok(rest)
    }

    /// Adds text with its white space collapsed. A line end between two Chinese characters is
    /// no space: there the source was wrapped, not the sentence.
    fn text(&mut self, raw: &str) -> Result<(), Error> {
        let text = unescape(raw);
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

/// Reads the tag at the start of the text. Answers nothing where `<` begins no tag; a tag that
/// never ends takes all that is left, as in browsers.
fn tag(text: &str) -> Option<(Tag<'_>, &str)> {
    let inner = &text[1..];
    let (is_end, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let ends_name = |c: char| c.is_ascii_whitespace() || c == '/' || c == '>';
    let name_end = inner.find(ends_name).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(name_end);
    // A `>` inside quotes does not end the tag. Quotes count only as the start of a value.
    let mut quote = None;
    let mut after_equals = false;
    let mut end = rest.len();
    for (at, c) in rest.bytes().enumerate() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, b'>') => {
                end = at;
                break;
            }
            (None, b'"' | b'\'') if after_equals => quote = Some(c),
            (None, _) => {}
        }
        after_equals = c == b'=' || (after_equals && c.is_ascii_whitespace());
    }
    let tag = Tag { name: name.to_ascii_lowercase(), is_end, attributes: &rest[..end] };
    Some((tag, rest.get(end + 1..).unwrap_or("")))
}

/// The value of an attribute.
fn attribute<'t>(attributes: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '/');
        let (key, after) = rest.split_at(end.unwrap_or(rest.len()));
        let after = after.trim_ascii_start();
        let value;
        if let Some(after) = after.strip_prefix('=') {
            let after = after.trim_ascii_start();
            if let Some(open) = after.chars().next().filter(|&c| c == '"' || c == '\'') {
                (value, rest) = after[1..].split_once(open).unwrap_or((&after[1..], ""));
            } else {
                let end = after.find(|c: char| c.is_ascii_whitespace());
                (value, rest) = after.split_at(end.unwrap_or(after.len()));
            }
        } else {
            (value, rest) = ("", after);
        }
        if key.eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        if rest.is_empty() {
            return None;
        }
    }
}

/// Splits at the end tag of an element whose content is not markup.
fn until_end_tag<'t>(text: &'t str, name: &str) -> (&'t str, &'t str) {
    let mut from = 0;
    while let Some(at) = text[from..].find("</").map(|at| from + at) {
        let after = &text[at + 2..];
        let is_it = after.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name))
            && !after[name.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
        if is_it {
            let end = after.find('>').map_or(after.len(), |end| end + 1);
            return (&text[..at], &after[end..]);
        }
        from = at + 2;
    }
    (text, "")
}

/// Replaces character references. One that is not known stays as it was written.
fn unescape(text: &str) -> String {
    /// The longest name in the list, and room for `#x10FFFF`.
    const NAME_MAX: usize = 8;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let len = rest[1..].bytes().take(NAME_MAX + 1);
        let len = len.take_while(|&b| b.is_ascii_alphanumeric() || b == b'#').count();
        match reference(&rest[1..=len]) {
            Some(c) => {
                out.push(c);
                rest = &rest[1 + len..];
                rest = rest.strip_prefix(';').unwrap_or(rest);
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    if let Some(digits) = name.strip_prefix('#') {
        let hex = digits.strip_prefix(['x', 'X']);
        let code = hex.map_or_else(|| digits.parse(), |hex| u32::from_str_radix(hex, 16));
        // Zero, and what is no character, becomes the mark of a broken one, as in browsers.
        return code.ok().map(|c| char::from_u32(c).filter(|&c| c != '\0').unwrap_or('\u{FFFD}'));
    }
    // Those that Chinese office programs and editors of web pages write.
    Some(match name {
        "nbsp" => '\u{A0}',
        "ensp" => '\u{2002}',
        "emsp" => '\u{2003}',
        "thinsp" => '\u{2009}',
        "zwnj" | "zwj" => '\u{200B}',
        "lt" | "LT" => '<',
        "gt" | "GT" => '>',
        "amp" | "AMP" => '&',
        "quot" | "QUOT" => '"',
        "apos" => '\'',
        "ldquo" => '“',
        "rdquo" => '”',
        "lsquo" => '‘',
        "rsquo" => '’',
        "laquo" => '«',
        "raquo" => '»',
        "lsaquo" => '‹',
        "rsaquo" => '›',
        "mdash" => '—',
        "ndash" => '–',
        "minus" => '−',
        "hellip" => '…',
        "middot" => '·',
        "bull" => '•',
        "times" => '×',
        "divide" => '÷',
        "plusmn" => '±',
        "deg" => '°',
        "permil" => '‰',
        "yen" => '¥',
        "sect" => '§',
        "copy" => '©',
        "reg" => '®',
        _ => return None,
    })
}
