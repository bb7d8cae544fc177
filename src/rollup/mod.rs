//! The roll-up: plain rows of numbers in memory, derived from the archive, and what is summed from
//! them. It knows nothing of gRPC, and holds nothing that cannot be read anew.
//!
//! It follows the journal. Each question first catches up to the present position, so that an
//! answer holds every write that was acknowledged before it was asked, and it is the state of
//! exactly one position, which it names. The organs are read when the first question comes, and a
//! year when it is first asked for: years are independent.
//!
//! **Memory.** Of a report about 0.6 KB: its figures in as few bytes as they need, and where it
//! stands. Of the kept sums about 1 KB for each inner organ and each of 32 ways to sum a year.
//! Years are never forgotten: there are as many as reports are filed for.
//!
//! From the bottom: `row` and `digest` are numbers; `tree`, `year` and `share` say who is below
//! whom, what is filed, and what of it is taken; `memo` keeps sums; `state` is all that at one
//! position; `filter`, `question` and `indicator` are what is asked; `sums`, `coverage`,
//! `contributions`, `compare`, `reviews`, `outliers` and `records` answer, and so does `reconcile`,
//! with what `explain` finds.

mod digest;
mod row;
mod tree;
mod year;
mod share;
mod memo;
mod state;
mod filter;
mod question;
mod indicator;
mod sums;
mod coverage;
mod contributions;
mod compare;
mod reviews;
mod outliers;
mod explain;
mod reconcile;
mod records;

use std::sync::{Arc, PoisonError, RwLock};

use crate::archive::{Archive, Moment};
use crate::failure::Failure;
use state::State;

pub use compare::compare_years;
pub use contributions::contributions;
pub use coverage::coverage;
pub use filter::Filter;
pub use outliers::outliers;
pub use question::Question;
pub use reconcile::reconcile;
pub use records::{Facts, Group, Items, Records, SumRecord, TakenRevision, YearRecords, records};
pub use reviews::reviews;
pub use sums::sums;

/// The roll-up of one archive; clones share it.
#[derive(Clone)]
pub struct Rollup {
    archive: Archive,
    state: Arc<RwLock<Option<State>>>,
}

impl Rollup {
    /// Over an archive. Nothing is read yet, so that a start stays fast.
    pub fn new(archive: Archive) -> Self {
        Rollup { archive, state: Arc::default() }
    }

    /// The archive beneath.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Asks the state of a moment, with the reports of these years.
    fn ask<T>(
        &self,
        moment: Moment,
        years: &[i32],
        answer: impl FnOnce(&State) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Moment::Position(position) = moment {
            // The pages of a list are asked one after another as of one position, and mostly
            // nothing is written in between: the journal is read only where something was.
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(state) = &*state
                && state.position() == position
                && state.is_at_least(position, years)
            {
                return answer(state);
            }
        }
        if moment != Moment::Now {
            return answer(&State::at(&self.archive, moment, years)?);
        }
        let position = self.archive.store().position();
        loop {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(state) = &*state
                // Another may have gone further in between, which holds all that this one wants.
                && state.is_at_least(position, years)
            {
                return answer(state);
            }
            drop(state);
            self.catch_up(years)?;
        }
    }

    fn catch_up(&self, years: &[i32]) -> Result<(), Failure> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // Taken out while it changes: what a failure or a panic leaves half done is read anew.
        let mut next = match state.take() {
            Some(state) => state,
            None => State::load(&self.archive)?,
        };
        next.catch_up(&self.archive, years)?;
        *state = Some(next);
        Ok(())
    }
}
