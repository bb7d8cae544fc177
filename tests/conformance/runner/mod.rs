//! The parts of the runner for Rust.

pub(crate) mod answer;
pub(crate) mod base64;
pub(crate) mod engine;
pub(crate) mod time;
