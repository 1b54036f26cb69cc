//! Exact decimals: scaled integers, never floats.
//!
//! Harvest writes decimals as JSON numbers, such as `22000.0`, `100` or `0.575`, and the product
//! keeps each digit. Floats here would hide exactly the mistakes that tests look for: 0.1 has no
//! exact binary value, and 12345678901234.5678 has more digits than an `f64` holds. Products are
//! computed in 128 bits and rounded once; sums saturate instead of wrapping, because one amount of
//! the generator uses all 18 digits of `decimal(18,4)`.

/// Amount of money in ten-thousandths of a unit; fits `decimal(18,4)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Money(pub(crate) i64);

/// Rate, price, quantity, percentage or number of hours in millionths; fits `decimal(18,6)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DecimalNumber(pub(crate) i64);

impl Money {
    /// Returns the amount of this number of hundredths of a unit.
    pub(crate) const fn cents(cents: i64) -> Self {
        Self(cents * 100)
    }

    /// Returns the sum.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the difference.
    pub(crate) const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns `percent` per cent of the amount, rounded half away from zero to hundredths.
    pub(crate) fn percent(self, percent: DecimalNumber) -> Self {
        let exact = i128::from(self.0) * i128::from(percent.0);
        // The divisor: 100 for per cent, 10^6 for the places of the percentage, 100 from
        // ten-thousandths to hundredths.
        let cents = round(exact, 100 * 1_000_000 * 100);
        Self(cents * 100)
    }

    /// Returns the same value with six places, for fees, and for budgets, which are hours or money.
    pub(crate) const fn number(self) -> DecimalNumber {
        DecimalNumber(self.0.saturating_mul(100))
    }
}

impl DecimalNumber {
    /// Returns the number of this many units.
    pub(crate) const fn whole(units: i64) -> Self {
        Self(units * 1_000_000)
    }

    /// Returns the number of this many hundredths.
    pub(crate) const fn cents(cents: i64) -> Self {
        Self(cents * 10_000)
    }

    /// Returns the sum.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the difference.
    pub(crate) const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns quantity times price, rounded half away from zero to four places.
    pub(crate) fn times(self, price: Self) -> Money {
        Money(round(i128::from(self.0) * i128::from(price.0), 100_000_000))
    }

    /// Rounds up to quarters of an hour, as the account rounds. Harvest rounds each entry by a rule
    /// of the account, so `rounded_hours` and the sums of reports differ from sums of `hours`.
    pub(crate) const fn quarter_up(self) -> Self {
        let below = self.0.div_euclid(250_000) * 250_000;
        if below == self.0 { self } else { Self(below + 250_000) }
    }
}

/// Returns `exact / unit`, rounded half away from zero.
fn round(exact: i128, unit: i128) -> i64 {
    let half = if exact < 0 { -unit / 2 } else { unit / 2 };
    i64::try_from((exact + half) / unit).unwrap_or(i64::MAX)
}

/// Appends `value / 10^places` as a JSON number without trailing zeros. With `FractionForm::Always`
/// a whole number ends in `.0`, as some of Harvest's numbers do.
///
/// | value | places | `Always` | `WhenNeeded` |
/// | --- | --- | --- | --- |
/// | 1000000 | 4 | `100.0` | `100` |
/// | 5750 | 4 | `0.575` | `0.575` |
/// | -5000 | 4 | `-0.5` | `-0.5` |
pub(crate) fn write_scaled(out: &mut Vec<u8>, value: i64, places: u32, fraction: FractionForm) {
    let unit = 10_i64.pow(places);
    // The sign comes first and alone: the whole part of -0.5 is 0, which has none.
    if value < 0 {
        out.push(b'-');
    }
    write_digits(out, (value / unit).unsigned_abs());
    let mut rest = (value % unit).abs();
    if rest == 0 {
        if fraction == FractionForm::Always {
            out.extend_from_slice(b".0");
        }
        return;
    }
    out.push(b'.');
    let mut step = unit / 10;
    while rest > 0 {
        out.push(digit(rest / step));
        rest %= step;
        step = (step / 10).max(1);
    }
}

/// Returns the ASCII digit of `value`, a number from 0 to 9.
fn digit(value: i64) -> u8 {
    b'0' + u8::try_from(value).unwrap_or(0)
}

/// Form of whole numbers. Harvest uses both, even in one field: the type of a column must not be
/// derived from the first value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FractionForm {
    /// Number with a fraction: `100.0`.
    Always,
    /// Number without a fraction where it has none: `100`.
    WhenNeeded,
}

/// Appends a whole number in decimal digits, without an allocation: a page of 2000 entries has tens
/// of thousands of numbers.
pub(crate) fn write_digits(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0_u8; 20];
    let mut left = value;
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        used += 1;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: i64, places: u32, fraction: FractionForm) -> String {
        let mut out = Vec::new();
        write_scaled(&mut out, value, places, fraction);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn literals_are_short_and_exact() {
        assert_eq!(text(123_456_789_012_345_678, 4, FractionForm::Always), "12345678901234.5678");
        assert_eq!(text(1_000_000, 4, FractionForm::Always), "100.0");
        assert_eq!(text(1_000_000, 4, FractionForm::WhenNeeded), "100");
        assert_eq!(text(-575_000, 6, FractionForm::WhenNeeded), "-0.575");
        assert_eq!(text(1, 6, FractionForm::Always), "0.000001");
        assert_eq!(text(0, 6, FractionForm::WhenNeeded), "0");
    }

    #[test]
    fn products_and_percentages_round_half_away_from_zero() {
        assert_eq!(DecimalNumber::cents(150).times(DecimalNumber::cents(10_001)), Money(1_500_150));
        assert_eq!(DecimalNumber(1).times(DecimalNumber::whole(50)), Money(1));
        assert_eq!(Money::cents(1_050).percent(DecimalNumber::whole(5)), Money::cents(53));
        assert_eq!(DecimalNumber::cents(211).quarter_up(), DecimalNumber::cents(225));
        assert_eq!(DecimalNumber::cents(225).quarter_up(), DecimalNumber::cents(225));
    }

    proptest! {
        #[test]
        fn a_literal_reads_back_exactly(value in any::<i64>(), places in 0_u32..9) {
            let literal = text(value, places, FractionForm::Always);
            let (whole, rest) = literal.split_once('.').unwrap();
            let padded = format!("{whole}{rest:0<width$}", width = places as usize);
            let padded = if places == 0 { whole.to_owned() } else { padded };
            prop_assert_eq!(padded.parse::<i64>().unwrap(), value);
        }
    }
}
