//! What the committer, the applier, the readers and the handles of a store tell each other.

use std::io;
use std::mem::discriminant;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::sync::watch;

use super::damage::{Damage, Flaw};
use super::entry::{Position, Receipt};
use super::marks::Marks;
use super::{Error, WritesOff};

pub(super) struct State {
    /// The last entry that is synced and can be read.
    head: RwLock<Receipt>,
    /// Its position; told after the head is.
    position: watch::Sender<Position>,
    writable: watch::Sender<Result<(), WritesOff>>,
    /// The first damage that was found.
    damage: OnceLock<Arc<Damage>>,
    index_damaged: AtomicBool,
    /// Why the index takes nothing any more.
    index_failure: OnceLock<Arc<Error>>,
    marks: Marks,
}

impl State {
    pub(super) fn new(head: Receipt, damage: Option<Damage>, marks: Marks) -> Self {
        let known = OnceLock::new();
        if let Some(damage) = damage {
            // Cannot fail: it is empty.
            let _ = known.set(Arc::new(damage));
        }
        Self {
            head: RwLock::new(head),
            position: watch::Sender::new(head.position),
            writable: watch::Sender::new(Ok(())),
            damage: known,
            index_damaged: AtomicBool::new(false),
            index_failure: OnceLock::new(),
            marks,
        }
    }

    pub(super) fn head(&self) -> Receipt {
        *self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch_position(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    pub(super) fn advance(&self, head: Receipt) {
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = head;
        self.position.send_replace(head.position);
    }

    pub(super) fn writable(&self) -> Result<(), WritesOff> {
        self.writable.borrow().clone()
    }

    pub(super) fn watch_writable(&self) -> watch::Receiver<Result<(), WritesOff>> {
        self.writable.subscribe()
    }

    /// Changes whether writes are on; once closed it stays closed, and with damage or a failure of
    /// the index known they stay off. Watchers wake only when the reason changes, not for each new
    /// figure of free space.
    pub(super) fn set(&self, new: Result<(), WritesOff>) {
        self.writable.send_if_modified(|now| {
            // Asked here, where nobody else says something else in between.
            let new = new.and_then(|()| self.off_for_good().map_or(Ok(()), Err));
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

    pub(super) fn damage(&self) -> Option<Arc<Damage>> {
        self.damage.get().cloned()
    }

    /// What was found by others than the committer, and does not end before the next start.
    pub(super) fn off_for_good(&self) -> Option<WritesOff> {
        let failure = || self.index_failure.get().cloned().map(WritesOff::IndexFailed);
        self.damage().map(WritesOff::Damaged).or_else(failure)
    }

    /// The index takes nothing any more: from the next group on nothing is written.
    pub(super) fn index_failed(&self, cause: Error) {
        self.index_is_damaged();
        let cause = self.index_failure.get_or_init(|| Arc::new(cause));
        self.set(Err(WritesOff::IndexFailed(cause.clone())));
    }

    /// Damage that a reader has found: from the next group on nothing is written.
    pub(super) fn found(&self, damage: &Damage) {
        let damage = self.damage.get_or_init(|| Arc::new(damage.clone()));
        self.set(Err(WritesOff::Damaged(damage.clone())));
    }

    /// What reading the journal came to: damage turns writes off, a file that cannot be opened at
    /// present does not.
    pub(super) fn judge(&self, damage: &Damage) -> Result<(), Error> {
        match &damage.flaw {
            Flaw::Unopened(_) => Err(Error::Io(io::Error::other(damage.to_string()))),
            _ => {
                self.found(damage);
                Ok(())
            }
        }
    }

    /// Notes that the index cannot be read, if that is what the error says.
    pub(super) fn note(&self, error: Error) -> Error {
        if matches!(error, Error::Damaged(_)) {
            self.index_is_damaged();
        }
        error
    }

    /// From now on the index is to be rebuilt at the next start.
    pub(super) fn index_is_damaged(&self) {
        if !self.index_damaged.swap(true, Ordering::SeqCst) {
            // Without the mark the next start still checks the index, as it is not marked clean.
            let _ = self.marks.set_damaged();
        }
    }

    pub(super) fn is_index_damaged(&self) -> bool {
        self.index_damaged.load(Ordering::SeqCst)
    }
}
