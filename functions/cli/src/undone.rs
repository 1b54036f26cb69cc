//! Documents about streams on which an operator's command did nothing.
//!
//! `reset`, `erase`, `upgrade` and `quarantine retry` work stream by stream and go on after a
//! stream that is busy or failed. All of them describe such a stream with the same members, which
//! are also those of a run (`docs/json.md`, Outcomes), so that a program needs to know one form.

use engine::lease::BusyLease;
use runtime::RunError;
use serde_json::{Value, json};

/// Returns the document of a stream on which a run works. `waits_until` is the end of that run's
/// lease, which the run may renew: another try before it is of no use, and one after it may find
/// the stream busy again.
pub(crate) fn busy(stream: &str, busy: &BusyLease) -> Value {
    json!({
        "stream": stream,
        "outcome": "busy",
        "error_type": null,
        "error": null,
        "waits_until": busy.until,
    })
}

/// Returns the document of a stream on which the command failed: the code of the error for
/// programs, and its chain of causes for people.
pub(crate) fn failed(stream: &str, error: &RunError) -> Value {
    json!({
        "stream": stream,
        "outcome": "failed",
        "error_type": error.error_type(),
        "error": error.chain(),
        "waits_until": null,
    })
}
