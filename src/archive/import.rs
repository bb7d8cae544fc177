//! Many organs from one list: what each row would do, and how it is stored.
//!
//! A list is planned as a whole against what is stored, and planned anew for each write, since
//! what stood when it came may have changed. New organs come parents first: nobody reports to one
//! that was not there, so they make no cycle, and each prefix of them is a tree. Changes of organs
//! that were there come last, in one write.

use std::cell::Cell;
use std::collections::HashMap;

use prost::Message as _;

use super::index::{Taken, receipt};
use super::organ::broken_organ;
use super::reorganise::{ORGAN_FIELDS, stored};
use super::tree::{Ground, Years, is_back, lost, reaffiliated};
use super::write::{Caller, Decision};
use super::{Archive, not_this};
use crate::failure::Failure;
use crate::form::Labelled as _;
use crate::limits::{IMPORT_CONFLICTS_MAX, ORGANS_BYTES_MAX};
use crate::names::OrganId;
use crate::pb::{Change, ErrorReason, Finding, ImportConflict, Organ, OrganImport, Receipt};
use crate::roster::{Column, Entry, Roster, Why};
use crate::sheet::{self, Format};
use crate::store::Precondition;

/// Reports that one write may rest on not being there.
const PRECONDITIONS_MAX: usize = 20_000;

/// How a list is to be imported.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Whether rows without a conflict are stored although others have one.
    pub skip_conflicts: bool,
    /// Whether organs that stand otherwise are changed.
    pub update_existing: bool,
}

/// What a list would do.
#[derive(Default)]
struct Plan {
    /// Parents first.
    created: Vec<Organ>,
    updated: Vec<Organ>,
    unchanged: usize,
    rows: usize,
    conflicts: Vec<ImportConflict>,
    preconditions: Vec<Precondition>,
}

impl Archive {
    /// Registers the organs of a file.
    ///
    /// # Errors
    /// `ImportUnreadable`, `ImportTooLarge`, `OrganChangeTooLarge`, `ConcurrentChange`, and those
    /// of every write.
    pub async fn import_organs(
        &self,
        caller: &Caller,
        options: ImportOptions,
        (bytes, format, sheet): (&[u8], Format, &str),
    ) -> Result<(OrganImport, Option<Receipt>), Failure> {
        if let Some(first) = self.answered(caller)? {
            let Taken::Organs(_, Some(import)) = first.taken else {
                return Err(not_this("an import"));
            };
            return Ok((import, first.recorded.as_ref().map(receipt)));
        }
        let rows = sheet::read(bytes, format, sheet).map_err(unreadable)?;
        let plan = || -> Result<Plan, Failure> {
            Planner::new(self, Roster::read(rows.clone())?, options)?.plan()
        };
        let mut before = 0;
        loop {
            let planned = plan()?;
            let refused = !planned.conflicts.is_empty() && !options.skip_conflicts;
            let nothing = planned.created.is_empty() && planned.updated.is_empty();
            if refused && before > 0 {
                return Err(Failure::ConcurrentChange);
            }
            if refused || nothing || caller.validate_only {
                self.store.writable().map_err(Failure::WritesOff)?;
                return Ok((planned.found(before, nothing && !refused), None));
            }
            // Only the last write answers for the request: if it does not come, all is done again.
            let last = planned.fits();
            let unnamed = Caller { request_id: String::new(), ..caller.clone() };
            let stage = if last { caller } else { &unnamed };
            let stored = Cell::new(0);
            let decide = |archive: &Archive| {
                let stamp = Ground::new(archive)?.stamp();
                let planned = plan()?;
                if planned.fits() != last
                    || (!planned.conflicts.is_empty() && !options.skip_conflicts)
                {
                    return Err(Failure::ConcurrentChange);
                }
                let decision = planned.stage(stamp, last, before)?;
                stored.set(decision.change.organs.len());
                Ok(decision)
            };
            let outcome = self.write(stage, decide).await?;
            let Taken::Organs(_, import) = outcome.taken else {
                return Err(not_this("an import"));
            };
            if let Some(import) = import {
                return Ok((import, outcome.recorded.as_ref().map(receipt)));
            }
            before += stored.get();
        }
    }
}

impl Plan {
    /// Whether all of it is one write.
    fn fits(&self) -> bool {
        let bytes = |organs: &[Organ]| organs.iter().map(Organ::encoded_len).sum::<usize>();
        bytes(&self.created) + bytes(&self.updated) <= ORGANS_BYTES_MAX
    }

    /// What was found; `before` organs of it were registered by earlier writes of the same call.
    fn found(&self, before: usize, stored: bool) -> OrganImport {
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        OrganImport {
            rows: count(self.rows),
            created: count(self.created.len() + before),
            updated: count(self.updated.len()),
            unchanged: count(self.unchanged.saturating_sub(before)),
            conflict_count: count(self.conflicts.len()),
            conflicts: self.conflicts.iter().take(IMPORT_CONFLICTS_MAX).cloned().collect(),
            stored,
        }
    }

    /// The next write: all of it, or as many new organs as fit.
    fn stage(
        mut self,
        stamp: Precondition,
        last: bool,
        before: usize,
    ) -> Result<Decision, Failure> {
        let found = self.found(before, true);
        let mut preconditions = vec![stamp];
        if last {
            preconditions.append(&mut self.preconditions);
            let mut organs = self.created;
            organs.append(&mut self.updated);
            let change = Change { organs, organ_import: Some(found), ..Change::default() };
            return Ok(Decision { change, preconditions });
        }
        let mut room = ORGANS_BYTES_MAX;
        let mut organs = Vec::new();
        for organ in self.created {
            let Some(left) = room.checked_sub(organ.encoded_len()) else { break };
            room = left;
            organs.push(organ);
        }
        // Changes are one write: half of them could be no tree.
        if organs.is_empty() {
            return Err(Failure::OrganChangeTooLarge(ORGANS_BYTES_MAX));
        }
        Ok(Decision { change: Change { organs, ..Change::default() }, preconditions })
    }
}

/// What becomes of an organ of the list that is not registered yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// It is on the way up from the row that is looked at.
    Ahead,
    Taken,
    Refused,
}

struct Planner<'a> {
    archive: &'a Archive,
    ground: Ground<'a>,
    roster: Roster,
    options: ImportOptions,
    plan: Plan,
    stands: HashMap<OrganId, Stand>,
}

impl<'a> Planner<'a> {
    fn new(archive: &'a Archive, roster: Roster, options: ImportOptions) -> Result<Self, Failure> {
        let plan = Plan { rows: roster.rows, ..Plan::default() };
        let ground = Ground::new(archive)?;
        Ok(Planner { archive, ground, roster, options, plan, stands: HashMap::new() })
    }

    fn plan(mut self) -> Result<Plan, Failure> {
        let entries = std::mem::take(&mut self.roster.entries);
        let mut new: HashMap<&OrganId, &Entry> = HashMap::new();
        let mut known = Vec::new();
        for entry in &entries {
            match self.ground.organ(&entry.id)?.cloned() {
                Some(organ) => known.push((entry, organ)),
                None => _ = new.insert(&entry.id, entry),
            }
        }
        for entry in entries.iter().filter(|entry| new.contains_key(&entry.id)) {
            self.create(entry, &new)?;
        }
        for (entry, before) in known {
            self.change(entry, before)?;
        }
        if self.plan.preconditions.len() > PRECONDITIONS_MAX {
            return Err(Failure::OrganChangeTooLarge(ORGANS_BYTES_MAX));
        }
        self.plan.conflicts = self.roster.conflicts;
        self.plan.conflicts.sort_by_key(|conflict| conflict.row);
        Ok(self.plan)
    }

    /// Takes a new organ, after the parents that the list has for it.
    fn create(&mut self, entry: &Entry, new: &HashMap<&OrganId, &Entry>) -> Result<(), Failure> {
        let mut way: Vec<&Entry> = Vec::new();
        let mut at = Some(entry);
        while let Some(next) = at.filter(|next| !self.stands.contains_key(&next.id)) {
            self.stands.insert(next.id.clone(), Stand::Ahead);
            way.push(next);
            at = parent(next).and_then(|id| new.get(&id).copied());
        }
        while let Some(entry) = way.pop() {
            let above = parent(entry).and_then(|id| self.stands.get(&id).copied());
            let refusal = match above {
                Some(Stand::Ahead) => Some((
                    Some(Column::Parent),
                    Why::new("各行互为上级，成环", "the rows name each other as parents in a ring"),
                )),
                Some(Stand::Refused) => Some((
                    Some(Column::Parent),
                    Why::new("上级机关所在行有冲突", "the row of the parent has a conflict"),
                )),
                Some(Stand::Taken) | None => self.check(entry, None, &entry.organ)?,
            };
            let stand = if refusal.is_some() { Stand::Refused } else { Stand::Taken };
            self.stands.insert(entry.id.clone(), stand);
            match refusal {
                Some((column, why)) => self.roster.refuse(&entry.row, column, why),
                None => {
                    self.ground.put(&entry.id, entry.organ.clone());
                    self.plan.created.push(entry.organ.clone());
                }
            }
        }
        Ok(())
    }

    /// What is to become of an organ that is registered.
    fn change(&mut self, entry: &Entry, before: Organ) -> Result<(), Failure> {
        let mut after = before.clone();
        let mut differs = None;
        for field in ORGAN_FIELDS {
            let same = match field.name() {
                "affiliations" => entry
                    .organ
                    .affiliations
                    .iter()
                    .all(|stated| before.affiliations.contains(stated)),
                _ => field.is_same(&before, &entry.organ),
            };
            if field.is_set(&entry.organ) && !same {
                differs = differs.or(Some(field.name()));
                match field.name() {
                    "affiliations" => {}
                    _ => field.set(&mut after, &entry.organ),
                }
            }
        }
        let Some(field) = differs else {
            self.plan.unchanged += 1;
            return Ok(());
        };
        if !self.options.update_existing {
            let why = Why::new("已登记的与此不同", "what is registered differs");
            self.roster.refuse(&entry.row, column(field), why);
            return Ok(());
        }
        if let Some(stated) = entry.organ.affiliations.first()
            && !before.affiliations.contains(stated)
        {
            let later = before.affiliations.iter().any(|a| a.from_year > stated.from_year);
            if later && stated.until_year.is_none() {
                let why = Why::new(
                    "已登记有更晚的隶属关系；请注明截止年",
                    "a later affiliation is registered; name the last year",
                );
                self.roster.refuse(&entry.row, Some(Column::UntilYear), why);
                return Ok(());
            }
            let (years, parent) = (Years::of(stated), stated.parent.as_str());
            after.affiliations = reaffiliated(&after.affiliations, years, Some(parent));
        }
        if is_back(&after) {
            after.successor.clear();
            after.successor_from_year = None;
        }
        if let Some((column, why)) = self.check(entry, Some(&before), &after)? {
            self.roster.refuse(&entry.row, column, why);
            return Ok(());
        }
        self.plan.updated.push(stored(after));
        Ok(())
    }

    /// Why an organ cannot be as it would be; if it can, the ground has it from here on.
    fn check(
        &mut self,
        entry: &Entry,
        before: Option<&Organ>,
        after: &Organ,
    ) -> Result<Option<(Option<Column>, Why)>, Failure> {
        if let Some(finding) = broken_organ(after).into_iter().next() {
            return Ok(Some(refusal(&finding)));
        }
        if let Err(failure) = self.ground.parents(after, before) {
            return failed(failure, Some(Column::Parent)).map(Some);
        }
        let Some(before) = before else { return Ok(None) };
        self.ground.put(&entry.id, after.clone());
        let mut rests = Vec::new();
        let lost = lost(before, after);
        let held = self.ground.acyclic(std::slice::from_ref(&entry.id));
        let held = held.map_err(|failure| (failure, Column::Parent)).and_then(|()| {
            let may = self.archive.may_lose(&mut self.ground, &entry.id, &lost, &mut rests);
            may.map_err(|failure| (failure, Column::ActiveUntil))
        });
        match held {
            Ok(()) => {
                self.plan.preconditions.append(&mut rests);
                Ok(None)
            }
            Err((failure, column)) => {
                self.ground.put(&entry.id, before.clone());
                failed(failure, Some(column)).map(Some)
            }
        }
    }
}

/// The parent that a row names.
fn parent(entry: &Entry) -> Option<OrganId> {
    entry.organ.affiliations.first().and_then(|a| OrganId::from_name(&a.parent))
}

/// A refusal as a conflict; what is no fault of the row stays an error.
fn failed(failure: Failure, column: Option<Column>) -> Result<(Option<Column>, Why), Failure> {
    let reason = match &failure {
        Failure::ParentNotFound { .. } => ErrorReason::ParentNotFound,
        Failure::OrganClosed { .. } => ErrorReason::OrganClosed,
        Failure::OrganTreeCycle { .. } => ErrorReason::OrganTreeCycle,
        Failure::OrganHasChildren { .. } => ErrorReason::OrganHasChildren,
        Failure::OrganHistory { .. } => ErrorReason::OrganHistoryConflict,
        _ => return Err(failure),
    };
    Ok((column, Why::new(reason.zh(), failure.to_string())))
}

/// A broken rule as a conflict.
fn refusal(finding: &Finding) -> (Option<Column>, Why) {
    let field = finding.field_path.split(['.', '[']).next().unwrap_or_default();
    let within = finding.field_path.rsplit('.').next().unwrap_or_default();
    let column = match within {
        "from_year" => Some(Column::FromYear),
        "until_year" if field == "affiliations" => Some(Column::UntilYear),
        _ => column(field),
    };
    (column, Why::new(finding.message_zh.clone(), finding.message_en.clone()))
}

/// The column of a field.
fn column(field: &str) -> Option<Column> {
    Some(match field {
        "display_name" => Column::Name,
        "former_names" => Column::FormerNames,
        "affiliations" => Column::Parent,
        "division_code" => Column::DivisionCode,
        "level" => Column::Level,
        "kind" => Column::Kind,
        "sector" => Column::Sector,
        "credit_code" => Column::CreditCode,
        "active_from_year" => Column::ActiveFrom,
        "active_until_year" => Column::ActiveUntil,
        _ => return None,
    })
}

fn unreadable(error: sheet::Error) -> Failure {
    match error {
        sheet::Error::TooLarge(limit, value) => Failure::ImportTooLarge { limit, value },
        other => Failure::ImportUnreadable { zh: other.zh(), en: other.to_string() },
    }
}
