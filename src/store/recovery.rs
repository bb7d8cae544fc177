//! What a start does: locks the folder, reads the end of the journal, and brings the index up to
//! it, or builds the index anew.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::damage::{Damage, Flaw, Torn};
use super::engine::{Applied, Disk, Engine, Puts};
use super::entry::Index;
use super::journal::{Appender, Catalog, Sealed, sync_dir};
use super::lock::{lock, patiently};
use super::marks::Marks;
use super::replay::{Batch, Told, Trouble};
use super::segment::{Segment, Walked, walk};
use super::{Condition, Error, Options, Position, Work, WritesOff, chain::Chain};

/// The folder of the segments.
pub(super) const JOURNAL: &str = "journal";
/// The folder of the segments while a restore is under way.
pub(super) const PART: &str = "journal.part";
/// The folder of the index.
pub(super) const INDEX: &str = "index";
/// Where a damaged index is put. One is kept: the journal has all that it held.
const ASIDE: &str = "index-aside";

/// All that opening has found and made ready.
pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) applied: Applied,
    pub(super) marks: Marks,
    /// None where the index is only for this run.
    pub(super) disk: Option<Disk>,
    /// None where writes are off for good.
    pub(super) appender: Option<Appender>,
    pub(super) off: Option<WritesOff>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) condition: Condition,
    pub(super) lock: Option<File>,
    /// Holds the index where the folder cannot be written.
    pub(super) temporary: Option<TempDir>,
}

/// Opens a folder, or creates it.
pub(super) fn open(dir: &Path, index: Index, options: &Options) -> Result<Opened, Error> {
    let journal = dir.join(JOURNAL);
    if dir.join("db").exists() && !journal.exists() {
        let text = "the folder was made by an earlier build, which kept no journal";
        return Err(Error::Damaged(text.into()));
    }
    if dir.join(PART).exists() && !journal.exists() {
        return Err(Error::Damaged("a restore into the folder was not finished".into()));
    }
    let refusal = match open_writable(dir, index, options) {
        // A full disk too: the index cannot be opened without room.
        Err(Error::Io(e)) if is_read_only(&e) || is_full(&e) => Error::Io(e),
        other => return other,
    };
    match Segment::list(&journal) {
        Ok(segments) if !segments.is_empty() => {
            let opened = open_read_only(&journal, segments, index, options);
            opened.map_err(|e| if matches!(e, Error::Io(_)) { refusal } else { e })
        }
        _ => Err(refusal),
    }
}

fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn is_read_only(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn open_writable(dir: &Path, index: Index, options: &Options) -> Result<Opened, Error> {
    if let Some(fault) = &options.faults.open {
        fault().map_err(Error::Io)?;
    }
    let lock = lock(dir)?;
    let mut recovery = Recovery::new(&dir.join(JOURNAL), &dir.join(INDEX), index, options);
    // The folder of the index is made after the first segment: without the one there was none.
    let had_index = recovery.index_dir.exists();
    recovery.settle().map_err(Error::Io)?;
    if recovery.segments.is_empty() && !had_index {
        recovery.begin(dir).map_err(Error::Io)?;
    }
    let (engine, mut applied) = match recovery.usable_index(had_index)? {
        Some(usable) => usable,
        None => recovery.new_index()?,
    };
    let (engine, walked) = match recovery.replay(&engine, &mut applied) {
        Ok(walked) => (engine, walked),
        Err(Trouble::Fatal(e)) => return Err(e),
        Err(Trouble::Index) => {
            drop(engine);
            recovery.set_aside()?;
            let (engine, nothing) = recovery.new_index()?;
            applied = nothing;
            let walked = recovery.replay(&engine, &mut applied).map_err(Trouble::fatal)?;
            (engine, walked)
        }
    };
    recovery.judge(&engine, &mut applied, &walked)?;
    let damage = recovery.condition.damage.clone();
    if damage.is_none() {
        recovery.cut(walked).map_err(Error::Io)?;
    }
    let Recovery { journal, index_dir, segments, condition, .. } = recovery;
    let catalog = Arc::new(Catalog::new(journal, segments));
    let appender = match damage {
        Some(_) => None,
        None => Some(Appender::open(catalog.clone(), options).map_err(Error::Io)?),
    };
    let off = damage.map(|damage| WritesOff::Damaged(Arc::new(damage)));
    let disk = Some(Disk::open(&index_dir).map_err(Error::Io)?);
    let marks = Marks::new(&index_dir);
    Ok(Opened {
        engine,
        applied,
        marks,
        disk,
        appender,
        off,
        catalog,
        condition,
        lock: Some(lock),
        temporary: None,
    })
}

/// Reads a journal in a folder that cannot be written, into an index of this run alone.
fn open_read_only(
    journal: &Path,
    segments: Vec<Segment>,
    index: Index,
    options: &Options,
) -> Result<Opened, Error> {
    let temporary = tempfile::tempdir().map_err(Error::Io)?;
    let index_dir = temporary.path().join(INDEX);
    let mut recovery = Recovery::new(journal, &index_dir, index, options);
    recovery.segments = segments;
    let (engine, mut applied) = recovery.new_index()?;
    let walked = recovery.replay(&engine, &mut applied).map_err(Trouble::fatal)?;
    recovery.judge(&engine, &mut applied, &walked)?;
    recovery.condition.torn = walked.torn;
    let Recovery { journal, segments, condition, .. } = recovery;
    let off = match condition.damage.clone() {
        Some(damage) => WritesOff::Damaged(Arc::new(damage)),
        None => WritesOff::ReadOnly,
    };
    let marks = Marks::new(&index_dir);
    Ok(Opened {
        engine,
        applied,
        marks,
        disk: None,
        appender: None,
        off: Some(off),
        catalog: Arc::new(Catalog::new(journal, segments)),
        condition,
        lock: None,
        temporary: Some(temporary),
    })
}

/// Whether a new index may do better than the one that gave this error.
pub(super) fn calls_for_rebuild(e: &Error) -> bool {
    match e {
        Error::Damaged(_) => true,
        Error::Io(e) => !is_read_only(e) && !is_full(e) && e.kind() != io::ErrorKind::OutOfMemory,
        Error::Locked { .. } => false,
    }
}

/// A start under way.
struct Recovery<'a> {
    journal: PathBuf,
    index_dir: PathBuf,
    index: Index,
    options: &'a Options,
    segments: Vec<Segment>,
    condition: Condition,
}

impl<'a> Recovery<'a> {
    fn new(journal: &Path, index_dir: &Path, index: Index, options: &'a Options) -> Self {
        Self {
            journal: journal.to_owned(),
            index_dir: index_dir.to_owned(),
            index,
            options,
            segments: Vec::new(),
            condition: Condition::default(),
        }
    }

    /// Lists the segments. What a killed process wrote and did not sync is in memory: it is about
    /// to be read, and so is made to survive a power loss first.
    fn settle(&mut self) -> io::Result<()> {
        self.segments = match Segment::list(&self.journal) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            listed => listed?,
        };
        if let Some(last) = self.segments.last() {
            let path = self.journal.join(&last.name);
            File::options().read(true).write(true).open(path)?.sync_all()?;
            sync_dir(&self.journal)?;
        }
        Ok(())
    }

    /// Begins the first segment of a new store.
    fn begin(&mut self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(&self.journal)?;
        let first = Segment::new(1);
        File::create_new(self.journal.join(&first.name))?.sync_all()?;
        self.segments.push(first);
        sync_dir(&self.journal)?;
        sync_dir(dir)?;
        let Some(parent) = dir.canonicalize()?.parent().map(sync_dir) else {
            return Ok(());
        };
        match parent {
            // Whoever may not read the parent did not create the folder in it just now.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    }

    /// The index of the folder, if it can be gone on with; set aside if it is there and cannot.
    fn usable_index(&mut self, had_index: bool) -> Result<Option<(Engine, Applied)>, Error> {
        if !had_index {
            return Ok(None);
        }
        match self.open_index() {
            Ok(Some((engine, applied))) => {
                if self.segments.is_empty() && applied.head.position == Position::START {
                    return Err(journal_is_missing());
                }
                return Ok(Some((engine, applied)));
            }
            Ok(None) => {}
            Err(e) if calls_for_rebuild(&e) => {}
            Err(e) => return Err(e),
        }
        self.set_aside()?;
        Ok(None)
    }

    /// The index of the folder, if it is what was written, by this version of the puts.
    fn open_index(&self) -> Result<Option<(Engine, Applied)>, Error> {
        let marks = Marks::new(&self.index_dir);
        if marks.is_damaged() {
            return Ok(None);
        }
        let cache_bytes = self.options.cache_bytes;
        let engine = patiently(|| Engine::open(&self.index_dir, cache_bytes))?;
        let applied = engine.applied()?.unwrap_or(Applied::nothing(self.index.version));
        if applied.version != self.index.version {
            return Ok(None);
        }
        // Read here, where an error leads to a new index: no digest covers these.
        engine.sealed()?;
        if marks.is_clean(&applied) {
            return Ok(Some((engine, applied)));
        }
        let total = fs::metadata(self.index_dir.join("db")).map_or(0, |data| data.len());
        let mut told = Told::new(self.options, Work::Check, total);
        let digest = engine.digest(|done| told.tell(done))?;
        told.end();
        Ok((digest == applied.digest).then_some((engine, applied)))
    }

    fn new_index(&mut self) -> Result<(Engine, Applied), Error> {
        self.condition.rebuilt = self.segments.iter().any(|segment| segment.bytes > 0);
        let engine = Engine::open(&self.index_dir, self.options.cache_bytes)?;
        Ok((engine, Applied::nothing(self.index.version)))
    }

    fn set_aside(&mut self) -> Result<(), Error> {
        if self.segments.is_empty() {
            return Err(journal_is_missing());
        }
        let aside = self.index_dir.with_file_name(ASIDE);
        let moved = match fs::remove_dir_all(&aside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => fs::rename(&self.index_dir, &aside),
        };
        moved.map_err(Error::Io)?;
        self.condition.set_aside = Some(aside);
        Ok(())
    }

    /// Applies what the index has not yet. The last segment is read in any case, and so is the one
    /// that holds the last entry applied: it must be the same entry.
    fn replay(&mut self, engine: &Engine, applied: &mut Applied) -> Result<Walked, Trouble> {
        let known = applied.head;
        let holding = self.segments.partition_point(|s| s.first <= known.position.0.max(1));
        let segments = &self.segments[holding.saturating_sub(1)..];
        let chain = match segments.first() {
            None => Chain::START,
            Some(segment) if segment.first <= known.position.0 => Chain::before(segment.first),
            Some(_) => Chain::after(known),
        };
        let work = if self.condition.rebuilt { Work::Rebuild } else { Work::Replay };
        let mut told = Told::new(self.options, work, segments.iter().map(|s| s.bytes).sum());
        let cache_bytes = self.options.cache_bytes;
        let mut batch = Batch::new(self.index, engine, applied, cache_bytes);
        let mut replayed = 0;
        let walked = walk(&self.journal, segments, chain, |recorded, done| {
            told.tell(done);
            let position = recorded.position();
            let is_other = match position {
                _ if position == known.position => recorded.hash != known.hash,
                _ if position.0 == known.position.0 + 1 && known.position != Position::START => {
                    recorded.header.previous_hash != known.hash.as_bytes()
                }
                _ => false,
            };
            if is_other {
                return Err(Trouble::Index);
            }
            if position > known.position {
                replayed += 1;
                batch.add(&recorded)?;
            }
            Ok(())
        })?;
        batch.apply()?;
        if replayed > 0 {
            // A kill from now on does not cost the same work again.
            engine.flush()?;
        }
        told.end();
        self.condition.replayed = replayed;
        Ok(walked)
    }

    /// Says what is wrong, if anything is, and has the index know the full segments if nothing is.
    fn judge(
        &mut self,
        engine: &Engine,
        applied: &mut Applied,
        walked: &Walked,
    ) -> Result<(), Error> {
        let known = engine.sealed()?;
        let missing = if self.segments.is_empty() { None } else { self.missing(&known) };
        let behind = || {
            let index = applied.head.position.0;
            let segment = self.segments.last().map_or(Segment::new(1).name, |s| s.name.clone());
            let (offset, position) = (walked.good_bytes, Position(walked.chain.next()));
            let flaw = Flaw::Behind { index };
            (walked.chain.next() <= index).then_some(Damage { segment, offset, position, flaw })
        };
        let damage = missing.or_else(|| walked.damage.clone()).or_else(behind);
        if damage.is_none() {
            let full = &self.segments[..self.segments.len().saturating_sub(1)];
            let full = full.iter().map(|segment| (segment.first, segment.bytes));
            let new: Vec<Sealed> = full.filter(|sealed| !known.contains(sealed)).collect();
            if !new.is_empty() {
                *applied = engine.apply(&Puts::new(), &new, applied.head, applied, |_| false)?;
            }
        }
        self.condition.damage = damage;
        Ok(())
    }

    /// The first segment that was full and is no more what it was.
    fn missing(&self, known: &[Sealed]) -> Option<Damage> {
        let begins = self.segments.first().is_none_or(|segment| segment.first == 1);
        let lost = |(first, bytes): &Sealed| {
            let new = Segment::new(*first);
            let found = self.segments.iter().find(|segment| segment.first == *first);
            let (offset, flaw) = match found {
                Some(segment) if segment.bytes == *bytes => return None,
                Some(segment) => (segment.bytes.min(*bytes), Flaw::Resized { bytes: *bytes }),
                None => (0, Flaw::MissingSegment),
            };
            Some(Damage { segment: new.name, offset, position: Position(*first), flaw })
        };
        match begins {
            true => known.iter().find_map(lost),
            false => {
                let (segment, position) = (Segment::new(1).name, Position(1));
                Some(Damage { segment, offset: 0, position, flaw: Flaw::MissingSegment })
            }
        }
    }

    /// Cuts a torn frame off, and keeps its bytes in a file of their own.
    fn cut(&mut self, walked: Walked) -> io::Result<()> {
        let Some(mut torn) = walked.torn else { return Ok(()) };
        let path = self.journal.join(&torn.segment);
        let mut file = File::options().read(true).write(true).open(path)?;
        torn.kept = Some(keep(&self.journal, &mut file, &torn)?);
        file.set_len(torn.offset)?;
        file.sync_all()?;
        if let Some(last) = self.segments.last_mut() {
            last.bytes = torn.offset;
        }
        self.condition.torn = Some(torn);
        Ok(())
    }
}

fn journal_is_missing() -> Error {
    Error::Damaged("the journal is missing, and the index cannot be read without it".into())
}

/// Copies a torn frame into a file that is on disk when this returns.
fn keep(journal: &Path, file: &mut File, torn: &Torn) -> io::Result<PathBuf> {
    let name = format!("torn-{}", torn.position);
    let mut path = journal.join(&name);
    let mut earlier = 0;
    let mut copy = loop {
        // The same place may have been torn before: those bytes are kept as well.
        match File::create_new(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                earlier += 1;
                path = journal.join(format!("{name}-{earlier}"));
            }
            created => break created?,
        }
    };
    file.seek(SeekFrom::Start(torn.offset))?;
    io::copy(&mut file.take(torn.bytes), &mut copy)?;
    copy.sync_all()?;
    sync_dir(journal)?;
    Ok(path)
}
