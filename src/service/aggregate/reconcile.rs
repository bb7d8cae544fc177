//! `ReconcileReport`: its request has the name of a report where the others have an organ.

use super::Aggregates;
use crate::failure::Failure;
use crate::names::ReportId;
use crate::pb::{ReconcileReportRequest, ReconcileReportResponse};
use crate::rollup::{Filter, Question, reconcile as held_against_its_parts};
use crate::service::off_the_loop;

pub(super) async fn reconcile(
    service: &Aggregates,
    request: ReconcileReportRequest,
) -> Result<ReconcileReportResponse, Failure> {
    let unknown = || Failure::ReportNotFound(request.name.clone());
    let (report, revision) = ReportId::with_revision(&request.name).ok_or_else(unknown)?;
    service.rollup.archive().reach(&request.at_least).await?;
    let question = Question {
        organ: report.organ,
        basis: request.basis(),
        tree: request.tree(),
        tree_year: request.tree_year,
        filter: Filter::default(),
        include_unaccepted: request.include_unaccepted,
        moment: service.moment(&request.as_of_position, request.as_of_time).await?,
    };
    let rollup = service.rollup.clone();
    let reconciliation = off_the_loop(move || {
        held_against_its_parts(&rollup, &question, report.year, revision, request.all_cells)
    })
    .await?;
    Ok(ReconcileReportResponse { reconciliation: Some(reconciliation) })
}
