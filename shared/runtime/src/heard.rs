//! Facts that a process last heard from Harvest outside of records.

use std::sync::PoisonError;

use engine::present::Present;
use engine::time::{Timestamp, between, plus};

/// The person of the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenPerson {
    /// Id of the person; `None` where the answer has no usable one.
    pub id: Option<i64>,
    /// First and last name.
    pub name: String,
    /// `access_roles`, sorted; only [`UNKNOWN_ROLES`](engine::account::UNKNOWN_ROLES) where the
    /// answer has no usable ones.
    pub roles: Vec<String>,
    /// Sentences for people about members that were not usable.
    pub doubts: Vec<String>,
}

/// Facts that this process last heard from Harvest outside of records.
#[derive(Debug, Default)]
pub struct LastHeard {
    /// Person of the token, and when a run last asked for it.
    pub(crate) person: tokio::sync::Mutex<Option<(Timestamp, TokenPerson)>>,
    /// `Date` of the last answer that had one, and our time of that answer.
    date: std::sync::Mutex<Option<(Timestamp, Timestamp)>>,
}

impl LastHeard {
    /// Records the `Date` of an answer that came at `now`.
    pub(crate) fn date(&self, date: Option<Timestamp>, now: Timestamp) {
        if let Some(date) = date {
            *self.date.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, now));
        }
    }

    /// Returns the present at `now` of our clock.
    pub(crate) fn present(&self, now: Timestamp) -> Present {
        let heard = *self.date.lock().unwrap_or_else(PoisonError::into_inner);
        Present::new(now, heard.map(|(date, then)| plus(date, between(then, now))))
    }
}
