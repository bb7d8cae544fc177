//! The integration tests, in one binary: one link instead of a dozen.

mod support;

mod cli;
mod demo;
mod findings;
mod store;
