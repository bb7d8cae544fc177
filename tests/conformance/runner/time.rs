//! How long the rules take on one report.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use nianbao::check::violations;
use nianbao::finding::findings;
use nianbao::pb::Report;
use serde::Serialize;

use super::engine::{Engine, Server};

/// A batch lasts so long at least: reading the clock must not count.
const BATCH: Duration = Duration::from_micros(200);
const MICROS_PER_SECOND: f64 = 1e6;

/// The figures of one report.
pub(crate) enum Measured {
    /// Of the compiled rules.
    Compiled { validate_us: f64, findings_us: f64, runs: u64 },
    /// Of calls one after another.
    Calls { call_us: f64, runs: u64 },
}

/// The figures with the file that they are of, as the protocol has them.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    validate_us: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings_us: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_us: Option<f64>,
    runs: u64,
}

impl Measured {
    /// The line of that file.
    pub(crate) fn of(self, file: &str) -> Line<'_> {
        match self {
            Measured::Compiled { validate_us, findings_us, runs } => Line {
                file,
                validate_us: Some(validate_us),
                findings_us: Some(findings_us),
                call_us: None,
                runs,
            },
            Measured::Calls { call_us, runs } => {
                Line { file, validate_us: None, findings_us: None, call_us: Some(call_us), runs }
            }
        }
    }
}

/// Measures for as long as `budget`, each of what there is to measure.
pub(crate) fn measure(
    engine: &Engine,
    report: &Report,
    budget: Duration,
) -> Result<Measured, Box<dyn Error>> {
    match engine {
        Engine::Compiled => {
            let (validate_us, runs) = median(budget, || violations(black_box(report)).len());
            let (findings_us, _) = median(budget, || findings(black_box(report)).len());
            Ok(Measured::Compiled { validate_us, findings_us, runs })
        }
        Engine::Server(server) => calls(server, report, budget),
    }
}

/// The median over batches of the mean of a batch, in microseconds, and how often the work ran.
fn median(budget: Duration, work: impl Fn() -> usize) -> (f64, u64) {
    let mut size: u32 = 1;
    // The first batches grow to their size; they are the warm-up too.
    while batch(size, &work) < BATCH {
        size = size.saturating_mul(2);
    }
    let (start, mut means, mut runs) = (Instant::now(), Vec::new(), 0);
    while means.is_empty() || start.elapsed() < budget {
        means.push(batch(size, &work).as_secs_f64() * MICROS_PER_SECOND / f64::from(size));
        runs += u64::from(size);
    }
    means.sort_by(f64::total_cmp);
    (means[means.len() / 2], runs)
}

fn batch(size: u32, work: &impl Fn() -> usize) -> Duration {
    let start = Instant::now();
    for _ in 0..size {
        black_box(work());
    }
    start.elapsed()
}

/// The mean of calls one after another: what a caller waits for.
fn calls(server: &Server, report: &Report, budget: Duration) -> Result<Measured, Box<dyn Error>> {
    let warm_up = Instant::now();
    while warm_up.elapsed() < budget / 10 {
        server.call(report)?;
    }
    let (start, mut runs) = (Instant::now(), 0_u32);
    while runs == 0 || start.elapsed() < budget {
        server.call(report)?;
        runs += 1;
    }
    let call_us = start.elapsed().as_secs_f64() * MICROS_PER_SECOND / f64::from(runs);
    Ok(Measured::Calls { call_us, runs: runs.into() })
}
