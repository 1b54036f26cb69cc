//! Remarks about one stream: what is unfinished, parked, kept raw or failing.

use engine::time::Timestamp;

use super::content::{MOST_PARKED, StreamStatus};
use crate::text;

/// Returns the line about children that could not be read: the first list, and how many others.
pub(super) fn parked(row: &StreamStatus) -> Option<String> {
    let first = row.parked_parents.first()?;
    let runs = text::plural(u64::from(first.runs), "run", "runs");
    let others = match row.parked.unwrap_or_default().saturating_sub(1) {
        0 => String::new(),
        others => {
            let others = text::plural(others, "list", "lists");
            format!(", and {others} more (`--json` has {MOST_PARKED})")
        }
    };
    Some(format!(
        "! {}: {} could not be read in {runs}: {}{others}; each run tries again",
        row.stream, first.path, first.reason
    ))
}

/// Returns the remarks about one stream, the unfinished pass first.
pub(super) fn remarks(row: &StreamStatus, now: Timestamp) -> String {
    let mut remarks = Vec::new();
    if let Some(unfinished) = &row.unfinished {
        let mut remark = format!("{} pass unfinished", unfinished.pass);
        let all = unfinished.read.saturating_add(unfinished.left);
        if all > 0 {
            let parts = if all == 1 { "part" } else { "parts" };
            remark = format!("{remark}, {} of {all} {parts} read", unfinished.read);
        }
        // A wait that is over says nothing any more: the next run goes on.
        if let Some(until) = unfinished.waits_until.filter(|until| *until > now) {
            remark = format!("{remark}, waits for the budget until {}", text::clock(until, now));
        }
        remarks.push(remark);
    }
    if row.parked.is_none() {
        remarks.push("many parked".to_owned());
    }
    let failed = if row.failures == 1 { "failed run" } else { "failed runs" };
    for (number, what) in [
        (row.parked.unwrap_or_default(), "parked"),
        (row.quarantined, "in quarantine"),
        (u64::from(row.failures), failed),
    ] {
        if number > 0 {
            remarks.push(format!("{} {what}", text::count(number)));
        }
    }
    remarks.join("; ")
}
