//! The methods of `ReportService` that stream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{Stream, StreamExt as _, try_unfold};
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::super::off_the_loop;
use super::submit;
use crate::archive::{Archive, Filed, Taken, receipt, taken};
use crate::check::violations;
use crate::failure::Failure;
use crate::finding::{self, counts};
use crate::limits::{HEARTBEAT_SECONDS_DEFAULT, PAGE_BYTES_MAX, STREAM_ITEMS_UNDER_WAY};
use crate::pb::{self, Change, Report};
use crate::status;
use crate::store::{Position, Recorded};

/// A stream of answers.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

pub(super) type Validated = Answers<pb::ValidateReportsResponse>;
pub(super) type Submitted = Answers<pb::SubmitReportsResponse>;
pub(super) type Changes = Answers<pb::WatchChangesResponse>;

/// One answer a report, in the order of the stream.
pub(super) fn validated(
    archive: Archive,
    items: Streaming<pb::ValidateReportsRequest>,
) -> Validated {
    let mut index = -1;
    Box::pin(items.map(move |item| {
        index += 1;
        let report = item?.report;
        let findings = match report {
            Some(report) => archive.findings(&report)?,
            None => finding::describe(violations(&pb::ValidateReportRequest::default())),
        };
        let counts = Some(counts(&findings));
        Ok(pb::ValidateReportsResponse { index, findings, counts })
    }))
}

/// One answer a submission, in the order of the stream. Several are under way at once, so that they
/// share a sync; no more is read while that many wait for their answers to be taken.
pub(super) fn submitted(
    archive: Archive,
    principal: String,
    items: Streaming<pb::SubmitReportsRequest>,
) -> Submitted {
    let mut index = -1;
    let answers = items.map(move |item| {
        index += 1;
        let (archive, principal) = (archive.clone(), principal.clone());
        async move { Ok(item_answer(index, &archive, principal, item?).await) }
    });
    Box::pin(answers.buffered(STREAM_ITEMS_UNDER_WAY))
}

async fn item_answer(
    index: i64,
    archive: &Archive,
    principal: String,
    item: pb::SubmitReportsRequest,
) -> pb::SubmitReportsResponse {
    let submission = item.submission.map(|submission| *submission).unwrap_or_default();
    match submit(archive, principal, submission).await {
        Ok(Filed { report, findings, receipt }) => pb::SubmitReportsResponse {
            index,
            report: Some(head(report)),
            counts: Some(counts(&findings)),
            findings,
            receipt,
            refusal: None,
        },
        Err(failure) => {
            let findings = all_findings(&failure);
            pb::SubmitReportsResponse {
                index,
                counts: Some(counts(&findings)),
                findings,
                refusal: Some(status::refusal(&failure)),
                ..pb::SubmitReportsResponse::default()
            }
        }
    }
}

/// Everything that is wrong with a refused item, where findings are why.
fn all_findings(failure: &Failure) -> Vec<pb::Finding> {
    match failure {
        Failure::InvalidRequest(all)
        | Failure::ReportHasErrors { all, .. }
        | Failure::WarningUnexplained { all, .. } => all.clone(),
        _ => Vec::new(),
    }
}

/// What the sender of a report does not have yet.
fn head(report: Report) -> Report {
    Report {
        overview: None,
        disclosure: None,
        disclosure_2019: None,
        requests: None,
        disputes: None,
        problems: None,
        other_matters: None,
        blanks: Vec::new(),
        explanations: Vec::new(),
        ..report
    }
}

/// One who watches.
struct Watcher {
    archive: Archive,
    positions: watch::Receiver<Position>,
    stopping: watch::Receiver<bool>,
    /// Up to where everything was sent.
    position: Position,
    read: VecDeque<Recorded>,
    /// Of this organ only, where one was named.
    organ: String,
    include_content: bool,
    heartbeat: Duration,
    /// When the next heartbeat is due.
    due: Instant,
}

/// Changes from the position on that the request names.
///
/// # Errors
/// `PositionInvalid`, `PositionNotReached`.
pub(super) async fn changes(
    archive: Archive,
    stopping: watch::Receiver<bool>,
    request: pb::WatchChangesRequest,
) -> Result<Changes, Failure> {
    let positions = archive.store().watch_position();
    archive.reach(&request.after).await?;
    let position = match request.from_now {
        true => archive.store().position(),
        false => archive.position(&request.after)?.unwrap_or(Position::START),
    };
    let seconds = u64::try_from(request.heartbeat_seconds).unwrap_or(0);
    let heartbeat = Duration::from_secs(match seconds {
        0 => HEARTBEAT_SECONDS_DEFAULT,
        seconds => seconds,
    });
    let watcher = Watcher {
        archive,
        positions,
        stopping,
        position,
        read: VecDeque::new(),
        organ: request.organ,
        include_content: request.include_content,
        heartbeat,
        // The first tells at once from where it goes on.
        due: Instant::now(),
    };
    Ok(Box::pin(try_unfold(watcher, next)))
}

/// The next message; none when the server stops.
async fn next(mut watcher: Watcher) -> Result<Option<(pb::WatchChangesResponse, Watcher)>, Status> {
    loop {
        if *watcher.stopping.borrow() {
            return Ok(None);
        }
        if watcher.due <= Instant::now() {
            let message = watcher.message(None, String::new());
            return Ok(Some((message, watcher)));
        }
        if let Some(recorded) = watcher.read.pop_front() {
            watcher.position = recorded.position();
            if let Some(message) = watcher.change(&recorded)? {
                return Ok(Some((message, watcher)));
            }
            continue;
        }
        let (archive, after) = (watcher.archive.clone(), watcher.position);
        let more = off_the_loop(move || Ok(archive.store().follow(after, PAGE_BYTES_MAX)?)).await?;
        if more.is_empty() {
            watcher.wait().await;
        }
        watcher.read = more.into();
    }
}

impl Watcher {
    /// Until there is more, a heartbeat is due, or the server stops.
    async fn wait(&mut self) {
        let (position, due) = (self.position, self.due);
        tokio::select! {
            // A store that is gone ends with its server.
            _ = self.positions.wait_for(|now| *now > position) => {}
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
            () = tokio::time::sleep_until(due) => {}
        }
    }

    fn message(&mut self, change: Option<Change>, principal: String) -> pb::WatchChangesResponse {
        self.due = Instant::now() + self.heartbeat;
        pb::WatchChangesResponse {
            position: self.position.to_string(),
            change,
            principal,
            receipt: None,
        }
    }

    /// An entry as a message, if it was asked for.
    fn change(&mut self, recorded: &Recorded) -> Result<Option<pb::WatchChangesResponse>, Failure> {
        let taken = taken(recorded).map_err(|e| Failure::Journal(e.to_string()))?;
        let mut change = Change::default();
        let organ = match taken {
            Taken::Report(id, mut report) => {
                if !self.include_content {
                    report.content = None;
                }
                change.report = Some(*report);
                id.organ.to_string()
            }
            Taken::Organ(id, organ) => {
                change.organ = Some(*organ);
                id.to_string()
            }
            Taken::Organs(mut organs, import) => {
                // Of organs that changed together a watcher of one hears of that one.
                organs.retain(|(id, _)| self.organ.is_empty() || self.organ == id.to_string());
                let organ = organs.first().map(|(id, _)| id.to_string()).unwrap_or_default();
                change.organs = organs.into_iter().map(|(_, organ)| organ).collect();
                change.organ_import = import;
                organ
            }
            Taken::Deadline(deadline) => {
                change.deadline = Some(deadline);
                String::new()
            }
        };
        if !self.organ.is_empty() && self.organ != organ {
            return Ok(None);
        }
        let mut message = self.message(Some(change), recorded.header.principal.clone());
        message.receipt = Some(receipt(recorded));
        Ok(Some(message))
    }
}
