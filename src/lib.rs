//! 年报 nianbao: annual reports on open government information, schema first.
//!
//! # Layout
//!
//! The modules stand in reading order; each may use only those before it.
//!
//! - [`pb`]: the messages that `build.rs` generates from `proto/`: model and stored bytes.
//! - [`form`]: the national form: cells, addresses, tree.
//! - [`check`]: the rules of the schema, compiled to Rust.
//! - [`rules`]: the catalogue of rules, and the rules that need more than an expression.
//! - [`years`]: what reports of consecutive years say of each other.
//! - [`finding`]: what broken rules say to a person and to a program.
//! - [`layout`]: where labels and figures of the official tables stand.
//! - [`document`]: documents in, reports out.
//! - [`names`]: resource names as types.
//! - [`address`]: cells by the address that a person writes, and values into them.
//! - [`query`]: filters and page tokens.
//! - [`credit_code`]: the check character of an organ's code.
//! - [`sheet`]: tables of text from .csv and .xlsx files.
//! - [`store`]: the journal, and the keys and values that it leads to; the one home of sled.
//! - [`limits`]: every limit.
//! - [`failure`]: what can go wrong with a call.
//! - [`roster`]: the rows of a table as organs.
//! - [`life`]: the states of a report and what leads from one to another.
//! - [`diff`]: how two reports differ.
//! - [`render`]: reports in, documents out.
//! - [`archive`]: organs and reports in the store.
//! - [`rollup`]: sums with their coverage, from rows of numbers in memory.
//! - [`export`]: reports and sums as files: CSV, workbooks, Parquet.
//! - [`status`]: failures as seen by gRPC clients.
//! - [`codec`]: the bytes of a call; refuses what a write would lose.
//! - [`service`]: the methods.
//! - [`server`]: listens, serves, stops.
//!
//! `src/codegen` is no module of the library: it is the schema compiler that `build.rs` runs.

pub mod pb;
pub mod form;
pub mod check;
pub mod rules;
pub mod years;
pub mod finding;
pub mod layout;
pub mod document;
pub mod names;
pub mod address;
pub mod query;
pub mod credit_code;
pub mod sheet;
pub mod store;
pub mod limits;
pub mod failure;
pub mod roster;
pub mod life;
pub mod diff;
pub mod render;
pub mod archive;
pub mod rollup;
pub mod export;
pub mod status;
pub mod codec;
pub mod service;
pub mod server;
