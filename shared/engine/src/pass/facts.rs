//! Facts of an answer that the next step depends on.

use std::collections::BTreeSet;

use super::parents::ParentFound;
use crate::key::{Key, KeyPart};
use crate::time::Date;

/// Facts of one answer, without its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageFacts {
    /// `total_entries`.
    pub total_entries: Option<u64>,
    /// `links.next`; an empty text counts as none.
    pub next: Option<String>,
    /// `page`: null on most pages of cursor lists.
    pub page: Option<u64>,
    /// `next_page`.
    pub next_page: Option<u64>,
    /// `total_pages`.
    pub total_pages: Option<u64>,
    /// `per_page`: the largest number of records of a page, as the server counts.
    pub per_page: Option<u64>,
    /// Primary key of each usable record.
    pub keys: Vec<Key>,
    /// Keyset date of each usable record, if the paging needs it.
    pub dates: Vec<Option<Date>>,
    /// A few of the records, spread over the page, if the stream's kind may ask for single records.
    pub samples: Vec<RecordIds>,
    /// Records that could not become rows.
    pub quarantined: u64,
    /// The parents that the records name (trigger pages).
    pub parents: Vec<ParentFound>,
}

/// Ids of one record of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RecordIds {
    /// Its id.
    pub id: i64,
    /// Id of the record whose deletion deletes this one, if the declaration names such a record.
    pub along: Option<i64>,
}

impl PageFacts {
    /// Number of records in the answer, usable or not.
    #[must_use]
    pub fn records(&self) -> u64 {
        (self.keys.len() as u64).saturating_add(self.quarantined)
    }

    /// Number of different records in the answer, usable or not. Unusable ones cannot be told apart, nor
    /// rows of report windows whose key of several parts has one without a value: a person who may not
    /// see currencies has several of them for one task.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        let mut seen = BTreeSet::new();
        let is_blurred = |key: &Key| key.0.len() > 1 && key.0.contains(&KeyPart::Null);
        let told_apart = self.keys.iter().filter(|key| !is_blurred(key));
        let repeats = told_apart.filter(|key| !seen.insert(*key)).count() as u64;
        self.records().saturating_sub(repeats)
    }

    /// Whether a member of the answer other than the total says that pages follow. `asked`: number
    /// of the page in its list, from 1, for answers without `page`.
    #[must_use]
    pub(super) fn promises_more(&self, asked: u64) -> bool {
        // Harvest's documentation shows a last page 2 whose `next_page` is 2: that is no next page.
        let page = self.page.unwrap_or(asked);
        self.next.is_some()
            || self.next_page.is_some_and(|next| next > page)
            || self.total_pages.is_some_and(|pages| pages > page)
    }
}
