//! The integration tests, in one binary: one link instead of a dozen.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "tests know their numbers"
)]
#![allow(unreachable_pub, reason = "nobody can reach into a test, whatever is public in it")]

mod balanced;
mod case_file;
mod support;
// Of the differential test, which rules a report can break.
#[allow(dead_code, reason = "here nothing is counted")]
#[path = "../differential/coverage.rs"]
mod coverage;
// The cases of the conformance pack.
#[path = "../conformance/pack/mod.rs"]
mod pack;

mod codec;
mod contract;
mod crash;
mod document;
mod cli;
mod conformance;
mod demo;
mod docs;
mod findings;
mod life;
mod linear;
mod model;
mod organs;
mod outliers;
mod reading;
mod reconcile;
mod render;
mod rollup;
mod rule_cases;
mod rule_columns;
mod rule_properties;
mod schema_compiler;
mod overflow;
mod server;
mod service_config;
mod store;
mod story;
mod streams;
mod sums;
mod tables;
mod tidy;
mod years;
