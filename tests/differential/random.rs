//! Pseudo-random numbers that a seed fixes for ever.
//!
//! Splitmix64 in its twenty lines, since the crates for randomness promise no stable sequence from
//! version to version: a seed that shows a fault must show it again after an update.

pub(crate) struct Random(u64);

impl Random {
    /// The stream for one report of a run. It depends on seed and index alone, so that a report can
    /// be made again without those before it.
    pub(crate) fn of_report(seed: u64, index: u64) -> Self {
        let start = Random(seed).next();
        // A plain sum would make streams that are shifts of each other; a step between mixes them.
        Random(Random(start ^ index).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0, less than `bound`, which is not 0. The bias of the remainder does no harm.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A number from `low` to `high`, both included; their distance is less than 2^63.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low.saturating_add_unsigned(self.below(high.abs_diff(low) + 1))
    }

    /// A place in a list of `len` items, which is not empty.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// One of the items of a list that is not empty.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }
}
