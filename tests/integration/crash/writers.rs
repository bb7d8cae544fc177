//! Those who write until the server is gone, and note what it has acknowledged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Report};
use tonic::transport::Channel;
use tonic::{Request, Response};

use super::{Acknowledged, ORGANS};
use crate::support::{housing, set};

/// So many items a stream: few enough that some streams come to their end.
const STREAM: usize = 12;

/// So many streams a round: a store that grows faster takes longer to start.
const TURNS: usize = 4;

/// Turns true when nothing more is to be written.
pub type Stop = Arc<AtomicBool>;

/// An item of a stream, and what came back for it if it was taken.
#[derive(Clone)]
pub struct Item {
    sent: pb::SubmitReportRequest,
    answer: Option<(Report, pb::Receipt)>,
}

fn as_principal<T>(name: &'static str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("nianbao-principal", name.parse().expect("ascii"));
    request
}

/// A report whose figures tell which write it was.
fn content(organ: usize, year: i32, mark: usize) -> Report {
    let mut report = Report { organ: format!("organs/o{organ}"), year, ..housing() };
    set(&mut report, "disclosure.licensing_decisions", &mark.to_string());
    report
}

/// Writes on one report after another until the server is gone, or it is told to stop.
pub async fn write(
    channel: Channel,
    worker: usize,
    round: usize,
    known: Arc<Mutex<Acknowledged>>,
    stop: Stop,
) {
    let mut client = ReportServiceClient::new(channel);
    for step in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let year = 2021 + ((round + step) % 70) as i32;
        let report = content(worker % ORGANS, year, round * 1000 + step);
        let name = format!("{}/reports/{year}-own", report.organ);
        let submitted = match step % 2 {
            0 => submit(&mut client, report).await,
            _ => draft(&mut client, report).await,
        };
        let (report, receipt) = match submitted {
            Ok(Some(taken)) => taken,
            Ok(None) => match onward(&mut client, &name).await {
                Ok(Some(taken)) => taken,
                Ok(None) => continue,
                Err(()) => return,
            },
            Err(()) => return,
        };
        known.lock().expect("no panic").note(report, receipt);
    }
}

/// Streams reports of an organ of its own, until the server is gone or it is told to stop. What
/// came back is acknowledged. The last stream before a kill is sent again: what was acknowledged
/// gets its first answer, and what became of the rest is known then.
pub async fn stream(channel: Channel, round: usize, known: Arc<Mutex<Acknowledged>>, stop: Stop) {
    let mut client = ReportServiceClient::new(channel);
    for turn in 0..TURNS {
        if turn > 0 || known.lock().expect("no panic").stream.is_empty() {
            known.lock().expect("no panic").stream = items(round, turn);
        }
        let Ok(names) = send(&mut client, &known).await else { return };
        // Sent back, so that a later stream is taken too.
        let mut returns = tokio::task::JoinSet::new();
        for name in names {
            returns.spawn(send_back(client.clone(), name));
        }
        let mut is_gone = false;
        for answer in returns.join_all().await {
            is_gone |= answer.is_err();
            if let Ok(Some((report, receipt))) = answer {
                known.lock().expect("no panic").note(report, receipt);
            }
        }
        if is_gone || stop.load(Ordering::SeqCst) {
            return;
        }
    }
}

async fn send_back(mut client: ReportServiceClient<Channel>, name: String) -> Taken {
    let reasons = vec![pb::ReturnReason { text: "请核对".to_owned(), ..Default::default() }];
    let request = pb::ReturnReportRequest { name, reasons, ..Default::default() };
    let answer = client.return_report(as_principal("reviewer", request)).await;
    taken_or_not(answer.map(Response::into_inner).map(|a| (a.report, a.receipt)))
}

fn items(round: usize, turn: usize) -> Vec<Item> {
    let item = |index: usize| {
        let year = 2021 + ((round * 7 + turn * STREAM + index) % 70) as i32;
        let report = content(ORGANS, year, round * 1000 + turn * STREAM + index);
        let request_id = format!("{round}-{turn}-{index}");
        let report = Some(Box::new(report));
        let sent = pb::SubmitReportRequest { report, request_id, ..Default::default() };
        Item { sent, answer: None }
    };
    (0..STREAM).map(item).collect()
}

/// Sends the stream at hand, and notes what comes back. Answers the names of the reports, or that
/// the server is gone.
async fn send(
    client: &mut ReportServiceClient<Channel>,
    known: &Mutex<Acknowledged>,
) -> Result<Vec<String>, ()> {
    let sent: Vec<_> =
        known.lock().expect("no panic").stream.iter().map(|item| item.sent.clone()).collect();
    let count = sent.len();
    let requests =
        sent.into_iter().map(|item| pb::SubmitReportsRequest { submission: Some(Box::new(item)) });
    let request = as_principal("clerk", tokio_stream::iter(requests));
    let mut answers = client.submit_reports(request).await.map_err(drop)?.into_inner();
    let mut names = Vec::new();
    for index in 0..count {
        let Ok(Some(answer)) = answers.message().await else { return Err(()) };
        assert_eq!(usize::try_from(answer.index), Ok(index));
        let mut known = known.lock().expect("no panic");
        let item = known.stream[index].clone();
        let sent = item.sent.report.as_deref().expect("sent");
        names.push(format!("{}/reports/{}-own", sent.organ, sent.year));
        if let (Some(report), Some(receipt)) = (answer.report, answer.receipt) {
            let answer = (report, receipt);
            if item.answer.is_some() {
                assert_eq!(item.answer, Some(answer), "a repetition gets the first answer");
                known.repeated += 1;
                continue;
            }
            known.stream[index].answer = Some(answer.clone());
            known.note_streamed(answer.0, sent, answer.1);
        } else {
            let refused = answer.refusal.expect("taken or refused");
            assert_eq!(refused.reason, "REPORT_STATE", "{}", refused.message_en);
            assert_eq!(item.answer, None, "what was acknowledged is not refused");
        }
    }
    Ok(names)
}

type Taken = Result<Option<(Report, pb::Receipt)>, ()>;

/// What a call has done: taken, refused for good reason, or nobody knows.
fn taken_or_not(answer: Result<(Option<Report>, Option<pb::Receipt>), tonic::Status>) -> Taken {
    match answer {
        Ok((report, receipt)) => Ok(report.zip(receipt)),
        Err(status) if status.code() == tonic::Code::FailedPrecondition => Ok(None),
        Err(status) if status.code() == tonic::Code::Aborted => Ok(None),
        Err(_) => Err(()),
    }
}

async fn submit(client: &mut ReportServiceClient<Channel>, report: Report) -> Taken {
    let report = Some(Box::new(report));
    let request = pb::SubmitReportRequest { report, ..Default::default() };
    let answer = client.submit_report(as_principal("clerk", request)).await;
    taken_or_not(answer.map(Response::into_inner).map(|a| (a.report, a.receipt)))
}

async fn draft(client: &mut ReportServiceClient<Channel>, report: Report) -> Taken {
    let report = Some(Box::new(report));
    let request = pb::SaveDraftRequest { report, ..Default::default() };
    let answer = client.save_draft(as_principal("clerk", request)).await;
    taken_or_not(answer.map(Response::into_inner).map(|a| (a.report, a.receipt)))
}

/// One step on with a report that takes no new content: accept, publish or amend it.
async fn onward(client: &mut ReportServiceClient<Channel>, name: &str) -> Taken {
    let name = || name.to_owned();
    let request = pb::AcceptReportRequest { name: name(), ..Default::default() };
    let answer = client.accept_report(as_principal("reviewer", request)).await;
    let accepted = taken_or_not(answer.map(Response::into_inner).map(|a| (a.report, a.receipt)))?;
    if accepted.is_some() {
        return Ok(accepted);
    }
    let request = pb::PublishReportRequest { name: name(), ..Default::default() };
    let answer = client.publish_report(as_principal("clerk", request)).await;
    let published = taken_or_not(answer.map(Response::into_inner).map(|a| (a.report, a.receipt)))?;
    if published.is_some() {
        return Ok(published);
    }
    let reason = "漏计".to_owned();
    let request = pb::AmendReportRequest { name: name(), reason, ..Default::default() };
    let answer = client.amend_report(as_principal("clerk", request)).await;
    taken_or_not(answer.map(Response::into_inner).map(|a| (a.report, a.receipt)))
}
