//! Reading one list page by page: cursor lists, offset lists, single objects.

mod cursor;
mod offset;

use serde::{Deserialize, Serialize};

pub(super) use cursor::Cursor;
pub(super) use offset::Offset;

use super::keyset::Keyset;
use super::sweep::Days;
use super::{LEAST_PER_PAGE, PER_PAGE, PageFacts, Target};
use crate::retry::{Failure, Smaller};
use crate::spec::Paging;
use crate::time::Date;

/// Whether a finished reading proves that its list holds nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Every record was seen.
    Proven,
    /// The list changed while it was read, so that records may be missing; says where, for people.
    Unproven(String),
    /// The answers contradict themselves, so that records may be missing; says how, for people.
    Contradictory(String),
}

impl Proof {
    /// Why records may be missing; `None`: none is.
    #[must_use]
    pub fn doubt(&self) -> Option<&str> {
        match self {
            Self::Proven => None,
            Self::Unproven(why) | Self::Contradictory(why) => Some(why),
        }
    }

    /// Proof of two readings together: a contradiction weighs more than a list that moved.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Proven, _) | (Self::Unproven(_), Self::Contradictory(_)) => other,
            (Self::Contradictory(_) | Self::Unproven(_), _) => self,
        }
    }
}

/// A list that is being read. Slots name its requests that may be under way side by side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Pager {
    /// One object.
    Single(Single),
    /// `links.next` with a cursor.
    Cursor(Cursor),
    /// `page=N`.
    Offset(Offset),
    /// Day ranges of an offset list.
    Keyset(Keyset),
}

/// A request of a pager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// Which of the pager's lines of requests.
    pub(super) slot: u32,
    /// What to GET.
    pub(super) target: Target,
    /// Whether only `total_entries` is wanted.
    pub(super) count_only: bool,
}

/// What an answer did to a pager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It goes on, or is done.
    On,
    /// It begins anew: what came before belongs to a reading that proved wrong.
    Restarted,
}

/// How a pager takes a failure that it was told to ask again after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setback {
    /// The same or a smaller page comes next.
    Same,
    /// The list is read from its beginning.
    Restart,
    /// There is nothing else to try.
    Final,
}

/// The list's path and filters, and how large its pages are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct List {
    /// Below the base URL.
    pub(super) path: String,
    /// Query parameters but for paging.
    pub(super) filters: Vec<(String, String)>,
    /// Records per page.
    pub(super) per_page: u32,
    /// Time-outs and 5xx in a row.
    #[serde(default)]
    pub(super) trouble: u32,
}

impl List {
    /// A list with the largest pages.
    #[must_use]
    pub(super) fn new(path: impl Into<String>, filters: Vec<(String, String)>) -> Self {
        Self { path: path.into(), filters, per_page: PER_PAGE, trouble: 0 }
    }

    pub(super) fn first_page(&self) -> Target {
        self.with(&[], self.per_page)
    }

    pub(super) fn with(&self, more: &[(&str, String)], per_page: u32) -> Target {
        let mut query = self.filters.clone();
        query.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        query.push(("per_page".to_owned(), per_page.to_string()));
        Target::Path { path: self.path.clone(), query }
    }

    /// Counts a failure, and whether pages get half as large for it: after two time-outs or 5xx in a
    /// row, and at once after an answer that is too large.
    pub(super) fn shrink_after(&mut self, failure: &Failure) -> bool {
        let (patience, least) = match failure.asks_for_smaller_pages() {
            Smaller::No => return false,
            Smaller::WhenRepeated => (2, LEAST_PER_PAGE),
            Smaller::AtOnce => (1, 1),
        };
        self.trouble = self.trouble.saturating_add(1);
        if self.trouble < patience || self.per_page <= least {
            return false;
        }
        self.trouble = 0;
        self.per_page = (self.per_page / 2).max(least);
        true
    }
}

/// Whether a failed request is to be given up: its retries are used up (`last`), or one that asks
/// for less cannot be made of it.
pub(super) fn gives_up(failure: &Failure, last: bool, shrunk: bool) -> bool {
    !shrunk && (last || failure.asks_for_smaller_pages() == Smaller::AtOnce)
}

impl Pager {
    /// Reads `path` with `filters` as `paging` says. `from` bounds a date keyset.
    #[must_use]
    pub(super) fn new(
        paging: Paging,
        path: &str,
        filters: Vec<(String, String)>,
        from: Option<Date>,
    ) -> Self {
        let list = List::new(path, filters);
        match paging {
            Paging::Single => Self::Single(Single { list, asked: false, done: false }),
            Paging::Cursor => Self::Cursor(Cursor::new(list)),
            Paging::Offset => Self::Offset(Offset::new(list)),
            Paging::DateKeyset { nullable, .. } => Self::Keyset(Keyset::new(list, nullable, from)),
        }
    }

    /// The next request that may start now, beside those under way.
    pub(super) fn next(&mut self) -> Option<Question> {
        match self {
            Self::Single(single) => single.next(),
            Self::Cursor(cursor) => cursor.next(),
            Self::Offset(offset) => offset.next(),
            Self::Keyset(keyset) => keyset.next(),
        }
    }

    /// Takes an answer.
    pub(super) fn on_page(&mut self, slot: u32, facts: &PageFacts) -> Turn {
        match self {
            Self::Single(single) => {
                single.done = true;
                Turn::On
            }
            Self::Cursor(cursor) => cursor.on_page(facts),
            Self::Offset(offset) => offset.on_page(facts),
            Self::Keyset(keyset) => keyset.on_page(slot, facts),
        }
    }

    /// Frees the slot of a failed request, so that `next` asks again, perhaps for less.
    /// `last` says that the retries of this very request are used up.
    pub(super) fn on_failure(&mut self, slot: u32, failure: &Failure, last: bool) -> Setback {
        match self {
            Self::Single(single) => {
                single.asked = false;
                if gives_up(failure, last, false) { Setback::Final } else { Setback::Same }
            }
            Self::Cursor(cursor) => cursor.on_failure(failure, last),
            Self::Offset(offset) => offset.on_failure(failure, last),
            Self::Keyset(keyset) => keyset.on_failure(slot, failure, last),
        }
    }

    /// Whether nothing is left to ask or to await.
    #[must_use]
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Single(single) => single.done,
            Self::Cursor(cursor) => cursor.is_done(),
            Self::Offset(offset) => offset.is_done(),
            Self::Keyset(keyset) => keyset.is_done(),
        }
    }

    /// What the finished reading proves.
    #[must_use]
    pub(super) fn proof(&self) -> Proof {
        match self {
            Self::Single(_) => Proof::Proven,
            Self::Cursor(cursor) => cursor.proof(),
            Self::Offset(offset) => offset.proof(),
            Self::Keyset(keyset) => keyset.proof(),
        }
    }

    /// The days that the finished reading proves complete; `None`: nothing.
    #[must_use]
    pub(super) fn days(&self) -> Option<Days> {
        if let Self::Keyset(keyset) = self {
            return keyset.days();
        }
        (self.proof() == Proof::Proven).then_some(Days::All)
    }

    /// Oddities of the records, for people.
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

    /// Forgets what was under way when the reading was saved.
    pub(super) fn resumed(&mut self) {
        match self {
            Self::Single(single) => single.asked = false,
            Self::Cursor(cursor) => cursor.resumed(),
            Self::Offset(offset) => offset.resumed(),
            Self::Keyset(keyset) => keyset.resumed(),
        }
    }
}

/// One object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Single {
    list: List,
    asked: bool,
    done: bool,
}

impl Single {
    fn next(&mut self) -> Option<Question> {
        if self.asked || self.done {
            return None;
        }
        self.asked = true;
        let target = Target::path(self.list.path.clone());
        Some(Question { slot: 0, target, count_only: false })
    }
}
