//! How organs change: set right, moved, renamed, closed, merged. What changes is dated, so that the
//! tree of a year that is over stays what it was.
//!
//! Each decision reads the organs and rests on the stamp that every entry with an organ changes: so
//! no two of them can make a cycle together that neither makes alone.

use std::collections::HashSet;

use prost::Message as _;

use super::index::{Taken, receipt, report_key};
use super::organ::{broken_organ, with_parent};
use super::tree::{Ground, Years, is_back, lost, reaffiliated};
use super::write::{Caller, Decision, Outcome};
use super::{Archive, decode, not_this};
use crate::check::{Evidence, Value, Violation};
use crate::failure::Failure;
use crate::finding;
use crate::limits::ORGANS_BYTES_MAX;
use crate::names::{OrganId, ReportId};
use crate::pb::report::State;
use crate::pb::{Change, Finding, FormerName, Organ, Receipt, Report, Scope};
use crate::store::Precondition;

/// Children that a refusal names: more would not fit into a status.
const CHILDREN_NAMED: usize = 10;
/// The years of reports.
const REPORT_YEARS: Years = Years { from: 2019, until: 2099 };

/// A field of an organ that can be set.
#[derive(Clone, Copy)]
pub struct OrganField {
    name: &'static str,
    is_set: fn(&Organ) -> bool,
    set: fn(&mut Organ, &Organ),
}

impl OrganField {
    /// Its name in the schema.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether an organ states it.
    pub fn is_set(&self, organ: &Organ) -> bool {
        (self.is_set)(organ)
    }

    /// Takes it over from another organ.
    pub fn set(&self, to: &mut Organ, from: &Organ) {
        (self.set)(to, from);
    }

    /// Whether it is the same in both.
    pub fn is_same(&self, one: &Organ, other: &Organ) -> bool {
        let only = |organ: &Organ| {
            let mut bare = Organ::default();
            self.set(&mut bare, organ);
            bare
        };
        only(one) == only(other)
    }
}

/// Every field that `UpdateOrgan` and an import may set.
pub const ORGAN_FIELDS: &[OrganField] = &[
    OrganField {
        name: "display_name",
        is_set: |organ| !organ.display_name.is_empty(),
        set: |to, from| to.display_name.clone_from(&from.display_name),
    },
    OrganField {
        name: "former_names",
        is_set: |organ| !organ.former_names.is_empty(),
        set: |to, from| to.former_names.clone_from(&from.former_names),
    },
    OrganField {
        name: "affiliations",
        is_set: |organ| !organ.affiliations.is_empty(),
        set: |to, from| to.affiliations.clone_from(&from.affiliations),
    },
    OrganField {
        name: "division_code",
        is_set: |organ| !organ.division_code.is_empty(),
        set: |to, from| to.division_code.clone_from(&from.division_code),
    },
    OrganField {
        name: "level",
        is_set: |organ| organ.level != 0,
        set: |to, from| to.level = from.level,
    },
    OrganField {
        name: "kind",
        is_set: |organ| organ.kind != 0,
        set: |to, from| to.kind = from.kind,
    },
    OrganField {
        name: "sector",
        is_set: |organ| !organ.sector.is_empty(),
        set: |to, from| to.sector.clone_from(&from.sector),
    },
    OrganField {
        name: "credit_code",
        is_set: |organ| !organ.credit_code.is_empty(),
        set: |to, from| to.credit_code.clone_from(&from.credit_code),
    },
    OrganField {
        name: "active_from_year",
        is_set: |organ| organ.active_from_year.is_some(),
        set: |to, from| to.active_from_year = from.active_from_year,
    },
    OrganField {
        name: "active_until_year",
        is_set: |organ| organ.active_until_year.is_some(),
        set: |to, from| to.active_until_year = from.active_until_year,
    },
];

/// A move: to which parent, if any, and in which years.
pub struct Move {
    /// The parent; none makes the organ a root.
    pub parent: Option<OrganId>,
    /// The first year.
    pub from_year: i32,
    /// The last year; none where it is for good.
    pub until_year: Option<i32>,
}

/// A merger.
pub struct Merger {
    /// The organs that end.
    pub sources: Vec<OrganId>,
    /// The one that stands in for them.
    pub successor: OrganId,
    /// The first year in which it does.
    pub from_year: i32,
    /// Whether organs that report to a source are to report to the successor.
    pub move_children: bool,
}

/// What a merger left.
pub struct Merged {
    /// The organs that ended.
    pub sources: Vec<Organ>,
    /// Those that report to the successor instead.
    pub moved: Vec<Organ>,
    /// Where the write stands; `None` where nothing was to be stored.
    pub receipt: Option<Receipt>,
}

impl Archive {
    /// Sets fields of an organ: those of the mask, or all that are set where it is empty.
    ///
    /// # Errors
    /// `UpdateMask`, `OrganNotFound`, `EtagMismatch`, `InvalidRequest`, `ParentNotFound`,
    /// `OrganClosed`, `OrganTreeCycle`, `OrganHasChildren`, `OrganHistory`, and those of every
    /// write.
    pub async fn update_organ(
        &self,
        caller: &Caller,
        id: &OrganId,
        etag: &str,
        organ: &Organ,
        mask: &[String],
    ) -> Result<(Organ, Option<Receipt>), Failure> {
        let fields = fields(organ, mask)?;
        self.change_organ(caller, id, etag, |after| {
            for field in &fields {
                field.set(after, organ);
            }
            Ok(())
        })
        .await
    }

    /// Lets an organ report to another parent.
    ///
    /// # Errors
    /// As [`Archive::update_organ`], but for the mask.
    pub async fn move_organ(
        &self,
        caller: &Caller,
        id: &OrganId,
        etag: &str,
        to: &Move,
    ) -> Result<(Organ, Option<Receipt>), Failure> {
        let parent = to.parent.as_ref().map(ToString::to_string);
        let years = Years::new(to.from_year, to.until_year);
        self.change_organ(caller, id, etag, |after| {
            let later = after.affiliations.iter().find(|a| a.from_year > to.from_year);
            if let (Some(later), None) = (later, to.until_year) {
                let (parent, year) = (&later.parent, later.from_year);
                return Err(Failure::OrganHistory {
                    organ: id.to_string(),
                    zh: format!("{year}年起另隶属于 {parent}；请注明截止年"),
                    en: format!("it reports to {parent} from {year} on; name the last year"),
                });
            }
            after.affiliations = reaffiliated(&after.affiliations, years, parent.as_deref());
            Ok(())
        })
        .await
    }

    /// Gives an organ another name.
    ///
    /// # Errors
    /// `OrganNotFound`, `EtagMismatch`, `InvalidRequest`, `OrganHistory`, and those of every write.
    pub async fn rename_organ(
        &self,
        caller: &Caller,
        id: &OrganId,
        etag: &str,
        (display_name, from_year): (&str, i32),
    ) -> Result<(Organ, Option<Receipt>), Failure> {
        let history =
            |zh: String, en: String| Failure::OrganHistory { organ: id.to_string(), zh, en };
        self.change_organ(caller, id, etag, |after| {
            if after.display_name == display_name {
                return Err(history(
                    format!("现名称即为“{display_name}”"),
                    format!("its name is {display_name} already"),
                ));
            }
            let until_year = from_year - 1;
            if let Some(former) = after.former_names.iter().find(|f| f.until_year >= until_year) {
                let (name, year) = (&former.display_name, former.until_year);
                return Err(history(
                    format!("曾用名“{name}”至{year}年止"),
                    format!("its former name {name} lasted until {year}"),
                ));
            }
            let display_name = std::mem::replace(&mut after.display_name, display_name.to_owned());
            after.former_names.push(FormerName { display_name, until_year });
            Ok(())
        })
        .await
    }

    /// Ends an organ.
    ///
    /// # Errors
    /// `OrganNotFound`, `EtagMismatch`, `InvalidRequest`, `OrganClosed`, `OrganHasChildren`,
    /// `OrganHistory`, and those of every write.
    pub async fn close_organ(
        &self,
        caller: &Caller,
        id: &OrganId,
        etag: &str,
        last_year: i32,
    ) -> Result<(Organ, Option<Receipt>), Failure> {
        self.change_organ(caller, id, etag, |after| close(after, last_year)).await
    }

    /// Ends organs and names the one that stands in for them.
    ///
    /// # Errors
    /// `OrganNotFound`, `InvalidRequest`, `OrganInactive`, `OrganClosed`, `OrganHasChildren`,
    /// `OrganTreeCycle`, `OrganHistory`, `OrganChangeTooLarge`, and those of every write.
    pub async fn merge_organs(&self, caller: &Caller, merger: &Merger) -> Result<Merged, Failure> {
        let sources: Vec<String> = merger.sources.iter().map(ToString::to_string).collect();
        let broken = broken_merger(&sources, &merger.successor.to_string());
        if !broken.is_empty() {
            return Err(Failure::InvalidRequest(broken));
        }
        let outcome = self.write(caller, |archive| archive.decide_merger(merger)).await?;
        let Outcome { taken: Taken::Organs(organs, _), recorded, .. } = outcome else {
            return Err(not_this("organs"));
        };
        let mut sources: Vec<Organ> =
            organs.into_iter().map(|(_, organ)| with_parent(organ)).collect();
        let moved = sources.split_off(merger.sources.len().min(sources.len()));
        Ok(Merged { sources, moved, receipt: recorded.as_ref().map(receipt) })
    }

    fn decide_merger(&self, merger: &Merger) -> Result<Decision, Failure> {
        let Merger { successor, from_year, .. } = merger;
        let mut ground = Ground::new(self)?;
        let stands = ground.registered(successor)?;
        if !super::is_active(&stands, *from_year) {
            let organ = successor.to_string();
            return Err(Failure::OrganInactive { organ, year: *from_year });
        }
        let mut changes = Vec::new();
        for id in &merger.sources {
            let before = ground.registered(id)?;
            let mut after = before.clone();
            close(&mut after, from_year - 1)?;
            after.successor = successor.to_string();
            after.successor_from_year = Some(*from_year);
            ground.put(id, after.clone());
            changes.push((id.clone(), before, after));
        }
        if merger.move_children {
            for child in self.moved_children(&mut ground, merger)? {
                ground.put(&child.0, child.2.clone());
                changes.push(child);
            }
        }
        self.decide_organs(ground, changes, true)
    }

    /// The organs that report to a source when it has ended, ordered by name: as they are, and as
    /// they report to the successor. That one itself is left where it is, and so stands against
    /// the merger.
    fn moved_children(
        &self,
        ground: &mut Ground<'_>,
        merger: &Merger,
    ) -> Result<Vec<(OrganId, Organ, Organ)>, Failure> {
        let years = Years::new(merger.from_year, None);
        let successor = merger.successor.to_string();
        let mut moved: Vec<(OrganId, Organ, Organ)> = Vec::new();
        for source in &merger.sources {
            let name = source.to_string();
            for (id, before) in ground.children(source, years)? {
                if id == merger.successor {
                    continue;
                }
                let at = moved.iter().position(|(known, ..)| *known == id);
                let at = at.unwrap_or_else(|| {
                    moved.push((id, before.clone(), before.clone()));
                    moved.len() - 1
                });
                let after = &mut moved[at].2;
                let to_source = before.affiliations.iter().filter(|a| a.parent == name);
                for stretch in to_source.filter_map(|a| Years::of(a).meet(years)) {
                    after.affiliations =
                        reaffiliated(&after.affiliations, stretch, Some(&successor));
                }
            }
        }
        moved.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        Ok(moved)
    }

    /// Changes one organ.
    async fn change_organ(
        &self,
        caller: &Caller,
        id: &OrganId,
        etag: &str,
        alter: impl Fn(&mut Organ) -> Result<(), Failure>,
    ) -> Result<(Organ, Option<Receipt>), Failure> {
        let decide = |archive: &Archive| {
            let mut ground = Ground::new(archive)?;
            let before = ground.registered(id)?;
            if !etag.is_empty() && etag != before.etag {
                let (resource, etag) = (id.to_string(), before.etag);
                return Err(Failure::EtagMismatch { resource, etag });
            }
            let mut after = before.clone();
            alter(&mut after)?;
            if is_back(&after) {
                after.successor.clear();
                after.successor_from_year = None;
            }
            ground.put(id, after.clone());
            archive.decide_organs(ground, vec![(id.clone(), before, after)], false)
        };
        let outcome = self.write(caller, decide).await?;
        match outcome.taken {
            Taken::Organ(_, organ) => {
                Ok((with_parent(*organ), outcome.recorded.as_ref().map(receipt)))
            }
            _ => Err(not_this("an organ")),
        }
    }

    /// Holds organs as they will be, which the ground has already, against all that must hold.
    fn decide_organs(
        &self,
        mut ground: Ground<'_>,
        changes: Vec<(OrganId, Organ, Organ)>,
        together: bool,
    ) -> Result<Decision, Failure> {
        let mut preconditions = vec![ground.stamp()];
        for (id, before, after) in &changes {
            let broken = broken_organ(after);
            if !broken.is_empty() {
                return Err(Failure::InvalidRequest(broken));
            }
            ground.parents(after, Some(before))?;
            self.may_lose(&mut ground, id, &lost(before, after), &mut preconditions)?;
        }
        let ids: Vec<OrganId> = changes.iter().map(|(id, ..)| id.clone()).collect();
        ground.acyclic(&ids)?;
        let mut organs: Vec<Organ> = changes.into_iter().map(|(.., after)| stored(after)).collect();
        let bytes: usize = organs.iter().map(Organ::encoded_len).sum();
        if bytes > ORGANS_BYTES_MAX {
            return Err(Failure::OrganChangeTooLarge(ORGANS_BYTES_MAX));
        }
        let organ = if together { None } else { organs.pop() };
        let change = Change { organ, organs, ..Change::default() };
        Ok(Decision { change, preconditions })
    }

    /// That an organ can do without years: nobody reports to it then, and no report of them is
    /// stored, since no sum would hold it any more.
    pub(super) fn may_lose(
        &self,
        ground: &mut Ground<'_>,
        id: &OrganId,
        years: &[Years],
        preconditions: &mut Vec<Precondition>,
    ) -> Result<(), Failure> {
        let end = ground.organ(id)?.and_then(|organ| organ.active_until_year);
        for &years in years {
            let later = end.is_some_and(|end| years.from > end);
            let children = if later { ground.children(id, years)? } else { Vec::new() };
            if !children.is_empty() {
                let named = children.iter().take(CHILDREN_NAMED).map(|(id, _)| id.to_string());
                return Err(Failure::OrganHasChildren {
                    organ: id.to_string(),
                    year: years.from,
                    children: named.collect(),
                    count: children.len(),
                });
            }
            let Some(years) = years.meet(REPORT_YEARS) else { continue };
            for year in years.from..=years.until {
                for scope in [Scope::Own, Scope::Region] {
                    let report = ReportId { organ: id.clone(), year, scope };
                    preconditions.push(self.no_report(&report)?);
                }
            }
        }
        Ok(())
    }

    /// That a report is not stored, or void.
    fn no_report(&self, id: &ReportId) -> Result<Precondition, Failure> {
        let key = report_key(id);
        let Some(value) = self.store.get(&key)? else {
            return Ok(Precondition::Absent(key));
        };
        let report: Report = decode(&value)?;
        if report.state() != State::Void {
            return Err(Failure::OrganHistory {
                organ: id.organ.to_string(),
                zh: format!("已存有报告 {id}"),
                en: format!("{id} is stored"),
            });
        }
        Ok(Precondition::Unchanged { key, value })
    }
}

/// What the native rule finds in the organs that a merger names.
pub fn broken_merger(sources: &[String], successor: &str) -> Vec<Finding> {
    let mut named = HashSet::from([successor]);
    let Some(twice) = sources.iter().find(|name| !named.insert(name)) else {
        return Vec::new();
    };
    let operands = vec![("sources", Value::Text(twice.clone()))];
    let evidence = Evidence { operands, ..Evidence::default() };
    let rule = "merge_organs.sources";
    finding::describe(vec![Violation { rule, path: String::new(), evidence }])
}

/// The fields that a mask names; all that are set where it names none.
fn fields(organ: &Organ, mask: &[String]) -> Result<Vec<OrganField>, Failure> {
    match mask {
        [] => Ok(ORGAN_FIELDS.iter().filter(|field| field.is_set(organ)).copied().collect()),
        [all] if all == "*" => Ok(ORGAN_FIELDS.to_vec()),
        mask => mask
            .iter()
            .map(|path| {
                let field = ORGAN_FIELDS.iter().find(|field| field.name == path);
                field.copied().ok_or_else(|| Failure::UpdateMask(path.clone()))
            })
            .collect(),
    }
}

/// Ends an organ; one that is closed already stays as it is, if it ended in that year.
fn close(organ: &mut Organ, last_year: i32) -> Result<(), Failure> {
    match organ.active_until_year {
        Some(known) if known != last_year || !organ.successor.is_empty() => {
            Err(Failure::OrganClosed { organ: organ.name.clone(), last_year: known })
        }
        _ => {
            organ.active_until_year = Some(last_year);
            Ok(())
        }
    }
}

/// An organ as an entry holds it: without what follows from the entry.
pub(super) fn stored(organ: Organ) -> Organ {
    Organ { parent: String::new(), etag: String::new(), update_time: None, ..organ }
}
