//! Notes about a reading of Harvest: what was not compared, and what was odd.

use engine::coverage::Coverage;
use engine::spec::{StreamKind, StreamSpec};
use runtime::compare::ComparisonReading;

use crate::text;

/// Whether a part of what was to be read was not, or not with proof. `all`: everything was to be read.
pub(super) fn is_partial(spec: &StreamSpec, reading: &ComparisonReading, all: bool) -> bool {
    let left_out = match spec.kind {
        StreamKind::Listing(_) | StreamKind::Snapshot(_) => all && reading.coverage.is_nothing(),
        // Of many lists, a remark names those that are not proven.
        StreamKind::PerParent(_) | StreamKind::ReportWindow(_) => !reading.remarks.is_empty(),
    };
    left_out || reading.quarantined > 0
}

/// Returns the notes about the reading. `all`: everything was to be read.
pub(super) fn notes_of(spec: &StreamSpec, reading: &ComparisonReading, all: bool) -> Vec<String> {
    let mut notes = reading.remarks.clone();
    if reading.quarantined > 0 {
        notes.push(quarantined(spec, reading));
    }
    let is_list = matches!(spec.kind, StreamKind::Listing(_) | StreamKind::Snapshot(_));
    if all && is_list && reading.coverage.is_nothing() {
        // The notes before say why.
        notes.push("rows that Harvest lacks are not told".to_owned());
    }
    notes
}

/// Returns the note about records that cannot become rows. A window that contradicts itself is left
/// out as a whole, and its answers are counted like such records.
fn quarantined(spec: &StreamSpec, reading: &ComparisonReading) -> String {
    if let StreamKind::ReportWindow(_) = spec.kind {
        let whole = match &reading.coverage {
            Coverage::Windows(windows) => windows.len() as u64,
            Coverage::Nothing
            | Coverage::Whole { .. }
            | Coverage::Parents(_)
            | Coverage::Records { .. } => 0,
        };
        let left = text::plural(reading.units.saturating_sub(whole), "window", "windows");
        return format!(
            "not compared as a whole: {left} with records that cannot become rows, or with two \
             contents for one row"
        );
    }
    let records = text::plural(reading.quarantined, "record", "records");
    format!("not compared: {records} that cannot become a row")
}
