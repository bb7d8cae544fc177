//! `ReportService`. What takes more than a few lines stands in files of its own: `stream` has the
//! methods that stream, `filter` what lists take.

mod filter;
mod stream;

use std::mem::take;

use prost::Message as _;
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};

use super::{after, off_the_loop, page_size, principal, validate};
use crate::archive::{Archive, Caller, Filed, Moment, Step, Submission, Version, What};
use crate::diff::diff;
use crate::failure::Failure;
use crate::finding::counts;
use crate::limits::PAGE_BYTES_MAX;
use crate::names::{OrganId, ReportId};
use crate::pb::get_report_request;
use crate::pb::report_service_server::ReportService;
use crate::pb::{self, Report};
use crate::query::page_token;
use filter::ReportFilter;
use stream::{Changes, Submitted, Validated};

/// `ReportService` over an archive.
pub struct Reports {
    archive: Archive,
    /// Turns true when the server stops: what would never end by itself ends then.
    stopping: watch::Receiver<bool>,
}

impl Reports {
    /// The service; watchers end when `stopping` turns true.
    pub fn new(archive: Archive, stopping: watch::Receiver<bool>) -> Self {
        Reports { archive, stopping }
    }

    async fn step(
        &self,
        caller: Caller,
        name: &str,
        etag: &str,
        step: Step,
    ) -> Result<Filed, Failure> {
        let id = report_id(name)?;
        self.archive.step(&caller, &id, etag, step).await
    }
}

fn report_id(name: &str) -> Result<ReportId, Failure> {
    ReportId::from_name(name).ok_or_else(|| Failure::ReportNotFound(name.to_owned()))
}

#[tonic::async_trait]
impl ReportService for Reports {
    type ValidateReportsStream = Validated;
    type SubmitReportsStream = Submitted;
    type WatchChangesStream = Changes;

    async fn validate_report(
        &self,
        request: Request<pb::ValidateReportRequest>,
    ) -> Result<Response<pb::ValidateReportResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let findings = self.archive.findings(&request.report.unwrap_or_default())?;
        let counts = Some(counts(&findings));
        Ok(Response::new(pb::ValidateReportResponse { findings, counts }))
    }

    async fn validate_reports(
        &self,
        request: Request<Streaming<pb::ValidateReportsRequest>>,
    ) -> Result<Response<Validated>, Status> {
        Ok(Response::new(stream::validated(self.archive.clone(), request.into_inner())))
    }

    async fn save_draft(
        &self,
        request: Request<pb::SaveDraftRequest>,
    ) -> Result<Response<pb::SaveDraftResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let id = take(&mut request.request_id);
        let caller = Caller::new(principal, "SaveDraft", &request, id, request.validate_only);
        let report = *request.report.unwrap_or_default();
        let filed = self.archive.save_draft(&caller, report, &request.etag).await?;
        Ok(Response::new(pb::SaveDraftResponse {
            report: Some(filed.report),
            counts: Some(counts(&filed.findings)),
            findings: filed.findings,
            receipt: filed.receipt,
        }))
    }

    async fn submit_report(
        &self,
        request: Request<pb::SubmitReportRequest>,
    ) -> Result<Response<pb::SubmitReportResponse>, Status> {
        let principal = principal(&request)?;
        let filed = submit(&self.archive, principal, request.into_inner()).await?;
        Ok(Response::new(pb::SubmitReportResponse {
            report: Some(filed.report),
            counts: Some(counts(&filed.findings)),
            findings: filed.findings,
            receipt: filed.receipt,
        }))
    }

    async fn submit_reports(
        &self,
        request: Request<Streaming<pb::SubmitReportsRequest>>,
    ) -> Result<Response<Submitted>, Status> {
        let principal = principal(&request)?;
        let archive = self.archive.clone();
        Ok(Response::new(stream::submitted(archive, principal, request.into_inner())))
    }

    async fn return_report(
        &self,
        request: Request<pb::ReturnReportRequest>,
    ) -> Result<Response<pb::ReturnReportResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let id = take(&mut request.request_id);
        let caller = Caller::new(principal, "ReturnReport", &request, id, request.validate_only);
        let step = Step::Return(request.reasons);
        let Filed { report, receipt, .. } =
            self.step(caller, &request.name, &request.etag, step).await?;
        Ok(Response::new(pb::ReturnReportResponse { report: Some(report), receipt }))
    }

    async fn accept_report(
        &self,
        request: Request<pb::AcceptReportRequest>,
    ) -> Result<Response<pb::AcceptReportResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let id = take(&mut request.request_id);
        let caller = Caller::new(principal, "AcceptReport", &request, id, request.validate_only);
        let Filed { report, receipt, .. } =
            self.step(caller, &request.name, &request.etag, Step::Accept).await?;
        Ok(Response::new(pb::AcceptReportResponse { report: Some(report), receipt }))
    }

    async fn publish_report(
        &self,
        request: Request<pb::PublishReportRequest>,
    ) -> Result<Response<pb::PublishReportResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let id = take(&mut request.request_id);
        let caller = Caller::new(principal, "PublishReport", &request, id, request.validate_only);
        let Filed { report, receipt, .. } =
            self.step(caller, &request.name, &request.etag, Step::Publish).await?;
        Ok(Response::new(pb::PublishReportResponse { report: Some(report), receipt }))
    }

    async fn amend_report(
        &self,
        request: Request<pb::AmendReportRequest>,
    ) -> Result<Response<pb::AmendReportResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let id = take(&mut request.request_id);
        let caller = Caller::new(principal, "AmendReport", &request, id, request.validate_only);
        let step = Step::Amend(request.reason);
        let Filed { report, receipt, .. } =
            self.step(caller, &request.name, &request.etag, step).await?;
        Ok(Response::new(pb::AmendReportResponse { report: Some(report), receipt }))
    }

    async fn void_report(
        &self,
        request: Request<pb::VoidReportRequest>,
    ) -> Result<Response<pb::VoidReportResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let id = take(&mut request.request_id);
        let caller = Caller::new(principal, "VoidReport", &request, id, request.validate_only);
        let step = Step::Void(request.reason);
        let Filed { report, receipt, .. } =
            self.step(caller, &request.name, &request.etag, step).await?;
        Ok(Response::new(pb::VoidReportResponse { report: Some(report), receipt }))
    }

    async fn get_report(
        &self,
        request: Request<pb::GetReportRequest>,
    ) -> Result<Response<Report>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        self.archive.reach(&request.as_of_position).await?;
        let (id, version) = version(&request.name, request.version())?;
        let moment = match request.as_of_time {
            Some(time) => Moment::Time(time),
            None => match self.archive.position(&request.as_of_position)? {
                Some(position) => Moment::Position(position),
                None => Moment::Now,
            },
        };
        Ok(Response::new(self.archive.report_at(&id, version, moment)?))
    }

    async fn batch_get_reports(
        &self,
        request: Request<pb::BatchGetReportsRequest>,
    ) -> Result<Response<pb::BatchGetReportsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let archive = self.archive.clone();
        let reports = off_the_loop(move || {
            let (mut reports, mut room) = (Vec::new(), PAGE_BYTES_MAX);
            for name in &request.names {
                let (id, version) = version(name, request.version())?;
                let report = archive.report_at(&id, version, Moment::Now)?;
                room = room
                    .checked_sub(report.encoded_len())
                    .ok_or(Failure::AnswerTooLarge(PAGE_BYTES_MAX))?;
                reports.push(report);
            }
            Ok(reports)
        })
        .await?;
        Ok(Response::new(pb::BatchGetReportsResponse { reports }))
    }

    async fn list_reports(
        &self,
        request: Request<pb::ListReportsRequest>,
    ) -> Result<Response<pb::ListReportsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let filter = ReportFilter::parse(&request.filter)?;
        let asked = format!("reports\n{}\n{}", request.parent, request.filter);
        let after = after(&asked, &request.page_token)?;
        let organ = OrganId::from_name(&request.parent);
        let limit = page_size(request.page_size);
        let archive = self.archive.clone();
        let page = off_the_loop(move || {
            archive.reports(organ.as_ref(), after.as_deref(), limit, |r| filter.keeps(r))
        })
        .await?;
        Ok(Response::new(pb::ListReportsResponse {
            reports: page.items,
            next_page_token: page.next.map(|key| page_token(&asked, &key)).unwrap_or_default(),
        }))
    }

    async fn list_revisions(
        &self,
        request: Request<pb::ListRevisionsRequest>,
    ) -> Result<Response<pb::ListRevisionsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let id = report_id(&request.parent)?;
        let asked = format!("revisions\n{id}");
        let after = after(&asked, &request.page_token)?;
        let limit = page_size(request.page_size);
        let archive = self.archive.clone();
        let page = off_the_loop(move || archive.revisions(&id, after.as_deref(), limit)).await?;
        Ok(Response::new(pb::ListRevisionsResponse {
            revisions: page.items,
            next_page_token: page.next.map(|key| page_token(&asked, &key)).unwrap_or_default(),
        }))
    }

    async fn list_report_events(
        &self,
        request: Request<pb::ListReportEventsRequest>,
    ) -> Result<Response<pb::ListReportEventsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let id = report_id(&request.parent)?;
        let asked = format!("events\n{id}");
        let after = after(&asked, &request.page_token)?;
        let limit = page_size(request.page_size);
        let archive = self.archive.clone();
        let page = off_the_loop(move || archive.events(&id, after.as_deref(), limit)).await?;
        Ok(Response::new(pb::ListReportEventsResponse {
            events: page.items,
            next_page_token: page.next.map(|key| page_token(&asked, &key)).unwrap_or_default(),
        }))
    }

    async fn diff_reports(
        &self,
        request: Request<pb::DiffReportsRequest>,
    ) -> Result<Response<pb::DiffReportsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let archive = self.archive.clone();
        let diff = off_the_loop(move || {
            let side = |name: &str| {
                let (id, version) = version(name, get_report_request::Version::Latest)?;
                archive.report_at(&id, version, Moment::Now)
            };
            Ok(diff(&side(&request.left)?, &side(&request.right)?))
        })
        .await?;
        Ok(Response::new(pb::DiffReportsResponse { diff: Some(diff) }))
    }

    async fn watch_changes(
        &self,
        request: Request<pb::WatchChangesRequest>,
    ) -> Result<Response<Changes>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let changes = stream::changes(self.archive.clone(), self.stopping.clone(), request).await?;
        Ok(Response::new(changes))
    }
}

/// Submits what a request holds, by itself or as an item of a stream.
async fn submit(
    archive: &Archive,
    principal: String,
    mut request: pb::SubmitReportRequest,
) -> Result<Filed, Failure> {
    validate(&request)?;
    let id = take(&mut request.request_id);
    let caller = Caller::new(principal, "SubmitReport", &request, id, request.validate_only);
    let what = match request.report {
        Some(report) => What::Report(report),
        None => What::Draft(report_id(&request.name)?),
    };
    let as_published = request.as_published.then_some(request.as_published_reason);
    archive.submit(&caller, Submission { what, as_published, etag: request.etag }).await
}

/// The report and the revision that a request names.
pub(super) fn version(
    name: &str,
    asked: get_report_request::Version,
) -> Result<(ReportId, Version), Failure> {
    use get_report_request::Version as Asked;
    let named = ReportId::with_revision(name);
    let (id, number) = named.ok_or_else(|| Failure::ReportNotFound(name.to_owned()))?;
    let version = match (number, asked) {
        (Some(number), _) => Version::Number(number),
        (None, Asked::Unspecified | Asked::Latest) => Version::Latest,
        (None, Asked::Effective) => Version::Effective,
    };
    Ok((id, version))
}
