//! Progress of runs while they work, for progress bars, counts and tests.

use engine::pass::Pass;
use engine::report::RowCounts;

/// A moment of a run.
#[derive(Clone, Debug)]
pub enum RunMoment {
    /// The lease is held, the pass is known.
    Started,
    /// A page was taken in.
    Page {
        /// Records in it.
        records: u64,
        /// Units read and units left; `(0, 0)` where a stream has no units.
        units: (u64, u64),
        /// `total_entries` of the answer, where it counts the stream's own records.
        total: Option<u64>,
    },
    /// The run waits for a permit of the budget.
    Waiting,
    /// Rows are being merged and committed.
    Flushing,
    /// A commit is durable.
    Committed(RowCounts),
    /// An upgrade or an erasure is through with a file of the table, or of its changes.
    File {
        /// Size of the file in bytes.
        bytes: u64,
    },
    /// The run ended.
    Ended,
}

/// Receiver of the moments of runs. Must return at once.
pub trait Progress: Send + Sync + core::fmt::Debug {
    /// Receives a moment of `pass` of `stream`.
    fn on(&self, stream: &'static str, pass: Pass, moment: &RunMoment);

    /// Whether runs have to yield: they save what they have read and stop.
    fn wants_stop(&self) -> bool {
        false
    }
}

/// Receiver that ignores all moments.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn on(&self, _: &'static str, _: Pass, _: &RunMoment) {}
}
