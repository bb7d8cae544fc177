//! A frame of the journal as bytes: encoding, and reading with its two checksums. No files here.
//!
//! The format is stated at the head of `proto/nianbao/v1/journal.proto`.

use prost::Message;

use super::damage::Flaw;
use crate::pb;

/// What a frame begins with.
const MAGIC: [u8; 4] = *b"NBJ1";

/// The length of a frame's head.
pub(super) const HEAD_BYTES: usize = 24;

/// No frame has a longer body: a group ends at 8 MiB and the entry that passes that has 8 MiB at
/// most. The bound keeps a reader from reserving what a false length says.
pub(super) const BODY_BYTES_MAX: u32 = 64 << 20;

/// The tag of `JournalFrame.entries`: field 1, delimited by its length.
const ENTRIES_TAG: u8 = 1 << 3 | 2;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The position of the first entry.
    pub(super) first: u64,
    body_bytes: u32,
    body_crc: u32,
}

impl Head {
    /// Reads a head, which must have its checksum.
    pub(super) fn parse(bytes: &[u8; HEAD_BYTES]) -> Result<Self, Flaw> {
        if crc32fast::hash(&bytes[..20]) != word(bytes, 20) || bytes[..4] != MAGIC {
            return Err(Flaw::Head);
        }
        let (low, high) = (u64::from(word(bytes, 8)), u64::from(word(bytes, 12)));
        let head =
            Self { first: high << 32 | low, body_bytes: word(bytes, 4), body_crc: word(bytes, 16) };
        if head.body_bytes == 0 || head.body_bytes > BODY_BYTES_MAX {
            return Err(Flaw::Length { bytes: head.body_bytes.into() });
        }
        Ok(head)
    }

    /// The length of the body.
    pub(super) fn body_bytes(&self) -> usize {
        self.body_bytes as usize
    }

    /// The length of the frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.body_bytes)
    }

    /// Reads the body that belongs to this head.
    pub(super) fn entries(&self, body: &[u8]) -> Result<Vec<pb::JournalEntry>, Flaw> {
        if body.len() != self.body_bytes() || crc32fast::hash(body) != self.body_crc {
            return Err(Flaw::Body);
        }
        let frame = pb::JournalFrame::decode(body).map_err(|e| Flaw::Undecodable(e.to_string()))?;
        if frame.entries.is_empty() { Err(Flaw::Empty) } else { Ok(frame.entries) }
    }
}

fn word(bytes: &[u8; HEAD_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Whether a write that was cut off within the head of the frame at `first` could leave these.
pub(super) fn begins_head(bytes: &[u8], first: u64) -> bool {
    let magic = bytes.iter().zip(&MAGIC).all(|(a, b)| a == b);
    magic && bytes.iter().skip(8).zip(&first.to_le_bytes()).all(|(a, b)| a == b)
}

/// A frame of these entries, the first of which stands at `first`.
///
/// # Errors
///
/// [`Flaw::Empty`] without entries, [`Flaw::Length`] where they are larger than a frame may be.
pub(super) fn encode<'a>(
    first: u64,
    entries: impl Iterator<Item = &'a pb::JournalEntry>,
) -> Result<Vec<u8>, Flaw> {
    let mut bytes = vec![0; HEAD_BYTES];
    for entry in entries {
        bytes.push(ENTRIES_TAG);
        let length = entry.encoded_len();
        bytes.reserve(length + prost::length_delimiter_len(length));
        entry.encode_length_delimited(&mut bytes).map_err(|e| Flaw::Undecodable(e.to_string()))?;
    }
    let body_bytes = bytes.len() - HEAD_BYTES;
    let length = match u32::try_from(body_bytes) {
        Ok(0) => return Err(Flaw::Empty),
        Ok(length) if length <= BODY_BYTES_MAX => length,
        _ => return Err(Flaw::Length { bytes: body_bytes as u64 }),
    };
    let body_crc = crc32fast::hash(&bytes[HEAD_BYTES..]);
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes[8..16].copy_from_slice(&first.to_le_bytes());
    bytes[16..20].copy_from_slice(&body_crc.to_le_bytes());
    let head_crc = crc32fast::hash(&bytes[..20]);
    bytes[20..24].copy_from_slice(&head_crc.to_le_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<pb::JournalEntry> {
        let entry = |n: u8| pb::JournalEntry { header: vec![n; 40], payload: vec![n; 7 * 40] };
        (0..3).map(entry).collect()
    }

    fn parse(bytes: &[u8]) -> Result<(u64, Vec<pb::JournalEntry>), Flaw> {
        let head = Head::parse(bytes[..HEAD_BYTES].try_into().unwrap())?;
        Ok((head.first, head.entries(&bytes[HEAD_BYTES..])?))
    }

    #[test]
    fn reads_back_what_it_encodes() {
        let frame = encode(0x0102_0304_0506_0708, entries().iter()).unwrap();
        assert_eq!(parse(&frame), Ok((0x0102_0304_0506_0708, entries())));
        let body = pb::JournalFrame { entries: entries() }.encode_to_vec();
        assert_eq!(frame[HEAD_BYTES..], body, "the body is an encoded JournalFrame");
    }

    #[test]
    fn lays_out_the_head_as_the_schema_says() {
        let frame = encode(5, entries()[..1].iter()).unwrap();
        let body = &frame[24..];
        assert_eq!(frame[..4], *b"NBJ1");
        assert_eq!(frame[4..8], u32::try_from(body.len()).unwrap().to_le_bytes());
        assert_eq!(frame[8..16], 5u64.to_le_bytes());
        assert_eq!(frame[16..20], crc32fast::hash(body).to_le_bytes());
        assert_eq!(frame[20..24], crc32fast::hash(&frame[..20]).to_le_bytes());
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926, "ISO-HDLC");
    }

    #[test]
    fn notices_any_flipped_bit() {
        let frame = encode(1, entries()[..1].iter()).unwrap();
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit / 8 < HEAD_BYTES { Flaw::Head } else { Flaw::Body };
            assert_eq!(parse(&flipped), Err(expected), "bit {bit}");
        }
    }

    #[test]
    fn refuses_zeros_and_frames_of_nothing() {
        assert_eq!(Head::parse(&[0; HEAD_BYTES]), Err(Flaw::Head));
        assert_eq!(encode(1, [].iter()), Err(Flaw::Empty));
    }

    #[test]
    fn knows_what_a_cut_head_looks_like() {
        let frame = encode(700, entries().iter()).unwrap();
        for length in 0..HEAD_BYTES {
            assert!(begins_head(&frame[..length], 700), "{length}");
            assert_eq!(begins_head(&frame[..length], 701), length <= 8, "{length}");
            assert_eq!(begins_head(&vec![0; length], 700), length == 0, "{length} zeros");
        }
    }
}
