//! Values as they are typed, and what to type instead.

use nianbao::names::{OrganId, ReportId, scope_of};
use nianbao::pb::get_coverage_request::Only;
use nianbao::pb::{Basis, DocumentType, Edition, ExportHeads, GroupBy, OrganTree, Scope, organ};

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

pub(super) fn basis(text: &str) -> Result<Basis, String> {
    let named = Basis::from_str_name(&format!("BASIS_{}", constant(text)));
    named.ok_or_else(|| expected((0..).map_while(|n| Basis::try_from(n).ok()), "BASIS_"))
}

pub(super) fn tree(text: &str) -> Result<OrganTree, String> {
    let named = OrganTree::from_str_name(&format!("ORGAN_TREE_{}", constant(text)));
    named.ok_or_else(|| expected((0..).map_while(|n| OrganTree::try_from(n).ok()), "ORGAN_TREE_"))
}

pub(super) fn group_by(text: &str) -> Result<GroupBy, String> {
    let named = GroupBy::from_str_name(&format!("GROUP_BY_{}", constant(text)));
    named.ok_or_else(|| expected((0..).map_while(|n| GroupBy::try_from(n).ok()), "GROUP_BY_"))
}

pub(super) fn heads(text: &str) -> Result<ExportHeads, String> {
    let named = ExportHeads::from_str_name(&format!("EXPORT_HEADS_{}", constant(text)));
    let all = (0..).map_while(|n| ExportHeads::try_from(n).ok());
    named.ok_or_else(|| expected(all, "EXPORT_HEADS_"))
}

pub(super) fn document_type(text: &str) -> Result<DocumentType, String> {
    let named = DocumentType::from_str_name(&format!("DOCUMENT_TYPE_{}", constant(text)));
    let all = (0..).map_while(|n| DocumentType::try_from(n).ok());
    named
        .filter(|named| *named != DocumentType::Unspecified)
        .ok_or_else(|| expected(all, "DOCUMENT_TYPE_"))
}

pub(super) fn only(text: &str) -> Result<Only, String> {
    let named = Only::from_str_name(&format!("ONLY_{}", constant(text)));
    named.ok_or_else(|| expected((0..).map_while(|n| Only::try_from(n).ok()), "ONLY_"))
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

macro_rules! named {
    ($($name:path),*) => {
        $(impl EnumName for $name {
            fn name(&self) -> &'static str {
                self.as_str_name()
            }
        })*
    };
}

named!(organ::Level, organ::Kind, Basis, OrganTree, GroupBy, Only, ExportHeads, DocumentType);
