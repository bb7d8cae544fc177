//! sled, and what it takes to trust it: the only file that knows the engine.
//!
//! It reads, applies and syncs. It knows nothing of groups, preconditions or callers.
//!
//! Four habits of sled 0.34 are dealt with here:
//!
//! - `flush` calls `sync_file_range` on Linux, which flushes neither the disk's cache nor a grown
//!   file's size. [`Disk::sync`] adds `fdatasync` on the data file.
//! - A page of more than a quarter of a segment goes to a file of its own under `blobs/`, which
//!   sled never syncs. [`Disk::sync`] syncs those that are new; [`SEGMENT_BYTES`] keeps them rare.
//! - Damaged files make it panic in places, both at open and at a later read. Every call stands
//!   inside [`guarded`], which makes an [`Error`] of the panic.
//! - Its cache would grow to 1 GiB; the caller states the bound.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::ops::{Bound, Deref};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::{Error, Pair, Position};

/// First byte of the keys that the store keeps for itself.
pub(super) const RESERVED: u8 = 0x00;

/// Where the position of the last applied entry stands, written in the same batch.
const POSITION_KEY: &[u8] = b"\0position";

/// The unit of sled's log, fixed when a folder is created.
///
/// A leaf holds up to 17 values and stays in the log up to a quarter of this: values of 120 KB on
/// average, several times a long report. sled's own choice of 512 KiB would send leaves of 8 KB
/// values to `blobs/`, each to be created and synced by itself. The price, measured: a file of 3.1
/// times its live content after overwrites instead of 2.5 times.
const SEGMENT_BYTES: usize = 8 << 20;

/// Keys and the values that are to stand under them.
pub(super) type Puts<'a> = HashMap<&'a [u8], &'a [u8]>;

/// A stored value: bytes shared with the cache, so that reading one copies nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Value(sled::IVec);

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
    /// Opens or creates the folder. What it holds is on disk before this returns, even if the
    /// process that wrote it was killed between writing and syncing: it is about to be read.
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<(Self, Disk), Error> {
        // Before sled, for whom a missing folder would look like a missing file of its own.
        std::fs::create_dir_all(dir).map_err(Error::Io)?;
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            .segment_size(SEGMENT_BYTES)
            // The committer flushes; a second flusher in the background would only hide errors.
            .flush_every_ms(None);
        let db = guarded(|| config.open()).map_err(|e| e.at_open(dir))?;
        let mut disk = Disk::open(dir).map_err(Error::Io)?;
        disk.sync_all().map_err(Error::Io)?;
        Ok((Self { db }, disk))
    }

    /// The position of the last entry applied.
    pub(super) fn position(&self) -> Result<Position, Error> {
        let Some(stored) = guarded(|| self.db.get(POSITION_KEY))? else {
            return match guarded(|| self.db.first())? {
                None => Ok(Position::START),
                Some(_) => Err(Error::Damaged("it holds values but no position".into())),
            };
        };
        let bytes = <[u8; 8]>::try_from(&*stored)
            .map_err(|_| Error::Damaged("its position is not of eight bytes".into()))?;
        Ok(Position(u64::from_be_bytes(bytes)))
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
        // No key of the caller's sorts before this, and every key of the store's own does.
        let first = prefix.max(&[RESERVED + 1]);
        let start = match after {
            Some(after) if after >= first => Bound::Excluded(after),
            _ => Bound::Included(first),
        };
        guarded(|| {
            self.db
                .range::<&[u8], _>((start, Bound::Unbounded))
                .take(limit)
                .take_while(|pair| pair.as_ref().map_or(true, |(k, _)| k.starts_with(prefix)))
                .map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())))
                .collect()
        })
    }

    /// Applies puts and the position they lead to, whole or not at all after a crash. In memory
    /// only until [`Engine::flush`] and [`Disk::sync`]: sled says `Ok` here even on a full disk.
    ///
    /// One call a group, not one an entry: sled writes and waits once for each batch.
    pub(super) fn apply(&self, puts: &Puts<'_>, position: Position) -> Result<(), Error> {
        let mut batch = sled::Batch::default();
        for (key, value) in puts {
            batch.insert(*key, *value);
        }
        batch.insert(POSITION_KEY, &position.0.to_be_bytes());
        guarded(|| self.db.apply_batch(batch))
    }

    /// Hands everything applied so far to the operating system.
    pub(super) fn flush(&self) -> Result<(), Error> {
        guarded(|| self.db.flush()).map(drop)
    }
}

/// The files of the folder, held open beside sled's own handles in order to sync them.
pub(super) struct Disk {
    dir: PathBuf,
    /// Opened once: a handle reports each failed write-back since it was opened, exactly once.
    data: File,
    blobs_synced: HashSet<OsString>,
}

impl Disk {
    fn open(dir: &Path) -> io::Result<Self> {
        // Writable, as some systems refuse to sync through a handle for reading.
        let data = File::options().read(true).write(true).open(dir.join("db"))?;
        Ok(Self { dir: dir.to_owned(), data, blobs_synced: HashSet::new() })
    }

    /// Makes what was flushed survive a power loss.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.sync_blobs()?;
        self.data.sync_data()
    }

    /// Like [`Disk::sync`], and the names of the files too: a synced file whose name is lost is
    /// lost. sled creates them at open, so once is enough.
    fn sync_all(&mut self) -> io::Result<()> {
        self.sync()?;
        sync_dir(&self.dir)?;
        let Some(parent) = self.dir.canonicalize()?.parent().map(sync_dir) else {
            return Ok(());
        };
        match parent {
            // Whoever may not read the parent did not create the folder in it just now.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    }

    /// Syncs the blobs that have come since the last call, and forgets those that went. As long
    /// as there are none this is one look into an empty folder.
    fn sync_blobs(&mut self) -> io::Result<()> {
        let folder = self.dir.join("blobs");
        let mut present = HashSet::new();
        let mut any_new = false;
        for blob in std::fs::read_dir(&folder)? {
            let name = blob?.file_name();
            if !self.blobs_synced.contains(&name) {
                match File::options().read(true).write(true).open(folder.join(&name)) {
                    Ok(file) => file.sync_all()?,
                    // sled removes a blob as soon as a later page replaces it.
                    Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                    Err(e) => return Err(e),
                }
                any_new = true;
            }
            present.insert(name);
        }
        self.blobs_synced = present;
        if any_new { sync_dir(&folder) } else { Ok(()) }
    }

    /// Bytes free to this process on the folder's file system.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        fs4::available_space(&self.dir)
    }
}

/// Makes the names in a folder survive a power loss, where a folder can be opened as a file.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Runs a call into sled and makes an [`Error`] of its error or its panic.
///
/// sled asserts what it reads, so a flipped bit on disk can arrive as a panic. Its locks do not
/// poison and its pages are replaced, never changed in place, so a reader may go on after it; the
/// committer turns writes off on any error, as it does on a failed sync.
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

/// What a panic said, as far as it said it in words.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the engine panicked: {}", text.unwrap_or("without a word"))
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
