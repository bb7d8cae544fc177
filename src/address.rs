//! Cells by the address that a person writes, such as 表三·（三）·4·自然人.
//!
//! An address names the elements of a cell's chain, from the table down to the column, by label, by
//! printed number or by both. Elements may be left out as long as one cell of the edition remains;
//! nothing is ever guessed. All labels come from the schema. What is written into a cell is the
//! business of [`assign`].

mod assign;
mod error;

use std::fmt;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

use crate::form::{self, CELLS, Cell};
use crate::pb::{Edition, FormatNode, format_node};

pub use assign::{Change, Content, assign, explain};
pub use error::{Error, Wanted};

/// More candidates than these tell a person nothing.
const CANDIDATES_MAX: usize = 8;
/// So many near misses are shown for an unknown address.
const NEAREST_MAX: usize = 3;
/// What stands between the elements of an address, after normalisation.
const SEPARATORS: [char; 6] = ['·', '・', '•', '‧', '/', '>'];
/// The numerals of the form; their place is their value less one.
const NUMERALS: [char; 10] = ['一', '二', '三', '四', '五', '六', '七', '八', '九', '十'];

/// What an address names.
#[derive(Clone, Copy)]
pub enum Target {
    /// A cell of a table.
    Cell(&'static Cell),
    /// A field beside the tables.
    Field(Field),
}

/// A field beside the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The organ.
    Organ,
    /// The year.
    Year,
    /// The scope.
    Scope,
    /// The edition of the form.
    Edition,
    /// The title.
    Title,
    /// The text of part one.
    Overview,
    /// The text of part five.
    Problems,
    /// The text of part six.
    OtherMatters,
}

impl Field {
    const ALL: [Field; 8] = [
        Field::Organ,
        Field::Year,
        Field::Scope,
        Field::Edition,
        Field::Title,
        Field::Overview,
        Field::Problems,
        Field::OtherMatters,
    ];

    /// The path from the report.
    pub fn path(self) -> &'static str {
        match self {
            Field::Organ => "organ",
            Field::Year => "year",
            Field::Scope => "scope",
            Field::Edition => "edition",
            Field::Title => "title",
            Field::Overview => "overview.text",
            Field::Problems => "problems.text",
            Field::OtherMatters => "other_matters.text",
        }
    }
}

impl Target {
    /// The path from the report.
    pub fn path(&self) -> &'static str {
        match self {
            Target::Cell(cell) => cell.path,
            Target::Field(field) => field.path(),
        }
    }

    /// The Chinese address.
    pub fn address(&self) -> &'static str {
        match self {
            Target::Cell(cell) => cell.address,
            Target::Field(field) => form::place(field.path()).map_or("", |(_, place)| place.zh),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.path() == other.path()
    }
}

/// What `address` names in a report of that edition (2021 where none is stated).
///
/// # Errors
/// `Unknown`, `Ambiguous`, `OtherEdition`.
pub fn resolve(address: &str, edition: Edition) -> Result<Target, Error> {
    let edition = match edition {
        Edition::Unspecified => Edition::Edition2021,
        stated => stated,
    };
    let written = address.trim();
    if let Some(target) = by_path(written) {
        return match target {
            Target::Cell(cell) if !cell.is_in(edition) => {
                Err(Error::OtherEdition { address: written.to_owned(), edition })
            }
            target => Ok(target),
        };
    }
    let wanted = components(written);
    let named = |edition| -> Vec<Target> {
        let spots = spots(edition).iter().filter(|spot| spot.matches(&wanted));
        spots.map(|spot| spot.target).collect()
    };
    let found = named(edition);
    match found.as_slice() {
        [one] => Ok(*one),
        [] if !named(other(edition)).is_empty() => {
            Err(Error::OtherEdition { address: written.to_owned(), edition })
        }
        [] => {
            Err(Error::Unknown { address: written.to_owned(), nearest: nearest(written, edition) })
        }
        many => Err(Error::Ambiguous {
            address: written.to_owned(),
            candidates: many.iter().take(CANDIDATES_MAX).copied().collect(),
            count: many.len(),
        }),
    }
}

fn other(edition: Edition) -> Edition {
    match edition {
        Edition::Edition2019 => Edition::Edition2021,
        Edition::Edition2021 | Edition::Unspecified => Edition::Edition2019,
    }
}

/// A cell or field by its path, as the schema or its JSON spells it, or a field by its label.
fn by_path(written: &str) -> Option<Target> {
    let mut path = String::with_capacity(written.len());
    for c in written.chars() {
        if c.is_ascii_uppercase() {
            path.push('_');
        }
        path.push(c.to_ascii_lowercase());
    }
    if let Some(cell) = form::cell(written).or_else(|| form::cell(&path)) {
        return Some(Target::Cell(cell));
    }
    let label = letters(&normal(written));
    let fields = Field::ALL.into_iter();
    let named = |field: &Field| {
        let whole = field.path();
        let part = whole.strip_suffix(".text").unwrap_or(whole);
        path == whole || path == part || letters(Target::Field(*field).address()) == label
    };
    fields.map(|f| (f, named(&f))).find(|(_, hit)| *hit).map(|(f, _)| Target::Field(f))
}

/// One spot of the form and the chain of elements that leads to it.
struct Spot {
    target: Target,
    chain: Vec<Element>,
}

/// An element of a chain: a table, a heading, a group, a row or a column.
#[derive(Clone)]
struct Element {
    number: Option<Number>,
    /// All spellings without the number, letters and digits only.
    labels: Vec<String>,
    /// Whether the address may end before it, since nothing else stands in its row.
    implied: bool,
}

#[derive(Clone)]
struct Number {
    core: String,
    mark: Mark,
}

/// How a number is marked in print.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// （三）
    Brackets,
    /// 三、
    Comma,
    /// 3.
    Point,
}

/// One component of an address as written.
struct Component {
    /// Letters and digits only.
    text: String,
    /// How the number at its beginning is marked, if it is.
    mark: Option<Mark>,
}

impl Spot {
    /// Whether the components name, in order, elements of the chain, the last one its end.
    fn matches(&self, components: &[Component]) -> bool {
        let Some((last, before)) = components.split_last() else {
            return false;
        };
        let mut ends = vec![self.chain.len()];
        if self.chain.last().is_some_and(|e| e.implied) {
            ends.push(self.chain.len() - 1);
        }
        ends.into_iter().any(|end| {
            let Some((column, mut rest)) = self.chain[..end].split_last() else {
                return false;
            };
            column.is(last)
                && before.iter().rev().all(|component| {
                    let found = rest.iter().rposition(|element| element.is(component));
                    found.map(|at| rest = &rest[..at]).is_some()
                })
        })
    }
}

impl Element {
    fn new(number: &str, labels: &[&str]) -> Self {
        let mut spellings: Vec<String> = labels.iter().map(|l| letters(&normal(l))).collect();
        spellings.retain(|l| !l.is_empty());
        Element { number: Number::read(number), labels: spellings, implied: false }
    }

    fn is(&self, component: &Component) -> bool {
        if self.labels.contains(&component.text) {
            return true;
        }
        let Some(number) = &self.number else {
            return false;
        };
        number.cores(component.mark).iter().any(|core| {
            let rest = component.text.strip_prefix(core.as_str());
            rest.is_some_and(|rest| rest.is_empty() || self.labels.iter().any(|l| l == rest))
        })
    }
}

impl Number {
    fn read(printed: &str) -> Option<Self> {
        let printed = normal(printed);
        let core = letters(&printed);
        let mark = match printed.chars().next()? {
            '(' => Mark::Brackets,
            c if c.is_ascii_digit() => Mark::Point,
            _ => Mark::Comma,
        };
        Some(Number { core, mark })
    }

    /// The spellings under which the number may begin a component with such a mark.
    fn cores(&self, written: Option<Mark>) -> Vec<String> {
        let same = vec![self.core.clone()];
        match (written, self.mark) {
            (None, _) | (Some(_), Mark::Point) => same,
            (Some(Mark::Brackets), Mark::Brackets) => {
                let value = NUMERALS.iter().position(|n| self.core == n.to_string());
                let digits = value.map(|v| (v + 1).to_string());
                same.into_iter().chain(digits).collect()
            }
            (Some(mark), own) if mark == own => same,
            (Some(_), _) => Vec::new(),
        }
    }
}

/// Full-width forms made plain, spaces left out.
fn normal(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// Letters and digits alone: no quotes, no brackets, no points.
fn letters(normal: &str) -> String {
    normal.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn components(address: &str) -> Vec<Component> {
    let mut address = normal(address);
    for (label, joined) in split_labels() {
        address = address.replace(label, joined);
    }
    let pieces = address.split(SEPARATORS);
    pieces
        .filter(|piece| !piece.is_empty())
        .map(|piece| Component { text: letters(piece), mark: mark(piece) })
        .collect()
}

/// Labels in which a separator stands, such as 本年增/减, and the same without it.
fn split_labels() -> &'static [(String, String)] {
    static LABELS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
        let mut out = Vec::new();
        for edition in [Edition::Edition2019, Edition::Edition2021] {
            for part in &form::tree(edition).parts {
                collect_split(part, &mut out);
            }
        }
        out
    });
    &LABELS
}

fn collect_split(node: &FormatNode, out: &mut Vec<(String, String)>) {
    for label in [&node.label, &node.label_en, &node.column] {
        let label = normal(label);
        if label.contains(SEPARATORS) {
            let joined = label.replace(SEPARATORS, "");
            out.push((label, joined));
        }
    }
    for child in &node.children {
        collect_split(child, out);
    }
}

/// How the number at the beginning of a component is marked.
fn mark(piece: &str) -> Option<Mark> {
    let numeral = |c: &char| c.is_ascii_digit() || NUMERALS.contains(c);
    if let Some(inside) = piece.strip_prefix('(') {
        let (number, _) = inside.split_once(')')?;
        let whole = !number.is_empty() && number.chars().all(|c| numeral(&c));
        return whole.then_some(Mark::Brackets);
    }
    let after = piece.trim_start_matches(|c| numeral(&c));
    match after.chars().next()? {
        '、' if after.len() < piece.len() => Some(Mark::Comma),
        '.' if after.len() < piece.len() => Some(Mark::Point),
        _ => None,
    }
}

/// The spots of an edition, in form order.
fn spots(edition: Edition) -> &'static [Spot] {
    static SPOTS_2019: LazyLock<Vec<Spot>> = LazyLock::new(|| collect(Edition::Edition2019));
    static SPOTS_2021: LazyLock<Vec<Spot>> = LazyLock::new(|| collect(Edition::Edition2021));
    match edition {
        Edition::Edition2019 => &SPOTS_2019,
        Edition::Unspecified | Edition::Edition2021 => &SPOTS_2021,
    }
}

fn collect(edition: Edition) -> Vec<Spot> {
    let mut out = Vec::new();
    for part in &form::tree(edition).parts {
        walk(part, None, &[], &mut out);
    }
    out
}

fn walk(node: &FormatNode, parent: Option<&FormatNode>, above: &[Element], out: &mut Vec<Spot>) {
    let mut chain = above.to_vec();
    if !node.heading.is_empty() {
        let (_, unnumbered) = node.heading.split_once('、').unwrap_or(("", ""));
        chain.push(Element::new("", &[&node.heading, unnumbered]));
    }
    let called = match node.kind() {
        format_node::Kind::Part => form::place(&node.field_path).map_or("", |(_, p)| p.zh),
        _ => "",
    };
    let mut labels = vec![node.label.as_str(), &node.label_en, called];
    labels.extend(node.aliases.iter().map(String::as_str));
    // An address names the column of （七）总计·总计 once, together with its row.
    let twin = parent.filter(|row| row.label == node.label);
    let once = twin.map_or(String::new(), |row| format!("{}{}", row.number, row.label));
    labels.push(&once);
    let mut element = Element::new(&node.number, &labels);
    element.implied = node.kind() == format_node::Kind::Text;
    chain.push(element);
    if !node.column.is_empty() {
        let (short, _) = node.column.split_once('（').unwrap_or((&node.column, ""));
        let mut column = Element::new("", &[&node.column, short]);
        column.implied = true;
        chain.push(column);
    }
    for child in &node.children {
        walk(child, Some(node), &chain, out);
    }
    let field = Field::ALL.into_iter().find(|f| f.path() == node.field_path);
    let target = form::cell(&node.field_path)
        .filter(|_| node.kind() == format_node::Kind::Cell)
        .map(Target::Cell)
        .or(field.map(Target::Field));
    if let Some(target) = target {
        out.push(Spot { target, chain });
    }
}

/// The cells whose address shares most with what was written.
fn nearest(written: &str, edition: Edition) -> Vec<Target> {
    let wanted = pairs(&letters(&normal(written)));
    let score = |cell: &Cell| {
        let share = |text: &str| {
            let pairs = pairs(&letters(&normal(text)));
            let common = wanted.iter().filter(|pair| pairs.contains(pair)).count();
            200 * common / (wanted.len() + pairs.len()).max(1)
        };
        share(cell.address).max(share(cell.path))
    };
    let cells = CELLS.iter().filter(|cell| cell.is_in(edition));
    let mut scored: Vec<_> = cells.map(|c| (score(c), c)).filter(|(s, _)| *s >= 30).collect();
    // A stable sort keeps form order among equals.
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().take(NEAREST_MAX).map(|(_, cell)| Target::Cell(cell)).collect()
}

fn pairs(text: &str) -> Vec<(char, char)> {
    text.chars().zip(text.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests;
