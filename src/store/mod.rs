//! The store: an ordered map of bytes on disk, changed by entries that are applied whole.
//!
//! What an entry says, which key prefixes there are and what a value means is decided above; the
//! store must not know. It promises four things:
//!
//! - **Acknowledged means on disk.** [`Store::commit`] answers after the entry was synced.
//! - **Whole or not at all.** After a crash each entry is there with all its puts, or with none.
//! - **Fail-stop writing.** After the first failed sync writes are off until the process starts
//!   again; reads go on. With too little room left writes are off until there is room.
//! - **Order.** Entries apply one after another; each is checked against all before it.
//!
//! The API assumes neither one process nor one server: positions are opaque, and whoever wants to
//! read a write asks for its position. The folder itself belongs to one process at a time.
//!
//! `engine` is sled, `committer` the one thread that writes, `error` what either may answer.

mod committer;
mod engine;
mod error;

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot, watch};

use committer::{Committer, Message, Request, State};
use engine::{Disk, Engine, RESERVED};

pub use engine::Value;
pub use error::{CommitError, Error, ParsePositionError, WritesOff};

/// The largest entry, keys and values together, in bytes.
///
/// Twice the largest message that the server takes (4 MiB): a report with all that is filed
/// beside it. One entry may not fill a group's reserve of disk space by itself.
pub const ENTRY_BYTES_MAX: usize = 8 << 20;

/// What a queued entry costs beyond its bytes, so that a flood of tiny ones is bounded too.
const REQUEST_BYTES: usize = 256;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for cached pages, in bytes. The default of 256 MiB holds the working set of a
    /// province; the engine's own would be 1 GiB.
    pub cache_bytes: u64,
    /// Free disk space, in bytes, below which writes are refused. The engine needs room to open
    /// again, and an administrator room to work. The default of 64 MiB is a few groups' worth.
    pub reserve_bytes: u64,
    /// Memory for commits that wait, in bytes of keys and values; beyond it `commit` waits for
    /// room. At least [`ENTRY_BYTES_MAX`]; the default of 64 MiB is many times what one sync takes.
    pub queue_bytes: usize,
    /// The most entries that share one sync. Beyond the default of 256 a larger group gains
    /// nothing measurable, and the first in it waits for the last.
    pub group_entries: usize,
    /// Faults for tests.
    #[doc(hidden)]
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            reserve_bytes: 64 << 20,
            queue_bytes: 64 << 20,
            group_entries: 256,
            faults: Faults::default(),
        }
    }
}

/// An answer in place of the system's.
#[doc(hidden)]
pub type Fault<T> = Arc<dyn Fn() -> io::Result<T> + Send + Sync>;

/// Where tests reach below the store; empty in every other use.
#[doc(hidden)]
#[derive(Clone, Default)]
pub struct Faults {
    /// Runs before each sync; its error counts as the sync's.
    pub sync: Option<Fault<()>>,
    /// Answers instead of the system how many bytes are free.
    pub free_bytes: Option<Fault<u64>>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}

/// How long opening waits for a lock: longer than a process takes to start, shorter than a person
/// notices.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
/// How often it looks.
const LOCK_STEP: Duration = Duration::from_millis(20);

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Puts that are applied together. The last of two puts to one key stands.
///
/// Keys are not empty and do not begin with 0x00, which is the store's own prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    puts: Vec<Pair>,
}

impl Entry {
    /// An entry without puts. Committed as it is, it takes a position and changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a put.
    #[must_use]
    pub fn put(mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.puts.push((key.into(), value.into()));
        self
    }

    fn bytes(&self) -> usize {
        self.puts.iter().map(|(key, value)| key.len() + value.len()).sum()
    }
}

/// What must hold for an entry to be applied, checked when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing is stored under the key.
    Absent(Vec<u8>),
    /// Something is stored under the key.
    Present(Vec<u8>),
    /// Under the key stands exactly this value.
    Unchanged {
        /// The key.
        key: Vec<u8>,
        /// The value that the caller has read.
        value: Vec<u8>,
    },
}

impl Precondition {
    fn key(&self) -> &[u8] {
        match self {
            Self::Absent(key) | Self::Present(key) | Self::Unchanged { key, .. } => key,
        }
    }

    fn holds(&self, stored: Option<&[u8]>) -> bool {
        match self {
            Self::Absent(_) => stored.is_none(),
            Self::Present(_) => stored.is_some(),
            Self::Unchanged { value, .. } => stored == Some(value),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Absent(key) | Self::Present(key) => key.len(),
            Self::Unchanged { key, value } => key.len() + value.len(),
        }
    }
}

/// Where an entry stands in the order of all entries.
///
/// Later entries have greater positions. Nothing else may be read from one: positions may skip.
/// The text form sorts as the positions do; it is what clients see and send back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before the first entry.
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Position {
    type Err = ParsePositionError;

    /// Takes exactly what `Display` writes: 16 lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, ParsePositionError> {
        let digits = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(digits) {
            return Err(ParsePositionError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ParsePositionError)
    }
}

/// A handle on a store; clones are cheap and share it.
///
/// The folder stays locked until the last clone is dropped, which also closes the store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    state: Arc<State>,
    /// Counts bytes rather than entries, so that the queue's memory is what is bounded.
    queue: Arc<Semaphore>,
    messages: Sender<Message>,
    /// Taken by the first `close`, which holds the lock until the thread has ended.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store in `dir`, or creates it. Blocks while the engine reads its log.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] while another holds the folder, [`Error::Io`] if files cannot be
    /// created, read or synced (an engine on a full disk cannot open either), and
    /// [`Error::Damaged`] if they hold something else than a store. The engine cuts a damaged
    /// *tail* off its log in silence, as it would a half-written one: whoever has another record
    /// of what was written compares [`Store::position`] with it.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        let (engine, disk) = open_unlocked(dir, options.cache_bytes)?;
        let state = Arc::new(State::new(engine.position()?));
        let (messages, received) = mpsc::channel();
        let queue_bytes = options.queue_bytes.max(ENTRY_BYTES_MAX + REQUEST_BYTES);
        let committer = Committer::new(engine.clone(), disk, received, state.clone(), options);
        let thread = std::thread::Builder::new()
            .name("store-committer".into())
            .spawn(|| committer.run())
            .map_err(Error::Io)?;
        let queue = Arc::new(Semaphore::new(queue_bytes.min(Semaphore::MAX_PERMITS)));
        let thread = Mutex::new(Some(thread));
        Ok(Self { shared: Arc::new(Shared { engine, state, queue, messages, thread }) })
    }

    /// Applies `entry` if every precondition holds, and answers when it is on disk.
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
        preconditions: Vec<Precondition>,
    ) -> Result<Position, CommitError> {
        let own = |(key, _): &Pair| key.first().is_none_or(|&b| b == RESERVED);
        if let Some(index) = entry.puts.iter().position(own) {
            return Err(CommitError::ReservedKey { index });
        }
        let bytes = entry.bytes() + preconditions.iter().map(Precondition::bytes).sum::<usize>();
        let share = match u32::try_from(bytes + REQUEST_BYTES) {
            Ok(share) if bytes <= ENTRY_BYTES_MAX => share,
            _ => return Err(CommitError::TooLarge { bytes }),
        };
        let queue = self.shared.queue.clone();
        let permit = queue.acquire_many_owned(share).await.map_err(|_| self.refusal())?;
        let (reply, answer) = oneshot::channel();
        let request = Request { entry, preconditions, reply, permit };
        let sent = self.shared.messages.send(Message::Commit(request));
        sent.map_err(|_| self.refusal())?;
        answer.await.unwrap_or_else(|_| Err(self.refusal()))
    }

    /// The value under a key.
    ///
    /// Reads see each entry whole. They may see it an instant before its commit is acknowledged;
    /// [`Store::position`] tells what is on disk.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Damaged`] if the value cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        self.shared.engine.get(key)
    }

    /// At most `limit` keys that begin with `prefix`, in order, with their values; with `after`
    /// only those that sort strictly after it. The last key answered is the next page's `after`.
    ///
    /// It is no snapshot: an entry that is applied during the scan may show in its later part
    /// alone. An entry applied before the scan began is seen whole.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Damaged`] if a value cannot be read.
    pub fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        self.shared.engine.scan(prefix, after, limit)
    }

    /// The position of the last entry that is on disk.
    #[must_use]
    pub fn position(&self) -> Position {
        self.shared.state.position()
    }

    /// Whether writes are taken at present.
    ///
    /// # Errors
    ///
    /// The reason why not.
    pub fn writable(&self) -> Result<(), WritesOff> {
        self.shared.state.writable.borrow().clone()
    }

    /// Follows [`Store::writable`], starting with its present value.
    #[must_use]
    pub fn watch_writable(&self) -> watch::Receiver<Result<(), WritesOff>> {
        self.shared.state.writable.subscribe()
    }

    /// Refuses new commits, writes those that are queued, and ends the committer. Reads go on.
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

/// Opens the engine; waits a moment for a lock that is being let go. A process that is starting
/// holds copies of its parent's files until it becomes its own program, and so may hold the lock of
/// a store that has just been closed.
fn open_unlocked(dir: &Path, cache_bytes: u64) -> Result<(Engine, Disk), Error> {
    let mut patience = LOCK_PATIENCE;
    loop {
        match Engine::open(dir, cache_bytes) {
            Err(Error::Locked { .. }) if !patience.is_zero() => {
                let step = LOCK_STEP.min(patience);
                std::thread::sleep(step);
                patience -= step;
            }
            other => return other,
        }
    }
}

impl Shared {
    fn close(&self) {
        self.state.set(Err(WritesOff::Closed));
        self.queue.close();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // Both fail only if the thread has ended already, and then nothing is left to do.
            let _ = self.messages.send(Message::Close);
            let _ = thread.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}
