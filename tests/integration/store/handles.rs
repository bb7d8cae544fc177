//! A process that has no file handles left: what cannot be opened now is not damaged.

use std::fs::File;
use std::process::Command;

use nianbao::store::{Error, Position};

use super::{Folder, Write, put};

/// Set in the child process that may open few files.
const FEW: &str = "NIANBAO_TEST_FEW_HANDLES";

#[cfg(unix)]
#[tokio::test]
async fn a_reader_without_a_handle_is_refused_and_writes_stay_on() {
    if std::env::var_os(FEW).is_some() {
        return with_few_handles().await;
    }
    let module = module_path!().split_once("::").map_or(String::new(), |(_, m)| format!("{m}::"));
    let name = format!("{module}a_reader_without_a_handle_is_refused_and_writes_stay_on");
    let mut child = Command::new("sh");
    child.args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""]);
    child.arg(std::env::current_exe().unwrap());
    let child = child.args([&name, "--exact", "--test-threads=1"]).env(FEW, "1").output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

async fn with_few_handles() {
    let folder = Folder::new();
    let store = folder.open();
    store.write(put("k", "v"), vec![]).await.unwrap();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    let answers = [store.follow(Position::START, 1).map(drop), store.verify(&|_, _| {}).map(drop)];
    drop(files);
    for answer in answers {
        assert!(matches!(answer, Err(Error::Io(_))), "{answer:?}");
    }
    assert!(store.writable().is_ok(), "{:?}", store.writable());
    assert_eq!(store.condition().damage, None);
    assert_eq!(store.follow(Position::START, 1).unwrap().len(), 1);
    store.write(put("k", "w"), vec![]).await.unwrap();
}
