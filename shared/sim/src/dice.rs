//! Seeded pseudo-random numbers, the same in every version: one seed, one account, byte for byte.
//!
//! The generator is written out here, because crates for random numbers may change their sequences
//! between versions. A seed that found a defect years ago must still make the same account, and the
//! fixtures of the end-to-end tests were read from an account that a later version must make again.
//! Every call therefore takes part in the sequence: one more, one less or another order changes all
//! records that are made after it.

/// Generator of pseudo-random numbers (`SplitMix64`): small, fast, and not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

/// Returns a number that looks random and depends only on the arguments. It serves choices that
/// must not depend on the order of calls, such as those by the id of a record.
pub(crate) const fn scramble(a: u64, b: u64) -> u64 {
    let mut mixed = a.wrapping_add(b.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_add(b);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Dice {
    /// Starts the sequence of `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(scramble(seed, 0x51_7C_C1_B7))
    }

    /// Returns the next 64 bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        scramble(self.0, 1)
    }

    /// Returns a number from `low` to `high`, both included. The small excess of low numbers that
    /// the remainder brings does not matter here.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap_or(1).max(1);
        low + i64::try_from(self.next() % span).unwrap_or(0)
    }

    /// Returns `true` with a probability of `percent` per cent.
    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    /// Returns one of `items`, or the type's default if there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        self.index(items.len()).and_then(|at| items.get(at).copied()).unwrap_or_default()
    }

    /// Returns an index into a list of `len` elements; `None` if it is empty.
    pub(crate) fn index(&mut self, len: usize) -> Option<usize> {
        let span = u64::try_from(len).ok()?;
        if span == 0 { None } else { usize::try_from(self.next() % span).ok() }
    }

    /// Returns this number of hexadecimal digits, for keys in URLs.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let bits = self.next();
            for place in (0..16).rev() {
                let four = u32::try_from(bits >> (4 * place) & 15).unwrap_or(0);
                text.extend(char::from_digit(four, 16));
            }
        }
        text.truncate(digits);
        text
    }
}
