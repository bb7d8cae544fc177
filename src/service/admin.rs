//! `AdminService`.

use std::mem::take;
use std::pin::Pin;
use std::sync::LazyLock;

use futures_util::stream::{Stream, try_unfold};
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

use super::{after, off_the_loop, page_size, principal, validate};
use crate::archive::{Archive, Caller};
use crate::failure::Failure;
use crate::limits::{self, EXPORT_BYTES_MAX};
use crate::pb;
use crate::pb::admin_service_server::AdminService;
use crate::query::{hex, page_token};
use crate::store::{self, Hash, IndexState, Position};

/// `AdminService` over an archive.
pub struct Admin {
    archive: Archive,
}

impl Admin {
    /// The service.
    pub fn new(archive: Archive) -> Self {
        Admin { archive }
    }
}

/// Pieces of the journal.
type Pieces = Pin<Box<dyn Stream<Item = Result<pb::ExportJournalResponse, Status>> + Send>>;

#[tonic::async_trait]
impl AdminService for Admin {
    type ExportJournalStream = Pieces;

    async fn get_server_info(
        &self,
        _: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::GetServerInfoResponse>, Status> {
        static SCHEMA_DIGEST: LazyLock<String> =
            LazyLock::new(|| hex(&Sha256::digest(pb::FILE_DESCRIPTOR_SET)));
        let store = self.archive.store();
        let off = store.writable().err();
        let head = store.head();
        Ok(Response::new(pb::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schema_digest: SCHEMA_DIGEST.clone(),
            limits: limits::all(),
            position: head.position.to_string(),
            writable: off.is_none(),
            writes_off_reason: off.map(|off| off.to_string()).unwrap_or_default(),
            head: receipt(&head),
            journal: Some(journal_info(&store.condition())),
        }))
    }

    async fn verify_journal(
        &self,
        request: Request<pb::VerifyJournalRequest>,
    ) -> Result<Response<pb::VerifyJournalResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        // Empty it is none, and of another form the request is refused above.
        let expect: Option<Hash> = request.expect.parse().ok();
        let archive = self.archive.clone();
        let found = off_the_loop(move || Ok(archive.store().verify(&|_, _| ())?)).await?;
        let expected_found = expect.is_some_and(|hash| found.contains(&hash));
        let index_difference = match &found.index {
            IndexState::Unreadable(why) => format!("the index could not be compared: {why}"),
            other => other.difference().unwrap_or_default(),
        };
        let as_expected = expect.is_none() || expected_found;
        let sound = found.damage.is_none() && index_difference.is_empty() && as_expected;
        Ok(Response::new(pb::VerifyJournalResponse {
            sound,
            entries: i64::try_from(found.entries).unwrap_or(i64::MAX),
            head: receipt(&found.head),
            damage: found.damage.as_ref().map(ToString::to_string).unwrap_or_default(),
            index_difference,
            expected_found,
        }))
    }

    async fn export_journal(
        &self,
        request: Request<pb::ExportJournalRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.after).await?;
        let last = self.archive.store().position();
        let after = self.archive.position(&request.after)?.unwrap_or(Position::START);
        let archive = self.archive.clone();
        let pieces = try_unfold(after, move |after| piece(archive.clone(), after, last));
        Ok(Response::new(Box::pin(pieces)))
    }

    async fn set_deadline(
        &self,
        request: Request<pb::SetDeadlineRequest>,
    ) -> Result<Response<pb::SetDeadlineResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let id = take(&mut request.request_id);
        let caller = Caller::new(principal, "SetDeadline", &request, id, request.validate_only);
        let deadline = request.deadline.unwrap_or_default();
        let (deadline, receipt) = self.archive.set_deadline(&caller, deadline).await?;
        Ok(Response::new(pb::SetDeadlineResponse { deadline: Some(deadline), receipt }))
    }

    async fn list_deadlines(
        &self,
        request: Request<pb::ListDeadlinesRequest>,
    ) -> Result<Response<pb::ListDeadlinesResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let asked = format!("deadlines\n{}", request.year);
        let after = after(&asked, &request.page_token)?;
        let limit = page_size(request.page_size);
        let year = (request.year != 0).then_some(request.year);
        let archive = self.archive.clone();
        let page = off_the_loop(move || archive.deadlines(year, after.as_deref(), limit)).await?;
        Ok(Response::new(pb::ListDeadlinesResponse {
            deadlines: page.items,
            next_page_token: page.next.map(|key| page_token(&asked, &key)).unwrap_or_default(),
        }))
    }
}

/// The entries after a position as frames, up to the last that was there when the call came.
async fn piece(
    archive: Archive,
    after: Position,
    last: Position,
) -> Result<Option<(pb::ExportJournalResponse, Position)>, Status> {
    if after >= last {
        return Ok(None);
    }
    let read = move || Ok(archive.store().follow(after, EXPORT_BYTES_MAX)?);
    let entries = off_the_loop(read).await?;
    let entries: Vec<_> = entries.into_iter().take_while(|e| e.position() <= last).collect();
    let Some(reached) = entries.last().map(store::Recorded::position) else {
        return Ok(None);
    };
    let entries: Vec<_> = entries.into_iter().map(|recorded| recorded.entry).collect();
    let piece = pb::ExportJournalResponse {
        frames: store::encode_frame(&entries).map_err(Failure::from)?,
        position: reached.to_string(),
        last_position: last.to_string(),
    };
    Ok(Some((piece, reached)))
}

/// The last write; none where nothing was written.
fn receipt(head: &store::Receipt) -> Option<pb::Receipt> {
    (head.position > Position::START).then(|| (*head).into())
}

fn journal_info(condition: &store::Condition) -> pb::JournalInfo {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    pb::JournalInfo {
        bytes: number(condition.journal_bytes),
        segments: i32::try_from(condition.segments).unwrap_or(i32::MAX),
        torn: condition.torn.as_ref().map(ToString::to_string).unwrap_or_default(),
        damage: condition.damage.as_ref().map(ToString::to_string).unwrap_or_default(),
        replayed_entries: number(condition.replayed),
        index_rebuilt: condition.rebuilt,
    }
}
