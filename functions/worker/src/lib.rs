//! Worker: each invocation does one run on one stream.

mod invocation;

pub use invocation::{Refused, Worker};

use engine::pass::Pass;
use engine::time::Timestamp;
use runtime::Context;
use runtime::run::{Order, RunReport};
use serde::{Deserialize, Serialize};

/// Event that invokes a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
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

/// The event names a stream that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("there is no stream `{name}`; `harvest-lake streams` lists them all")]
pub struct UnknownStream {
    /// Name in the event.
    pub name: String,
}

/// Runs the pass that `event` names until it is complete, or until `deadline` is near.
///
/// # Errors
/// Fails only if the stream does not exist: the report tells the result of the run, also a failure.
pub async fn work(
    context: &Context,
    event: &Event,
    deadline: Option<Timestamp>,
) -> Result<RunReport, UnknownStream> {
    let spec =
        streams::find(&event.stream).ok_or_else(|| UnknownStream { name: event.stream.clone() })?;
    let order = Order { spec, pass: event.pass, deadline, accept_deletes: event.accept_deletes };
    Ok(Box::pin(runtime::run::run(context, order)).await)
}
