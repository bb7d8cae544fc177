//! Sums against a plain recount: over random trees with dated affiliations and random lives of
//! reports, on both bases and trees, filtered and grouped, step by step and at once, before and
//! after a restart, and as they stood.
//!
//! `PROPTEST_CASES=1000 cargo test --test integration rollup` looks longer.

mod plain;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nianbao::archive::{Archive, Caller, INDEX, Moment, Step, Submission, What};
use nianbao::names::{OrganId, ReportId};
use nianbao::pb::get_coverage_request::Only;
use nianbao::pb::organ_coverage::Taken;
use nianbao::pb::report::State;
use nianbao::pb::{
    self, Affiliation, Aggregate, Basis, GroupBy, Organ, OrganCoverage, OrganTree, Report,
    ReturnReason, Scope, organ,
};
use nianbao::rollup::{Filter, Question, Rollup, contributions, coverage, sums};
use nianbao::store::{Options, Store};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};

use crate::support::{housing, office, set};

const SEED: u64 = 2019;
const CASES: u32 = 24;
/// The years of reports: each has its form.
const YEARS: [i32; 2] = [2019, 2023];
const ORGANS: usize = 9;
/// What the sequences lead to: a test that no longer gets there proves nothing.
const REACHED: &[&str] = &[
    "several included",
    "missing",
    "a region is taken",
    "covered by a region",
    "a region without parts",
    "unaccepted",
    "inactive",
    "several groups",
    "both editions",
    "a later revision",
    "returned",
];

/// How often each was reached.
type Seen = RefCell<BTreeMap<&'static str, u32>>;

/// One step of a sequence.
#[derive(Clone, Debug)]
enum Op {
    /// The next organ is registered.
    Register {
        parents: [usize; 2],
        facts: usize,
        active: u8,
    },
    /// A report takes a step that its state allows.
    Write {
        organ: prop::sample::Index,
        year: usize,
        region: bool,
        step: usize,
        figure: i64,
    },
    /// A question is asked, and its answer held against a recount.
    Ask(Asked),
    Restart {
        lose_index: bool,
    },
}

/// A question, in numbers.
#[derive(Clone, Debug)]
struct Asked {
    organ: prop::sample::Index,
    year: usize,
    declared: bool,
    of_today: bool,
    unaccepted: bool,
    filter: usize,
    group: usize,
    only: i32,
    cell: usize,
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<prop::sample::Index>;
    let register = ([0..64_usize, 0..64], 0..6_usize, 0..8_u8)
        .prop_map(|(parents, facts, active)| Op::Register { parents, facts, active });
    let write = (index(), 0..2_usize, prop::bool::weighted(0.4), 0..12_usize, 0..99_i64).prop_map(
        |(organ, year, region, step, figure)| Op::Write { organ, year, region, step, figure },
    );
    let restart = any::<bool>().prop_map(|lose_index| Op::Restart { lose_index });
    prop_oneof![4 => register, 24 => write, 6 => asked().prop_map(Op::Ask), 1 => restart]
}

fn asked() -> impl Strategy<Value = Asked> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    // Half of the questions are about a whole, which is kept, and half of those have no group.
    let some = || prop_oneof![1 => Just(0), 1 => 0..5_usize];
    let chosen = (some(), some(), 0..10, 0..4_usize);
    (any::<prop::sample::Index>(), 0..2_usize, flags, chosen).prop_map(
        |(organ, year, (declared, of_today, unaccepted), (filter, group, only, cell))| Asked {
            organ,
            year,
            declared,
            of_today,
            unaccepted,
            filter,
            group,
            only,
            cell,
        },
    )
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let told = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if told { default.cases } else { CASES },
        rng_seed: match default.rng_seed {
            RngSeed::Random => RngSeed::Fixed(SEED),
            told => told,
        },
        failure_persistence: None,
        ..default
    }
}

#[test]
fn every_answer_is_a_plain_recount() {
    let story = (prop::collection::vec(op(), 30..90), prop::collection::vec(asked(), 12));
    let (seen, config) = (Seen::default(), config());
    let is_ours = matches!(config.rng_seed, RngSeed::Fixed(SEED)) && config.cases >= CASES;
    let outcome = TestRunner::new(config).run(&story, |(ops, last)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(run(ops, &last, &seen))
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let seen = seen.into_inner();
    println!("{seen:#?}");
    let missing: Vec<&str> = REACHED.iter().copied().filter(|s| !seen.contains_key(*s)).collect();
    assert!(missing.is_empty() || !is_ours, "never reached: {missing:?}");
}

/// Questions while others write: each answer is the state of the position that it names, whether
/// the roll-up has just read the year or has followed it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_amid_writes_is_that_of_its_position() {
    let data = tempfile::tempdir().expect("a folder");
    let (archive, follower) = open(data.path());
    let mut stage = Stage { archive, follower, ids: Vec::new() };
    for number in 0..ORGANS {
        stage.register([number / 2, number / 3], number % 6, 0).await;
    }
    let (mut writers, done) = (tokio::task::JoinSet::new(), Arc::new(AtomicBool::new(false)));
    for id in stage.ids.clone() {
        let (stage, done) = (stage.clone(), done.clone());
        writers.spawn(async move {
            for step in 0.. {
                let figure = i64::try_from(step).unwrap() + 1;
                stage.write(&id, YEARS[1], step % 3 == 0, step % 12, figure).await;
                if done.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
    }
    let question = Question {
        organ: stage.ids[0].clone(),
        basis: Basis::Declared,
        tree: OrganTree::OfYear,
        tree_year: 0,
        filter: Filter::default(),
        include_unaccepted: true,
        moment: Moment::Now,
    };
    let asking = {
        let (stage, question) = (stage.clone(), question.clone());
        tokio::task::spawn_blocking(move || {
            let fresh = || Rollup::new(stage.archive.clone());
            let ask = |rollup: &Rollup| {
                sums(rollup, &question, &YEARS, GroupBy::Child, true).expect("a sum")
            };
            (0..20).flat_map(|_| [ask(&fresh()), ask(&stage.follower)]).collect::<Vec<_>>()
        })
    };
    let told = asking.await.expect("no panic");
    done.store(true, Ordering::Relaxed);
    writers.join_all().await;
    let positions: BTreeSet<&String> = told.iter().map(|sums| &sums[0].position).collect();
    assert!(positions.len() > 1, "nothing was written in between");
    for sums in &told {
        let moment = Moment::Position(sums[0].position.parse().expect("a position"));
        let question = Question { moment, ..question.clone() };
        let again = self::sums(&stage.follower, &question, &YEARS, GroupBy::Child, true);
        assert_eq!(&again.expect("a sum"), sums);
    }
}

/// An archive with a roll-up that follows it from the beginning.
#[derive(Clone)]
struct Stage {
    archive: Archive,
    follower: Rollup,
    ids: Vec<OrganId>,
}

fn open(data: &Path) -> (Archive, Rollup) {
    let archive = Archive::new(Store::open(data, INDEX, Options::default()).expect("opens"));
    (archive.clone(), Rollup::new(archive))
}

async fn run(ops: Vec<Op>, last: &[Asked], seen: &Seen) -> TestCaseResult {
    let data = tempfile::tempdir().expect("a folder");
    let (archive, follower) = open(data.path());
    let mut stage = Stage { archive, follower, ids: Vec::new() };
    for _ in 0..4 {
        stage.register([0, 0], stage.ids.len(), 0).await;
    }
    let mut told = Vec::new();
    for op in ops {
        match op {
            Op::Register { parents, facts, active } => {
                stage.register(parents, facts, active).await;
            }
            Op::Write { organ, year, region, step, figure } => {
                let id = organ.get(&stage.ids).clone();
                stage.write(&id, YEARS[year], region, step, figure).await;
            }
            Op::Ask(asked) => {
                let answer = stage.check(&stage.follower, &asked)?;
                told.push((
                    stage.question(&asked),
                    asked,
                    stage.archive.store().position(),
                    answer,
                ));
            }
            Op::Restart { lose_index } => {
                let Stage { archive, follower, ids } = stage;
                drop((archive, follower));
                if lose_index {
                    std::fs::remove_dir_all(data.path().join("index")).expect("there is one");
                }
                let (archive, follower) = open(data.path());
                stage = Stage { archive, follower, ids };
            }
        }
    }
    for asked in last {
        let at_once = Rollup::new(stage.archive.clone());
        let answer = stage.check(&at_once, asked)?;
        answer.note(seen);
        prop_assert_eq!(stage.check(&stage.follower, asked)?, answer);
    }
    for (question, asked, position, answer) in told {
        let question = Question { moment: Moment::Position(position), ..question };
        let again = Answer::of(&stage.follower, &question, &asked);
        prop_assert_eq!(again, answer, "as it stood");
    }
    Ok(())
}

fn caller(principal: &str, method: &'static str) -> Caller {
    Caller { principal: principal.to_owned(), method, ..Caller::default() }
}

impl Stage {
    /// Registers the next organ. Its parents were registered before it, so no circle arises.
    async fn register(&mut self, parents: [usize; 2], facts: usize, active: u8) {
        let number = self.ids.len();
        if number == ORGANS {
            return;
        }
        let below = |parent: usize, from_year, until_year| Affiliation {
            parent: self.ids[parent % number].to_string(),
            from_year,
            until_year,
        };
        let [first, second] = parents;
        let affiliations = match number {
            0 => Vec::new(),
            _ => vec![below(first, 2000, Some(2020)), below(second, 2021, None)],
        };
        let level = [organ::Level::Prefecture, organ::Level::County, organ::Level::Township];
        let kind = [organ::Kind::GovernmentOffice, organ::Kind::Department];
        // Ids of which one begins another, and that do not come in their order.
        let id = OrganId::parse(["o", "o-1", "n", "o1", "a", "o-", "z", "oo", "b"][number]);
        let id = id.expect("an id");
        let organ = Organ {
            display_name: format!("第{number}机关"),
            affiliations,
            level: level[facts % 3] as i32,
            kind: kind[facts % 2] as i32,
            sector: ["", "housing", "police"][facts / 2].to_owned(),
            active_from_year: (active == 6).then_some(2021),
            active_until_year: (active == 7).then_some(2020),
            ..Organ::default()
        };
        let created = self.archive.create_organ(&caller("root", "CreateOrgan"), &id, organ).await;
        created.expect("registered");
        self.ids.push(id);
    }

    /// Takes a report a step further; what its state does not allow is refused, and nothing is.
    async fn write(&self, organ: &OrganId, year: i32, region: bool, step: usize, figure: i64) {
        let scope = if region { Scope::Region } else { Scope::Own };
        let id = ReportId { organ: organ.clone(), year, scope };
        let head = self.archive.head(&id).unwrap_or_default();
        let clerk = caller("clerk", "SubmitReport");
        let reasons =
            || vec![ReturnReason { text: "请核对".to_owned(), ..ReturnReason::default() }];
        let next = match (head.state(), step) {
            (State::Accepted, 0..5) => Step::Publish,
            (State::Accepted, 5..8) => Step::Return(reasons()),
            (State::Submitted, 0..8) => Step::Accept,
            (State::Submitted, 8..11) => Step::Return(reasons()),
            (State::Published, 0..9) => Step::Amend("有误".to_owned()),
            (State::Unspecified | State::Void, _) | (_, 1..12) => {
                let report = filled(&id, figure);
                if step == 9 {
                    // A refusal is as good as a write: nothing is to change.
                    let _ = self.archive.save_draft(&clerk, report, "").await;
                } else {
                    let as_published = Some("已公布，无法更正".to_owned());
                    let what = What::Report(Box::new(report));
                    let submission = Submission { what, as_published, etag: String::new() };
                    let _ = self.archive.submit(&clerk, submission).await;
                }
                return;
            }
            _ => Step::Void("重复".to_owned()),
        };
        let _ = self.archive.step(&caller("reviewer", "Step"), &id, "", next).await;
    }

    fn question(&self, asked: &Asked) -> Question {
        let filters =
            ["", "level = COUNTY", "kind = DEPARTMENT", "sector = housing", "sector = none"];
        Question {
            organ: asked.organ.get(&self.ids).clone(),
            basis: if asked.declared { Basis::Declared } else { Basis::Parts },
            tree: if asked.of_today { OrganTree::OfToday } else { OrganTree::OfYear },
            tree_year: 0,
            filter: Filter::parse(filters[asked.filter]).expect("a filter"),
            include_unaccepted: asked.unaccepted,
            moment: Moment::Now,
        }
    }

    /// Asks a roll-up, and recounts.
    fn check(&self, rollup: &Rollup, asked: &Asked) -> Result<Answer, TestCaseError> {
        let question = self.question(asked);
        let answer = Answer::of(rollup, &question, asked);
        answer.is_recounted(&self.archive, &question, asked)?;
        Ok(answer)
    }
}

/// A report with a figure of its own. Its sums do not hold, which is taken as published.
fn filled(id: &ReportId, figure: i64) -> Report {
    let old = id.year == 2019 && figure % 5 != 0;
    let mut report = if old { office() } else { housing() };
    report.year = id.year;
    report.organ = id.organ.to_string();
    report.set_scope(id.scope);
    set(&mut report, "requests.newly_received.total", &(figure * 1_000_003).to_string());
    let blank = figure % 7 == 0;
    set(&mut report, "requests.granted.total", if blank { "" } else { "3" });
    if !old {
        let money = format!("{figure}.{}", "5".repeat(usize::try_from(figure % 4).unwrap() + 1));
        set(&mut report, "disclosure.fees_wan_yuan", &money);
    }
    report
}

/// All that is told about a question.
#[derive(Debug, PartialEq)]
struct Answer {
    sum: Aggregate,
    coverage: pb::Coverage,
    rows: Vec<OrganCoverage>,
    listed: Vec<OrganCoverage>,
    contributions: Vec<pb::Contribution>,
    total: (String, i32),
}

const CELLS: [&str; 4] = [
    "requests.newly_received.total",
    "requests.granted.total",
    "disclosure.fees_wan_yuan",
    "disclosure_2019.rules.public_total",
];

impl Answer {
    fn of(rollup: &Rollup, question: &Question, asked: &Asked) -> Self {
        let year = YEARS[asked.year];
        let group_by = GroupBy::try_from(i32::try_from(asked.group).unwrap()).unwrap();
        let sum = sums(rollup, question, &[year], group_by, true).expect("a sum").remove(0);
        let only = Only::try_from(asked.only).unwrap();
        let (counts, rows) = rows(rollup, question, year, Only::All);
        let (again, listed) = self::rows(rollup, question, year, only);
        assert_eq!(counts, again, "the counts do not depend on what is listed");
        let (mut shares, mut key, mut total) = (Vec::new(), None, Default::default());
        loop {
            let cell = CELLS[asked.cell];
            let page = contributions(rollup, question, year, cell, key.as_deref(), 2);
            let (page, next) = page.expect("contributions");
            assert!(page.contributions.len() <= 2);
            shares.extend(page.contributions);
            if key.is_none() {
                total = (page.total.unwrap_or_default(), page.given);
            }
            key = next;
            if key.is_none() {
                break;
            }
        }
        Answer { sum, coverage: counts, rows, listed, contributions: shares, total }
    }

    /// Notes what of [`REACHED`] this is.
    fn note(&self, seen: &Seen) {
        let any = |is: &dyn Fn(&OrganCoverage) -> bool| self.rows.iter().any(is);
        let coverage = &self.coverage;
        for (what, is) in [
            ("several included", coverage.included > 2),
            ("missing", coverage.missing > 0),
            ("a region is taken", any(&|row| row.taken() == Taken::Region)),
            ("covered by a region", coverage.covered_by_region > 0),
            ("a region without parts", coverage.region_without_parts > 0),
            ("unaccepted", coverage.unaccepted > 0),
            ("inactive", any(&|row| !row.expected)),
            ("several groups", self.sum.groups.len() > 2),
            ("both editions", self.sum.disclosure.is_some() && self.sum.disclosure_2019.is_some()),
            ("a later revision", any(&|row| row.revision.ends_with("/2"))),
            ("returned", any(&|row| row.state() == State::Returned)),
        ] {
            if is {
                *seen.borrow_mut().entry(what).or_default() += 1;
            }
        }
    }

    fn is_recounted(
        &self,
        archive: &Archive,
        question: &Question,
        asked: &Asked,
    ) -> TestCaseResult {
        let year = YEARS[asked.year];
        prop_assert_eq!(&self.sum.position, &archive.store().position().to_string());
        // Who is in it, decided anew.
        let stands = plain::stands(archive, question, year);
        let organs = plain::organs(archive);
        let passes = |name: &str| {
            let organ = organs.iter().find(|o| o.name == name).expect("registered");
            match asked.filter {
                0 => true,
                1 => organ.level() == organ::Level::County,
                2 => organ.kind() == organ::Kind::Department,
                3 => organ.sector == "housing",
                _ => false,
            }
        };
        let told: BTreeMap<String, plain::Stand> =
            self.rows.iter().map(|row| (row.organ.clone(), stand(row))).collect();
        prop_assert_eq!(told.len(), self.rows.len(), "no organ has two rows");
        let kept = stands.into_iter().filter(|(name, _)| passes(name));
        prop_assert_eq!(&told, &kept.collect::<BTreeMap<_, _>>());
        self.counts_twice_nothing(question, &organs)?;
        // What they add up to.
        let revisions: BTreeSet<String> =
            self.rows.iter().map(|row| row.revision.clone()).filter(|r| !r.is_empty()).collect();
        is_sum_of(archive, &self.sum, &revisions)?;
        for group in &self.sum.groups {
            let by = GroupBy::try_from(i32::try_from(asked.group).unwrap()).unwrap();
            let of = |row: &&OrganCoverage| {
                plain::group(archive, question, year, by, &row.organ) == group.key
            };
            let part = self.rows.iter().filter(of).map(|row| row.revision.clone());
            let part: BTreeSet<String> = part.filter(|r| !r.is_empty()).collect();
            is_sum_of(archive, &whole(group), &part)?;
        }
        let coverage = self.sum.coverage.clone().expect("coverage");
        prop_assert_eq!(&coverage.included_revisions, &Vec::from_iter(revisions.clone()));
        self.counts_are_those_of_rows(&coverage, asked)?;
        let alone = |row: &&OrganCoverage| plain::stands_alone(archive, question, year, &row.organ);
        let alone = i32::try_from(self.rows.iter().filter(alone).count()).unwrap();
        prop_assert_eq!(coverage.region_without_parts, alone);
        self.contributions_are_whole(archive, asked, &revisions)
    }

    /// Of no region is a report taken together with one of its parts, or of its office.
    fn counts_twice_nothing(&self, question: &Question, organs: &[Organ]) -> TestCaseResult {
        let tree_year = self.sum.tree_year;
        let taken = |name: &str| self.rows.iter().find(|row| row.organ == name);
        for row in self.rows.iter().filter(|row| !row.revision.is_empty()) {
            if question.basis == Basis::Parts {
                prop_assert_eq!(row.taken(), Taken::Own);
            }
            let mut above = organs.iter().find(|organ| organ.name == row.organ);
            while let Some(organ) = above {
                let parent = plain::standing(organ, tree_year);
                let region = parent.and_then(taken).filter(|row| row.taken() == Taken::Region);
                prop_assert!(region.is_none(), "{} and {:?}", row.revision, region);
                above = parent.and_then(|name| organs.iter().find(|organ| organ.name == name));
            }
        }
        Ok(())
    }

    fn counts_are_those_of_rows(&self, coverage: &pb::Coverage, asked: &Asked) -> TestCaseResult {
        let count = |is: &dyn Fn(&OrganCoverage) -> bool| {
            i32::try_from(self.rows.iter().filter(|row| is(row)).count()).unwrap()
        };
        let missing = |row: &OrganCoverage| row.expected && row.taken() == Taken::None;
        prop_assert_eq!(coverage.expected, count(&|row| row.expected));
        prop_assert_eq!(coverage.included, count(&|row| !row.revision.is_empty()));
        prop_assert_eq!(coverage.missing, count(&missing));
        let unfiled = [State::Unspecified, State::Draft];
        let not_filed = |row: &OrganCoverage| missing(row) && unfiled.contains(&row.state());
        prop_assert_eq!(coverage.not_filed, count(&not_filed));
        prop_assert_eq!(coverage.covered_by_region, count(&|row| !row.covered_by.is_empty()));
        prop_assert_eq!(coverage.late, count(&|row| row.late));
        prop_assert_eq!(coverage.unaccepted, count(&|row| row.unaccepted));
        prop_assert_eq!(coverage.as_published, count(&|row| row.as_published));
        let parts = coverage.included + coverage.missing + coverage.covered_by_region;
        prop_assert_eq!(coverage.expected, parts);
        for told in &coverage.by_state {
            let state = told.state();
            prop_assert_eq!(told.count, count(&|row| row.expected && row.state() == state));
        }
        prop_assert_eq!(coverage.by_state.iter().map(|s| s.count).sum::<i32>(), coverage.expected);
        let mut bare = coverage.clone();
        (bare.included_revisions, bare.missing_organs) = (Vec::new(), Vec::new());
        prop_assert_eq!(&bare, &self.coverage);
        let wanted = |row: &&OrganCoverage| match Only::try_from(asked.only).unwrap() {
            Only::Unspecified | Only::All => true,
            Only::Missing => missing(row),
            Only::Late => row.late,
            Only::Included => !row.revision.is_empty(),
            Only::Unaccepted => row.unaccepted,
            Only::AsPublished => row.as_published,
            Only::CoveredByRegion => !row.covered_by.is_empty(),
            Only::NotFiled => not_filed(row),
            Only::Waiting => missing(row) && row.state() == State::Submitted,
        };
        let wanted: Vec<&OrganCoverage> = self.rows.iter().filter(wanted).collect();
        prop_assert_eq!(&wanted, &self.listed.iter().collect::<Vec<_>>());
        Ok(())
    }

    fn contributions_are_whole(
        &self,
        archive: &Archive,
        asked: &Asked,
        revisions: &BTreeSet<String>,
    ) -> TestCaseResult {
        let cell = nianbao::form::cell(CELLS[asked.cell]).expect("a cell");
        let value = |name: &String| cell.get(&plain::content(archive, name)).map(|v| v.to_string());
        let mut expected: Vec<(String, String)> =
            revisions.iter().filter_map(|name| Some((value(name)?, name.clone()))).collect();
        let number = |text: &str| text.parse::<rust_decimal::Decimal>().expect("a number");
        let organ = |name: &str| name.split('/').nth(1).expect("an id").to_owned();
        expected.sort_by_key(|(v, name)| (std::cmp::Reverse(number(v)), organ(name)));
        let told: Vec<(String, String)> =
            self.contributions.iter().map(|c| (c.value.clone(), c.revision.clone())).collect();
        prop_assert_eq!(told, expected);
        let sums = plain::sums(archive, revisions.iter());
        prop_assert_eq!(&self.total, &sums.get(cell.path).cloned().unwrap_or_default());
        Ok(())
    }
}

/// All rows, by small pages, and the counts.
fn rows(
    rollup: &Rollup,
    question: &Question,
    year: i32,
    only: Only,
) -> (pb::Coverage, Vec<OrganCoverage>) {
    let (mut rows, mut key) = (Vec::new(), None);
    loop {
        let (page, next) =
            coverage(rollup, question, year, only, key.as_deref(), 3).expect("coverage");
        assert!(page.organs.len() <= 3);
        rows.extend(page.organs);
        key = next;
        if key.is_none() {
            return (page.coverage.expect("counts"), rows);
        }
    }
}

fn stand(row: &OrganCoverage) -> plain::Stand {
    let named = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let revision = |taken| named(&row.revision).filter(|_| row.taken() == taken);
    plain::Stand {
        expected: row.expected,
        own: revision(Taken::Own),
        region: revision(Taken::Region),
        covered_by: named(&row.covered_by),
    }
}

/// The figures of a group.
fn whole(group: &pb::AggregateGroup) -> Aggregate {
    let group = group.clone();
    Aggregate {
        disclosure: group.disclosure,
        disclosure_2019: group.disclosure_2019,
        requests: group.requests,
        disputes: group.disputes,
        coverage: group.coverage,
        ..Aggregate::default()
    }
}

fn is_sum_of(archive: &Archive, sum: &Aggregate, revisions: &BTreeSet<String>) -> TestCaseResult {
    let expected = plain::sums(archive, revisions.iter());
    let mut shape = Report::default();
    for (path, (value, _)) in &expected {
        set(&mut shape, path, value);
    }
    prop_assert_eq!(&sum.disclosure, &shape.disclosure);
    prop_assert_eq!(&sum.disclosure_2019, &shape.disclosure_2019);
    prop_assert_eq!(&sum.requests, &shape.requests);
    prop_assert_eq!(&sum.disputes, &shape.disputes);
    // A group goes without cells by name.
    if !sum.cells.is_empty() {
        let told = sum.cells.iter().map(|c| (&*c.field_path, (c.value.clone(), c.given)));
        let expected = expected.iter().map(|(path, sum)| (*path, sum.clone()));
        prop_assert_eq!(told.collect::<BTreeMap<_, _>>(), expected.collect::<BTreeMap<_, _>>());
        for told in &sum.cells {
            let blank = plain::blank(archive, &told.field_path, revisions.iter());
            prop_assert_eq!(told.blank, blank, "{}", told.field_path);
        }
    }
    let coverage = sum.coverage.as_ref().expect("coverage");
    prop_assert_eq!(&coverage.revision_digest, &plain::digest(revisions.iter()));
    prop_assert_eq!(usize::try_from(coverage.included).unwrap(), revisions.len());
    Ok(())
}
