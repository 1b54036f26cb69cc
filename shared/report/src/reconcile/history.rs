//! Records that have left a sum since its report was read: deleted ones, and those with another
//! day, project or currency. Only tables of changes know them.

use std::collections::{BTreeMap, BTreeSet};

use lake::scan::ScannedRows;

use super::{Reconciliation, ReportKind, SumKey};
use crate::calendar::DayNumber;
use crate::columns::day;

/// Columns of the tables of changes of time entries and of expenses.
pub const HISTORY_COLUMNS: &[&str] = &["id", "op", "changed_at", "spent_date", "project_id"];

/// Sum that differs without another reason, by its report.
type Suspect = (ReportKind, SumKey);

/// Records that were once in one of the sums that differ, and what became of them, as one table of
/// changes tells.
///
/// Memory: an entry for each of these records.
#[derive(Clone, Debug, Default)]
pub struct MovedRecords {
    /// Suspects of each project, with the time of the report's numbers.
    suspects: BTreeMap<Option<i64>, Vec<(Suspect, i64)>>,
    /// Suspects that each record was ever in, with the time of the report's numbers.
    members: BTreeMap<i64, BTreeMap<Suspect, i64>>,
    /// Suspects that a record has left, or in which one has changed.
    explained: BTreeSet<Suspect>,
    /// Reports whose records have a table of changes.
    known: BTreeSet<ReportKind>,
}

impl MovedRecords {
    /// Returns the sums of these reports that differ without another reason.
    #[must_use]
    pub fn suspected(sums: &Reconciliation, reports: &[ReportKind]) -> Self {
        let mut moved = Self::default();
        for report in reports {
            for key in sums.suspects(*report) {
                let told = key.window.and_then(|at| sums.of(*report).told_at(at, key.project));
                let of_project = moved.suspects.entry(key.project).or_default();
                of_project.push(((*report, key), told.unwrap_or(0)));
            }
        }
        moved
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.suspects.is_empty()
    }

    /// Notes which records were in which sums: the first reading of the table of changes.
    pub fn add_versions(&mut self, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let id = rows.column("id").int(row);
            if let Some((id, day)) = id.zip(day(rows.column("spent_date"), row)) {
                self.version(id, day, rows.column("project_id").int(row));
            }
        }
    }

    /// Notes the sums whose records changed after their report was read: the second reading of the
    /// same table.
    pub fn add_changes(&mut self, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let id = rows.column("id").int(row);
            let at = rows.column("changed_at").instant(row);
            if let (Some((id, at)), Some(op)) = (id.zip(at), rows.column("op").text(row)) {
                self.change(id, op, at);
            }
        }
    }

    /// Notes that the table of changes was read, which has the records of these reports.
    pub fn complete(&mut self, reports: &[ReportKind]) {
        self.known.extend(reports);
        self.members.clear();
    }

    /// Returns what two tables of changes tell. A report of both kinds of records is known if both
    /// are.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        let in_both: BTreeSet<_> = self.known.intersection(&other.known).copied().collect();
        self.known.extend(other.known);
        if !in_both.contains(&ReportKind::Uninvoiced) {
            self.known.remove(&ReportKind::Uninvoiced);
        }
        self.explained.extend(other.explained);
        self
    }

    /// Whether records have left or changed a sum since its report was read; `None` if nothing tells.
    pub(super) fn explain(&self, report: ReportKind, key: &SumKey) -> Option<bool> {
        let is_explained = self.explained.contains(&(report, key.clone()));
        (is_explained || self.known.contains(&report)).then_some(is_explained)
    }

    /// Notes one version of a record. Its currency is not looked at: it may have changed, too.
    pub(super) fn version(&mut self, id: i64, day: DayNumber, project: Option<i64>) {
        let Some(suspects) = self.suspects.get(&project) else { return };
        for (suspect, told_at) in suspects {
            if suspect.1.window.is_some_and(|(first, last)| first <= day && day <= last) {
                self.members.entry(id).or_default().insert(suspect.clone(), *told_at);
            }
        }
    }

    /// Notes one change of a record. An insert is left out: a new record says itself when it
    /// changed, and a table of changes that begins anew inserts all records.
    pub(super) fn change(&mut self, id: i64, op: &str, changed_at: i64) {
        let Some(sums) = self.members.get(&id).filter(|_| op == "U" || op == "D") else { return };
        let since = sums.iter().filter(|(_, told_at)| changed_at > **told_at);
        self.explained.extend(since.map(|(suspect, _)| suspect.clone()));
    }
}
