//! The document of a run: what the worker answers, the history keeps, and events carry.
//!
//! `docs/json.md` describes it for other programs: member names and outcome words are a public
//! interface. The document holds counts, times and sentences, never a value of a record.

use engine::runbook::Remedy;
use engine::time::Timestamp;
use serde_json::{Value, json};

use super::{RunOutcome, RunReport, YieldReason};
use crate::error::RunError;

impl RunOutcome {
    /// Returns the word for the outcome in every document. Both ways to yield are told apart: after
    /// `waiting` another run is of no use before some instant, after `stopped` it can begin at
    /// once.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Yielded(YieldReason::Budget(_)) => "waiting",
            Self::Yielded(YieldReason::Deadline) => "stopped",
            Self::Busy { .. } => "busy",
            // Another run works on the stream, so this is no failure of it.
            Self::Failed(RunError::LostLease { .. }) => "lost",
            Self::Failed(_) => "failed",
        }
    }

    /// Returns the instant before which another run is of no use; `None` without a wait.
    #[must_use]
    pub const fn waits_until(&self) -> Option<Timestamp> {
        match self {
            Self::Yielded(YieldReason::Budget(until)) | Self::Busy { until } => Some(*until),
            Self::Failed(RunError::Waits { waiting, .. }) => Some(waiting.until),
            Self::Complete | Self::Yielded(YieldReason::Deadline) | Self::Failed(_) => None,
        }
    }
}

impl RunReport {
    /// Returns the document of the run.
    #[must_use]
    pub fn document(&self) -> Value {
        let error = self.error();
        let remedy = error.map(|error| Remedy::of(error.error_type()));
        json!({
            "stream": self.stream,
            "pass": self.pass.name(),
            "outcome": self.outcome.name(),
            "error_type": error.map(RunError::error_type),
            "error": error.map(RunError::chain),
            "advice": remedy.map(|remedy| remedy.advice),
            "runbook": remedy.map(|remedy| remedy.heading.link()),
            "waits_until": self.outcome.waits_until(),
            "began": self.began,
            "ended": self.ended,
            "requests": self.requests,
            "records": self.records,
            "counts": self.counts,
            "commits": self.commits,
            "version": self.version,
            "rows": self.rows,
            "quarantined": self.quarantined,
            "parked": self.parked,
            "warning": self.warning,
        })
    }
}
