//! The methods, one file a service. Each method validates its request in its first line, calls one
//! thing, and answers.

mod admin;
mod aggregate;
mod document;
mod export;
mod format;
mod organ;
mod report;

use tonic::Request;

use crate::check::{Check, violations};
use crate::failure::Failure;
use crate::finding;
use crate::limits::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PRINCIPAL_BYTES_MAX};
use crate::query;

pub use admin::Admin;
pub use aggregate::Aggregates;
pub use document::{Documents, parse};
pub use format::Formats;
pub use organ::Organs;
pub use report::Reports;

/// The metadata in which a caller says who it is.
const PRINCIPAL: &str = "nianbao-principal";

/// Holds a request against the rules of its own message.
fn validate<M: Check>(request: &M) -> Result<(), Failure> {
    let broken = violations(request);
    if broken.is_empty() { Ok(()) } else { Err(Failure::InvalidRequest(finding::describe(broken))) }
}

/// Who calls; empty where nobody said. Until certificates or tokens are built, a caller is believed
/// only if it comes from this machine.
fn principal<T>(request: &Request<T>) -> Result<String, Failure> {
    let Some(value) = request.metadata().get(PRINCIPAL) else {
        return Ok(String::new());
    };
    // A caller without an address is a stranger.
    let local =
        request.remote_addr().is_some_and(|address| address.ip().to_canonical().is_loopback());
    if !local {
        return Err(Failure::Principal("a principal is taken from loopback only"));
    }
    match value.to_str() {
        Ok(name) if !name.is_empty() && name.len() <= PRINCIPAL_BYTES_MAX => Ok(name.to_owned()),
        _ => Err(Failure::Principal("the principal is empty, too long or not printable ASCII")),
    }
}

/// Runs what reads much of the store, or computes for long, where it holds up no other call.
async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Failure::Store(e.to_string()))?
}

/// How many items a page holds, from what the caller asked for.
fn page_size(asked: i32) -> usize {
    match usize::try_from(asked) {
        Ok(0) | Err(_) => PAGE_SIZE_DEFAULT,
        Ok(asked) => asked.min(PAGE_SIZE_MAX),
    }
}

/// The key after which a page begins.
fn after(asked: &str, token: &str) -> Result<Option<Vec<u8>>, Failure> {
    if token.is_empty() {
        return Ok(None);
    }
    query::read_page_token(asked, token).map(Some).ok_or(Failure::PageToken)
}
