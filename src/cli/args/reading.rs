//! What reads from a server.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use nianbao::names::{OrganId, ReportId};
use nianbao::pb::get_coverage_request::Only;
use nianbao::pb::{Basis, DocumentType, ExportHeads, GroupBy, OrganTree};

use super::Remote;
use super::value::{
    basis, document_type, group_by, heads, only, organ, report, revision, tree, year,
};
use crate::cli::moment::{self, Moment};

/// Of `get`.
#[derive(Args, Debug)]
pub(crate) struct GetArgs {
    /// 报告名称，可带版本 · organs/{organ}/reports/{year}-{own|region}, perhaps with a revision
    #[arg(value_parser = revision)]
    pub name: String,
    /// 版本号，默认最新 · The number of a revision, by default the latest
    #[arg(long, env = "NIANBAO_REVISION", value_name = "N", conflicts_with = "effective",
          value_parser = clap::value_parser!(i32).range(1..=999_999_999))]
    pub revision: Option<i32>,
    /// 生效版本，即计入汇总的版本 · The effective revision, which counts in sums
    #[arg(long, env = "NIANBAO_EFFECTIVE", value_parser = FalseyValueParser::new())]
    pub effective: bool,
    /// 截至当时：位置、RFC 3339 时间或日期 · As it stood at a position, an RFC 3339 time or a day
    #[arg(long, env = "NIANBAO_AS_OF", value_name = "WHEN", value_parser = moment::read)]
    pub as_of: Option<Moment>,
    /// 至少包含此位置（取自回执） · Include at least this position, from a receipt
    #[arg(long, env = "NIANBAO_AT_LEAST", value_name = "POSITION")]
    pub at_least: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `history` and `revisions`.
#[derive(Args, Debug)]
pub(crate) struct HistoryArgs {
    /// 报告名称 · organs/{organ}/reports/{year}-{own|region}
    #[arg(value_parser = report)]
    pub name: ReportId,
    /// 至多条数 · At most so many
    #[arg(long, env = "NIANBAO_LIMIT", default_value_t = 1000, value_name = "N")]
    pub limit: usize,
    /// 至少包含此位置（取自回执） · Include at least this position, from a receipt
    #[arg(long, env = "NIANBAO_AT_LEAST", value_name = "POSITION")]
    pub at_least: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `diff`.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// 甲：报告或版本名称，或文件 · The name of a report or revision, or a file
    pub left: String,
    /// 乙：报告或版本名称，或文件 · The name of a report or revision, or a file
    pub right: String,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `watch`.
#[derive(Args, Debug)]
pub(crate) struct WatchArgs {
    /// 从此位置之后开始，默认从现在 · After this position, by default from now on
    #[arg(long, env = "NIANBAO_AFTER", value_name = "POSITION")]
    pub after: Option<String>,
    /// 从头开始 · From the first change on
    #[arg(long, env = "NIANBAO_ALL", conflicts_with = "after")]
    #[arg(value_parser = FalseyValueParser::new())]
    pub all: bool,
    /// 只看此机关及其报告 · Only this organ and its reports
    #[arg(long, env = "NIANBAO_ORGAN", value_name = "ID", value_parser = organ)]
    pub organ: Option<OrganId>,
    /// JSON 中附新版本的内容 · With the content of new revisions, in JSON
    #[arg(long, env = "NIANBAO_CONTENT", value_parser = FalseyValueParser::new())]
    pub content: bool,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// 行政机关编号，默认全部 · The organ, by default all
    #[arg(long, env = "NIANBAO_ORGAN", value_name = "ID", value_parser = organ)]
    pub organ: Option<OrganId>,
    #[command(flatten)]
    pub page: Page,
    #[command(flatten)]
    pub remote: Remote,
}

/// Which part of a list.
#[derive(Args, Clone, Debug)]
pub(crate) struct Page {
    /// 筛选条件 · Terms such as: year = 2023 AND scope = own
    #[arg(
        long,
        env = "NIANBAO_FILTER",
        default_value = "",
        hide_default_value = true,
        value_name = "F"
    )]
    pub filter: String,
    /// 至多条数 · At most so many
    #[arg(long, env = "NIANBAO_LIMIT", default_value_t = 1000, value_name = "N")]
    pub limit: usize,
}

/// Of `aggregate`.
#[derive(Args, Debug)]
pub(crate) struct AggregateArgs {
    /// 行政机关编号 · The organ at the top
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 年度，可多个 · The years, each by itself
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", required = true, value_delimiter = ',',
          value_parser = year())]
    pub year: Vec<i32>,
    /// 分组：child 按下级，level 按层级，kind 按机关类型，sector 按条线 · Divide the sum
    #[arg(long, env = "NIANBAO_GROUP_BY", value_name = "BY", value_parser = group_by)]
    pub group_by: Option<GroupBy>,
    #[command(flatten)]
    pub what: SumArgs,
    /// 列出计入的版本和缺报的机关 · List included revisions and missing organs
    #[arg(long, env = "NIANBAO_MEMBERS", value_parser = FalseyValueParser::new())]
    pub members: bool,
    #[command(flatten)]
    pub remote: Remote,
}

/// What is summed, and how.
#[derive(Args, Debug)]
pub(crate) struct SumArgs {
    /// 口径：parts 逐机关汇总，declared 按政府汇总报告 · Own reports, or what governments declare
    #[arg(long, env = "NIANBAO_BASIS", default_value = "parts", value_parser = basis)]
    pub basis: Basis,
    /// 隶属：of-year 当年，of-today 现行 · The tree of the year, or of today
    #[arg(long, env = "NIANBAO_TREE", default_value = "of-year", value_parser = tree)]
    pub tree: OrganTree,
    /// 指定隶属年度，优先于 --tree · The tree of that year, whatever --tree says
    #[arg(long, env = "NIANBAO_TREE_YEAR", value_name = "Y", value_parser = year())]
    pub tree_year: Option<i32>,
    /// 筛选机关 · Only organs such as: level = COUNTY AND kind = DEPARTMENT AND sector = housing
    #[arg(
        long,
        env = "NIANBAO_FILTER",
        default_value = "",
        hide_default_value = true,
        value_name = "F"
    )]
    pub filter: String,
    /// 连同尚未接收的报告 · Add reports that are not accepted yet
    #[arg(long, env = "NIANBAO_INCLUDE_UNACCEPTED", value_parser = FalseyValueParser::new())]
    pub include_unaccepted: bool,
    /// 截至当时：位置、RFC 3339 时间或日期 · As it stood at a position, an RFC 3339 time or a day
    #[arg(long, env = "NIANBAO_AS_OF", value_name = "WHEN", value_parser = moment::read)]
    pub as_of: Option<Moment>,
    /// 至少包含此位置（取自回执） · Include at least this position, from a receipt
    #[arg(long, env = "NIANBAO_AT_LEAST", value_name = "POSITION")]
    pub at_least: Option<String>,
}

/// Of `coverage`.
#[derive(Args, Debug)]
pub(crate) struct CoverageArgs {
    /// 行政机关编号 · The organ at the top
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 年度 · The year
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", value_parser = year())]
    pub year: i32,
    /// 只列：missing 缺报，late 逾期，included 已汇总，unaccepted 未接收，as-published 原样补录，
    /// covered-by-region 由上级汇总涵盖，not-filed 未报送，waiting 待接收 · List these only
    #[arg(long, env = "NIANBAO_ONLY", value_name = "WHICH", default_value = "all",
          value_parser = only)]
    pub only: Only,
    #[command(flatten)]
    pub what: SumArgs,
    /// 至多条数 · At most so many
    #[arg(long, env = "NIANBAO_LIMIT", default_value_t = 1000, value_name = "N")]
    pub limit: usize,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `contributions`.
#[derive(Args, Debug)]
pub(crate) struct ContributionsArgs {
    /// 行政机关编号 · The organ at the top
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 单元格：中文地址或路径 · A cell, by Chinese address or by path
    pub cell: String,
    /// 年度 · The year
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", value_parser = year())]
    pub year: i32,
    #[command(flatten)]
    pub what: SumArgs,
    /// 至多条数 · At most so many
    #[arg(long, env = "NIANBAO_LIMIT", default_value_t = 1000, value_name = "N")]
    pub limit: usize,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `compare`.
#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// 行政机关编号 · The organ at the top
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 年度，可多个 · The years
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", required = true, value_delimiter = ',',
          value_parser = year())]
    pub year: Vec<i32>,
    /// 单元格：中文地址或路径，可多次 · A cell, by Chinese address or by path; may be repeated
    #[arg(long, env = "NIANBAO_CELL", value_name = "CELL")]
    pub cell: Vec<String>,
    /// 列出每一单元格，默认表三只列总计 · Every cell, not only the totals of table three
    #[arg(long, env = "NIANBAO_ALL", value_parser = FalseyValueParser::new())]
    pub all: bool,
    #[command(flatten)]
    pub what: SumArgs,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `outliers`.
#[derive(Args, Debug)]
pub(crate) struct OutliersArgs {
    #[command(flatten)]
    pub which: ReviewsArgs,
    /// 连同尚未接收的报告 · Look at reports too that are not accepted yet
    #[arg(long, env = "NIANBAO_INCLUDE_UNACCEPTED", value_parser = FalseyValueParser::new())]
    pub include_unaccepted: bool,
}

/// Of `reviews`.
#[derive(Args, Debug)]
pub(crate) struct ReviewsArgs {
    /// 行政机关编号 · The organ at the top
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 年度 · The year
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", value_parser = year())]
    pub year: i32,
    /// 筛选机关 · Only organs such as: level = COUNTY AND kind = DEPARTMENT AND sector = housing
    #[arg(
        long,
        env = "NIANBAO_FILTER",
        default_value = "",
        hide_default_value = true,
        value_name = "F"
    )]
    pub filter: String,
    /// 至少包含此位置（取自回执） · Include at least this position, from a receipt
    #[arg(long, env = "NIANBAO_AT_LEAST", value_name = "POSITION")]
    pub at_least: Option<String>,
    /// 至多条数 · At most so many
    #[arg(long, env = "NIANBAO_LIMIT", default_value_t = 1000, value_name = "N")]
    pub limit: usize,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `reconcile`.
#[derive(Args, Debug)]
pub(crate) struct ReconcileArgs {
    /// 行政机关编号（连同 --year），或汇总报告名称，可带版本 · An organ, with --year, or the name
    /// of a report of a region, perhaps with a revision
    #[arg(value_name = "ORGAN|NAME")]
    pub report: String,
    /// 年度 · The year
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", value_parser = year())]
    pub year: Option<i32>,
    /// 分报口径：declared 下级政府取其汇总报告，parts 逐机关 · What lower governments declare, or
    /// own reports
    #[arg(long, env = "NIANBAO_BASIS", default_value = "declared", value_parser = basis)]
    pub basis: Basis,
    /// 隶属：of-year 当年，of-today 现行 · The tree of the year, or of today
    #[arg(long, env = "NIANBAO_TREE", default_value = "of-year", value_parser = tree)]
    pub tree: OrganTree,
    /// 指定隶属年度，优先于 --tree · The tree of that year, whatever --tree says
    #[arg(long, env = "NIANBAO_TREE_YEAR", value_name = "Y", value_parser = year())]
    pub tree_year: Option<i32>,
    /// 连同尚未接收的报告 · Take reports that are not accepted yet
    #[arg(long, env = "NIANBAO_INCLUDE_UNACCEPTED", value_parser = FalseyValueParser::new())]
    pub include_unaccepted: bool,
    /// 截至当时：位置、RFC 3339 时间或日期 · As it stood at a position, an RFC 3339 time or a day
    #[arg(long, env = "NIANBAO_AS_OF", value_name = "WHEN", value_parser = moment::read)]
    pub as_of: Option<Moment>,
    /// 至少包含此位置（取自回执） · Include at least this position, from a receipt
    #[arg(long, env = "NIANBAO_AT_LEAST", value_name = "POSITION")]
    pub at_least: Option<String>,
    /// 列出全部单元格，不只是不一致的 · List all cells, not only those that do not agree
    #[arg(long, env = "NIANBAO_ALL_CELLS", value_parser = FalseyValueParser::new())]
    pub all_cells: bool,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `export-reports`.
#[derive(Args, Debug)]
pub(crate) struct ExportReportsArgs {
    /// 行政机关编号 · The organ at the top
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 年度，可多个 · The years
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", required = true, value_delimiter = ',',
          value_parser = year())]
    pub year: Vec<i32>,
    /// 导出汇总，而非各份报告 · The sums instead of the reports that they take
    #[arg(long, env = "NIANBAO_SUMS", value_parser = FalseyValueParser::new())]
    pub sums: bool,
    /// 汇总分组：child 按下级，level 按层级，kind 按机关类型，sector 按条线 · Divide the sums
    #[arg(long, env = "NIANBAO_GROUP_BY", value_name = "BY", requires = "sums",
          value_parser = group_by)]
    pub group_by: Option<GroupBy>,
    /// 文件，以 .csv、.xlsx 或 .parquet 结尾 · The file; its ending is its format
    #[arg(long, env = "NIANBAO_OUTPUT", value_name = "FILE")]
    pub output: PathBuf,
    /// 覆盖已有的文件 · Replace a file that is there
    #[arg(long, env = "NIANBAO_FORCE", value_parser = FalseyValueParser::new())]
    pub force: bool,
    /// CSV 表头：labels 中文地址，paths 字段路径 · The head of a .csv
    #[arg(long, env = "NIANBAO_HEADS", default_value = "labels", value_parser = heads)]
    pub heads: ExportHeads,
    #[command(flatten)]
    pub what: SumArgs,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `render`.
#[derive(Args, Debug)]
pub(crate) struct RenderArgs {
    /// 报告文件（JSON 或文档），或服务上的报告、版本名称 · A file, or the name of a stored report
    /// or revision
    #[arg(value_name = "FILE|NAME")]
    pub source: String,
    /// 写入的文件，默认为标准输出 · The file to write, by default standard output
    #[arg(long, env = "NIANBAO_OUTPUT", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// 类型：docx、html、text，默认按文件名 · The type, by default that of the file's name
    #[arg(long = "type", env = "NIANBAO_TYPE", value_name = "TYPE",
          value_parser = document_type)]
    pub document_type: Option<DocumentType>,
    /// 覆盖已有的文件 · Replace a file that is there
    #[arg(long, env = "NIANBAO_FORCE", value_parser = FalseyValueParser::new())]
    pub force: bool,
    /// 机关名称，报告没有标题时用于标题 · The organ's name, for the title of a report without one
    #[arg(long, env = "NIANBAO_ORGAN_NAME", value_name = "NAME")]
    pub organ_name: Option<String>,
    /// 版本号，默认最新 · The number of a revision, by default the latest
    #[arg(long, env = "NIANBAO_REVISION", value_name = "N", conflicts_with = "effective",
          value_parser = clap::value_parser!(i32).range(1..=999_999_999))]
    pub revision: Option<i32>,
    /// 生效版本，即计入汇总的版本 · The effective revision, which counts in sums
    #[arg(long, env = "NIANBAO_EFFECTIVE", value_parser = FalseyValueParser::new())]
    pub effective: bool,
    /// 至少包含此位置（取自回执） · Include at least this position, from a receipt
    #[arg(long, env = "NIANBAO_AT_LEAST", value_name = "POSITION")]
    pub at_least: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}
