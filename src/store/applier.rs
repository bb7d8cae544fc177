//! The thread that brings the engine up to the journal, and hands it to the system from time to
//! time. Nobody waits for it, unless it falls far behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::{Applied, Disk};
use super::entry::{Index, panic_text};
use super::marks::Marks;
use super::pending::{Due, Layer, Pending};
use super::state::State;
use super::{Error, Faults};

/// The index is handed to the system when it has not been for so long and there is nothing else to
/// do. What a kill leaves out of it is read from the journal at the next start.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// The index is handed to the system after so much, however busy the writer is.
const FLUSH_BYTES: usize = 32 << 20;

/// How long it waits where nothing is to be done.
const IDLE: Duration = Duration::from_secs(60);

pub(super) struct Applier {
    pending: Arc<Pending>,
    index: Index,
    /// None where the index is only for this run.
    disk: Option<Disk>,
    marks: Marks,
    applied: Applied,
    state: Arc<State>,
    faults: Faults,
    /// Applied since the last flush.
    dirty_bytes: usize,
    flushed: Instant,
}

impl Applier {
    pub(super) fn new(
        (pending, index): (Arc<Pending>, Index),
        disk: Option<Disk>,
        marks: Marks,
        applied: Applied,
        state: Arc<State>,
        faults: Faults,
    ) -> Self {
        let flushed = Instant::now();
        Self { pending, index, disk, marks, applied, state, faults, dirty_bytes: 0, flushed }
    }

    /// Works until [`Pending::close`]. After an error nothing is applied any more: the entries are
    /// in the journal, and are found there at the next start.
    pub(super) fn run(mut self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.work()));
        let panicked =
            |panic: Box<dyn std::any::Any + Send>| Err(Error::Damaged(panic_text(&*panic).into()));
        match outcome.unwrap_or_else(panicked) {
            Ok(()) => self.close(),
            Err(cause) => {
                self.state.index_failed(cause);
                self.pending.stuck();
            }
        }
    }

    fn work(&mut self) -> Result<(), Error> {
        loop {
            let idle = match self.pending.next(self.patience()) {
                Due::End => return Ok(()),
                Due::Nothing => true,
                Due::Batch(batch) => {
                    self.apply(&batch)?;
                    false
                }
            };
            let due = idle && self.dirty_bytes > 0 && self.flushed.elapsed() >= FLUSH_INTERVAL;
            if due || self.dirty_bytes >= FLUSH_BYTES {
                self.pending.engine().flush()?;
                self.dirty_bytes = 0;
                self.flushed = Instant::now();
            }
        }
    }

    fn patience(&self) -> Duration {
        match self.dirty_bytes {
            0 => IDLE,
            _ => FLUSH_INTERVAL.saturating_sub(self.flushed.elapsed()),
        }
    }

    fn apply(&mut self, batch: &Layer) -> Result<(), Error> {
        if let Some(fault) = &self.faults.apply {
            fault().map_err(Error::Io)?;
        }
        self.marks.clear_clean().map_err(Error::Io)?;
        let engine = self.pending.engine();
        let Layer { puts, sealed, head, .. } = batch;
        self.applied = engine.apply(puts, sealed, *head, &self.applied, self.index.once)?;
        self.pending.applied();
        if self.dirty_bytes == 0 {
            self.flushed = Instant::now();
        }
        self.dirty_bytes += batch.bytes;
        Ok(())
    }

    /// Leaves an index that the next start may take as it is.
    fn close(&self) {
        let (Some(disk), false) = (&self.disk, self.state.is_index_damaged()) else { return };
        let flushed = self.pending.engine().flush();
        if flushed.and_then(|()| disk.sync().map_err(Error::Io)).is_ok() {
            // Without the mark the next start checks the index, which costs it time alone.
            let _ = self.marks.set_clean(&self.applied);
        }
    }
}
