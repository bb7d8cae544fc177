//! The least service that keeps reports: it decodes one, appends its bytes to a file, syncs once
//! for all that wait, puts them into sled under a running number, and answers the report.
//!
//! It has no rules, identities, states, revisions, events, hashes, preconditions or receipts. What
//! nianbao costs beyond it is the price of those; what it costs itself is that of tonic, prost,
//! sled and the disk.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use nianbao::pb::{SubmitReportRequest, SubmitReportResponse};
use prost::Message as _;
use tokio::sync::oneshot;
use tonic::codegen::{BoxFuture, http};
use tonic::server::{Grpc, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::Result;
use super::servers::{Answer, Methods};

/// The most that is written together, as by nianbao.
const GROUP_MAX: usize = 256;

/// A report on its way to the disk, and who waits for it.
type Waiting = (Vec<u8>, oneshot::Sender<()>);

/// The service.
#[derive(Clone)]
pub(crate) struct Keeping {
    queue: Sender<Waiting>,
}

/// Its threads.
pub(crate) struct Threads(Vec<JoinHandle<std::result::Result<(), String>>>);

impl Keeping {
    /// Over a new file and a new tree in `folder`.
    pub(crate) fn start(folder: &Path, cache_mib: u64) -> Result<(Self, Threads)> {
        std::fs::create_dir_all(folder)?;
        let file = File::create_new(folder.join("appended"))?;
        let tree = sled::Config::new()
            .path(folder.join("tree"))
            .cache_capacity(cache_mib << 20)
            .flush_every_ms(None)
            .open()?;
        let (queue, queued) = channel();
        let (written, kept) = channel();
        let append = move || append(file, &queued, &written).map_err(|e| e.to_string());
        let keep = move || keep(&tree, &kept).map_err(|e| e.to_string());
        let threads = vec![std::thread::spawn(append), std::thread::spawn(keep)];
        Ok((Keeping { queue }, Threads(threads)))
    }

    async fn submit(
        self,
        request: SubmitReportRequest,
    ) -> std::result::Result<Response<SubmitReportResponse>, Status> {
        let report = request.report.ok_or_else(|| Status::invalid_argument("no report"))?;
        let (reply, answer) = oneshot::channel();
        let gone = |_| Status::unavailable("a thread has ended");
        self.queue.send((report.encode_to_vec(), reply)).map_err(|_| gone(()))?;
        answer.await.map_err(|_| gone(()))?;
        Ok(Response::new(SubmitReportResponse {
            report: Some(*report),
            ..SubmitReportResponse::default()
        }))
    }
}

impl Threads {
    /// Waits for them; they end when the last service is dropped.
    pub(crate) fn join(self) -> Result<()> {
        for thread in self.0 {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    }
}

/// Writes whatever is queued, syncs once, answers all, and hands on what is written.
fn append(mut file: File, queued: &Receiver<Waiting>, written: &Sender<Vec<u8>>) -> io::Result<()> {
    let mut frame = Vec::new();
    while let Ok(first) = queued.recv() {
        let mut group = vec![first];
        group.extend(queued.try_iter().take(GROUP_MAX - 1));
        frame.clear();
        for (bytes, _) in &group {
            frame.extend_from_slice(bytes);
        }
        file.write_all(&frame)?;
        file.sync_data()?;
        for (bytes, reply) in group {
            // A caller that went away is no reason to stop; nor is the end of the other thread,
            // which says itself why it ended.
            let _ = reply.send(());
            let _ = written.send(bytes);
        }
    }
    Ok(())
}

/// Puts what is written into the tree, in batches.
fn keep(tree: &sled::Db, written: &Receiver<Vec<u8>>) -> sled::Result<()> {
    let mut number = 0u64;
    while let Ok(first) = written.recv() {
        let mut batch = sled::Batch::default();
        for bytes in std::iter::once(first).chain(written.try_iter().take(GROUP_MAX - 1)) {
            number += 1;
            batch.insert(&number.to_be_bytes(), bytes);
        }
        tree.apply_batch(batch)?;
    }
    Ok(())
}

impl Methods for Keeping {
    fn unary(&self, request: http::Request<tonic::body::Body>) -> Answer {
        let service = self.clone();
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(service, request).await) })
    }

    fn stream(&self, _: http::Request<tonic::body::Body>) -> Answer {
        Box::pin(async { Ok(Status::unimplemented("unary calls only").into_http()) })
    }
}

impl UnaryService<SubmitReportRequest> for Keeping {
    type Response = SubmitReportResponse;
    type Future = BoxFuture<Response<SubmitReportResponse>, Status>;

    fn call(&mut self, request: Request<SubmitReportRequest>) -> Self::Future {
        Box::pin(self.clone().submit(request.into_inner()))
    }
}
