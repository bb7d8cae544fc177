//! The stream of a file of organs.

use sha2::{Digest, Sha256};
use tokio_stream::StreamExt as _;
use tonic::{Status, Streaming};

use super::super::validate;
use crate::failure::Failure;
use crate::limits::IMPORT_BYTES_MAX;
use crate::pb::import_organs_request::Content;
use crate::pb::{ImportOrgansHeader, ImportOrgansRequest};
use crate::query::hex;

/// The header and the bytes of the file, put together.
pub(super) async fn collect(
    mut stream: Streaming<ImportOrgansRequest>,
) -> Result<(ImportOrgansHeader, Vec<u8>), Status> {
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
            (Some(Content::Chunk(chunk)), Some(_)) => {
                if bytes.len() + chunk.len() > IMPORT_BYTES_MAX {
                    let (limit, value) = ("import_bytes_max", IMPORT_BYTES_MAX);
                    return Err(Failure::ImportTooLarge { limit, value }.into());
                }
                bytes.extend_from_slice(&chunk);
            }
            (Some(Content::Chunk(_)), None) => {
                return Err(Failure::DocumentStream("the header must come first").into());
            }
            (None, _) => return Err(Failure::DocumentStream("neither header nor chunk").into()),
        }
    }
    let header = header.ok_or(Failure::DocumentStream("no header came"))?;
    Ok((header, bytes))
}

/// What stands for the whole stream where requests are compared: its header, with the digest of its
/// bytes behind the name of the sheet.
pub(super) fn essence(header: &ImportOrgansHeader, bytes: &[u8]) -> ImportOrgansHeader {
    let digest = hex(&Sha256::digest(bytes));
    ImportOrgansHeader { sheet: format!("{}\n{digest}", header.sheet), ..header.clone() }
}
