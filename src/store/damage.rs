//! What can be wrong with a journal, and where.

use std::fmt;
use std::path::PathBuf;

use super::Position;

/// What is wrong with a frame or an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The head of a frame has not its checksum.
    Head,
    /// A frame says to be of a length that none has.
    Length {
        /// That length.
        bytes: u64,
    },
    /// The body of a frame has not its checksum.
    Body,
    /// A body or a header is no message of the schema.
    Undecodable(String),
    /// A frame without entries.
    Empty,
    /// An entry does not stand where it says.
    Position {
        /// What it says.
        found: u64,
    },
    /// An entry is not chained to the one before.
    Chain,
    /// A payload has not its digest.
    Digest,
    /// A digest is made in a way that this version does not know.
    Algorithm,
    /// An entry has no valid time.
    Time,
    /// An entry is older than the one before.
    TimeBackwards,
    /// A frame ends early though more segments follow.
    Incomplete,
    /// What follows the last frame does not begin one.
    Trailing,
    /// There is no segment with this position.
    MissingSegment,
    /// A segment that was full has another length than it had.
    Resized {
        /// Its length when the next one began.
        bytes: u64,
    },
    /// The index holds entries that the journal has not.
    Behind {
        /// The last entry that the index holds.
        index: u64,
    },
    /// The bytes cannot be read.
    Unreadable(String),
    /// The file is there and cannot be opened now: no handle or no memory may be left. That says
    /// nothing of what is in it.
    Unopened(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("the head of a frame has not its checksum"),
            Self::Length { bytes } => write!(f, "a frame says to have {bytes} bytes"),
            Self::Body => f.write_str("the body of a frame has not its checksum"),
            Self::Undecodable(e) => write!(f, "what should be a message is none: {e}"),
            Self::Empty => f.write_str("a frame has no entries"),
            Self::Position { found } => {
                write!(f, "an entry says to stand at {}", Position::from_number(*found))
            }
            Self::Chain => f.write_str("an entry is not chained to the one before"),
            Self::Digest => f.write_str("a payload has not its digest"),
            Self::Algorithm => f.write_str("a digest is of an unknown kind"),
            Self::Time => f.write_str("an entry has no valid time"),
            Self::TimeBackwards => f.write_str("an entry is older than the one before"),
            Self::Incomplete => f.write_str("a frame ends early"),
            Self::Trailing => f.write_str("what follows the last frame does not begin one"),
            Self::MissingSegment => f.write_str("a segment is missing"),
            Self::Resized { bytes } => write!(f, "a segment had {bytes} bytes when it was full"),
            Self::Behind { index } => {
                let index = Position::from_number(*index);
                write!(f, "the index goes on to {index}: the end of the journal is lost")
            }
            Self::Unreadable(e) => write!(f, "it cannot be read: {e}"),
            Self::Unopened(e) => write!(f, "it cannot be opened: {e}"),
        }
    }
}

impl std::error::Error for Flaw {}

/// Damage to the journal: where it begins, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file name of the segment.
    pub segment: String,
    /// Where in the file the damaged frame begins.
    pub offset: u64,
    /// The entry that is damaged: where a whole frame is, its first.
    pub position: Position,
    /// What is wrong.
    pub flaw: Flaw,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, offset, position, flaw } = self;
        write!(f, "journal damaged at {position} ({segment}, byte {offset}): {flaw}")
    }
}

impl std::error::Error for Damage {}

/// The last frame was not written to its end: nobody was told that its entries are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The file name of the segment.
    pub segment: String,
    /// Where in the file the frame began.
    pub offset: u64,
    /// How many bytes of it there were.
    pub bytes: u64,
    /// The position that its first entry would have had.
    pub position: Position,
    /// Where the bytes are kept, once they were cut off.
    pub kept: Option<PathBuf>,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, offset, bytes, position, kept } = self;
        write!(f, "{bytes} bytes of an incomplete frame at {position} ({segment}, byte {offset})")?;
        match kept {
            Some(kept) => write!(f, ", kept in {}", kept.display()),
            None => Ok(()),
        }
    }
}
