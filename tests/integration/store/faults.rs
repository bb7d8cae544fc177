//! A disk that fails, fills up or is damaged: writes go off, reads go on, nothing panics.

use std::error::Error as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nianbao::store::{
    AppendFault, CommitError, Entry, Error, Fault, Faults, Index, IndexState, Options, Pair,
    Position, Recorded, Store, WritesOff,
};
use tokio::task::JoinSet;

use super::{Folder, INDEX, Write, keys, put, read};

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

/// Faults that tests switch on and off.
#[derive(Clone, Default)]
struct Switches {
    /// Bytes of a frame that are written before the disk is full; 0 is all.
    full_after: Arc<AtomicU64>,
    /// Appends that fail.
    broken: Arc<AtomicU64>,
    cut: Arc<AtomicU64>,
    apply: Arc<AtomicU64>,
    free: Arc<AtomicU64>,
}

impl Switches {
    fn options(&self) -> Options {
        let fail = |switch: &Arc<AtomicU64>| -> Option<Fault<()>> {
            let switch = switch.clone();
            Some(Arc::new(move || match switch.load(Ordering::SeqCst) {
                0 => Ok(()),
                _ => Err(io::Error::other("injected")),
            }))
        };
        let (full_after, broken) = (self.full_after.clone(), self.broken.clone());
        let append: AppendFault = Arc::new(move |length| {
            if broken.load(Ordering::SeqCst) > 0 {
                return Err(io::Error::other("injected"));
            }
            match full_after.load(Ordering::SeqCst) as usize {
                0 => Ok(length),
                bytes => Ok(bytes.min(length)),
            }
        });
        let free = self.free.clone();
        self.free.store(1000, Ordering::SeqCst);
        let faults = Faults {
            append: Some(append),
            cut: fail(&self.cut),
            apply: fail(&self.apply),
            free_bytes: Some(Arc::new(move || Ok(free.load(Ordering::SeqCst)))),
            ..Faults::default()
        };
        Options { faults, reserve_bytes: 1000, segment_bytes: 300, ..Options::default() }
    }
}

fn set(switch: &AtomicU64, value: u64) {
    switch.store(value, Ordering::SeqCst);
}

async fn off_after(store: &Store, key: &str) -> WritesOff {
    match store.write(put(key, ""), vec![]).await {
        Err(CommitError::WritesOff(off)) => off,
        other => panic!("{other:?}"),
    }
}

/// The length of the journal on disk.
fn journal_bytes(folder: &Folder) -> u64 {
    let files = fs::read_dir(folder.journal()).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[tokio::test]
async fn a_frame_that_did_not_fit_is_cut_off_and_writes_go_on_by_themselves() {
    let folder = Folder::new();
    let switches = Switches::default();
    let store = folder.open_with(switches.options());
    let mut watch = store.watch_writable();
    for (round, bytes) in [1, 10, 24, 25, 100].into_iter().enumerate() {
        let kept = store.write(put(&format!("kept/{round}"), ""), vec![]).await.unwrap();
        let before = journal_bytes(&folder);
        set(&switches.full_after, bytes);
        for attempt in ["first", "second"] {
            let off = off_after(&store, "lost").await;
            assert!(matches!(off, WritesOff::DiskFull(_)), "{bytes}, {attempt}: {off:?}");
            assert_eq!(journal_bytes(&folder), before, "{bytes}: nothing is left of the frame");
            assert_eq!((store.position(), read(&store, "lost")), (kept, None));
        }
        set(&switches.full_after, 0);
        while watch.borrow_and_update().is_err() {
            watch.changed().await.unwrap();
        }
    }
    let last = store.write(put("last", ""), vec![]).await.unwrap();
    assert_eq!(last.number(), 6);
    drop((store, watch));
    fs::remove_dir_all(folder.0.join("index")).unwrap();
    let store = folder.open();
    assert_eq!((store.position(), store.condition().torn), (last, None));
    assert_eq!(store.scan(b"kept/", None, 99).unwrap().len(), 5);
}

#[tokio::test]
async fn a_write_that_fails_is_undone_and_writes_go_on_by_themselves() {
    let folder = Folder::new();
    let switches = Switches::default();
    let store = folder.open_with(switches.options());
    let mut watch = store.watch_writable();
    set(&switches.broken, 1);
    let off = off_after(&store, "lost").await;
    assert!(matches!(&off, WritesOff::AppendFailed(_)) && off.source().is_some(), "{off:?}");
    set(&switches.cut, 1);
    set(&switches.broken, 0);
    let off = off_after(&store, "lost").await;
    assert!(matches!(off, WritesOff::AppendFailed(_)), "the disk cannot be written yet: {off:?}");
    set(&switches.cut, 0);
    while watch.borrow_and_update().is_err() {
        watch.changed().await.unwrap();
    }
    assert_eq!(store.write(put("kept", ""), vec![]).await.unwrap().number(), 1);
}

#[tokio::test]
async fn a_frame_that_cannot_be_cut_off_turns_writes_off_for_good() {
    for bytes in [1, 24, 100] {
        let folder = Folder::new();
        let switches = Switches::default();
        let store = folder.open_with(switches.options());
        let kept = store.write(put("kept", "1"), vec![]).await.unwrap();
        set(&switches.full_after, bytes);
        set(&switches.cut, 1);
        let off = off_after(&store, "lost").await;
        assert!(matches!(off, WritesOff::SyncFailed(_)), "{off:?}");
        set(&switches.full_after, 0);
        set(&switches.cut, 0);
        let off = off_after(&store, "lost").await;
        assert!(matches!(off, WritesOff::SyncFailed(_)), "for good: {off:?}");
        assert_eq!((store.position(), read(&store, "kept").unwrap()), (kept, "1".into()));
        drop(store);
        let store = folder.open();
        assert_eq!(store.condition().torn.unwrap().bytes, bytes);
        assert_eq!((store.position(), read(&store, "kept").unwrap()), (kept, "1".into()));
        store.write(put("next", ""), vec![]).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_index_could_not_take_is_there_after_a_restart() {
    let folder = Folder::new();
    let switches = Switches::default();
    let store = folder.open_with(switches.options());
    let mut watch = store.watch_writable();
    set(&switches.apply, 1);
    // It is in the journal, which is what counts.
    let last = store.write(put("a", "1").put("b", "2"), vec![]).await.unwrap();
    while watch.borrow_and_update().is_ok() {
        watch.changed().await.unwrap();
    }
    set(&switches.apply, 0);
    let off = off_after(&store, "later").await;
    assert!(matches!(off, WritesOff::IndexFailed(_)), "for good: {off:?}");
    assert_eq!(store.position(), last);
    assert_eq!(read(&store, "a").as_deref(), Some("1"), "reads go on");
    assert_eq!(keys(&store.scan(b"", None, 9).unwrap()), ["a", "b"]);
    assert_eq!(store.follow(Position::START, 1 << 20).unwrap().len(), 1);
    drop((store, watch));
    let store = folder.open();
    assert_eq!((store.position(), read(&store, "a").as_deref()), (last, Some("1")));
    assert!(store.condition().rebuilt);
}

#[tokio::test]
async fn entries_of_a_failed_sync_do_not_come_back_unless_they_cannot_be_cut_off() {
    for (cut_fails, left) in [(false, 0), (true, 1)] {
        let folder = Folder::new();
        let fails: Fault<()> = Arc::new(|| Err(io::Error::other("no")));
        let cut = cut_fails.then(|| fails.clone());
        let faults = Faults { sync: Some(fails), cut, ..Faults::default() };
        let store = folder.open_with(Options { faults, ..Options::default() });
        off_after(&store, "unknown").await;
        assert_eq!((store.position(), read(&store, "unknown")), (Position::START, None));
        drop(store);
        let store = folder.open();
        assert_eq!(store.position().number(), left);
        assert_eq!(read(&store, "unknown").is_some(), cut_fails, "whole where the bytes are there");
    }
}

#[tokio::test]
async fn a_group_is_one_frame() {
    let folder = Folder::new();
    let frames = Arc::new(AtomicU64::new(0));
    let count = frames.clone();
    let append: AppendFault = Arc::new(move |length| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(length)
    });
    let faults = Faults { append: Some(append), ..Faults::default() };
    let store = folder.open_with(Options { faults, ..Options::default() });
    let mut commits = JoinSet::new();
    for i in 0..500 {
        let store = store.clone();
        commits.spawn(async move { store.write(put(&format!("k/{i}"), ""), vec![]).await });
    }
    assert!(commits.join_all().await.iter().all(Result::is_ok));
    let bytes: Vec<u8> = fs::read_dir(folder.journal())
        .unwrap()
        .flat_map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect();
    let found = bytes.windows(4).filter(|window| window == b"NBJ1").count() as u64;
    assert_eq!(found, frames.load(Ordering::SeqCst));
    assert!(found < 100, "{found} frames");
}

#[tokio::test]
async fn an_entry_that_the_index_refuses_is_refused_alone() {
    fn picky(recorded: &Recorded) -> Result<Vec<Pair>, String> {
        match recorded.payload() {
            b"refuse" => Err("not this one".into()),
            b"panic" => panic!("injected"),
            payload => Ok(vec![(payload.to_vec(), vec![])]),
        }
    }
    let folder = Folder::new();
    let index = Index { puts: picky, ..INDEX };
    let store = Store::open(&folder.0, index, Options::default()).unwrap();
    let write = |payload: &str| {
        let (store, payload) = (store.clone(), payload.into());
        async move { store.commit(Entry { payload, ..Entry::default() }, vec![]).await }
    };
    let (a, refused, panicked, b) =
        tokio::join!(write("a"), write("refuse"), write("panic"), write("b"));
    assert!(matches!(refused, Err(CommitError::Refused(why)) if why == "not this one"));
    assert!(matches!(panicked, Err(CommitError::Refused(why)) if why.contains("injected")));
    assert_eq!((a.unwrap().position().number(), b.unwrap().position().number()), (1, 2));
    assert_eq!(store.scan(b"", None, 9).unwrap().len(), 2);
}

/// Makes a folder read-only as the system would, and writable again when it goes.
struct ReadOnly {
    dir: PathBuf,
    mounted: bool,
}

impl ReadOnly {
    /// By permissions; for root, whom they do not bind, by a mount; none where neither works.
    fn new(dir: &Path) -> Option<Self> {
        let mut made = Self { dir: dir.to_owned(), mounted: false };
        made.permit(false);
        if fs::write(dir.join("probe"), "").is_err() {
            return Some(made);
        }
        let mount = |arguments: &[&str]| {
            let mut mount = Command::new("mount");
            mount
                .args(arguments)
                .arg(dir)
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        fs::remove_file(dir.join("probe")).unwrap();
        made.mounted = mount(&["--bind", dir.to_str()?]);
        (made.mounted && mount(&["-o", "remount,bind,ro"])).then_some(made)
    }

    fn permit(&self, writing: bool) {
        for folder in [&self.dir, &self.dir.join("journal"), &self.dir.join("index")] {
            let mut permissions = fs::metadata(folder).unwrap().permissions();
            permissions.set_readonly(!writing);
            if writing {
                #[cfg(unix)]
                std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
            }
            fs::set_permissions(folder, permissions).unwrap();
        }
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg(&self.dir).status();
        }
        self.permit(true);
    }
}

#[tokio::test]
async fn reads_a_folder_that_cannot_be_written() {
    let folder = Folder::new();
    let store = folder.open();
    for i in 0..10 {
        store.write(put(&format!("k/{i}"), "v"), vec![]).await.unwrap();
    }
    drop(store);
    let read_only = ReadOnly::new(&folder.0);
    let mut options = Options::default();
    if read_only.is_none() {
        println!("neither permissions nor mounts bind this user: the refusal is injected");
        options.faults.open = Some(Arc::new(|| Err(io::ErrorKind::ReadOnlyFilesystem.into())));
    }
    let store = folder.open_with(options.clone());
    assert!(matches!(store.writable(), Err(WritesOff::ReadOnly)));
    assert!(matches!(off_after(&store, "x").await, WritesOff::ReadOnly));
    assert_eq!(store.scan(b"k/", None, 99).unwrap().len(), 10);
    assert_eq!(store.follow(Position::START, usize::MAX).unwrap().len(), 10);
    assert_eq!(store.position().number(), 10);
    assert_eq!(store.verify(&|_, _| {}).unwrap().index, IndexState::Agrees);
    drop(store);
    drop(read_only);
    let empty = Folder::new();
    options.faults.open = Some(Arc::new(|| Err(io::ErrorKind::ReadOnlyFilesystem.into())));
    let nothing = Store::open(&empty.0, INDEX, options);
    assert!(matches!(nothing, Err(Error::Io(_))), "there is no journal to read");
    let store = folder.open();
    assert_eq!(store.condition().set_aside, None);
    store.write(put("k/10", ""), vec![]).await.unwrap();
}
