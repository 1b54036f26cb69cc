//! Record of a run in the state, until it is a row of the ledger (`ledger`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pass::Pass;
use crate::report::RowCounts;
use crate::time::Timestamp;

/// Record of one run: counts, times and codes, never a value of a record or a text of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Start of the run. No two runs of one stream have the same.
    pub began: Timestamp,
    /// End of the run; for a run that never came back, the time at which that was noticed.
    pub ended: Timestamp,
    /// The pass that it worked on.
    pub pass: Pass,
    /// Word for its end: `complete`, `waiting`, `stopped`, `failed` or `lost`.
    pub outcome: Cow<'static, str>,
    /// Code of the error of a failed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// Numbers of requests, bytes and records.
    #[serde(flatten)]
    pub traffic: RunTraffic,
    /// Rows that it changed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub counts: RowCounts,
    /// Records that could not become rows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub quarantined: u64,
    /// Version of the table at its end; `None` for a run that did not open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Rows of the table at its end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rows: u64,
    /// Age of the data at its end, in seconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lag: u64,
    /// Release of harvest-lake that ran.
    pub release: Cow<'static, str>,
    /// Number of records before this one that were dropped, because nobody filed them in time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropped: u64,
}

impl RunRecord {
    /// Returns the record of a run of `release` that ends as `complete` and has done nothing.
    #[must_use]
    pub fn new(began: Timestamp, ended: Timestamp, pass: Pass, release: &'static str) -> Self {
        Self {
            began,
            ended,
            pass,
            outcome: "complete".into(),
            error: None,
            traffic: RunTraffic::default(),
            counts: RowCounts::default(),
            quarantined: 0,
            version: None,
            rows: 0,
            lag: 0,
            release: release.into(),
            dropped: 0,
        }
    }
}

/// Numbers of what a run sent and received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunTraffic {
    /// Requests sent, retries and confirmations included.
    #[serde(skip_serializing_if = "is_default")]
    pub requests: u64,
    /// Answers 429, which ask to wait.
    #[serde(skip_serializing_if = "is_default")]
    pub throttled: u64,
    /// Requests that failed, those answered with 429 included. Most are sent again.
    #[serde(skip_serializing_if = "is_default")]
    pub failed: u64,
    /// Size of the answers without compression, in bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub bytes: u64,
    /// Records read.
    #[serde(skip_serializing_if = "is_default")]
    pub records: u64,
}

/// Whether a member has the value that it gets if it is left out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Newest record of each stream that is in the ledger, by the start of its run.
pub type FiledRuns = BTreeMap<String, Timestamp>;
