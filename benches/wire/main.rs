//! Validation over the wire, held against bare services that answer the same bytes.
//!
//! Every server is a process of its own, this very program started again, so that the processor
//! time that it used can be read from outside: on a machine that client and server share, time on
//! the clock says more of the client. The servers take turns in short slices, and what counts is
//! the median of the ratios, since each slice of one is held against the slice of the other next to
//! it.
//!
//! `--quick` takes seconds and judges nothing; it is also what runs outside of `cargo bench`.
//! Nothing but 127.0.0.1 is used, and the program ends by itself: counts and time are bounded.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark is a program that prints, and fails loudly"
)]

mod load;
mod process;
mod servers;

use std::error::Error;
use std::time::Duration;

use nianbao::pb::{Report, ValidateReportRequest};
use prost::Message as _;
use prost::bytes::Bytes;

use load::{Client, Slice};
use process::Process;
use servers::Kind;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// `ValidateReport`: processor time of the server, in those of the echo.
const UNARY_CPU_MAX: f64 = 1.15;
/// `ValidateReports`: messages a second, in those of the echo.
const STREAM_RATE_MIN: f64 = 0.8;

/// How much is run.
struct Plan {
    rounds: usize,
    calls: usize,
    stream_rounds: usize,
    messages: usize,
    time_max: Duration,
}

const FULL: Plan = Plan {
    rounds: 21,
    calls: 3200,
    stream_rounds: 11,
    messages: 100_000,
    time_max: Duration::from_secs(600),
};

const QUICK: Plan = Plan {
    rounds: 3,
    calls: 64,
    stream_rounds: 3,
    messages: 2000,
    time_max: Duration::from_secs(60),
};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag: &str| args.iter().any(|arg| arg == flag);
    if let [flag, kind] = args.as_slice()
        && flag == "--serve"
    {
        return servers::serve(Kind::from_name(kind).ok_or("no such server")?);
    }
    // Only `cargo bench` says `--bench`: as a test the program is to be short.
    let plan = if given("--quick") || !given("--bench") { QUICK } else { FULL };
    // The servers outlive the runtime, whose end closes the connections that they wait for.
    let servers: Vec<Process> = Kind::ALL.into_iter().map(Process::start).collect::<Result<_>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done =
        runtime.block_on(async { tokio::time::timeout(plan.time_max, run(&plan, &servers)).await });
    drop(runtime);
    done?
}

async fn run(plan: &Plan, processes: &[Process]) -> Result<()> {
    let request = request()?;
    println!("request: {} bytes, one full report", request.len());
    let mut servers = Vec::new();
    for (kind, process) in Kind::ALL.into_iter().zip(processes) {
        let client = Client::connect(&process.address, request.clone()).await?;
        client.check(kind).await?;
        servers.push((kind, process, client));
    }
    for in_flight in [1, 16, 64] {
        let mut rounds = Rounds::default();
        // The first round warms up and is not kept; every second one runs backwards.
        for round in 0..=plan.rounds {
            let mut slices = Vec::new();
            for at in turns(servers.len(), round) {
                let (_, process, client) = &servers[at];
                let slice = client.unary(process, in_flight, plan.calls).await?;
                slices.push((at, slice));
            }
            rounds.keep(round, slices);
        }
        println!("\nValidateReport, {in_flight} in flight, {} calls a slice", plan.calls);
        rounds.print("call");
        let ratio = rounds.ratio(Kind::Nianbao, load::Slice::cpu_each);
        judge("server CPU a call, nianbao / echo", ratio, |r| r <= UNARY_CPU_MAX);
    }
    let mut rounds = Rounds::default();
    for round in 0..=plan.stream_rounds {
        let mut slices = Vec::new();
        for at in turns(servers.len(), round) {
            let (kind, process, client) = &servers[at];
            slices.push((at, client.stream(*kind, process, plan.messages).await?));
        }
        rounds.keep(round, slices);
    }
    println!("\nValidateReports, one stream of {}", plan.messages);
    rounds.print("message");
    let ratio = rounds.ratio(Kind::Nianbao, load::Slice::rate);
    judge("messages a second, nianbao / echo", ratio, |r| r >= STREAM_RATE_MIN);
    Ok(())
}

/// A valid report of the size that is common on the wire.
fn request() -> Result<Bytes> {
    let json = include_str!("../../tests/fixtures/housing-2023.json");
    let mut report: Report = serde_json::from_str(json)?;
    // The prose of the fixture is short; that of a report is not.
    let overview = report.overview.get_or_insert_default();
    overview.text = overview.text.repeat(8);
    let request = ValidateReportRequest { report: Some(Box::new(report)) };
    Ok(request.encode_to_vec().into())
}

/// The order of a round: forwards and backwards by turns, so that a drift hits all alike.
fn turns(count: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// The slices of all servers, a round each.
#[derive(Default)]
struct Rounds {
    kept: Vec<Vec<(usize, Slice)>>,
}

impl Rounds {
    /// Keeps a round, the first aside.
    fn keep(&mut self, round: usize, mut slices: Vec<(usize, Slice)>) {
        slices.sort_by_key(|(at, _)| *at);
        if round > 0 {
            self.kept.push(slices);
        }
    }

    fn print(&self, noun: &str) {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            let of = |f: &dyn Fn(&Slice) -> f64| {
                median(self.kept.iter().map(|round| f(&round[at].1)).collect())
            };
            println!(
                "  {:<9} {:>6.2} µs server CPU a {noun}, {:>7.0} {noun}s/s",
                kind.name(),
                of(&Slice::cpu_each) * 1e6,
                of(&Slice::rate),
            );
        }
        let floor = self.ratio(Kind::Decoding, Slice::cpu_each);
        println!("  server CPU, decoding / echo: {}", Spread::of(floor));
    }

    /// Of each round, what `kind` needed in terms of the echo.
    fn ratio(&self, kind: Kind, f: impl Fn(&Slice) -> f64) -> Vec<f64> {
        let at = Kind::ALL.iter().position(|other| *other == kind).unwrap_or(0);
        self.kept.iter().map(|round| f(&round[at].1) / f(&round[0].1)).collect()
    }
}

fn judge(what: &str, ratios: Vec<f64>, fits: impl Fn(f64) -> bool) {
    let spread = Spread::of(ratios);
    let verdict = if fits(spread.median) { "within" } else { "over" };
    println!("  {what}: {spread}: {verdict} budget");
}

/// Median and quartiles of some ratios.
struct Spread {
    low: f64,
    median: f64,
    high: f64,
    n: usize,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
        Spread { low: at(1), median: at(2), high: at(3), n: values.len() }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "median {:.3} (quartiles {:.3} to {:.3}, n={})",
            self.median, self.low, self.high, self.n
        )
    }
}

fn median(values: Vec<f64>) -> f64 {
    Spread::of(values).median
}
