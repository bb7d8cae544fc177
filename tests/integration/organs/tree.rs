//! The tree of organs against a model: random moves, closings and mergers, one after another and
//! many at once, never make a cycle in any year, and change no year but those that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nianbao::archive::{Archive, Caller, INDEX, Merger, Move, parent_in};
use nianbao::failure::Failure;
use nianbao::names::OrganId;
use nianbao::pb::{Affiliation, Organ};
use nianbao::store::{Options, Store};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};

/// The years that are looked at; an affiliation for good holds beyond the last.
const YEARS: std::ops::RangeInclusive<i32> = 2010..=2026;
const ORGANS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// One change: plain data, so that a failing sequence shrinks.
#[derive(Clone, Debug)]
enum Op {
    Move { organ: usize, parent: Option<usize>, from: i32, length: Option<i32> },
    Close { organ: usize, last: i32 },
    Merge { source: usize, successor: usize, from: i32, children: bool },
}

fn op(years: std::ops::RangeInclusive<i32>) -> impl Strategy<Value = Op> {
    let (organ, year) = (|| 0..ORGANS.len(), move || years.clone());
    prop_oneof![
        12 => (organ(), prop::option::weighted(0.9, organ()), year(), prop::option::of(0..6))
            .prop_map(|(organ, parent, from, length)| Op::Move { organ, parent, from, length }),
        1 => (organ(), year()).prop_map(|(organ, last)| Op::Close { organ, last }),
        2 => (organ(), organ(), year(), any::<bool>()).prop_map(
            |(source, successor, from, children)| Op::Merge { source, successor, from, children }
        ),
    ]
}

fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let told = std::env::var_os("PROPTEST_CASES").is_some();
    let seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(2007),
        told => told,
    };
    ProptestConfig {
        cases: if told { default.cases } else { cases },
        rng_seed: seed,
        failure_persistence: None,
        ..default
    }
}

fn id(organ: usize) -> OrganId {
    OrganId::parse(ORGANS[organ]).expect("an id")
}

fn open(data: &Path) -> Archive {
    Archive::new(Store::open(data, INDEX, Options::default()).expect("opens"))
}

/// All organs; each but the first begins below the one before.
async fn chain(archive: &Archive) {
    for (organ, name) in ORGANS.into_iter().enumerate() {
        let above = organ.checked_sub(1).map(|above| Affiliation {
            parent: id(above).to_string(),
            from_year: 2010,
            until_year: None,
        });
        let new = Organ {
            display_name: name.to_owned(),
            affiliations: above.into_iter().collect(),
            ..Organ::default()
        };
        archive.create_organ(&Caller::default(), &id(organ), new).await.expect("registered");
    }
}

async fn run(archive: &Archive, op: &Op) -> Result<(), Failure> {
    let caller = Caller::default();
    match *op {
        Op::Move { organ, parent, from, length } => {
            let until_year = length.map(|length| from + length);
            let to = Move { parent: parent.map(id), from_year: from, until_year };
            archive.move_organ(&caller, &id(organ), "", &to).await.map(|_| ())
        }
        Op::Close { organ, last } => {
            archive.close_organ(&caller, &id(organ), "", last).await.map(|_| ())
        }
        Op::Merge { source, successor, from, children } => {
            let merger = Merger {
                sources: vec![id(source)],
                successor: id(successor),
                from_year: from,
                move_children: children,
            };
            archive.merge_organs(&caller, &merger).await.map(|_| ())
        }
    }
}

fn organs(archive: &Archive) -> Vec<Organ> {
    archive.organs(None, 100, |_| true).expect("a page").items
}

/// Who reports to whom, year by year, and the last year of each.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    parents: BTreeMap<(i32, String), String>,
    last: BTreeMap<String, i32>,
}

impl Model {
    fn read(archive: &Archive) -> Self {
        let mut model = Model::default();
        for organ in organs(archive) {
            for year in YEARS {
                if let Some(parent) = parent_in(&organ, year) {
                    model.parents.insert((year, organ.name.clone()), parent.to_owned());
                }
            }
            model.last.extend(organ.active_until_year.map(|last| (organ.name, last)));
        }
        model
    }

    /// The first year in which somebody stands below itself.
    fn cycle(&self) -> Option<i32> {
        self.parents.keys().find_map(|(year, organ)| {
            let mut at = organ;
            for _ in 0..ORGANS.len() {
                at = self.parents.get(&(*year, at.clone()))?;
            }
            Some(*year)
        })
    }

    /// What the operation leads to where it is not refused.
    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Move { organ, parent, from, length } => {
                let until = length.map_or(*YEARS.end(), |length| from + length);
                for year in from..=until.min(*YEARS.end()) {
                    let key = (year, id(organ).to_string());
                    match parent {
                        Some(parent) => self.parents.insert(key, id(parent).to_string()),
                        None => self.parents.remove(&key),
                    };
                }
            }
            Op::Close { organ, last } => {
                self.last.insert(id(organ).to_string(), last);
            }
            Op::Merge { source, successor, from, .. } => {
                let source = id(source).to_string();
                self.last.insert(source.clone(), from - 1);
                // One that is never active while it reports to the source stays where it is.
                let still: BTreeSet<String> = self
                    .parents
                    .iter()
                    .filter(|((year, _), parent)| *year >= from && **parent == source)
                    .filter(|((year, child), _)| self.last.get(child).is_none_or(|l| year <= l))
                    .map(|((_, child), _)| child.clone())
                    .collect();
                for ((year, child), parent) in &mut self.parents {
                    if *year >= from && *parent == source && still.contains(child) {
                        *parent = id(successor).to_string();
                    }
                }
            }
        }
    }
}

async fn agree(archive: &Archive, ops: &[Op]) -> TestCaseResult {
    let mut model = Model::read(archive);
    for op in ops {
        let before = organs(archive);
        let mut expected = model.clone();
        expected.apply(op);
        match run(archive, op).await {
            Ok(()) => model = expected,
            Err(Failure::OrganTreeCycle { .. }) => {
                let cycle = expected.cycle();
                prop_assert!(cycle.is_some(), "{:?}: no cycle", op);
                prop_assert_eq!(organs(archive), before);
            }
            Err(
                Failure::InvalidRequest(_)
                | Failure::OrganHistory { .. }
                | Failure::OrganClosed { .. }
                | Failure::OrganInactive { .. }
                | Failure::OrganHasChildren { .. },
            ) => prop_assert_eq!(organs(archive), before),
            Err(other) => prop_assert!(false, "{:?}: {:?}", op, other),
        }
        prop_assert_eq!(model.cycle(), None, "{:?}", op);
        prop_assert_eq!(&Model::read(archive), &model, "{:?}", op);
    }
    Ok(())
}

#[test]
fn each_change_is_of_the_years_that_it_names_and_none_makes_a_cycle() {
    let ops = prop::collection::vec(op(2011..=2020), 8..40);
    let outcome = TestRunner::new(config(48)).run(&ops, |ops| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let data = tempfile::tempdir().expect("a folder");
            let archive = open(data.path());
            chain(&archive).await;
            agree(&archive, &ops).await?;
            let before = organs(&archive);
            drop(archive);
            std::fs::remove_dir_all(data.path().join("index")).expect("there is one");
            prop_assert_eq!(organs(&open(data.path())), before, "a new index");
            Ok(())
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn changes_at_once_make_no_cycle_and_leave_the_past_alone() {
    /// Nothing is changed before this year.
    const FROM: i32 = 2015;
    let tasks = prop::collection::vec(prop::collection::vec(op(FROM..=2018), 4..12), 6);
    let outcome = TestRunner::new(config(24)).run(&tasks, |tasks| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let data = tempfile::tempdir().expect("a folder");
            let archive = open(data.path());
            chain(&archive).await;
            let past = |mut model: Model| {
                model.parents.retain(|(year, _), _| *year < FROM);
                model.parents
            };
            let before = past(Model::read(&archive));
            let running = tasks.into_iter().map(|ops| {
                let archive = archive.clone();
                tokio::spawn(async move {
                    let mut done = 0;
                    for op in ops {
                        match run(&archive, &op).await {
                            Ok(()) => done += 1,
                            Err(Failure::Store(cause)) => panic!("{cause}"),
                            Err(_) => {}
                        }
                    }
                    done
                })
            });
            let mut done = 0;
            for task in running.collect::<Vec<_>>() {
                done += task.await.expect("no panic");
            }
            let model = Model::read(&archive);
            prop_assert!(done > 0);
            prop_assert_eq!(model.cycle(), None);
            prop_assert_eq!(past(model), before);
            Ok(())
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
