//! A list whose pages are numbered.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::{PROOF_TRIES, PageFacts};
use super::{List, Proof, Question, Setback, Turn};
use crate::key::Key;
use crate::retry::Failure;

/// An offset list: rows shift while it is read, so several pages must add up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::pass) struct Offset {
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
    pub(in crate::pass) fn new(list: List) -> Self {
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

    pub(in crate::pass) fn next(&mut self) -> Option<Question> {
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

    pub(in crate::pass) fn on_page(&mut self, facts: &PageFacts) -> Turn {
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

    pub(in crate::pass) fn on_failure(&mut self, failure: &Failure, last: bool) -> Setback {
        self.line = Line::Free;
        if self.list.shrink_after(failure) {
            let again = self.page > 1;
            self.restart();
            return if again { Setback::Restart } else { Setback::Same };
        }
        if last { Setback::Final } else { Setback::Same }
    }

    /// A second reading of the same list.
    pub(in crate::pass) fn begin_anew(&mut self) {
        *self = Self::new(self.list.clone());
    }

    pub(in crate::pass) fn is_done(&self) -> bool {
        self.line == Line::Done
    }

    pub(in crate::pass) fn is_proven(&self) -> bool {
        self.proven
    }

    pub(in crate::pass) fn proof(&self) -> Proof {
        if self.proven {
            Proof::Proven
        } else {
            Proof::Unproven(format!("{} changed while its pages were read", self.list.path))
        }
    }

    pub(in crate::pass) fn resumed(&mut self) {
        // Pages read in another process were kept; whether they add up can no longer be told.
        if !self.is_done() {
            self.line = Line::Free;
            self.restart();
        }
    }
}
