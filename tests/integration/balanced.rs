//! Random reports that balance, of both editions: free cells are drawn, sums are computed.

use nianbao::form::{self, Amount, Cell, CellKind};
use nianbao::pb::{Edition, Report};
use proptest::prelude::*;

use crate::support::{housing, office};

/// The six columns of a row that are drawn.
const APPLICANTS: [&str; 6] = [
    "natural_person",
    "business",
    "research",
    "public_interest",
    "legal_service",
    "other_organization",
];

/// The outcomes of both editions; （六）其他处理 follows with its own rows.
const OUTCOMES: [&str; 18] = [
    "granted",
    "partially_granted",
    "denied.state_secret",
    "denied.other_law",
    "denied.security_stability",
    "denied.third_party",
    "denied.internal_affairs",
    "denied.deliberative",
    "denied.enforcement_file",
    "denied.administrative_inquiry",
    "unable.not_held",
    "unable.must_create",
    "unable.still_unclear",
    "not_processed.petition",
    "not_processed.repeated",
    "not_processed.publication",
    "not_processed.excessive",
    "not_processed.confirm_reissue",
];

/// The groups of table four.
const DISPUTES: [&str; 3] =
    ["reconsideration", "litigation_direct", "litigation_after_reconsideration"];

/// The results of a group of table four.
const RESULTS: [&str; 4] = ["upheld", "corrected", "other", "pending"];

/// How many numbers a report is drawn from at most.
const DRAWN_MAX: usize = 200;

/// A report that balances, of either edition.
pub fn balanced() -> impl Strategy<Value = Report> {
    (any::<bool>(), numbers()).prop_map(|(old, numbers)| build(old, numbers))
}

/// Two reports that balance, of the same edition.
pub fn pair() -> impl Strategy<Value = (Report, Report)> {
    (any::<bool>(), numbers(), numbers())
        .prop_map(|(old, mine, yours)| (build(old, mine), build(old, yours)))
}

/// Mostly zeros and small numbers, as reports have them.
fn numbers() -> impl Strategy<Value = Vec<i64>> {
    let number = prop_oneof![4 => Just(0), 4 => 0..30_i64, 1 => 0..10_000_000_i64];
    prop::collection::vec(number, DRAWN_MAX)
}

/// Whether the cell is a count that the report's edition prints.
pub fn is_count(cell: &Cell, report: &Report) -> bool {
    let edition = Edition::try_from(report.edition).expect("a balanced report states its edition");
    cell.kind == CellKind::Count && cell.is_in(edition)
}

fn build(old: bool, numbers: Vec<i64>) -> Report {
    let mut numbers = numbers.into_iter();
    let mut draw = || numbers.next().expect("DRAWN_MAX numbers are enough");
    let mut report = if old { office() } else { housing() };
    let other: &[&str] = if old {
        &["other.undivided"]
    } else {
        &["other.not_corrected", "other.fee_unpaid", "other.other_reason"]
    };
    let mut totals = Sums::default();
    for column in APPLICANTS {
        let mut put = |row: &str, value: i64| {
            put(&mut report, &format!("requests.{row}.{column}"), value);
            totals.add(row, value);
        };
        let mut processed = 0;
        for row in OUTCOMES.iter().chain(other) {
            let value = draw();
            put(row, value);
            processed += value;
        }
        put("total_processed", processed);
        let carried_out = draw();
        put("carried_out", carried_out);
        let carried_in = draw() % (processed + carried_out + 1);
        put("carried_in", carried_in);
        put("newly_received", processed + carried_out - carried_in);
    }
    for (row, total) in totals.0 {
        put(&mut report, &format!("requests.{row}.total"), total);
    }
    for group in DISPUTES {
        let mut total = 0;
        for result in RESULTS {
            let value = draw();
            put(&mut report, &format!("disputes.{group}.{result}"), value);
            total += value;
        }
        put(&mut report, &format!("disputes.{group}.total"), total);
    }
    if old {
        disclosure_2019(&mut report, &mut draw);
    } else {
        disclosure(&mut report, &mut draw);
    }
    report
}

fn disclosure(report: &mut Report, draw: &mut impl FnMut() -> i64) {
    for row in ["rules", "normative_documents"] {
        let (repealed, in_force) = (draw(), draw());
        put(report, &format!("disclosure.{row}.repealed"), repealed);
        put(report, &format!("disclosure.{row}.in_force"), in_force);
        let issued = draw() % (repealed + in_force + 1);
        put(report, &format!("disclosure.{row}.issued"), issued);
    }
    for row in ["licensing_decisions", "penalty_decisions", "compulsion_decisions"] {
        put(report, &format!("disclosure.{row}"), draw());
    }
    let fees = format!("{}.{:02}", draw(), draw() % 100);
    set(report, "disclosure.fees_wan_yuan", Amount::Money(fees));
}

fn disclosure_2019(report: &mut Report, draw: &mut impl FnMut() -> i64) {
    for row in ["rules", "normative_documents"] {
        for cell in ["made", "newly_public", "public_total"] {
            put(report, &format!("disclosure_2019.{row}.{cell}"), draw());
        }
    }
    for row in ["licensing", "other_services", "penalty", "compulsion", "fees"] {
        let before = draw();
        put(report, &format!("disclosure_2019.{row}.items_before"), before);
        let change = draw() - before;
        put(report, &format!("disclosure_2019.{row}.items_change"), change);
        if row != "fees" {
            put(report, &format!("disclosure_2019.{row}.decisions"), draw());
        }
    }
    put(report, "disclosure_2019.procurement.projects", draw());
    let amount = Amount::Money(draw().to_string());
    set(report, "disclosure_2019.procurement.amount", amount);
}

fn put(report: &mut Report, path: &str, value: i64) {
    set(report, path, Amount::Count(value));
}

fn set(report: &mut Report, path: &str, amount: Amount) {
    let cell = form::cell(path).unwrap_or_else(|| panic!("{path} is no cell"));
    cell.set(report, Some(amount)).expect("the amount is of the cell's kind");
}

/// The sums of the rows, by their names.
#[derive(Default)]
struct Sums(Vec<(String, i64)>);

impl Sums {
    fn add(&mut self, row: &str, value: i64) {
        match self.0.iter_mut().find(|(known, _)| known == row) {
            Some((_, sum)) => *sum += value,
            None => self.0.push((row.to_owned(), value)),
        }
    }
}
