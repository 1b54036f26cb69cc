//! Worker: each invocation does one run on one stream.
//!
//! An event names the stream and the pass, and holds no position: what to read comes from the state
//! and the table, so an event that is delivered late or twice asks for nothing wrong. The second
//! delivery finds the lease of the stream taken and answers `busy`.
//!
//! [`work`] is the run without Lambda around it; the command line calls it in its own process.

mod invocation;
mod logged;

pub use invocation::Worker;
pub use logged::log_run;

use engine::time::Timestamp;
use runtime::Context;
use runtime::invoke::WorkerEvent;
use runtime::run::{RunOrder, RunReport};
use streams::{UnknownStream, find_stream};

/// Runs the pass that `event` names until it is complete, or until `deadline` is near.
///
/// # Errors
/// Fails only if the stream does not exist. The failure of a run is in its report.
pub async fn work(
    context: &Context,
    event: &WorkerEvent,
    deadline: Option<Timestamp>,
) -> Result<RunReport, UnknownStream> {
    let spec = find_stream(&event.stream)?;
    let order = RunOrder { spec, pass: event.pass, deadline, accept_deletes: event.accept_deletes };
    Ok(Box::pin(runtime::run::run(context, order)).await)
}
