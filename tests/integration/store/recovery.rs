//! What a start makes of a folder: a lost, damaged or outdated index is built anew.

use std::fs;

use nianbao::store::{Index, Pair, Position, Recorded, Store};

use super::{Folder, INDEX, Puts, Write, content, follow_all, put, small};

/// Fills a folder with entries that overwrite each other, in several segments.
async fn fill(folder: &Folder) -> Vec<Pair> {
    let store = folder.open_with(small());
    for i in 0..40 {
        let puts = put(&format!("k/{:02}", i % 13), &format!("{i}")).put("last", i.to_string());
        store.write(puts, vec![]).await.unwrap();
    }
    content(&store)
}

#[tokio::test]
async fn rebuilds_an_index_that_is_gone() {
    let folder = Folder::new();
    let before = fill(&folder).await;
    fs::remove_dir_all(folder.0.join("index")).unwrap();
    let store = folder.open_with(small());
    let condition = store.condition();
    assert!(condition.rebuilt && condition.damage.is_none() && condition.torn.is_none());
    assert_eq!((condition.replayed, condition.set_aside), (40, None));
    assert!(condition.segments > 5);
    assert_eq!(content(&store), before);
    assert_eq!(store.position(), Position::from_number(40));
    store.write(put("more", ""), vec![]).await.unwrap();
}

#[tokio::test]
async fn takes_an_index_that_is_whole_as_it_is() {
    let folder = Folder::new();
    let before = fill(&folder).await;
    let store = folder.open_with(small());
    let condition = store.condition();
    assert!(!condition.rebuilt);
    assert_eq!((condition.replayed, condition.set_aside), (0, None));
    assert_eq!(content(&store), before);
}

#[tokio::test]
async fn rebuilds_an_index_of_another_version() {
    fn other(recorded: &Recorded) -> Result<Vec<Pair>, String> {
        Ok(vec![(format!("n/{}", recorded.position()).into(), b"".into())])
    }
    let folder = Folder::new();
    let before = fill(&folder).await;
    let store =
        Store::open(&folder.0, Index { version: 2, puts: other, ..INDEX }, small()).unwrap();
    assert!(store.condition().rebuilt);
    assert!(store.condition().set_aside.is_some_and(|aside| aside.is_dir()));
    assert_eq!(content(&store).len(), 40);
    drop(store);
    let store = Store::open(&folder.0, INDEX, small()).unwrap();
    assert_eq!(content(&store), before);
}

#[tokio::test]
async fn follows_across_segments_and_restarts() {
    let folder = Folder::new();
    fill(&folder).await;
    let store = folder.open_with(small());
    store.write(Puts::new(), vec![]).await.unwrap();
    let all = follow_all(&store, usize::MAX);
    assert_eq!(all.len(), 41);
    for (i, recorded) in all.iter().enumerate() {
        assert_eq!(recorded.position().number(), i as u64 + 1);
    }
    assert_eq!(follow_all(&store, 1), all, "one at a time");
    assert_eq!(follow_all(&store, 500), all);
    assert_eq!(all.last().map(Recorded::receipt), Some(store.head()));
    let after = store.follow(Position::from_number(20), usize::MAX).unwrap();
    assert_eq!(after, all[20..]);
    assert_eq!(store.follow(store.position(), 1).unwrap(), []);
    assert_eq!(store.follow(Position::from_number(99), 1).unwrap(), []);
}

#[tokio::test]
async fn goes_on_in_a_segment_that_was_begun_and_left_empty() {
    for keep_index in [true, false] {
        let folder = Folder::new();
        let before = fill(&folder).await;
        let next = Position::from_number(41);
        let begun = folder.journal().join(format!("{next}.journal"));
        fs::write(&begun, "").unwrap();
        if !keep_index {
            fs::remove_dir_all(folder.0.join("index")).unwrap();
        }
        let store = folder.open_with(small());
        assert_eq!(store.condition().damage, None);
        assert_eq!(content(&store), before);
        assert_eq!(store.write(put("more", ""), vec![]).await.unwrap(), next);
        assert!(fs::metadata(&begun).unwrap().len() > 0);
        drop(store);
        assert_eq!(follow_all(&folder.open_with(small()), usize::MAX).len(), 41);
    }
}

#[tokio::test]
async fn times_never_step_back() {
    let folder = Folder::new();
    fill(&folder).await;
    let all = follow_all(&folder.open_with(small()), usize::MAX);
    let times: Vec<_> = all.iter().map(|r| (r.time().seconds, r.time().nanos)).collect();
    assert!(times.is_sorted());
}

#[tokio::test]
async fn refuses_to_start_where_the_index_cannot_read_an_entry() {
    fn none(_: &Recorded) -> Result<Vec<Pair>, String> {
        Err("of a later version".into())
    }
    fn panics(_: &Recorded) -> Result<Vec<Pair>, String> {
        panic!("injected")
    }
    let folder = Folder::new();
    let before = fill(&folder).await;
    for puts in [none as fn(&Recorded) -> _, panics] {
        let Err(error) = Store::open(&folder.0, Index { version: 2, puts, ..INDEX }, small())
        else {
            panic!("the store opens");
        };
        let text = error.to_string();
        assert!(text.contains("the entry at 0000000000000001 cannot be read: "), "{text}");
    }
    assert_eq!(content(&folder.open_with(small())), before);
}

#[tokio::test]
async fn positions_and_writability_can_be_watched() {
    let folder = Folder::new();
    let store = folder.open();
    let mut watch = store.watch_position();
    assert_eq!(*watch.borrow_and_update(), Position::START);
    let written = store.write(put("k", ""), vec![]).await.unwrap();
    watch.changed().await.unwrap();
    assert_eq!(*watch.borrow_and_update(), written);
    let recorded = store.follow(Position::START, 1).unwrap().remove(0);
    assert_eq!(recorded.receipt(), store.head());
    assert_eq!(recorded.header.method, "Test");
    let text = recorded.hash.to_string();
    assert_eq!((text.len(), text.parse()), (64, Ok(recorded.hash)));
    assert!(text.to_uppercase().parse::<nianbao::store::Hash>().is_err());
}
