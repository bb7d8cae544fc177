//! The life of a report over a real socket: its states, its revisions, who may do what, and what a
//! repeated request gets.

use nianbao::pb::admin_service_client::AdminServiceClient;
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::get_report_request::Version;
use nianbao::pb::report::State;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Report};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::support::{Details, TestServer, housing, register_organ, set};

const NAME: &str = "organs/housing/reports/2023-own";

/// What one person does with the report of the housing bureau.
#[derive(Clone)]
struct Person {
    channel: Channel,
    name: &'static str,
}

impl Person {
    fn ask<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if !self.name.is_empty() {
            let name = self.name.parse().expect("ascii");
            request.metadata_mut().insert("nianbao-principal", name);
        }
        request
    }

    fn reports(&self) -> ReportServiceClient<Channel> {
        ReportServiceClient::new(self.channel.clone())
    }

    async fn draft(&self, report: Report) -> Result<pb::SaveDraftResponse, Status> {
        let report = Some(Box::new(report));
        let request = self.ask(pb::SaveDraftRequest { report, ..Default::default() });
        Ok(self.reports().save_draft(request).await?.into_inner())
    }

    async fn submit(&self, report: Report) -> Result<pb::SubmitReportResponse, Status> {
        let report = Some(Box::new(report));
        self.submission(pb::SubmitReportRequest { report, ..Default::default() }).await
    }

    async fn submit_draft(&self, etag: &str) -> Result<pb::SubmitReportResponse, Status> {
        let (name, etag) = (NAME.to_owned(), etag.to_owned());
        self.submission(pb::SubmitReportRequest { name, etag, ..Default::default() }).await
    }

    async fn submission(
        &self,
        request: pb::SubmitReportRequest,
    ) -> Result<pb::SubmitReportResponse, Status> {
        Ok(self.reports().submit_report(self.ask(request)).await?.into_inner())
    }

    async fn send_back(&self, text: &str) -> Result<Report, Status> {
        let reason = pb::ReturnReason {
            field_path: "requests.granted.total".to_owned(),
            rule_id: "requests.balance.total".to_owned(),
            text: text.to_owned(),
            cell: String::new(),
        };
        let (name, reasons) = (NAME.to_owned(), vec![reason]);
        let request = self.ask(pb::ReturnReportRequest { name, reasons, ..Default::default() });
        let answer = self.reports().return_report(request).await?.into_inner();
        Ok(answer.report.expect("the report"))
    }

    async fn accept(&self) -> Result<Report, Status> {
        let name = NAME.to_owned();
        let request = self.ask(pb::AcceptReportRequest { name, ..Default::default() });
        let answer = self.reports().accept_report(request).await?.into_inner();
        Ok(answer.report.expect("the report"))
    }

    async fn publish(&self) -> Result<Report, Status> {
        let name = NAME.to_owned();
        let request = self.ask(pb::PublishReportRequest { name, ..Default::default() });
        let answer = self.reports().publish_report(request).await?.into_inner();
        Ok(answer.report.expect("the report"))
    }

    async fn amend(&self, reason: &str) -> Result<Report, Status> {
        let (name, reason) = (NAME.to_owned(), reason.to_owned());
        let request = self.ask(pb::AmendReportRequest { name, reason, ..Default::default() });
        let answer = self.reports().amend_report(request).await?.into_inner();
        Ok(answer.report.expect("the report"))
    }

    async fn void(&self, reason: &str) -> Result<Report, Status> {
        let (name, reason) = (NAME.to_owned(), reason.to_owned());
        let request = self.ask(pb::VoidReportRequest { name, reason, ..Default::default() });
        let answer = self.reports().void_report(request).await?.into_inner();
        Ok(answer.report.expect("the report"))
    }

    async fn get(&self, request: pb::GetReportRequest) -> Result<Report, Status> {
        Ok(self.reports().get_report(request).await?.into_inner())
    }

    async fn version(&self, version: Version) -> Result<Report, Status> {
        let (name, version) = (NAME.to_owned(), version as i32);
        self.get(pb::GetReportRequest { name, version, ..Default::default() }).await
    }

    async fn events(&self) -> Vec<pb::ReportEvent> {
        let parent = NAME.to_owned();
        let request = pb::ListReportEventsRequest { parent, ..Default::default() };
        self.reports().list_report_events(request).await.expect("events").into_inner().events
    }

    /// The total of newly received requests over the city.
    async fn sum(&self) -> Option<i64> {
        let request = pb::AggregateReportsRequest {
            organ: "organs/city".to_owned(),
            years: vec![2023],
            ..Default::default()
        };
        let mut client = AggregateServiceClient::new(self.channel.clone());
        let answer = client.aggregate_reports(request).await.expect("a sum").into_inner();
        answer.aggregates[0].requests.as_ref()?.newly_received?.total
    }
}

struct Stage {
    server: TestServer,
    clerk: Person,
    reviewer: Person,
    _data: tempfile::TempDir,
}

/// A server with a city and its housing bureau, a clerk and a reviewer.
async fn stage() -> Stage {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "city", None).await;
    register_organ(&channel, "housing", Some("city")).await;
    let person = |name| Person { channel: channel.clone(), name };
    Stage { clerk: person("clerk"), reviewer: person("reviewer"), server, _data: data }
}

fn report() -> Report {
    Report { organ: "organs/housing".to_owned(), ..housing() }
}

/// The report with one more request, received and granted.
fn amended() -> Report {
    let mut report = report();
    let add = |report: &mut Report, path: &str| {
        let cell = nianbao::form::cell(path).expect("a cell");
        let nianbao::form::Amount::Count(now) = cell.get(report).expect("a value") else {
            panic!("{path} is no count");
        };
        set(report, path, &(now + 1).to_string());
    };
    for row in ["newly_received", "granted", "total_processed"] {
        for column in ["natural_person", "total"] {
            add(&mut report, &format!("requests.{row}.{column}"));
        }
    }
    report
}

fn reason(status: &Status) -> String {
    Details::of(status).info.reason
}

#[tokio::test(flavor = "multi_thread")]
async fn lives_from_draft_to_amendment_and_keeps_what_is_effective_in_force() {
    let Stage { server, clerk, reviewer, _data } = stage().await;
    let mut unfinished = report();
    unfinished.requests = None;
    let draft = clerk.draft(unfinished).await.expect("a draft may hold any findings");
    assert!(draft.counts.expect("counts").errors > 0);
    let first = draft.report.expect("the draft");
    assert_eq!((first.state(), first.latest_revision), (State::Draft, 1));
    assert_eq!(reason(&clerk.submit_draft("").await.expect_err("errors")), "REPORT_HAS_ERRORS");

    let second = clerk.draft(report()).await.expect("a draft").report.expect("the draft");
    assert_eq!((second.state(), second.latest_revision), (State::Draft, 2));
    assert_ne!(first.etag, second.etag);
    let stale = clerk.submit_draft(&first.etag).await.expect_err("stale");
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    let taken = clerk.submit_draft(&second.etag).await.expect("taken").report.expect("it");
    assert_eq!((taken.state(), taken.latest_revision), (State::Submitted, 2));
    assert_eq!(taken.submitter, "clerk");
    assert!(taken.late, "2023 was due long ago");
    assert_eq!(taken.due_date, "2024-01-31");
    assert_eq!(reason(&clerk.draft(report()).await.expect_err("submitted")), "REPORT_STATE");

    let back = reviewer.send_back("请核对总计").await.expect("returned");
    assert_eq!(back.state(), State::Returned);
    assert_eq!(back.return_reasons[0].cell, "表三·（一）予以公开·总计");
    let again = clerk.submit(report()).await.expect("taken again").report.expect("it");
    assert_eq!((again.latest_revision, again.return_reasons.len()), (2, 0), "the same content");
    assert_eq!(reviewer.sum().await, None, "nothing is accepted");
    let accepted = reviewer.accept().await.expect("accepted");
    assert_eq!((accepted.effective_revision, accepted.accepter.as_str()), (2, "reviewer"));
    assert_eq!(reviewer.sum().await, Some(65));
    assert_eq!(clerk.publish().await.expect("published").published_revision, 2);

    let open = clerk.amend("漏计一件").await.expect("open");
    assert_eq!((open.state(), open.state_reason.as_str()), (State::Amending, "漏计一件"));
    let third = clerk.submit(amended()).await.expect("taken").report.expect("it");
    assert_eq!((third.latest_revision, third.effective_revision), (3, 2));
    assert_eq!(reviewer.sum().await, Some(65), "the published revision stays in force");
    let effective = clerk.version(Version::Effective).await.expect("in force");
    assert_eq!((effective.revision, effective.requests), (2, report().requests));
    assert_eq!(clerk.version(Version::Latest).await.expect("latest").requests, amended().requests);
    reviewer.accept().await.expect("accepted");
    assert_eq!(reviewer.sum().await, Some(66));
    let back = reviewer.send_back("再核").await.expect("acceptance taken back");
    assert_eq!((back.latest_revision, back.effective_revision), (3, 2));
    assert_eq!(reviewer.sum().await, Some(65), "what was published is in force again");

    let gone = reviewer.void("重复登记").await.expect("void");
    assert_eq!((gone.state(), gone.effective_revision), (State::Void, 0));
    assert_eq!(reviewer.sum().await, None);
    assert_eq!(reason(&reviewer.void("再次").await.expect_err("void")), "REPORT_STATE");
    assert_eq!(reason(&clerk.submit(report()).await.expect_err("void")), "REPORT_STATE");
    tells_who_did_what(&clerk).await;
    server.stop().await;
}

/// After the story above.
async fn tells_who_did_what(clerk: &Person) {
    let events = clerk.events().await;
    let told: Vec<(String, String)> = events
        .iter()
        .map(|event| {
            let change = event.change.as_ref().expect("a change");
            (
                event.principal.clone(),
                change.action().as_str_name()["REPORT_ACTION_".len()..].to_owned(),
            )
        })
        .collect();
    let told: Vec<String> = told.into_iter().map(|(who, what)| format!("{who} {what}")).collect();
    assert_eq!(
        told,
        [
            "clerk SAVE_DRAFT",
            "clerk SAVE_DRAFT",
            "clerk SUBMIT",
            "reviewer RETURN",
            "clerk SUBMIT",
            "reviewer ACCEPT",
            "clerk PUBLISH",
            "clerk AMEND",
            "clerk SUBMIT",
            "reviewer ACCEPT",
            "reviewer RETURN",
            "reviewer VOID",
        ]
    );
    let change = |index: usize| events[index].change.as_ref().expect("a change");
    assert_eq!(change(3).return_reasons[0].text, "请核对总计");
    assert_eq!(change(7).reason, "漏计一件");
    assert_eq!(change(11).reason, "重复登记");
    let positions: Vec<String> =
        events.iter().map(|e| e.receipt.clone().expect("a receipt").position).collect();
    assert!(positions.is_sorted());

    // As it stood after each step.
    for (event, position) in events.iter().zip(positions) {
        let then = event.change.as_ref().and_then(|c| c.head.clone()).expect("a head");
        let by_position = pb::GetReportRequest {
            name: NAME.to_owned(),
            as_of_position: position,
            ..Default::default()
        };
        let read = clerk.get(by_position).await.expect("it stood");
        assert_eq!((read.state(), &read.etag), (then.state(), &then.etag));
        let by_time = pb::GetReportRequest {
            name: NAME.to_owned(),
            as_of_time: then.update_time,
            ..Default::default()
        };
        assert_eq!(clerk.get(by_time).await.expect("it stood").etag, then.etag);
    }
    let before = pb::GetReportRequest {
        name: NAME.to_owned(),
        as_of_time: Some(nianbao::pb::Timestamp { seconds: 1, nanos: 0 }),
        ..Default::default()
    };
    assert_eq!(reason(&clerk.get(before).await.expect_err("not yet")), "REPORT_NOT_FOUND");

    let request =
        pb::ListRevisionsRequest { parent: NAME.to_owned(), page_size: 2, ..Default::default() };
    let page = clerk.reports().list_revisions(request).await.expect("a page").into_inner();
    assert_eq!(page.revisions.iter().map(|r| r.revision).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(page.revisions[1].report.clone().expect("content").requests, report().requests);
    let page_token = page.next_page_token;
    let request =
        pb::ListRevisionsRequest { parent: NAME.to_owned(), page_token, ..Default::default() };
    let page = clerk.reports().list_revisions(request).await.expect("a page").into_inner();
    assert_eq!(page.revisions.iter().map(|r| r.revision).collect::<Vec<_>>(), [3]);
    let named = |n: i32| pb::GetReportRequest {
        name: format!("{NAME}/revisions/{n}"),
        ..Default::default()
    };
    assert_eq!(clerk.get(named(1)).await.expect("the first").requests, None);
    assert_eq!(reason(&clerk.get(named(4)).await.expect_err("none")), "REVISION_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_accepts_what_he_submitted() {
    let Stage { server, clerk, reviewer, _data } = stage().await;
    clerk.submit(report()).await.expect("taken");
    let status = clerk.accept().await.expect_err("his own");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "SUBMITTER_ACCEPTS")
    );
    let nobody = Person { name: "", ..clerk.clone() };
    let status = nobody.accept().await.expect_err("unnamed");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unauthenticated, "PRINCIPAL_REQUIRED")
    );
    reviewer.send_back("请重报").await.expect("returned");
    nobody.submit(report()).await.expect("taken");
    let status = reviewer.accept().await.expect_err("from nobody");
    assert_eq!(reason(&status), "SUBMITTER_UNKNOWN");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_first_answer_and_writes_nothing() {
    let Stage { server, clerk, reviewer, _data } = stage().await;
    let request = |report: Report| pb::SubmitReportRequest {
        report: Some(Box::new(report)),
        request_id: "2f0c".to_owned(),
        ..Default::default()
    };
    let first = clerk.submission(request(report())).await.expect("taken");
    reviewer.accept().await.expect("accepted");
    let again = clerk.submission(request(report())).await.expect("answered");
    assert_eq!(again, first, "as it was then");
    assert_eq!(clerk.events().await.len(), 2);
    let status = clerk.submission(request(amended())).await.expect_err("another body");
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    let status = reviewer.submission(request(report())).await.expect_err("another person");
    assert_eq!(reason(&status), "REPORT_STATE");

    // Of many that come at once one is written, and all get its answer.
    let name = NAME.to_owned();
    let publish =
        pb::PublishReportRequest { name, request_id: "p1".to_owned(), ..Default::default() };
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (clerk, publish) = (clerk.clone(), publish.clone());
        tasks.spawn(async move {
            let answer = clerk.reports().publish_report(clerk.ask(publish)).await;
            answer.expect("answered").into_inner()
        });
    }
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(clerk.events().await.len(), 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn remembers_requests_and_revisions_over_a_restart_and_without_its_index() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "housing", None).await;
    let clerk = Person { channel, name: "clerk" };
    let request = pb::SubmitReportRequest {
        report: Some(Box::new(report())),
        request_id: "once".to_owned(),
        ..Default::default()
    };
    let first = clerk.submission(request.clone()).await.expect("taken");
    server.stop().await;
    for loss in ["nothing", "the index"] {
        if loss == "the index" {
            std::fs::remove_dir_all(data.path().join("index")).expect("there is one");
        }
        let server = TestServer::start(data.path()).await;
        let clerk = Person { channel: server.channel().await, name: "clerk" };
        let again = clerk.submission(request.clone()).await.expect("answered");
        assert_eq!(again, first, "after losing {loss}");
        assert_eq!(clerk.events().await.len(), 1);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explanations_survive_a_new_run_and_lapse_when_the_numbers_change() {
    let Stage { server, clerk, reviewer, _data } = stage().await;
    let mut explained = report();
    set(&mut explained, "requests.granted.business", "");
    let fingerprint = nianbao::finding::findings(&explained)[0].fingerprint.clone();
    explained.explanations.push(pb::Explanation { fingerprint, text: "原表未填".to_owned() });
    clerk.submit(explained.clone()).await.expect("explained");
    reviewer.send_back("请补充说明").await.expect("returned");
    explained.overview.as_mut().expect("part one").text.push_str("另有补充。");
    clerk.submit(explained.clone()).await.expect("the numbers are the same");
    reviewer.send_back("请核对").await.expect("returned");
    set(&mut explained, "requests.granted.research", "");
    let status = clerk.submit(explained).await.expect_err("other numbers");
    assert_eq!(reason(&status), "WARNING_UNEXPLAINED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_follow_level_and_year_and_flag_what_is_late() {
    let Stage { server, clerk, reviewer, _data } = stage().await;
    let mut admin = AdminServiceClient::new(clerk.channel.clone());
    let deadline = |level: pb::organ::Level, due_date: &str| pb::SetDeadlineRequest {
        deadline: Some(pb::Deadline {
            year: 2023,
            scope: pb::Scope::Own as i32,
            level: level as i32,
            due_date: due_date.to_owned(),
            update_time: None,
        }),
        ..Default::default()
    };
    use pb::organ::Level;
    let mut set = async |level, due: &str| {
        admin.set_deadline(deadline(level, due)).await.map(tonic::Response::into_inner)
    };
    let status = set(Level::Unspecified, "2024-13-01").await.expect_err("no month");
    assert_eq!(reason(&status), "INVALID_REQUEST");
    // The organ has no level, so that of all levels counts.
    set(Level::Unspecified, "2090-01-31").await.expect("set");
    let answer = set(Level::County, "2024-02-01").await.expect("set");
    assert!(answer.receipt.is_some() && answer.deadline.expect("it").update_time.is_some());
    let taken = clerk.submit(report()).await.expect("taken").report.expect("it");
    assert_eq!((taken.due_date.as_str(), taken.late), ("2090-01-31", false));

    // Who was in time stays so: what counts is the first submission and the date of that day.
    set(Level::Unspecified, "").await.expect("taken back");
    reviewer.send_back("请核对").await.expect("returned");
    let taken = clerk.submit(amended()).await.expect("taken").report.expect("it");
    assert_eq!((taken.due_date.as_str(), taken.late), ("2090-01-31", false));
    let other = Report { year: 2022, ..report() };
    let late = clerk.submit(other).await.expect("never refused").report.expect("it");
    assert_eq!((late.due_date.as_str(), late.late), ("2023-01-31", true));
    let mut region = Report { year: 2022, ..report() };
    region.set_scope(pb::Scope::Region);
    let late = clerk.submit(region).await.expect("never refused").report.expect("it");
    assert_eq!((late.due_date.as_str(), late.late), ("2023-03-31", true));

    let request = pb::ListReportsRequest {
        parent: "organs/-".to_owned(),
        filter: "late = true".to_owned(),
        ..Default::default()
    };
    let page = clerk.reports().list_reports(request).await.expect("a page").into_inner();
    let names: Vec<&str> = page.reports.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["organs/housing/reports/2022-own", "organs/housing/reports/2022-region"]);
    let names = ["2022-region", "2023-own/revisions/1", "2023-own"];
    let request = |names: &[&str]| pb::BatchGetReportsRequest {
        names: names.iter().map(|n| format!("organs/housing/reports/{n}")).collect(),
        ..Default::default()
    };
    let batch = clerk.reports().batch_get_reports(request(&names)).await.expect("all");
    let revisions: Vec<i32> = batch.into_inner().reports.iter().map(|r| r.revision).collect();
    assert_eq!(revisions, [1, 1, 2]);
    let status = clerk.reports().batch_get_reports(request(&["2022-own", "2021-own"])).await;
    assert_eq!(reason(&status.expect_err("all or none")), "REPORT_NOT_FOUND");

    let listed = admin_list(&clerk).await;
    assert_eq!(listed, [(2023, Level::County, "2024-02-01".to_owned())]);
    server.stop().await;
}

async fn admin_list(clerk: &Person) -> Vec<(i32, pb::organ::Level, String)> {
    let mut admin = AdminServiceClient::new(clerk.channel.clone());
    let answer = admin.list_deadlines(pb::ListDeadlinesRequest::default()).await;
    let deadlines = answer.expect("a list").into_inner().deadlines;
    deadlines.into_iter().map(|d| (d.year, d.level(), d.due_date)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_reasons_that_name_nothing() {
    let Stage { server, clerk, reviewer, _data } = stage().await;
    clerk.submit(report()).await.expect("taken");
    let text = || "请核对".to_owned();
    let reasons = vec![
        pb::ReturnReason {
            field_path: "requests.grant".to_owned(),
            text: text(),
            ..Default::default()
        },
        pb::ReturnReason { rule_id: "no.such.rule".to_owned(), text: text(), ..Default::default() },
    ];
    let name = NAME.to_owned();
    let request = pb::ReturnReportRequest { name, reasons, ..Default::default() };
    let status = reviewer.reports().return_report(request).await.expect_err("refused");
    let fields: Vec<(String, String)> =
        Details::of(&status).fields.into_iter().map(|f| (f.field, f.reason)).collect();
    let expected = [
        ("reasons[0].field_path", "RETURN_REASON_FIELD_PATH"),
        ("reasons[1].rule_id", "RETURN_REASON_RULE_ID"),
    ];
    assert_eq!(fields, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_include_the_position_that_they_are_asked_for() {
    let Stage { server, clerk, _data, .. } = stage().await;
    let receipt = clerk.submit(report()).await.expect("taken").receipt.expect("a receipt");
    assert_eq!(receipt.entry_hash.len(), 64);
    let at = |at_least: &str| pb::GetReportRequest {
        name: NAME.to_owned(),
        at_least: at_least.to_owned(),
        ..Default::default()
    };
    clerk.get(at(&receipt.position)).await.expect("included");
    let status = clerk.get(at("00000000000000ff")).await.expect_err("beyond all writes");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "POSITION_NOT_REACHED")
    );
    assert_eq!(reason(&clerk.get(at("soon")).await.expect_err("no position")), "POSITION_INVALID");
    let info = AdminServiceClient::new(clerk.channel.clone())
        .get_server_info(pb::GetServerInfoRequest {})
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(info.head, Some(receipt));
    server.stop().await;
}

#[test]
fn the_docs_show_the_edges_as_the_code_has_them() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/life.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (head, rest) = page.split_once("life -->\n").expect("the table begins");
    let (_, tail) = rest.split_once("<!-- end").expect("the table ends");
    let expected = format!("{head}life -->\n{}<!-- end{tail}", nianbao::life::table());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, expected).expect("written");
    } else {
        assert_eq!(page, expected, "UPDATE_GOLDEN=1 cargo test --test integration life");
    }
}
