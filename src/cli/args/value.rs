//! Values as they are typed, and what to type instead.

use nianbao::names::{OrganId, ReportId, scope_of};
use nianbao::pb::{Edition, Scope, organ};

pub(super) fn organ(text: &str) -> Result<OrganId, String> {
    let id = OrganId::from_name(text).or_else(|| OrganId::parse(text));
    id.ok_or_else(|| "应为机关编号，如 · expected an id such as lc-housing".to_owned())
}

pub(super) fn report(text: &str) -> Result<ReportId, String> {
    let expected = "应如 · expected a name such as organs/lc-housing/reports/2023-own";
    ReportId::from_name(text).ok_or_else(|| expected.to_owned())
}

/// A report, or a revision of one.
pub(super) fn revision(text: &str) -> Result<String, String> {
    let expected = "应如 · expected a name such as organs/lc-housing/reports/2023-own or \
                    organs/lc-housing/reports/2023-own/revisions/2";
    match ReportId::with_revision(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(expected.to_owned()),
    }
}

pub(super) fn year() -> clap::builder::RangedI64ValueParser<i32> {
    clap::value_parser!(i32).range(2019..=2099)
}

/// A year in the history of an organ.
pub(super) fn organ_year() -> clap::builder::RangedI64ValueParser<i32> {
    clap::value_parser!(i32).range(1949..=2099)
}

pub(super) fn scope(text: &str) -> Result<Scope, String> {
    scope_of(text).ok_or_else(|| "应为 · expected own, region".to_owned())
}

pub(super) fn edition(text: &str) -> Result<Edition, String> {
    let edition = Edition::from_str_name(&format!("EDITION_{text}"));
    edition
        .filter(|e| *e != Edition::Unspecified)
        .ok_or_else(|| "应为 · expected 2019, 2021".to_owned())
}

pub(super) fn level(text: &str) -> Result<organ::Level, String> {
    let named = organ::Level::from_str_name(&format!("LEVEL_{}", constant(text)));
    named.ok_or_else(|| expected((0..).map_while(|n| organ::Level::try_from(n).ok()), "LEVEL_"))
}

pub(super) fn kind(text: &str) -> Result<organ::Kind, String> {
    let named = organ::Kind::from_str_name(&format!("KIND_{}", constant(text)));
    named.ok_or_else(|| expected((0..).map_while(|n| organ::Kind::try_from(n).ok()), "KIND_"))
}

pub(super) fn constant(word: &str) -> String {
    word.replace('-', "_").to_uppercase()
}

/// The words of an enum, as the schema has them.
fn expected<E: EnumName>(values: impl Iterator<Item = E>, prefix: &str) -> String {
    let words: Vec<String> = values
        .skip(1)
        .map(|v| v.name().trim_start_matches(prefix).to_lowercase().replace('_', "-"))
        .collect();
    format!("应为 · expected {}", words.join(", "))
}

trait EnumName {
    fn name(&self) -> &'static str;
}

impl EnumName for organ::Level {
    fn name(&self) -> &'static str {
        self.as_str_name()
    }
}

impl EnumName for organ::Kind {
    fn name(&self) -> &'static str {
        self.as_str_name()
    }
}
