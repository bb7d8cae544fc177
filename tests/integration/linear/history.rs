//! What clients were told and when, and whether one order of the writes explains it.
//!
//! Time is logical: a ticket is taken before a call is sent, and another when its answer is there.

use std::collections::{BTreeMap, BTreeSet};

use nianbao::life;
use nianbao::pb::ReportAction;
use nianbao::pb::report::State;

/// What is told of a report; the default is one that is not stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub state: State,
    pub etag: String,
    pub revision: i32,
}

/// What was to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub report: usize,
    pub action: ReportAction,
    pub principal: &'static str,
    /// Empty where none was sent.
    pub etag: String,
    /// Empty where none was sent.
    pub request_id: String,
    /// What tells the content from others; `None` where none was sent.
    pub content: Option<usize>,
}

/// Why a write was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The etag is another, and this is the present one.
    Etag(String),
    /// The state is this one.
    State(State),
    /// No such report is stored.
    NotFound,
    /// The caller has submitted it.
    OwnSubmission,
}

/// A call and its answer.
#[derive(Clone, Debug)]
pub enum Told {
    Taken { ask: Ask, position: u64, seen: Seen },
    Refused { ask: Ask, why: Refusal },
    Read { report: usize, at_least: u64, seen: Seen },
}

/// A call, between its two tickets.
#[derive(Clone, Debug)]
pub struct Call {
    pub begin: u64,
    pub end: u64,
    pub told: Told,
}

/// What the server lists of a report in the end.
#[derive(Clone, Debug)]
pub struct Event {
    pub position: u64,
    pub principal: String,
    pub action: ReportAction,
    pub from: State,
    pub seen: Seen,
}

/// All calls, and the events of each report in the order in which they were listed.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub calls: Vec<Call>,
    pub events: Vec<Vec<Event>>,
}

/// What no order of the writes explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Events do not form a path: one does not begin where the one before has ended.
    Broken,
    /// An event is not what its action makes of the report as it was.
    Unlawful,
    /// A write was taken though its etag named another state than the one that it changed.
    Overwrote,
    /// An acknowledged write is not there, or not as it was answered.
    Lost,
    /// An event is of no acknowledged write.
    Unasked,
    /// One request was written twice, or two requests have one place.
    Doubled,
    /// A write stands before one that was known when it began.
    Reversed,
    /// A read is older than what was known when it began.
    Stale,
    /// A read is of what was not written yet when it ended, or never.
    Invented,
    /// A refusal is for what was so at no moment of the call.
    Unjust,
}

/// One thing that is wrong, and where.
pub type Complaint = (Wrong, String);

/// A report between two events.
#[derive(Clone, Debug, Default)]
struct Stand {
    /// From this position on.
    position: u64,
    /// Up to this one, which has the next.
    until: u64,
    /// When the first call began that may have written it.
    begin: u64,
    seen: Seen,
    submitter: String,
    content: Option<usize>,
}

/// When a write was made: after the first of its calls began, before the first of them ended.
struct Made<'a> {
    begin: u64,
    end: u64,
    ask: &'a Ask,
    seen: &'a Seen,
}

struct Checker<'a> {
    history: &'a History,
    made: BTreeMap<u64, Made<'a>>,
    /// From which ticket on a position was known to somebody.
    known: Vec<(u64, u64)>,
    stands: Vec<Vec<Stand>>,
    complaints: Vec<Complaint>,
}

/// All that is wrong with a history.
pub fn check(history: &History) -> Vec<Complaint> {
    let made = BTreeMap::new();
    let stands = Vec::new();
    let mut checker = Checker { history, made, known: Vec::new(), stands, complaints: Vec::new() };
    checker.gather_writes();
    checker.follow_events();
    checker.gather_known();
    checker.check_order();
    for call in &history.calls {
        match &call.told {
            Told::Taken { .. } => {}
            Told::Read { report, at_least, seen } => checker.read(call, *report, *at_least, seen),
            Told::Refused { ask, why } => checker.refusal(call, ask, why),
        }
    }
    checker.complaints
}

impl<'a> Checker<'a> {
    fn complain(&mut self, wrong: Wrong, text: String) {
        self.complaints.push((wrong, text));
    }

    /// Brings together what was answered for one position, and checks that it is one request.
    fn gather_writes(&mut self) {
        let mut places = BTreeMap::new();
        for call in &self.history.calls {
            let Told::Taken { ask, position, seen } = &call.told else { continue };
            if !ask.request_id.is_empty() {
                let request = (ask.principal, ask.action as i32, &ask.request_id);
                let place = *places.entry(request).or_insert(*position);
                if place != *position {
                    self.complain(Wrong::Doubled, format!("{ask:?} at {place} and {position}"));
                }
            }
            let (begin, end) = (call.begin, call.end);
            let Some(made) = self.made.get_mut(position) else {
                self.made.insert(*position, Made { begin, end, ask, seen });
                continue;
            };
            made.begin = made.begin.min(begin);
            made.end = made.end.min(end);
            let (first, answered) = (made.ask, made.seen);
            if first != ask || ask.request_id.is_empty() {
                self.complain(Wrong::Doubled, format!("{position}: {first:?} and {ask:?}"));
            } else if answered != seen {
                let text = format!("{ask:?} at {position}: {answered:?}, repeated {seen:?}");
                self.complain(Wrong::Lost, text);
            }
        }
    }

    /// Goes from event to event of each report, and writes down how it stood in between.
    fn follow_events(&mut self) {
        let mut listed = BTreeSet::new();
        for (report, events) in self.history.events.iter().enumerate() {
            let mut stands = vec![Stand { until: u64::MAX, ..Stand::default() }];
            for event in events {
                let last = stands.len() - 1;
                let before = &mut stands[last];
                before.until = event.position;
                let before = before.clone();
                if event.position <= before.position {
                    let text = format!("report {report}: {event:?} after {}", before.position);
                    self.complain(Wrong::Broken, text);
                }
                if !listed.insert(event.position) {
                    self.complain(Wrong::Doubled, format!("{event:?} is listed twice"));
                }
                stands.push(self.follow(report, &before, event));
            }
            self.stands.push(stands);
        }
        for (position, made) in &self.made {
            if !listed.contains(position) {
                let text = format!("{:?} was answered {position}, and is not there", made.ask);
                self.complaints.push((Wrong::Lost, text));
            }
        }
    }

    /// Holds one event against the report as it was and against the write that was answered.
    fn follow(&mut self, report: usize, before: &Stand, event: &Event) -> Stand {
        let mut after = Stand {
            position: event.position,
            until: u64::MAX,
            begin: u64::MAX,
            seen: event.seen.clone(),
            submitter: before.submitter.clone(),
            content: before.content,
        };
        let wrong = |wrong: Wrong, why: &str| (wrong, format!("{why}: {event:?} after {before:?}"));
        let was = &before.seen;
        if event.from != was.state {
            self.complaints.push(wrong(Wrong::Broken, "begins elsewhere"));
        }
        if life::next(was.state, event.action) != Some(event.seen.state) {
            self.complaints.push(wrong(Wrong::Unlawful, "leads elsewhere"));
        }
        let Some(made) = self.made.get(&event.position) else {
            self.complaints.push(wrong(Wrong::Unasked, "nobody was told"));
            return after;
        };
        let Ask { action, principal, etag, content, .. } = made.ask;
        if made.ask.report != report || *action != event.action || *principal != event.principal {
            self.complaints.push(wrong(Wrong::Lost, &format!("there was {:?}", made.ask)));
        }
        if *made.seen != event.seen {
            self.complaints.push(wrong(Wrong::Lost, &format!("answered {:?}", made.seen)));
        }
        if !etag.is_empty() && *etag != was.etag {
            self.complaints.push(wrong(Wrong::Overwrote, &format!("by {:?}", made.ask)));
        }
        after.begin = made.begin;
        after.content = content.or(before.content);
        let is_new = i32::from(after.content != before.content);
        if event.seen.revision != was.revision + is_new {
            self.complaints.push(wrong(Wrong::Unlawful, "another revision is due"));
        }
        match event.action {
            ReportAction::Submit => event.principal.clone_into(&mut after.submitter),
            ReportAction::Accept if event.principal == before.submitter => {
                self.complaints.push(wrong(Wrong::Unlawful, "his own submission"));
            }
            _ => {}
        }
        after
    }

    /// Which positions were known when: those of receipts, and those that were read.
    fn gather_known(&mut self) {
        self.known = self.made.iter().map(|(position, made)| (made.end, *position)).collect();
        for call in &self.history.calls {
            let (report, etag) = match &call.told {
                Told::Read { report, seen, .. } => (*report, &seen.etag),
                Told::Refused { ask, why: Refusal::Etag(etag) } => (ask.report, etag),
                _ => continue,
            };
            if let Some(stand) = self.stand(report, etag) {
                self.known.push((call.end, stand.position));
            }
        }
    }

    fn stand(&self, report: usize, etag: &str) -> Option<&Stand> {
        self.stands.get(report)?.iter().find(|stand| stand.seen.etag == etag)
    }

    /// The greatest position that somebody knew by then.
    fn known(&self, ticket: u64) -> u64 {
        let known = self.known.iter().filter(|(from, _)| *from < ticket);
        known.map(|(_, position)| *position).max().unwrap_or(0)
    }

    fn check_order(&mut self) {
        for (position, made) in &self.made {
            let known = self.known(made.begin);
            if known >= *position {
                let text = format!("{:?} at {position} began when {known} was known", made.ask);
                self.complaints.push((Wrong::Reversed, text));
            }
        }
    }

    fn read(&mut self, call: &Call, report: usize, at_least: u64, seen: &Seen) {
        let known = self.known(call.begin).max(at_least);
        let wrong = match self.stand(report, &seen.etag) {
            None => Wrong::Invented,
            Some(stand) if stand.seen != *seen || stand.begin >= call.end => Wrong::Invented,
            Some(stand) if stand.until <= known => Wrong::Stale,
            Some(_) => return,
        };
        self.complain(wrong, format!("{call:?} when {known} was known"));
    }

    fn refusal(&mut self, call: &Call, ask: &Ask, why: &Refusal) {
        let known = self.known(call.begin);
        let stands = self.stands.get(ask.report).map_or(&[][..], Vec::as_slice);
        // How it stood at some moment of the call.
        let mut possible = stands.iter().filter(|s| s.until > known && s.begin < call.end);
        let by_etag = |stand: &Stand| ask.etag.is_empty() || ask.etag == stand.seen.etag;
        let is_just = match why {
            Refusal::Etag(now) => possible.any(|stand| stand.seen.etag == *now && !by_etag(stand)),
            Refusal::State(now) => possible.any(|stand| {
                let refused = life::next(*now, ask.action).is_none();
                stand.seen.state == *now && refused && by_etag(stand)
            }),
            Refusal::NotFound => possible
                .any(|stand| stand.seen.state == State::Unspecified && ask.content.is_none()),
            Refusal::OwnSubmission => possible.any(|stand| {
                let submitted = stand.seen.state == State::Submitted;
                submitted && ask.principal == stand.submitter && by_etag(stand)
            }),
        };
        // The first answer was due.
        let is_repeated = self
            .made
            .values()
            .find(|made| !ask.request_id.is_empty() && made.ask == ask && made.end < call.begin);
        if !is_just || is_repeated.is_some() {
            self.complain(Wrong::Unjust, format!("{call:?} when {known} was known"));
        }
    }
}
