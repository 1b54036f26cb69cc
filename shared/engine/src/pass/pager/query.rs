//! Path, filters and page size of a list, and the page size after failures.

use serde::{Deserialize, Serialize};

use super::super::{LEAST_PER_PAGE, PER_PAGE, RequestTarget};
use crate::retry::{RequestFailure, SmallerRetry};

/// Path and filters of a list, and the size of its pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pass) struct ListQuery {
    /// Path below the base URL.
    pub(in crate::pass) path: String,
    /// Query parameters other than those for paging.
    pub(in crate::pass) filters: Vec<(String, String)>,
    /// Records per page.
    pub(in crate::pass) per_page: u32,
    /// Time-outs and 5xx in a row.
    #[serde(default)]
    pub(in crate::pass) trouble: u32,
}

impl ListQuery {
    /// Returns a list with the largest pages.
    #[must_use]
    pub(in crate::pass) fn new(path: impl Into<String>, filters: Vec<(String, String)>) -> Self {
        Self { path: path.into(), filters, per_page: PER_PAGE, trouble: 0 }
    }

    pub(in crate::pass) fn first_page(&self) -> RequestTarget {
        self.with(&[], self.per_page)
    }

    pub(in crate::pass) fn with(&self, more: &[(&str, String)], per_page: u32) -> RequestTarget {
        let mut query = self.filters.clone();
        query.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        query.push(("per_page".to_owned(), per_page.to_string()));
        RequestTarget::Path { path: self.path.clone(), query }
    }

    /// Counts a failure and returns whether it halves the page size: the second time-out or 5xx in
    /// a row does, an answer that is too large does at once.
    pub(in crate::pass) fn shrink_after(&mut self, failure: &RequestFailure) -> bool {
        let (patience, least) = match failure.asks_for_smaller_pages() {
            SmallerRetry::No => return false,
            SmallerRetry::WhenRepeated => (2, LEAST_PER_PAGE),
            SmallerRetry::AtOnce => (1, 1),
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

/// Whether a failed request is to be given up: its retries are used up (`last`), or its page is too
/// large and cannot be made smaller.
pub(in crate::pass) fn gives_up(failure: &RequestFailure, last: bool, shrunk: bool) -> bool {
    !shrunk && (last || failure.asks_for_smaller_pages() == SmallerRetry::AtOnce)
}
