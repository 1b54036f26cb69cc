//! Bounds of a column, and their form in the log.

use arrow::datatypes::DataType;
use engine::time::DAY_MICROS;

use super::super::keyed::{day_of, epoch_day};

/// Length in bytes of the longest text used as a bound; longer ones are shortened. Texts of keys
/// are currency codes and the domain of the company, which are short; the limit is for what Harvest
/// may send instead.
pub(super) const LONGEST_TEXT: usize = 32;

/// Value of a bound. Bounds of one column are of one variant.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum StatisticBound {
    /// Integer, day since 1970, microsecond since 1970, or decimal without its point.
    Number(i128),
    Text(String),
}

/// Direction in which a bound may move.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BoundRounding {
    Down,
    Up,
}

/// JSON form of the bound; `None` if it has no legal one: the log's dates and instants have years
/// of four digits.
pub(super) fn literal(
    bound: &StatisticBound,
    ty: &DataType,
    round: BoundRounding,
) -> Option<String> {
    let number = match bound {
        StatisticBound::Text(text) => {
            return Some(serde_json::Value::from(short(text, round)).to_string());
        }
        StatisticBound::Number(number) => *number,
    };
    if let DataType::Decimal128(_, scale) = ty {
        return Some(decimal(number, usize::try_from(*scale).ok()?));
    }
    if *ty == DataType::Date32 {
        let day = day_of(i32::try_from(number).ok()?);
        return (1..=9999).contains(&day.year()).then(|| format!("\"{day}\""));
    }
    if let DataType::Timestamp(_, _) = ty {
        return instant(i64::try_from(number).ok()?, round);
    }
    Some(number.to_string())
}

/// Instant in milliseconds, rounded outwards; `None` if its year does not have four digits.
fn instant(micros: i64, round: BoundRounding) -> Option<String> {
    let up = i64::from(round == BoundRounding::Up && micros.rem_euclid(1000) != 0);
    let rounded = micros.div_euclid(1000).checked_add(up)?.checked_mul(1000);
    // Rounding up the last millisecond of the year 9999 would leave the range.
    rounded.and_then(|micros| clock(micros, 3)).or_else(|| clock(micros, 6))
}

/// Instant with this number of fraction digits; `None` if its year does not have four digits.
/// Written by hand, because the log wants a fixed form and the end of the year 9999 is beyond the
/// range of `Timestamp`.
fn clock(micros: i64, digits: usize) -> Option<String> {
    let days = i32::try_from(micros.div_euclid(DAY_MICROS)).ok()?;
    let day = day_of(days);
    if epoch_day(day) != Some(days) || !(1..=9999).contains(&day.year()) {
        return None;
    }
    let within = micros.rem_euclid(DAY_MICROS);
    let (seconds, fraction) = (within / 1_000_000, format!("{:06}", within % 1_000_000));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = fraction.get(..digits)?;
    Some(format!("\"{day}T{hour:02}:{minute:02}:{second:02}.{fraction}Z\""))
}

/// Bound of `text` in at most `LONGEST_TEXT` bytes: not above it when rounded down, not below it
/// when rounded up. The text itself if there is none.
///
/// With a limit of 4 bytes, `invoice` would become `invo` rounded down and `invp` rounded up.
/// Characters are never cut in two.
fn short(text: &str, round: BoundRounding) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let mut beginning = text;
    while beginning.len() > LONGEST_TEXT {
        beginning = without_last(beginning);
    }
    if round == BoundRounding::Down {
        return beginning.to_owned();
    }
    // The next text of this length is greater than every text with this beginning. If the last
    // character has no successor that fits, the one before it is raised instead.
    while let Some(last) = beginning.chars().next_back() {
        let before = without_last(beginning);
        if let Some(next) =
            next_char(last).filter(|it| before.len() + it.len_utf8() <= LONGEST_TEXT)
        {
            return format!("{before}{next}");
        }
        beginning = before;
    }
    text.to_owned()
}

/// The text without its last character.
fn without_last(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next_back();
    chars.as_str()
}

/// Character that follows `char` in the order of texts. UTF-8 sorts by code points; those of
/// surrogates are no characters and are skipped. `None` for the last one.
fn next_char(char: char) -> Option<char> {
    (u32::from(char) + 1..=u32::from(char::MAX)).find_map(char::from_u32)
}

/// `unscaled` with `scale` digits after the point, as a JSON number: 1234567 with scale 4 is
/// `123.4567`.
fn decimal(unscaled: i128, scale: usize) -> String {
    let mut digits = unscaled.unsigned_abs().to_string();
    if digits.len() <= scale {
        digits.insert_str(0, &"0".repeat(scale + 1 - digits.len()));
    }
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_written_digit_for_digit() {
        for (unscaled, scale, text) in [
            (0, 4, "0.0000"),
            (4, 6, "0.000004"),
            (-4, 6, "-0.000004"),
            (123_456_789_012_345_678, 4, "12345678901234.5678"),
            (-10_000, 4, "-1.0000"),
            (7, 0, "7"),
        ] {
            assert_eq!(decimal(unscaled, scale), text);
        }
    }

    #[test]
    fn instants_are_rounded_outwards_to_the_millisecond() {
        let ty = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None);
        let check = |micros: i128, low: &str, high: &str| {
            assert_eq!(
                literal(&StatisticBound::Number(micros), &ty, BoundRounding::Down).unwrap(),
                low
            );
            assert_eq!(
                literal(&StatisticBound::Number(micros), &ty, BoundRounding::Up).unwrap(),
                high
            );
        };
        check(1_001, r#""1970-01-01T00:00:00.001Z""#, r#""1970-01-01T00:00:00.002Z""#);
        check(2_000, r#""1970-01-01T00:00:00.002Z""#, r#""1970-01-01T00:00:00.002Z""#);
        check(-1, r#""1969-12-31T23:59:59.999Z""#, r#""1970-01-01T00:00:00.000Z""#);
        // 9999-12-31T23:59:59.9999: there is no later millisecond.
        let last = 253_402_300_799_999_900;
        check(last, r#""9999-12-31T23:59:59.999Z""#, r#""9999-12-31T23:59:59.999900Z""#);
    }

    #[test]
    fn long_texts_have_short_bounds_around_them() {
        for (text, low, high) in [
            ("USD".to_owned(), "USD".to_owned(), "USD".to_owned()),
            ("a".repeat(32), "a".repeat(32), "a".repeat(32)),
            ("a".repeat(33), "a".repeat(32), "a".repeat(31) + "b"),
            // Characters are never cut, and the next character may be longer than the original.
            ("ä".repeat(17), "ä".repeat(16), "ä".repeat(15) + "å"),
            ("\u{7f}".repeat(33), "\u{7f}".repeat(32), "\u{7f}".repeat(30) + "\u{80}"),
            // Half a surrogate pair is not a character, so the successor skips that range.
            ("\u{d7ff}".repeat(11), "\u{d7ff}".repeat(10), "\u{d7ff}".repeat(9) + "\u{e000}"),
            ("\u{10ffff}".repeat(9), "\u{10ffff}".repeat(8), "\u{10ffff}".repeat(9)),
        ] {
            assert_eq!(short(&text, BoundRounding::Down), low, "{text}");
            assert_eq!(short(&text, BoundRounding::Up), high, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_outside_of_its_short_bounds(text in "\\PC{0,60}") {
            let (low, high) = (short(&text, BoundRounding::Down), short(&text, BoundRounding::Up));
            prop_assert!(low <= text && text <= high);
            prop_assert!(low.len() <= LONGEST_TEXT);
            prop_assert!(high.len() <= LONGEST_TEXT || high == text);
        }
    }
}
