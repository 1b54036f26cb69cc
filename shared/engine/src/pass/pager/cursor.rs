//! A list whose pages follow each other by `links.next`.

use serde::{Deserialize, Serialize};

use super::super::{PROOF_TRIES, PageFacts, Target};
use super::{List, Proof, Question, Setback, Turn};
use crate::retry::Failure;

/// A cursor list: nothing shifts while it is read, its end proves it whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::pass) struct Cursor {
    list: List,
    link: Option<String>,
    asked: bool,
    done: bool,
    circles: bool,
    restarts: u32,
}

impl Cursor {
    pub(super) fn new(list: List) -> Self {
        Self { list, link: None, asked: false, done: false, circles: false, restarts: 0 }
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
        self.circles = facts.next.is_some() && facts.next == self.link;
        self.done = facts.next.is_none() || self.circles;
        self.link.clone_from(&facts.next);
        Turn::On
    }

    pub(super) fn on_failure(&mut self, failure: &Failure, last: bool) -> Setback {
        self.asked = false;
        let refused =
            matches!(failure, Failure::Invalid(_) | Failure::NotFound | Failure::ForeignLink);
        let shrunk = self.list.shrink_after(failure);
        // A saved link that is refused, or a link that asks for too much at once: from the start.
        if self.link.is_some() && (refused || shrunk) && self.restarts < PROOF_TRIES {
            self.restarts = self.restarts.saturating_add(1);
            self.link = None;
            return Setback::Restart;
        }
        if refused {
            // The next run would only be refused again.
            self.link = None;
            self.restarts = 0;
        }
        if last { Setback::Final } else { Setback::Same }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn proof(&self) -> Proof {
        if self.circles {
            return Proof::Unproven(format!(
                "{}: links.next leads to its own page",
                self.list.path
            ));
        }
        Proof::Proven
    }

    pub(super) fn restart(&mut self) {
        *self = Self::new(self.list.clone());
    }

    pub(super) fn resumed(&mut self) {
        self.asked = false;
    }
}
