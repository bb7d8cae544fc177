//! A report beside that of the year before, over a socket: what is found, what explains it, and
//! what a later change of the earlier report does not touch.

use nianbao::form::{self, Amount};
use nianbao::pb::organ_service_client::OrganServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Finding, Report, Scope, Severity};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::support::{Details, TestServer, housing_years, register_organ};

fn client(channel: &Channel) -> ReportServiceClient<Channel> {
    ReportServiceClient::new(channel.clone())
}

fn by<T>(name: &'static str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("nianbao-principal", name.parse().expect("ascii"));
    request
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

async fn submit(channel: &Channel, report: Report) -> Result<pb::SubmitReportResponse, Status> {
    let report = Some(Box::new(report));
    let request = pb::SubmitReportRequest { report, ..Default::default() };
    Ok(client(channel).submit_report(by("clerk", request)).await?.into_inner())
}

async fn accept(channel: &Channel, name: &str) {
    let request = pb::AcceptReportRequest { name: name.to_owned(), ..Default::default() };
    client(channel).accept_report(by("reviewer", request)).await.expect("accepted");
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
