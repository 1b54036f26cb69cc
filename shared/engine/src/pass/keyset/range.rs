//! One chain of requests of a date keyset.

use serde::{Deserialize, Serialize};

use super::super::PageFacts;
use super::super::pager::Offset;
use crate::time::{Date, previous_day};

/// At most so many ranges are read side by side.
const MOST_RANGES: u32 = 32;
/// A range is worth a request of its own from so many expected pages on.
const PAGES_PER_RANGE: u64 = 6;

/// One chain of requests, from its newest day down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Range {
    /// Oldest day; `None`: open.
    pub(super) from: Option<Date>,
    /// Newest day not yet whole; `None`: open.
    pub(super) to: Option<Date>,
    /// A day of more than one page, being paged.
    pub(super) day: Option<(Date, Offset)>,
    pub(super) asked: bool,
    pub(super) done: bool,
}

impl Range {
    pub(super) fn between(from: Option<Date>, to: Date) -> Self {
        Self { from, to: Some(to), day: None, asked: false, done: false }
    }

    /// The day is whole: the range goes on with the day before it, if that is inside.
    pub(super) fn go_on_before(&mut self, day: Date) {
        let to = previous_day(day);
        self.to = Some(to);
        self.done = self.from.is_some_and(|from| to < from);
    }

    /// Whether the answer's dates lie in the asked range and never increase.
    pub(super) fn in_order(&self, facts: &PageFacts, nullable: bool) -> bool {
        let undated_allowed = nullable && self.from.is_none() && self.to.is_none();
        let mut before: Option<Date> = None;
        for date in &facts.dates {
            let Some(date) = *date else {
                if undated_allowed {
                    continue;
                }
                return false;
            };
            let increases = before.is_some_and(|before| date > before);
            let outside =
                self.from.is_some_and(|from| date < from) || self.to.is_some_and(|to| date > to);
            if increases || outside {
                return false;
            }
            before = Some(date);
        }
        true
    }
}

/// Cuts what is left of `range` into ranges of about the same number of records, assuming that its
/// days go on as densely as those of its last answer, which had `records` of `total` and reached
/// from `newest` to `oldest`. `others` ranges are being read beside it. `None`: not worth it.
pub(super) fn cut(
    range: &Range,
    newest: Date,
    oldest: Date,
    records: u64,
    total: u64,
    others: usize,
) -> Option<Vec<Range>> {
    let pages = total.saturating_sub(records).div_ceil(records.max(1));
    let free = MOST_RANGES.saturating_sub(u32::try_from(others).unwrap_or(MOST_RANGES));
    let parts = u32::try_from(pages / PAGES_PER_RANGE).unwrap_or(MOST_RANGES).min(free);
    if parts < 2 {
        return None;
    }
    let span = |a: Date, b: Date| (b.duration_since(a).as_secs() / 86_400).max(0);
    let days_per_page = span(oldest, newest).max(1);
    let mut days = days_per_page.saturating_mul(i64::try_from(pages).unwrap_or(i64::MAX));
    if let Some(from) = range.from {
        days = days.min(span(from, oldest));
    }
    let step = days / i64::from(parts);
    if step < 2 {
        return None;
    }
    let mut to = oldest;
    let mut ranges = Vec::new();
    for _ in 1..parts {
        let Ok(begin) = to.checked_sub(jiff::Span::new().days(step)) else { break };
        ranges.push(Range::between(Some(begin), to));
        to = previous_day(begin);
    }
    ranges.push(Range::between(range.from, to));
    if let Some(newest) = ranges.first_mut() {
        // The day that is being paged is the newest of what is left.
        newest.day.clone_from(&range.day);
    }
    Some(ranges)
}
