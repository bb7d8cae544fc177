//! Applies entries that are read from the journal to the index, and tells how far it is.

use super::committer::reserved_key;
use super::engine::{Applied, Engine, Puts, Value};
use super::entry::{Index, Receipt, Recorded};
use super::recovery::calls_for_rebuild;
use super::{Error, Options, Position, Progress, Work};

/// Bytes of keys and values that are applied together while the journal is read: enough that the
/// engine's cost of a batch does not count, and little memory.
const BATCH_BYTES: usize = 4 << 20;

/// The same at most where the index is built anew. Sorted, each page is written once a load: with
/// half a million reports of 3 KB a start takes 28 seconds, and 43 with loads of 4 MiB.
const LOAD_BYTES: usize = 128 << 20;

/// What a put costs beyond its bytes.
const PUT_BYTES: usize = 64;

/// Progress is told after so many bytes.
const PROGRESS_BYTES: u64 = 1 << 20;

/// Why the journal could not be brought into the index.
pub(super) enum Trouble {
    /// The index is damaged, or of another journal: built anew it may do.
    Index,
    Fatal(Error),
}

impl Trouble {
    pub(super) fn fatal(self) -> Error {
        match self {
            Self::Index => Error::Damaged("the index cannot be built".into()),
            Self::Fatal(e) => e,
        }
    }
}

impl From<Error> for Trouble {
    fn from(e: Error) -> Self {
        if calls_for_rebuild(&e) { Self::Index } else { Self::Fatal(e) }
    }
}

/// Entries that are applied together.
pub(super) struct Batch<'a> {
    index: Index,
    engine: &'a Engine,
    applied: &'a mut Applied,
    /// Whether the index is being built.
    is_new: bool,
    bytes_max: usize,
    puts: Puts,
    bytes: usize,
    head: Option<Receipt>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        index: Index,
        engine: &'a Engine,
        applied: &'a mut Applied,
        cache_bytes: u64,
    ) -> Self {
        let is_new = applied.head.position == Position::START;
        // Half of what the cache may take, which is empty yet.
        let half = usize::try_from(cache_bytes / 2).unwrap_or(usize::MAX);
        let bytes_max = if is_new { half.clamp(BATCH_BYTES, LOAD_BYTES) } else { BATCH_BYTES };
        Self { index, engine, applied, is_new, bytes_max, puts: Puts::new(), bytes: 0, head: None }
    }

    pub(super) fn add(&mut self, recorded: &Recorded) -> Result<(), Trouble> {
        let refused = |why: &str| {
            let text = format!("the entry at {} cannot be read: {why}", recorded.position());
            Trouble::Fatal(Error::Damaged(text.into()))
        };
        let pairs = self.index.read(recorded).map_err(|why| refused(&why))?;
        if reserved_key(&pairs).is_some() {
            return Err(refused("it writes a reserved key"));
        }
        self.bytes +=
            pairs.iter().map(|(key, value)| key.len() + value.len() + PUT_BYTES).sum::<usize>();
        self.puts.extend(pairs.into_iter().map(|(key, value)| (key, Value::from(value))));
        self.head = Some(recorded.receipt());
        if self.bytes >= self.bytes_max { Ok(self.apply()?) } else { Ok(()) }
    }

    pub(super) fn apply(&mut self) -> Result<(), Error> {
        let Some(head) = self.head.take() else { return Ok(()) };
        *self.applied = match self.is_new {
            true => self.engine.load(std::mem::take(&mut self.puts), head, self.applied)?,
            false => self.engine.apply(&self.puts, &[], head, self.applied, self.index.once)?,
        };
        self.puts.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// What was told of the progress.
pub(super) struct Told<'a> {
    options: &'a Options,
    work: Work,
    total: u64,
    next: u64,
}

impl<'a> Told<'a> {
    /// Reading the end of the journal is part of every start, and told only where it is long.
    pub(super) fn new(options: &'a Options, work: Work, total: u64) -> Self {
        let next = if work == Work::Replay { PROGRESS_BYTES } else { 0 };
        Self { options, work, total, next }
    }

    pub(super) fn tell(&mut self, done: u64) {
        if let (Some(progress), true) = (&self.options.progress, done >= self.next) {
            self.next = done.saturating_add(PROGRESS_BYTES);
            let total = self.total.max(done);
            progress(Progress { work: self.work, done, total });
        }
    }

    pub(super) fn end(mut self) {
        if self.next > PROGRESS_BYTES {
            self.next = 0;
            self.tell(self.total);
        }
    }
}
