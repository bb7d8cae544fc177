//! The one writer: a thread that takes whatever is queued, appends it to the journal as one frame,
//! syncs once, hands it on to the index and answers all.
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

use super::engine::{Puts, RESERVED, Value};
use super::entry::{Entry, Index, Pair, Receipt, Recorded, panic_text};
use super::journal::{Appender, Sealed};
use super::pending::{Pending, Since};
use super::state::State;
use super::{CommitError, Conditions, Error, Faults, Options, WritesOff, chain, frame};

/// A group takes no further entry beyond this, so that one group cannot outgrow the reserve nor
/// keep the first of its callers waiting for long.
const GROUP_BYTES: usize = 8 << 20;

/// How often it is looked whether writes can go on again. Nobody may write in the meantime, so no
/// write would notice.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

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
    pub(super) conditions: Conditions,
    pub(super) reply: oneshot::Sender<Answer>,
    /// The caller's share of the queue, given back when the request is dropped.
    pub(super) permit: OwnedSemaphorePermit,
}

/// What failed while a group was written.
enum Failure {
    /// Nothing of the frame counts; it is to be cut off.
    Append(io::Error),
    Sync(Error),
}

pub(super) struct Committer {
    /// None where writes are off for good.
    appender: Option<Appender>,
    off: Option<WritesOff>,
    /// The last entry that is on disk.
    head: Receipt,
    pending: Arc<Pending>,
    index: Index,
    messages: Receiver<Message>,
    state: Arc<State>,
    reserve_bytes: u64,
    group_entries: usize,
    faults: Faults,
    /// Full segments that the index is to know of.
    sealed: Vec<Sealed>,
    probed: Instant,
    closing: bool,
}

impl Committer {
    pub(super) fn new(
        (appender, off): (Option<Appender>, Option<WritesOff>),
        pending: Arc<Pending>,
        index: Index,
        messages: Receiver<Message>,
        state: Arc<State>,
        options: &Options,
    ) -> Self {
        let mut committer = Self {
            appender,
            off,
            head: state.head(),
            pending,
            index,
            messages,
            state,
            reserve_bytes: options.reserve_bytes,
            group_entries: options.group_entries.max(1),
            faults: options.faults.clone(),
            sealed: Vec::new(),
            probed: Instant::now(),
            closing: false,
        };
        committer.look();
        committer
    }

    pub(super) fn run(mut self) {
        while !self.closing {
            if let Some(first) = self.wait() {
                let group = self.group(first);
                self.look();
                self.commit(group);
            }
        }
    }

    /// The next request; none when it is time to look at something else.
    fn wait(&mut self) -> Option<Request> {
        let message = match self.off.as_ref().is_some_and(may_end) {
            false => self.messages.recv().unwrap_or(Message::Close),
            true => match self.messages.recv_timeout(PROBE_INTERVAL) {
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
        if let Some(off) = self.state.off_for_good() {
            self.off = Some(off);
        }
        let off = self.off.take();
        self.off = match off {
            Some(off) if !may_end(&off) => Some(off),
            None | Some(WritesOff::LowSpace { .. }) => self.low_space(),
            Some(off) if self.probed.elapsed() < PROBE_INTERVAL => Some(off),
            Some(off) => {
                self.probed = Instant::now();
                let room = self.low_space().is_none();
                let appender = self.appender.as_mut();
                let well = room && appender.is_some_and(|journal| journal.cut().is_ok());
                (!well).then_some(off)
            }
        };
        self.state.set(self.off.clone().map_or(Ok(()), Err));
    }

    fn low_space(&self) -> Option<WritesOff> {
        let free = match (&self.faults.free_bytes, &self.appender) {
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
            entries.push((request.entry, request.conditions));
            permits.push(request.permit);
        }
        if self.off.is_none() {
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
        if let Some(off) = &self.off {
            answers = replies.iter().map(|_| Err(CommitError::WritesOff(off.clone()))).collect();
        }
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller that went away is no reason to stop.
            let _ = reply.send(answer);
        }
    }

    /// Writes the entries whose preconditions hold, all in one frame, syncs once, and has them read
    /// from then on.
    fn write(
        &mut self,
        entries: Vec<(Entry, Conditions)>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Failure> {
        let before = self.head;
        let (mut head, mut puts) = (before, Puts::new());
        for (entry, conditions) in entries {
            let answer = self.take(entry, &conditions, &head, &mut puts);
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
        let Some(appender) = &mut self.appender else {
            return Err(Failure::Append(io::ErrorKind::PermissionDenied.into()));
        };
        self.sealed.extend(appender.rotate(first).map_err(Failure::Append)?);
        appender.append(&frame).map_err(Failure::Append)?;
        appender.sync(&frame).map_err(|e| Failure::Sync(Error::Io(e)))?;
        self.head = head;
        self.pending.add(puts, std::mem::take(&mut self.sealed), head);
        self.state.advance(head);
        Ok(())
    }

    /// The entry as it will stand in the journal after `head`, its puts added to those of the
    /// group, if its preconditions hold.
    fn take(
        &self,
        entry: Entry,
        conditions: &Conditions,
        head: &Receipt,
        puts: &mut Puts,
    ) -> Answer {
        match self.failed(conditions, puts) {
            Ok(None) => {}
            Ok(Some(index)) => return Err(CommitError::Precondition { index }),
            Err(cause) => return Err(CommitError::Unreadable(self.state.note(cause))),
        }
        let recorded = chain::record(head, entry, chain::now());
        let pairs = self.index.read(&recorded).map_err(CommitError::Refused)?;
        if let Some(index) = reserved_key(&pairs) {
            return Err(CommitError::ReservedKey { index });
        }
        puts.extend(pairs.into_iter().map(|(key, value)| (key, Value::from(value))));
        Ok(recorded)
    }

    /// The first precondition that does not hold against what is stored with the puts of the
    /// group's earlier entries laid over it.
    fn failed(&self, conditions: &Conditions, puts: &Puts) -> Result<Option<usize>, Error> {
        for (index, precondition) in conditions.all.iter().enumerate() {
            let key = precondition.key();
            let holds = match puts.get(key) {
                Some(value) => precondition.holds(Some(value)),
                None => match self.pending.since(conditions.seen, key)? {
                    Since::Untouched => true,
                    Since::Now(stored) => precondition.holds(stored.as_ref()),
                },
            };
            if !holds {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn turn_off(&mut self, failure: Failure) {
        let off = match failure {
            Failure::Append(cause) => {
                let full = cause.kind() == io::ErrorKind::StorageFull;
                let undone = self.appender.as_mut().map_or(Ok(()), Appender::cut);
                self.probed = Instant::now();
                match undone {
                    Ok(()) if full => WritesOff::DiskFull(Arc::new(Error::Io(cause))),
                    Ok(()) => WritesOff::AppendFailed(Arc::new(Error::Io(cause))),
                    Err(cause) => WritesOff::SyncFailed(Arc::new(Error::Io(cause))),
                }
            }
            // For good: after a failed sync the system may hold the frame in memory alone and take
            // it for written, so that neither a later sync nor a start would notice. Nobody was
            // told of the frame, so it is cut off; if that fails too, it is there or it is not.
            Failure::Sync(cause) => {
                let _ = self.appender.as_mut().map(Appender::cut);
                WritesOff::SyncFailed(Arc::new(cause))
            }
        };
        self.state.set(Err(off.clone()));
        self.off = Some(off);
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
