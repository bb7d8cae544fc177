//! A report beside that of the year before, over a socket: what is found, what explains it, and
//! what a later change of the earlier report does not touch.

use nianbao::form::{self, Amount};
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::organ_service_client::OrganServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Finding, Report, Scope, Severity};
use tonic::transport::Channel;

use crate::support::{Details, TestServer, accept, by, housing_years, register_organ, submit};

fn client(channel: &Channel) -> ReportServiceClient<Channel> {
    ReportServiceClient::new(channel.clone())
}

fn add(report: &mut Report, path: &str, more: i64) {
    let cell = form::cell(path).expect("a cell");
    let Some(Amount::Count(count)) = cell.get(report) else { panic!("{path} is no count") };
    cell.set(report, Some(Amount::Count(count + more))).expect("a count");
}

/// More requests of natural persons in a row, and as many more or fewer newly received.
fn shift(report: &mut Report, row: &str, more: i64) {
    let newly = if row == "carried_in" { -more } else { more };
    for column in ["natural_person", "total"] {
        add(report, &format!("requests.{row}.{column}"), more);
        add(report, &format!("requests.newly_received.{column}"), newly);
    }
}

/// The reports of 2023 and 2022 of an organ; the earlier carries so many requests on, and the later
/// one takes so many over.
fn years(organ: &str, carried_out: i64, carried_in: i64) -> (Report, Report) {
    let (mut this, mut last) = housing_years();
    for report in [&mut this, &mut last] {
        report.organ = format!("organs/{organ}");
    }
    shift(&mut last, "carried_out", carried_out);
    shift(&mut this, "carried_in", carried_in);
    (this, last)
}

/// Amends a report and has the amendment accepted.
async fn amend(channel: &Channel, name: &str, report: Report) {
    let request = pb::PublishReportRequest { name: name.to_owned(), ..Default::default() };
    client(channel).publish_report(by("clerk", request)).await.expect("published");
    let (name, reason) = (name.to_owned(), "更正".to_owned());
    let request = pb::AmendReportRequest { name: name.clone(), reason, ..Default::default() };
    client(channel).amend_report(by("clerk", request)).await.expect("opened");
    submit(channel, report).await.expect("taken");
    accept(channel, &name).await;
}

async fn findings(channel: &Channel, report: &Report) -> Vec<Finding> {
    let report = Some(Box::new(report.clone()));
    let request = pb::ValidateReportRequest { report };
    client(channel).validate_report(request).await.expect("validated").into_inner().findings
}

async fn reviews(channel: &Channel, organ: &str) -> Vec<pb::Review> {
    let organ = organ.to_owned();
    let request = pb::ListReviewsRequest { organ, year: 2023, ..Default::default() };
    let answer = AggregateServiceClient::new(channel.clone()).list_reviews(request).await;
    answer.expect("a list").into_inner().reviews
}

fn rules(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule_id.as_str()).collect()
}

const CARRY_OVER: [&str; 2] = ["year.carry_over.natural_person", "year.carry_over.total"];

#[tokio::test(flavor = "multi_thread")]
async fn finds_what_was_not_carried_over_and_takes_an_explanation() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "housing", None).await;
    let (mut this, last) = years("housing", 4, 3);
    assert_eq!(findings(&channel, &this).await, [], "nothing is stored to compare with");
    submit(&channel, last).await.expect("taken");

    let found = findings(&channel, &this).await;
    assert_eq!(rules(&found), CARRY_OVER);
    let first = &found[0];
    assert_eq!((first.severity(), first.derived), (Severity::Warning, false));
    assert!(found[1].derived, "the total follows from the column");
    let figures = (first.expected.as_str(), first.actual.as_str(), first.delta.as_str());
    assert_eq!(figures, ("4", "3", "-1"));
    assert_eq!(first.cell, "表三·二、上年结转政府信息公开申请数量·自然人");
    let earlier = "organs/housing/reports/2022-own/revisions/1";
    assert_eq!(first.compared_with, [earlier]);
    let read: Vec<_> = first
        .operands
        .iter()
        .map(|o| (o.field_path.as_str(), o.value.as_deref(), o.revision.as_str()))
        .collect();
    assert_eq!(
        read,
        [
            ("requests.carried_in.natural_person", Some("3"), ""),
            ("requests.carried_out.natural_person", Some("4"), earlier),
        ]
    );

    let status = submit(&channel, this.clone()).await.expect_err("a warning stands");
    assert_eq!(Details::of(&status).info.reason, "WARNING_UNEXPLAINED");
    this.explanations.push(pb::Explanation {
        fingerprint: first.fingerprint.clone(),
        text: "一件申请上年误记".to_owned(),
    });
    let taken = submit(&channel, this).await.expect("explained");
    assert_eq!(rules(&taken.findings), CARRY_OVER, "explained, and told all the same");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compares_with_what_counts_and_never_with_a_draft() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "housing", None).await;
    let name = "organs/housing/reports/2022-own";
    let (this, last) = years("housing", 4, 3);
    let draft = pb::SaveDraftRequest { report: Some(Box::new(last.clone())), ..Default::default() };
    client(&channel).save_draft(by("clerk", draft)).await.expect("stored");
    assert_eq!(findings(&channel, &this).await, []);
    submit(&channel, last).await.expect("taken");
    assert_eq!(rules(&findings(&channel, &this).await), CARRY_OVER, "it waits for acceptance");
    accept(&channel, name).await;

    // An amendment counts once it is accepted.
    let (_, amended) = years("housing", 3, 3);
    let request = pb::PublishReportRequest { name: name.to_owned(), ..Default::default() };
    client(&channel).publish_report(by("clerk", request)).await.expect("published");
    let reason = "更正".to_owned();
    let request = pb::AmendReportRequest { name: name.to_owned(), reason, ..Default::default() };
    client(&channel).amend_report(by("clerk", request)).await.expect("opened");
    submit(&channel, amended).await.expect("taken");
    assert_eq!(rules(&findings(&channel, &this).await), CARRY_OVER);
    accept(&channel, name).await;
    assert_eq!(findings(&channel, &this).await, []);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_amendment_of_last_year_breaks_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "housing", None).await;
    let (this, last) = years("housing", 3, 3);
    submit(&channel, last).await.expect("taken");
    accept(&channel, "organs/housing/reports/2022-own").await;
    let (report, request_id) = (Some(Box::new(this.clone())), "once".to_owned());
    let request = || {
        let (report, request_id) = (report.clone(), request_id.clone());
        by("clerk", pb::SubmitReportRequest { report, request_id, ..Default::default() })
    };
    let first = client(&channel).submit_report(request()).await.expect("taken").into_inner();
    assert_eq!(first.findings, []);
    accept(&channel, "organs/housing/reports/2023-own").await;

    let (_, amended) = years("housing", 5, 3);
    amend(&channel, "organs/housing/reports/2022-own", amended).await;
    assert_eq!(rules(&findings(&channel, &this).await), CARRY_OVER);
    let again = client(&channel).submit_report(request()).await.expect("answered").into_inner();
    assert_eq!(again, first, "a repeated request gets the first answer, with its findings");
    let request = pb::GetReportRequest {
        name: "organs/housing/reports/2023-own".into(),
        ..Default::default()
    };
    let stands = client(&channel).get_report(request).await.expect("stored").into_inner();
    assert_eq!(stands.state(), pb::report::State::Accepted);

    // It is listed, until it is amended with an explanation.
    let listed = reviews(&channel, "organs/housing").await;
    let review = listed.first().expect("one");
    assert_eq!(review.revision, "organs/housing/reports/2023-own/revisions/1");
    assert_eq!(review.compared_with, "organs/housing/reports/2022-own/revisions/2");
    assert_eq!(rules(&review.findings), CARRY_OVER[..1], "what follows from it is not repeated");
    assert_eq!(listed.len(), 1);
    let mut explained = this;
    let fingerprint = review.findings[0].fingerprint.clone();
    let text = "上年已更正".to_owned();
    explained.explanations.push(pb::Explanation { fingerprint, text });
    amend(&channel, "organs/housing/reports/2023-own", explained).await;
    assert_eq!(reviews(&channel, "organs/housing").await, []);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organ_that_took_in_another_is_not_held_against_its_last_year() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    for (id, parent) in [("city", None), ("housing", Some("city")), ("estates", Some("city"))] {
        register_organ(&channel, id, parent).await;
    }
    let region = |report: &mut Report| report.set_scope(Scope::Region);
    let (own, own_before) = years("housing", 4, 9);
    let (mut city, mut city_before) = years("city", 4, 9);
    region(&mut city);
    region(&mut city_before);
    for report in [own_before, city_before] {
        submit(&channel, report).await.expect("taken");
    }
    for report in [&own, &city] {
        assert_eq!(rules(&findings(&channel, report).await), CARRY_OVER);
    }
    let merger = pb::MergeOrgansRequest {
        sources: vec!["organs/estates".to_owned()],
        successor: "organs/housing".to_owned(),
        from_year: 2023,
        ..Default::default()
    };
    let merged = OrganServiceClient::new(channel.clone()).merge_organs(by("clerk", merger)).await;
    merged.expect("merged");
    for report in [&own, &city] {
        assert_eq!(findings(&channel, report).await, [], "{}", report.organ);
    }
    // What speaks of a copy is held all the same.
    let mut copy = own;
    copy.requests = years("housing", 4, 9).1.requests;
    copy.disclosure = years("housing", 4, 9).1.disclosure;
    assert_eq!(rules(&findings(&channel, &copy).await), ["year.copied"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_come_page_by_page_and_only_of_what_counts() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "city", None).await;
    let ids = ["a", "b", "c", "d"];
    for id in ids {
        register_organ(&channel, id, Some("city")).await;
        let (this, _) = years(id, 4, 3);
        submit(&channel, this).await.expect("nothing to compare with");
        if id != "d" {
            accept(&channel, &format!("organs/{id}/reports/2023-own")).await;
        }
        // The earlier report is filed later.
        let carried_out = if id == "b" { 3 } else { 4 };
        submit(&channel, years(id, carried_out, 3).1).await.expect("taken");
    }
    let mut client = AggregateServiceClient::new(channel.clone());
    let mut request = pb::ListReviewsRequest {
        organ: "organs/city".to_owned(),
        year: 2023,
        page_size: 1,
        ..Default::default()
    };
    let mut listed = Vec::new();
    loop {
        let answer = client.list_reviews(request.clone()).await.expect("a page").into_inner();
        assert!(answer.reviews.len() <= 1);
        listed.extend(answer.reviews.into_iter().map(|review| review.revision));
        request.page_token = answer.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let name = |id: &str| format!("organs/{id}/reports/2023-own/revisions/1");
    assert_eq!(listed, [name("a"), name("c")], "b follows, d does not count yet");
    let other = pb::ListReviewsRequest { year: 2022, page_token: "x".to_owned(), ..request };
    let status = client.list_reviews(other).await.expect_err("no token of this list");
    assert_eq!(Details::of(&status).info.reason, "PAGE_TOKEN_INVALID");
    server.stop().await;
}

/// The report of 2019, accepted for an organ and a year, with so many licences.
async fn file(channel: &Channel, base: Report, organ: &str, year: i32, licences: i64) {
    let old = base.disclosure_2019.is_some();
    let mut report = Report { organ: format!("organs/{organ}"), year, ..base };
    let path = match old {
        true => "disclosure_2019.licensing.decisions",
        false => "disclosure.licensing_decisions",
    };
    crate::support::set(&mut report, path, &licences.to_string());
    let request = pb::SubmitReportRequest {
        report: Some(Box::new(report)),
        as_published_reason: "历年报告补录".to_owned(),
        as_published: true,
        ..Default::default()
    };
    client(channel).submit_report(by("clerk", request)).await.expect("taken");
    accept(channel, &format!("organs/{organ}/reports/{year}-own")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_figures_across_the_editions_and_makes_nothing_of_what_is_unknown() {
    use crate::support::{housing, office};
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    for (id, parent) in [("city", None), ("a", Some("city")), ("b", Some("city"))] {
        register_organ(&channel, id, parent).await;
    }
    file(&channel, office(), "a", 2020, 10).await;
    file(&channel, office(), "b", 2020, 20).await;
    file(&channel, housing(), "a", 2021, 11).await;
    file(&channel, office(), "b", 2021, 22).await;
    file(&channel, housing(), "a", 2022, 12).await;
    file(&channel, housing(), "b", 2022, 25).await;
    let compare = async |cells: &[&str]| {
        let request = pb::CompareYearsRequest {
            organ: "organs/city".to_owned(),
            years: vec![2020, 2021, 2022, 2023],
            cells: cells.iter().map(|&cell| cell.to_owned()).collect(),
            ..Default::default()
        };
        AggregateServiceClient::new(channel.clone()).compare_years(request).await
    };
    let cells = [
        "disclosure.licensing_decisions",
        "表二·规章·现行有效件数",
        "requests.other.undivided.total",
        "requests.other.other_reason.total",
        "disclosure_2019.procurement.projects",
    ];
    let answer = compare(&cells).await.expect("series").into_inner();
    let shown: Vec<Vec<String>> = answer
        .series
        .iter()
        .map(|series| {
            let point = |point: &pb::YearPoint| {
                let part = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
                let (value, change) = (part(&point.value), part(&point.change));
                format!("{value} of {} ? {} {change}", point.given, point.unknown)
            };
            series.points.iter().map(point).collect()
        })
        .collect();
    let lines = |points: [&str; 4]| points.map(str::to_owned).to_vec();
    let other = |report: &Report, rows: &[&str]| -> i64 {
        let count = |row: &&str| match form::cell(&format!("requests.other.{row}.total"))
            .and_then(|c| c.get(report))
        {
            Some(Amount::Count(count)) => count,
            _ => panic!("{row} is blank"),
        };
        rows.iter().map(count).sum()
    };
    let old = other(&office(), &["undivided"]);
    let new = other(&housing(), &["not_corrected", "fee_unpaid", "other_reason"]);
    let last = other(&housing(), &["other_reason"]);
    assert_eq!(
        shown,
        [
            lines(["30 of 2 ? 0 -", "33 of 2 ? 0 3", "37 of 2 ? 0 4", "- of 0 ? 0 -"]),
            lines(["- of 0 ? 2 -", "0 of 1 ? 1 -", "0 of 2 ? 0 -", "- of 0 ? 0 -"]),
            lines([
                &format!("{} of 2 ? 0 -", 2 * old),
                &format!("{} of 2 ? 0 {}", old + new, new - old),
                &format!("{} of 2 ? 0 {}", 2 * new, new - old),
                "- of 0 ? 0 -",
            ]),
            lines([
                "- of 0 ? 2 -",
                &format!("{last} of 1 ? 1 -"),
                &format!("{} of 2 ? 0 -", 2 * last),
                "- of 0 ? 0 -",
            ]),
            lines(["12 of 2 ? 0 -", "6 of 1 ? 1 -", "- of 0 ? 2 -", "- of 0 ? 0 -"]),
        ]
    );
    assert_eq!(answer.coverage.len(), 4);
    let editions = |year: usize| -> Vec<(i32, i32)> {
        answer.coverage[year].by_edition.iter().map(|e| (e.edition, e.count)).collect()
    };
    assert_eq!(
        [editions(0), editions(1), editions(2)],
        [vec![(1, 2)], vec![(1, 1), (2, 1)], vec![(2, 2)]]
    );
    let all = compare(&[]).await.expect("series").into_inner().series;
    assert!(all.iter().any(|s| s.field_path == "requests.granted.research"));
    assert!(all.iter().all(|s| s.field_path != "disclosure_2019.licensing.decisions"));
    let merged = compare(&["disclosure_2019.licensing.decisions"]).await.expect("it is the same");
    assert_eq!(merged.into_inner().series[0].field_path, "disclosure.licensing_decisions");
    for cell in ["表三", "disclosure_2019.procurement.amount", ""] {
        let status = compare(&[cell]).await.expect_err(cell);
        assert_eq!(Details::of(&status).info.reason, "CELL_UNKNOWN", "{cell}");
    }
    server.stop().await;
}
