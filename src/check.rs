//! The rules of the schema, compiled: which of them a message breaks, and what each read.
//!
//! The code that `build.rs` writes is included here. On the path of a message that breaks no rule
//! nothing is allocated. What a finding says of a failure is decided in [`crate::finding`].

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use crate::pb;

/// The id of the finding that stands for a rule which cannot be computed, since a number overflows.
pub const CELL_RANGE: &str = "cell.range";

/// A message that carries rules.
pub trait Check {
    /// Appends the rules that `self`, which stands at `path`, breaks.
    fn check(&self, path: &Path<'_>, out: &mut Vec<Violation>);
}

/// Large messages stand in boxes.
impl<M: Check> Check for Box<M> {
    fn check(&self, path: &Path<'_>, out: &mut Vec<Violation>) {
        M::check(self, path, out);
    }
}

/// The rules that a message breaks, in the order of the schema. Empty where it breaks none.
pub fn violations<M: Check>(message: &M) -> Vec<Violation> {
    let mut out = Vec::new();
    message.check(&Path::ROOT, &mut out);
    out
}

/// One rule that a message breaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The id of the rule.
    pub rule: &'static str,
    /// The path that protovalidate reports.
    pub path: String,
    /// What the rule read.
    pub evidence: Evidence,
}

/// What a rule read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Path relative to the message, and value; an empty path is the field itself.
    pub operands: Vec<(&'static str, Value)>,
    /// The same of the revision of another year that the rule compares with.
    pub last: Vec<(&'static str, Value)>,
    /// The first comparison of counts: what is, the relation (`==`, `<=`, …), and what should be.
    pub compared: Option<(i64, &'static str, i64)>,
    /// What a standard rule allows.
    pub bound: Option<&'static str>,
    /// The first words found: path of the text, and where in it.
    pub words: Option<(&'static str, Range)>,
}

/// A stretch of a text in Unicode code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first code point.
    pub start: usize,
    /// The code point after the last.
    pub end: usize,
}

impl Evidence {
    fn of(
        operands: Vec<(&'static str, Value)>,
        compared: Option<(i64, &'static str, i64)>,
        words: &[(&'static str, &str, &str)],
    ) -> Self {
        let words = words.iter().find_map(|(path, text, literal)| {
            let byte = text.find(literal)?;
            let start = text[..byte].chars().count();
            Some((*path, Range { start, end: start + literal.chars().count() }))
        });
        Evidence { operands, compared, words, ..Evidence::default() }
    }

    fn bounded(value: Value, bound: &'static str) -> Self {
        Evidence { operands: vec![("", value)], bound: Some(bound), ..Evidence::default() }
    }

    fn absent() -> Self {
        Evidence { operands: vec![("", Value::Absent)], ..Evidence::default() }
    }
}

/// What stood in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Absent,
    /// A message, or words that were looked for.
    Present,
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

impl Value {
    fn number(value: Option<i64>) -> Self {
        value.map_or(Value::Absent, Value::Number)
    }

    fn text(value: Option<&str>) -> Self {
        value.map_or(Value::Absent, |text| Value::Text(text.to_owned()))
    }

    fn presence(there: bool) -> Self {
        if there { Value::Present } else { Value::Absent }
    }

    fn words(text: &str, words: &str) -> Self {
        if text.contains(words) { Value::Text(words.to_owned()) } else { Value::Absent }
    }
}

/// A path on the stack: nothing is allocated unless a rule fails.
pub struct Path<'a> {
    above: Option<&'a Path<'a>>,
    name: &'static str,
    index: Option<usize>,
}

impl<'a> Path<'a> {
    /// The message itself.
    pub const ROOT: Path<'static> = Path { above: None, name: "", index: None };

    fn field(&'a self, name: &'static str) -> Path<'a> {
        Path { above: Some(self), name, index: None }
    }

    fn item(&'a self, name: &'static str, index: usize) -> Path<'a> {
        Path { above: Some(self), name, index: Some(index) }
    }

    fn write(&self, out: &mut String) {
        let Some(above) = self.above else { return };
        above.write(out);
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(self.name);
        if let Some(index) = self.index {
            let _ = write!(out, "[{index}]");
        }
    }
}

/// Holds the outcome of a rule against it: `None` says that a number overflowed.
#[inline]
fn rule(
    path: &Path<'_>,
    id: &'static str,
    holds: Option<bool>,
    evidence: impl FnOnce() -> Evidence,
    out: &mut Vec<Violation>,
) {
    match holds {
        Some(true) => {}
        Some(false) => fail(path, id, evidence(), out),
        None => fail(path, CELL_RANGE, evidence(), out),
    }
}

#[cold]
#[inline(never)]
fn fail(path: &Path<'_>, rule: &'static str, evidence: Evidence, out: &mut Vec<Violation>) {
    let mut rendered = String::with_capacity(48);
    path.write(&mut rendered);
    out.push(Violation { rule, path: rendered, evidence });
}

#[allow(
    unused_parens,
    clippy::all,
    reason = "generated: parentheses and casts stand where some type needs them"
)]
mod compiled {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/checks.rs"));
}
