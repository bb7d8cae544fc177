//! `demo`: the whole story, told by a real server in a temporary folder.
//!
//! Every step is a call over the wire; what is printed is what came back.

mod sisters;

use nianbao::finding::counts;
use nianbao::pb::parse_document_request::Content;
use nianbao::pb::{
    AcceptReportRequest, AggregateReportsRequest, DocumentHeader, ListReportEventsRequest,
    ParseDocumentRequest, ParseDocumentResponse, Receipt, Report, ReturnReportRequest,
    ValidateReportRequest, VerifyJournalRequest,
};
use nianbao::server::{self, Options};
use nianbao::store;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::args::{Page, Remote};
use super::client::Server;
use super::console::{Console, Style};
use super::{
    Error, Outcome, aggregate, form_table, get, history, organs, set, steps, submit, table,
    validate,
};

/// The document that the story begins with.
const DOCUMENT: &str = include_str!("../../../tests/fixtures/document/housing-2023.html");
/// The cell that is broken and mended: 51 in the document.
const CELL: &str = "表三·（四）·1·自然人";
const PATH: &str = "requests.unable.not_held.natural_person";
/// What is added to the report that was sent back.
const CHECKED: &str = "“不掌握”的51件已与办理台账逐件核对。";
const YEAR: i32 = 2023;

pub(super) fn run(console: &Console) -> Result<Outcome, Error> {
    let folder = tempfile::tempdir().map_err(Error::System)?;
    let runtime = tokio::runtime::Runtime::new().map_err(Error::System)?;
    runtime.block_on(async {
        let listen = "127.0.0.1:0";
        let refused = |cause| Error::Listen { listen: listen.to_owned(), cause };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let options = Options { data: folder.path().to_owned(), store: store::Options::default() };
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server::run(listener, options, async {
            // An error says that the story is over by other means.
            let _ = stopped.await;
        }));
        let told = tell(console, format!("http://{address}")).await;
        let _ = stop.send(());
        let served = serving.await.map_err(|e| Error::System(e.into()))?;
        told.and(served.map_err(Error::Serve))
    })?;
    Ok(Outcome::Done)
}

async fn tell(console: &Console, url: String) -> Result<(), Error> {
    let person = |name: &str| Remote { server: url.clone(), principal: Some(name.to_owned()) };
    let server = Server::connect(&person("zhang")).await?;
    // Who submits a report never accepts it.
    let office = Server::connect(&person("li")).await?;
    let mut story = Story { console, server, office, step: 0 };
    story.opening(&url)?;
    let report = story.read().await?;
    let broken = story.break_cell(report).await?;
    story.register().await?;
    story.refuse(&broken).await?;
    let mended = story.mend(broken).await?;
    let reports = story.submit(mended.clone()).await?;
    story.send_back(&reports, mended).await?;
    let kept = story.accept(&reports).await?;
    story.read_back(&reports).await?;
    story.sum(&reports).await?;
    story.verify(&kept).await?;
    story.closing()
}

/// The story as far as it is told.
struct Story<'a> {
    console: &'a Console,
    /// As those see it who report.
    server: Server,
    /// As the city's office sees it.
    office: Server,
    step: usize,
}

impl Story<'_> {
    fn say(&self, zh: &str, en: &str) -> Result<(), Error> {
        self.console.out(self.console.pick(zh, en))
    }

    fn next(&mut self, zh: &str, en: &str) -> Result<(), Error> {
        self.step += 1;
        let title = self
            .console
            .pick(format!("第 {} 步  {zh}", self.step), format!("Step {}  {en}", self.step));
        let line = self.console.on_out(Style::Cyan, &title);
        self.console.out(&format!("\n{}", self.console.on_out(Style::Bold, &line)))
    }

    fn opening(&self, url: &str) -> Result<(), Error> {
        let name = self.console.pick("nianbao 演示", "nianbao demo");
        self.console.out(&self.console.on_out(Style::Bold, name))?;
        self.console.out(&self.console.pick(
            format!(
                "一台真正的服务已在 {url} 启动，数据放在临时目录，结束即删。\n\
                 机关与文字均为虚构；以下每一步都是一次真实的 gRPC 调用。"
            ),
            format!(
                "A real server is up at {url}, its store in a temporary folder.\n\
                 Organs and texts are invented; each step below is a real gRPC call."
            ),
        ))
    }

    async fn read(&mut self) -> Result<Report, Error> {
        self.next("读取网页上的年度报告", "read an annual report from a web page")?;
        let answer = parse(&self.server).await?;
        let report = answer.report.unwrap_or_default();
        let (filled, cells) = table::filled(&report);
        self.console.out(&report.title)?;
        self.console.out(&self.console.pick(
            format!("读出 {filled}/{cells} 个单元格，每格都记有出处。表三如下："),
            format!("{filled} of {cells} cells read, each with its place. Table three:"),
        ))?;
        let table = form_table::table_with(self.console, &report, PATH, &[]);
        self.console.out(&table)?;
        Ok(report)
    }

    async fn break_cell(&mut self, mut report: Report) -> Result<Report, Error> {
        self.next("填错一格，看核对怎么说", "break one cell and see what is found")?;
        self.set(&mut report, &format!("{CELL}=50"))?;
        let request = ValidateReportRequest { report: Some(Box::new(report.clone())) };
        let answer = self.server.reports().validate_report(request).await;
        let answer = self.server.answered(answer)?;
        let counts = answer.counts.unwrap_or_default();
        let name = self.console.pick("改动后的报告", "the changed report");
        validate::show(self.console, name, &answer.findings, &counts, false)?;
        self.say(
            "一格之差，同行的总计、同列的总计都对不上，各指到具体单元格。",
            "One cell, and the sums of its row and of its column fail, each naming its cell.",
        )?;
        Ok(report)
    }

    async fn register(&mut self) -> Result<(), Error> {
        self.next("登记一个小省：省、市、三个部门", "register a small province")?;
        let mut registered = Vec::new();
        for request in sisters::organs() {
            registered.push(organs::create(&self.server, request).await?);
        }
        self.console.out(&organs::organs_table(self.console, &registered))
    }

    async fn refuse(&mut self, broken: &Report) -> Result<(), Error> {
        self.next("有错的报告，报送不上去", "a report with errors is refused")?;
        match submit::submit(&self.server, broken.clone()).await {
            Err(Error::Refused(refusal)) => {
                let mark = self.console.on_out(Style::Red, "✗");
                let lang = self.console.lang;
                self.console.out(&format!("{mark} {}", refusal.headline(lang)))?;
                refusal
                    .details(lang)
                    .iter()
                    .try_for_each(|line| self.console.fold(&format!("  {line}")))
            }
            Err(other) => Err(other),
            Ok(_) => Err(Error::Story("a report with errors was taken")),
        }
    }

    async fn mend(&mut self, mut report: Report) -> Result<Report, Error> {
        self.next("按中文地址改正这一格", "mend the cell by its Chinese address")?;
        let assignment = format!("{CELL}=51");
        self.console.out(&format!("$ nianbao set report.json '{assignment}'"))?;
        self.set(&mut report, &assignment)?;
        let found = nianbao::finding::findings(&report);
        let counts = table::counts(self.console, &counts(&found), false);
        self.console.out(&format!("{} {counts}", self.console.on_out(Style::Green, "✓")))?;
        Ok(report)
    }

    async fn submit(&mut self, mended: Report) -> Result<Vec<Report>, Error> {
        self.next("报送这一份和两个兄弟单位的", "submit it with two sister reports")?;
        let mut taken = Vec::new();
        for report in [mended.clone()].into_iter().chain(sisters::reports(&mended)?) {
            let name = get::author(&report).to_owned();
            let answer = submit::submit(&self.server, report).await?;
            let verb = self.console.pick("已提交", "taken as");
            let counts = table::counts(self.console, &answer.counts.unwrap_or_default(), false);
            let stored = answer.report.unwrap_or_default();
            self.console.fold(&submit::taken(self.console, &name, verb, &stored.name, &counts))?;
            taken.push(stored);
        }
        Ok(taken)
    }

    async fn send_back(&mut self, reports: &[Report], mut report: Report) -> Result<(), Error> {
        self.next(
            "退回一份，附上意见；补充后再报",
            "send one back; it is mended and submitted anew",
        )?;
        let name = reports.first().map(|report| report.name.clone()).unwrap_or_default();
        let reasons = steps::reason(&format!("{CELL}=请与办理台账核对"));
        let reasons = vec![reasons.map_err(|error| Error::Assignment(vec![error]))?];
        let request = ReturnReportRequest { name, reasons, ..ReturnReportRequest::default() };
        let answer = self.office.reports().return_report(request).await;
        let answer = self.office.answered(answer)?;
        let returned = answer.report.unwrap_or_default();
        self.console.fold(&steps::line(self.console, &returned, answer.receipt.as_ref()))?;
        for line in get::reasons(self.console, &returned.return_reasons) {
            self.console.out(&format!("  {line}"))?;
        }
        if let Some(part) = &mut report.other_matters {
            part.text.push_str(&format!("\n{CHECKED}"));
        }
        self.console.out(&self.console.pick(
            format!("在第六部分末尾补上一句：{CHECKED}"),
            format!("a sentence goes to the end of part six: {CHECKED}"),
        ))?;
        let answer = submit::submit(&self.server, report).await?;
        let report = answer.report.unwrap_or_default();
        self.console.fold(&steps::line(self.console, &report, answer.receipt.as_ref()))
    }

    /// The receipt of the last acceptance.
    async fn accept(&mut self, reports: &[Report]) -> Result<Receipt, Error> {
        self.next("由另一人接收，留下回执", "someone else accepts, and a receipt is kept")?;
        let mut kept = None;
        for report in reports {
            let name = report.name.clone();
            let request = AcceptReportRequest { name, ..AcceptReportRequest::default() };
            let answer = self.office.reports().accept_report(request).await;
            let answer = self.office.answered(answer)?;
            let report = answer.report.unwrap_or_default();
            self.console.fold(&steps::line(self.console, &report, answer.receipt.as_ref()))?;
            kept = answer.receipt;
        }
        kept.ok_or(Error::Story("nothing was accepted"))
    }

    async fn read_back(&mut self, reports: &[Report]) -> Result<(), Error> {
        self.next("读回，看办理历程，列出", "read back, with its history; list")?;
        let first = reports.first().map(|r| r.name.clone()).unwrap_or_default();
        let stored = get::report(&self.server, &first).await?;
        let value = form_table::value(&stored, PATH);
        self.console.out(&format!("{first}  {CELL} = {value}"))?;
        let request = ListReportEventsRequest { parent: first, ..Default::default() };
        let answer = self.server.reports().list_report_events(request).await;
        let answer = self.server.answered(answer)?;
        self.console.out(&history::events_table(self.console, &answer.events))?;
        let page = Page { filter: format!("year = {YEAR}"), limit: 100 };
        let (listed, _) = get::reports(&self.server, None, &page).await?;
        self.console.out(&get::reports_table(self.console, &listed))
    }

    async fn sum(&mut self, reports: &[Report]) -> Result<(), Error> {
        self.next("汇总全市，并说清汇总了谁", "sum the city, and say what the sum covers")?;
        let request = AggregateReportsRequest {
            organ: sisters::city(),
            years: vec![YEAR],
            list_members: true,
            ..AggregateReportsRequest::default()
        };
        let answer = aggregate::ask(&self.server, request).await?;
        let Some(sum) = answer.aggregates.first() else {
            return Err(Error::Story("the sum did not come"));
        };
        self.console.out(&sisters::sum_table(self.console, reports, sum))?;
        let missing = aggregate::missing(&self.server, self.console, sum).await?;
        self.console.out(&aggregate::coverage(self.console, sum, &missing, false))
    }

    async fn verify(&mut self, kept: &Receipt) -> Result<(), Error> {
        self.next(
            "核验日志，对照留下的回执",
            "verify the journal against the receipt that was kept",
        )?;
        self.console.out(&submit::proof(self.console, kept))?;
        let request = VerifyJournalRequest { expect: kept.entry_hash.clone() };
        let answer = self.server.admin().verify_journal(request).await;
        let answer = self.server.answered(answer)?;
        if !answer.sound || !answer.expected_found {
            return Err(Error::Story("the journal is not as it was written"));
        }
        let entries = answer.entries;
        let text = self.console.pick(
            format!("{entries} 条写入完好，回执所指的一条就在其中：之前的内容无人改动。"),
            format!(
                "{entries} entries are sound, that of the receipt among them: nothing before \
                     it was changed."
            ),
        );
        self.console.out(&format!("{} {text}", self.console.on_out(Style::Green, "✓")))
    }

    fn closing(&mut self) -> Result<(), Error> {
        self.next("接下来", "what to try next")?;
        self.say(
            "nianbao validate 报告.docx                核对自己的报告\n\
             nianbao render 报告.docx --type html      生成官方格式的网页\n\
             nianbao serve                             启动服务，然后：\n\
             grpcurl -plaintext 127.0.0.1:50051 describe nianbao.v1.ApplicantCounts",
            "nianbao validate report.docx              check a report of your own\n\
             nianbao render report.docx --type html    write it as the official page\n\
             nianbao serve                             run the server, then:\n\
             grpcurl -plaintext 127.0.0.1:50051 describe nianbao.v1.ApplicantCounts",
        )
    }

    /// Fills a cell with the code of `set`.
    fn set(&self, report: &mut Report, assignment: &str) -> Result<(), Error> {
        for change in set::fill(report, &[assignment.to_owned()], &[])? {
            self.console.out(&set::line(self.console, &change))?;
        }
        Ok(())
    }
}

/// Sends the document to the server, as header and chunk.
async fn parse(server: &Server) -> Result<ParseDocumentResponse, Error> {
    let header = DocumentHeader {
        file_name: "report.html".to_owned(),
        organ: sisters::housing(),
        ..DocumentHeader::default()
    };
    let contents = [Content::Header(header), Content::Chunk(DOCUMENT.as_bytes().to_vec())];
    let messages = contents.map(|content| ParseDocumentRequest { content: Some(content) });
    let stream = tokio_stream::iter(messages);
    let answer = server.documents().parse_document(stream).await;
    server.answered(answer)
}
