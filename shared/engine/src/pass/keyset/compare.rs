//! Check whether day ranges omitted records without a day: two totals, one with a bound, must
//! agree, and the first one must not have changed meanwhile.

use serde::{Deserialize, Serialize};

use super::super::chain::DistinctKeys;
use super::super::pager::{ListQuery, PagerQuestion};
use super::super::{PROOF_TRIES, PageFacts};
use super::WHOLE;
use crate::key::{Key, KeyPart};

/// First day of the bounded total: every usable day is later.
const BEGINNING: &str = "1900-01-01";
/// Number of records that a remark names.
const NAMED: usize = 3;

/// The comparison of two totals.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TotalsComparison {
    tries: u32,
    /// Total of the whole list, in the last answer.
    plain: Option<u64>,
    /// Whether the bounded total agreed with it.
    #[serde(default)]
    agreed: bool,
    asked: bool,
}

/// Effect of a total on the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareOutcome {
    /// Another total is to be asked for.
    AsksOn,
    /// No record without a day is missing.
    Agrees,
    /// Some records without a day were in no answer.
    Differs,
}

impl Default for TotalsComparison {
    fn default() -> Self {
        Self { tries: 1, plain: None, agreed: false, asked: false }
    }
}

impl TotalsComparison {
    pub(super) fn next(&mut self, list: &ListQuery) -> Option<PagerQuestion> {
        if self.asked {
            return None;
        }
        self.asked = true;
        let from = [("from", BEGINNING.to_owned())];
        let is_plain = self.plain.is_none() || self.agreed;
        let more: &[(&str, String)] = if is_plain { &[] } else { &from };
        Some(PagerQuestion { slot: WHOLE, target: list.with(more, 1), count_only: true })
    }

    /// Takes the total that was asked for; `undated`: number of records without a day in the
    /// answers.
    pub(super) fn take(&mut self, total: Option<u64>, undated: u64) -> CompareOutcome {
        self.asked = false;
        let Some(all) = self.plain else {
            // A list without totals cannot be compared: handled as if they never agreed.
            self.plain = Some(total.unwrap_or(u64::MAX));
            return CompareOutcome::AsksOn;
        };
        if self.agreed {
            // A record that was added between the two totals may hide one without a day.
            if total == Some(all) {
                return CompareOutcome::Agrees;
            }
            self.agreed = false;
            self.plain = total;
        } else {
            let is_whole = |dated: u64| dated == all || dated.saturating_add(undated) == all;
            self.agreed = total.is_some_and(is_whole);
            if self.agreed {
                return CompareOutcome::AsksOn;
            }
            self.plain = None;
        }
        if self.tries >= PROOF_TRIES {
            return CompareOutcome::Differs;
        }
        self.tries = self.tries.saturating_add(1);
        CompareOutcome::AsksOn
    }

    /// Frees a request that brought no answer.
    pub(super) const fn free(&mut self) {
        self.asked = false;
    }

    /// Goes on in another process: totals of two moments cannot be compared.
    pub(super) const fn resumed(&mut self) {
        self.asked = false;
        self.plain = None;
        self.agreed = false;
    }
}

/// Records without a usable day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct UndatedRecords(DistinctKeys);

impl UndatedRecords {
    /// Adds the undated records of an answer.
    pub(super) fn note(&mut self, facts: &PageFacts) {
        let without = facts.keys.iter().zip(&facts.dates).filter(|(_, date)| date.is_none());
        let keys: Vec<Key> = without.map(|(key, _)| key.clone()).collect();
        self.0.add(&keys);
    }

    pub(super) fn len(&self) -> u64 {
        self.0.len()
    }

    /// Returns a sentence that names them; `None`: there are none.
    pub(super) fn remark(&self, path: &str) -> Option<String> {
        let all = self.len();
        if all == 0 {
            return None;
        }
        let named: Vec<String> = self.0.keys().take(NAMED).map(|key| name(&key)).collect();
        let more = all.saturating_sub(named.len() as u64);
        let others = if more > 0 { format!(" and {more} more") } else { String::new() };
        Some(format!(
            "{path}: {}{others} without a usable day: read beside the others, kept with null; mend the date in Harvest",
            named.join(", ")
        ))
    }
}

fn name(key: &Key) -> String {
    let part = |part: &KeyPart| match part {
        KeyPart::Null => "null".to_owned(),
        KeyPart::Int(id) => id.to_string(),
        KeyPart::Day(day) => day.to_string(),
        KeyPart::Text(text) => text.clone(),
    };
    let parts: Vec<String> = key.0.iter().map(part).collect();
    format!("record {}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Date;

    /// Feeds totals of the whole list and of its dated records, in turn as they are asked for.
    fn compared(totals: &[(bool, u64)], undated: u64) -> CompareOutcome {
        let list = ListQuery::new("/dated".to_owned(), Vec::new());
        let mut comparison = TotalsComparison::default();
        let mut outcome = CompareOutcome::AsksOn;
        for (is_bounded, total) in totals {
            assert_eq!(outcome, CompareOutcome::AsksOn, "{totals:?}");
            let question = comparison.next(&list).unwrap();
            let text = format!("{:?}", question.target);
            assert_eq!(text.contains(BEGINNING), *is_bounded, "{totals:?}: {text}");
            outcome = comparison.take(Some(*total), undated);
        }
        outcome
    }

    #[test]
    fn totals_agree_only_if_the_list_did_not_change_between_them() {
        let (all, dated) = (|total| (false, total), |total| (true, total));
        assert_eq!(compared(&[all(7), dated(7), all(7)], 0), CompareOutcome::Agrees);
        assert_eq!(compared(&[all(7), dated(6), all(7)], 1), CompareOutcome::Agrees);
        // One has no day, and another one is added after the first total.
        let hidden = [all(7), dated(7), all(8), dated(7), all(8), dated(7)];
        assert_eq!(compared(&hidden, 0), CompareOutcome::Differs);
        let quiet = [all(7), dated(7), all(8), dated(8), all(8)];
        assert_eq!(compared(&quiet, 0), CompareOutcome::Agrees);
        let restless = [all(7), dated(7), all(8), dated(8), all(9), dated(9), all(10)];
        assert_eq!(compared(&restless, 0), CompareOutcome::Differs);
    }

    #[test]
    fn three_records_without_a_day_are_named_and_the_others_counted() {
        for (records, named) in [
            (3, "record 0, record 1, record 2 without"),
            (4, "record 0, record 1, record 2 and 1 more without"),
        ] {
            let mut undated = UndatedRecords::default();
            assert_eq!(undated.remark("/dated"), None);
            let keys = (0..=records).map(Key::id).collect();
            let last = core::iter::once(Some(Date::constant(2026, 3, 9)));
            let dates = (0..records).map(|_| None).chain(last).collect();
            undated.note(&PageFacts { keys, dates, ..PageFacts::default() });
            let remark = undated.remark("/dated").unwrap();
            assert!(remark.contains(named), "{remark}");
        }
    }
}
