//! Writes `Check` for each message of the package: its CEL rules first, then the standard rules of
//! its fields, in the order of the schema.
//!
//! A standard rule outside the supported set fails the build, so that no rule is skipped in
//! silence.

use std::fmt::Write as _;

use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind,
    MessageDescriptor, OneofDescriptor,
};

use super::cel::{self, Compiled};
use super::options::{extension, flag, message, messages, number, set_fields, text};
use super::{PACKAGE, Result};

/// `buf.validate.Ignore`.
const IGNORE_IF_ZERO_VALUE: i64 = 1;
const IGNORE_ALWAYS: i64 = 3;

/// The source of all checks. `known` are the ids of the catalogue.
pub fn generate(
    pool: &DescriptorPool,
    all: &[MessageDescriptor],
    known: &[String],
) -> Result<String> {
    let mut writer = Writer {
        out: String::from("// Written by src/codegen from the rules of the schema.\n\n"),
        patterns: Vec::new(),
        known,
        on_message: extension(pool, "buf.validate.message")?,
        on_field: extension(pool, "buf.validate.field")?,
        on_oneof: extension(pool, "buf.validate.oneof")?,
    };
    for message in all {
        writer.message(message)?;
    }
    for (index, pattern) in writer.patterns.iter().enumerate() {
        writeln!(
            writer.out,
            "static PATTERN_{index}: LazyLock<Regex> = LazyLock::new(|| {{\n    \
             Regex::new({pattern:?}).expect(\"the schema compiler has read this pattern\")\n}});"
        )?;
    }
    Ok(indented(&writer.out))
}

/// Indents by brackets, so that the code can be read; what stands in strings and comments aside.
fn indented(source: &str) -> String {
    let mut out = String::with_capacity(source.len() * 2);
    let mut depth: usize = 0;
    for line in source.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (mut opened, mut closed_first, mut quoted, mut escaped) = (0_isize, 0, false, false);
        let code = if line.starts_with("//") { "" } else { line };
        for c in code.chars() {
            match c {
                '"' if !escaped => quoted = !quoted,
                '(' | '[' | '{' if !quoted => opened += 1,
                ')' | ']' | '}' if !quoted => {
                    opened -= 1;
                    closed_first = closed_first.min(opened);
                }
                _ => {}
            }
            escaped = quoted && c == '\\' && !escaped;
        }
        let before =
            depth.saturating_add_signed(closed_first.max(if line.starts_with([')', '}', ']']) {
                -1
            } else {
                0
            }));
        out.push_str(&"    ".repeat(before.min(12)));
        out.push_str(line);
        out.push('\n');
        if line == "}" && depth == 1 {
            out.push('\n');
        }
        depth = depth.saturating_add_signed(opened);
    }
    out
}

struct Writer<'a> {
    out: String,
    patterns: Vec<String>,
    known: &'a [String],
    on_message: ExtensionDescriptor,
    on_field: ExtensionDescriptor,
    on_oneof: ExtensionDescriptor,
}

impl Writer<'_> {
    fn message(&mut self, descriptor: &MessageDescriptor) -> Result<()> {
        writeln!(
            self.out,
            "impl Check for {} {{\n    fn check(&self, path: &Path<'_>, out: &mut Vec<Violation>) {{\n        \
             let this = self;\n        let _ = (this, path, &out);",
            rust_path(descriptor)
        )?;
        let options = descriptor.options();
        if let Some(rules) = options.get_extension(&self.on_message).as_message() {
            for name in set_fields(rules) {
                if name != "cel" {
                    return Err(outside(descriptor.full_name(), &name));
                }
            }
            for rule in messages(rules, "cel") {
                self.cel(descriptor, &rule)?;
            }
        }
        for oneof in descriptor.oneofs().filter(|o| !o.is_synthetic()) {
            self.oneof(&oneof)?;
        }
        for field in descriptor.fields() {
            let in_oneof = field.containing_oneof().is_some_and(|o| !o.is_synthetic());
            if !in_oneof {
                let own = format!("this.{}", field.name());
                self.field(&field, &own)?;
            }
        }
        self.out.push_str("    }\n}\n\n");
        Ok(())
    }

    fn cel(&mut self, descriptor: &MessageDescriptor, rule: &DynamicMessage) -> Result<()> {
        let id = text(rule, "id");
        self.known(&id)?;
        let compiled = cel::compile(&text(rule, "expression"), descriptor, &mut self.patterns)
            .map_err(|e| format!("rule {id} on {}: {e}", descriptor.full_name()))?;
        let bindings = compiled.bindings.join("\n            ");
        writeln!(
            self.out,
            "        // {id}: {}\n        let holds = (|| {{\n            {bindings}\n            \
             Some({})\n        }})();\n        \
             rule(path, {id:?}, holds, || {}, out);",
            text(rule, "message").replace('\n', " "),
            compiled.code,
            evidence(&compiled),
        )?;
        Ok(())
    }

    fn oneof(&mut self, oneof: &OneofDescriptor) -> Result<()> {
        let options = oneof.options();
        let name = oneof.name();
        if options.get_extension(&self.on_oneof).as_message().is_some_and(|r| flag(r, "required")) {
            self.known("required")?;
            writeln!(
                self.out,
                "        rule(&path.field({name:?}), \"required\", Some(this.{name}.is_some()), \
                 Evidence::default, out);"
            )?;
        }
        let module = snake(oneof.parent_message().name());
        for field in oneof.fields() {
            match self.ignored(&field) {
                IGNORE_ALWAYS => continue,
                0 => {}
                _ => return Err(outside(field.full_name(), "ignore in a oneof, but always")),
            }
            let variant = camel(field.name());
            writeln!(
                self.out,
                "        if let Some(pb::{module}::{}::{variant}(value)) = &this.{name} {{",
                camel(name)
            )?;
            self.present(&field, "value")?;
            self.out.push_str("        }\n");
        }
        Ok(())
    }

    /// The `buf.validate.Ignore` of a field.
    fn ignored(&self, field: &FieldDescriptor) -> i64 {
        let options = field.options();
        let rules = options.get_extension(&self.on_field).as_message().cloned();
        rules.as_ref().and_then(|r| number(r, "ignore")).unwrap_or(0)
    }

    /// A field outside a oneof; `own` is the Rust place.
    fn field(&mut self, field: &FieldDescriptor, own: &str) -> Result<()> {
        let options = field.options();
        let rules = options.get_extension(&self.on_field).as_message().cloned();
        let ignore = self.ignored(field);
        if ignore == IGNORE_ALWAYS {
            return Ok(());
        }
        let required = rules.as_ref().is_some_and(|r| flag(r, "required"));
        let name = field.name();
        if required {
            self.known("required")?;
        }
        let otherwise = if required {
            format!(
                " else {{\n            fail(&path.field({name:?}), \"required\", Evidence::absent(), out)\n        }}"
            )
        } else {
            String::new()
        };
        if field.cardinality() == Cardinality::Repeated {
            if required {
                return Err(outside(field.full_name(), "required on a list"));
            }
            return self.list(field, own, rules.as_ref());
        }
        let skip_zero = required || ignore == IGNORE_IF_ZERO_VALUE;
        if field.supports_presence() {
            writeln!(self.out, "        if let Some(value) = &{own} {{")?;
            self.present(field, "value")?;
            writeln!(self.out, "        }}{otherwise}")?;
        } else if skip_zero {
            let there = match field.kind() {
                Kind::String | Kind::Bytes => format!("!{own}.is_empty()"),
                Kind::Bool => own.to_owned(),
                _ => format!("{own} != 0"),
            };
            writeln!(self.out, "        if {there} {{\n            let value = &{own};")?;
            self.present(field, "value")?;
            writeln!(self.out, "        }}{otherwise}")?;
        } else {
            writeln!(self.out, "        {{\n            let value = &{own};")?;
            self.present(field, "value")?;
            self.out.push_str("        }\n");
        }
        Ok(())
    }

    fn list(
        &mut self,
        field: &FieldDescriptor,
        own: &str,
        rules: Option<&DynamicMessage>,
    ) -> Result<()> {
        let name = field.name();
        let of_list = rules.and_then(|r| message(r, "repeated"));
        if let Some(rules) = rules {
            only(rules, field, &["repeated", "ignore"])?;
        }
        if let Some(of_list) = &of_list {
            only(of_list, field, &["min_items", "max_items", "items"])?;
            for (key, id, operator) in [
                ("min_items", "repeated.min_items", ">="),
                ("max_items", "repeated.max_items", "<="),
            ] {
                if let Some(bound) = number(of_list, key) {
                    self.known(id)?;
                    writeln!(
                        self.out,
                        "        rule(&path.field({name:?}), {id:?}, Some({own}.len() {operator} {bound}), \
                         || Evidence::bounded(Value::number(i64::try_from({own}.len()).ok()), \"{operator} {bound}\"), out);"
                    )?;
                }
            }
        }
        let items = of_list.as_ref().and_then(|r| message(r, "items"));
        let nested = nested(field);
        if nested.is_none() && items.is_none() {
            return Ok(());
        }
        // A list far over its limit costs no more than one just over it.
        let bound = of_list.as_ref().and_then(|r| number(r, "max_items"));
        let taken = bound.map(|bound| format!(".take({})", 2 * bound)).unwrap_or_default();
        writeln!(
            self.out,
            "        for (index, value) in {own}.iter(){taken}.enumerate() {{\n            \
             let path = &path.item({name:?}, index);"
        )?;
        if nested.is_some() {
            self.out.push_str("            Check::check(value, path, out);\n");
        }
        if let Some(items) = &items {
            self.standard(field, items, "value", "path")?;
        }
        self.out.push_str("        }\n");
        Ok(())
    }

    /// The rules of a value that is there; `value` is the Rust name of a reference to it.
    fn present(&mut self, field: &FieldDescriptor, value: &str) -> Result<()> {
        let place = format!("&path.field({:?})", field.name());
        if nested(field).is_some() {
            writeln!(self.out, "            Check::check({value}, {place}, out);")?;
        }
        let options = field.options();
        let rules = options.get_extension(&self.on_field).as_message().cloned();
        match rules {
            Some(rules) => self.standard(field, &rules, value, &place),
            None => {
                writeln!(self.out, "            let _ = {value};")?;
                Ok(())
            }
        }
    }

    fn standard(
        &mut self,
        field: &FieldDescriptor,
        rules: &DynamicMessage,
        value: &str,
        place: &str,
    ) -> Result<()> {
        only(rules, field, &["required", "ignore", "int64", "int32", "string", "bytes", "enum"])?;
        writeln!(self.out, "            let _ = {value};")?;
        for kind in ["int64", "int32"] {
            let Some(bounds) = message(rules, kind) else {
                continue;
            };
            only(&bounds, field, &["gte", "lte"])?;
            let (Some(low), Some(high)) = (number(&bounds, "gte"), number(&bounds, "lte")) else {
                return Err(outside(field.full_name(), "a bound of one side"));
            };
            self.rule_line(
                place,
                &format!("{kind}.gte_lte"),
                &format!("(i64::from(*{value}) >= {low} && i64::from(*{value}) <= {high})"),
                &format!(
                    "Evidence::bounded(Value::number(Some(i64::from(*{value}))), \"{low}..{high}\")"
                ),
            )?;
        }
        if let Some(of_text) = message(rules, "string") {
            only(&of_text, field, &["max_bytes", "pattern"])?;
            if let Some(bound) = number(&of_text, "max_bytes") {
                self.rule_line(
                    place,
                    "string.max_bytes",
                    &format!("({value}.len() <= {bound})"),
                    &format!("Evidence::bounded(Value::number(i64::try_from({value}.len()).ok()), \"<= {bound}\")"),
                )?;
            }
            let pattern = text(&of_text, "pattern");
            if !pattern.is_empty() {
                let matches = cel::pattern(&mut self.patterns, &pattern, value)
                    .map_err(|e| format!("{}: {e}", field.full_name()))?;
                // protovalidate for Java holds a pattern against the whole text, all others look
                // for it anywhere: written out to both ends it says the same to all.
                if !pattern.trim_start_matches("(?s)").starts_with('^') || !pattern.ends_with('$') {
                    return Err(outside(field.full_name(), "pattern without ^ and $"));
                }
                self.rule_line(
                    place,
                    "string.pattern",
                    &matches,
                    &format!("Evidence::bounded(Value::text(Some({value}.as_str())), {pattern:?})"),
                )?;
            }
        }
        if let Some(of_bytes) = message(rules, "bytes") {
            only(&of_bytes, field, &["max_len"])?;
            let bound = number(&of_bytes, "max_len").unwrap_or(0);
            self.rule_line(
                place,
                "bytes.max_len",
                &format!("({value}.len() <= {bound})"),
                &format!("Evidence::bounded(Value::number(i64::try_from({value}.len()).ok()), \"<= {bound}\")"),
            )?;
        }
        if let Some(of_enum) = message(rules, "enum") {
            only(&of_enum, field, &["defined_only"])?;
            let Kind::Enum(descriptor) = field.kind() else {
                return Err(outside(field.full_name(), "enum"));
            };
            let numbers: Vec<String> =
                descriptor.values().map(|v| v.number().to_string()).collect();
            self.rule_line(
                place,
                "enum.defined_only",
                &format!("matches!(*{value}, {})", numbers.join(" | ")),
                &format!(
                    "Evidence::bounded(Value::number(Some(i64::from(*{value}))), {:?})",
                    numbers.join(", ")
                ),
            )?;
        }
        Ok(())
    }

    fn rule_line(&mut self, place: &str, id: &str, holds: &str, evidence: &str) -> Result<()> {
        self.known(id)?;
        writeln!(
            self.out,
            "            rule({place}, {id:?}, Some({holds}), || {evidence}, out);"
        )?;
        Ok(())
    }

    /// A rule that the catalogue does not describe must not run.
    fn known(&self, id: &str) -> Result<()> {
        if self.known.iter().any(|known| known == id) {
            return Ok(());
        }
        Err(format!("rule {id} has no entry in the option (nianbao.v1.rules)").into())
    }
}

/// Rust of type `Evidence` for a CEL rule.
fn evidence(compiled: &Compiled) -> String {
    let mut operands = String::new();
    for (path, value) in &compiled.operands {
        let _ = writeln!(operands, "({path:?}, {value}),");
    }
    let compared = match &compiled.compared {
        Some(c) => format!(
            "(|| {{\n{}\nSome(({}, {:?}, {}))\n}})()",
            compiled.bindings.join("\n"),
            c.left,
            c.relation,
            c.right
        ),
        None => "None".to_owned(),
    };
    let mut words = String::new();
    for (path, text, literal) in &compiled.words {
        let _ = write!(words, "({path:?}, {text}, {literal:?}), ");
    }
    format!("Evidence::of(vec![\n{operands}], {compared}, &[{words}])")
}

/// Whether the value is a message of the package, which has checks of its own.
fn nested(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(m) if m.package_name() == PACKAGE => Some(m),
        _ => None,
    }
}

fn only(rules: &DynamicMessage, field: &FieldDescriptor, allowed: &[&str]) -> Result<()> {
    for name in set_fields(rules) {
        if !allowed.contains(&name.as_str()) {
            return Err(outside(field.full_name(), &name));
        }
    }
    Ok(())
}

fn outside(place: &str, what: &str) -> Box<dyn std::error::Error> {
    format!("{place}: rule {what} is outside the supported subset").into()
}

/// The Rust type that prost gives a message, from `crate::pb`.
pub fn rust_path(descriptor: &MessageDescriptor) -> String {
    match descriptor.parent_message() {
        None => format!("pb::{}", descriptor.name()),
        Some(parent) => format!("pb::{}::{}", snake(parent.name()), descriptor.name()),
    }
}

/// The module that prost makes for what stands in a message.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && index > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut chars = word.chars();
            chars
                .next()
                .map_or_else(String::new, |c| c.to_ascii_uppercase().to_string() + chars.as_str())
        })
        .collect()
}
