//! `OrganService`.

use std::mem::take;

use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Response, Status};

use super::{after, off_the_loop, page_size, principal, validate};
use crate::archive::{Archive, Caller};
use crate::failure::Failure;
use crate::names::OrganId;
use crate::pb::organ_service_server::OrganService;
use crate::pb::{self, Organ, organ};
use crate::query::{Filter, FilterError, page_token};

/// The metadata in which the answer to a standard method carries the position of its write.
const POSITION: &str = "nianbao-position";
/// And that in which it carries the hash of its entry.
const ENTRY_HASH: &str = "nianbao-entry-hash";

/// `OrganService` over an archive.
pub struct Organs {
    archive: Archive,
}

impl Organs {
    /// The service.
    pub fn new(archive: Archive) -> Self {
        Organs { archive }
    }
}

#[tonic::async_trait]
impl OrganService for Organs {
    async fn create_organ(
        &self,
        request: Request<pb::CreateOrganRequest>,
    ) -> Result<Response<Organ>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let request_id = take(&mut request.request_id);
        let only = request.validate_only;
        let caller = Caller::new(principal, "CreateOrgan", &request, request_id, only);
        let id = OrganId::parse(&request.organ_id)
            .ok_or_else(|| Failure::OrganNotFound(request.organ_id.clone()))?;
        let organ = request.organ.unwrap_or_default();
        let created = self.archive.create_organ(&caller, &id, organ).await;
        let (organ, receipt) = created.map_err(within_request)?;
        let mut response = Response::new(organ);
        if let Some(receipt) = receipt {
            for (name, value) in [(POSITION, receipt.position), (ENTRY_HASH, receipt.entry_hash)] {
                if let Ok(value) = AsciiMetadataValue::try_from(value) {
                    response.metadata_mut().insert(name, value);
                }
            }
        }
        Ok(response)
    }

    async fn get_organ(
        &self,
        request: Request<pb::GetOrganRequest>,
    ) -> Result<Response<Organ>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let id = OrganId::from_name(&request.name)
            .ok_or_else(|| Failure::OrganNotFound(request.name.clone()))?;
        Ok(Response::new(self.archive.organ(&id)?))
    }

    async fn list_organs(
        &self,
        request: Request<pb::ListOrgansRequest>,
    ) -> Result<Response<pb::ListOrgansResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let filter = OrganFilter::parse(&request.filter)?;
        let asked = format!("organs\n{}", request.filter);
        let after = after(&asked, &request.page_token)?;
        let limit = page_size(request.page_size);
        let archive = self.archive.clone();
        let page = off_the_loop(move || {
            archive.organs(after.as_deref(), limit, |organ| filter.keeps(organ))
        })
        .await?;
        Ok(Response::new(pb::ListOrgansResponse {
            organs: page.items,
            next_page_token: page.next.map(|key| page_token(&asked, &key)).unwrap_or_default(),
        }))
    }
}

/// What the archive finds in an organ, at its place in the request.
fn within_request(failure: Failure) -> Failure {
    let Failure::InvalidRequest(mut findings) = failure else { return failure };
    for finding in &mut findings {
        finding.field_path.insert_str(0, "organ.");
    }
    Failure::InvalidRequest(findings)
}

/// The terms of a filter over organs.
#[derive(Default)]
struct OrganFilter {
    parent: Option<String>,
    level: Option<organ::Level>,
    kind: Option<organ::Kind>,
    sector: Option<String>,
    division_code: Option<String>,
}

impl OrganFilter {
    fn parse(text: &str) -> Result<Self, Failure> {
        let fields = ["parent", "level", "kind", "sector", "division_code"];
        let filter = Filter::parse(text, &fields).map_err(Failure::Filter)?;
        let mut out = OrganFilter::default();
        for (field, value) in filter.terms {
            let wrong = |expected: &str| {
                let expected = format!("{expected}, not {value}");
                Failure::Filter(FilterError { at: text.chars().count(), expected })
            };
            match field.as_str() {
                "parent" => out.parent = Some(value),
                "level" => {
                    let level = organ::Level::from_str_name(&format!("LEVEL_{value}"));
                    out.level = Some(level.ok_or_else(|| wrong("a level such as COUNTY"))?);
                }
                "kind" => {
                    let kind = organ::Kind::from_str_name(&format!("KIND_{value}"));
                    out.kind = Some(kind.ok_or_else(|| wrong("a kind such as DEPARTMENT"))?);
                }
                "sector" => out.sector = Some(value),
                _ => out.division_code = Some(value),
            }
        }
        Ok(out)
    }

    fn keeps(&self, organ: &Organ) -> bool {
        self.parent.as_ref().is_none_or(|parent| organ.parent == *parent)
            && self.level.is_none_or(|level| organ.level() == level)
            && self.kind.is_none_or(|kind| organ.kind() == kind)
            && self.sector.as_ref().is_none_or(|sector| organ.sector == *sector)
            && self.division_code.as_ref().is_none_or(|code| organ.division_code == *code)
    }
}
