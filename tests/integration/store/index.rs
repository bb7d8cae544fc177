//! An index that was cut, flipped or lost in part: the store opens with the content it had.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use nianbao::store::{Error, IndexState, Options, Pair, Store, Work, verify};

use super::{Folder, INDEX, Puts, Write, content, put};

/// Numbers that look like any, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % below
    }
}

/// A folder with small values and overwritten ones, and where wanted one that outgrows a page.
async fn filled(with_large: bool) -> (Folder, Vec<Pair>) {
    let folder = Folder::new();
    let store = folder.open();
    for i in 0..120 {
        let puts = put(&format!("k/{:02}", i % 50), &format!("{i} ").repeat(i * 3));
        store.write(puts.put("last", i.to_string()), vec![]).await.unwrap();
    }
    if with_large {
        store.write(Puts::new().put("large", vec![7; 3 << 20]), vec![]).await.unwrap();
    }
    let before = content(&store);
    drop(store);
    // A second open leaves a snapshot that speaks of the files.
    drop(folder.open());
    (folder, before)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.is_dir() { folders.push(file) } else { files.push(file) }
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

/// Damages each file of an index in a copy of the folder, and says how it is read afterwards.
async fn each_damaged(
    is_clean: bool,
    with_large: bool,
    tries: usize,
    damage: impl Fn(&Path, &mut Dice),
    check: impl Fn(&Folder, &[Pair], &str),
) {
    let (sound, before) = filled(with_large).await;
    let mut dice = Dice(7);
    for file in files(&sound.0.join("index")) {
        for attempt in 0..tries {
            let folder = Folder::new();
            copy(&sound.0, &folder.0);
            if !is_clean {
                let _ = fs::remove_file(folder.0.join("index/clean"));
            }
            let name = file.strip_prefix(&sound.0).unwrap();
            let target = folder.0.join(name);
            if target.exists() {
                damage(&target, &mut dice);
            }
            check(&folder, &before, &format!("{}, {attempt}", name.display()));
        }
    }
}

fn opens_whole(folder: &Folder, before: &[Pair], case: &str) {
    let store = folder.open();
    assert!(content(&store) == before, "{case}: other content");
    assert_eq!(store.condition().damage, None, "{case}");
    assert!(store.writable().is_ok(), "{case}");
}

/// Flips some bytes of those that are not zero, which most of a file is.
fn flip(file: &Path, dice: &mut Dice) {
    let mut bytes = fs::read(file).unwrap();
    let mut flips = 1 + dice.roll(3);
    for _ in 0..10_000 {
        let at = dice.roll(bytes.len().max(1));
        if flips > 0 && bytes.get(at).is_some_and(|byte| *byte != 0) {
            bytes[at] ^= 1 << dice.roll(8);
            flips -= 1;
        }
    }
    fs::write(file, bytes).unwrap();
}

fn truncate(file: &Path, dice: &mut Dice) {
    let length = fs::metadata(file).unwrap().len() as usize;
    let file = fs::File::options().write(true).open(file).unwrap();
    file.set_len(dice.roll(length.max(1)) as u64).unwrap();
}

#[tokio::test]
async fn reads_the_same_after_a_kill_and_flipped_bytes() {
    each_damaged(false, false, 15, flip, opens_whole).await;
}

#[tokio::test]
async fn reads_the_same_after_files_were_cut_short() {
    each_damaged(false, true, 4, truncate, opens_whole).await;
}

#[tokio::test]
async fn reads_the_same_after_files_were_lost() {
    each_damaged(false, true, 1, |file, _| fs::remove_file(file).unwrap(), opens_whole).await;
}

#[tokio::test]
async fn a_read_that_meets_damage_says_so_and_the_next_start_mends_it() {
    each_damaged(true, false, 8, flip, |folder, before, case| {
        let store = folder.open();
        match store.scan(b"", None, usize::MAX) {
            Ok(found) => assert!(found == before, "{case}: other content"),
            Err(Error::Damaged(_)) => {}
            Err(other) => panic!("{case}: {other}"),
        }
        drop(store);
        opens_whole(folder, before, case);
    })
    .await;
}

#[tokio::test]
async fn checks_the_index_after_a_kill_and_not_after_a_close() {
    let (folder, before) = filled(false).await;
    let open = || {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = told.clone();
        let progress = Arc::new(move |progress: nianbao::store::Progress| {
            assert!(progress.done <= progress.total, "{progress:?}");
            log.lock().unwrap().push(progress.work);
        });
        let options = Options { progress: Some(progress), ..Options::default() };
        let store = Store::open(&folder.0, INDEX, options).unwrap();
        assert!(content(&store) == before);
        drop(store);
        told.lock().unwrap().clone()
    };
    assert!(!open().contains(&Work::Check), "closed in order");
    fs::remove_file(folder.0.join("index/clean")).unwrap();
    assert!(open().contains(&Work::Check), "as after a kill");
    assert!(!open().contains(&Work::Check), "closed in order again");
    fs::remove_dir_all(folder.0.join("index")).unwrap();
    assert!(open().contains(&Work::Rebuild));
}

#[tokio::test]
async fn keeps_one_index_aside() {
    let (folder, before) = filled(false).await;
    for _ in 0..2 {
        fs::write(folder.0.join("index/damaged"), "").unwrap();
        let store = folder.open();
        let aside = store.condition().set_aside.unwrap();
        assert_eq!(aside, folder.0.join("index-aside"));
        assert!(aside.join("db").exists());
        assert!(content(&store) == before);
    }
    assert!(folder.open().condition().set_aside.is_none());
}

#[test]
fn refuses_the_folder_of_an_earlier_build() {
    let folder = Folder::new();
    fs::write(folder.0.join("db"), "").unwrap();
    let error = folder.open_error();
    assert!(error.to_string().contains("earlier build"), "{error}");
}

#[tokio::test]
async fn notices_after_a_kill_that_a_value_is_another() {
    let (folder, before) = filled(false).await;
    let edits: [fn(&sled::Db); 3] = [
        |db| drop(db.insert("k/07", "another").unwrap()),
        |db| drop(db.insert("k/077", "one too many").unwrap()),
        |db| drop(db.remove("k/07").unwrap()),
    ];
    for edit in edits {
        let db = sled::Config::new().path(folder.0.join("index")).segment_size(8 << 20);
        let db = db.open().unwrap();
        edit(&db);
        db.flush().unwrap();
        drop(db);
        let verified = verify(&folder.0, INDEX, &|_, _| {}).unwrap();
        assert!(matches!(verified.index, IndexState::Differs { keys: 1, .. }), "{verified:?}");
        fs::remove_file(folder.0.join("index/clean")).unwrap();
        let store = folder.open();
        assert!(store.condition().set_aside.is_some());
        assert!(content(&store) == before);
    }
}

#[tokio::test]
async fn rebuilds_an_index_that_does_not_say_which_segments_were_full() {
    let (folder, before) = filled(false).await;
    let db = sled::Config::new().path(folder.0.join("index")).segment_size(8 << 20);
    let db = db.open().unwrap();
    db.insert(b"\0sealed/short", "").unwrap();
    db.flush().unwrap();
    drop(db);
    assert!(folder.0.join("index/clean").exists());
    opens_whole(&folder, &before, "the list of full segments");
}
