//! The journal: segment files, appended to by one and read by many.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chain::Chain;
use super::damage::{Damage, Flaw};
use super::entry::Recorded;
use super::segment::{Frames, Segment, Stop};
use super::{Faults, Options, Position};

/// Remembered places of frames. A follower goes on where it stopped; what is forgotten costs
/// hopping over the heads of one segment.
const MARKS_MAX: usize = 1024;

/// What is in the journal's folder and on disk: shared by the writer and all readers.
pub(super) struct Catalog {
    dir: PathBuf,
    known: Mutex<Known>,
}

struct Known {
    segments: Vec<Segment>,
    /// Position of a frame's first entry → place in its segment.
    marks: BTreeMap<u64, u64>,
}

impl Catalog {
    pub(super) fn new(dir: PathBuf, segments: Vec<Segment>) -> Self {
        Self { dir, known: Mutex::new(Known { segments, marks: BTreeMap::new() }) }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The segments, as far as they are on disk.
    pub(super) fn segments(&self) -> Vec<Segment> {
        self.known().segments.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entries after `after` up to `until`, in order, about `bytes_max` of them: at least one
    /// if there is one. What stands before damage is read before the damage is named.
    pub(super) fn read(
        &self,
        after: u64,
        until: u64,
        bytes_max: usize,
    ) -> Result<Vec<Recorded>, Damage> {
        let mut found = Vec::new();
        if after >= until {
            return Ok(found);
        }
        let (segments, mut start) = {
            let known = self.known();
            let index = known.segments.partition_point(|s| s.first <= after + 1);
            let segments = known.segments[index.saturating_sub(1)..].to_vec();
            let mark = known.marks.range(..=after + 1).next_back();
            let first = segments.first().map_or(0, |s| s.first);
            (segments, mark.filter(|(position, _)| **position >= first).map_or(0, |(_, o)| *o))
        };
        let mut chain = None;
        let (mut bytes, mut offset) = (0, 0);
        for segment in &segments {
            let range = Range { segment, start: std::mem::take(&mut start), after, until };
            let done = self.read_one(&range, &mut chain, &mut offset, |recorded| {
                bytes += recorded.entry.header.len() + recorded.entry.payload.len();
                found.push(recorded);
                bytes < bytes_max
            });
            match done {
                Ok(false) => {}
                Ok(true) => return Ok(found),
                Err(_) if !found.is_empty() => return Ok(found),
                Err(stop) => {
                    let next = chain.map_or(after + 1, |chain| chain.next());
                    return Err(damage(segment, offset, next, stop));
                }
            }
        }
        if found.is_empty() {
            let last = segments.last().cloned().unwrap_or_else(|| Segment::new(after + 1));
            let stop = Flaw::Behind { index: until }.into();
            return Err(damage(&last, last.bytes, after + 1, stop));
        }
        Ok(found)
    }

    /// Reads one segment; answers whether all that was asked for is read.
    fn read_one(
        &self,
        range: &Range<'_>,
        chain: &mut Option<Chain>,
        offset: &mut u64,
        mut take: impl FnMut(Recorded) -> bool,
    ) -> Result<bool, Stop> {
        let Range { segment, start, after, until } = *range;
        *offset = start;
        let mut frames = Frames::open(&self.dir.join(&segment.name), segment.bytes)?;
        frames.seek(start)?;
        let chain = match chain {
            Some(chain) => chain,
            None => chain.insert(Chain::before(frames.find(after + 1)?)),
        };
        loop {
            *offset = frames.offset();
            let Some(entries) = frames.next(chain.next())? else {
                return Ok(chain.next() > until);
            };
            self.mark(chain.next(), *offset);
            for entry in entries {
                let recorded = chain.check(entry)?;
                let position = recorded.header.position;
                if position > after && (!take(recorded) || position == until) {
                    return Ok(true);
                }
            }
        }
    }

    fn mark(&self, position: u64, offset: u64) {
        let marks = &mut self.known().marks;
        marks.insert(position, offset);
        if marks.len() > MARKS_MAX {
            marks.pop_first();
        }
    }
}

/// What is wanted of a segment.
#[derive(Clone, Copy)]
struct Range<'a> {
    segment: &'a Segment,
    /// Where a frame begins, not after the one that is wanted.
    start: u64,
    after: u64,
    until: u64,
}

fn damage(segment: &Segment, offset: u64, position: u64, stop: Stop) -> Damage {
    let flaw = match stop {
        Stop::Flaw(flaw) => flaw,
        Stop::Incomplete => Flaw::Incomplete,
    };
    Damage { segment: segment.name.clone(), offset, position: Position(position), flaw }
}

/// A segment that is full, and how long it is.
pub(super) type Sealed = (u64, u64);

/// The one who appends.
pub(super) struct Appender {
    catalog: Arc<Catalog>,
    file: File,
    segment: Segment,
    segment_bytes: u64,
    faults: Faults,
}

impl Appender {
    /// Goes on at the end of the last segment; there is one.
    pub(super) fn open(catalog: Arc<Catalog>, options: &Options) -> io::Result<Self> {
        let last = catalog.known().segments.last().cloned();
        let segment = last.ok_or(io::ErrorKind::NotFound)?;
        let path = catalog.dir.join(&segment.name);
        let file = File::options().read(true).write(true).open(path)?;
        let (segment_bytes, faults) = (options.segment_bytes.max(1), options.faults.clone());
        Ok(Self { catalog, file, segment, segment_bytes, faults })
    }

    /// The folder.
    pub(super) fn dir(&self) -> &Path {
        &self.catalog.dir
    }

    /// Begins a new segment if this one is full. Answers the full one.
    pub(super) fn rotate(&mut self, next: u64) -> io::Result<Option<Sealed>> {
        if self.segment.bytes < self.segment_bytes {
            return Ok(None);
        }
        let sealed = (self.segment.first, self.segment.bytes);
        let segment = Segment::new(next);
        self.file = create(&self.catalog.dir, &segment)?;
        self.catalog.known().segments.push(segment.clone());
        self.segment = segment;
        Ok(Some(sealed))
    }

    /// Writes a frame behind the last one. After an error [`Appender::cut`] is due.
    pub(super) fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.segment.bytes))?;
        if let Some(fault) = &self.faults.append {
            let written = fault(frame.len())?;
            if written < frame.len() {
                self.file.write_all(&frame[..written])?;
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        self.file.write_all(frame)
    }

    /// Makes what was appended survive a power loss, and readable.
    pub(super) fn sync(&mut self, frame: &[u8]) -> io::Result<()> {
        if let Some(fault) = &self.faults.sync {
            fault()?;
        }
        self.file.sync_data()?;
        self.segment.bytes += frame.len() as u64;
        if let Some(last) = self.catalog.known().segments.last_mut() {
            last.bytes = self.segment.bytes;
        }
        Ok(())
    }

    /// Cuts off what was appended in part, down to the disk.
    pub(super) fn cut(&mut self) -> io::Result<()> {
        if let Some(fault) = &self.faults.cut {
            fault()?;
        }
        self.file.set_len(self.segment.bytes)?;
        self.file.sync_all()
    }
}

/// Creates a segment. An empty file of that name is what an earlier try has left.
fn create(dir: &Path, segment: &Segment) -> io::Result<File> {
    let path = dir.join(&segment.name);
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() > 0 {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    file.sync_all()?;
    sync_dir(dir)?;
    Ok(file)
}

/// Makes the names in a folder survive a power loss, where a folder can be opened as a file.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
