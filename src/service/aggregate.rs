//! `AggregateService`.

use tonic::{Request, Response, Status};

use super::{off_the_loop, validate};
use crate::aggregate::{Question, aggregate};
use crate::archive::Archive;
use crate::failure::Failure;
use crate::names::OrganId;
use crate::pb;
use crate::pb::aggregate_service_server::AggregateService;

/// `AggregateService` over an archive.
pub struct Aggregates {
    archive: Archive,
}

impl Aggregates {
    /// The service.
    pub fn new(archive: Archive) -> Self {
        Aggregates { archive }
    }
}

#[tonic::async_trait]
impl AggregateService for Aggregates {
    async fn aggregate_reports(
        &self,
        request: Request<pb::AggregateReportsRequest>,
    ) -> Result<Response<pb::AggregateReportsResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let organ = OrganId::from_name(&request.organ)
            .ok_or_else(|| Failure::OrganNotFound(request.organ.clone()))?;
        let question = Question {
            organ,
            years: request.years,
            include_unaccepted: request.include_unaccepted,
            list_members: request.list_members,
        };
        let archive = self.archive.clone();
        let aggregates = off_the_loop(move || aggregate(&archive, &question)).await?;
        Ok(Response::new(pb::AggregateReportsResponse { aggregates }))
    }
}
