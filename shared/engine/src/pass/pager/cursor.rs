//! A list whose pages follow each other by `links.next`.

use serde::{Deserialize, Serialize};

use super::super::chain::{Chain, Flaw, Following, Verdict};
use super::super::{PROOF_TRIES, PageFacts, Target};
use super::{List, Proof, Question, Setback, Turn, gives_up};
use crate::retry::Failure;

/// Reading of a cursor list: no record shifts meanwhile. Its end and its total prove it whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::pass) struct Cursor {
    list: List,
    link: Option<String>,
    asked: bool,
    done: bool,
    restarts: u32,
    #[serde(default)]
    chain: Chain,
    /// Reason for which the last whole reading is not believed.
    #[serde(default)]
    flaw: Option<Flaw>,
    /// Number of readings that did not add up.
    #[serde(default)]
    tries: u32,
}

impl Cursor {
    pub(super) fn new(list: List) -> Self {
        Self {
            list,
            link: None,
            asked: false,
            done: false,
            restarts: 0,
            chain: Chain::default(),
            flaw: None,
            tries: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<Question> {
        if self.asked || self.done {
            return None;
        }
        self.asked = true;
        let target = self.link.clone().map_or_else(|| self.list.first_page(), Target::Link);
        Some(Question { slot: 0, target, count_only: false })
    }

    pub(super) fn on_page(&mut self, facts: &PageFacts) -> Turn {
        self.asked = false;
        self.list.trouble = 0;
        match self.chain.take(facts, Following::Links) {
            Verdict::GoesOn => {
                self.link.clone_from(&facts.next);
                Turn::On
            }
            Verdict::Whole => {
                self.flaw = None;
                self.end()
            }
            Verdict::Broken(flaw) => {
                self.flaw = Some(flaw);
                self.tries = self.tries.saturating_add(1);
                if self.tries >= PROOF_TRIES {
                    return self.end();
                }
                self.begin();
                Turn::Restarted
            }
        }
    }

    fn end(&mut self) -> Turn {
        self.done = true;
        self.chain = Chain::default();
        Turn::On
    }

    /// Goes back to the first page.
    fn begin(&mut self) {
        self.link = None;
        self.chain = Chain::default();
    }

    pub(super) fn on_failure(&mut self, failure: &Failure, last: bool) -> Setback {
        self.asked = false;
        let refused =
            matches!(failure, Failure::Invalid(_) | Failure::NotFound | Failure::ForeignLink);
        let shrunk = self.list.shrink_after(failure);
        // A link that is refused may be too old, and a link fixes the page size: in both cases from
        // the start.
        let again = refused && self.restarts < PROOF_TRIES;
        if self.link.is_some() && (shrunk || again) {
            self.restarts = self.restarts.saturating_add(u32::from(refused));
            self.begin();
            return Setback::Restart;
        }
        if refused {
            // The saved link would only be refused again in the next run.
            self.begin();
            self.restarts = 0;
        }
        if gives_up(failure, last, shrunk) { Setback::Final } else { Setback::Same }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn proof(&self) -> Proof {
        self.flaw.as_ref().map_or(Proof::Proven, |flaw| flaw.proof(&self.list.path))
    }

    pub(super) fn restart(&mut self) {
        *self = Self::new(self.list.clone());
    }

    pub(super) fn resumed(&mut self) {
        self.asked = false;
    }
}
