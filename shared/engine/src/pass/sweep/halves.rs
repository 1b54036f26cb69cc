//! Check whether a listing returns archived records unasked: its total against those of its halves.
//!
//! If the totals are 40 for the list, 40 with the filter `true` and 15 with `false`, the list omits
//! 15 records, and a sweep would take their rows for missing. A record that is added between the
//! totals looks the same, so the three of them are asked for up to three times.

use serde::{Deserialize, Serialize};

use crate::pass::PROOF_TRIES;
use crate::pass::pager::{ListQuery, Pager, PagerQuestion};
use crate::spec::Paging;

/// The three totals of a listing: as it is, and with its flag filter `true` and `false`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct HalvesCheck {
    /// Totals of this try, in the order all, `true`, `false`.
    totals: Vec<u64>,
    /// Whether an answer is awaited.
    #[serde(skip)]
    asked: bool,
    /// Number of tries in which the halves held more than the list.
    tries: u32,
    /// Result of the check.
    whole: Option<bool>,
}

impl HalvesCheck {
    /// Whether the listing alone holds all records; `None`: not known yet.
    pub(super) const fn whole(&self) -> Option<bool> {
        self.whole
    }

    /// Returns the request for the next total.
    pub(super) fn next(&mut self, path: &str, filter: &str) -> Option<PagerQuestion> {
        if self.asked || self.whole.is_some() {
            return None;
        }
        self.asked = true;
        let half = match self.totals.len() {
            0 => None,
            1 => Some("true"),
            _ => Some("false"),
        };
        let filters = half.map(|half| (filter.to_owned(), half.to_owned()));
        let list = ListQuery::new(path, filters.into_iter().collect());
        Some(PagerQuestion { slot: 0, target: list.with(&[], 1), count_only: true })
    }

    /// Takes the total that was asked for. A listing without totals is taken to be whole.
    pub(super) fn take(&mut self, total: Option<u64>) {
        self.asked = false;
        let Some(total) = total else {
            self.whole = Some(true);
            return;
        };
        self.totals.push(total);
        let &[all, active, archived] = self.totals.as_slice() else {
            return;
        };
        // A server that does not know the filter answers with all records each time.
        let ignored = active == all && archived == all;
        if ignored || active.saturating_add(archived) <= all {
            self.whole = Some(true);
            return;
        }
        self.tries = self.tries.saturating_add(1);
        self.totals.clear();
        if self.tries >= PROOF_TRIES {
            self.whole = Some(false);
        }
    }

    /// Goes on in another process: totals of two moments cannot be compared.
    pub(super) fn resumed(&mut self) {
        self.asked = false;
        self.totals.clear();
    }

    /// Frees a request that brought no answer; `last`: it is not sent again, and the listing is
    /// taken to be whole.
    pub(super) fn on_failure(&mut self, last: bool) {
        self.asked = false;
        if last {
            self.whole = Some(true);
        }
    }
}

/// Returns the pagers of the two halves of a listing, which are read instead of it.
pub(in crate::pass) fn pagers(
    paging: Paging,
    path: &str,
    filters: &[(String, String)],
    filter: &str,
) -> [Pager; 2] {
    ["true", "false"].map(|half| {
        let mut filters = filters.to_vec();
        filters.push((filter.to_owned(), half.to_owned()));
        Pager::new(paging, path, filters, None)
    })
}
