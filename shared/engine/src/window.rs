//! Date intervals: report windows and the grid they lie on.

use core::fmt;
use core::str::FromStr;

use jiff::Span;
use serde::{Deserialize, Serialize};

use crate::time::{Date, next_day, previous_day};

/// A report window; both days are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub start: Date,
    /// Last day, inclusive.
    pub end: Date,
}

/// Size of the calendar windows in which reports are read. A table keeps the grid that it began
/// with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowGrid {
    /// Calendar months.
    #[default]
    Month,
    /// Calendar quarters.
    Quarter,
    /// Calendar years; a leap year is two windows, split after 30 June, because Harvest takes at
    /// most 365 days.
    Year,
}

/// Billable amount that time reports have for hours of a fixed fee. A table keeps the kind that it
/// began with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FixedFeeAmounts {
    /// None: the fee is owed, and not the hours.
    #[default]
    Zero,
    /// Hours at their rates: `include_fixed_fee=true`.
    Rates,
}

impl FixedFeeAmounts {
    /// Whether it is the kind of tables of earlier releases.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::Zero
    }

    /// Returns `zero` or `rates`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Rates => "rates",
        }
    }
}

impl fmt::Display for FixedFeeAmounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FixedFeeAmounts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "zero" => Ok(Self::Zero),
            "rates" => Ok(Self::Rates),
            other => Err(format!("`{other}` is no kind of amounts of fixed fees: zero or rates")),
        }
    }
}

impl WindowGrid {
    /// Returns the window that holds `day`.
    #[must_use]
    pub fn window(self, day: Date) -> Period {
        let months: i8 = match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year if day.in_leap_year() => 6,
            Self::Year => 12,
        };
        let before = day.month().saturating_sub(1) % months;
        let first = day.first_of_month();
        let start = first.saturating_sub(Span::new().months(before));
        // Not computed as the day before the next window: there is none after the last
        // representable day.
        let last = start.saturating_add(Span::new().months(months.saturating_sub(1)));
        let end = last.last_of_month();
        Period { start, end }
    }

    /// Returns all windows from the one that holds `oldest` to the one that holds `newest`, newest
    /// first.
    #[must_use]
    pub fn windows(self, oldest: Date, newest: Date) -> Vec<Period> {
        let mut windows = Vec::new();
        let mut window = self.window(newest);
        while window.end >= oldest && window.start > Date::MIN {
            windows.push(window);
            window = self.window(previous_day(window.start));
        }
        windows
    }

    /// Returns the windows that every run reads: those of today and of tomorrow (in the east it is
    /// tomorrow already), and the two before today's; newest first.
    #[must_use]
    pub fn recent(self, today: Date) -> Vec<Period> {
        let last = self.window(previous_day(self.window(today).start));
        let oldest = self.window(previous_day(last.start)).start;
        self.windows(oldest, next_day(today))
    }

    /// Returns `month`, `quarter` or `year`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

impl fmt::Display for WindowGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for WindowGrid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "month" => Ok(Self::Month),
            "quarter" => Ok(Self::Quarter),
            "year" => Ok(Self::Year),
            other => Err(format!("`{other}` is no report window: month, quarter or year")),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_leap_year_is_two_windows() {
        let windows = WindowGrid::Year.windows(date(2023, 5, 1), date(2024, 7, 1));
        let starts: Vec<String> = windows.iter().map(|w| w.start.to_string()).collect();
        assert_eq!(starts, ["2024-07-01", "2024-01-01", "2023-01-01"]);
    }

    #[test]
    fn every_day_that_can_be_written_lies_in_its_window() {
        for grid in [WindowGrid::Month, WindowGrid::Quarter, WindowGrid::Year] {
            for day in [date(1, 1, 1), date(206, 2, 28), date(9999, 12, 31), date(2024, 2, 29)] {
                let window = grid.window(day);
                assert!(window.start <= day && day <= window.end, "{grid} {day} {window:?}");
            }
        }
    }

    #[test]
    fn tomorrow_may_be_in_the_next_window() {
        let starts: Vec<String> = WindowGrid::Month
            .recent(date(2026, 11, 30))
            .iter()
            .map(|w| w.start.to_string())
            .collect();
        assert_eq!(starts, ["2026-12-01", "2026-11-01", "2026-10-01", "2026-09-01"]);
    }

    proptest! {
        #[test]
        fn windows_tile_the_calendar(day in 0_i32..20_000, days in 0_i32..2_000) {
            let oldest = date(1990, 1, 1).saturating_add(Span::new().days(day));
            let newest = oldest.saturating_add(Span::new().days(days));
            for grid in [WindowGrid::Month, WindowGrid::Quarter, WindowGrid::Year] {
                let windows = grid.windows(oldest, newest);
                prop_assert!(windows.first().unwrap().end >= newest);
                prop_assert!(windows.last().unwrap().start <= oldest);
                for pair in windows.windows(2) {
                    prop_assert_eq!(next_day(pair[1].end), pair[0].start);
                }
                for window in windows {
                    let length = window.end.duration_since(window.start).as_hours() / 24 + 1;
                    prop_assert!(length <= 365, "{window:?}");
                }
            }
        }
    }
}
