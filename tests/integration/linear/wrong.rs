//! Histories that are wrong, made by hand: a checker that cannot fail is none.

use nianbao::pb::ReportAction;
use nianbao::pb::report::State;

use super::history::{Ask, Call, Event, History, Refusal, Seen, Told, Wrong, check};

/// Three writes on one report, one after another, each read by somebody: all is well.
fn sound() -> History {
    let mut history = History { calls: Vec::new(), events: vec![Vec::new()] };
    write(&mut history, (0, 2), 1, ask(ReportAction::SaveDraft, ""), seen(State::Draft, 1, 1));
    read(&mut history, (3, 4), 0, seen(State::Draft, 1, 1));
    write(&mut history, (5, 8), 2, ask(ReportAction::Submit, "e1"), seen(State::Submitted, 2, 2));
    read(&mut history, (6, 7), 0, seen(State::Draft, 1, 1));
    read(&mut history, (9, 10), 2, seen(State::Submitted, 2, 2));
    write(&mut history, (11, 14), 3, ask(ReportAction::Accept, ""), seen(State::Accepted, 3, 2));
    history
}

fn seen(state: State, position: u64, revision: i32) -> Seen {
    Seen { state, etag: format!("e{position}"), revision }
}

/// Each new content is another, and the accepter is another than the submitter.
fn ask(action: ReportAction, etag: &str) -> Ask {
    let content = match action {
        ReportAction::SaveDraft => Some(1),
        ReportAction::Submit => Some(2),
        _ => None,
    };
    let principal = if action == ReportAction::Accept { "reviewer" } else { "clerk" };
    let (etag, request_id) = (etag.to_owned(), String::new());
    Ask { report: 0, action, principal, etag, request_id, content }
}

fn call(history: &mut History, (begin, end): (u64, u64), told: Told) {
    history.calls.push(Call { begin, end, told });
}

/// A write that was acknowledged, and its event after all others.
fn write(history: &mut History, time: (u64, u64), position: u64, ask: Ask, seen: Seen) {
    let from = history.events[0].last().map(|event| event.seen.state).unwrap_or_default();
    let (principal, action) = (ask.principal.to_owned(), ask.action);
    history.events[0].push(Event { position, principal, action, from, seen: seen.clone() });
    call(history, time, Told::Taken { ask, position, seen });
}

fn read(history: &mut History, time: (u64, u64), at_least: u64, seen: Seen) {
    call(history, time, Told::Read { report: 0, at_least, seen });
}

fn refuse(history: &mut History, time: (u64, u64), ask: Ask, why: Refusal) {
    call(history, time, Told::Refused { ask, why });
}

/// What is found in a sound history after something was done to it.
fn found(change: impl FnOnce(&mut History)) -> Vec<Wrong> {
    let mut history = sound();
    change(&mut history);
    let mut found: Vec<Wrong> = check(&history).into_iter().map(|(wrong, _)| wrong).collect();
    found.sort();
    found.dedup();
    found
}

/// The write at a position, as it was answered.
fn taken(history: &mut History, at: u64) -> &mut Call {
    let is_it =
        |call: &&mut Call| matches!(&call.told, Told::Taken { position, .. } if *position == at);
    history.calls.iter_mut().find(is_it).expect("it was taken")
}

#[test]
fn finds_nothing_in_a_sound_history() {
    assert_eq!(check(&sound()), []);
    let more = found(|history| {
        // A repetition, one beside the first, and refusals of each kind.
        let mut repeated = ask(ReportAction::Publish, "e3");
        repeated.request_id = "once".to_owned();
        let published = seen(State::Published, 4, 2);
        write(history, (20, 26), 4, repeated.clone(), published.clone());
        let again = || Told::Taken { ask: repeated.clone(), position: 4, seen: published.clone() };
        call(history, (21, 25), again());
        call(history, (30, 31), again());
        refuse(history, (22, 24), repeated.clone(), Refusal::Etag("e4".to_owned()));
        let stale = ask(ReportAction::Amend, "e2");
        refuse(history, (32, 33), stale, Refusal::Etag("e4".to_owned()));
        refuse(history, (23, 34), ask(ReportAction::Accept, ""), Refusal::State(State::Accepted));
        refuse(history, (6, 7), ask(ReportAction::Return, ""), Refusal::State(State::Draft));
        refuse(history, (0, 1), ask(ReportAction::Accept, ""), Refusal::NotFound);
        let own = Ask { principal: "clerk", ..ask(ReportAction::Accept, "e2") };
        refuse(history, (12, 13), own, Refusal::OwnSubmission);
        read(history, (0, 1), 0, Seen::default());
        read(history, (12, 13), 0, seen(State::Accepted, 3, 2));
        read(history, (24, 27), 4, published.clone());
    });
    assert_eq!(more, []);
}

#[test]
fn reports_a_lost_update() {
    // Two have read the same draft; both were told that their submission was taken.
    let both = found(|history| {
        let told = Told::Taken {
            ask: Ask { principal: "deputy", ..ask(ReportAction::Submit, "e1") },
            position: 4,
            seen: seen(State::Submitted, 4, 2),
        };
        call(history, (5, 12), told);
    });
    assert_eq!(both, [Wrong::Lost], "one of them is not there");
    let over = found(|history| {
        let mut second = ask(ReportAction::SaveDraft, "e1");
        second.content = Some(7);
        history.events[0].truncate(1);
        history.calls.truncate(2);
        write(history, (5, 9), 2, ask(ReportAction::SaveDraft, "e1"), seen(State::Draft, 2, 1));
        write(history, (6, 8), 3, second, seen(State::Draft, 3, 2));
    });
    assert_eq!(over, [Wrong::Overwrote], "the second went over the first");
    let unread = found(|history| history.events[0][2].from = State::Returned);
    assert_eq!(unread, [Wrong::Broken]);
    let gone = found(|history| drop(history.events[0].remove(1)));
    assert_eq!(gone[..2], [Wrong::Broken, Wrong::Unlawful]);
    assert!(gone.contains(&Wrong::Lost));
}

#[test]
fn reports_a_stale_read() {
    let old = || seen(State::Draft, 1, 1);
    let after_the_receipt = found(|history| read(history, (9, 10), 0, old()));
    assert_eq!(after_the_receipt, [Wrong::Stale]);
    let below_at_least = found(|history| read(history, (6, 7), 2, old()));
    assert_eq!(below_at_least, [Wrong::Stale]);
    let going_back = found(|history| {
        read(history, (5, 6), 0, seen(State::Submitted, 2, 2));
        read(history, (7, 8), 0, old());
    });
    assert_eq!(going_back, [Wrong::Stale], "what one has read the next reads too");
    let nothing = found(|history| read(history, (3, 4), 0, Seen::default()));
    assert_eq!(nothing, [Wrong::Stale]);
    // Of another report, but in the same journal.
    let elsewhere = found(|history| {
        history.events.push(Vec::new());
        let other = Ask { report: 1, ..ask(ReportAction::SaveDraft, "") };
        let draft = seen(State::Draft, 9, 1);
        let (principal, action) = (other.principal.to_owned(), other.action);
        let event =
            Event { position: 9, principal, action, from: State::Unspecified, seen: draft.clone() };
        history.events[1].push(event);
        call(history, (20, 21), Told::Taken { ask: other, position: 9, seen: draft });
        read(history, (22, 23), 0, seen(State::Submitted, 2, 2));
    });
    assert_eq!(elsewhere, [Wrong::Stale]);
}

#[test]
fn reports_a_read_of_what_was_not_written() {
    let early = found(|history| read(history, (9, 10), 0, seen(State::Accepted, 3, 2)));
    assert!(early.contains(&Wrong::Invented), "{early:?}");
    let never = found(|history| read(history, (9, 10), 0, seen(State::Draft, 7, 2)));
    assert_eq!(never, [Wrong::Invented]);
    let mixed = found(|history| read(history, (9, 10), 0, seen(State::Submitted, 2, 1)));
    assert_eq!(mixed, [Wrong::Invented], "the etag of one, the revision of another");
}

#[test]
fn reports_a_doubled_repeat() {
    let twice = found(|history| {
        let repeated = Ask { request_id: "once".to_owned(), ..ask(ReportAction::Publish, "") };
        write(history, (20, 21), 4, repeated.clone(), seen(State::Published, 4, 2));
        write(history, (24, 25), 6, ask(ReportAction::Amend, ""), seen(State::Amending, 6, 2));
        let submit = Ask { principal: "deputy", ..ask(ReportAction::Submit, "") };
        write(history, (26, 27), 7, submit, seen(State::Submitted, 7, 2));
        write(history, (28, 29), 8, ask(ReportAction::Accept, ""), seen(State::Accepted, 8, 2));
        write(history, (30, 31), 9, repeated, seen(State::Published, 9, 2));
    });
    assert_eq!(twice, [Wrong::Doubled]);
    let unanswered = found(|history| {
        let repeated = Ask { request_id: "once".to_owned(), ..ask(ReportAction::Publish, "") };
        write(history, (20, 21), 4, repeated.clone(), seen(State::Published, 4, 2));
        refuse(history, (22, 23), repeated, Refusal::State(State::Published));
    });
    assert_eq!(unanswered, [Wrong::Unjust], "the first answer was due");
    let otherwise = found(|history| {
        let repeated = Ask { request_id: "once".to_owned(), ..ask(ReportAction::Publish, "") };
        write(history, (20, 21), 4, repeated.clone(), seen(State::Published, 4, 2));
        let seen = seen(State::Published, 5, 2);
        call(history, (22, 23), Told::Taken { ask: repeated, position: 4, seen });
    });
    assert_eq!(otherwise, [Wrong::Lost], "another answer than the first");
    let shared = found(|history| {
        let told = taken(history, 3).told.clone();
        call(history, (12, 13), told);
    });
    assert_eq!(shared, [Wrong::Doubled], "two without an id have one place");
    let listed = found(|history| {
        let event = history.events[0][2].clone();
        history.events[0].push(event);
    });
    assert!(listed.contains(&Wrong::Doubled), "{listed:?}");
}

#[test]
fn reports_an_order_that_time_forbids() {
    let order = found(|history| {
        // The second was there before the first was asked for.
        (taken(history, 1).begin, taken(history, 1).end) = (40, 41);
    });
    assert!(order.contains(&Wrong::Reversed), "{order:?}");
    let elsewhere = found(|history| {
        history.calls.retain(|call| matches!(call.told, Told::Taken { .. }));
        (taken(history, 3).begin, taken(history, 3).end) = (0, 1);
    });
    assert_eq!(elsewhere, [Wrong::Reversed]);
    let listed = found(|history| history.events[0].swap(1, 2));
    assert!(listed.contains(&Wrong::Broken), "{listed:?}");
}

#[test]
fn reports_a_refused_write_that_is_there() {
    let there = found(|history| {
        write(history, (20, 21), 4, ask(ReportAction::Publish, ""), seen(State::Published, 4, 2));
        history.calls.pop();
        refuse(history, (20, 21), ask(ReportAction::Publish, ""), Refusal::State(State::Published));
    });
    assert!(there.contains(&Wrong::Unasked), "{there:?}");
}

#[test]
fn reports_an_unjust_refusal() {
    let cases = [
        ("its etag was right", (12, 13), ask(ReportAction::Return, "e2"), etag("e2")),
        ("that etag was long gone", (12, 13), ask(ReportAction::Return, "e0"), etag("e1")),
        ("that state was long gone", (12, 13), ask(ReportAction::Accept, ""), state(State::Draft)),
        (
            "that state was not there yet",
            (9, 10),
            ask(ReportAction::Accept, ""),
            state(State::Accepted),
        ),
        ("that state allows it", (12, 13), ask(ReportAction::Accept, ""), state(State::Submitted)),
        ("it was there", (3, 4), ask(ReportAction::Accept, ""), Refusal::NotFound),
        ("it is another's", (12, 13), ask(ReportAction::Accept, ""), Refusal::OwnSubmission),
    ];
    for (case, time, ask, why) in cases {
        assert_eq!(found(|history| refuse(history, time, ask, why)), [Wrong::Unjust], "{case}");
    }
}

fn etag(etag: &str) -> Refusal {
    Refusal::Etag(etag.to_owned())
}

fn state(state: State) -> Refusal {
    Refusal::State(state)
}

#[test]
fn reports_a_step_against_the_life_of_a_report() {
    let own = found(|history| {
        let own = Ask { principal: "clerk", ..ask(ReportAction::Accept, "") };
        history.events[0][2].principal = "clerk".to_owned();
        let Told::Taken { ask, .. } = &mut taken(history, 3).told else { return };
        *ask = own;
    });
    assert_eq!(own, [Wrong::Unlawful], "nobody accepts what he submitted");
    let revision = found(|history| {
        history.events[0][2].seen.revision = 3;
        let Told::Taken { seen, .. } = &mut taken(history, 3).told else { return };
        seen.revision = 3;
    });
    assert_eq!(revision, [Wrong::Unlawful], "no new content, no revision");
    let answered = found(|history| {
        let Told::Taken { seen, .. } = &mut taken(history, 3).told else { return };
        seen.etag = "e9".to_owned();
    });
    assert_eq!(answered, [Wrong::Lost], "another etag than the one that stands there");
}
