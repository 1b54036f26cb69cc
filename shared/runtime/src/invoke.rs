//! Invocation of workers, and failures of invocations.
//!
//! The event is the contract between orchestrator and worker, and a person may send it as well. It
//! holds no position: that comes from state and table. An unknown member is an error, so that a
//! misspelt one is not ignored.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use engine::pass::Pass;
use engine::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::RunError;

/// Event that invokes a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerEvent {
    /// The stream.
    pub stream: String,
    /// Pass to begin or to continue.
    pub pass: Pass,
    /// Time of the tick that invoked the worker. Tells deliveries apart in logs, and decides
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick: Option<Timestamp>,
    /// Whether any number of deletes is accepted.
    #[serde(default)]
    pub accept_deletes: bool,
}

/// Failure that a function returns to Lambda.
#[derive(Debug, PartialEq, Eq)]
pub struct InvocationFailure {
    /// Stable name: `UnknownEvent`, `UnknownStream`, or that of a run's error.
    pub error_type: &'static str,
    /// Description of the failure, with advice.
    pub message: String,
}

impl InvocationFailure {
    /// Returns the failure of an event that the function cannot read.
    #[must_use]
    pub const fn unknown_event(message: String) -> Self {
        Self { error_type: "UnknownEvent", message }
    }

    /// Returns the failure of an event with a stream that does not exist.
    #[must_use]
    pub const fn unknown_stream(message: String) -> Self {
        Self { error_type: "UnknownStream", message }
    }
}

impl From<&RunError> for InvocationFailure {
    fn from(error: &RunError) -> Self {
        Self { error_type: error.error_type(), message: error.chain() }
    }
}

/// Failed invocation of a worker; the next tick tries again.
#[derive(Debug, thiserror::Error)]
#[error("the worker `{function}` could not be invoked")]
pub struct InvokeError {
    /// Name or ARN of the function.
    pub function: String,
    /// Error of the AWS client.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Means to start a worker without waiting for its end.
#[async_trait]
pub trait Invoker: Send + Sync + core::fmt::Debug {
    /// Sends `event` to a worker; it may be delivered more than once.
    async fn invoke(&self, event: &WorkerEvent) -> Result<(), InvokeError>;
}

/// Invoker for tests, which records the events.
#[derive(Debug, Default)]
pub struct MemoryInvoker {
    events: Mutex<Vec<WorkerEvent>>,
    refuses: Mutex<Option<String>>,
}

impl MemoryInvoker {
    /// Returns the events since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<WorkerEvent> {
        std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes invocations for `stream` fail from now on; `None` ends that.
    pub fn refuse(&self, stream: Option<&str>) {
        *self.refuses.lock().unwrap_or_else(PoisonError::into_inner) = stream.map(str::to_owned);
    }
}

#[async_trait]
impl Invoker for MemoryInvoker {
    async fn invoke(&self, event: &WorkerEvent) -> Result<(), InvokeError> {
        let refuses = self.refuses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if refuses.as_ref() == Some(&event.stream) {
            let source = Value::from("throttled").to_string().into();
            return Err(InvokeError { function: "memory".to_owned(), source });
        }
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }
}
