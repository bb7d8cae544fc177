//! The steps in the life of a report: what each rests on, and what it leaves.

use std::sync::{Mutex, PoisonError};

use prost::Message as _;

use super::index::{Taken, organ_key, receipt, report_key};
use super::organ::is_active;
use super::read::Moment;
use super::reason::address;
use super::write::{Caller, Decision, Outcome};
use super::{Archive, decode, full, not_this};
use crate::failure::Failure;
use crate::finding::{findings, unexplained};
use crate::life;
use crate::limits::REPORT_BYTES_MAX;
use crate::names::{OrganId, ReportId};
use crate::pb::report::State;
use crate::pb::rule::Engine;
use crate::pb::{
    Change, Finding, Organ, Receipt, Report, ReportAction, ReportChange, ReturnReason, Severity,
};
use crate::rules;
use crate::store::Precondition;

/// What is to be submitted.
pub enum What {
    /// A whole report.
    Report(Box<Report>),
    /// The stored draft of that identity.
    Draft(ReportId),
}

/// A submission.
pub struct Submission {
    /// What.
    pub what: What,
    /// The reason why it is taken as published, with its errors.
    pub as_published: Option<String>,
    /// The etag that the caller has read; empty where none.
    pub etag: String,
}

/// A step that takes a stored report from one state to another.
pub enum Step {
    /// Send it back.
    Return(Vec<ReturnReason>),
    /// Accept it.
    Accept,
    /// Note that it was published.
    Publish,
    /// Open it for amendment, and why.
    Amend(String),
    /// Void it, and why.
    Void(String),
}

impl Step {
    fn action(&self) -> ReportAction {
        match self {
            Step::Return(_) => ReportAction::Return,
            Step::Accept => ReportAction::Accept,
            Step::Publish => ReportAction::Publish,
            Step::Amend(_) => ReportAction::Amend,
            Step::Void(_) => ReportAction::Void,
        }
    }
}

/// A report as a write left it.
pub struct Filed {
    /// The whole report.
    pub report: Report,
    /// What its content keeps; empty for a step that looks at no content.
    pub findings: Vec<Finding>,
    /// Where the write stands; `None` where nothing was to be stored.
    pub receipt: Option<Receipt>,
}

/// Where a report stands before a step.
struct Stand {
    /// What is stored; a new head where nothing is.
    head: Report,
    from: State,
    to: State,
    precondition: Precondition,
}

impl Archive {
    /// Stores a draft, whatever its findings.
    ///
    /// # Errors
    /// `ReportHasErrors` where it states no identity; `OrganNotFound`, `OrganInactive`,
    /// `ReportState`, `EtagMismatch`, and those of every write.
    pub async fn save_draft(
        &self,
        caller: &Caller,
        mut report: Report,
        etag: &str,
    ) -> Result<Filed, Failure> {
        clear_output_fields(&mut report);
        fits(&report)?;
        let id = identity(&report)?;
        let decide = |archive: &Archive| {
            let stand = archive.stand(&id, ReportAction::SaveDraft, etag)?;
            archive.file(&id, ReportAction::SaveDraft, stand, &report, |_, _| Ok(Vec::new()))
        };
        let outcome = self.write(caller, decide).await?;
        self.judged(outcome, Some(report))
    }

    /// Submits a report, or says why not.
    ///
    /// # Errors
    /// `ReportHasErrors`, `WarningUnexplained`, `OrganNotFound`, `OrganInactive`, `ReportState`,
    /// `ReportNotFound` for a draft, `EtagMismatch`, and those of every write.
    pub async fn submit(&self, caller: &Caller, submission: Submission) -> Result<Filed, Failure> {
        let Submission { what, as_published, etag } = submission;
        // What the last decision found: that is what was admitted, where it was written.
        let found = Mutex::default();
        match what {
            What::Report(mut report) => {
                clear_output_fields(&mut report);
                report.as_published_reason = as_published.unwrap_or_default();
                fits(&report)?;
                let id = identity(&report)?;
                // What stands in itself is refused before anything that is stored; then the caller
                // is told all that is found.
                if admit(&report, &findings(&report)).is_err() {
                    admit(&report, &self.findings(&report)?)?;
                }
                let decide = |archive: &Archive| {
                    let stand = archive.stand(&id, ReportAction::Submit, &etag)?;
                    archive.decide_submission(&id, caller, stand, &report, &found)
                };
                let outcome = self.write(caller, decide).await?;
                self.admitted(outcome, Some(*report), found)
            }
            What::Draft(id) => {
                let decide = |archive: &Archive| {
                    let stand = archive.stand(&id, ReportAction::Submit, &etag)?;
                    if stand.from == State::Unspecified {
                        return Err(Failure::ReportNotFound(id.to_string()));
                    }
                    let mut report = archive.content(&id, stand.head.latest_revision)?;
                    report.as_published_reason = as_published.clone().unwrap_or_default();
                    archive.decide_submission(&id, caller, stand, &report, &found)
                };
                let outcome = self.write(caller, decide).await?;
                self.admitted(outcome, None, found)
            }
        }
    }

    /// Takes a stored report from one state to another.
    ///
    /// # Errors
    /// `ReportNotFound`, `ReportState`, `EtagMismatch`, `InvalidRequest` for reasons that name
    /// nothing, `PrincipalRequired`, `SubmitterAccepts`, `SubmitterUnknown`, and those of every
    /// write.
    pub async fn step(
        &self,
        caller: &Caller,
        id: &ReportId,
        etag: &str,
        mut step: Step,
    ) -> Result<Filed, Failure> {
        if let Step::Return(reasons) = &mut step {
            address(reasons)?;
        }
        if matches!(step, Step::Accept) && caller.principal.is_empty() {
            return Err(Failure::PrincipalRequired);
        }
        let decide = |archive: &Archive| {
            let stand = archive.stand(id, step.action(), etag)?;
            decide_step(id, caller, stand, &step)
        };
        let outcome = self.write(caller, decide).await?;
        self.filed(outcome, None)
    }

    /// Where a report stands, if the action may be taken there.
    fn stand(&self, id: &ReportId, action: ReportAction, etag: &str) -> Result<Stand, Failure> {
        let key = report_key(id);
        let stored = self.store.get(&key)?;
        let starts = matches!(action, ReportAction::SaveDraft | ReportAction::Submit);
        let (head, precondition) = match stored {
            Some(bytes) => {
                let head: Report = decode(&bytes)?;
                (head, Precondition::Unchanged { key, value: bytes })
            }
            None if starts => (new_head(id), Precondition::Absent(key)),
            None => return Err(Failure::ReportNotFound(id.to_string())),
        };
        if !etag.is_empty() && etag != head.etag {
            return Err(Failure::EtagMismatch { resource: id.to_string(), etag: head.etag });
        }
        let from = head.state();
        let to = life::next(from, action)
            .ok_or_else(|| Failure::ReportState { report: id.to_string(), state: from })?;
        Ok(Stand { head, from, to, precondition })
    }

    fn decide_submission(
        &self,
        id: &ReportId,
        caller: &Caller,
        stand: Stand,
        report: &Report,
        found: &Mutex<Vec<Finding>>,
    ) -> Result<Decision, Failure> {
        let (findings, last_year) = self.findings_at(report, Moment::Now)?;
        admit(report, &findings)?;
        *found.lock().unwrap_or_else(PoisonError::into_inner) = findings;
        self.file(id, ReportAction::Submit, stand, report, |head, organ| {
            let mut rests_on: Vec<Precondition> = last_year.into_iter().collect();
            // A report of the past is filed when it is filed: nobody knows whether it was late.
            if head.submit_time.is_none() && report.as_published_reason.is_empty() {
                let deadlines;
                (head.due_date, deadlines) = self.due_date(id.year, id.scope, organ.level())?;
                rests_on.extend(deadlines);
            }
            head.submitter.clone_from(&caller.principal);
            head.state_reason.clear();
            head.return_reasons.clear();
            Ok(rests_on)
        })
    }

    /// A step that may bring new content. `settle` answers what its own part rests on.
    fn file(
        &self,
        id: &ReportId,
        action: ReportAction,
        stand: Stand,
        report: &Report,
        settle: impl FnOnce(&mut Report, &Organ) -> Result<Vec<Precondition>, Failure>,
    ) -> Result<Decision, Failure> {
        let Stand { mut head, from, to, precondition } = stand;
        let (organ, organ_precondition) = self.active_organ(&id.organ, id.year)?;
        let same = head.latest_revision > 0 && self.content(id, head.latest_revision)? == *report;
        head.latest_revision += i32::from(!same);
        head.edition = report.edition;
        head.set_state(to);
        let mut preconditions = settle(&mut head, &organ)?;
        preconditions.extend([precondition, organ_precondition]);
        let reason = match action {
            ReportAction::Submit => report.as_published_reason.clone(),
            _ => String::new(),
        };
        let change = ReportChange {
            action: action as i32,
            from_state: from as i32,
            head: Some(head),
            reason,
            content: (!same).then(|| report.clone()),
            ..ReportChange::default()
        };
        let change = Change { report: Some(change), ..Change::default() };
        Ok(Decision { change, preconditions })
    }

    fn active_organ(&self, id: &OrganId, year: i32) -> Result<(Organ, Precondition), Failure> {
        let key = organ_key(id);
        let stored = self.store.get(&key)?;
        let stored = stored.ok_or_else(|| Failure::OrganNotFound(id.to_string()))?;
        let organ: Organ = decode(&stored)?;
        if !is_active(&organ, year) {
            return Err(Failure::OrganInactive { organ: id.to_string(), year });
        }
        Ok((organ, Precondition::Unchanged { key, value: stored }))
    }

    /// A submission as it was admitted.
    fn admitted(
        &self,
        outcome: Outcome,
        content: Option<Report>,
        found: Mutex<Vec<Finding>>,
    ) -> Result<Filed, Failure> {
        if outcome.repeated {
            return self.judged(outcome, content);
        }
        let findings = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Filed { findings, ..self.filed(outcome, content)? })
    }

    /// The report as an outcome left it, with what was found in it then.
    fn judged(&self, outcome: Outcome, content: Option<Report>) -> Result<Filed, Failure> {
        let moment =
            outcome.recorded.as_ref().map_or(Moment::Now, |r| Moment::Position(r.position()));
        let mut filed = self.filed(outcome, content)?;
        (filed.findings, _) = self.findings_at(&filed.report, moment)?;
        Ok(filed)
    }

    /// The whole report as an outcome left it. `content` is that of the caller, which is what the
    /// latest revision holds where the outcome has none of its own.
    fn filed(&self, outcome: Outcome, content: Option<Report>) -> Result<Filed, Failure> {
        let Taken::Report(id, change) = outcome.taken else {
            return Err(not_this("a report"));
        };
        let head = change.head.unwrap_or_default();
        let content = match change.content.or(content) {
            Some(content) => content,
            None => self.content(&id, head.latest_revision)?,
        };
        Ok(Filed {
            report: full(content, head.latest_revision, head),
            findings: Vec::new(),
            receipt: outcome.recorded.as_ref().map(receipt),
        })
    }
}

fn decide_step(
    id: &ReportId,
    caller: &Caller,
    stand: Stand,
    step: &Step,
) -> Result<Decision, Failure> {
    let Stand { mut head, from, to, precondition } = stand;
    head.set_state(to);
    let mut change = ReportChange {
        action: step.action() as i32,
        from_state: from as i32,
        ..ReportChange::default()
    };
    match step {
        Step::Return(reasons) => {
            // Where it was accepted, that is taken back; what was published stays in force.
            if from == State::Accepted {
                head.effective_revision = head.published_revision;
                head.accepter.clear();
            }
            head.return_reasons.clone_from(reasons);
            change.return_reasons.clone_from(reasons);
        }
        Step::Accept if head.submitter.is_empty() => {
            return Err(Failure::SubmitterUnknown(id.to_string()));
        }
        Step::Accept if head.submitter == caller.principal => {
            return Err(Failure::SubmitterAccepts(id.to_string()));
        }
        Step::Accept => {
            head.effective_revision = head.latest_revision;
            head.accepter.clone_from(&caller.principal);
        }
        Step::Publish => head.published_revision = head.effective_revision,
        Step::Amend(reason) => {
            head.state_reason.clone_from(reason);
            change.reason.clone_from(reason);
        }
        Step::Void(reason) => {
            head.effective_revision = 0;
            head.state_reason.clone_from(reason);
            change.reason.clone_from(reason);
        }
    }
    change.head = Some(head);
    let change = Change { report: Some(change), ..Change::default() };
    Ok(Decision { change, preconditions: vec![precondition] })
}

fn new_head(id: &ReportId) -> Report {
    Report {
        name: id.to_string(),
        organ: id.organ.to_string(),
        year: id.year,
        scope: id.scope as i32,
        ..Report::default()
    }
}

fn identity(report: &Report) -> Result<ReportId, Failure> {
    let unstated = || {
        let all = findings(report);
        Failure::ReportHasErrors { errors: errors(&all), all }
    };
    ReportId::of(report).ok_or_else(unstated)
}

/// Refuses a report while an error stands or a warning has no explanation.
///
/// As published, a report keeps errors of sums and of presence; what breaks the form of a value is
/// refused all the same, since no sum could hold it.
fn admit(report: &Report, findings: &[Finding]) -> Result<(), Failure> {
    let as_published = !report.as_published_reason.is_empty();
    let keeps = |f: &Finding| {
        let identity = matches!(f.field_path.as_str(), "year" | "scope" | "edition");
        let cel = rules::rule(&f.rule_id).is_some_and(|r| r.engine() == Engine::Cel);
        cel || (f.rule_id == "required" && !identity)
    };
    let errors: Vec<Finding> =
        errors(findings).into_iter().filter(|finding| !(as_published && keeps(finding))).collect();
    if !errors.is_empty() {
        return Err(Failure::ReportHasErrors { errors, all: findings.to_vec() });
    }
    let warnings: Vec<Finding> = unexplained(report, findings).into_iter().cloned().collect();
    if !as_published && !warnings.is_empty() {
        return Err(Failure::WarningUnexplained { warnings, all: findings.to_vec() });
    }
    Ok(())
}

fn errors(findings: &[Finding]) -> Vec<Finding> {
    findings.iter().filter(|f| f.severity() == Severity::Error).cloned().collect()
}

/// What a caller may not set, taken out of what it gave: what is left is content.
fn clear_output_fields(report: &mut Report) {
    *report = Report {
        name: String::new(),
        state: 0,
        revision: 0,
        latest_revision: 0,
        effective_revision: 0,
        published_revision: 0,
        etag: String::new(),
        create_time: None,
        update_time: None,
        submit_time: None,
        submitter: String::new(),
        accepter: String::new(),
        as_published_reason: String::new(),
        due_date: String::new(),
        late: false,
        state_reason: String::new(),
        return_reasons: Vec::new(),
        ..std::mem::take(report)
    };
}

/// Refuses a report that is larger than any may be.
fn fits(report: &Report) -> Result<(), Failure> {
    match report.encoded_len() > REPORT_BYTES_MAX {
        true => Err(Failure::ReportTooLarge(REPORT_BYTES_MAX)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::runtime::Handle;
    use tokio::task::block_in_place;

    use super::super::INDEX;
    use super::*;
    use crate::pb::{Deadline, Scope};
    use crate::store::{Options, Store};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_deadline_that_is_set_meanwhile_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), INDEX, Options::default()).expect("a store");
        let archive = Archive::new(store);
        let caller = Caller::default();
        let id = ReportId::from_name("organs/a/reports/2023-own").expect("a name");
        let organ = Organ { name: id.organ.to_string(), ..Organ::default() };
        let register = |_: &Archive| {
            let change = Change { organ: Some(organ.clone()), ..Change::default() };
            Ok(Decision { change, preconditions: Vec::new() })
        };
        archive.write(&caller, register).await.expect("registered");
        let report: Report =
            serde_json::from_str(include_str!("../../tests/fixtures/housing-2023.json"))
                .expect("a report");
        let report = Report { organ: id.organ.to_string(), ..report };
        let rounds = Cell::new(0);
        let outcome = archive.write(&caller, |archive| {
            let stand = archive.stand(&id, ReportAction::Submit, "")?;
            let decision =
                archive.decide_submission(&id, &caller, stand, &report, &Mutex::default())?;
            let round = rounds.replace(rounds.get() + 1);
            if round < 2 {
                let due_date = ["2024-02-10", "2024-02-20"][round].to_owned();
                let scope = Scope::Own as i32;
                let deadline = Deadline { year: 2023, scope, due_date, ..Deadline::default() };
                let set = archive.set_deadline(&caller, deadline);
                block_in_place(|| Handle::current().block_on(set))?;
            }
            Ok(decision)
        });
        let Taken::Report(_, change) = outcome.await.expect("submitted").taken else {
            panic!("no report");
        };
        assert_eq!(change.head.expect("a head").due_date, "2024-02-20");
        assert_eq!(rounds.get(), 3);
    }
}
