//! Days and seconds as plain numbers, and their text as Harvest writes it.
//!
//! Harvest has instants in whole seconds (`2026-11-23T06:15:00Z`) and days without a time zone
//! (`2026-11-23`): a `spent_date` is the day in the calendar of the person who worked. Numbers make
//! both cheap to compare, to sort and to shift in accounts of a million entries. The conversion to
//! civil dates is written out here, because the crate must not share code with the product that it
//! tests; it is the usual one by eras of 400 years that begin on 1 March, so that the day that a
//! leap year adds is the last of its year.

use jiff::Timestamp;

/// Seconds in a day. UTC has no other days here: leap seconds are not counted, as in Unix time.
const DAY_SECONDS: i64 = 86_400;

/// Calendar day without a time zone, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) i64);

/// Whole second in UTC, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Day {
    /// Returns the day of a year, month (1 to 12) and day of month, in the proleptic Gregorian
    /// calendar.
    pub(crate) const fn of(year: i64, month: i64, day: i64) -> Self {
        // January and February belong to the year that began on 1 March before.
        let shifted = if month <= 2 { year - 1 } else { year };
        let era = shifted.div_euclid(400);
        let year_of_era = shifted.rem_euclid(400);
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        // An era has 146,097 days, and 1970-01-01 is 719,468 days after 0000-03-01.
        Self(era * 146_097 + day_of_era - 719_468)
    }

    /// Returns year, month (1 to 12) and day of month: the reverse of `of`.
    pub(crate) const fn civil(self) -> (i64, i64, i64) {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }

    /// Parses `2026-11-23` or `20261123`, both of which working clients send; `None` for any other
    /// form and for days that do not exist, such as `2026-02-31`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: String = match text.len() {
            8 => text.to_owned(),
            10 if text.is_ascii() && text.get(4..5) == Some("-") && text.get(7..8) == Some("-") => {
                text.replace('-', "")
            }
            _ => return None,
        };
        if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let year = digits.get(..4)?.parse().ok()?;
        let month = digits.get(4..6)?.parse().ok()?;
        let day = digits.get(6..)?.parse().ok()?;
        // `of` accepts any numbers and counts on: 31 February is 3 March there, so the way back
        // differs.
        let found = Self::of(year, month, day);
        (found.civil() == (year, month, day)).then_some(found)
    }

    /// Tells whether the day is a Saturday or Sunday. 1970-01-01 was a Thursday.
    pub(crate) const fn is_weekend(self) -> bool {
        (self.0 + 3).rem_euclid(7) >= 5
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
        let (year, month, day) = self.civil();
        push_padded(out, year, 1000);
        out.push(b'-');
        push_padded(out, month, 10);
        out.push(b'-');
        push_padded(out, day, 10);
    }

    /// Returns the day as text: `2026-11-23`.
    pub(crate) fn text(self) -> String {
        let mut out = Vec::with_capacity(10);
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
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
        self.day().write(out);
        let of_day = self.0.rem_euclid(DAY_SECONDS);
        out.push(b'T');
        push_padded(out, of_day / 3600, 10);
        out.push(b':');
        push_padded(out, of_day / 60 % 60, 10);
        out.push(b':');
        push_padded(out, of_day % 60, 10);
        out.push(b'Z');
    }

    /// Returns the value of a `Date` header: `Mon, 23 Nov 2026 06:15:00 GMT`.
    pub(crate) fn http_date(self) -> String {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (year, month, day) = self.day().civil();
        let of_day = self.0.rem_euclid(DAY_SECONDS);
        let name = |names: &[&'static str], at: i64| {
            usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
        };
        format!(
            "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
            name(&DAYS, (self.day().0 + 3).rem_euclid(7)),
            name(&MONTHS, month - 1),
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60,
        )
    }
}

/// Appends `value` with leading zeros; `unit` is the power of ten of its first digit.
fn push_padded(out: &mut Vec<u8>, value: i64, unit: i64) {
    let mut unit = unit;
    while unit > 0 {
        out.push(digit(value / unit % 10));
        unit /= 10;
    }
}

/// Returns the ASCII digit of `value`, a number from 0 to 9.
pub(crate) fn digit(value: i64) -> u8 {
    b'0' + u8::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_those_of_harvest() {
        assert_eq!(Day::of(2024, 2, 29).text(), "2024-02-29");
        let mut instant = Vec::new();
        Moment(1_700_000_000).write(&mut instant);
        assert_eq!(instant, b"2023-11-14T22:13:20Z");
        assert_eq!(Moment(1_700_000_000).http_date(), "Tue, 14 Nov 2023 22:13:20 GMT");
        assert!(Day::of(2026, 11, 22).is_weekend() && !Day::of(2026, 11, 23).is_weekend());
        assert_eq!(Day::parse("20260230"), None);
        assert_eq!(Day::parse("2026-1-30"), None);
        assert_eq!(Moment::parse_ceiling("2022-12-13 00:00:00+00:00"), None);
        assert_eq!(Moment::parse_ceiling("1970-01-01T00:00:00.5Z"), Some(Moment(1)));
    }

    proptest! {
        #[test]
        fn a_day_survives_its_text(day in -100_000_i64..100_000) {
            let day = Day(day);
            prop_assert_eq!(Day::parse(&day.text()), Some(day));
            prop_assert_eq!(Day::parse(&day.text().replace('-', "")), Some(day));
            let (year, month, of_month) = day.civil();
            let date: jiff::civil::Date = day.text().parse().unwrap();
            prop_assert_eq!((i64::from(date.year()), i64::from(date.month()), i64::from(date.day())),
                (year, month, of_month));
        }
    }
}
