//! Reading one list page by page: cursor lists, offset lists, single objects.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::keyset::Keyset;
use super::{LEAST_PER_PAGE, PER_PAGE, PROOF_TRIES, PageFacts, Target};
use crate::key::Key;
use crate::retry::Failure;
use crate::spec::Paging;
use crate::time::Date;

/// Whether a finished reading proves that its list holds nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Every record was seen.
    Proven,
    /// Records may be missing; says where, for people.
    Unproven(String),
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

    /// Counts a failure; after two time-outs or 5xx in a row pages get half as large, and the
    /// answer is true.
    pub(super) fn shrink_after(&mut self, failure: &Failure) -> bool {
        if !matches!(failure, Failure::TimedOut | Failure::Server(_)) {
            return false;
        }
        self.trouble = self.trouble.saturating_add(1);
        if self.trouble < 2 || self.per_page <= LEAST_PER_PAGE {
            return false;
        }
        self.trouble = 0;
        self.per_page = (self.per_page / 2).max(LEAST_PER_PAGE);
        true
    }
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
                if last { Setback::Final } else { Setback::Same }
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
            Self::Cursor(cursor) => cursor.done,
            Self::Offset(offset) => offset.is_done(),
            Self::Keyset(keyset) => keyset.is_done(),
        }
    }

    /// What the finished reading proves.
    #[must_use]
    pub(super) fn proof(&self) -> Proof {
        match self {
            Self::Cursor(cursor) if cursor.circles => {
                Proof::Unproven(format!("{}: links.next leads to its own page", cursor.list.path))
            }
            Self::Single(_) | Self::Cursor(_) => Proof::Proven,
            Self::Offset(offset) => offset.proof(),
            Self::Keyset(keyset) => keyset.proof(),
        }
    }

    /// Begins anew, for a second reading of the same list.
    pub(super) fn restart(&mut self) {
        match self {
            Self::Single(single) => {
                single.asked = false;
                single.done = false;
            }
            Self::Cursor(cursor) => *cursor = Cursor::new(cursor.list.clone()),
            Self::Offset(offset) => *offset = Offset::new(offset.list.clone()),
            Self::Keyset(keyset) => keyset.restart(),
        }
    }

    /// Forgets what was under way when the reading was saved.
    pub(super) fn resumed(&mut self) {
        match self {
            Self::Single(single) => single.asked = false,
            Self::Cursor(cursor) => cursor.asked = false,
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

/// A cursor list: nothing shifts while it is read, its end proves it whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Cursor {
    list: List,
    link: Option<String>,
    asked: bool,
    done: bool,
    circles: bool,
    restarts: u32,
}

impl Cursor {
    fn new(list: List) -> Self {
        Self { list, link: None, asked: false, done: false, circles: false, restarts: 0 }
    }

    fn next(&mut self) -> Option<Question> {
        if self.asked || self.done {
            return None;
        }
        self.asked = true;
        let target = self.link.clone().map_or_else(|| self.list.first_page(), Target::Link);
        Some(Question { slot: 0, target, count_only: false })
    }

    fn on_page(&mut self, facts: &PageFacts) -> Turn {
        self.asked = false;
        self.list.trouble = 0;
        self.circles = facts.next.is_some() && facts.next == self.link;
        self.done = facts.next.is_none() || self.circles;
        self.link.clone_from(&facts.next);
        Turn::On
    }

    fn on_failure(&mut self, failure: &Failure, last: bool) -> Setback {
        self.asked = false;
        let refused = matches!(failure, Failure::Invalid(_) | Failure::NotFound);
        let shrunk = self.list.shrink_after(failure);
        // A saved link that is refused, or a link that asks for too much at once: from the start.
        if self.link.is_some() && (refused || shrunk) && self.restarts < PROOF_TRIES {
            self.restarts = self.restarts.saturating_add(1);
            self.link = None;
            return Setback::Restart;
        }
        if last { Setback::Final } else { Setback::Same }
    }
}

/// An offset list: rows shift while it is read, so several pages must add up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Offset {
    list: List,
    page: u32,
    total: Option<u64>,
    steady: bool,
    seen: BTreeSet<Key>,
    quarantined: u64,
    line: Line,
    proven: bool,
    tries: u32,
}

/// Where a line of requests stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Line {
    /// The next request may be sent.
    Free,
    /// An answer is awaited.
    Asked,
    /// Nothing is left to ask.
    Done,
}

impl Offset {
    pub(super) fn new(list: List) -> Self {
        Self {
            list,
            page: 1,
            total: None,
            steady: true,
            seen: BTreeSet::new(),
            quarantined: 0,
            line: Line::Free,
            proven: false,
            tries: 1,
        }
    }

    pub(super) fn next(&mut self) -> Option<Question> {
        if self.line != Line::Free {
            return None;
        }
        self.line = Line::Asked;
        let target = if self.page > 1 {
            self.list.with(&[("page", self.page.to_string())], self.list.per_page)
        } else {
            self.list.first_page()
        };
        Some(Question { slot: 0, target, count_only: false })
    }

    pub(super) fn on_page(&mut self, facts: &PageFacts) -> Turn {
        self.line = Line::Free;
        self.list.trouble = 0;
        let single = self.page == 1 && facts.next.is_none();
        self.steady &= self.page == 1 || (self.total == facts.total_entries);
        self.total = facts.total_entries;
        self.seen.extend(facts.keys.iter().cloned());
        self.quarantined = self.quarantined.saturating_add(facts.quarantined);
        if facts.next.is_some() && facts.records() > 0 {
            self.page = self.page.saturating_add(1);
            return Turn::On;
        }
        // One answer is atomic: it needs no second witness but its own total.
        let read = if single {
            facts.records()
        } else {
            (self.seen.len() as u64).saturating_add(self.quarantined)
        };
        self.proven = self.steady && self.total.map_or(single, |total| total == read);
        if self.proven || self.tries >= PROOF_TRIES {
            self.line = Line::Done;
            self.seen.clear();
            return Turn::On;
        }
        self.tries = self.tries.saturating_add(1);
        self.restart();
        Turn::Restarted
    }

    fn restart(&mut self) {
        self.page = 1;
        self.total = None;
        self.steady = true;
        self.seen.clear();
        self.quarantined = 0;
    }

    pub(super) fn on_failure(&mut self, failure: &Failure, last: bool) -> Setback {
        self.line = Line::Free;
        if self.list.shrink_after(failure) {
            let again = self.page > 1;
            self.restart();
            return if again { Setback::Restart } else { Setback::Same };
        }
        if last { Setback::Final } else { Setback::Same }
    }

    pub(super) fn is_done(&self) -> bool {
        self.line == Line::Done
    }

    pub(super) fn is_proven(&self) -> bool {
        self.proven
    }

    fn proof(&self) -> Proof {
        if self.proven {
            Proof::Proven
        } else {
            Proof::Unproven(format!("{} changed while its pages were read", self.list.path))
        }
    }

    pub(super) fn resumed(&mut self) {
        // Pages read in another process were kept; whether they add up can no longer be told.
        if !self.is_done() {
            self.line = Line::Free;
            self.restart();
        }
    }
}
