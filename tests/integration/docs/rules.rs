//! The catalogue of rules, by class and by the message on which a rule stands.

use std::collections::BTreeMap;
use std::fmt::Write;

use nianbao::form::{self, Labelled};
use nianbao::pb::rule::Engine;
use nianbao::pb::{Edition, Rule, RuleClass};
use prost_reflect::{DescriptorPool, MessageDescriptor};

use super::text::Comment;
use super::{Language, PRINTED};
use crate::contract::{entries, messages, option, pool, string};

/// So many places are named one by one.
const PLACES_NAMED: usize = 4;

const CLASSES: [RuleClass; 6] = [
    RuleClass::Official,
    RuleClass::Logical,
    RuleClass::Presence,
    RuleClass::CrossYear,
    RuleClass::Narrative,
    RuleClass::Plausibility,
];

/// All rules as a page.
pub fn page(language: Language) -> String {
    let pool = pool();
    let owners = owners(&pool);
    let places = places(&pool);
    let rules = nianbao::rules::catalogue();
    let mut out = head(language, rules.len());
    let mut written = 0;
    for class in CLASSES {
        let of_class: Vec<_> = rules.iter().filter(|rule| rule.rule_class() == class).collect();
        if of_class.is_empty() {
            continue;
        }
        writeln!(out, "## {}\n", language.of(class.en(), class.zh())).unwrap();
        let mut by_owner: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in of_class {
            by_owner.entry(owners[&rule.id].full_name()).or_default().push(rule);
        }
        for (name, rules) in by_owner {
            let owner = pool.get_message_by_name(name).unwrap();
            let label = Comment::at(&owner.parent_file(), owner.path(), "").label;
            writeln!(out, "### {} {label}\n", name.trim_start_matches("nianbao.v1.")).unwrap();
            let at = places.get(name).map_or(&[][..], Vec::as_slice);
            for rule in &rules {
                self::rule(&mut out, language, rule, &owner, at);
            }
            written += rules.len();
        }
    }
    assert_eq!(written, rules.len(), "a rule of a class that is not in the list");
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn head(language: Language, count: usize) -> String {
    match language {
        Language::English => format!(
            "# Rules\n\n{PRINTED}\n\n[中文](rules.zh-CN.md)\n\n{count} rules, of reports, organs \
             and requests. An ERROR refuses what is submitted, a WARNING wants an explanation, \
             INFO asks for nothing.\nA rule runs as CEL or as a standard rule in every \
             protovalidate runtime; a native one runs in nianbao only, since it needs more than \
             an expression.\n\
             `FormatService.ListRules` serves the same catalogue.\n\n"
        ),
        Language::Chinese => format!(
            "# 规则目录\n\n{PRINTED}\n\n[English](rules.md)\n\n共 {count} 条规则，针对报告、\
             机关和请求。“错误”使提交被拒收，“警告”须附情况说明，“提示”无须处理。\n\
             “表达式”和“标准规则”在各语言的 protovalidate 中都会执行；\
             “服务端规则”单凭表达式写不出，只在 nianbao 中执行。\n\
             `FormatService.ListRules` 返回同一目录。\n\n"
        ),
    }
}

fn rule(
    out: &mut String,
    language: Language,
    rule: &Rule,
    owner: &MessageDescriptor,
    at: &[String],
) {
    let severity = rule.severity();
    let word = severity.as_str_name().trim_start_matches("SEVERITY_");
    writeln!(out, "#### <a id=\"{0}\"></a>`{0}`\n", rule.id).unwrap();
    writeln!(
        out,
        "**{}** {}{}\n",
        language.of(word, severity.zh()),
        language.of(&rule.text_en, &rule.text_zh),
        language.of(".", "。"),
    )
    .unwrap();
    let mut say = |en: &str, zh: &str, text: &str| {
        if !text.is_empty() {
            let colon = language.of(": ", "：");
            writeln!(out, "- {}{colon}{text}", language.of(en, zh)).unwrap();
        }
    };
    say("cell", "单元格", &cells(language, rule, owner, at));
    say("ground", "依据", &rule.ground);
    let missing = rule.missing_operand();
    say("missing operand", "缺项", language.of(missing.en(), missing.zh()));
    let editions: Vec<_> = rule.editions().map(|e: Edition| language.of(e.en(), e.zh())).collect();
    say("editions", "适用格式", &editions.join(language.of(", ", "、")));
    let engine = rule.engine();
    say("runs as", "执行方式", language.of(engine.en(), engine.zh()));
    let causes: Vec<_> = rule.implied_by.iter().map(|id| format!("[`{id}`](#{id})")).collect();
    say("explained by", "由何引起", &causes.join(language.of(", ", "、")));
    if engine == Engine::Cel {
        writeln!(out, "\n```text\n{}\n```", rule.expression).unwrap();
    }
    out.push('\n');
}

/// Of what a rule speaks: addresses in the form, or a field of a request or an organ.
fn cells(language: Language, rule: &Rule, owner: &MessageDescriptor, at: &[String]) -> String {
    if rule.engine() == Engine::Standard {
        return language.of("each field that has it", "凡有此规则的字段").to_owned();
    }
    if at.is_empty() {
        let name = owner.full_name().trim_start_matches("nianbao.v1.");
        return match rule.subject.as_str() {
            "" => format!("`{name}`"),
            subject => format!("`{name}.{subject}`"),
        };
    }
    let mut named: Vec<String> = at.iter().map(|path| cell(language, path, rule)).collect();
    if named.len() > PLACES_NAMED {
        let count = named.len();
        let first = named.swap_remove(0);
        return match language {
            Language::English => format!("{first}, and its like in {} more places", count - 1),
            Language::Chinese => format!("{first}等 {count} 处"),
        };
    }
    named.join(language.of(", ", "、"))
}

fn cell(language: Language, path: &str, rule: &Rule) -> String {
    let path: Vec<&str> = [path, &rule.subject].into_iter().filter(|s| !s.is_empty()).collect();
    let path = path.join(".");
    if path.is_empty() {
        return language.of("the whole report", "整份报告").to_owned();
    }
    let (_, place) = form::place(&path).unwrap_or_else(|| panic!("{path} is no place"));
    // A field of an item of a list has no address of its own; the nearest above it stands for it.
    format!("{} `{path}`", place.zh)
}

/// The message on which each rule stands.
fn owners(pool: &DescriptorPool) -> BTreeMap<String, MessageDescriptor> {
    let mut owners = BTreeMap::new();
    for message in messages(pool) {
        let rules = option(&message.options(), "nianbao.v1.rules");
        for rule in rules.map(|rules| entries(&rules, "rule")).unwrap_or_default() {
            owners.insert(string(&rule, "id"), message.clone());
        }
    }
    owners
}

/// The paths from a report at which a message stands, by the name of the message.
fn places(pool: &DescriptorPool) -> BTreeMap<String, Vec<String>> {
    let report = pool.get_message_by_name("nianbao.v1.Report").unwrap();
    let mut places = BTreeMap::new();
    walk(&report, "", &mut places);
    places
}

fn walk(message: &MessageDescriptor, path: &str, places: &mut BTreeMap<String, Vec<String>>) {
    places.entry(message.full_name().to_owned()).or_default().push(path.to_owned());
    for field in message.fields() {
        let kind = field.kind();
        let Some(inner) = kind.as_message().filter(|m| m.package_name() == "nianbao.v1") else {
            continue;
        };
        let dot = if path.is_empty() { "" } else { "." };
        let item = if field.is_list() { "[]" } else { "" };
        walk(inner, &format!("{path}{dot}{}{item}", field.name()), places);
    }
}
