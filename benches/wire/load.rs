//! The client: a slice of load on one server, and what it cost that server.

use std::time::{Duration, Instant};

use nianbao::pb::{ValidateReportResponse, ValidateReportsResponse};
use prost::Message as _;
use prost::bytes::Bytes;
use tokio::task::JoinSet;
use tonic::Request;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};

use crate::Result;
use crate::process::Process;
use crate::servers::{BytesCodec, Kind, STREAM_PATH, UNARY_PATH};

/// Connections of a client: a server that is shared has several.
const CONNECTIONS: usize = 4;

/// What a slice of load cost.
pub(crate) struct Slice {
    items: f64,
    cpu: Duration,
    time: Duration,
}

impl Slice {
    /// Seconds of processor time of the server, each item.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() / self.items
    }

    /// Items a second, as the client sees it.
    pub(crate) fn rate(&self) -> f64 {
        self.items / self.time.as_secs_f64()
    }
}

/// A client of one server. It neither encodes nor decodes, so that all servers see the same client.
pub(crate) struct Client {
    channels: Vec<Channel>,
    request: Bytes,
}

impl Client {
    /// Opens the connections.
    pub(crate) async fn connect(address: &str, request: Bytes) -> Result<Self> {
        let mut channels = Vec::new();
        for _ in 0..CONNECTIONS {
            let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
            channels.push(endpoint.tcp_nodelay(true).connect().await?);
        }
        Ok(Client { channels, request })
    }

    /// One call, whose answer is looked at: a server that refuses is fast.
    pub(crate) async fn check(&self, kind: Kind) -> Result<()> {
        let answer = call(self.channels[0].clone(), self.request.clone()).await?;
        let fits = match kind {
            Kind::Echo => answer == self.request,
            Kind::Decoding | Kind::Nianbao => {
                let answer = ValidateReportResponse::decode(answer)?;
                answer.findings.is_empty() && answer.counts.is_some()
            }
        };
        if fits {
            Ok(())
        } else {
            Err(format!("the server {} gives a wrong answer", kind.name()).into())
        }
    }

    /// Unary calls, `in_flight` at a time.
    pub(crate) async fn unary(
        &self,
        process: &Process,
        in_flight: usize,
        calls: usize,
    ) -> Result<Slice> {
        let (cpu, start) = (process.cpu()?, Instant::now());
        let each = calls / in_flight;
        let mut tasks = JoinSet::new();
        for task in 0..in_flight {
            let channel = self.channels[task % CONNECTIONS].clone();
            let request = self.request.clone();
            tasks.spawn(async move {
                for _ in 0..each {
                    call(channel.clone(), request.clone()).await?;
                }
                Ok::<(), tonic::Status>(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        slice(process, each * in_flight, cpu, start)
    }

    /// One stream of messages, each of which is answered.
    pub(crate) async fn stream(
        &self,
        kind: Kind,
        process: &Process,
        messages: usize,
    ) -> Result<Slice> {
        let (cpu, start) = (process.cpu()?, Instant::now());
        let mut grpc = Grpc::new(self.channels[0].clone());
        grpc.ready().await?;
        let requests = tokio_stream::iter(std::iter::repeat_n(self.request.clone(), messages));
        let path = PathAndQuery::from_static(STREAM_PATH);
        let answer = grpc.streaming(Request::new(requests), path, BytesCodec);
        let mut answers = answer.await?.into_inner();
        let (mut count, mut last) = (0, Bytes::new());
        while let Some(answer) = answers.message().await? {
            count += 1;
            last = answer;
        }
        let slice = slice(process, messages, cpu, start)?;
        let complete = count == messages
            && match kind {
                Kind::Echo => last == self.request,
                Kind::Decoding | Kind::Nianbao => {
                    let last = ValidateReportsResponse::decode(last)?;
                    last.findings.is_empty() && usize::try_from(last.index)? == messages - 1
                }
            };
        if complete {
            Ok(slice)
        } else {
            Err(format!("the stream of {} has {count} answers", kind.name()).into())
        }
    }
}

async fn call(channel: Channel, request: Bytes) -> std::result::Result<Bytes, tonic::Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static(UNARY_PATH);
    let answer = grpc.unary(Request::new(request), path, BytesCodec).await?;
    Ok(answer.into_inner())
}

fn slice(process: &Process, items: usize, cpu: Duration, start: Instant) -> Result<Slice> {
    Ok(Slice {
        items: f64::from(u32::try_from(items)?),
        time: start.elapsed(),
        cpu: process.cpu()?.saturating_sub(cpu),
    })
}
