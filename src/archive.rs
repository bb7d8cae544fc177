//! The archive of organs and reports: what a stored entry says, and what must hold for it.
//!
//! It knows the store's keys and values and nothing of gRPC. Keys: `o/{organ}` holds an `Organ`,
//! `r/{organ}!{year}-{scope}` the latest content and state of a `Report`; `!` sorts before all that
//! an id may hold, so that reports stand in the order of their organs.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use pbjson_types::Timestamp;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::check::{Evidence, Value, Violation, violations};
use crate::failure::Failure;
use crate::finding::{self, counts, findings, unexplained};
use crate::limits::{PAGE_BYTES_MAX, PAGE_KEYS_MAX};
use crate::names::{OrganId, ReportId};
use crate::pb::rule::Engine;
use crate::pb::{Affiliation, Finding, Organ, Report, Severity, report};
use crate::query::hex;
use crate::store::{CommitError, Entry, Index, Pair, Position, Precondition, Recorded, Store};
use crate::{credit_code, rules};

/// How an entry becomes its one key and value: the payload is the key, a zero byte and the value.
pub const INDEX: Index = Index { version: 1, puts };

fn puts(recorded: &Recorded) -> Result<Vec<Pair>, String> {
    let payload = recorded.payload();
    let end = payload.iter().position(|byte| *byte == 0).ok_or("it holds no key")?;
    Ok(vec![(payload[..end].to_vec(), payload[end + 1..].to_vec())])
}

fn put(key: &[u8], value: &[u8]) -> Entry {
    Entry { payload: [key, &[0], value].concat(), ..Entry::default() }
}

/// The organs and reports of one store.
#[derive(Clone)]
pub struct Archive {
    store: Store,
}

/// A page of a list, and the key after which the next begins.
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The last key read, where more follows.
    pub next: Option<Vec<u8>>,
}

/// What a submitted report comes with.
pub struct Submission {
    /// The report.
    pub report: Report,
    /// The reason why it is taken as published, with its errors.
    pub as_published: Option<String>,
    /// Who submits; empty where nobody said.
    pub submitter: String,
    /// Whether to check only.
    pub validate_only: bool,
}

/// A report that was taken.
pub struct Submitted {
    /// As stored.
    pub report: Report,
    /// What it keeps.
    pub findings: Vec<Finding>,
    /// Where the write stands; `None` where nothing was to be stored.
    pub position: Option<Position>,
}

impl Archive {
    /// The archive in `store`.
    pub fn new(store: Store) -> Self {
        Archive { store }
    }

    /// The store beneath.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The organ of that id.
    ///
    /// # Errors
    /// `OrganNotFound`, `Store`.
    pub fn organ(&self, id: &OrganId) -> Result<Organ, Failure> {
        let stored = self.store.get(&organ_key(id))?;
        let mut organ: Organ =
            decode(&stored.ok_or_else(|| Failure::OrganNotFound(id.to_string()))?)?;
        organ.parent = parent_in(&organ, this_year()).unwrap_or_default().to_owned();
        Ok(organ)
    }

    /// The report of that identity.
    ///
    /// # Errors
    /// `ReportNotFound`, `Store`.
    pub fn report(&self, id: &ReportId) -> Result<Report, Failure> {
        match self.store.get(&report_key(id))? {
            Some(bytes) => decode(&bytes),
            None => Err(Failure::ReportNotFound(id.to_string())),
        }
    }

    /// Organs that `keep` lets through, ordered by id.
    ///
    /// # Errors
    /// `Store`.
    pub fn organs(
        &self,
        after: Option<&[u8]>,
        limit: usize,
        keep: impl Fn(&Organ) -> bool,
    ) -> Result<Page<Organ>, Failure> {
        let year = this_year();
        self.list(b"o/", after, limit, |mut organ: Organ| {
            organ.parent = parent_in(&organ, year).unwrap_or_default().to_owned();
            keep(&organ).then_some(organ)
        })
    }

    /// Reports of one organ, or of all, that `keep` lets through, ordered by organ, year and scope.
    ///
    /// # Errors
    /// `Store`.
    pub fn reports(
        &self,
        organ: Option<&OrganId>,
        after: Option<&[u8]>,
        limit: usize,
        keep: impl Fn(&Report) -> bool,
    ) -> Result<Page<Report>, Failure> {
        let prefix = organ.map_or_else(|| "r/".to_owned(), |id| format!("r/{}!", id.as_str()));
        self.list(prefix.as_bytes(), after, limit, |report: Report| keep(&report).then_some(report))
    }

    /// Registers an organ; with `validate_only` only checks.
    ///
    /// # Errors
    /// `InvalidRequest`, `OrganAlreadyExists`, `ParentNotFound`, `WritesOff`, `Store`.
    pub async fn create_organ(
        &self,
        id: &OrganId,
        organ: Organ,
        validate_only: bool,
    ) -> Result<(Organ, Option<Position>), Failure> {
        let now = now();
        let mut organ = Organ {
            name: id.to_string(),
            parent: String::new(),
            etag: String::new(),
            create_time: Some(now),
            update_time: Some(now),
            ..organ
        };
        let broken = broken_organ(&organ);
        if !broken.is_empty() {
            return Err(Failure::InvalidRequest(broken));
        }
        organ.etag = etag(&organ);
        let mut preconditions = vec![Precondition::Absent(organ_key(id))];
        let parents: BTreeSet<&str> =
            organ.affiliations.iter().map(|a| a.parent.as_str()).collect();
        let parents: Vec<OrganId> = parents.into_iter().filter_map(OrganId::from_name).collect();
        preconditions.extend(parents.iter().map(|p| Precondition::Present(organ_key(p))));
        let failure = |index: usize| match index.checked_sub(1).and_then(|i| parents.get(i)) {
            None => Failure::OrganAlreadyExists(id.to_string()),
            Some(parent) => {
                Failure::ParentNotFound { organ: id.to_string(), parent: parent.to_string() }
            }
        };
        let entry = put(&organ_key(id), &organ.encode_to_vec());
        let position = self.write(entry, preconditions, validate_only, failure).await?;
        organ.parent = parent_in(&organ, this_year()).unwrap_or_default().to_owned();
        Ok((organ, position))
    }

    /// Takes a report, or says why not; with `validate_only` only checks.
    ///
    /// # Errors
    /// `InvalidRequest` where it states no identity; `ReportHasErrors`, `WarningUnexplained`,
    /// `OrganNotFound`, `OrganInactive`, `ReportState`, `WritesOff`, `Store`.
    pub async fn submit(&self, submission: Submission) -> Result<Submitted, Failure> {
        let Submission { mut report, as_published, submitter, validate_only } = submission;
        clear_output_fields(&mut report);
        let findings = findings(&report);
        let Some(id) = ReportId::of(&report) else {
            let counts = counts(&findings);
            return Err(Failure::ReportHasErrors { errors: errors(&findings), counts });
        };
        admit(&report, &findings, as_published.is_some())?;
        let organ = self.organ(&id.organ)?;
        if !is_active(&organ, id.year) {
            return Err(Failure::OrganInactive { organ: id.organ.to_string(), year: id.year });
        }
        let now = now();
        report.name = id.to_string();
        report.set_state(report::State::Submitted);
        report.latest_revision = 1;
        report.create_time = Some(now);
        report.update_time = Some(now);
        report.submitter = submitter;
        report.as_published_reason = as_published.unwrap_or_default();
        report.etag = etag(&report);
        let key = report_key(&id);
        match self.report(&id) {
            Ok(stored) => {
                let state = stored.state();
                return Err(Failure::ReportState { report: id.to_string(), state });
            }
            Err(Failure::ReportNotFound(_)) => {}
            Err(other) => return Err(other),
        }
        let preconditions =
            vec![Precondition::Absent(key.clone()), Precondition::Present(organ_key(&id.organ))];
        let failure = |index: usize| match index {
            0 => Failure::ReportState { report: id.to_string(), state: report::State::Submitted },
            _ => Failure::OrganNotFound(id.organ.to_string()),
        };
        let entry = put(&key, &report.encode_to_vec());
        let position = self.write(entry, preconditions, validate_only, failure).await?;
        Ok(Submitted { report, findings, position })
    }

    /// Commits, or holds the preconditions against the state of now where nothing is to be stored.
    async fn write(
        &self,
        entry: Entry,
        preconditions: Vec<Precondition>,
        validate_only: bool,
        failure: impl Fn(usize) -> Failure,
    ) -> Result<Option<Position>, Failure> {
        if validate_only {
            for (index, precondition) in preconditions.iter().enumerate() {
                let holds = match precondition {
                    Precondition::Absent(key) => self.store.get(key)?.is_none(),
                    Precondition::Present(key) => self.store.get(key)?.is_some(),
                    Precondition::Unchanged { key, value } => {
                        self.store.get(key)?.is_some_and(|stored| *stored == value[..])
                    }
                };
                if !holds {
                    return Err(failure(index));
                }
            }
            self.store.writable().map_err(Failure::WritesOff)?;
            return Ok(None);
        }
        match self.store.commit(entry, preconditions).await {
            Ok(recorded) => Ok(Some(recorded.position())),
            Err(CommitError::Precondition { index }) => Err(failure(index)),
            Err(CommitError::WritesOff(off)) => Err(Failure::WritesOff(off)),
            Err(
                error @ (CommitError::ReservedKey { .. }
                | CommitError::TooLarge { .. }
                | CommitError::Refused(_)
                | CommitError::Unreadable(_)),
            ) => Err(Failure::Store(error.to_string())),
        }
    }

    /// Reads from `prefix` on until `limit` items are kept, a page's bytes are full, or as many
    /// keys are read as one call may.
    fn list<M: Message + Default>(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        keep: impl Fn(M) -> Option<M>,
    ) -> Result<Page<M>, Failure> {
        /// Read at a time: a page of a filtered list may need many.
        const BATCH: usize = 256;
        let mut items = Vec::new();
        let (mut bytes, mut keys) = (0, 0);
        let mut last = after.map(<[u8]>::to_vec);
        loop {
            let batch = self.store.scan(prefix, last.as_deref(), BATCH)?;
            let ended = batch.len() < BATCH;
            keys += batch.len();
            for (key, value) in batch {
                let Some(item) = keep(decode(&value)?) else {
                    last = Some(key);
                    continue;
                };
                bytes += value.len();
                if items.len() == limit || (bytes > PAGE_BYTES_MAX && !items.is_empty()) {
                    return Ok(Page { items, next: last });
                }
                items.push(item);
                last = Some(key);
            }
            if ended {
                return Ok(Page { items, next: None });
            }
            if keys >= PAGE_KEYS_MAX {
                return Ok(Page { items, next: last });
            }
        }
    }
}

/// Refuses a report while an error stands or a warning has no explanation.
///
/// As published, a report keeps errors of sums and of presence; what breaks the form of a value is
/// refused all the same, since no sum could hold it.
fn admit(report: &Report, findings: &[Finding], as_published: bool) -> Result<(), Failure> {
    let keeps = |f: &Finding| {
        let identity = matches!(f.field_path.as_str(), "year" | "scope" | "edition");
        let cel = rules::rule(&f.rule_id).is_some_and(|r| r.engine() == Engine::Cel);
        cel || (f.rule_id == "required" && !identity)
    };
    let errors: Vec<Finding> =
        errors(findings).into_iter().filter(|finding| !(as_published && keeps(finding))).collect();
    if !errors.is_empty() {
        return Err(Failure::ReportHasErrors { errors, counts: counts(findings) });
    }
    let warnings: Vec<Finding> = unexplained(report, findings).into_iter().cloned().collect();
    if !as_published && !warnings.is_empty() {
        return Err(Failure::WarningUnexplained { warnings, counts: counts(findings) });
    }
    Ok(())
}

fn errors(findings: &[Finding]) -> Vec<Finding> {
    findings.iter().filter(|f| f.severity() == Severity::Error).cloned().collect()
}

/// What the rules of the schema and the native ones find in an organ.
pub fn broken_organ(organ: &Organ) -> Vec<Finding> {
    let mut broken = violations(organ);
    let mut add = |rule: &'static str, field: &'static str, found: String| {
        let evidence =
            Evidence { operands: vec![(field, Value::Text(found))], ..Evidence::default() };
        broken.push(Violation { rule, path: String::new(), evidence });
    };
    if let Some(year) = overlap(&organ.affiliations) {
        add("organ.affiliations_overlap", "affiliations", year.to_string());
    }
    if organ.affiliations.iter().any(|a| a.parent == organ.name) {
        add("organ.own_parent", "affiliations", organ.name.clone());
    }
    if organ.credit_code.len() == 18 && !credit_code::checks(&organ.credit_code) {
        add("organ.credit_code", "credit_code", organ.credit_code.clone());
    }
    finding::describe(broken)
}

/// The first year in which two affiliations stand.
fn overlap(affiliations: &[Affiliation]) -> Option<i32> {
    let mut sorted: Vec<(i32, i32)> =
        affiliations.iter().map(|a| (a.from_year, a.until_year.unwrap_or(i32::MAX))).collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[1].0 <= pair[0].1).map(|pair| pair[1].0)
}

/// The parent of an organ in a year.
pub fn parent_in(organ: &Organ, year: i32) -> Option<&str> {
    organ
        .affiliations
        .iter()
        .find(|a| a.from_year <= year && a.until_year.is_none_or(|until| year <= until))
        .map(|a| a.parent.as_str())
}

/// Whether an organ reports for a year.
pub fn is_active(organ: &Organ, year: i32) -> bool {
    organ.active_from_year.is_none_or(|from| from <= year)
        && organ.active_until_year.is_none_or(|until| year <= until)
}

fn organ_key(id: &OrganId) -> Vec<u8> {
    format!("o/{}", id.as_str()).into_bytes()
}

fn report_key(id: &ReportId) -> Vec<u8> {
    format!("r/{}!{}", id.organ.as_str(), id.suffix()).into_bytes()
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, Failure> {
    M::decode(bytes).map_err(|e| Failure::Store(e.to_string()))
}

/// What a caller may not set.
fn clear_output_fields(report: &mut Report) {
    report.name.clear();
    report.state = 0;
    report.latest_revision = 0;
    report.effective_revision = 0;
    report.etag.clear();
    report.create_time = None;
    report.update_time = None;
    report.submitter.clear();
    report.as_published_reason.clear();
}

/// 16 hex digits over the encoded message.
fn etag<M: Message>(message: &M) -> String {
    hex(&Sha256::digest(message.encode_to_vec())[..8])
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or(0),
    }
}

/// The year of today in China.
fn this_year() -> i32 {
    let china = TimeZone::fixed(jiff::tz::offset(8));
    i32::from(jiff::Timestamp::now().to_zoned(china).year())
}
