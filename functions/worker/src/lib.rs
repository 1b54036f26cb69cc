//! Worker: each invocation does one run on one stream.

mod invocation;

pub use invocation::Worker;

use engine::time::Timestamp;
use runtime::Context;
use runtime::invoke::WorkerEvent;
use runtime::run::{RunOrder, RunReport};

/// The event names a stream that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("there is no stream `{name}`; `harvest-lake streams` lists them all")]
pub struct UnknownEventStream {
    /// Name in the event.
    pub name: String,
}

/// Runs the pass that `event` names until it is complete, or until `deadline` is near.
///
/// # Errors
/// Fails only if the stream does not exist: the report tells the result of the run, also a failure.
pub async fn work(
    context: &Context,
    event: &WorkerEvent,
    deadline: Option<Timestamp>,
) -> Result<RunReport, UnknownEventStream> {
    let spec = streams::find(&event.stream)
        .ok_or_else(|| UnknownEventStream { name: event.stream.clone() })?;
    let order = RunOrder { spec, pass: event.pass, deadline, accept_deletes: event.accept_deletes };
    Ok(Box::pin(runtime::run::run(context, order)).await)
}
