//! How long a start takes over many reports, and what they take in memory and on disk.
//!
//! A store is filled in process, through the archive. Then the server is started over it as a
//! process of its own: after an orderly stop, after a kill under load, and with its index deleted.
//! What is waited for is the answer to a call that reads the last write.
//!
//! `NIANBAO_BENCH_REPORTS` says how many reports, `NIANBAO_BENCH_CACHE_MIB` how much the store may
//! cache. The budgets are for 500 000; by default it is a twenty-fifth, which takes a minute.
//! The files that are read have just been written, so the system still has them in memory.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark is a program that prints, and fails loudly"
)]

mod filling;
#[path = "../rig/mod.rs"]
mod rig;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nianbao::pb::admin_service_client::AdminServiceClient;
use nianbao::pb::{GetReportRequest, GetServerInfoRequest, JournalInfo};
use prost::Message as _;
use prost::bytes::Bytes;

use filling::Filling;
use rig::Result;
use rig::load::Client;
use rig::process::Process;
use rig::servers::{Kind, SUBMIT, served};
use rig::supply::Supply;

/// For so many the budgets are.
const REPORTS_BUDGET: usize = 500_000;
/// Until a server answers after an orderly stop.
const CLEAN_MAX: Duration = Duration::from_secs(5);
/// Until a server answers that has no index.
const REBUILD_MAX: Duration = Duration::from_secs(60);
/// Resident memory a report, beside the cache.
const REPORT_BYTES_MAX: f64 = 2048.0;

/// Of `cargo bench`, and of a test.
const REPORTS: [usize; 2] = [20_000, 500];
/// The default of the server.
const CACHE_MIB: usize = 256;
/// Reports that one organ files, one a year.
const YEARS: usize = 10;
/// Calls under way at once.
const IN_FLIGHT: usize = 64;

fn main() -> Result<()> {
    if served()? {
        return Ok(());
    }
    let benched = std::env::args().any(|arg| arg == "--bench");
    let reports = number("NIANBAO_BENCH_REPORTS", REPORTS[usize::from(!benched)])?;
    let cache_mib = number("NIANBAO_BENCH_CACHE_MIB", CACHE_MIB)?.try_into()?;
    let folder = rig::folder()?;
    println!("{reports} reports, {cache_mib} MiB of cache");
    fill(folder.path(), reports, cache_mib)?;
    let mut bench = Bench { folder: folder.path().into(), reports, extra: 0, cache_mib };
    bench.starts()?;
    drop(folder);
    rewrites(reports.div_ceil(10), cache_mib)
}

fn number(variable: &str, default: usize) -> Result<usize> {
    match std::env::var(variable) {
        Ok(text) => Ok(text.parse::<usize>().map_err(|e| format!("{variable}: {e}"))?.max(YEARS)),
        Err(_) => Ok(default),
    }
}

fn fill(folder: &Path, reports: usize, cache_mib: u64) -> Result<()> {
    let filling = Filling::open(folder, cache_mib, Supply::new(organs(reports))?)?;
    filling.register()?;
    println!("\nfilled in process");
    rate("reports submitted", reports, filling.submit(reports)?);
    println!("  closed in {:.2} s", filling.close().as_secs_f64());
    disk(folder, reports)
}

/// How often the content of every report can be written anew, and what that leaves on disk.
fn rewrites(reports: usize, cache_mib: u64) -> Result<()> {
    let folder = rig::folder()?;
    println!("\n{reports} reports, written anew three times");
    let filling = Filling::open(folder.path(), cache_mib, Supply::new(organs(reports))?)?;
    filling.register()?;
    rate("reports submitted", reports, filling.submit(reports)?);
    for round in 1..=3 {
        rate("reports returned and submitted", reports, filling.rewrite(reports, round)?);
    }
    filling.close();
    disk(folder.path(), reports)
}

fn organs(reports: usize) -> usize {
    reports.div_ceil(YEARS)
}

fn rate(what: &str, count: usize, time: Duration) {
    let seconds = time.as_secs_f64();
    println!("  {what} in {seconds:.1} s: {:.0} a second", ratio(count) / seconds);
}

fn ratio(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn disk(folder: &Path, reports: usize) -> Result<()> {
    for part in ["journal", "index"] {
        let bytes = rig::disk_bytes(&folder.join(part))?;
        println!(
            "  {part} on disk: {:.0} MiB, {:.0} bytes a report",
            mib(bytes),
            mib(bytes) * 1_048_576.0 / ratio(reports)
        );
    }
    Ok(())
}

/// Whole numbers of KiB are exact far beyond what a disk holds.
fn mib(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0
}

/// A store and what is in it.
struct Bench {
    folder: PathBuf,
    reports: usize,
    /// Submitted over the wire, beyond the reports.
    extra: usize,
    cache_mib: u64,
}

impl Bench {
    fn starts(&mut self) -> Result<()> {
        for _ in 0..2 {
            let process = self.start("after an orderly stop", Some(CLEAN_MAX))?;
            println!("  stopped in {:.2} s", process.stop()?.as_secs_f64());
        }
        for _ in 0..2 {
            let process = self.start("after an orderly stop", None)?;
            self.load(&process)?;
            process.kill()?;
            let process = self.start("after a kill under load", None)?;
            println!("  stopped in {:.2} s", process.stop()?.as_secs_f64());
        }
        for _ in 0..2 {
            fs::remove_dir_all(self.folder.join("index"))?;
            let process = self.start("from the journal alone", Some(REBUILD_MAX))?;
            println!("  stopped in {:.2} s", process.stop()?.as_secs_f64());
        }
        disk(&self.folder, self.reports + self.extra)
    }

    /// Starts a server, and waits until it answers with the last write.
    fn start(&self, how: &str, budget: Option<Duration>) -> Result<Process> {
        println!("\nstart {how}");
        let process = Process::start(Kind::Nianbao, &self.folder, self.cache_mib)?;
        let listens = process.started.elapsed();
        let last = self.supply()?.report(self.reports + self.extra - 1)?;
        let read = async {
            let client = Client::connect(&process.address).await?;
            let name = format!("{}/reports/{}-own", last.organ, last.year);
            client.call(GET, get(name)).await?;
            let answered = process.started.elapsed();
            let url = format!("http://{}", process.address);
            let mut admin = AdminServiceClient::connect(url).await?;
            let info = admin.get_server_info(GetServerInfoRequest {}).await?.into_inner();
            let journal = info.journal.unwrap_or_default();
            Ok((answered, journal))
        };
        let (answered, journal) = on_the_wire(read)?;
        let JournalInfo { replayed_entries, index_rebuilt, .. } = journal;
        println!(
            "  listens after {:.2} s, answers after {:.2} s{}",
            listens.as_secs_f64(),
            answered.as_secs_f64(),
            self.verdict(budget.map(|budget| answered <= budget))
        );
        let rebuilt = if index_rebuilt { ", index built anew" } else { "" };
        println!("  {replayed_entries} entries read into the index{rebuilt}");
        self.memory("after the start", &process)?;
        Ok(process)
    }

    /// Whether a budget is met, where there are as many reports as it is for.
    fn verdict(&self, fits: Option<bool>) -> &'static str {
        match fits.filter(|_| self.reports >= REPORTS_BUDGET) {
            Some(true) => ": within budget",
            Some(false) => ": over budget",
            None => "",
        }
    }

    fn memory(&self, when: &str, process: &Process) -> Result<()> {
        let (now, most) = process.memory()?;
        let cache = f64::from(u32::try_from(self.cache_mib)?);
        let beside = (mib(now) - cache).max(0.0) * 1_048_576.0 / ratio(self.reports + self.extra);
        println!(
            "  resident {when}: {:.0} MiB, {:.0} at most; beside the cache {beside:.0} bytes a \
             report{}",
            mib(now),
            mib(most),
            self.verdict(Some(beside <= REPORT_BYTES_MAX))
        );
        Ok(())
    }

    /// Reads all over the store and submits the reports of one more year, by turns.
    fn load(&mut self, process: &Process) -> Result<()> {
        let year = organs(self.reports);
        let supply = self.supply()?;
        let mut requests = Vec::with_capacity(4 * year);
        for number in 0..year {
            let submission =
                rig::supply::submission(supply.report(self.reports + self.extra + number)?);
            requests.push((SUBMIT, Bytes::from(submission.encode_to_vec())));
            for read in 0..3 {
                // All years by turns.
                let of = (number * 3 + read) * (year + 1) % self.reports;
                let report = supply.report(of)?;
                requests.push((GET, get(format!("{}/reports/{}-own", report.organ, report.year))));
            }
        }
        let (count, start) = (requests.len(), Instant::now());
        on_the_wire(async {
            let client = Client::connect(&process.address).await?;
            client.calls(process, IN_FLIGHT, requests).await
        })?;
        self.extra += year;
        rate("calls, three reads to a submission,", count, start.elapsed());
        self.memory("under load", process)
    }

    fn supply(&self) -> Result<Supply> {
        Supply::new(organs(self.reports))
    }
}

/// Runs a client. Its connections are closed when this returns, so that no server waits for them.
fn on_the_wire<T>(client: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(client)
}

/// The method that reads a report.
const GET: &str = "/nianbao.v1.ReportService/GetReport";

fn get(name: String) -> Bytes {
    GetReportRequest { name, ..GetReportRequest::default() }.encode_to_vec().into()
}
