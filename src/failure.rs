//! What can go wrong with a call, as one closed list. It knows nothing of gRPC: the module
//! `status` says what a client gets to see.

use std::fmt;

use crate::finding::counts;
use crate::pb::{Finding, report};
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
        /// Everything that was found.
        all: Vec<Finding>,
    },
    /// Warnings stand without an explanation.
    WarningUnexplained {
        /// The warnings.
        warnings: Vec<Finding>,
        /// Everything that was found.
        all: Vec<Finding>,
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
    /// The report has no such revision.
    RevisionNotFound(String),
    /// The resource is not as the caller has read it.
    EtagMismatch {
        /// The resource.
        resource: String,
        /// Its present etag.
        etag: String,
    },
    /// Others kept changing what the write rests on.
    ConcurrentChange,
    /// Another request had that id.
    RequestIdReused,
    /// The position is malformed.
    PositionInvalid,
    /// The position lies beyond all writes.
    PositionNotReached,
    /// The caller must say who it is.
    PrincipalRequired,
    /// The caller wants to accept what it submitted.
    SubmitterAccepts(String),
    /// Nobody knows who submitted the report.
    SubmitterUnknown(String),
    /// The journal cannot be read at a place.
    Journal(String),
    /// In that year the organ would stand below itself.
    OrganTreeCycle {
        /// The organ.
        organ: String,
        /// The year.
        year: i32,
    },
    /// Organs would report to one that is closed.
    OrganHasChildren {
        /// The organ.
        organ: String,
        /// The first year in which they would.
        year: i32,
        /// The first of them.
        children: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// What is stored of other years stands against the change.
    OrganHistory {
        /// The organ.
        organ: String,
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
    },
    /// The organ is closed in years where it is needed.
    OrganClosed {
        /// The organ.
        organ: String,
        /// Its last year.
        last_year: i32,
    },
    /// The update mask names no field that can be set.
    UpdateMask(String),
    /// The file to import cannot be read.
    ImportUnreadable {
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
    },
    /// The file to import passes a limit.
    ImportTooLarge {
        /// The name of the limit.
        limit: &'static str,
        /// Its value.
        value: usize,
    },
    /// More organs would change at once than one write takes, in bytes.
    OrganChangeTooLarge(usize),
    /// The page token was not made for this list.
    PageToken,
    /// The filter cannot be read.
    Filter(FilterError),
    /// No cell that is summed is named.
    CellUnknown {
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
    },
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
    /// The report passes the limit, in bytes.
    ReportTooLarge(usize),
    /// The answer would pass the limit, in bytes.
    AnswerTooLarge(usize),
    /// The file of an export would pass a limit.
    ExportTooLarge {
        /// The name of the limit.
        limit: &'static str,
        /// Its value.
        value: usize,
    },
    /// A write carries a field that the schema does not have.
    UnknownField {
        /// The path of the field that holds the message; empty for the request itself.
        path: String,
        /// The message that carries it.
        message: &'static str,
        /// Its number.
        number: u32,
    },
    /// The bytes are no message of the method.
    RequestUnreadable(String),
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
            Failure::ReportHasErrors { all, .. } => {
                write!(f, "the report has {} errors", counts(all).errors)
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
            Failure::RevisionNotFound(name) => write!(f, "{name} is not stored"),
            Failure::EtagMismatch { resource, .. } => {
                write!(f, "{resource} has changed since the etag was read")
            }
            Failure::ConcurrentChange => {
                f.write_str("others kept changing the resource; try again")
            }
            Failure::RequestIdReused => f.write_str("the request id was used for another request"),
            Failure::PositionInvalid => f.write_str("the position is malformed"),
            Failure::PositionNotReached => {
                f.write_str("the position lies beyond all writes of this server")
            }
            Failure::PrincipalRequired => {
                f.write_str("the caller must say who it is, in the metadata nianbao-principal")
            }
            Failure::SubmitterAccepts(report) => {
                write!(f, "who submitted {report} must not accept it")
            }
            Failure::SubmitterUnknown(report) => write!(
                f,
                "{report} was submitted by a caller that did not say who it was: return it and \
                 submit it anew"
            ),
            Failure::Journal(what) => write!(f, "the journal is damaged: {what}"),
            Failure::OrganTreeCycle { organ, year } => {
                write!(f, "{organ} would stand below itself in {year}")
            }
            Failure::OrganHasChildren { organ, year, count, .. } => {
                write!(f, "{count} organs would report to {organ} in {year} or later")
            }
            Failure::OrganHistory { en, .. } => f.write_str(en),
            Failure::OrganClosed { organ, last_year } => {
                write!(f, "{organ} is closed after {last_year}")
            }
            Failure::UpdateMask(path) => {
                write!(f, "the update mask names {path}, which is unknown or output only")
            }
            Failure::ImportUnreadable { en, .. } => f.write_str(en),
            Failure::ImportTooLarge { limit, value } => {
                write!(f, "the file to import passes the limit {limit} of {value}")
            }
            Failure::OrganChangeTooLarge(limit) => {
                write!(f, "the organs that would change together take more than {limit} bytes")
            }
            Failure::PageToken => f.write_str("the page token was not made for this list"),
            Failure::Filter(error) => write!(f, "the filter cannot be read: {error}"),
            Failure::CellUnknown { en, .. } => f.write_str(en),
            Failure::DocumentStream(what) => f.write_str(what),
            Failure::DocumentUnreadable { en, .. } => f.write_str(en),
            Failure::DocumentTooLarge(limit) => {
                write!(f, "the document is larger than {limit} bytes")
            }
            Failure::ReportTooLarge(limit) => {
                write!(f, "the report is larger than {limit} bytes")
            }
            Failure::AnswerTooLarge(limit) => {
                write!(f, "the answer would be larger than {limit} bytes: ask for less at a time")
            }
            Failure::ExportTooLarge { limit, value } => {
                write!(f, "the file would pass the limit {limit} of {value}: ask for less")
            }
            Failure::UnknownField { message, number, .. } => write!(
                f,
                "{message} has no field {number} on this server, whose schema is older than the \
                 client's; it was not written"
            ),
            Failure::RequestUnreadable(why) => write!(f, "the request cannot be decoded: {why}"),
            Failure::WritesOff(off) => off.fmt(f),
            Failure::Store(_) => f.write_str("the store cannot be read"),
            Failure::Principal(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::Damaged(cause) if cause.is::<store::Damage>() => {
                Failure::Journal(cause.to_string())
            }
            _ => Failure::Store(error.to_string()),
        }
    }
}
