//! `AggregateService`.

mod reconcile;

use prost::Message as _;
use tonic::{Request, Response, Status};

use super::export::{Pieces, export};
use super::{after, off_the_loop, page_size, validate};
use crate::archive::{Archive, Moment};
use crate::failure::Failure;
use crate::names::OrganId;
use crate::pb;
use crate::pb::aggregate_service_server::AggregateService;
use crate::query::{hex, page_token};
use crate::rollup::{
    Filter, Question, Rollup, compare_years, contributions, coverage, outliers, reviews, sums,
};

/// The question that a request puts: each method that sums has the same fields.
macro_rules! question {
    ($service:expr, $request:expr) => {{
        $service.rollup.archive().reach(&$request.at_least).await?;
        Question {
            organ: organ(&$request.organ)?,
            basis: $request.basis(),
            tree: $request.tree(),
            tree_year: $request.tree_year,
            filter: Filter::parse(&$request.filter)?,
            include_unaccepted: $request.include_unaccepted,
            moment: $service.moment(&$request.as_of_position, $request.as_of_time).await?,
        }
    }};
}

/// `AggregateService` over the roll-up of an archive.
pub struct Aggregates {
    rollup: Rollup,
}

impl Aggregates {
    /// The service.
    pub fn new(archive: Archive) -> Self {
        Aggregates { rollup: Rollup::new(archive) }
    }

    /// The moment that a request names.
    async fn moment(
        &self,
        position: &str,
        time: Option<crate::pb::Timestamp>,
    ) -> Result<Moment, Failure> {
        let archive = self.rollup.archive();
        archive.reach(position).await?;
        Ok(match (time, archive.position(position)?) {
            (Some(time), _) => Moment::Time(time),
            (None, Some(position)) => Moment::Position(position),
            (None, None) => Moment::Now,
        })
    }
}

#[tonic::async_trait]
impl AggregateService for Aggregates {
    type ExportReportsStream = Pieces;

    async fn aggregate_reports(
        &self,
        request: Request<pb::AggregateReportsRequest>,
    ) -> Result<Response<pb::AggregateReportsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let question = question!(self, request);
        let (rollup, group_by) = (self.rollup.clone(), request.group_by());
        let aggregates = off_the_loop(move || {
            sums(&rollup, &question, &request.years, group_by, request.list_members)
        })
        .await?;
        Ok(Response::new(pb::AggregateReportsResponse { aggregates }))
    }

    async fn get_coverage(
        &self,
        request: Request<pb::GetCoverageRequest>,
    ) -> Result<Response<pb::GetCoverageResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let question = question!(self, request);
        let (year, only, limit) = (request.year, request.only(), page_size(request.page_size));
        let (token, asked) = (request.page_token.clone(), asked_for_coverage(request));
        let after = after(&asked, &token)?;
        let rollup = self.rollup.clone();
        let (mut answer, next) =
            off_the_loop(move || coverage(&rollup, &question, year, only, after.as_deref(), limit))
                .await?;
        answer.next_page_token = next.map(|key| page_token(&asked, &key)).unwrap_or_default();
        Ok(Response::new(answer))
    }

    async fn list_contributions(
        &self,
        request: Request<pb::ListContributionsRequest>,
    ) -> Result<Response<pb::ListContributionsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let question = question!(self, request);
        let (year, cell, limit) =
            (request.year, request.cell.clone(), page_size(request.page_size));
        let (token, asked) = (request.page_token.clone(), asked_for_contributions(request));
        let after = after(&asked, &token)?;
        let rollup = self.rollup.clone();
        let (mut answer, next) = off_the_loop(move || {
            contributions(&rollup, &question, year, &cell, after.as_deref(), limit)
        })
        .await?;
        answer.next_page_token = next.map(|key| page_token(&asked, &key)).unwrap_or_default();
        Ok(Response::new(answer))
    }

    async fn compare_years(
        &self,
        request: Request<pb::CompareYearsRequest>,
    ) -> Result<Response<pb::CompareYearsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let question = question!(self, request);
        let rollup = self.rollup.clone();
        let answer =
            off_the_loop(move || compare_years(&rollup, &question, &request.years, &request.cells))
                .await?;
        Ok(Response::new(answer))
    }

    async fn list_reviews(
        &self,
        request: Request<pb::ListReviewsRequest>,
    ) -> Result<Response<pb::ListReviewsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.rollup.archive().reach(&request.at_least).await?;
        let (organ, filter) = (organ(&request.organ)?, Filter::parse(&request.filter)?);
        let (year, limit) = (request.year, page_size(request.page_size));
        let asked = format!("reviews\n{}\n{year}\n{}", request.organ, request.filter);
        let after = after(&asked, &request.page_token)?;
        let rollup = self.rollup.clone();
        let (mut answer, next) =
            off_the_loop(move || reviews(&rollup, organ, year, filter, after.as_deref(), limit))
                .await?;
        answer.next_page_token = next.map(|key| page_token(&asked, &key)).unwrap_or_default();
        Ok(Response::new(answer))
    }

    async fn list_outliers(
        &self,
        request: Request<pb::ListOutliersRequest>,
    ) -> Result<Response<pb::ListOutliersResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.rollup.archive().reach(&request.at_least).await?;
        let question = Question {
            organ: organ(&request.organ)?,
            basis: pb::Basis::Parts,
            tree: pb::OrganTree::OfYear,
            tree_year: 0,
            filter: Filter::parse(&request.filter)?,
            include_unaccepted: request.include_unaccepted,
            moment: Moment::Now,
        };
        let (year, limit) = (request.year, page_size(request.page_size));
        let unaccepted = request.include_unaccepted;
        let asked =
            format!("outliers\n{}\n{year}\n{unaccepted}\n{}", request.organ, request.filter);
        let after = after(&asked, &request.page_token)?;
        let rollup = self.rollup.clone();
        let (mut answer, next) =
            off_the_loop(move || outliers(&rollup, &question, year, after.as_deref(), limit))
                .await?;
        answer.next_page_token = next.map(|key| page_token(&asked, &key)).unwrap_or_default();
        Ok(Response::new(answer))
    }

    async fn reconcile_report(
        &self,
        request: Request<pb::ReconcileReportRequest>,
    ) -> Result<Response<pb::ReconcileReportResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        Ok(Response::new(reconcile::reconcile(self, request).await?))
    }

    async fn export_reports(
        &self,
        request: Request<pb::ExportReportsRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let question = question!(self, request);
        Ok(Response::new(export(&self.rollup, question, request).await?))
    }
}

fn organ(name: &str) -> Result<OrganId, Failure> {
    OrganId::from_name(name).ok_or_else(|| Failure::OrganNotFound(name.to_owned()))
}

/// What a list is asked for, page and freshness apart: what its tokens are bound to.
fn asked_for_coverage(request: pb::GetCoverageRequest) -> String {
    let (page_token, at_least) = (String::new(), String::new());
    let plain = pb::GetCoverageRequest { page_size: 0, page_token, at_least, ..request };
    format!("coverage\n{}", hex(&plain.encode_to_vec()))
}

fn asked_for_contributions(request: pb::ListContributionsRequest) -> String {
    let (page_token, at_least) = (String::new(), String::new());
    let plain = pb::ListContributionsRequest { page_size: 0, page_token, at_least, ..request };
    format!("contributions\n{}", hex(&plain.encode_to_vec()))
}
