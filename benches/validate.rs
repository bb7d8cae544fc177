//! Validation in process: what it costs to find nothing, ten faults, and faults nearly everywhere.
//!
//! The baselines run beside it, since only ratios within one run hold on a shared machine: decoding
//! and encoding the very same report, and a checker of the sums of table three written by hand.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark is a program that prints, and fails loudly"
)]

mod clock;

use std::hint::black_box;

use criterion::BatchSize;
use nianbao::check::violations;
use nianbao::finding::findings;
use nianbao::form::{Amount, CELLS, Cell, CellKind};
use nianbao::pb::{ApplicantCounts, Report, Requests};
use nianbao::rules;
use prost::Message as _;

use clock::Bench;

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A report that breaks no rule, with texts as long as those of a real report.
fn valid() -> Report {
    let json = include_str!("../tests/fixtures/housing-2023.json");
    let mut report: Report = serde_json::from_str(json).expect("the fixture is a report");
    let overview = report.overview.get_or_insert_default();
    overview.text = overview.text.repeat(10);
    report
}

/// The same report with ten broken rules: sums of rows and columns, a range, a blank, a decimal.
fn ten() -> Report {
    let mut report = valid();
    for (path, value) in [
        ("requests.granted.natural_person", "9"),
        ("requests.denied.other_law.business", "1"),
        ("requests.unable.not_held.research", "2"),
        ("disputes.reconsideration.upheld", "40"),
        ("disclosure.penalty_decisions", "-1"),
        ("disclosure.fees_wan_yuan", "01.5"),
        ("requests.not_processed.petition.total", ""),
    ] {
        set(&mut report, path, value);
    }
    let found = rules::broken(&report);
    assert_eq!(found.len(), 10, "the benchmark needs ten: {found:#?}");
    report
}

/// A form in which every cell is negative and no two figures agree.
fn ruined() -> Report {
    let mut report = valid();
    for (index, cell) in CELLS.iter().enumerate() {
        let value = match cell.kind {
            CellKind::Count => format!("-{}", 7 + index * index),
            CellKind::Money | CellKind::Text => "无".to_owned(),
        };
        put(cell, &mut report, &value);
    }
    "organs/无".clone_into(&mut report.organ);
    report.year = 1949;
    report.problems.get_or_insert_default().text = "无".to_owned();
    report
}

fn set(report: &mut Report, path: &str, value: &str) {
    let cell = nianbao::form::cell(path).unwrap_or_else(|| panic!("{path} is no cell"));
    put(cell, report, value);
}

/// Puts `value` into the cell; an empty one blanks it.
fn put(cell: &Cell, report: &mut Report, value: &str) {
    let amount = match cell.kind {
        _ if value.is_empty() => None,
        CellKind::Count => Some(Amount::Count(value.parse().expect("a count"))),
        CellKind::Money => Some(Amount::Money(value.to_owned())),
        CellKind::Text => Some(Amount::Text(value.to_owned())),
    };
    cell.set(report, amount).expect("of the cell's kind");
}

type Row = Option<ApplicantCounts>;

/// The sums of table three as one would write them by hand: no ids, no paths, no policy for blanks.
fn sums_by_hand(report: &Report) -> bool {
    let Some(Requests {
        newly_received,
        carried_in,
        granted,
        partially_granted,
        denied: Some(denied),
        unable: Some(unable),
        not_processed: Some(not_processed),
        other: Some(other),
        total_processed,
        carried_out,
    }) = report.requests.as_deref()
    else {
        return false;
    };
    let processed = [
        granted,
        partially_granted,
        &denied.state_secret,
        &denied.other_law,
        &denied.security_stability,
        &denied.third_party,
        &denied.internal_affairs,
        &denied.deliberative,
        &denied.enforcement_file,
        &denied.administrative_inquiry,
        &unable.not_held,
        &unable.must_create,
        &unable.still_unclear,
        &not_processed.petition,
        &not_processed.repeated,
        &not_processed.publication,
        &not_processed.excessive,
        &not_processed.confirm_reissue,
        &other.not_corrected,
        &other.fee_unpaid,
        &other.other_reason,
    ];
    let frame = [newly_received, carried_in, total_processed, carried_out];
    let [received, carried, total, left] = frame.map(figures);
    let mut sums = [0_i64; 7];
    for row in processed.map(figures) {
        for (sum, figure) in sums.iter_mut().zip(row) {
            *sum += figure;
        }
    }
    let across = |row: &Row| {
        let row = figures(row);
        row[..6].iter().sum::<i64>() == row[6]
    };
    processed.into_iter().chain(frame).all(across)
        && sums == total
        && (0..7).all(|i| received[i] + carried[i] == total[i] + left[i])
}

fn figures(row: &Row) -> [i64; 7] {
    row.as_ref().map_or([0; 7], |row| {
        [
            row.natural_person,
            row.business,
            row.research,
            row.public_interest,
            row.legal_service,
            row.other_organization,
            row.total,
        ]
        .map(Option::unwrap_or_default)
    })
}

fn detect(c: &mut Bench, of: &[(String, &Report)]) {
    let mut group = c.benchmark_group("detect");
    for (name, report) in of {
        group.bench_function(name, |b| b.iter(|| violations(black_box(*report))));
    }
    group.finish();
}

fn render(c: &mut Bench, of: &[(String, &Report)]) {
    let mut group = c.benchmark_group("findings");
    for (name, report) in of {
        group.bench_function(name, |b| b.iter(|| findings(black_box(report))));
    }
    group.finish();
}

fn baselines(c: &mut Bench, report: &Report) {
    let bytes = report.encode_to_vec();
    let mut group = c.benchmark_group("baseline");
    group.bench_function("decode", |b| {
        b.iter(|| Report::decode(black_box(bytes.as_slice())));
    });
    group.bench_function("encode", |b| b.iter(|| black_box(report).encode_to_vec()));
    group.bench_function("sums_by_hand", |b| {
        b.iter(|| sums_by_hand(black_box(report)));
    });
    // Handing a report on by value copies it: no heap behind it, so the copy alone is timed.
    group.bench_function("move", |b| {
        b.iter_batched(Report::default, black_box, BatchSize::SmallInput);
    });
    group.finish();
}

fn main() {
    let (valid, ten, ruined) = (valid(), ten(), ruined());
    assert_eq!(rules::broken(&valid), [], "the fixture breaks no rule");
    assert!(sums_by_hand(&valid) && !sums_by_hand(&ten));
    let operands: usize = findings(&ten).iter().map(|finding| finding.operands.len()).sum();
    println!(
        "a report is {} bytes in memory and {} on the wire; the ten findings hold {operands} \
         operands; the ruined report has {} findings",
        size_of::<Report>(),
        valid.encoded_len(),
        findings(&ruined).len(),
    );
    let reports =
        [("valid".to_owned(), &valid), ("ten".to_owned(), &ten), ("ruined".to_owned(), &ruined)];
    let mut criterion = clock::criterion();
    detect(&mut criterion, &reports);
    render(&mut criterion, &reports);
    baselines(&mut criterion, &valid);
    criterion.final_summary();
}
