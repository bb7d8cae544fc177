//! What the journal holds and the engine does not yet: read from here, until it is applied.
//!
//! An entry is on disk with its frame. So its puts need not wait for the engine, which writes and
//! waits by itself for each batch: they are collected here and applied in larger batches by
//! another thread. Whoever reads sees them at once, laid over what the engine has.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::engine::{Engine, Puts, Value, from};
use super::entry::{Pair, Receipt};
use super::journal::Sealed;
use super::{Error, Position};

/// Applied as soon as there is so much.
const BATCH_BYTES: usize = 1 << 20;

/// What is less than that is applied after so long.
const LINGER: Duration = Duration::from_millis(50);

/// The writer waits while there is so much. What is here is memory, is read from the journal by a
/// start after a kill, and takes room on disk that nobody asks for again: a few times as much is
/// still less than the reserve.
const BYTES_MAX: usize = 8 << 20;

/// What a put costs beyond its bytes.
const PUT_BYTES: usize = 64;

/// The puts of entries that follow each other.
pub(super) struct Layer {
    /// The entry before the first of them.
    base: Position,
    pub(super) puts: Puts,
    /// Segments that were full by then.
    pub(super) sealed: Vec<Sealed>,
    /// The last of the entries.
    pub(super) head: Receipt,
    pub(super) bytes: usize,
}

impl Layer {
    fn new(head: Receipt) -> Self {
        let base = head.position;
        Self { base, puts: Puts::new(), sealed: Vec::new(), head, bytes: 0 }
    }

    fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    fn add(&mut self, puts: Puts, sealed: Vec<Sealed>, head: Receipt) {
        let bytes = |(key, value): (&Vec<u8>, &Value)| key.len() + value.len() + PUT_BYTES;
        // An entry without puts is still to be known as applied.
        self.bytes += puts.iter().map(bytes).sum::<usize>() + PUT_BYTES;
        self.puts.extend(puts);
        self.sealed.extend(sealed);
        self.head = head;
    }
}

struct Layers {
    fresh: Layer,
    /// When the first of what is fresh came.
    since: Instant,
    /// On its way into the engine, beneath what is fresh.
    applying: Arc<Layer>,
    closing: bool,
    /// Nothing is applied any more.
    stuck: bool,
}

impl Layers {
    fn find(&self, key: &[u8]) -> Option<&Value> {
        self.fresh.puts.get(key).or_else(|| self.applying.puts.get(key))
    }
}

/// What is to be done by the one who applies.
pub(super) enum Due {
    /// Apply this.
    Batch(Arc<Layer>),
    /// Nothing, for as long as was asked.
    Nothing,
    /// All is applied, and nothing more will come.
    End,
}

/// What stands under a key that was read earlier.
pub(super) enum Since {
    /// What was read: no later entry has touched it.
    Untouched,
    /// This, which may be what was read or not.
    Now(Option<Value>),
}

/// The engine with what is to be applied to it.
pub(super) struct Pending {
    engine: Engine,
    layers: Mutex<Layers>,
    changed: Condvar,
}

impl Pending {
    /// Nothing, over an engine that has all entries up to `head`.
    pub(super) fn new(engine: Engine, head: Receipt) -> Self {
        let layers = Layers {
            fresh: Layer::new(head),
            since: Instant::now(),
            applying: Arc::new(Layer::new(head)),
            closing: false,
            stuck: false,
        };
        Self { engine, layers: Mutex::new(layers), changed: Condvar::new() }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    fn layers(&self) -> MutexGuard<'_, Layers> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        layers: MutexGuard<'a, Layers>,
        patience: Duration,
    ) -> MutexGuard<'a, Layers> {
        let waited = self.changed.wait_timeout(layers, patience);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Adds the puts of entries that are on disk; `head` is the last of them. Waits while there is
    /// too much already.
    pub(super) fn add(&self, puts: Puts, sealed: Vec<Sealed>, head: Receipt) {
        let mut layers = self.layers();
        while layers.fresh.bytes >= BYTES_MAX && !layers.stuck {
            layers = self.wait(layers, LINGER);
        }
        if layers.fresh.is_empty() {
            layers.since = Instant::now();
        }
        let before = layers.fresh.bytes;
        layers.fresh.add(puts, sealed, head);
        // Otherwise the one who applies lingers, and needs no call.
        if before == 0 || (before < BATCH_BYTES && layers.fresh.bytes >= BATCH_BYTES) {
            self.changed.notify_all();
        }
    }

    /// The next batch, waited for as long as `patience` lasts. What it holds is read from here
    /// until [`Pending::applied`] says that the engine has it.
    pub(super) fn next(&self, patience: Duration) -> Due {
        let until = Instant::now() + patience;
        let mut layers = self.layers();
        loop {
            let now = Instant::now();
            let lingers = layers.since + LINGER;
            let enough = layers.closing || layers.fresh.bytes >= BATCH_BYTES || lingers <= now;
            let wait = match layers.fresh.is_empty() {
                true if layers.closing => return Due::End,
                true => until.saturating_duration_since(now),
                false if enough => {
                    let fresh = Layer::new(layers.fresh.head);
                    layers.applying = Arc::new(std::mem::replace(&mut layers.fresh, fresh));
                    self.changed.notify_all();
                    return Due::Batch(layers.applying.clone());
                }
                false => lingers - now,
            };
            if wait.is_zero() {
                return Due::Nothing;
            }
            layers = self.wait(layers, wait);
        }
    }

    /// The engine has the last batch.
    pub(super) fn applied(&self) {
        let mut layers = self.layers();
        layers.applying = Arc::new(Layer::new(layers.applying.head));
    }

    /// The engine takes no more. What is here goes on being read.
    pub(super) fn stuck(&self) {
        self.layers().stuck = true;
        self.changed.notify_all();
    }

    /// Nothing more will be added.
    pub(super) fn close(&self) {
        self.layers().closing = true;
        self.changed.notify_all();
    }

    /// The last entry whose puts can be read.
    pub(super) fn position(&self) -> Position {
        self.layers().fresh.head.position
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        let found = self.layers().find(key).cloned();
        match found {
            Some(value) => Ok(Some(value)),
            // What was applied in between is found there.
            None => self.engine.get(key),
        }
    }

    /// What stands under a key that was read when [`Pending::position`] had been `seen`. Most of
    /// what a write rests on was read an instant ago: all later entries are here, and the engine
    /// need not be asked.
    pub(super) fn since(&self, seen: Option<Position>, key: &[u8]) -> Result<Since, Error> {
        {
            let layers = self.layers();
            if let Some(value) = layers.find(key) {
                return Ok(Since::Now(Some(value.clone())));
            }
            if seen.is_some_and(|seen| layers.applying.base <= seen) {
                return Ok(Since::Untouched);
            }
        }
        self.engine.get(key).map(Since::Now)
    }

    pub(super) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        let mut over = BTreeMap::new();
        {
            let layers = self.layers();
            for puts in [&layers.applying.puts, &layers.fresh.puts] {
                let pairs = puts.range::<[u8], _>(from(prefix, after)).take(limit);
                let pairs = pairs.take_while(|(key, _)| key.starts_with(prefix));
                over.extend(pairs.map(|(key, value)| (key.clone(), value.clone())));
            }
        }
        // Read after what lies over it: what is applied in between is in both.
        let below = self.engine.scan(prefix, after, limit)?;
        if over.is_empty() {
            return Ok(below);
        }
        let mut pairs: BTreeMap<Vec<u8>, Vec<u8>> = below.into_iter().collect();
        pairs.extend(over.into_iter().map(|(key, value)| (key, value.to_vec())));
        Ok(pairs.into_iter().take(limit).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::Applied;
    use super::super::entry::Hash;
    use super::*;
    use crate::pb::Timestamp;

    struct Case {
        pending: Pending,
        applied: Applied,
        _dir: tempfile::TempDir,
    }

    /// `a=1 b=1 d=1` in the engine.
    fn case() -> Case {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(dir.path(), 8 << 20).unwrap();
        let puts = puts("a=1 b=1 d=1");
        let applied = engine.apply(&puts, &[], at(1), &Applied::nothing(1), |_| false).unwrap();
        Case { pending: Pending::new(engine, at(1)), applied, _dir: dir }
    }

    fn at(position: u64) -> Receipt {
        let time = Timestamp { seconds: 0, nanos: 0 };
        Receipt { position: Position(position), hash: Hash::ZERO, time }
    }

    fn puts(text: &str) -> Puts {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap();
            (key.as_bytes().to_vec(), Value::from(value.as_bytes().to_vec()))
        };
        text.split_whitespace().map(pair).collect()
    }

    impl Case {
        fn add(&self, text: &str, position: u64) {
            self.pending.add(puts(text), Vec::new(), at(position));
        }

        fn take(&self) -> Arc<Layer> {
            match self.pending.next(Duration::from_secs(60)) {
                Due::Batch(batch) => batch,
                Due::Nothing | Due::End => panic!("nothing is due"),
            }
        }

        fn apply(&mut self, batch: &Layer) {
            let engine = self.pending.engine();
            self.applied =
                engine.apply(&batch.puts, &[], batch.head, &self.applied, |_| false).unwrap();
            self.pending.applied();
        }

        fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> String {
            let after = after.map(str::as_bytes);
            let pairs = self.pending.scan(prefix.as_bytes(), after, limit).unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let pairs = pairs.iter().map(|(key, value)| format!("{}={}", text(key), text(value)));
            pairs.collect::<Vec<_>>().join(" ")
        }

        /// All of it, key by key and in scans of every length.
        fn check(&self, expected: &str) {
            let pairs: Vec<&str> = expected.split_whitespace().collect();
            for (key, value) in puts(expected) {
                assert_eq!(self.pending.get(&key).unwrap(), Some(value));
            }
            for limit in 0..=pairs.len() + 1 {
                let wanted = pairs[..limit.min(pairs.len())].join(" ");
                assert_eq!(self.scan("", None, limit), wanted, "{limit}");
                let after = pairs[0].split('=').next();
                let wanted = pairs[1..].iter().take(limit).copied().collect::<Vec<_>>().join(" ");
                assert_eq!(self.scan("", after, limit), wanted, "{limit} after {after:?}");
            }
            assert_eq!(self.pending.get(b"none").unwrap(), None);
        }
    }

    #[test]
    fn what_is_fresh_lies_over_what_is_being_applied_and_that_over_the_engine() {
        let mut case = case();
        case.check("a=1 b=1 d=1");
        case.add("b=2 c=2", 2);
        case.check("a=1 b=2 c=2 d=1");
        let batch = case.take();
        case.check("a=1 b=2 c=2 d=1");
        case.add("c=3 e=3", 3);
        case.check("a=1 b=2 c=3 d=1 e=3");
        assert_eq!(case.scan("c", None, 9), "c=3");
        assert_eq!(case.scan("c", Some("c"), 9), "");
        case.apply(&batch);
        case.check("a=1 b=2 c=3 d=1 e=3");
        assert_eq!((batch.head, case.pending.position()), (at(2), Position(3)));
        let batch = case.take();
        case.apply(&batch);
        case.check("a=1 b=2 c=3 d=1 e=3");
        assert_eq!(case.applied.head, at(3));
        assert_eq!(case.applied.digest, case.pending.engine().digest(|_| ()).unwrap());
    }

    #[test]
    fn what_was_read_is_known_to_stand_as_long_as_all_later_entries_are_here() {
        let mut case = case();
        let since = |case: &Case, seen: Option<u64>, key: &str| match case
            .pending
            .since(seen.map(Position), key.as_bytes())
            .unwrap()
        {
            Since::Untouched => "untouched".to_owned(),
            Since::Now(value) => value
                .map_or("nothing".to_owned(), |value| String::from_utf8(value.to_vec()).unwrap()),
        };
        let told = |case: &Case, seen| ["a", "b", "none"].map(|key| since(case, seen, key));
        assert_eq!(told(&case, Some(1)), ["untouched", "untouched", "untouched"]);
        assert_eq!(told(&case, Some(0)), ["1", "1", "nothing"], "read before all that is known");
        assert_eq!(told(&case, None), ["1", "1", "nothing"], "nobody says when it was read");
        case.add("b=2", 2);
        assert_eq!(told(&case, Some(1)), ["untouched", "2", "untouched"]);
        let batch = case.take();
        case.add("a=3", 3);
        assert_eq!(told(&case, Some(1)), ["3", "2", "untouched"]);
        case.apply(&batch);
        assert_eq!(told(&case, Some(1)), ["3", "2", "nothing"], "the second entry is the engine's");
        assert_eq!(told(&case, Some(2)), ["3", "untouched", "untouched"]);
    }

    #[test]
    fn entries_without_puts_are_applied_too_and_the_end_comes_after_all() {
        let mut case = case();
        assert!(matches!(case.pending.next(Duration::ZERO), Due::Nothing));
        case.add("", 2);
        case.pending.close();
        let batch = case.take();
        case.apply(&batch);
        assert_eq!(case.applied.head, at(2));
        assert!(matches!(case.pending.next(Duration::from_secs(60)), Due::End));
    }

    #[test]
    fn waits_for_room_unless_nothing_is_applied_any_more() {
        let case = case();
        let large = || Puts::from([(vec![1], Value::from(vec![0; BYTES_MAX]))]);
        case.pending.add(large(), Vec::new(), at(2));
        std::thread::scope(|scope| {
            let adding = scope.spawn(|| case.pending.add(large(), Vec::new(), at(3)));
            case.take();
            adding.join().unwrap();
            let adding = scope.spawn(|| case.pending.add(large(), Vec::new(), at(4)));
            case.pending.stuck();
            adding.join().unwrap();
        });
        assert_eq!(case.pending.position(), Position(4));
    }
}
