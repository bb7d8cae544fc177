//! Reads a whole journal, and compares the index with what follows from it. Changes nothing.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::chain::Chain;
use super::damage::{Damage, Flaw, Torn};
use super::engine::{Engine, key_hash, weight};
use super::entry::{Hash, Index, Position, Receipt, Recorded};
use super::journal::Catalog;
use super::lock::try_lock_existing;
use super::recovery::{INDEX, JOURNAL};
use super::segment::{Frames, Segment, Walked, walk};
use super::{Error, Pair, Store};

/// Memory for pages of a copy of the index: it is read once, in order.
const CACHE_BYTES: u64 = 64 << 20;

/// Progress is told after so many bytes.
const PROGRESS_BYTES: u64 = 1 << 20;

/// Pairs of the index that are looked at together, so that no reader waits.
const PAGE_PAIRS: usize = 1000;

/// What a verification has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Entries that are as they were written.
    pub entries: u64,
    /// How many segments there are.
    pub segments: usize,
    /// The length of all segments.
    pub bytes: u64,
    /// The last entry that is as it was written.
    pub head: Receipt,
    /// A last frame that is not complete: half an export, or a write that is under way or was
    /// never acknowledged.
    pub torn: Option<Torn>,
    /// The first place that is wrong. Nothing behind it was read.
    pub damage: Option<Damage>,
    /// Whether the index is what follows from the journal.
    pub index: IndexState,
    /// The position of the first entry that was read, and the hash of each.
    first: u64,
    hashes: Vec<Hash>,
}

impl Verification {
    /// Whether an entry of that hash is among those that are as they were written.
    #[must_use]
    pub fn contains(&self, hash: &Hash) -> bool {
        self.hashes.contains(hash)
    }

    /// The hash of the entry at a position, if it is as it was written.
    #[must_use]
    pub fn hash_at(&self, position: Position) -> Option<Hash> {
        let index = position.0.checked_sub(self.first)?;
        self.hashes.get(usize::try_from(index).ok()?).copied()
    }
}

/// How an index compares with what follows from its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// It holds exactly that.
    Agrees,
    /// It holds something else. A start after a kill notices, and builds it anew.
    Differs {
        /// Under how many keys.
        keys: u64,
        /// The first of them.
        first: Vec<u8>,
    },
    /// There is none; a start builds it.
    Absent,
    /// It could not be compared, and why.
    Unreadable(String),
}

impl IndexState {
    /// What differs, where something does.
    #[must_use]
    pub fn difference(&self) -> Option<String> {
        let Self::Differs { keys, first } = self else { return None };
        Some(format!("{keys} keys differ, the first is {}", String::from_utf8_lossy(first)))
    }
}

/// Verifies a data folder, a folder of segments, or the file of an export, without changing
/// anything in it; `progress` is told how many bytes of the journal are read, and of how many.
///
/// A server may be at work in the folder. Then its index is not compared, and the end of the
/// journal may be seen half written.
///
/// # Errors
///
/// [`Error::Io`] if the path cannot be read, [`Error::Damaged`] if there is no journal.
pub fn verify(
    path: &Path,
    index: Index,
    progress: &dyn Fn(u64, u64),
) -> Result<Verification, Error> {
    if fs::metadata(path).map_err(Error::Io)?.is_file() {
        return verify_export(path, index, progress);
    }
    let nested = path.join(JOURNAL);
    let journal = if nested.is_dir() { nested } else { path.to_owned() };
    // Before the segments are listed: what the index has, the journal has.
    let copy = Copied::new(path);
    let segments = Segment::list(&journal).map_err(Error::Io)?;
    if segments.is_empty() {
        return Err(Error::Damaged("there is no journal".into()));
    }
    let opened = copy.open(index);
    let applied = opened.as_ref().map_or(0, |(_, applied)| *applied);
    let mut reading = Reading::new(&journal, &segments, index, applied);
    let walked = reading.walk(Chain::START, progress);
    let mut found = reading.found(&walked);
    if found.damage.is_none() && walked.chain.next() <= applied {
        let segment = segments.last().map_or(String::new(), |last| last.name.clone());
        let (offset, position) = (walked.good_bytes, Position(walked.chain.next()));
        let flaw = Flaw::Behind { index: applied };
        found.damage = Some(Damage { segment, offset, position, flaw });
    }
    found.index = match opened {
        Err(state) => state,
        Ok(_) if found.damage.is_some() => not_compared(),
        Ok((engine, _)) => {
            let scanned = reading.scan(|after| engine.scan(b"", after, PAGE_PAIRS));
            reading.judge(scanned, &HashSet::new())
        }
    };
    Ok(found)
}

fn not_compared() -> IndexState {
    IndexState::Unreadable("not compared, as the journal is damaged".into())
}

/// Verifies one file of frames, which may begin anywhere.
fn verify_export(
    path: &Path,
    index: Index,
    progress: &dyn Fn(u64, u64),
) -> Result<Verification, Error> {
    let bytes = fs::metadata(path).map_err(Error::Io)?.len();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let first = Frames::open(path, bytes).and_then(|mut frames| frames.peek());
    let first = first.map_or(1, |head| head.first);
    let segments = [Segment { first, name, bytes }];
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut reading = Reading::new(folder, &segments, index, 0);
    let walked = reading.walk(Chain::before(first), progress);
    Ok(reading.found(&walked))
}

impl Store {
    /// Verifies the journal and the index while reads and writes go on; `progress` is told how
    /// many bytes of the journal are read, and of how many. Blocks on the disk for long.
    ///
    /// From damage on writes are off.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Damaged`] if what was written in the meantime cannot be read.
    pub fn verify(&self, progress: &dyn Fn(u64, u64)) -> Result<Verification, Error> {
        let shared = &*self.shared;
        let (catalog, pending) = (&*shared.catalog, &*shared.pending);
        let segments = catalog.segments();
        // The writer may wait for the index with entries that are on disk and cannot be read yet.
        let readable = pending.position().0;
        let mut reading = Reading::new(catalog.dir(), &segments, shared.index, readable);
        let walked = reading.walk(Chain::START, progress);
        let mut found = reading.found(&walked);
        if let Some(damage) = &found.damage {
            shared.state.judge(damage)?;
            found.index = not_compared();
            return Ok(found);
        }
        let scanned = reading.scan(|after| pending.scan(b"", after, PAGE_PAIRS));
        // All that the scan can have seen is in the journal by now.
        let until = pending.position().0;
        let written = reading.written(catalog, walked.chain.next() - 1, until)?;
        found.index = reading.judge(scanned, &written);
        Ok(found)
    }
}

/// What a walk has gathered.
struct Reading<'a> {
    dir: &'a Path,
    segments: &'a [Segment],
    index: Index,
    /// The last entry that the index has, or that is read from over it.
    applied: u64,
    hashes: Vec<Hash>,
    first: u64,
    /// What follows from the journal: key → weight of its value.
    state: HashMap<u64, u64>,
    /// Keys that entries after `applied` write: the index need not know yet.
    late: HashSet<u64>,
    /// Why `puts` could not read an entry.
    refused: Option<String>,
}

/// What a scan of the index has found to be different: key and weight of the value.
type Scanned = Result<Vec<(Vec<u8>, u64)>, Error>;

impl<'a> Reading<'a> {
    fn new(dir: &'a Path, segments: &'a [Segment], index: Index, applied: u64) -> Self {
        Self {
            dir,
            segments,
            index,
            applied,
            hashes: Vec::new(),
            first: 1,
            state: HashMap::new(),
            late: HashSet::new(),
            refused: None,
        }
    }

    fn walk(&mut self, chain: Chain, progress: &dyn Fn(u64, u64)) -> Walked {
        let (dir, segments) = (self.dir, self.segments);
        let total = bytes(segments);
        let mut next = 0;
        self.first = chain.next();
        let walked = walk(dir, segments, chain, |recorded, done| {
            if done >= next {
                progress(done, total);
                next = done + PROGRESS_BYTES;
            }
            self.take(&recorded);
            Ok::<(), Infallible>(())
        });
        progress(total, total);
        match walked {
            Ok(walked) => walked,
            Err(never) => match never {},
        }
    }

    fn take(&mut self, recorded: &Recorded) {
        self.hashes.push(recorded.hash);
        match self.index.read(recorded) {
            Ok(pairs) => {
                for (key, value) in pairs {
                    let hash = key_hash(&key);
                    self.state.insert(hash, weight(&key, &value));
                    if recorded.header.position > self.applied {
                        self.late.insert(hash);
                    }
                }
            }
            Err(why) => {
                let position = recorded.position();
                let text = || format!("the entry at {position} cannot be read: {why}");
                self.refused.get_or_insert_with(text);
            }
        }
    }

    fn found(&mut self, walked: &Walked) -> Verification {
        Verification {
            entries: self.hashes.len() as u64,
            segments: self.segments.len(),
            bytes: bytes(self.segments),
            head: walked.chain.head().unwrap_or(Receipt::START),
            torn: walked.torn.clone(),
            damage: walked.damage.clone(),
            index: IndexState::Absent,
            first: self.first,
            hashes: std::mem::take(&mut self.hashes),
        }
    }

    /// Takes what the index holds out of what follows from the journal. What is left there
    /// afterwards is what the index has not.
    fn scan(&mut self, page: impl Fn(Option<&[u8]>) -> Result<Vec<Pair>, Error>) -> Scanned {
        let (mut different, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let page = page(after.as_deref())?;
            for (key, value) in &page {
                let hash = key_hash(key);
                let expected = self.state.remove(&hash);
                let weight = weight(key, value);
                if expected != Some(weight) && !self.late.contains(&hash) {
                    different.push((key.clone(), weight));
                }
            }
            match page.into_iter().next_back() {
                Some((key, _)) => after = Some(key),
                None => return Ok(different),
            }
        }
    }

    /// What entries have written since: weights of values, which hold their keys too.
    fn written(&self, catalog: &Catalog, after: u64, until: u64) -> Result<HashSet<u64>, Error> {
        let (mut written, mut after) = (HashSet::new(), after);
        while after < until {
            for recorded in catalog.read(after, until, 1 << 20)? {
                after = recorded.header.position;
                let pairs = self.index.read(&recorded).unwrap_or_default();
                written.extend(pairs.iter().map(|(key, value)| weight(key, value)));
            }
        }
        Ok(written)
    }

    fn judge(&self, scanned: Scanned, written: &HashSet<u64>) -> IndexState {
        if let Some(refused) = &self.refused {
            return IndexState::Unreadable(refused.clone());
        }
        let mut different = match scanned {
            Ok(different) => different,
            Err(e) => return IndexState::Unreadable(e.to_string()),
        };
        different.retain(|(_, weight)| !written.contains(weight));
        let lost = self.state.keys().filter(|key| !self.late.contains(key)).count();
        let keys = (different.len() + lost) as u64;
        let extra = different.into_iter().next().map(|(key, _)| key);
        let lost = if lost > 0 { self.first_lost() } else { None };
        // Keys come in order, so the first of each kind is the smallest of its kind.
        match extra.into_iter().chain(lost).min() {
            None => IndexState::Agrees,
            Some(first) => IndexState::Differs { keys, first },
        }
    }

    /// The smallest of the keys that the index has not, looked up in the journal.
    fn first_lost(&self) -> Option<Vec<u8>> {
        let is_lost = |key: &[u8]| {
            let hash = key_hash(key);
            self.state.contains_key(&hash) && !self.late.contains(&hash)
        };
        let mut first = None::<Vec<u8>>;
        let walked = walk(self.dir, self.segments, Chain::START, |recorded, _| {
            for (key, _) in self.index.read(&recorded).unwrap_or_default() {
                if first.as_ref().is_none_or(|first| key < *first) && is_lost(&key) {
                    first = Some(key);
                }
            }
            Ok::<(), Infallible>(())
        });
        walked.ok().and(first)
    }
}

fn bytes(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| segment.bytes).sum()
}

/// A copy of the index, to be opened: the engine would write into the folder itself.
struct Copied(Result<tempfile::TempDir, IndexState>);

impl Copied {
    fn new(dir: &Path) -> Self {
        let index = dir.join(INDEX);
        if !index.is_dir() {
            return Self(Err(IndexState::Absent));
        }
        let unreadable = |e: io::Error| IndexState::Unreadable(e.to_string());
        // Held while the copy is made, and no longer: a server may start meanwhile.
        let lock = match try_lock_existing(dir) {
            Ok(lock) => lock,
            Err(e) => return Self(Err(IndexState::Unreadable(e.to_string()))),
        };
        let copied = tempfile::tempdir().and_then(|temporary| {
            copy_folder(&index, &temporary.path().join(INDEX))?;
            Ok(temporary)
        });
        drop::<Option<File>>(lock);
        Self(copied.map_err(unreadable))
    }

    /// The copy, opened, and the last entry that it has applied.
    fn open(&self, index: Index) -> Result<(Engine, u64), IndexState> {
        let temporary = self.0.as_ref().map_err(Clone::clone)?;
        let unreadable = |e: Error| IndexState::Unreadable(e.to_string());
        let engine = Engine::open(&temporary.path().join(INDEX), CACHE_BYTES);
        let engine = engine.map_err(unreadable)?;
        match engine.applied().map_err(unreadable)? {
            Some(applied) if applied.version != index.version => {
                Err(IndexState::Unreadable("it was written by another version".into()))
            }
            applied => Ok((engine, applied.map_or(0, |applied| applied.head.position.0))),
        }
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    let mut folders: Vec<(PathBuf, PathBuf)> = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        fs::create_dir_all(&to)?;
        for file in fs::read_dir(&from)? {
            let file = file?;
            let (from, to) = (file.path(), to.join(file.file_name()));
            match file.file_type()?.is_dir() {
                true => folders.push((from, to)),
                false => drop(fs::copy(from, to)?),
            }
        }
    }
    Ok(())
}
