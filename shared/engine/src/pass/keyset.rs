//! Reading an offset list by day ranges: each answer is atomic, so nothing shifts between them.
//!
//! The list is sorted by a day, newest first. A range asks for all records up to its newest day
//! that is not yet whole; the oldest day of the answer may be cut off, so the next request begins
//! with that day again. A range ends with an answer that holds all of its `total_entries` and whose
//! other signs agree.

mod compare;
mod range;
mod setback;

use serde::{Deserialize, Serialize};

use compare::{Compare, Undated};
use range::Range;

use super::chain::Flaw;
use super::pager::{List, Offset, Proof, Question, Turn};
use super::sweep::Days;
use super::{PROOF_TRIES, PageFacts};
use crate::time::Date;

/// Slot of the list's unranged reading and of the check for undated records.
const WHOLE: u32 = u32::MAX;

/// A date keyset reading.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Keyset {
    list: List,
    nullable: bool,
    /// First day of the whole reading.
    #[serde(default)]
    from: Option<Date>,
    ranges: Vec<Range>,
    /// Whether any request left undated records out.
    ranged: bool,
    /// Days whose records kept changing while their pages were read.
    unproven_days: Vec<Date>,
    /// Whether the records without a date never matched the totals.
    undated_unproven: bool,
    /// Records without a usable date in the answers.
    #[serde(default)]
    undated: Undated,
    /// Contradiction between the answers.
    #[serde(default)]
    flaw: Option<Flaw>,
    rest: Rest,
}

/// Steps after the ranges.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Rest {
    /// Ranges are being read.
    Ranges,
    /// Two totals are compared, to find whether the ranges leave undated records out.
    Compare(Compare),
    /// The list is paged unranged for its undated records.
    Undated(Offset),
    /// The list is not sorted as documented: it is paged unranged and proves nothing.
    Disordered(Offset),
    /// Done.
    Nothing,
}

impl Keyset {
    pub(super) fn new(list: List, nullable: bool, from: Option<Date>) -> Self {
        let range = Range::open(from);
        Self {
            list,
            nullable,
            from,
            ranges: vec![range],
            ranged: from.is_some(),
            unproven_days: Vec::new(),
            undated_unproven: false,
            undated: Undated::default(),
            flaw: None,
            rest: Rest::Ranges,
        }
    }

    pub(super) fn restart(&mut self) {
        *self = Self::new(self.list.clone(), self.nullable, self.from);
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.rest, Rest::Nothing)
            || matches!(&self.rest, Rest::Disordered(offset) if offset.is_done())
    }

    pub(super) fn proof(&self) -> Proof {
        let path = &self.list.path;
        let flaw = self.flaw.as_ref().map_or(Proof::Proven, |flaw| flaw.proof(path));
        let moved = if let Rest::Disordered(offset) = &self.rest {
            let unsorted = Proof::Unproven(format!(
                "{path} is not sorted by day, newest first, or has answers without any usable day"
            ));
            unsorted.and(offset.proof())
        } else if let Some(day) = self.unproven_days.first() {
            Proof::Unproven(format!("{path} kept changing on {day} while it was read"))
        } else if self.undated_unproven {
            Proof::Unproven(format!("{path}: the records without a date do not add up"))
        } else {
            Proof::Proven
        };
        flaw.and(moved)
    }

    /// Returns the days that were read whole; `None` if the list is not sorted as documented, or
    /// its answers contradict each other.
    pub(super) fn days(&self) -> Option<Days> {
        if self.flaw.is_some() || matches!(self.rest, Rest::Disordered(_)) {
            return None;
        }
        Some(Days::By {
            from: self.from,
            except: self.unproven_days.iter().copied().collect(),
            undated: !self.undated_unproven && (self.nullable || self.from.is_none()),
        })
    }

    /// Returns a remark about records that should have a day and have none, for display.
    pub(super) fn remark(&self) -> Option<String> {
        if self.nullable {
            return None;
        }
        self.undated.remark(&self.list.path)
    }

    pub(super) fn next(&mut self) -> Option<Question> {
        match &mut self.rest {
            Rest::Ranges => self.next_of_ranges(),
            Rest::Compare(compare) => compare.next(&self.list),
            Rest::Undated(offset) | Rest::Disordered(offset) => {
                offset.next().map(|question| Question { slot: WHOLE, ..question })
            }
            Rest::Nothing => None,
        }
    }

    fn next_of_ranges(&mut self) -> Option<Question> {
        for (slot, range) in (0_u32..).zip(self.ranges.iter_mut()) {
            if range.done || range.asked {
                continue;
            }
            range.asked = true;
            if let Some((_, offset)) = &mut range.day {
                return offset.next().map(|question| Question { slot, ..question });
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
            return Some(Question { slot, target, count_only: false });
        }
        None
    }

    pub(super) fn on_page(&mut self, slot: u32, facts: &PageFacts) -> Turn {
        self.list.trouble = 0;
        self.undated.note(facts);
        if slot != WHOLE && !matches!(self.rest, Rest::Ranges) {
            // A request sent before the list proved disordered: its records count, its order does
            // not.
            return Turn::On;
        }
        match &mut self.rest {
            Rest::Ranges => self.on_range(slot, facts),
            Rest::Compare(compare) => {
                match compare.take(facts.total_entries, self.undated.len()) {
                    compare::CompareOutcome::AsksOn => {}
                    compare::CompareOutcome::Agrees => self.rest = Rest::Nothing,
                    compare::CompareOutcome::Differs => {
                        self.rest = Rest::Undated(Offset::new(self.list.clone()));
                    }
                }
                Turn::On
            }
            Rest::Undated(offset) => {
                // A restart within the offset list needs no step here: the records of its pages are
                // upserts.
                let _: Turn = offset.on_page(facts);
                if offset.is_done() {
                    match offset.flaw() {
                        None => {}
                        Some(Flaw::Moved) => self.undated_unproven = true,
                        Some(flaw) => self.flaw = Some(flaw.clone()),
                    }
                    self.rest = Rest::Nothing;
                }
                Turn::On
            }
            Rest::Disordered(offset) => {
                let _: Turn = offset.on_page(facts);
                Turn::On
            }
            Rest::Nothing => Turn::On,
        }
    }

    fn on_range(&mut self, slot: u32, facts: &PageFacts) -> Turn {
        let at = usize::try_from(slot).ok();
        let beside = self.ranges.iter().filter(|range| !range.done).count().saturating_sub(1);
        let Some(range) = at.and_then(|slot| self.ranges.get_mut(slot)) else {
            return Turn::On;
        };
        range.asked = false;
        if let Some((day, offset)) = &mut range.day {
            let day = *day;
            let strange = facts.dates.iter().flatten().any(|date| *date != day);
            let _: Turn = offset.on_page(facts);
            if offset.is_done() {
                match offset.flaw() {
                    None => {}
                    Some(Flaw::Moved) => self.unproven_days.push(day),
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
        } else {
            if let Some(flaw) = range::contradiction(facts)
                && self.flaw.is_none()
            {
                range.tries = range.tries.saturating_add(1);
                if range.tries < PROOF_TRIES {
                    return Turn::On;
                }
                self.flaw = Some(flaw);
            }
            range.tries = 0;
            let mut split = None;
            if range::is_last(facts) {
                range.done = true;
            } else if let Some((newest, oldest)) = range::ends(facts) {
                self.ranged |= range.step(&self.list, newest, oldest);
                // Some ranges end early: a range with much left gives a part of it away.
                let total = facts.total_entries.filter(|_| self.flaw.is_none()).unwrap_or(0);
                split = range::cut(range, newest, oldest, facts.records(), total, beside);
            } else {
                return self.disordered();
            }
            if let Some(parts) = split {
                self.share(slot, parts);
            }
        }
        if self.ranges.iter().all(|range| range.done) {
            self.rest = if self.ranged && (self.nullable || self.from.is_none()) {
                Rest::Compare(Compare::default())
            } else {
                Rest::Nothing
            };
        }
        Turn::On
    }

    /// Puts `parts` in the place of the range of `slot`. Other ranges keep their slots: their
    /// requests may be under way.
    fn share(&mut self, slot: u32, parts: Vec<Range>) {
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

    fn disordered(&mut self) -> Turn {
        self.ranges.clear();
        self.rest = Rest::Disordered(Offset::new(self.list.clone()));
        Turn::On
    }
}
