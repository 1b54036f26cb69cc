//! Days and seconds as plain numbers, and their text as Harvest writes it.
//!
//! Harvest has instants in whole seconds (`2026-11-23T06:15:00Z`) and days without a time zone
//! (`2026-11-23`): a `spent_date` is the day in the calendar of the person who worked. Numbers make
//! both cheap to compare, to sort and to shift in accounts of a million entries. `jiff` converts
//! them to civil dates and to text.

use jiff::civil::{Date, Weekday};
use jiff::fmt::{rfc2822, temporal};
use jiff::{SignedDuration, Timestamp};

/// Seconds in a day. UTC has no other days here: leap seconds are not counted, as in Unix time.
const DAY_SECONDS: i64 = 86_400;

/// First day of the count.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// Printer of `2026-11-23` and `2026-11-23T06:15:00Z`.
const PRINTER: temporal::DateTimePrinter = temporal::DateTimePrinter::new();

/// Calendar day without a time zone, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) i64);

/// Whole second in UTC, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Day {
    /// The day 0001-01-01.
    pub(crate) const FIRST: Self = Self(-719_162);

    /// Returns the number of a date.
    pub(crate) fn of(date: Date) -> Self {
        Self(date.duration_since(EPOCH).as_hours() / 24)
    }

    /// Returns the date, limited to the years -9999 to 9999.
    fn date(self) -> Date {
        EPOCH.saturating_add(SignedDuration::from_secs(self.0.saturating_mul(DAY_SECONDS)))
    }

    /// Parses `2026-11-23` or `20261123`, both of which working clients send; `None` for any other
    /// form and for days that do not exist, such as `2026-02-31`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // The parser would take a time behind the date, too.
        let is_day = matches!(text.len(), 8 | 10)
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if is_day { text.parse().ok().map(Self::of) } else { None }
    }

    /// Returns the first day of the month.
    pub(crate) fn first_of_month(self) -> Self {
        Self::of(self.date().first_of_month())
    }

    /// Tells whether the day is a Saturday or Sunday.
    pub(crate) fn is_weekend(self) -> bool {
        matches!(self.date().weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    /// Returns the day `days` later.
    pub(crate) const fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Returns midnight UTC at the beginning of the day.
    pub(crate) const fn start(self) -> Moment {
        Moment(self.0 * DAY_SECONDS)
    }

    /// Appends `2026-11-23`.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        // A vector takes all bytes.
        drop(PRINTER.print_date(&self.date(), out));
    }

    /// Returns the day as text: `2026-11-23`.
    pub(crate) fn text(self) -> String {
        PRINTER.date_to_string(&self.date())
    }
}

impl Moment {
    /// Returns the second that contains `at`.
    pub(crate) fn of(at: Timestamp) -> Self {
        Self(at.as_nanosecond().div_euclid(1_000_000_000).try_into().unwrap_or(i64::MAX))
    }

    /// Returns the UTC day that contains this second.
    pub(crate) const fn day(self) -> Day {
        Day(self.0.div_euclid(DAY_SECONDS))
    }

    /// Parses an instant in ISO 8601, and rounds it up to a whole second: `updated_at` has no
    /// fractions, so a change is at or after `06:00:00.5` exactly if it is at or after `06:00:01`.
    ///
    /// A text without `T` is refused, although the parser would take a space: Harvest has answered
    /// 400 to `2022-12-13 00:00:00+00:00`.
    pub(crate) fn parse_ceiling(text: &str) -> Option<Self> {
        if !text.contains('T') {
            return None;
        }
        let at: Timestamp = text.parse().ok()?;
        let ceiling = (at.as_nanosecond() + 999_999_999).div_euclid(1_000_000_000);
        i64::try_from(ceiling).ok().map(Self)
    }

    /// Appends `2026-11-23T06:15:00Z`.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        // A vector takes all bytes.
        drop(PRINTER.print_timestamp(&self.timestamp(), out));
    }

    /// Returns the value of a `Date` header: `Mon, 23 Nov 2026 06:15:00 GMT`.
    pub(crate) fn http_date(self) -> String {
        let printer = rfc2822::DateTimePrinter::new();
        printer.timestamp_to_rfc9110_string(&self.timestamp()).unwrap_or_default()
    }

    /// Returns the instant; 1970 beyond the years of `jiff`.
    fn timestamp(self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_those_of_harvest() {
        assert_eq!(Day::of(date(2024, 2, 29)).text(), "2024-02-29");
        let mut instant = Vec::new();
        Moment(1_700_000_000).write(&mut instant);
        assert_eq!(instant, b"2023-11-14T22:13:20Z");
        assert_eq!(Moment(1_700_000_000).http_date(), "Tue, 14 Nov 2023 22:13:20 GMT");
        let weekend = |day| Day::of(date(2026, 11, day)).is_weekend();
        assert_eq!([20, 21, 22, 23].map(weekend), [false, true, true, false]);
        assert_eq!(Day::of(date(2026, 11, 22)).first_of_month().text(), "2026-11-01");
        assert_eq!(Day::parse("20260230"), None);
        for odd in ["2026-1-30", "2026-11-3", "2026-11-23T06", "2026-1123", "2026112306"] {
            assert_eq!(Day::parse(odd), None, "{odd}");
        }
        assert_eq!(Moment::parse_ceiling("2022-12-13 00:00:00+00:00"), None);
        assert_eq!(Moment::parse_ceiling("1970-01-01T00:00:00.5Z"), Some(Moment(1)));
    }

    proptest! {
        #[test]
        fn a_day_survives_its_text(day in -100_000_i64..100_000) {
            let day = Day(day);
            prop_assert_eq!(Day::parse(&day.text()), Some(day));
            prop_assert_eq!(Day::parse(&day.text().replace('-', "")), Some(day));
            let mut midnight = Vec::new();
            day.start().write(&mut midnight);
            prop_assert_eq!(String::from_utf8(midnight).unwrap(), day.text() + "T00:00:00Z");
        }
    }
}
