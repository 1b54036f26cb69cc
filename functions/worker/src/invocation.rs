//! Invocation of the worker: one run, and its result.
//!
//! | end of the run | answer to Lambda |
//! | --- | --- |
//! | complete, yielded, busy | the document of the run |
//! | failed, and the stream's item says so | the document, with `"outcome": "failed"` |
//! | failed, and nothing else tells of it | an error: the event goes to the failure queue |
//! | no run, because there is no usable token | an error, likewise |
//!
//! Lambda does not try an event again: the next tick does, by the rules of the plan. An event in
//! the queue is therefore one that needs a person.

use std::sync::Arc;

use engine::time::Timestamp;
use runtime::announce::{Announcement, Announcer};
use runtime::credentials::LoadedSecret;
use runtime::invoke::{InvocationFailure, WorkerEvent};
use runtime::metrics::{self, Metric};
use runtime::run::{RunOutcome, RunReport};
use runtime::{Context, RunError, credentials};
use serde_json::Value;

use crate::{log_run, work};

/// Handler of invocations.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Parts of the deployment.
    pub context: Context,
    /// Publishes the results of passes.
    pub announcer: Arc<dyn Announcer>,
}

impl Worker {
    /// Runs the pass that the event asks for, and returns its result. `deadline` is the end of the
    /// invocation in milliseconds since 1970.
    ///
    /// A failed run is no failed invocation if the state records it: the stream backs off, and a
    /// later tick tries again. A retry by Lambda at once would most likely fail in the same way.
    ///
    /// # Errors
    /// Fails if the event is not one for a worker, or the state does not record the run's failure.
    /// Lambda puts the event into the failure queue and does not try it again; the next tick does.
    pub async fn answer(&self, event: Value, deadline: u64) -> Result<Value, InvocationFailure> {
        let event = WorkerEvent::read(event)?;
        let end = i64::try_from(deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        // Before the lease is taken: the secret may have changed since the last invocation of this
        // process, and with a secret that cannot be read the run could only fail.
        // Without any token every request would be refused, which would pause the account.
        match self.context.tokens.load(&self.context).await {
            Ok(LoadedSecret::Ready(_)) => {}
            Ok(LoadedSecret::Empty) => {
                return Err(InvocationFailure::from(&RunError::NoCredentials));
            }
            Err(error) => return Err(InvocationFailure::from(&error)),
        }
        let report = work(&self.context, &event, end).await;
        let report =
            report.map_err(|error| InvocationFailure::unknown_stream(error.to_string()))?;
        self.tell(&report).await;
        match &report.outcome {
            RunOutcome::Failed(error) if report.unrecorded || !is_recorded(error) => {
                Err(InvocationFailure::from(error))
            }
            RunOutcome::Failed(_)
            | RunOutcome::Complete
            | RunOutcome::Yielded(_)
            | RunOutcome::Busy { .. } => Ok(report.document()),
        }
    }

    /// Reports a run: as a log event, as metrics, and on the event bus. Comes after the run, when
    /// table and state are durable, so that no program hears of rows that a crash could take back.
    async fn tell(&self, report: &RunReport) {
        log_run(report);
        let (outcome, counts) = (report.outcome.name(), report.counts);
        let changed = counts.inserted.saturating_add(counts.updated).saturating_add(counts.deleted);
        // Makes the next ticks leave all streams alone until the secret changes or an hour is over.
        if let RunOutcome::Failed(error @ RunError::Credentials { .. }) = &report.outcome {
            credentials::note_refusal(&self.context, error).await;
        }
        let failed = u64::from(outcome == "failed");
        metrics::emit(
            &self.context,
            &[
                Metric::count("Requests", report.requests),
                Metric::count("RowsChanged", changed),
                Metric::count("FailedRuns", failed),
            ],
        );
        if let Some(news) = Announcement::of(report, self.context.settings.account.0) {
            // A subscriber misses this pass; nothing else depends on it.
            if let Err(error) = self.announcer.announce(&news).await {
                let error = error.to_string();
                tracing::warn!(stream = report.stream, error, "nobody was told of the run");
            }
        }
    }
}

/// Whether the state records this kind of error, if it can be written, so that the stream backs off
/// and runs again later. The other errors concern the secret, the account as a whole or the state
/// store, or are defects: they need a person, and the plan knows no time after which a further try
/// would help.
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
        | RunError::ModuleUnknown { .. }
        | RunError::OtherGrid { .. }
        | RunError::OtherFixedFees { .. }
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
