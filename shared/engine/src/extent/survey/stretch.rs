//! Stretches of days that a survey asks for.

use std::collections::BTreeSet;

use super::super::months::Month;
use super::super::{CalendarStretch, ListedEntries};
use crate::time::{Date, FIRST_DAY, next_day, previous_day};

/// Returns all days of these months.
pub(super) fn whole(first: Month, last: Month) -> CalendarStretch {
    CalendarStretch { from: Some(first.first()), to: Some(last.last()) }
}

/// Returns the rest of `stretch` without the months of the entries of `listed`: their order proves
/// nothing about the months beside them.
pub(super) fn rest(stretch: CalendarStretch, listed: &ListedEntries) -> Vec<CalendarStretch> {
    let days = listed.entries.iter().filter_map(|entry| entry.day);
    let months: BTreeSet<Month> = days.filter(|day| stretch.holds(*day)).map(Month::of).collect();
    let mut rest = Vec::new();
    let mut from = Some(stretch.from);
    for month in months {
        let to = Some(previous_day(month.first()));
        if let Some(from) = from
            && month.first() > FIRST_DAY
        {
            rest.push(CalendarStretch { from, to });
        }
        // There is no day after the last representable one.
        from = (month.last() < Date::MAX).then(|| Some(next_day(month.last())));
    }
    rest.extend(from.map(|from| CalendarStretch { from, to: stretch.to }));
    rest.retain(|stretch| stretch.is_any());
    rest
}
