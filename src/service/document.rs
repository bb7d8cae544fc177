//! `DocumentService`.

use tokio_stream::StreamExt as _;
use tonic::{Request, Response, Status, Streaming};

use super::{off_the_loop, validate};
use crate::document::{self, Document};
use crate::failure::Failure;
use crate::finding::{counts, findings};
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::pb;
use crate::pb::document_service_server::DocumentService;
use crate::pb::parse_document_request::Content;

/// `DocumentService`.
pub struct Documents;

#[tonic::async_trait]
impl DocumentService for Documents {
    async fn parse_document(
        &self,
        request: Request<Streaming<pb::ParseDocumentRequest>>,
    ) -> Result<Response<pb::ParseDocumentResponse>, Status> {
        let (header, bytes) = collect(request.into_inner()).await?;
        let answer = off_the_loop(move || parse(&header, &bytes)).await?;
        Ok(Response::new(answer))
    }
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
