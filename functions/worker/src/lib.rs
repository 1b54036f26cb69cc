//! One invocation, one run on one stream.

mod invocation;

pub use invocation::{Refused, Worker};

use engine::pass::Pass;
use engine::time::Timestamp;
use runtime::Context;
use runtime::run::{Order, RunReport};
use serde::{Deserialize, Serialize};

/// What an invocation asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The stream.
    pub stream: String,
    /// Which pass to begin or go on with.
    pub pass: Pass,
    /// The tick that asks: tells deliveries apart in logs, decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick: Option<Timestamp>,
    /// Whether any number of deletes is accepted.
    #[serde(default)]
    pub accept_deletes: bool,
}

/// The event names no stream.
#[derive(Debug, thiserror::Error)]
#[error("there is no stream `{name}`; `harvest-lake streams` lists them all")]
pub struct UnknownStream {
    /// What it names.
    pub name: String,
}

/// Works on what `event` names until it is complete, or the process will be
/// stopped soon.
///
/// # Errors
/// Only when there is no such stream: how the run went, failure included, is in the report.
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
