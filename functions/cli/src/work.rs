//! Work of an operator's command on one stream, and what is told about its end.
//!
//! `reset`, `erase`, `upgrade` and `quarantine retry` work stream by stream and go on after a
//! stream that is busy or failed. All of them describe the end with the same members, which are
//! also those of a run (`docs/json.md`, Outcomes), so that a program needs to know one form.

use engine::lease::BusyLease;
use runtime::RunError;
use runtime::run::RunOutcome;
use serde_json::{Value, json};

use crate::exit::CliExit;

/// Work on one stream that has ended.
#[derive(Debug)]
pub(crate) struct StreamWork<T> {
    /// Result; `None` if the stream was busy, or the work failed.
    pub(crate) done: Option<T>,
    outcome: RunOutcome,
}

impl<T> From<Result<Result<T, BusyLease>, RunError>> for StreamWork<T> {
    fn from(ended: Result<Result<T, BusyLease>, RunError>) -> Self {
        match ended {
            Ok(Ok(done)) => Self { done: Some(done), outcome: RunOutcome::Complete },
            Ok(Err(busy)) => Self { done: None, outcome: RunOutcome::Busy { until: busy.until } },
            Err(error) => Self { done: None, outcome: RunOutcome::Failed(error) },
        }
    }
}

impl<T> StreamWork<T> {
    /// Exit code of a command that does nothing but this work.
    pub(crate) const fn exit(&self) -> CliExit {
        if self.done.is_some() { CliExit::Done } else { CliExit::SomeFailed }
    }

    /// Returns the sentence about the work for people: `told` of its result, or the reason for
    /// which there is none.
    pub(crate) fn sentence(&self, told: impl FnOnce(&T) -> String) -> String {
        match (&self.done, &self.outcome) {
            (Some(done), _) => told(done),
            (None, RunOutcome::Failed(error)) => error.chain(),
            (None, outcome) => format!(
                "a run works on it until {} at least; nothing was done, try again then",
                outcome.waits_until().unwrap_or_default()
            ),
        }
    }

    /// Returns the stream's part of the document: how the work ended, and `members`, whose values
    /// are null where there is no result.
    pub(crate) fn document(&self, stream: &str, members: Value) -> Value {
        document(stream, &self.outcome, members)
    }
}

/// Returns the part of a document about `stream`: how the work on it ended, and `members`.
/// `waits_until` is the time before which another try is of no use; for a busy stream it is the end
/// of the other run's lease, which that run may renew.
pub(crate) fn document(stream: &str, outcome: &RunOutcome, members: Value) -> Value {
    let error = match outcome {
        RunOutcome::Failed(error) => Some(error),
        RunOutcome::Complete | RunOutcome::Yielded(_) | RunOutcome::Busy { .. } => None,
    };
    let mut document = json!({
        "stream": stream,
        "outcome": outcome.name(),
        "error_type": error.map(RunError::error_type),
        "error": error.map(RunError::chain),
        "waits_until": outcome.waits_until(),
    });
    if let (Some(document), Value::Object(members)) = (document.as_object_mut(), members) {
        document.extend(members);
    }
    document
}
