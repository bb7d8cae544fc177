//! A province over two years, from the figures of three published reports: 淮安市 of 2024 with a
//! district below it, 宿迁市 of 2023 and a later year made from it, and a published error.

use nianbao::form::{self, Amount};
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Basis, Finding, Report};
use tonic::transport::Channel;

use crate::support::{
    Details, TestServer, accept, by, hongze, huaian, register_organ, set, submit, suqian,
};

const COLUMNS: [&str; 7] = [
    "natural_person",
    "business",
    "research",
    "public_interest",
    "legal_service",
    "other_organization",
    "total",
];

fn count(report: &Report, path: &str) -> i64 {
    match form::cell(path).and_then(|cell| cell.get(report)) {
        Some(Amount::Count(count)) => count,
        _ => panic!("{path} holds no count"),
    }
}

fn put(report: &mut Report, path: &str, count: i64) {
    set(report, path, &count.to_string());
}

/// The report of the year after, which follows from this one in every column and stock: what was
/// left over is taken over, and as many fewer are new.
fn year_after(before: &Report) -> Report {
    let mut after = Report { year: before.year + 1, ..before.clone() };
    for column in COLUMNS {
        let path = |row: &str| format!("requests.{row}.{column}");
        let over = count(before, &path("carried_out"));
        let done = count(before, &path("total_processed"));
        put(&mut after, &path("carried_in"), over);
        put(&mut after, &path("newly_received"), done);
        put(&mut after, &path("carried_out"), over);
    }
    for row in ["rules", "normative_documents"] {
        let path = |column: &str| format!("disclosure.{row}.{column}");
        let stock = count(before, &path("in_force")) + count(before, &path("issued"));
        put(&mut after, &path("repealed"), 0);
        put(&mut after, &path("in_force"), stock);
    }
    put(&mut after, "disclosure.licensing_decisions", 1_900_000);
    after
}

async fn findings(channel: &Channel, report: Report) -> Vec<Finding> {
    let request = pb::ValidateReportRequest { report: Some(Box::new(report)) };
    let mut client = ReportServiceClient::new(channel.clone());
    client.validate_report(request).await.expect("validated").into_inner().findings
}

async fn sum(channel: &Channel, organ: &str, year: i32, basis: Basis) -> pb::Aggregate {
    let request = pb::AggregateReportsRequest {
        organ: format!("organs/{organ}"),
        years: vec![year],
        basis: basis as i32,
        ..Default::default()
    };
    let answer = AggregateServiceClient::new(channel.clone()).aggregate_reports(request).await;
    answer.expect("a sum").into_inner().aggregates.remove(0)
}

async fn file(channel: &Channel, report: Report) {
    let name = format!("{}/reports/{}-region", report.organ, report.year);
    submit(channel, report).await.expect("taken");
    accept(channel, &name).await;
}

async fn stage() -> (tempfile::TempDir, TestServer, Channel) {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    for (id, parent) in [
        ("jiangsu", None),
        ("huaian", Some("jiangsu")),
        ("hongze", Some("huaian")),
        ("suqian", Some("jiangsu")),
    ] {
        register_organ(&channel, id, parent).await;
    }
    (data, server, channel)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_error_is_found_and_said_of_every_sum_that_holds_it() {
    let (_data, server, channel) = stage().await;
    let status = submit(&channel, hongze()).await.expect_err("two sums do not hold");
    let details = Details::of(&status);
    assert_eq!(details.info.reason, "REPORT_HAS_ERRORS");
    let told: Vec<_> = details.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(
        told,
        ["disputes.reconsideration.total", "disputes.litigation_after_reconsideration.total"]
    );
    let found = findings(&channel, hongze()).await;
    let figures: Vec<_> =
        found.iter().map(|f| (f.cell.as_str(), f.expected.as_str(), f.actual.as_str())).collect();
    assert_eq!(figures, [("表四·行政复议·总计", "11", "0"), ("表四·复议后起诉·总计", "5", "0")]);

    let request = pb::SubmitReportRequest {
        report: Some(Box::new(hongze())),
        as_published: true,
        as_published_reason: "已公布，照录".to_owned(),
        ..Default::default()
    };
    let mut client = ReportServiceClient::new(channel.clone());
    client.submit_report(by("clerk", request)).await.expect("taken as published");
    accept(&channel, "organs/hongze/reports/2023-region").await;
    file(&channel, suqian()).await;
    let sum = sum(&channel, "jiangsu", 2023, Basis::Declared).await;
    let coverage = sum.coverage.expect("said");
    assert_eq!((coverage.included, coverage.as_published), (2, 1));
    let upheld = |report: &Report| count(report, "disputes.reconsideration.upheld");
    let table = sum.disputes.and_then(|disputes| disputes.reconsideration).expect("a group");
    assert_eq!(table.upheld, Some(upheld(&hongze()) + upheld(&suqian())));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_city_declares_holds_its_district_and_is_never_added_to_it() {
    let (_data, server, channel) = stage().await;
    let mut district = year_after(&hongze());
    put(&mut district, "disputes.reconsideration.total", 11);
    put(&mut district, "disputes.litigation_after_reconsideration.total", 5);
    file(&channel, huaian()).await;
    file(&channel, district.clone()).await;

    let city = sum(&channel, "huaian", 2024, Basis::Declared).await;
    assert_eq!(city.requests, huaian().requests);
    assert_eq!(city.disputes, huaian().disputes);
    let coverage = city.coverage.expect("said");
    assert_eq!((coverage.expected, coverage.included, coverage.covered_by_region), (2, 1, 1));

    let parts = sum(&channel, "huaian", 2024, Basis::Parts).await;
    assert!(parts.cells.is_empty(), "nobody has filed for itself");
    let coverage = parts.coverage.expect("said");
    assert_eq!((coverage.missing, coverage.region_without_parts), (2, 2));

    file(&channel, year_after(&suqian())).await;
    let province = sum(&channel, "jiangsu", 2024, Basis::Declared).await;
    let granted = |report: &Report| count(report, "requests.granted.total");
    let row = province.requests.and_then(|requests| requests.granted).expect("a row");
    assert_eq!(row.total, Some(granted(&huaian()) + granted(&suqian())), "the district is in it");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_follows_from_the_one_before_in_all_seven_columns() {
    let (_data, server, channel) = stage().await;
    file(&channel, suqian()).await;
    let after = year_after(&suqian());
    assert_eq!(findings(&channel, after.clone()).await, []);
    for column in COLUMNS {
        let mut wrong = after.clone();
        let path = format!("requests.carried_in.{column}");
        put(&mut wrong, &path, count(&after, &path) + 1);
        let found = findings(&channel, wrong).await;
        let rule = format!("year.carry_over.{column}");
        let broken = found.iter().find(|f| f.rule_id == rule).expect(column);
        let over = count(&suqian(), &format!("requests.carried_out.{column}"));
        let figures = (broken.expected.as_str(), broken.actual.as_str());
        assert_eq!(figures, (over.to_string().as_str(), (over + 1).to_string().as_str()));
        assert_eq!(broken.compared_with, ["organs/suqian/reports/2023-region/revisions/1"]);
        let others = found.iter().filter(|f| f.rule_id.starts_with("year.carry_over."));
        assert_eq!(others.count(), 1, "{column} alone is broken");
    }
    let mut stock = after.clone();
    let in_force = count(&after, "disclosure.normative_documents.in_force");
    put(&mut stock, "disclosure.normative_documents.in_force", in_force - 1);
    let found = findings(&channel, stock).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rule_id, "year.stock.normative_documents");

    file(&channel, after).await;
    let request = pb::CompareYearsRequest {
        organ: "organs/jiangsu".to_owned(),
        years: vec![2023, 2024],
        cells: vec!["表二·行政许可".to_owned(), "表三·四、结转下年度继续办理·总计".to_owned()],
        basis: Basis::Declared as i32,
        ..Default::default()
    };
    let answer = AggregateServiceClient::new(channel.clone()).compare_years(request).await;
    let series = answer.expect("series").into_inner().series;
    let change = |series: &pb::YearSeries| series.points[1].change.clone();
    let licences = 1_900_000 - count(&suqian(), "disclosure.licensing_decisions");
    assert_eq!(change(&series[0]), Some(licences.to_string()));
    assert_eq!(change(&series[1]).as_deref(), Some("0"));
    server.stop().await;
}
