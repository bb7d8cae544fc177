//! Which parts explain a difference between a declared figure and the sum of its parts.
//!
//! A part explains a difference if the declared figure is what the sum would be without it, or with
//! it counted twice; a pair, if both parts together do, and neither by itself. Only what is unique
//! counts: of two candidates of the same size neither is named. A blank or a zero explains nothing.

use std::collections::HashMap;

use super::row::{CELL_COUNT, Row};
use crate::pb::delta_explanation::Kind;

/// The parts that explain a difference.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: Kind,
    /// One or two, in order.
    pub(super) parts: Vec<usize>,
}

/// A figure that is not zero, and the part that gave it.
pub(super) type Given = (i128, usize);

/// What explains the difference of one cell, which is not zero: declared less computed.
pub(super) fn of_cell(delta: i128, figures: &[Given], pairs: bool) -> Option<Found> {
    let single = unique([delta, -delta], |wanted| {
        let fits = figures.iter().filter(|(value, _)| *value == wanted);
        fits.take(2).map(|&(_, part)| vec![part]).collect()
    });
    match single {
        Candidates::One(found) => Some(found),
        Candidates::None if pairs => {
            unique([delta, -delta], |wanted| pairs_of_cell(wanted, figures)).one()
        }
        Candidates::None | Candidates::Several => None,
    }
}

/// What was found, up to where it is known not to be unique.
enum Candidates {
    None,
    One(Found),
    Several,
}

impl Candidates {
    fn one(self) -> Option<Found> {
        match self {
            Candidates::One(found) => Some(found),
            Candidates::None | Candidates::Several => None,
        }
    }
}

/// The one that fits, whether figures that sum up to `twice` were counted twice or those that sum
/// up to `left_out` were left out. `seek` gives at least two that fit, if there are so many.
fn unique<T>([twice, left_out]: [T; 2], seek: impl Fn(T) -> Vec<Vec<usize>>) -> Candidates {
    let tagged = |kind, fits: Vec<Vec<usize>>| {
        fits.into_iter().map(move |mut parts| {
            parts.sort_unstable();
            Found { kind, parts }
        })
    };
    let mut all = tagged(Kind::CountedTwice, seek(twice));
    let mut others = tagged(Kind::LeftOut, seek(left_out));
    match (all.next(), all.next(), others.next(), others.next()) {
        (None, _, None, _) => Candidates::None,
        (Some(found), None, None, _) | (None, _, Some(found), None) => Candidates::One(found),
        _ => Candidates::Several,
    }
}

/// Up to two pairs whose figures sum up to what is wanted. Two fingers over the sorted figures.
fn pairs_of_cell(wanted: i128, figures: &[Given]) -> Vec<Vec<usize>> {
    let least = figures.iter().map(|&(value, _)| value).min().unwrap_or_default();
    let mut sorted: Vec<Given> =
        figures.iter().copied().filter(|(value, _)| *value <= wanted - least).collect();
    sorted.sort_unstable();
    let mut found = Vec::new();
    let mut rest = &sorted[..];
    while let ([(low, first), inner @ .., (high, last)], true) = (rest, found.len() < 2) {
        match (low + high).cmp(&wanted) {
            std::cmp::Ordering::Less => rest = &rest[1..],
            std::cmp::Ordering::Greater => rest = &rest[..rest.len() - 1],
            std::cmp::Ordering::Equal => {
                found.push(vec![*first, *last]);
                // Another of the same value on either side makes another pair.
                let again = |at: Option<&Given>, value| {
                    at.filter(|(other, _)| other == value).map(|(_, part)| *part)
                };
                found.extend(again(inner.first(), low).map(|part| vec![part, *last]));
                found.extend(again(inner.last(), high).map(|part| vec![*first, part]));
                rest = inner;
            }
        }
    }
    found
}

/// The differences of all cells that have a figure on both sides; zero where they are equal.
pub(super) struct Deltas(Vec<Option<i128>>);

/// Figures of a row, without zeros and without cells that are not compared, in form order.
type Sparse = Vec<(usize, i128)>;

impl Default for Deltas {
    fn default() -> Self {
        Deltas(vec![None; CELL_COUNT])
    }
}

impl Deltas {
    /// Takes the difference of a cell.
    pub(super) fn set(&mut self, cell: usize, delta: i128) {
        self.0[cell] = Some(delta);
    }

    /// What explains all differences at once: its figures are the differences, everywhere.
    pub(super) fn explain(&self, rows: &[&Row], pairs: bool) -> Option<Found> {
        let [twice, left_out] = [1, -1].map(|sign| self.wanted(sign));
        if twice.is_empty() {
            return None;
        }
        let single = unique([&twice, &left_out], |wanted| {
            let fits = (0..rows.len()).filter(|&part| self.sparse(rows[part]) == *wanted);
            fits.take(2).map(|part| vec![part]).collect()
        });
        match single {
            Candidates::One(found) => Some(found),
            Candidates::None if pairs => {
                unique([&twice, &left_out], |wanted| self.pairs(wanted, rows)).one()
            }
            Candidates::None | Candidates::Several => None,
        }
    }

    fn wanted(&self, sign: i128) -> Sparse {
        let each = self.0.iter().enumerate();
        each.filter_map(|(cell, delta)| Some((cell, sign * (*delta)?)))
            .filter(|(_, delta)| *delta != 0)
            .collect()
    }

    fn sparse(&self, row: &Row) -> Sparse {
        let mut sparse = Vec::new();
        row.each(|cell, value, _| {
            if value != 0 && self.0[cell].is_some() {
                sparse.push((cell, value));
            }
        });
        sparse
    }

    /// Up to two pairs whose figures sum up to what is wanted in every cell.
    fn pairs(&self, wanted: &Sparse, rows: &[&Row]) -> Vec<Vec<usize>> {
        // The least of each cell, so that rows with more than is wanted need not be kept.
        let mut least = vec![0; CELL_COUNT];
        for row in rows {
            row.each(|cell, value, _| least[cell] = value.min(least[cell]));
        }
        let mut target = vec![0; CELL_COUNT];
        wanted.iter().for_each(|&(cell, value)| target[cell] = value);
        let within = |&(cell, value): &(usize, i128)| value <= target[cell] - least[cell];
        let mut seen: HashMap<Sparse, Vec<usize>> = HashMap::new();
        let mut found = Vec::new();
        for (part, row) in rows.iter().enumerate() {
            let sparse = self.sparse(row);
            if sparse.is_empty() || !sparse.iter().all(within) {
                continue;
            }
            for &other in seen.get(&less(wanted, &sparse)).into_iter().flatten() {
                found.push(vec![other, part]);
                if found.len() == 2 {
                    return found;
                }
            }
            // A third of the same figures makes nothing unique that two do not.
            let same = seen.entry(sparse).or_default();
            if same.len() < 2 {
                same.push(part);
            }
        }
        found
    }
}

/// What is left of `wanted` without `row`.
fn less(wanted: &Sparse, row: &Sparse) -> Sparse {
    let (mut wanted, mut row) = (wanted.iter().peekable(), row.iter().peekable());
    let mut left = Vec::new();
    loop {
        let (cell, value) = match (wanted.peek(), row.peek()) {
            (None, None) => return left,
            (Some(&&(cell, value)), None) => (cell, value),
            (None, Some(&&(cell, taken))) => (cell, -taken),
            (Some(&&(cell, value)), Some(&&(other, taken))) => match cell.cmp(&other) {
                std::cmp::Ordering::Less => (cell, value),
                std::cmp::Ordering::Equal => (cell, value - taken),
                std::cmp::Ordering::Greater => (other, -taken),
            },
        };
        wanted.next_if(|(at, _)| *at == cell);
        row.next_if(|(at, _)| *at == cell);
        if value != 0 {
            left.push((cell, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::{self, Amount, CELLS};
    use crate::pb::Report;

    fn of(delta: i128, figures: &[i128]) -> Option<(Kind, Vec<usize>)> {
        let given: Vec<Given> =
            figures.iter().enumerate().map(|(part, &value)| (value, part)).collect();
        of_cell(delta, &given, true).map(|found| (found.kind, found.parts))
    }

    #[test]
    fn one_part_explains_before_any_pair() {
        assert_eq!(of(-7, &[3, 4, 7]), Some((Kind::LeftOut, vec![2])));
        assert_eq!(of(7, &[3, 4, 7]), Some((Kind::CountedTwice, vec![2])));
        assert_eq!(of(-7, &[3, 5, 4]), Some((Kind::LeftOut, vec![0, 2])));
        assert_eq!(of(7, &[5, 4, 3]), Some((Kind::CountedTwice, vec![1, 2])));
        assert_eq!(of(-7, &[1, 1, 5]), None);
        assert_eq!(of(-7, &[]), None);
    }

    #[test]
    fn of_two_candidates_neither_is_named() {
        assert_eq!(of(-7, &[7, 7]), None, "two parts");
        assert_eq!(of(-7, &[7, 7, 3, 4]), None, "two parts, and a pair");
        assert_eq!(of(-7, &[3, 4, 3]), None, "two pairs of one figure");
        assert_eq!(of(-7, &[3, 4, 4]), None, "two pairs of the other");
        assert_eq!(of(-7, &[1, 6, 3, 4]), None, "two pairs of other figures");
        assert_eq!(of(-6, &[3, 3]), Some((Kind::LeftOut, vec![0, 1])));
        assert_eq!(of(-6, &[3, 3, 3]), None, "three pairs of equals");
    }

    #[test]
    fn figures_below_zero_count_on_both_sides() {
        // Left out, or another counted twice: it cannot be told.
        assert_eq!(of(-7, &[7, -7]), None);
        assert_eq!(of(-7, &[-7, 2]), Some((Kind::CountedTwice, vec![0])));
        assert_eq!(of(-7, &[9, -2]), Some((Kind::LeftOut, vec![0, 1])));
    }

    #[test]
    fn pairs_are_not_sought_where_that_is_too_dear() {
        assert_eq!(of_cell(-7, &[(3, 0), (4, 1)], false), None);
        assert!(of_cell(-3, &[(3, 0), (4, 1)], false).is_some());
    }

    const PATHS: [&str; 3] =
        ["requests.granted.total", "requests.granted.business", "requests.granted.research"];

    fn cell(path: &str) -> usize {
        CELLS.iter().position(|cell| cell.path == path).expect("a cell")
    }

    /// What explains all deltas at once; 99 stands for a cell that is not compared, or blank.
    fn of_all(deltas: [i64; 3], rows: &[[i64; 3]]) -> Option<(Kind, Vec<usize>)> {
        let mut all = Deltas::default();
        for (path, delta) in PATHS.iter().zip(deltas).filter(|(_, delta)| *delta != 99) {
            all.set(cell(path), delta.into());
        }
        let row = |figures: &[i64; 3]| {
            let mut report = Report::default();
            for (path, &value) in PATHS.iter().zip(figures).filter(|(_, value)| **value != 99) {
                let cell = form::cell(path).expect("a cell");
                cell.set(&mut report, Some(Amount::Count(value))).expect("a count");
            }
            Row::of(&report).expect("sound")
        };
        let rows: Vec<Row> = rows.iter().map(row).collect();
        let rows: Vec<&Row> = rows.iter().collect();
        all.explain(&rows, true).map(|found| (found.kind, found.parts))
    }

    #[test]
    fn a_row_explains_the_whole_only_if_it_fits_everywhere() {
        let rows = [[3, 1, 2], [3, 0, 2], [5, 5, 5]];
        assert_eq!(of_all([-3, -1, -2], &rows), Some((Kind::LeftOut, vec![0])));
        assert_eq!(of_all([3, 0, 2], &rows), Some((Kind::CountedTwice, vec![1])));
        assert_eq!(of_all([-3, -1, -3], &rows), None);
        assert_eq!(of_all([0, 0, 0], &[[0, 0, 0]]), None, "nothing is to be explained");
        assert_eq!(of_all([-3, 99, -2], &rows), None, "two fit where a cell is not compared");
        assert_eq!(of_all([-3, 0, 99], &[[3, 99, 7]]), Some((Kind::LeftOut, vec![0])));
    }

    #[test]
    fn a_pair_of_rows_explains_the_whole_if_no_other_does() {
        let rows = [[3, 1, 0], [0, 1, 2], [9, 9, 9], [1, 0, 0]];
        assert_eq!(of_all([-3, -2, -2], &rows), Some((Kind::LeftOut, vec![0, 1])));
        assert_eq!(of_all([4, 1, 0], &rows), Some((Kind::CountedTwice, vec![0, 3])));
        let twin = [[3, 1, 0], [0, 1, 2], [0, 1, 2]];
        assert_eq!(of_all([-3, -2, -2], &twin), None);
        assert_eq!(of_all([-6, -2, 0], &[[3, 1, 0], [3, 1, 0]]), Some((Kind::LeftOut, vec![0, 1])));
        assert_eq!(of_all([-6, -2, 0], &[[3, 1, 0]; 3]), None);
        // A row may pass what is wanted where the other is below zero.
        let rows = [[7, 0, 1], [-2, 3, 0]];
        assert_eq!(of_all([-5, -3, -1], &rows), Some((Kind::LeftOut, vec![0, 1])));
    }
}
