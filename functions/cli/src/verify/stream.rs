//! Findings of one stream.

use lake::verify::{MISSED_COMMITS, ReplayedChanges, TableCheck, VerifiedTable, VerifyFinding};
use serde::Serialize;
use serde_json::json;

use super::harvest::HarvestComparison;

/// Findings of one stream.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct StreamFindings {
    pub(super) stream: &'static str,
    /// Findings in the table, its log and its changes.
    #[serde(flatten)]
    pub(super) table: VerifiedTable,
    /// Replay of the table of changes, if there is one.
    pub(super) changes: Option<ReplayedChanges>,
    /// Comparison with Harvest, if it was asked for.
    pub(super) harvest: Option<HarvestComparison>,
}

/// Whether a table of changes is to begin anew, which is no damage.
pub(super) fn is_behind(finding: &VerifyFinding) -> bool {
    finding.what == MISSED_COMMITS
}

/// Whether rows of the table can be compared with Harvest and with the changes: they can be read,
/// are in the order of their keys, and each key is there once. Other findings concern the log or
/// single values, and leave the rows as they are.
pub(super) fn is_readable(verified: &VerifiedTable) -> bool {
    !verified.findings.iter().any(|finding| match finding.check {
        TableCheck::Log
        | TableCheck::Files
        | TableCheck::Schema
        | TableCheck::Fit
        | TableCheck::Order
        | TableCheck::Unique => true,
        TableCheck::Checkpoint
        | TableCheck::Tags
        | TableCheck::Ranges
        | TableCheck::Rows
        | TableCheck::Statistics
        | TableCheck::Partition
        | TableCheck::Account
        | TableCheck::Changes => false,
    })
}

impl StreamFindings {
    /// Findings of a stream whose table of changes is there without its table.
    pub(super) fn without_table(stream: &'static str) -> Self {
        let finding = VerifyFinding {
            check: TableCheck::Log,
            file: None,
            what: "the table is gone, and its table of changes is there".to_owned(),
            expected: "a log of the table".to_owned(),
            found: "none".to_owned(),
        };
        let table = VerifiedTable { findings: vec![finding], ..VerifiedTable::default() };
        Self { stream, table, ..Self::default() }
    }

    /// Returns the name of the damaged table of the stream: that of its changes if only files of these
    /// are damaged. Where rows and changes differ, either may be wrong.
    pub(super) fn damaged(&self) -> Option<String> {
        let is_damage = |finding: &&VerifyFinding| {
            !matches!(finding.check, TableCheck::Fit | TableCheck::Checkpoint)
                && !is_behind(finding)
        };
        let mut damages = self.table.findings.iter().filter(is_damage).peekable();
        damages.peek()?;
        let of_changes = |finding: &VerifyFinding| {
            finding.check == TableCheck::Changes && finding.file.is_some()
        };
        let only_changes = damages.all(of_changes);
        let stream = self.stream;
        Some(if only_changes { format!("{stream}_changes") } else { stream.to_owned() })
    }

    /// Takes out the differences between rows and changes if the erasure of a user has not ended: they
    /// are no damage, and show what is to be erased.
    pub(super) fn forgive_differences(&mut self, erased: Option<i64>) {
        let differs = |finding: &VerifyFinding| {
            finding.check == TableCheck::Changes && finding.file.is_none()
        };
        self.table.findings.retain(|finding| erased.is_none() || !differs(finding));
    }

    /// Number of all findings, those of the comparison with Harvest included.
    pub(super) fn findings(&self) -> u64 {
        let of_table = self.table.findings.len() as u64;
        of_table.saturating_add(self.harvest.as_ref().map_or(0, HarvestComparison::findings))
    }

    /// Returns the stream's part of the JSON document: the findings, and their number by check.
    pub(super) fn document(&self) -> serde_json::Value {
        let mut document = serde_json::to_value(self).unwrap_or_default();
        // Every check is named, also with 0 findings: a program sees that it was made.
        let counts = TableCheck::ALL.iter().map(|check| {
            let found = self.table.findings.iter().filter(|finding| finding.check == *check);
            (check.name().to_owned(), json!(found.count()))
        });
        if let Some(document) = document.as_object_mut() {
            document.insert("checks".to_owned(), counts.collect());
        }
        document
    }
}
