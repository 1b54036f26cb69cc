//! Log event about a run that has ended, the same in a function and on a machine.

use runtime::RunError;
use runtime::run::{RunOutcome, RunReport};

/// Writes the event: `run ended`, or `run failed` with the error.
pub fn log_run(report: &RunReport) {
    let RunReport { stream, pass, requests, records, version, .. } = report;
    let (pass, outcome) = (pass.name(), report.outcome.name());
    let counts = report.counts;
    let changed = counts.inserted.saturating_add(counts.updated).saturating_add(counts.deleted);
    // A lost lease is no failure of the stream: another run works on it.
    if let RunOutcome::Failed(error) = &report.outcome
        && !matches!(error, RunError::LostLease { .. })
    {
        let (error_type, error) = (error.error_type(), error.chain());
        tracing::error!(stream, pass, error_type, error, requests, "run failed");
    } else {
        tracing::info!(stream, pass, outcome, requests, records, changed, version, "run ended");
    }
}
