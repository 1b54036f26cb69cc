//! Answer of a tick, for people and programs: `docs/json.md` describes it.
//!
//! The names of members and variants are a public interface: alarms and scripts compare them.
//! Workers end later than the tick that invoked them, so the answer says which workers were
//! invoked, never what they achieved. Each worker answers for itself.

use std::collections::BTreeSet;

use engine::dispatch::DispatchDecision;
use engine::pass::Pass;
use engine::time::Timestamp;
use serde::Serialize;

/// End of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TickEnd {
    /// The tick made a plan. It invoked a worker for each due stream that had room, maybe for none.
    Planned,
    /// Nothing is due before some instant, as an earlier tick has found. The tick read nothing else.
    Quiet,
    /// Another tick is at work. The request is stored, and that tick or a later one carries it out.
    Asked,
    /// Another tick is at work, and nothing was asked for.
    Busy,
    /// Harvest may not be asked before some instant.
    Waiting,
    /// The secret holds no token yet.
    NoCredentials,
    /// Harvest refuses the token; it is tried again at some instant, or once the secret changes.
    Paused,
}

/// A due stream, and what a tick did about it.
#[derive(Clone, Debug, Serialize)]
pub struct DueAnswer {
    /// The stream.
    pub stream: &'static str,
    /// The pass that is due.
    pub pass: Pass,
    /// Decision of the tick about it.
    pub doing: DispatchDecision,
    /// Reason for which the worker could not be invoked; the next tick tries again.
    pub error: Option<String>,
}

/// Answer of a tick.
#[derive(Clone, Debug, Serialize)]
pub struct TickAnswer {
    /// End of the tick.
    pub outcome: TickEnd,
    /// Reason of a wait or a pause, for people.
    pub message: Option<String>,
    /// Instant before which another tick is of no use.
    pub waits_until: Option<Timestamp>,
    /// Due streams, most urgent first, with the decision about each.
    pub due: Vec<DueAnswer>,
    /// Streams whose lease a worker held when the tick planned. Workers that this tick invoked are
    /// not among them.
    pub running: BTreeSet<String>,
    /// Streams whose module is off.
    pub skipped: Vec<&'static str>,
}

impl TickAnswer {
    /// Returns the answer of a tick that planned nothing.
    #[must_use]
    pub fn without_plan(outcome: TickEnd) -> Self {
        Self {
            outcome,
            message: None,
            waits_until: None,
            due: Vec::new(),
            running: BTreeSet::new(),
            skipped: Vec::new(),
        }
    }
}
