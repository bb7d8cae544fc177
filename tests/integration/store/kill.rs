//! A process that is killed while it writes.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nianbao::store::{IndexState, Options, Store};
use tokio::task::JoinSet;

use super::{Folder, INDEX, Puts, Write as _, absent, put};

/// Set in the child process that is to be killed: the folder that it writes to.
const KILL_DIR: &str = "NIANBAO_TEST_KILL_DIR";

/// Runs this same test in a process of its own, where it writes until it is killed. Each line
/// that comes back names an acknowledged entry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_acknowledged_and_halves_nothing() {
    if let Some(dir) = std::env::var_os(KILL_DIR) {
        return write_until_killed(Path::new(&dir)).await;
    }
    let folder = Folder::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..4 {
        let mut child = start_child(&folder.0);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let mut count = 0;
        while lines.read_line(&mut line).unwrap() > 0 {
            // What the kill cut off is no line; the harness prints lines of its own.
            if let Some(id) = line.strip_suffix('\n').and_then(|l| l.strip_prefix("ack ")) {
                acknowledged.insert(id.to_owned());
                count += 1;
            }
            if count == 300 + 70 * round {
                child.kill().unwrap();
            }
            line.clear();
        }
        child.wait().unwrap();
        assert!(count >= 300, "round {round}: the child ended by itself after {count}");
        let store = folder.open();
        assert_eq!(store.condition().damage, None);
        assert_whole(&store, &acknowledged);
        let verified = store.verify(&|_, _| {}).unwrap();
        assert_eq!((verified.damage, verified.index), (None, IndexState::Agrees));
    }
}

fn start_child(dir: &Path) -> Child {
    let module = module_path!().split_once("::").map_or(String::new(), |(_, m)| format!("{m}::"));
    let name = format!("{module}a_kill_loses_nothing_acknowledged_and_halves_nothing");
    Command::new(std::env::current_exe().unwrap())
        .args([&name, "--exact", "--nocapture", "--test-threads=1"])
        .env(KILL_DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn write_until_killed(dir: &Path) {
    let store = Store::open(dir, INDEX, Options::default()).unwrap();
    let start = store.position();
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            // Far more than the parent waits for; the bound is for a parent that has died.
            for i in 0..20_000 {
                let id = format!("{start}-{writer}-{i}");
                let preconditions = absent(&format!("a/{id}"));
                store.write(entry_of(&id), preconditions).await.unwrap();
                io::stdout().write_all(format!("ack {id}\n").as_bytes()).unwrap();
            }
        });
    }
    writers.join_all().await;
}

/// Three puts that tell each other's content, of very different lengths; a few outgrow a page.
fn entry_of(id: &str) -> Puts {
    let sum = id.bytes().fold(7, |sum, byte| (sum * 31 + usize::from(byte)) % 1_000_003);
    let length = if sum % 97 == 0 { 3 << 20 } else { sum % 20_000 };
    let entry = put(&format!("a/{id}"), id).put(format!("b/{id}"), id.repeat(length / id.len()));
    entry.put(format!("last/{}", id.len()), id)
}

fn assert_whole(store: &Store, acknowledged: &BTreeSet<String>) {
    let firsts = store.scan(b"a/", None, usize::MAX).unwrap();
    let seconds = store.scan(b"b/", None, usize::MAX).unwrap();
    assert_eq!(firsts.len(), seconds.len(), "half an entry");
    let mut present = BTreeSet::new();
    for ((key, value), (second_key, second)) in firsts.into_iter().zip(seconds) {
        let id = String::from_utf8(value).unwrap();
        let expected = put(&format!("a/{id}"), &id);
        assert_eq!(expected, Puts::new().put(key, id.as_bytes()));
        let entry = entry_of(&id);
        let got = put(&format!("a/{id}"), &id).put(second_key, second);
        assert_eq!(entry, got.put(format!("last/{}", id.len()), id.as_bytes()), "{id}");
        present.insert(id);
    }
    let lost: Vec<_> = acknowledged.difference(&present).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}
