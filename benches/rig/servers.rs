//! The servers: the real one, and bare ones under the same paths.
//!
//! - `echo` answers the bytes that it gets. No cheaper service can be built with tonic.
//! - `decoding` decodes the report, drops it, and answers as if it had no fault. What it costs
//!   beyond the echo is the price of the message; what nianbao costs beyond it is that of the
//!   rules.
//! - `keeping` decodes a report that is submitted, and keeps it. See [`super::keeping`].

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use nianbao::pb::{
    FindingCounts, ValidateReportRequest, ValidateReportResponse, ValidateReportsRequest,
    ValidateReportsResponse,
};
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, BoxStream, Context, Poll, Service, http};
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::Result;
use super::keeping::Keeping;

/// The first argument of a program that is to serve.
pub(crate) const SERVE: &str = "--serve";

/// One report, validated.
pub(crate) const VALIDATE: &str = "/nianbao.v1.ReportService/ValidateReport";
/// A stream of them.
pub(crate) const VALIDATE_STREAM: &str = "/nianbao.v1.ReportService/ValidateReports";
/// One report, submitted.
pub(crate) const SUBMIT: &str = "/nianbao.v1.ReportService/SubmitReport";
/// A stream of them.
pub(crate) const SUBMIT_STREAM: &str = "/nianbao.v1.ReportService/SubmitReports";

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Answers the bytes that it gets.
    Echo,
    /// Decodes the report and answers without looking at it. For validation only.
    Decoding,
    /// Decodes the report and keeps its bytes. For submission only.
    Keeping,
    /// The real one.
    Nianbao,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Echo, Kind::Decoding, Kind::Keeping, Kind::Nianbao];

    /// Those that validate, the baseline first.
    pub(crate) const VALIDATING: [Kind; 3] = [Kind::Echo, Kind::Decoding, Kind::Nianbao];

    /// Its name on the command line and in the answer.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Echo => "echo",
            Kind::Decoding => "decoding",
            Kind::Keeping => "keeping",
            Kind::Nianbao => "nianbao",
        }
    }

    /// The server of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Serves if the arguments of the program ask for it, until standard input ends; says whether.
pub(crate) fn served() -> Result<bool> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [flag, kind, folder, cache_mib] = args.as_slice() else { return Ok(false) };
    if flag != SERVE {
        return Ok(false);
    }
    let kind = Kind::from_name(kind).ok_or("no such server")?;
    serve(kind, folder.into(), cache_mib.parse()?)?;
    Ok(true)
}

/// Serves on a free port, which is printed as soon as calls are taken.
#[tokio::main]
async fn serve(kind: Kind, data: PathBuf, cache_mib: u64) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // Asked for its end only once the server takes calls.
    let stop = async {
        println!("{address}");
        // An error ends the server as well as the end of the input does.
        let _ = std::io::stdout().flush();
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    };
    match kind {
        Kind::Nianbao => {
            let store = nianbao::store::Options {
                cache_bytes: cache_mib << 20,
                ..nianbao::store::Options::default()
            };
            let options = nianbao::server::Options { data, store };
            nianbao::server::run(listener, options, stop).await?;
        }
        Kind::Echo => bare(Bare(Arc::new(Echo)), listener, stop).await?,
        Kind::Decoding => bare(Bare(Arc::new(Decoding)), listener, stop).await?,
        Kind::Keeping => {
            let (keeping, threads) = Keeping::start(&data.join("keeping"), cache_mib)?;
            bare(Bare(Arc::new(keeping)), listener, stop).await?;
            tokio::task::spawn_blocking(move || threads.join().map_err(|e| e.to_string()))
                .await??;
        }
    }
    Ok(())
}

async fn bare<M: Methods>(
    service: Bare<M>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let server = tonic::transport::Server::builder()
        .add_service(service)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    // Nothing is lost where calls under way are cut.
    tokio::select! {
        outcome = server => outcome?,
        () = stop => {}
    }
    Ok(())
}

/// What a bare service does with a request.
pub(crate) trait Methods: Send + Sync + 'static {
    fn unary(&self, request: http::Request<tonic::body::Body>) -> Answer;
    fn stream(&self, request: http::Request<tonic::body::Body>) -> Answer;
}

/// What a call comes to.
pub(crate) type Answer = BoxFuture<http::Response<tonic::body::Body>, std::convert::Infallible>;

/// A service as tonic would generate it.
struct Bare<M>(Arc<M>);

impl<M> Clone for Bare<M> {
    fn clone(&self) -> Self {
        Bare(Arc::clone(&self.0))
    }
}

impl<M> NamedService for Bare<M> {
    const NAME: &'static str = "nianbao.v1.ReportService";
}

impl<M: Methods> Service<http::Request<tonic::body::Body>> for Bare<M> {
    type Response = http::Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Answer {
        match request.uri().path() {
            VALIDATE | SUBMIT => self.0.unary(request),
            VALIDATE_STREAM | SUBMIT_STREAM => self.0.stream(request),
            _ => Box::pin(async { Ok(Status::unimplemented("").into_http()) }),
        }
    }
}

struct Echo;

impl Methods for Echo {
    fn unary(&self, request: http::Request<tonic::body::Body>) -> Answer {
        Box::pin(async move { Ok(Grpc::new(BytesCodec).unary(Echo, request).await) })
    }

    fn stream(&self, request: http::Request<tonic::body::Body>) -> Answer {
        Box::pin(async move { Ok(Grpc::new(BytesCodec).streaming(Echo, request).await) })
    }
}

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = BoxFuture<Response<Bytes>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(request.into_inner())) })
    }
}

impl StreamingService<Bytes> for Echo {
    type Response = Bytes;
    type ResponseStream = Streaming<Bytes>;
    type Future = BoxFuture<Response<Streaming<Bytes>>, Status>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(request.into_inner())) })
    }
}

struct Decoding;

impl Methods for Decoding {
    fn unary(&self, request: http::Request<tonic::body::Body>) -> Answer {
        Box::pin(async move {
            let codec = ProstCodec::default();
            Ok(Grpc::new(codec).unary(Decoding, request).await)
        })
    }

    fn stream(&self, request: http::Request<tonic::body::Body>) -> Answer {
        Box::pin(async move {
            let codec = ProstCodec::default();
            Ok(Grpc::new(codec).streaming(Decoding, request).await)
        })
    }
}

impl UnaryService<ValidateReportRequest> for Decoding {
    type Response = ValidateReportResponse;
    type Future = BoxFuture<Response<ValidateReportResponse>, Status>;

    fn call(&mut self, request: Request<ValidateReportRequest>) -> Self::Future {
        Box::pin(async move {
            drop(request.into_inner());
            Ok(Response::new(ValidateReportResponse {
                findings: Vec::new(),
                counts: Some(FindingCounts::default()),
            }))
        })
    }
}

impl StreamingService<ValidateReportsRequest> for Decoding {
    type Response = ValidateReportsResponse;
    type ResponseStream = BoxStream<ValidateReportsResponse>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<ValidateReportsRequest>>) -> Self::Future {
        Box::pin(async move {
            let mut index = -1;
            let answers = request.into_inner().map(move |item| {
                index += 1;
                item.map(|_| ValidateReportsResponse {
                    index,
                    findings: Vec::new(),
                    counts: Some(FindingCounts::default()),
                })
            });
            Ok(Response::new(Box::pin(answers) as Self::ResponseStream))
        })
    }
}

/// Messages as the bytes that they are.
#[derive(Clone, Copy)]
pub(crate) struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> std::result::Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> std::result::Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
