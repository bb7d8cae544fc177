//! Durable submissions, held against the least that they could cost: a bare echo of the same bytes
//! over the wire, and a bare append and sync of the same bytes.
//!
//! The budget speaks of rates: nianbao / (1 / (1/echo + 1/append)), each slice of nianbao held
//! against those of echo and append next to it, in one run. Each call submits another report; their
//! organs are registered before. Beside it stands the least service that decodes reports and keeps
//! them in a file and in sled (`rig/keeping.rs`): how near to the budget any such service comes,
//! and what nianbao costs beyond it.
//!
//! `--quick` takes seconds and judges nothing; it is also what runs outside of `cargo bench`. The
//! store lies beside what cargo builds, and is gone in the end.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark is a program that prints, and fails loudly"
)]

mod append;
#[path = "../rig/mod.rs"]
mod rig;

use std::time::Duration;

use nianbao::archive::{Archive, Caller, INDEX, Submission, What};
use nianbao::names::OrganId;
use nianbao::pb::{SubmitReportResponse, SubmitReportsResponse};
use nianbao::store::{Options, Position, Store};
use prost::Message as _;
use prost::bytes::Bytes;

use append::Append;
use rig::Result;
use rig::load::{Client, Slice};
use rig::process::Process;
use rig::ratios::{Rounds, Spread, judge, turns};
use rig::servers::{Kind, SUBMIT, SUBMIT_STREAM, served};
use rig::supply::Supply;

/// `SubmitReport`: calls a second, in those of echo and append one after another.
const RATIO_MIN: f64 = 0.7;

/// Memory for cached pages of the server: its default.
const CACHE_MIB: u64 = 256;

/// How much is run.
struct Plan {
    organs: usize,
    rounds: usize,
    calls: usize,
    stream_rounds: usize,
    messages: usize,
    time_max: Duration,
}

const FULL: Plan = Plan {
    organs: 10_000,
    rounds: 11,
    calls: 3200,
    stream_rounds: 7,
    messages: 6400,
    time_max: Duration::from_secs(600),
};

const QUICK: Plan = Plan {
    organs: 100,
    rounds: 3,
    calls: 64,
    stream_rounds: 3,
    messages: 200,
    time_max: Duration::from_secs(60),
};

fn main() -> Result<()> {
    if served()? {
        return Ok(());
    }
    let given = |flag: &str| std::env::args().any(|arg| arg == flag);
    // Only `cargo bench` says `--bench`: as a test the program is to be short.
    let plan = if given("--quick") || !given("--bench") { QUICK } else { FULL };
    let (folder, appended) = (rig::folder()?, rig::folder()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entry_bytes = runtime.block_on(entry_bytes())?;
    let append = Append::start(appended.path(), entry_bytes)?;
    // The servers outlive the runtime, whose end closes the connections that they wait for.
    let echo = Process::start(Kind::Echo, folder.path(), CACHE_MIB)?;
    let keeping = Process::start(Kind::Keeping, appended.path(), CACHE_MIB)?;
    let nianbao = Process::start(Kind::Nianbao, folder.path(), CACHE_MIB)?;
    let done = runtime.block_on(async {
        let mut run = Run {
            plan: &plan,
            supply: Supply::new(plan.organs)?,
            append: &append,
            echo: Server::connect(&echo).await?,
            keeping: Server::connect(&keeping).await?,
            nianbao: Server::connect(&nianbao).await?,
        };
        tokio::time::timeout(plan.time_max, run.all(entry_bytes)).await?
    });
    drop(runtime);
    append.end()?;
    done
}

/// What a report takes in the journal, its frame's head apart.
async fn entry_bytes() -> Result<usize> {
    let folder = rig::folder()?;
    let archive = Archive::new(Store::open(folder.path(), INDEX, Options::default())?);
    let supply = Supply::new(1)?;
    let caller = |method| Caller { method, ..Caller::default() };
    for request in supply.registrations() {
        let id = OrganId::parse(&request.organ_id).ok_or("no id of an organ")?;
        let organ = request.organ.unwrap_or_default();
        let created = archive.create_organ(&caller("CreateOrgan"), &id, organ).await;
        created.map_err(|failure| format!("{failure:?}"))?;
    }
    let what = What::Report(Box::new(supply.report(0)?));
    let submission = Submission { what, as_published: None, etag: String::new() };
    let filed = archive.submit(&caller("SubmitReport"), submission).await;
    let position = filed.map_err(|failure| format!("{failure:?}"))?.receipt;
    let position: Position = position.ok_or("nothing was written")?.position.parse()?;
    let before = Position::from_number(position.number() - 1);
    let entry = archive.store().follow(before, 1)?.pop().ok_or("no entry")?.entry;
    let length = entry.encoded_len();
    Ok(1 + prost::length_delimiter_len(length) + length)
}

/// A server with its client.
struct Server<'a> {
    process: &'a Process,
    client: Client,
}

impl<'a> Server<'a> {
    async fn connect(process: &'a Process) -> Result<Self> {
        Ok(Server { process, client: Client::connect(&process.address).await? })
    }

    async fn unary(&self, in_flight: usize, requests: Vec<Bytes>) -> Result<Slice> {
        self.client.unary(self.process, SUBMIT, in_flight, requests).await
    }
}

/// A run under way.
struct Run<'a> {
    plan: &'a Plan,
    supply: Supply,
    append: &'a Append,
    echo: Server<'a>,
    keeping: Server<'a>,
    nianbao: Server<'a>,
}

/// The places of a round.
const ECHO: usize = 0;
const APPEND: usize = 1;
const KEEPING: usize = 2;
const NIANBAO: usize = 3;

impl Run<'_> {
    async fn all(&mut self, entry_bytes: usize) -> Result<()> {
        self.register().await?;
        let request = self.supply.submissions(1)?.remove(0);
        println!("request: {} bytes; entry in the journal: {entry_bytes} bytes", request.len());
        let kept = self.keeping.client.call(SUBMIT, request.clone()).await?;
        if SubmitReportResponse::decode(kept)?.report.is_none() {
            return Err("the report was not kept".into());
        }
        let answer = self.nianbao.client.call(SUBMIT, request).await?;
        if SubmitReportResponse::decode(answer)?.receipt.is_none() {
            return Err("the report was not taken".into());
        }
        for in_flight in [1, 16, 64] {
            self.unary(in_flight).await?;
        }
        self.stream(64).await
    }

    /// Registers the organs, the parent of all others first.
    async fn register(&self) -> Result<()> {
        let create = "/nianbao.v1.OrganService/CreateOrgan";
        let Server { process, client } = &self.nianbao;
        let mut requests = self.supply.registrations().into_iter();
        let mut encoded = requests.by_ref().map(|request| request.encode_to_vec().into());
        client.call(create, encoded.next().ok_or("no organ")?).await?;
        let rest = encoded.collect();
        client.unary(process, create, 64, rest).await?;
        Ok(())
    }

    async fn unary(&mut self, in_flight: usize) -> Result<()> {
        let calls = self.plan.calls;
        let mut rounds = Rounds::default();
        for round in 0..=self.plan.rounds {
            let mut slices = Vec::new();
            let requests = self.supply.submissions(calls)?;
            for at in turns(4, round) {
                let slice = match at {
                    ECHO => self.echo.unary(in_flight, requests.clone()).await?,
                    APPEND => self.append.slice(in_flight, calls).await?,
                    KEEPING => self.keeping.unary(in_flight, requests.clone()).await?,
                    _ => self.nianbao.unary(in_flight, requests.clone()).await?,
                };
                slices.push((at, slice));
            }
            rounds.keep(round, slices);
        }
        println!("\nSubmitReport, {in_flight} in flight, {calls} calls a slice");
        let rate = |at| rounds.median(at, Slice::rate);
        let cpu = |at| rounds.median(at, Slice::cpu_each) * 1e6;
        println!("  append  {:>7.0} writes/s", rate(APPEND));
        for (at, name) in [(ECHO, "echo"), (KEEPING, "keeping"), (NIANBAO, "nianbao")] {
            println!(
                "  {name:<7} {:>7.0} calls/s, {:>6.2} µs server CPU a call",
                rate(at),
                cpu(at)
            );
        }
        let of_least = |at: usize| {
            rounds.each(move |round| {
                let least = 1.0 / round[ECHO].rate() + 1.0 / round[APPEND].rate();
                round[at].rate() * least
            })
        };
        println!("  keeping / (1 / (1/echo + 1/append)): {}", Spread::of(of_least(KEEPING)));
        judge("nianbao / (1 / (1/echo + 1/append))", of_least(NIANBAO), |r| r >= RATIO_MIN);
        let of_keeping = rounds.each(|round| round[NIANBAO].rate() / round[KEEPING].rate());
        println!("  nianbao / keeping: {}", Spread::of(of_keeping));
        Ok(())
    }

    /// The stream, held against unary calls.
    async fn stream(&mut self, in_flight: usize) -> Result<()> {
        let messages = self.plan.messages;
        let mut rounds = Rounds::default();
        for round in 0..=self.plan.stream_rounds {
            let mut slices = Vec::new();
            for at in turns(2, round) {
                let slice = match at {
                    0 => {
                        let requests = self.supply.submissions(messages)?;
                        self.nianbao.unary(in_flight, requests).await?
                    }
                    _ => self.stream_slice(messages).await?,
                };
                slices.push((at, slice));
            }
            rounds.keep(round, slices);
        }
        println!("\nSubmitReports, one stream of {messages}");
        for (at, what) in
            [format!("unary, {in_flight} in flight"), "stream".into()].iter().enumerate()
        {
            let (rate, cpu) = (rounds.median(at, Slice::rate), rounds.median(at, Slice::cpu_each));
            println!("  {what:<19} {rate:>7.0} reports/s, {:>6.2} µs server CPU each", cpu * 1e6);
        }
        let ratios = rounds.each(|round| round[1].rate() / round[0].rate());
        println!("  reports a second, stream / unary: {}", Spread::of(ratios));
        Ok(())
    }

    async fn stream_slice(&mut self, messages: usize) -> Result<Slice> {
        let Server { process, client } = &self.nianbao;
        let items = self.supply.items(messages)?;
        let (slice, last) = client.stream(process, SUBMIT_STREAM, items).await?;
        let last = SubmitReportsResponse::decode(last)?;
        match last.receipt.is_some() && usize::try_from(last.index)? == messages - 1 {
            true => Ok(slice),
            false => Err(format!("the stream ends wrong: {:?}", last.refusal).into()),
        }
    }
}
