//! The archive against a model: random sequences of writes, refusals, repetitions and restarts have
//! the outcome that plain maps have, and leave the same reports, revisions and events.
//!
//! `PROPTEST_CASES=1000 cargo test --test integration model` looks longer.

mod plain;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use nianbao::archive::{Archive, Caller, Filed, INDEX, Moment, Step, Submission, Version, What};
use nianbao::failure::Failure;
use nianbao::names::{OrganId, ReportId};
use nianbao::pb::{self, Report, ReportEvent, ReturnReason, Scope};
use nianbao::store::{Options, Position, Store};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};
use sha2::{Digest, Sha256};

use crate::support::{housing, set};
use plain::{Ask, Content, FAR, Key, Model, Organ, PAST, Revision, Stand, Stored, Told};

/// Of the sequences that are run where the tester names no other.
const SEED: u64 = 2007;
/// So many reach all of [`REACHED`].
const CASES: u32 = 48;

/// Each edge of a report's life and each way to be refused, with what is best told apart.
const REACHED: &[&str] = &[
    "SaveDraft from Unspecified",
    "SaveDraft from Draft",
    "SaveDraft from Returned",
    "SaveDraft from Amending",
    "Submit from Unspecified",
    "Submit from Draft",
    "Submit from Returned",
    "Submit from Amending",
    "Return from Submitted",
    "Return from Accepted",
    "Return from Accepted, something published",
    "Accept from Submitted",
    "Publish from Accepted",
    "Amend from Published",
    "Void from Draft",
    "Void from Submitted",
    "Void from Returned",
    "Void from Accepted",
    "Void from Published",
    "Void from Amending",
    "a repeated request",
    "InvalidRequest",
    "ReportHasErrors",
    "WarningUnexplained",
    "WarningUnexplained, a copy of last year",
    "OrganNotFound",
    "OrganAlreadyExists",
    "ParentNotFound",
    "OrganInactive",
    "ReportNotFound",
    "ReportState",
    "EtagMismatch",
    "RequestIdReused",
    "PrincipalRequired",
    "SubmitterAccepts",
    "SubmitterUnknown",
];

/// Why a report is taken as published.
const AS_PUBLISHED: &str = "已公布，无法更正";

/// One step of a sequence: plain data, so that a failing sequence shrinks.
#[derive(Clone, Debug)]
enum Op {
    Ask {
        principal: &'static str,
        request_id: &'static str,
        validate_only: bool,
        etag: Etag,
        what: plain::What,
    },
    /// The call that is among those that a report's state allows, by one who may.
    Next {
        key: Key,
        unnamed: bool,
        pick: prop::sample::Index,
        request_id: &'static str,
        etag: Etag,
    },
    /// An earlier call once more, by the same principal or another.
    Again { index: prop::sample::Index, principal: Option<&'static str> },
    /// The archive is closed and opened, with its index or without.
    Restart { lose_index: bool },
}

/// Which etag a call names.
#[derive(Clone, Copy, Debug)]
enum Etag {
    None,
    Current,
    Stale,
}

/// The number of cases and the seed are the tester's where he names them; else a red test is red
/// again.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let is_set = |name: &str| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if is_set("PROPTEST_CASES") { default.cases } else { CASES },
        rng_seed: match default.rng_seed {
            RngSeed::Random => RngSeed::Fixed(SEED),
            told => told,
        },
        failure_persistence: None,
        ..default
    }
}

/// What the sequences have led to: a test that no longer gets there proves nothing.
type Seen = RefCell<BTreeMap<String, u32>>;

#[test]
fn does_what_the_model_does() {
    let seen = Seen::default();
    let config = config();
    let is_ours = matches!(config.rng_seed, RngSeed::Fixed(SEED)) && config.cases >= CASES;
    let outcome = TestRunner::new(config).run(&prop::collection::vec(op(), 24..72), |ops| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(run(ops, &seen))
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let seen = seen.into_inner();
    println!("{seen:#?}");
    let missing: Vec<&str> = REACHED.iter().copied().filter(|s| !seen.contains_key(*s)).collect();
    assert!(missing.is_empty() || !is_ours, "never reached: {missing:?}");
}

fn op() -> impl Strategy<Value = Op> {
    let again = (any::<prop::sample::Index>(), prop::option::weighted(0.2, principal()))
        .prop_map(|(index, principal)| Op::Again { index, principal });
    let restart = prop::bool::weighted(0.3).prop_map(|lose_index| Op::Restart { lose_index });
    prop_oneof![12 => ask(), 16 => next(), 3 => again, 1 => restart]
}

/// Random calls alone hardly ever get a report published.
fn next() -> impl Strategy<Value = Op> {
    (key(), prop::bool::weighted(0.1), any::<prop::sample::Index>(), request_id(), etag()).prop_map(
        |(key, unnamed, pick, request_id, etag)| Op::Next { key, unnamed, pick, request_id, etag },
    )
}

fn request_id() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(""), 1 => Just("one"), 1 => Just("two")]
}

fn etag() -> impl Strategy<Value = Etag> {
    prop_oneof![8 => Just(Etag::None), 4 => Just(Etag::Current), 1 => Just(Etag::Stale)]
}

fn ask() -> impl Strategy<Value = Op> {
    (principal(), request_id(), prop::bool::weighted(0.1), etag(), what()).prop_map(
        |(principal, request_id, validate_only, etag, what)| Op::Ask {
            principal,
            request_id,
            validate_only,
            etag,
            what,
        },
    )
}

fn principal() -> impl Strategy<Value = &'static str> {
    prop_oneof![1 => Just(""), 5 => Just("clerk"), 5 => Just("reviewer")]
}

fn what() -> impl Strategy<Value = plain::What> {
    use plain::What::{
        Accept, Amend, CreateOrgan, Publish, Return, SaveDraft, SetDeadline, Submit, SubmitDraft,
        Void,
    };
    let organ = prop_oneof![
        1 => Just(Organ::Root),
        1 => Just(Organ::County),
        1 => Just(Organ::Old),
        4 => Just(Organ::New),
        1 => Just(Organ::Orphan),
        1 => Just(Organ::Circular),
    ];
    let date = prop_oneof![Just(FAR), Just(PAST), Just("")];
    let text = || "[a-c]{1,2}";
    prop_oneof![
        2 => organ.prop_map(CreateOrgan),
        2 => (2022..=2023, any::<bool>(), date).prop_map(|(y, c, d)| SetDeadline(y, c, d)),
        5 => (key(), content()).prop_map(|(key, content)| SaveDraft(key, content)),
        5 => (key(), content(), prop::bool::weighted(0.3))
            .prop_map(|(key, content, published)| Submit(key, (content, published))),
        4 => (key(), prop::bool::weighted(0.2)).prop_map(|(key, as_published)| {
            SubmitDraft(key, as_published)
        }),
        4 => (key(), text()).prop_map(|(key, text)| Return(key, text)),
        7 => key().prop_map(Accept),
        7 => key().prop_map(Publish),
        6 => (key(), text()).prop_map(|(key, text)| Amend(key, text)),
        1 => (key(), text()).prop_map(|(key, text)| Void(key, text)),
    ]
}

/// Mostly of one report, so that its life is long.
fn key() -> impl Strategy<Value = Key> {
    let key = |organ, year, region| Just(Key { organ, year, region });
    prop_oneof![
        20 => key(Organ::County, 2023, false),
        6 => key(Organ::County, 2022, false),
        3 => key(Organ::Root, 2022, false),
        2 => key(Organ::Root, 2022, true),
        1 => key(Organ::Old, 2022, false),
        1 => key(Organ::Old, 2023, false),
        1 => key(Organ::Orphan, 2023, false),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        6 => Just(Content::Good),
        4 => Just(Content::Other),
        1 => Just(Content::Unbalanced),
        1 => Just(Content::Unexplained),
        1 => Just(Content::Malformed),
    ]
}

async fn run(ops: Vec<Op>, seen: &Seen) -> TestCaseResult {
    let data = tempfile::tempdir().expect("a folder");
    let mut archive = open(data.path());
    let mut model = Model::default();
    let mut asked: Vec<Ask> = Vec::new();
    // Without these most sequences would wait long for a report.
    for organ in [Organ::Root, Organ::County, Organ::Old] {
        let op = Op::Ask {
            principal: "clerk",
            request_id: "",
            validate_only: false,
            etag: Etag::None,
            what: plain::What::CreateOrgan(organ),
        };
        let ask = resolve(&op, &model, &asked).expect("a call");
        agree(&archive, &mut model, &ask, seen).await?;
    }
    for op in ops {
        match op {
            Op::Restart { lose_index } => archive = reopen(archive, data.path(), lose_index),
            Op::Ask { .. } | Op::Next { .. } | Op::Again { .. } => {
                let Some(ask) = resolve(&op, &model, &asked) else { continue };
                agree(&archive, &mut model, &ask, seen).await?;
                asked.push(ask);
            }
        }
    }
    compare(&archive, &model)?;
    archive = reopen(archive, data.path(), false);
    compare(&archive, &model)?;
    archive = reopen(archive, data.path(), true);
    compare(&archive, &model)
}

fn open(data: &Path) -> Archive {
    Archive::new(Store::open(data, INDEX, Options::default()).expect("opens"))
}

fn reopen(archive: Archive, data: &Path, lose_index: bool) -> Archive {
    drop(archive);
    if lose_index {
        std::fs::remove_dir_all(data.join("index")).expect("there is one");
    } else {
        // Without the mark the start holds the index against its digest, as after a kill.
        std::fs::remove_file(data.join("index/clean")).expect("it was closed in order");
    }
    let archive = open(data);
    assert_eq!(archive.store().condition().rebuilt, lose_index);
    assert_eq!(archive.store().writable().map_err(|off| off.to_string()), Ok(()));
    assert_eq!(archive.store().condition().damage, None);
    archive
}

/// The call that an operation is at this point; none where there is no earlier call to repeat.
fn resolve(op: &Op, model: &Model, asked: &[Ask]) -> Option<Ask> {
    match op {
        Op::Ask { principal, request_id, validate_only, etag, what } => Some(Ask {
            principal,
            request_id,
            validate_only: *validate_only,
            etag: named(*etag, what, model),
            what: what.clone(),
        }),
        Op::Next { key, unnamed, pick, request_id, etag } => {
            let (principal, what) = allowed(*key, *pick, model);
            let principal = if *unnamed { "" } else { principal };
            let etag = named(*etag, &what, model);
            Some(Ask { principal, request_id, validate_only: false, etag, what })
        }
        Op::Again { index, principal } if !asked.is_empty() => {
            let earlier = index.get(asked);
            Some(Ask { principal: principal.unwrap_or(earlier.principal), ..earlier.clone() })
        }
        Op::Again { .. } | Op::Restart { .. } => None,
    }
}

/// A call that the report's state allows: the one that leads on more often than those that do not.
fn allowed(key: Key, pick: prop::sample::Index, model: &Model) -> (&'static str, plain::What) {
    use pb::report::State;
    use plain::What::{Accept, Amend, Publish, Return, SaveDraft, Submit, SubmitDraft, Void};
    let stand = model.reports.get(&key).and_then(|stored| stored.events.last());
    let stand = stand.map(|event| event.stand.clone());
    let text = || "next".to_owned();
    let write = [
        Submit(key, (Content::Good, false)),
        Submit(key, (Content::Other, false)),
        SaveDraft(key, Content::Good),
        SaveDraft(key, Content::Other),
        Submit(key, (Content::Unexplained, true)),
    ];
    let calls = match stand.as_ref().map(|stand| stand.state) {
        None => write.to_vec(),
        Some(State::Draft | State::Returned | State::Amending) => {
            let more = [SubmitDraft(key, false), SubmitDraft(key, true), Void(key, text())];
            [&write[..], &more].concat()
        }
        // The step that leads on stands there several times: a life is to be long.
        Some(State::Submitted) => [vec![Accept(key); 6], vec![Return(key, text())]].concat(),
        Some(State::Accepted) => {
            [vec![Publish(key); 4], vec![Return(key, text()); 2], vec![Void(key, text())]].concat()
        }
        Some(State::Published) => [vec![Amend(key, text()); 6], vec![Void(key, text())]].concat(),
        Some(State::Void | State::Unspecified) => vec![Void(key, text())],
    };
    let is_by_clerk = stand.is_some_and(|stand| stand.submitter == "clerk");
    let what = pick.get(&calls).clone();
    match &what {
        Accept(_) if is_by_clerk => ("reviewer", what),
        _ => ("clerk", what),
    }
}

fn named(etag: Etag, what: &plain::What, model: &Model) -> String {
    use plain::What;
    let key = match what {
        What::CreateOrgan(_) | What::SetDeadline(..) => return String::new(),
        What::SaveDraft(key, _)
        | What::Submit(key, _)
        | What::SubmitDraft(key, _)
        | What::Return(key, _)
        | What::Accept(key)
        | What::Publish(key)
        | What::Amend(key, _)
        | What::Void(key, _) => key,
    };
    let etags = model.reports.get(key).map_or(&[][..], |stored| &stored.etags);
    match (etag, etags) {
        (Etag::None, _) | (Etag::Current, []) => String::new(),
        (Etag::Current, [.., current]) => current.clone(),
        (Etag::Stale, [.., earlier, _]) => earlier.clone(),
        (Etag::Stale, _) => "0123456789abcdef".to_owned(),
    }
}

/// Asks both, and holds the answers against each other.
async fn agree(archive: &Archive, model: &mut Model, ask: &Ask, seen: &Seen) -> TestCaseResult {
    let known: Vec<String> = model.reports.values().flat_map(|s| s.etags.clone()).collect();
    let (expected, first) = model.ask(ask);
    let (told, etag) = tell(archive, ask).await;
    prop_assert_eq!(&told, &expected, "{:?}", ask);
    let count = |what: &str| *seen.borrow_mut().entry(what.to_owned()).or_default() += 1;
    match &told {
        Told::Refused(why, _) => {
            count(why);
            let sound = [Content::Good, Content::Other];
            if let plain::What::Submit(_, (content, _)) = ask.what
                && *why == "WarningUnexplained"
                && sound.contains(&content)
            {
                count("WarningUnexplained, a copy of last year");
            }
        }
        _ if first.is_some() => count("a repeated request"),
        _ => {}
    }
    match first {
        Some(first) => prop_assert_eq!(etag, first.etag, "{:?}", ask),
        None if matches!(told, Told::Refused(..)) || ask.validate_only => {
            prop_assert_eq!(etag, "", "{:?}", ask);
        }
        None => {
            prop_assert!(!known.contains(&etag), "{:?}: the etag {} is not new", ask, etag);
            model.note(ask, &etag);
            let is_new = |s: &&Stored| s.etags.last() == Some(&etag);
            if let Some(event) = model.reports.values().find(is_new).and_then(|s| s.events.last()) {
                let edge = format!("{:?} from {:?}", event.action, event.from);
                if edge == "Return from Accepted" && event.stand.published > 0 {
                    count(&format!("{edge}, something published"));
                }
                count(&edge);
            }
        }
    }
    prop_assert_eq!(archive.store().position(), Position::from_number(model.entries));
    Ok(())
}

/// What the archive answers, and the etag of a report.
async fn tell(archive: &Archive, ask: &Ask) -> (Told, String) {
    let caller = Caller {
        principal: ask.principal.to_owned(),
        method: ask.what.method(),
        request_id: ask.request_id.to_owned(),
        request_digest: match ask.request_id {
            "" => Vec::new(),
            _ => Sha256::digest(format!("{:?} {}", ask.what, ask.etag)).to_vec(),
        },
        validate_only: ask.validate_only,
    };
    let position = |receipt: Option<pb::Receipt>| {
        receipt.map(|r| r.position.parse::<Position>().expect("a position").number())
    };
    let answer = match &ask.what {
        plain::What::CreateOrgan(organ) => {
            let id = OrganId::parse(organ.id()).expect("an id");
            let created = archive.create_organ(&caller, &id, registered(*organ)).await;
            created.map(|(_, receipt)| (Told::Organ(position(receipt)), String::new()))
        }
        plain::What::SetDeadline(year, county, date) => {
            let level = if *county { pb::organ::Level::County } else { Default::default() };
            let deadline = pb::Deadline {
                year: *year,
                scope: Scope::Own as i32,
                level: level as i32,
                due_date: (*date).to_owned(),
                update_time: None,
            };
            let answer = archive.set_deadline(&caller, deadline).await;
            answer.map(|(_, receipt)| (Told::Deadline(position(receipt)), String::new()))
        }
        _ => step(archive, &caller, ask).await.map(|filed| {
            (
                Told::Report(Box::new(stand(&filed.report)), position(filed.receipt)),
                filed.report.etag,
            )
        }),
    };
    answer.unwrap_or_else(|failure| (refusal(&failure), String::new()))
}

async fn step(archive: &Archive, caller: &Caller, ask: &Ask) -> Result<Filed, Failure> {
    use plain::What as Asked;
    let etag = ask.etag.clone();
    let reason = |published: bool| published.then(|| AS_PUBLISHED.to_owned());
    let (key, step) = match ask.what.clone() {
        Asked::CreateOrgan(_) | Asked::SetDeadline(..) => unreachable!("steps only"),
        Asked::SaveDraft(key, content) => {
            return archive.save_draft(caller, report(key, (content, false)), &etag).await;
        }
        Asked::Submit(key, (content, published)) => {
            let what = What::Report(Box::new(report(key, (content, false))));
            let submission = Submission { what, as_published: reason(published), etag };
            return archive.submit(caller, submission).await;
        }
        Asked::SubmitDraft(key, published) => {
            let what = What::Draft(id(key));
            let submission = Submission { what, as_published: reason(published), etag };
            return archive.submit(caller, submission).await;
        }
        Asked::Return(key, text) => {
            (key, Step::Return(vec![ReturnReason { text, ..ReturnReason::default() }]))
        }
        Asked::Accept(key) => (key, Step::Accept),
        Asked::Publish(key) => (key, Step::Publish),
        Asked::Amend(key, reason) => (key, Step::Amend(reason)),
        Asked::Void(key, reason) => (key, Step::Void(reason)),
    };
    archive.step(caller, &id(key), &etag, step).await
}

fn refusal(failure: &Failure) -> Told {
    let (name, detail) = match failure {
        Failure::InvalidRequest(_) => ("InvalidRequest", ""),
        Failure::ReportHasErrors { .. } => ("ReportHasErrors", ""),
        Failure::WarningUnexplained { .. } => ("WarningUnexplained", ""),
        Failure::OrganNotFound(_) => ("OrganNotFound", ""),
        Failure::OrganAlreadyExists(_) => ("OrganAlreadyExists", ""),
        Failure::ParentNotFound { .. } => ("ParentNotFound", ""),
        Failure::OrganInactive { .. } => ("OrganInactive", ""),
        Failure::ReportNotFound(_) => ("ReportNotFound", ""),
        Failure::ReportState { state, .. } => ("ReportState", state.as_str_name()),
        Failure::EtagMismatch { etag, .. } => ("EtagMismatch", etag.as_str()),
        Failure::RequestIdReused => ("RequestIdReused", ""),
        Failure::PrincipalRequired => ("PrincipalRequired", ""),
        Failure::SubmitterAccepts(_) => ("SubmitterAccepts", ""),
        Failure::SubmitterUnknown(_) => ("SubmitterUnknown", ""),
        other => panic!("no model foresees {other:?}"),
    };
    Told::Refused(name, detail.to_owned())
}

fn registered(organ: Organ) -> pb::Organ {
    let affiliation = |parent: &str| pb::Affiliation {
        parent: format!("organs/{parent}"),
        from_year: 2019,
        until_year: None,
    };
    let level = match organ {
        Organ::County => pb::organ::Level::County,
        _ => pb::organ::Level::Unspecified,
    };
    pb::Organ {
        display_name: "示例机关".to_owned(),
        affiliations: organ.parent().map(affiliation).into_iter().collect(),
        level: level as i32,
        active_until_year: (organ == Organ::Old).then_some(2022),
        ..pb::Organ::default()
    }
}

fn id(key: Key) -> ReportId {
    let organ = OrganId::parse(key.organ.id()).expect("an id");
    let scope = if key.region { Scope::Region } else { Scope::Own };
    ReportId { organ, year: key.year, scope }
}

/// The report that holds a content, as a revision holds it.
fn report(key: Key, (content, as_published): Revision) -> Report {
    let id = id(key);
    let (organ, scope) = (id.organ.to_string(), id.scope as i32);
    let mut report = Report { organ, year: key.year, scope, ..housing() };
    if as_published {
        AS_PUBLISHED.clone_into(&mut report.as_published_reason);
    }
    match content {
        Content::Good => {}
        Content::Other => set(&mut report, "disclosure.licensing_decisions", "7"),
        Content::Unbalanced => set(&mut report, "requests.granted.total", "9"),
        Content::Unexplained => set(&mut report, "requests.granted.business", ""),
        Content::Malformed => set(&mut report, "disclosure.licensing_decisions", "-1"),
    }
    report
}

fn stand(report: &Report) -> Stand {
    Stand {
        state: report.state(),
        latest: report.latest_revision,
        effective: report.effective_revision,
        published: report.published_revision,
        submitter: report.submitter.clone(),
        accepter: report.accepter.clone(),
        due_date: report.due_date.clone(),
        late: report.late,
        reason: report.state_reason.clone(),
        return_texts: report.return_reasons.iter().map(|reason| reason.text.clone()).collect(),
    }
}

/// What is output only, taken out: what is left is content.
fn content_of(report: &Report) -> Report {
    Report {
        name: String::new(),
        revision: 0,
        state: 0,
        latest_revision: 0,
        effective_revision: 0,
        published_revision: 0,
        etag: String::new(),
        create_time: None,
        update_time: None,
        submit_time: None,
        submitter: String::new(),
        accepter: String::new(),
        due_date: String::new(),
        late: false,
        state_reason: String::new(),
        return_reasons: Vec::new(),
        ..report.clone()
    }
}

/// All reports, revisions and events of the archive are those of the model.
fn compare(archive: &Archive, model: &Model) -> TestCaseResult {
    let listed = archive.reports(None, None, 1000, |_| true).expect("a list");
    let listed: Vec<String> = listed.items.into_iter().map(|report| report.name).collect();
    let mut expected: Vec<String> = model.reports.keys().map(|&key| id(key).to_string()).collect();
    expected.sort();
    prop_assert_eq!(listed, expected);
    prop_assert_eq!(archive.store().position(), Position::from_number(model.entries));
    for (&key, stored) in &model.reports {
        compare_report(archive, key, stored)?;
    }
    Ok(())
}

fn compare_report(archive: &Archive, key: Key, stored: &Stored) -> TestCaseResult {
    let id = id(key);
    let revisions = archive.revisions(&id, None, 1000).expect("revisions").items;
    let revisions: Vec<Report> = revisions.into_iter().filter_map(|r| r.report).collect();
    let expected: Vec<Report> = stored.revisions.iter().map(|&r| report(key, r)).collect();
    prop_assert_eq!(revisions, expected, "{}", id);

    let events = archive.events(&id, None, 1000).expect("events").items;
    let told: Vec<_> = events.iter().map(event).collect();
    let expected: Vec<_> = stored
        .events
        .iter()
        .zip(&stored.etags)
        .map(|(event, etag)| {
            let plain::Event { position, principal, action, from, stand } = event.clone();
            (position, principal.to_owned(), (action, from), stand, etag.clone())
        })
        .collect();
    prop_assert_eq!(told, expected, "{}", id);

    for (event, etag) in stored.events.iter().zip(&stored.etags) {
        let moment = Moment::Position(Position::from_number(event.position));
        let then = archive.report_at(&id, Version::Latest, moment).expect("it stood");
        let latest = stored.revisions[event.stand.latest as usize - 1];
        prop_assert_eq!((stand(&then), &then.etag), (event.stand.clone(), etag));
        prop_assert_eq!(content_of(&then), report(key, latest));
        let effective = archive.report_at(&id, Version::Effective, moment);
        prop_assert_eq!(effective.map_or(0, |r| r.revision), event.stand.effective);
    }
    let now = archive.report_at(&id, Version::Latest, Moment::Now).expect("it is stored");
    prop_assert_eq!(Some(&now.etag), stored.etags.last());
    Ok(())
}

/// An event, as far as a model can tell it.
fn event(
    event: &ReportEvent,
) -> (u64, String, (pb::ReportAction, pb::report::State), Stand, String) {
    let change = event.change.clone().expect("a change");
    let head = change.head.clone().expect("a head");
    let position = &event.receipt.as_ref().expect("a receipt").position;
    let position: Position = position.parse().expect("a position");
    let edge = (change.action(), change.from_state());
    (position.number(), event.principal.clone(), edge, stand(&head), head.etag)
}
