//! `AdminService`.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

use crate::archive::Archive;
use crate::limits;
use crate::pb;
use crate::pb::admin_service_server::AdminService;
use crate::query::hex;

/// `AdminService` over an archive.
pub struct Admin {
    archive: Archive,
}

impl Admin {
    /// The service.
    pub fn new(archive: Archive) -> Self {
        Admin { archive }
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn get_server_info(
        &self,
        _: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::GetServerInfoResponse>, Status> {
        static SCHEMA_DIGEST: LazyLock<String> =
            LazyLock::new(|| hex(&Sha256::digest(pb::FILE_DESCRIPTOR_SET)));
        let store = self.archive.store();
        let off = store.writable().err();
        Ok(Response::new(pb::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schema_digest: SCHEMA_DIGEST.clone(),
            limits: limits::all(),
            position: store.position().to_string(),
            writable: off.is_none(),
            writes_off_reason: off.map(|off| off.to_string()).unwrap_or_default(),
        }))
    }
}
