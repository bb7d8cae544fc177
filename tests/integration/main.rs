//! The integration tests, in one binary: one link instead of a dozen.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]
#![allow(unreachable_pub, reason = "nobody can reach into a test, whatever is public in it")]

mod support;

mod contract;
mod findings;
mod overflow;
mod server;
mod store;
mod tidy;
