//! What a report of a region declares, held against the sum of its parts.

use prost::Message as _;

use super::Rollup;
use super::contributions::text;
use super::coverage;
use super::explain::{Deltas, Found, Given, of_cell};
use super::question::{Member, Question, part_members};
use super::row::{CELL_COUNT, Figure, Row, Totals};
use super::share::{Counts, Taken};
use super::state::State;
use super::sums::fit;
use super::year::{Revision, revision_name};
use crate::archive::{Archive, Moment, Version};
use crate::failure::Failure;
use crate::form::CELLS;
use crate::limits::{COVERAGE_LIST_MAX, PAGE_BYTES_MAX, PAIR_PARTS_MAX};
use crate::names::ReportId;
use crate::pb::reconciled_cell::Outcome;
use crate::pb::{
    Basis, Contribution, DeltaExplanation, Edition, OrganCoverage, ReconciledCell, Reconciliation,
    Report, Scope, Summing,
};

/// Figures taken out of their rows at a time, to seek among them: some 64 MB.
const FIGURES_MAX: usize = 1 << 21;

/// The report of the region that the question's organ declares for the year, against its parts:
/// the revision of that number, else the one that counts. The basis is by default that of what is
/// declared; the filter does not apply.
///
/// # Errors
/// `ReportNotFound`, `RevisionNotFound`, `Journal`, `Store`.
pub fn reconcile(
    rollup: &Rollup,
    question: &Question,
    year: i32,
    revision: Option<i32>,
    all_cells: bool,
) -> Result<Reconciliation, Failure> {
    let basis = match question.basis {
        Basis::Unspecified => Basis::Declared,
        told => told,
    };
    let question = &Question { basis, ..question.clone() };
    rollup.ask(question.moment, &[year], |state| {
        let declared = Declared::find(rollup.archive(), state, question, year, revision)?;
        let members = part_members(state, question, year)?;
        let comparison = Comparison::of(state, &declared, &members);
        let mut answer = comparison.answer(question, comparison.cells(all_cells)?)?;
        list(state, year, &members, &mut answer);
        Ok(answer)
    })
}

/// The parts and the missing ones, ordered by id, cut at their limit.
fn list(state: &State, year: i32, members: &[Member<'_>], answer: &mut Reconciliation) {
    let mut room = PAGE_BYTES_MAX.saturating_sub(answer.encoded_len());
    let mut rows = |wanted: &dyn Fn(&Member<'_>) -> bool| {
        let mut members: Vec<&Member<'_>> = members.iter().filter(|m| wanted(m)).collect();
        members.sort_unstable_by_key(|member| state.id(member.place));
        let named = members.iter().take(COVERAGE_LIST_MAX);
        let mut rows: Vec<OrganCoverage> =
            named.map(|member| coverage::row(state, member, year)).collect();
        let cut = fit(&mut rows, &mut room, OrganCoverage::encoded_len);
        (rows, cut || members.len() > COVERAGE_LIST_MAX)
    };
    (answer.missing, answer.missing_truncated) = rows(&|member| member.counts().missing > 0);
    (answer.parts, answer.parts_truncated) = rows(&|member| member.counts().included > 0);
}

/// What a report of a region declares.
struct Declared {
    id: ReportId,
    report: Report,
    row: Row,
}

impl Declared {
    fn find(
        archive: &Archive,
        state: &State,
        question: &Question,
        year: i32,
        revision: Option<i32>,
    ) -> Result<Self, Failure> {
        let id = ReportId { organ: question.organ.clone(), year, scope: Scope::Region };
        let unknown = || Failure::ReportNotFound(id.to_string());
        let place = state.place(&id.organ).map_err(|_| unknown())?;
        let filed = state.filed(year, place, Scope::Region).ok_or_else(unknown)?;
        let counted = || filed.counted(question.include_unaccepted).map(|counted| counted.number);
        let none = || Failure::RevisionNotFound(format!("{id}, effective"));
        let number = revision.or_else(counted).ok_or_else(none)?;
        let moment = Moment::Position(state.position());
        let report = archive.report_at(&id, Version::Number(number), moment)?;
        Ok(Declared { row: Row::of(&report)?, id, report })
    }
}

/// A revision that is in the sum.
#[derive(Clone, Copy)]
struct Part<'a> {
    place: usize,
    scope: Scope,
    revision: &'a Revision,
}

impl<'a> Part<'a> {
    fn of(member: &Member<'a>) -> Option<Self> {
        let (scope, revision) = match member.taken() {
            Taken::Nothing => return None,
            Taken::Own(revision) => (Scope::Own, revision),
            Taken::Region(revision) => (Scope::Region, revision),
        };
        Some(Part { place: member.place, scope, revision })
    }
}

/// What the parts have in one cell.
#[derive(Clone, Copy)]
struct Computed {
    sum: i128,
    given: u32,
    scale: u8,
}

/// The two sides of one cell.
struct Sides {
    cell: usize,
    outcome: Outcome,
    declared: Option<Figure>,
    computed: Computed,
    /// Parts whose form has the cell, and the others.
    on_form: u32,
    not_on_form: u32,
}

impl Sides {
    /// Declared less computed, where both are there.
    fn delta(&self) -> Option<i128> {
        let declared = self.declared.filter(|_| self.computed.given > 0)?;
        Some(i128::from(declared.value) - self.computed.sum)
    }

    fn finish(&self, explanation: Option<DeltaExplanation>) -> Result<ReconciledCell, Failure> {
        let (cell, computed) = (&CELLS[self.cell], self.computed);
        let text = |value, scale| text(cell, value, scale);
        let whole = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        // Of the two, as a person would subtract them.
        let scale = self.declared.map_or(0, |figure| figure.scale).max(computed.scale);
        let declared = self.declared.map(|figure| text(figure.value.into(), figure.scale));
        let sum = (computed.given > 0).then(|| text(computed.sum, computed.scale));
        Ok(ReconciledCell {
            field_path: cell.path.to_owned(),
            cell: cell.address.to_owned(),
            outcome: self.outcome as i32,
            declared: declared.transpose()?,
            computed: sum.transpose()?,
            delta: self.delta().map(|delta| text(delta, scale)).transpose()?,
            given: whole(computed.given),
            blank: whole(self.on_form - computed.given),
            not_on_form: whole(self.not_on_form),
            explanation,
        })
    }
}

/// A report and its parts, side by side.
struct Comparison<'a> {
    state: &'a State,
    declared: &'a Declared,
    /// Ordered by the id of their organs.
    parts: Vec<Part<'a>>,
    counts: Counts,
    /// The cells that both forms have, in form order.
    sides: Vec<Sides>,
    not_comparable: usize,
    /// What explains the differences of all cells.
    whole: Option<Found>,
}

impl<'a> Comparison<'a> {
    fn of(state: &'a State, declared: &'a Declared, members: &[Member<'a>]) -> Self {
        let mut counts = Counts::default();
        members.iter().for_each(|member| counts += &member.counts());
        let mut parts: Vec<Part<'a>> = members.iter().filter_map(Part::of).collect();
        parts.sort_unstable_by_key(|part| state.id(part.place));
        let mut comparison = Comparison {
            state,
            declared,
            parts,
            counts,
            sides: Vec::new(),
            not_comparable: 0,
            whole: None,
        };
        comparison.lay_side_by_side();
        let mut deltas = Deltas::default();
        for sides in &comparison.sides {
            if let Some(delta) = sides.delta() {
                deltas.set(sides.cell, delta);
            }
        }
        let rows: Vec<&Row> = comparison.parts.iter().map(|part| &part.revision.row).collect();
        comparison.whole = deltas.explain(&rows, comparison.seeks_pairs());
        comparison
    }

    fn seeks_pairs(&self) -> bool {
        self.parts.len() <= PAIR_PARTS_MAX
    }

    fn lay_side_by_side(&mut self) {
        let mut totals = Totals::default();
        let mut of_old_form = 0;
        for part in &self.parts {
            totals.add_row(&part.revision.row);
            of_old_form += u32::from(form_of(part.revision.edition) == Edition::Edition2019);
        }
        let of_new_form = self.counts.included - of_old_form;
        let edition = form_of(self.declared.report.edition());
        let mut declared = vec![None; CELL_COUNT];
        self.declared.row.each(|cell, value, scale| {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            declared[cell] = Some(Figure { value, scale });
        });
        for (place, cell) in CELLS.iter().enumerate() {
            if cell.summing() == Summing::Never {
                continue;
            }
            let (declared, computed) = (declared[place], computed(&totals, place));
            let count = |form, parts| if cell.is_in(form) { parts } else { 0 };
            let on_form =
                count(Edition::Edition2019, of_old_form) + count(Edition::Edition2021, of_new_form);
            // What was submitted as published may hold cells that its form does not have.
            let on_form = on_form.max(computed.given);
            match (cell.is_in(edition) || declared.is_some(), on_form > 0) {
                (true, true) => {
                    let outcome = outcome(declared, computed);
                    let not_on_form = self.counts.included.saturating_sub(on_form);
                    self.sides.push(Sides {
                        cell: place,
                        outcome,
                        declared,
                        computed,
                        on_form,
                        not_on_form,
                    });
                }
                (true, false) | (false, true) => self.not_comparable += 1,
                (false, false) => {}
            }
        }
    }

    /// The cells that are to be listed.
    ///
    /// # Errors
    /// `Store` for a figure beyond what a cell holds.
    fn cells(&self, all: bool) -> Result<Vec<ReconciledCell>, Failure> {
        let explained = self.explained();
        let agrees = |sides: &Sides| matches!(sides.outcome, Outcome::Equal | Outcome::Blank);
        let listed = self.sides.iter().filter(|sides| all || !agrees(sides));
        let finish = |sides: &Sides| {
            let found = explained[sides.cell].as_ref();
            let explanation = found.map(|found| self.explanation(found, Some(sides.cell)));
            sides.finish(explanation.transpose()?)
        };
        listed.map(finish).collect()
    }

    /// All but the lists.
    ///
    /// # Errors
    /// `Store` for a figure beyond what a cell holds.
    fn answer(
        &self,
        question: &Question,
        cells: Vec<ReconciledCell>,
    ) -> Result<Reconciliation, Failure> {
        let Declared { id, report, .. } = self.declared;
        let of = |wanted: &[Outcome]| {
            let cells = self.sides.iter().filter(|sides| wanted.contains(&sides.outcome));
            whole(cells.count())
        };
        let (equal, different) = (of(&[Outcome::Equal]), of(&[Outcome::Different]));
        let one_sided = of(&[Outcome::NotDeclared, Outcome::NotGiven]);
        let form = form_of(report.edition());
        let other = |part: &&Part<'_>| form_of(part.revision.edition) != form;
        let explanation = self.whole.as_ref().map(|found| self.explanation(found, None));
        let organ = self.state.place(&id.organ).map(|place| self.state.organ(place))?;
        Ok(Reconciliation {
            revision: revision_name(id, report.revision),
            display_name: organ.display_name.clone(),
            edition: form as i32,
            state: report.state,
            effective: report.revision == report.effective_revision,
            as_published: !report.as_published_reason.is_empty(),
            basis: question.basis as i32,
            tree_year: question.way(id.year).tree_year,
            position: self.state.position().to_string(),
            coverage: Some(self.counts.coverage()),
            cells_compared: equal + different + one_sided,
            cells_equal: equal,
            cells_different: different,
            cells_one_sided: one_sided,
            cells_not_comparable: whole(self.not_comparable),
            parts_of_other_edition: whole(self.parts.iter().filter(other).count()),
            explanation: explanation.transpose()?,
            pairs_not_sought: !self.seeks_pairs(),
            cells,
            ..Reconciliation::default()
        })
    }

    /// What explains the difference of each cell, by its place.
    fn explained(&self) -> Vec<Option<Found>> {
        let mut explained: Vec<Option<Found>> = (0..CELL_COUNT).map(|_| None).collect();
        let different: Vec<&Sides> =
            self.sides.iter().filter(|sides| sides.outcome == Outcome::Different).collect();
        if let Some(whole) = &self.whole {
            for sides in different {
                let figure = |part: usize| self.parts[part].revision.row.get(sides.cell);
                let has = |part: &usize| figure(*part).is_some_and(|figure| figure.value != 0);
                let parts = whole.parts.iter().copied().filter(has).collect();
                explained[sides.cell] = Some(Found { kind: whole.kind, parts });
            }
            return explained;
        }
        let at_once = (FIGURES_MAX / self.parts.len().max(1)).max(1);
        for some in different.chunks(at_once) {
            let figures = self.figures(some);
            for (sides, figures) in some.iter().zip(figures) {
                let delta = sides.delta();
                let found = delta.and_then(|delta| of_cell(delta, &figures, self.seeks_pairs()));
                explained[sides.cell] = found;
            }
        }
        explained
    }

    /// The figures of all parts in some cells, without zeros.
    fn figures(&self, cells: &[&Sides]) -> Vec<Vec<Given>> {
        let mut slots = vec![None; CELL_COUNT];
        cells.iter().enumerate().for_each(|(slot, sides)| slots[sides.cell] = Some(slot));
        let mut figures = vec![Vec::new(); cells.len()];
        for (number, part) in self.parts.iter().enumerate() {
            part.revision.row.each(|cell, value, _| {
                if let Some(slot) = slots[cell].filter(|_| value != 0) {
                    figures[slot].push((value, number));
                }
            });
        }
        figures
    }

    /// What was found, with the figures in a cell where it is of one.
    fn explanation(&self, found: &Found, cell: Option<usize>) -> Result<DeltaExplanation, Failure> {
        let part = |&number: &usize| {
            let part = self.parts[number];
            let organ = self.state.organ(part.place);
            let report = self.state.report(part.place, self.declared.id.year, part.scope);
            let value = cell.and_then(|cell| {
                let figure = part.revision.row.get(cell)?;
                Some(text(&CELLS[cell], figure.value.into(), figure.scale))
            });
            Ok(Contribution {
                organ: organ.name.clone(),
                display_name: organ.display_name.clone(),
                revision: revision_name(&report, part.revision.number),
                value: value.transpose()?.unwrap_or_default(),
            })
        };
        let parts = found.parts.iter().map(part).collect::<Result<_, Failure>>()?;
        Ok(DeltaExplanation { kind: found.kind as i32, parts })
    }
}

/// The form of an edition; that of 2021 where none is stated.
fn form_of(edition: Edition) -> Edition {
    match edition {
        Edition::Unspecified => Edition::Edition2021,
        stated => stated,
    }
}

fn computed(totals: &Totals, cell: usize) -> Computed {
    let (sum, given, scale) = totals.parts(cell).unwrap_or_default();
    Computed { sum, given, scale }
}

fn outcome(declared: Option<Figure>, computed: Computed) -> Outcome {
    match (declared, computed.given) {
        (None, 0) => Outcome::Blank,
        (None, _) => Outcome::NotDeclared,
        (Some(_), 0) => Outcome::NotGiven,
        (Some(figure), _) if i128::from(figure.value) == computed.sum => Outcome::Equal,
        (Some(_), _) => Outcome::Different,
    }
}

fn whole(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
