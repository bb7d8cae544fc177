//! What the archive must do, as plain maps: written from `docs/life.md` and the comments of the
//! services, and never from the code.

use std::collections::{BTreeMap, BTreeSet};

use nianbao::pb::ReportAction;
use nianbao::pb::report::State;

/// The last day that no test lives to see.
pub const FAR: &str = "2099-12-31";
/// A last day that is over.
pub const PAST: &str = "2020-12-31";

/// An organ that may be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Organ {
    Root,
    /// Below the root, of level county.
    County,
    /// Below the county, and gone since 2023.
    Old,
    /// Below the county.
    New,
    /// Below one that is never registered.
    Orphan,
    /// Below itself.
    Circular,
}

impl Organ {
    pub fn id(self) -> &'static str {
        match self {
            Organ::Root => "root",
            Organ::County => "county",
            Organ::Old => "old",
            Organ::New => "new",
            Organ::Orphan => "orphan",
            Organ::Circular => "circular",
        }
    }

    pub fn parent(self) -> Option<&'static str> {
        match self {
            Organ::Root => None,
            Organ::County => Some("root"),
            Organ::Old | Organ::New => Some("county"),
            Organ::Orphan => Some("nowhere"),
            Organ::Circular => Some("circular"),
        }
    }
}

/// What identifies a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub organ: Organ,
    pub year: i32,
    pub region: bool,
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Good,
    /// Good, with other figures.
    Other,
    /// A sum is wrong.
    Unbalanced,
    /// A warning has no explanation.
    Unexplained,
    /// A cell has a value that none has.
    Malformed,
}

impl Content {
    /// Whether both have the same figures, a blank being none.
    fn has_figures_of(self, other: Content) -> bool {
        let figures = |content| match content {
            Content::Unexplained => Content::Good,
            other => other,
        };
        figures(self) == figures(other)
    }
}

/// A revision: its content, and whether it was taken as published.
pub type Revision = (Content, bool);

/// One call, with all that the archive is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Empty where nobody says.
    pub principal: &'static str,
    /// Empty where none is given.
    pub request_id: &'static str,
    pub validate_only: bool,
    pub etag: String,
    pub what: What,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    CreateOrgan(Organ),
    SaveDraft(Key, Content),
    Submit(Key, Revision),
    /// The stored draft; whether as published.
    SubmitDraft(Key, bool),
    Return(Key, String),
    Accept(Key),
    Publish(Key),
    Amend(Key, String),
    Void(Key, String),
    /// Of a year, for counties or for all.
    SetDeadline(i32, bool, &'static str),
}

impl What {
    pub fn method(&self) -> &'static str {
        match self {
            What::CreateOrgan(_) => "CreateOrgan",
            What::SaveDraft(..) => "SaveDraft",
            What::Submit(..) | What::SubmitDraft(..) => "SubmitReport",
            What::Return(..) => "ReturnReport",
            What::Accept(_) => "AcceptReport",
            What::Publish(_) => "PublishReport",
            What::Amend(..) => "AmendReport",
            What::Void(..) => "VoidReport",
            What::SetDeadline(..) => "SetDeadline",
        }
    }

    fn step(&self) -> Option<(Key, ReportAction)> {
        Some(match *self {
            What::CreateOrgan(_) | What::SetDeadline(..) => return None,
            What::SaveDraft(key, _) => (key, ReportAction::SaveDraft),
            What::Submit(key, _) | What::SubmitDraft(key, _) => (key, ReportAction::Submit),
            What::Return(key, _) => (key, ReportAction::Return),
            What::Accept(key) => (key, ReportAction::Accept),
            What::Publish(key) => (key, ReportAction::Publish),
            What::Amend(key, _) => (key, ReportAction::Amend),
            What::Void(key, _) => (key, ReportAction::Void),
        })
    }
}

/// How a report stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Stand {
    pub state: State,
    pub latest: i32,
    pub effective: i32,
    pub published: i32,
    pub submitter: String,
    pub accepter: String,
    pub due_date: String,
    pub late: bool,
    pub reason: String,
    pub return_texts: Vec<String>,
}

impl Stand {
    fn unstored() -> Self {
        Stand {
            state: State::Unspecified,
            latest: 0,
            effective: 0,
            published: 0,
            submitter: String::new(),
            accepter: String::new(),
            due_date: String::new(),
            late: false,
            reason: String::new(),
            return_texts: Vec::new(),
        }
    }
}

/// One step that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub position: u64,
    pub principal: &'static str,
    pub action: ReportAction,
    pub from: State,
    pub stand: Stand,
}

/// What a call is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The report stands so, by the entry at that position; none where it is only checked.
    Report(Box<Stand>, Option<u64>),
    Organ(Option<u64>),
    Deadline(Option<u64>),
    /// Refused: the variant of the failure, and what it says of the report.
    Refused(&'static str, String),
}

fn refused<T>(why: &'static str) -> Result<T, Told> {
    Err(Told::Refused(why, String::new()))
}

/// A report with all that is kept of it.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub revisions: Vec<Revision>,
    pub events: Vec<Event>,
    /// Of each event; the last is the one in force.
    pub etags: Vec<String>,
}

impl Stored {
    fn stand(&self) -> Stand {
        self.events.last().map_or_else(Stand::unstored, |event| event.stand.clone())
    }

    fn was_submitted(&self) -> bool {
        self.events.iter().any(|event| event.action == ReportAction::Submit)
    }
}

/// A call that is remembered by its id: what was asked, what it was told, and the etag it got.
#[derive(Clone, Debug)]
pub struct Remembered {
    pub ask: Ask,
    pub told: Told,
    pub etag: String,
}

/// All that is stored.
#[derive(Debug, Default)]
pub struct Model {
    pub reports: BTreeMap<Key, Stored>,
    pub remembered: BTreeMap<(&'static str, &'static str, &'static str), Remembered>,
    /// Entries of the journal.
    pub entries: u64,
    organs: BTreeSet<Organ>,
    /// By year, and whether for counties.
    deadlines: BTreeMap<(i32, bool), &'static str>,
}

/// Where an action leads from a state, by the table of `docs/life.md`.
pub fn edge(from: State, action: ReportAction) -> Option<State> {
    use State::{Accepted, Amending, Draft, Published, Returned, Submitted, Unspecified, Void};
    match (action, from) {
        (ReportAction::SaveDraft, Unspecified) => Some(Draft),
        (ReportAction::SaveDraft, Draft | Returned | Amending) => Some(from),
        (ReportAction::Submit, Unspecified | Draft | Returned | Amending) => Some(Submitted),
        (ReportAction::Return, Submitted | Accepted) => Some(Returned),
        (ReportAction::Accept, Submitted) => Some(Accepted),
        (ReportAction::Publish, Accepted) => Some(Published),
        (ReportAction::Amend, Published) => Some(Amending),
        (ReportAction::Void, Draft | Submitted | Returned | Accepted | Published | Amending) => {
            Some(Void)
        }
        _ => None,
    }
}

/// Whether what is submitted may be taken.
fn admit((content, as_published): Revision) -> Result<(), Told> {
    match content {
        Content::Good | Content::Other => Ok(()),
        Content::Unbalanced | Content::Unexplained if as_published => Ok(()),
        Content::Unexplained => refused("WarningUnexplained"),
        Content::Unbalanced | Content::Malformed => refused("ReportHasErrors"),
    }
}

impl Model {
    /// What the call is answered, and whether it is one that was answered before.
    pub fn ask(&mut self, ask: &Ask) -> (Told, Option<Remembered>) {
        if let Err(told) = Self::admissible(ask) {
            return (told, None);
        }
        let remembers = !ask.request_id.is_empty() && !ask.validate_only;
        let id = (ask.principal, ask.what.method(), ask.request_id);
        if let Some(first) = self.remembered.get(&id).filter(|_| remembers) {
            return match first.ask == *ask {
                true => (first.told.clone(), Some(first.clone())),
                false => (Told::Refused("RequestIdReused", String::new()), None),
            };
        }
        let told = self.decide(ask).unwrap_or_else(|refused| refused);
        if remembers && !matches!(told, Told::Refused(..)) {
            let first = Remembered { ask: ask.clone(), told: told.clone(), etag: String::new() };
            self.remembered.insert(id, first);
        }
        (told, None)
    }

    /// Notes the etag that a new entry was given: the archive draws it, so no model can tell it.
    pub fn note(&mut self, ask: &Ask, etag: &str) {
        if let Some((key, _)) = ask.what.step() {
            self.reports.entry(key).or_default().etags.push(etag.to_owned());
        }
        let id = (ask.principal, ask.what.method(), ask.request_id);
        if let Some(first) = self.remembered.get_mut(&id) {
            etag.clone_into(&mut first.etag);
        }
    }

    /// What is looked at before anything that is stored.
    fn admissible(ask: &Ask) -> Result<(), Told> {
        match ask.what {
            What::CreateOrgan(Organ::Circular) => refused("InvalidRequest"),
            What::Submit(_, revision) => admit(revision),
            What::Accept(_) if ask.principal.is_empty() => refused("PrincipalRequired"),
            _ => Ok(()),
        }
    }

    fn decide(&mut self, ask: &Ask) -> Result<Told, Told> {
        let entry = (!ask.validate_only).then_some(self.entries + 1);
        let told = match ask.what {
            What::CreateOrgan(organ) => {
                if self.organs.contains(&organ) {
                    return refused("OrganAlreadyExists");
                }
                let is_there = |id| self.organs.iter().any(|organ| organ.id() == id);
                if !organ.parent().is_none_or(is_there) {
                    return refused("ParentNotFound");
                }
                if entry.is_some() {
                    self.organs.insert(organ);
                }
                Told::Organ(entry)
            }
            What::SetDeadline(year, county, date) => {
                if entry.is_some() {
                    self.deadlines.insert((year, county), date);
                }
                Told::Deadline(entry)
            }
            _ => self.step(ask, entry)?,
        };
        self.entries += u64::from(entry.is_some());
        Ok(told)
    }

    fn step(&mut self, ask: &Ask, entry: Option<u64>) -> Result<Told, Told> {
        let Some((key, action)) = ask.what.step() else { unreachable!("steps only") };
        let stored = self.reports.get(&key).cloned().unwrap_or_default();
        let before = stored.stand();
        let starts = matches!(action, ReportAction::SaveDraft | ReportAction::Submit);
        if before.state == State::Unspecified && !starts {
            return refused("ReportNotFound");
        }
        let etag = stored.etags.last().map_or("", String::as_str);
        if !ask.etag.is_empty() && ask.etag != etag {
            return Err(Told::Refused("EtagMismatch", etag.to_owned()));
        }
        let Some(to) = edge(before.state, action) else {
            return Err(Told::Refused("ReportState", before.state.as_str_name().to_owned()));
        };
        let (stand, revision) = self.after(ask, key, &stored, to)?;
        if let Some(position) = entry {
            let stored = self.reports.entry(key).or_default();
            stored.revisions.extend(revision);
            let (principal, from) = (ask.principal, before.state);
            stored.events.push(Event { position, principal, action, from, stand: stand.clone() });
        }
        Ok(Told::Report(Box::new(stand), entry))
    }

    /// How the report stands after a step, and the revision that it makes.
    fn after(
        &self,
        ask: &Ask,
        key: Key,
        stored: &Stored,
        to: State,
    ) -> Result<(Stand, Option<Revision>), Told> {
        let before = stored.stand();
        let mut stand = Stand { state: to, ..before.clone() };
        let latest = stored.revisions.last().copied();
        let mut content = None;
        match &ask.what {
            What::SaveDraft(_, draft) => {
                self.reports_for(key)?;
                content = Some((*draft, false));
            }
            What::Submit(_, revision) => {
                self.follows(key, *revision)?;
                self.reports_for(key)?;
                content = Some(*revision);
                self.submitted(&mut stand, ask, key, stored, revision.1);
            }
            What::SubmitDraft(_, as_published) => {
                let Some((draft, _)) = latest else { return refused("ReportNotFound") };
                admit((draft, *as_published))?;
                self.follows(key, (draft, *as_published))?;
                self.reports_for(key)?;
                content = Some((draft, *as_published));
                self.submitted(&mut stand, ask, key, stored, *as_published);
            }
            What::Return(_, text) => {
                if before.state == State::Accepted {
                    stand.effective = stand.published;
                    stand.accepter.clear();
                }
                stand.return_texts = vec![text.clone()];
            }
            What::Accept(_) => {
                if before.submitter.is_empty() {
                    return refused("SubmitterUnknown");
                }
                if before.submitter == ask.principal {
                    return refused("SubmitterAccepts");
                }
                stand.effective = stand.latest;
                ask.principal.clone_into(&mut stand.accepter);
            }
            What::Publish(_) => stand.published = stand.effective,
            What::Amend(_, reason) => stand.reason.clone_from(reason),
            What::Void(_, reason) => {
                stand.effective = 0;
                stand.reason.clone_from(reason);
            }
            What::CreateOrgan(_) | What::SetDeadline(..) => unreachable!("steps only"),
        }
        let revision = content.filter(|_| content != latest);
        stand.latest += i32::from(revision.is_some());
        Ok((stand, revision))
    }

    /// Whether the report is none with just the figures of last year, where that one counts or
    /// waits to be accepted.
    fn follows(&self, key: Key, (content, as_published): Revision) -> Result<(), Told> {
        let Some(last) = self.reports.get(&Key { year: key.year - 1, ..key }) else {
            return Ok(());
        };
        let stand = last.stand();
        let number = match stand.effective {
            0 if stand.state == State::Submitted => stand.latest,
            effective => effective,
        };
        let Some(index) = usize::try_from(number).ok().and_then(|number| number.checked_sub(1))
        else {
            return Ok(());
        };
        match last.revisions[index].0.has_figures_of(content) && !as_published {
            true => refused("WarningUnexplained"),
            false => Ok(()),
        }
    }

    /// Whether the organ is registered, and reports for that year.
    fn reports_for(&self, key: Key) -> Result<(), Told> {
        if !self.organs.contains(&key.organ) {
            return refused("OrganNotFound");
        }
        if key.organ == Organ::Old && key.year >= 2023 {
            return refused("OrganInactive");
        }
        Ok(())
    }

    fn submitted(
        &self,
        stand: &mut Stand,
        ask: &Ask,
        key: Key,
        stored: &Stored,
        as_published: bool,
    ) {
        // The first submission is held against the date of that day, unless as published.
        if !stored.was_submitted() && !as_published {
            stand.due_date = self.due_date(key);
            stand.late = stand.due_date != FAR;
        }
        ask.principal.clone_into(&mut stand.submitter);
        stand.reason.clear();
        stand.return_texts.clear();
    }

    fn due_date(&self, key: Key) -> String {
        let own = [(key.year, true), (key.year, false)];
        let own = own.iter().filter(|(_, county)| !county || key.organ == Organ::County);
        let set = own.filter_map(|of| self.deadlines.get(of)).find(|date| !date.is_empty());
        match set.filter(|_| !key.region) {
            Some(date) => (*date).to_owned(),
            None if key.region => format!("{}-03-31", key.year + 1),
            None => format!("{}-01-31", key.year + 1),
        }
    }
}
