//! What a sum costs: over 40 000 organs in four levels, some years, each with its report.
//!
//! A store is filled in process, through the archive, and opened anew. Then questions are asked of
//! the roll-up on this thread, and the processor time of this thread is what is printed: median and
//! largest of ten, of a thousand where sums are kept. A plain loop that adds the same figures from
//! an array is the measure: it does what any program must, and nothing else.
//!
//! DuckDB is asked for the same sums of the same figures, exported to it as Parquet, on one thread
//! (`benches/sums_in_duckdb.py`; `./test --with python -- cargo bench --bench rollup` installs it).
//!
//! `NIANBAO_BENCH_ORGANS` says how many organs, `NIANBAO_BENCH_YEARS` how many years, two where it
//! says nothing.

#![allow(
    clippy::print_stdout,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark is a program that prints, and fails loudly"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use nianbao::archive::{Archive, Caller, INDEX, Moment, Step, Submission, Version, What};
use nianbao::export::{Export, Piece};
use nianbao::form::{Amount, CELLS};
use nianbao::names::{OrganId, ReportId};
use nianbao::pb::get_coverage_request::Only;
use nianbao::pb::{
    Affiliation, Basis, ExportContent, ExportFormat, ExportHeads, GroupBy, Organ, OrganTree,
    Report, Scope, organ,
};
use nianbao::rollup::{Filter, Question, Rollup, contributions, coverage, records, sums};
use nianbao::store::{Options, Position, Store};
use rust_decimal::Decimal;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Of `cargo bench`, and of a test.
const ORGANS: [usize; 2] = [40_000, 300];
/// The first year, and how many there are at least.
const FIRST_YEAR: i32 = 2022;
const YEARS: usize = 2;
/// Writes under way at once: what fills a commit group.
const IN_FLIGHT: usize = 256;
/// Reports of the last year that wait to be accepted while questions are asked.
const WAITING: usize = 12;
/// Questions about what is kept, each.
const CALLS: usize = 1000;
/// Any subtree of a tree that is kept.
const WARM_MAX: Duration = Duration::from_micros(100);
/// Filtered or grouped.
const FLAT_MAX: Duration = Duration::from_millis(50);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let benched = std::env::args().any(|arg| arg == "--bench");
    let organs = match std::env::var("NIANBAO_BENCH_ORGANS") {
        Ok(text) => text.parse::<usize>()?.max(ORGANS[1]),
        Err(_) => ORGANS[usize::from(!benched)],
    };
    let count = match std::env::var("NIANBAO_BENCH_YEARS") {
        Ok(text) => text.parse::<usize>()?.max(YEARS),
        Err(_) => YEARS,
    };
    let years: Vec<i32> = (FIRST_YEAR..).take(count).collect();
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let start = Instant::now();
    let middle = fill(&runtime, folder.path(), organs, &years)?;
    println!("{organs} organs, {years:?}, filled in {:.1} s\n", start.elapsed().as_secs_f64());
    // A small cache, so that what grows is the roll-up.
    let options = Options { cache_bytes: 16 << 20, ..Options::default() };
    let archive = Archive::new(Store::open(folder.path(), INDEX, options)?);
    let bench = Bench { rollup: Rollup::new(archive.clone()), archive, organs, years };
    bench.load()?;
    bench.warm()?;
    bench.written(&runtime)?;
    bench.flat(benched)?;
    bench.as_of(middle)
}

/// The parent of an organ: 1 at the top, 30 provinces, 10 cities each, 12 counties each, and what
/// remains below the counties.
fn parent(number: usize) -> Option<usize> {
    match number {
        0 => None,
        1..=30 => Some(0),
        31..=330 => Some(1 + (number - 31) % 30),
        331..=3930 => Some(31 + (number - 331) % 300),
        _ => Some(331 + number % 3600),
    }
}

fn id(number: usize) -> OrganId {
    OrganId::parse(&format!("organ-{number:07}")).unwrap()
}

fn registration(number: usize) -> Organ {
    let affiliation = |parent| Affiliation {
        parent: id(parent).to_string(),
        from_year: 2019,
        ..Affiliation::default()
    };
    let (level, kind) = match number {
        0 => (organ::Level::National, organ::Kind::GovernmentOffice),
        1..=30 => (organ::Level::Province, organ::Kind::GovernmentOffice),
        31..=330 => (organ::Level::Prefecture, organ::Kind::GovernmentOffice),
        331..=3930 => (organ::Level::County, organ::Kind::GovernmentOffice),
        _ if number.is_multiple_of(3) => (organ::Level::Township, organ::Kind::Township),
        _ => (organ::Level::County, organ::Kind::Department),
    };
    Organ {
        display_name: format!("第{number}机关"),
        affiliations: parent(number).map(affiliation).into_iter().collect(),
        level: level as i32,
        kind: kind as i32,
        sector: ["housing", "police", "health"][number % 3].to_owned(),
        ..Organ::default()
    }
}

fn caller(principal: &str, method: &'static str) -> Caller {
    Caller { principal: principal.to_owned(), method, ..Caller::default() }
}

/// Fills a store, and answers the position after the first year.
fn fill(runtime: &Runtime, folder: &Path, organs: usize, years: &[i32]) -> Result<Position> {
    let archive = Archive::new(Store::open(folder, INDEX, Options::default())?);
    let json = include_str!("../tests/fixtures/housing-2023.json");
    let report: Report = serde_json::from_str(json)?;
    // A level after the other: parents come first.
    for numbers in [0..1, 1..31, 31..331, 331..3931, 3931..organs] {
        let numbers = numbers.start.min(organs)..numbers.end.min(organs);
        each(runtime, numbers, |number| {
            let archive = archive.clone();
            async move {
                let caller = caller("bench", "CreateOrgan");
                let organ = registration(number);
                archive.create_organ(&caller, &id(number), organ).await.map(|_| ())
            }
        })?;
    }
    let mut middle = Position::START;
    for &year in years {
        let waiting = if Some(&year) == years.last() { organs - WAITING } else { organs };
        each(runtime, 0..organs, |number| {
            let (archive, mut report) = (archive.clone(), report.clone());
            report.organ = id(number).to_string();
            report.year = year;
            async move { file(&archive, report, number < waiting).await }
        })?;
        // Every city declares its region too.
        each(runtime, 31.min(organs)..331.min(organs), |number| {
            let (archive, mut report) = (archive.clone(), report.clone());
            report.organ = id(number).to_string();
            (report.year, report.scope) = (year, Scope::Region as i32);
            async move { file(&archive, report, true).await }
        })?;
        middle = if year == FIRST_YEAR { archive.store().position() } else { middle };
    }
    archive.store().close();
    Ok(middle)
}

async fn file(
    archive: &Archive,
    report: Report,
    accepted: bool,
) -> std::result::Result<(), nianbao::failure::Failure> {
    let id = ReportId::of(&report).unwrap();
    let (what, as_published) =
        (What::Report(Box::new(report)), Some("已公布，无法更正".to_owned()));
    let submission = Submission { what, as_published, etag: String::new() };
    archive.submit(&caller("clerk", "SubmitReport"), submission).await?;
    if accepted {
        accept(archive, &id).await?;
    }
    Ok(())
}

async fn accept(
    archive: &Archive,
    id: &ReportId,
) -> std::result::Result<(), nianbao::failure::Failure> {
    archive.step(&caller("reviewer", "AcceptReport"), id, "", Step::Accept).await.map(|_| ())
}

/// Does the work of these numbers, many at a time.
fn each<W>(
    runtime: &Runtime,
    numbers: std::ops::Range<usize>,
    work: impl Fn(usize) -> W,
) -> Result<()>
where
    W: Future<Output = std::result::Result<(), nianbao::failure::Failure>> + Send + 'static,
{
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for number in numbers {
            if tasks.len() == IN_FLIGHT
                && let Some(done) = tasks.join_next().await
            {
                done??;
            }
            tasks.spawn(work(number));
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(())
    })
}

struct Bench {
    archive: Archive,
    rollup: Rollup,
    organs: usize,
    years: Vec<i32>,
}

fn question(organ: usize, basis: Basis, filter: &str) -> Question {
    Question {
        organ: id(organ),
        basis,
        tree: OrganTree::OfYear,
        tree_year: 0,
        filter: Filter::parse(filter).unwrap(),
        include_unaccepted: false,
        moment: Moment::Now,
    }
}

/// Processor time of this thread.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = ThreadTime::now();
    let out = work();
    (out, start.elapsed())
}

/// Median and largest of ten.
fn ten(work: impl FnMut()) -> (Duration, Duration) {
    times(10, work)
}

/// Median and largest of so many.
fn times(count: usize, mut work: impl FnMut()) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..count).map(|_| timed(&mut work).1).collect();
    times.sort_unstable();
    (times[count / 2], times[count - 1])
}

fn print(what: &str, (median, largest): (Duration, Duration), budget: Option<Duration>) {
    let word = match budget {
        Some(budget) if median > budget => format!(", budget {budget:?}: over"),
        Some(budget) => format!(", budget {budget:?}: within"),
        None => String::new(),
    };
    println!("  {what:<44} {median:>9.1?}, at most {largest:>9.1?}{word}");
}

/// Resident memory, where the system tells.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(statm.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

impl Bench {
    fn sum(&self, organ: usize, year: i32, basis: Basis) -> i32 {
        let question = question(organ, basis, "");
        let sums = sums(&self.rollup, &question, &[year], GroupBy::Unspecified, false).unwrap();
        sums[0].coverage.as_ref().unwrap().included
    }

    /// The last year.
    fn last(&self) -> i32 {
        *self.years.last().unwrap()
    }

    fn load(&self) -> Result<()> {
        println!("first question");
        let (included, time) = timed(|| self.sum(0, FIRST_YEAR, Basis::Parts));
        assert_eq!(included, i32::try_from(self.organs)?);
        print("organs, the first year, its sum", (time, time), None);
        let before = resident();
        let mut times = Vec::new();
        for &year in &self.years[1..] {
            times.push(timed(|| self.sum(0, year, Basis::Parts)).1);
        }
        times.sort_unstable();
        let (median, largest) = (times[times.len() / 2], times[times.len() - 1]);
        print("another year, its sum", (median, largest), None);
        if let Some((before, after)) = before.zip(resident()) {
            let reports = self.organs * (self.years.len() - 1);
            let bytes = after.saturating_sub(before) / reports;
            println!("  {bytes} bytes of memory a report, kept sums with it\n");
        }
        Ok(())
    }

    fn warm(&self) -> Result<()> {
        println!("sums that are kept");
        for basis in [Basis::Parts, Basis::Declared] {
            let (_, time) = timed(|| self.sum(0, self.last(), basis));
            print(&format!("{}, the first", basis.as_str_name()), (time, time), None);
            for (what, organ) in [("the top", 0), ("a province", 7), ("a city", 99)] {
                let time = times(CALLS, || _ = self.sum(organ, self.last(), basis));
                print(&format!("{}, {what}", basis.as_str_name()), time, Some(WARM_MAX));
            }
            let leaf = self.organs - 100;
            let time = times(CALLS, || _ = self.sum(leaf, self.last(), basis));
            print(&format!("{}, a department", basis.as_str_name()), time, Some(WARM_MAX));
        }
        println!();
        Ok(())
    }

    fn written(&self, runtime: &Runtime) -> Result<()> {
        println!("after a write");
        let mut times = Vec::new();
        for number in self.organs - WAITING..self.organs - 2 {
            let id = ReportId { organ: id(number), year: self.last(), scope: Scope::Own };
            runtime.block_on(accept(&self.archive, &id))?;
            times.push(timed(|| self.sum(0, self.last(), Basis::Parts)).1);
        }
        times.sort_unstable();
        print("the top, one report accepted before", (times[5], times[9]), None);
        println!();
        Ok(())
    }

    fn flat(&self, benched: bool) -> Result<()> {
        println!("sums that are not kept");
        let rows = self.rows()?;
        let mut sums = vec![0_i128; CELLS.len()];
        let plain = ten(|| {
            for row in &rows {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += i128::from(*value);
                }
            }
            std::hint::black_box(&mut sums);
        });
        print("a plain loop over the same figures", plain, None);
        // A test has no Python at hand.
        let duckdb = if benched { Some(self.duckdb()?) } else { None };
        for (what, filter, group_by) in [
            ("filtered by kind", "kind = DEPARTMENT", GroupBy::Unspecified),
            ("by level", "", GroupBy::Level),
            ("by child", "", GroupBy::Child),
            ("filtered by sector, by kind", "sector = housing", GroupBy::Kind),
        ] {
            let question = question(0, Basis::Parts, filter);
            let time = ten(|| {
                let sums = self::sums(&self.rollup, &question, &[FIRST_YEAR], group_by, false);
                std::hint::black_box(sums.unwrap());
            });
            print(what, time, Some(FLAT_MAX));
            let ratio = time.0.as_secs_f64() / plain.0.as_secs_f64();
            println!("  {:<44} {ratio:>8.2}", "  in plain loops");
            let Some(theirs) = duckdb.as_ref().and_then(|answers| answers[what].get("seconds"))
            else {
                continue;
            };
            let theirs = Duration::from_secs_f64(theirs.as_f64().unwrap());
            let ratio = time.0.as_secs_f64() / theirs.as_secs_f64();
            println!("  {:<44} {ratio:>8.2} of DuckDB, {theirs:.1?}", "");
        }
        let question = question(0, Basis::Declared, "");
        let time = ten(|| {
            let page = coverage(&self.rollup, &question, FIRST_YEAR, Only::Missing, None, 1000);
            std::hint::black_box(page.unwrap());
        });
        print("GetCoverage of the top, what is missing", time, None);
        let time = ten(|| {
            let cell = "requests.granted.total";
            let page = contributions(&self.rollup, &question, FIRST_YEAR, cell, None, 1000);
            std::hint::black_box(page.unwrap());
        });
        print("ListContributions of the top, a page of 1000", time, None);
        println!();
        Ok(())
    }

    /// What DuckDB takes for sums of the first year, and that they are ours.
    fn duckdb(&self) -> Result<serde_json::Value> {
        let question = question(0, Basis::Parts, "");
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("figures.parquet");
        let (content, group_by) = (ExportContent::Reports, GroupBy::Unspecified);
        let (size, time) = timed(|| -> Result<usize> {
            let listed = records(&self.rollup, &question, &[FIRST_YEAR], content, group_by)?;
            let heads = ExportHeads::Unspecified;
            let format = ExportFormat::Parquet;
            let mut export = Export::new(self.archive.clone(), listed, format, heads)?;
            let mut file = std::fs::File::create(&path)?;
            let mut size = 0;
            while let Some(Piece::Data(piece)) = export.advance()? {
                size += piece.len();
                file.write_all(&piece)?;
            }
            Ok(size)
        });
        let rows = format!("a year exported as Parquet, {} bytes a report", size? / self.organs);
        print(&rows, (time, time), None);
        let output =
            Command::new("python3").arg("benches/sums_in_duckdb.py").arg(&path).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let hint = "run it by: ./test --with python -- cargo bench --bench rollup";
        assert!(output.status.success(), "{said}\n{hint}");
        let answers: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let ours = sums(&self.rollup, &question, &[FIRST_YEAR], GroupBy::Unspecified, false)?;
        let theirs = &answers["the top"]["sums"];
        for cell in &ours[0].cells {
            let value: Decimal = theirs[&cell.field_path][0].as_str().unwrap().parse()?;
            assert_eq!(value, cell.value.parse::<Decimal>()?, "{}", cell.field_path);
        }
        let seconds = answers["the top"]["seconds"].as_f64().unwrap();
        let time = Duration::from_secs_f64(seconds);
        print("DuckDB, the top", (time, time), None);
        let kept = times(CALLS, || _ = self.sum(0, FIRST_YEAR, Basis::Parts)).0;
        println!("  {:<44} {:>8.5}", "  a kept sum of it", kept.as_secs_f64() / seconds);
        Ok(answers)
    }

    /// The figures of the first year, as an array has them.
    fn rows(&self) -> Result<Vec<Vec<i64>>> {
        let mut rows = Vec::new();
        for number in 0..self.organs {
            let id = ReportId { organ: id(number), year: FIRST_YEAR, scope: Scope::Own };
            let report = self.archive.report_at(&id, Version::Effective, Moment::Now)?;
            let count = |amount| match amount {
                Some(Amount::Count(count)) => count,
                _ => 0,
            };
            rows.push(CELLS.iter().map(|cell| count(cell.get(&report))).collect());
        }
        Ok(rows)
    }

    fn as_of(&self, middle: Position) -> Result<()> {
        println!("as it stood, after the first year was filed");
        let question =
            Question { moment: Moment::Position(middle), ..question(0, Basis::Parts, "") };
        let ask = || {
            sums(&self.rollup, &question, &[FIRST_YEAR], GroupBy::Unspecified, false).map(|_| ())
        };
        let (done, time) = timed(ask);
        done?;
        print("the top", (time, time), None);
        Ok(())
    }
}
