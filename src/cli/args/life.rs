//! What takes a report from one state to the next.

use clap::Args;
use clap::builder::FalseyValueParser;
use nianbao::names::{OrganId, ReportId};

use super::Remote;
use super::value::{organ, report};

/// Of `submit`.
#[derive(Args, Debug)]
pub(crate) struct SubmitArgs {
    /// 报告：JSON、文档，或装有它们的文件夹 · Reports: JSON, documents, or folders of them
    #[arg(required_unless_present = "draft", conflicts_with = "draft")]
    pub files: Vec<String>,
    /// 提交已存的草稿 · Submit a stored draft
    #[arg(long, env = "NIANBAO_DRAFT", value_name = "NAME", value_parser = report)]
    pub draft: Option<ReportId>,
    #[command(flatten)]
    pub remote: Remote,
    /// 行政机关编号，替代报告中的 · The organ, in place of the report's
    #[arg(long, env = "NIANBAO_ORGAN", value_name = "ID", value_parser = organ)]
    pub organ: Option<OrganId>,
    /// 已公布、无法更正的旧报告：原样补录的理由 · Take a published report with its errors, and why
    #[arg(long, env = "NIANBAO_AS_PUBLISHED", value_name = "REASON")]
    pub as_published: Option<String>,
    /// 只在报告仍为此版本标识时 · Only while the report has this etag; for one report
    #[arg(long, env = "NIANBAO_ETAG", value_name = "ETAG")]
    pub etag: Option<String>,
    /// 只核对，不入库 · Check only, store nothing
    #[arg(long, env = "NIANBAO_VALIDATE_ONLY", value_parser = FalseyValueParser::new())]
    pub validate_only: bool,
}

/// Of `draft`.
#[derive(Args, Debug)]
pub(crate) struct DraftArgs {
    /// 报告：JSON、文档，或装有它们的文件夹 · Reports: JSON, documents, or folders of them
    #[arg(required = true)]
    pub files: Vec<String>,
    /// 行政机关编号，替代报告中的 · The organ, in place of the report's
    #[arg(long, env = "NIANBAO_ORGAN", value_name = "ID", value_parser = organ)]
    pub organ: Option<OrganId>,
    #[command(flatten)]
    pub write: Write,
}

/// How a step is written.
#[derive(Args, Clone, Debug)]
pub(crate) struct Write {
    /// 只在仍为此版本标识时 · Only while this is still the etag
    #[arg(long, env = "NIANBAO_ETAG", value_name = "ETAG")]
    pub etag: Option<String>,
    /// 请求标识：七日内重发只办一次 · A repetition under this id within seven days is done once
    #[arg(long, env = "NIANBAO_REQUEST_ID", value_name = "ID")]
    pub request_id: Option<String>,
    /// 只核对，不入库 · Check only, store nothing
    #[arg(long, env = "NIANBAO_VALIDATE_ONLY", value_parser = FalseyValueParser::new())]
    pub validate_only: bool,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `accept` and `publish`.
#[derive(Args, Debug)]
pub(crate) struct StepArgs {
    /// 报告名称 · organs/{organ}/reports/{year}-{own|region}
    #[arg(value_parser = report)]
    pub name: ReportId,
    #[command(flatten)]
    pub write: Write,
}

/// Of `amend` and `void`.
#[derive(Args, Debug)]
pub(crate) struct ReasonedArgs {
    /// 报告名称 · organs/{organ}/reports/{year}-{own|region}
    #[arg(value_parser = report)]
    pub name: ReportId,
    /// 理由 · Why
    #[arg(long, env = "NIANBAO_REASON", value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub write: Write,
}

/// Of `return`.
#[derive(Args, Debug)]
pub(crate) struct ReturnArgs {
    /// 报告名称 · organs/{organ}/reports/{year}-{own|region}
    #[arg(value_parser = report)]
    pub name: ReportId,
    /// 退回意见，可重复：单元格、规则编号或空=意见 · Repeatable: a cell, a rule or nothing = TEXT
    #[arg(long, env = "NIANBAO_REASON", value_name = "PLACE=TEXT", required = true)]
    pub reason: Vec<String>,
    #[command(flatten)]
    pub write: Write,
}
