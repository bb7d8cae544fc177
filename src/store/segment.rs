//! Segment files, read: which there are, frame by frame, and a walk over all of them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::Position;
use super::chain::Chain;
use super::damage::{Damage, Flaw, Torn};
use super::entry::Recorded;
use super::frame::{HEAD_BYTES, Head, begins_head};
use crate::pb;

/// What the name of a segment ends with.
const ENDING: &str = ".journal";

/// Read at a time, so that hopping over small frames is no system call each.
const BUFFER_BYTES: usize = 256 << 10;

/// From behind a head to its begin.
const HEAD_BACK: i64 = -24;

/// A segment file, as long as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The position of its first entry.
    pub(super) first: u64,
    pub(super) name: String,
    pub(super) bytes: u64,
}

impl Segment {
    /// The segment that begins at `first`, still empty.
    pub(super) fn new(first: u64) -> Self {
        Self { first, name: format!("{}{ENDING}", Position(first)), bytes: 0 }
    }

    /// The segments of a folder, in order. Other files do not count.
    pub(super) fn list(dir: &Path) -> io::Result<Vec<Self>> {
        let mut segments = Vec::new();
        for file in std::fs::read_dir(dir)? {
            let file = file?;
            let Some(name) = file.file_name().to_str().map(str::to_owned) else { continue };
            let first = name.strip_suffix(ENDING).and_then(|n| n.parse::<Position>().ok());
            if let Some(Position(first)) = first {
                segments.push(Self { first, name, bytes: file.metadata()?.len() });
            }
        }
        segments.sort_by_key(|segment| segment.first);
        Ok(segments)
    }
}

/// Why no further frame could be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The file ends within a frame.
    Incomplete,
    /// What is there is no frame.
    Flaw(Flaw),
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

fn unreadable(e: io::Error) -> Stop {
    Stop::Flaw(Flaw::Unreadable(e.to_string()))
}

/// Reads the frames of one file, one after another.
pub(super) struct Frames {
    reader: BufReader<File>,
    offset: u64,
    bytes: u64,
    body: Vec<u8>,
}

impl Frames {
    /// Reads the first `bytes` of a file.
    pub(super) fn open(path: &Path, bytes: u64) -> Result<Self, Stop> {
        let file = File::open(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => unreadable(e),
            _ => Stop::Flaw(Flaw::Unopened(e.to_string())),
        })?;
        let reader = BufReader::with_capacity(BUFFER_BYTES, file);
        Ok(Self { reader, offset: 0, bytes, body: Vec::new() })
    }

    /// Where the next frame begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is left to read.
    pub(super) fn left(&self) -> u64 {
        self.bytes.saturating_sub(self.offset)
    }

    /// Goes on reading at `offset`, where a frame begins.
    pub(super) fn seek(&mut self, offset: u64) -> Result<(), Stop> {
        self.reader.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
        self.offset = offset;
        Ok(())
    }

    /// Hops over frames up to the one that holds `position`, which is not before the next frame.
    /// Answers the position of that frame's first entry.
    pub(super) fn find(&mut self, position: u64) -> Result<u64, Stop> {
        let mut here = self.peek()?;
        loop {
            let offset = self.offset + here.frame_bytes();
            if offset >= self.bytes {
                return Ok(here.first);
            }
            let back = self.offset;
            self.hop(offset)?;
            match self.peek() {
                Ok(next) if next.first <= position => here = next,
                // What is wrong after the frame is not its own fault.
                Ok(_) | Err(_) => {
                    self.seek(back)?;
                    return Ok(here.first);
                }
            }
        }
    }

    /// The head of the next frame; reading does not go on.
    pub(super) fn peek(&mut self) -> Result<Head, Stop> {
        if self.left() < HEAD_BYTES as u64 {
            return Err(Stop::Incomplete);
        }
        let mut head = [0; HEAD_BYTES];
        self.reader.read_exact(&mut head).map_err(unreadable)?;
        self.reader.seek_relative(HEAD_BACK).map_err(unreadable)?;
        Ok(Head::parse(&head)?)
    }

    fn hop(&mut self, offset: u64) -> Result<(), Stop> {
        match i64::try_from(offset - self.offset) {
            Ok(step) => self.reader.seek_relative(step).map_err(unreadable)?,
            Err(_) => return self.seek(offset),
        }
        self.offset = offset;
        Ok(())
    }

    /// The entries of the next frame, whose first is to stand at `first`; none at the end. After
    /// an error the place is still that of the frame.
    pub(super) fn next(&mut self, first: u64) -> Result<Option<Vec<pb::JournalEntry>>, Stop> {
        let left = self.left();
        if left == 0 {
            return Ok(None);
        }
        let mut head = [0; HEAD_BYTES];
        if left < HEAD_BYTES as u64 {
            let bytes = usize::try_from(left).map_or(HEAD_BYTES, |left| left.min(HEAD_BYTES));
            let cut = &mut head[..bytes];
            self.reader.read_exact(cut).map_err(unreadable)?;
            let plausible = begins_head(cut, first);
            return Err(if plausible { Stop::Incomplete } else { Flaw::Trailing.into() });
        }
        self.reader.read_exact(&mut head).map_err(unreadable)?;
        let head = Head::parse(&head)?;
        if head.first != first {
            return Err(Flaw::Position { found: head.first }.into());
        }
        if left < head.frame_bytes() {
            return Err(Stop::Incomplete);
        }
        self.body.resize(head.body_bytes(), 0);
        self.reader.read_exact(&mut self.body).map_err(unreadable)?;
        let entries = head.entries(&self.body)?;
        self.offset += head.frame_bytes();
        Ok(Some(entries))
    }
}

/// How a walk over segments ended.
pub(super) struct Walked {
    /// The last good entry.
    pub(super) chain: Chain,
    /// How far the last segment that was walked is whole, in bytes.
    pub(super) good_bytes: u64,
    /// Whether the last frame is incomplete.
    pub(super) torn: Option<Torn>,
    /// The first place that is wrong; nothing behind it was read.
    pub(super) damage: Option<Damage>,
}

/// Reads segments to their end, or to the first place that is wrong, and shows each good entry
/// with the number of bytes read so far.
///
/// `chain` is what stands before the first of them.
pub(super) fn walk<E>(
    dir: &Path,
    segments: &[Segment],
    chain: Chain,
    mut visit: impl FnMut(Recorded, u64) -> Result<(), E>,
) -> Result<Walked, E> {
    let mut walked = Walked { chain, good_bytes: 0, torn: None, damage: None };
    let mut before = 0;
    for (i, segment) in segments.iter().enumerate() {
        let (offset, stop) = walk_one(dir, segment, &mut walked.chain, before, &mut visit)?;
        walked.good_bytes = offset;
        before += segment.bytes;
        let position = Position(walked.chain.next());
        let flaw = match stop {
            None => continue,
            Some(Stop::Incomplete) if i + 1 == segments.len() => {
                let bytes = segment.bytes - offset;
                let segment = segment.name.clone();
                walked.torn = Some(Torn { segment, offset, bytes, position, kept: None });
                break;
            }
            Some(Stop::Incomplete) => Flaw::Incomplete,
            Some(Stop::Flaw(flaw)) => flaw,
        };
        let segment = segment.name.clone();
        walked.damage = Some(Damage { segment, offset, position, flaw });
        break;
    }
    Ok(walked)
}

/// Walks one segment. Answers where its good part ends, and why, if that is not the end.
fn walk_one<E>(
    dir: &Path,
    segment: &Segment,
    chain: &mut Chain,
    bytes_before: u64,
    visit: &mut impl FnMut(Recorded, u64) -> Result<(), E>,
) -> Result<(u64, Option<Stop>), E> {
    let found = segment.first;
    if found != chain.next() {
        let missing = found > chain.next();
        let flaw = if missing { Flaw::MissingSegment } else { Flaw::Position { found } };
        return Ok((0, Some(flaw.into())));
    }
    let mut frames = match Frames::open(&dir.join(&segment.name), segment.bytes) {
        Ok(frames) => frames,
        Err(stop) => return Ok((0, Some(stop))),
    };
    loop {
        let offset = frames.offset();
        let entries = match frames.next(chain.next()) {
            Ok(Some(entries)) => entries,
            Ok(None) => return Ok((offset, None)),
            Err(stop) => return Ok((offset, Some(stop))),
        };
        for entry in entries {
            match chain.check(entry) {
                Ok(recorded) => visit(recorded, bytes_before + frames.offset())?,
                Err(flaw) => return Ok((offset, Some(flaw.into()))),
            }
        }
    }
}
