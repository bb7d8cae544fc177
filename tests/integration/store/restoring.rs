//! Exports and restores.

use std::fs;
use std::io;

use nianbao::store::{Damage, Error, Flaw, Hash, Recorded, Restore, encode_frame};

use super::{Folder, Write, content, follow_all, put, small};

async fn export(groups: &[usize]) -> (Vec<u8>, Vec<Recorded>, Vec<nianbao::store::Pair>) {
    let folder = Folder::new();
    let store = folder.open_with(small());
    for i in 0..groups.iter().sum() {
        store.write(put(&format!("k/{i}"), &i.to_string()), vec![]).await.unwrap();
    }
    let all = follow_all(&store, usize::MAX);
    let mut entries = all.iter().map(|recorded| recorded.entry.clone());
    let mut bytes = Vec::new();
    for group in groups {
        let few: Vec<_> = entries.by_ref().take(*group).collect();
        bytes.extend(encode_frame(&few).unwrap());
    }
    (bytes, all, content(&store))
}

fn flaw(error: &Error) -> Option<(Flaw, u64)> {
    let Error::Damaged(cause) = error else { panic!("{error}") };
    let damage = cause.downcast_ref::<Damage>()?;
    Some((damage.flaw.clone(), damage.position.number()))
}

#[tokio::test]
async fn restores_what_was_exported_in_whatever_pieces_it_comes() {
    let (bytes, all, before) = export(&[1, 3, 2]).await;
    for size in [1, 7, 100, bytes.len()] {
        let folder = Folder::new();
        let mut restore = Restore::create(&folder.0).unwrap();
        assert!(matches!(folder.open_error(), Error::Locked { .. } | Error::Damaged(_)));
        for piece in bytes.chunks(size) {
            restore.frames(piece).unwrap();
        }
        assert_eq!(restore.finish().unwrap(), all[5].receipt());
        let store = folder.open_with(small());
        assert_eq!(follow_all(&store, usize::MAX), all);
        assert_eq!((content(&store), store.head()), (before.clone(), all[5].receipt()));
        store.write(put("next", ""), vec![]).await.unwrap();
    }
}

#[tokio::test]
async fn an_export_that_ends_early_makes_no_store() {
    let (bytes, ..) = export(&[2, 1]).await;
    let second = bytes.windows(4).rposition(|window| window == b"NBJ1").unwrap();
    let folder = Folder::new();
    for length in 0..bytes.len() {
        let mut restore = Restore::create(&folder.0).unwrap();
        restore.frames(&bytes[..length]).unwrap();
        let Err(error) = restore.finish() else {
            // A cut between frames cannot be told from a shorter export but by its receipt.
            assert_eq!(length, second);
            fs::remove_dir_all(folder.journal()).unwrap();
            continue;
        };
        let expected = match length {
            0 => (Flaw::Empty, 1),
            _ if length < second => (Flaw::Incomplete, 1),
            _ => (Flaw::Incomplete, 3),
        };
        assert_eq!(flaw(&error), Some(expected), "{length}");
        assert!(matches!(folder.open_error(), Error::Damaged(_)), "{length}");
    }
    let mut restore = Restore::create(&folder.0).unwrap();
    restore.frames(&bytes).unwrap();
    restore.finish().unwrap();
    assert_eq!(follow_all(&folder.open(), 1).len(), 3);
}

#[tokio::test]
async fn refuses_an_export_with_any_byte_flipped() {
    let (bytes, ..) = export(&[2, 1]).await;
    let folder = Folder::new();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x40;
        let mut restore = Restore::create(&folder.0).unwrap();
        let error = restore.frames(&flipped).unwrap_err();
        assert!(matches!(flaw(&error), Some((Flaw::Head | Flaw::Body, 1 | 3))), "{at}: {error}");
        assert!(restore.frames(&bytes).is_err(), "it is over");
        assert!(restore.finish().is_err());
    }
}

#[tokio::test]
async fn refuses_an_export_that_begins_later_or_has_gaps() {
    let (_, all, _) = export(&[4]).await;
    let frame = |range: std::ops::Range<usize>| {
        let few: Vec<_> = all[range].iter().map(|recorded| recorded.entry.clone()).collect();
        encode_frame(&few).unwrap()
    };
    let folder = Folder::new();
    let cases = [
        (frame(1..4), Flaw::Position { found: 2 }, 1),
        ([frame(0..1), frame(2..4)].concat(), Flaw::Position { found: 3 }, 2),
        ([frame(0..2), frame(1..4)].concat(), Flaw::Position { found: 2 }, 3),
    ];
    for (bytes, expected, position) in cases {
        let mut restore = Restore::create(&folder.0).unwrap();
        assert_eq!(flaw(&restore.frames(&bytes).unwrap_err()), Some((expected, position)));
    }
    assert!(encode_frame(&[]).is_err());
}

#[tokio::test]
async fn restores_only_where_there_is_no_store() {
    let (bytes, ..) = export(&[1]).await;
    let folder = Folder::new();
    let store = folder.open();
    assert!(matches!(Restore::create(&folder.0), Err(Error::Locked { .. })));
    assert_eq!(store.head().hash, Hash::ZERO);
    drop(store);
    let refused = Restore::create(&folder.0).unwrap_err();
    assert!(matches!(refused, Error::Io(e) if e.kind() == io::ErrorKind::AlreadyExists));
    fs::remove_dir_all(folder.journal()).unwrap();
    assert!(Restore::create(&folder.0).is_err(), "the index is still there");
    fs::remove_dir_all(folder.0.join("index")).unwrap();
    let mut restore = Restore::create(&folder.0).unwrap();
    restore.frames(&bytes).unwrap();
    restore.finish().unwrap();
}
