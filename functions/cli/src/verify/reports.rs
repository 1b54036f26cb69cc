//! Comparison of the tables with Harvest's reports that the lake has: `report::Reconciliation` adds
//! up and judges. Nothing is asked of Harvest.
//!
//! Reports and their changes are read before the records that they are about, and those before their
//! tables of changes: a run that commits meanwhile makes records newer than the reports, which is a
//! known reason.

use engine::item::StreamPosition;
use engine::spec::StreamSpec;
use lake::progress::FileProgress;
use report::{
    AccountFacts, CLIENT_COLUMNS, HISTORY_COLUMNS, MovedRecords, PROJECT_COLUMNS,
    RECONCILED_ENTRY_COLUMNS, RECONCILED_EXPENSE_COLUMNS, REPORT_HISTORY_COLUMNS, ReconciledReport,
    Reconciliation, ReportKind,
};
use runtime::settings::NoChanges;
use serde::Serialize;

use crate::display::FileReads;
use crate::error::CliError;
use crate::lake_facts::{LakeFacts, TableKind};
use crate::table_sums::TableSums;

/// Tables of the reports that are compared.
const REPORTS: [(ReportKind, &StreamSpec); 3] = [
    (ReportKind::Time, &streams::TIME_REPORT_PROJECTS),
    (ReportKind::Expenses, &streams::EXPENSE_REPORT_PROJECTS),
    (ReportKind::Uninvoiced, &streams::UNINVOICED_REPORT),
];

/// Reports that have time entries, and those that have expenses.
const OF_ENTRIES: [ReportKind; 2] = [ReportKind::Time, ReportKind::Uninvoiced];
const OF_EXPENSES: [ReportKind; 2] = [ReportKind::Expenses, ReportKind::Uninvoiced];

/// Comparison of the lake's reports with its records.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct ComparedReports {
    /// Reports that could be compared.
    pub(super) reports: Vec<ReconciledReport>,
    /// Tables that the comparison needs and the lake lacks.
    pub(super) lacking: Vec<String>,
}

impl ComparedReports {
    /// Returns the number of sums that differ without a reason.
    pub(super) fn findings(&self) -> u64 {
        self.reports.iter().map(ReconciledReport::findings).sum()
    }
}

/// Returns the tables of which each comparison reads all rows.
fn tables() -> impl Iterator<Item = &'static StreamSpec> {
    let records = [&streams::TIME_ENTRIES, &streams::EXPENSES];
    REPORTS.iter().map(|(_, report)| *report).chain(records)
}

/// Whether a comparison tells something about one of the `named` streams, or about all if none is
/// named.
pub(super) fn are_concerned(named: &[&'static StreamSpec]) -> bool {
    let concerns = |spec: &&StreamSpec| tables().any(|table| table.name == spec.name);
    named.is_empty() || named.iter().any(concerns)
}

/// Returns the files that a comparison reads, apart from changes of records that differ.
pub(super) async fn reads(lake: &LakeFacts, no_changes: &NoChanges) -> FileReads {
    let mut reads = FileReads::default();
    for spec in [&streams::CLIENTS, &streams::PROJECTS].into_iter().chain(tables()) {
        let [rows, changes] = lake.reads(spec).await;
        reads = reads.and(rows);
        if REPORTS.iter().any(|(_, report)| report.name == spec.name) && no_changes.keeps(spec.name)
        {
            reads = reads.and(changes);
        }
    }
    reads
}

/// Compares the reports with the records. Each of the [`reads`] is told to `progress`.
///
/// # Errors
/// Fails if a table cannot be read.
pub(super) async fn compare(
    lake: &LakeFacts,
    no_changes: &NoChanges,
    progress: &dyn FileProgress,
) -> Result<ComparedReports, CliError> {
    let mut tables = TableSums::of(lake).told(progress);
    let sums = sums(&mut tables, no_changes).await?;
    let mut swept_at = Vec::new();
    for spec in [&streams::TIME_ENTRIES, &streams::EXPENSES] {
        swept_at.push((spec.name, swept(lake, spec).await?));
    }
    let entries = moved(&tables, &sums, no_changes, &streams::TIME_ENTRIES, &OF_ENTRIES).await?;
    let expenses = moved(&tables, &sums, no_changes, &streams::EXPENSES, &OF_EXPENSES).await?;
    let moved = entries.joined(expenses);
    let has = |spec: &StreamSpec| !tables.lacking.iter().any(|lacking| lacking == spec.name);
    let swept_at = |kind: ReportKind| {
        let of = |reports: &[ReportKind]| reports.contains(&kind);
        let needed = [of(&OF_ENTRIES), of(&OF_EXPENSES)];
        let swept = swept_at.iter().zip(needed).filter(|(_, needed)| *needed);
        swept.map(|((_, at), _)| *at).min().flatten()
    };
    let mut reports = Vec::new();
    for (kind, spec) in REPORTS {
        let has_records = (!OF_ENTRIES.contains(&kind) || has(&streams::TIME_ENTRIES))
            && (!OF_EXPENSES.contains(&kind) || has(&streams::EXPENSES));
        if has(spec) && has_records && sums.has_windows(kind) {
            reports.push(sums.judged(kind, spec.name, swept_at(kind), &moved));
        }
    }
    Ok(ComparedReports { reports, lacking: tables.lacking })
}

/// Adds up the reports with what they have lost, and then the records.
async fn sums(
    tables: &mut TableSums<'_>,
    no_changes: &NoChanges,
) -> Result<Reconciliation, CliError> {
    let facts = AccountFacts::default();
    let spec = &streams::CLIENTS;
    let facts = tables.sum(spec, CLIENT_COLUMNS, facts, AccountFacts::add_clients).await?;
    let spec = &streams::PROJECTS;
    let facts = tables.sum(spec, PROJECT_COLUMNS, facts, AccountFacts::add_projects).await?;
    let mut sums = Reconciliation::new(facts);
    for (kind, spec) in REPORTS {
        let add = move |sums: &mut Reconciliation, rows: &_| sums.add_report(kind, rows);
        sums = tables.sum(spec, &kind.columns(), sums, add).await?;
        if no_changes.keeps(spec.name) {
            sums = with_losses(tables, sums, kind, spec).await?;
        }
    }
    let spec = &streams::TIME_ENTRIES;
    sums = tables.sum(spec, RECONCILED_ENTRY_COLUMNS, sums, Reconciliation::add_entries).await?;
    let spec = &streams::EXPENSES;
    tables.sum(spec, RECONCILED_EXPENSE_COLUMNS, sums, Reconciliation::add_expenses).await
}

/// Looks in the table of changes of a report for the rows that it has lost. Without that table the
/// losses are unknown.
async fn with_losses(
    tables: &TableSums<'_>,
    sums: Reconciliation,
    kind: ReportKind,
    spec: &'static StreamSpec,
) -> Result<Reconciliation, CliError> {
    let add = move |sums: &mut Reconciliation, rows: &_| sums.add_report_changes(kind, rows);
    let changes = TableKind::Changes;
    let read = tables.read(spec, changes, REPORT_HISTORY_COLUMNS, sums.clone(), add).await?;
    let Some(mut read) = read else { return Ok(sums) };
    read.complete_report_changes(kind);
    Ok(read)
}

/// Looks in the table of changes of `spec` for records that have left a sum; in none if no sum
/// needs it, or none is kept.
async fn moved(
    tables: &TableSums<'_>,
    sums: &Reconciliation,
    no_changes: &NoChanges,
    spec: &'static StreamSpec,
    reports: &[ReportKind],
) -> Result<MovedRecords, CliError> {
    let moved = MovedRecords::suspected(sums, reports);
    if moved.is_empty() || !no_changes.keeps(spec.name) {
        return Ok(moved);
    }
    let kind = TableKind::Changes;
    let add = MovedRecords::add_versions;
    let Some(moved) = tables.read(spec, kind, HISTORY_COLUMNS, moved.clone(), add).await? else {
        return Ok(moved);
    };
    let add = MovedRecords::add_changes;
    let Some(mut moved) = tables.read(spec, kind, HISTORY_COLUMNS, moved.clone(), add).await?
    else {
        return Ok(moved);
    };
    moved.complete(reports);
    Ok(moved)
}

/// Returns the beginning of the last full pass that a commit of the table notes, in microseconds
/// since 1970.
async fn swept(lake: &LakeFacts, spec: &'static StreamSpec) -> Result<Option<i64>, CliError> {
    let Some(table) = lake.open(spec).await? else { return Ok(None) };
    let state = table.note().map(|note| note.state.clone());
    let position = state.and_then(|state| serde_json::from_value::<StreamPosition>(state).ok());
    let begun = position.and_then(|position| position.full.last_begun);
    Ok(begun.map(engine::time::Timestamp::as_microsecond))
}
