//! Ratios of neighbours: what can be relied on where other programs disturb the machine.

use std::fmt;

use super::load::Slice;

/// The order of a round: forwards and backwards by turns, so that a drift hits all alike.
pub(crate) fn turns(count: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// The slices of all that is compared, a round each.
#[derive(Default)]
pub(crate) struct Rounds {
    kept: Vec<Vec<Slice>>,
}

impl Rounds {
    /// Keeps a round, whose slices come with their places. The first warms up and is not kept.
    pub(crate) fn keep(&mut self, round: usize, mut slices: Vec<(usize, Slice)>) {
        slices.sort_by_key(|(at, _)| *at);
        if round > 0 {
            self.kept.push(slices.into_iter().map(|(_, slice)| slice).collect());
        }
    }

    /// Of each round, what `of` says of its slices, in the order of their places.
    pub(crate) fn each(&self, of: impl Fn(&[Slice]) -> f64) -> Vec<f64> {
        self.kept.iter().map(|round| of(round)).collect()
    }

    /// The median over the rounds of the slice at that place.
    pub(crate) fn median(&self, at: usize, of: impl Fn(&Slice) -> f64) -> f64 {
        Spread::of(self.each(|round| of(&round[at]))).median
    }
}

/// Prints ratios, and whether their median fits the budget.
pub(crate) fn judge(what: &str, ratios: Vec<f64>, fits: impl Fn(f64) -> bool) {
    let spread = Spread::of(ratios);
    let verdict = if fits(spread.median) { "within" } else { "over" };
    println!("  {what}: {spread}: {verdict} budget");
}

/// Median and quartiles of some ratios.
pub(crate) struct Spread {
    low: f64,
    /// The middle one.
    pub median: f64,
    high: f64,
    n: usize,
}

impl Spread {
    /// Of at least one.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
        Spread { low: at(1), median: at(2), high: at(3), n: values.len() }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread { low, median, high, n } = self;
        write!(f, "median {median:.3} (quartiles {low:.3} to {high:.3}, n={n})")
    }
}
