//! The one writer: a thread that takes whatever is queued, appends it to the journal as one frame,
//! syncs once, applies it to the index and answers all.
//!
//! A thread of its own and not a task, since it blocks on the disk. One and not several, since
//! group commit does more for throughput than parallel flushes do, and since preconditions that
//! are checked by the only writer need no locks. It decides when writes are off.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::engine::{Applied, Disk, Engine, Puts, RESERVED};
use super::entry::{Entry, Index, Pair, Receipt, Recorded, panic_text};
use super::journal::{Appender, Sealed};
use super::marks::Marks;
use super::state::State;
use super::{CommitError, Error, Faults, Options, Precondition, WritesOff, chain, frame};

/// A group takes no further entry beyond this, so that one group cannot outgrow the reserve nor
/// keep the first of its callers waiting for long.
const GROUP_BYTES: usize = 8 << 20;

/// How often it is looked whether writes can go on again. Nobody may write in the meantime, so no
/// write would notice.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// The index is handed to the system when it has not been for so long and there is nothing else to
/// do. What a kill leaves out of it is read from the journal at the next start.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// The index is handed to the system after so much, however busy the committer is.
const FLUSH_BYTES: usize = 32 << 20;

pub(super) type Answer = Result<Recorded, CommitError>;

/// What is sent to the committer.
pub(super) enum Message {
    Commit(Request),
    /// Sent last; what was sent before it is still committed.
    Close,
}

/// One commit, waiting.
pub(super) struct Request {
    pub(super) entry: Entry,
    pub(super) preconditions: Vec<Precondition>,
    pub(super) reply: oneshot::Sender<Answer>,
    /// The caller's share of the queue, given back when the request is dropped.
    pub(super) permit: OwnedSemaphorePermit,
}

/// What the committer writes to: all that opening has found.
pub(super) struct Files {
    pub(super) engine: Engine,
    /// None where the index is only for this run.
    pub(super) disk: Option<Disk>,
    /// None where writes are off for good.
    pub(super) appender: Option<Appender>,
    pub(super) marks: Marks,
    pub(super) applied: Applied,
    pub(super) off: Option<WritesOff>,
}

/// What failed while a group was written.
enum Failure {
    /// Nothing of the frame counts; it is to be cut off.
    Append(io::Error),
    Sync(Error),
    Index(Error),
}

pub(super) struct Committer {
    files: Files,
    index: Index,
    messages: Receiver<Message>,
    state: Arc<State>,
    reserve_bytes: u64,
    group_entries: usize,
    faults: Faults,
    /// Full segments that the index does not know of yet.
    sealed: Vec<Sealed>,
    /// Applied since the last flush.
    dirty_bytes: usize,
    flushed: Instant,
    probed: Instant,
    closing: bool,
}

impl Committer {
    pub(super) fn new(
        files: Files,
        index: Index,
        messages: Receiver<Message>,
        state: Arc<State>,
        options: &Options,
    ) -> Self {
        let mut committer = Self {
            files,
            index,
            messages,
            state,
            reserve_bytes: options.reserve_bytes,
            group_entries: options.group_entries.max(1),
            faults: options.faults.clone(),
            sealed: Vec::new(),
            dirty_bytes: 0,
            flushed: Instant::now(),
            probed: Instant::now(),
            closing: false,
        };
        committer.look();
        committer
    }

    pub(super) fn run(mut self) {
        while !self.closing {
            let first = self.wait();
            let idle = first.is_none();
            if let Some(first) = first {
                let group = self.group(first);
                self.look();
                self.commit(group);
            }
            let due = idle && self.dirty_bytes > 0 && self.flushed.elapsed() >= FLUSH_INTERVAL;
            if due || self.dirty_bytes >= FLUSH_BYTES {
                self.flush();
            }
        }
        self.close();
    }

    /// The next request; none when it is time to look at something else.
    fn wait(&mut self) -> Option<Request> {
        let off = self.files.off.as_ref();
        let patience = if off.is_some_and(may_end) {
            Some(PROBE_INTERVAL)
        } else if self.dirty_bytes > 0 {
            Some(FLUSH_INTERVAL.saturating_sub(self.flushed.elapsed()))
        } else {
            None
        };
        let message = match patience {
            None => self.messages.recv().unwrap_or(Message::Close),
            Some(patience) => match self.messages.recv_timeout(patience) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    return None;
                }
                Err(RecvTimeoutError::Disconnected) => Message::Close,
            },
        };
        self.open(message)
    }

    fn open(&mut self, message: Message) -> Option<Request> {
        match message {
            Message::Commit(request) => Some(request),
            Message::Close => {
                self.closing = true;
                None
            }
        }
    }

    /// Whatever is queued by now, within the bounds. It never waits for more: under load the
    /// queue fills during the last sync, and without load waiting would help nobody.
    fn group(&mut self, first: Request) -> Vec<Request> {
        let mut bytes = first.entry.bytes();
        let mut group = vec![first];
        while group.len() < self.group_entries && bytes < GROUP_BYTES {
            let Ok(message) = self.messages.try_recv() else {
                break;
            };
            let Some(request) = self.open(message) else {
                break;
            };
            bytes += request.entry.bytes();
            group.push(request);
        }
        group
    }

    /// Turns writes off while there is less room than the reserve, and on again when what kept
    /// them off is over. If the system cannot tell how much room there is, the write will.
    fn look(&mut self) {
        if let Some(damage) = self.state.damage() {
            self.files.off = Some(WritesOff::Damaged(damage));
        }
        let off = self.files.off.take();
        self.files.off = match off {
            Some(off) if !may_end(&off) => Some(off),
            None | Some(WritesOff::LowSpace { .. }) => self.low_space(),
            Some(off) if self.probed.elapsed() < PROBE_INTERVAL => Some(off),
            Some(off) => {
                self.probed = Instant::now();
                let room = self.low_space().is_none();
                let appender = self.files.appender.as_mut();
                let well = room && appender.is_some_and(|journal| journal.cut().is_ok());
                (!well).then_some(off)
            }
        };
        self.state.set(self.files.off.clone().map_or(Ok(()), Err));
    }

    fn low_space(&self) -> Option<WritesOff> {
        let free = match (&self.faults.free_bytes, &self.files.appender) {
            (Some(free_bytes), _) => free_bytes(),
            (None, Some(appender)) => fs4::available_space(appender.dir()),
            (None, None) => return None,
        };
        let reserve_bytes = self.reserve_bytes;
        let free_bytes = free.ok().filter(|free_bytes| *free_bytes < reserve_bytes)?;
        Some(WritesOff::LowSpace { free_bytes, reserve_bytes })
    }

    /// Answers every request of the group, and none before the group is on disk. That holds for
    /// refusals too: one may rest on an entry of the same group that is about to be lost.
    fn commit(&mut self, group: Vec<Request>) {
        let mut replies = Vec::with_capacity(group.len());
        let mut answers = Vec::with_capacity(group.len());
        let mut entries = Vec::with_capacity(group.len());
        let mut permits = Vec::with_capacity(group.len());
        for request in group {
            replies.push(request.reply);
            entries.push((request.entry, request.preconditions));
            permits.push(request.permit);
        }
        if self.files.off.is_none() {
            // A panic here is a bug, in sled or in this file. It must not leave callers waiting.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.write(entries, &mut answers)));
            let panicked = |panic: Box<dyn std::any::Any + Send>| {
                Err(Failure::Sync(Error::Damaged(panic_text(&*panic).into())))
            };
            if let Err(failure) = outcome.unwrap_or_else(panicked) {
                self.turn_off(failure);
            }
        }
        drop(permits);
        if let Some(off) = &self.files.off {
            answers = replies.iter().map(|_| Err(CommitError::WritesOff(off.clone()))).collect();
        }
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller that went away is no reason to stop.
            let _ = reply.send(answer);
        }
    }

    /// Writes the entries whose preconditions hold, all in one frame, syncs once, and applies them.
    fn write(
        &mut self,
        entries: Vec<(Entry, Vec<Precondition>)>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Failure> {
        let before = self.files.applied.head;
        let (mut head, mut puts) = (before, Puts::new());
        for (entry, preconditions) in entries {
            let answer = self.take(entry, &preconditions, &head, &mut puts);
            head = answer.as_ref().map_or(head, Recorded::receipt);
            answers.push(answer);
        }
        if head.position == before.position {
            return Ok(());
        }
        let first = before.position.0 + 1;
        let entries = answers.iter().flatten().map(|recorded| &recorded.entry);
        let frame = frame::encode(first, entries);
        let frame = frame.map_err(|flaw| Failure::Append(io::Error::other(flaw.to_string())))?;
        let Some(appender) = &mut self.files.appender else {
            return Err(Failure::Append(io::ErrorKind::PermissionDenied.into()));
        };
        self.sealed.extend(appender.rotate(first).map_err(Failure::Append)?);
        appender.append(&frame).map_err(Failure::Append)?;
        appender.sync(&frame).map_err(|e| Failure::Sync(Error::Io(e)))?;
        self.apply(&puts, head).map_err(Failure::Index)?;
        self.state.advance(head);
        Ok(())
    }

    /// The entry as it will stand in the journal after `head`, its puts added to those of the
    /// group, if its preconditions hold.
    fn take(
        &self,
        entry: Entry,
        preconditions: &[Precondition],
        head: &Receipt,
        puts: &mut Puts,
    ) -> Answer {
        match self.failed(preconditions, puts) {
            Ok(None) => {}
            Ok(Some(index)) => return Err(CommitError::Precondition { index }),
            Err(cause) => return Err(CommitError::Unreadable(self.state.note(cause))),
        }
        let recorded = chain::record(head, entry, chain::now());
        let pairs = self.index.read(&recorded).map_err(CommitError::Refused)?;
        if let Some(index) = reserved_key(&pairs) {
            return Err(CommitError::ReservedKey { index });
        }
        puts.extend(pairs);
        Ok(recorded)
    }

    /// The first precondition that does not hold against what is stored with the puts of the
    /// group's earlier entries laid over it.
    fn failed(&self, preconditions: &[Precondition], puts: &Puts) -> Result<Option<usize>, Error> {
        for (index, precondition) in preconditions.iter().enumerate() {
            let key = precondition.key();
            let holds = match puts.get(key) {
                Some(value) => precondition.holds(Some(value)),
                None => precondition.holds(self.files.engine.get(key)?.as_deref()),
            };
            if !holds {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn apply(&mut self, puts: &Puts, head: Receipt) -> Result<(), Error> {
        if let Some(fault) = &self.faults.apply {
            fault().map_err(Error::Io)?;
        }
        self.files.marks.clear_clean().map_err(Error::Io)?;
        let Files { engine, applied, .. } = &mut self.files;
        *applied = engine.apply(puts, &self.sealed, head, applied)?;
        self.sealed.clear();
        if self.dirty_bytes == 0 {
            self.flushed = Instant::now();
        }
        let bytes = |(key, value): (&Vec<u8>, &Vec<u8>)| key.len() + value.len();
        self.dirty_bytes += puts.iter().map(bytes).sum::<usize>() + 1;
        Ok(())
    }

    fn flush(&mut self) {
        self.dirty_bytes = 0;
        if let Err(cause) = self.files.engine.flush() {
            self.turn_off(Failure::Index(cause));
        }
        self.flushed = Instant::now();
    }

    fn turn_off(&mut self, failure: Failure) {
        let off = match failure {
            Failure::Append(cause) => {
                let full = cause.kind() == io::ErrorKind::StorageFull;
                let undone = self.files.appender.as_mut().map_or(Ok(()), Appender::cut);
                self.probed = Instant::now();
                match undone {
                    Ok(()) if full => WritesOff::DiskFull(Arc::new(Error::Io(cause))),
                    Ok(()) => WritesOff::AppendFailed(Arc::new(Error::Io(cause))),
                    Err(cause) => WritesOff::SyncFailed(Arc::new(Error::Io(cause))),
                }
            }
            // For good: after a failed sync the system may have dropped the pages, and a later
            // sync that succeeds would say nothing about them. Only a new start reads what is
            // really there.
            Failure::Sync(cause) => WritesOff::SyncFailed(Arc::new(cause)),
            // The entries are in the journal, and are found there at the next start.
            Failure::Index(cause) => {
                self.state.index_is_damaged();
                WritesOff::IndexFailed(Arc::new(cause))
            }
        };
        self.state.set(Err(off.clone()));
        self.files.off = Some(off);
    }

    /// Leaves an index that the next start may take as it is.
    fn close(self) {
        let Files { engine, disk, marks, applied, .. } = &self.files;
        let (Some(disk), false) = (disk, self.state.is_index_damaged()) else { return };
        let synced = engine.flush().and_then(|()| disk.sync().map_err(Error::Io));
        if synced.is_ok() {
            // Without the mark the next start checks the index, which costs it time alone.
            let _ = marks.set_clean(applied);
        }
    }
}

/// Whether what keeps writes off may be over without a new start.
fn may_end(off: &WritesOff) -> bool {
    match off {
        WritesOff::LowSpace { .. } | WritesOff::DiskFull(_) | WritesOff::AppendFailed(_) => true,
        WritesOff::SyncFailed(_)
        | WritesOff::IndexFailed(_)
        | WritesOff::Damaged(_)
        | WritesOff::ReadOnly
        | WritesOff::Closed => false,
    }
}

/// The first put whose key the caller may not use.
pub(super) fn reserved_key(puts: &[Pair]) -> Option<usize> {
    puts.iter().position(|(key, _)| key.first().is_none_or(|&byte| byte == RESERVED))
}
