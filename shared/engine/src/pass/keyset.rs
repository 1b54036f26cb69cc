//! Reading an offset list by day ranges: each answer is atomic, so nothing shifts between them.
//!
//! The list is sorted by a day, newest first. A range asks for all records up to its newest day
//! that is not yet whole; the oldest day of the answer may be cut off, so the next request begins
//! with that day again. A range ends with an answer that holds all of its `total_entries` and whose
//! other signs agree.
//!
//! An example with pages of four records, of which the list has eight:
//!
//! | request | answer: days of its records | total | whole by now |
//! | --- | --- | --- | --- |
//! | no bounds | 9, 8, 8, 8 | 8 | 9 |
//! | `to` = 8 | 8, 8, 8, 8 | 7 | 9 |
//! | `to` = 8, page 2 of three records | 8, 8, 5 | 7 | 9, 8 |
//! | `to` = 5 | 5, 3 | 2 | all |
//!
//! A record that is added or deleted meanwhile shifts no later answer, because each answer begins
//! at a day and not at a number of records. Only after a page of a single day the range goes on by
//! page numbers, each page repeating the end of the one before (see `run`). Where that fails, the
//! day is paged by itself, and its pages must add up to a steady total.
//!
//! A page with fewer records than it should hold must be explained by the total of the next one (see
//! `due`).

mod compare;
mod due;
mod proof;
mod range;
mod run;
mod setback;

use serde::{Deserialize, Serialize};

use super::chain::ChainFlaw;
use super::pager::{ListQuery, OffsetPager, PagerQuestion, PagerTurn};
use super::{PROOF_TRIES, PageFacts};
use crate::time::{Date, FIRST_DAY};
use compare::{TotalsComparison, UndatedRecords};
use range::{KeysetRange, Succession};

/// Slot of the list's unranged reading and of the check for undated records.
const WHOLE: u32 = u32::MAX;

/// A date keyset reading.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeysetPager {
    list: ListQuery,
    nullable: bool,
    /// First day of the whole reading.
    #[serde(default)]
    from: Option<Date>,
    ranges: Vec<KeysetRange>,
    /// Whether any request left undated records out.
    ranged: bool,
    /// Days whose records kept changing while their pages were read.
    unproven_days: Vec<Date>,
    /// Whether the records without a date never matched the totals.
    undated_unproven: bool,
    /// Records without a usable date in the answers.
    #[serde(default)]
    undated: UndatedRecords,
    /// Contradiction between the answers.
    #[serde(default)]
    flaw: Option<ChainFlaw>,
    rest: KeysetStage,
}

/// Steps after the ranges.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum KeysetStage {
    /// Ranges are being read.
    Ranges,
    /// Two totals are compared, to find whether the ranges leave undated records out.
    Compare(TotalsComparison),
    /// The list is paged unranged for its undated records.
    Undated(OffsetPager),
    /// The list is not sorted as documented: it is paged unranged and proves nothing.
    Disordered(OffsetPager),
    /// Done.
    Nothing,
}

impl KeysetPager {
    /// Returns a reading of all days, or of those not before `from`. `nullable`: whether Harvest
    /// has records without a day.
    pub(super) fn new(list: ListQuery, nullable: bool, from: Option<Date>) -> Self {
        let range = KeysetRange::open(from);
        Self {
            list,
            nullable,
            from,
            ranges: vec![range],
            ranged: from.is_some(),
            unproven_days: Vec::new(),
            undated_unproven: false,
            undated: UndatedRecords::default(),
            flaw: None,
            rest: KeysetStage::Ranges,
        }
    }

    pub(super) fn restart(&mut self) {
        *self = Self::new(self.list.clone(), self.nullable, self.from);
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.rest, KeysetStage::Nothing)
            || matches!(&self.rest, KeysetStage::Disordered(offset) if offset.is_done())
    }

    pub(super) fn next(&mut self) -> Option<PagerQuestion> {
        match &mut self.rest {
            KeysetStage::Ranges => self.next_of_ranges(),
            KeysetStage::Compare(compare) => compare.next(&self.list),
            KeysetStage::Undated(offset) | KeysetStage::Disordered(offset) => {
                offset.next().map(|question| PagerQuestion { slot: WHOLE, ..question })
            }
            KeysetStage::Nothing => None,
        }
    }

    /// Returns the request of the newest range that awaits no answer. Ranges do not depend on each
    /// other, so all of them may be under way; within a range each request needs the answer before.
    fn next_of_ranges(&mut self) -> Option<PagerQuestion> {
        let open = (0_u32..).zip(self.ranges.iter_mut());
        let open = open.filter(|(_, range)| !range.done && !range.asked);
        let (slot, range) = open.max_by_key(|(_, range)| range.to.unwrap_or(Date::MAX))?;
        range.asked = true;
        if let Some((_, offset)) = &mut range.day {
            return offset.next().map(|question| PagerQuestion { slot, ..question });
        }
        if let Some(run) = &range.run {
            let target = run.target(&self.list);
            return Some(PagerQuestion { slot, target, count_only: false });
        }
        let mut more = Vec::new();
        if let Some(from) = range.from {
            more.push(("from", from.to_string()));
        }
        if let Some(to) = range.to {
            more.push(("to", to.to_string()));
        }
        self.ranged |= !more.is_empty();
        let target = self.list.with(&more, self.list.per_page);
        Some(PagerQuestion { slot, target, count_only: false })
    }

    pub(super) fn on_page(&mut self, slot: u32, facts: &PageFacts) -> PagerTurn {
        self.list.trouble = 0;
        self.undated.note(facts);
        if slot != WHOLE && !matches!(self.rest, KeysetStage::Ranges) {
            // A request sent before the list proved disordered: its records count, its order does
            // not.
            return PagerTurn::On;
        }
        match &mut self.rest {
            KeysetStage::Ranges => self.on_range(slot, facts),
            KeysetStage::Compare(compare) => {
                match compare.take(facts.total_entries, self.undated.len()) {
                    compare::CompareOutcome::AsksOn => {}
                    compare::CompareOutcome::Agrees => self.rest = KeysetStage::Nothing,
                    compare::CompareOutcome::Differs => {
                        self.rest = KeysetStage::Undated(OffsetPager::new(self.list.clone()));
                    }
                }
                PagerTurn::On
            }
            KeysetStage::Undated(offset) => {
                // A restart within the offset list needs no step here: the records of its pages are
                // upserts.
                let _: PagerTurn = offset.on_page(facts);
                if offset.is_done() {
                    match offset.flaw() {
                        None => {}
                        Some(ChainFlaw::Moved) => self.undated_unproven = true,
                        Some(flaw) => self.flaw = Some(flaw.clone()),
                    }
                    self.rest = KeysetStage::Nothing;
                }
                PagerTurn::On
            }
            KeysetStage::Disordered(offset) => {
                let _: PagerTurn = offset.on_page(facts);
                PagerTurn::On
            }
            KeysetStage::Nothing => PagerTurn::On,
        }
    }

    /// Takes an answer for the range of `slot`, and goes on to the next stage when all ranges are
    /// read.
    fn on_range(&mut self, slot: u32, facts: &PageFacts) -> PagerTurn {
        let at = usize::try_from(slot).ok();
        let beside = self.ranges.iter().filter(|range| !range.done).count().saturating_sub(1);
        let Some(range) = at.and_then(|slot| self.ranges.get_mut(slot)) else {
            return PagerTurn::On;
        };
        range.asked = false;
        if let Some((day, offset)) = &mut range.day {
            let day = *day;
            let strange = facts.dates.iter().flatten().any(|date| *date != day);
            let _: PagerTurn = offset.on_page(facts);
            if offset.is_done() {
                match offset.flaw() {
                    None => {}
                    Some(ChainFlaw::Moved) => self.unproven_days.push(day),
                    Some(flaw) => self.flaw = Some(flaw.clone()),
                }
                range.day = None;
                range.go_on_before(day);
            }
            if strange {
                return self.disordered();
            }
        } else if !range.in_order(facts) {
            return self.disordered();
        } else if let Some(run) = range.run.take() {
            self.ranged |= range.on_run(run, &self.list, facts);
        } else if let Some(turn) = self.on_days(slot, facts, beside) {
            return turn;
        }
        if self.ranges.iter().all(|range| range.done) {
            self.rest = if self.ranged && (self.nullable || self.from.is_none()) {
                KeysetStage::Compare(TotalsComparison::default())
            } else {
                KeysetStage::Nothing
            };
        }
        PagerTurn::On
    }

    /// Takes an answer for the days of the range of `slot`, beside which `others` are being read.
    /// Returns the turn if the range awaits another answer before it goes on.
    fn on_days(&mut self, slot: u32, facts: &PageFacts, others: usize) -> Option<PagerTurn> {
        let range = usize::try_from(slot).ok().and_then(|slot| self.ranges.get_mut(slot))?;
        if let Some(flaw) = range::contradiction(facts)
            && self.flaw.is_none()
        {
            range.tries = range.tries.saturating_add(1);
            if range.tries < PROOF_TRIES {
                return Some(PagerTurn::On);
            }
            self.flaw = Some(flaw);
        }
        range.tries = 0;
        if self.flaw.is_none() {
            match range.succession(facts) {
                Succession::Even => {}
                Succession::Again => return Some(PagerTurn::On),
                Succession::Uneven(flaw) => self.flaw = Some(flaw),
            }
        }
        if range::is_last(facts) {
            range.done = true;
            return None;
        }
        let Some((newest, oldest)) = range::ends(facts) else { return Some(self.disordered()) };
        let is_short = due::is_short(facts);
        if is_short && range.from.is_none() && range.to.is_none() {
            // Without bounds its total may count records without a day.
            range.from = Some(FIRST_DAY);
            self.ranged = true;
            return Some(PagerTurn::On);
        }
        self.ranged |= range.step(&self.list, newest, oldest, facts);
        // Some ranges end early: a range with much left gives a part of it away.
        let total = facts.total_entries.filter(|_| self.flaw.is_none()).unwrap_or(0);
        let split = range::cut(range, facts, total, others).filter(|_| !is_short);
        if let Some(parts) = split {
            self.share(slot, parts);
        }
        None
    }

    /// Puts `parts` in the place of the range of `slot`. Other ranges keep their slots: their
    /// requests may be under way.
    fn share(&mut self, slot: u32, parts: Vec<KeysetRange>) {
        let mut parts = parts.into_iter();
        let own = usize::try_from(slot).ok().and_then(|slot| self.ranges.get_mut(slot));
        let Some(own) = own else { return };
        if let Some(first) = parts.next() {
            *own = first;
        }
        for part in parts {
            match self.ranges.iter_mut().find(|range| range.done) {
                Some(free) => *free = part,
                None => self.ranges.push(part),
            }
        }
    }

    /// Gives up the day ranges: their bounds come from the order of days, which the list does not
    /// keep. Records that were read stay.
    fn disordered(&mut self) -> PagerTurn {
        self.ranges.clear();
        self.rest = KeysetStage::Disordered(OffsetPager::new(self.list.clone()));
        PagerTurn::On
    }
}
