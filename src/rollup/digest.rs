//! The digest of a set of revisions: it can be combined, so that the digest of a whole follows from
//! those of its parts.

use std::fmt;
use std::ops::AddAssign;

use sha2::{Digest as _, Sha256};

/// The sum modulo 2^256 of the SHA-256 of each name, read as a number with the highest byte first.
/// Whoever has the names recomputes it; an order does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    /// The highest first.
    words: [u64; 4],
}

impl Digest {
    /// Of one name.
    pub(super) fn of(name: &str) -> Self {
        let bytes = Sha256::digest(name.as_bytes());
        let word = |place: usize| {
            bytes[place * 8..][..8].iter().fold(0, |word, &byte| word << 8 | u64::from(byte))
        };
        Digest { words: [word(0), word(1), word(2), word(3)] }
    }
}

impl AddAssign for Digest {
    fn add_assign(&mut self, other: Self) {
        let mut carry = false;
        for (word, added) in self.words.iter_mut().zip(other.words).rev() {
            let (sum, over) = word.overflowing_add(added);
            let (sum, more) = sum.overflowing_add(carry.into());
            (*word, carry) = (sum, over || more);
        }
    }
}

impl fmt::Display for Digest {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words.iter().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carry_goes_through_all_words_and_off_the_end() {
        let one = Digest { words: [0, 0, 0, 1] };
        let mut sum = Digest { words: [7, u64::MAX, u64::MAX, u64::MAX] };
        sum += one;
        assert_eq!(sum.words, [8, 0, 0, 0]);
        sum = Digest { words: [u64::MAX; 4] };
        sum += one;
        assert_eq!(sum, Digest::default());
    }

    #[test]
    fn of_one_name_it_is_the_sha256() {
        // printf abc | sha256sum
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of("abc").to_string(), known);
    }

    #[test]
    fn order_does_not_matter() {
        let (mut one, mut two) = (Digest::of("a"), Digest::of("b"));
        one += Digest::of("b");
        two += Digest::of("a");
        assert_eq!(one, two);
    }
}
