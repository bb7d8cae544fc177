//! The archive of organs and reports: what a journal entry says, what must hold for it, and how
//! what is stored is read. It knows nothing of gRPC.
//!
//! `index` says what an entry means; `write` decides, commits and repeats; `report`, `reason`,
//! `organ`, `reorganise`, `import` and `deadline` say what may be written, `tree` that organs stay
//! a tree; `years` holds a report against last year's; `read` reads.

mod deadline;
mod import;
mod index;
mod organ;
mod read;
mod reason;
mod reorganise;
mod report;
mod tree;
mod write;
mod years;

use std::time::Duration;

use jiff::tz::TimeZone;
use prost::Message;

use crate::failure::Failure;
use crate::limits::{AT_LEAST_SECONDS_MAX, PAGE_BYTES_MAX, PAGE_KEYS_MAX};
use crate::pb::Report;
use crate::store::{Position, Store};

pub use deadline::lawful_date;
pub use import::ImportOptions;
pub use index::{INDEX, NotOurs, Taken, china_date, receipt, taken};
pub use organ::{broken_organ, is_active, name_in, parent_in, standing_in};
pub use read::{Moment, Version};
pub use reason::broken_reason;
pub use reorganise::{Merged, Merger, Move, ORGAN_FIELDS, OrganField, broken_merger};
pub use report::{Filed, Step, Submission, What};
pub use write::Caller;

/// The organs and reports of one store.
#[derive(Clone)]
pub struct Archive {
    store: Store,
}

/// A page of a list, and the key after which the next begins.
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The last key read, where more follows.
    pub next: Option<Vec<u8>>,
}

impl Archive {
    /// The archive in `store`.
    pub fn new(store: Store) -> Self {
        Archive { store }
    }

    /// The store beneath.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Reads a position that a client gave; `None` where it gave none.
    ///
    /// # Errors
    /// `PositionInvalid`.
    pub fn position(&self, text: &str) -> Result<Option<Position>, Failure> {
        match text {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| Failure::PositionInvalid),
        }
    }

    /// Waits until the position is among what reads see; at once where none is given. For a
    /// position that this server gave that is at once too.
    ///
    /// # Errors
    /// `PositionInvalid`, `PositionNotReached`.
    pub async fn reach(&self, at_least: &str) -> Result<(), Failure> {
        let Some(wanted) = self.position(at_least)? else {
            return Ok(());
        };
        if wanted <= self.store.position() {
            return Ok(());
        }
        let mut positions = self.store.watch_position();
        let reached = positions.wait_for(|now| *now >= wanted);
        let patience = Duration::from_secs(AT_LEAST_SECONDS_MAX);
        match tokio::time::timeout(patience, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Failure::PositionNotReached),
        }
    }

    /// Reads from `prefix` on until `limit` items are kept, a page's bytes are full, or as many
    /// keys are read as one call may.
    fn list<M: Message + Default, T: Message>(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        keep: impl Fn(&[u8], M) -> Result<Option<T>, Failure>,
    ) -> Result<Page<T>, Failure> {
        /// Read at a time: a page of a filtered list may need many.
        const BATCH: usize = 256;
        let mut items = Vec::new();
        let (mut bytes, mut keys) = (0, 0);
        let mut last = after.map(<[u8]>::to_vec);
        loop {
            let batch = self.store.scan(prefix, last.as_deref(), BATCH)?;
            let ended = batch.len() < BATCH;
            keys += batch.len();
            for (key, value) in batch {
                let Some(item) = keep(&key, decode(&value)?)? else {
                    last = Some(key);
                    continue;
                };
                bytes += item.encoded_len();
                if items.len() == limit || (bytes > PAGE_BYTES_MAX && !items.is_empty()) {
                    return Ok(Page { items, next: last });
                }
                items.push(item);
                last = Some(key);
            }
            if ended {
                return Ok(Page { items, next: None });
            }
            if keys >= PAGE_KEYS_MAX {
                return Ok(Page { items, next: last });
            }
        }
    }
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, Failure> {
    M::decode(bytes).map_err(|e| Failure::Store(e.to_string()))
}

/// A whole report from the content of a revision and the head.
fn full(content: Report, revision: i32, head: Report) -> Report {
    Report {
        name: head.name,
        revision,
        state: head.state,
        latest_revision: head.latest_revision,
        effective_revision: head.effective_revision,
        published_revision: head.published_revision,
        etag: head.etag,
        create_time: head.create_time,
        update_time: head.update_time,
        submit_time: head.submit_time,
        submitter: head.submitter,
        accepter: head.accepter,
        due_date: head.due_date,
        late: head.late,
        state_reason: head.state_reason,
        return_reasons: head.return_reasons,
        ..content
    }
}

/// An entry whose change is of another kind than the method that wrote it: a defect of this
/// program.
fn not_this(expected: &str) -> Failure {
    Failure::Store(format!("the entry does not hold {expected}"))
}

/// The year of today in China.
pub fn this_year() -> i32 {
    let china = TimeZone::fixed(jiff::tz::offset(8));
    i32::from(jiff::Timestamp::now().to_zoned(china).year())
}
