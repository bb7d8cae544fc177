//! The generated messages: the model of the program and the bytes that it stores.
//!
//! Nothing here is written by hand but the names of the modules, and the well-known types whose
//! JSON `pbjson-types` lacks or writes otherwise. The comments of the schema are the documentation.

#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    rustdoc::all,
    reason = "generated from the schema, which is documented there"
)]

mod field_mask;
mod timestamp;

pub use field_mask::FieldMask;
pub use timestamp::Timestamp;

tonic::include_proto!("nianbao.v1");
include!(concat!(env!("OUT_DIR"), "/nianbao.v1.serde.rs"));

/// The vendored messages of error details.
pub mod rpc {
    tonic::include_proto!("google.rpc");
}

/// The encoded descriptors, with options and comments: what reflection serves.
pub static FILE_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
