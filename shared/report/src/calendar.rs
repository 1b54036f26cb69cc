//! Days of the report: weeks as the account counts them, and slots of days.
//!
//! Follows `infra/model/dim_days.sql`. A slot is a run of days between two cuts; there is a cut
//! wherever a period of some figure begins or ends. Each period is therefore a number of whole
//! slots, and a sum for each slot is as fine as any figure needs.

use engine::time::{Date, SignedDuration};
use serde::{Serialize, Serializer};

/// Sunday, 1 January 2006, as days since 1970: weeks are counted from it.
const A_SUNDAY: i32 = 13_149;

/// Day, as days since 1 January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayNumber(pub i32);

impl DayNumber {
    /// Returns the number of a date.
    #[must_use]
    pub fn of(date: Date) -> Self {
        let since = Date::constant(1970, 1, 1).until(date).map(|span| span.get_days());
        Self(since.unwrap_or(0))
    }

    /// Returns the date; the first or last one that can be written where there is none.
    #[must_use]
    pub fn date(self) -> Date {
        let days = SignedDuration::from_hours(i64::from(self.0).saturating_mul(24));
        let date = Date::constant(1970, 1, 1).checked_add(days);
        date.unwrap_or(if self.0 < 0 { Date::MIN } else { Date::MAX })
    }

    /// Returns the day so many days later.
    pub(crate) const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Returns the first day of its month.
    pub(crate) fn month(self) -> Self {
        Self::of(self.date().first_of_month())
    }

    /// Whether it is a day from Monday to Friday.
    pub(crate) const fn is_weekday(self) -> bool {
        (self.0.saturating_sub(A_SUNDAY) + 6).rem_euclid(7) < 5
    }
}

impl Serialize for DayNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.date())
    }
}

/// Days between two cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DaySlot {
    /// First day.
    pub(crate) from: DayNumber,
    /// Last day.
    pub(crate) to: DayNumber,
    /// First day of their week.
    pub(crate) week: DayNumber,
    /// First day of their month.
    pub(crate) month: DayNumber,
}

/// First and last day of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ReportPeriod {
    pub(crate) from: DayNumber,
    pub(crate) to: DayNumber,
}

/// Periods of the figures. Each is a number of whole slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ReportPeriods {
    /// Month of today until today.
    pub(crate) this_month: ReportPeriod,
    /// Month before.
    pub(crate) last_month: ReportPeriod,
    /// Last four whole weeks.
    pub(crate) four_weeks: ReportPeriod,
    /// Weeks that began in the last 91 days, until today.
    pub(crate) three_months: ReportPeriod,
    /// Calendar year of today until today.
    pub(crate) this_year: ReportPeriod,
    /// Twelve months until today.
    pub(crate) twelve_months: ReportPeriod,
    /// All slots.
    pub(crate) all: ReportPeriod,
}

/// Calendar of a report: today, weeks, slots.
#[derive(Clone, Debug)]
pub struct ReportCalendar {
    today: DayNumber,
    /// Number of days by which weeks begin before Sunday.
    shift: i32,
    periods: ReportPeriods,
    slots: Vec<DaySlot>,
    /// Place of the slot of each day, from the first day of all slots.
    places: Vec<u32>,
}

impl ReportCalendar {
    /// Calendar with `today` as the last day, and weeks that begin on the day of the name; on
    /// Monday if it is null.
    #[must_use]
    pub fn new(today: DayNumber, week_start_day: Option<&str>) -> Self {
        let shift = match week_start_day {
            Some("Saturday") => 1,
            Some("Sunday") => 0,
            _ => 6,
        };
        let week = |day: DayNumber| day.plus(-(day.0 - A_SUNDAY + shift).rem_euclid(7));
        let twelve = plus_months(today, -12).plus(1);
        let first = week(twelve);
        let this_month = today.month();
        let last_month = this_month.plus(-1).month();
        let present = week(today);
        let period = |from, to| ReportPeriod { from, to };
        let new_year = DayNumber::of(today.date().first_of_year());
        // A week counts if it began at most 91 days ago.
        let quarter = week(today.plus(-91));
        let quarter = if quarter < today.plus(-91) { quarter.plus(7) } else { quarter };
        let periods = ReportPeriods {
            this_month: period(this_month, today),
            last_month: period(last_month, this_month.plus(-1)),
            four_weeks: period(present.plus(-28), present.plus(-1)),
            three_months: period(quarter, today),
            this_year: period(new_year, today),
            twelve_months: period(twelve, today),
            all: period(first, today),
        };
        let (mut slots, mut places): (Vec<DaySlot>, Vec<u32>) = (Vec::new(), Vec::new());
        for number in first.0..=today.0 {
            let day = DayNumber(number);
            let (week, month) = (week(day), day.month());
            let is_cut = day == twelve || week == day || month == day;
            match slots.last_mut() {
                Some(slot) if !is_cut => slot.to = day,
                _ => slots.push(DaySlot { from: day, to: day, week, month }),
            }
            places.push(u32::try_from(slots.len() - 1).unwrap_or(u32::MAX));
        }
        Self { today, shift, periods, slots, places }
    }

    /// Last day of the report.
    #[must_use]
    pub const fn today(&self) -> DayNumber {
        self.today
    }

    /// Periods of the figures.
    pub(crate) const fn periods(&self) -> &ReportPeriods {
        &self.periods
    }

    /// All slots, in order.
    pub(crate) fn slots(&self) -> &[DaySlot] {
        &self.slots
    }

    /// Place of the slot of a day; `None` for a day outside of the report.
    pub(crate) fn slot(&self, day: DayNumber) -> Option<u32> {
        let place = usize::try_from(day.0.checked_sub(self.periods.all.from.0)?).ok()?;
        self.places.get(place).copied()
    }

    /// First month of the twelve that end with that of today.
    pub(crate) fn first_month(&self) -> DayNumber {
        plus_months(self.today.month(), -11)
    }

    /// Day of the week on which weeks begin.
    pub(crate) const fn week_start_day(&self) -> &'static str {
        match self.shift {
            0 => "Sunday",
            1 => "Saturday",
            _ => "Monday",
        }
    }
}

/// Returns the day so many months later, or the last one of a shorter month.
fn plus_months(day: DayNumber, months: i32) -> DayNumber {
    let date = day.date();
    let sum = i32::from(date.year()) * 12 + i32::from(date.month()) - 1 + months;
    let year = i16::try_from(sum.div_euclid(12)).unwrap_or(i16::MAX);
    let month = i8::try_from(sum.rem_euclid(12) + 1).unwrap_or(1);
    let first = Date::new(year, month, 1).unwrap_or(Date::MIN);
    let last = first.days_in_month();
    DayNumber::of(Date::new(year, month, date.day().min(last)).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> DayNumber {
        DayNumber::of(text.parse().unwrap())
    }

    #[test]
    fn weeks_begin_on_the_day_that_the_account_chose() {
        // Wednesday, 18 March 2026
        for (name, begins) in [
            (Some("Saturday"), "2026-03-14"),
            (Some("Sunday"), "2026-03-15"),
            (Some("Monday"), "2026-03-16"),
            (None, "2026-03-16"),
        ] {
            let calendar = ReportCalendar::new(day("2026-03-18"), name);
            let last = calendar.slots().last().unwrap();
            assert_eq!((last.week, last.to), (day(begins), day("2026-03-18")), "{name:?}");
            assert_eq!(calendar.periods().four_weeks.to, day(begins).plus(-1));
        }
        let saturday = ReportCalendar::new(day("2026-03-18"), Some("Saturday"));
        assert_eq!(saturday.periods().three_months.from, day("2025-12-20"));
        assert_eq!(saturday.periods().twelve_months.from, day("2025-03-19"));
        assert_eq!(saturday.first_month(), day("2025-04-01"));
    }

    #[test]
    fn a_month_that_is_too_short_ends_with_its_last_day() {
        assert_eq!(plus_months(day("2024-02-29"), -12), day("2023-02-28"));
        assert_eq!(plus_months(day("2026-03-31"), -13), day("2025-02-28"));
        assert_eq!(plus_months(day("2026-01-15"), -1), day("2025-12-15"));
    }

    proptest! {
        #[test]
        fn slots_are_all_days_in_order_and_each_period_is_whole_slots(
            number in -7_000..60_000_i32,
            week in proptest::sample::select(vec!["Saturday", "Sunday", "Monday"]),
        ) {
            let today = DayNumber(number);
            let calendar = ReportCalendar::new(today, Some(week));
            let mut next = calendar.periods().all.from;
            for (place, slot) in calendar.slots().iter().enumerate() {
                prop_assert_eq!(slot.from, next);
                prop_assert_eq!(slot.from.month(), slot.to.month());
                for day in slot.from.0..=slot.to.0 {
                    prop_assert_eq!(calendar.slot(DayNumber(day)), u32::try_from(place).ok());
                }
                next = slot.to.plus(1);
            }
            prop_assert_eq!(next, today.plus(1));
            prop_assert_eq!(calendar.slot(next), None);
            let all = *calendar.periods();
            for period in [
                all.this_month, all.last_month, all.four_weeks, all.three_months, all.this_year,
                all.twelve_months,
            ] {
                prop_assert!(calendar.slots().iter().any(|slot| slot.from == period.from));
                prop_assert!(calendar.slots().iter().any(|slot| slot.to == period.to));
            }
        }

        #[test]
        fn a_day_is_its_date(number in -700_000..2_900_000_i32) {
            prop_assert_eq!(DayNumber::of(DayNumber(number).date()), DayNumber(number));
        }
    }
}
