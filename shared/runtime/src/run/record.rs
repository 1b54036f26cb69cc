//! History of runs: an item of the state for each, kept for three months.

use engine::time::{SignedDuration, plus};
use serde_json::{Value, json};
use state::{ItemKey, WriteCondition};

use super::{RunOutcome, RunReport, YieldReason};
use crate::context::Context;

/// Time that the item of a run is kept: 90 days.
const MEMORY: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Writes the item `run#<time>#<stream>`. A failure is only logged: nothing depends on the history.
pub(super) async fn remember(context: &Context, report: &RunReport) {
    let began = report.began.strftime("%Y%m%dT%H%M%S%6fZ");
    let sort = format!("run#{began}#{}", report.stream);
    let key = ItemKey { account: context.settings.account, sort };
    let body = document(report).to_string();
    let expires = plus(report.ended, MEMORY);
    let put = context.state.put(&key, WriteCondition::Absent, &body, Some(expires)).await;
    if let Err(error) = put {
        tracing::debug!(stream = report.stream, %error, "the run is not remembered");
    }
}

fn document(report: &RunReport) -> Value {
    let (outcome, error) = match &report.outcome {
        RunOutcome::Complete => ("complete", None),
        RunOutcome::Yielded(YieldReason::Budget(_)) => ("waits for the budget", None),
        RunOutcome::Yielded(YieldReason::Deadline) => ("stopped in time", None),
        RunOutcome::Busy { .. } => ("busy", None),
        RunOutcome::Failed(error) => ("failed", Some(error.chain())),
    };
    json!({
        "stream": report.stream,
        "pass": report.pass.name(),
        "outcome": outcome,
        "error": error,
        "began": report.began,
        "ended": report.ended,
        "requests": report.requests,
        "records": report.records,
        "counts": report.counts,
        "commits": report.commits,
        "version": report.version,
        "quarantined": report.quarantined,
        "parked": report.parked,
        "warning": report.warning,
    })
}
