//! The reference: a page for each service, one for what they share, and an index in each language.

use std::collections::BTreeMap;
use std::fmt::Write;

use prost_reflect::{
    EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor,
};
use serde_json::Value;

use super::fields::{constraints, presence, printed, scalar};
use super::text::{Comment, cell, code};
use super::{Language, PRINTED};
use crate::contract::{entries, files, option, pool, string};

/// What messages and enums stand on that belong to no single service.
const SHARED: &str = "messages.md";
/// What the errors of a method are led by in its comment.
const ERRORS: &str = "Errors include:";

/// Every page with its file.
pub fn pages() -> Vec<(String, String)> {
    let pool = pool();
    let mut files: Vec<_> = files(&pool).collect();
    files.sort_by(|a, b| a.name().cmp(b.name()));
    let mut pages: Vec<_> = files
        .iter()
        .flat_map(|file| file.services().map(move |service| (file, service)))
        .map(|(file, service)| (page_of(file), service_page(&service)))
        .collect();
    pages.push((SHARED.to_owned(), shared_page(&files)));
    for language in Language::BOTH {
        pages.push((language.file("README"), index(language, &files)));
    }
    pages
}

/// The names of all methods.
pub fn methods() -> Vec<String> {
    let pool = pool();
    files(&pool)
        .flat_map(|file| file.services().collect::<Vec<_>>())
        .flat_map(|service| service.methods().map(|m| m.name().to_owned()).collect::<Vec<_>>())
        .collect()
}

/// The page on which what a file holds is described.
fn page_of(file: &FileDescriptor) -> String {
    let stem = file.name().rsplit('/').next().unwrap().trim_end_matches(".proto");
    match file.services().len() {
        0 => SHARED.to_owned(),
        _ => format!("{stem}.md"),
    }
}

/// A name without our own package.
fn short(name: &str) -> &str {
    name.strip_prefix("nianbao.v1.").unwrap_or(name)
}

/// A name with a link to where it is described, if it is ours.
fn link(name: &str, file: &FileDescriptor) -> String {
    let shown = short(name);
    match shown == name {
        true => format!("`{name}`"),
        false => format!("[`{shown}`]({}#{shown})", page_of(file)),
    }
}

fn anchored(level: &str, name: &str, comment: &Comment) -> String {
    format!("{level} <a id=\"{name}\"></a>{name} {}\n\n", comment.label)
}

// --- services -------------------------------------------------------------------------------

fn service_page(service: &ServiceDescriptor) -> String {
    let file = service.parent_file();
    let comment = Comment::at(&file, service.path(), "");
    let mut out = format!("# {} {}\n\n{PRINTED}\n\n", service.name(), comment.label);
    writeln!(out, "`{}`, in `proto/{}`. {}\n", service.full_name(), file.name(), comment.line())
        .unwrap();
    out.push_str("| 方法 method | | deadline and retries |\n| --- | --- | --- |\n");
    let config = config();
    for method in service.methods() {
        let label = Comment::at(&file, method.path(), "").label;
        let name = method.name();
        let calls = &config[method.full_name()];
        writeln!(out, "| [{name}](#{name}) {label} | {} | {calls} |", streams(&method)).unwrap();
    }
    out.push_str(
        "\nDeadlines and retries are those of `clients/service_config.json`. Any call may also \
         fail with what [errors.md](../errors.md#any-call) names for any call.\n\n",
    );
    service.methods().for_each(|item| method(&mut out, &item));
    out.push_str("## Requests and answers\n\n");
    elements(&mut out, &file);
    finished(out)
}

fn streams(method: &MethodDescriptor) -> &'static str {
    match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => "one request, one answer",
        (true, false) => "a stream of requests, one answer",
        (false, true) => "one request, a stream of answers",
        (true, true) => "a stream of requests, a stream of answers",
    }
}

fn method(out: &mut String, method: &MethodDescriptor) {
    let file = method.parent_service().parent_file();
    let comment = Comment::at(&file, method.path(), "");
    out.push_str(&anchored("##", method.name(), &comment));
    let (input, output) = (method.input(), method.output());
    let stream = |streaming| if streaming { "a stream of " } else { "" };
    writeln!(
        out,
        "Takes {}{}, answers {}{}.\n",
        stream(method.is_client_streaming()),
        link(input.full_name(), &input.parent_file()),
        stream(method.is_server_streaming()),
        link(output.full_name(), &output.parent_file()),
    )
    .unwrap();
    for paragraph in &comment.paragraphs {
        match paragraph.strip_prefix("- ") {
            None if paragraph == ERRORS => {
                out.push_str("| code | reason | when |\n| --- | --- | --- |\n")
            }
            None => writeln!(out, "{paragraph}\n").unwrap(),
            Some(error) => out.push_str(&error_row(error)),
        }
    }
    if comment.paragraphs.iter().any(|paragraph| paragraph == ERRORS) {
        out.push('\n');
    }
}

/// "CODE `REASON`, `REASON`: when" as a row of a table.
fn error_row(error: &str) -> String {
    let (which, when) = error.split_once(": ").unwrap_or_else(|| panic!("no error: {error}"));
    let (code, reasons) = which.split_once(' ').unwrap_or_else(|| panic!("no error: {error}"));
    let reasons: Vec<String> = reasons
        .split(", ")
        .map(|reason| reason.trim_matches('`'))
        .map(|reason| format!("[`{reason}`](../errors.md#{reason})"))
        .collect();
    format!("| {code} | {} | {} |\n", reasons.join(", "), cell(when))
}

/// What the published service config says of each method, by its full name.
fn config() -> BTreeMap<String, String> {
    let config: Value =
        serde_json::from_str(include_str!("../../../clients/service_config.json")).unwrap();
    let mut out = BTreeMap::new();
    for entry in config["methodConfig"].as_array().unwrap() {
        let timeout = entry["timeout"].as_str().map_or("no deadline", |text| text);
        let retries = match entry.get("retryPolicy") {
            Some(policy) => format!("up to {} attempts", policy["maxAttempts"]),
            None => "not retried".to_owned(),
        };
        for name in entry["name"].as_array().unwrap() {
            let (service, method) = (name["service"].as_str(), name["method"].as_str());
            let name = format!("{}.{}", service.unwrap(), method.unwrap());
            out.insert(name, format!("{timeout}, {retries}"));
        }
    }
    out
}

// --- messages and enums ---------------------------------------------------------------------

fn shared_page(files: &[FileDescriptor]) -> String {
    let mut out = format!(
        "# Messages and enums 消息与枚举\n\n{PRINTED}\n\nWhat the services share, by the file of \
         the schema in which it stands. Requests and answers are on the pages of the services.\n\n"
    );
    for file in files.iter().filter(|file| page_of(file) == SHARED) {
        writeln!(out, "## {}\n", file.name()).unwrap();
        for extension in file.extensions() {
            let of = extension.containing_message();
            let kind = extension.kind();
            let kind = kind.as_message().unwrap();
            writeln!(
                out,
                "Option `({})` of `{}`, number {}: {}.\n",
                extension.full_name(),
                of.full_name(),
                extension.number(),
                link(kind.full_name(), &kind.parent_file()),
            )
            .unwrap();
        }
        elements(&mut out, file);
    }
    finished(out)
}

/// Messages and enums of a file, each with those inside it.
fn elements(out: &mut String, file: &FileDescriptor) {
    file.messages().for_each(|item| message(out, &item));
    file.enums().for_each(|item| enumeration(out, &item));
}

fn message(out: &mut String, message: &MessageDescriptor) {
    if message.is_map_entry() {
        return;
    }
    let file = message.parent_file();
    let comment = Comment::at(&file, message.path(), "");
    out.push_str(&anchored("###", short(message.full_name()), &comment));
    comment.paragraphs.iter().for_each(|text| writeln!(out, "{text}\n").unwrap());
    if message.fields().len() > 0 {
        out.push_str("| no. | field | type | 标签 label | takes | meaning |\n");
        out.push_str("| ---: | --- | --- | --- | --- | --- |\n");
        message.fields().for_each(|item| field(out, &file, &item));
        out.push('\n');
    }
    let rules = option(&message.options(), "nianbao.v1.rules");
    let rules = rules.map(|rules| entries(&rules, "rule")).unwrap_or_default();
    let rules: Vec<String> = rules
        .iter()
        .map(|rule| string(rule, "id"))
        .map(|id| format!("[`{id}`](../rules.md#{id})"))
        .collect();
    if !rules.is_empty() {
        writeln!(out, "Rules: {}\n", rules.join(", ")).unwrap();
    }
    message.child_messages().for_each(|item| self::message(out, &item));
    message.child_enums().for_each(|item| enumeration(out, &item));
}

fn field(out: &mut String, file: &FileDescriptor, field: &FieldDescriptor) {
    let options = option(&field.options(), "nianbao.v1.cell");
    let label = options.map(|options| string(&options, "label")).unwrap_or_default();
    let comment = Comment::at(file, field.path(), &label);
    let kind = match field.kind() {
        Kind::Message(item) if item.is_map_entry() => panic!("no words for maps: {item:?}"),
        Kind::Message(item) => link(item.full_name(), &item.parent_file()),
        Kind::Enum(item) => link(item.full_name(), &item.parent_file()),
        kind => scalar(&kind).unwrap(),
    };
    let printed = printed(field);
    let printed = if printed.is_empty() { printed } else { format!(" ({printed})") };
    writeln!(
        out,
        "| {} | {} | {}{kind} | {} | {} | {}{printed} |",
        field.number(),
        code(field.name()),
        presence(field),
        cell(&comment.label),
        constraints(field),
        comment.line(),
    )
    .unwrap();
}

fn enumeration(out: &mut String, item: &EnumDescriptor) {
    let file = item.parent_file();
    let comment = Comment::at(&file, item.path(), "");
    out.push_str(&anchored("###", short(item.full_name()), &comment));
    comment.paragraphs.iter().for_each(|text| writeln!(out, "{text}\n").unwrap());
    out.push_str("| no. | value | 标签 label | English | meaning |\n");
    out.push_str("| ---: | --- | --- | --- | --- |\n");
    for value in item.values() {
        let label = option(&value.options(), "nianbao.v1.label").unwrap();
        let (zh, en) = (string(&label, "zh"), string(&label, "en"));
        let comment = Comment::at(&file, value.path(), &zh);
        let meaning = comment.line();
        writeln!(out, "| {} | `{}` | {zh} | {en} | {meaning} |", value.number(), value.name())
            .unwrap();
    }
    out.push('\n');
}

// --- the index ------------------------------------------------------------------------------

fn index(language: Language, files: &[FileDescriptor]) -> String {
    let mut out = format!(
        "# {}\n\n{PRINTED}\n\n{}\n\n",
        language.of("Reference", "参考手册"),
        language.of(
            "[中文](README.zh-CN.md)\n\nPrinted from `proto/nianbao/v1`, of which each name \
             links to its description: fields with numbers, types, Chinese labels and what they \
             take.\n\
             [rules.md](../rules.md) is the catalogue of rules, [errors.md](../errors.md) the \
             list of errors.",
            "[English](README.md)\n\n由 `proto/nianbao/v1` 生成，名称链接到说明：字段编号、类型、\
             中文标签、取值范围。说明文字为英文，每项以中文标签开头。\n\
             规则目录见 [rules.zh-CN.md](../rules.zh-CN.md)，错误原因见 \
             [errors.zh-CN.md](../errors.zh-CN.md)。",
        ),
    );
    for service in files.iter().flat_map(|file| file.services().collect::<Vec<_>>()) {
        let file = service.parent_file();
        let (page, comment) = (page_of(&file), Comment::at(&file, service.path(), ""));
        writeln!(out, "## [{}]({page}) {}\n", service.name(), comment.label).unwrap();
        if language == Language::English {
            writeln!(out, "{}\n", comment.line()).unwrap();
        }
        for method in service.methods() {
            let (name, comment) = (method.name(), Comment::at(&file, method.path(), ""));
            let rest = match language {
                Language::English => format!(". {}", first_sentence(&comment)),
                Language::Chinese => streams_zh(&method).to_owned(),
            };
            writeln!(out, "- [`{name}`]({page}#{name}) {}{rest}", comment.label).unwrap();
        }
        out.push('\n');
    }
    writeln!(out, "## {}\n", language.of("Messages and enums", "消息与枚举")).unwrap();
    for file in files {
        let mut names: Vec<String> = Vec::new();
        file.messages().for_each(|item| listed(&mut names, &item));
        file.enums().for_each(|item| names.push(named(item.full_name(), file, item.path())));
        writeln!(out, "- `{}`: {}", file.name(), names.join(language.of(", ", "、"))).unwrap();
    }
    finished(out)
}

fn listed(names: &mut Vec<String>, message: &MessageDescriptor) {
    if message.is_map_entry() {
        return;
    }
    let file = message.parent_file();
    names.push(named(message.full_name(), &file, message.path()));
    message.child_messages().for_each(|item| listed(names, &item));
    message.child_enums().for_each(|item| names.push(named(item.full_name(), &file, item.path())));
}

fn named(name: &str, file: &FileDescriptor, path: &[i32]) -> String {
    format!("{} {}", link(name, file), Comment::at(file, path, "").label)
}

fn first_sentence(comment: &Comment) -> &str {
    let text = comment.paragraphs.first().map_or("", String::as_str);
    text.split_inclusive(". ").next().unwrap_or(text).trim()
}

fn streams_zh(method: &MethodDescriptor) -> &'static str {
    match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => "",
        (true, false) => "（请求为流）",
        (false, true) => "（应答为流）",
        (true, true) => "（请求、应答均为流）",
    }
}

/// A page ends with one line feed.
fn finished(mut out: String) -> String {
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[test]
fn reference_reads_an_error_as_a_row() {
    assert_eq!(
        error_row("NOT_FOUND `A_B`, `C`: a | b."),
        "| NOT_FOUND | [`A_B`](../errors.md#A_B), [`C`](../errors.md#C) | a \\| b. |\n"
    );
}
