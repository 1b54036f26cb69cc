//! A list whose pages are numbered.

use serde::{Deserialize, Serialize};

use super::super::chain::{ChainFlaw, ChainLinkage, ChainVerdict, PageChain};
use super::super::{PROOF_TRIES, PageFacts};
use super::query::{ListQuery, gives_up};
use super::{ListProof, PagerQuestion, PagerSetback, PagerTurn};
use crate::retry::RequestFailure;

/// Reading of an offset list: records shift meanwhile, so several pages must add up.
///
/// If a record of page 1 is deleted before page 2 is asked for, the first record of page 2 moves to
/// page 1 and is never seen. Only a total that stays the same and equals the distinct keys excludes
/// that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::pass) struct OffsetPager {
    list: ListQuery,
    /// Not saved: whether pages of two processes add up cannot be told.
    #[serde(skip)]
    chain: PageChain,
    line: PageLine,
    #[serde(default)]
    flaw: Option<ChainFlaw>,
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

impl OffsetPager {
    pub(in crate::pass) fn new(list: ListQuery) -> Self {
        Self { list, chain: PageChain::default(), line: PageLine::Free, flaw: None, tries: 1 }
    }

    pub(in crate::pass) fn next(&mut self) -> Option<PagerQuestion> {
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
        Some(PagerQuestion { slot: 0, target, count_only: false })
    }

    pub(in crate::pass) fn on_page(&mut self, facts: &PageFacts) -> PagerTurn {
        self.line = PageLine::Free;
        self.list.trouble = 0;
        let flaw = match self.chain.take(facts, ChainLinkage::Numbers) {
            ChainVerdict::GoesOn => return PagerTurn::On,
            ChainVerdict::Whole => None,
            ChainVerdict::Broken(flaw) => Some(flaw.after(self.flaw.take())),
        };
        self.chain = PageChain::default();
        self.flaw = flaw;
        if self.flaw.is_none() || self.tries >= PROOF_TRIES {
            self.line = PageLine::Done;
            return PagerTurn::On;
        }
        self.tries = self.tries.saturating_add(1);
        PagerTurn::Restarted
    }

    pub(in crate::pass) fn on_failure(
        &mut self,
        failure: &RequestFailure,
        last: bool,
    ) -> PagerSetback {
        self.line = PageLine::Free;
        if self.list.shrink_after(failure) {
            let again = self.chain.pages() > 0;
            self.chain = PageChain::default();
            return if again { PagerSetback::Restart } else { PagerSetback::Same };
        }
        if gives_up(failure, last, false) { PagerSetback::Final } else { PagerSetback::Same }
    }

    /// Begins a second reading of the same list.
    pub(in crate::pass) fn begin_anew(&mut self) {
        *self = Self::new(self.list.clone());
    }

    pub(in crate::pass) fn is_done(&self) -> bool {
        self.line == PageLine::Done
    }

    pub(in crate::pass) fn proof(&self) -> ListProof {
        self.flaw.as_ref().map_or(ListProof::Proven, |flaw| flaw.proof(&self.list.path))
    }

    /// Returns the reason for which the finished reading is not believed.
    pub(in crate::pass) const fn flaw(&self) -> Option<&ChainFlaw> {
        self.flaw.as_ref()
    }

    pub(in crate::pass) fn resumed(&mut self) {
        // Pages read in another process were kept, but whether they add up can no longer be told:
        // the list is read again.
        if !self.is_done() {
            self.line = PageLine::Free;
            self.chain = PageChain::default();
        }
    }
}
