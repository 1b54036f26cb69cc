//! Report of a run.

use std::collections::BTreeMap;

use decode::MemberDeviations;
use engine::drift::DriftFinding;
use engine::pass::Pass;
use engine::report::RowCounts;
use engine::time::Timestamp;

use crate::error::RunError;

/// End of a run.
#[derive(Debug)]
pub enum RunOutcome {
    /// The pass is complete.
    Complete,
    /// The pass goes on in another run.
    Yielded(YieldReason),
    /// Another run works on the stream.
    Busy {
        /// End of the other run's lease, which that run may still renew.
        until: Timestamp,
    },
    /// The run failed; earlier commits stay.
    Failed(RunError),
}

/// Reason for which a run stopped in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YieldReason {
    /// The budget has no permit before this instant.
    Budget(Timestamp),
    /// The time of the invocation is up.
    Deadline,
}

/// Report of a run.
#[derive(Debug)]
pub struct RunReport {
    /// The stream.
    pub stream: &'static str,
    /// The pass.
    pub pass: Pass,
    /// End of the run.
    pub outcome: RunOutcome,
    /// Whether the stream's item could not be written at the end, so that it does not tell of a
    /// failure.
    pub unrecorded: bool,
    /// Start of the run.
    pub began: Timestamp,
    /// End of the run.
    pub ended: Timestamp,
    /// Requests sent, retries and confirmations included.
    pub requests: u64,
    /// Answers 429, which ask to wait.
    pub throttled: u64,
    /// Requests that failed, those answered with 429 included.
    pub failed_requests: u64,
    /// Size of the answers without compression, in bytes.
    pub answer_bytes: u64,
    /// Records read.
    pub records: u64,
    /// Rows changed.
    pub counts: RowCounts,
    /// Commits made.
    pub commits: u64,
    /// Rows of the table now.
    pub rows: u64,
    /// Files of the table now.
    pub files: u64,
    /// Bytes of those files.
    pub bytes: u64,
    /// Version of the table now.
    pub version: u64,
    /// Units read and left in this pass; `(0, 0)` where there are none.
    pub units: (u64, u64),
    /// Records kept raw.
    pub quarantined: u64,
    /// Values that did not fit, by member.
    pub misfits: BTreeMap<String, u64>,
    /// Values that were stored although they came in another JSON type or form, by member.
    pub converted: BTreeMap<String, u64>,
    /// Members that the declaration does not know.
    pub unknown: BTreeMap<String, u64>,
    /// Differences between the records and the declaration.
    pub drift: Vec<DriftFinding>,
    /// Parents that could not be read.
    pub parked: u64,
    /// Warnings for people: notices of the run, and doubts about the completeness of the pass.
    pub warning: Option<String>,
}

impl RunReport {
    /// Returns the report of a run that begins.
    #[must_use]
    pub fn new(stream: &'static str, pass: Pass, now: Timestamp) -> Self {
        Self {
            stream,
            pass,
            outcome: RunOutcome::Complete,
            unrecorded: false,
            began: now,
            ended: now,
            requests: 0,
            throttled: 0,
            failed_requests: 0,
            answer_bytes: 0,
            records: 0,
            counts: RowCounts::default(),
            commits: 0,
            rows: 0,
            files: 0,
            bytes: 0,
            version: 0,
            units: (0, 0),
            quarantined: 0,
            misfits: BTreeMap::new(),
            converted: BTreeMap::new(),
            unknown: BTreeMap::new(),
            drift: Vec::new(),
            parked: 0,
            warning: None,
        }
    }

    /// Takes over the counts of values and members that are not as declared.
    pub(crate) fn observe(&mut self, observed: &MemberDeviations) {
        for (path, values) in observed.misfits.iter().chain(&observed.finer) {
            *self.misfits.entry(path.clone()).or_default() += values.times;
        }
        let converted = observed.converted.iter();
        self.converted = converted.map(|(path, values)| (path.clone(), values.times)).collect();
        self.unknown.clone_from(&observed.unknown);
    }

    /// Returns the error of a failed run.
    #[must_use]
    pub const fn error(&self) -> Option<&RunError> {
        match &self.outcome {
            RunOutcome::Failed(error) => Some(error),
            RunOutcome::Complete | RunOutcome::Yielded(_) | RunOutcome::Busy { .. } => None,
        }
    }
}
