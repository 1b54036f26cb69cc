//! One reading of a stream as steps: the next request, and the proof that an answer gives.
//!
//! A [`Reading`] hands out requests, several at a time where their order does not matter, takes the
//! facts of each answer, and says when its records are complete. It never sees a record, a clock or
//! a connection; saved as JSON it goes on in another process.

mod chain;
mod compact;
mod control;
mod facts;
mod keyset;
mod pager;
mod parents;
mod reading;
mod sweep;
mod units;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use compact::{AbsentRows, IdSet};
pub use facts::{PageFacts, RecordIds};
pub use pager::ListProof;
pub use parents::{ParentFound, ParkedParent, TableUnits};
pub use reading::{AfterFailure, ListingSample, Reading, ReadingPlan, ReadingStep};
pub use sweep::{MissingRows, MissingScope, ProvenDays};

use crate::retry::RequestFailure;
use crate::time::Timestamp;
use crate::window::Period;

/// Largest page that Harvest serves, and its default.
pub const PER_PAGE: u32 = 2000;
/// Records per page below which pages are not made smaller after time-outs and 5xx.
pub const LEAST_PER_PAGE: u32 = 100;
/// Number of tries for a reading that its totals disprove, before its records count as unproven.
pub const PROOF_TRIES: u32 = 3;

/// One of the two readings of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    /// Records that changed since the cursor.
    Incremental,
    /// All records: the first load, later a sweep.
    Full,
}

impl Pass {
    /// Returns `incremental` or `full`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incremental => "incremental",
            Self::Full => "full",
        }
    }
}

/// Address of a GET request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestTarget {
    /// A path below the base URL, such as `/clients`, with query parameters in order.
    Path {
        /// Begins with `/`.
        path: String,
        /// Names and values, not yet encoded.
        query: Vec<(String, String)>,
    },
    /// A `links.next` of an earlier answer; followed only within the configured origin.
    Link(String),
}

impl RequestTarget {
    /// Returns a path without parameters.
    #[must_use]
    pub fn path(path: impl Into<String>) -> Self {
        Self::Path { path: path.into(), query: Vec::new() }
    }
}

/// The parent of a list of children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Parent {
    /// Its id.
    pub id: i64,
    /// Year of its `created_at` in UTC; `None` where that is null.
    pub created_year: Option<i64>,
}

/// The part of a stream that is read and kept as one: all of its records or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unit {
    /// The whole stream, not cut into parts; each page of a listing is kept by itself.
    Stream,
    /// The children of one parent.
    Parent(Parent),
    /// One report window.
    Window(Period),
}

impl Unit {
    /// Returns the parent whose children the unit holds.
    #[must_use]
    pub const fn parent(self) -> Option<Parent> {
        match self {
            Self::Parent(parent) => Some(parent),
            Self::Stream | Self::Window(_) => None,
        }
    }

    /// Returns the days of a report window.
    #[must_use]
    pub const fn period(self) -> Option<Period> {
        match self {
            Self::Window(period) => Some(period),
            Self::Stream | Self::Parent(_) => None,
        }
    }
}

/// Purpose of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerPurpose {
    /// Records of the stream, of this unit.
    Records(Unit),
    /// Records of the trigger, for the parents that they name.
    Parents,
    /// `total_entries` alone.
    Count,
    /// Whether the parent still exists: 200 or 404.
    Existence(Parent),
    /// One record of the stream by its own URL: 200 or 404.
    Record,
    /// Whether the record whose deletion deletes others still exists: 200 or 404.
    Along,
}

/// A request that may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Number of the request until it is answered or given up.
    pub id: u64,
    /// Address of the request.
    pub target: RequestTarget,
    /// Purpose of the answer: how to decode it.
    pub purpose: AnswerPurpose,
}

/// Effect of an answer on the collected records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerEffect {
    /// The page's records are kept as they are.
    Keep,
    /// The page's records belong to this unit and wait until it is complete.
    Hold(Unit),
    /// The unit's waiting records are kept; `covered` is set if the reading proves the unit
    /// complete.
    Complete {
        /// The unit.
        unit: Unit,
        /// Beginning of the reading that proves the unit complete; `None`: no proof.
        covered: Option<Timestamp>,
    },
    /// The unit's waiting records are dropped: it is read again from its beginning.
    Drop(Unit),
    /// Rows with these ids are gone from Harvest, except rows that were written since `begun`.
    Gone {
        /// The ids.
        ids: BTreeSet<i64>,
        /// Time at which the reading that missed them began.
        begun: Timestamp,
    },
}

/// Reason for which a reading cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopReason {
    /// Path that failed, for display: `/clients`.
    pub what: String,
    /// The failure.
    pub failure: RequestFailure,
}

#[cfg(test)]
mod tests;
