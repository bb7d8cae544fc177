//! What a caller may set: how a store is opened, and what must hold for a write.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::engine::Value;
use super::entry::Position;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// Memory for cached pages, in bytes. The default of 256 MiB holds the working set of a
    /// province; the engine's own would be 1 GiB.
    pub cache_bytes: u64,
    /// Free disk space, in bytes, below which writes are refused. The engine needs room to open
    /// again, and an administrator room to work. The default of 64 MiB is a few groups' worth.
    pub reserve_bytes: u64,
    /// Memory for commits that wait, in bytes of entries and preconditions; beyond it `commit`
    /// waits for room. At least [`ENTRY_BYTES_MAX`](super::ENTRY_BYTES_MAX); the default of 64 MiB
    /// is many times what one sync takes.
    pub queue_bytes: usize,
    /// The most entries that share one sync. Beyond the default of 256 a larger group gains
    /// nothing measurable, and the first in it waits for the last.
    pub group_entries: usize,
    /// A segment of the journal takes no further frame from this length on. The default of 64 MiB
    /// is little to copy and little to lose.
    pub segment_bytes: u64,
    /// Told how far the start is, where it has to read the index or the journal.
    pub progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
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
            segment_bytes: 64 << 20,
            progress: None,
            faults: Faults::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("cache_bytes", &self.cache_bytes)
            .field("reserve_bytes", &self.reserve_bytes)
            .field("queue_bytes", &self.queue_bytes)
            .field("group_entries", &self.group_entries)
            .field("segment_bytes", &self.segment_bytes)
            .finish_non_exhaustive()
    }
}

/// How far a start is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub work: Work,
    /// Bytes done.
    pub done: u64,
    /// Bytes to do; while the index is checked an estimate.
    pub total: u64,
}

/// What a start may have to do before the store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Read the index after a kill, whether it is what was written.
    Check,
    /// Read the end of the journal, and bring the index up to it.
    Replay,
    /// Read the whole journal, and build the index anew.
    Rebuild,
}

/// An answer in place of the system's.
#[doc(hidden)]
pub type Fault<T> = Arc<dyn Fn() -> io::Result<T> + Send + Sync>;

/// How many bytes of a frame of this length are written.
#[doc(hidden)]
pub type AppendFault = Arc<dyn Fn(usize) -> io::Result<usize> + Send + Sync>;

/// Where tests reach below the store; empty in every other use.
#[doc(hidden)]
#[derive(Clone, Default)]
pub struct Faults {
    /// Runs before the folder is locked; its error counts as that of the first write to it.
    pub open: Option<Fault<()>>,
    /// Asked with the length of each frame before it is written. An error is that of the write,
    /// and nothing is written; of fewer bytes that many are written, and the disk is full.
    pub append: Option<AppendFault>,
    /// Runs before each sync of a frame; its error counts as the sync's.
    pub sync: Option<Fault<()>>,
    /// Runs before a frame that was written in part is cut off; its error counts as the cut's.
    pub cut: Option<Fault<()>>,
    /// Runs before each batch is applied to the index; its error counts as the index's.
    pub apply: Option<Fault<()>>,
    /// Answers instead of the system how many bytes are free.
    pub free_bytes: Option<Fault<u64>>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}

/// What a write rests on, and when that was read.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// A position that was [`Store::position`](super::Store::position) before the first of `all`
    /// was read. What no later entry has touched holds without being read again. Without it all is
    /// read.
    pub seen: Option<Position>,
    /// What must hold.
    pub all: Vec<Precondition>,
}

/// Nobody says when they were read, or whether.
impl From<Vec<Precondition>> for Conditions {
    fn from(all: Vec<Precondition>) -> Self {
        Self { seen: None, all }
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
        value: Value,
    },
}

impl Precondition {
    pub(super) fn key(&self) -> &[u8] {
        match self {
            Self::Absent(key) | Self::Present(key) | Self::Unchanged { key, .. } => key,
        }
    }

    pub(super) fn holds(&self, stored: Option<&Value>) -> bool {
        match self {
            Self::Absent(_) => stored.is_none(),
            Self::Present(_) => stored.is_some(),
            Self::Unchanged { value, .. } => stored == Some(value),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Absent(key) | Self::Present(key) => key.len(),
            Self::Unchanged { key, value } => key.len() + value.len(),
        }
    }
}
