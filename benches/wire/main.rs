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

#[path = "../rig/mod.rs"]
mod rig;

use std::time::Duration;

use nianbao::pb::{ValidateReportRequest, ValidateReportResponse, ValidateReportsResponse};
use prost::Message as _;
use prost::bytes::Bytes;

use rig::Result;
use rig::load::{Client, Slice};
use rig::process::Process;
use rig::ratios::{Rounds, Spread, judge, turns};
use rig::servers::{Kind, VALIDATE, VALIDATE_STREAM, served};

/// `ValidateReport`: processor time of the server, in those of the echo.
const UNARY_CPU_MAX: f64 = 1.15;
/// `ValidateReports`: messages a second, in those of the echo.
const STREAM_RATE_MIN: f64 = 0.8;

/// Validation stores nothing, so any cache will do.
const CACHE_MIB: u64 = 64;

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
    if served()? {
        return Ok(());
    }
    let given = |flag: &str| std::env::args().any(|arg| arg == flag);
    // Only `cargo bench` says `--bench`: as a test the program is to be short.
    let plan = if given("--quick") || !given("--bench") { QUICK } else { FULL };
    let folder = rig::folder()?;
    let start = |kind| Process::start(kind, folder.path(), CACHE_MIB);
    // The servers outlive the runtime, whose end closes the connections that they wait for.
    let servers: Vec<Process> = Kind::VALIDATING.into_iter().map(start).collect::<Result<_>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done =
        runtime.block_on(async { tokio::time::timeout(plan.time_max, run(&plan, &servers)).await });
    drop(runtime);
    done?
}

async fn run(plan: &Plan, processes: &[Process]) -> Result<()> {
    let request = ValidateReportRequest { report: Some(rig::supply::report()?.into()) };
    let request: Bytes = request.encode_to_vec().into();
    println!("request: {} bytes, one full report", request.len());
    let mut servers = Vec::new();
    for (kind, process) in Kind::VALIDATING.into_iter().zip(processes) {
        let client = Client::connect(&process.address).await?;
        check(kind, &request, client.call(VALIDATE, request.clone()).await?)?;
        servers.push((kind, process, client));
    }
    for in_flight in [1, 16, 64] {
        let mut rounds = Rounds::default();
        // The first round warms up and is not kept; every second one runs backwards.
        for round in 0..=plan.rounds {
            let mut slices = Vec::new();
            for at in turns(servers.len(), round) {
                let (_, process, client) = &servers[at];
                let requests = vec![request.clone(); plan.calls];
                slices.push((at, client.unary(process, VALIDATE, in_flight, requests).await?));
            }
            rounds.keep(round, slices);
        }
        println!("\nValidateReport, {in_flight} in flight, {} calls a slice", plan.calls);
        print(&rounds, "call");
        let ratio = ratio(&rounds, Kind::Nianbao, Slice::cpu_each);
        judge("server CPU a call, nianbao / echo", ratio, |r| r <= UNARY_CPU_MAX);
    }
    let mut rounds = Rounds::default();
    for round in 0..=plan.stream_rounds {
        let mut slices = Vec::new();
        for at in turns(servers.len(), round) {
            let (kind, process, client) = &servers[at];
            let requests = vec![request.clone(); plan.messages];
            let (slice, last) = client.stream(process, VALIDATE_STREAM, requests).await?;
            check_last(*kind, &request, last, plan.messages)?;
            slices.push((at, slice));
        }
        rounds.keep(round, slices);
    }
    println!("\nValidateReports, one stream of {}", plan.messages);
    print(&rounds, "message");
    let ratio = ratio(&rounds, Kind::Nianbao, Slice::rate);
    judge("messages a second, nianbao / echo", ratio, |r| r >= STREAM_RATE_MIN);
    Ok(())
}

/// Looks at the answer to a call.
fn check(kind: Kind, request: &Bytes, answer: Bytes) -> Result<()> {
    let fits = match kind {
        Kind::Echo => answer == request,
        Kind::Decoding | Kind::Keeping | Kind::Nianbao => {
            let answer = ValidateReportResponse::decode(answer)?;
            answer.findings.is_empty() && answer.counts.is_some()
        }
    };
    if fits { Ok(()) } else { Err(format!("the server {} answers wrong", kind.name()).into()) }
}

/// Looks at the last answer of a stream.
fn check_last(kind: Kind, request: &Bytes, last: Bytes, messages: usize) -> Result<()> {
    let fits = match kind {
        Kind::Echo => last == request,
        Kind::Decoding | Kind::Keeping | Kind::Nianbao => {
            let last = ValidateReportsResponse::decode(last)?;
            last.findings.is_empty() && usize::try_from(last.index)? == messages - 1
        }
    };
    if fits { Ok(()) } else { Err(format!("the stream of {} ends wrong", kind.name()).into()) }
}

fn print(rounds: &Rounds, noun: &str) {
    for (at, kind) in Kind::VALIDATING.into_iter().enumerate() {
        println!(
            "  {:<9} {:>6.2} µs server CPU a {noun}, {:>7.0} {noun}s/s",
            kind.name(),
            rounds.median(at, Slice::cpu_each) * 1e6,
            rounds.median(at, Slice::rate),
        );
    }
    let floor = ratio(rounds, Kind::Decoding, Slice::cpu_each);
    println!("  server CPU, decoding / echo: {}", Spread::of(floor));
}

/// Of each round, what `kind` needed in terms of the echo.
fn ratio(rounds: &Rounds, kind: Kind, f: impl Fn(&Slice) -> f64) -> Vec<f64> {
    let at = Kind::VALIDATING.iter().position(|other| *other == kind).unwrap_or(0);
    rounds.each(|round| f(&round[at]) / f(&round[0]))
}
