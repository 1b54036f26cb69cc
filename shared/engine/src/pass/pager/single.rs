//! Reading of a path that one answer is to hold.

use serde::{Deserialize, Serialize};

use super::super::RequestTarget;
use super::query::ListQuery;
use super::{ListProof, PagerQuestion};

/// Reading of one answer: an object, or a sample of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::pass) struct SinglePager {
    list: ListQuery,
    #[serde(default)]
    scope: PageScope,
    pub(super) asked: bool,
    pub(super) done: bool,
}

/// Part of its path that one answer is to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PageScope {
    /// The only object that the path has.
    #[default]
    Object,
    /// The first records of a list.
    FirstPage,
}

impl SinglePager {
    pub(super) const fn new(list: ListQuery, scope: PageScope) -> Self {
        Self { list, scope, asked: false, done: false }
    }

    pub(super) fn proof(&self) -> ListProof {
        match self.scope {
            PageScope::Object => ListProof::Proven,
            PageScope::FirstPage => ListProof::Unproven(format!(
                "of {} only the first records were read",
                self.list.path
            )),
        }
    }

    pub(super) fn next(&mut self) -> Option<PagerQuestion> {
        if self.asked || self.done {
            return None;
        }
        self.asked = true;
        let target = match self.scope {
            PageScope::Object => RequestTarget::path(self.list.path.clone()),
            PageScope::FirstPage => self.list.first_page(),
        };
        Some(PagerQuestion { slot: 0, target, count_only: false })
    }
}
