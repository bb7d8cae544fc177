//! `AggregateService`.

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
use crate::rollup::{Filter, Question, Rollup, contributions, coverage, sums};

/// The question that a request puts: each method that sums has the same fields.
macro_rules! question {
    ($service:expr, $request:expr) => {{
        $service.rollup.archive().reach(&$request.at_least).await?;
        Question {
            organ: organ(&$request.organ)?,
            basis: $request.basis(),
            tree: $request.tree(),
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
        time: Option<pbjson_types::Timestamp>,
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
