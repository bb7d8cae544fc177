//! Sums that are kept: of each inner organ of a tree, made of its own figures and the sums of its
//! children. A change forgets those of the organs above it, and nothing is ever subtracted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::row::{Packed, Totals};
use super::share::{Counts, Share, Taken, Taking};
use super::tree::Tree;

/// So many sets of sums are kept, one for each way in which a year can be summed: ten years on both
/// bases, and some more. Over 40 000 organs one takes some megabytes.
const SETS_MAX: usize = 32;

/// A way to sum a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) taking: Taking,
    pub(super) tree_year: i32,
}

/// What is kept of an inner organ.
struct Kept {
    totals: Packed,
    /// Where no region above covers it.
    open: Counts,
    /// Where one does.
    covered: Counts,
}

/// The kept sums and the trees that they follow.
#[derive(Default)]
pub(super) struct Memos {
    trees: BTreeMap<i32, Arc<Tree>>,
    /// The one that was asked for last stands last.
    sets: Vec<(Way, HashMap<usize, Kept>)>,
}

impl Memos {
    /// The tree of a year, made where it is not there.
    pub(super) fn tree(&mut self, year: i32, make: impl FnOnce() -> Tree) -> Arc<Tree> {
        self.trees.entry(year).or_insert_with(|| Arc::new(make())).clone()
    }

    /// Forgets all: the organs have changed.
    pub(super) fn clear(&mut self) {
        *self = Memos::default();
    }

    /// Forgets what holds the report of an organ for a year.
    pub(super) fn forget(&mut self, year: i32, place: usize) {
        let Memos { trees, sets } = self;
        for (way, kept) in sets.iter_mut().filter(|(way, _)| way.taking.year == year) {
            let Some(tree) = trees.get(&way.tree_year) else { continue };
            let mut next = Some(place);
            while let Some(place) = next {
                kept.remove(&place);
                next = tree.parent(place);
            }
        }
    }

    /// The sum of an organ and all below it.
    pub(super) fn sum<'a>(
        &mut self,
        way: Way,
        tree: &Tree,
        top: usize,
        share: impl Fn(usize) -> Share<'a>,
    ) -> (Totals, Counts) {
        let set = match self.sets.iter().position(|(known, _)| *known == way) {
            Some(at) => self.sets.remove(at),
            None => (way, HashMap::new()),
        };
        if self.sets.len() == SETS_MAX {
            self.sets.remove(0);
        }
        self.sets.push(set);
        let mut unkept = HashMap::new();
        let kept = self.sets.last_mut().map_or(&mut unkept, |(_, kept)| kept);
        let steps = tree.walk(top, |place| !kept.contains_key(&place));
        // From the last step on, children come before their parents.
        for step in steps.iter().rev().filter(|step| !tree.children(step.place).is_empty()) {
            if !kept.contains_key(&step.place) {
                let (totals, open, covered) = add_up(tree, step.place, kept, &share);
                kept.insert(step.place, Kept { totals: totals.pack(), open, covered });
            }
        }
        match kept.get(&top) {
            Some(kept) => {
                let mut totals = Totals::default();
                totals.add_packed(&kept.totals);
                (totals, kept.open)
            }
            None => {
                let (totals, open, _) = add_up(tree, top, kept, &share);
                (totals, open)
            }
        }
    }
}

/// The sum of an organ, from what is kept of those right below it.
fn add_up<'a>(
    tree: &Tree,
    place: usize,
    kept: &HashMap<usize, Kept>,
    share: impl Fn(usize) -> Share<'a>,
) -> (Totals, Counts, Counts) {
    let own = share(place);
    let mut totals = Totals::default();
    let (mut open, mut covered) = (own.counts(false), own.counts(true));
    let closes = matches!(own.taken(), Taken::Region(_));
    if let Some(revision) = own.taken().revision() {
        totals.add_row(&revision.row);
    }
    for &child in tree.children(place) {
        let (child_open, child_covered) = match kept.get(&child) {
            Some(kept) => {
                if !closes {
                    totals.add_packed(&kept.totals);
                }
                (kept.open, kept.covered)
            }
            None => {
                let leaf = share(child);
                if let Some(revision) = leaf.taken().revision().filter(|_| !closes) {
                    totals.add_row(&revision.row);
                }
                (leaf.alone(), leaf.counts(true))
            }
        };
        open += if closes { &child_covered } else { &child_open };
        covered += &child_covered;
    }
    open.region_without_parts += u32::from(own.stands_alone(open.included));
    (totals, open, covered)
}
