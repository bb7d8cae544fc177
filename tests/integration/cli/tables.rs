//! `export-reports`: files that appear when they are whole.

use std::convert::Infallible;
use std::fs;
use std::future::{Ready, ready};
use std::sync::mpsc;
use std::task::{Context, Poll};

use nianbao::pb::export_reports_response::Content;
use nianbao::pb::{ExportHeader, ExportReportsRequest, ExportReportsResponse, ExportTrailer};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::server::Server;
use super::{HOUSING, nianbao, read, text};

const ASKED: [&str; 5] = ["export-reports", "lc", "--year", "2023", "--include-unaccepted"];

#[test]
fn writes_a_file_of_each_format_and_keeps_what_is_there() {
    let server = Server::start();
    server.register();
    assert_eq!(server.run(&["submit", HOUSING, "--organ", "lc-housing"]).code, 0);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, begins) in [("a.csv", "\u{feff}行政机关,"), ("a.XLSX", "PK"), ("a.parquet", "PAR1")]
    {
        let file = folder.path().join(name);
        let run = server.run(&[&ASKED[..], &["--output", text(&file)]].concat());
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{name}");
        assert!(run.out.contains("1 份") && run.out.contains("缺报 2"), "{}", run.out);
        assert!(fs::read(&file).expect("a file").starts_with(begins.as_bytes()), "{name}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3, "nothing half made");

    let file = folder.path().join("a.csv");
    let before = read(&file);
    let sums = ["--sums", "--group-by", "child", "--heads", "paths", "--output", text(&file)];
    let kept = server.run(&[&ASKED[..], &sums].concat());
    assert_eq!((kept.code, read(&file)), (2, before));
    assert!(kept.err.contains("--force"), "{}", kept.err);
    let forced = [&ASKED[..], &sums, &["--force", "--format", "json"]].concat();
    let told = server.run(&forced).json();
    assert_eq!((&told["header"]["records"], &told["trailer"]["rows"]), (&"4".into(), &"4".into()));
    assert!(read(&file).starts_with("\u{feff}organ,display_name,year,"));

    let odd = folder.path().join("a.ods");
    let odd = server.run(&[&ASKED[..], &["--output", text(&odd)]].concat());
    assert!(odd.code == 2 && odd.err.contains(".parquet"), "{}", odd.err);
    let missing = folder.path().join("b.csv");
    let unknown = ["export-reports", "no", "--year", "2023", "--output", text(&missing)];
    let unknown = server.run(&unknown);
    assert!(unknown.code == 1 && !missing.exists(), "{}", unknown.err);
}

/// A service whose exports end as told. Below the generated trait, which has all other methods too.
#[derive(Clone)]
struct Stub(Vec<Content>);

type Messages = tokio_stream::Iter<std::vec::IntoIter<Result<ExportReportsResponse, Status>>>;

impl NamedService for Stub {
    const NAME: &'static str = "nianbao.v1.AggregateService";
}

impl Service<http::Request<Body>> for Stub {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let stub = self.clone();
        Box::pin(async {
            Ok(Grpc::new(ProstCodec::default()).server_streaming(stub, request).await)
        })
    }
}

impl ServerStreamingService<ExportReportsRequest> for Stub {
    type Response = ExportReportsResponse;
    type ResponseStream = Messages;
    type Future = Ready<Result<Response<Messages>, Status>>;

    fn call(&mut self, _: Request<ExportReportsRequest>) -> Self::Future {
        let message = |content| Ok(ExportReportsResponse { content: Some(content) });
        let messages: Vec<_> = self.0.iter().cloned().map(message).collect();
        ready(Ok(Response::new(tokio_stream::iter(messages))))
    }
}

/// Serves it on a port of its own, and answers the address.
fn serve(contents: Vec<Content>) -> String {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("the port")).expect("somebody waits");
            let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
            let server = tonic::transport::Server::builder().add_service(Stub(contents));
            server.serve_with_incoming(incoming).await.expect("serves");
        });
    });
    format!("http://{}", told.recv().expect("an address"))
}

#[test]
fn takes_a_stream_that_was_cut_or_changed_for_none() {
    let header = || Content::Header(ExportHeader::default());
    let data = || Content::Data(b"abc".to_vec());
    // printf abc | sha256sum
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
    let trailer = ExportTrailer { size_bytes: 3, rows: 1, sha256 };
    let end = |trailer: &ExportTrailer| Content::Trailer(trailer.clone());
    let wrong_size = ExportTrailer { size_bytes: 4, ..trailer.clone() };
    let wrong_digest = ExportTrailer { sha256: String::new(), ..trailer.clone() };
    for (contents, whole) in [
        (vec![header(), data(), end(&trailer)], true),
        (vec![header(), data()], false),
        (vec![], false),
        (vec![header(), end(&trailer)], false),
        (vec![header(), data(), data(), end(&trailer)], false),
        (vec![header(), data(), end(&wrong_size)], false),
        (vec![header(), data(), end(&wrong_digest)], false),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.csv");
        let url = serve(contents);
        let run = nianbao(&[&ASKED[..], &["--output", text(&file), "--server", &url]].concat());
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!((run.code, left), if whole { (0, 1) } else { (2, 0) }, "{}", run.err);
    }
}
