//! Reading an offset list by day ranges: each answer is atomic, so nothing shifts between them.
//!
//! The list is sorted by a day, newest first. A range asks for everything up to its newest day that
//! is not yet whole; the answer's oldest day may be cut off, so the next request begins with that
//! day again. A range ends with an answer that holds all of its `total_entries`.

mod range;
mod setback;

use serde::{Deserialize, Serialize};

use range::Range;

use super::pager::{List, Offset, Proof, Question, Turn};
use super::sweep::Days;
use super::{PROOF_TRIES, PageFacts};
use crate::time::Date;

/// Slot of the list's unranged reading and of the check for undated records.
const WHOLE: u32 = u32::MAX;
/// Every date of a record is later.
const BEGINNING: &str = "1900-01-01";

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
    /// Days whose pages never added up.
    unproven_days: Vec<Date>,
    /// Whether the records without a date never added up.
    undated_unproven: bool,
    rest: Rest,
}

/// What comes after the ranges.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Rest {
    /// Ranges are being read.
    Ranges,
    /// Do the ranges leave undated records out? Two totals must agree.
    Compare { tries: u32, plain: Option<u64>, asked: bool },
    /// The list is paged unranged for its undated records.
    Undated(Offset),
    /// The list is not sorted as documented: it is paged unranged and proves nothing.
    Disordered(Offset),
    /// Done.
    Nothing,
}

impl Keyset {
    pub(super) fn new(list: List, nullable: bool, from: Option<Date>) -> Self {
        let range = Range { from, to: None, day: None, asked: false, done: false };
        Self {
            list,
            nullable,
            from,
            ranges: vec![range],
            ranged: from.is_some(),
            unproven_days: Vec::new(),
            undated_unproven: false,
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
        if matches!(self.rest, Rest::Disordered(_)) {
            return Proof::Unproven(format!("{path} is not sorted newest day first"));
        }
        match self.unproven_days.first() {
            None if self.undated_unproven => {
                Proof::Unproven(format!("{path}: the records without a date do not add up"))
            }
            None => Proof::Proven,
            Some(day) => {
                Proof::Unproven(format!("{path} kept changing on {day} while it was read"))
            }
        }
    }

    /// The days that were read whole; `None` where the list is not sorted as documented.
    pub(super) fn days(&self) -> Option<Days> {
        if matches!(self.rest, Rest::Disordered(_)) {
            return None;
        }
        Some(Days::By {
            from: self.from,
            except: self.unproven_days.iter().copied().collect(),
            undated: self.nullable && !self.undated_unproven,
        })
    }

    pub(super) fn next(&mut self) -> Option<Question> {
        match &mut self.rest {
            Rest::Ranges => self.next_of_ranges(),
            Rest::Compare { plain, asked, .. } => {
                if *asked {
                    return None;
                }
                *asked = true;
                let from = [("from", BEGINNING.to_owned())];
                let more: &[(&str, String)] = if plain.is_none() { &[] } else { &from };
                let target = self.list.with(more, 1);
                Some(Question { slot: WHOLE, target, count_only: true })
            }
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
        if slot != WHOLE && !matches!(self.rest, Rest::Ranges) {
            // Asked before the list proved disordered: its records count, its order does not.
            return Turn::On;
        }
        match &mut self.rest {
            Rest::Ranges => self.on_range(slot, facts),
            Rest::Compare { .. } => {
                self.compare(facts.total_entries);
                Turn::On
            }
            Rest::Undated(offset) => {
                // A restart within the offset list changes nothing here: its pages are upserts.
                let _: Turn = offset.on_page(facts);
                if offset.is_done() {
                    self.undated_unproven = !offset.is_proven();
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
        let nullable = self.nullable;
        let mut unproven = None;
        let mut split = None;
        let beside = self.ranges.iter().filter(|range| !range.done).count().saturating_sub(1);
        let Some(range) = usize::try_from(slot).ok().and_then(|slot| self.ranges.get_mut(slot))
        else {
            return Turn::On;
        };
        range.asked = false;
        if let Some((day, offset)) = &mut range.day {
            let day = *day;
            let strange = facts.dates.iter().any(|date| *date != Some(day));
            let _: Turn = offset.on_page(facts);
            if offset.is_done() {
                if !offset.is_proven() {
                    unproven = Some(day);
                }
                range.day = None;
                range.go_on_before(day);
            }
            if strange {
                return self.disordered();
            }
        } else if !range.in_order(facts, nullable) {
            return self.disordered();
        } else if facts.total_entries.map_or(facts.next.is_none(), |all| facts.records() >= all) {
            range.done = true;
        } else {
            let dated = || facts.dates.iter().flatten();
            let (Some(newest), Some(oldest)) = (dated().next(), dated().next_back()) else {
                return self.disordered();
            };
            let (newest, oldest) = (*newest, *oldest);
            if range.to.map_or(newest == oldest, |to| oldest >= to) {
                let mut list = self.list.clone();
                list.filters.push(("from".to_owned(), oldest.to_string()));
                list.filters.push(("to".to_owned(), oldest.to_string()));
                range.day = Some((oldest, Offset::new(list)));
                self.ranged = true;
            } else {
                range.to = Some(oldest);
            }
            // Some ranges end early: whoever has much left shares it.
            let total = facts.total_entries.unwrap_or(0);
            split = range::cut(range, newest, oldest, facts.records(), total, beside);
        }
        self.unproven_days.extend(unproven);
        if let Some(parts) = split {
            self.share(slot, parts);
        }
        if self.ranges.iter().all(|range| range.done) {
            self.rest = if self.nullable && self.ranged {
                Rest::Compare { tries: 1, plain: None, asked: false }
            } else {
                Rest::Nothing
            };
        }
        Turn::On
    }

    /// Puts `parts` in the place of the range of `slot`. The slots of the others stay what they are:
    /// their requests may be under way.
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

    fn compare(&mut self, total: Option<u64>) {
        let Rest::Compare { tries, plain, asked } = &mut self.rest else {
            return;
        };
        *asked = false;
        let Some(all) = *plain else {
            // A list without totals cannot be compared: as if they never agreed.
            *plain = Some(total.unwrap_or(u64::MAX));
            return;
        };
        if total == Some(all) {
            self.rest = Rest::Nothing;
        } else if *tries < PROOF_TRIES {
            *tries = tries.saturating_add(1);
            *plain = None;
        } else {
            self.rest = Rest::Undated(Offset::new(self.list.clone()));
        }
    }

    fn disordered(&mut self) -> Turn {
        self.ranges.clear();
        self.rest = Rest::Disordered(Offset::new(self.list.clone()));
        Turn::On
    }
}
