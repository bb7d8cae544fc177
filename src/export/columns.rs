//! What stands beside the figures of a record, column by column.

use super::record::{Record, What};
use crate::form::Labelled;
use crate::pb::{Basis, Edition, ExportHeads, Scope, organ, report};

/// What a column holds.
pub(super) enum Text {
    /// Somebody's words: a spreadsheet must not take them for a formula.
    Words(String),
    /// Words or figures of this program.
    Own(String),
}

/// A column beside the figures.
pub(super) struct Column {
    name: &'static str,
    zh: &'static str,
    text: fn(&Record, ExportHeads) -> Text,
}

impl Column {
    /// Its head.
    pub(super) fn head(&self, heads: ExportHeads) -> &'static str {
        if speaks_chinese(heads) { self.zh } else { self.name }
    }

    /// What it has of a record.
    pub(super) fn text(&self, record: &Record, heads: ExportHeads) -> Text {
        (self.text)(record, heads)
    }
}

/// Whether a file speaks Chinese.
pub(super) fn speaks_chinese(heads: ExportHeads) -> bool {
    match heads {
        ExportHeads::Unspecified | ExportHeads::Labels => true,
        ExportHeads::Paths => false,
    }
}

const ORGAN: Column = column("organ", "行政机关", |r, _| own(&r.organ.name));
const DISPLAY_NAME: Column =
    column("display_name", "机关名称", |r, _| Text::Words(r.organ.display_name.clone()));
const YEAR: Column = column("year", "年度", |r, _| own(r.year));

/// Those of reports.
pub(super) const OF_REPORTS: &[Column] = &[
    ORGAN,
    DISPLAY_NAME,
    column("level", "层级", |r, heads| word(&level(r.organ.level), heads)),
    column("kind", "机关类型", |r, heads| word(&kind(r.organ.kind), heads)),
    column("sector", "条线", |r, _| Text::Words(r.organ.sector.clone())),
    column("division_code", "区划代码", |r, _| own(&r.organ.division_code)),
    YEAR,
    column("scope", "报告范围", |r, heads| of_revision(r, |r| word(&r.0, heads))),
    column("edition", "报告格式", |r, heads| word(&edition(r.report.edition()), heads)),
    column("revision", "版本", |r, _| of_revision(r, |r| own(r.2))),
    column("state", "状态", |r, heads| of_revision(r, |r| word(&r.1, heads))),
    column("as_published", "原样补录", |r, heads| {
        of_revision(r, |r| match (speaks_chinese(heads), r.3) {
            (true, true) => own("是"),
            (true, false) => own("否"),
            (false, truth) => own(truth),
        })
    }),
];

/// Those of sums.
pub(super) const OF_SUMS: &[Column] = &[
    ORGAN,
    DISPLAY_NAME,
    YEAR,
    column("basis", "汇总口径", |r, heads| word(&basis(r.basis), heads)),
    column("tree_year", "隶属年度", |r, _| own(r.tree_year)),
    column("group_key", "组别", |r, _| {
        Text::Words(r.group().map(|group| group.key.clone()).unwrap_or_default())
    }),
    column("group_label", "组名", |r, _| {
        Text::Words(r.group().map(|group| group.label.clone()).unwrap_or_default())
    }),
    column("expected", "应报机关数", |r, _| covered(r, |c| own(c.expected))),
    column("included", "已汇总机关数", |r, _| covered(r, |c| own(c.included))),
    column("missing", "缺报机关数", |r, _| covered(r, |c| own(c.missing))),
    column("covered_by_region", "政府汇总涵盖数", |r, _| {
        covered(r, |c| own(c.covered_by_region))
    }),
    column("unaccepted", "未接收计入数", |r, _| covered(r, |c| own(c.unaccepted))),
    column("as_published", "原样补录数", |r, _| covered(r, |c| own(c.as_published))),
    column("revision_digest", "版本摘要", |r, _| covered(r, |c| own(&c.revision_digest))),
];

const fn column(
    name: &'static str,
    zh: &'static str,
    text: fn(&Record, ExportHeads) -> Text,
) -> Column {
    Column { name, zh, text }
}

fn own(text: impl ToString) -> Text {
    Text::Own(text.to_string())
}

fn covered(record: &Record, text: impl Fn(&crate::pb::Coverage) -> Text) -> Text {
    record.coverage().map_or_else(|| own(""), text)
}

/// Of a revision: scope, state, name, whether as published.
fn of_revision(record: &Record, text: impl Fn((Word, Word, &str, bool)) -> Text) -> Text {
    match &record.what {
        What::Revision { name, scope: of, state, as_published } => {
            text((scope(*of), self::state(*state), name, *as_published))
        }
        What::Sum { .. } => own(""),
    }
}

/// A value of an enum, as a program and as a person calls it.
pub(super) struct Word {
    /// Such as `COUNTY`.
    pub(super) constant: &'static str,
    /// The Chinese label; empty where nothing is stated.
    pub(super) zh: &'static str,
}

fn word(word: &Word, heads: ExportHeads) -> Text {
    own(if speaks_chinese(heads) { word.zh } else { word.constant })
}

fn named(name: &'static str, prefix: &str, labelled: impl Labelled) -> Word {
    let constant = name.strip_prefix(prefix).unwrap_or(name);
    let zh = if constant == "UNSPECIFIED" { "" } else { labelled.zh() };
    Word { constant, zh }
}

pub(super) fn level(level: organ::Level) -> Word {
    named(level.as_str_name(), "LEVEL_", level)
}

pub(super) fn kind(kind: organ::Kind) -> Word {
    named(kind.as_str_name(), "KIND_", kind)
}

pub(super) fn scope(scope: Scope) -> Word {
    named(scope.as_str_name(), "SCOPE_", scope)
}

pub(super) fn edition(edition: Edition) -> Word {
    named(edition.as_str_name(), "EDITION_", edition)
}

pub(super) fn state(state: report::State) -> Word {
    named(state.as_str_name(), "STATE_", state)
}

pub(super) fn basis(basis: Basis) -> Word {
    named(basis.as_str_name(), "BASIS_", basis)
}
