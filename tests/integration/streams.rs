//! The methods that stream, and the comparison of reports, over a real socket.

use std::time::Duration;

use nianbao::pb::admin_service_client::AdminServiceClient;
use nianbao::pb::report::State;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::text_piece;
use nianbao::pb::{self, Report};
use tonic::transport::Channel;
use tonic::{Code, Request, Streaming};

use crate::support::{Details, TestServer, housing, register_organ, set};

fn report(organ: &str, year: i32) -> Report {
    let mut report = Report { organ: format!("organs/{organ}"), year, ..housing() };
    set(&mut report, "disclosure.compulsion_decisions", &(year - 2023).abs().to_string());
    report
}

fn item(report: Report, request_id: &str) -> pb::SubmitReportsRequest {
    let submission = pb::SubmitReportRequest {
        report: Some(Box::new(report)),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    pb::SubmitReportsRequest { submission: Some(Box::new(submission)) }
}

async fn submit_all(
    channel: &Channel,
    items: Vec<pb::SubmitReportsRequest>,
) -> Vec<pb::SubmitReportsResponse> {
    let mut client = ReportServiceClient::new(channel.clone());
    let answers = client.submit_reports(tokio_stream::iter(items)).await.expect("a stream");
    let mut answers = answers.into_inner();
    let mut all = Vec::new();
    while let Some(answer) = answers.message().await.expect("an answer") {
        all.push(answer);
    }
    all
}

async fn watch(channel: &Channel, request: pb::WatchChangesRequest) -> Changes {
    let mut client = ReportServiceClient::new(channel.clone());
    Changes(client.watch_changes(request).await.expect("a stream").into_inner())
}

struct Changes(Streaming<pb::WatchChangesResponse>);

impl Changes {
    async fn message(&mut self) -> pb::WatchChangesResponse {
        let wait = tokio::time::timeout(Duration::from_secs(20), self.0.message()).await;
        wait.expect("in time").expect("no error").expect("no end")
    }

    /// The next message that is no heartbeat.
    async fn change(&mut self) -> pb::WatchChangesResponse {
        loop {
            let message = self.message().await;
            if message.change.is_some() {
                return message;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_each_item_of_a_stream_by_itself_and_tells_all_its_findings() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    for id in ["a", "b"] {
        register_organ(&channel, id, None).await;
    }
    let mut wrong = report("b", 2023);
    for cell in nianbao::form::CELLS.iter().filter(|c| c.path.starts_with("requests.")) {
        if cell.kind == nianbao::form::CellKind::Count && cell.get(&wrong).is_some() {
            set(&mut wrong, cell.path, "-7");
        }
    }
    let items = vec![
        item(report("a", 2021), "1"),
        item(wrong.clone(), "2"),
        pb::SubmitReportsRequest::default(),
        item(report("nobody", 2023), "4"),
        item(report("a", 2021), ""),
        item(report("b", 2022), "6"),
    ];
    let answers = submit_all(&channel, items.clone()).await;
    let reasons: Vec<&str> =
        answers.iter().map(|a| a.refusal.as_ref().map_or("", |r| &r.reason)).collect();
    let expected =
        ["", "REPORT_HAS_ERRORS", "INVALID_REQUEST", "ORGAN_NOT_FOUND", "REPORT_STATE", ""];
    assert_eq!(reasons, expected);
    assert_eq!(answers.iter().map(|a| a.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(answers[1].findings, nianbao::finding::findings(&wrong), "all, not the first");
    assert_eq!(answers[1].refusal.clone().expect("refused").code, Code::InvalidArgument as i32);
    let taken = answers[0].report.clone().expect("taken");
    assert_eq!((taken.state(), taken.overview), (State::Submitted, None));
    assert!(answers[0].receipt.is_some() && answers[1].receipt.is_none());

    // The same stream again: what was taken gets its answer, and nothing is written.
    let again = submit_all(&channel, items).await;
    assert_eq!((&again[0], &again[5]), (&answers[0], &answers[5]));
    let info = AdminServiceClient::new(channel.clone())
        .get_server_info(pb::GetServerInfoRequest {})
        .await
        .expect("an answer");
    assert_eq!(info.into_inner().head.as_ref(), answers[5].receipt.as_ref());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_more_items_than_it_may_answer() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "a", None).await;
    // Each answer holds hundreds of findings, so that they cannot all lie on their way.
    let mut wrong = report("a", 2023);
    for cell in nianbao::form::CELLS.iter().filter(|c| c.get(&housing()).is_some()) {
        if cell.kind == nianbao::form::CellKind::Count {
            set(&mut wrong, cell.path, "-7");
        }
    }
    let pulled = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = pulled.clone();
    let items = (0..2000).map(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        item(wrong.clone(), "")
    });
    // On a runtime of its own, so that it can go away as a process does.
    let elsewhere = tokio::runtime::Runtime::new().expect("a runtime");
    let address = format!("http://{}", server.address);
    let (first, read_one) = tokio::sync::oneshot::channel();
    elsewhere.spawn(async move {
        let mut client = ReportServiceClient::connect(address).await.expect("the server listens");
        let answers = client.submit_reports(tokio_stream::iter(items)).await.expect("a stream");
        let mut answers = answers.into_inner();
        first.send(answers.message().await.expect("an answer")).expect("somebody waits");
        std::future::pending::<()>().await;
    });
    read_one.await.expect("an answer").expect("one");
    // Nobody takes further answers: the sender stands still, after a while, short of its end.
    let mut before = 0;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = pulled.load(std::sync::atomic::Ordering::SeqCst);
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before < 2000, "{before} of 2000 items were taken with one answer read");
    elsewhere.shutdown_background();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_see_each_change_in_order_from_any_position_on() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    let from_now = pb::WatchChangesRequest { from_now: true, ..Default::default() };
    let mut now = watch(&channel, from_now).await;
    let first = now.message().await;
    assert_eq!((first.change, first.position.as_str()), (None, "0000000000000000"));

    register_organ(&channel, "a", None).await;
    register_organ(&channel, "b", None).await;
    submit_all(&channel, vec![item(report("a", 2023), ""), item(report("b", 2023), "")]).await;
    let all = pb::WatchChangesRequest { include_content: true, ..Default::default() };
    let mut all = watch(&channel, all).await;
    let mut positions = Vec::new();
    for index in 0..4 {
        let (live, replayed) = (now.change().await, all.change().await);
        assert_eq!(live.receipt, replayed.receipt);
        assert_eq!(live.receipt.expect("a receipt").position, live.position);
        positions.push(live.position);
        let (live, replayed) = (live.change.expect("it"), replayed.change.expect("it"));
        assert_eq!(live.organ.is_some(), index < 2);
        if let (Some(live), Some(replayed)) = (live.report, replayed.report) {
            assert_eq!((live.action(), live.content), (pb::ReportAction::Submit, None));
            assert_eq!(live.head.as_ref().map(nianbao::pb::Report::state), Some(State::Submitted));
            assert_eq!(replayed.content.expect("asked for").requests, housing().requests);
            assert_eq!(live.head, replayed.head);
        }
    }
    assert!(positions.is_sorted());

    // Resumed, and of one organ only: a heartbeat tells how far it is all the same.
    let one = pb::WatchChangesRequest {
        after: positions[0].clone(),
        organ: "organs/a".to_owned(),
        heartbeat_seconds: 1,
        ..Default::default()
    };
    let mut one = watch(&channel, one).await;
    let change = one.change().await;
    let head = change.change.and_then(|c| c.report).and_then(|r| r.head).expect("a report");
    assert_eq!(head.name, "organs/a/reports/2023-own");
    let mut heartbeat = one.message().await;
    while heartbeat.position < positions[3] {
        heartbeat = one.message().await;
    }
    assert_eq!((heartbeat.change, &heartbeat.position), (None, &positions[3]));

    for (after, reason) in [("x", "POSITION_INVALID"), ("00000000000000ff", "POSITION_NOT_REACHED")]
    {
        let request = pb::WatchChangesRequest { after: after.to_owned(), ..Default::default() };
        let status = ReportServiceClient::new(channel.clone()).watch_changes(request).await;
        let status = status.expect_err("no position of this server");
        assert_eq!(Details::of(&status).info.reason, reason);
    }
    // Three watchers are open: a stop ends them and does not wait for its grace.
    let start = std::time::Instant::now();
    server.stop().await;
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn compares_revisions_and_years_cell_by_cell_and_text_by_text() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "a", None).await;
    let mut client = ReportServiceClient::new(channel.clone());
    let mut draft = async |report: Report| {
        let report = Some(Box::new(report));
        let request = Request::new(pb::SaveDraftRequest { report, ..Default::default() });
        client.save_draft(request).await.expect("a draft");
    };
    let mut second = report("a", 2023);
    set(&mut second, "requests.granted.total", "9");
    set(&mut second, "disputes.reconsideration.upheld", "");
    second.overview.as_mut().expect("part one").text.push_str("另有补充。");
    draft(report("a", 2023)).await;
    draft(second).await;
    draft(report("a", 2022)).await;
    let name = "organs/a/reports/2023-own";
    let compare = async |left: &str, right: &str| {
        let (left, right) = (left.to_owned(), right.to_owned());
        let request = pb::DiffReportsRequest { left, right, ..Default::default() };
        ReportServiceClient::new(channel.clone()).diff_reports(request).await
    };
    let answer = compare(&format!("{name}/revisions/1"), name).await.expect("compared");
    let diff = answer.into_inner().diff.expect("it");
    assert_eq!(diff.left, format!("{name}/revisions/1"));
    assert_eq!(diff.right, format!("{name}/revisions/2"));
    let cells: Vec<(&str, Option<&str>, Option<&str>)> = diff
        .cells
        .iter()
        .map(|c| (c.field_path.as_str(), c.left.as_deref(), c.right.as_deref()))
        .collect();
    let upheld = "disputes.reconsideration.upheld";
    let before = nianbao::form::cell(upheld).and_then(|c| c.get(&housing())).expect("a value");
    assert_eq!(
        cells,
        [
            ("requests.granted.total", Some("8"), Some("9")),
            (upheld, Some(before.to_string().as_str()), None)
        ]
    );
    assert_eq!(diff.cells[0].delta, "1");
    assert_eq!(diff.texts.len(), 1);
    let last = diff.texts[0].pieces.last().expect("a piece");
    assert_eq!((last.kind(), last.text.as_str()), (text_piece::Kind::Inserted, "另有补充。"));

    let answer = compare("organs/a/reports/2022-own", name).await.expect("two years");
    assert_eq!(answer.into_inner().diff.expect("it").cells.len(), 3);
    let status = compare(name, &format!("{name}/revisions/3")).await.expect_err("no third");
    assert_eq!(Details::of(&status).info.reason, "REVISION_NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_larger_than_clients_take() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "a", None).await;
    let draft = |year: i32, characters: usize| {
        let mut draft = report("a", year);
        draft.overview = Some(pb::Overview { text: "文".repeat(characters) });
        pb::SaveDraftRequest { report: Some(Box::new(draft)), ..Default::default() }
    };
    let mut client = ReportServiceClient::new(channel.clone());
    let status = client.save_draft(draft(2020, 350_000)).await.expect_err("more than a MiB");
    assert_eq!(Details::of(&status).info.reason, "REPORT_TOO_LARGE");
    for year in 2021..2026 {
        client.save_draft(draft(year, 340_000)).await.expect("stored");
    }
    let get = |years: std::ops::Range<i32>| pb::BatchGetReportsRequest {
        names: years.map(|year| format!("organs/a/reports/{year}-own")).collect(),
        ..Default::default()
    };
    let status = client.batch_get_reports(get(2021..2026)).await.expect_err("five million bytes");
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    assert_eq!(Details::of(&status).info.reason, "ANSWER_TOO_LARGE");
    client.batch_get_reports(get(2021..2023)).await.expect("two of them");
    let left = "organs/a/reports/2021-own".to_owned();
    let right = "organs/a/reports/2022-own".to_owned();
    let diff = pb::DiffReportsRequest { left, right, ..Default::default() };
    client.diff_reports(diff).await.expect("a diff");
    let (bytes, _) = export(&channel, "").await;
    assert!(bytes.len() > 5_000_000, "the whole journal, in pieces that a client takes by default");
    server.stop().await;
}

async fn export(channel: &Channel, after: &str) -> (Vec<u8>, String) {
    let request = pb::ExportJournalRequest { after: after.to_owned() };
    let mut client = AdminServiceClient::new(channel.clone());
    let mut pieces = client.export_journal(request).await.expect("a stream").into_inner();
    let (mut bytes, mut last) = (Vec::new(), String::new());
    while let Some(piece) = pieces.message().await.expect("a piece") {
        bytes.extend(piece.frames);
        assert!(piece.position <= piece.last_position);
        last = piece.position;
    }
    (bytes, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_restored_onto_a_bare_machine_is_the_same_store() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "a", None).await;
    submit_all(&channel, (2021..2025).map(|year| item(report("a", year), "")).collect()).await;
    let (base, reached) = export(&channel, "").await;
    submit_all(&channel, vec![item(report("a", 2025), "once")]).await;
    let (continued, _) = export(&channel, &reached).await;
    assert!(continued.len() < base.len());
    let (nothing, _) = export(&channel, &export(&channel, "").await.1).await;
    assert!(nothing.is_empty());

    let bare = tempfile::tempdir().expect("a folder");
    let mut restore = nianbao::store::Restore::create(bare.path()).expect("begun");
    for bytes in [&base, &continued] {
        // Cut anywhere.
        for chunk in bytes.chunks(777) {
            restore.frames(chunk).expect("as exported");
        }
    }
    let head = restore.finish().expect("restored");
    let other = TestServer::start(bare.path()).await;
    let restored = other.channel().await;
    let list = async |channel: &Channel| {
        let request =
            pb::ListReportsRequest { parent: "organs/-".to_owned(), ..Default::default() };
        let page = ReportServiceClient::new(channel.clone()).list_reports(request).await;
        page.expect("a page").into_inner().reports
    };
    let reports = list(&channel).await;
    assert_eq!(reports.len(), 5);
    assert_eq!(list(&restored).await, reports, "states, etags and times included");
    let info = async |channel: &Channel| {
        let mut client = AdminServiceClient::new(channel.clone());
        client.get_server_info(pb::GetServerInfoRequest {}).await.expect("info").into_inner()
    };
    let receipt = info(&restored).await.head.expect("a head");
    assert_eq!(info(&channel).await.head.as_ref(), Some(&receipt));
    assert_eq!(receipt.entry_hash, head.hash.to_string());
    let again = submit_all(&restored, vec![item(report("a", 2025), "once")]).await;
    assert_eq!(again[0].receipt.as_ref(), Some(&receipt), "request ids are remembered too");

    let verify = async |expect: &str| {
        let request = pb::VerifyJournalRequest { expect: expect.to_owned() };
        let mut client = AdminServiceClient::new(restored.clone());
        client.verify_journal(request).await.map(tonic::Response::into_inner)
    };
    let found = verify(&receipt.entry_hash).await.expect("verified");
    assert!(found.sound && found.expected_found, "{found:?}");
    assert_eq!((found.entries, found.head), (6, Some(receipt)));
    let found = verify(&"0".repeat(64)).await.expect("verified");
    assert!(!found.sound && !found.expected_found && found.damage.is_empty());
    let status = verify("0").await.expect_err("no hash");
    assert_eq!(Details::of(&status).info.reason, "INVALID_REQUEST");
    other.stop().await;
    server.stop().await;
}
