//! Random trees with random figures: what is declared is recounted here, one organ after another.
//!
//! `PROPTEST_CASES=1000 cargo test --test integration reconcile` looks longer.

use nianbao::archive::{Archive, Caller, INDEX, Moment, Step, Submission, What};
use nianbao::form::{Amount, CELLS, CellKind};
use nianbao::names::{OrganId, ReportId};
use nianbao::pb::delta_explanation::Kind;
use nianbao::pb::{Affiliation, Basis, Organ, OrganTree, Reconciliation, Report, Scope, Summing};
use nianbao::rollup::{Filter, Question, Rollup, reconcile};
use nianbao::store::{Options, Store};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};
use rust_decimal::Decimal;

use crate::support::{housing, set};

const SEED: u64 = 2023;
const CASES: u32 = 24;
const YEAR: i32 = 2023;
/// Cells whose figures differ from organ to organ.
const VARIED: [&str; 3] =
    ["requests.newly_received.total", "requests.granted.business", "disclosure.fees_wan_yuan"];

/// An organ of a random city.
#[derive(Clone, Debug)]
struct Planned {
    /// Which of those before it is its parent.
    parent: prop::sample::Index,
    /// Whether it has a report of itself, and one of its region.
    own: bool,
    region: bool,
    figures: [u32; 3],
    /// Whether it leaves the first of them blank.
    blank: bool,
}

fn organ() -> impl Strategy<Value = Planned> {
    let reports = (prop::bool::weighted(0.85), prop::bool::weighted(0.3));
    let blank = prop::bool::weighted(0.2);
    let figures = [1..1_000_000_u32, 1..1_000_000, 1..1_000_000];
    (any::<prop::sample::Index>(), reports, figures, blank).prop_map(
        |(parent, (own, region), figures, blank)| Planned { parent, own, region, figures, blank },
    )
}

#[test]
fn what_is_declared_rightly_has_no_delta_and_a_part_left_out_is_found() {
    let default = ProptestConfig::default();
    let told = std::env::var_os("PROPTEST_CASES").is_some();
    let config = ProptestConfig {
        cases: if told { default.cases } else { CASES },
        rng_seed: match default.rng_seed {
            RngSeed::Random => RngSeed::Fixed(SEED),
            told => told,
        },
        failure_persistence: None,
        ..default
    };
    let index = any::<prop::sample::Index>;
    let story = (
        prop::collection::vec(organ(), 3..12),
        any::<bool>(),
        [index(), index()],
        1..3_usize,
        any::<bool>(),
    );
    let outcome = TestRunner::new(config).run(&story, |(organs, declared, picked, many, twice)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let basis = if declared { Basis::Declared } else { Basis::Parts };
        let tried = tried(organs, basis, picked, many, twice);
        runtime.expect("a runtime").block_on(tried)
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

async fn tried(
    organs: Vec<Planned>,
    basis: Basis,
    picked: [prop::sample::Index; 2],
    many: usize,
    twice: bool,
) -> TestCaseResult {
    let data = tempfile::tempdir().expect("a folder");
    let store = Store::open(data.path(), INDEX, Options::default()).expect("opens");
    let city = City { archive: Archive::new(store), parents: parents(&organs), organs };
    for number in 0..city.organs.len() {
        city.register(number).await;
    }
    let parts = city.parts(0, basis, true);
    let whole: Vec<&Report> = parts.iter().map(|(_, report)| report).collect();
    let answer = city.declare(sum(&whole), basis).await;
    prop_assert_eq!(&answer.cells, &[]);
    prop_assert_eq!(answer.cells_different + answer.cells_one_sided, 0);
    let told: Vec<&str> = answer.parts.iter().map(|part| part.revision.as_str()).collect();
    let mut expected: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    expected.sort_by_key(|name| name.split('/').nth(1));
    prop_assert_eq!(told, expected);
    // One or two parts are left out or counted twice. Where a figure then stands on one side only,
    // nothing is told of it.
    if parts.len() < 4 {
        return Ok(());
    }
    let mut chosen: Vec<usize> = picked[..many].iter().map(|p| p.index(parts.len())).collect();
    chosen.sort_unstable();
    chosen.dedup();
    let moved = chosen.iter().map(|&part| &parts[part].1);
    let declared: Vec<&Report> = match twice {
        true => whole.iter().copied().chain(moved).collect(),
        false => {
            let kept = (0..parts.len()).filter(|part| !chosen.contains(part));
            kept.map(|part| &parts[part].1).collect()
        }
    };
    let answer = city.declare(sum(&declared), basis).await;
    let explanation = answer.explanation.expect("it is found");
    prop_assert_eq!(explanation.kind(), if twice { Kind::CountedTwice } else { Kind::LeftOut });
    let mut told: Vec<&str> = explanation.parts.iter().map(|p| p.revision.as_str()).collect();
    let mut expected: Vec<&str> = chosen.iter().map(|&part| parts[part].0.as_str()).collect();
    told.sort_unstable();
    expected.sort_unstable();
    prop_assert_eq!(told, expected);
    Ok(())
}

fn parents(organs: &[Planned]) -> Vec<usize> {
    let parent = |(number, organ): (usize, &Planned)| match number {
        0 => 0,
        _ => organ.parent.index(number),
    };
    organs.iter().enumerate().map(parent).collect()
}

struct City {
    archive: Archive,
    parents: Vec<usize>,
    organs: Vec<Planned>,
}

impl City {
    fn id(&self, number: usize) -> OrganId {
        OrganId::parse(&format!("o{number}")).expect("an id")
    }

    /// Registers an organ with what it has filed, all of it accepted.
    async fn register(&self, number: usize) {
        let affiliation = Affiliation {
            parent: self.id(self.parents[number]).to_string(),
            from_year: 2019,
            until_year: None,
        };
        let organ = Organ {
            display_name: format!("第{number}机关"),
            affiliations: if number == 0 { Vec::new() } else { vec![affiliation] },
            ..Organ::default()
        };
        let created = self.archive.create_organ(&Caller::default(), &self.id(number), organ).await;
        created.expect("registered");
        let planned = &self.organs[number];
        if planned.own {
            self.file(number, Scope::Own, self.report(number, 1)).await;
        }
        if planned.region && number > 0 {
            self.file(number, Scope::Region, self.report(number, 3)).await;
        }
    }

    /// The report of an organ; its figures are told apart by the factor.
    fn report(&self, number: usize, factor: u64) -> Report {
        let planned = &self.organs[number];
        let mut report = housing();
        for (path, figure) in VARIED.into_iter().zip(planned.figures) {
            let figure = u64::from(figure) * factor * 1_000 + number as u64 * 2 + factor % 2;
            let text = match path == VARIED[2] {
                true => format!("{}.{:04}", figure / 10_000, figure % 10_000),
                false => figure.to_string(),
            };
            set(&mut report, path, &text);
        }
        if planned.blank {
            set(&mut report, VARIED[0], "");
        }
        report
    }

    async fn file(&self, number: usize, scope: Scope, mut report: Report) {
        let id = ReportId { organ: self.id(number), year: YEAR, scope };
        report.organ = id.organ.to_string();
        report.set_scope(scope);
        let caller = |principal: &str, method: &'static str| Caller {
            principal: principal.to_owned(),
            method,
            ..Caller::default()
        };
        let submission = Submission {
            what: What::Report(Box::new(report)),
            as_published: Some("已公布，无法更正".to_owned()),
            etag: String::new(),
        };
        let taken = self.archive.submit(&caller("clerk", "SubmitReport"), submission).await;
        taken.expect("taken");
        let accepted =
            self.archive.step(&caller("office", "AcceptReport"), &id, "", Step::Accept).await;
        accepted.expect("accepted");
    }

    /// The parts of an organ, with recursion, each with the name of its revision.
    fn parts(&self, number: usize, basis: Basis, top: bool) -> Vec<(String, Report)> {
        let planned = &self.organs[number];
        let name = |scope: &str| format!("{}/reports/{YEAR}-{scope}/revisions/1", self.id(number));
        if planned.region && !top && basis == Basis::Declared {
            return vec![(name("region"), self.report(number, 3))];
        }
        let own = planned.own.then(|| (name("own"), self.report(number, 1)));
        let mut parts = Vec::from_iter(own);
        for child in (1..self.organs.len()).filter(|&child| self.parents[child] == number) {
            parts.extend(self.parts(child, basis, false));
        }
        parts
    }

    /// Files what the city declares, and holds it against its parts.
    async fn declare(&self, report: Report, basis: Basis) -> Reconciliation {
        let id = ReportId { organ: self.id(0), year: YEAR, scope: Scope::Region };
        if self.archive.head(&id).is_ok() {
            let caller = Caller { principal: "office".to_owned(), ..Caller::default() };
            let published = self.archive.step(&caller, &id, "", Step::Publish).await;
            published.expect("published");
            let amend = Step::Amend("有误".to_owned());
            self.archive.step(&caller, &id, "", amend).await.expect("open");
        }
        self.file(0, Scope::Region, report).await;
        let question = Question {
            organ: self.id(0),
            basis,
            tree: OrganTree::OfYear,
            tree_year: 0,
            filter: Filter::default(),
            include_unaccepted: false,
            moment: Moment::Now,
        };
        let rollup = Rollup::new(self.archive.clone());
        let answer = reconcile(&rollup, &question, YEAR, None, false).expect("an answer");
        let moment = Moment::Position(answer.position.parse().expect("a position"));
        let question = Question { moment, ..question };
        let again = reconcile(&rollup, &question, YEAR, None, false).expect("an answer");
        assert_eq!(again, answer, "as it stood");
        answer
    }
}

/// The sum of reports, cell by cell; blank where nobody gave a figure.
fn sum(parts: &[&Report]) -> Report {
    let mut sum = housing();
    for cell in CELLS.iter().filter(|cell| cell.summing() != Summing::Never) {
        let figure = |report: &&Report| match cell.get(report)? {
            Amount::Count(count) => Some(Decimal::from(count)),
            Amount::Money(money) => Some(money.parse().expect("money")),
            Amount::Text(_) => None,
        };
        let figures: Vec<Decimal> = parts.iter().filter_map(figure).collect();
        let total: Decimal = figures.iter().sum();
        let total = match cell.kind {
            _ if figures.is_empty() => None,
            CellKind::Money => Some(Amount::Money(total.to_string())),
            CellKind::Count | CellKind::Text => {
                Some(Amount::Count(total.to_string().parse().expect("a count")))
            }
        };
        cell.set(&mut sum, total).expect("of its kind");
    }
    sum
}
