//! A journal that was cut, flipped or lost in part: what was never acknowledged is cut off, all
//! else is named, and nothing passes for right.

use std::fs;
use std::path::PathBuf;

use nianbao::pb::{EntryHeader, JournalEntry};
use nianbao::store::{
    CommitError, Damage, Error, Flaw, Position, Recorded, WritesOff, encode_frame, verify,
};
use prost::Message;

use super::{Folder, INDEX, Write, content, follow_all, put, small};

/// A segment's path, its bytes, and where each of its frames begins and at which position.
type Segment = (PathBuf, Vec<u8>, Vec<(usize, u64)>);

/// A folder with several segments, frames and entries, and the lengths of its frames.
struct Filled {
    folder: Folder,
    all: Vec<Recorded>,
    segments: Vec<Segment>,
}

/// Writes groups of these sizes.
async fn filled(groups: &[usize]) -> Filled {
    let folder = Folder::new();
    let store = folder.open_with(small());
    for (i, size) in groups.iter().enumerate() {
        let mut commits = tokio::task::JoinSet::new();
        for j in 0..*size {
            let store = store.clone();
            commits.spawn(async move {
                store.write(put(&format!("k/{i}/{j}"), "value"), vec![]).await.unwrap()
            });
        }
        commits.join_all().await;
    }
    let all = follow_all(&store, usize::MAX);
    drop(store);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder.journal()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        let (mut at, mut frames) = (0, Vec::new());
        while at < bytes.len() {
            let word = |range: std::ops::Range<usize>| {
                bytes[at..][range].iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte))
            };
            frames.push((at, word(8..16)));
            at += 24 + word(4..8) as usize;
        }
        assert_eq!(at, bytes.len());
        (path, bytes, frames)
    };
    let segments = files.into_iter().map(read).collect();
    Filled { folder, all, segments }
}

impl Filled {
    /// Without an index, so that all that is read comes from the journal.
    fn forget_index(&self) {
        let _ = fs::remove_dir_all(self.folder.0.join("index"));
    }

    fn last(&self) -> &Segment {
        self.segments.last().unwrap()
    }

    fn verify(&self) -> nianbao::store::Verification {
        verify(&self.folder.0, INDEX, &|_, _| {}).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_off_a_torn_frame_wherever_it_is_torn() {
    let filled = filled(&[1, 3, 1]).await;
    let (path, bytes, frames) = filled.last();
    let (begin, first) = *frames.last().unwrap();
    let kept = first as usize - 1;
    for length in begin..=bytes.len() {
        filled.forget_index();
        fs::write(path, &bytes[..length]).unwrap();
        let whole = length == bytes.len();
        let verified = filled.verify();
        assert_eq!(verified.damage, None);
        assert_eq!(verified.torn.is_some(), !whole && length > begin, "{length}");

        let store = filled.folder.open_with(small());
        let condition = store.condition();
        assert_eq!(condition.damage, None);
        let survivors = if whole { filled.all.len() } else { kept };
        assert_eq!(follow_all(&store, usize::MAX), filled.all[..survivors], "{length}");
        assert_eq!(content(&store).len(), survivors);
        if whole || length == begin {
            assert_eq!(condition.torn, None, "{length}");
        } else {
            let torn = condition.torn.unwrap();
            assert_eq!((torn.offset, torn.bytes), (begin as u64, (length - begin) as u64));
            assert_eq!(torn.position.number(), first);
            let aside = torn.kept.unwrap();
            assert_eq!(fs::read(&aside).unwrap(), bytes[begin..length]);
            assert_eq!(fs::read(path).unwrap(), bytes[..begin]);
            let name = aside.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(name.starts_with(&format!("torn-{}", torn.position)), "{name}");
        }
        let next = store.write(put("next", ""), vec![]).await.unwrap();
        assert_eq!(next.number(), survivors as u64 + 1, "writes go on");
        drop(store);
        assert_eq!(filled.verify().entries, survivors as u64 + 1);
        fs::write(path, bytes).unwrap();
        // Where the write began a segment of its own, it goes.
        for file in fs::read_dir(filled.folder.journal()).unwrap().map(Result::unwrap) {
            let known = filled.segments.iter().any(|(path, ..)| *path == file.path());
            let kept = file.file_name().to_str().unwrap().starts_with("torn-");
            if !known && !kept {
                fs::remove_file(file.path()).unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_the_place_of_any_flipped_byte() {
    let filled = filled(&[2, 1, 1, 1]).await;
    assert!(filled.segments.len() >= 2 && filled.all.len() == 5);
    for (path, bytes, frames) in &filled.segments {
        let name = path.file_name().unwrap().to_str().unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(path, &flipped).unwrap();
            let (begin, first) = *frames.iter().rfind(|(begin, _)| *begin <= at).unwrap();
            let verified = filled.verify();
            let damage = verified.damage.expect("a flipped byte is found");
            assert_eq!((&*damage.segment, damage.offset), (name, begin as u64), "byte {at}");
            assert_eq!(damage.position.number(), first, "byte {at}");
            assert!(matches!(damage.flaw, Flaw::Head | Flaw::Body), "byte {at}: {damage}");
            assert_eq!((verified.torn, verified.entries), (None, first - 1));
            // Opening takes a hundred times as long as reading: heads and a sample do.
            if at < begin + 24 || at % 7 == 0 {
                open_flipped(&filled, &damage);
            }
        }
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(filled.verify().damage, None);
}

/// With its index the store reads all; without, all before the damage; it never writes.
fn open_flipped(filled: &Filled, damage: &Damage) {
    filled.forget_index();
    let store = filled.folder.open_with(small());
    let before = damage.position.number() as usize - 1;
    assert_eq!(content(&store).len(), before);
    assert_eq!(store.condition().damage.as_ref(), Some(damage));
    let Err(WritesOff::Damaged(found)) = store.writable() else { panic!("writes are on") };
    assert_eq!(*found, *damage);
    assert_eq!(follow_all(&store, usize::MAX), filled.all[..before]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_reads_on_when_the_journal_is_damaged_behind_the_index() {
    let filled = filled(&[1, 1, 1, 1, 1, 1]).await;
    let (path, bytes, frames) = filled.last();
    let (begin, first) = frames[0];
    let mut flipped = bytes.clone();
    flipped[begin + 30] ^= 1;
    fs::write(path, flipped).unwrap();
    let store = filled.folder.open_with(small());
    assert!(!store.condition().rebuilt);
    assert_eq!(content(&store).len(), 6, "the index has all");
    assert_eq!(store.head(), filled.all[5].receipt());
    let Err(CommitError::WritesOff(WritesOff::Damaged(damage))) =
        store.write(put("more", ""), vec![]).await
    else {
        panic!("written behind damage")
    };
    assert_eq!(damage.position.number(), first);
    let before = store.follow(Position::START, usize::MAX).unwrap();
    assert_eq!(before, filled.all[..first as usize - 1]);
    let error = store.follow(before.last().unwrap().position(), 1).unwrap_err();
    assert!(matches!(error, Error::Damaged(_)), "{error}");
    assert_eq!(fs::read(path).unwrap().len(), bytes.len(), "nothing is cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_that_a_reader_finds_turns_writes_off() {
    for find in ["follow", "verify"] {
        let filled = filled(&[1, 1, 1, 1, 1, 1]).await;
        let (path, bytes, _) = &filled.segments[0];
        let mut flipped = bytes.clone();
        flipped[30] ^= 1;
        fs::write(path, flipped).unwrap();
        let store = filled.folder.open_with(small());
        assert!(store.writable().is_ok(), "older segments are not read at the start");
        store.write(put("before", ""), vec![]).await.unwrap();
        match find {
            "follow" => assert!(store.follow(Position::START, 1).is_err()),
            _ => {
                let verified = store.verify(&|_, _| {}).unwrap();
                assert_eq!(verified.damage.unwrap().position.number(), 1);
                assert_eq!(verified.entries, 0);
            }
        }
        assert!(matches!(store.writable(), Err(WritesOff::Damaged(_))), "{find}");
        let refused = store.write(put("after", ""), vec![]).await;
        assert!(matches!(refused, Err(CommitError::WritesOff(WritesOff::Damaged(_)))));
        assert_eq!(store.condition().damage.unwrap().position.number(), 1);
    }
}

/// A folder whose journal was changed, and what is said of it with and without its index.
fn assert_damaged(filled: &Filled, expected: &Flaw, position: u64, case: &str) {
    let is_expected = |found: Option<Damage>| {
        let found = found.unwrap_or_else(|| panic!("{case}: not noticed"));
        assert_eq!((&found.flaw, found.position.number()), (expected, position), "{case}: {found}");
    };
    is_expected(filled.verify().damage);
    filled.forget_index();
    let store = filled.folder.open_with(small());
    is_expected(store.condition().damage);
    assert!(matches!(store.writable(), Err(WritesOff::Damaged(_))), "{case}");
    assert_eq!(content(&store).len() as u64, position - 1, "{case}");
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_nothing_else_for_torn() {
    let filled = filled(&[1, 1, 1, 1, 1, 1]).await;
    let (path, bytes, frames) = filled.last().clone();
    let end = filled.all.len() as u64 + 1;
    let (older, older_bytes, older_frames) = filled.segments[0].clone();
    for zeros in [1, 23, 24, 25, 5000] {
        let flaw = if zeros < 24 { Flaw::Trailing } else { Flaw::Head };
        fs::write(&path, [&bytes[..], &vec![0; zeros]].concat()).unwrap();
        assert_damaged(&filled, &flaw, end, &format!("{zeros} zeros"));
    }
    let (begin, _) = frames[0];
    fs::write(&path, [&bytes[..], &bytes[begin..begin + 100]].concat()).unwrap();
    assert_damaged(&filled, &Flaw::Position { found: frames[0].1 }, end, "an old frame, cut");
    fs::write(&path, [&bytes[..], &bytes[begin..]].concat()).unwrap();
    assert_damaged(&filled, &Flaw::Position { found: frames[0].1 }, end, "an old frame");
    fs::write(&path, &bytes).unwrap();

    let (begin, first) = *older_frames.last().unwrap();
    fs::write(&older, &older_bytes[..begin + 30]).unwrap();
    assert_damaged(&filled, &Flaw::Incomplete, first, "an older segment, cut");
    fs::write(&older, &older_bytes[..begin]).unwrap();
    assert_damaged(&filled, &Flaw::MissingSegment, first, "an older segment, cut between frames");
    fs::remove_file(&older).unwrap();
    assert_damaged(&filled, &Flaw::MissingSegment, 1, "no first segment");
    fs::write(&older, &older_bytes).unwrap();
    assert_eq!(filled.verify().damage, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn misses_segments_that_the_index_knows() {
    let check = |filled: &Filled, flaw: &Flaw, position: u64, case: &str| {
        let store = filled.folder.open_with(small());
        let damage = store.condition().damage.unwrap_or_else(|| panic!("{case}: not noticed"));
        assert_eq!((&damage.flaw, damage.position.number()), (flaw, position), "{case}");
        assert!(matches!(store.writable(), Err(WritesOff::Damaged(_))), "{case}");
        assert_eq!(content(&store).len(), filled.all.len(), "{case}: reads go on");
        assert_eq!(store.head(), filled.all.last().unwrap().receipt(), "{case}");
    };
    let filled = filled(&[1; 12]).await;
    assert!(filled.segments.len() > 3);
    for (i, (path, bytes, frames)) in filled.segments.iter().enumerate() {
        let first = frames[0].1;
        let last = i + 1 == filled.segments.len();
        fs::remove_file(path).unwrap();
        let flaw = if last { Flaw::Behind { index: 12 } } else { Flaw::MissingSegment };
        if last {
            // The one before was not full to the eyes of whoever lists the files.
            check(&filled, &flaw, first, "the last");
        } else {
            check(&filled, &flaw, first, "one is missing");
        }
        let cut = frames.last().unwrap().0;
        fs::write(path, &bytes[..cut]).unwrap();
        if !last {
            let flaw = Flaw::Resized { bytes: bytes.len() as u64 };
            check(&filled, &flaw, first, "one is cut between frames");
        }
        fs::write(path, bytes).unwrap();
    }
    assert!(filled.folder.open_with(small()).writable().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_that_the_index_is_ahead_of_the_journal() {
    let filled = filled(&[1, 1, 1, 1]).await;
    let (path, bytes, frames) = filled.last();
    let (begin, first) = *frames.last().unwrap();
    for length in [begin, begin + 10] {
        fs::write(path, &bytes[..length]).unwrap();
        let store = filled.folder.open_with(small());
        let damage = store.condition().damage.unwrap();
        assert_eq!((damage.flaw, damage.position.number()), (Flaw::Behind { index: 4 }, first));
        assert!(matches!(store.writable(), Err(WritesOff::Damaged(_))));
        assert_eq!(content(&store).len(), 4, "what was acknowledged can be read");
        assert_eq!(fs::read(path).unwrap().len(), length, "nothing is cut");
        drop(store);
        assert_eq!(filled.verify().damage.unwrap().flaw, Flaw::Behind { index: 4 });
    }
    fs::remove_dir_all(filled.folder.journal()).unwrap();
    let store = filled.folder.open_with(small());
    assert_eq!(store.condition().damage.unwrap().flaw, Flaw::Behind { index: 4 });
    assert_eq!((content(&store).len(), store.head()), (4, filled.all[3].receipt()));
    assert!(!filled.folder.journal().exists());
    drop(store);
    fs::write(filled.folder.0.join("index/damaged"), "").unwrap();
    assert!(matches!(filled.folder.open_error(), Error::Damaged(_)), "nothing is left to go by");
}

/// Writes a journal of one segment with these frames, and says what is found.
fn found_in(folder: &Folder, frames: &[Vec<JournalEntry>]) -> Option<Damage> {
    fs::create_dir_all(folder.journal()).unwrap();
    let bytes = frames.iter().flat_map(|entries| encode_frame(entries).unwrap());
    let name = format!("{}.journal", Position::from_number(1));
    fs::write(folder.journal().join(name), bytes.collect::<Vec<u8>>()).unwrap();
    verify(&folder.0, INDEX, &|_, _| {}).unwrap().damage
}

#[tokio::test(flavor = "multi_thread")]
async fn names_entries_that_are_not_what_was_written_though_checksums_hold() {
    let entries: Vec<JournalEntry> =
        filled(&[1, 1, 1]).await.all.into_iter().map(|recorded| recorded.entry).collect();
    let folder = Folder::new();
    let [a, b, c] = <[JournalEntry; 3]>::try_from(entries).unwrap();
    let all = |second: JournalEntry| vec![vec![a.clone(), second], vec![c.clone()]];
    assert_eq!(found_in(&folder, &all(b.clone())), None);

    let header = |edit: &dyn Fn(&mut EntryHeader)| {
        let mut header = EntryHeader::decode(&b.header[..]).unwrap();
        edit(&mut header);
        JournalEntry { header: header.encode_to_vec(), ..b.clone() }
    };
    let cases = [
        (JournalEntry { payload: b"other".to_vec(), ..b.clone() }, Flaw::Digest, 2),
        (header(&|h| h.position = 7), Flaw::Position { found: 7 }, 2),
        (header(&|h| h.previous_hash = vec![7; 32]), Flaw::Chain, 2),
        (header(&|h| h.algorithm = 0), Flaw::Algorithm, 2),
        (header(&|h| h.time = None), Flaw::Time, 2),
        (header(&|h| h.time.as_mut().unwrap().seconds = 5), Flaw::TimeBackwards, 2),
        // The entry itself is sound: it is the next one that tells.
        (header(&|h| h.principal = "someone else".into()), Flaw::Chain, 3),
    ];
    for (second, flaw, position) in cases {
        let damage = found_in(&folder, &all(second)).unwrap();
        assert_eq!((damage.flaw, damage.position.number()), (flaw, position));
    }
    let swapped = found_in(&folder, &[vec![a.clone()], vec![c.clone(), b.clone()]]).unwrap();
    assert_eq!((swapped.flaw, swapped.position.number()), (Flaw::Position { found: 3 }, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn rebuilds_an_index_that_belongs_to_another_journal() {
    for entries in 1..=5 {
        let (one, other) = (filled(&[1; 5]).await, filled(&vec![1; entries]).await);
        assert_ne!(one.all[0].hash, other.all[0].hash, "the times differ");
        let before = content(&one.folder.open_with(small()));
        one.forget_index();
        let (from, to) = (other.folder.0.join("index"), one.folder.0.join("index"));
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
            if file.file_type().unwrap().is_file() {
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        }
        let store = one.folder.open_with(small());
        let condition = store.condition();
        assert_eq!((condition.damage, condition.rebuilt), (None, true), "{entries}");
        assert!(condition.set_aside.is_some());
        assert_eq!(content(&store), before);
        assert_eq!(store.head(), one.all[4].receipt());
    }
}
