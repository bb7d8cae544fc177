//! `DocumentService`.

use std::iter::once;
use std::pin::Pin;

use futures_util::stream::{Stream, iter};
use tokio_stream::StreamExt as _;
use tonic::{Request, Response, Status, Streaming};

use super::report::version;
use super::{off_the_loop, validate};
use crate::archive::{Archive, Moment, name_in};
use crate::document::{self, Document};
use crate::failure::Failure;
use crate::finding::{counts, findings};
use crate::limits::{DOCUMENT_BYTES_MAX, EXPORT_CHUNK_BYTES_MAX};
use crate::names::OrganId;
use crate::pb::document_service_server::DocumentService;
use crate::pb::parse_document_request::Content;
use crate::pb::render_document_request::Source;
use crate::pb::{self, Report, render_document_response};
use crate::render;

/// The messages of a document.
type Pieces = Pin<Box<dyn Stream<Item = Result<pb::RenderDocumentResponse, Status>> + Send>>;

/// `DocumentService` over an archive, which only stored reports are read from.
pub struct Documents {
    archive: Archive,
}

impl Documents {
    /// The service.
    pub fn new(archive: Archive) -> Self {
        Documents { archive }
    }
}

#[tonic::async_trait]
impl DocumentService for Documents {
    type RenderDocumentStream = Pieces;

    async fn parse_document(
        &self,
        request: Request<Streaming<pb::ParseDocumentRequest>>,
    ) -> Result<Response<pb::ParseDocumentResponse>, Status> {
        let (header, bytes) = collect(request.into_inner()).await?;
        let answer = off_the_loop(move || parse(&header, &bytes)).await?;
        Ok(Response::new(answer))
    }

    async fn render_document(
        &self,
        request: Request<pb::RenderDocumentRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let archive = self.archive.clone();
        let document = off_the_loop(move || rendered(&archive, request)).await?;
        Ok(Response::new(pieces(document)))
    }
}

/// The report that a request names or holds, as a document.
fn rendered(
    archive: &Archive,
    request: pb::RenderDocumentRequest,
) -> Result<render::Document, Failure> {
    let (document_type, asked) = (request.document_type(), request.version());
    let (report, revision) = match request.source {
        Some(Source::Name(name)) => {
            let (id, version) = version(&name, asked)?;
            let report = archive.report_at(&id, version, Moment::Now)?;
            let revision = format!("{id}/revisions/{}", report.revision);
            (report, revision)
        }
        Some(Source::Report(report)) => (report, String::new()),
        // The request's own rule has refused it.
        None => (Report::default(), String::new()),
    };
    let name = match request.organ_display_name.is_empty() && report.title.is_empty() {
        true => registered_name(archive, &report)?,
        false => request.organ_display_name,
    };
    let mut document = render::render(&report, &name, document_type)?;
    document.header.revision = revision;
    Ok(document)
}

/// The name that the organ of a report had in its year; empty where it is not registered.
fn registered_name(archive: &Archive, report: &Report) -> Result<String, Failure> {
    let Some(id) = OrganId::from_name(&report.organ) else { return Ok(String::new()) };
    match archive.organ(&id) {
        Ok(organ) => Ok(name_in(&organ, report.year).to_owned()),
        Err(Failure::OrganNotFound(_)) => Ok(String::new()),
        Err(other) => Err(other),
    }
}

fn pieces(document: render::Document) -> Pieces {
    use render_document_response::Content;
    let chunks: Vec<Vec<u8>> =
        document.bytes.chunks(EXPORT_CHUNK_BYTES_MAX).map(<[u8]>::to_vec).collect();
    let contents =
        once(Content::Header(document.header)).chain(chunks.into_iter().map(Content::Data));
    let message = |content| Ok(pb::RenderDocumentResponse { content: Some(content) });
    Box::pin(iter(contents.map(message)))
}

/// The header and the bytes of the document, put together.
async fn collect(
    mut stream: Streaming<pb::ParseDocumentRequest>,
) -> Result<(pb::DocumentHeader, Vec<u8>), Status> {
    let mut header = None;
    let mut bytes = Vec::new();
    while let Some(message) = stream.next().await {
        let message = message?;
        validate(&message)?;
        match (message.content, &header) {
            (Some(Content::Header(first)), None) => header = Some(first),
            (Some(Content::Header(_)), Some(_)) => {
                return Err(Failure::DocumentStream("a second header").into());
            }
            (Some(Content::Chunk(_)), None) => {
                return Err(Failure::DocumentStream("the header must come first").into());
            }
            (Some(Content::Chunk(chunk)), Some(_)) => {
                if bytes.len() + chunk.len() > DOCUMENT_BYTES_MAX {
                    return Err(Failure::DocumentTooLarge(DOCUMENT_BYTES_MAX).into());
                }
                bytes.extend_from_slice(&chunk);
            }
            (None, _) => return Err(Failure::DocumentStream("neither header nor chunk").into()),
        }
    }
    let header = header.ok_or(Failure::DocumentStream("no header came"))?;
    Ok((header, bytes))
}

/// Reads a document and holds what was read against the rules.
///
/// # Errors
/// `DocumentUnreadable`, `DocumentTooLarge`.
pub fn parse(
    header: &pb::DocumentHeader,
    bytes: &[u8],
) -> Result<pb::ParseDocumentResponse, Failure> {
    let name = Some(header.file_name.as_str()).filter(|name| !name.is_empty());
    let document = Document::from_bytes(bytes, name).map_err(|error| match error {
        document::Error::TooLarge { .. } => Failure::DocumentTooLarge(DOCUMENT_BYTES_MAX),
        other => Failure::DocumentUnreadable { zh: other.zh(), en: other.to_string() },
    })?;
    let reading = document::read::read(&document, header);
    let findings = findings(&reading.report);
    Ok(pb::ParseDocumentResponse {
        report: Some(reading.report),
        provenance: reading.provenance,
        notes: reading.notes,
        counts: Some(counts(&findings)),
        findings,
    })
}
