//! The real server, killed again and again on one growing store.
//!
//! `NIANBAO_CRASH_ROUNDS=1000 cargo test --test integration crash` runs longer.

mod cut;
mod writers;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nianbao::archive::INDEX;
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Report};
use nianbao::store::{self, Hash, IndexState};
use tonic::transport::Channel;

use crate::support::{Numbers, register_organ};
use cut::{Cuts, Kept};
use writers::{Item, stream, write};

const ROUNDS: usize = 100;
const ORGANS: usize = 4;

/// What was acknowledged: by position the hash, and of each report the last step.
#[derive(Default)]
struct Acknowledged {
    hashes: BTreeMap<String, String>,
    steps: BTreeMap<String, (String, Report)>,
    /// How many were acknowledged in streams.
    streamed: usize,
    /// The stream that is under way, or was when the server was killed.
    stream: Vec<Item>,
    /// How many items were sent again, and answered as before.
    repeated: usize,
}

impl Acknowledged {
    fn note(&mut self, report: Report, receipt: pb::Receipt) {
        let before = self.hashes.insert(receipt.position.clone(), receipt.entry_hash);
        assert_eq!(before, None, "position {} was given twice", receipt.position);
        let step = self.steps.entry(report.name.clone()).or_default();
        if step.0 < receipt.position {
            *step = (receipt.position, report);
        }
    }

    /// An answer in a stream, which has what the server knows of the report, and not what was sent.
    fn note_streamed(&mut self, known: Report, sent: &Report, receipt: pb::Receipt) {
        let Report { overview, disclosure, requests, disputes, .. } = sent.clone();
        let Report { problems, other_matters, blanks, explanations, .. } = sent.clone();
        self.note(
            Report {
                overview,
                disclosure,
                requests,
                disputes,
                problems,
                other_matters,
                blanks,
                explanations,
                ..known
            },
            receipt,
        );
        self.streamed += 1;
    }
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nianbao"))
            .args(["serve", "--listen", "127.0.0.1:0", "--lang", "en", "--cache-mib", "16"])
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect("an address").to_owned();
        Server { child, address }
    }

    async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.address));
        endpoint.expect("an address").connect().await.expect("it listens")
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where an assertion failed nobody else ends it; where it has ended this does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every acknowledged step is there, or a later one; what it stored is whole.
async fn holds_all(channel: &Channel, known: &Acknowledged) {
    let mut client = ReportServiceClient::new(channel.clone());
    for (name, (position, expected)) in &known.steps {
        let request = pb::GetReportRequest {
            name: name.clone(),
            as_of_position: position.clone(),
            ..Default::default()
        };
        let then = client.get_report(request).await.expect("it is there").into_inner();
        assert_eq!(then, *expected, "{name} as it stood at {position}");
    }
}

/// The sum of each year is that of the reports that are read back one by one.
async fn sums_are_a_recount(channel: &Channel) {
    let mut reports = Vec::new();
    let mut page_token = String::new();
    loop {
        let parent = "organs/-".to_owned();
        let request = pb::ListReportsRequest { parent, page_token, ..Default::default() };
        let mut client = ReportServiceClient::new(channel.clone());
        let page = client.list_reports(request).await.expect("a page").into_inner();
        reports.extend(page.reports);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let mut recount: BTreeMap<i32, i64> = BTreeMap::new();
    for report in reports.iter().filter(|r| r.effective_revision > 0) {
        let name = format!("{}/revisions/{}", report.name, report.effective_revision);
        let request = pb::GetReportRequest { name, ..Default::default() };
        let mut client = ReportServiceClient::new(channel.clone());
        let effective = client.get_report(request).await.expect("it is there").into_inner();
        let decisions = effective.disclosure.and_then(|d| d.licensing_decisions);
        *recount.entry(report.year).or_default() += decisions.expect("whole");
    }
    for (year, expected) in recount {
        let organ = "organs/root".to_owned();
        let request =
            pb::AggregateReportsRequest { organ, years: vec![year], ..Default::default() };
        let mut client = AggregateServiceClient::new(channel.clone());
        let sum = client.aggregate_reports(request).await.expect("a sum").into_inner();
        let sum = sum.aggregates[0].disclosure.clone().expect("table two").licensing_decisions;
        assert_eq!(sum, Some(expected), "{year}");
    }
}

/// The chain is whole and has every acknowledged entry. Read beside no server.
fn chain_is_whole(data: &Path, known: &Acknowledged) {
    let found = store::verify(data, INDEX, &|_, _| ()).expect("it can be read");
    assert_eq!(found.damage, None);
    // After a kill the index may lag; what it has agrees.
    assert!(!matches!(found.index, IndexState::Differs { .. }), "{:?}", found.index);
    for (position, hash) in &known.hashes {
        let found = found.hash_at(position.parse().expect("a position"));
        assert_eq!(found, Some(hash.parse::<Hash>().expect("a hash")), "{position}");
    }
}

/// Takes away, cuts or flips something of the index.
fn harm_index(data: &Path, numbers: &mut Numbers) {
    let index = data.join("index");
    match numbers.below(3) {
        0 => std::fs::remove_dir_all(index).expect("there is one"),
        way => {
            let path = index.join("db");
            let mut bytes = std::fs::read(&path).expect("there is one");
            if way == 1 {
                bytes.truncate(numbers.below(bytes.len().max(1)));
            } else {
                for _ in 0..8 {
                    let at = numbers.below(bytes.len().max(1));
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << numbers.below(8);
                    }
                }
            }
            std::fs::write(path, bytes).expect("written");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_again_and_again_keeps_what_it_acknowledged() {
    let rounds = std::env::var("NIANBAO_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok());
    let rounds: usize = rounds.unwrap_or(ROUNDS);
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = u64::from(seed.expect("after 1970").subsec_nanos());
    println!("seed {seed}");
    let mut numbers = Numbers::new(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let shared = Arc::new(Mutex::new(Acknowledged::default()));
    let first = Server::start(&data);
    let channel = first.channel().await;
    register_organ(&channel, "root", None).await;
    for organ in 0..=ORGANS {
        register_organ(&channel, &format!("o{organ}"), Some("root")).await;
    }
    drop(channel);
    first.kill();
    let mut cuts = Cuts::default();
    for round in 0..rounds {
        let server = Server::start(&data);
        let channel = server.channel().await;
        let mut workers = tokio::task::JoinSet::new();
        let stop = Arc::new(AtomicBool::new(false));
        for worker in 0..ORGANS {
            workers.spawn(write(channel.clone(), worker, round, shared.clone(), stop.clone()));
        }
        workers.spawn(stream(channel.clone(), round, shared.clone(), stop.clone()));
        tokio::time::sleep(Duration::from_millis(20 + numbers.below(60) as u64)).await;
        let cut = (round % 10 == 4).then(|| Kept::ALL[round / 10 % Kept::ALL.len()]);
        if cut == Some(Kept::AsKilled) && round / 10 % 2 == 1 {
            // Idle for longer than the index waits to be handed to the system: it comes up to the
            // journal before the kill.
            stop.store(true, Ordering::SeqCst);
            workers.join_all().await;
            workers = tokio::task::JoinSet::new();
            tokio::time::sleep(Duration::from_millis(1300)).await;
        }
        server.kill();
        workers.join_all().await;
        let known = std::mem::take(&mut *shared.lock().expect("no panic"));
        // Each look costs more than the round; every tenth, and the last, are enough to tell when.
        if round % 10 == 9 || round + 1 == rounds {
            chain_is_whole(&data, &known);
        }
        if let Some(kept) = cut {
            cuts.check(&data, &known, kept, &mut numbers);
        }
        if round % 4 == 3 {
            harm_index(&data, &mut numbers);
        }
        if round % 20 == 19 || round + 1 == rounds {
            let server = Server::start(&data);
            let channel = server.channel().await;
            holds_all(&channel, &known).await;
            sums_are_a_recount(&channel).await;
            server.kill();
        }
        *shared.lock().expect("no panic") = known;
    }
    let known = shared.lock().expect("no panic");
    assert!(known.hashes.len() > rounds, "{} acknowledged", known.hashes.len());
    assert!(known.streamed > 0, "none in a stream");
    assert!(rounds < ROUNDS || (known.repeated > 0 && cuts.are_of_each_kind()), "{cuts:?}");
    println!("{} writes acknowledged in {rounds} rounds", known.hashes.len());
    println!("{} of them in streams, {} of these again", known.streamed, known.repeated);
    println!("{cuts:?}");
}
