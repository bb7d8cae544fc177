//! A disk that fails, fills up or is damaged: writes go off, reads go on, nothing panics.

use std::error::Error as _;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nianbao::store::{CommitError, Error, Fault, Faults, Options, Position, Store, WritesOff};
use tokio::task::JoinSet;

use super::{Folder, INDEX, Write, put, read};

/// The store's answer to a sync that fails as `fail` does.
async fn fails_stop(fail: fn() -> io::Result<()>, expected: fn(&WritesOff) -> bool) {
    let folder = Folder::new();
    let failing = Arc::new(AtomicU32::new(0));
    let switch = failing.clone();
    let sync = Arc::new(move || if switch.load(Ordering::SeqCst) == 1 { fail() } else { Ok(()) });
    let faults = Faults { sync: Some(sync), ..Faults::default() };
    let store = folder.open_with(Options { faults, ..Options::default() });
    let mut watch = store.watch_writable();
    assert!(watch.borrow_and_update().is_ok());
    let position = store.write(put("kept", "1"), vec![]).await.unwrap();

    failing.store(1, Ordering::SeqCst);
    let mut commits = JoinSet::new();
    for i in 0..16 {
        let store = store.clone();
        commits.spawn(async move { store.write(put(&format!("lost/{i}"), ""), vec![]).await });
    }
    for answer in commits.join_all().await {
        let Err(CommitError::WritesOff(off)) = answer else { panic!("acknowledged: {answer:?}") };
        assert!(expected(&off), "{off:?}");
        assert!(off.source().is_some(), "the cause is kept");
    }
    watch.changed().await.unwrap();
    assert!(watch.borrow_and_update().is_err());

    failing.store(0, Ordering::SeqCst);
    let answer = store.write(put("later", ""), vec![]).await;
    assert!(matches!(answer, Err(CommitError::WritesOff(off)) if expected(&off)), "for good");
    assert!(store.writable().is_err_and(|off| expected(&off)));
    assert_eq!(store.position(), position, "only what is on disk has a position");
    assert_eq!(read(&store, "kept").as_deref(), Some("1"), "reads go on");
    assert_eq!(store.scan(b"kept", None, 9).unwrap().len(), 1);

    drop((store, watch));
    let store = folder.open();
    assert_eq!(read(&store, "kept").as_deref(), Some("1"));
    store.write(put("later", ""), vec![]).await.unwrap();
}

#[tokio::test]
async fn a_failed_sync_turns_writes_off_for_good() {
    let fail = || Err(io::Error::other("the disk says no"));
    fails_stop(fail, |off| matches!(off, WritesOff::SyncFailed(_))).await;
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_sync_turns_writes_off_for_good() {
    let fail = || Err(io::ErrorKind::StorageFull.into());
    fails_stop(fail, |off| matches!(off, WritesOff::SyncFailed(_))).await;
}

#[tokio::test]
async fn a_panic_of_the_committer_leaves_nobody_waiting() {
    fails_stop(|| panic!("injected"), |off| matches!(off, WritesOff::SyncFailed(_))).await;
}

#[tokio::test]
async fn refuses_writes_below_the_reserve() {
    let folder = Folder::new();
    let store = folder.open_with(Options { reserve_bytes: u64::MAX, ..Options::default() });
    assert!(matches!(store.writable(), Err(WritesOff::LowSpace { .. })));
    let Err(CommitError::WritesOff(off)) = store.write(put("k", ""), vec![]).await else {
        panic!("written");
    };
    assert!(matches!(off, WritesOff::LowSpace { reserve_bytes: u64::MAX, free_bytes: 1.. }));
    assert_eq!(read(&store, "k"), None, "refused before it was applied");
    assert_eq!(store.position(), Position::START);
}

#[tokio::test]
async fn takes_writes_again_when_there_is_room() {
    let folder = Folder::new();
    let free = Arc::new(AtomicU64::new(1000));
    let answer = free.clone();
    let free_bytes: Fault<u64> = Arc::new(move || Ok(answer.load(Ordering::SeqCst)));
    let faults = Faults { free_bytes: Some(free_bytes), ..Faults::default() };
    let store = folder.open_with(Options { reserve_bytes: 1000, faults, ..Options::default() });
    let mut watch = store.watch_writable();
    store.write(put("a", ""), vec![]).await.unwrap();

    free.store(999, Ordering::SeqCst);
    let refused = store.write(put("b", ""), vec![]).await;
    assert!(matches!(
        refused,
        Err(CommitError::WritesOff(WritesOff::LowSpace { free_bytes: 999, reserve_bytes: 1000 }))
    ));
    assert!(watch.borrow_and_update().is_err());
    assert!(read(&store, "a").is_some() && read(&store, "b").is_none());

    free.store(1000, Ordering::SeqCst);
    watch.changed().await.unwrap();
    assert!(watch.borrow_and_update().is_ok(), "without anyone writing");
    store.write(put("b", ""), vec![]).await.unwrap();
}

#[test]
fn says_that_a_file_is_no_folder() {
    let folder = Folder::new();
    let file = folder.0.join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Store::open(&file, INDEX, Options::default()), Err(Error::Io(_))));
}
