//! Events that invoke the publisher.
//!
//! | event | meaning |
//! | --- | --- |
//! | `{}` | the page of today, as the schedule asks for |
//! | `{"today": "2026-06-30"}` | the figures of another day, from what the tables have now |

use runtime::invoke::{InvocationFailure, read_event};
use serde::Deserialize;
use serde_json::Value;

/// Event of the schedule, `{}`, or request of a person or program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublisherEvent {
    /// Day that figures call today; `None` for the present day in UTC.
    pub today: Option<String>,
}

impl PublisherEvent {
    /// Reads an event.
    ///
    /// # Errors
    /// Returns `UnknownEvent`.
    pub fn read(event: Value) -> Result<Self, InvocationFailure> {
        read_event(event).map_err(|error| {
            InvocationFailure::unknown_event(format!(
                "the publisher cannot read this event; examples are {{}} and {{\"today\": \
                 \"2026-06-30\"}}: {error}"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_events_are_read_and_others_named() {
        assert_eq!(PublisherEvent::read(json!({})).unwrap(), PublisherEvent::default());
        let event = PublisherEvent::read(json!({ "today": "2026-06-30" })).unwrap();
        assert_eq!(event.today.as_deref(), Some("2026-06-30"));
        for event in [json!({ "day": "2026-06-30" }), json!({ "today": 3 }), json!([]), json!(null)]
        {
            assert_eq!(PublisherEvent::read(event).unwrap_err().error_type, "UnknownEvent");
        }
    }
}
