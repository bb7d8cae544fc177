//! The code that the schema says of each reason, against what the server answers.

use std::collections::BTreeMap;

use nianbao::failure::Failure;
use nianbao::pb::report::State;
use nianbao::query::FilterError;
use nianbao::status::refusal;
use nianbao::store::WritesOff;

/// Each way to fail, once.
fn failures() -> Vec<Failure> {
    let text = String::new;
    vec![
        Failure::InvalidRequest(vec![]),
        Failure::ReportHasErrors { errors: vec![], all: vec![] },
        Failure::WarningUnexplained { warnings: vec![], all: vec![] },
        Failure::OrganNotFound(text()),
        Failure::ReportNotFound(text()),
        Failure::OrganAlreadyExists(text()),
        Failure::ParentNotFound { organ: text(), parent: text() },
        Failure::OrganInactive { organ: text(), year: 2023 },
        Failure::ReportState { report: text(), state: State::Void },
        Failure::RevisionNotFound(text()),
        Failure::EtagMismatch { resource: text(), etag: text() },
        Failure::ConcurrentChange,
        Failure::RequestIdReused,
        Failure::PositionInvalid,
        Failure::PositionNotReached,
        Failure::PrincipalRequired,
        Failure::SubmitterAccepts(text()),
        Failure::SubmitterUnknown(text()),
        Failure::Journal(text()),
        Failure::OrganTreeCycle { organ: text(), year: 2023 },
        Failure::OrganHasChildren { organ: text(), year: 2023, children: vec![], count: 0 },
        Failure::OrganHistory { organ: text(), zh: text(), en: text() },
        Failure::OrganClosed { organ: text(), last_year: 2023 },
        Failure::UpdateMask(text()),
        Failure::ImportUnreadable { zh: text(), en: text() },
        Failure::ImportTooLarge { limit: "", value: 0 },
        Failure::OrganChangeTooLarge(0),
        Failure::PageToken,
        Failure::Filter(FilterError { at: 0, expected: text() }),
        Failure::CellUnknown { zh: text(), en: text() },
        Failure::DocumentStream(""),
        Failure::DocumentUnreadable { zh: text(), en: text() },
        Failure::DocumentTooLarge(0),
        Failure::ReportTooLarge(0),
        Failure::AnswerTooLarge(0),
        Failure::ExportTooLarge { limit: "", value: 0 },
        Failure::UnknownField { path: text(), message: "", number: 0 },
        Failure::RequestUnreadable(text()),
        Failure::WritesOff(WritesOff::LowSpace { free_bytes: 0, reserve_bytes: 0 }),
        Failure::Store(text()),
        Failure::Principal(""),
    ]
}

/// The name of a number of `google.rpc.Code`.
fn code(number: i32) -> String {
    // OutOfRange, as tonic calls OUT_OF_RANGE.
    let name = format!("{:?}", tonic::Code::from_i32(number));
    let mut out = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

#[test]
fn docs_show_the_code_that_is_answered() {
    let mut answered = BTreeMap::new();
    for failure in failures() {
        let refusal = refusal(&failure);
        answered.insert(refusal.reason, code(refusal.code));
    }
    let said: BTreeMap<String, String> = super::errors::codes().into_iter().collect();
    assert_eq!(said, answered);
}
