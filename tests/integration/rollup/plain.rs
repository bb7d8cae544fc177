//! A plain recount: from the archive, one organ after another, with recursion and without memory.

use std::collections::BTreeMap;

use nianbao::archive::{Archive, Moment, Version, is_active, parent_in};
use nianbao::form::{Amount, CELLS};
use nianbao::names::{OrganId, ReportId};
use nianbao::pb::report::State;
use nianbao::pb::{Basis, GroupBy, Organ, OrganTree, Report, Scope, Summing};
use nianbao::rollup::Question;
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};

/// How an organ stands: whether it is expected, what is taken, and what covers it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stand {
    pub expected: bool,
    pub own: Option<String>,
    pub region: Option<String>,
    pub covered_by: Option<String>,
}

/// All organs of an archive.
pub fn organs(archive: &Archive) -> Vec<Organ> {
    let page = archive.organs(None, 1000, |_| true).expect("organs");
    assert!(page.next.is_none(), "a test has few organs");
    page.items
}

/// How each organ of the question's tree stands, whatever the filter.
pub fn stands(archive: &Archive, question: &Question, year: i32) -> BTreeMap<String, Stand> {
    let organs = organs(archive);
    let mut stands = BTreeMap::new();
    stand(archive, &organs, question, year, &question.organ.to_string(), None, &mut stands);
    stands
}

fn tree_year(question: &Question, year: i32) -> i32 {
    match question.tree {
        OrganTree::OfToday => nianbao::archive::this_year(),
        OrganTree::Unspecified | OrganTree::OfYear => year,
    }
}

fn stand(
    archive: &Archive,
    organs: &[Organ],
    question: &Question,
    year: i32,
    name: &str,
    covered_by: Option<String>,
    stands: &mut BTreeMap<String, Stand>,
) {
    let organ = organs.iter().find(|organ| organ.name == name).expect("registered");
    let expected = is_active(organ, year);
    let counted = |scope| {
        counted(archive, question, year, name, scope).filter(|_| expected && covered_by.is_none())
    };
    let region = counted(Scope::Region).filter(|_| question.basis == Basis::Declared);
    let own = counted(Scope::Own).filter(|_| region.is_none());
    let below = covered_by.clone().or_else(|| region.clone());
    let covered_by = covered_by.filter(|_| expected);
    let known = stands.insert(name.to_owned(), Stand { expected, own, region, covered_by });
    assert_eq!(known, None, "{name} stands in the tree twice");
    for child in organs {
        if standing(child, tree_year(question, year)) == Some(name) {
            stand(archive, organs, question, year, &child.name, below.clone(), stands);
        }
    }
}

/// Where an organ stands in a year: after its end where it stood at last.
pub fn standing(organ: &Organ, year: i32) -> Option<&str> {
    let last_year = organ.active_until_year.unwrap_or(year).min(year);
    parent_in(organ, year).or_else(|| {
        let earlier = (1900..=last_year).rev();
        earlier.take(if last_year < year { 200 } else { 0 }).find_map(|y| parent_in(organ, y))
    })
}

fn counted(
    archive: &Archive,
    question: &Question,
    year: i32,
    name: &str,
    scope: Scope,
) -> Option<String> {
    let id = ReportId { organ: OrganId::from_name(name).expect("a name"), year, scope };
    let head = archive.head(&id).ok()?;
    let waits = question.include_unaccepted && head.state() == State::Submitted;
    let number = if waits { head.latest_revision } else { head.effective_revision };
    (number > 0).then(|| format!("{id}/revisions/{number}"))
}

/// Whether an organ declares figures of a region of which no part is in the sum.
pub fn stands_alone(archive: &Archive, question: &Question, year: i32, name: &str) -> bool {
    let organ = OrganId::from_name(name).expect("a name");
    let below = stands(archive, &Question { organ, ..question.clone() }, year);
    question.basis == Basis::Parts
        && below[name].expected
        && counted(archive, question, year, name, Scope::Region).is_some()
        && below.values().all(|stand| stand.own.is_none())
}

/// The group of an organ.
pub fn group(archive: &Archive, question: &Question, year: i32, by: GroupBy, name: &str) -> String {
    let organs = organs(archive);
    let find = |name: &str| organs.iter().find(|organ| organ.name == name).expect("registered");
    let organ = find(name);
    match by {
        GroupBy::Unspecified => String::new(),
        GroupBy::Level => organ.level().as_str_name().replace("LEVEL_", ""),
        GroupBy::Kind => organ.kind().as_str_name().replace("KIND_", ""),
        GroupBy::Sector => organ.sector.clone(),
        GroupBy::Child => {
            let mut branch = organ;
            while let Some(parent) = standing(branch, tree_year(question, year)) {
                if branch.name == question.organ.to_string() || parent == question.organ.to_string()
                {
                    break;
                }
                branch = find(parent);
            }
            branch.name.clone()
        }
    }
}

/// The content of a revision.
pub fn content(archive: &Archive, revision: &str) -> Report {
    let (id, number) = ReportId::with_revision(revision).expect("a name");
    let version = Version::Number(number.expect("a revision"));
    archive.report_at(&id, version, Moment::Now).expect("it is stored")
}

/// The sum of each cell as text, and how many gave it.
pub type Sums = BTreeMap<&'static str, (String, i32)>;

/// How many revisions have a cell on their form and left it blank.
pub fn blank<'a>(
    archive: &Archive,
    path: &str,
    revisions: impl Iterator<Item = &'a String>,
) -> i32 {
    let cell = nianbao::form::cell(path).expect("a cell");
    let contents = revisions.map(|revision| content(archive, revision));
    let blank = |report: &Report| cell.is_in(report.edition()) && cell.get(report).is_none();
    i32::try_from(contents.filter(blank).count()).expect("few")
}

/// Sums of the contents of revisions.
pub fn sums<'a>(archive: &Archive, revisions: impl Iterator<Item = &'a String>) -> Sums {
    let mut sums: BTreeMap<&'static str, (Decimal, u32, i32)> = BTreeMap::new();
    for revision in revisions {
        let report = content(archive, revision);
        for cell in CELLS.iter().filter(|cell| cell.summing() != Summing::Never) {
            let value: Decimal = match cell.get(&report) {
                Some(Amount::Count(count)) => count.into(),
                Some(Amount::Money(money)) => money.parse().expect("money"),
                Some(Amount::Text(_)) | None => continue,
            };
            let (sum, scale, given) = sums.entry(cell.path).or_default();
            *scale = value.scale().max(*scale);
            *sum += value;
            *given += 1;
        }
    }
    let text = |(path, (mut sum, scale, given)): (_, (Decimal, u32, i32))| {
        sum.rescale(scale);
        (path, (sum.to_string(), given))
    };
    sums.into_iter().map(text).collect()
}

/// The digest of revisions, byte by byte.
pub fn digest<'a>(revisions: impl Iterator<Item = &'a String>) -> String {
    let mut sum = [0_u8; 32];
    for revision in revisions {
        let mut carry = 0;
        for (byte, added) in sum.iter_mut().zip(Sha256::digest(revision)).rev() {
            let total = u16::from(*byte) + u16::from(added) + carry;
            (*byte, carry) = (total.to_le_bytes()[0], total >> 8);
        }
    }
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}
