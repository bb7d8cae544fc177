//! The servers: the real one, and two bare ones under the same paths.
//!
//! - `echo` answers the bytes that it gets. No cheaper service can be built with tonic.
//! - `decoding` decodes the report, drops it, and answers as if it had no fault. What it costs
//!   beyond the echo is the price of the message; what nianbao costs beyond it is that of the
//!   rules.

use std::io::Write as _;
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

use crate::Result;

/// The method that answers one message.
pub(crate) const UNARY_PATH: &str = "/nianbao.v1.ReportService/ValidateReport";
/// The method that answers a stream.
pub(crate) const STREAM_PATH: &str = "/nianbao.v1.ReportService/ValidateReports";

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Answers the bytes that it gets.
    Echo,
    /// Decodes the report and answers without looking at it.
    Decoding,
    /// The real one.
    Nianbao,
}

impl Kind {
    /// All, the baseline first.
    pub(crate) const ALL: [Kind; 3] = [Kind::Echo, Kind::Decoding, Kind::Nianbao];

    /// Its name on the command line and in the answer.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Echo => "echo",
            Kind::Decoding => "decoding",
            Kind::Nianbao => "nianbao",
        }
    }

    /// The server of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Serves on a free port, which is printed, until standard input ends.
#[tokio::main]
pub(crate) async fn serve(kind: Kind) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let stop = async {
        // An error ends the server as well as the end of the input does.
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    };
    match kind {
        Kind::Nianbao => {
            let data = tempfile::tempdir()?;
            let options = nianbao::server::Options {
                data: data.path().to_owned(),
                store: nianbao::store::Options::default(),
            };
            nianbao::server::run(listener, options, stop).await?;
        }
        Kind::Echo => bare(Bare(Arc::new(Echo)), listener, stop).await?,
        Kind::Decoding => bare(Bare(Arc::new(Decoding)), listener, stop).await?,
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
trait Methods: Send + Sync + 'static {
    fn unary(&self, request: http::Request<tonic::body::Body>) -> Answer;
    fn stream(&self, request: http::Request<tonic::body::Body>) -> Answer;
}

type Answer = BoxFuture<http::Response<tonic::body::Body>, std::convert::Infallible>;

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
            UNARY_PATH => self.0.unary(request),
            STREAM_PATH => self.0.stream(request),
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
