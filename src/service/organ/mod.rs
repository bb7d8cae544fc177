//! `OrganService`. `filter` has what lists take, `import` the stream of a file.

mod filter;
mod import;

use std::mem::take;

use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Response, Status, Streaming};

use super::{after, off_the_loop, page_size, principal, validate};
use crate::archive::{Archive, Caller, ImportOptions, Merger, Move};
use crate::failure::Failure;
use crate::names::OrganId;
use crate::pb::organ_service_server::OrganService;
use crate::pb::{self, Organ, Receipt};
use crate::query::page_token;
use crate::sheet;
use filter::OrganFilter;

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
        Ok(standard(organ, receipt))
    }

    async fn update_organ(
        &self,
        request: Request<pb::UpdateOrganRequest>,
    ) -> Result<Response<Organ>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let request_id = take(&mut request.request_id);
        let only = request.validate_only;
        let caller = Caller::new(principal, "UpdateOrgan", &request, request_id, only);
        let organ = request.organ.unwrap_or_default();
        let id = organ_id(&organ.name)?;
        let mask = request.update_mask.unwrap_or_default().paths;
        // Who sends a resource as it was read guards it by the etag that stands in it.
        let etag = if request.etag.is_empty() { &organ.etag } else { &request.etag };
        let updated = self.archive.update_organ(&caller, &id, etag, &organ, &mask).await;
        let (organ, receipt) = updated.map_err(within_request)?;
        Ok(standard(organ, receipt))
    }

    async fn move_organ(
        &self,
        request: Request<pb::MoveOrganRequest>,
    ) -> Result<Response<pb::MoveOrganResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let request_id = take(&mut request.request_id);
        let only = request.validate_only;
        let caller = Caller::new(principal, "MoveOrgan", &request, request_id, only);
        let id = organ_id(&request.name)?;
        let parent = match request.parent.as_str() {
            "" => None,
            name => Some(organ_id(name)?),
        };
        let (from_year, until_year) = (request.from_year, request.until_year);
        let to = Move { parent, from_year, until_year };
        let (organ, receipt) = self.archive.move_organ(&caller, &id, &request.etag, &to).await?;
        Ok(Response::new(pb::MoveOrganResponse { organ: Some(organ), receipt }))
    }

    async fn rename_organ(
        &self,
        request: Request<pb::RenameOrganRequest>,
    ) -> Result<Response<pb::RenameOrganResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let request_id = take(&mut request.request_id);
        let only = request.validate_only;
        let caller = Caller::new(principal, "RenameOrgan", &request, request_id, only);
        let id = organ_id(&request.name)?;
        let to = (request.display_name.as_str(), request.from_year);
        let (organ, receipt) = self.archive.rename_organ(&caller, &id, &request.etag, to).await?;
        Ok(Response::new(pb::RenameOrganResponse { organ: Some(organ), receipt }))
    }

    async fn close_organ(
        &self,
        request: Request<pb::CloseOrganRequest>,
    ) -> Result<Response<pb::CloseOrganResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let request_id = take(&mut request.request_id);
        let only = request.validate_only;
        let caller = Caller::new(principal, "CloseOrgan", &request, request_id, only);
        let id = organ_id(&request.name)?;
        let closed = self.archive.close_organ(&caller, &id, &request.etag, request.last_year);
        let (organ, receipt) = closed.await?;
        Ok(Response::new(pb::CloseOrganResponse { organ: Some(organ), receipt }))
    }

    async fn merge_organs(
        &self,
        request: Request<pb::MergeOrgansRequest>,
    ) -> Result<Response<pb::MergeOrgansResponse>, Status> {
        let principal = principal(&request)?;
        let mut request = request.into_inner();
        validate(&request)?;
        let request_id = take(&mut request.request_id);
        let only = request.validate_only;
        let caller = Caller::new(principal, "MergeOrgans", &request, request_id, only);
        let merger = Merger {
            sources: request.sources.iter().map(|n| organ_id(n)).collect::<Result<_, _>>()?,
            successor: organ_id(&request.successor)?,
            from_year: request.from_year,
            move_children: request.move_children,
        };
        let merged = self.archive.merge_organs(&caller, &merger).await?;
        Ok(Response::new(pb::MergeOrgansResponse {
            sources: merged.sources,
            moved_organs: merged.moved,
            receipt: merged.receipt,
        }))
    }

    async fn import_organs(
        &self,
        request: Request<Streaming<pb::ImportOrgansRequest>>,
    ) -> Result<Response<pb::ImportOrgansResponse>, Status> {
        let principal = principal(&request)?;
        let (mut header, bytes) = import::collect(request.into_inner()).await?;
        let request_id = take(&mut header.request_id);
        let essence = import::essence(&header, &bytes);
        let only = header.validate_only;
        let caller = Caller::new(principal, "ImportOrgans", &essence, request_id, only);
        let options = ImportOptions {
            skip_conflicts: header.skip_conflicts,
            update_existing: header.update_existing,
        };
        let format = match header.format() {
            pb::import_organs_header::Format::Csv => sheet::Format::Csv,
            pb::import_organs_header::Format::Xlsx => sheet::Format::Xlsx,
            pb::import_organs_header::Format::Unspecified => sheet::Format::of(&bytes),
        };
        let archive = self.archive.clone();
        // A list of fifty thousand rows is planned for about a second, between writes.
        let runtime = tokio::runtime::Handle::current();
        let (result, receipt) = off_the_loop(move || {
            let file = (&bytes[..], format, header.sheet.as_str());
            runtime.block_on(archive.import_organs(&caller, options, file))
        })
        .await?;
        Ok(Response::new(pb::ImportOrgansResponse { result: Some(result), receipt }))
    }

    async fn get_organ(
        &self,
        request: Request<pb::GetOrganRequest>,
    ) -> Result<Response<Organ>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        self.archive.reach(&request.at_least).await?;
        let id = organ_id(&request.name)?;
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

fn organ_id(name: &str) -> Result<OrganId, Failure> {
    OrganId::from_name(name).ok_or_else(|| Failure::OrganNotFound(name.to_owned()))
}

/// The answer to a standard method: the organ, its receipt in the metadata.
fn standard(organ: Organ, receipt: Option<Receipt>) -> Response<Organ> {
    let mut response = Response::new(organ);
    if let Some(receipt) = receipt {
        for (name, value) in [(POSITION, receipt.position), (ENTRY_HASH, receipt.entry_hash)] {
            if let Ok(value) = AsciiMetadataValue::try_from(value) {
                response.metadata_mut().insert(name, value);
            }
        }
    }
    response
}

/// What the archive finds in an organ, at its place in the request.
fn within_request(failure: Failure) -> Failure {
    let Failure::InvalidRequest(mut findings) = failure else { return failure };
    for finding in &mut findings {
        finding.field_path.insert_str(0, "organ.");
    }
    Failure::InvalidRequest(findings)
}
