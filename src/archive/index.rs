//! What an entry of the journal means: the keys and values under which it can be found.
//!
//! Everything here is pure. The same entry gives the same puts and the same answer on the day when
//! it is written, at a repetition of its request, and at every rebuild. A change of what is put
//! changes [`INDEX`]'s version.
//!
//! | key | value |
//! | --- | --- |
//! | `o/{organ}` | `Organ` |
//! | `k/{parent}!{child}` | the child's id: it reports, or once did, to the parent in some year |
//! | `m/{successor}!{organ}` | the organ's id: it was, or once was to be, merged into it |
//! | `t/` | the position of the last entry with an organ: on it rests who rests on the tree |
//! | `r/{organ}!{year}-{scope}` | the head of a `Report`: state and all that is output only |
//! | `v/{organ}!{year}-{scope}!{revision}` | `Revision` without its content |
//! | `c/{position}` | the content of the revision that was written there: a `Report` |
//! | `h/{organ}!{year}-{scope}!{position}` | `ReportEvent`: what was done, with the head after it |
//! | `d/{year}-{scope}-{level}` | `Deadline` |
//! | `q/{digest}` | the header of the entry that answered a request id |
//!
//! `!` sorts before all that an id may hold, so that reports stand in the order of their organs.
//! Contents stand in the order of their writes: they are nine tenths of the bytes, so what a write
//! touches elsewhere is small and stays in the cache.

use std::collections::BTreeSet;
use std::fmt;

use jiff::tz::TimeZone;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::names::{OrganId, ReportId, scope_word};
use crate::pb::{
    Change, Deadline, Organ, OrganImport, Receipt, Report, ReportAction, ReportChange, ReportEvent,
    Revision, Scope, Timestamp, organ,
};
use crate::query::hex;
use crate::store::{Index, Pair, Position, Recorded};

/// How the store finds what the journal holds.
pub const INDEX: Index = Index { version: 4, puts, once };

/// Hex digits of an etag: enough that no two states of a resource share one by chance.
const ETAG_DIGITS: usize = 16;

pub(super) fn organ_key(id: &OrganId) -> Vec<u8> {
    format!("o/{}", id.as_str()).into_bytes()
}

/// Of the stamp that each entry with an organ changes.
pub(super) const TREE_KEY: &[u8] = b"t/";

/// Of all organs that report, or once did, to a parent. Nothing is ever taken out of the index, so
/// whether they still do is for the organs themselves to say.
pub(super) fn children_prefix(parent: &OrganId) -> Vec<u8> {
    format!("k/{}!", parent.as_str()).into_bytes()
}

/// Of all organs that were, or once were to be, merged into one.
pub(super) fn merged_prefix(successor: &OrganId) -> Vec<u8> {
    format!("m/{}!", successor.as_str()).into_bytes()
}

pub(super) fn report_key(id: &ReportId) -> Vec<u8> {
    below(b"r", id)
}

/// Of all revisions of a report.
pub(super) fn revisions_prefix(id: &ReportId) -> Vec<u8> {
    let mut key = below(b"v", id);
    key.push(b'!');
    key
}

pub(super) fn revision_key(id: &ReportId, revision: i32) -> Vec<u8> {
    let mut key = revisions_prefix(id);
    key.extend(format!("{revision:08x}").bytes());
    key
}

/// Of the content of the revision that was written at a position.
pub(super) fn content_key(position: &str) -> Vec<u8> {
    format!("c/{position}").into_bytes()
}

/// Of all events of a report.
pub(super) fn events_prefix(id: &ReportId) -> Vec<u8> {
    let mut key = below(b"h", id);
    key.push(b'!');
    key
}

pub(super) fn event_key(id: &ReportId, position: Position) -> Vec<u8> {
    let mut key = events_prefix(id);
    key.extend(position.to_string().bytes());
    key
}

pub(super) fn deadline_key(year: i32, scope: Scope, level: organ::Level) -> Vec<u8> {
    format!("d/{year}-{}-{:02}", scope_word(scope), level as i32).into_bytes()
}

/// Request ids are scoped to principal and method.
pub(super) fn request_key(principal: &str, method: &str, request_id: &str) -> Vec<u8> {
    let digest = Sha256::digest(format!("{method}\n{request_id}\n{principal}"));
    format!("q/{}", hex(&digest[..16])).into_bytes()
}

fn below(kind: &[u8], id: &ReportId) -> Vec<u8> {
    let mut key = kind.to_vec();
    key.push(b'/');
    key.extend(id.organ.as_str().bytes());
    key.push(b'!');
    key.extend(id.suffix().bytes());
    key
}

/// What an entry changed, as it stands after it, with what only the entry itself can tell: times,
/// etag, whether a report is late.
pub enum Taken {
    /// A step in the life of a report.
    Report(ReportId, Box<ReportChange>),
    /// An organ.
    Organ(OrganId, Box<Organ>),
    /// Organs that changed together, and what the import found that they come from.
    Organs(Vec<(OrganId, Organ)>, Option<OrganImport>),
    /// A deadline.
    Deadline(Deadline),
}

/// An entry that this program did not write.
#[derive(Debug)]
pub struct NotOurs(String);

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotOurs {}

/// Reads an entry.
///
/// # Errors
/// The entry does not hold a change, or one without identity.
pub fn taken(recorded: &Recorded) -> Result<Taken, NotOurs> {
    let change = Change::decode(recorded.payload())
        .map_err(|e| NotOurs(format!("the payload is no change: {e}")))?;
    settled(change, recorded.time(), etag(recorded))
}

/// A change with what its entry tells.
///
/// # Errors
/// It is none, or names nothing.
pub(super) fn settled(change: Change, time: Timestamp, etag: String) -> Result<Taken, NotOurs> {
    let unnamed = || NotOurs("the change names nothing".to_owned());
    if let Some(mut change) = change.report {
        let head = change.head.get_or_insert_default();
        let id = ReportId::from_name(&head.name).ok_or_else(unnamed)?;
        settle(head, change.action == ReportAction::Submit as i32, time);
        head.etag = etag;
        return Ok(Taken::Report(id, Box::new(change)));
    }
    if let Some(mut organ) = change.organ {
        let id = OrganId::from_name(&organ.name).ok_or_else(unnamed)?;
        settle_organ(&mut organ, etag, time);
        return Ok(Taken::Organ(id, Box::new(organ)));
    }
    if !change.organs.is_empty() || change.organ_import.is_some() {
        let mut organs = Vec::with_capacity(change.organs.len());
        for mut organ in change.organs {
            let id = OrganId::from_name(&organ.name).ok_or_else(unnamed)?;
            let etag = organ_etag(&etag, &id);
            settle_organ(&mut organ, etag, time);
            organs.push((id, organ));
        }
        return Ok(Taken::Organs(organs, change.organ_import));
    }
    let mut deadline = change.deadline.ok_or_else(unnamed)?;
    deadline.update_time = Some(time);
    Ok(Taken::Deadline(deadline))
}

fn settle_organ(organ: &mut Organ, etag: String, time: Timestamp) {
    organ.etag = etag;
    organ.create_time.get_or_insert(time);
    organ.update_time = Some(time);
}

/// The etag of one of several organs that an entry left: each has its own, so that what was read of
/// one says nothing of another.
fn organ_etag(entry: &str, id: &OrganId) -> String {
    if entry.is_empty() {
        return String::new();
    }
    let mut etag = hex(&Sha256::digest(format!("{entry}\n{id}")));
    etag.truncate(ETAG_DIGITS);
    etag
}

/// The times of a report's head.
fn settle(head: &mut Report, submitted: bool, time: Timestamp) {
    head.create_time.get_or_insert(time);
    head.update_time = Some(time);
    if submitted && head.submit_time.is_none() {
        head.submit_time = Some(time);
        head.late = !head.due_date.is_empty() && china_date(time) > head.due_date;
    }
}

/// The date in China, `YYYY-MM-DD`; such dates sort as text.
pub fn china_date(time: Timestamp) -> String {
    let utc = jiff::Timestamp::new(time.seconds, time.nanos).unwrap_or(jiff::Timestamp::MAX);
    utc.to_zoned(TimeZone::fixed(jiff::tz::offset(8))).strftime("%Y-%m-%d").to_string()
}

/// The etag of what an entry left: no other entry of this or any other history has it.
pub(super) fn etag(recorded: &Recorded) -> String {
    let mut etag = recorded.hash.to_string();
    etag.truncate(ETAG_DIGITS);
    etag
}

/// The receipt of an entry, as clients get it.
pub fn receipt(recorded: &Recorded) -> Receipt {
    recorded.receipt().into()
}

fn puts(recorded: &Recorded) -> Result<Vec<Pair>, String> {
    let mut puts = Vec::with_capacity(4);
    match taken(recorded).map_err(|e| e.to_string())? {
        Taken::Report(id, change) => put_report(&mut puts, recorded, &id, *change),
        Taken::Organ(id, organ) => put_organs(&mut puts, recorded, &[(id, *organ)]),
        Taken::Organs(organs, _) => put_organs(&mut puts, recorded, &organs),
        Taken::Deadline(deadline) => {
            let key = deadline_key(deadline.year, deadline.scope(), deadline.level());
            puts.push((key, deadline.encode_to_vec()));
        }
    }
    let header = &recorded.header;
    if !header.request_id.is_empty() {
        let key = request_key(&header.principal, &header.method, &header.request_id);
        puts.push((key, recorded.entry.header.to_vec()));
    }
    Ok(puts)
}

/// Contents, revisions and events: their keys say which entry put them.
fn once(key: &[u8]) -> bool {
    matches!(key.first(), Some(b'c' | b'v' | b'h'))
}

fn put_organs(puts: &mut Vec<Pair>, recorded: &Recorded, organs: &[(OrganId, Organ)]) {
    if organs.is_empty() {
        return;
    }
    for (id, organ) in organs {
        puts.push((organ_key(id), organ.encode_to_vec()));
        let parents: BTreeSet<&str> =
            organ.affiliations.iter().map(|a| a.parent.as_str()).collect();
        for parent in parents.into_iter().filter_map(OrganId::from_name) {
            let mut key = children_prefix(&parent);
            key.extend(id.as_str().bytes());
            puts.push((key, id.as_str().as_bytes().to_vec()));
        }
        if let Some(successor) = OrganId::from_name(&organ.successor) {
            let mut key = merged_prefix(&successor);
            key.extend(id.as_str().bytes());
            puts.push((key, id.as_str().as_bytes().to_vec()));
        }
    }
    puts.push((TREE_KEY.to_vec(), recorded.position().to_string().into_bytes()));
}

fn put_report(puts: &mut Vec<Pair>, recorded: &Recorded, id: &ReportId, mut change: ReportChange) {
    let content = change.content.take();
    let head = change.head.get_or_insert_default();
    let receipt = receipt(recorded);
    if let Some(content) = content {
        let revision = Revision {
            name: format!("{id}/revisions/{}", head.latest_revision),
            revision: head.latest_revision,
            report: None,
            principal: recorded.header.principal.clone(),
            receipt: Some(receipt.clone()),
        };
        puts.push((content_key(&receipt.position), content.encode_to_vec()));
        puts.push((revision_key(id, head.latest_revision), revision.encode_to_vec()));
    }
    puts.push((report_key(id), head.encode_to_vec()));
    let event = ReportEvent {
        receipt: Some(receipt),
        principal: recorded.header.principal.clone(),
        change: Some(change),
    };
    puts.push((event_key(id, recorded.position()), event.encode_to_vec()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let time: jiff::Timestamp = text.parse().expect("a time");
        Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
    }

    #[test]
    fn dates_are_those_of_china() {
        assert_eq!(china_date(at("2024-01-31T15:59:59.999Z")), "2024-01-31");
        assert_eq!(china_date(at("2024-01-31T16:00:00Z")), "2024-02-01");
    }

    #[test]
    fn the_last_day_counts_and_the_first_submission_decides() {
        let due = |time: &str| {
            let mut head = Report { due_date: "2024-01-31".to_owned(), ..Report::default() };
            settle(&mut head, true, at(time));
            head
        };
        assert!(!due("2024-01-31T15:59:59Z").late);
        let mut late = due("2024-01-31T16:00:00Z");
        assert!(late.late);
        let mut punctual = due("2024-01-02T00:00:00Z");
        settle(&mut punctual, true, at("2024-03-01T00:00:00Z"));
        assert!(!punctual.late, "a later submission changes nothing");
        late.late = false;
        settle(&mut late, false, at("2024-03-01T00:00:00Z"));
        assert!(!late.late);
        let mut undated = Report::default();
        settle(&mut undated, true, at("2024-03-01T00:00:00Z"));
        assert!(!undated.late, "no date, no delay");
    }

    #[test]
    fn reports_stand_in_the_order_of_their_organs() {
        let key = |name: &str| report_key(&ReportId::from_name(name).expect("a name"));
        assert!(key("organs/a/reports/2024-own") < key("organs/a-b/reports/2019-own"));
        assert!(key("organs/a/reports/2023-own") < key("organs/a/reports/2023-region"));
    }
}
