//! Until when reports are to be submitted.

use super::index::{Taken, deadline_key};
use super::write::{Caller, Decision};
use super::{Archive, Page, decode};
use crate::failure::Failure;
use crate::pb::{Change, Deadline, Receipt, Scope, organ};
use crate::store::Precondition;

use super::index::receipt;

impl Archive {
    /// Sets a deadline, or takes it back where it has no date; with `validate_only` only checks.
    ///
    /// # Errors
    /// `RequestIdReused`, `WritesOff`, `Store`.
    pub async fn set_deadline(
        &self,
        caller: &Caller,
        deadline: Deadline,
    ) -> Result<(Deadline, Option<Receipt>), Failure> {
        let deadline = Deadline { update_time: None, ..deadline };
        let decide = |_: &Archive| {
            let change = Change { deadline: Some(deadline.clone()), ..Change::default() };
            Ok(Decision { change, preconditions: Vec::new() })
        };
        let outcome = self.write(caller, decide).await?;
        match outcome.taken {
            Taken::Deadline(deadline) => Ok((deadline, outcome.recorded.as_ref().map(receipt))),
            _ => Err(super::not_this("a deadline")),
        }
    }

    /// The deadlines that were set, of one year or of all, ordered by year, scope and level.
    ///
    /// # Errors
    /// `Store`.
    pub fn deadlines(
        &self,
        year: Option<i32>,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<Deadline>, Failure> {
        let prefix = year.map_or_else(|| "d/".to_owned(), |year| format!("d/{year}-"));
        self.list(prefix.as_bytes(), after, limit, |_, deadline: Deadline| {
            Ok((!deadline.due_date.is_empty()).then_some(deadline))
        })
    }

    /// The last day for a report, `YYYY-MM-DD`: that of the organ's level, else that of all levels,
    /// else that of the law; and what is stored that it rests on.
    pub(super) fn due_date(
        &self,
        year: i32,
        scope: Scope,
        level: organ::Level,
    ) -> Result<(String, Vec<Precondition>), Failure> {
        let mut rests_on = Vec::with_capacity(2);
        for level in [level, organ::Level::Unspecified] {
            let key = deadline_key(year, scope, level);
            let Some(stored) = self.store.get(&key)? else {
                rests_on.push(Precondition::Absent(key));
                continue;
            };
            let deadline: Deadline = decode(&stored)?;
            rests_on.push(Precondition::Unchanged { key, value: stored });
            if !deadline.due_date.is_empty() {
                return Ok((deadline.due_date, rests_on));
            }
        }
        Ok((lawful_date(year, scope), rests_on))
    }
}

/// The last day where none was set, `YYYY-MM-DD`.
pub fn lawful_date(year: i32, scope: Scope) -> String {
    // 条例第四十九条: before 31 January for the organ itself, before 31 March for a government.
    let day = if scope == Scope::Region { "03-31" } else { "01-31" };
    format!("{:04}-{day}", year + 1)
}
