//! What a process last heard of Harvest outside of records.

use std::sync::PoisonError;

use engine::present::Present;
use engine::time::{Timestamp, between, plus};

use crate::account::Person;

/// What this process last heard of Harvest outside of records.
#[derive(Debug, Default)]
pub struct LastHeard {
    /// Who the token was when a run last asked.
    pub(crate) person: tokio::sync::Mutex<Option<(Timestamp, Person)>>,
    /// The `Date` of the last answer that had one, and when that was by our clock.
    date: std::sync::Mutex<Option<(Timestamp, Timestamp)>>,
}

impl LastHeard {
    /// An answer came at `now` and had this `Date`.
    pub(crate) fn date(&self, date: Option<Timestamp>, now: Timestamp) {
        if let Some(date) = date {
            *self.date.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, now));
        }
    }

    /// The present, at `now` by our clock.
    pub(crate) fn present(&self, now: Timestamp) -> Present {
        let heard = *self.date.lock().unwrap_or_else(PoisonError::into_inner);
        Present::new(now, heard.map(|(date, then)| plus(date, between(then, now))))
    }
}
