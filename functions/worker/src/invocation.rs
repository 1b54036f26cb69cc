//! From an invocation to a run and back.

use std::sync::Arc;

use engine::time::Timestamp;
use runtime::announce::{Announcement, Announcer};
use runtime::metrics::{self, Metric};
use runtime::run::{Outcome, RunReport, Yielded};
use runtime::{Context, RunError, credentials};
use serde_json::{Value, json};

use crate::{Event, work};

/// What answers invocations.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The parts of its deployment.
    pub context: Context,
    /// Who is told what became of passes.
    pub announcer: Arc<dyn Announcer>,
}

/// An invocation that came to nothing that anybody would hear of otherwise: Lambda puts it into the failure
/// queue. It tries nothing again, the next tick does.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// A stable name: `UnknownEvent`, `UnknownStream`, or that of a run's failure.
    pub error_type: &'static str,
    /// What happened and what to do.
    pub message: String,
}

impl Worker {
    /// Runs what the event asks for. `deadline` is the end of the invocation in milliseconds since
    /// 1970.
    ///
    /// A run that failed is no failed invocation if the state says so: the stream backs off, the next
    /// tick that is due tries again, and trying at once would only be more of the same.
    ///
    /// # Errors
    /// Where the event is none of a worker's, or a failure could not be recorded.
    pub async fn answer(&self, event: Value, deadline: u64) -> Result<Value, Refused> {
        let event: Event = serde_json::from_value(event).map_err(|error| Refused {
            error_type: "UnknownEvent",
            message: format!(
                "the event is none of a worker's, such as {{\"stream\": \"clients\", \"pass\": \
                 \"incremental\"}}: {error}"
            ),
        })?;
        let end = i64::try_from(deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        if let Err(error) = self.context.tokens.load(&self.context).await {
            return Err(refused(&error));
        }
        let report = work(&self.context, &event, end)
            .await
            .map_err(|error| Refused { error_type: "UnknownStream", message: error.to_string() })?;
        self.tell(&report).await;
        match &report.outcome {
            Outcome::Failed(error) if !is_recorded(error) => Err(refused(error)),
            Outcome::Failed(_) | Outcome::Complete | Outcome::Yielded(_) | Outcome::Busy { .. } => {
                Ok(told(&report))
            }
        }
    }

    /// One log event, the metrics, and the event bus.
    async fn tell(&self, report: &RunReport) {
        let RunReport { stream, pass, requests, records, version, .. } = report;
        let outcome = outcome(&report.outcome);
        let counts = report.counts;
        let changed = counts.inserted.saturating_add(counts.updated).saturating_add(counts.deleted);
        if let Outcome::Failed(error) = &report.outcome
            && !matches!(error, RunError::LostLease { .. })
        {
            let (pass, error_type, error) = (pass.name(), error.error_type(), error.chain());
            tracing::error!(stream, pass, error_type, error, requests, "run failed");
        } else {
            let pass = pass.name();
            tracing::info!(stream, pass, outcome, requests, records, changed, version, "run ended");
        }
        if let Outcome::Failed(error @ RunError::Credentials { .. }) = &report.outcome {
            credentials::note_refusal(&self.context, error).await;
        }
        let failed = u64::from(outcome == "failed");
        metrics::emit(
            self.context.clock.now(),
            &[
                Metric::count("Requests", *requests),
                Metric::count("RowsChanged", changed),
                Metric::count("FailedRuns", failed),
            ],
        );
        if let Some(news) = Announcement::of(report, self.context.settings.account.0) {
            self.announcer.announce(&news).await;
        }
    }
}

/// Whether the state tells of it, so that the stream backs off and is tried again by itself.
const fn is_recorded(error: &RunError) -> bool {
    match error {
        RunError::Credentials { .. }
        | RunError::NoHashKey { .. }
        | RunError::Refused { .. }
        | RunError::Api { .. }
        | RunError::Waits { .. }
        | RunError::NoHistory { .. }
        | RunError::Page { .. }
        | RunError::Stopped { .. }
        | RunError::RolesLost { .. }
        | RunError::OtherPerson { .. }
        | RunError::OtherCompany { .. }
        | RunError::DeletesRefused { .. }
        | RunError::Contradictory { .. }
        | RunError::Unusable { .. }
        | RunError::ModuleOff { .. }
        | RunError::OtherGrid { .. }
        | RunError::LostLease { .. }
        | RunError::ErasedMeanwhile { .. }
        | RunError::Table { .. }
        | RunError::Store { .. } => true,
        RunError::NoCredentials
        | RunError::NoSuchAccount { .. }
        | RunError::AccountUnread { .. }
        | RunError::Secret { .. }
        | RunError::Refresh { .. }
        | RunError::State { .. }
        | RunError::Defect { .. } => false,
    }
}

fn refused(error: &RunError) -> Refused {
    Refused { error_type: error.error_type(), message: error.chain() }
}

const fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::Yielded(Yielded::Budget(_)) => "waits for the budget",
        Outcome::Yielded(Yielded::Deadline) => "stopped in time",
        Outcome::Busy { .. } => "busy",
        // Somebody else goes on: nothing is wrong here.
        Outcome::Failed(RunError::LostLease { .. }) => "lost",
        Outcome::Failed(_) => "failed",
    }
}

fn told(report: &RunReport) -> Value {
    let error = match &report.outcome {
        Outcome::Failed(error) => Some((error.error_type(), error.chain())),
        Outcome::Complete | Outcome::Yielded(_) | Outcome::Busy { .. } => None,
    };
    json!({
        "stream": report.stream,
        "pass": report.pass,
        "outcome": outcome(&report.outcome),
        "error_type": error.as_ref().map(|(name, _)| name),
        "error": error.as_ref().map(|(_, message)| message),
        "requests": report.requests,
        "records": report.records,
        "counts": report.counts,
        "version": report.version,
    })
}
