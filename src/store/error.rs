//! What can go wrong with the store, and what is known of the entry when it did.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::ENTRY_BYTES_MAX;
use super::damage::Damage;

/// Why a store cannot be opened or read.
#[derive(Debug)]
pub enum Error {
    /// Another process, or another `Store` in this one, holds the folder.
    Locked {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The files could not be created, read, written or synced.
    Io(io::Error),
    /// The files do not hold a store that this version can read.
    Damaged(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { dir, .. } => {
                write!(f, "another process holds the store in {}", dir.display())
            }
            Self::Io(e) => write!(f, "the store's files cannot be used: {e}"),
            Self::Damaged(e) => write!(f, "the store is damaged or of another make: {e}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Locked { cause, .. } => Some(cause),
            Self::Io(e) => Some(e),
            Self::Damaged(e) => Some(&**e),
        }
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Self {
        Self::Damaged(Box::new(damage))
    }
}

/// Why nothing can be written at present.
#[derive(Clone, Debug)]
pub enum WritesOff {
    /// The disk filled up during a write, which was undone. On again by itself when there is room.
    DiskFull(Arc<Error>),
    /// A write failed, and was undone. On again by itself when the disk can be written.
    AppendFailed(Arc<Error>),
    /// What a sync, or the undoing of a failed write, has left on disk is not known. Off until a
    /// new start, which reads it.
    SyncFailed(Arc<Error>),
    /// The journal has what the index could not take, and so do reads. Off until a new start, which
    /// rebuilds it.
    IndexFailed(Arc<Error>),
    /// There is less room than the reserve. On again by itself when there is more.
    LowSpace {
        /// Bytes free when it was noticed.
        free_bytes: u64,
        /// [`Options::reserve_bytes`](super::Options::reserve_bytes).
        reserve_bytes: u64,
    },
    /// The journal is damaged. Off until it is restored: nothing may be chained to what is wrong.
    Damaged(Arc<Damage>),
    /// The folder cannot be written.
    ReadOnly,
    /// The store was closed.
    Closed,
}

impl fmt::Display for WritesOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiskFull(_) => {
                f.write_str("writes are off until there is room: the disk is full")
            }
            Self::AppendFailed(_) => {
                f.write_str("writes are off until the disk can be written: a write failed")
            }
            Self::SyncFailed(_) => {
                f.write_str("writes are off until a restart: a write to disk failed")
            }
            Self::IndexFailed(_) => {
                f.write_str("writes are off until a restart: the index cannot be written")
            }
            Self::LowSpace { free_bytes, reserve_bytes } => write!(
                f,
                "writes are off until there is more disk space: {free_bytes} bytes free, \
                 {reserve_bytes} kept in reserve"
            ),
            Self::Damaged(damage) => write!(f, "writes are off: {damage}"),
            Self::ReadOnly => f.write_str("writes are off: the data folder cannot be written"),
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for WritesOff {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::DiskFull(cause)
            | Self::AppendFailed(cause)
            | Self::SyncFailed(cause)
            | Self::IndexFailed(cause) => Some(&**cause),
            Self::Damaged(damage) => Some(&**damage),
            Self::LowSpace { .. } | Self::ReadOnly | Self::Closed => None,
        }
    }
}

/// Why an entry was not acknowledged.
///
/// Nothing was written, except perhaps after [`WritesOff::SyncFailed`]: then the entry may be
/// found, whole, after a new start.
#[derive(Debug)]
pub enum CommitError {
    /// A precondition did not hold.
    Precondition {
        /// Which one, counted from 0.
        index: usize,
    },
    /// A put's key is empty or begins with 0x00.
    ReservedKey {
        /// Which put, counted from 0.
        index: usize,
    },
    /// Entry and preconditions are larger than [`ENTRY_BYTES_MAX`].
    TooLarge {
        /// Their size.
        bytes: usize,
    },
    /// The index does not know what to do with the entry, in its own words.
    Refused(String),
    /// A precondition could not be checked.
    Unreadable(Error),
    /// The store takes no writes.
    WritesOff(WritesOff),
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Precondition { index } => write!(f, "precondition {index} does not hold"),
            Self::ReservedKey { index } => {
                write!(f, "the key of put {index} is empty or begins with 0x00")
            }
            Self::TooLarge { bytes } => {
                write!(f, "an entry of {bytes} bytes; at most {ENTRY_BYTES_MAX} are taken")
            }
            Self::Refused(why) => write!(f, "the entry cannot be read: {why}"),
            Self::Unreadable(e) => write!(f, "a precondition cannot be checked: {e}"),
            Self::WritesOff(off) => off.fmt(f),
        }
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(e) => Some(e),
            Self::WritesOff(off) => off.source(),
            Self::Precondition { .. }
            | Self::ReservedKey { .. }
            | Self::TooLarge { .. }
            | Self::Refused(_) => None,
        }
    }
}
