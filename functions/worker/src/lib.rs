//! Worker: each invocation does one run on one stream.

mod invocation;

pub use invocation::Worker;

use engine::time::Timestamp;
use runtime::Context;
use runtime::invoke::WorkerEvent;
use runtime::run::{RunOrder, RunReport};
use streams::{UnknownStream, find_stream};

/// Runs the pass that `event` names until it is complete, or until `deadline` is near.
///
/// # Errors
/// Fails only if the stream does not exist: the report tells the result of the run, also a failure.
pub async fn work(
    context: &Context,
    event: &WorkerEvent,
    deadline: Option<Timestamp>,
) -> Result<RunReport, UnknownStream> {
    let spec = find_stream(&event.stream)?;
    let order = RunOrder { spec, pass: event.pass, deadline, accept_deletes: event.accept_deletes };
    Ok(Box::pin(runtime::run::run(context, order)).await)
}
