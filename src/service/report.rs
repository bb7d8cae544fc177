//! `ReportService`.

use std::pin::Pin;

use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::{after, off_the_loop, page_size, principal, validate};
use crate::archive::{Archive, Submission};
use crate::check::violations;
use crate::failure::Failure;
use crate::finding::{self, counts, findings};
use crate::names::{OrganId, ReportId, scope_of};
use crate::pb::report_service_server::ReportService;
use crate::pb::{self, Edition, Receipt, Report, report};
use crate::query::{Filter, FilterError, page_token};

/// `ReportService` over an archive.
pub struct Reports {
    archive: Archive,
}

impl Reports {
    /// The service.
    pub fn new(archive: Archive) -> Self {
        Reports { archive }
    }
}

/// One answer a report, in the order of the stream.
type Answers = Pin<Box<dyn Stream<Item = Result<pb::ValidateReportsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ReportService for Reports {
    type ValidateReportsStream = Answers;

    async fn validate_report(
        &self,
        request: Request<pb::ValidateReportRequest>,
    ) -> Result<Response<pb::ValidateReportResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let findings = findings(&request.report.unwrap_or_default());
        let counts = Some(counts(&findings));
        Ok(Response::new(pb::ValidateReportResponse { findings, counts }))
    }

    async fn validate_reports(
        &self,
        request: Request<Streaming<pb::ValidateReportsRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let mut index = -1;
        let answers = request.into_inner().map(move |item| {
            index += 1;
            item.map(|item| answer(index, item.report.as_deref()))
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn submit_report(
        &self,
        request: Request<pb::SubmitReportRequest>,
    ) -> Result<Response<pb::SubmitReportResponse>, Status> {
        let submitter = principal(&request)?;
        let request = request.into_inner();
        validate(&request)?;
        let submission = Submission {
            report: request.report.unwrap_or_default(),
            as_published: request.as_published.then_some(request.as_published_reason),
            submitter,
            validate_only: request.validate_only,
        };
        let taken = self.archive.submit(submission).await?;
        Ok(Response::new(pb::SubmitReportResponse {
            report: Some(taken.report),
            counts: Some(counts(&taken.findings)),
            findings: taken.findings,
            receipt: taken.position.map(|p| Receipt { position: p.to_string() }),
        }))
    }

    async fn get_report(
        &self,
        request: Request<pb::GetReportRequest>,
    ) -> Result<Response<Report>, Status> {
        let name = request.into_inner();
        validate(&name)?;
        let id = ReportId::from_name(&name.name)
            .ok_or_else(|| Failure::ReportNotFound(name.name.clone()))?;
        Ok(Response::new(self.archive.report(&id)?))
    }

    async fn list_reports(
        &self,
        request: Request<pb::ListReportsRequest>,
    ) -> Result<Response<pb::ListReportsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
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
}

fn answer(index: i64, report: Option<&Report>) -> pb::ValidateReportsResponse {
    let findings = match report {
        Some(report) => findings(report),
        None => finding::describe(violations(&pb::ValidateReportRequest::default())),
    };
    let counts = Some(counts(&findings));
    pb::ValidateReportsResponse { index, findings, counts }
}

/// The terms of a filter over reports.
#[derive(Default)]
struct ReportFilter {
    year: Option<i32>,
    scope: Option<pb::Scope>,
    state: Option<report::State>,
    edition: Option<Edition>,
}

impl ReportFilter {
    fn parse(text: &str) -> Result<Self, Failure> {
        let filter =
            Filter::parse(text, &["year", "scope", "state", "edition"]).map_err(Failure::Filter)?;
        let mut out = ReportFilter::default();
        for (field, value) in &filter.terms {
            let wrong = |expected: &str| {
                let expected = format!("{expected} as {field}, not {value}");
                Failure::Filter(FilterError { at: text.chars().count(), expected })
            };
            match field.as_str() {
                "year" => out.year = Some(value.parse().map_err(|_| wrong("a year"))?),
                "scope" => out.scope = Some(scope_of(value).ok_or_else(|| wrong("own or region"))?),
                "state" => {
                    let name = format!("STATE_{value}");
                    let state = report::State::from_str_name(&name);
                    out.state = Some(state.ok_or_else(|| wrong("a state such as SUBMITTED"))?);
                }
                _ => {
                    let edition = Edition::from_str_name(&format!("EDITION_{value}"));
                    out.edition = Some(edition.ok_or_else(|| wrong("2019 or 2021"))?);
                }
            }
        }
        Ok(out)
    }

    fn keeps(&self, report: &Report) -> bool {
        self.year.is_none_or(|year| report.year == year)
            && self.scope.is_none_or(|scope| report.scope() == scope)
            && self.state.is_none_or(|state| report.state() == state)
            && self.edition.is_none_or(|edition| report.edition() == edition)
    }
}
