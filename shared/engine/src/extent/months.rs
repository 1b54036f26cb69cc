//! Months as numbers, so that a range of them can be halved.

use crate::time::Date;

/// A calendar month, counted from the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(i32);

impl Month {
    /// Returns the month that holds `day`.
    pub(super) fn of(day: Date) -> Self {
        let (year, month) = (i32::from(day.year()), i32::from(day.month()));
        Self(year.saturating_mul(12).saturating_add(month).saturating_sub(1))
    }

    /// Returns the month that is `months` later.
    pub(super) const fn plus(self, months: i32) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// Number of months from `self` to `other`.
    pub(super) const fn until(self, other: Self) -> i32 {
        other.0.saturating_sub(self.0)
    }

    /// Returns its first day, held at the ends of representable time.
    pub(super) fn first(self) -> Date {
        let year = i16::try_from(self.0.div_euclid(12)).ok();
        let month = i8::try_from(self.0.rem_euclid(12).saturating_add(1)).ok();
        let day = year.zip(month).and_then(|(year, month)| Date::new(year, month, 1).ok());
        day.unwrap_or(if self.0 < 0 { Date::MIN } else { Date::MAX })
    }

    /// Returns its last day.
    pub(super) fn last(self) -> Date {
        self.first().last_of_month()
    }
}
