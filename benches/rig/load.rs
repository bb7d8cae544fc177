//! The client: a slice of load on one server, and what it cost that server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prost::bytes::Bytes;
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::Result;
use super::process::Process;
use super::servers::BytesCodec;

/// Connections of a client: a server that is shared has several.
const CONNECTIONS: usize = 4;

/// What a slice of load cost.
#[derive(Clone, Copy)]
pub(crate) struct Slice {
    items: f64,
    cpu: Duration,
    time: Duration,
}

impl Slice {
    /// Of so many items, with processor time and time on the clock.
    pub(crate) fn new(items: usize, cpu: Duration, time: Duration) -> Result<Self> {
        Ok(Slice { items: f64::from(u32::try_from(items)?), cpu, time })
    }

    /// Seconds of processor time of the server, each item.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() / self.items
    }

    /// Items a second, as the client sees it.
    pub(crate) fn rate(&self) -> f64 {
        self.items / self.time.as_secs_f64()
    }
}

/// What a slice is measured from.
struct Start {
    cpu: Duration,
    time: Instant,
}

impl Start {
    fn now(process: &Process) -> Result<Self> {
        Ok(Start { cpu: process.cpu()?, time: Instant::now() })
    }

    fn end(self, process: &Process, items: usize) -> Result<Slice> {
        let time = self.time.elapsed();
        Slice::new(items, process.cpu()?.saturating_sub(self.cpu), time)
    }
}

/// A client of one server. It neither encodes nor decodes, so that all servers see the same client.
pub(crate) struct Client {
    channels: Vec<Channel>,
}

impl Client {
    /// Opens the connections.
    pub(crate) async fn connect(address: &str) -> Result<Self> {
        let mut channels = Vec::new();
        for _ in 0..CONNECTIONS {
            let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
            channels.push(endpoint.tcp_nodelay(true).connect().await?);
        }
        Ok(Client { channels })
    }

    /// One call, to look at its answer: a server that refuses is fast.
    pub(crate) async fn call(&self, path: &'static str, request: Bytes) -> Result<Bytes> {
        Ok(call(self.channels[0].clone(), path, request).await?)
    }

    /// Unary calls of one method, `in_flight` at a time.
    pub(crate) async fn unary(
        &self,
        process: &Process,
        path: &'static str,
        in_flight: usize,
        requests: Vec<Bytes>,
    ) -> Result<Slice> {
        let requests = requests.into_iter().map(|request| (path, request)).collect();
        self.calls(process, in_flight, requests).await
    }

    /// Unary calls, each with the path of its method, `in_flight` at a time.
    pub(crate) async fn calls(
        &self,
        process: &Process,
        in_flight: usize,
        requests: Vec<(&'static str, Bytes)>,
    ) -> Result<Slice> {
        let start = Start::now(process)?;
        let count = requests.len();
        let requests = Arc::new(Mutex::new(requests.into_iter()));
        let mut tasks = JoinSet::new();
        for task in 0..in_flight {
            let channel = self.channels[task % CONNECTIONS].clone();
            let requests = requests.clone();
            let next = move || requests.lock().unwrap_or_else(PoisonError::into_inner).next();
            tasks.spawn(async move {
                while let Some((path, request)) = next() {
                    call(channel.clone(), path, request).await?;
                }
                Ok::<(), Status>(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        start.end(process, count)
    }

    /// One stream of messages, each of which is answered. Answers the last too.
    pub(crate) async fn stream(
        &self,
        process: &Process,
        path: &'static str,
        requests: Vec<Bytes>,
    ) -> Result<(Slice, Bytes)> {
        let (start, wanted) = (Start::now(process)?, requests.len());
        let mut grpc = Grpc::new(self.channels[0].clone());
        grpc.ready().await?;
        let requests = Request::new(tokio_stream::iter(requests));
        let answer = grpc.streaming(requests, PathAndQuery::from_static(path), BytesCodec);
        let mut answers = answer.await?.into_inner();
        let (mut count, mut last) = (0, Bytes::new());
        while let Some(answer) = answers.message().await? {
            count += 1;
            last = answer;
        }
        if count != wanted {
            return Err(format!("the stream {path} of {wanted} has {count} answers").into());
        }
        Ok((start.end(process, count)?, last))
    }
}

async fn call(
    channel: Channel,
    path: &'static str,
    request: Bytes,
) -> std::result::Result<Bytes, Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static(path);
    let answer = grpc.unary(Request::new(request), path, BytesCodec).await?;
    Ok(answer.into_inner())
}
