//! Parses the literal text of JSON values, exactly or not at all. Every function takes one valid
//! JSON value of any type and returns `None` if it is not exactly of the wanted form.
//!
//! Numbers are parsed from their text and never pass through `f64`: 12345678901234.5678 would come
//! back as 12345678901234.5680. Days and instants of the usual form are computed here, without a
//! general parser, because each record has several of them; rarer forms go to `jiff`.

mod digits;

use std::borrow::Cow;

use jiff::Timestamp;

use self::digits::{DAY, TIME};

/// Powers of ten that fit in a `u64`, by exponent. A missing entry means overflow, so that lookups
/// need no other check.
const POWERS: [u64; 20] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
    10_000_000_000_000,
    100_000_000_000_000,
    1_000_000_000_000_000,
    10_000_000_000_000_000,
    100_000_000_000_000_000,
    1_000_000_000_000_000_000,
    10_000_000_000_000_000_000,
];

/// Unscaled value just above the largest of a decimal column with 18 digits.
const DECIMAL_END: u64 = 1_000_000_000_000_000_000;

/// Days from 1 January of year 0 to 1 January 1970 in the proleptic Gregorian calendar. Arrow's
/// `Date32` counts from 1970.
const EPOCH_DAYS: i32 = 719_528;

/// Integer; `5.0` and `5e0` are integers, `5.5` is not.
pub(super) fn integer(raw: &str) -> Option<i64> {
    if let Ok(plain) = raw.parse() {
        return Some(plain);
    }
    let (negative, magnitude) = scaled(raw, 0)?;
    let value = i128::from(magnitude);
    i64::try_from(if negative { -value } else { value }).ok()
}

/// Number times ten to the power of `scale`, of at most 18 digits: `1.5` with scale 4 is 15000.
/// `None` if decimal places would be lost. Trailing zeros are no decimal places, so `1.50000` fits
/// scale 4.
pub(super) fn decimal(raw: &str, scale: i8) -> Option<i128> {
    let (negative, magnitude) = scaled(raw, i64::from(scale))?;
    let value = shifted(magnitude, 0)?;
    Some(if negative { -value } else { value })
}

/// Unscaled value of a decimal column: `digits` followed by `zeros` zeros. `None` beyond 18 digits.
pub(super) fn shifted(digits: u64, zeros: usize) -> Option<i128> {
    let value = digits.checked_mul(*POWERS.get(zeros)?)?;
    (value < DECIMAL_END).then_some(i128::from(value))
}

/// Flag, written `true` or `false`.
pub(super) fn flag(raw: &str) -> Option<bool> {
    match raw {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Text of a JSON string; `None` if it contains half a surrogate pair, which no column can hold.
/// Text without escapes is borrowed.
pub(super) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Days since 1970 of `YYYY-MM-DD`, years 1 to 9999. Harvest sends days without a zone: the
/// calendar day of the person (Harvest API v2, fields of type `date`).
pub(super) fn date(raw: &str) -> Option<i32> {
    day(&text(raw)?)
}

/// Days as from [`date`], parsed from the text itself.
pub(super) fn day(text: &str) -> Option<i32> {
    days(text.as_bytes().try_into().ok()?)
}

/// Microseconds since 1970 of an instant with zone: `YYYY-MM-DDTHH:MM:SSZ`, also with other offsets
/// and with fractions down to the microsecond, in the years 1 to 9999 in UTC.
pub(super) fn instant(raw: &str) -> Option<i64> {
    instant_of(&text(raw)?)
}

/// Microseconds as from [`instant`], parsed from the text itself.
pub(super) fn instant_of(text: &str) -> Option<i64> {
    let fixed = text.as_bytes().try_into().ok().and_then(fixed_instant);
    fixed.or_else(|| general_instant(text))
}

/// Non-negative integer, as a number or as text, for the numbers in the envelope of a page.
pub(super) fn count(raw: &str) -> Option<u64> {
    let count = match text(raw) {
        // Only digits: `integer` takes its numbers to be those of JSON.
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => integer(&text),
        Some(_) => None,
        None => integer(raw),
    };
    count.and_then(|count| u64::try_from(count).ok())
}

/// Power of ten of a number's first non-zero digit; `i64::MIN` for zero, `None` if the value is not
/// a number.
///
/// Examples: `150` gives 2, `5` gives 0, `0.05` gives -2. It shows whether a number is too large
/// for a column without computing the number, which may have any length.
pub(super) fn order(raw: &str) -> Option<i64> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    digits.starts_with(|first: char| first.is_ascii_digit()).then_some(())?;
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, self::exponent(exponent)),
        None => (digits, 0),
    };
    let point = mantissa.find('.').unwrap_or(mantissa.len());
    let Some(first) = mantissa.find(|digit: char| matches!(digit, '1'..='9')) else {
        return Some(i64::MIN);
    };
    let places = i64::try_from(point).ok()?.checked_sub(i64::try_from(first).ok()?)?;
    // The decimal point takes up one place before the digits behind it.
    Some(places - i64::from(first < point) + exponent)
}

/// Sign and magnitude of the number times ten to the power of `scale`, if that is an integer that
/// fits. The sign is apart, so that the limits of the caller's type are checked by the caller.
fn scaled(raw: &str, scale: i64) -> Option<(bool, u64)> {
    let (negative, digits) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    // The value is `mantissa * 10^(zeros - fraction + exponent)`. Trailing zeros are counted
    // separately, so that `1.5000...0` of any length fits.
    let (mut mantissa, mut zeros, mut fraction) = (0_u64, 0_usize, 0_i64);
    let (mut in_fraction, mut exponent) = (false, 0_i64);
    for (at, byte) in digits.bytes().enumerate() {
        match byte {
            b'.' => in_fraction = true,
            b'e' | b'E' => {
                exponent = self::exponent(digits.get(at + 1..)?);
                break;
            }
            _ => {
                fraction += i64::from(in_fraction);
                if byte == b'0' {
                    zeros += 1;
                    continue;
                }
                if mantissa > 0 {
                    mantissa = mantissa.checked_mul(*POWERS.get(zeros + 1)?)?;
                }
                mantissa = mantissa.checked_add(u64::from(byte - b'0'))?;
                zeros = 0;
            }
        }
    }
    // Zero is zero at any exponent: `0e999999` must not fail for its power.
    if mantissa == 0 {
        return Some((negative, 0));
    }
    let zeros = i64::try_from(zeros).ok()?;
    let power = zeros.checked_sub(fraction)?.checked_add(exponent)?.checked_add(scale)?;
    // A negative power means decimal places beyond `scale`: no integer.
    let factor = *POWERS.get(usize::try_from(power).ok()?)?;
    Some((negative, mantissa.checked_mul(factor)?))
}

/// Exponent after `e`. One that does not fit in an `i32` becomes extreme, so that no value fits.
fn exponent(text: &str) -> i64 {
    let held = if text.starts_with('-') { i64::from(i32::MIN) } else { i64::from(i32::MAX) };
    text.parse::<i32>().map_or(held, i64::from)
}

/// Instant of exactly the form `YYYY-MM-DDTHH:MM:SSZ`, the form in Harvest's answers. Others go to
/// `general_instant`, which accepts more and is slower.
pub(super) fn fixed_instant(bytes: &[u8; 20]) -> Option<i64> {
    let (day, time) = bytes.split_at_checked(10)?;
    let days = days(day.try_into().ok()?)?;
    let [_, h1, h2, _, m1, m2, _, s1, s2, ..] = TIME.digits(time.try_into().ok()?)?;
    let (hour, minute, second) = (pair(h1, h2), pair(m1, m2), pair(s1, s2));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(days) * 86_400 + i64::from(hour * 3_600 + minute * 60 + second);
    Some(seconds * 1_000_000)
}

/// Instant with an offset or a fraction. `None` if a microsecond column would lose anything of it:
/// finer digits, a zone name, a leap second, or a year beyond four digits.
fn general_instant(text: &str) -> Option<i64> {
    // A zone name would be lost in an instant, and a leap second would become the second before it.
    if text.contains('[') || has_leap_second(text) {
        return None;
    }
    let at: Timestamp = text.parse().ok()?;
    let year = jiff::tz::Offset::UTC.to_datetime(at).year();
    let whole = at.subsec_nanosecond() % 1_000 == 0;
    (whole && (1..=9999).contains(&year)).then(|| at.as_microsecond())
}

/// Whether the time may have the second 60. May be wrong for unusual times without colons, which
/// then stay raw.
fn has_leap_second(text: &str) -> bool {
    let time = text.get(10..).unwrap_or_default();
    time.contains(":60") || (!time.contains(':') && time.contains("60"))
}

/// Days since 1970 of a valid day in the form `YYYY-MM-DD`.
pub(super) fn days(day: &[u8; 10]) -> Option<i32> {
    let [y1, y2, y3, y4, _, m1, m2, _, d1, d2, ..] = DAY.digits(day)?;
    let year = pair(y1, y2) * 100 + pair(y3, y4);
    let (month, day) = (pair(m1, m2), pair(d1, d2));
    if year == 0 || day == 0 || day > month_length(year, month)? {
        return None;
    }
    Some(days_before_month(year, month) + day - 1 - EPOCH_DAYS)
}

/// Number of two digits.
fn pair(tens: u8, ones: u8) -> i32 {
    i32::from(tens) * 10 + i32::from(ones)
}

const fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of the month; `None` if `month` is not 1 to 12.
const fn month_length(year: i32, month: i32) -> Option<i32> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if is_leap(year) => Some(29),
        2 => Some(28),
        _ => None,
    }
}

/// Days from 1 January of year 0 to the first day of the month. Years from 1.
const fn days_before_month(year: i32, month: i32) -> i32 {
    // Years that begin in March have the leap day at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    60 + 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5
}

#[cfg(test)]
mod tests;
