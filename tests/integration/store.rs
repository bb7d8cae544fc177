//! The store from outside: what it acknowledges and what it refuses.
//!
//! Groups, faults and kills have files of their own.

mod damage;
mod faults;
mod group;
mod handles;
mod index;
mod kill;
mod overlay;
mod recovery;
mod restoring;
mod verifying;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use nianbao::store::{
    CommitError, ENTRY_BYTES_MAX, Entry, Error, Index, Options, Pair, Position, Precondition,
    Recorded, Store,
};
use tokio::task::JoinSet;

/// The index of the tests: an entry's payload is its puts.
const INDEX: Index = Index { version: 1, puts: read_puts, once: |_| false };

/// Puts, as the payload of an entry: each length before its bytes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Puts(Vec<Pair>);

impl Puts {
    fn new() -> Self {
        Self::default()
    }

    fn put(mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.0.push((key.into(), value.into()));
        self
    }
}

impl From<Puts> for Entry {
    fn from(puts: Puts) -> Self {
        let mut payload = Vec::new();
        for part in puts.0.iter().flat_map(|(key, value)| [key, value]) {
            payload.extend((part.len() as u32).to_le_bytes());
            payload.extend(part);
        }
        Self { payload, method: "Test".into(), ..Self::default() }
    }
}

fn read_puts(recorded: &Recorded) -> Result<Vec<Pair>, String> {
    let mut rest = recorded.payload();
    let mut part = || {
        let (length, bytes) = rest.split_first_chunk::<4>()?;
        let (part, after) = bytes.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = after;
        Some(part.to_vec())
    };
    let mut pairs = Vec::new();
    while let Some(key) = part() {
        pairs.push((key, part().ok_or("a key without a value")?));
    }
    if rest.is_empty() { Ok(pairs) } else { Err("not puts".into()) }
}

/// Commits puts, and answers where.
trait Write {
    async fn write(
        &self,
        puts: Puts,
        preconditions: Vec<Precondition>,
    ) -> Result<Position, CommitError>;
}

impl Write for Store {
    async fn write(
        &self,
        puts: Puts,
        preconditions: Vec<Precondition>,
    ) -> Result<Position, CommitError> {
        Ok(self.commit(puts.into(), preconditions).await?.position())
    }
}

/// A folder that goes when the test does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("nianbao-store-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    fn open(&self) -> Store {
        self.open_with(Options::default())
    }

    fn open_with(&self, options: Options) -> Store {
        let options = Options { cache_bytes: 16 << 20, ..options };
        Store::open(&self.0, INDEX, options).unwrap()
    }

    fn open_error(&self) -> Error {
        match Store::open(&self.0, INDEX, Options::default()) {
            Ok(_) => panic!("the store opens"),
            Err(e) => e,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Small segments, so that a few entries fill several.
fn small() -> Options {
    Options { segment_bytes: 300, ..Options::default() }
}

/// All that the index holds.
fn content(store: &Store) -> Vec<Pair> {
    store.scan(b"", None, usize::MAX).unwrap()
}

/// All that the journal holds, read by so many bytes at a time.
fn follow_all(store: &Store, bytes_max: usize) -> Vec<Recorded> {
    let mut entries: Vec<Recorded> = Vec::new();
    loop {
        let after = entries.last().map_or(Position::START, Recorded::position);
        let next = store.follow(after, bytes_max).unwrap();
        if next.is_empty() {
            return entries;
        }
        entries.extend(next);
    }
}

fn put(key: &str, value: &str) -> Puts {
    Puts::new().put(key, value)
}

fn absent(key: &str) -> Vec<Precondition> {
    vec![Precondition::Absent(key.into())]
}

fn read(store: &Store, key: &str) -> Option<String> {
    store.get(key.as_bytes()).unwrap().map(|v| String::from_utf8(v.to_vec()).unwrap())
}

fn keys(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<String> {
    pairs.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect()
}

#[tokio::test]
async fn keeps_what_it_acknowledged_over_a_restart() {
    let folder = Folder::new();
    let store = folder.open();
    assert_eq!(store.position(), Position::START);
    let mut last = Position::START;
    for i in 0..100 {
        let entry = put(&format!("a/{i:03}"), &i.to_string()).put("last", i.to_string());
        let position = store.write(entry, vec![]).await.unwrap();
        assert!(position > last, "{position} follows {last}");
        assert_eq!(store.position(), position);
        last = position;
    }
    drop(store);

    let store = folder.open();
    assert_eq!(store.position(), last);
    assert_eq!(store.scan(b"a/", None, 1000).unwrap().len(), 100);
    assert_eq!(read(&store, "last").unwrap(), "99");
    assert!(store.write(put("next", ""), vec![]).await.unwrap() > last);
}

#[tokio::test]
async fn keeps_values_that_outgrow_a_page() {
    let folder = Folder::new();
    let store = folder.open();
    let value = |i: u8| vec![i; (3 << 20) + usize::from(i)];
    for i in 0..4 {
        store.write(Puts::new().put([b'v', i], value(i)), vec![]).await.unwrap();
    }
    drop(store);
    let store = folder.open();
    for i in 0..4 {
        assert_eq!(*store.get(&[b'v', i]).unwrap().unwrap(), *value(i));
    }
}

#[tokio::test]
async fn checks_each_precondition_and_names_the_one_that_fails() {
    let folder = Folder::new();
    let store = folder.open();
    let before = store.write(put("k", "v1").put("empty", ""), vec![]).await.unwrap();
    let present = |k: &str| Precondition::Present(k.into());
    let is_absent = |k: &str| Precondition::Absent(k.into());
    let unchanged = |k: &str, v: &str| Precondition::Unchanged {
        key: k.into(),
        value: v.as_bytes().to_vec().into(),
    };
    let cases = [
        (vec![is_absent("k")], Some(0)),
        (vec![is_absent("empty")], Some(0)),
        (vec![present("none")], Some(0)),
        (vec![present("k"), unchanged("k", "v2")], Some(1)),
        (vec![present("k"), present("empty"), unchanged("none", "")], Some(2)),
        (vec![present("k"), is_absent("none"), unchanged("k", "v1"), unchanged("empty", "")], None),
        (vec![unchanged("k", "v1")], None),
    ];
    let mut position = before;
    for (preconditions, failing) in cases {
        let answer = store.write(put("seen", "x"), preconditions.clone()).await;
        match (answer, failing) {
            (Ok(next), None) => {
                assert!(next > position);
                position = next;
            }
            (Err(CommitError::Precondition { index }), Some(expected)) => {
                assert_eq!(index, expected, "{preconditions:?}");
                assert_eq!(store.position(), position, "a refusal takes no position");
            }
            (answer, _) => panic!("{preconditions:?}: {answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_rivals_on_many_threads_exactly_one_wins_each_round() {
    let folder = Folder::new();
    let store = folder.open();
    for round in 0..20 {
        let mut rivals = JoinSet::new();
        for _ in 0..64 {
            let (store, key) = (store.clone(), format!("k/{round}"));
            rivals.spawn(async move { store.write(put(&key, ""), absent(&key)).await.is_ok() });
        }
        let won = rivals.join_all().await.into_iter().filter(|&won| won).count();
        assert_eq!(won, 1, "round {round}");
    }
}

#[tokio::test]
async fn scans_in_order_by_pages_within_the_prefix() {
    let folder = Folder::new();
    let store = folder.open();
    let all = ["a", "a/", "a/1", "a/10", "a/2", "a0", "b"];
    let entry = all.iter().rev().fold(Puts::new(), |entry, key| entry.put(*key, *key));
    store.write(entry.put([0xff], "").put([0xff, 0xff, 1], ""), vec![]).await.unwrap();
    let scan = |prefix: &[u8], after: Option<&str>, limit| {
        keys(&store.scan(prefix, after.map(str::as_bytes), limit).unwrap())
    };
    assert_eq!(scan(b"a/", None, 9), ["a/", "a/1", "a/10", "a/2"]);
    assert_eq!(scan(b"a/", None, 2), ["a/", "a/1"]);
    assert_eq!(scan(b"a/", Some("a/1"), 2), ["a/10", "a/2"]);
    assert_eq!(scan(b"a/", Some("a/15"), 9), ["a/2"]);
    assert_eq!(scan(b"a/", Some("a/2"), 9), Vec::<String>::new());
    assert_eq!(scan(b"a/", Some("a"), 1), ["a/"], "before the prefix is no restriction");
    assert_eq!(scan(b"a/", Some("z"), 9), Vec::<String>::new());
    assert_eq!(scan(b"a/", None, 0), Vec::<String>::new());
    assert_eq!(scan(b"c", None, 9), Vec::<String>::new());
    assert_eq!(scan(b"", None, 99)[..7], all);
    assert_eq!(scan(b"", None, 99).len(), 9, "the store's own keys do not show");
    assert_eq!(store.scan(&[0xff], None, 9).unwrap().len(), 2);
    assert_eq!(store.scan(&[0], None, 9).unwrap(), []);
    assert_eq!(store.get(b"\0position").unwrap(), None);
}

#[tokio::test]
async fn refuses_reserved_keys_and_entries_without_bound() {
    let folder = Folder::new();
    let store = folder.open();
    for key in [&b""[..], b"\0", b"\0position"] {
        let answer = store.write(put("a", "").put(key, ""), vec![]).await;
        assert!(matches!(answer, Err(CommitError::ReservedKey { index: 1 })), "{key:?}");
    }
    let entry = |bytes: usize| Entry { payload: vec![0; bytes], ..Entry::default() };
    let answer = store.commit(entry(ENTRY_BYTES_MAX + 1), vec![]).await;
    assert!(matches!(answer, Err(CommitError::TooLarge { bytes }) if bytes == ENTRY_BYTES_MAX + 1));
    let entry = Entry::from(Puts::new().put("a", vec![0; ENTRY_BYTES_MAX - 13]));
    store.commit(entry, vec![]).await.unwrap();
    let before = store.position();
    assert!(store.write(Puts::new(), vec![]).await.unwrap() > before);
}

#[test]
fn positions_read_back_what_they_print() {
    assert_eq!(Position::START.to_string(), "0000000000000000");
    assert_eq!("0000000000000000".parse(), Ok(Position::START));
    let (low, high) = ("000000000000000f", "0000000000000010");
    assert!(low.parse::<Position>().unwrap() < high.parse().unwrap());
    assert_eq!(high.parse::<Position>().unwrap().to_string(), high);
    for wrong in ["", "0", "000000000000000F", "+00000000000000f", "00000000000000010"] {
        assert!(wrong.parse::<Position>().is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn refuses_to_share_a_folder() {
    let folder = Folder::new();
    let store = folder.open();
    let error = folder.open_error();
    assert!(matches!(&error, Error::Locked { dir, .. } if *dir == folder.0));
    assert!(error.to_string().starts_with("another process holds the store in "), "{error}");
    store.write(put("k", "v"), vec![]).await.unwrap();
    drop(store);
    assert_eq!(read(&folder.open(), "k").as_deref(), Some("v"));
}
