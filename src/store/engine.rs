//! sled, and what it takes to trust it: the only file that knows the engine.
//!
//! It reads, applies and syncs. It knows nothing of groups, preconditions, callers or the journal.
//!
//! Four habits of sled 0.34 are dealt with here:
//!
//! - `flush` calls `sync_file_range` on Linux, which flushes neither the disk's cache nor a grown
//!   file's size. [`Disk::sync`] adds `fdatasync` on the data file, before a folder is said to be
//!   clean; in between the journal is what is synced.
//! - A page of more than a quarter of a segment goes to a file of its own under `blobs/`, which
//!   sled never syncs. [`Disk::sync`] syncs them; [`SEGMENT_BYTES`] keeps them rare.
//! - Damaged files make it panic in places, both at open and at a later read. Every call stands
//!   inside [`guarded`], which makes an [`Error`] of the panic.
//! - Its cache would grow to 1 GiB; the caller states the bound.

use std::any::Any;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::num::{NonZero, Wrapping};
use std::ops::{Bound, Deref};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use twox_hash::XxHash3_64;

use super::entry::panic_text;
use super::journal::{Sealed, sync_dir};
use super::{Error, Hash, Pair, Position, Receipt};
use crate::pb::Timestamp;

/// First byte of the keys that the store keeps for itself.
pub(super) const RESERVED: u8 = 0x00;

/// Where it stands what is applied, written in the same batch.
const APPLIED_KEY: &[u8] = b"\0applied";

/// Begins the keys of full segments: the position of the first entry follows, the length is the
/// value. The journal itself does not tell that a segment is missing or cut without being read.
const SEALED_PREFIX: &[u8] = b"\0sealed/";

/// Changes when what this file writes changes its form.
const FORM: u8 = 1;

/// The unit of sled's log, fixed when a folder is created.
///
/// A leaf holds up to 17 values and stays in the log up to a quarter of this: values of 120 KB on
/// average, several times a long report. sled's own choice of 512 KiB would send leaves of 8 KB
/// values to `blobs/`, each to be created and synced by itself. The price, measured: a file of 3.1
/// times its live content after overwrites instead of 2.5 times.
const SEGMENT_BYTES: usize = 8 << 20;

/// How many threads insert at once where an index is built; what they insert goes through one log.
const LOAD_THREADS_MAX: usize = 4;

/// Keys and the values that are to stand under them.
pub(super) type Puts = BTreeMap<Vec<u8>, Value>;

/// What the index holds: which entries, applied by which version of the puts, and the digest of
/// all keys with their values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Applied {
    pub(super) version: u32,
    pub(super) head: Receipt,
    /// The sum of [`weight`] over all that is stored.
    pub(super) digest: u64,
}

impl Applied {
    /// Of an index that holds nothing.
    pub(super) fn nothing(version: u32) -> Self {
        Self { version, head: Receipt::START, digest: 0 }
    }

    fn encode(&self) -> Vec<u8> {
        let Receipt { position, hash, time } = &self.head;
        let mut bytes = vec![FORM];
        bytes.extend(self.version.to_be_bytes());
        bytes.extend(position.0.to_be_bytes());
        bytes.extend(hash.as_bytes());
        bytes.extend(time.seconds.to_be_bytes());
        bytes.extend(time.nanos.to_be_bytes());
        bytes.extend(self.digest.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
            let (first, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Some(*first)
        }
        let mut bytes = bytes.strip_prefix(&[FORM])?;
        let version = u32::from_be_bytes(take(&mut bytes)?);
        let position = Position(u64::from_be_bytes(take(&mut bytes)?));
        let hash = Hash::from_bytes(take(&mut bytes)?);
        let seconds = i64::from_be_bytes(take(&mut bytes)?);
        let nanos = i32::from_be_bytes(take(&mut bytes)?);
        let digest = u64::from_be_bytes(take(&mut bytes)?);
        let head = Receipt { position, hash, time: Timestamp { seconds, nanos } };
        bytes.is_empty().then_some(Self { version, head, digest })
    }
}

/// What a key with its value adds to the digest.
pub(super) fn weight(key: &[u8], value: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(key_hash(key), value)
}

/// Stands for a key where many are kept in memory.
pub(super) fn key_hash(key: &[u8]) -> u64 {
    XxHash3_64::oneshot(key)
}

/// A stored value: bytes shared with the cache, so that reading one copies nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Value(sled::IVec);

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Value {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The tree of one folder; clones share it. The folder stays locked until the last is dropped.
#[derive(Clone)]
pub(super) struct Engine {
    db: sled::Db,
}

impl Engine {
    /// Opens or creates the folder.
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Self, Error> {
        // Before sled, for whom a missing folder would look like a missing file of its own.
        std::fs::create_dir_all(dir).map_err(Error::Io)?;
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            .segment_size(SEGMENT_BYTES)
            // The applier flushes; a second flusher in the background would only hide errors.
            .flush_every_ms(None);
        let db = guarded(|| config.open()).map_err(|e| e.at_open(dir))?;
        Ok(Self { db })
    }

    /// What the index holds; nothing if it is new.
    pub(super) fn applied(&self) -> Result<Option<Applied>, Error> {
        let Some(stored) = guarded(|| self.db.get(APPLIED_KEY))? else {
            return match guarded(|| self.db.first())? {
                None => Ok(None),
                Some(_) => Err(Error::Damaged("it holds values but no position".into())),
            };
        };
        let applied = Applied::decode(&stored);
        applied.map(Some).ok_or_else(|| Error::Damaged("its position is of another form".into()))
    }

    /// The segments that were full when the index was written.
    pub(super) fn sealed(&self) -> Result<Vec<Sealed>, Error> {
        let stored: Vec<(sled::IVec, sled::IVec)> =
            guarded(|| self.db.scan_prefix(SEALED_PREFIX).collect())?;
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes);
        let read = stored.iter().map(|(key, value)| {
            let first = number(&key[SEALED_PREFIX.len()..]);
            first.and_then(|first| Ok((first, number(value)?)))
        });
        read.collect::<Result<_, _>>().map_err(|e| Error::Damaged(Box::new(e)))
    }

    /// Sums up the digest of all that is stored, and tells how many bytes were read.
    pub(super) fn digest(&self, mut progress: impl FnMut(u64)) -> Result<u64, Error> {
        let (mut digest, mut bytes) = (0u64, 0u64);
        guarded(|| {
            for pair in self.db.range::<&[u8], _>(&[RESERVED + 1][..]..) {
                let (key, value) = pair?;
                digest = digest.wrapping_add(weight(&key, &value));
                bytes += (key.len() + value.len()) as u64;
                progress(bytes);
            }
            Ok(digest)
        })
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        if key.first() == Some(&RESERVED) {
            return Ok(None);
        }
        Ok(guarded(|| self.db.get(key))?.map(Value))
    }

    pub(super) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        guarded(|| {
            self.db
                .range::<&[u8], _>(from(prefix, after))
                .take(limit)
                .take_while(|pair| pair.as_ref().map_or(true, |(k, _)| k.starts_with(prefix)))
                .map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())))
                .collect()
        })
    }

    /// Applies puts and what they lead to, whole or not at all after a crash. In memory only until
    /// [`Engine::flush`] and [`Disk::sync`]: sled says `Ok` here even on a full disk.
    ///
    /// One call for many entries: sled writes and waits for each batch. Only one thread may apply,
    /// since the digest goes from what stood there before, which is read but for keys that are put
    /// `once`.
    pub(super) fn apply(
        &self,
        puts: &Puts,
        sealed: &[Sealed],
        head: Receipt,
        before: &Applied,
        once: fn(&[u8]) -> bool,
    ) -> Result<Applied, Error> {
        let mut applied = Applied { head, ..*before };
        let mut batch = sled::Batch::default();
        for (key, value) in puts {
            if !once(key)
                && let Some(old) = guarded(|| self.db.get(key))?
            {
                applied.digest = applied.digest.wrapping_sub(weight(key, &old));
            }
            applied.digest = applied.digest.wrapping_add(weight(key, value));
            batch.insert(&key[..], &value.0);
        }
        for (first, bytes) in sealed {
            let key = [SEALED_PREFIX, &first.to_be_bytes()].concat();
            batch.insert(key, &bytes.to_be_bytes());
        }
        batch.insert(APPLIED_KEY, applied.encode());
        guarded(|| self.db.apply_batch(batch))?;
        Ok(applied)
    }

    /// Applies puts in the order of their keys, not whole: after a crash the digest does not fit,
    /// and the index is built anew. For an index that is being built, where this is twice as fast:
    /// of many puts in order, the next is mostly for a page that is at hand. Each processor takes a
    /// stretch of the keys.
    pub(super) fn load(
        &self,
        puts: Puts,
        head: Receipt,
        before: &Applied,
    ) -> Result<Applied, Error> {
        let threads = available_parallelism().map_or(1, NonZero::get).min(LOAD_THREADS_MAX);
        let stretch = puts.len().div_ceil(threads).max(1);
        let mut puts = puts.into_iter();
        let change = std::thread::scope(|scope| {
            let loading: Vec<_> = (0..threads)
                .map(|_| puts.by_ref().take(stretch).collect::<Vec<_>>())
                .map(|stretch| scope.spawn(|| self.insert(stretch)))
                .collect();
            let lost = |panic: Box<dyn Any + Send>| Err(Error::Damaged(panic_text(&*panic).into()));
            let changes = loading.into_iter().map(|thread| thread.join().unwrap_or_else(lost));
            changes.sum::<Result<Wrapping<u64>, Error>>()
        })?;
        let applied = Applied { head, digest: before.digest.wrapping_add(change.0), ..*before };
        guarded(|| self.db.insert(APPLIED_KEY, applied.encode()))?;
        Ok(applied)
    }

    /// Inserts pairs, and answers what that changes in the digest.
    fn insert(&self, pairs: Vec<(Vec<u8>, Value)>) -> Result<Wrapping<u64>, Error> {
        let mut change = Wrapping(0);
        for (key, value) in pairs {
            change += weight(&key, &value);
            if let Some(old) = guarded(|| self.db.insert(&key, value.0))? {
                change -= weight(&key, &old);
            }
        }
        Ok(change)
    }

    /// Hands everything applied so far to the operating system.
    pub(super) fn flush(&self) -> Result<(), Error> {
        guarded(|| self.db.flush()).map(drop)
    }
}

/// Where a scan begins. No key of the caller's sorts before this, and every key of the store's own
/// does.
pub(super) fn from<'a>(
    prefix: &'a [u8],
    after: Option<&'a [u8]>,
) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
    let first = prefix.max(&[RESERVED + 1]);
    let start = match after {
        Some(after) if after >= first => Bound::Excluded(after),
        _ => Bound::Included(first),
    };
    (start, Bound::Unbounded)
}

/// The files of the folder, synced when the store is closed.
pub(super) struct Disk {
    dir: PathBuf,
    /// Opened at the start: a handle reports each failed write-back since it was opened.
    data: File,
}

impl Disk {
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        // Writable, as some systems refuse to sync through a handle for reading.
        let data = File::options().read(true).write(true).open(dir.join("db"))?;
        Ok(Self { dir: dir.to_owned(), data })
    }

    /// Makes what was flushed survive a power loss.
    pub(super) fn sync(&self) -> io::Result<()> {
        let blobs = self.dir.join("blobs");
        for blob in std::fs::read_dir(&blobs)? {
            File::options().read(true).write(true).open(blob?.path())?.sync_all()?;
        }
        sync_dir(&blobs)?;
        self.data.sync_data()?;
        sync_dir(&self.dir)
    }
}

/// Runs a call into sled and makes an [`Error`] of its error or its panic.
///
/// sled asserts what it reads, so a flipped bit on disk can arrive as a panic. Its locks do not
/// poison and its pages are replaced, never changed in place, so a reader may go on after it. Any
/// error of the applier turns writes off; that of a reader has the next start build the index anew.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(e))) if is_damage(&e) => Err(Error::Damaged(Box::new(e))),
        Ok(Err(sled::Error::Io(e))) => Err(Error::Io(e)),
        Ok(Err(e)) => Err(Error::Damaged(Box::new(e))),
        Err(panic) => Err(Error::Damaged(panic_text(&*panic).into())),
    }
}

/// Whether an error means that files are missing or too short, though the disk answers: sled
/// creates what it needs, so it misses only what its log speaks of.
fn is_damage(e: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    matches!(e.kind(), NotFound | UnexpectedEof | InvalidData)
}

impl Error {
    /// sled tells a held lock from other trouble by its text alone. The version is pinned, and a
    /// test opens a folder twice.
    fn at_open(self, dir: &Path) -> Self {
        match self {
            Self::Io(e) if e.to_string().starts_with("could not acquire lock on") => {
                Self::Locked { dir: dir.to_owned(), cause: e }
            }
            other => other,
        }
    }
}
