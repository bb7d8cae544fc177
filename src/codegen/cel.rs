//! Turns a CEL expression into Rust over prost messages.
//!
//! The subset: `this` and selections, `+ - *`, comparisons, `&& || !`, `has()`, whole numbers,
//! strings with `==`, `!=`, `matches('…')` and `contains('…')`. What lies outside fails the build.
//! An unset message reads as its defaults, as CEL has it. Arithmetic is checked: the code is the
//! body of a closure to `Option<bool>`, and `None` says that a number overflowed.
//!
//! CEL's `&&` and `||` absorb errors of either side; the generated ones go left to right. The
//! difference can only be seen where a number overflows, which bounded cells do not do.

use std::collections::BTreeMap;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use regex_syntax::hir::{Class, Dot, Hir, HirKind, Look, Repetition};

use super::Result;

/// A compiled rule.
pub struct Compiled {
    /// Statements before the result: sums that occur twice.
    pub bindings: Vec<String>,
    /// The expression, of type `bool`.
    pub code: String,
    /// The first comparison of sums or counts: left side, relation, right side. Where `>=` and `<=`
    /// of the same sides both stand in the rule, the relation is `==`.
    pub compared: Option<Comparison>,
    /// What the rule reads: path and Rust expression for its `Value`.
    pub operands: Vec<(String, String)>,
    /// Words looked for in a text: path of the text, Rust expression of the text, the words.
    pub words: Vec<(String, String, String)>,
}

/// Compiles `source`, a rule on `message`. `patterns` collects the regular expressions.
pub fn compile(
    source: &str,
    message: &MessageDescriptor,
    patterns: &mut Vec<String>,
) -> Result<Compiled> {
    let parsed = cel::parser::Parser::new().parse(source).map_err(|e| e.to_string())?;
    let mut counts = BTreeMap::new();
    let mut compiler =
        Compiler { message, patterns, counts: &mut counts, first: None, threshold: false };
    let mut reads = Reads::default();
    let (code, kind) = compiler.expression(&parsed, &mut reads)?;
    if kind != Type::Bool {
        return Err("the expression is not a truth value".into());
    }
    let first = compiler.first.take();
    Ok(hoist(code, first, reads, counts))
}

/// A comparison of two numbers in Rust.
#[derive(Clone)]
pub struct Comparison {
    /// The left side: what is.
    pub left: String,
    /// `==`, `<=`, ….
    pub relation: &'static str,
    /// The right side: what should be.
    pub right: String,
}

#[derive(Clone, PartialEq, Debug)]
enum Type {
    Int,
    Bool,
    Text,
    Message(MessageDescriptor),
}

#[derive(Default)]
struct Reads {
    operands: Vec<(String, String)>,
    words: Vec<(String, String, String)>,
}

impl Reads {
    fn operand(&mut self, path: &str, code: String) {
        if !self.operands.iter().any(|(known, _)| known == path) {
            self.operands.push((path.to_owned(), code));
        }
    }
}

struct Compiler<'a> {
    message: &'a MessageDescriptor,
    patterns: &'a mut Vec<String>,
    counts: &'a mut BTreeMap<String, usize>,
    first: Option<Comparison>,
    /// Whether a share is compared before any sum: then no figure says what would have been right.
    threshold: bool,
}

/// A selection: its path from `this`, and the chain of Rust that reaches it.
struct Place {
    path: String,
    /// Rust of type `Option<&Message>`; `None` for `this` itself.
    chain: Option<String>,
    message: MessageDescriptor,
}

impl Compiler<'_> {
    fn expression(&mut self, e: &IdedExpr, reads: &mut Reads) -> Result<(String, Type)> {
        match &e.expr {
            Expr::Ident(name) if name == "this" => {
                Ok(("Some(this)".into(), Type::Message(self.message.clone())))
            }
            Expr::Literal(LiteralValue::Int(i)) => Ok((format!("{}_i64", i.inner()), Type::Int)),
            Expr::Literal(LiteralValue::String(s)) => Ok((format!("{:?}", s.inner()), Type::Text)),
            Expr::Select(select) if select.test => self.presence(select, reads),
            Expr::Select(select) => self.selection(select, reads),
            Expr::Call(call) => self.call(call, reads),
            other => Err(format!("outside the subset: {other:?}").into()),
        }
    }

    fn place(&self, e: &IdedExpr) -> Result<Place> {
        match &e.expr {
            Expr::Ident(name) if name == "this" => {
                Ok(Place { path: String::new(), chain: None, message: self.message.clone() })
            }
            Expr::Select(select) if !select.test => {
                let parent = self.place(&select.operand)?;
                let field = field(&parent.message, &select.field)?;
                let Kind::Message(message) = field.kind() else {
                    return Err(format!("{} is no message", field.full_name()).into());
                };
                let chain = step(&parent, &format!("{}.as_ref()", select.field));
                Ok(Place { path: join(&parent.path, &select.field), chain: Some(chain), message })
            }
            other => Err(format!("a selection starts at this, not at {other:?}").into()),
        }
    }

    fn presence(&mut self, select: &SelectExpr, reads: &mut Reads) -> Result<(String, Type)> {
        let parent = self.place(&select.operand)?;
        let field = field(&parent.message, &select.field)?;
        if !field.supports_presence() {
            return Err(format!("has() of {}, which has no presence", field.full_name()).into());
        }
        let path = join(&parent.path, &select.field);
        let code = match &parent.chain {
            None => format!("this.{}.is_some()", select.field),
            Some(chain) => format!("{chain}.is_some_and(|m| m.{}.is_some())", select.field),
        };
        let value = match field.kind() {
            Kind::Message(_) => format!("Value::presence({code})"),
            _ => value(&parent, &field),
        };
        reads.operand(&path, value);
        Ok((code, Type::Bool))
    }

    fn selection(&mut self, select: &SelectExpr, reads: &mut Reads) -> Result<(String, Type)> {
        let parent = self.place(&select.operand)?;
        let field = field(&parent.message, &select.field)?;
        let name = &select.field;
        let optional = field.supports_presence();
        let (code, kind) = match field.kind() {
            Kind::Message(message) => {
                (step(&parent, &format!("{name}.as_ref()")), Type::Message(message))
            }
            Kind::Int64 | Kind::Int32 | Kind::Enum(_) => (whole_number(&parent, &field), Type::Int),
            Kind::Bool if !optional => (
                match &parent.chain {
                    None => format!("this.{name}"),
                    Some(chain) => format!("{chain}.is_some_and(|m| m.{name})"),
                },
                Type::Bool,
            ),
            Kind::String => (prose(&parent, &field), Type::Text),
            other => return Err(format!("{}: kind {other:?}", field.full_name()).into()),
        };
        if !matches!(kind, Type::Message(_)) {
            reads.operand(&join(&parent.path, name), value(&parent, &field));
        }
        Ok((code, kind))
    }

    fn call(&mut self, call: &CallExpr, reads: &mut Reads) -> Result<(String, Type)> {
        if let Some(target) = &call.target {
            return self.text_call(call, target, reads);
        }
        let mut args = Vec::new();
        for arg in &call.args {
            args.push(self.expression(arg, reads)?);
        }
        match (call.func_name.as_str(), args.as_slice()) {
            (op @ ("_+_" | "_-_" | "_*_"), [(a, Type::Int), (b, Type::Int)]) => {
                let name = match op {
                    "_+_" => "checked_add",
                    "_-_" => "checked_sub",
                    _ => "checked_mul",
                };
                Ok((self.count(format!("{a}\n.{name}({b})?")), Type::Int))
            }
            ("!_", [(a, Type::Bool)]) => Ok((format!("!({a})"), Type::Bool)),
            ("_&&_", [(a, Type::Bool), (b, Type::Bool)]) => {
                Ok((format!("({a}\n&& {b})"), Type::Bool))
            }
            ("_||_", [(a, Type::Bool), (b, Type::Bool)]) => {
                Ok((format!("({a}\n|| {b})"), Type::Bool))
            }
            (op @ ("_==_" | "_!=_" | "_>=_" | "_<=_" | "_>_" | "_<_"), [(a, ta), (b, tb)])
                if ta == tb && !matches!(ta, Type::Message(_)) =>
            {
                let relation = op.trim_matches('_');
                if *ta == Type::Int {
                    self.compare(a, relation, b);
                }
                Ok((format!("({a} {relation} {b})"), Type::Bool))
            }
            (name, args) => {
                let kinds: Vec<&Type> = args.iter().map(|(_, t)| t).collect();
                Err(format!("outside the subset: {name} of {kinds:?}").into())
            }
        }
    }

    fn text_call(
        &mut self,
        call: &CallExpr,
        target: &IdedExpr,
        reads: &mut Reads,
    ) -> Result<(String, Type)> {
        let [IdedExpr { expr: Expr::Literal(LiteralValue::String(literal)), .. }] =
            call.args.as_slice()
        else {
            return Err(format!("{} wants one literal string", call.func_name).into());
        };
        let literal = literal.inner();
        let mut target_reads = Reads::default();
        let (text, kind) = self.expression(target, &mut target_reads)?;
        if kind != Type::Text {
            return Err(format!("{} of something that is no text", call.func_name).into());
        }
        match call.func_name.as_str() {
            "matches" => {
                for (path, code) in target_reads.operands {
                    reads.operand(&path, code);
                }
                Ok((pattern(self.patterns, literal, &text)?, Type::Bool))
            }
            "contains" => {
                // The operand is the words alone, so that an explanation outlives other edits.
                for (path, _) in target_reads.operands {
                    reads.operand(&path, format!("Value::words({text}, {literal:?})"));
                    reads.words.push((path, text.clone(), literal.to_owned()));
                }
                Ok((format!("{text}.contains({literal:?})"), Type::Bool))
            }
            other => Err(format!("outside the subset: {other}").into()),
        }
    }

    /// Keeps the first comparison that a person would want to see: of counts, not of years and
    /// enums, and of no rule about a share, which shows by its factor.
    fn compare(&mut self, left: &str, relation: &str, right: &str) {
        let relation = match relation {
            "==" => "==",
            "!=" => "!=",
            ">=" => ">=",
            "<=" => "<=",
            ">" => ">",
            _ => "<",
        };
        if let Some(first) = &mut self.first {
            let pair = (first.relation, relation);
            let opposite = matches!(pair, (">=", "<=") | ("<=", ">="));
            if opposite && first.left == left && first.right == right {
                first.relation = "==";
            }
        } else if left.contains("checked_mul") || right.contains("checked_mul") {
            self.threshold = true;
        } else if !self.threshold && !left.starts_with("i64::from(") {
            self.first =
                Some(Comparison { left: left.to_owned(), relation, right: right.to_owned() });
        }
    }

    /// Counts how often a sum occurs, so that it can be computed once.
    fn count(&mut self, code: String) -> String {
        *self.counts.entry(code.clone()).or_default() += 1;
        code
    }
}

/// Rust of type `bool`: whether `text` matches `pattern`. `patterns` collects those that need the
/// engine; a pattern of one character is a look at each, which is cheaper by far. Refuses what RE2
/// and Rust read differently.
pub fn pattern(patterns: &mut Vec<String>, pattern: &str, text: &str) -> Result<String> {
    let parsed = regex_syntax::parse(pattern).map_err(|e| format!("pattern {pattern:?}: {e}"))?;
    for class in ["\\s", "\\S", "\\d", "\\D", "\\w", "\\W", "\\b", "\\B"] {
        if pattern.contains(class) {
            return Err(
                format!("pattern {pattern:?}: {class} is Unicode here and ASCII in RE2").into()
            );
        }
    }
    if let HirKind::Class(Class::Unicode(class)) = anywhere(&parsed).kind() {
        let ranges: Vec<String> =
            class.iter().map(|r| format!("{:?}..={:?}", r.start(), r.end())).collect();
        return Ok(format!("{text}.chars().any(|c| matches!(c, {}))", ranges.join(" | ")));
    }
    let known = patterns.iter().position(|known| known == pattern);
    let index = known.unwrap_or_else(|| {
        patterns.push(pattern.to_owned());
        patterns.len() - 1
    });
    Ok(format!("PATTERN_{index}.is_match({text})"))
}

/// What the pattern looks for anywhere in the text: of `(?s)^.*X.*$` it is X. A pattern is written
/// so where some engines would take one without anchors for the whole text.
fn anywhere(pattern: &Hir) -> &Hir {
    let is_any = |part: &Hir| match part.kind() {
        HirKind::Repetition(Repetition { min: 0, max: None, sub, .. }) => {
            *sub.as_ref() == Hir::dot(Dot::AnyChar)
        }
        _ => false,
    };
    match pattern.kind() {
        HirKind::Concat(parts) => match parts.as_slice() {
            [start, before, sought, after, end]
                if *start == Hir::look(Look::Start)
                    && *end == Hir::look(Look::End)
                    && is_any(before)
                    && is_any(after) =>
            {
                sought
            }
            _ => pattern,
        },
        _ => pattern,
    }
}

/// Rust of type `Value` for a field of `this` or below.
fn value(parent: &Place, field: &FieldDescriptor) -> String {
    let name = field.name();
    let code = match (&parent.chain, field.kind(), field.supports_presence()) {
        (None, Kind::String, true) => format!("this.{name}.as_deref()"),
        (None, Kind::String, false) => format!("Some(this.{name}.as_str())"),
        (None, _, true) => format!("this.{name}"),
        (None, _, false) => format!("Some(this.{name})"),
        (Some(chain), Kind::String, true) => format!("{chain}.and_then(|m| m.{name}.as_deref())"),
        (Some(chain), Kind::String, false) => format!("{chain}.map(|m| m.{name}.as_str())"),
        (Some(chain), _, true) => format!("{chain}.and_then(|m| m.{name})"),
        (Some(chain), _, false) => format!("{chain}.map(|m| m.{name})"),
    };
    match field.kind() {
        Kind::String => format!("Value::text({code})"),
        Kind::Bool => format!("Value::presence({code} == Some(true))"),
        _ => format!("Value::number({code}.map(i64::from))"),
    }
}

fn whole_number(parent: &Place, field: &FieldDescriptor) -> String {
    let name = field.name();
    let wide = matches!(field.kind(), Kind::Int64);
    let code = match (&parent.chain, field.supports_presence()) {
        (None, true) => format!("this.{name}.unwrap_or(0)"),
        (None, false) => format!("this.{name}"),
        (Some(chain), true) => format!("{chain}.and_then(|m| m.{name}).unwrap_or(0)"),
        (Some(chain), false) => format!("{chain}.map_or(0, |m| m.{name})"),
    };
    if wide { code } else { format!("i64::from({code})") }
}

fn prose(parent: &Place, field: &FieldDescriptor) -> String {
    let name = field.name();
    match (&parent.chain, field.supports_presence()) {
        (None, true) => format!("this.{name}.as_deref().unwrap_or(\"\")"),
        (None, false) => format!("this.{name}.as_str()"),
        (Some(chain), true) => {
            format!("{chain}.and_then(|m| m.{name}.as_deref()).unwrap_or(\"\")")
        }
        (Some(chain), false) => format!("{chain}.map_or(\"\", |m| m.{name}.as_str())"),
    }
}

fn step(parent: &Place, access: &str) -> String {
    match &parent.chain {
        None => format!("this.{access}"),
        Some(chain) => format!("{chain}.and_then(|m| m.{access})"),
    }
}

fn field(message: &MessageDescriptor, name: &str) -> Result<FieldDescriptor> {
    let field = message
        .get_field_by_name(name)
        .ok_or_else(|| format!("{} has no field {name}", message.full_name()))?;
    if field.is_list() || field.is_map() {
        return Err(format!("outside the subset: {} is a list", field.full_name()).into());
    }
    Ok(field)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Binds each sum that occurs more than once to a name, longest first.
fn hoist(
    mut code: String,
    mut compared: Option<Comparison>,
    reads: Reads,
    counts: BTreeMap<String, usize>,
) -> Compiled {
    let mut repeated: Vec<String> =
        counts.into_iter().filter(|(_, n)| *n > 1).map(|(code, _)| code).collect();
    repeated.sort_by_key(|sum| std::cmp::Reverse(sum.len()));
    let mut bindings: Vec<String> = Vec::new();
    for sum in repeated {
        // A part of a longer sum that is bound already occurs no more.
        if code.matches(&sum).count() < 2 {
            continue;
        }
        let name = format!("sum_{}", bindings.len());
        code = code.replace(&sum, &name);
        if let Some(compared) = &mut compared {
            compared.left = compared.left.replace(&sum, &name);
            compared.right = compared.right.replace(&sum, &name);
        }
        bindings.push(format!("let {name} = {sum};"));
    }
    Compiled { bindings, code, compared, operands: reads.operands, words: reads.words }
}
