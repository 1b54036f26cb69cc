//! One chain of requests of a date keyset.

use serde::{Deserialize, Serialize};

use super::super::chain::ChainFlaw;
use super::super::pager::{ListQuery, OffsetPager};
use super::super::{PROOF_TRIES, PageFacts};
use super::due::{ExpectedAnswer, is_short};
use super::run::{NumberedRun, RunTurn};
use crate::time::{Date, FIRST_DAY, previous_day};

/// Largest number of ranges that are read side by side.
const MOST_RANGES: u32 = 32;
/// Number of expected pages from which on a range is worth a request of its own.
const PAGES_PER_RANGE: u64 = 6;
/// Largest number of expected pages of a range that is cut off. Ranges that are read side by side
/// should lie close together: each flush writes the files of all months that they have begun.
const MOST_PAGES: u64 = 12;

/// One chain of requests, from its newest day down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeysetRange {
    /// Oldest day; `None`: open.
    pub(super) from: Option<Date>,
    /// Newest day not yet whole; `None`: open.
    pub(super) to: Option<Date>,
    /// A day of more than one page, being paged.
    pub(super) day: Option<(Date, OffsetPager)>,
    /// Numbered pages that go on from a day of more than one page. Not saved: another process
    /// begins anew with the newest day that is not whole.
    #[serde(skip)]
    pub(super) run: Option<NumberedRun>,
    pub(super) asked: bool,
    pub(super) done: bool,
    /// Number of contradictory answers to the same request.
    #[serde(default)]
    pub(super) tries: u32,
    /// Day and total that the next answer must have; `None`: any.
    #[serde(default)]
    pub(super) due: Option<ExpectedAnswer>,
    /// Number of answers in a row that did not follow the one before.
    #[serde(default)]
    pub(super) uneven: u32,
}

/// How an answer follows the one before.
pub(super) enum Succession {
    /// Nothing contradicts.
    Even,
    /// The range goes on with the answer before.
    Again,
    /// They contradict each other whenever they are asked for.
    Uneven(ChainFlaw),
}

impl KeysetRange {
    /// Returns the range of all days, or of those not before `from`.
    pub(super) const fn open(from: Option<Date>) -> Self {
        Self {
            from,
            to: None,
            day: None,
            run: None,
            asked: false,
            done: false,
            tries: 0,
            due: None,
            uneven: 0,
        }
    }

    pub(super) fn between(from: Option<Date>, to: Date) -> Self {
        Self { to: Some(to), ..Self::open(from) }
    }

    /// Goes on after an incomplete answer with days from `newest` to `oldest`: up to `oldest`, or,
    /// if that is its only day, by page numbers. Returns whether the next request bounds the days
    /// more than `self` did before.
    pub(super) fn step(
        &mut self,
        list: &ListQuery,
        newest: Date,
        oldest: Date,
        facts: &PageFacts,
    ) -> bool {
        if newest == oldest {
            self.run = NumberedRun::after(self, oldest, facts);
        }
        // A short answer of one day may lack records of newer days, which the next total shows.
        let differs = newest != oldest || is_short(facts);
        if self.run.is_some() || self.to.map_or(differs, |to| oldest < to) {
            let due = ExpectedAnswer::after(facts, self.to, oldest);
            self.due = self.run.is_none().then_some(due);
            self.to = Some(oldest);
            return false;
        }
        self.page_day(list, oldest);
        true
    }

    /// Compares an answer that is no contradiction in itself with the one before. If they contradict
    /// each other, the one before is asked for again, a few times.
    pub(super) fn succession(&mut self, facts: &PageFacts) -> Succession {
        let Some(due) = self.due.take() else { return Succession::Even };
        let Some(flaw) = due.flaw(facts) else {
            self.uneven = 0;
            return Succession::Even;
        };
        self.uneven = self.uneven.saturating_add(1);
        if self.uneven >= PROOF_TRIES {
            return Succession::Uneven(flaw);
        }
        self.to = due.again;
        Succession::Again
    }

    /// Goes on with `day` alone.
    fn page_day(&mut self, list: &ListQuery, day: Date) {
        let mut list = list.clone();
        list.filters.push(("from".to_owned(), day.to_string()));
        list.filters.push(("to".to_owned(), day.to_string()));
        self.day = Some((day, OffsetPager::new(list)));
    }

    /// Takes the next page of `run`, and goes on with it or by days. Returns whether the next request
    /// bounds the days more than `self` did before.
    pub(super) fn on_run(
        &mut self,
        mut run: NumberedRun,
        list: &ListQuery,
        facts: &PageFacts,
    ) -> bool {
        let turn = ends(facts).map(|(newest, oldest)| run.take(facts, newest, oldest));
        match turn.unwrap_or(RunTurn::Torn) {
            RunTurn::On(oldest) => {
                self.go_on_from(oldest);
                self.run = Some(run);
            }
            RunTurn::ByDays(oldest) => self.go_on_from(oldest),
            RunTurn::Last => self.done = true,
            // A day that changes while it is read is paged by itself, and not for ever.
            RunTurn::Torn if self.to == Some(run.begun()) => {
                self.page_day(list, run.begun());
                return true;
            }
            RunTurn::Torn => {}
        }
        false
    }

    /// Goes on with `day` and those before: all after it are whole.
    fn go_on_from(&mut self, day: Date) {
        self.to = Some(day);
        self.done = self.from.is_some_and(|from| day < from);
    }

    /// Goes on with the day before `day`, which is whole, if that lies inside the range and Harvest takes
    /// it: it refuses days before the year 1.
    pub(super) fn go_on_before(&mut self, day: Date) {
        let to = previous_day(day);
        self.to = Some(to);
        self.done = day <= FIRST_DAY || self.from.is_some_and(|from| to < from);
    }

    /// Whether the answer's dates lie in the requested range and never increase. Records without a
    /// usable date have no order.
    pub(super) fn in_order(&self, facts: &PageFacts) -> bool {
        let (from, to) = self.run.as_ref().map_or((self.from, self.to), NumberedRun::bounds);
        let mut before: Option<Date> = None;
        for date in facts.dates.iter().flatten() {
            let increases = before.is_some_and(|before| *date > before);
            let outside = from.is_some_and(|from| *date < from) || to.is_some_and(|to| *date > to);
            if increases || outside {
                return false;
            }
            before = Some(*date);
        }
        true
    }
}

/// Returns the contradiction in an answer for a range. It must hold all records of the range, or
/// say that a page follows and have a larger total. A record that comes twice counts once: it may
/// be in the place of another.
pub(super) fn contradiction(facts: &PageFacts) -> Option<ChainFlaw> {
    let (read, promised) = (facts.distinct(), facts.promises_more(1));
    if promised && read < facts.records() {
        return Some(ChainFlaw::Repeated);
    }
    if promised && facts.records() == 0 {
        return Some(ChainFlaw::Idle);
    }
    let total = facts.total_entries?;
    let agrees = if promised { total > read } else { total == read };
    (!agrees).then_some(ChainFlaw::Miscounted { read, total })
}

/// Whether no sign of an answer says that more follows, or it has no record to go on from.
pub(super) fn is_last(facts: &PageFacts) -> bool {
    let read = facts.records();
    let more = facts.promises_more(1) || facts.total_entries.is_some_and(|total| total > read);
    !more || read == 0
}

/// Returns the newest and the oldest day of an answer.
pub(super) fn ends(facts: &PageFacts) -> Option<(Date, Date)> {
    let mut dated = facts.dates.iter().flatten();
    let newest = *dated.next()?;
    Some((newest, *dated.next_back().unwrap_or(&newest)))
}

/// Returns the largest number of days of a range that is cut off, if all days have as many records
/// as the one with the most in the answer: the last days of a week or year have few.
fn longest(facts: &PageFacts) -> i64 {
    let days = facts.dates.chunk_by(|day, next| day == next);
    let most = days.map(|day| day.len() as u64).max().unwrap_or(1).max(1);
    i64::try_from(MOST_PAGES.saturating_mul(facts.records()) / most).unwrap_or(i64::MAX).max(2)
}

/// Cuts ranges off the newest days of `range`, by the density of days in its last answer, which had
/// `total` records. The last one is all that is left. `others` ranges are being read beside it.
/// `None`: not worth it.
pub(super) fn cut(
    range: &KeysetRange,
    facts: &PageFacts,
    total: u64,
    others: usize,
) -> Option<Vec<KeysetRange>> {
    let (records, (newest, oldest)) = (facts.records(), ends(facts)?);
    let pages = total.saturating_sub(records).div_ceil(records.max(1));
    let free = MOST_RANGES.saturating_sub(u32::try_from(others).unwrap_or(MOST_RANGES));
    // Half of the room is left for ranges that turn out to be long.
    let parts = u32::try_from(pages / PAGES_PER_RANGE).unwrap_or(MOST_RANGES).min(free.div_ceil(2));
    if parts < 2 {
        return None;
    }
    let span = |a: Date, b: Date| (b.duration_since(a).as_secs() / 86_400).max(0);
    let days_per_page = span(oldest, newest).max(1);
    let mut days = days_per_page.saturating_mul(i64::try_from(pages).unwrap_or(i64::MAX));
    if let Some(from) = range.from {
        days = days.min(span(from, oldest));
    }
    let step = (days / i64::from(parts)).min(longest(facts));
    if step < 2 {
        return None;
    }
    let mut to = oldest;
    let mut ranges = Vec::new();
    for _ in 1..parts {
        // A mistyped day makes steps of thousands of years, and Harvest refuses days before the
        // year 1.
        let before = jiff::Span::new().try_days(step).and_then(|step| to.checked_sub(step));
        let Some(begin) = before.ok().filter(|begin| *begin > FIRST_DAY) else { break };
        ranges.push(KeysetRange::between(Some(begin), to));
        to = previous_day(begin);
    }
    ranges.push(KeysetRange::between(range.from, to));
    if let Some(newest) = ranges.first_mut() {
        // The day that is being paged is the newest of the rest.
        newest.day.clone_from(&range.day);
        newest.run.clone_from(&range.run);
        newest.due.clone_from(&range.due);
    }
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::key::Key;

    #[test]
    fn a_day_of_the_year_9999_cuts_a_list_into_no_impossible_ranges() {
        for newest in [date(9999, 12, 31), date(2026, 3, 10)] {
            let oldest = date(206, 3, 10);
            let range = KeysetRange::open(None);
            let days =
                (0..1_999).rev().map(|days| oldest.saturating_add(jiff::Span::new().days(days)));
            let dates: Vec<_> = core::iter::once(newest).chain(days).map(Some).collect();
            let keys = (0..2_000).map(Key::id).collect();
            let facts = PageFacts { keys, dates, ..PageFacts::default() };
            let ranges = cut(&range, &facts, 2_000_000, 0);
            let ranges = ranges.expect("a list of a thousand pages is cut");
            assert_eq!(ranges.last().and_then(|last| last.from), None, "the oldest range is open");
            assert_eq!(ranges.first().and_then(|first| first.to), Some(oldest));
            assert!(ranges.iter().all(|range| range.from.is_none_or(|from| from > FIRST_DAY)));
        }
    }

    #[test]
    fn a_day_out_of_the_range_is_no_order() {
        let day = |day: i8| date(2026, 3, day);
        let in_order = |from: Option<i8>, to: Option<i8>, days: &[i8]| {
            let range = KeysetRange { to: to.map(day), ..KeysetRange::open(from.map(day)) };
            let dates = days.iter().map(|of| Some(day(*of))).chain([None]).collect();
            range.in_order(&PageFacts { dates, ..PageFacts::default() })
        };
        assert!(in_order(None, None, &[9, 9, 8, 1]));
        assert!(in_order(Some(5), Some(9), &[9, 7, 5]));
        assert!(!in_order(Some(5), None, &[9, 4]));
        assert!(!in_order(None, Some(9), &[10, 4]));
        assert!(!in_order(None, None, &[8, 9]));
    }

    #[test]
    fn a_range_ends_with_its_first_day_or_the_first_of_all() {
        let done = |from: Option<Date>, day: Date| {
            let mut range = KeysetRange::open(from);
            range.go_on_before(day);
            range.done
        };
        let (first, second) = (date(2026, 3, 9), date(2026, 3, 10));
        assert!(done(Some(first), first));
        assert!(!done(Some(first), second));
        assert!(!done(None, first));
        assert!(done(None, FIRST_DAY), "Harvest refuses the day before");
        assert!(!done(None, date(1, 1, 2)));
    }

    #[test]
    fn a_total_that_equals_what_was_read_promises_nothing() {
        let facts = |total: u64, more: bool| PageFacts {
            keys: (0..10).map(Key::id).collect(),
            total_entries: Some(total),
            next: more.then(|| "https://example.com/page".to_owned()),
            ..PageFacts::default()
        };
        for (total, more, agrees) in [
            (10, false, true),
            (11, false, false),
            (9, false, false),
            (11, true, true),
            (10, true, false),
        ] {
            let flaw = contradiction(&facts(total, more));
            assert_eq!(flaw.is_none(), agrees, "{total}, {more}");
        }
        let doubled = |total, more| {
            let mut page = facts(total, more);
            page.keys[1] = page.keys[0].clone();
            contradiction(&page)
        };
        assert_eq!(doubled(10, false), Some(ChainFlaw::Miscounted { read: 9, total: 10 }));
        assert_eq!(doubled(11, true), Some(ChainFlaw::Repeated));
        assert!(is_last(&facts(10, false)) && !is_last(&facts(11, false)));
        assert!(!is_last(&facts(10, true)));
    }
}
