//! The one writer: a thread that takes whatever is queued, applies it, syncs once and answers all.
//!
//! A thread of its own and not a task, since it blocks on the disk. One and not several, since
//! group commit does more for throughput than parallel flushes do, and since preconditions that
//! are checked by the only writer need no locks. It decides when writes are off.

use std::io;
use std::mem::discriminant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::engine::{Disk, Engine, Puts, panic_text};
use super::{CommitError, Entry, Error, Faults, Options, Position, Precondition, WritesOff};

/// A group takes no further entry beyond this, so that one group cannot outgrow the reserve nor
/// keep the first of its callers waiting for long.
const GROUP_BYTES: usize = 8 << 20;

/// How often free space is looked at while writes are off for want of it. Nobody may write in
/// the meantime, so no write would notice that there is room again.
const SPACE_CHECK_INTERVAL: Duration = Duration::from_millis(500);

type Answer = Result<Position, CommitError>;

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

/// What the committer tells everyone else.
pub(super) struct State {
    position: AtomicU64,
    pub(super) writable: watch::Sender<Result<(), WritesOff>>,
}

impl State {
    pub(super) fn new(position: Position) -> Self {
        Self { position: AtomicU64::new(position.0), writable: watch::Sender::new(Ok(())) }
    }

    pub(super) fn position(&self) -> Position {
        Position(self.position.load(Ordering::Acquire))
    }

    /// Changes whether writes are on; once closed it stays closed. Watchers wake only when the
    /// reason changes, not for each new figure of free space.
    pub(super) fn set(&self, new: Result<(), WritesOff>) {
        self.writable.send_if_modified(|now| {
            let same = match (&*now, &new) {
                (Err(WritesOff::Closed), _) | (Ok(()), Ok(())) => true,
                (Err(a), Err(b)) => discriminant(a) == discriminant(b),
                _ => false,
            };
            if !same {
                *now = new;
            }
            !same
        });
    }
}

pub(super) struct Committer {
    engine: Engine,
    disk: Disk,
    messages: Receiver<Message>,
    state: Arc<State>,
    reserve_bytes: u64,
    group_entries: usize,
    faults: Faults,
    /// Of the last entry applied, synced or not.
    position: Position,
    off: Option<WritesOff>,
    closing: bool,
}

impl Committer {
    pub(super) fn new(
        engine: Engine,
        disk: Disk,
        messages: Receiver<Message>,
        state: Arc<State>,
        options: Options,
    ) -> Self {
        let mut committer = Self {
            engine,
            disk,
            messages,
            position: state.position(),
            state,
            reserve_bytes: options.reserve_bytes,
            group_entries: options.group_entries.max(1),
            faults: options.faults,
            off: None,
            closing: false,
        };
        committer.check_space();
        committer
    }

    pub(super) fn run(mut self) {
        while !self.closing {
            let Some(first) = self.wait() else { continue };
            let group = self.group(first);
            self.check_space();
            self.commit(group);
        }
    }

    /// The next request; none when it is time to look at something else.
    fn wait(&mut self) -> Option<Request> {
        let message = if matches!(self.off, Some(WritesOff::LowSpace { .. })) {
            match self.messages.recv_timeout(SPACE_CHECK_INTERVAL) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    self.check_space();
                    return None;
                }
                Err(RecvTimeoutError::Disconnected) => Message::Close,
            }
        } else {
            self.messages.recv().unwrap_or(Message::Close)
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

    /// Turns writes off while there is less room than the reserve, and on again when there is
    /// more. If the system cannot tell, the sync will.
    fn check_space(&mut self) {
        if !matches!(self.off, None | Some(WritesOff::LowSpace { .. })) {
            return;
        }
        let free = match &self.faults.free_bytes {
            Some(free_bytes) => free_bytes(),
            None => self.disk.free_bytes(),
        };
        let reserve_bytes = self.reserve_bytes;
        self.off = match free {
            Ok(free_bytes) if free_bytes < reserve_bytes => {
                Some(WritesOff::LowSpace { free_bytes, reserve_bytes })
            }
            _ => None,
        };
        self.state.set(self.off.clone().map_or(Ok(()), Err));
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
        if self.off.is_none() {
            // A panic here is a bug, in sled or in this file. It must not leave callers waiting.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.write(&entries, &mut answers)));
            let outcome = outcome.unwrap_or_else(|p| Err(Error::Damaged(panic_text(&*p).into())));
            match outcome {
                Ok(()) => self.state.position.store(self.position.0, Ordering::Release),
                Err(cause) => self.turn_off(cause),
            }
        }
        drop((entries, permits));
        if let Some(off) = &self.off {
            answers = replies.iter().map(|_| Err(CommitError::WritesOff(off.clone()))).collect();
        }
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller that went away is no reason to stop.
            let _ = reply.send(answer);
        }
    }

    /// Applies the entries whose preconditions hold, all in one batch, and syncs once.
    fn write(
        &mut self,
        entries: &[(Entry, Vec<Precondition>)],
        answers: &mut Vec<Answer>,
    ) -> Result<(), Error> {
        let before = self.position;
        let mut puts = Puts::new();
        for (entry, preconditions) in entries {
            answers.push(match self.failed(preconditions, &puts) {
                Ok(None) => {
                    puts.extend(entry.puts.iter().map(|(key, value)| (&**key, &**value)));
                    self.position = Position(self.position.0 + 1);
                    Ok(self.position)
                }
                Ok(Some(index)) => Err(CommitError::Precondition { index }),
                Err(cause) => Err(CommitError::Unreadable(cause)),
            });
        }
        if self.position == before {
            return Ok(());
        }
        self.engine.apply(&puts, self.position)?;
        self.engine.flush()?;
        if let Some(fault) = &self.faults.sync {
            fault().map_err(Error::Io)?;
        }
        self.disk.sync().map_err(Error::Io)
    }

    /// The first precondition that does not hold against what is stored with the puts of the
    /// group's earlier entries laid over it.
    fn failed(
        &self,
        preconditions: &[Precondition],
        puts: &Puts<'_>,
    ) -> Result<Option<usize>, Error> {
        for (index, precondition) in preconditions.iter().enumerate() {
            let key = precondition.key();
            let holds = match puts.get(key) {
                Some(value) => precondition.holds(Some(value)),
                None => precondition.holds(self.engine.get(key)?.as_deref()),
            };
            if !holds {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// For good: after a failed sync the system may have dropped the pages, and a later sync that
    /// succeeds would say nothing about them. Only a new start reads what is really there.
    fn turn_off(&mut self, cause: Error) {
        let full = matches!(&cause, Error::Io(e) if e.kind() == io::ErrorKind::StorageFull);
        let cause = Arc::new(cause);
        let off = if full { WritesOff::DiskFull(cause) } else { WritesOff::SyncFailed(cause) };
        self.state.set(Err(off.clone()));
        self.off = Some(off);
    }
}
