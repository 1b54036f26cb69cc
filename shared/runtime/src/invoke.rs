//! Invocation of workers, and failures of invocations.
//!
//! The event is the contract between orchestrator and worker, and a person may send it as well. It
//! holds no position: that comes from state and table. An unknown member is an error, so that a
//! misspelt one is not ignored.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use engine::pass::Pass;
use engine::room::WorkerSize;
use engine::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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

impl WorkerEvent {
    /// Reads an event.
    ///
    /// # Errors
    /// Returns `UnknownEvent` if it is no event of a worker.
    pub fn read(event: Value) -> Result<Self, InvocationFailure> {
        read_event(event).map_err(|error| {
            InvocationFailure::unknown_event(format!(
                "the worker cannot read this event; an example is {{\"stream\": \"clients\", \
                 \"pass\": \"incremental\"}}: {error}"
            ))
        })
    }
}

/// Reads an event of a function. It must be an object: serde alone would also accept the values of
/// the members as a list, and take `[]` for an event without members.
///
/// # Errors
/// Returns what is wrong with the event.
pub fn read_event<T: DeserializeOwned>(event: Value) -> Result<T, serde_json::Error> {
    let members: Map<String, Value> = serde_json::from_value(event)?;
    serde_json::from_value(Value::Object(members))
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
    /// Sends `event` to a worker of this size; it may be delivered more than once.
    async fn invoke(&self, event: &WorkerEvent, size: WorkerSize) -> Result<(), InvokeError>;
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
    async fn invoke(&self, event: &WorkerEvent, _: WorkerSize) -> Result<(), InvokeError> {
        let refuses = self.refuses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if refuses.as_ref() == Some(&event.stream) {
            let source = Value::from("throttled").to_string().into();
            return Err(InvokeError { function: "memory".to_owned(), source });
        }
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_an_object_with_known_members() {
        let event = WorkerEvent::read(json!({ "stream": "clients", "pass": "full" })).unwrap();
        assert_eq!((event.stream.as_str(), event.pass), ("clients", Pass::Full));
        for event in [
            json!({ "stream": "clients" }),
            json!({ "stream": "clients", "pass": "full", "now": true }),
            json!(["clients", "full"]),
            json!(["clients", "full", null, true]),
            json!(null),
        ] {
            assert_eq!(WorkerEvent::read(event).unwrap_err().error_type, "UnknownEvent");
        }
        let failure = WorkerEvent::read(json!(["clients", "full"])).unwrap_err();
        assert!(failure.message.contains("expected a map"), "{}", failure.message);
    }
}
