//! Facts that the next answer of a range must have if the answer before was whole.
//!
//! An answer of a range leads to the next one by its oldest day, which is asked for again: the days
//! after it count as whole. A server that leaves records out after it has counted and cut the page, as
//! a filter of permissions would, answers pages with fewer records than they should hold, and each
//! total is larger than the number of records, as it must be where pages follow. Two things show it:
//!
//! | sign | what it shows |
//! | --- | --- |
//! | the next answer does not begin with the day that is asked for again | `to` is not the last day of the answer |
//! | the answer had fewer records than its own `per_page`, and the next total is not what it left over | it lacked records that its total counts |
//!
//! Totals of full pages are not compared: in a busy account records are added and deleted between any
//! two requests.

use serde::{Deserialize, Serialize};

use super::super::PageFacts;
use super::super::chain::ChainFlaw;
use super::range::ends;
use crate::time::Date;

/// Day and total that the answer after an incomplete one must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExpectedAnswer {
    /// Day that it must begin with.
    day: Date,
    /// `total_entries` that it must have; `None`: any.
    total: Option<u64>,
    /// Newest day of the request before, from which the range goes on if it is to be asked again.
    pub(super) again: Option<Date>,
}

impl ExpectedAnswer {
    /// Returns what must follow an answer for days up to `again`, of which `day` is the oldest.
    pub(super) fn after(facts: &PageFacts, again: Option<Date>, day: Date) -> Self {
        let newer = facts.dates.iter().flatten().filter(|date| **date > day).count() as u64;
        // Records without a usable day may be of any.
        let all_dated = facts.quarantined == 0 && facts.dates.iter().all(Option::is_some);
        let left = facts.total_entries.map(|total| total.saturating_sub(newer));
        Self { day, total: left.filter(|_| all_dated && is_short(facts)), again }
    }

    /// Returns the contradiction between the answer before and this one.
    pub(super) fn flaw(&self, facts: &PageFacts) -> Option<ChainFlaw> {
        if ends(facts).is_none_or(|(newest, _)| newest != self.day) {
            return Some(ChainFlaw::DayLost(self.day));
        }
        let (due, total) = (self.total?, facts.total_entries?);
        (due != total).then_some(ChainFlaw::Uneven { due, total })
    }
}

/// Whether an answer has fewer records than its pages hold, by its own `per_page`.
pub(super) fn is_short(facts: &PageFacts) -> bool {
    facts.per_page.is_some_and(|most| facts.records() < most)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::key::Key;

    fn page(days: &[i8], total: u64, per_page: Option<u64>) -> PageFacts {
        PageFacts {
            keys: (0..).map(Key::id).take(days.len()).collect(),
            dates: days.iter().map(|day| Some(date(2026, 3, *day))).collect(),
            total_entries: Some(total),
            per_page,
            ..PageFacts::default()
        }
    }

    #[test]
    fn what_follows_a_short_page_is_what_it_left_over() {
        let (from, day) = (Some(date(2026, 3, 9)), date(2026, 3, 7));
        // Three of nine records are newer than the day that is asked for again.
        for (per_page, next, flaw) in [
            (Some(5), page(&[7, 7], 6, None), None),
            (Some(5), page(&[7, 7], 5, None), Some(ChainFlaw::Uneven { due: 6, total: 5 })),
            (Some(4), page(&[7, 7], 5, None), None),
            (None, page(&[7, 7], 5, None), None),
            (Some(4), page(&[6, 6], 5, None), Some(ChainFlaw::DayLost(day))),
            (Some(4), page(&[], 0, None), Some(ChainFlaw::DayLost(day))),
        ] {
            let due = ExpectedAnswer::after(&page(&[9, 9, 8, 7], 9, per_page), from, day);
            assert_eq!((due.flaw(&next), due.again), (flaw, from), "{per_page:?} {next:?}");
        }
        let mut undated = page(&[9, 9, 8, 7], 9, Some(5));
        undated.dates[0] = None;
        assert_eq!(ExpectedAnswer::after(&undated, from, day).flaw(&page(&[7], 5, None)), None);
    }
}
