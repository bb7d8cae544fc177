//! `ExportReports`: a file as a stream of messages.

use std::pin::Pin;

use futures_util::stream::{Stream, try_unfold};
use tonic::Status;

use super::off_the_loop;
use crate::export::{Export, Piece};
use crate::failure::Failure;
use crate::pb::export_reports_response::Content;
use crate::pb::{ExportReportsRequest, ExportReportsResponse};
use crate::rollup::{Question, Rollup, records};

/// The messages of a file.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = Result<ExportReportsResponse, Status>> + Send>>;

/// Where a stream stands.
enum Turn {
    Header(Export),
    Data(Export),
    Ended,
}

/// The file that a request asks for. It is made as it is read: whoever reads slowly is waited for,
/// and who leaves ends it.
///
/// # Errors
/// `OrganNotFound`, `ExportTooLarge`, `Journal`, `Store`.
pub(super) async fn export(
    rollup: &Rollup,
    question: Question,
    request: ExportReportsRequest,
) -> Result<Pieces, Failure> {
    let (rollup, content, format) = (rollup.clone(), request.content(), request.format());
    let (group_by, heads) = (request.group_by(), request.heads());
    let mut years: Vec<i32> = Vec::new();
    for year in request.years {
        if !years.contains(&year) {
            years.push(year);
        }
    }
    let export = off_the_loop(move || {
        let records = records(&rollup, &question, &years, content, group_by)?;
        Export::new(rollup.archive().clone(), records, format, heads)
    })
    .await?;
    Ok(Box::pin(try_unfold(Turn::Header(export), |turn| async {
        let message = |content| ExportReportsResponse { content: Some(content) };
        let mut export = match turn {
            Turn::Header(export) => {
                let header = Content::Header(export.header());
                return Ok(Some((message(header), Turn::Data(export))));
            }
            Turn::Data(export) => export,
            Turn::Ended => return Ok(None),
        };
        let (piece, export) = off_the_loop(move || Ok((export.advance()?, export))).await?;
        Ok(piece.map(|piece| match piece {
            Piece::Data(data) => (message(Content::Data(data)), Turn::Data(export)),
            Piece::End(trailer) => (message(Content::Trailer(trailer)), Turn::Ended),
        }))
    })))
}
