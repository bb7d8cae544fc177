//! What can be typed. Each flag has its variable: `--page-size` would be `NIANBAO_PAGE_SIZE`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use nianbao::names::{OrganId, scope_of};
use nianbao::pb::{Edition, Scope, organ};

use super::console::{Format, Lang};

/// 政府信息公开工作年度报告：编制、核对、报送、汇总
/// Annual reports on open government information: fill, check, submit, sum
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment, after_help = EXAMPLES, max_term_width = 100)]
pub(super) struct Cli {
    /// 输出语言 · Language of the output
    #[arg(long, global = true, env = "NIANBAO_LANG", default_value = "zh")]
    pub lang: Lang,
    /// 输出形式 · Form of the result
    #[arg(long, global = true, env = "NIANBAO_FORMAT", default_value = "table")]
    pub format: Format,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
示例 · Examples:
  nianbao demo                                     看一遍全过程 · see it all
  nianbao validate report.docx                     核对一份报告 · check a report
  nianbao set report.json '表三·（三）·4·自然人=3'   填一个单元格 · fill a cell
  nianbao serve                                    启动服务 · run the server

退出码 · Exit codes: 0 完成 · done, 1 有错误或被拒收 · errors or refused, 2 无法执行 · not run
变量 · Variables: 每个选项都有 NIANBAO_… 变量 · every flag has one: --server = NIANBAO_SERVER";

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// 演示全过程：解析、核对、改正、报送、汇总 · Tell the whole story in a temporary store
    #[command(after_help = "示例 · Example:\n  nianbao demo --lang en")]
    Demo,
    /// 启动服务 · Run the server
    #[command(after_help = "\
示例 · Examples:
  nianbao serve
  nianbao serve --listen 127.0.0.1:0 --data /var/lib/nianbao

日志 · Log: NIANBAO_LOG=debug")]
    Serve(ServeArgs),
    /// 从文档读出报告 · Read a report from a document (.docx, .html, .txt)
    #[command(after_help = "\
示例 · Examples:
  nianbao parse report.docx --organ lc-housing > report.json
  nianbao parse report.html --format json          连同出处 · with provenance
  cat report.txt | nianbao parse -")]
    Parse(ParseArgs),
    /// 新建一份待填的报告 · Make a report to fill
    #[command(after_help = "\
示例 · Examples:
  nianbao new --organ lc-housing --year 2024 > 2024.json
  nianbao new --organ lc-housing --year 2024 --from 2023.json > 2024.json")]
    New(NewArgs),
    /// 按地址填写单元格 · Fill cells by address
    #[command(after_help = "\
示例 · Examples:
  nianbao set report.json '表三·（三）·4·自然人=3' '表三·（三）·4·总计=3'
  nianbao set report.json requests.granted.total=8 year=2024
  nianbao set report.json '表三·一、·科研机构=/'      留斜线 · leave a slash
  nianbao set report.json '一、总体情况=本年度……'
  nianbao set report.json --explain 9f3c2a1b0d4e5f67=该件为上年结转")]
    Set(SetArgs),
    /// 核对报告，不需要服务 · Check reports, offline
    #[command(after_help = "\
示例 · Examples:
  nianbao validate report.json report.docx
  nianbao validate *.docx --format json")]
    Validate(ValidateArgs),
    /// 报送报告 · Submit reports
    #[command(after_help = "\
示例 · Examples:
  nianbao submit report.json --server http://127.0.0.1:50051
  nianbao submit report.docx --organ lc-housing --validate-only
  nianbao submit 2019.json --as-published 已公布，无法更正")]
    Submit(SubmitArgs),
    /// 读取一份报告 · Show a report
    #[command(after_help = "示例 · Example:\n  nianbao get organs/lc-housing/reports/2023-own")]
    Get(GetArgs),
    /// 列出报告 · List reports
    #[command(after_help = "\
示例 · Examples:
  nianbao list --organ lc-housing
  nianbao list --filter 'year = 2023 AND scope = own'")]
    List(ListArgs),
    /// 汇总一个机关及其下级 · Sum an organ and all below it
    #[command(after_help = "\
示例 · Examples:
  nianbao aggregate lc --year 2023
  nianbao aggregate lc --year 2022,2023 --include-unaccepted --members")]
    Aggregate(AggregateArgs),
    /// 行政机关 · Organs
    Organs(OrgansArgs),
    /// 列出核对规则 · List the rules
    #[command(after_help = "示例 · Example:\n  nianbao rules --format json")]
    Rules,
    /// 显示报告格式 · Show the form
    #[command(after_help = "示例 · Example:\n  nianbao format --edition 2019")]
    Format(FormatArgs),
}

/// Which server, and who calls.
#[derive(Args, Clone, Debug)]
pub(super) struct Remote {
    /// 服务地址 · The server
    #[arg(
        long,
        env = "NIANBAO_SERVER",
        default_value = "http://127.0.0.1:50051",
        value_name = "URL"
    )]
    pub server: String,
    /// 以谁的身份（仅限本机） · Who calls, from this machine only
    #[arg(long, env = "NIANBAO_PRINCIPAL", value_name = "NAME")]
    pub principal: Option<String>,
}

/// Of `serve`.
#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    /// 监听地址，端口 0 为任选 · Where to listen, port 0 for any
    #[arg(long, env = "NIANBAO_LISTEN", default_value = "127.0.0.1:50051", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// 数据目录 · The folder of the store
    #[arg(long, env = "NIANBAO_DATA", default_value = "./nianbao-data", value_name = "DIR")]
    pub data: PathBuf,
    /// 缓存（MiB） · Cache of the store in MiB
    #[arg(long, env = "NIANBAO_CACHE_MIB", default_value_t = 256, value_name = "N",
          value_parser = clap::value_parser!(u64).range(8..=1_048_576))]
    pub cache_mib: u64,
}

/// Of `parse`.
#[derive(Args, Debug)]
pub(super) struct ParseArgs {
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
pub(super) struct NewArgs {
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
pub(super) struct SetArgs {
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
pub(super) struct ValidateArgs {
    /// 报告：JSON 或文档，- 为标准输入 · Reports: JSON or documents, - for standard input
    #[arg(required = true)]
    pub files: Vec<String>,
    /// 连同派生问题 · Show derived findings too
    #[arg(long, env = "NIANBAO_ALL", value_parser = FalseyValueParser::new())]
    pub all: bool,
}

/// Of `submit`.
#[derive(Args, Debug)]
pub(super) struct SubmitArgs {
    /// 报告：JSON 或文档 · Reports: JSON or documents
    #[arg(required = true)]
    pub files: Vec<String>,
    #[command(flatten)]
    pub remote: Remote,
    /// 行政机关编号，替代报告中的 · The organ, in place of the report's
    #[arg(long, env = "NIANBAO_ORGAN", value_name = "ID", value_parser = organ)]
    pub organ: Option<OrganId>,
    /// 已公布、无法更正的旧报告：原样补录的理由 · Take a published report with its errors, and why
    #[arg(long, env = "NIANBAO_AS_PUBLISHED", value_name = "REASON")]
    pub as_published: Option<String>,
    /// 只核对，不入库 · Check only, store nothing
    #[arg(long, env = "NIANBAO_VALIDATE_ONLY", value_parser = FalseyValueParser::new())]
    pub validate_only: bool,
}

/// Of `get`.
#[derive(Args, Debug)]
pub(super) struct GetArgs {
    /// 报告名称 · organs/{organ}/reports/{year}-{own|region}
    pub name: String,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `list`.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
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
pub(super) struct Page {
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
pub(super) struct AggregateArgs {
    /// 行政机关编号 · The organ at the top
    #[arg(value_parser = organ)]
    pub organ: OrganId,
    /// 年度，可多个 · The years, each by itself
    #[arg(long, env = "NIANBAO_YEAR", value_name = "Y", required = true, value_delimiter = ',',
          value_parser = year())]
    pub year: Vec<i32>,
    /// 连同尚未接收的报告 · Add reports that are not accepted yet
    #[arg(long, env = "NIANBAO_INCLUDE_UNACCEPTED", value_parser = FalseyValueParser::new())]
    pub include_unaccepted: bool,
    /// 列出计入的版本和缺报的机关 · List included revisions and missing organs
    #[arg(long, env = "NIANBAO_MEMBERS", value_parser = FalseyValueParser::new())]
    pub members: bool,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `organs`.
#[derive(Args, Debug)]
pub(super) struct OrgansArgs {
    #[command(subcommand)]
    pub command: OrgansCommand,
}

/// What to do with organs.
#[derive(Debug, Subcommand)]
pub(super) enum OrgansCommand {
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
}

/// Of `organs create`.
#[derive(Args, Debug)]
pub(super) struct CreateArgs {
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

/// Of `format`.
#[derive(Args, Debug)]
pub(super) struct FormatArgs {
    /// 格式：2019 或 2021 · The edition: 2019 or 2021
    #[arg(long, env = "NIANBAO_EDITION", default_value = "2021", value_parser = edition)]
    pub edition: Edition,
}

fn organ(text: &str) -> Result<OrganId, String> {
    let id = OrganId::from_name(text).or_else(|| OrganId::parse(text));
    id.ok_or_else(|| "应为机关编号，如 · expected an id such as lc-housing".to_owned())
}

fn year() -> clap::builder::RangedI64ValueParser<i32> {
    clap::value_parser!(i32).range(2019..=2099)
}

fn scope(text: &str) -> Result<Scope, String> {
    scope_of(text).ok_or_else(|| "应为 · expected own, region".to_owned())
}

fn edition(text: &str) -> Result<Edition, String> {
    let edition = Edition::from_str_name(&format!("EDITION_{text}"));
    edition
        .filter(|e| *e != Edition::Unspecified)
        .ok_or_else(|| "应为 · expected 2019, 2021".to_owned())
}

fn level(text: &str) -> Result<organ::Level, String> {
    let named = organ::Level::from_str_name(&format!("LEVEL_{}", constant(text)));
    named.ok_or_else(|| expected((0..).map_while(|n| organ::Level::try_from(n).ok()), "LEVEL_"))
}

fn kind(text: &str) -> Result<organ::Kind, String> {
    let named = organ::Kind::from_str_name(&format!("KIND_{}", constant(text)));
    named.ok_or_else(|| expected((0..).map_while(|n| organ::Kind::try_from(n).ok()), "KIND_"))
}

fn constant(word: &str) -> String {
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn visit(command: &clap::Command, see: &mut impl FnMut(&clap::Command, &clap::Arg)) {
        for arg in command.get_arguments() {
            see(command, arg);
        }
        for sub in command.get_subcommands() {
            visit(sub, see);
        }
    }

    #[test]
    fn the_model_holds() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_its_variable() {
        let mut flags = 0;
        visit(&Cli::command(), &mut |command, arg| {
            let Some(long) = arg.get_long().filter(|l| !["help", "version"].contains(l)) else {
                return;
            };
            let wanted = format!("NIANBAO_{}", constant(long));
            let found = arg.get_env().map(|e| e.to_string_lossy().into_owned());
            assert_eq!(found.as_deref(), Some(&*wanted), "{} --{long}", command.get_name());
            flags += 1;
        });
        assert!(flags > 30, "{flags} flags");
    }

    #[test]
    fn every_help_text_is_in_both_languages() {
        visit(&Cli::command(), &mut |command, arg| {
            if arg.get_long().is_some_and(|l| ["help", "version"].contains(&l)) {
                return;
            }
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(" · "), "{} {}: {help}", command.get_name(), arg.get_id());
        });
    }
}
