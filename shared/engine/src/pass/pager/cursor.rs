//! A list whose pages follow each other by `links.next`.

use serde::{Deserialize, Serialize};

use super::super::chain::{ChainFlaw, ChainLinkage, ChainVerdict, PageChain};
use super::super::{PROOF_TRIES, PageFacts, RequestTarget};
use super::query::{ListQuery, gives_up};
use super::{ListProof, PagerQuestion, PagerSetback, PagerTurn};
use crate::retry::RequestFailure;

/// Reading of a cursor list: no record shifts meanwhile. Its end and its total prove it whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::pass) struct CursorPager {
    list: ListQuery,
    /// The next page; `None`: the first one.
    link: Option<String>,
    /// Whether an answer is awaited.
    asked: bool,
    done: bool,
    /// Number of times that the list began anew because a link was refused.
    restarts: u32,
    /// Kept over processes, unlike that of an offset list: no record shifts between two pages.
    #[serde(default)]
    chain: PageChain,
    /// Reason for which the whole readings so far are not believed.
    #[serde(default)]
    flaw: Option<ChainFlaw>,
    /// Number of readings that did not add up.
    #[serde(default)]
    tries: u32,
}

impl CursorPager {
    pub(super) fn new(list: ListQuery) -> Self {
        Self {
            list,
            link: None,
            asked: false,
            done: false,
            restarts: 0,
            chain: PageChain::default(),
            flaw: None,
            tries: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<PagerQuestion> {
        if self.asked || self.done {
            return None;
        }
        self.asked = true;
        let target = self.link.clone().map_or_else(|| self.list.first_page(), RequestTarget::Link);
        Some(PagerQuestion { slot: 0, target, count_only: false })
    }

    pub(super) fn on_page(&mut self, facts: &PageFacts) -> PagerTurn {
        self.asked = false;
        self.list.trouble = 0;
        match self.chain.take(facts, ChainLinkage::Links) {
            ChainVerdict::GoesOn => {
                self.link.clone_from(&facts.next);
                PagerTurn::On
            }
            ChainVerdict::Whole => {
                self.flaw = None;
                self.end()
            }
            ChainVerdict::Broken(flaw) => {
                self.flaw = Some(flaw.after(self.flaw.take()));
                self.tries = self.tries.saturating_add(1);
                if self.tries >= PROOF_TRIES {
                    return self.end();
                }
                self.begin();
                PagerTurn::Restarted
            }
        }
    }

    /// Ends the reading. The keys of the chain are not needed any more, and would be saved.
    fn end(&mut self) -> PagerTurn {
        self.done = true;
        self.chain = PageChain::default();
        PagerTurn::On
    }

    /// Goes back to the first page.
    fn begin(&mut self) {
        self.link = None;
        self.chain = PageChain::default();
    }

    pub(super) fn on_failure(&mut self, failure: &RequestFailure, last: bool) -> PagerSetback {
        self.asked = false;
        let refused = matches!(
            failure,
            RequestFailure::Invalid(_) | RequestFailure::NotFound | RequestFailure::ForeignLink
        );
        let shrunk = self.list.shrink_after(failure);
        // A link that is refused may be too old, and a link fixes the page size: in both cases from
        // the start.
        let again = refused && self.restarts < PROOF_TRIES;
        if self.link.is_some() && (shrunk || again) {
            self.restarts = self.restarts.saturating_add(u32::from(refused));
            self.begin();
            return PagerSetback::Restart;
        }
        if refused {
            // The saved link would only be refused again in the next run.
            self.begin();
            self.restarts = 0;
        }
        if gives_up(failure, last, shrunk) { PagerSetback::Final } else { PagerSetback::Same }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn proof(&self) -> ListProof {
        self.flaw.as_ref().map_or(ListProof::Proven, |flaw| flaw.proof(&self.list.path))
    }

    pub(super) fn restart(&mut self) {
        *self = Self::new(self.list.clone());
    }

    pub(super) fn resumed(&mut self) {
        self.asked = false;
    }
}
