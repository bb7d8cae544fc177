//! The organs, and the tree in which they stand in a year.

use std::collections::HashMap;

use crate::archive::standing_in;
use crate::names::OrganId;
use crate::pb::Organ;

/// The organs, each known by its place: a number that stays.
#[derive(Default)]
pub(super) struct Registry {
    organs: Vec<Organ>,
    places: HashMap<OrganId, usize>,
}

impl Registry {
    /// Takes an organ as it now stands, and answers its place.
    pub(super) fn put(&mut self, id: OrganId, organ: Organ) -> usize {
        let place = *self.places.entry(id).or_insert(self.organs.len());
        match self.organs.get_mut(place) {
            Some(known) => *known = organ,
            None => self.organs.push(organ),
        }
        place
    }

    /// The place of an organ.
    pub(super) fn place(&self, id: &OrganId) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The organ at a place.
    pub(super) fn organ(&self, place: usize) -> &Organ {
        &self.organs[place]
    }

    /// The tree of a year.
    pub(super) fn tree(&self, year: i32) -> Tree {
        let parent = |organ| OrganId::from_name(standing_in(organ, year)?);
        let parents: Vec<Option<usize>> =
            self.organs.iter().map(|organ| self.place(&parent(organ)?)).collect();
        Tree::of(parents)
    }
}

/// Who stands below whom.
pub(super) struct Tree {
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
}

impl Tree {
    /// The tree of these parents. Affiliations are acyclic; should a store ever say otherwise, one
    /// organ of the circle is taken for a root, so that each still counts once.
    fn of(mut parents: Vec<Option<usize>>) -> Self {
        let mut children = vec![Vec::new(); parents.len()];
        for (place, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                children[*parent].push(place);
            }
        }
        let mut tree = Tree { parents: Vec::new(), children };
        let mut reached = vec![false; parents.len()];
        let roots = (0..parents.len()).filter(|&place| parents[place].is_none());
        for root in roots {
            tree.below(root).into_iter().for_each(|place| reached[place] = true);
        }
        for place in 0..parents.len() {
            if reached[place] {
                continue;
            }
            if let Some(parent) = parents[place].take() {
                tree.children[parent].retain(|&child| child != place);
            }
            tree.below(place).into_iter().for_each(|place| reached[place] = true);
        }
        tree.parents = parents;
        tree
    }

    /// The organ and all below it, each after its parent.
    fn below(&self, top: usize) -> Vec<usize> {
        self.walk(top, |_| true).into_iter().map(|step| step.place).collect()
    }

    /// The organ and all below it, each after its parent, but nothing below an organ that `enters`
    /// keeps closed. Without recursion, since a tree may be as deep as it is large.
    pub(super) fn walk(&self, top: usize, enters: impl Fn(usize) -> bool) -> Vec<Step> {
        let mut steps = vec![Step { place: top, above: None }];
        let mut next = 0;
        while let Some(step) = steps.get(next) {
            if enters(step.place) {
                let children = self.children[step.place].iter();
                steps.extend(children.map(|&place| Step { place, above: Some(next) }));
            }
            next += 1;
        }
        steps
    }

    /// The organs right below.
    pub(super) fn children(&self, place: usize) -> &[usize] {
        &self.children[place]
    }

    /// The organ right above.
    pub(super) fn parent(&self, place: usize) -> Option<usize> {
        self.parents[place]
    }
}

/// One organ of a walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The place of the organ.
    pub(super) place: usize,
    /// The step of its parent in the same walk; `None` at the top.
    pub(super) above: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_organ_comes_once_and_after_its_parent() {
        let tree = Tree::of(vec![None, Some(0), Some(0), Some(2), None]);
        assert_eq!(tree.below(0), [0, 1, 2, 3]);
        assert_eq!(tree.below(2), [2, 3]);
        let steps = tree.walk(0, |place| place != 2);
        assert_eq!(steps.iter().map(|step| step.place).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn a_circle_is_cut_so_that_each_counts_once() {
        let tree = Tree::of(vec![None, Some(2), Some(1), Some(2)]);
        assert_eq!(tree.below(1), [1, 2, 3]);
        assert_eq!(tree.parent(1), None);
        let itself = Tree::of(vec![Some(0)]);
        assert_eq!(itself.below(0), [0]);
    }
}
