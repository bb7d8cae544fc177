//! What is on disk and not yet in the index: it is read, verified, closed and found again.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use nianbao::store::{
    CommitError, Conditions, Entry, Fault, Faults, IndexState, Options, Position, Precondition,
    Store, WritesOff,
};
use tokio::task::JoinHandle;

use super::{Folder, Puts, Write, content, put, read};

/// Holds the one who applies until the test lets him go on.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn options(&self) -> Options {
        let gate = self.clone();
        let apply: Fault<()> = Arc::new(move || {
            let (is_open, changed) = &*gate.0;
            drop(changed.wait_while(is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
            Ok(())
        });
        let faults = Faults { apply: Some(apply), ..Faults::default() };
        Options { faults, ..Options::default() }
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(file.file_name());
        match file.file_type().unwrap().is_dir() {
            true => copy(&file.path(), &target),
            false => drop(fs::copy(file.path(), target).unwrap()),
        }
    }
}

const LARGE_BYTES: usize = 1 << 20;

fn large(i: u8) -> Puts {
    Puts::new().put([b'v', i], vec![i; LARGE_BYTES]).put("last", [i])
}

/// Writes until the writer waits for the one who applies. Answers how many are acknowledged, and
/// the one more that is on disk and waits.
async fn fill(store: &Store) -> (u8, JoinHandle<Position>) {
    for i in 0.. {
        let writer = store.clone();
        let mut write = tokio::spawn(async move { writer.write(large(i), vec![]).await.unwrap() });
        if tokio::time::timeout(Duration::from_secs(2), &mut write).await.is_err() {
            return (i, write);
        }
    }
    unreachable!("the numbers end later");
}

#[tokio::test]
async fn what_a_kill_leaves_out_of_the_index_is_read_from_the_journal() {
    let folder = Folder::new();
    folder.open().write(put("k/0", "old").put("first", "1"), vec![]).await.unwrap();
    let gate = Gate::default();
    let store = folder.open_with(gate.options());
    for i in 0..5 {
        store.write(put(&format!("k/{i}"), "new"), vec![]).await.unwrap();
    }
    let (head, before, value) = (store.head(), content(&store), read(&store, "k/0"));
    let killed = Folder::new();
    copy(&folder.0, &killed.0);
    // Before anything can fail here: the store cannot be closed behind the gate.
    gate.open();
    assert_eq!(value.as_deref(), Some("new"));
    let after = killed.open();
    assert_eq!((after.condition().replayed, after.condition().rebuilt), (5, false));
    assert_eq!((after.head(), content(&after)), (head, before));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_applies_all_that_lies_over_the_index() {
    let folder = Folder::new();
    let gate = Gate::default();
    let store = folder.open_with(gate.options());
    let (acknowledged, waiting) = fill(&store).await;
    let closing = store.clone();
    let closing = std::thread::spawn(move || closing.close());
    let begun = Instant::now();
    while store.writable().is_ok() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    let (writable, position) = (store.writable(), store.position().number());
    gate.open();
    assert!(matches!(writable, Err(WritesOff::Closed)));
    assert!(acknowledged >= 8, "{acknowledged}");
    assert_eq!(position, u64::from(acknowledged), "the last is not readable yet");
    let last = waiting.await.unwrap();
    closing.join().unwrap();
    assert_eq!((last, last.number()), (store.position(), u64::from(acknowledged) + 1));
    let before = content(&store);
    drop(store);
    assert!(folder.0.join("index/clean").exists());
    let store = folder.open();
    assert_eq!((store.condition().replayed, store.condition().rebuilt), (0, false));
    assert_eq!((store.position(), content(&store)), (last, before));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verifies_while_the_writer_waits_for_the_index() {
    let folder = Folder::new();
    let gate = Gate::default();
    let store = folder.open_with(gate.options());
    let (acknowledged, waiting) = fill(&store).await;
    let last = store.get(b"last").unwrap();
    let verified = store.verify(&|_, _| {}).unwrap();
    // Before anything can fail here: the store cannot be closed behind the gate.
    gate.open();
    waiting.await.unwrap();
    assert_eq!(*last.unwrap(), [acknowledged - 1]);
    assert_eq!((verified.damage, verified.index), (None, IndexState::Agrees));
    let verified = store.verify(&|_, _| {}).unwrap();
    assert_eq!((verified.damage, verified.index), (None, IndexState::Agrees));
}

#[tokio::test]
async fn what_the_index_could_not_take_is_read_and_verified() {
    let folder = Folder::new();
    folder.open().write(put("a", "old").put("b", "kept"), vec![]).await.unwrap();
    let apply: Fault<()> = Arc::new(|| Err(io::Error::other("injected")));
    let faults = Faults { apply: Some(apply), ..Faults::default() };
    let store = folder.open_with(Options { faults, ..Options::default() });
    let (mut positions, mut writable) = (store.watch_position(), store.watch_writable());
    let last = store.commit(Entry::from(put("a", "new")), vec![]).await.unwrap();
    writable.wait_for(Result::is_err).await.unwrap();
    assert_eq!(*positions.wait_for(|now| *now >= last.position()).await.unwrap(), last.position());
    assert_eq!(read(&store, "a").as_deref(), Some("new"));
    assert_eq!(read(&store, "b").as_deref(), Some("kept"));
    assert_eq!(content(&store), [(b"a".into(), b"new".into()), (b"b".into(), b"kept".into())]);
    assert_eq!(store.verify(&|_, _| {}).unwrap().index, IndexState::Agrees);
    assert_eq!(store.follow(Position::START, usize::MAX).unwrap().last(), Some(&last));
    store.close();
    assert_eq!(read(&store, "a").as_deref(), Some("new"), "and after the close");
}

/// Whether a write is taken that rests on `k` as it stood when the position was `seen`.
async fn rests_on(store: &Store, value: Option<&str>, seen: Position) -> bool {
    let key = b"k".to_vec();
    let condition = match value {
        Some(value) => Precondition::Unchanged { key, value: value.as_bytes().to_vec().into() },
        None => Precondition::Absent(key),
    };
    let conditions = Conditions { seen: Some(seen), all: vec![condition] };
    match store.commit(Entry::from(put("other", "")), conditions).await {
        Ok(_) => true,
        Err(CommitError::Precondition { index: 0 }) => false,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_write_after_what_was_seen_is_noticed_wherever_it_stands() {
    let folder = Folder::new();
    let gate = Gate::default();
    let store = folder.open_with(gate.options());
    let before = store.position();
    assert!(rests_on(&store, None, before).await, "nobody wrote it");
    let first = store.write(put("k", "1"), vec![]).await.unwrap();
    let second = store.write(put("k", "2"), vec![]).await.unwrap();
    let told = async |store: &Store| {
        let read = [(None, before), (Some("1"), first), (Some("2"), second)];
        let mut taken = Vec::new();
        for (value, seen) in read {
            taken.push(rests_on(store, value, seen).await);
        }
        taken
    };
    let above = told(&store).await;
    // Before anything can fail here: the store cannot be closed behind the gate.
    gate.open();
    assert_eq!(above, [false, false, true], "above the index");
    drop(store);
    assert_eq!(told(&folder.open()).await, [false, false, true], "in the index");
}
