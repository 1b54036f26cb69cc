//! Reading of one list page by page: cursor lists, offset lists, single objects.

mod cursor;
mod offset;
mod query;
mod single;

use serde::{Deserialize, Serialize};

pub(super) use cursor::CursorPager;
pub(super) use offset::OffsetPager;
pub(super) use query::{ListQuery, gives_up};
use single::{PageScope, SinglePager};

use super::keyset::KeysetPager;
use super::sweep::ProvenDays;
use super::{PageFacts, RequestTarget};
use crate::retry::RequestFailure;
use crate::spec::Paging;
use crate::time::Date;

/// Strength of the proof that a finished reading has every record of its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListProof {
    /// Every record was seen.
    Proven,
    /// The list changed while it was read, so that records may be missing; the text says where, for
    /// display.
    Unproven(String),
    /// The answers contradict each other, so that records may be missing; the text says how, for
    /// display.
    Contradictory(String),
}

impl ListProof {
    /// Returns the reason for which records may be missing; `None`: none is.
    #[must_use]
    pub fn doubt(&self) -> Option<&str> {
        match self {
            Self::Proven => None,
            Self::Unproven(why) | Self::Contradictory(why) => Some(why),
        }
    }

    /// Returns the proof of two readings together: a contradiction weighs more than a list that
    /// changed.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Proven, _) | (Self::Unproven(_), Self::Contradictory(_)) => other,
            (Self::Contradictory(_) | Self::Unproven(_), _) => self,
        }
    }
}

/// A list that is being read. Slots number its requests that may be under way side by side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Pager {
    /// One object.
    Single(SinglePager),
    /// `links.next` with a cursor.
    Cursor(CursorPager),
    /// `page=N`.
    Offset(OffsetPager),
    /// Day ranges of an offset list.
    Keyset(KeysetPager),
}

/// A request of a pager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PagerQuestion {
    /// Slot of the request.
    pub(super) slot: u32,
    /// Address of the request.
    pub(super) target: RequestTarget,
    /// Whether only `total_entries` is read from the answer.
    pub(super) count_only: bool,
}

/// Effect of an answer on a pager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PagerTurn {
    /// The reading goes on, or is done.
    On,
    /// The reading begins anew: the earlier pages belong to a reading that proved wrong.
    Restarted,
}

/// Effect on a pager of a failure that may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PagerSetback {
    /// The same or a smaller page comes next.
    Same,
    /// The list is read from its beginning.
    Restart,
    /// There is nothing else to try.
    Final,
}

impl Pager {
    /// Returns a pager that reads `path` with `filters` in the way of `paging`. `from` bounds a
    /// date keyset.
    #[must_use]
    pub(super) fn new(
        paging: Paging,
        path: &str,
        filters: Vec<(String, String)>,
        from: Option<Date>,
    ) -> Self {
        let list = ListQuery::new(path, filters);
        match paging {
            Paging::Single => Self::Single(SinglePager::new(list, PageScope::Object)),
            Paging::Cursor => Self::Cursor(CursorPager::new(list)),
            Paging::Offset => Self::Offset(OffsetPager::new(list)),
            Paging::DateKeyset { nullable, .. } => {
                Self::Keyset(KeysetPager::new(list, nullable, from))
            }
        }
    }

    /// Returns a pager that reads the first page of a list and no other: a sample, which proves
    /// nothing about the rest of the list.
    #[must_use]
    pub(super) fn sample(path: &str, filters: Vec<(String, String)>, per_page: u32) -> Self {
        let list = ListQuery { per_page, ..ListQuery::new(path, filters) };
        Self::Single(SinglePager::new(list, PageScope::FirstPage))
    }

    /// Returns the next request that may start now, beside those under way.
    pub(super) fn next(&mut self) -> Option<PagerQuestion> {
        match self {
            Self::Single(single) => single.next(),
            Self::Cursor(cursor) => cursor.next(),
            Self::Offset(offset) => offset.next(),
            Self::Keyset(keyset) => keyset.next(),
        }
    }

    /// Takes an answer.
    pub(super) fn on_page(&mut self, slot: u32, facts: &PageFacts) -> PagerTurn {
        match self {
            Self::Single(single) => {
                single.done = true;
                PagerTurn::On
            }
            Self::Cursor(cursor) => cursor.on_page(facts),
            Self::Offset(offset) => offset.on_page(facts),
            Self::Keyset(keyset) => keyset.on_page(slot, facts),
        }
    }

    /// Frees the slot of a failed request, so that `next` asks again, perhaps for less. `last`: the
    /// retries of this very request are used up.
    pub(super) fn on_failure(
        &mut self,
        slot: u32,
        failure: &RequestFailure,
        last: bool,
    ) -> PagerSetback {
        match self {
            Self::Single(single) => {
                single.asked = false;
                if gives_up(failure, last, false) {
                    PagerSetback::Final
                } else {
                    PagerSetback::Same
                }
            }
            Self::Cursor(cursor) => cursor.on_failure(failure, last),
            Self::Offset(offset) => offset.on_failure(failure, last),
            Self::Keyset(keyset) => keyset.on_failure(slot, failure, last),
        }
    }

    /// Whether no request is left to send or to await.
    #[must_use]
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Single(single) => single.done,
            Self::Cursor(cursor) => cursor.is_done(),
            Self::Offset(offset) => offset.is_done(),
            Self::Keyset(keyset) => keyset.is_done(),
        }
    }

    /// Returns the proof of the finished reading.
    #[must_use]
    pub(super) fn proof(&self) -> ListProof {
        match self {
            Self::Single(single) => single.proof(),
            Self::Cursor(cursor) => cursor.proof(),
            Self::Offset(offset) => offset.proof(),
            Self::Keyset(keyset) => keyset.proof(),
        }
    }

    /// Returns the days that the finished reading proves complete; `None`: none.
    #[must_use]
    pub(super) fn days(&self) -> Option<ProvenDays> {
        if let Self::Keyset(keyset) = self {
            return keyset.days();
        }
        (self.proof() == ListProof::Proven).then_some(ProvenDays::All)
    }

    /// Returns a remark about odd records, for display.
    #[must_use]
    pub(super) fn remark(&self) -> Option<String> {
        if let Self::Keyset(keyset) = self { keyset.remark() } else { None }
    }

    /// Begins anew, for a second reading of the same list.
    pub(super) fn restart(&mut self) {
        match self {
            Self::Single(single) => {
                single.asked = false;
                single.done = false;
            }
            Self::Cursor(cursor) => cursor.restart(),
            Self::Offset(offset) => offset.begin_anew(),
            Self::Keyset(keyset) => keyset.restart(),
        }
    }

    /// Frees the requests that were under way when the reading was saved.
    pub(super) fn resumed(&mut self) {
        match self {
            Self::Single(single) => single.asked = false,
            Self::Cursor(cursor) => cursor.resumed(),
            Self::Offset(offset) => offset.resumed(),
            Self::Keyset(keyset) => keyset.resumed(),
        }
    }
}
