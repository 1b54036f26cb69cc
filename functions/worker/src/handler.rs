//! From an invocation to a run and back.

use engine::time::{SignedDuration, Timestamp, minus};
use lambda_runtime::Diagnostic;
use runtime::run::{Outcome, RunReport};
use runtime::{Context, RunError};
use serde_json::{Value, json};
use worker::Event;

/// A run stops reading so long before the invocation ends: the rest is for its last flush.
const RESERVE: SignedDuration = SignedDuration::from_secs(60);

/// Runs what the event asks for. `deadline` is the end of the invocation in milliseconds since 1970.
///
/// # Errors
/// With a stable `error_type`: `UnknownEvent`, `UnknownStream`, or that of the run's failure.
pub(crate) async fn handle(
    context: &Context,
    event: Value,
    deadline: u64,
) -> Result<Value, Diagnostic> {
    let event: Event = serde_json::from_value(event).map_err(|error| Diagnostic {
        error_type: "UnknownEvent".to_owned(),
        error_message: format!(
            "the event is none of a worker's, such as {{\"stream\": \"clients\", \"pass\": \
             \"incremental\"}}: {error}"
        ),
    })?;
    let end = i64::try_from(deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let stop_at = end.map(|end| minus(end, RESERVE));
    let report = worker::work(context, &event, stop_at).await.map_err(|error| Diagnostic {
        error_type: "UnknownStream".to_owned(),
        error_message: error.to_string(),
    })?;
    answer(&report)
}

fn answer(report: &RunReport) -> Result<Value, Diagnostic> {
    let outcome = match &report.outcome {
        Outcome::Complete => "complete",
        Outcome::Yielded(_) => "yielded",
        Outcome::Busy { .. } => "busy",
        // Somebody else goes on: nothing is wrong here.
        Outcome::Failed(RunError::LostLease { .. }) => "lost",
        Outcome::Failed(error) => {
            return Err(Diagnostic {
                error_type: error.error_type().to_owned(),
                error_message: error.chain(),
            });
        }
    };
    Ok(json!({
        "stream": report.stream,
        "pass": report.pass,
        "outcome": outcome,
        "requests": report.requests,
        "records": report.records,
        "counts": report.counts,
        "version": report.version,
    }))
}
