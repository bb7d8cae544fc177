//! The integration tests, in one binary: one link instead of a dozen.

mod support;

mod document;
mod findings;
mod reading;
