//! scratch
pub mod document;
