//! The chain of entries: how a header is made, and what must hold between one entry and the next.

use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use super::damage::Flaw;
use super::entry::{Entry, Hash, Position, Receipt, Recorded};
use crate::pb::{self, Timestamp};

/// The end of a chain: what the next entry is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    position: u64,
    /// Unknown where reading began in the middle; so is the time.
    last: Option<(Hash, Timestamp)>,
}

impl Chain {
    /// Before the first entry.
    pub(super) const START: Self = Self::after(Receipt::START);

    /// After a known entry.
    pub(super) const fn after(head: Receipt) -> Self {
        Self { position: head.position.0, last: Some((head.hash, head.time)) }
    }

    /// Before the entry at `first`, of whose forerunner nothing is known, unless it has none.
    pub(super) fn before(first: u64) -> Self {
        match first {
            0 | 1 => Self::START,
            _ => Self { position: first - 1, last: None },
        }
    }

    /// The position of the next entry.
    pub(super) fn next(&self) -> u64 {
        // The file of an export may begin anywhere.
        self.position.saturating_add(1)
    }

    /// The last entry, if it was seen.
    pub(super) fn head(&self) -> Option<Receipt> {
        let (hash, time) = self.last?;
        Some(Receipt { position: Position(self.position), hash, time })
    }

    /// Takes the next entry, if it is the next.
    pub(super) fn check(&mut self, entry: pb::JournalEntry) -> Result<Recorded, Flaw> {
        let header = pb::EntryHeader::decode(&entry.header[..])
            .map_err(|e| Flaw::Undecodable(e.to_string()))?;
        if header.position != self.next() {
            return Err(Flaw::Position { found: header.position });
        }
        if header.algorithm() != pb::HashAlgorithm::Sha256 {
            return Err(Flaw::Algorithm);
        }
        let time = header.time.filter(|t| (0..1_000_000_000).contains(&t.nanos));
        let time = time.ok_or(Flaw::Time)?;
        if let Some((hash, before)) = &self.last {
            if header.previous_hash != previous_hash(self.position, hash) {
                return Err(Flaw::Chain);
            }
            if is_before(&time, before) {
                return Err(Flaw::TimeBackwards);
            }
        }
        if header.payload_digest != Hash::of(&entry.payload).as_bytes() {
            return Err(Flaw::Digest);
        }
        let recorded = Recorded { hash: Hash::of(&entry.header), header, entry };
        *self = Self::after(recorded.receipt());
        Ok(recorded)
    }
}

/// The entry that follows `head`, written at `now` or, where the clock went back, when `head` was.
pub(super) fn record(head: &Receipt, entry: Entry, now: Timestamp) -> Recorded {
    let header = pb::EntryHeader {
        position: head.position.0 + 1,
        time: Some(if is_before(&now, &head.time) { head.time } else { now }),
        principal: entry.principal,
        method: entry.method,
        request_id: entry.request_id,
        request_digest: entry.request_digest,
        algorithm: pb::HashAlgorithm::Sha256.into(),
        payload_digest: Hash::of(&entry.payload).as_bytes().to_vec(),
        previous_hash: previous_hash(head.position.0, &head.hash).to_vec(),
    };
    let bytes = header.encode_to_vec();
    let hash = Hash::of(&bytes);
    Recorded { header, hash, entry: pb::JournalEntry { header: bytes, payload: entry.payload } }
}

/// As a header has it: empty in the first entry.
fn previous_hash(position: u64, hash: &Hash) -> &[u8] {
    if position == 0 { &[] } else { hash.as_bytes() }
}

fn is_before(a: &Timestamp, b: &Timestamp) -> bool {
    (a.seconds, a.nanos) < (b.seconds, b.nanos)
}

/// The time of the system's clock.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, nanos: i32) -> Timestamp {
        Timestamp { seconds, nanos }
    }

    fn entry(text: &str) -> Entry {
        Entry { payload: text.into(), method: "Submit".into(), ..Entry::default() }
    }

    fn pair() -> [Recorded; 2] {
        let first = record(&Receipt::START, entry("a"), at(5, 5));
        let second = record(&first.receipt(), entry("b"), at(5, 5));
        [first, second]
    }

    #[test]
    fn takes_what_it_made_and_nothing_else() {
        let [first, second] = pair();
        assert!(first.header.previous_hash.is_empty());
        let mut chain = Chain::START;
        assert_eq!(chain.check(first.entry.clone()), Ok(first.clone()));
        assert_eq!(chain.check(first.entry.clone()), Err(Flaw::Position { found: 1 }));
        assert_eq!(chain.check(second.entry.clone()), Ok(second.clone()));
        assert_eq!(chain.head(), Some(second.receipt()));

        let other = record(&Receipt::START, entry("other"), at(5, 5));
        assert_eq!(Chain::after(other.receipt()).check(second.entry), Err(Flaw::Chain));
    }

    #[test]
    fn holds_a_payload_against_its_digest() {
        let [first, _] = pair();
        let entry = pb::JournalEntry { payload: b"x".to_vec(), ..first.entry };
        assert_eq!({ Chain::START }.check(entry), Err(Flaw::Digest));
    }

    #[test]
    fn never_steps_back_in_time() {
        let [first, _] = pair();
        let second = record(&first.receipt(), entry("b"), at(5, 4));
        assert_eq!(second.time(), at(5, 5));
        let mut header = second.header;
        header.time = Some(at(5, 4));
        let entry = pb::JournalEntry { header: header.encode_to_vec(), ..second.entry };
        assert_eq!(Chain::after(first.receipt()).check(entry), Err(Flaw::TimeBackwards));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let [first, _] = pair();
        let check = |edit: fn(&mut pb::EntryHeader)| {
            let mut header = first.header.clone();
            edit(&mut header);
            let entry = pb::JournalEntry { header: header.encode_to_vec(), ..first.entry.clone() };
            { Chain::START }.check(entry).unwrap_err()
        };
        assert_eq!(check(|h| h.algorithm = 7), Flaw::Algorithm);
        assert_eq!(check(|h| h.time = None), Flaw::Time);
        assert_eq!(check(|h| h.time = Some(at(5, 1_000_000_000))), Flaw::Time);
        assert_eq!(check(|h| h.previous_hash = vec![0; 32]), Flaw::Chain);
        let entry = pb::JournalEntry { header: vec![0xff], payload: vec![] };
        assert!(matches!({ Chain::START }.check(entry), Err(Flaw::Undecodable(_))));
    }
}
