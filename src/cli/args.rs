//! What can be typed. Each flag has its variable: `--page-size` would be `NIANBAO_PAGE_SIZE`.

mod journal;
mod life;
mod offline;
mod organs;
mod reading;
mod registry;
mod value;

use clap::{Args, Parser, Subcommand};

use super::console::{Format, Lang};

pub(super) use journal::{ExportArgs, InfoArgs, RestoreArgs, ServeArgs, VerifyArgs};
pub(super) use life::{DraftArgs, ReasonedArgs, ReturnArgs, StepArgs, SubmitArgs, Write};
pub(super) use offline::{FormatArgs, NewArgs, ParseArgs, SetArgs, ValidateArgs};
pub(super) use organs::{CloseArgs, ImportArgs, MergeArgs, MoveArgs, RenameArgs, UpdateArgs};
pub(super) use reading::{
    AggregateArgs, CompareArgs, ContributionsArgs, CoverageArgs, DiffArgs, ExportReportsArgs,
    GetArgs, HistoryArgs, ListArgs, OutliersArgs, Page, ReconcileArgs, RenderArgs, ReviewsArgs,
    SumArgs, WatchArgs,
};
pub(super) use registry::{
    CreateArgs, DeadlineArgs, DeadlinesArgs, DeadlinesCommand, OrgansArgs, OrgansCommand,
};

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
    /// 生成官方格式的文档 · Write a report as the official document (.docx, .html, .txt)
    #[command(after_help = "\
示例 · Examples:
  nianbao render report.json --output report.docx  不需要服务 · needs no server
  nianbao render report.docx --output report.html  Word文档转网页 · for the site
  nianbao render report.json --type text | less
  nianbao render organs/lc-housing/reports/2023-own --effective --output 2023.docx

照实生成：空白仍为空白，有错误的报告也能生成，不补写前言。
What the report holds is printed, errors and blanks as they are; no preface is made up.")]
    Render(RenderArgs),
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
    /// 提交报告：文件、文件夹或已存的草稿 · Submit reports: files, folders or a stored draft
    #[command(after_help = "\
示例 · Examples:
  nianbao submit report.json --server http://127.0.0.1:50051
  nianbao submit reports/                          一个文件夹，中断后重新运行即可续传
                                                   a folder; run it again to go on
  nianbao submit report.docx --organ lc-housing --validate-only
  nianbao submit 2019.json --as-published 已公布，无法更正
  nianbao submit --draft organs/lc-housing/reports/2023-own")]
    Submit(SubmitArgs),
    /// 保存草稿，有无问题均可 · Store drafts, whatever is found in them
    #[command(after_help = "示例 · Example:\n  nianbao draft report.json --organ lc-housing")]
    Draft(DraftArgs),
    /// 退回报告，并附意见 · Send a report back, with what is to be mended
    #[command(after_help = "\
示例 · Examples:
  nianbao return organs/lc-housing/reports/2023-own \\
    --reason '表三·（三）·4·自然人=与办理台账不符' --reason 'applicants.total=请核对合计'
  nianbao return organs/lc-housing/reports/2023-own --reason '=请补充情况说明'")]
    Return(ReturnArgs),
    /// 接收报告：自此计入汇总 · Accept a report: from now on it counts in sums
    #[command(after_help = "\
示例 · Example:
  nianbao accept organs/lc-housing/reports/2023-own --principal li-si")]
    Accept(StepArgs),
    /// 记录报告已公布 · Note that a report was published
    #[command(after_help = "示例 · Example:\n  nianbao publish organs/lc-housing/reports/2023-own")]
    Publish(StepArgs),
    /// 更正已公布的报告 · Open a published report for amendment
    #[command(after_help = "\
示例 · Example:
  nianbao amend organs/lc-housing/reports/2023-own --reason 表三一件漏计")]
    Amend(ReasonedArgs),
    /// 作废报告，不可恢复 · Void a report, for good
    #[command(after_help = "\
示例 · Example:
  nianbao void organs/lc-housing/reports/2023-own --reason 机关已撤销")]
    Void(ReasonedArgs),
    /// 读取一份报告 · Show a report
    #[command(after_help = "\
示例 · Examples:
  nianbao get organs/lc-housing/reports/2023-own
  nianbao get organs/lc-housing/reports/2023-own --effective
  nianbao get organs/lc-housing/reports/2023-own --as-of 2024-01-31   当日结束时")]
    Get(GetArgs),
    /// 列出一份报告的办理历程 · What was done to a report: who, when, why
    #[command(after_help = "示例 · Example:\n  nianbao history organs/lc-housing/reports/2023-own")]
    History(HistoryArgs),
    /// 列出一份报告的各个版本 · The revisions of a report
    #[command(after_help = "\
示例 · Example:
  nianbao revisions organs/lc-housing/reports/2023-own")]
    Revisions(HistoryArgs),
    /// 比较两份报告或两个版本 · Compare two reports or revisions
    #[command(after_help = "\
示例 · Examples:
  nianbao diff organs/lc/reports/2023-own/revisions/1 organs/lc/reports/2023-own
  nianbao diff organs/lc/reports/2022-own organs/lc/reports/2023-own
  nianbao diff old.docx new.json                   两个文件不需要服务 · two files need no server")]
    Diff(DiffArgs),
    /// 跟踪变更，Ctrl-C 结束 · Follow what changes, until Ctrl-C
    #[command(after_help = "\
示例 · Examples:
  nianbao watch
  nianbao watch --all --format json    从头，每行一条 · all, one a line")]
    Watch(WatchArgs),
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
  nianbao aggregate lc --year 2022,2023 --include-unaccepted --members
  nianbao aggregate lc --year 2023 --basis declared --group-by child
  nianbao aggregate lc --year 2023 --filter 'kind = DEPARTMENT' --as-of 2024-03-31")]
    Aggregate(AggregateArgs),
    /// 谁已报、谁缺报、汇总取用哪个版本 · Who has filed, who has not, and what a sum takes
    #[command(after_help = "\
示例 · Examples:
  nianbao coverage lc --year 2023
  nianbao coverage lc --year 2023 --only missing
  nianbao coverage lc --year 2023 --basis declared --format json")]
    Coverage(CoverageArgs),
    /// 一个单元格的合计由哪些报告构成 · Which reports make up the sum of a cell
    #[command(after_help = "\
示例 · Examples:
  nianbao contributions lc '表三·（一）予以公开·总计' --year 2023
  nianbao contributions lc disclosure.fees_wan_yuan --year 2023 --limit 10")]
    Contributions(ContributionsArgs),
    /// 逐年比较，跨两种报告格式 · Figures over the years, across the editions of the form
    #[command(after_help = "\
示例 · Examples:
  nianbao compare lc --year 2019,2020,2021,2022
  nianbao compare lc --year 2022,2023 --cell 表二·行政许可 --cell requests.granted.total")]
    Compare(CompareArgs),
    /// 与上年报告不再衔接、待复核的报告 · Reports that no longer follow from that of last year
    #[command(after_help = "\
上年报告在本年报告接收之后更正或补报的，在此列出；本年报告的状态不变。
Reports that count, whose last year's report was amended or filed since. Their state stays.
示例 · Example:
  nianbao reviews lc --year 2023")]
    Reviews(ReviewsArgs),
    /// 与历年或同类机关相差悬殊的数据 · Figures that stand out among other years or like organs
    #[command(after_help = "\
只供参考：历年不足五个数、同级同类机关不足十二个数的，不作比较。
An aid to the eye: with fewer than five other years, or twelve like organs, nothing is said.
示例 · Examples:
  nianbao outliers lc --year 2023
  nianbao outliers lc --year 2023 --include-unaccepted --filter 'level = COUNTY'")]
    Outliers(OutliersArgs),
    /// 政府汇总报告与各分报合计逐格核对 · Hold a report of a region against the sum of its parts
    #[command(after_help = "\
示例 · Examples:
  nianbao reconcile lc --year 2023
  nianbao reconcile lc --year 2023 --include-unaccepted --all-cells
  nianbao reconcile organs/lc/reports/2023-region/revisions/2 --basis parts

退出码 · Exit codes: 0 逐格一致 · every cell agrees, 1 有差额、仅一方有数或无分报 · not so,
2 无法执行 · not run")]
    Reconcile(ReconcileArgs),
    /// 导出报告或汇总为表格文件 · Write reports or sums into a table: .csv, .xlsx, .parquet
    #[command(after_help = "\
示例 · Examples:
  nianbao export-reports lc --year 2023 --output lc-2023.xlsx       官方格式 · official layout
  nianbao export-reports lc --year 2022,2023 --sums --group-by child --output sums.csv
  nianbao export-reports lc --year 2023 --output lc.parquet         长表 · long form

日志备份用 export · `export` is the backup of the journal")]
    ExportReports(ExportReportsArgs),
    /// 行政机关 · Organs
    Organs(OrgansArgs),
    /// 报送期限 · Deadlines
    Deadlines(DeadlinesArgs),
    /// 服务与日志的状况 · The state of a server and of its journal
    #[command(after_help = "示例 · Example:\n  nianbao info --server http://127.0.0.1:50051")]
    Info(InfoArgs),
    /// 导出日志作为备份 · Write the journal to a file, as a backup
    #[command(after_help = "\
示例 · Examples:
  nianbao export --output 2024.nbj
  nianbao export --output next.nbj --after 00000000000003e8    接着上次 · what came after")]
    Export(ExportArgs),
    /// 由备份恢复 · Make a data folder from exports
    #[command(
        after_help = "示例 · Example:\n  nianbao restore 2024.nbj next.nbj --data ./restored"
    )]
    Restore(RestoreArgs),
    /// 核验日志，不作改动 · Verify a journal, changing nothing
    #[command(after_help = "\
示例 · Examples:
  nianbao verify ./nianbao-data --expect 5f0c…
  nianbao verify 2024.nbj
  nianbao verify --server http://127.0.0.1:50051

没有保存在别处的回执哈希，链不能证明末尾未被切掉，也不能证明日志未被整个重写。
Without a hash kept elsewhere a chain proves neither its end nor that it was not written anew.")]
    Verify(VerifyArgs),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::value::constant;
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
