//! The real server, killed again and again on one growing store.
//!
//! `NIANBAO_CRASH_ROUNDS=1000 cargo test --test integration crash` runs longer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nianbao::archive::INDEX;
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Report};
use nianbao::store::{self, Flaw, Hash, IndexState, Options, Position, Store, WritesOff};
use tonic::Request;
use tonic::transport::Channel;

use crate::support::{Numbers, housing, register_organ, set};

const ROUNDS: usize = 100;
const ORGANS: usize = 4;

/// What was acknowledged: by position the hash, and of each report the last step.
#[derive(Default)]
struct Acknowledged {
    hashes: BTreeMap<String, String>,
    steps: BTreeMap<String, (String, Report)>,
    /// How many were acknowledged in streams.
    streamed: usize,
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

fn as_principal<T>(name: &'static str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("nianbao-principal", name.parse().expect("ascii"));
    request
}

/// A report whose figures tell which write it was.
fn content(organ: usize, year: i32, mark: usize) -> Report {
    let mut report = Report { organ: format!("organs/o{organ}"), year, ..housing() };
    set(&mut report, "disclosure.licensing_decisions", &mark.to_string());
    report
}

/// Writes on one report after another until the server is gone.
async fn write(channel: Channel, worker: usize, round: usize, known: Arc<Mutex<Acknowledged>>) {
    let mut client = ReportServiceClient::new(channel);
    for step in 0.. {
        let year = 2021 + ((round + step) % 70) as i32;
        let report = content(worker % ORGANS, year, round * 1000 + step);
        let name = format!("{}/reports/{year}-own", report.organ);
        let submitted = match step % 2 {
            0 => submit(&mut client, report).await,
            _ => draft(&mut client, report).await,
        };
        let (report, receipt) = match submitted {
            Ok(Some(taken)) => taken,
            Ok(None) => match onward(&mut client, &name).await {
                Ok(Some(taken)) => taken,
                Ok(None) => continue,
                Err(()) => return,
            },
            Err(()) => return,
        };
        known.lock().expect("no panic").note(report, receipt);
    }
}

/// Streams reports of an organ of its own until the server is gone. What came back is acknowledged.
async fn stream(channel: Channel, round: usize, known: Arc<Mutex<Acknowledged>>) {
    let mut client = ReportServiceClient::new(channel);
    for turn in 0.. {
        // Those of earlier rounds are refused, all others taken.
        let sent: Vec<Report> = (0..70)
            .map(|year| content(ORGANS, 2021 + year, round * 1000 + turn * 70 + year as usize))
            .collect();
        let submission = |report: &Report| pb::SubmitReportsRequest {
            submission: Some(Box::new(pb::SubmitReportRequest {
                report: Some(Box::new(report.clone())),
                ..Default::default()
            })),
        };
        let items: Vec<_> = sent.iter().map(submission).collect();
        let request = as_principal("clerk", tokio_stream::iter(items));
        let Ok(answers) = client.submit_reports(request).await else { return };
        let mut answers = answers.into_inner();
        let mut names = Vec::new();
        while let Ok(Some(answer)) = answers.message().await {
            let sent = &sent[usize::try_from(answer.index).expect("a place")];
            names.push(format!("{}/reports/{}-own", sent.organ, sent.year));
            if let (Some(report), Some(receipt)) = (answer.report, answer.receipt) {
                known.lock().expect("no panic").note_streamed(report, sent, receipt);
            } else {
                let refused = answer.refusal.expect("taken or refused");
                assert_eq!(refused.reason, "REPORT_STATE", "{}", refused.message_en);
            }
        }
        // Sent back, so that the next stream is taken too.
        for name in names {
            let reasons =
                vec![pb::ReturnReason { text: "请核对".to_owned(), ..Default::default() }];
            let request = pb::ReturnReportRequest { name, reasons, ..Default::default() };
            let answer = client.return_report(as_principal("reviewer", request)).await;
            match taken(answer.map(tonic::Response::into_inner).map(|a| (a.report, a.receipt))) {
                Ok(Some((report, receipt))) => {
                    known.lock().expect("no panic").note(report, receipt);
                }
                Ok(None) => {}
                Err(()) => return,
            }
        }
    }
}

type Taken = Result<Option<(Report, pb::Receipt)>, ()>;

/// What a call has done: taken, refused for good reason, or nobody knows.
fn taken(answer: Result<(Option<Report>, Option<pb::Receipt>), tonic::Status>) -> Taken {
    match answer {
        Ok((report, receipt)) => Ok(report.zip(receipt)),
        Err(status) if status.code() == tonic::Code::FailedPrecondition => Ok(None),
        Err(status) if status.code() == tonic::Code::Aborted => Ok(None),
        Err(_) => Err(()),
    }
}

async fn submit(client: &mut ReportServiceClient<Channel>, report: Report) -> Taken {
    let report = Some(Box::new(report));
    let request = pb::SubmitReportRequest { report, ..Default::default() };
    let answer = client.submit_report(as_principal("clerk", request)).await;
    taken(answer.map(tonic::Response::into_inner).map(|a| (a.report, a.receipt)))
}

async fn draft(client: &mut ReportServiceClient<Channel>, report: Report) -> Taken {
    let report = Some(Box::new(report));
    let request = pb::SaveDraftRequest { report, ..Default::default() };
    let answer = client.save_draft(as_principal("clerk", request)).await;
    taken(answer.map(tonic::Response::into_inner).map(|a| (a.report, a.receipt)))
}

/// One step on with a report that takes no new content: accept, publish or amend it.
async fn onward(client: &mut ReportServiceClient<Channel>, name: &str) -> Taken {
    let name = || name.to_owned();
    let request = pb::AcceptReportRequest { name: name(), ..Default::default() };
    let answer = client.accept_report(as_principal("reviewer", request)).await;
    let accepted = taken(answer.map(tonic::Response::into_inner).map(|a| (a.report, a.receipt)))?;
    if accepted.is_some() {
        return Ok(accepted);
    }
    let request = pb::PublishReportRequest { name: name(), ..Default::default() };
    let answer = client.publish_report(as_principal("clerk", request)).await;
    let published = taken(answer.map(tonic::Response::into_inner).map(|a| (a.report, a.receipt)))?;
    if published.is_some() {
        return Ok(published);
    }
    let reason = "漏计".to_owned();
    let request = pb::AmendReportRequest { name: name(), reason, ..Default::default() };
    let answer = client.amend_report(as_principal("clerk", request)).await;
    taken(answer.map(tonic::Response::into_inner).map(|a| (a.report, a.receipt)))
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

/// The last frame of a journal: its segment, where it begins and ends, and its first position.
fn last_frame(data: &Path) -> (PathBuf, usize, usize, u64) {
    let segments = std::fs::read_dir(data.join("journal")).expect("a journal");
    let mut segments: Vec<PathBuf> = segments.map(|entry| entry.expect("read").path()).collect();
    segments.retain(|path| !path.to_string_lossy().contains("torn-"));
    let path = segments.into_iter().max().expect("a segment");
    let bytes = std::fs::read(&path).expect("read");
    let (mut at, mut last) = (0, (0, 0, 0));
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("four bytes"));
        let first = u64::from_le_bytes(bytes[at + 8..at + 16].try_into().expect("eight bytes"));
        let end = at + 24 + length as usize;
        if end > bytes.len() {
            break;
        }
        last = (at, end, first);
        at = end;
    }
    (path, last.0, last.1, last.2)
}

/// What becomes of the store when the end of its last frame is gone: on a copy of it.
///
/// Without an index, or with one that has not come so far, the frame is torn. An index that has
/// taken it shows that it was whole: that is damage, and nothing is cut.
fn without_its_end(data: &Path, known: &Acknowledged, numbers: &mut Numbers) {
    let copy = tempfile::tempdir().expect("a folder");
    for part in ["journal", "index"] {
        copy_folder(&data.join(part), &copy.path().join(part));
    }
    let (path, begin, end, first) = last_frame(copy.path());
    let cut = begin + 1 + numbers.below(end - begin - 1);
    let whole = std::fs::read(&path).expect("read");
    std::fs::write(&path, &whole[..cut]).expect("cut");

    let with_index = Store::open(copy.path(), INDEX, Options::default()).expect("it opens");
    let condition = with_index.condition();
    match &condition.damage {
        // The index went beyond.
        Some(damage) => {
            assert!(matches!(damage.flaw, Flaw::Behind { .. }), "{damage:?}");
            assert_eq!(damage.position.number(), first);
            assert!(matches!(with_index.writable(), Err(WritesOff::Damaged(_))));
            assert_eq!(std::fs::read(&path).expect("read").len(), cut, "nothing is cut");
        }
        None => assert_torn(&with_index, first),
    }
    assert!(with_index.get(b"o/root").expect("reads go on").is_some());
    drop(with_index);

    std::fs::write(&path, &whole[..cut]).expect("cut");
    std::fs::remove_dir_all(copy.path().join("index")).expect("there is one");
    let store = Store::open(copy.path(), INDEX, Options::default()).expect("it opens");
    assert_torn(&store, first);
    assert_eq!((store.condition().damage, store.condition().rebuilt), (None, true));
    drop(store);
    let found = store::verify(copy.path(), INDEX, &|_, _| ()).expect("it can be read");
    assert_eq!((found.damage.clone(), found.torn.clone()), (None, None));
    for (position, hash) in &known.hashes {
        let position: Position = position.parse().expect("a position");
        let expected = (position.number() < first).then(|| hash.parse().expect("a hash"));
        assert_eq!(found.hash_at(position), expected, "{position}");
    }
}

/// A last frame, from `first` on, was cut off, said and kept; all before it is there.
fn assert_torn(store: &Store, first: u64) {
    let torn = store.condition().torn.expect("torn");
    assert_eq!(torn.position.number(), first);
    let kept = torn.kept.expect("kept");
    assert_eq!(std::fs::metadata(kept).expect("a file").len(), torn.bytes);
    assert_eq!((store.position().number(), store.writable().is_ok()), (first - 1, true));
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("read") {
        let entry = entry.expect("read");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy_folder(&from, &to),
            false => drop(std::fs::copy(from, to).expect("copied")),
        }
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
    for round in 0..rounds {
        let server = Server::start(&data);
        let channel = server.channel().await;
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..ORGANS {
            workers.spawn(write(channel.clone(), worker, round, shared.clone()));
        }
        workers.spawn(stream(channel.clone(), round, shared.clone()));
        tokio::time::sleep(Duration::from_millis(20 + numbers.below(100) as u64)).await;
        server.kill();
        workers.join_all().await;
        let known = std::mem::take(&mut *shared.lock().expect("no panic"));
        // Each time costs more than the round; every tenth, and the last, are enough to tell when.
        if round % 10 == 9 || round + 1 == rounds {
            chain_is_whole(&data, &known);
            without_its_end(&data, &known, &mut numbers);
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
    println!("{} writes acknowledged in {rounds} rounds", known.hashes.len());
    println!("{} of them in streams", known.streamed);
}
