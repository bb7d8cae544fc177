//! `FormatService`.

use tonic::{Request, Response, Status};

use super::{after, validate};
use crate::form;
use crate::limits::PAGE_SIZE_MAX;
use crate::pb;
use crate::pb::format_service_server::FormatService;
use crate::query::page_token;
use crate::rules::catalogue;

/// `FormatService`.
pub struct Formats;

/// What a page token of the catalogue is bound to.
const ASKED: &str = "rules";

#[tonic::async_trait]
impl FormatService for Formats {
    async fn get_format(
        &self,
        request: Request<pb::GetFormatRequest>,
    ) -> Result<Response<pb::GetFormatResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        Ok(Response::new(form::tree(request.edition()).clone()))
    }

    async fn list_rules(
        &self,
        request: Request<pb::ListRulesRequest>,
    ) -> Result<Response<pb::ListRulesResponse>, Status> {
        let request = request.into_inner();
        validate(&request)?;
        let after = after(ASKED, &request.page_token)?;
        let limit = match usize::try_from(request.page_size) {
            Ok(0) | Err(_) => PAGE_SIZE_MAX,
            Ok(asked) => asked.min(PAGE_SIZE_MAX),
        };
        let mut rules = catalogue()
            .iter()
            .skip_while(|rule| after.as_ref().is_some_and(|last| rule.id.as_bytes() <= &last[..]));
        let page: Vec<pb::Rule> = rules.by_ref().take(limit).cloned().collect();
        let last = page.last().filter(|_| rules.next().is_some());
        let next_page_token =
            last.map(|rule| page_token(ASKED, rule.id.as_bytes())).unwrap_or_default();
        Ok(Response::new(pb::ListRulesResponse { rules: page, next_page_token }))
    }
}
