//! What happens between queue and sync: groups, rivals, callers that go away, closing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use nianbao::store::{
    CommitError, ENTRY_BYTES_MAX, Faults, Options, Position, Precondition, Store, WritesOff,
};
use tokio::task::{JoinHandle, JoinSet, yield_now};

use super::{Folder, Puts, Write, absent, put, read};

/// Holds the committer inside its sync until the test lets it go on.
struct Gate {
    entered: mpsc::Receiver<()>,
    leave: mpsc::Sender<()>,
    syncs: Arc<AtomicU32>,
}

impl Gate {
    fn new() -> (Self, Options) {
        let (enter, entered) = mpsc::channel();
        let (leave, left) = mpsc::channel();
        let left = Mutex::new(left);
        let syncs = Arc::new(AtomicU32::new(0));
        let count = syncs.clone();
        let sync = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            // Both fail once the test has dropped the gate: then it is open.
            let _ = enter.send(());
            let _ = left.lock().unwrap().recv();
            Ok(())
        });
        let faults = Faults { sync: Some(sync), ..Faults::default() };
        (Self { entered, leave, syncs }, Options { faults, ..Options::default() })
    }

    /// Commits an entry that waits in its sync; what is queued next forms one group.
    async fn hold(&self, store: &Store) -> JoinHandle<Result<Position, CommitError>> {
        let first = spawn(store, put("first", ""), vec![]);
        yield_now().await;
        self.entered.recv().unwrap();
        first
    }

    /// From here on no sync waits.
    fn open(self) -> Arc<AtomicU32> {
        drop(self.leave);
        self.syncs
    }
}

fn spawn(
    store: &Store,
    puts: Puts,
    preconditions: Vec<Precondition>,
) -> JoinHandle<Result<Position, CommitError>> {
    let store = store.clone();
    tokio::spawn(async move { store.write(puts, preconditions).await })
}

#[tokio::test]
async fn answers_nobody_before_the_sync() {
    let folder = Folder::new();
    let (gate, options) = Gate::new();
    let store = folder.open_with(options);
    let first = gate.hold(&store).await;
    yield_now().await;
    assert!(!first.is_finished());
    assert_eq!(store.position(), Position::START, "nothing is on disk yet");
    gate.open();
    assert_eq!(first.await.unwrap().unwrap(), store.position());
}

#[tokio::test]
async fn of_rivals_in_one_group_exactly_one_wins() {
    let folder = Folder::new();
    let (gate, options) = Gate::new();
    let store = folder.open_with(options);
    let first = gate.hold(&store).await;
    let mut rivals = JoinSet::new();
    for i in 0..64 {
        let store = store.clone();
        rivals.spawn(async move { (i, store.write(put("k", &i.to_string()), absent("k")).await) });
    }
    yield_now().await;
    let syncs = gate.open();
    first.await.unwrap().unwrap();

    let answers = rivals.join_all().await;
    let winners: Vec<_> = answers.iter().filter(|(_, a)| a.is_ok()).map(|(i, _)| i).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(read(&store, "k").unwrap(), winners[0].to_string());
    for (_, answer) in answers {
        assert!(matches!(answer, Ok(_) | Err(CommitError::Precondition { index: 0 })));
    }
    assert_eq!(syncs.load(Ordering::SeqCst), 2, "all rivals shared one sync");
}

#[tokio::test]
async fn checks_against_the_earlier_entries_of_the_group() {
    let folder = Folder::new();
    let (gate, options) = Gate::new();
    let store = folder.open_with(options);
    let first = gate.hold(&store).await;
    let unchanged = |value: &str| {
        vec![Precondition::Unchanged { key: "k".into(), value: value.as_bytes().to_vec().into() }]
    };
    let commits = [
        (put("k", "1"), vec![Precondition::Present("k".into())], false),
        (put("k", "2"), absent("k"), true),
        (put("k", "3"), unchanged("1"), false),
        (put("k", "4"), unchanged("2"), true),
        (put("k", "5"), unchanged("2"), false),
        (put("other", ""), vec![Precondition::Present("k".into())], true),
    ];
    let commits = commits.map(|(entry, conditions, ok)| (spawn(&store, entry, conditions), ok));
    yield_now().await;
    let syncs = gate.open();
    let mut position = first.await.unwrap().unwrap();
    for (i, (commit, expected)) in commits.into_iter().enumerate() {
        let answer = commit.await.unwrap();
        assert_eq!(answer.is_ok(), expected, "commit {i}: {answer:?}");
        if let Ok(next) = answer {
            assert!(next > position, "positions follow the order of the queue");
            position = next;
        }
    }
    assert_eq!(syncs.load(Ordering::SeqCst), 2, "they were one group");
    assert_eq!(read(&store, "k").as_deref(), Some("4"));
    assert_eq!(store.position(), position);
}

#[tokio::test]
async fn writes_whole_what_a_caller_has_abandoned() {
    let folder = Folder::new();
    let (gate, options) = Gate::new();
    let store = folder.open_with(options);
    let first = gate.hold(&store).await;
    let abandoned = spawn(&store, put("a", "1").put("b", "2"), vec![]);
    yield_now().await;
    abandoned.abort();
    assert!(abandoned.await.unwrap_err().is_cancelled());
    drop(store.write(put("never polled", ""), vec![]));
    gate.open();
    first.await.unwrap().unwrap();
    store.write(put("later", ""), vec![]).await.unwrap();
    assert_eq!(read(&store, "a").as_deref(), Some("1"));
    assert_eq!(read(&store, "b").as_deref(), Some("2"));
    assert_eq!(read(&store, "never polled"), None);
}

#[tokio::test]
async fn waits_for_room_in_the_queue() {
    let folder = Folder::new();
    let (gate, options) = Gate::new();
    let store = folder.open_with(Options { queue_bytes: 0, ..options });
    let first = gate.hold(&store).await;
    let large = |i: u8| Puts::new().put([b'v', i], vec![i; ENTRY_BYTES_MAX / 2 + 1]);
    let commits: Vec<_> = (0..3).map(|i| spawn(&store, large(i), vec![])).collect();
    yield_now().await;
    let syncs = gate.open();
    first.await.unwrap().unwrap();
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    assert_eq!(syncs.load(Ordering::SeqCst), 4, "no two of them fit into the queue together");
}

#[tokio::test]
async fn close_writes_what_is_queued_and_takes_no_more() {
    let folder = Folder::new();
    let (gate, options) = Gate::new();
    let store = folder.open_with(options);
    let mut queued = vec![gate.hold(&store).await];
    queued.extend((0..10).map(|i| spawn(&store, put(&format!("k/{i}"), ""), vec![])));
    yield_now().await;
    let mut watch = store.watch_writable();
    let closing = store.clone();
    let closing = std::thread::spawn(move || closing.close());
    watch.changed().await.unwrap();
    assert!(matches!(&*watch.borrow_and_update(), Err(WritesOff::Closed)));
    gate.open();
    for commit in queued {
        commit.await.unwrap().unwrap();
    }
    closing.join().unwrap();
    store.close();
    let late = store.write(put("late", ""), vec![]).await;
    assert!(matches!(late, Err(CommitError::WritesOff(WritesOff::Closed))));
    assert_eq!(store.scan(b"k/", None, 99).unwrap().len(), 10, "reads go on");
    drop(store);
    assert_eq!(folder.open().scan(b"k/", None, 99).unwrap().len(), 10);
}
