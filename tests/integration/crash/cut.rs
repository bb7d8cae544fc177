//! The end of the last frame is gone: what becomes of a copy of the store of a killed server.
//!
//! What is right follows from how far the index has come, which is read from the index itself. If
//! it has not taken the frame, nobody needs the frame to have been whole: it is torn, is said to
//! be, and is cut off. If it has, the frame was whole once: that is damage, nothing is cut, and
//! what the index holds goes on being read.

use std::fs;
use std::path::{Path, PathBuf};

use nianbao::archive::{Archive, INDEX, Moment, Version};
use nianbao::names::ReportId;
use nianbao::pb;
use nianbao::store::{
    self, Condition, Damage, Error, Flaw, IndexState, Options, Position, Store, Torn, WritesOff,
};
use prost::Message as _;

use super::Acknowledged;
use crate::support::Numbers;

/// What becomes of the index before the frame is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept as the kill has left it: most often behind the journal, at times up to it.
    AsKilled,
    /// It is deleted.
    Deleted,
    /// It is brought up to the journal, and so is ahead of it once the frame is cut.
    BroughtUp,
}

impl Kept {
    pub const ALL: [Self; 3] = [Self::AsKilled, Self::Deleted, Self::BroughtUp];
}

/// How often what was found.
#[derive(Debug, Default)]
pub struct Cuts {
    /// Torn, and no index was there.
    without_index: usize,
    /// Torn, and the index was behind.
    behind: usize,
    /// Damage, as the index was ahead.
    ahead: usize,
    /// So many of those were as the kill has left them.
    ahead_as_killed: usize,
}

/// The last frame of a journal that is whole.
struct Frame {
    segment: PathBuf,
    /// The segment up to the end of the frame.
    bytes: Vec<u8>,
    begin: usize,
    first: u64,
    last: u64,
}

impl Frame {
    fn last_in(data: &Path) -> Self {
        let files = fs::read_dir(data.join("journal")).expect("a journal");
        let files = files.map(|file| file.expect("read").path());
        let segments = files.filter(|path| path.extension().is_some_and(|e| e == "journal"));
        let mut segments: Vec<PathBuf> = segments.collect();
        // The last one may have been begun and not written to.
        segments.retain(|path| fs::metadata(path).expect("a file").len() > 0);
        let segment = segments.into_iter().max().expect("a segment");
        let mut bytes = fs::read(&segment).expect("read");
        let (mut begin, mut end) = (0, 0);
        while let Some(head) = bytes[end..].first_chunk::<24>() {
            let length = u32::from_le_bytes(head[4..8].try_into().expect("four bytes")) as usize;
            if bytes.len() < end + 24 + length {
                break;
            }
            (begin, end) = (end, end + 24 + length);
        }
        // The kill itself may have left half a frame behind it.
        bytes.truncate(end);
        let word = bytes[begin + 8..begin + 16].try_into().expect("eight bytes");
        let first = u64::from_le_bytes(word);
        let body = pb::JournalFrame::decode(&bytes[begin + 24..]).expect("a frame");
        let last = first + body.entries.len() as u64 - 1;
        Self { segment, bytes, begin, first, last }
    }

    fn name(&self) -> String {
        self.segment.file_name().expect("a name").to_string_lossy().into_owned()
    }
}

impl Cuts {
    /// Whether all three outcomes were met.
    pub fn are_of_each_kind(&self) -> bool {
        self.without_index > 0 && self.behind > 0 && self.ahead > 0
    }

    /// Cuts the last frame of a copy at a random byte, and holds what a start makes of it against
    /// what the index says.
    pub fn check(&mut self, data: &Path, known: &Acknowledged, kept: Kept, numbers: &mut Numbers) {
        let copy = tempfile::tempdir().expect("a folder");
        let copy = copy.path();
        for part in ["journal", "index"] {
            copy_folder(&data.join(part), &copy.join(part));
        }
        match kept {
            Kept::AsKilled => {}
            Kept::Deleted => fs::remove_dir_all(copy.join("index")).expect("there is one"),
            Kept::BroughtUp => {
                drop(open(copy));
                // A server that is killed leaves no such mark.
                fs::remove_file(copy.join("index/clean")).expect("closed in order");
            }
        }
        let applied = if kept == Kept::Deleted { 0 } else { applied(&copy.join("index")) };
        let frame = Frame::last_in(copy);
        let cut = frame.begin + numbers.below(frame.bytes.len() - frame.begin);
        let case = format!("{kept:?}, index at {applied}, {} cut at {cut}", frame.name());
        fs::write(&frame.segment, &frame.bytes[..cut]).expect("cut");
        if applied < frame.first {
            assert_torn(copy, known, &frame, cut, (applied, kept == Kept::Deleted), &case);
            *(if kept == Kept::Deleted { &mut self.without_index } else { &mut self.behind }) += 1;
        } else {
            assert_eq!(applied, frame.last, "{case}: frames are applied whole");
            assert_damaged(copy, known, &frame, cut, &case);
            self.ahead += 1;
            self.ahead_as_killed += usize::from(kept == Kept::AsKilled);
        }
    }
}

/// The rest of the frame is cut off and kept; all before it is there, and nothing of it.
fn assert_torn(
    copy: &Path,
    known: &Acknowledged,
    frame: &Frame,
    cut: usize,
    (applied, rebuilt): (u64, bool),
    case: &str,
) {
    let store = open(copy);
    let Condition { torn, damage, set_aside, replayed, rebuilt: is_rebuilt, .. } =
        store.condition();
    assert_eq!((damage, set_aside, is_rebuilt), (None, None, rebuilt), "{case}");
    assert_eq!(replayed, frame.first - 1 - applied, "{case}: what the index had not");
    let rest = &frame.bytes[frame.begin..cut];
    let kept = torn.as_ref().and_then(|torn| torn.kept.clone());
    let expected = Torn {
        segment: frame.name(),
        offset: frame.begin as u64,
        bytes: rest.len() as u64,
        position: Position::from_number(frame.first),
        kept: kept.clone(),
    };
    // Without a byte of it there is nothing to say.
    assert_eq!(torn, (!rest.is_empty()).then_some(expected), "{case}");
    if !rest.is_empty() {
        assert_eq!(fs::read(kept.expect("kept")).expect("read"), rest, "{case}");
    }
    assert_eq!(fs::read(&frame.segment).expect("read"), frame.bytes[..frame.begin], "{case}");
    assert!(store.writable().is_ok(), "{case}");
    assert_eq!(store.position().number(), frame.first - 1, "{case}");
    reads(&Archive::new(store), known, frame.first - 1, case);
    let found = store::verify(copy, INDEX, &|_, _| ()).expect("it can be read");
    assert_eq!((&found.damage, &found.torn), (&None, &None), "{case}");
    assert_eq!(found.index, IndexState::Agrees, "{case}");
    assert_eq!(found.head.position.number(), frame.first - 1, "{case}");
    for (position, hash) in &known.hashes {
        let position: Position = position.parse().expect("a position");
        let expected = (position.number() < frame.first).then(|| hash.parse().expect("a hash"));
        assert_eq!(found.hash_at(position), expected, "{case}: {position}");
    }
}

/// Writes are off and the place is named, at this start and the next; nothing is cut, and all that
/// was acknowledged goes on being read.
fn assert_damaged(copy: &Path, known: &Acknowledged, frame: &Frame, cut: usize, case: &str) {
    let expected = Damage {
        segment: frame.name(),
        offset: frame.begin as u64,
        position: Position::from_number(frame.first),
        flaw: Flaw::Behind { index: frame.last },
    };
    let found = store::verify(copy, INDEX, &|_, _| ()).expect("it can be read");
    assert_eq!(found.damage, Some(expected.clone()), "{case}");
    for start in ["a first start", "a second start"] {
        let case = format!("{case}, {start}");
        let store = open(copy);
        let Condition { torn, damage, set_aside, replayed, rebuilt, .. } = store.condition();
        assert_eq!(damage.as_ref(), Some(&expected), "{case}");
        assert_eq!((torn, set_aside, replayed, rebuilt), (None, None, 0, false), "{case}");
        let off = store.writable();
        let off = off.expect_err(&case);
        assert!(matches!(&off, WritesOff::Damaged(why) if **why == expected), "{case}: {off:?}");
        assert_eq!(store.position().number(), frame.last, "{case}");
        let lost = store.follow(Position::from_number(frame.first - 1), 1);
        assert!(matches!(lost, Err(Error::Damaged(_))), "{case}: {lost:?}");
        reads(&Archive::new(store), known, frame.last, &case);
        assert_eq!(fs::read(&frame.segment).expect("read"), frame.bytes[..cut], "{case}");
    }
}

/// The last acknowledged step of each report is read as it was answered, if it lies no further.
fn reads(archive: &Archive, known: &Acknowledged, until: u64, case: &str) {
    for (name, (position, expected)) in &known.steps {
        let position: Position = position.parse().expect("a position");
        if position.number() > until {
            continue;
        }
        let id = ReportId::from_name(name).expect("a name");
        let read = archive.report_at(&id, Version::Latest, Moment::Position(position));
        assert_eq!(read.expect("it is there"), *expected, "{case}: {name} at {position}");
    }
}

fn open(dir: &Path) -> Store {
    Store::open(dir, INDEX, Options::default()).expect("it opens")
}

/// The position up to which an index holds the journal, read from a copy, as the engine writes.
fn applied(index: &Path) -> u64 {
    let copy = tempfile::tempdir().expect("a folder");
    copy_folder(index, copy.path());
    let config = sled::Config::new().path(copy.path()).segment_size(8 << 20);
    let db = config.open().expect("an index");
    let Some(stored) = db.get(b"\0applied").expect("read") else { return 0 };
    // After the form and the version.
    u64::from_be_bytes(stored[5..13].try_into().expect("eight bytes"))
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("read") {
        let entry = entry.expect("read");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy_folder(&from, &to),
            false => drop(fs::copy(from, to).expect("copied")),
        }
    }
}
