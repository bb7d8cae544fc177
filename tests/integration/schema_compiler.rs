//! What the schema compiler refuses: the build fails, and says the id of the rule or the field.
//!
//! `build.rs` runs the compiler; here it is built into the tests and given small schemas.

#[path = "../../src/codegen/mod.rs"]
mod codegen;

use std::fs;
use std::path::{Path, PathBuf};

use prost_reflect::DescriptorPool;
use protox::Compiler;
use protox::file::{
    ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver,
};

/// The name under which the small schema is compiled.
const TOY: &str = "nianbao/v1/toy.proto";

/// A schema that the compiler takes. The tests put one flaw into it.
const SOUND: &str = r#"
syntax = "proto3";
package nianbao.v1;
import "buf/validate/validate.proto";
import "nianbao/v1/finding.proto";
import "nianbao/v1/format_service.proto";
import "nianbao/v1/options.proto";
message Report {
  option (buf.validate.message).cel = {
    id: "toy.sum"
    message: "合计不符"
    expression: "this.total == this.part + this.rest || !has(this.total)"
  };
  option (nianbao.v1.rules) = {
    rule: { id: "toy.sum" severity: SEVERITY_ERROR text_en: "the sum is wrong" }
    rule: { id: "int32.gte_lte" text_zh: "超出范围" text_en: "out of range" }
    rule: { id: "int64.gte_lte" text_zh: "超出范围" text_en: "out of range" }
    rule: { id: "string.max_bytes" text_zh: "过长" text_en: "too long" }
    rule: { id: "string.pattern" text_zh: "写法不符" text_en: "not of the form" }
    rule: { id: "enum.defined_only" text_zh: "未定义" text_en: "not defined" }
    // MORE ENTRIES
  };
  optional int64 total = 1 [
    (nianbao.v1.cell) = { label: "总计" label_en: "total" },
    (buf.validate.field).int64 = { gte: 0 lte: 9 }
  ];
  int64 part = 2 [(nianbao.v1.cell) = { label: "部分" label_en: "part" }];
  int64 rest = 3 [(nianbao.v1.cell) = { label: "其余" label_en: "rest" }];
  string note = 4 [
    (nianbao.v1.cell) = { label: "附注" label_en: "note" },
    (buf.validate.field).string.pattern = "^[a-z]*$"
  ];
  repeated int64 items = 5 [(nianbao.v1.cell) = { label: "各项" label_en: "items" }];
  // MORE FIELDS
}
// MORE MESSAGES
"#;

/// The expression of the sound schema, which most tests replace.
const EXPRESSION: &str = "this.total == this.part + this.rest || !has(this.total)";

#[test]
fn takes_a_sound_schema_and_writes_readable_checks() {
    let out = generate("sound", SOUND).expect("the schema is sound");
    let checks = fs::read_to_string(out.join("checks.rs")).expect("the checks are written");
    assert!(checks.contains("// toy.sum: 合计不符"), "{checks}");
    assert!(checks.contains(".checked_add(this.rest)?"), "{checks}");
}

#[test]
fn refuses_a_rule_that_names_an_unknown_field() {
    refuses_expression("this.total == this.parts", &["nianbao.v1.Report has no field parts"]);
    refuses_expression("has(this.totals)", &["nianbao.v1.Report has no field totals"]);
    refuses_expression("this.total.part == 0", &["nianbao.v1.Report.total is no message"]);
    refuses_expression("that.total == 0", &["that"]);
}

#[test]
fn refuses_a_rule_that_is_no_truth_value() {
    refuses_expression("this.part + this.rest", &["not a truth value"]);
    refuses_expression("this.note", &["not a truth value"]);
    // The form of protovalidate in which a rule answers its own message.
    refuses_expression("this.part > 0 ? '' : 'no part'", &["outside the subset"]);
}

#[test]
fn refuses_a_rule_outside_the_subset() {
    for (expression, what) in [
        ("this.part > 0 ? has(this.total) : !has(this.total)", "_?_:_"),
        ("this.items.all(i, i > 0)", "outside the subset"),
        ("this.items.size() > 0", "literal string"),
        ("size(this.note) > 0", "outside the subset"),
        ("this.items[0] == 1", "Report.items is a list"),
        ("this.items == 1", "Report.items is a list"),
        ("has(this.items)", "Report.items is a list"),
        ("this.part / 2 == 1", "_/_"),
        ("this.part % 2 == 1", "_%_"),
        ("this.part in [1, 2]", "outside the subset"),
        ("double(this.part) > 0.5", "outside the subset"),
        ("this.part > 0.5", "outside the subset"),
        ("this.note.startsWith('a')", "startsWith"),
        ("this.note.matches(this.note)", "literal string"),
        ("this.note == this.part", "_==_"),
        ("this.note < 1", "_<_"),
        ("!this.part", "!_"),
        ("this.part && true", "outside the subset"),
        ("this == this", "_==_"),
    ] {
        refuses_expression(expression, &[what]);
    }
}

#[test]
fn refuses_has_of_a_field_without_presence() {
    refuses_expression("has(this.part)", &["nianbao.v1.Report.part", "no presence"]);
}

#[test]
fn refuses_a_rule_that_cannot_be_parsed() {
    refuses_expression("this.part == ", &[]);
    refuses_expression("", &[]);
}

#[test]
fn refuses_patterns_that_runtimes_read_differently() {
    for class in ["\\\\s", "\\\\d", "\\\\w", "\\\\b", "\\\\S", "\\\\D", "\\\\W", "\\\\B"] {
        let expression = format!("this.note.matches('{}')", class.replace('\\', "\\\\"));
        refuses_expression(&expression, &["Unicode here and ASCII in RE2"]);
        let flawed = SOUND.replace("^[a-z]*$", class);
        refuses(&flawed, &["nianbao.v1.Report.note", "ASCII in RE2"]);
    }
    refuses_expression("this.note.matches('[')", &["pattern"]);
    let flawed = SOUND.replace("^[a-z]*$", "(?=a)");
    refuses(&flawed, &["nianbao.v1.Report.note", "pattern"]);
    for open in ["[a-z]", "^[a-z]", "[a-z]$"] {
        let flawed = SOUND.replace("^[a-z]*$", open);
        refuses(&flawed, &["nianbao.v1.Report.note", "pattern without ^ and $"]);
    }
}

#[test]
fn refuses_standard_rules_that_it_does_not_compile() {
    let pattern = "(buf.validate.field).string.pattern = \"^[a-z]*$\"";
    let bounds = "(buf.validate.field).int64 = { gte: 0 lte: 9 }";
    for (old, new, field, what) in [
        (pattern, "(buf.validate.field).string.email = true", "note", "email"),
        (pattern, "(buf.validate.field).string.min_len = 1", "note", "min_len"),
        (
            pattern,
            "(buf.validate.field).cel = { id: \"toy.note\" expression: \"this != ''\" }",
            "note",
            "cel",
        ),
        (bounds, "(buf.validate.field).int64.gte = 0", "total", "one side"),
        (bounds, "(buf.validate.field).int64 = { gt: 0 lte: 9 }", "total", "gt"),
        (bounds, "(buf.validate.field).int64.const = 1", "total", "const"),
    ] {
        refuses(&replaced(SOUND, old, new), &[&format!("nianbao.v1.Report.{field}"), what]);
    }
    for (rule, what) in [
        ("(buf.validate.field).repeated.unique = true", "unique"),
        ("(buf.validate.field).required = true", "required"),
    ] {
        let entry = "rule: { id: \"required\" text_zh: \"必填\" text_en: \"a value is required\" }";
        let flawed = replaced(SOUND, "// MORE ENTRIES", entry);
        let field =
            format!("repeated int64 more = 6 [{rule}, (nianbao.v1.cell) = {{ label: \"更多\" }}];");
        let flawed = replaced(&flawed, "// MORE FIELDS", &field);
        refuses(&flawed, &["nianbao.v1.Report.more", what]);
    }
}

#[test]
fn refuses_a_rule_without_an_entry_in_the_catalogue() {
    let entry = "rule: { id: \"toy.sum\" severity: SEVERITY_ERROR text_en: \"the sum is wrong\" }";
    refuses(&replaced(SOUND, entry, ""), &["rule toy.sum has no entry"]);
    // A standard rule needs one as well: it must not run undescribed.
    let entry = "rule: { id: \"int64.gte_lte\" text_zh: \"超出范围\" text_en: \"out of range\" }";
    refuses(&replaced(SOUND, entry, ""), &["rule int64.gte_lte has no entry"]);
}

#[test]
fn refuses_an_entry_without_texts() {
    let flawed = replaced(SOUND, " text_en: \"the sum is wrong\"", "");
    refuses(&flawed, &["rule toy.sum lacks a text"]);
    refuses(&replaced(SOUND, "message: \"合计不符\"", ""), &["rule toy.sum lacks a text"]);
}

#[test]
fn refuses_an_id_that_is_used_twice() {
    let again = "rule: { id: \"toy.sum\" text_en: \"again\" text_zh: \"又\" }";
    let twice_described = replaced(SOUND, "// MORE ENTRIES", again);
    refuses(&twice_described, &["rule id toy.sum is used twice"]);

    let cel = "option (buf.validate.message).cel = {\n\
               id: \"toy.sum\" message: \"又\" expression: \"this.part == 0\" };";
    let twice_on_one_message = replaced(SOUND, "// MORE FIELDS", cel);
    refuses(&twice_on_one_message, &["rule id toy.sum is used twice"]);

    let other = format!(
        "message Other {{ int64 part = 1;\n{cel}\noption (nianbao.v1.rules) = {{ {again} }}; }}"
    );
    let on_two_messages = replaced(SOUND, "// MORE MESSAGES", &other);
    refuses(&on_two_messages, &["rule id toy.sum is used twice"]);
}

#[test]
fn refuses_a_cause_that_does_not_exist() {
    let flawed = replaced(
        SOUND,
        "severity: SEVERITY_ERROR",
        "severity: SEVERITY_ERROR implied_by: \"toy.none\"",
    );
    refuses(&flawed, &["rule toy.sum is implied by toy.none"]);
}

#[test]
fn refuses_rules_of_a_message_that_are_no_expressions() {
    let flawed = replaced(
        SOUND,
        "// MORE MESSAGES",
        "message Other { int64 part = 1;\n\
         option (buf.validate.message).oneof = { fields: [\"part\"] }; }",
    );
    refuses(&flawed, &["nianbao.v1.Other", "oneof"]);
}

/// Wants the schema with this expression to be refused, with the id of the rule and each text.
#[track_caller]
fn refuses_expression(expression: &str, texts: &[&str]) {
    let schema = replaced(SOUND, EXPRESSION, &expression.replace('\\', "\\\\"));
    let texts: Vec<&str> = texts.iter().copied().chain(["rule toy.sum"]).collect();
    refuses(&schema, &texts);
}

/// Wants the schema to be refused, with each text in the message.
#[track_caller]
fn refuses(schema: &str, texts: &[&str]) {
    let Err(error) = generate("flawed", schema) else {
        panic!("the compiler takes\n{schema}");
    };
    for text in texts {
        assert!(error.contains(text), "{error:?} does not say {text:?}");
    }
}

#[track_caller]
fn replaced(schema: &str, old: &str, new: &str) -> String {
    assert_eq!(schema.matches(old).count(), 1, "{old}");
    schema.replace(old, new)
}

/// Runs the schema compiler; the folder of what it wrote, or what it says.
fn generate(name: &str, schema: &str) -> Result<PathBuf, String> {
    let pool = pool(schema);
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema-compiler").join(name);
    fs::create_dir_all(&out).expect("the target folder can be written");
    codegen::generate(&pool, &out).map_err(|e| e.to_string())?;
    Ok(out)
}

/// The schema must be valid protobuf: what is tested comes after that.
fn pool(schema: &str) -> DescriptorPool {
    let mut files = ChainFileResolver::new();
    files.add(Toy(schema.to_owned()));
    files.add(GoogleFileResolver::new());
    files.add(IncludeFileResolver::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("proto")));
    let mut compiler = Compiler::with_file_resolver(files);
    compiler.include_imports(true);
    compiler.open_file(TOY).unwrap_or_else(|e| panic!("no valid protobuf: {e}\n{schema}"));
    compiler.descriptor_pool()
}

struct Toy(String);

impl FileResolver for Toy {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == TOY {
            return File::from_source(name, &self.0);
        }
        Err(protox::Error::file_not_found(name))
    }
}
