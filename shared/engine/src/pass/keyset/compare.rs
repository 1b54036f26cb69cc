//! Check whether day ranges omitted records without a day: two totals, one with a bound, must
//! agree.

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
    plain: Option<u64>,
    asked: bool,
}

/// Effect of a total on the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareOutcome {
    /// The other total is to be asked for, or both once more.
    AsksOn,
    /// No record without a day is missing.
    Agrees,
    /// Some records without a day were in no answer.
    Differs,
}

impl Default for TotalsComparison {
    fn default() -> Self {
        Self { tries: 1, plain: None, asked: false }
    }
}

impl TotalsComparison {
    pub(super) fn next(&mut self, list: &ListQuery) -> Option<PagerQuestion> {
        if self.asked {
            return None;
        }
        self.asked = true;
        let from = [("from", BEGINNING.to_owned())];
        let more: &[(&str, String)] = if self.plain.is_none() { &[] } else { &from };
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
        if total.is_some_and(|dated| dated == all || dated.saturating_add(undated) == all) {
            return CompareOutcome::Agrees;
        }
        if self.tries >= PROOF_TRIES {
            return CompareOutcome::Differs;
        }
        self.tries = self.tries.saturating_add(1);
        self.plain = None;
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
