//! Work of a verification that is ahead, for its progress.

use engine::spec::StreamSpec;
use runtime::settings::NoChanges;

use super::reports;
use crate::display::{FileReads, PlannedTable};
use crate::lake_facts::LakeFacts;

/// Work beside that on each table by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkAhead {
    /// Whether the reports are compared with the tables.
    pub(super) reports: bool,
    /// Whether the tables are compared with Harvest.
    pub(super) harvest: bool,
}

/// Returns the work that is ahead: each table, and then the reports.
pub(super) async fn planned(
    lake: &LakeFacts,
    wanted: &[&'static StreamSpec],
    no_changes: &NoChanges,
    ahead: WorkAhead,
) -> Vec<PlannedTable> {
    let mut planned = Vec::new();
    for spec in wanted {
        let [rows, changes] = lake.reads(spec).await;
        // `lake::verify` reads rows twice, and once more beside the changes.
        let replayed =
            if has_changes(spec, no_changes) { rows.and(changes) } else { FileReads::default() };
        let compared = if ahead.harvest { rows } else { FileReads::default() };
        let reads = rows.and(rows).and(replayed).and(compared);
        planned.push(PlannedTable { name: spec.name, reads });
    }
    if ahead.reports {
        let reads = reports::reads(lake, no_changes).await;
        planned.push(PlannedTable { name: "reports", reads });
    }
    planned
}

/// Whether the stream has a table of changes to replay.
pub(super) fn has_changes(spec: &StreamSpec, no_changes: &NoChanges) -> bool {
    spec.name != streams::RUNS.name && no_changes.keeps(spec.name)
}
