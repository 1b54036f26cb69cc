//! Numbers of a running sync, and their words: the same on a terminal and in a log.
//!
//! A number that is shown never shrinks. The total of a list is the greatest that an answer has told:
//! with ranges of days each answer tells the rest of its range. A total that is exceeded, because
//! ranges are read side by side, is left out.

use std::collections::BTreeMap;

use engine::pass::{PER_PAGE, Pass};
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, between};
use runtime::progress::RunMoment;

use crate::text;

/// Time from which on a rate is shown: ten seconds. Before, it would jump.
const STEADY: SignedDuration = SignedDuration::from_secs(10);

/// Activity of a stream whose requests have no permit.
const WAITS: &str = "waits for the budget";

/// Use of the budgets at an instant.
#[derive(Clone, Debug)]
pub(crate) struct BudgetMoment {
    pub(crate) now: Timestamp,
    /// Used part of the budgets, for people: `general 40 of 95, reports 12 of 95`.
    pub(crate) used: String,
    /// Time at which the budgets have had permits for all that the runs at work have left.
    pub(crate) done_at: Option<Timestamp>,
}

/// Numbers of the whole sync.
#[derive(Debug, Default)]
pub(super) struct SyncNumbers {
    /// Streams at work.
    streams: BTreeMap<&'static str, StreamNumbers>,
    /// Answers of Harvest, of all runs so far.
    pages: u64,
    /// Records in these answers. Greater than the number of rows: runs read a little before their
    /// cursor again.
    records: u64,
    /// Runs that have ended.
    ended: u64,
    /// Runs that have ended, are at work, or are due.
    planned: u64,
    /// Time of the first budget moment.
    began: Option<Timestamp>,
    budget: Option<BudgetMoment>,
    /// Sentence about a wait of the whole sync; `None` while runs are at work.
    waits: Option<String>,
}

/// Numbers of one stream at work.
#[derive(Debug)]
pub(super) struct StreamNumbers {
    pass: Pass,
    pages: u64,
    records: u64,
    /// Parts (parents, report windows) read and left; 0 and 0 if the stream has none.
    parts: (u64, u64),
    /// Greatest number of records that an answer has told.
    total: Option<u64>,
    /// Activity besides reading; empty while it reads.
    doing: &'static str,
}

impl StreamNumbers {
    pub(super) const fn new(pass: Pass) -> Self {
        Self { pass, pages: 0, records: 0, parts: (0, 0), total: None, doing: "" }
    }

    pub(super) fn take(&mut self, moment: &RunMoment) {
        self.doing = match moment {
            RunMoment::Page { records, units, total } => {
                self.pages = self.pages.saturating_add(1);
                self.records = self.records.saturating_add(*records);
                self.parts = *units;
                self.total = self.total.max(*total);
                ""
            }
            RunMoment::Waiting => WAITS,
            RunMoment::Flushing => "writes",
            RunMoment::Committed(_) => "committed",
            RunMoment::Started | RunMoment::File { .. } | RunMoment::Ended => "",
        };
    }

    /// Total of the list, unless more than that is read.
    fn known_total(&self) -> Option<u64> {
        self.total.filter(|total| *total >= self.records)
    }

    /// Done and whole: parts where there are any, else records.
    fn share(&self) -> Option<(u64, u64)> {
        match self.parts {
            (0, 0) => Some((self.records, self.known_total()?)),
            (read, left) => Some((read, read.saturating_add(left))),
        }
    }

    /// Requests that are left at least.
    fn requests_left(&self) -> u64 {
        match (self.parts, self.known_total()) {
            ((0, 0), Some(total)) => {
                total.saturating_sub(self.records).div_ceil(u64::from(PER_PAGE))
            }
            ((_, left), _) => left,
        }
    }

    /// Returns the text after the stream's name.
    pub(super) fn text(&self) -> String {
        if self.pages == 0 {
            let doing =
                if self.doing.is_empty() { String::new() } else { format!(" · {}", self.doing) };
            return format!("{} pass{doing}", self.pass.name());
        }
        let mut text = text::plural(self.records, "record", "records");
        if let Some(total) = self.known_total() {
            text = format!("{text} of {}", text::count(total));
        }
        if self.parts != (0, 0) {
            let (read, left) = self.parts;
            text = format!("{text}, {read} of {} parts", read.saturating_add(left));
        }
        if let Some(percent) = self.share().and_then(|(done, all)| percent(done, all)) {
            text = format!("{text}, {percent} %");
        }
        if self.doing.is_empty() { text } else { format!("{text} · {}", self.doing) }
    }
}

impl SyncNumbers {
    /// Takes a moment of a run. Returns the numbers of its stream; `None` after its end.
    pub(super) fn take(
        &mut self,
        stream: &'static str,
        pass: Pass,
        moment: &RunMoment,
    ) -> Option<&StreamNumbers> {
        self.waits = None;
        if let RunMoment::Page { records, .. } = moment {
            self.pages = self.pages.saturating_add(1);
            self.records = self.records.saturating_add(*records);
        }
        if matches!(moment, RunMoment::Ended) {
            self.streams.remove(stream);
            return None;
        }
        // A stream that is not known yet is added, whichever moment comes first.
        let numbers = self.streams.entry(stream).or_insert_with(|| StreamNumbers::new(pass));
        numbers.take(moment);
        Some(numbers)
    }

    /// Counts a run that has ended.
    pub(super) const fn end(&mut self) {
        self.ended = self.ended.saturating_add(1);
    }

    /// Notes the number of runs that are at work or due.
    pub(super) fn plan(&mut self, open: u64) {
        self.planned = self.planned.max(self.ended.saturating_add(open));
    }

    /// Notes the use of the budgets.
    pub(super) fn note(&mut self, moment: BudgetMoment) {
        self.began.get_or_insert(moment.now);
        self.budget = Some(moment);
    }

    /// Notes a wait of the whole sync.
    pub(super) fn wait(&mut self, sentence: String) {
        self.waits = Some(sentence);
    }

    /// Requests that the runs at work have left at least, by rate class.
    pub(super) fn left(&self) -> BTreeMap<RateClass, u64> {
        let mut left = BTreeMap::new();
        for (stream, numbers) in &self.streams {
            if let Some(spec) = streams::find(stream) {
                let sum: &mut u64 = left.entry(spec.rate_class).or_default();
                *sum = sum.saturating_add(numbers.requests_left());
            }
        }
        left
    }

    /// Returns the line about the whole sync.
    pub(super) fn text(&self) -> String {
        let mut parts = vec![format!(
            "{} of {} done",
            text::count(self.ended),
            text::plural(self.planned.max(self.ended), "run", "runs")
        )];
        parts.push(text::plural(self.records, "record", "records"));
        parts.push(match self.rate() {
            Some(rate) => {
                format!("{}, {rate} a minute", text::plural(self.pages, "answer", "answers"))
            }
            None => text::plural(self.pages, "answer", "answers"),
        });
        if let Some(waits) = &self.waits {
            parts.push(waits.clone());
        } else if let Some(budget) = &self.budget {
            // On a terminal the lines of the streams say it.
            if !self.streams.is_empty() && self.streams.values().all(|it| it.doing == WAITS) {
                parts.push(format!("every run {WAITS}"));
            }
            let left = budget.done_at.map(|at| between(budget.now, at));
            if let Some(left) = left.filter(|left| *left > STEADY) {
                parts.push(format!("what runs now takes {}", text::about(left)));
            }
            parts.push(format!("budget used: {}", budget.used));
        }
        parts.join(" · ")
    }

    /// Answers a minute since the beginning.
    fn rate(&self) -> Option<u64> {
        let lasts = between(self.began?, self.budget.as_ref()?.now);
        let seconds = u64::try_from(lasts.as_secs()).ok()?;
        (lasts >= STEADY).then(|| self.pages.saturating_mul(60).checked_div(seconds))?
    }
}

/// Whole percent, rounded down: 100 means that nothing is left.
fn percent(done: u64, all: u64) -> Option<u64> {
    done.saturating_mul(100).checked_div(all).map(|percent| percent.min(100))
}

#[cfg(test)]
mod tests {
    use engine::time::plus;

    use super::*;

    fn page(records: u64, units: (u64, u64), total: Option<u64>) -> RunMoment {
        RunMoment::Page { records, units, total }
    }

    fn told(moments: &[RunMoment]) -> String {
        let mut numbers = SyncNumbers::default();
        let mut text = String::new();
        for moment in moments {
            text = numbers.take("time_entries", Pass::Full, moment).unwrap().text();
        }
        text
    }

    #[test]
    fn a_total_never_shrinks_and_is_never_exceeded() {
        let mut read = Vec::new();
        for (total, expected) in [
            (18_006, "4,000 records of 18,006, 22 %"),
            (14_030, "8,000 records of 18,006, 44 %"),
            (6_076, "12,000 records of 18,006, 66 %"),
            (2_000, "16,000 records of 18,006, 88 %"),
            (10, "20,000 records"),
        ] {
            read.push(page(4_000, (0, 0), Some(total)));
            assert_eq!(told(&read), expected);
        }
    }

    #[test]
    fn parts_and_total_stay_while_a_stream_waits_or_writes() {
        assert_eq!(told(&[RunMoment::Started]), "full pass");
        assert_eq!(told(&[RunMoment::Waiting]), "full pass · waits for the budget");
        let read = page(197, (212, 288), None);
        assert_eq!(told(core::slice::from_ref(&read)), "197 records, 212 of 500 parts, 42 %");
        let text = told(&[read.clone(), RunMoment::Waiting]);
        assert_eq!(text, "197 records, 212 of 500 parts, 42 % · waits for the budget");
        let text = told(&[read, RunMoment::Flushing]);
        assert_eq!(text, "197 records, 212 of 500 parts, 42 % · writes");
    }

    #[test]
    fn the_whole_is_told_with_rate_and_time_left() {
        let now: Timestamp = "2026-11-27T09:00:00Z".parse().unwrap();
        let mut numbers = SyncNumbers::default();
        numbers.plan(3);
        numbers.take("clients", Pass::Full, &page(20, (0, 0), Some(20)));
        numbers.take("clients", Pass::Full, &RunMoment::Ended);
        numbers.end();
        numbers.take("time_entries", Pass::Full, &page(2_000, (0, 0), Some(9_000)));
        numbers.take("expense_report_team", Pass::Full, &page(7, (9, 33), None));
        let left = numbers.left();
        assert_eq!((left[&RateClass::General], left[&RateClass::Reports]), (4, 33));
        let used = "general 2 of 95, reports 95 of 95".to_owned();
        numbers.note(BudgetMoment { now, used: used.clone(), done_at: None });
        let at = plus(now, SignedDuration::from_secs(30));
        let done_at = Some(plus(at, SignedDuration::from_mins(14)));
        numbers.note(BudgetMoment { now: at, used, done_at });
        assert_eq!(
            numbers.text(),
            "1 of 3 runs done · 2,027 records · 3 answers, 6 a minute · what runs now takes about \
             14 minutes · budget used: general 2 of 95, reports 95 of 95"
        );
        for stream in ["time_entries", "expense_report_team"] {
            assert!(!numbers.text().contains("every run waits"), "{}", numbers.text());
            numbers.take(stream, Pass::Full, &RunMoment::Waiting);
        }
        assert!(numbers.text().contains(" · every run waits for the budget · "));
        numbers.wait("waits until 09:15 UTC".to_owned());
        assert!(numbers.text().ends_with(" · waits until 09:15 UTC"), "{}", numbers.text());
        // A plan of later turns never takes away what was counted.
        numbers.plan(0);
        assert!(numbers.text().starts_with("1 of 3 runs done"), "{}", numbers.text());
    }
}
