//! What can go wrong with a call, as one closed list. It knows nothing of gRPC: the module
//! `status` says what a client gets to see.

use std::fmt;

use crate::pb::{Finding, FindingCounts, report};
use crate::query::FilterError;
use crate::store;

/// Why a call fails.
#[derive(Debug)]
pub enum Failure {
    /// The request breaks rules of its own message.
    InvalidRequest(Vec<Finding>),
    /// Errors stand in the report.
    ReportHasErrors {
        /// The errors.
        errors: Vec<Finding>,
        /// Of all findings.
        counts: FindingCounts,
    },
    /// Warnings stand without an explanation.
    WarningUnexplained {
        /// The warnings.
        warnings: Vec<Finding>,
        /// Of all findings.
        counts: FindingCounts,
    },
    /// No organ of that name.
    OrganNotFound(String),
    /// No report of that name.
    ReportNotFound(String),
    /// The name is taken.
    OrganAlreadyExists(String),
    /// A parent is not registered.
    ParentNotFound {
        /// The organ.
        organ: String,
        /// The parent.
        parent: String,
    },
    /// The organ does not report for that year.
    OrganInactive {
        /// The organ.
        organ: String,
        /// The year.
        year: i32,
    },
    /// The state of the report does not allow the call.
    ReportState {
        /// The report.
        report: String,
        /// Its state.
        state: report::State,
    },
    /// The page token was not made for this list.
    PageToken,
    /// The filter cannot be read.
    Filter(FilterError),
    /// The stream of a document does not have the form of header and chunks.
    DocumentStream(&'static str),
    /// The document cannot be read.
    DocumentUnreadable {
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
    },
    /// The document passes the limit, in bytes.
    DocumentTooLarge(usize),
    /// The store takes no writes.
    WritesOff(store::WritesOff),
    /// The store cannot be read, or holds what this program does not write. The log gets the cause.
    Store(String),
    /// The principal is not taken.
    Principal(&'static str),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::InvalidRequest(findings) => match findings.first() {
                Some(first) => {
                    write!(f, "invalid request: {}: {}", first.field_path, first.message_en)
                }
                None => f.write_str("invalid request"),
            },
            Failure::ReportHasErrors { counts, .. } => {
                write!(f, "the report has {} errors", counts.errors)
            }
            Failure::WarningUnexplained { warnings, .. } => {
                write!(f, "{} warnings have no explanation", warnings.len())
            }
            Failure::OrganNotFound(name) => write!(f, "{name} is not registered"),
            Failure::ReportNotFound(name) => write!(f, "{name} is not stored"),
            Failure::OrganAlreadyExists(name) => write!(f, "{name} exists already"),
            Failure::ParentNotFound { organ, parent } => {
                write!(f, "{parent}, a parent of {organ}, is not registered")
            }
            Failure::OrganInactive { organ, year } => {
                write!(f, "{organ} does not report for {year}")
            }
            Failure::ReportState { report, state } => {
                write!(f, "{report} is in state {}", state.as_str_name())
            }
            Failure::PageToken => f.write_str("the page token was not made for this list"),
            Failure::Filter(error) => write!(f, "the filter cannot be read: {error}"),
            Failure::DocumentStream(what) => f.write_str(what),
            Failure::DocumentUnreadable { en, .. } => f.write_str(en),
            Failure::DocumentTooLarge(limit) => {
                write!(f, "the document is larger than {limit} bytes")
            }
            Failure::WritesOff(off) => off.fmt(f),
            Failure::Store(_) => f.write_str("the store cannot be read"),
            Failure::Principal(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Failure::Store(error.to_string())
    }
}
