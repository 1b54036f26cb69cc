//! Answer of a tick, for people and programs: `docs/json.md` describes it.

use std::collections::BTreeSet;

use engine::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// How a tick ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TickEnd {
    /// It planned, and invoked workers.
    Planned,
    /// Another tick is at work; it, or a later one, does what was asked for.
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

/// Answer of a tick.
#[derive(Clone, Debug, Serialize)]
pub struct TickAnswer {
    /// How the tick ended.
    pub outcome: TickEnd,
    /// Reason of a wait, for people.
    pub message: Option<String>,
    /// Instant before which another tick is of no use.
    pub waits_until: Option<Timestamp>,
    /// Due streams, and what was done about each.
    pub due: Vec<Value>,
    /// Streams at work.
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
