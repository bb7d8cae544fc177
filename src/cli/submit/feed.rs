//! Files on their way into the stream: read, parsed and sent while answers come back.

use nianbao::limits::MESSAGE_BYTES_MAX;
use nianbao::names::OrganId;
use nianbao::pb::{SubmitReportRequest, SubmitReportsRequest, SubmitReportsResponse};
use nianbao::store::Hash;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::cli::args::SubmitArgs;
use crate::cli::client::Server;
use crate::cli::{Error, files};

/// Requests that are read ahead of the connection.
const AHEAD: usize = 16;
/// Files that are sent and wait for their answers: more than the server has under way at once.
const WAITING: usize = 4 * nianbao::limits::STREAM_ITEMS_UNDER_WAY;

/// One file: what was sent for it, or why nothing was.
pub(super) struct Sent {
    pub(super) file: String,
    pub(super) request: Result<Box<SubmitReportRequest>, Error>,
}

/// What is the same for all files.
struct Manner {
    organ: Option<OrganId>,
    as_published: Option<String>,
    etag: Option<String>,
    validate_only: bool,
}

/// Opens the stream and begins to send the files, in order. The answers come in the order of those
/// that were sent.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn open(
    server: &Server,
    args: &SubmitArgs,
    files: Vec<String>,
) -> Result<(mpsc::Receiver<Sent>, Streaming<SubmitReportsResponse>), Error> {
    let (requests, outgoing) = mpsc::channel(AHEAD);
    let (sent, waiting) = mpsc::channel(WAITING);
    let manner = Manner {
        organ: args.organ.clone(),
        as_published: args.as_published.clone(),
        etag: args.etag.clone(),
        validate_only: args.validate_only,
    };
    // A thread of its own, since documents take long to parse; it ends when nobody listens.
    std::thread::spawn(move || {
        for file in files {
            let request = request(&manner, &file);
            let item = request.as_ref().ok().cloned();
            if sent.blocking_send(Sent { file, request }).is_err() {
                return;
            }
            let Some(item) = item else { continue };
            if requests.blocking_send(SubmitReportsRequest { submission: Some(item) }).is_err() {
                return;
            }
        }
    });
    let answers = server.reports().submit_reports(ReceiverStream::new(outgoing)).await;
    Ok((waiting, server.answered(answers)?))
}

fn request(manner: &Manner, file: &str) -> Result<Box<SubmitReportRequest>, Error> {
    let mut report = files::report(file)?;
    if let Some(organ) = &manner.organ {
        report.organ = organ.to_string();
    }
    let request = SubmitReportRequest {
        report: Some(Box::new(report)),
        validate_only: manner.validate_only,
        as_published: manner.as_published.is_some(),
        as_published_reason: manner.as_published.clone().unwrap_or_default(),
        etag: manner.etag.clone().unwrap_or_default(),
        ..SubmitReportRequest::default()
    };
    let request = identified(request, "");
    // One message that is too large would end the stream for all that come after it.
    if request.encoded_len() > MESSAGE_BYTES_MAX {
        return Err(Error::Oversized { file: file.to_owned() });
    }
    Ok(Box::new(request))
}

/// The request with an id that is made of what it says, so that it is done once however often it is
/// sent. `state` is the etag of a report that was sent back since: then it is a new request.
pub(super) fn identified(request: SubmitReportRequest, state: &str) -> SubmitReportRequest {
    let mut request = SubmitReportRequest { request_id: String::new(), ..request };
    if !request.validate_only {
        let mut bytes = request.encode_to_vec();
        bytes.extend_from_slice(state.as_bytes());
        request.request_id = Hash::of(&bytes).to_string();
    }
    request
}
