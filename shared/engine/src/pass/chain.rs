//! Proof that the pages of a list are the whole of it: every sign has to agree.
//!
//! A [`PageChain`] is one reading of a list from its first page on. It counts the distinct keys,
//! compares them with the totals in the answers, and stops pages that would never end.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::compact::IdSet;
use super::{ListProof, PageFacts};
use crate::key::{Key, KeyPart};
use crate::time::Date;

/// Number of pages that may follow after a list has brought as many records as its total says.
const PAGES_PAST_TOTAL: u32 = 100;

/// One reading of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PageChain {
    pages: u64,
    seen: DistinctKeys,
    quarantined: u64,
    /// `total_entries` of the first answer that has it, and of the last answer.
    first: Option<u64>,
    total: Option<u64>,
    /// Sums of the steps by which `total_entries` rose and fell from answer to answer.
    risen: u64,
    fallen: u64,
    past_total: u32,
    /// Hashes of the links that were followed.
    links: BTreeSet<u64>,
}

/// Effect of a page on its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ChainVerdict {
    /// A page follows.
    GoesOn,
    /// The list is read whole.
    Whole,
    /// The list has ended, or never would, and its answers do not agree.
    Broken(ChainFlaw),
}

/// Reason for which a chain of pages is not the whole of its list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ChainFlaw {
    /// Records were added or deleted between the pages.
    Moved,
    /// The number of records differs from the total in the answers.
    Miscounted {
        /// Records read.
        read: u64,
        /// `total_entries`.
        total: u64,
    },
    /// A record is twice in one answer, perhaps in the place of another.
    Repeated,
    /// The answer before had fewer records than a page holds, and its total counts some that this one
    /// does not have either.
    Uneven {
        /// `total_entries` that should be left.
        due: u64,
        /// `total_entries`.
        total: u64,
    },
    /// Records of this day were in one answer, and not in the next, which asked for that day again.
    DayLost(Date),
    /// A page says that more pages follow but has no link to them.
    NoLink,
    /// A page leads to one that was read before.
    Circle,
    /// A page has no new record and says that more pages follow.
    Idle,
    /// Pages follow long after all records of the total were read.
    Endless,
}

/// Way from one page of a chain to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChainLinkage {
    /// Only by `links.next`.
    Links,
    /// By their number.
    Numbers,
}

impl PageChain {
    /// Takes the next page and judges the chain.
    pub(super) fn take(&mut self, facts: &PageFacts, following: ChainLinkage) -> ChainVerdict {
        self.pages = self.pages.saturating_add(1);
        let new = self.seen.add(&facts.keys);
        let unusable = facts.quarantined;
        self.quarantined = self.quarantined.saturating_add(unusable);
        if let Some(total) = facts.total_entries {
            let before = self.total.or(self.first).unwrap_or(total);
            self.first = self.first.or(Some(total));
            self.risen = self.risen.saturating_add(total.saturating_sub(before));
            self.fallen = self.fallen.saturating_add(before.saturating_sub(total));
        }
        self.total = facts.total_entries;
        let read = if self.pages == 1 { facts.distinct() } else { self.read() };
        let promised = facts.promises_more(self.pages);
        // Where pages have numbers and no other sign of more, a larger total alone is reason to ask
        // for one more page.
        let counted = following == ChainLinkage::Numbers
            && facts.total_pages.is_none()
            && facts.records() > 0
            && self.total.is_some_and(|total| total > read);
        if !promised && !counted {
            return self.judge(read, following);
        }
        if new == 0 && unusable == 0 {
            return ChainVerdict::Broken(self.flaw(ChainFlaw::Idle, read, following));
        }
        if following == ChainLinkage::Links {
            let Some(link) = &facts.next else {
                return ChainVerdict::Broken(self.flaw(ChainFlaw::NoLink, read, following));
            };
            if !self.links.insert(hash(link)) {
                return ChainVerdict::Broken(ChainFlaw::Circle);
            }
        }
        if new == 0 || self.total.is_some_and(|total| read >= total) {
            self.past_total = self.past_total.saturating_add(1);
            if self.past_total > PAGES_PAST_TOTAL {
                return ChainVerdict::Broken(ChainFlaw::Endless);
            }
        }
        ChainVerdict::GoesOn
    }

    /// Number of pages taken.
    pub(super) const fn pages(&self) -> u64 {
        self.pages
    }

    fn read(&self) -> u64 {
        self.seen.len().saturating_add(self.quarantined)
    }

    /// Judges a list at its end.
    fn judge(&self, read: u64, following: ChainLinkage) -> ChainVerdict {
        if let Some(total) = self.total.filter(|total| *total != read) {
            let flaw = ChainFlaw::Miscounted { read, total };
            return ChainVerdict::Broken(self.flaw(flaw, read, following));
        }
        // Numbered pages shift when a record is added or deleted, so that another may be skipped:
        // only a constant total excludes that.
        let steady = self.risen == 0 && self.fallen == 0 && self.total.is_some();
        match following {
            ChainLinkage::Numbers if self.pages > 1 && !steady => {
                ChainVerdict::Broken(ChainFlaw::Moved)
            }
            ChainLinkage::Numbers | ChainLinkage::Links => ChainVerdict::Whole,
        }
    }

    /// Returns `flaw`, or `Moved` if the steps of its total explain the number of records read.
    ///
    /// Each deletion can take one record away that was to be read, and each addition can bring one
    /// more. Between two numbered pages one more of each may have made up for each other.
    fn flaw(&self, flaw: ChainFlaw, read: u64, following: ChainLinkage) -> ChainFlaw {
        let Some(first) = self.first.filter(|_| self.risen > 0 || self.fallen > 0) else {
            return flaw;
        };
        let unseen = match following {
            ChainLinkage::Links => 0,
            ChainLinkage::Numbers => self.pages.saturating_sub(1),
        };
        let least = first.saturating_sub(self.fallen.saturating_add(unseen));
        let greatest = first.saturating_add(self.risen.saturating_add(unseen));
        if (least..=greatest).contains(&read) { ChainFlaw::Moved } else { flaw }
    }
}

impl ChainFlaw {
    /// Returns the flaw of several readings of a list, `before` that of those before this one. A
    /// contradiction weighs more than a list that changed.
    pub(super) fn after(self, before: Option<Self>) -> Self {
        match (self, before) {
            (Self::Moved, Some(before)) => before,
            (flaw, _) => flaw,
        }
    }

    /// Returns the proof of the list at `path`, which was read to its end three times, with this
    /// flaw.
    pub(super) fn proof(&self, path: &str) -> ListProof {
        let contradicts = |what: String| ListProof::Contradictory(format!("{path}: {what}"));
        match self {
            Self::Moved => {
                ListProof::Unproven(format!("{path} kept changing while its pages were read"))
            }
            Self::Miscounted { read, total } => contradicts(format!(
                "the answers hold {read} records and say that there are {total} (`total_entries`)"
            )),
            Self::Repeated => contradicts("an answer holds a record twice".to_owned()),
            Self::Uneven { due, total } => contradicts(format!(
                "a page has fewer records than its `per_page`, and {due} should follow by its `total_entries`; the next answer says {total}"
            )),
            Self::DayLost(day) => contradicts(format!(
                "records of {day} are in an answer and not in the next, which asked for them with `to={day}`"
            )),
            Self::NoLink => contradicts(
                "an answer says that pages follow (`next_page`, `total_pages`) and has no `links.next`"
                    .to_owned(),
            ),
            Self::Circle => {
                contradicts("`links.next` leads to a page that was read before".to_owned())
            }
            Self::Idle => {
                contradicts("a page holds nothing new and says that pages follow".to_owned())
            }
            Self::Endless => contradicts(format!(
                "pages follow although all records of `total_entries` were read {PAGES_PAST_TOTAL} pages before"
            )),
        }
    }
}

/// A set of keys; plain ids take a fraction of the space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DistinctKeys {
    ids: IdSet,
    others: BTreeSet<Key>,
}

impl DistinctKeys {
    /// Adds `keys` and returns how many of them are new.
    pub(super) fn add(&mut self, keys: &[Key]) -> u64 {
        let before = self.len();
        for key in keys {
            if let [KeyPart::Int(id)] = key.0.as_slice() {
                self.ids.0.insert(*id);
            } else {
                self.others.insert(key.clone());
            }
        }
        self.len().saturating_sub(before)
    }

    pub(super) fn len(&self) -> u64 {
        (self.ids.0.len() as u64).saturating_add(self.others.len() as u64)
    }

    /// Returns the keys, ids first.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let ids = self.ids.0.iter().map(|id| Key::id(*id));
        ids.chain(self.others.iter().cloned())
    }
}

/// Returns a hash of a link, the same in every process (FNV-1a).
fn hash(link: &str) -> u64 {
    link.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
