//! 年报 nianbao: annual reports on open government information, schema first.
//!
//! # Layout
//!
//! The modules stand in reading order; each may use only those before it.
//!
//! - [`pb`]: the messages that `build.rs` generates from `proto/`: model and stored bytes.
//! - [`form`]: the national form: cells, addresses, tree.
//! - [`check`]: the rules of the schema, compiled to Rust.
//! - [`document`]: files that people keep reports in, and the form read from them.
//!
//! `src/codegen` is no module of the library: it is the schema compiler that `build.rs` runs.

pub mod pb;
pub mod form;
pub mod check;
pub mod document;
