//! Converts values that came in another JSON type or form than declared, without losing anything: a
//! number as text, an integer as `1.0`, a number for a text column.
//!
//! Harvest's answers vary: a field is `100` in one record and `22000.0` in another, and where a
//! description of the API says string (`expense_category.unit_price`), answers have a number.
//! Refusing such values would leave columns null although the meaning is clear. Values whose
//! meaning is not clear stay raw: `1` for a flag, `20170627` for a day.
//!
//! Every function takes one valid JSON value of any type and form, including the forms that
//! `literal` accepts.

use std::borrow::Cow;

use super::{literal, raw};

/// Integer, given as a number or as text.
pub(super) fn integer(raw: &str) -> Option<i64> {
    literal::integer(raw).or_else(|| literal::integer(&number(raw)?))
}

/// Number times ten to the power of `scale`, given as a number or as text.
pub(super) fn decimal(raw: &str, scale: i8) -> Option<i128> {
    literal::decimal(raw, scale).or_else(|| literal::decimal(&number(raw)?, scale))
}

/// Whether the value is a number, possibly as text, that fits the column except for its decimal
/// places. `1.23456789` is finer than scale 6, and `1e30` is not: it is too large.
pub(super) fn is_finer(raw: &str, scale: i8) -> bool {
    let order = literal::order(raw).or_else(|| literal::order(&number(raw)?));
    let digits = i64::from(crate::schema::DECIMAL_DIGITS) - i64::from(scale);
    order.is_some_and(|order| order < digits) && decimal(raw, scale).is_none()
}

/// Flag, given as `true` or `false`, bare or as text. `0` and `1` are numbers of unknown meaning,
/// so they are refused.
pub(super) fn flag(raw: &str) -> Option<bool> {
    literal::flag(raw).or_else(|| literal::flag(&literal::text(raw)?))
}

/// Text, or the literal of a number or flag. The literal keeps every digit: `1.50` becomes the text
/// `1.50`.
pub(super) fn text(raw: &str) -> Option<Cow<'_, str>> {
    match raw.bytes().next()? {
        b'"' => literal::text(raw),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(raw)),
    }
}

/// Days since 1970 of `YYYY-MM-DD`, `YYYY/MM/DD`, or of midnight of a day, without a zone or in
/// UTC. Digits alone are a number of unknown meaning.
pub(super) fn date(raw: &str) -> Option<i32> {
    if let Some(days) = literal::date(raw) {
        return Some(days);
    }
    let text = literal::text(raw)?;
    let (day, time) = match text.split_once(['T', 't', ' ']) {
        Some((day, time)) => (day, Some(time)),
        None => (&*text, None),
    };
    time.is_none_or(is_midnight).then_some(())?;
    literal::day(&day.replace('/', "-"))
}

/// Microseconds since 1970 of an instant with zone, also in Ruby's form: `2017-06-27 15:50:15 UTC`,
/// `2017/06/27 15:50:15 +0200`.
pub(super) fn instant(raw: &str) -> Option<i64> {
    if let Some(instant) = literal::instant(raw) {
        return Some(instant);
    }
    let text = literal::text(raw)?;
    let (day, rest) = text.split_at_checked(10)?;
    let (time, zone) = rest.rsplit_once(' ')?;
    let zone = match zone {
        "UTC" | "GMT" | "Z" => "Z",
        offset if offset.starts_with(['+', '-']) => offset,
        _ => return None,
    };
    literal::instant_of(&format!("{}{time}{zone}", day.replace('/', "-")))
}

/// Whether a time is midnight: `00:00`, `00:00:00`, `00:00:00.000`, possibly with a zone of UTC.
/// Any other time would be lost in a column of days.
fn is_midnight(time: &str) -> bool {
    let zones = [" UTC", " GMT", " +0000", "+00:00", "+0000", "Z", "z", ""];
    let time = zones.iter().find_map(|zone| time.strip_suffix(zone)).unwrap_or(time);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    matches!(clock, "00:00" | "00:00:00")
        && !fraction.is_empty()
        && fraction.bytes().all(|digit| digit == b'0')
}

/// Number contained in a text. The text must be the literal of one JSON number, without white space
/// or a leading `+`.
fn number(raw: &str) -> Option<Cow<'_, str>> {
    let text = literal::text(raw)?;
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && raw::value(&text).is_ok_and(|number| number.len() == text.len());
    is_number.then_some(text)
}

#[cfg(test)]
mod tests;
