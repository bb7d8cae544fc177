//! Verification: what it says of sound folders, exports and indexes, offline and beside writes.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use nianbao::store::{
    Error, Hash, Index, IndexState, Pair, Position, Receipt, Recorded, Store, encode_frame, verify,
};
use tokio::task::JoinSet;

use super::{Folder, INDEX, Puts, Write, content, follow_all, put, read_puts, small};

fn quietly(folder: &Folder) -> nianbao::store::Verification {
    verify(&folder.0, INDEX, &|_, _| {}).unwrap()
}

async fn filled(entries: usize) -> (Folder, Vec<Recorded>) {
    let folder = Folder::new();
    let store = folder.open_with(small());
    for i in 0..entries {
        let puts = put(&format!("k/{:02}", i % 7), &i.to_string()).put("last", i.to_string());
        store.write(puts, vec![]).await.unwrap();
    }
    let all = follow_all(&store, usize::MAX);
    drop(store);
    (folder, all)
}

#[tokio::test]
async fn finds_a_sound_folder_sound_and_changes_nothing() {
    let (folder, all) = filled(30).await;
    let listing = || {
        let mut files = Vec::new();
        let mut folders = vec![folder.0.clone()];
        while let Some(next) = folders.pop() {
            for file in fs::read_dir(next).unwrap().map(|file| file.unwrap().path()) {
                if file.is_dir() {
                    folders.push(file);
                } else {
                    let time = fs::metadata(&file).unwrap().modified().unwrap();
                    files.push((fs::read(&file).unwrap(), time, file));
                }
            }
        }
        files.sort();
        files
    };
    let before = listing();
    let told = Mutex::new(Vec::new());
    let verified = verify(&folder.0, INDEX, &|done, of| told.lock().unwrap().push((done, of)));
    let verified = verified.unwrap();
    assert!(listing() == before, "a file has changed");
    assert_eq!((verified.entries, verified.head), (30, all[29].receipt()));
    assert_eq!((&verified.torn, &verified.damage), (&None, &None));
    assert_eq!(verified.index, IndexState::Agrees);
    let (done, of) = *told.lock().unwrap().last().unwrap();
    assert_eq!((done, of), (verified.bytes, verified.bytes));
    assert!(verified.segments > 5);
    for recorded in &all {
        assert!(verified.contains(&recorded.hash));
        assert_eq!(verified.hash_at(recorded.position()), Some(recorded.hash));
    }
    assert!(!verified.contains(&Hash::of(b"other")));
    assert_eq!(verified.hash_at(Position::START), None);
    assert_eq!(verified.hash_at(Position::from_number(31)), None);
}

#[tokio::test]
async fn reads_a_folder_of_segments_and_an_export() {
    let (folder, all) = filled(10).await;
    let verified = verify(&folder.journal(), INDEX, &|_, _| {}).unwrap();
    assert_eq!((verified.entries, &verified.index), (10, &IndexState::Absent));

    let entries: Vec<_> = all.iter().map(|recorded| recorded.entry.clone()).collect();
    let export: Vec<u8> = entries.chunks(3).flat_map(|few| encode_frame(few).unwrap()).collect();
    let file = folder.0.join("export");
    let check = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        verify(&file, INDEX, &|_, _| {}).unwrap()
    };
    let verified = check(&export);
    assert_eq!((verified.entries, verified.head), (10, all[9].receipt()));
    assert_eq!((verified.torn, verified.damage), (None, None));
    let verified = check(&export[..export.len() - 1]);
    assert_eq!((verified.entries, verified.torn.unwrap().position.number()), (9, 10));
    let later = encode_frame(&entries[4..]).unwrap();
    let verified = check(&later);
    assert_eq!((verified.entries, &verified.damage), (6, &None), "it may begin anywhere");
    assert_eq!(verified.hash_at(Position::from_number(5)), Some(all[4].hash));
    let verified = check(b"something else, longer than a head");
    assert_eq!(verified.damage.unwrap().offset, 0);
    let verified = check(b"");
    assert_eq!(verified.entries, 0);

    fs::create_dir(folder.0.join("empty")).unwrap();
    let nothing = verify(&folder.0.join("empty"), INDEX, &|_, _| {});
    assert!(matches!(nothing, Err(Error::Damaged(_))));
    let nothing = verify(&folder.0.join("absent"), INDEX, &|_, _| {});
    assert!(matches!(nothing, Err(Error::Io(_))));
}

#[tokio::test]
async fn says_where_the_index_differs() {
    let (folder, _) = filled(30).await;
    let read = |puts| verify(&folder.0, Index { puts, ..INDEX }, &|_, _| {}).unwrap().index;
    fn one_other(recorded: &Recorded) -> Result<Vec<Pair>, String> {
        let mut pairs = read_puts(recorded)?;
        pairs.retain(|(key, _)| key != b"k/05");
        Ok(pairs)
    }
    assert_eq!(read(one_other), IndexState::Differs { keys: 1, first: b"k/05".into() });
    fn one_more(recorded: &Recorded) -> Result<Vec<Pair>, String> {
        let mut pairs = read_puts(recorded)?;
        pairs.extend([(b"k/055".into(), vec![]), (b"z".into(), vec![])]);
        Ok(pairs)
    }
    assert_eq!(read(one_more), IndexState::Differs { keys: 2, first: b"k/055".into() });
    fn other_value(recorded: &Recorded) -> Result<Vec<Pair>, String> {
        let mut pairs = read_puts(recorded)?;
        pairs[1].1 = b"other".into();
        Ok(pairs)
    }
    assert_eq!(read(other_value), IndexState::Differs { keys: 1, first: b"last".into() });
    fn none(_: &Recorded) -> Result<Vec<Pair>, String> {
        Err("no idea".into())
    }
    let expected = "the entry at 0000000000000001 cannot be read: no idea";
    assert_eq!(read(none), IndexState::Unreadable(expected.into()));
    let newer = verify(&folder.0, Index { version: 2, ..INDEX }, &|_, _| {}).unwrap();
    assert!(matches!(newer.index, IndexState::Unreadable(_)));
}

#[tokio::test]
async fn allows_an_index_that_lags() {
    let (folder, _) = filled(10).await;
    let saved = Folder::new();
    let copy = |from: &Folder, to: &Folder| {
        fs::create_dir_all(to.0.join("index/blobs")).unwrap();
        for file in fs::read_dir(from.0.join("index")).unwrap().map(Result::unwrap) {
            if file.file_type().unwrap().is_file() {
                fs::copy(file.path(), to.0.join("index").join(file.file_name())).unwrap();
            }
        }
    };
    copy(&folder, &saved);
    let store = folder.open_with(small());
    for i in 0..10 {
        store.write(put("last", "x").put(format!("n/{i}"), ""), vec![]).await.unwrap();
    }
    let after = content(&store);
    drop(store);
    fs::remove_dir_all(folder.0.join("index")).unwrap();
    copy(&saved, &folder);
    let verified = quietly(&folder);
    assert_eq!((verified.entries, verified.index), (20, IndexState::Agrees));
    let store = folder.open_with(small());
    assert_eq!((store.condition().replayed, store.condition().rebuilt), (10, false));
    assert_eq!(content(&store), after);
}

#[tokio::test]
async fn leaves_alone_the_index_of_a_store_that_is_open() {
    let (folder, _) = filled(10).await;
    let store = folder.open_with(small());
    store.write(put("more", ""), vec![]).await.unwrap();
    let verified = quietly(&folder);
    assert_eq!((verified.entries, verified.damage), (11, None));
    assert!(matches!(verified.index, IndexState::Unreadable(_)));
    store.write(put("more", ""), vec![]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verifies_beside_running_writes() {
    let (folder, _) = filled(50).await;
    let store = folder.open_with(small());
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (store, stop) = (store.clone(), stop.clone());
        writers.spawn(async move {
            let mut i = 0;
            while !stop.load(Ordering::SeqCst) {
                let puts = put(&format!("w/{writer}/{}", i % 5), &i.to_string());
                store.write(puts.put("last", format!("{writer}/{i}")), vec![]).await.unwrap();
                i += 1;
            }
        });
    }
    let verifier = store.clone();
    let verifying = tokio::task::spawn_blocking(move || {
        for _ in 0..20 {
            let verified = verifier.verify(&|_, _| {}).unwrap();
            assert_eq!(verified.index, IndexState::Agrees);
            assert_eq!((verified.torn, verified.damage), (None, None));
            let Receipt { position, hash, .. } = verified.head;
            let recorded = verifier.follow(Position::from_number(position.number() - 1), 1);
            assert_eq!(recorded.unwrap()[0].hash, hash);
        }
    });
    let verified = verifying.await;
    stop.store(true, Ordering::SeqCst);
    writers.join_all().await;
    verified.unwrap();
    assert!(store.writable().is_ok());
}

#[tokio::test]
async fn an_empty_store_is_sound() {
    let folder = Folder::new();
    let store: Store = folder.open();
    let verified = store.verify(&|_, _| {}).unwrap();
    assert_eq!((verified.entries, verified.index), (0, IndexState::Agrees));
    assert_eq!(store.head().hash, Hash::ZERO);
    store.write(Puts::new(), vec![]).await.unwrap();
    assert_eq!(store.verify(&|_, _| {}).unwrap().entries, 1);
}
