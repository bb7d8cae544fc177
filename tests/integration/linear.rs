//! Many clients at once on few reports: what they were told fits one order of the writes.
//!
//! `NIANBAO_LINEAR_ROUNDS=100 cargo test --test integration linear` looks longer;
//! `NIANBAO_LINEAR_SEED=7` runs the round of one seed.

mod history;
mod wrong;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nianbao::life;
use nianbao::pb::report::State;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Report, ReportAction};
use nianbao::store::{Faults, Options, Position};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::support::{Details, Numbers, TestServer, housing, register_organ, set};
use history::{Ask, Call, Event, History, Refusal, Seen, Told, check};

const ROUNDS: u64 = 6;
const CLIENTS: usize = 8;
const REPORTS: usize = 3;
/// So many steps a client; a step is one call, or two where one is repeated.
const STEPS: usize = 50;
/// Few, so that the same content comes again.
const CONTENTS: usize = 4;

const PRINCIPALS: [&str; 3] = ["clerk", "deputy", "reviewer"];
const ACTIONS: [ReportAction; 6] = [
    ReportAction::SaveDraft,
    ReportAction::Submit,
    ReportAction::Return,
    ReportAction::Accept,
    ReportAction::Publish,
    ReportAction::Amend,
];

/// What must have happened in all rounds together, or the test shows less than it says.
const REACHED: &[&str] = &[
    "SaveDraft taken",
    "Submit taken",
    "Submit taken, of a draft",
    "Return taken",
    "Accept taken",
    "Publish taken",
    "Amend taken",
    "taken with an etag",
    "taken again",
    "refused by etag",
    "refused by state",
    "refused as not there",
    "refused as his own",
    "read",
    "read at least",
];

/// What all clients of a round share.
struct Stage {
    names: [String; REPORTS],
    ticket: AtomicU64,
    /// The greatest position of a receipt.
    reached: AtomicU64,
    base: Report,
}

impl Stage {
    /// Three reports of one organ, or of three.
    fn new(is_one_organ: bool) -> Self {
        let name = |index: usize| match is_one_organ {
            true => format!("organs/o0/reports/{}-own", 2021 + index),
            false => format!("organs/o{index}/reports/2023-own"),
        };
        Self {
            names: std::array::from_fn(name),
            ticket: AtomicU64::new(0),
            reached: AtomicU64::new(0),
            base: housing(),
        }
    }

    fn ticket(&self) -> u64 {
        self.ticket.fetch_add(1, Ordering::SeqCst)
    }

    /// A report whose figures tell which content it is.
    fn content(&self, report: usize, mark: usize) -> Report {
        let (organ, rest) = self.names[report].split_once("/reports/").expect("a name");
        let year: i32 = rest[..4].parse().expect("a year");
        let mut content = Report { organ: organ.to_owned(), year, ..self.base.clone() };
        set(&mut content, "disclosure.licensing_decisions", &mark.to_string());
        // Else a year might seem copied from the one before.
        set(&mut content, "disclosure.penalty_decisions", &year.to_string());
        content
    }
}

/// One client, with what it has seen so far and the history of its calls.
struct Client {
    who: usize,
    numbers: Numbers,
    channel: Channel,
    stage: Arc<Stage>,
    seen: [Vec<Seen>; REPORTS],
    asked: Vec<Ask>,
    calls: Vec<Call>,
}

type Answer = Result<(Option<Report>, Option<pb::Receipt>), Status>;

impl Client {
    async fn run(mut self) -> Vec<Call> {
        for step in 0..STEPS {
            let report = self.numbers.below(REPORTS);
            match self.numbers.below(10) {
                0..=2 => self.read(report).await,
                3 => self.list(report).await,
                4 if !self.asked.is_empty() => {
                    let earlier = self.numbers.below(self.asked.len());
                    self.write(self.asked[earlier].clone()).await;
                }
                _ => {
                    let ask = self.next(report, step);
                    self.begin(ask).await;
                }
            }
        }
        self.calls
    }

    /// Mostly what may be done by what the client knows; otherwise anything.
    fn next(&mut self, report: usize, step: usize) -> Ask {
        let known = &self.seen[report];
        let last = known.last().cloned().unwrap_or_default();
        let (fresh, other) = (last.etag, known.get(self.numbers.below(known.len().max(1))));
        let etag = match self.numbers.below(10) {
            0..=3 => String::new(),
            4..=7 => fresh,
            _ => other.map(|seen| seen.etag.clone()).unwrap_or_default(),
        };
        let mut actions = ACTIONS.to_vec();
        if self.numbers.below(10) < 8 {
            actions.retain(|action| life::next(last.state, *action).is_some());
        }
        let action = actions[self.numbers.below(actions.len())];
        let is_of_draft = action == ReportAction::Submit && self.numbers.below(3) == 0;
        let has_content =
            matches!(action, ReportAction::SaveDraft | ReportAction::Submit) && !is_of_draft;
        let has_id = self.numbers.below(5) < 2;
        Ask {
            report,
            action,
            principal: PRINCIPALS[self.numbers.below(PRINCIPALS.len())],
            etag,
            request_id: if has_id { format!("{}-{step}", self.who) } else { String::new() },
            content: has_content.then(|| self.numbers.below(CONTENTS)),
        }
    }

    /// A new write; with a request id it is often sent again, at once or one after the other.
    async fn begin(&mut self, ask: Ask) {
        if ask.request_id.is_empty() {
            return self.write(ask).await;
        }
        self.asked.push(ask.clone());
        match self.numbers.below(4) {
            0 => {
                let (one, other) = tokio::join!(self.send(&ask), self.send(&ask));
                self.note(one);
                self.note(other);
            }
            1 => {
                self.write(ask.clone()).await;
                self.write(ask).await;
            }
            _ => self.write(ask).await,
        }
    }

    async fn write(&mut self, ask: Ask) {
        let call = self.send(&ask).await;
        self.note(call);
    }

    fn note(&mut self, call: Call) {
        match &call.told {
            Told::Taken { ask, position, seen } => {
                self.seen[ask.report].push(seen.clone());
                self.stage.reached.fetch_max(*position, Ordering::SeqCst);
            }
            Told::Read { report, seen, .. } => self.seen[*report].push(seen.clone()),
            Told::Refused { .. } => {}
        }
        self.calls.push(call);
    }

    async fn send(&self, ask: &Ask) -> Call {
        let begin = self.stage.ticket();
        let answer = self.answer(ask).await;
        let end = self.stage.ticket();
        let ask = ask.clone();
        let told = match answer {
            Ok((report, receipt)) => {
                let receipt = receipt.expect("stored");
                let seen = seen(&report.expect("the report"));
                Told::Taken { ask, position: position(&receipt), seen }
            }
            Err(status) => Told::Refused { ask, why: refusal(&status) },
        };
        Call { begin, end, told }
    }

    async fn answer(&self, ask: &Ask) -> Answer {
        let mut client = ReportServiceClient::new(self.channel.clone());
        let (stage, name) = (&self.stage, self.stage.names[ask.report].clone());
        let (etag, request_id) = (ask.etag.clone(), ask.request_id.clone());
        let content = ask.content.map(|mark| Box::new(stage.content(ask.report, mark)));
        let reason = "漏计".to_owned();
        // Each method has messages of its own, with the same fields.
        macro_rules! call {
            ($method:ident, $request:ident { $($field:ident),* }) => {{
                let request = pb::$request { etag, request_id, $($field,)* ..Default::default() };
                let mut request = Request::new(request);
                let principal = ask.principal.parse().expect("ascii");
                request.metadata_mut().insert("nianbao-principal", principal);
                let answer = client.$method(request).await?.into_inner();
                Ok((answer.report, answer.receipt))
            }};
        }
        match (ask.action, content) {
            (ReportAction::SaveDraft, report) => call!(save_draft, SaveDraftRequest { report }),
            (ReportAction::Submit, None) => call!(submit_report, SubmitReportRequest { name }),
            (ReportAction::Submit, report) => {
                call!(submit_report, SubmitReportRequest { report })
            }
            (ReportAction::Return, _) => {
                let reasons =
                    vec![pb::ReturnReason { text: "请核对".to_owned(), ..Default::default() }];
                call!(return_report, ReturnReportRequest { name, reasons })
            }
            (ReportAction::Accept, _) => call!(accept_report, AcceptReportRequest { name }),
            (ReportAction::Publish, _) => call!(publish_report, PublishReportRequest { name }),
            (ReportAction::Amend, _) => {
                call!(amend_report, AmendReportRequest { name, reason })
            }
            (other, _) => panic!("{other:?} is not among the actions"),
        }
    }

    /// Reads a report as it stands, at times no older than a position, which may lie ahead.
    async fn read(&mut self, report: usize) {
        let at_least = match self.numbers.below(20) {
            0..=9 => 0,
            10..=18 => self.stage.reached.load(Ordering::SeqCst),
            _ => self.stage.reached.load(Ordering::SeqCst) + 1,
        };
        let text = Position::from_number(at_least).to_string();
        let name = self.stage.names[report].clone();
        let at = if at_least == 0 { String::new() } else { text };
        let request = pb::GetReportRequest { name, at_least: at, ..Default::default() };
        let begin = self.stage.ticket();
        let answer = ReportServiceClient::new(self.channel.clone()).get_report(request).await;
        let end = self.stage.ticket();
        let seen = match answer {
            Ok(report) => seen(&report.into_inner()),
            Err(status) => match Details::of(&status).info.reason.as_str() {
                "REPORT_NOT_FOUND" => Seen::default(),
                // Nobody wrote so far in the time that is given: the others were done.
                "POSITION_NOT_REACHED" => return,
                other => panic!("{other}: {status}"),
            },
        };
        self.note(Call { begin, end, told: Told::Read { report, at_least, seen } });
    }

    /// Reads a report from its last event.
    async fn list(&mut self, report: usize) {
        let begin = self.stage.ticket();
        let events = events(&self.channel, &self.stage.names[report], "").await;
        let end = self.stage.ticket();
        let seen = events.last().map(|event| event.seen.clone()).unwrap_or_default();
        self.note(Call { begin, end, told: Told::Read { report, at_least: 0, seen } });
    }
}

fn seen(report: &Report) -> Seen {
    let (etag, revision) = (report.etag.clone(), report.latest_revision);
    Seen { state: report.state(), etag, revision }
}

fn position(receipt: &pb::Receipt) -> u64 {
    receipt.position.parse::<Position>().expect("a position").number()
}

fn refusal(status: &Status) -> Refusal {
    let Details { info, .. } = Details::of(status);
    let told = |key: &str| info.metadata.get(key).cloned().expect("the status tells it");
    match info.reason.as_str() {
        "ETAG_MISMATCH" => Refusal::Etag(told("etag")),
        "REPORT_STATE" => Refusal::State(State::from_str_name(&told("state")).expect("a state")),
        "REPORT_NOT_FOUND" => Refusal::NotFound,
        "SUBMITTER_ACCEPTS" => Refusal::OwnSubmission,
        other => panic!("{other}: {status}"),
    }
}

/// The events of a report; none where it is not stored.
async fn events(channel: &Channel, name: &str, at_least: &str) -> Vec<Event> {
    let request = pb::ListReportEventsRequest {
        parent: name.to_owned(),
        page_size: 1000,
        at_least: at_least.to_owned(),
        ..Default::default()
    };
    let page = match ReportServiceClient::new(channel.clone()).list_report_events(request).await {
        Ok(page) => page.into_inner(),
        Err(status) if Details::of(&status).info.reason == "REPORT_NOT_FOUND" => return Vec::new(),
        Err(status) => panic!("{status}"),
    };
    assert_eq!(page.next_page_token, "", "one page holds all");
    let event = |event: pb::ReportEvent| {
        let change = event.change.expect("a change");
        let head = change.head.as_ref().expect("a head");
        Event {
            position: position(&event.receipt.expect("a receipt")),
            principal: event.principal,
            action: change.action(),
            from: change.from_state(),
            seen: seen(head),
        }
    };
    page.events.into_iter().map(event).collect()
}

/// Runs all clients of one seed, and answers what they were told.
async fn round(seed: u64) -> History {
    let data = tempfile::tempdir().expect("a folder");
    let stage = Arc::new(Stage::new(seed.is_multiple_of(2)));
    let mut faults = Faults::default();
    if seed.is_multiple_of(3) {
        // What lies over the index is read for longer, and in two layers.
        faults.apply = Some(Arc::new(|| {
            std::thread::sleep(Duration::from_millis(60));
            Ok(())
        }));
    }
    let server = TestServer::with(data.path(), Options { faults, ..Options::default() }).await;
    let channel = server.channel().await;
    for organ in 0..REPORTS {
        register_organ(&channel, &format!("o{organ}"), None).await;
    }
    let mut clients = tokio::task::JoinSet::new();
    for who in 0..CLIENTS {
        let client = Client {
            who,
            numbers: Numbers::new(seed * CLIENTS as u64 + who as u64),
            channel: server.channel().await,
            stage: stage.clone(),
            seen: Default::default(),
            asked: Vec::new(),
            calls: Vec::new(),
        };
        clients.spawn(client.run());
    }
    let calls = clients.join_all().await.concat();
    let reached = Position::from_number(stage.reached.load(Ordering::SeqCst)).to_string();
    let mut all = Vec::new();
    for name in &stage.names {
        all.push(events(&channel, name, &reached).await);
    }
    server.stop().await;
    History { calls, events: all }
}

/// Counts what happened, by the words of [`REACHED`].
fn count(history: &History, counts: &mut BTreeMap<String, usize>) {
    let mut places = std::collections::BTreeSet::new();
    for call in &history.calls {
        let what = match &call.told {
            Told::Taken { ask, position, .. } => {
                if !places.insert(*position) {
                    *counts.entry("taken again".to_owned()).or_default() += 1;
                }
                if !ask.etag.is_empty() {
                    *counts.entry("taken with an etag".to_owned()).or_default() += 1;
                }
                let of_draft = ask.action == ReportAction::Submit && ask.content.is_none();
                format!("{:?} taken{}", ask.action, if of_draft { ", of a draft" } else { "" })
            }
            Told::Refused { why, .. } => match why {
                Refusal::Etag(_) => "refused by etag".to_owned(),
                Refusal::State(_) => "refused by state".to_owned(),
                Refusal::NotFound => "refused as not there".to_owned(),
                Refusal::OwnSubmission => "refused as his own".to_owned(),
            },
            Told::Read { at_least: 0, .. } => "read".to_owned(),
            Told::Read { .. } => "read at least".to_owned(),
        };
        *counts.entry(what).or_default() += 1;
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_clients_are_told_at_once_fits_one_order_of_the_writes() {
    let one = number("NIANBAO_LINEAR_SEED");
    let seeds = one.map_or(1..=number("NIANBAO_LINEAR_ROUNDS").unwrap_or(ROUNDS), |s| s..=s);
    let mut counts = BTreeMap::new();
    for seed in seeds {
        let history = round(seed).await;
        count(&history, &mut counts);
        let complaints = check(&history);
        let text: Vec<String> =
            complaints.iter().map(|(w, text)| format!("{w:?}: {text}")).collect();
        assert!(complaints.is_empty(), "seed {seed}:\n{}", text.join("\n"));
    }
    println!("{counts:#?}");
    let missing: Vec<_> = REACHED.iter().filter(|what| !counts.contains_key(**what)).collect();
    assert!(missing.is_empty() || one.is_some(), "never reached: {missing:?}");
}
