//! `ExportReports` over a socket: each file is read back with a reader of its own and held, cell by
//! cell, against what the other methods answer.

mod read;

use nianbao::form::{self, Amount, CELLS};
use nianbao::limits::EXPORT_CHUNK_BYTES_MAX;
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::export_reports_response::Content;
use nianbao::pb::organ_service_client::OrganServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{
    self, Blank, Edition, ExportContent, ExportFormat, ExportHeader, ExportHeads,
    ExportReportsRequest, ExportTrailer, GroupBy, Report, Scope, blank,
};
use nianbao::query::hex;
use read::{Long, Sheets, csv_rows, long};
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};
use tonic::transport::Channel;

use crate::support::{Details, TestServer, housing, office, register_organ, set};

const CITY: &str = "organs/city";
/// Money at its limits: a double keeps neither the first nor the last.
const FEES: [&str; 3] = ["999999999999.999999", "0.000001", "0.30"];

fn client(channel: &Channel) -> AggregateServiceClient<Channel> {
    AggregateServiceClient::new(channel.clone())
}

async fn submit(channel: &Channel, report: Report) {
    let request = pb::SubmitReportRequest { report: Some(Box::new(report)), ..Default::default() };
    let submitted = ReportServiceClient::new(channel.clone()).submit_report(request).await;
    submitted.expect("taken");
}

fn report(organ: &str, fees: &str) -> Report {
    let mut report = Report { organ: format!("organs/{organ}"), ..housing() };
    report.set_scope(Scope::Own);
    set(&mut report, "disclosure.fees_wan_yuan", fees);
    report
}

/// A city with bureaus: three have filed for 2023, one of those for 2019 too, in the old form.
async fn stage(channel: &Channel) {
    register_organ(channel, "city", None).await;
    for organ in ["housing", "police", "water"] {
        register_organ(channel, organ, Some("city")).await;
    }
    let organ = pb::Organ { sector: "housing".to_owned(), ..named(channel, "housing").await };
    let update = pb::UpdateOrganRequest {
        update_mask: Some(pb::FieldMask { paths: vec!["sector".to_owned()] }),
        organ: Some(organ),
        ..Default::default()
    };
    OrganServiceClient::new(channel.clone()).update_organ(update).await.expect("updated");
    register_formula(channel).await;
    for (organ, fees) in ["housing", "police", "formula"].into_iter().zip(FEES) {
        let mut report = report(organ, fees);
        if organ == "police" {
            set(&mut report, "requests.granted.research", "");
            report.blanks.push(Blank {
                field_path: "requests.granted.research".to_owned(),
                kind: blank::Kind::Slash as i32,
                raw: "/".to_owned(),
            });
            report.explanations = explained(channel, &report).await;
        }
        submit(channel, report).await;
    }
    let old = Report { organ: "organs/housing".to_owned(), ..office() };
    let explanations = explained(channel, &old).await;
    submit(channel, Report { explanations, ..old }).await;
}

async fn named(channel: &Channel, id: &str) -> pb::Organ {
    let request = pb::GetOrganRequest { name: format!("organs/{id}"), ..Default::default() };
    let organ = OrganServiceClient::new(channel.clone()).get_organ(request).await;
    organ.expect("registered").into_inner()
}

/// An organ whose name a spreadsheet would run.
async fn register_formula(channel: &Channel) {
    let organ = pb::Organ {
        display_name: "=HYPERLINK(\"x\",\"某局\")".to_owned(),
        affiliations: vec![pb::Affiliation {
            parent: CITY.to_owned(),
            from_year: 2019,
            until_year: None,
        }],
        ..pb::Organ::default()
    };
    let request = pb::CreateOrganRequest {
        organ_id: "formula".to_owned(),
        organ: Some(organ),
        ..Default::default()
    };
    OrganServiceClient::new(channel.clone()).create_organ(request).await.expect("registered");
}

/// An explanation of each warning.
async fn explained(channel: &Channel, report: &Report) -> Vec<pb::Explanation> {
    let request = pb::ValidateReportRequest { report: Some(Box::new(report.clone())) };
    let found = ReportServiceClient::new(channel.clone()).validate_report(request).await;
    let findings = found.expect("validated").into_inner().findings;
    let warnings = findings.into_iter().filter(|f| f.severity() == pb::Severity::Warning);
    let explain = |finding: pb::Finding| pb::Explanation {
        fingerprint: finding.fingerprint,
        text: "属实".to_owned(),
    };
    warnings.map(explain).collect()
}

fn request(content: ExportContent, format: ExportFormat) -> ExportReportsRequest {
    ExportReportsRequest {
        organ: CITY.to_owned(),
        years: vec![2023, 2019],
        content: content as i32,
        format: format as i32,
        heads: ExportHeads::Paths as i32,
        include_unaccepted: true,
        ..Default::default()
    }
}

/// A file that was exported.
struct Exported {
    header: ExportHeader,
    bytes: Vec<u8>,
    trailer: ExportTrailer,
}

/// Exports, and holds the stream to its form.
async fn export(channel: &Channel, request: ExportReportsRequest) -> Exported {
    let mut stream = client(channel).export_reports(request).await.expect("a stream").into_inner();
    let mut contents = Vec::new();
    while let Some(message) = stream.message().await.expect("a message") {
        contents.push(message.content.expect("a content"));
    }
    let Some(Content::Trailer(trailer)) = contents.pop() else { panic!("no trailer") };
    let mut contents = contents.into_iter();
    let Some(Content::Header(header)) = contents.next() else { panic!("no header") };
    let mut bytes = Vec::new();
    for content in contents {
        let Content::Data(data) = content else { panic!("data alone stands between") };
        assert!(!data.is_empty() && data.len() <= EXPORT_CHUNK_BYTES_MAX);
        bytes.extend(data);
    }
    assert_eq!(trailer.size_bytes, bytes.len() as i64);
    assert_eq!(trailer.sha256, hex(&Sha256::digest(&bytes)));
    Exported { header, bytes, trailer }
}

async fn revision(channel: &Channel, name: &str) -> Report {
    let request = pb::GetReportRequest { name: name.to_owned(), ..Default::default() };
    let report = ReportServiceClient::new(channel.clone()).get_report(request).await;
    report.expect("stored").into_inner()
}

async fn sums(channel: &Channel, organ: &str) -> Vec<pb::Aggregate> {
    let request = pb::AggregateReportsRequest {
        organ: organ.to_owned(),
        years: vec![2023, 2019],
        include_unaccepted: true,
        ..Default::default()
    };
    client(channel).aggregate_reports(request).await.expect("sums").into_inner().aggregates
}

fn printed(amount: Option<Amount>) -> String {
    amount.map(|amount| amount.to_string()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_holds_each_figure_of_each_report_that_the_sum_takes() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let asked = request(ExportContent::Reports, ExportFormat::Csv);
    let exported = export(&channel, asked.clone()).await;
    assert_eq!(exported.header.file_name, "city-2023-2019-reports.csv");
    assert_eq!((exported.header.records, exported.trailer.rows), (4, 4));
    let coverage = |at: usize| exported.header.years[at].coverage.clone().expect("counts");
    assert_eq!((coverage(0).included, coverage(0).missing, coverage(1).included), (3, 2, 1));
    let rows = csv_rows(&exported.bytes);
    let revisions: Vec<&str> = rows.iter().map(|row| row["revision"].as_str()).collect();
    assert_eq!(
        revisions,
        [
            "organs/formula/reports/2023-own/revisions/1",
            "organs/housing/reports/2023-own/revisions/1",
            "organs/police/reports/2023-own/revisions/1",
            "organs/housing/reports/2019-own/revisions/1",
        ]
    );
    assert_eq!(rows[0]["display_name"], "'=HYPERLINK(\"x\",\"某局\")", "no formula");
    assert_eq!((&*rows[1]["sector"], &*rows[1]["state"]), ("housing", "SUBMITTED"));
    assert_eq!((&*rows[1]["edition"], &*rows[3]["edition"]), ("2021", "2019"));
    for row in &rows {
        let report = revision(&channel, &row["revision"]).await;
        for cell in &CELLS {
            assert_eq!(row[cell.path], printed(cell.get(&report)), "{}", cell.path);
        }
    }
    assert_eq!(rows[2]["requests.granted.research"], "", "a blank is not zero");
    // What stands in a column adds up to the sum.
    let whole = &sums(&channel, CITY).await[0];
    for sum in &whole.cells {
        let of_year = rows.iter().filter(|row| row["year"] == "2023");
        let figures = of_year.map(|row| row[&sum.field_path].as_str()).filter(|f| !f.is_empty());
        let figures: Vec<Decimal> = figures.map(|f| f.parse().expect("a figure")).collect();
        assert_eq!(figures.len() as i32, sum.given, "{}", sum.field_path);
        let total: Decimal = figures.iter().sum();
        assert_eq!(total, sum.value.parse().expect("a sum"), "{}", sum.field_path);
    }
    let chinese = ExportReportsRequest { heads: 0, ..asked };
    let rows = csv_rows(&export(&channel, chinese).await.bytes);
    assert_eq!(rows[1]["表二·行政事业性收费·本年收费金额（单位：万元）"], FEES[0]);
    assert_eq!((&*rows[1]["状态"], &*rows[1]["原样补录"]), ("已提交", "否"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_of_sums_is_what_aggregate_reports_answers() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let asked = ExportReportsRequest {
        group_by: GroupBy::Child as i32,
        ..request(ExportContent::Sums, ExportFormat::Csv)
    };
    let rows = csv_rows(&export(&channel, asked).await.bytes);
    // Two years: the whole, and five organs each.
    assert_eq!(rows.len(), 12);
    let wholes = sums(&channel, CITY).await;
    for row in &rows {
        let organ = row["organ"].as_str();
        let at = usize::from(row["year"] == "2019");
        // The city is a group of its own, of itself alone: it has filed nothing.
        let alone = organ == CITY && !row["group_key"].is_empty();
        let expected = match row["group_key"].as_str() {
            "" => wholes[at].clone(),
            CITY => pb::Aggregate::default(),
            _ => sums(&channel, organ).await[at].clone(),
        };
        let summed = |path: &str| expected.cells.iter().find(|sum| sum.field_path == path);
        for cell in CELLS.iter().filter(|cell| cell.summing() != pb::Summing::Never) {
            let value = summed(cell.path).map(|sum| sum.value.clone()).unwrap_or_default();
            assert_eq!(row[cell.path], value, "{organ} {}", cell.path);
        }
        let coverage = expected.coverage.unwrap_or_default();
        if !alone {
            assert_eq!(row["included"], coverage.included.to_string());
            assert_eq!(row["revision_digest"], coverage.revision_digest);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_holds_each_value_and_each_blank_exactly() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let exported = export(&channel, request(ExportContent::Reports, ExportFormat::Parquet)).await;
    let Long { metadata, rows } = long(&exported.bytes);
    assert_eq!(metadata["nianbao.position"], exported.header.position);
    assert_eq!(metadata["nianbao.basis"], "PARTS");
    let coverage = exported.header.years[0].coverage.clone().expect("counts");
    assert_eq!(metadata["nianbao.2023.revision_digest"], coverage.revision_digest);
    assert_eq!(exported.trailer.rows, rows.len() as i64);
    let mut expected = 0;
    for name in ["housing", "police", "formula"] {
        let name = format!("organs/{name}/reports/2023-own/revisions/1");
        expected += same_as_the_report(&rows, &revision(&channel, &name).await, &name);
    }
    let name = "organs/housing/reports/2019-own/revisions/1";
    expected += same_as_the_report(&rows, &revision(&channel, name).await, name);
    assert_eq!(rows.len(), expected);
    let formula = rows.iter().find(|row| row.organ == "organs/formula").expect("a row");
    assert_eq!(formula.display_name, "=HYPERLINK(\"x\",\"某局\")", "as it is: no spreadsheet");
    server.stop().await;
}

/// Holds the rows of a revision against the report, and counts them.
fn same_as_the_report(rows: &[read::Row], report: &Report, name: &str) -> usize {
    let rows: Vec<&read::Row> = rows.iter().filter(|row| row.revision == name).collect();
    let find = |path: &str| rows.iter().find(|row| row.field_path == path);
    let mut count = 0;
    for cell in &CELLS {
        let blank = report.blanks.iter().find(|blank| blank.field_path == cell.path);
        let (row, amount) = (find(cell.path), cell.get(report));
        let Some(row) = row else {
            assert!(amount.is_none() && blank.is_none(), "{} is lost", cell.path);
            continue;
        };
        count += 1;
        assert_eq!(row.cell, cell.address);
        match amount {
            Some(Amount::Text(text)) => assert_eq!(row.text.as_deref(), Some(&*text)),
            Some(figure) => {
                let figure: Decimal = figure.to_string().parse().expect("a figure");
                assert_eq!(row.value, Some(figure), "{}", cell.path);
            }
            None => assert_eq!(row.value, None),
        }
        let kind = blank.map(|blank| blank.kind().as_str_name());
        let kind = kind.map(|name| name.trim_start_matches("KIND_"));
        assert_eq!(row.blank_kind.as_deref(), kind, "{}", cell.path);
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_of_sums_is_what_aggregate_reports_answers() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let asked = ExportReportsRequest {
        group_by: GroupBy::Child as i32,
        ..request(ExportContent::Sums, ExportFormat::Parquet)
    };
    let Long { metadata, rows } = long(&export(&channel, asked).await.bytes);
    assert_eq!(metadata["nianbao.content"], "SUMS");
    for sum in sums(&channel, CITY).await {
        let whole = |row: &&read::Row| row.year == sum.year && row.group_key.is_none();
        let figure = |row: &read::Row| {
            (row.field_path.clone(), row.value.expect("a sum"), row.given.expect("a count"))
        };
        let found: Vec<_> = rows.iter().filter(whole).map(figure).collect();
        let value = |sum: &pb::CellSum| sum.value.parse::<Decimal>().expect("a sum");
        let expected = sum.cells.iter().map(|c| (c.field_path.clone(), value(c), c.given));
        assert_eq!(found, expected.collect::<Vec<_>>());
        // The parts add up to the whole.
        for cell in &sum.cells {
            let parts = rows.iter().filter(|row| row.year == sum.year && row.group_key.is_some());
            let parts = parts.filter(|row| row.field_path == cell.field_path);
            assert_eq!(parts.filter_map(|row| row.value).sum::<Decimal>(), value(cell));
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_has_a_sheet_a_report_in_the_official_layout() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let exported = export(&channel, request(ExportContent::Reports, ExportFormat::Xlsx)).await;
    let sheets = Sheets::open(&exported.bytes);
    assert_eq!(sheets.names.len(), 5);
    let list = sheets.texts("目录");
    let position = format!("位置：{}，口径：逐机关汇总", exported.header.position);
    assert!(list.contains(&position), "{list:?}");
    for text in ["缺报机关", "organs/water", "organs/housing/reports/2019-own/revisions/1"] {
        assert!(list.contains(&text.to_owned()), "{text}: {list:?}");
    }
    let names = ["organs/formula/reports/2023-own", "organs/housing/reports/2023-own"];
    let names = names.into_iter().chain(["organs/police/reports/2023-own"]);
    for (at, name) in names.chain(["organs/housing/reports/2019-own"]).enumerate() {
        let report = revision(&channel, &format!("{name}/revisions/1")).await;
        let found = sheets.figures(&sheets.names[at + 1]);
        assert_eq!(found, printed_figures(&report), "{name}");
    }
    let (new, old) = (sheets.merges(2), sheets.merges(5));
    for (merges, heading, others) in [(&new, 22, 3), (&old, 20, 1)] {
        // Rows of table three begin below its head of three levels.
        let corner = sheets_corner(merges);
        let top = corner + 3;
        for (what, from, until) in [
            ("the corner", format!("A{corner}"), format!("C{}", corner + 2)),
            ("applicants", format!("D{corner}"), format!("J{corner}")),
            ("natural persons", format!("D{}", corner + 1), format!("D{}", corner + 2)),
            ("organisations", format!("E{}", corner + 1), format!("I{}", corner + 1)),
            ("item one", format!("A{top}"), format!("C{top}")),
            ("item three", format!("A{}", top + 2), format!("A{}", top + 1 + heading)),
            ("granted", format!("B{}", top + 2), format!("C{}", top + 2)),
            ("denied", format!("B{}", top + 4), format!("B{}", top + 11)),
        ] {
            assert!(merges.contains(&format!("{from}:{until}")), "{what}: {merges:?}");
        }
        let row = top + 20;
        let other = match others {
            1 => format!("B{row}:C{row}"),
            _ => format!("B{row}:B{}", row + 2),
        };
        assert!(merges.contains(&other), "{other}: {merges:?}");
    }
    server.stop().await;
}

/// The row in which the corner of table three begins: the one box of three rows and columns.
fn sheets_corner(merges: &[String]) -> u32 {
    let corner = merges.iter().find_map(|merge| {
        let (from, until) = merge.strip_prefix('A')?.split_once(":C")?;
        let (from, until): (u32, u32) = (from.parse().ok()?, until.parse().ok()?);
        (until == from + 2).then_some(from)
    });
    corner.expect("a corner")
}

/// What a sheet shows of a report, in form order. Numbers keep 15 digits, more stand as text.
fn printed_figures(report: &Report) -> Vec<String> {
    let edition = match report.edition() {
        Edition::Edition2019 => Edition::Edition2019,
        _ => Edition::Edition2021,
    };
    let cells = CELLS.iter().filter(|cell| cell.is_in(edition));
    let figures = cells.filter(|cell| cell.kind != form::CellKind::Text).filter_map(|cell| {
        let figure = match cell.get(report) {
            Some(amount) => amount.to_string(),
            None => report.blanks.iter().find(|b| b.field_path == cell.path)?.raw.clone(),
        };
        let number = figure.parse::<Decimal>().ok().filter(|_| figure.len() < 16);
        let plain = number.map(|number| number.normalize().to_string());
        Some(plain.unwrap_or(figure))
    });
    figures.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_of_sums_shows_the_tables_of_both_editions() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    // A report in the old form for a later year: its sum holds both.
    let late = Report { organ: "organs/water".to_owned(), year: 2023, ..office() };
    let explanations = explained(&channel, &late).await;
    submit(&channel, Report { explanations, ..late }).await;
    let exported = export(&channel, request(ExportContent::Sums, ExportFormat::Xlsx)).await;
    let sheets = Sheets::open(&exported.bytes);
    assert_eq!(sheets.names.len(), 3);
    let texts = sheets.texts(&sheets.names[1]);
    for text in [
        "二、主动公开政府信息情况",
        "二、主动公开政府信息情况（2019年试行格式）",
        "三、收到和处理政府信息公开申请情况（2019年试行格式）",
        "采购项目数量",
    ] {
        assert!(texts.contains(&text.to_owned()), "{text}: {texts:?}");
    }
    let sum = &sums(&channel, CITY).await[0];
    let figures = sheets.figures(&sheets.names[1]);
    for cell in &sum.cells {
        let value = cell.value.parse::<Decimal>().expect("a sum");
        let plain =
            if cell.value.len() < 16 { value.normalize().to_string() } else { cell.value.clone() };
        assert!(figures.contains(&plain), "{}: {plain}", cell.field_path);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_position_gives_the_same_bytes() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let mut before = Vec::new();
    for content in [ExportContent::Reports, ExportContent::Sums] {
        for format in [ExportFormat::Csv, ExportFormat::Parquet] {
            let asked = request(content, format);
            before.push((asked.clone(), export(&channel, asked).await));
        }
    }
    submit(&channel, report("water", "5")).await;
    for (asked, then) in before {
        let now = export(&channel, asked.clone()).await;
        assert_ne!(now.trailer, then.trailer);
        let as_of_position = then.header.position.clone();
        let again = export(&channel, ExportReportsRequest { as_of_position, ..asked }).await;
        assert_eq!(again.header, then.header);
        assert!(again.bytes == then.bytes);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_it_cannot_export_and_says_why() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "city", None).await;
    for number in 0..12 {
        register_organ(&channel, &format!("o{number}"), Some("city")).await;
    }
    let refused = async |request| {
        let status = client(&channel).export_reports(request).await.expect_err("refused");
        Details::of(&status)
    };
    let plain = || request(ExportContent::Reports, ExportFormat::Csv);
    let unknown = ExportReportsRequest { organ: "organs/none".to_owned(), ..plain() };
    assert_eq!(refused(unknown).await.info.reason, "ORGAN_NOT_FOUND");
    let filter = ExportReportsRequest { filter: "moon = 1".to_owned(), ..plain() };
    assert_eq!(refused(filter).await.info.reason, "FILTER_INVALID");
    for (wrong, field) in [
        (ExportReportsRequest { content: 0, ..plain() }, "content"),
        (ExportReportsRequest { format: 0, ..plain() }, "format"),
        (ExportReportsRequest { format: 9, ..plain() }, "format"),
        (ExportReportsRequest { group_by: GroupBy::Level as i32, ..plain() }, "group_by"),
    ] {
        let details = refused(wrong).await;
        assert_eq!(details.info.reason, "INVALID_REQUEST");
        assert_eq!(details.fields[0].field, field);
    }
    // Twenty years of a whole and thirteen groups.
    let many = ExportReportsRequest {
        years: (2019..2039).collect(),
        group_by: GroupBy::Child as i32,
        ..request(ExportContent::Sums, ExportFormat::Xlsx)
    };
    let details = refused(many.clone()).await;
    assert_eq!(details.info.reason, "EXPORT_TOO_LARGE");
    assert_eq!(details.info.metadata["limit"], "export_sheets_max");
    assert_eq!(details.info.metadata["value"], "250");
    let csv = ExportReportsRequest { format: ExportFormat::Csv as i32, ..many };
    assert_eq!(export(&channel, csv).await.trailer.rows, 280);
    // A year that is named twice comes once, and nothing is a file too.
    let twice = ExportReportsRequest { years: vec![2023, 2023], ..plain() };
    let exported = export(&channel, twice).await;
    assert_eq!((exported.header.years.len(), exported.trailer.rows), (1, 0));
    server.stop().await;
}
