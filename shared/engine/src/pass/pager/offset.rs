//! A list whose pages are numbered.

use serde::{Deserialize, Serialize};

use super::super::chain::{Chain, Flaw, Following, Verdict};
use super::super::{PROOF_TRIES, PageFacts};
use super::{List, Proof, Question, Setback, Turn, gives_up};
use crate::retry::Failure;

/// Reading of an offset list: records shift meanwhile, so several pages must add up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::pass) struct Offset {
    list: List,
    /// Not saved: whether pages of two processes add up cannot be told.
    #[serde(skip)]
    chain: Chain,
    line: PageLine,
    #[serde(default)]
    flaw: Option<Flaw>,
    tries: u32,
}

/// State of a line of requests, each of which waits for the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum PageLine {
    /// The next request may be sent.
    Free,
    /// An answer is awaited.
    Asked,
    /// No page is left to ask for.
    Done,
}

impl Offset {
    pub(in crate::pass) fn new(list: List) -> Self {
        Self { list, chain: Chain::default(), line: PageLine::Free, flaw: None, tries: 1 }
    }

    pub(in crate::pass) fn next(&mut self) -> Option<Question> {
        if self.line != PageLine::Free {
            return None;
        }
        self.line = PageLine::Asked;
        let page = self.chain.pages().saturating_add(1);
        let target = if page > 1 {
            self.list.with(&[("page", page.to_string())], self.list.per_page)
        } else {
            self.list.first_page()
        };
        Some(Question { slot: 0, target, count_only: false })
    }

    pub(in crate::pass) fn on_page(&mut self, facts: &PageFacts) -> Turn {
        self.line = PageLine::Free;
        self.list.trouble = 0;
        let flaw = match self.chain.take(facts, Following::Numbers) {
            Verdict::GoesOn => return Turn::On,
            Verdict::Whole => None,
            Verdict::Broken(flaw) => Some(flaw),
        };
        self.chain = Chain::default();
        self.flaw = flaw;
        if self.flaw.is_none() || self.tries >= PROOF_TRIES {
            self.line = PageLine::Done;
            return Turn::On;
        }
        self.tries = self.tries.saturating_add(1);
        Turn::Restarted
    }

    pub(in crate::pass) fn on_failure(&mut self, failure: &Failure, last: bool) -> Setback {
        self.line = PageLine::Free;
        if self.list.shrink_after(failure) {
            let again = self.chain.pages() > 0;
            self.chain = Chain::default();
            return if again { Setback::Restart } else { Setback::Same };
        }
        if gives_up(failure, last, false) { Setback::Final } else { Setback::Same }
    }

    /// Begins a second reading of the same list.
    pub(in crate::pass) fn begin_anew(&mut self) {
        *self = Self::new(self.list.clone());
    }

    pub(in crate::pass) fn is_done(&self) -> bool {
        self.line == PageLine::Done
    }

    pub(in crate::pass) fn proof(&self) -> Proof {
        self.flaw.as_ref().map_or(Proof::Proven, |flaw| flaw.proof(&self.list.path))
    }

    /// Returns the reason for which the finished reading is not believed.
    pub(in crate::pass) const fn flaw(&self) -> Option<&Flaw> {
        self.flaw.as_ref()
    }

    pub(in crate::pass) fn resumed(&mut self) {
        // Pages read in another process were kept, but whether they add up can no longer be told:
        // the list is read again.
        if !self.is_done() {
            self.line = PageLine::Free;
            self.chain = Chain::default();
        }
    }
}
