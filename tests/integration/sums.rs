//! `AggregateService` over a socket: what only a client sees of it. That the sums are right is held
//! in `rollup`.

use nianbao::archive::{Archive, Caller, INDEX, Moment};
use nianbao::names::OrganId;
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::get_coverage_request::Only;
use nianbao::pb::organ_coverage::Taken;
use nianbao::pb::organ_service_client::OrganServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Basis, GroupBy, OrganTree, Report, Scope};
use nianbao::rollup::{Filter, Question, Rollup, sums};
use nianbao::store::{Options, Store};
use prost::Message as _;
use tonic::transport::Channel;

use crate::support::{Details, TestServer, housing, register_organ, set};

const CITY: &str = "organs/city";

fn client(channel: &Channel) -> AggregateServiceClient<Channel> {
    AggregateServiceClient::new(channel.clone())
}

async fn submit(channel: &Channel, organ: &str, scope: Scope, fees: &str) {
    let mut report = Report { organ: format!("organs/{organ}"), ..housing() };
    report.set_scope(scope);
    set(&mut report, "disclosure.fees_wan_yuan", fees);
    let request = pb::SubmitReportRequest { report: Some(Box::new(report)), ..Default::default() };
    let submitted = ReportServiceClient::new(channel.clone()).submit_report(request).await;
    submitted.expect("taken");
}

/// A city with two bureaus, one of which has filed; the city has filed for the region.
async fn stage(channel: &Channel) {
    register_organ(channel, "city", None).await;
    register_organ(channel, "housing", Some("city")).await;
    register_organ(channel, "police", Some("city")).await;
    submit(channel, "city", Scope::Region, "30").await;
    submit(channel, "housing", Scope::Own, "1.50").await;
}

fn request() -> pb::AggregateReportsRequest {
    request_of(CITY)
}

fn request_of(organ: &str) -> pb::AggregateReportsRequest {
    pb::AggregateReportsRequest {
        organ: organ.to_owned(),
        years: vec![2023],
        include_unaccepted: true,
        ..Default::default()
    }
}

async fn sum(channel: &Channel, request: pb::AggregateReportsRequest) -> pb::Aggregate {
    let answer = client(channel).aggregate_reports(request).await.expect("a sum");
    answer.into_inner().aggregates.remove(0)
}

fn fees(sum: &pb::Aggregate) -> Option<&str> {
    sum.disclosure.as_ref().and_then(|table| table.fees_wan_yuan.as_deref())
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_what_a_region_declares_or_its_parts_and_never_both() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let parts = sum(&channel, request()).await;
    assert_eq!((fees(&parts), parts.basis(), parts.tree_year), (Some("1.50"), Basis::Parts, 2023));
    let declared = pb::AggregateReportsRequest { basis: Basis::Declared as i32, ..request() };
    let declared = sum(&channel, declared).await;
    assert_eq!(fees(&declared), Some("30"));
    let coverage = declared.coverage.expect("coverage");
    assert_eq!((coverage.expected, coverage.included, coverage.covered_by_region), (3, 1, 2));
    // The bureau that filed nothing is covered too, so that nothing is missing.
    assert_eq!((coverage.missing, coverage.region_without_parts), (0, 0));
    let office = pb::AggregateReportsRequest { filter: "level = COUNTY".to_owned(), ..request() };
    assert_eq!(sum(&channel, office).await.coverage.expect("coverage").expected, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_indicators_with_what_they_come_from() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let sum = sum(&channel, request()).await;
    let requests = sum.requests.expect("table three");
    let total = |row: Option<pb::ApplicantCounts>| row.and_then(|row| row.total).expect("a total");
    let rate = &sum.indicators[0];
    let disclosed = total(requests.granted) + total(requests.partially_granted);
    assert_eq!((rate.id.as_str(), rate.label_zh.is_empty()), ("disclosure_rate", false));
    assert_eq!(rate.numerator, Some(disclosed.to_string()));
    assert_eq!(rate.denominator, Some(total(requests.total_processed).to_string()));
    let value: f64 = rate.value.as_deref().expect("a value").parse().expect("a number");
    let exact = disclosed as f64 / total(requests.total_processed) as f64;
    assert!((value - exact).abs() <= 0.000_05, "{value} {exact}");
    // Nobody gave these: no figure is made up.
    let empty = pb::AggregateReportsRequest { years: vec![2022], ..request() };
    let empty = self::sum(&channel, empty).await;
    assert!(empty.indicators.iter().all(|i| i.value.is_none() && i.numerator.is_none()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_at_a_position_has_the_same_bytes_for_ever() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let grouped = pb::AggregateReportsRequest {
        group_by: GroupBy::Child as i32,
        list_members: true,
        ..request()
    };
    let first = sum(&channel, grouped.clone()).await;
    assert_eq!(first.groups.len(), 3);
    let then = pb::AggregateReportsRequest { as_of_position: first.position.clone(), ..grouped };
    submit(&channel, "police", Scope::Own, "7").await;
    assert_eq!(fees(&sum(&channel, request()).await), Some("8.50"));
    assert_eq!(sum(&channel, then.clone()).await.encode_to_vec(), first.encode_to_vec());
    server.stop().await;
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    assert_eq!(sum(&channel, then).await.encode_to_vec(), first.encode_to_vec());
    let before = pb::AggregateReportsRequest {
        as_of_time: Some(nianbao::pb::Timestamp { seconds: 1, nanos: 0 }),
        ..request()
    };
    let status = client(&channel).aggregate_reports(before).await.expect_err("none was there");
    assert_eq!(Details::of(&status).info.reason, "ORGAN_NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_coverage_and_contributions_page_by_page() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    submit(&channel, "police", Scope::Own, "7").await;
    let mut request = pb::GetCoverageRequest {
        organ: CITY.to_owned(),
        year: 2023,
        include_unaccepted: true,
        page_size: 2,
        ..Default::default()
    };
    let page = client(&channel).get_coverage(request.clone()).await.expect("a page").into_inner();
    let row = |row: &pb::OrganCoverage| (row.organ.clone(), row.taken(), row.due_date.clone());
    let due = || "2024-01-31".to_owned();
    assert_eq!(
        page.organs.iter().map(row).collect::<Vec<_>>(),
        [(CITY.to_owned(), Taken::None, due()), ("organs/housing".to_owned(), Taken::Own, due())]
    );
    assert_eq!(page.organs[1].revision, "organs/housing/reports/2023-own/revisions/1");
    assert_eq!(page.coverage.expect("counts").region_without_parts, 0);
    request.page_token = page.next_page_token.clone();
    let rest = client(&channel).get_coverage(request.clone()).await.expect("a page").into_inner();
    assert_eq!((rest.organs.len(), rest.next_page_token.as_str()), (1, ""));
    request.only = Only::Missing as i32;
    let status = client(&channel).get_coverage(request).await.expect_err("another list");
    assert_eq!(Details::of(&status).info.reason, "PAGE_TOKEN_INVALID");

    let request = pb::ListContributionsRequest {
        organ: CITY.to_owned(),
        year: 2023,
        cell: "表二·行政事业性收费".to_owned(),
        include_unaccepted: true,
        page_size: 1,
        ..Default::default()
    };
    let page = client(&channel).list_contributions(request.clone()).await.expect("a page");
    let page = page.into_inner();
    assert_eq!(page.field_path, "disclosure.fees_wan_yuan");
    assert_eq!((page.total.as_deref(), page.given), (Some("8.50"), 2));
    assert_eq!(page.contributions[0].value, "7", "the largest first");
    let next = pb::ListContributionsRequest { page_token: page.next_page_token, ..request };
    let page = client(&channel).list_contributions(next).await.expect("a page").into_inner();
    assert_eq!((page.contributions[0].value.as_str(), &*page.next_page_token), ("1.50", ""));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_it_cannot_answer_and_says_why() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    stage(&channel).await;
    let reason = async |request| {
        let status = client(&channel).aggregate_reports(request).await.expect_err("refused");
        Details::of(&status).info.reason
    };
    let filter = |filter: &str| pb::AggregateReportsRequest { filter: filter.into(), ..request() };
    assert_eq!(reason(filter("parent = organs/city")).await, "FILTER_INVALID");
    assert_eq!(reason(filter("level = VILLAGE")).await, "FILTER_INVALID");
    // An organ has one level: the last of two must not win in silence.
    assert_eq!(reason(filter("level = COUNTY AND level = PROVINCE")).await, "FILTER_INVALID");
    let at = |position: &str| pb::AggregateReportsRequest {
        as_of_position: position.to_owned(),
        ..request()
    };
    assert_eq!(reason(at("00000000000000ff")).await, "POSITION_NOT_REACHED");
    assert_eq!(reason(at("now")).await, "POSITION_INVALID");
    let both = pb::AggregateReportsRequest {
        as_of_time: Some(nianbao::pb::Timestamp::default()),
        ..at("0000000000000001")
    };
    assert_eq!(reason(both).await, "INVALID_REQUEST");
    let unknown = pb::AggregateReportsRequest { basis: 9, ..request() };
    assert_eq!(reason(unknown).await, "INVALID_REQUEST");
    for (cell, word) in [("表三·梦想", "找不到"), ("title", "不汇总"), ("总计", "更具体")]
    {
        let request = pb::ListContributionsRequest {
            organ: CITY.to_owned(),
            year: 2023,
            cell: cell.to_owned(),
            ..Default::default()
        };
        let status = client(&channel).list_contributions(request).await.expect_err("refused");
        let details = Details::of(&status);
        assert_eq!(details.info.reason, "CELL_UNKNOWN");
        assert_eq!(details.fields[0].field, "cell");
        assert!(details.chinese.contains(word), "{}", details.chinese);
        assert!(details.bytes <= nianbao::limits::STATUS_BYTES_MAX);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_beyond_their_limit_count_in_the_whole_and_are_told() {
    let data = tempfile::tempdir().expect("a folder");
    let archive = Archive::new(Store::open(data.path(), INDEX, Options::default()).expect("opens"));
    let organ = |parent: Option<&str>| pb::Organ {
        display_name: "示例机关".to_owned(),
        affiliations: parent
            .map(|parent| pb::Affiliation {
                parent: parent.to_owned(),
                from_year: 2019,
                until_year: None,
            })
            .into_iter()
            .collect(),
        ..pb::Organ::default()
    };
    let city = OrganId::parse("city").expect("an id");
    archive.create_organ(&Caller::default(), &city, organ(None)).await.expect("registered");
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..nianbao::limits::GROUPS_MAX {
        let (archive, organ) = (archive.clone(), organ(Some(CITY)));
        tasks.spawn(async move {
            let id = OrganId::parse(&format!("o{number}")).expect("an id");
            archive.create_organ(&Caller::default(), &id, organ).await.expect("registered");
        });
    }
    tasks.join_all().await;
    let question = Question {
        organ: city,
        basis: Basis::Unspecified,
        tree: OrganTree::Unspecified,
        tree_year: 0,
        filter: Filter::default(),
        include_unaccepted: false,
        moment: Moment::Now,
    };
    let sum = sums(&Rollup::new(archive), &question, &[2023], GroupBy::Child, false);
    let sum = sum.expect("a sum").remove(0);
    assert!(sum.groups_truncated);
    assert_eq!(sum.groups.len(), nianbao::limits::GROUPS_MAX);
    assert_eq!(sum.coverage.expect("coverage").expected, 1001);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organ_that_ended_is_summed_where_it_stood_at_last_whatever_tree_is_asked_for() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "city", None).await;
    register_organ(&channel, "other", None).await;
    let stood = |parent: &str, from_year, until_year| pb::Affiliation {
        parent: format!("organs/{parent}"),
        from_year,
        until_year,
    };
    let organ = pb::Organ {
        display_name: "示例机关".to_owned(),
        affiliations: vec![stood("other", 2019, Some(2021)), stood("city", 2022, Some(2023))],
        active_until_year: Some(2023),
        ..pb::Organ::default()
    };
    let (organ_id, organ) = ("housing".to_owned(), Some(organ));
    let request = pb::CreateOrganRequest { organ_id, organ, ..Default::default() };
    OrganServiceClient::new(channel.clone()).create_organ(request).await.expect("registered");
    submit(&channel, "housing", Scope::Own, "1.50").await;
    let tree = |tree: OrganTree, tree_year| pb::AggregateReportsRequest {
        tree: tree as i32,
        tree_year,
        ..request_of(CITY)
    };
    for (tree, year) in [
        (tree(OrganTree::OfYear, 0), 2023),
        (tree(OrganTree::OfToday, 0), nianbao::archive::this_year()),
        (tree(OrganTree::OfToday, 2022), 2022),
    ] {
        let sum = sum(&channel, tree).await;
        assert_eq!((fees(&sum), sum.tree_year), (Some("1.50"), year));
    }
    assert_eq!(fees(&sum(&channel, tree(OrganTree::OfYear, 2020)).await), None);
    let other = pb::AggregateReportsRequest { tree_year: 2020, ..request_of("organs/other") };
    assert_eq!(fees(&sum(&channel, other).await), Some("1.50"));
    server.stop().await;
}
