//! The store: a journal of entries on disk, and an ordered map of bytes that follows from it.
//!
//! The journal is the record; the map is its index, and can be built anew from it at any time.
//! What an entry says, which keys and values follow from it and what they mean is decided above
//! ([`Index`]); the store must not know. It promises five things:
//!
//! - **Acknowledged means on disk.** [`Store::commit`] answers after the entry was synced.
//! - **Whole or not at all.** After a crash each entry is there with all its puts, or with none.
//! - **Fail-stop writing.** When a write fails, nobody is told that it succeeded, and writes are
//!   off until what failed is undone, or until the process starts again; reads go on.
//! - **Order.** Entries apply one after another; each is checked against all before it.
//! - **Nothing wrong passes for right.** Entries are chained by their hashes; damage is named, and
//!   nothing is repaired in silence. Only a last frame that was never acknowledged is cut off.
//!
//! The API assumes neither one process nor one server: positions are opaque, and whoever wants to
//! read a write asks for its position. The folder itself belongs to one process at a time.
//!
//! From the bottom: `entry`, `damage` and `frame` are values and bytes; `chain` says what follows
//! what; `segment` reads files and `journal` appends to them; `engine` is sled, and `pending` what
//! it is still to take; `recovery` is what a start does; `committer` is the one thread that writes,
//! `applier` the one that brings the engine up to it; `verify` and `restore` read and make journals
//! as a whole.

mod entry;
mod damage;
mod frame;
mod chain;
mod options;
mod error;
mod segment;
mod journal;
mod engine;
mod pending;
mod marks;
mod lock;
mod state;
mod applier;
mod committer;
mod replay;
mod recovery;
mod verify;
mod restore;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use tempfile::TempDir;
use tokio::sync::{Semaphore, oneshot, watch};

use applier::Applier;
use committer::{Committer, Message, Request};
use journal::Catalog;
use pending::Pending;
use recovery::Opened;
use state::State;

pub use chain::now;
pub use damage::{Damage, Flaw, Torn};
pub use engine::Value;
pub use entry::{
    Entry, Hash, Index, Pair, ParseHashError, ParsePositionError, Position, Receipt, Recorded,
};
pub use error::{CommitError, Error, WritesOff};
pub use options::{AppendFault, Conditions, Fault, Faults, Options, Precondition, Progress, Work};
pub use restore::{Restore, encode_frame};
pub use verify::{IndexState, Verification, verify};

/// The largest entry with its preconditions, in bytes.
///
/// Twice the largest message that the server takes (4 MiB): a report with all that is filed
/// beside it. One entry may not fill a group's reserve of disk space by itself.
pub const ENTRY_BYTES_MAX: usize = 8 << 20;

/// What a queued entry costs beyond its bytes, so that a flood of tiny ones is bounded too.
const REQUEST_BYTES: usize = 256;

/// What a start found, and how large the journal is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// A last frame that was never acknowledged, and was cut off.
    pub torn: Option<Torn>,
    /// Where the journal is damaged, found at the start or since.
    pub damage: Option<Damage>,
    /// Where an index that could not be used was put.
    pub set_aside: Option<PathBuf>,
    /// How many entries the start read into the index.
    pub replayed: u64,
    /// Whether the index was built anew.
    pub rebuilt: bool,
    /// The length of all segments.
    pub journal_bytes: u64,
    /// How many segments there are.
    pub segments: usize,
}

/// A handle on a store; clones are cheap and share it.
///
/// The folder stays locked until the last clone is dropped, which also closes the store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    index: Index,
    pending: Arc<Pending>,
    state: Arc<State>,
    /// Counts bytes rather than entries, so that the queue's memory is what is bounded.
    queue: Arc<Semaphore>,
    messages: Sender<Message>,
    /// The committer and the applier, taken by the first `close`, which holds the lock until both
    /// have ended.
    threads: Mutex<Vec<JoinHandle<()>>>,
    catalog: Arc<Catalog>,
    condition: Condition,
    /// Both go last: what is above stands on them.
    _temporary: Option<TempDir>,
    _lock: Option<File>,
}

impl Store {
    /// Opens the store in `dir`, or creates it. Blocks while it reads the end of the journal, and
    /// while it brings the index up to it or builds it anew; `options.progress` is told.
    ///
    /// A store whose journal is damaged, or whose folder cannot be written, opens all the same,
    /// with writes off: [`Store::condition`] says what was found.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] while another holds the folder, [`Error::Io`] if files cannot be
    /// created, read or synced (an engine on a full disk cannot open either), and
    /// [`Error::Damaged`] if the folder was made by an earlier build, if the journal is gone and
    /// the index with it, or if `index` cannot read an entry.
    pub fn open(dir: &Path, index: Index, options: Options) -> Result<Self, Error> {
        let opened = recovery::open(dir, index, &options)?;
        let Opened { engine, applied, marks, disk, appender, off, .. } = opened;
        let Opened { catalog, condition, lock, temporary, .. } = opened;
        let state = Arc::new(State::new(applied.head, condition.damage.clone(), marks.clone()));
        let pending = Arc::new(Pending::new(engine, applied.head));
        let (messages, received) = mpsc::channel();
        let queue_bytes = options.queue_bytes.max(ENTRY_BYTES_MAX + REQUEST_BYTES);
        let (kept, shown) = (pending.clone(), state.clone());
        let committer = Committer::new((appender, off), kept, index, received, shown, &options);
        let (brought, faults) = ((pending.clone(), index), options.faults.clone());
        let applier = Applier::new(brought, disk, marks, applied, state.clone(), faults);
        // If the second cannot start, the first ends: nobody is left to send it anything.
        let committer = thread("store-committer", || committer.run())?;
        let applier = thread("store-applier", || applier.run())?;
        let queue = Arc::new(Semaphore::new(queue_bytes.min(Semaphore::MAX_PERMITS)));
        let threads = Mutex::new(vec![committer, applier]);
        let shared = Shared {
            index,
            pending,
            state,
            queue,
            messages,
            threads,
            catalog,
            condition,
            _temporary: temporary,
            _lock: lock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Writes `entry` if every precondition holds, and answers when it is on disk and can be read.
    ///
    /// Many callers share one sync. A caller that drops the future does not know what becomes of
    /// the entry: it is written whole or not at all.
    ///
    /// # Errors
    ///
    /// See [`CommitError`]. A precondition that fails costs nothing and takes no position.
    pub async fn commit(
        &self,
        entry: Entry,
        conditions: impl Into<Conditions>,
    ) -> Result<Recorded, CommitError> {
        let conditions = conditions.into();
        let bytes = entry.bytes() + conditions.all.iter().map(Precondition::bytes).sum::<usize>();
        let share = match u32::try_from(bytes + REQUEST_BYTES) {
            Ok(share) if bytes <= ENTRY_BYTES_MAX => share,
            _ => return Err(CommitError::TooLarge { bytes }),
        };
        let queue = self.shared.queue.clone();
        let permit = queue.acquire_many_owned(share).await.map_err(|_| self.refusal())?;
        let (reply, answer) = oneshot::channel();
        let request = Request { entry, conditions, reply, permit };
        let sent = self.shared.messages.send(Message::Commit(request));
        sent.map_err(|_| self.refusal())?;
        answer.await.unwrap_or_else(|_| Err(self.refusal()))
    }

    /// The value under a key.
    ///
    /// Reads see each entry whole, and none that is not on disk. They may see one an instant
    /// before its commit is acknowledged.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Damaged`] if the value cannot be read. After damage the index is
    /// rebuilt at the next start.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        self.shared.pending.get(key).map_err(|e| self.shared.state.note(e))
    }

    /// At most `limit` keys that begin with `prefix`, in order, with their values; with `after`
    /// only those that sort strictly after it. The last key answered is the next page's `after`.
    ///
    /// It is no snapshot: of an entry that comes during the scan any part may show. An entry that
    /// could be read before the scan began is seen whole.
    ///
    /// # Errors
    ///
    /// As [`Store::get`].
    pub fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        let found = self.shared.pending.scan(prefix, after, limit);
        found.map_err(|e| self.shared.state.note(e))
    }

    /// The position of the last entry that is on disk and can be read: never behind what a read
    /// before this call has shown.
    #[must_use]
    pub fn position(&self) -> Position {
        self.shared.pending.position()
    }

    /// The last entry that is on disk and can be read; [`Hash::ZERO`] and position
    /// [`Position::START`] before the first.
    #[must_use]
    pub fn head(&self) -> Receipt {
        self.shared.state.head()
    }

    /// Follows [`Store::position`], starting with its present value.
    #[must_use]
    pub fn watch_position(&self) -> watch::Receiver<Position> {
        self.shared.state.watch_position()
    }

    /// The entries strictly after a position, in order, never beyond [`Store::position`]: at least
    /// one if there is one, and about `bytes_max` bytes at most. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if the next entry is damaged; from then on writes are off. [`Error::Io`]
    /// if its file cannot be opened at present.
    pub fn follow(&self, after: Position, bytes_max: usize) -> Result<Vec<Recorded>, Error> {
        let Shared { catalog, state, .. } = &*self.shared;
        let found = catalog.read(after.0, self.position().0, bytes_max);
        found.map_err(|damage| state.judge(&damage).err().unwrap_or_else(|| damage.into()))
    }

    /// What the start found, and the size of the journal now.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let Shared { catalog, state, condition, .. } = &*self.shared;
        let segments = catalog.segments();
        Condition {
            damage: state.damage().map(|damage| (*damage).clone()),
            journal_bytes: segments.iter().map(|segment| segment.bytes).sum(),
            segments: segments.len(),
            ..condition.clone()
        }
    }

    /// Whether writes are taken at present.
    ///
    /// # Errors
    ///
    /// The reason why not.
    pub fn writable(&self) -> Result<(), WritesOff> {
        self.shared.state.writable()
    }

    /// Follows [`Store::writable`], starting with its present value.
    #[must_use]
    pub fn watch_writable(&self) -> watch::Receiver<Result<(), WritesOff>> {
        self.shared.state.watch_writable()
    }

    /// Refuses new commits, writes those that are queued, brings the index up to them, and ends
    /// both threads. Reads go on.
    ///
    /// Blocks until that is done; call it outside of asynchronous code or from a thread that may
    /// block. A second call returns when the first has finished.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Why a commit could not reach the committer, or got no answer from it.
    fn refusal(&self) -> CommitError {
        CommitError::WritesOff(self.writable().err().unwrap_or(WritesOff::Closed))
    }
}

impl Shared {
    fn close(&self) {
        self.state.set(Err(WritesOff::Closed));
        self.queue.close();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        // This fails only if the committer has ended already, and then nothing is left to do.
        let _ = self.messages.send(Message::Close);
        for thread in threads.drain(..) {
            let _ = thread.join();
            // After the committer, who adds to it, and before the applier, who ends with it.
            self.pending.close();
        }
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new().name(name.into()).spawn(work).map_err(Error::Io)
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}
