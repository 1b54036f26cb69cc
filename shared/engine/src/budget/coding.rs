//! Stored form of due times: milliseconds, as runs of equal distances.
//!
//! `[1000, 1150, 1300, 1500]` is stored as `[1000, 150, 2, 200, 1]`: the first due time, then 150
//! ms twice and 200 ms once. Permits of one burst are equally far apart, so a budget of a hundred
//! permits is a few numbers. Every process reads and writes this item for each few requests.

use serde::{Deserialize, Serialize};

use super::BudgetItem;

/// Largest number of permits that is read: no allowed limit needs as many, so a larger item is
/// damaged.
const MOST_DUES: usize = 4_000_000;

/// The stored form. `dues` is empty, or the first due time followed by pairs of distance and
/// repetition.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredBudget {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dues: Vec<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocked_until: Option<i64>,
}

impl From<BudgetItem> for StoredBudget {
    fn from(item: BudgetItem) -> Self {
        Self { dues: encode(&item.dues), blocked_until: item.blocked_until }
    }
}

impl TryFrom<StoredBudget> for BudgetItem {
    type Error = &'static str;

    fn try_from(stored: StoredBudget) -> Result<Self, Self::Error> {
        let dues = decode(&stored.dues).ok_or("the due times of the budget are damaged")?;
        Ok(Self { dues, blocked_until: stored.blocked_until })
    }
}

fn encode(dues: &[i64]) -> Vec<i64> {
    let mut iter = dues.iter().copied();
    let Some(first) = iter.next() else {
        return Vec::new();
    };
    let mut coded = vec![first];
    let mut run: Option<(i64, i64)> = None;
    let mut before = first;
    for due in iter {
        let distance = due.saturating_sub(before);
        before = due;
        run = match run {
            Some((same, count)) if same == distance => Some((same, count.saturating_add(1))),
            Some((other, count)) => {
                coded.extend([other, count]);
                Some((distance, 1))
            }
            None => Some((distance, 1)),
        };
    }
    if let Some((distance, count)) = run {
        coded.extend([distance, count]);
    }
    coded
}

/// Returns the due times; `None` if the numbers are not as `encode` writes them.
fn decode(coded: &[i64]) -> Option<Vec<i64>> {
    let Some((&first, runs)) = coded.split_first() else {
        return Some(Vec::new());
    };
    let mut dues = vec![first];
    let mut last = first;
    let (pairs, rest) = runs.as_chunks::<2>();
    for &[distance, count] in pairs {
        let count = usize::try_from(count).ok()?;
        if distance < 0 || count > MOST_DUES.saturating_sub(dues.len()) {
            return None;
        }
        for _ in 0..count {
            last = last.checked_add(distance)?;
            dues.push(last);
        }
    }
    rest.is_empty().then_some(dues)
}
