//! A journal from the bytes of an export.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use prost::Message;

use super::chain::Chain;
use super::damage::{Damage, Flaw};
use super::entry::Receipt;
use super::frame::{self, HEAD_BYTES, Head};
use super::journal::sync_dir;
use super::lock::lock;
use super::recovery::{INDEX, JOURNAL, PART};
use super::segment::Segment;
use super::{Error, Options, Position};
use crate::pb;

/// Stands for the name of a segment where damage to an export is named.
const EXPORT: &str = "export";

/// A frame of entries that follow one another, as an export has it.
///
/// # Errors
///
/// [`Error::Damaged`] without entries, with more bytes than a frame may have, or if the first has
/// no header.
pub fn encode_frame(entries: &[pb::JournalEntry]) -> Result<Vec<u8>, Error> {
    let first = entries.first().map_or(&[][..], |entry| &entry.header);
    let header = pb::EntryHeader::decode(first).map_err(|e| Error::Damaged(Box::new(e)))?;
    let encoded = frame::encode(header.position, entries.iter());
    encoded.map_err(|flaw| Error::Damaged(Box::new(flaw)))
}

/// A restore under way. The folder holds a store only after [`Restore::finish`].
#[derive(Debug)]
pub struct Restore {
    dir: PathBuf,
    part: PathBuf,
    file: File,
    segment: Segment,
    segment_bytes: u64,
    chain: Chain,
    /// What has come of the next frame.
    buffer: Vec<u8>,
    /// Where in the export it begins.
    offset: u64,
    failed: bool,
    _lock: File,
}

impl Restore {
    /// Begins a restore into a folder, which is created if need be. What an earlier restore that
    /// was not finished has left is removed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] of kind `AlreadyExists` if the folder holds a store, [`Error::Locked`] while
    /// another process holds it, [`Error::Io`] if it cannot be written.
    pub fn create(dir: &Path) -> Result<Self, Error> {
        let lock = lock(dir)?;
        if [JOURNAL, INDEX, "db"].iter().any(|name| dir.join(name).exists()) {
            return Err(Error::Io(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the folder holds a store; restore into an empty one",
            )));
        }
        let part = dir.join(PART);
        let segment = Segment::new(1);
        let begin = || {
            match fs::remove_dir_all(&part) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => fs::create_dir(&part)?,
            }
            File::create_new(part.join(&segment.name))
        };
        let file = begin().map_err(Error::Io)?;
        Ok(Self {
            dir: dir.to_owned(),
            part,
            file,
            segment,
            segment_bytes: Options::default().segment_bytes,
            chain: Chain::START,
            buffer: Vec::new(),
            offset: 0,
            failed: false,
            _lock: lock,
        })
    }

    /// Takes the next bytes of the export, cut anywhere.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] with the [`Damage`] if they are not what was exported, [`Error::Io`] if
    /// they cannot be written. After an error the restore is over.
    pub fn frames(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(bytes);
        let buffer = std::mem::take(&mut self.buffer);
        let mut rest = &buffer[..];
        while !self.failed {
            match self.frame(rest) {
                Ok(None) => break,
                Ok(Some(length)) => {
                    rest = &rest[length..];
                    self.offset += length as u64;
                }
                Err(e) => {
                    self.failed = true;
                    return Err(e);
                }
            }
        }
        if self.failed {
            return Err(over());
        }
        self.buffer = rest.to_vec();
        Ok(())
    }

    /// Writes the frame that the bytes begin with, if all of it is there. Answers its length.
    fn frame(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let Some(head) = bytes.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
        let head = Head::parse(head).map_err(|flaw| self.damage(flaw))?;
        if head.first != self.chain.next() {
            return Err(self.damage(Flaw::Position { found: head.first }));
        }
        let length = HEAD_BYTES + head.body_bytes();
        let Some(frame) = bytes.get(..length) else { return Ok(None) };
        let entries = head.entries(&frame[HEAD_BYTES..]).map_err(|flaw| self.damage(flaw))?;
        let mut chain = self.chain;
        for entry in entries {
            if let Err(flaw) = chain.check(entry) {
                self.chain = chain;
                return Err(self.damage(flaw));
            }
        }
        self.write(frame).map_err(Error::Io)?;
        self.chain = chain;
        Ok(Some(length))
    }

    fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        if self.segment.bytes >= self.segment_bytes {
            self.file.sync_all()?;
            self.segment = Segment::new(self.chain.next());
            self.file = File::create_new(self.part.join(&self.segment.name))?;
        }
        self.file.write_all(frame)?;
        self.segment.bytes += frame.len() as u64;
        Ok(())
    }

    fn damage(&self, flaw: Flaw) -> Error {
        let position = Position(self.chain.next());
        Damage { segment: EXPORT.into(), offset: self.offset, position, flaw }.into()
    }

    /// Makes a store of the folder. Its index is built when it is opened.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if the export was empty or ended within a frame, or if it was refused;
    /// [`Error::Io`] if it cannot be written.
    pub fn finish(self) -> Result<Receipt, Error> {
        if self.failed {
            return Err(over());
        }
        if !self.buffer.is_empty() {
            return Err(self.damage(Flaw::Incomplete));
        }
        let head = self.chain.head().filter(|head| head.position != Position::START);
        let head = head.ok_or_else(|| self.damage(Flaw::Empty))?;
        let finish = || {
            self.file.sync_all()?;
            sync_dir(&self.part)?;
            fs::rename(&self.part, self.dir.join(JOURNAL))?;
            sync_dir(&self.dir)
        };
        finish().map_err(Error::Io)?;
        Ok(head)
    }
}

fn over() -> Error {
    Error::Damaged("the export was refused".into())
}
