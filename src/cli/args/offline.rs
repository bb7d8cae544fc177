//! What works on files alone.

use clap::Args;
use clap::builder::FalseyValueParser;
use nianbao::names::OrganId;
use nianbao::pb::{Edition, Scope};

use super::value::{edition, organ, scope, year};

/// Of `parse`.
#[derive(Args, Debug)]
pub(crate) struct ParseArgs {
    /// 文档，- 为标准输入 · The document, - for standard input
    pub file: String,
    /// 行政机关编号 · The organ
    #[arg(long, env = "NIANBAO_ORGAN", value_name = "ID", value_parser = organ)]
    pub organ: Option<OrganId>,
    /// 报告年度，默认取自标题 · The year, by default that of the title
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", value_parser = year())]
    pub year: Option<i32>,
    /// 报告范围：own 或 region · The scope: own or region
    #[arg(long, env = "NIANBAO_SCOPE", value_parser = scope)]
    pub scope: Option<Scope>,
}

/// Of `new`.
#[derive(Args, Debug)]
pub(crate) struct NewArgs {
    /// 行政机关编号 · The organ
    #[arg(long, env = "NIANBAO_ORGAN", value_name = "ID", value_parser = organ)]
    pub organ: OrganId,
    /// 报告年度 · The year
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", value_parser = year())]
    pub year: i32,
    /// 报告范围：own 或 region · The scope: own or region
    #[arg(long, env = "NIANBAO_SCOPE", default_value = "own", value_parser = scope)]
    pub scope: Scope,
    /// 上年报告，结转数由此转入 · Last year's report, to carry over from
    #[arg(long, env = "NIANBAO_FROM", value_name = "FILE")]
    pub from: Option<String>,
    /// 从此服务取上年报告 · Take last year's report from this server
    #[arg(long, env = "NIANBAO_SERVER", value_name = "URL", conflicts_with = "from")]
    pub server: Option<String>,
    /// 以谁的身份（仅限本机） · Who calls, from this machine only
    #[arg(long, env = "NIANBAO_PRINCIPAL", value_name = "NAME")]
    pub principal: Option<String>,
}

/// Of `set`.
#[derive(Args, Debug)]
pub(crate) struct SetArgs {
    /// 报告（JSON），就地修改 · The report (JSON), changed in place
    pub file: String,
    /// 地址=值；值为空、/ 或 — 表示空白 · ADDRESS=VALUE; empty, / or - for a blank
    #[arg(value_name = "ADDR=VALUE", required_unless_present = "explain")]
    pub assignments: Vec<String>,
    /// 情况说明，可重复 · Explain a finding, repeatable
    #[arg(long, env = "NIANBAO_EXPLAIN", value_name = "FINGERPRINT=TEXT")]
    pub explain: Vec<String>,
}

/// Of `validate`.
#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// 报告：JSON 或文档，- 为标准输入 · Reports: JSON or documents, - for standard input
    #[arg(required = true)]
    pub files: Vec<String>,
    /// 连同派生问题 · Show derived findings too
    #[arg(long, env = "NIANBAO_ALL", value_parser = FalseyValueParser::new())]
    pub all: bool,
}

/// Of `format`.
#[derive(Args, Debug)]
pub(crate) struct FormatArgs {
    /// 格式：2019 或 2021 · The edition: 2019 or 2021
    #[arg(long, env = "NIANBAO_EDITION", default_value = "2021", value_parser = edition)]
    pub edition: Edition,
}
