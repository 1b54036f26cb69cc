//! Exact decimals: integers with an implied point.

use core::ops::{Add, AddAssign, Sub};

/// Number with `SCALE` digits after the point, as an integer without the point. A sum of a billion
/// numbers of 18 digits still fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FixedPoint<const SCALE: u32>(pub(crate) i128);

/// Hours, and numbers that may be hours.
pub(crate) type Hours = FixedPoint<6>;
/// Amount of an hour, in a currency that stands beside it.
pub(crate) type Rate = FixedPoint<6>;
/// Amount of money, in a currency that stands beside it.
pub(crate) type Amount = FixedPoint<4>;

impl<const SCALE: u32> FixedPoint<SCALE> {
    /// Zero.
    pub(crate) const ZERO: Self = Self(0);
}

impl Hours {
    /// Returns the amount of these hours at a rate, rounded to four digits; a half is rounded away
    /// from zero, as a cast to `DECIMAL(18, 4)` does in all engines.
    pub(crate) fn at(self, rate: Rate) -> Amount {
        FixedPoint(rounded(self.0.saturating_mul(rate.0), 100_000_000))
    }
}

/// Returns the quotient, a half rounded away from zero. `divisor` is positive.
pub(crate) const fn rounded(number: i128, divisor: i128) -> i128 {
    let half = divisor / 2;
    let shifted =
        if number < 0 { number.saturating_sub(half) } else { number.saturating_add(half) };
    shifted / divisor
}

impl<const SCALE: u32> Add for FixedPoint<SCALE> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl<const SCALE: u32> Sub for FixedPoint<SCALE> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl<const SCALE: u32> AddAssign for FixedPoint<SCALE> {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_rounded_to_four_digits_and_a_half_away_from_zero() {
        let amount = |hours, rate| FixedPoint::<6>(hours).at(FixedPoint::<6>(rate)).0;
        // 7.25 x 100
        assert_eq!(amount(7_250_000, 100_000_000), 7_250_000);
        // 0.000001 x 50 = 0.00005
        assert_eq!([amount(1, 50_000_000), amount(-1, 50_000_000)], [1, -1]);
        assert_eq!([amount(1, 49_999_999), amount(-1, 49_999_999)], [0, 0]);
    }
}
