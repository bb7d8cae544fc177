//! The bare append: what a durable write costs at least.
//!
//! A thread takes whatever is queued, writes as many bytes as the journal would, syncs once, and
//! answers all: the committer without checks, digests and index.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::rig::Result;
use crate::rig::load::Slice;

/// The head of a frame of the journal.
const HEAD_BYTES: usize = 24;
/// The most that the committer writes together by default.
const GROUP_MAX: usize = 256;

/// Answered when the write is on disk.
type Waiting = oneshot::Sender<()>;

/// The thread, and the way to it.
pub(crate) struct Append {
    queue: Sender<Waiting>,
    thread: JoinHandle<io::Result<u64>>,
}

impl Append {
    /// Starts it over a new file in `folder`, for entries of that size.
    pub(crate) fn start(folder: &Path, entry_bytes: usize) -> Result<Self> {
        let file = File::create_new(folder.join("appended"))?;
        let (queue, queued) = channel();
        let thread = std::thread::spawn(move || run(file, entry_bytes, &queued));
        Ok(Append { queue, thread })
    }

    /// So many writes, `in_flight` at a time.
    pub(crate) async fn slice(&self, in_flight: usize, writes: usize) -> Result<Slice> {
        let start = Instant::now();
        let left = Arc::new(Mutex::new(0..writes));
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight {
            let (queue, left) = (self.queue.clone(), left.clone());
            let next = move || left.lock().unwrap_or_else(PoisonError::into_inner).next();
            tasks.spawn(async move {
                while next().is_some() {
                    let (reply, answer) = oneshot::channel();
                    queue.send(reply).map_err(|_| "the thread is gone")?;
                    answer.await.map_err(|_| "the write failed")?;
                }
                Ok::<(), &str>(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Slice::new(writes, Duration::ZERO, start.elapsed())
    }

    /// Ends it, and answers how often it synced.
    pub(crate) fn end(self) -> Result<u64> {
        drop(self.queue);
        Ok(self.thread.join().map_err(|_| "the thread panicked")??)
    }
}

fn run(mut file: File, entry_bytes: usize, queued: &Receiver<Waiting>) -> io::Result<u64> {
    let (mut frame, mut syncs) = (Vec::new(), 0);
    while let Ok(first) = queued.recv() {
        let mut group = vec![first];
        group.extend(queued.try_iter().take(GROUP_MAX - 1));
        frame.resize(HEAD_BYTES + entry_bytes * group.len(), b'n');
        file.write_all(&frame)?;
        file.sync_data()?;
        syncs += 1;
        for reply in group {
            // A caller that went away is no reason to stop.
            let _ = reply.send(());
        }
    }
    Ok(syncs)
}
