//! What a run tells while it works: for progress bars, counts and tests.

use engine::pass::Pass;
use engine::report::Counts;

/// A moment of a run.
#[derive(Clone, Debug)]
pub enum Moment {
    /// The lease is held, the pass is known.
    Started,
    /// A page is in.
    Page {
        /// Records in it.
        records: u64,
        /// Units read and units left; `(0, 0)` where pages stand for themselves.
        units: (u64, u64),
        /// `total_entries` of the answer, where it is about the stream's own records.
        total: Option<u64>,
    },
    /// Waits for a permit of the budget.
    Waiting,
    /// Rows are being merged and committed.
    Flushing,
    /// A commit is durable.
    Committed(Counts),
    /// The run ended.
    Ended,
}

/// Hears of each moment. Must return at once.
pub trait Progress: Send + Sync + core::fmt::Debug {
    /// `stream` is at `moment` of `pass`.
    fn on(&self, stream: &'static str, pass: Pass, moment: &Moment);

    /// Whether runs are to stop in good order: they save what they have and yield.
    fn wants_stop(&self) -> bool {
        false
    }
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn on(&self, _: &'static str, _: Pass, _: &Moment) {}
}
