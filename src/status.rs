//! The one place where a failure becomes a `tonic::Status`.
//!
//! A client decides by `ErrorInfo.reason`; a person reads `BadRequest` in English and Chinese; the
//! log gets the cause of what is our own fault. An encoded status stays within
//! [`STATUS_BYTES_MAX`]: the details hold the first findings and
//! say how many there are.

use std::collections::HashMap;

use pbjson_types::Any;
use prost::Message;
use tonic::{Code, Status};

use crate::failure::Failure;
use crate::finding::counts;
use crate::form::Labelled;
use crate::limits::{STATUS_BYTES_MAX, STATUS_MESSAGE_BYTES_MAX};
use crate::pb::rpc::bad_request::FieldViolation;
use crate::pb::rpc::precondition_failure;
use crate::pb::rpc::{BadRequest, ErrorInfo, LocalizedMessage, PreconditionFailure, ResourceInfo};
use crate::pb::{ErrorReason, Finding, Refusal, rpc};

/// The domain of all reasons.
pub const DOMAIN: &str = "nianbao.v1";

/// What a failure is called where it does not end the call.
pub fn refusal(failure: &Failure) -> Refusal {
    let answer = Answer::of(failure);
    Refusal {
        code: answer.code as i32,
        reason: reason_word(answer.reason),
        message_en: cut(failure.to_string()),
        message_zh: cut(answer.chinese),
    }
}

/// The status of a failure.
impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let answer = Answer::of(&failure);
        if answer.code == Code::Internal {
            tracing::error!(?failure, "a call failed through our own fault");
        }
        answer.encode(failure.to_string())
    }
}

/// What a client gets beside the message.
struct Answer {
    code: Code,
    reason: ErrorReason,
    /// The message in Chinese.
    chinese: String,
    metadata: HashMap<String, String>,
    /// The findings to name, as many as fit.
    findings: Vec<Finding>,
    details: Vec<Any>,
}

impl Answer {
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::InvalidRequest(findings) => {
                Self::new(Code::InvalidArgument, ErrorReason::InvalidRequest).findings(findings)
            }
            Failure::ReportHasErrors { errors, all } => {
                let counts = counts(all);
                Self::new(Code::InvalidArgument, ErrorReason::ReportHasErrors)
                    .with("errors", counts.errors)
                    .with("warnings", counts.warnings)
                    .findings(errors)
            }
            Failure::WarningUnexplained { warnings, all } => {
                Self::new(Code::InvalidArgument, ErrorReason::WarningUnexplained)
                    .with("warnings", counts(all).warnings)
                    .with("unexplained", warnings.len())
                    .findings(warnings)
            }
            Failure::OrganNotFound(name) => {
                Self::new(Code::NotFound, ErrorReason::OrganNotFound).resource("Organ", name)
            }
            Failure::ReportNotFound(name) => {
                Self::new(Code::NotFound, ErrorReason::ReportNotFound).resource("Report", name)
            }
            Failure::OrganAlreadyExists(name) => {
                Self::new(Code::AlreadyExists, ErrorReason::OrganAlreadyExists)
                    .resource("Organ", name)
            }
            Failure::ParentNotFound { parent, .. } => {
                Self::precondition(ErrorReason::ParentNotFound, parent, &failure.to_string())
            }
            Failure::OrganInactive { organ, .. } => {
                Self::precondition(ErrorReason::OrganInactive, organ, &failure.to_string())
            }
            Failure::ReportState { report, state } => {
                Self::precondition(ErrorReason::ReportState, report, &failure.to_string())
                    .with("state", state.as_str_name())
            }
            Failure::RevisionNotFound(name) => {
                Self::new(Code::NotFound, ErrorReason::RevisionNotFound).resource("Revision", name)
            }
            Failure::EtagMismatch { resource, etag } => {
                let kind = if resource.contains("/reports/") { "Report" } else { "Organ" };
                Self::new(Code::Aborted, ErrorReason::EtagMismatch)
                    .resource(kind, resource)
                    .with("etag", etag)
            }
            Failure::ConcurrentChange => Self::new(Code::Aborted, ErrorReason::ConcurrentChange),
            Failure::RequestIdReused => {
                Self::new(Code::InvalidArgument, ErrorReason::RequestIdReused)
                    .field("request_id", &failure.to_string())
            }
            Failure::PositionInvalid => {
                Self::new(Code::InvalidArgument, ErrorReason::PositionInvalid)
            }
            Failure::PositionNotReached => {
                Self::new(Code::Unavailable, ErrorReason::PositionNotReached)
            }
            Failure::PrincipalRequired => {
                Self::new(Code::Unauthenticated, ErrorReason::PrincipalRequired)
            }
            Failure::SubmitterAccepts(report) => {
                Self::new(Code::PermissionDenied, ErrorReason::SubmitterAccepts)
                    .resource("Report", report)
            }
            Failure::SubmitterUnknown(report) => {
                Self::precondition(ErrorReason::SubmitterUnknown, report, &failure.to_string())
            }
            Failure::Journal(cause) => {
                Self::new(Code::DataLoss, ErrorReason::JournalDamaged).with("cause", cause)
            }
            Failure::OrganTreeCycle { organ, year } => {
                Self::precondition(ErrorReason::OrganTreeCycle, organ, &failure.to_string())
                    .with("year", year)
            }
            Failure::OrganHasChildren { organ, year, children, count } => {
                let reason = ErrorReason::OrganHasChildren;
                let said = format!("reports to {organ} in {year} or later");
                Self::preconditions(reason, children.iter().map(|c| (c.as_str(), said.as_str())))
                    .with("children", count)
            }
            Failure::OrganHistory { organ, zh, en } => {
                Self::precondition(ErrorReason::OrganHistoryConflict, organ, en).chinese(zh)
            }
            Failure::OrganClosed { organ, last_year } => {
                Self::precondition(ErrorReason::OrganClosed, organ, &failure.to_string())
                    .with("last_year", last_year)
            }
            Failure::UpdateMask(_) => {
                Self::new(Code::InvalidArgument, ErrorReason::UpdateMaskInvalid)
                    .field("update_mask", &failure.to_string())
            }
            Failure::ImportUnreadable { zh, .. } => {
                Self::new(Code::InvalidArgument, ErrorReason::ImportUnreadable).chinese(zh)
            }
            Failure::ImportTooLarge { limit, value } => {
                Self::new(Code::InvalidArgument, ErrorReason::ImportTooLarge)
                    .with("limit", limit)
                    .with("value", value)
            }
            Failure::OrganChangeTooLarge(limit) => {
                Self::new(Code::FailedPrecondition, ErrorReason::OrganChangeTooLarge)
                    .with("limit_bytes", limit)
            }
            Failure::PageToken => Self::new(Code::InvalidArgument, ErrorReason::PageTokenInvalid)
                .field("page_token", &failure.to_string()),
            Failure::Filter(_) => Self::new(Code::InvalidArgument, ErrorReason::FilterInvalid)
                .field("filter", &failure.to_string()),
            Failure::CellUnknown { zh, en } => {
                Self::new(Code::InvalidArgument, ErrorReason::CellUnknown)
                    .field("cell", en)
                    .chinese(zh)
            }
            Failure::DocumentStream(what) => {
                Self::new(Code::InvalidArgument, ErrorReason::InvalidRequest).field("content", what)
            }
            Failure::DocumentUnreadable { zh, .. } => {
                Self::new(Code::InvalidArgument, ErrorReason::DocumentUnreadable).chinese(zh)
            }
            Failure::DocumentTooLarge(limit) => {
                Self::new(Code::InvalidArgument, ErrorReason::DocumentTooLarge)
                    .with("limit_bytes", limit)
            }
            Failure::ReportTooLarge(limit) => {
                Self::new(Code::InvalidArgument, ErrorReason::ReportTooLarge)
                    .with("limit_bytes", limit)
            }
            Failure::AnswerTooLarge(limit) => {
                Self::new(Code::ResourceExhausted, ErrorReason::AnswerTooLarge)
                    .with("limit_bytes", limit)
            }
            Failure::ExportTooLarge { limit, value } => {
                Self::new(Code::InvalidArgument, ErrorReason::ExportTooLarge)
                    .with("limit", limit)
                    .with("value", value)
            }
            Failure::UnknownField { path, message, number } => {
                Self::new(Code::InvalidArgument, ErrorReason::UnknownField)
                    .field(path, &failure.to_string())
                    .chinese(&format!("{message} 没有编号为 {number} 的字段"))
                    .with("message", message)
                    .with("field_number", number)
            }
            Failure::RequestUnreadable(_) => {
                Self::new(Code::InvalidArgument, ErrorReason::RequestUnreadable)
            }
            Failure::WritesOff(off) => {
                Self::new(Code::Unavailable, ErrorReason::WritesOff).with("cause", off)
            }
            Failure::Store(_) => Self::new(Code::Internal, ErrorReason::StoreFailed),
            Failure::Principal(_) => {
                Self::new(Code::PermissionDenied, ErrorReason::PrincipalRefused)
            }
        }
    }

    fn new(code: Code, reason: ErrorReason) -> Self {
        Answer {
            code,
            reason,
            chinese: reason.zh().to_owned(),
            metadata: HashMap::new(),
            findings: Vec::new(),
            details: Vec::new(),
        }
    }

    fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    fn findings(mut self, findings: &[Finding]) -> Self {
        self.findings = findings.to_vec();
        self
    }

    fn resource(mut self, kind: &str, name: &str) -> Self {
        self.details.push(any(
            "ResourceInfo",
            &ResourceInfo {
                resource_type: format!("{DOMAIN}.{kind}"),
                resource_name: name.to_owned(),
                ..ResourceInfo::default()
            },
        ));
        self.with("resource", name)
    }

    fn precondition(reason: ErrorReason, subject: &str, description: &str) -> Self {
        Self::preconditions(reason, std::iter::once((subject, description)))
    }

    fn preconditions<'a>(
        reason: ErrorReason,
        what: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let violation = |(subject, description): (&str, &str)| precondition_failure::Violation {
            r#type: reason_word(reason),
            subject: subject.to_owned(),
            description: cut(description.to_owned()),
        };
        let violations = what.map(violation).collect();
        let mut answer = Self::new(Code::FailedPrecondition, reason);
        answer.details.push(any("PreconditionFailure", &PreconditionFailure { violations }));
        answer
    }

    fn field(mut self, field: &str, description: &str) -> Self {
        self.details.push(any(
            "BadRequest",
            &BadRequest {
                field_violations: vec![FieldViolation {
                    field: field.to_owned(),
                    description: cut(description.to_owned()),
                    reason: reason_word(self.reason),
                    localized_message: Some(chinese_text(self.reason.zh())),
                }],
            },
        ));
        self
    }

    fn chinese(mut self, text: &str) -> Self {
        self.chinese = format!("{}：{text}", self.chinese);
        self
    }

    /// The status, its details cut to what fits.
    fn encode(mut self, message: String) -> Status {
        let message = cut(message);
        self.chinese = cut(self.chinese);
        let mut shown = self.findings.len();
        loop {
            let encoded = self.status(&message, shown).encode_to_vec();
            if encoded.len() <= STATUS_BYTES_MAX || shown == 0 {
                return Status::with_details(self.code, message, encoded.into());
            }
            // Findings are of like size: a step by proportion ends in two or three rounds.
            shown = (shown * STATUS_BYTES_MAX / encoded.len()).min(shown - 1);
        }
    }

    fn status(&self, message: &str, shown: usize) -> rpc::Status {
        let mut metadata = self.metadata.clone();
        if !self.findings.is_empty() {
            metadata.insert("shown".to_owned(), shown.to_string());
            let truncated = shown < self.findings.len();
            metadata.insert("truncated".to_owned(), truncated.to_string());
        }
        let info =
            ErrorInfo { reason: reason_word(self.reason), domain: DOMAIN.to_owned(), metadata };
        let chinese = any("LocalizedMessage", &chinese_text(&self.chinese));
        let mut details = vec![any("ErrorInfo", &info), chinese];
        if shown > 0 {
            let field_violations = self.findings.iter().take(shown).map(violation).collect();
            details.push(any("BadRequest", &BadRequest { field_violations }));
        }
        details.extend(self.details.iter().cloned());
        rpc::Status { code: self.code as i32, message: message.to_owned(), details }
    }
}

/// A message at its limit, cut between characters.
fn cut(mut message: String) -> String {
    if message.len() > STATUS_MESSAGE_BYTES_MAX {
        let mut end = STATUS_MESSAGE_BYTES_MAX - '…'.len_utf8();
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message.push('…');
    }
    message
}

/// A finding as a field violation: the rule id as reason, both languages.
fn violation(finding: &Finding) -> FieldViolation {
    let zh = if finding.cell.is_empty() {
        finding.message_zh.clone()
    } else {
        format!("{}：{}", finding.cell, finding.message_zh)
    };
    FieldViolation {
        field: finding.field_path.clone(),
        description: finding.message_en.clone(),
        reason: finding.rule_id.replace('.', "_").to_uppercase(),
        localized_message: Some(chinese_text(&zh)),
    }
}

fn chinese_text(message: &str) -> LocalizedMessage {
    LocalizedMessage { locale: "zh-CN".to_owned(), message: message.to_owned() }
}

/// The reason as clients see it: without the prefix of its enum.
fn reason_word(reason: ErrorReason) -> String {
    reason.as_str_name().trim_start_matches("ERROR_REASON_").to_owned()
}

fn any<M: Message>(name: &str, message: &M) -> Any {
    Any {
        type_url: format!("type.googleapis.com/google.rpc.{name}"),
        value: message.encode_to_vec().into(),
    }
}
