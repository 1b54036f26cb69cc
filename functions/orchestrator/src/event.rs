//! Events that invoke the orchestrator.
//!
//! | event | meaning |
//! | --- | --- |
//! | `{}` | a tick of the schedule: runs that are due |
//! | `{"now": true}` | all streams up to date as of now |
//! | `{"streams": ["clients"]}` | the same for one stream |
//! | `{"pass": "full"}` | a full pass of all streams |
//!
//! An unknown member is refused instead of ignored: `{"stream": "clients"}`, with a letter missing,
//! would otherwise be taken for a tick, and the operator would wait for a run that never comes.

use std::collections::BTreeSet;

use engine::dispatch::OperatorRequest;
use engine::pass::Pass;
use engine::time::Timestamp;
use runtime::invoke::{InvocationFailure, read_event};
use serde::Deserialize;
use serde_json::Value;

/// Event of the schedule, `{}`, or request of a person or program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrchestratorEvent {
    /// Streams that the request concerns; all if empty.
    pub streams: BTreeSet<String>,
    /// Whether the streams are to be brought up to date as of now.
    pub now: bool,
    /// Pass that each stream runs; `None` for the one it needs.
    pub pass: Option<Pass>,
    /// Whether any number of deletes is accepted. It counts only for streams that are asked for, so
    /// an event with this member alone is refused.
    pub accept_deletes: bool,
}

impl OrchestratorEvent {
    /// Reads an event.
    ///
    /// # Errors
    /// Returns `UnknownEvent`, or `UnknownStream` if the event names a stream that does not exist.
    pub fn read(event: Value) -> Result<Self, InvocationFailure> {
        let event: Self = read_event(event).map_err(|error| {
            InvocationFailure::unknown_event(format!(
                "the orchestrator cannot read this event; examples are {{}} and {{\"now\": \
                 true}}: {error}"
            ))
        })?;
        for name in &event.streams {
            streams::find_stream(name)
                .map_err(|error| InvocationFailure::unknown_stream(error.to_string()))?;
        }
        if event.accept_deletes && !event.asks() {
            return Err(InvocationFailure::unknown_event(
                "`accept_deletes` counts only for streams that are asked for: name them, as in \
                 {\"streams\": [\"clients\"], \"accept_deletes\": true}, or add {\"now\": true} for \
                 all"
                    .to_owned(),
            ));
        }
        Ok(event)
    }

    /// Whether the event asks for runs, and is no tick of the schedule.
    fn asks(&self) -> bool {
        self.now || self.pass.is_some() || !self.streams.is_empty()
    }

    /// Returns the request that the event makes at `now`; `None` for a tick of the schedule.
    pub(crate) fn asked(&self, now: Timestamp) -> Option<OperatorRequest> {
        self.asks().then(|| OperatorRequest {
            at: now,
            pass: self.pass,
            streams: self.streams.clone(),
            accept_deletes: self.accept_deletes,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_events_are_read_and_others_named() {
        assert_eq!(OrchestratorEvent::read(json!({})).unwrap(), OrchestratorEvent::default());
        let event =
            OrchestratorEvent::read(json!({ "streams": ["clients"], "now": true, "pass": "full" }))
                .unwrap();
        assert_eq!((event.now, event.pass), (true, Some(Pass::Full)));
        for event in [
            json!({ "stream": "clients" }),
            json!([]),
            json!([1]),
            json!([["clients"], true]),
            json!(null),
            json!({ "now": 1 }),
            json!({ "accept_deletes": true }),
        ] {
            assert_eq!(OrchestratorEvent::read(event).unwrap_err().error_type, "UnknownEvent");
        }
        for asks in ["now", "accept_deletes"] {
            let event = json!({ "streams": ["clients"], "accept_deletes": true, asks: true });
            assert!(OrchestratorEvent::read(event).unwrap().accept_deletes);
        }
        let error = OrchestratorEvent::read(json!({ "streams": ["client"] })).unwrap_err();
        assert_eq!(error.error_type, "UnknownStream");
        assert!(error.message.contains("`clients`"), "{}", error.message);
    }
}
