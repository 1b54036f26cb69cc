//! Documents about streams on which an operator's command did nothing.

use engine::lease::BusyLease;
use runtime::RunError;
use serde_json::{Value, json};

/// Returns the document of a stream on which a run works.
pub(crate) fn busy(stream: &str, busy: &BusyLease) -> Value {
    json!({
        "stream": stream,
        "outcome": "busy",
        "error_type": null,
        "error": null,
        "waits_until": busy.until,
    })
}

/// Returns the document of a stream on which the command failed.
pub(crate) fn failed(stream: &str, error: &RunError) -> Value {
    json!({
        "stream": stream,
        "outcome": "failed",
        "error_type": error.error_type(),
        "error": error.chain(),
        "waits_until": null,
    })
}
