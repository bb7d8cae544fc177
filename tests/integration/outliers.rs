//! Figures that stand out, over a socket.

use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::{self, Outlier, Report, Severity};
use tonic::transport::Channel;

use crate::support::{Details, TestServer, accept, housing, register_organ, set, submit};

/// The report of a bureau with so many licences, and other figures of the year so that no two are
/// alike.
async fn file(channel: &Channel, organ: &str, year: i32, licences: i64, accepted: bool) {
    let mut report = Report { organ: format!("organs/{organ}"), year, ..housing() };
    set(&mut report, "disclosure.licensing_decisions", &licences.to_string());
    set(&mut report, "disclosure.penalty_decisions", &(10 + year % 7).to_string());
    submit(channel, report).await.expect("taken");
    if accepted {
        accept(channel, &format!("organs/{organ}/reports/{year}-own")).await;
    }
}

fn request() -> pb::ListOutliersRequest {
    pb::ListOutliersRequest { organ: "organs/city".to_owned(), year: 2026, ..Default::default() }
}

async fn list(channel: &Channel, request: pb::ListOutliersRequest) -> pb::ListOutliersResponse {
    let answer = AggregateServiceClient::new(channel.clone()).list_outliers(request).await;
    answer.expect("a list").into_inner()
}

fn told(outlier: &Outlier) -> Vec<(&str, &str)> {
    outlier.findings.iter().map(|f| (f.rule_id.as_str(), f.field_path.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_stands_out_among_organs_alike_and_nothing_of_few() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "city", None).await;
    for number in 0..12 {
        let id = format!("b{number:02}");
        register_organ(&channel, &id, Some("city")).await;
        let licences = if number == 3 { 9_000 } else { 100 + 5 * number };
        file(&channel, &id, 2026, licences, true).await;
    }
    assert_eq!(list(&channel, request()).await.outliers, [], "eleven others are too few");

    register_organ(&channel, "b12", Some("city")).await;
    file(&channel, "b12", 2026, 170, false).await;
    assert_eq!(list(&channel, request()).await.outliers, [], "it does not count yet");
    let unaccepted = pb::ListOutliersRequest { include_unaccepted: true, ..request() };
    assert_eq!(list(&channel, unaccepted).await.outliers.len(), 1);
    accept(&channel, "organs/b12/reports/2026-own").await;

    let outliers = list(&channel, request()).await.outliers;
    let [outlier] = &outliers[..] else { panic!("{outliers:?}") };
    assert_eq!(outlier.revision, "organs/b03/reports/2026-own/revisions/1");
    assert_eq!(told(outlier), [("outlier.peers", "disclosure.licensing_decisions")]);
    let finding = &outlier.findings[0];
    assert_eq!((finding.severity(), finding.actual.as_str()), (Severity::Info, "9000"));
    assert_eq!(finding.compared_with, Vec::<String>::new());
    let statistics = finding.statistics.clone().expect("shown");
    assert_eq!((statistics.count, statistics.median.as_str()), (12, "135"));
    let bound = |text: &str| text.parse::<i64>().expect("a count");
    assert!(bound(&statistics.low) < 100 && bound(&statistics.high) < 9_000);
    assert!(finding.message_zh.contains("其余 12 个数的中位数为 135"), "{}", finding.message_zh);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_stands_out_among_the_years_of_one_organ() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "city", None).await;
    for id in ["a", "b"] {
        register_organ(&channel, id, Some("city")).await;
        for year in 2022..2026 {
            file(&channel, id, year, 100 + i64::from(year - 2022), true).await;
        }
        file(&channel, id, 2026, 3, true).await;
    }
    assert_eq!(list(&channel, request()).await.outliers, [], "four years are too few");
    for id in ["a", "b"] {
        file(&channel, id, 2021, 99, true).await;
    }
    let mut asked = pb::ListOutliersRequest { page_size: 1, ..request() };
    let first = list(&channel, asked.clone()).await;
    assert_eq!(first.outliers.len(), 1);
    let outlier = &first.outliers[0];
    assert_eq!(told(outlier), [("outlier.history", "disclosure.licensing_decisions")]);
    let finding = &outlier.findings[0];
    let name = |year| format!("organs/a/reports/{year}-own/revisions/1");
    assert_eq!(finding.compared_with, (2021..2026).map(name).collect::<Vec<_>>());
    let statistics = finding.statistics.clone().expect("shown");
    assert_eq!((statistics.count, statistics.median.as_str()), (5, "101"));
    asked.page_token = first.next_page_token;
    let second = list(&channel, asked.clone()).await;
    assert_eq!(second.outliers[0].revision, "organs/b/reports/2026-own/revisions/1");
    assert_eq!(second.next_page_token, "");
    let other = pb::ListOutliersRequest { year: 2025, ..asked };
    let refused = AggregateServiceClient::new(channel.clone()).list_outliers(other).await;
    let status = refused.expect_err("a token of another list");
    assert_eq!(Details::of(&status).info.reason, "PAGE_TOKEN_INVALID");
    server.stop().await;
}
