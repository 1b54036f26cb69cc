//! From an event of the schedule, or of a person, to what is due.

use std::collections::BTreeSet;

use engine::pass::Pass;
use engine::plan::Demand;
use lambda_runtime::Diagnostic;
use runtime::config::find_stream;
use runtime::{Context, RunError};
use serde::Deserialize;
use serde_json::{Value, json};

/// The tick `{}`, or what somebody wants now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Event {
    /// Only these streams; none named: all.
    streams: BTreeSet<String>,
    /// Everything is to be up to date as of now.
    now: bool,
    /// The pass; `None`: what each stream needs.
    pass: Option<Pass>,
    /// Whether any number of deletes is accepted.
    accept_deletes: bool,
}

/// Answers with the events of the workers that are due, most urgent first, at most `max_workers`.
///
/// # Errors
/// With a stable `error_type`: `UnknownEvent`, `UnknownStream`, or that of the failure.
pub(crate) async fn handle(context: &Context, event: Value) -> Result<Value, Diagnostic> {
    let event = read(event)?;
    let failed = |error: RunError| Diagnostic {
        error_type: error.error_type().to_owned(),
        error_message: error.chain(),
    };
    orchestrator::prepare(context).await.map_err(failed)?;
    let now = context.clock.now();
    let demand = if event.now || event.pass.is_some() {
        Demand::Now { asked_at: now, pass: event.pass }
    } else {
        Demand::Schedule { interval: context.settings.sync_interval }
    };
    let tick = orchestrator::tick(context, demand).await.map_err(failed)?;
    let wanted =
        |name: &str| event.streams.is_empty() || event.streams.iter().any(|other| other == name);
    let due: Vec<Value> = tick
        .due
        .iter()
        .filter(|due| wanted(due.spec.name))
        .take(context.settings.max_workers)
        .map(|due| {
            json!({
                "stream": due.spec.name,
                "pass": due.pass,
                "tick": now,
                "accept_deletes": event.accept_deletes,
            })
        })
        .collect();
    let skipped: Vec<&str> = tick.skipped.iter().map(|spec| spec.name).collect();
    tracing::info!(due = due.len(), skipped = skipped.len(), "tick complete");
    Ok(json!({ "due": due, "skipped": skipped }))
}

fn read(event: Value) -> Result<Event, Diagnostic> {
    let event: Event = serde_json::from_value(event).map_err(|error| Diagnostic {
        error_type: "UnknownEvent".to_owned(),
        error_message: format!(
            "the event is none of an orchestrator's, such as {{}} or {{\"now\": true}}: {error}"
        ),
    })?;
    for name in &event.streams {
        find_stream(name).map_err(|error| Diagnostic {
            error_type: "UnknownStream".to_owned(),
            error_message: error.to_string(),
        })?;
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_events_are_read_and_others_named() {
        assert_eq!(read(json!({})).unwrap(), Event::default());
        let event = read(json!({ "streams": ["clients"], "now": true, "pass": "full" })).unwrap();
        assert_eq!((event.now, event.pass), (true, Some(Pass::Full)));
        for event in [json!({ "stream": "clients" }), json!([1]), json!({ "now": 1 })] {
            assert_eq!(read(event).unwrap_err().error_type, "UnknownEvent");
        }
        let error = read(json!({ "streams": ["client"] })).unwrap_err();
        assert_eq!(error.error_type, "UnknownStream");
        assert!(error.error_message.contains("`clients`"), "{}", error.error_message);
    }
}
