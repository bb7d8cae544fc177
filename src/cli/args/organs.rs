//! What changes organs.

use clap::Args;
use clap::builder::FalseyValueParser;
use nianbao::names::OrganId;
use nianbao::pb::organ;

use super::value::{kind, level, organ, organ_year};
use super::{Remote, Write};

/// Of `organs update`.
#[derive(Args, Debug)]
pub(crate) struct UpdateArgs {
    /// 机关编号 · The organ
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 机关全称；自某年起更名用 organs rename · The full name; for a new name see organs rename
    #[arg(long, env = "NIANBAO_DISPLAY_NAME", value_name = "NAME")]
    pub display_name: Option<String>,
    /// 层级 · national, province, prefecture, county, township
    #[arg(long, env = "NIANBAO_LEVEL", value_parser = level)]
    pub level: Option<organ::Level>,
    /// 机关类型 · government-office, department, township, zone-committee, institution, vertical
    #[arg(long, env = "NIANBAO_KIND", value_parser = kind)]
    pub kind: Option<organ::Kind>,
    /// 条线，如 housing · The vertical line
    #[arg(long, env = "NIANBAO_SECTOR")]
    pub sector: Option<String>,
    /// 区划代码，6、9 或 12 位 · The division code, 6, 9 or 12 digits
    #[arg(long, env = "NIANBAO_DIVISION_CODE", value_name = "CODE")]
    pub division_code: Option<String>,
    /// 统一社会信用代码 · The unified social credit code
    #[arg(long, env = "NIANBAO_CREDIT_CODE", value_name = "CODE")]
    pub credit_code: Option<String>,
    /// 存续起始年 · The first year for which it reports
    #[arg(long, env = "NIANBAO_ACTIVE_FROM_YEAR", value_name = "Y", value_parser = organ_year())]
    pub active_from_year: Option<i32>,
    /// 存续截止年 · The last year for which it reports
    #[arg(long, env = "NIANBAO_ACTIVE_UNTIL_YEAR", value_name = "Y", value_parser = organ_year())]
    pub active_until_year: Option<i32>,
    /// 清空字段，可重复，如 active_until_year · A field to clear, repeatable
    #[arg(long, env = "NIANBAO_CLEAR_FIELD", value_name = "FIELD")]
    pub clear_field: Vec<String>,
    #[command(flatten)]
    pub write: Write,
}

/// Of `organs move`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("to").required(true).args(["parent", "root"]))]
pub(crate) struct MoveArgs {
    /// 机关编号 · The organ
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 新上级机关编号 · The new parent
    #[arg(long, env = "NIANBAO_PARENT", value_name = "ID", value_parser = organ)]
    pub parent: Option<OrganId>,
    /// 不再有上级机关 · It reports to nobody any more
    #[arg(long, env = "NIANBAO_ROOT", value_parser = FalseyValueParser::new())]
    pub root: bool,
    /// 起始年 · The first year
    #[arg(long, env = "NIANBAO_FROM_YEAR", value_name = "Y", value_parser = organ_year())]
    pub from_year: i32,
    /// 截止年，默认一直 · The last year, by default for good
    #[arg(long, env = "NIANBAO_UNTIL_YEAR", value_name = "Y", value_parser = organ_year())]
    pub until_year: Option<i32>,
    #[command(flatten)]
    pub write: Write,
}

/// Of `organs rename`.
#[derive(Args, Debug)]
pub(crate) struct RenameArgs {
    /// 机关编号 · The organ
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 新名称 · The new name
    #[arg(long, env = "NIANBAO_DISPLAY_NAME", value_name = "NAME")]
    pub display_name: String,
    /// 启用年 · The first year of the new name
    #[arg(long, env = "NIANBAO_FROM_YEAR", value_name = "Y", value_parser = organ_year())]
    pub from_year: i32,
    #[command(flatten)]
    pub write: Write,
}

/// Of `organs close`.
#[derive(Args, Debug)]
pub(crate) struct CloseArgs {
    /// 机关编号 · The organ
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 末年：最后一个报告年度 · The last year for which it reports
    #[arg(long, env = "NIANBAO_LAST_YEAR", value_name = "Y", value_parser = organ_year())]
    pub last_year: i32,
    #[command(flatten)]
    pub write: Write,
}

/// Of `organs merge`.
#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    /// 被合并的机关编号 · The organs that end
    #[arg(required = true, value_parser = organ)]
    pub sources: Vec<OrganId>,
    /// 承继机关编号 · The organ that stands in for them
    #[arg(long, env = "NIANBAO_INTO", value_name = "ID", value_parser = organ)]
    pub into: OrganId,
    /// 承继起始年 · The first year in which it does
    #[arg(long, env = "NIANBAO_FROM_YEAR", value_name = "Y", value_parser = organ_year())]
    pub from_year: i32,
    /// 下级机关转隶承继机关 · Let their children report to it
    #[arg(long, env = "NIANBAO_MOVE_CHILDREN", value_parser = FalseyValueParser::new())]
    pub move_children: bool,
    /// 请求标识：七日内重发只办一次 · A repetition under this id within seven days is done once
    #[arg(long, env = "NIANBAO_REQUEST_ID", value_name = "ID")]
    pub request_id: Option<String>,
    /// 只核对，不入库 · Check only, store nothing
    #[arg(long, env = "NIANBAO_VALIDATE_ONLY", value_parser = FalseyValueParser::new())]
    pub validate_only: bool,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `organs import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// .csv（UTF-8 或 GB18030）或 .xlsx 文件，- 为标准输入 · The file, - for standard input
    pub file: String,
    /// 工作表，默认第一张 · The sheet of a workbook, by default the first
    #[arg(long, env = "NIANBAO_SHEET", value_name = "NAME")]
    pub sheet: Option<String>,
    /// 试运行：列出将新增、更新与冲突的行，不入库 · Show what would be done, store nothing
    #[arg(long, env = "NIANBAO_DRY_RUN", value_parser = FalseyValueParser::new())]
    pub dry_run: bool,
    /// 跳过有冲突的行，其余入库 · Leave out rows with a conflict and store the rest
    #[arg(long, env = "NIANBAO_SKIP_CONFLICTS", value_parser = FalseyValueParser::new())]
    pub skip_conflicts: bool,
    /// 更新已登记而与表中不同的机关 · Change organs that are registered otherwise
    #[arg(long, env = "NIANBAO_UPDATE_EXISTING", value_parser = FalseyValueParser::new())]
    pub update_existing: bool,
    /// 请求标识：七日内重发只办一次 · A repetition under this id within seven days is done once
    #[arg(long, env = "NIANBAO_REQUEST_ID", value_name = "ID")]
    pub request_id: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}
