//! The services over a real socket: what is taken, what is refused and how, and what a stop keeps.

use nianbao::pb::admin_service_client::AdminServiceClient;
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::document_service_client::DocumentServiceClient;
use nianbao::pb::format_service_client::FormatServiceClient;
use nianbao::pb::organ_service_client::OrganServiceClient;
use nianbao::pb::parse_document_request::Content;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Affiliation, Edition, Organ, Report, report};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::support::{Details, TestServer, housing, set};

fn organ(parent: Option<&str>) -> Organ {
    let affiliation = |parent: &str| Affiliation {
        parent: format!("organs/{parent}"),
        from_year: 2019,
        until_year: None,
    };
    Organ {
        display_name: "示例机关".to_owned(),
        affiliations: parent.into_iter().map(affiliation).collect(),
        ..Organ::default()
    }
}

async fn create(channel: &Channel, id: &str, organ: Organ) -> Result<Organ, Status> {
    let request = pb::CreateOrganRequest {
        organ_id: id.to_owned(),
        organ: Some(organ),
        ..Default::default()
    };
    let response = OrganServiceClient::new(channel.clone()).create_organ(request).await?;
    let position = response.metadata().get("nianbao-position").expect("a position");
    assert_eq!(position.len(), 16);
    Ok(response.into_inner())
}

/// A city with two bureaus and a district, and a bureau elsewhere.
async fn register(channel: &Channel) {
    for (id, parent) in [
        ("city", None),
        ("housing", Some("city")),
        ("police", Some("city")),
        ("district", Some("city")),
        ("elsewhere", None),
    ] {
        create(channel, id, organ(parent)).await.expect("registered");
    }
}

fn housing_of(id: &str) -> Report {
    Report { organ: format!("organs/{id}"), ..housing() }
}

async fn submit(channel: &Channel, report: Report) -> Result<pb::SubmitReportResponse, Status> {
    let request = pb::SubmitReportRequest { report: Some(Box::new(report)), ..Default::default() };
    let response = ReportServiceClient::new(channel.clone()).submit_report(request).await?;
    Ok(response.into_inner())
}

async fn get(channel: &Channel, name: &str) -> Result<Report, Status> {
    let request = pb::GetReportRequest { name: name.to_owned(), ..Default::default() };
    Ok(ReportServiceClient::new(channel.clone()).get_report(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_a_submitted_report_over_a_restart() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register(&channel).await;
    let taken = submit(&channel, housing_of("housing")).await.expect("taken");
    let stored = taken.report.expect("the stored report");
    assert_eq!(stored.name, "organs/housing/reports/2023-own");
    assert_eq!(stored.state(), report::State::Submitted);
    assert_eq!((stored.latest_revision, stored.effective_revision), (1, 0));
    assert_eq!(taken.receipt.expect("a receipt").position.len(), 16);
    drop(channel);
    server.stop().await;

    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    let read = get(&channel, "organs/housing/reports/2023-own").await.expect("kept");
    assert_eq!(read, stored);
    let again = submit(&channel, housing_of("housing")).await.expect_err("submitted already");
    assert_eq!(again.code(), Code::FailedPrecondition);
    let details = Details::of(&again);
    assert_eq!(details.info.reason, "REPORT_STATE");
    assert_eq!(details.info.metadata["state"], "STATE_SUBMITTED");
    drop(channel);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_report_with_errors_and_names_them_in_both_languages() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register(&channel).await;
    let mut report = housing_of("housing");
    set(&mut report, "requests.unable.not_held.natural_person", "50");
    let status = submit(&channel, report).await.expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = Details::of(&status);
    assert_eq!(details.info.reason, "REPORT_HAS_ERRORS");
    assert_eq!(details.info.metadata["errors"], "2");
    assert_eq!(details.info.metadata["truncated"], "false");
    let first = &details.fields[0];
    assert_eq!(first.reason, "APPLICANTS_TOTAL");
    assert_eq!(first.field, "requests.unable.not_held.total");
    assert!(first.description.contains("expected 50, found 51"), "{}", first.description);
    let zh = first.localized_message.as_ref().expect("a Chinese text");
    assert_eq!(zh.locale, "zh-CN");
    assert!(zh.message.starts_with("表三·（四）无法提供·1.本机关不掌握相关政府信息·总计："));
    let missing = get(&channel, "organs/housing/reports/2023-own").await.expect_err("not stored");
    assert_eq!(missing.code(), Code::NotFound);
    assert_eq!(Details::of(&missing).info.reason, "REPORT_NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_status_of_a_report_that_breaks_everything_within_its_limit() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    let mut report = housing_of("housing");
    for cell in &nianbao::form::CELLS {
        if cell.kind == nianbao::form::CellKind::Count {
            set(&mut report, cell.path, "-7");
        }
    }
    let status = submit(&channel, report.clone()).await.expect_err("refused");
    let details = Details::of(&status);
    assert!(details.bytes <= nianbao::limits::STATUS_BYTES_MAX, "{} bytes", details.bytes);
    assert!(details.bytes > 4000, "as many findings as fit: {} bytes", details.bytes);
    assert_eq!(details.info.metadata["truncated"], "true");
    assert_eq!(details.info.metadata["shown"], details.fields.len().to_string());
    let request = pb::ValidateReportRequest { report: Some(Box::new(report)) };
    let all = ReportServiceClient::new(channel).validate_report(request).await.expect("an answer");
    let counts = all.into_inner().counts.expect("counts");
    assert_eq!(details.info.metadata["errors"], counts.errors.to_string());
    assert!(counts.errors > 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wants_an_explanation_for_each_warning() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register(&channel).await;
    let mut report = housing_of("housing");
    set(&mut report, "requests.granted.business", "");
    let status = submit(&channel, report.clone()).await.expect_err("refused");
    assert_eq!(Details::of(&status).info.reason, "WARNING_UNEXPLAINED");
    let fingerprint = nianbao::finding::findings(&report)[0].fingerprint.clone();
    report.explanations.push(pb::Explanation { fingerprint, text: "原表未填".to_owned() });
    let taken = submit(&channel, report).await.expect("taken with an explanation");
    assert_eq!(taken.counts.expect("counts").warnings, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_a_report_as_published_with_its_errors_but_not_without_its_form() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register(&channel).await;
    let mut report = housing_of("housing");
    set(&mut report, "disputes.reconsideration.total", "0");
    let as_published = |report: Report| pb::SubmitReportRequest {
        report: Some(Box::new(report)),
        as_published: true,
        as_published_reason: "已公布，无法更正".to_owned(),
        ..Default::default()
    };
    let mut client = ReportServiceClient::new(channel.clone());
    let mut bad = report.clone();
    set(&mut bad, "disclosure.fees_wan_yuan", "1,317.89");
    let status = client.submit_report(as_published(bad)).await.expect_err("no sum could hold it");
    assert_eq!(Details::of(&status).fields[0].reason, "STRING_PATTERN");
    let without_reason = pb::SubmitReportRequest {
        report: Some(Box::new(report.clone())),
        as_published: true,
        ..Default::default()
    };
    let status = client.submit_report(without_reason).await.expect_err("no reason");
    assert_eq!(Details::of(&status).fields[0].reason, "SUBMIT_REPORT_AS_PUBLISHED_REASON");
    let taken = client.submit_report(as_published(report)).await.expect("taken").into_inner();
    assert_eq!(taken.counts.expect("counts").errors, 1);
    let sum = aggregate(&channel, "city", true).await;
    assert_eq!(sum.coverage.expect("coverage").as_published, 1);
    server.stop().await;
}

async fn aggregate(channel: &Channel, organ: &str, include_unaccepted: bool) -> pb::Aggregate {
    let request = pb::AggregateReportsRequest {
        organ: format!("organs/{organ}"),
        years: vec![2023],
        include_unaccepted,
        list_members: true,
        ..Default::default()
    };
    let mut client = AggregateServiceClient::new(channel.clone());
    let answer = client.aggregate_reports(request).await.expect("a sum").into_inner();
    answer.aggregates.into_iter().next().expect("one a year")
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_a_subtree_exactly_and_says_what_it_covers() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register(&channel).await;
    let mut police = housing_of("police");
    set(&mut police, "disclosure.fees_wan_yuan", "0.1234");
    let mut region = housing_of("city");
    region.set_scope(pb::Scope::Region);
    for report in [housing_of("housing"), police, region, housing_of("elsewhere")] {
        submit(&channel, report).await.expect("taken");
    }
    let nothing = aggregate(&channel, "city", false).await;
    assert_eq!(nothing.cells, []);
    assert_eq!(nothing.coverage.expect("coverage").missing, 4);

    let sum = aggregate(&channel, "city", true).await;
    assert_eq!(sum.requests.expect("table three").newly_received.expect("a row").total, Some(130));
    let disclosure = sum.disclosure.expect("table two");
    assert_eq!(disclosure.fees_wan_yuan.as_deref(), Some("1318.0134"));
    assert_eq!(sum.disclosure_2019, None);
    let fees = sum.cells.iter().find(|c| c.field_path == "disclosure.fees_wan_yuan");
    assert_eq!(fees.map(|c| (c.value.as_str(), c.given)), Some(("1318.0134", 2)));
    assert_eq!(sum.cells.len(), 200);
    let coverage = sum.coverage.expect("coverage");
    assert_eq!((coverage.expected, coverage.included, coverage.missing), (4, 2, 2));
    assert_eq!(coverage.unaccepted, 2);
    assert_eq!(coverage.missing_organs, ["organs/city", "organs/district"]);
    assert_eq!(
        coverage.included_revisions,
        [
            "organs/housing/reports/2023-own/revisions/1",
            "organs/police/reports/2023-own/revisions/1"
        ]
    );
    assert_eq!(coverage.revision_digest.len(), 64);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lets_one_of_many_submit_the_same_report() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register(&channel).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let channel = channel.clone();
        tasks.spawn(async move { submit(&channel, housing_of("housing")).await.is_ok() });
    }
    let taken = tasks.join_all().await.into_iter().filter(|taken| *taken).count();
    assert_eq!(taken, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_all_and_stores_nothing_with_validate_only() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    let mut client = ReportServiceClient::new(channel.clone());
    let request = || pb::SubmitReportRequest {
        report: Some(Box::new(housing_of("housing"))),
        validate_only: true,
        ..Default::default()
    };
    let status = client.submit_report(request()).await.expect_err("no organ");
    assert_eq!(Details::of(&status).info.reason, "ORGAN_NOT_FOUND");
    register(&channel).await;
    let answer = client.submit_report(request()).await.expect("would be taken").into_inner();
    assert_eq!(answer.receipt, None);
    get(&channel, "organs/housing/reports/2023-own").await.expect_err("nothing stored");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_filters_lists() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register(&channel).await;
    for id in ["city", "housing", "police"] {
        for year in [2022, 2023, 2024] {
            let mut report = Report { year, ..housing_of(id) };
            set(&mut report, "disclosure.licensing_decisions", &year.to_string());
            submit(&channel, report).await.expect("taken");
        }
    }
    let mut client = ReportServiceClient::new(channel.clone());
    let mut list = async |filter: &str, page_token: &str| {
        let request = pb::ListReportsRequest {
            parent: "organs/-".to_owned(),
            page_size: 2,
            page_token: page_token.to_owned(),
            filter: filter.to_owned(),
            ..Default::default()
        };
        client.list_reports(request).await.map(tonic::Response::into_inner)
    };
    let filter = "year = 2023 AND state = SUBMITTED AND scope = own AND edition = 2021";
    let first = list(filter, "").await.expect("a page");
    let second = list(filter, &first.next_page_token).await.expect("a page");
    let names: Vec<String> =
        first.reports.iter().chain(&second.reports).map(|r| r.name.clone()).collect();
    assert_eq!(
        names,
        ["city", "housing", "police"].map(|o| format!("organs/{o}/reports/2023-own"))
    );
    assert_eq!(second.next_page_token, "");
    let status = list("", &first.next_page_token).await.expect_err("of another filter");
    assert_eq!(Details::of(&status).info.reason, "PAGE_TOKEN_INVALID");
    let status = list("month = 3", "").await.expect_err("no such field");
    assert_eq!(Details::of(&status).info.reason, "FILTER_INVALID");

    let mut organs = OrganServiceClient::new(channel.clone());
    let request = pb::ListOrgansRequest {
        filter: "parent = \"organs/city\"".to_owned(),
        ..Default::default()
    };
    let page = organs.list_organs(request).await.expect("a page").into_inner();
    let names: Vec<&str> = page.organs.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["organs/district", "organs/housing", "organs/police"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_organs_that_cannot_stand() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    create(&channel, "city", organ(None)).await.expect("registered");
    let refused = async |id: &str, organ: Organ| {
        let details = Details::of(&create(&channel, id, organ).await.expect_err("refused"));
        let first = details.fields.first().map(|f| f.reason.clone()).unwrap_or_default();
        format!("{} {first}", details.info.reason)
    };
    assert_eq!(refused("city", organ(None)).await, "ORGAN_ALREADY_EXISTS ");
    assert_eq!(refused("a", organ(Some("nobody"))).await, "PARENT_NOT_FOUND ");
    assert_eq!(refused("A", organ(None)).await, "INVALID_REQUEST STRING_PATTERN");
    assert_eq!(refused("a", organ(Some("a"))).await, "INVALID_REQUEST ORGAN_OWN_PARENT");
    let mut twice = organ(Some("city"));
    twice.affiliations.push(twice.affiliations[0].clone());
    assert_eq!(refused("a", twice).await, "INVALID_REQUEST ORGAN_AFFILIATIONS_OVERLAP");
    let coded = |code: &str| Organ { credit_code: code.to_owned(), ..organ(None) };
    let wrong = coded("11370812004339255C");
    assert_eq!(refused("a", wrong).await, "INVALID_REQUEST ORGAN_CREDIT_CODE");
    let status = create(&channel, "a", coded("11370812004339255C")).await.expect_err("refused");
    assert_eq!(Details::of(&status).fields[0].field, "organ.credit_code");
    create(&channel, "a", coded("11370812004339255B")).await.expect("the code checks");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_years_in_which_the_organ_does_not_report() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    let closed = Organ { active_until_year: Some(2022), ..organ(None) };
    create(&channel, "housing", closed).await.expect("registered");
    let status = submit(&channel, housing_of("housing")).await.expect_err("inactive");
    assert_eq!(Details::of(&status).info.reason, "ORGAN_INACTIVE");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_a_stream_of_reports_in_order_and_goes_on_after_an_empty_item() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let mut wrong = housing();
    set(&mut wrong, "requests.granted.total", "9");
    let items = [Some(housing()), None, Some(wrong), Some(housing())];
    let items = items.map(|report| pb::ValidateReportsRequest { report: report.map(Box::new) });
    let mut client = ReportServiceClient::new(server.channel().await);
    let mut answers =
        client.validate_reports(tokio_stream::iter(items)).await.expect("a stream").into_inner();
    let mut got = Vec::new();
    while let Some(answer) = answers.message().await.expect("an answer") {
        got.push((answer.index, answer.counts.expect("counts").errors));
    }
    // The wrong total breaks its row and its column; the balance holds.
    assert_eq!(got, [(0, 0), (1, 1), (2, 2), (3, 0)]);
    drop(client);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_writes_off_and_keeps_reads_on_when_the_disk_fails() {
    let data = tempfile::tempdir().expect("a folder");
    let failing = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let fault = failing.clone();
    let mut options = nianbao::store::Options::default();
    options.faults.sync = Some(std::sync::Arc::new(move || {
        if fault.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(std::io::Error::other("injected"));
        }
        Ok(())
    }));
    let server = TestServer::with(data.path(), options).await;
    let channel = server.channel().await;
    register(&channel).await;
    submit(&channel, housing_of("housing")).await.expect("taken");
    failing.store(true, std::sync::atomic::Ordering::SeqCst);
    let status = submit(&channel, housing_of("police")).await.expect_err("not on disk");
    assert_eq!(status.code(), Code::Unavailable);
    let details = Details::of(&status);
    assert_eq!(details.info.reason, "WRITES_OFF");
    assert!(details.chinese.contains("停止写入"));
    get(&channel, "organs/housing/reports/2023-own").await.expect("reads go on");
    let info = AdminServiceClient::new(channel.clone())
        .get_server_info(pb::GetServerInfoRequest {})
        .await
        .expect("an answer")
        .into_inner();
    assert!(!info.writable && !info.writes_off_reason.is_empty());
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let mut status_of = async |service: &str| {
        let request = tonic_health::pb::HealthCheckRequest { service: service.to_owned() };
        health.check(request).await.expect("a status").into_inner().status
    };
    assert_eq!(status_of("").await, 1);
    assert_eq!(status_of("nianbao.v1.ReportService").await, 1);
    assert_eq!(status_of("nianbao.v1.writes").await, 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parses_a_document_sent_in_chunks_and_refuses_a_bad_stream() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let mut client = DocumentServiceClient::new(server.channel().await);
    let header = pb::DocumentHeader {
        file_name: "report.html".to_owned(),
        organ: "organs/housing".to_owned(),
        ..Default::default()
    };
    let header = pb::ParseDocumentRequest { content: Some(Content::Header(header)) };
    let chunk =
        |bytes: &[u8]| pb::ParseDocumentRequest { content: Some(Content::Chunk(bytes.to_vec())) };
    let page = "<html><body><h1>示例局2023年政府信息公开工作年度报告</h1><p>一、总体情况</p>\
                <p>正文。</p></body></html>";
    let mut messages = vec![header.clone()];
    messages.extend(page.as_bytes().chunks(7).map(chunk));
    let answer = client.parse_document(tokio_stream::iter(messages)).await.expect("a report");
    let report = answer.into_inner().report.expect("a report");
    assert_eq!((report.year, report.organ.as_str()), (2023, "organs/housing"));
    assert_eq!(report.overview.expect("part one").text, "正文。");
    assert_eq!(report.requests, None);

    for (messages, reason) in [
        (vec![], "INVALID_REQUEST"),
        (vec![chunk(b"x")], "INVALID_REQUEST"),
        (vec![header.clone(), header.clone()], "INVALID_REQUEST"),
        (vec![header.clone()], "DOCUMENT_UNREADABLE"),
        (vec![header, chunk(b"%PDF-1.7")], "DOCUMENT_UNREADABLE"),
    ] {
        let status = client.parse_document(tokio_stream::iter(messages)).await.expect_err(reason);
        assert_eq!(Details::of(&status).info.reason, reason);
    }
    drop(client);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn describes_the_form_and_the_rules() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let mut client = FormatServiceClient::new(server.channel().await);
    for (edition, cells) in [(Edition::Edition2021, 200), (Edition::Edition2019, 198)] {
        let request = pb::GetFormatRequest { edition: edition as i32 };
        let format = client.get_format(request).await.expect("the form").into_inner();
        assert_eq!((format.parts.len(), format.cell_count), (6, cells));
    }
    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListRulesRequest { page_size: 17, page_token };
        let page = client.list_rules(request).await.expect("a page").into_inner();
        ids.extend(page.rules.into_iter().map(|rule| rule.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let all: Vec<&str> = nianbao::rules::catalogue().iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, all);
    drop(client);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_the_principal_of_a_caller_on_this_machine() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register(&channel).await;
    let report = Some(Box::new(housing_of("housing")));
    let mut request = Request::new(pb::SubmitReportRequest { report, ..Default::default() });
    request.metadata_mut().insert("nianbao-principal", "clerk".parse().expect("ascii"));
    let taken = ReportServiceClient::new(channel.clone()).submit_report(request).await;
    let report = taken.expect("taken").into_inner().report.expect("the report");
    assert_eq!(report.submitter, "clerk");
    let mut request = Request::new(pb::SubmitReportRequest::default());
    let long = "x".repeat(129);
    request.metadata_mut().insert("nianbao-principal", long.parse().expect("ascii"));
    let status = ReportServiceClient::new(channel).submit_report(request).await.expect_err("long");
    assert_eq!(Details::of(&status).info.reason, "PRINCIPAL_REFUSED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_reports_in_the_order_of_their_organs() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    for id in ["city0", "city-a", "city"] {
        create(&channel, id, organ(None)).await.expect("registered");
        submit(&channel, housing_of(id)).await.expect("taken");
    }
    let mut organs = OrganServiceClient::new(channel.clone());
    let listed = organs.list_organs(pb::ListOrgansRequest::default()).await.expect("a page");
    let names: Vec<String> = listed.into_inner().organs.into_iter().map(|o| o.name).collect();
    let request = pb::ListReportsRequest { parent: "organs/-".to_owned(), ..Default::default() };
    let reports = ReportServiceClient::new(channel.clone()).list_reports(request).await;
    let reports = reports.expect("a page").into_inner().reports;
    assert_eq!(names, ["organs/city", "organs/city-a", "organs/city0"]);
    assert_eq!(reports.into_iter().map(|r| r.organ).collect::<Vec<_>>(), names);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_largest_scale_of_money_beside_zeros() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register(&channel).await;
    for (id, fees) in [("housing", "0.00"), ("police", "5")] {
        let mut report = housing_of(id);
        set(&mut report, "disclosure.fees_wan_yuan", fees);
        submit(&channel, report).await.expect("taken");
    }
    let sum = aggregate(&channel, "city", true).await;
    assert_eq!(sum.disclosure.expect("table two").fees_wan_yuan.as_deref(), Some("5.00"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_at_no_list_far_beyond_its_limit() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let mut report = housing();
    report.blanks = vec![pb::Blank::default(); 1_300_000];
    let request = pb::ValidateReportRequest { report: Some(Box::new(report)) };
    let mut client = ReportServiceClient::new(server.channel().await);
    let answer = client.validate_report(request).await.expect("an answer").into_inner();
    // One that the list is too long, and two for each item that is looked at.
    assert_eq!(answer.findings.len(), 1 + 2 * 1024);
    drop(client);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_status_and_message_within_what_clients_take() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let mut client = DocumentServiceClient::new(server.channel().await);
    let mut docx = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    docx.start_file("word/document.xml", zip::write::SimpleFileOptions::default())
        .expect("an entry");
    let page = format!("<w:document><{}></w:x>", "a".repeat(500_000));
    std::io::Write::write_all(&mut docx, page.as_bytes()).expect("written");
    let bytes = docx.finish().expect("a file").into_inner();
    let content = |content| pb::ParseDocumentRequest { content: Some(content) };
    let messages =
        [content(Content::Header(pb::DocumentHeader::default())), content(Content::Chunk(bytes))];
    let status = client.parse_document(tokio_stream::iter(messages)).await.expect_err("damaged");
    let details = Details::of(&status);
    assert_eq!(details.info.reason, "DOCUMENT_UNREADABLE");
    assert!(details.bytes <= nianbao::limits::STATUS_BYTES_MAX, "{} bytes", details.bytes);
    assert!(status.message().len() <= nianbao::limits::STATUS_MESSAGE_BYTES_MAX);
    drop(client);
    server.stop().await;
}
