//! Rows of reports, time entries and expenses as sums.

use std::collections::BTreeSet;

use lake::scan::ScannedRows;

use super::{FIGURES, Reconciliation, ReportKind, ReportSums, SumKey, SumSides, WindowDays};
use crate::calendar::DayNumber;
use crate::columns::{day, decimal, is_true, name};
use crate::register::CurrencyCode;
use crate::work::{TimeEntryRow, sums_of};

/// Columns that each report has beside its figures.
const REPORT_COLUMNS: [&str; 8] = [
    "period_start",
    "period_end",
    "client_id",
    "client_name",
    "project_id",
    "project_name",
    "currency",
    "synced_at",
];
/// Columns of the table of changes of a report that tell which rows it has lost.
pub const REPORT_HISTORY_COLUMNS: &[&str] =
    &["op", "changed_at", "period_start", "period_end", "project_id"];
/// Columns of time entries that are compared with reports.
pub const RECONCILED_ENTRY_COLUMNS: &[&str] = &[
    "spent_date",
    "client_id",
    "client_name",
    "client_currency",
    "project_id",
    "project_name",
    "hours",
    "rounded_hours",
    "billable",
    "billable_rate",
    "is_billed",
    "is_running",
    "updated_at",
];
/// Columns of expenses that are compared with reports.
pub const RECONCILED_EXPENSE_COLUMNS: &[&str] = &[
    "spent_date",
    "client_id",
    "client_name",
    "client_currency",
    "project_id",
    "project_name",
    "total_cost",
    "billable",
    "is_billed",
    "updated_at",
];

/// A time entry or an expense: where it counts, and what it adds there.
pub(super) struct CountedRecord {
    pub(super) day: Option<DayNumber>,
    pub(super) project: Option<i64>,
    pub(super) currency: Option<CurrencyCode>,
    pub(super) client: Option<i64>,
    pub(super) client_name: Option<String>,
    pub(super) project_name: Option<String>,
    /// Time of its last change in Harvest, in microseconds since 1970.
    pub(super) changed_at: Option<i64>,
    pub(super) is_running: bool,
    /// Worth of its hours at their rates if they are of a fixed fee, with four digits after the point.
    pub(super) fee_at_rates: i128,
}

impl ReportKind {
    /// Returns the columns of the report that are compared, and those that say where they belong.
    #[must_use]
    pub fn columns(self) -> Vec<&'static str> {
        let figures = self.figures().iter().map(|figure| figure.column());
        REPORT_COLUMNS.into_iter().chain(figures).collect()
    }
}

impl Reconciliation {
    /// Adds rows of a report.
    pub fn add_report(&mut self, report: ReportKind, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let days = [rows.column("period_start"), rows.column("period_end")];
            let [Some(first), Some(last)] = days.map(|column| day(column, row)) else { continue };
            let client = rows.column("client_id").int(row);
            let project = rows.column("project_id").int(row);
            let currency = self.facts.currency(rows.column("currency").text(row), client);
            let read_at = rows.column("synced_at").instant(row).unwrap_or(0);
            let sums = self.of_mut(report);
            sums.note_reading((first, last), project, read_at);
            let key = SumKey { window: Some((first, last)), project, currency };
            let sides = sums.sums.entry(key).or_default();
            sides.report_rows += 1;
            sides.client = sides.client.or(client);
            note_name(&mut sides.client_name, rows, "client_name", row);
            note_name(&mut sides.project_name, rows, "project_name", row);
            for (figure, held) in report.figures().iter().zip(&mut sides.reported) {
                let value = rows.column(figure.column()).decimal(row);
                sides.is_amount_hidden |= value.is_none() && figure.is_of_rates(report);
                *held = held.saturating_add(value.unwrap_or(0));
            }
        }
    }

    /// Adds rows of the table of changes of a report, after those of the report itself.
    pub fn add_report_changes(&mut self, report: ReportKind, rows: &ScannedRows) {
        let sums = self.of_mut(report);
        for row in (0..rows.len()).filter(|row| rows.column("op").text(*row) == Some("D")) {
            let days = [rows.column("period_start"), rows.column("period_end")];
            let [Some(first), Some(last)] = days.map(|column| day(column, row)) else { continue };
            let project = rows.column("project_id").int(row);
            if let Some(at) = rows.column("changed_at").instant(row) {
                sums.note_loss((first, last), project, at);
            }
        }
    }

    /// Notes that all changes of a report were added.
    pub fn complete_report_changes(&mut self, report: ReportKind) {
        self.of_mut(report).apply_losses();
    }

    /// Adds rows of time entries.
    pub fn add_entries(&mut self, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let entry = TimeEntryRow {
                hours: decimal(rows.column("hours"), row),
                rounded_hours: decimal(rows.column("rounded_hours"), row),
                billable: rows.column("billable").flag(row),
                billable_rate: decimal(rows.column("billable_rate"), row),
                ..TimeEntryRow::default()
            };
            let mut record = self.record(rows, row, is_true(rows.column("is_running"), row));
            let sums = sums_of(&entry, self.facts.is_fixed_fee(record.project));
            record.fee_at_rates = sums.fixed_fee_at_rates.0;
            let hours = sums.rounded_hours.0;
            let (billable, amount) = (sums.billable_hours.0, sums.amount.0);
            count(&mut self.time, &record, [hours, billable, amount, 0]);
            let is_uninvoiced =
                entry.billable == Some(true) && !is_true(rows.column("is_billed"), row);
            let open = |figure: i128| if is_uninvoiced { figure } else { 0 };
            count(&mut self.uninvoiced, &record, [hours, open(hours), 0, open(amount)]);
        }
    }

    /// Adds rows of expenses.
    pub fn add_expenses(&mut self, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let record = self.record(rows, row, false);
            let cost = rows.column("total_cost").decimal(row).unwrap_or(0);
            let is_billable = is_true(rows.column("billable"), row);
            let billable = if is_billable { cost } else { 0 };
            count(&mut self.expenses, &record, [cost, billable, 0, 0]);
            let is_uninvoiced = is_billable && !is_true(rows.column("is_billed"), row);
            let open = if is_uninvoiced { cost } else { 0 };
            count(&mut self.uninvoiced, &record, [0, 0, open, open]);
        }
    }

    fn record(&self, rows: &ScannedRows, row: usize, is_running: bool) -> CountedRecord {
        let client = rows.column("client_id").int(row);
        CountedRecord {
            day: day(rows.column("spent_date"), row),
            project: rows.column("project_id").int(row),
            currency: self.facts.currency(rows.column("client_currency").text(row), client),
            client,
            client_name: name(rows.column("client_name"), row),
            project_name: name(rows.column("project_name"), row),
            changed_at: rows.column("updated_at").instant(row),
            is_running,
            fee_at_rates: 0,
        }
    }
}

impl ReportSums {
    /// Notes that a row of a project was read, or of none.
    pub(super) fn note_reading(&mut self, window: WindowDays, project: Option<i64>, read_at: i64) {
        self.note_window(window, read_at);
        if let Some(project) = project {
            let told = self.told.entry((window, project)).or_insert(read_at);
            *told = read_at.max(*told);
        }
    }

    /// Notes that the table of changes tells of the loss of a row of a project, or of none.
    pub(super) fn note_loss(&mut self, window: WindowDays, project: Option<i64>, lost_at: i64) {
        let last = self.losses.entry((window, project)).or_insert(lost_at);
        *last = lost_at.max(*last);
    }

    /// Applies all losses that were noted. A report without a row says of the project what it says
    /// since it lost the row: the rows that are left may be older. A window that lost its last row
    /// is one of which the report says that there is nothing. Where there are rows, their reading
    /// counts: a loss is older, or of a run that commits meanwhile.
    pub(super) fn apply_losses(&mut self) {
        let losses = core::mem::take(&mut self.losses);
        let is_empty = |window: &WindowDays| !self.windows.contains_key(window);
        let emptied: BTreeSet<_> =
            losses.keys().map(|(window, _)| *window).filter(is_empty).collect();
        for ((window, project), lost_at) in losses {
            if emptied.contains(&window) {
                self.note_window(window, lost_at);
            }
            if let Some(project) = project {
                self.told.entry((window, project)).or_insert(lost_at);
            }
        }
        self.has_losses = true;
    }

    fn note_window(&mut self, window: WindowDays, at: i64) {
        let (DayNumber(first), DayNumber(last)) = window;
        self.longest = self.longest.max(last.saturating_sub(first));
        let newest = self.windows.entry(window).or_insert(at);
        *newest = at.max(*newest);
    }
}

/// Adds a record to the sums of all windows with its day, or to the one without a window.
pub(super) fn count(sums: &mut ReportSums, record: &CountedRecord, figures: [i128; FIGURES]) {
    let windows = record.day.map(|day| sums.windows_of(day)).unwrap_or_default();
    if windows.is_empty() {
        add(sums.sums.entry(key(record, None)).or_default(), record, figures, false);
    }
    for window in windows {
        let told_at = sums.told_at(window, record.project);
        let is_newer = record.changed_at.zip(told_at).is_some_and(|(changed, told)| changed > told);
        add(sums.sums.entry(key(record, Some(window))).or_default(), record, figures, is_newer);
    }
}

fn key(record: &CountedRecord, window: Option<WindowDays>) -> SumKey {
    SumKey { window, project: record.project, currency: record.currency.clone() }
}

fn add(sides: &mut SumSides, record: &CountedRecord, figures: [i128; FIGURES], is_newer: bool) {
    sides.records += 1;
    sides.changed += u64::from(is_newer);
    sides.has_running_timer |= record.is_running;
    sides.fee_at_rates = sides.fee_at_rates.saturating_add(record.fee_at_rates);
    sides.client = sides.client.or(record.client);
    if sides.client_name.is_none() {
        sides.client_name.clone_from(&record.client_name);
    }
    if sides.project_name.is_none() {
        sides.project_name.clone_from(&record.project_name);
    }
    for (held, figure) in sides.here.iter_mut().zip(figures) {
        *held = held.saturating_add(figure);
    }
}

fn note_name(held: &mut Option<String>, rows: &ScannedRows, column: &str, row: usize) {
    if held.is_none() {
        *held = name(rows.column(column), row);
    }
}
