//! A run of numbered pages of one range, each of which repeats the end of the page before.
//!
//! Where a day has more records than a page, its range cannot go on by days. Page 2 of the same
//! request does, but with fewer records a page, so that it begins with the last records of page 1:
//! page `p` of `n - p + 1` records repeats `p - 1` of them. If it begins with just these, the distinct
//! records are as many as the places that were read, and no record that stays was skipped, whatever
//! came and went elsewhere. With pages of five records:
//!
//! | request | places in the list | days |
//! | --- | --- | --- |
//! | `to` = 8 | 0 to 4 | 8, 8, 8, 8, 8 |
//! | `to` = 8, page 2 of 4 records | 4 to 7 | 8, 8, 7, 7: day 8 is whole |
//! | `to` = 8, page 3 of 3 records | 6 to 8 | 7, 7, 6: day 7 is whole |

use super::super::chain::DistinctKeys;
use super::super::pager::ListQuery;
use super::super::{PageFacts, RequestTarget};
use super::due::is_short;
use super::range::KeysetRange;
use crate::key::Key;
use crate::time::Date;

/// Largest number of pages of a run: each is a record shorter than the one before, and repeats one
/// more.
const MOST_PAGES: u64 = 50;

/// A run under way. It is not saved: another process begins anew with the day that is not whole.
#[derive(Clone, Debug)]
pub(super) struct NumberedRun {
    /// Bounds of its requests.
    from: Option<Date>,
    to: Option<Date>,
    /// Records of its first answer.
    first: u64,
    /// Number of pages read.
    pages: u64,
    /// The day with which it began.
    begun: Date,
    seen: DistinctKeys,
    quarantined: u64,
    /// Total of all its answers.
    total: Option<u64>,
    /// Last keys of the last answer: the next one begins with them. Without them, a record that was
    /// read and moved to a later day would count as a repeated one, and hide that another was skipped.
    tail: Vec<Key>,
}

/// Effect of an answer on its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunTurn {
    /// The next page follows. All days after this one are whole.
    On(Date),
    /// The range goes on by days, up to this one.
    ByDays(Date),
    /// All days are whole.
    Last,
    /// The answer does not continue the one before.
    Torn,
}

impl NumberedRun {
    /// Returns a run that goes on after an answer of `range` that holds records of `day` alone;
    /// `None`: the answer has no total, or too few records.
    pub(super) fn after(range: &KeysetRange, day: Date, facts: &PageFacts) -> Option<Self> {
        let mut run = Self {
            from: range.from,
            to: range.to,
            first: facts.records(),
            pages: 0,
            begun: day,
            seen: DistinctKeys::default(),
            quarantined: 0,
            total: facts.total_entries,
            tail: Vec::new(),
        };
        run.count(facts);
        // A page that lacks records that it should hold says nothing about the places of the others.
        (run.goes_further() && !is_short(facts)).then_some(run)
    }

    /// Returns the first and last day that its requests ask for.
    pub(super) const fn bounds(&self) -> (Option<Date>, Option<Date>) {
        (self.from, self.to)
    }

    /// Returns the day with which the run began.
    pub(super) const fn begun(&self) -> Date {
        self.begun
    }

    /// Returns the request of the next page.
    pub(super) fn target(&self, list: &ListQuery) -> RequestTarget {
        let bounds = [("from", self.from), ("to", self.to)].into_iter();
        let mut more: Vec<(&str, String)> =
            bounds.filter_map(|(name, day)| Some((name, day?.to_string()))).collect();
        more.push(("page", self.pages.saturating_add(1).to_string()));
        list.with(&more, u32::try_from(self.size(self.pages)).unwrap_or(list.per_page))
    }

    /// Takes the next page, whose days are from `newest` to `oldest`.
    pub(super) fn take(&mut self, facts: &PageFacts, newest: Date, oldest: Date) -> RunTurn {
        let begin = self.size(self.pages).saturating_mul(self.pages);
        let end = begin.saturating_add(facts.records());
        let promised = facts.promises_more(self.pages.saturating_add(1));
        let agrees = facts.keys.starts_with(&self.tail)
            && !(promised && is_short(facts))
            && facts.total_entries == self.total
            && match facts.total_entries {
                Some(total) if promised => total > end,
                Some(total) => total == end,
                None => false,
            };
        self.count(facts);
        if !agrees || self.seen.len().saturating_add(self.quarantined) != end {
            return RunTurn::Torn;
        }
        let holds_a_day = facts.dates.iter().flatten().any(|day| *day < newest && *day > oldest);
        if !promised {
            RunTurn::Last
        } else if oldest < self.begun && (holds_a_day || !self.goes_further()) {
            RunTurn::ByDays(oldest)
        } else if self.goes_further() {
            RunTurn::On(oldest)
        } else {
            RunTurn::Torn
        }
    }

    fn count(&mut self, facts: &PageFacts) {
        self.seen.add(&facts.keys);
        self.pages = self.pages.saturating_add(1);
        // Unusable records are not told apart, so that one that is repeated counts twice and tears the run.
        self.quarantined = self.quarantined.saturating_add(facts.quarantined);
        let repeated = usize::try_from(self.pages).unwrap_or(usize::MAX);
        let begin = facts.keys.len().saturating_sub(repeated);
        self.tail = facts.keys.get(begin..).unwrap_or_default().to_vec();
    }

    /// Records of the page after `pages` of them.
    const fn size(&self, pages: u64) -> u64 {
        self.first.saturating_sub(pages)
    }

    /// Whether the next page brings at least half as many new records as the first.
    fn goes_further(&self) -> bool {
        self.pages < MOST_PAGES && self.pages.saturating_mul(4) <= self.first
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::super::range;
    use super::*;
    use crate::pass::tests::ListServer;

    /// Reads the pages of a run to its end; `change` happens before each but the first.
    fn run(
        mut server: ListServer,
        mut change: impl FnMut(&mut ListServer),
    ) -> (RunTurn, BTreeSet<Key>) {
        let list = ListQuery::new("/dated", Vec::new());
        let first = server.answer(&list.first_page());
        let (_, oldest) = range::ends(&first).unwrap();
        let mut run = NumberedRun::after(&KeysetRange::open(None), oldest, &first).unwrap();
        let mut seen: BTreeSet<Key> = first.keys.into_iter().collect();
        loop {
            change(&mut server);
            let facts = server.answer(&run.target(&list));
            seen.extend(facts.keys.iter().cloned());
            let Some((newest, oldest)) = range::ends(&facts) else {
                return (RunTurn::Torn, seen);
            };
            let turn = run.take(&facts, newest, oldest);
            if !matches!(turn, RunTurn::On(_)) {
                return (turn, seen);
            }
        }
    }

    fn one_day(records: i64, page: usize) -> ListServer {
        let day = Some(date(2026, 3, 9));
        let records = (0..records).map(|id| (id * 2, day)).collect();
        ListServer { records, page, undated_first: false }
    }

    #[test]
    fn a_record_that_is_twice_in_a_page_hides_another_one() {
        let day = date(2026, 3, 9);
        let server = one_day(60, 20);
        let list = ListQuery::new("/dated", Vec::new());
        let first = server.answer(&list.first_page());
        let begun =
            |first: &PageFacts| NumberedRun::after(&KeysetRange::open(None), day, first).unwrap();
        let mut run = begun(&first);
        let second = server.answer(&run.target(&list));
        assert_eq!(run.take(&second, day, day), RunTurn::On(day));
        // The same page with one record in the place of another: as many as asked for, the right
        // beginning, the right total.
        let mut run = begun(&first);
        let mut twice = second;
        twice.keys[10] = twice.keys[9].clone();
        assert_eq!(run.take(&twice, day, day), RunTurn::Torn);
    }

    #[test]
    fn a_total_that_leaves_nothing_for_a_promised_page_tears_the_run() {
        let day = date(2026, 3, 9);
        let server = one_day(60, 20);
        let list = ListQuery::new("/dated", Vec::new());
        let mut first = server.answer(&list.first_page());
        for (total, turn) in [(39, RunTurn::On(day)), (38, RunTurn::Torn)] {
            first.total_entries = Some(total);
            let mut run = NumberedRun::after(&KeysetRange::open(None), day, &first).unwrap();
            let mut second = server.answer(&run.target(&list));
            second.total_entries = Some(total);
            assert_eq!(run.take(&second, day, day), turn, "{total}");
        }
    }

    proptest! {
        #[test]
        fn what_stays_is_seen_however_many_records_come_and_go(
            records in 60_i64..120,
            page in 20_usize..40,
            changes in prop::collection::vec((0_i64..120, 0_i64..120), 0..5),
        ) {
            let server = one_day(records, page);
            let mut stays: BTreeSet<i64> = server.records.keys().copied().collect();
            let mut changes = changes.into_iter();
            // As many come as go, so that no total tells of it.
            let (turn, seen) = run(server, |server| {
                for (gone, new) in changes.by_ref().take(2) {
                    if server.records.remove(&(gone * 2)).is_some() {
                        stays.remove(&(gone * 2));
                        let new = server.records.insert(new * 2 + 1, Some(date(2026, 3, 9)));
                        if new.is_some() {
                            return;
                        }
                    }
                }
            });
            if turn == RunTurn::Last {
                for id in stays {
                    prop_assert!(seen.contains(&Key::id(id)), "{id} was never answered");
                }
            }
        }
    }

    #[test]
    fn a_list_at_rest_is_read_to_its_end() {
        let (turn, seen) = run(one_day(100, 30), |_| ());
        assert_eq!((turn, seen.len()), (RunTurn::Last, 100));
    }

    #[test]
    fn a_total_that_changes_tears_the_run() {
        for new in [1_001, 1] {
            let (turn, _) = run(one_day(100, 30), |server| {
                server.records.insert(new, Some(date(2026, 3, 9)));
            });
            assert_eq!(turn, RunTurn::Torn, "with the record {new}");
        }
    }

    #[test]
    fn a_record_that_moves_to_a_later_day_hides_no_skipped_one() {
        // Two records before the next page go, so that one is skipped; one that was read comes again
        // there, and a new one at the end keeps the total.
        let (mut server, moved) = (one_day(50, 30), 90);
        server.records.insert(-2, Some(date(2026, 3, 8)));
        let (turn, _) = run(server, |server| {
            server.records.remove(&98);
            server.records.insert(-4, Some(date(2026, 3, 7)));
            server.records.insert(moved, Some(date(2026, 3, 8)));
        });
        assert_eq!(turn, RunTurn::Torn);
    }

    #[test]
    fn a_page_that_moved_by_more_than_it_repeats_tears_the_run() {
        let (mut gone, mut new) = (198, 1);
        let (turn, _) = run(one_day(100, 30), |server| {
            for _ in 0..5 {
                server.records.remove(&gone);
                server.records.insert(new, Some(date(2026, 3, 9)));
                (gone, new) = (gone - 2, new + 2);
            }
        });
        assert_eq!(turn, RunTurn::Torn);
    }
}
