//! How the archive writes: decide on what is stored, commit on the condition that it still stands,
//! and answer a repeated request as the first one.

use prost::Message;
use sha2::{Digest, Sha256};

use super::Archive;
use super::index::{self, Taken, request_key};
use crate::failure::Failure;
use crate::limits::REQUEST_ID_SECONDS;
use crate::pb::{Change, EntryHeader, Timestamp};
use crate::store::{CommitError, Conditions, Entry, Position, Precondition, Recorded, now};

/// Of the salt of an entry.
const SALT_BYTES: usize = 16;

/// How often a write is decided anew since others changed what it rests on. Each round at least one
/// of the rivals gets through, so only a crowd on one report exhausts it.
const ROUNDS: usize = 32;

/// Who asks for a write, and by which request.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The principal; empty where nobody said.
    pub principal: String,
    /// The method, such as `SubmitReport`.
    pub method: &'static str,
    /// The request id; empty where none was given.
    pub request_id: String,
    /// The digest of the request without its id; empty without an id.
    pub request_digest: Vec<u8>,
    /// Whether to check only.
    pub validate_only: bool,
}

impl Caller {
    /// The caller of `request`, whose own id was taken out.
    pub fn new<M: Message>(
        principal: String,
        method: &'static str,
        request: &M,
        request_id: String,
        validate_only: bool,
    ) -> Self {
        let request_digest = match request_id.is_empty() {
            true => Vec::new(),
            false => Sha256::digest(request.encode_to_vec()).to_vec(),
        };
        Caller { principal, method, request_id, request_digest, validate_only }
    }
}

/// What is to be written, and what it rests on.
pub(super) struct Decision {
    pub(super) change: Change,
    pub(super) preconditions: Vec<Precondition>,
}

/// A write, or what it would have been.
pub(super) struct Outcome {
    /// What resulted.
    pub(super) taken: Taken,
    /// The entry; `None` where nothing was to be stored.
    pub(super) recorded: Option<Recorded>,
    /// Whether the first answer is given again: then no decision of this call led to it.
    pub(super) repeated: bool,
}

/// What is known of a request id.
enum Known {
    /// Nothing in force; what stands under its key, if anything.
    Nothing(Precondition),
    /// The entry that answered it.
    Answered(Box<Recorded>),
}

impl Archive {
    /// Decides and commits, again where the ground has shifted in between.
    ///
    /// `decide` reads what is stored and either refuses or says what is to be written, and which
    /// stored values that rests on. It reads them itself: a change of what was read before goes
    /// unnoticed.
    pub(super) async fn write(
        &self,
        caller: &Caller,
        decide: impl Fn(&Archive) -> Result<Decision, Failure>,
    ) -> Result<Outcome, Failure> {
        for _ in 0..ROUNDS {
            let seen = self.store.position();
            let id_is_free = match self.request(caller)? {
                Some(Known::Answered(recorded)) => return outcome(*recorded),
                Some(Known::Nothing(precondition)) => Some(precondition),
                None => None,
            };
            let decision = match decide(self) {
                Ok(decision) => decision,
                // The first may have been written since its id was looked for: then the refusal
                // speaks of what this very request has done.
                Err(refusal) => match self.request(caller)? {
                    Some(Known::Answered(recorded)) => return outcome(*recorded),
                    Some(Known::Nothing(_)) | None => return Err(refusal),
                },
            };
            if caller.validate_only {
                self.store.writable().map_err(Failure::WritesOff)?;
                // Without an etag: only an entry gives one.
                let taken = index::settled(decision.change, now(), String::new());
                let taken = taken.map_err(|e| Failure::Store(e.to_string()))?;
                return Ok(Outcome { taken, recorded: None, repeated: false });
            }
            let mut preconditions = decision.preconditions;
            preconditions.extend(id_is_free);
            let mut change = decision.change;
            change.salt = salt()?;
            let entry = Entry {
                payload: change.encode_to_vec(),
                principal: caller.principal.clone(),
                method: caller.method.to_owned(),
                request_id: caller.request_id.clone(),
                request_digest: caller.request_digest.clone(),
            };
            // In a box, since a future that holds it is moved about.
            let change = Box::new(change);
            match self
                .store
                .commit(entry, Conditions { seen: Some(seen), all: preconditions })
                .await
            {
                Ok(recorded) => {
                    let taken = index::settled(*change, recorded.time(), index::etag(&recorded));
                    let taken = taken.map_err(|e| Failure::Store(e.to_string()))?;
                    return Ok(Outcome { taken, recorded: Some(recorded), repeated: false });
                }
                Err(CommitError::Precondition { .. }) => {}
                Err(CommitError::WritesOff(off)) => return Err(Failure::WritesOff(off)),
                Err(other) => return Err(Failure::Store(other.to_string())),
            }
        }
        Err(Failure::ConcurrentChange)
    }

    /// The first outcome of a request that is repeated; none where it is new.
    pub(super) fn answered(&self, caller: &Caller) -> Result<Option<Outcome>, Failure> {
        match self.request(caller)? {
            Some(Known::Answered(recorded)) => outcome(*recorded).map(Some),
            Some(Known::Nothing(_)) | None => Ok(None),
        }
    }

    /// What is known of the caller's request id, if it gave one that counts.
    fn request(&self, caller: &Caller) -> Result<Option<Known>, Failure> {
        if caller.request_id.is_empty() || caller.validate_only {
            return Ok(None);
        }
        let key = request_key(&caller.principal, caller.method, &caller.request_id);
        let Some(stored) = self.store.get(&key)? else {
            return Ok(Some(Known::Nothing(Precondition::Absent(key))));
        };
        let header: EntryHeader = super::decode(&stored)?;
        if !is_remembered(header.time.unwrap_or_default()) {
            return Ok(Some(Known::Nothing(Precondition::Unchanged { key, value: stored })));
        }
        if header.request_digest != caller.request_digest {
            return Err(Failure::RequestIdReused);
        }
        Ok(Some(Known::Answered(Box::new(self.entry(header.position)?))))
    }

    /// The entry at a position of the journal.
    fn entry(&self, position: u64) -> Result<Recorded, Failure> {
        let before = Position::from_number(position.saturating_sub(1));
        let entries = self.store.follow(before, 1)?;
        let found = entries.into_iter().next().filter(|r| r.header.position == position);
        found.ok_or_else(|| Failure::Store(format!("the journal has no entry {position}")))
    }
}

fn outcome(recorded: Recorded) -> Result<Outcome, Failure> {
    let taken = index::taken(&recorded).map_err(|e| Failure::Store(e.to_string()))?;
    Ok(Outcome { taken, recorded: Some(recorded), repeated: true })
}

/// Hides what an entry said, once it is blanked, from who knows the digest.
fn salt() -> Result<Vec<u8>, Failure> {
    let mut salt = vec![0; SALT_BYTES];
    getrandom::fill(&mut salt)
        .map_err(|e| Failure::Store(format!("the system gives no random bytes: {e}")))?;
    Ok(salt)
}

/// Whether a request of that time is still answered as before.
fn is_remembered(time: Timestamp) -> bool {
    now().seconds.saturating_sub(time.seconds) < REQUEST_ID_SECONDS
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Handle;
    use tokio::task::block_in_place;

    use super::super::INDEX;
    use super::*;
    use crate::pb::Organ;
    use crate::store::{Options, Store};

    fn decision(name: &str) -> Decision {
        let organ = Organ { name: name.to_owned(), ..Organ::default() };
        let change = Change { organ: Some(organ), ..Change::default() };
        Decision { change, preconditions: Vec::new() }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_repetition_that_comes_while_the_first_is_written_gets_its_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), INDEX, Options::default()).expect("a store");
        let archive = Archive::new(store);
        let organ = Organ { name: "organs/a".to_owned(), ..Organ::default() };
        let caller = Caller::new("clerk".to_owned(), "CreateOrgan", &organ, "1".to_owned(), false);
        // The first is written after the repetition has looked for its request id, and before it
        // reads what is stored.
        let outcome = archive.write(&caller, |archive| {
            let first = archive.write(&caller, |_| Ok(decision(&organ.name)));
            block_in_place(|| Handle::current().block_on(first))?;
            Err(Failure::OrganAlreadyExists(organ.name.clone()))
        });
        let recorded = outcome.await.expect("answered").recorded.expect("written");
        assert_eq!(recorded.position(), archive.store().position());
        assert_eq!(recorded.position().number(), 1, "once");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_refusal_that_no_repetition_explains_stands() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), INDEX, Options::default()).expect("a store");
        let archive = Archive::new(store);
        let caller = |id: &str| {
            let organ = Organ::default();
            Caller::new("clerk".to_owned(), "CreateOrgan", &organ, id.to_owned(), false)
        };
        for caller in [caller(""), caller("1")] {
            let refuse = |_: &Archive| Err(Failure::OrganAlreadyExists("organs/a".to_owned()));
            let refused = archive.write(&caller, refuse).await.err();
            assert!(matches!(refused, Some(Failure::OrganAlreadyExists(_))));
        }
    }
}
