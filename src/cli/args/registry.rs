//! What an administrator keeps: organs and deadlines.

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};
use nianbao::names::OrganId;
use nianbao::pb::{Scope, organ};

use super::value::{kind, level, organ, scope, year};
use super::{CloseArgs, ImportArgs, MergeArgs, MoveArgs, Page, Remote, RenameArgs, UpdateArgs};

/// Of `organs`.
#[derive(Args, Debug)]
pub(crate) struct OrgansArgs {
    #[command(subcommand)]
    pub command: OrgansCommand,
}

/// What to do with organs.
#[derive(Debug, Subcommand)]
pub(crate) enum OrgansCommand {
    /// 列出机关 · List organs
    #[command(after_help = "示例 · Example:\n  nianbao organs list --filter 'parent = organs/lc'")]
    List {
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        remote: Remote,
    },
    /// 读取机关 · Show an organ
    #[command(after_help = "示例 · Example:\n  nianbao organs get lc-housing")]
    Get {
        /// 机关编号 · The organ
        #[arg(value_parser = organ)]
        organ: OrganId,
        #[command(flatten)]
        remote: Remote,
    },
    /// 登记机关 · Register an organ
    #[command(after_help = "\
示例 · Example:
  nianbao organs create --id lc-housing --display-name 某市住房和城乡建设局 \\
    --parent lc --from-year 2019 --level prefecture --kind department")]
    Create(CreateArgs),
    /// 更正登记内容 · Set right what was registered
    #[command(after_help = "\
示例 · Examples:
  nianbao organs update lc-housing --division-code 371500 --sector housing
  nianbao organs update lc-housing --clear-field active_until_year     恢复 · open it again")]
    Update(UpdateArgs),
    /// 自某年起调整隶属 · Let it report to another organ from a year on
    #[command(after_help = "\
示例 · Examples:
  nianbao organs move lc-gxq --parent lc --from-year 2024
  nianbao organs move lc-gxq --parent sd --from-year 2020 --until-year 2021    仅这两年
                                                        these years only, then as before
  nianbao organs move lc-gxq --root --from-year 2024    不再有上级 · to nobody

以前各年的隶属不变：2024年的调整不影响2023年的汇总。
Other years stay as they were: a move in 2024 changes no sum of 2023.")]
    Move(MoveArgs),
    /// 自某年起更名，旧名转为曾用名 · A new name from a year on; the old one is kept
    #[command(after_help = "\
示例 · Example:
  nianbao organs rename lc-health --display-name 某市卫生健康委员会 --from-year 2019")]
    Rename(RenameArgs),
    /// 撤销机关 · End an organ
    #[command(after_help = "\
示例 · Example:
  nianbao organs close lc-office --last-year 2023

仍有下级机关或其后年度的报告时拒绝。Refused while organs report to it or later reports stand.")]
    Close(CloseArgs),
    /// 合并机关，一次写入 · Merge organs, in one write
    #[command(after_help = "\
示例 · Examples:
  nianbao organs merge lc-tourism lc-culture --into lc-culture-tourism --from-year 2019
  nianbao organs merge old-district --into new-district --from-year 2021 --move-children")]
    Merge(MergeArgs),
    /// 从 .csv 或 .xlsx 导入 · Register the organs of a list
    #[command(after_help = "\
示例 · Examples:
  nianbao organs import organs.xlsx --dry-run       先看会怎样 · see first what it would do
  nianbao organs import organs.csv
  nianbao organs import organs.csv --update-existing --skip-conflicts

表头 · Headings, in any order (* must be there):
  机关编号* organ_id     机关名称* display_name   上级机关 parent     起始年 from_year
  截止年 until_year      层级 level               机关类型 kind       条线 sector
  区划代码 division_code  统一社会信用代码 credit_code
  曾用名 former_names，如 · such as 旧名(2018)；更旧的名(2008)
  存续起始年 active_from_year  存续截止年 active_until_year
上级机关可在后面的行，可写编号或本表中唯一的名称；空格表示不说。
Parents may stand further down, by id or by a name that the file has once; empty says nothing.")]
    Import(ImportArgs),
}

/// Of `organs create`.
#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// 机关编号：小写字母、数字、连字符 · The id: a-z, 0-9, hyphens
    #[arg(long, env = "NIANBAO_ID", value_parser = organ)]
    pub id: OrganId,
    /// 机关全称 · The full name
    #[arg(long, env = "NIANBAO_DISPLAY_NAME", value_name = "NAME")]
    pub display_name: String,
    /// 上级机关编号 · The parent
    #[arg(long, env = "NIANBAO_PARENT", value_name = "ID", value_parser = organ,
          requires = "from_year")]
    pub parent: Option<OrganId>,
    /// 隶属起始年 · The first year under that parent
    #[arg(long, env = "NIANBAO_FROM_YEAR", value_name = "Y",
          value_parser = clap::value_parser!(i32).range(1949..=2099))]
    pub from_year: Option<i32>,
    /// 层级 · national, province, prefecture, county, township
    #[arg(long, env = "NIANBAO_LEVEL", value_parser = level)]
    pub level: Option<organ::Level>,
    /// 机关类型 · government-office, department, township, zone-committee, institution, vertical
    #[arg(long, env = "NIANBAO_KIND", value_parser = kind)]
    pub kind: Option<organ::Kind>,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `deadlines`.
#[derive(Args, Debug)]
pub(crate) struct DeadlinesArgs {
    #[command(subcommand)]
    pub command: DeadlinesCommand,
}

/// What to do with deadlines.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadlinesCommand {
    /// 列出已设期限 · List the deadlines that were set
    #[command(after_help = "示例 · Example:\n  nianbao deadlines list --year 2023")]
    List {
        /// 报告年度，默认全部 · The year, by default all
        #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", value_parser = year())]
        year: Option<i32>,
        #[command(flatten)]
        remote: Remote,
    },
    /// 设置或取消期限 · Set a deadline, or take it back
    #[command(after_help = "\
示例 · Examples:
  nianbao deadlines set --year 2023 --scope own --due 2024-01-20
  nianbao deadlines set --year 2023 --scope own --level county --due 2024-01-15
  nianbao deadlines set --year 2023 --scope own --clear")]
    Set(DeadlineArgs),
}

/// Of `deadlines set`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("date").required(true).args(["due", "clear"]))]
pub(crate) struct DeadlineArgs {
    /// 报告年度 · The year on which is reported
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", value_parser = year())]
    pub year: i32,
    /// 报告范围：own 或 region · The scope: own or region
    #[arg(long, env = "NIANBAO_SCOPE", value_parser = scope)]
    pub scope: Scope,
    /// 层级，默认各级 · national, province, prefecture, county, township; by default all
    #[arg(long, env = "NIANBAO_LEVEL", value_parser = level)]
    pub level: Option<organ::Level>,
    /// 截止日期，当日有效，按北京时间 · The last day, which counts, in China's time
    #[arg(long, env = "NIANBAO_DUE", value_name = "YYYY-MM-DD")]
    pub due: Option<String>,
    /// 取消所设期限 · Take it back
    #[arg(long, env = "NIANBAO_CLEAR", value_parser = FalseyValueParser::new())]
    pub clear: bool,
    /// 请求标识：七日内重发只办一次 · A repetition under this id within seven days is done once
    #[arg(long, env = "NIANBAO_REQUEST_ID", value_name = "ID")]
    pub request_id: Option<String>,
    /// 只核对，不入库 · Check only, store nothing
    #[arg(long, env = "NIANBAO_VALIDATE_ONLY", value_parser = FalseyValueParser::new())]
    pub validate_only: bool,
    #[command(flatten)]
    pub remote: Remote,
}
