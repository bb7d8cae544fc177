//! An entry: what a caller gives, what stands in the journal, and where.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::pb::{self, Timestamp};

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// How an entry becomes keys and values. What an entry says is decided above the store.
#[derive(Clone, Copy)]
pub struct Index {
    /// Changes when `puts` writes something else for the same entry: an index of another version
    /// is rebuilt.
    pub version: u32,
    /// The puts of an entry. Pure: the same entry gives the same puts, today and at a rebuild.
    ///
    /// The last of two puts to one key stands. Keys are not empty and do not begin with 0x00,
    /// which is the store's own prefix.
    pub puts: fn(&Recorded) -> Result<Vec<Pair>, String>,
    /// Whether a key is put by one entry only, so that nothing stands under it before.
    pub once: fn(&[u8]) -> bool,
}

impl Index {
    /// The puts of an entry. The function is the caller's: its panic is the trouble of this entry
    /// alone.
    pub(super) fn read(&self, recorded: &Recorded) -> Result<Vec<Pair>, String> {
        let read = catch_unwind(AssertUnwindSafe(|| (self.puts)(recorded)));
        read.unwrap_or_else(|panic| Err(panic_text(&*panic)))
    }
}

/// What a panic said, as far as it said it in words.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a panic: {}", text.unwrap_or("without a word"))
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("version", &self.version).finish_non_exhaustive()
    }
}

/// What a caller gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// What is written: bytes that the store does not read.
    pub payload: Vec<u8>,
    /// Who writes; empty where nobody said.
    pub principal: String,
    /// The method that writes.
    pub method: String,
    /// The request id; empty where none was given.
    pub request_id: String,
    /// The digest of the request, where a request id was given.
    pub request_digest: Vec<u8>,
}

impl Entry {
    pub(super) fn bytes(&self) -> usize {
        let names = self.principal.len() + self.method.len() + self.request_id.len();
        self.payload.len() + names + self.request_digest.len()
    }
}

/// An entry as it stands in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The header, read.
    pub header: pb::EntryHeader,
    /// The digest of the header's bytes.
    pub hash: Hash,
    /// Header and payload, byte by byte.
    pub entry: pb::JournalEntry,
}

impl Recorded {
    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.header.position)
    }

    /// What was written.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.entry.payload
    }

    /// When it was written.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.header.time.unwrap_or_default()
    }

    /// The proof that it was written.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        Receipt { position: self.position(), hash: self.hash, time: self.time() }
    }
}

/// The proof of a write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Receipt {
    /// Where the entry stands.
    pub position: Position,
    /// Its hash, which fixes it and every entry before it.
    pub hash: Hash,
    /// When it was written.
    pub time: Timestamp,
}

impl Receipt {
    /// Before the first entry.
    pub(super) const START: Self = Self {
        position: Position::START,
        hash: Hash::ZERO,
        time: Timestamp { seconds: 0, nanos: 0 },
    };
}

/// As clients get it.
impl From<Receipt> for pb::Receipt {
    fn from(receipt: Receipt) -> Self {
        Self {
            position: receipt.position.to_string(),
            entry_hash: receipt.hash.to_string(),
            time: Some(receipt.time),
            algorithm: pb::HashAlgorithm::Sha256.into(),
        }
    }
}

/// A SHA-256. Its text form is 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Stands before the first entry.
    pub const ZERO: Self = Self([0; 32]);

    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest as it is stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // By hand: every write prints four of them, which shows where each byte is formatted.
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = ParseHashError;

    /// Takes exactly what `Display` writes.
    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let digit = |b: u8| match b {
            b'0'..=b'9' => Ok(b - b'0'),
            b'a'..=b'f' => Ok(b - b'a' + 10),
            _ => Err(ParseHashError),
        };
        let digits = <&[u8; 64]>::try_from(text.as_bytes()).map_err(|_| ParseHashError)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

/// The text is not a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseHashError;

impl fmt::Display for ParseHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not 64 lower-case hexadecimal digits")
    }
}

impl std::error::Error for ParseHashError {}

/// Where an entry stands in the order of all entries.
///
/// Later entries have greater positions. Nothing else may be read from one: positions may skip.
/// The text form sorts as the positions do; it is what clients see and send back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub(super) u64);

impl Position {
    /// Before the first entry.
    pub const START: Self = Self(0);

    /// The number in the journal: 1 for the first entry.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// The position of that number in the journal.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Position {
    type Err = ParsePositionError;

    /// Takes exactly what `Display` writes: 16 lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, ParsePositionError> {
        let digits = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(digits) {
            return Err(ParsePositionError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ParsePositionError)
    }
}

/// The text is not a position that this store has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsePositionError;

impl fmt::Display for ParsePositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a position")
    }
}

impl std::error::Error for ParsePositionError {}
