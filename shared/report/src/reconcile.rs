//! Comparison of the tables with Harvest's own reports of the same windows.
//!
//! Follows `infra/queries/reconcile_time.sql`, `reconcile_expenses.sql` and
//! `reconcile_uninvoiced.sql`: a sum for each window, project and currency, once as the report has
//! it and once as the records give it. `rows` adds the rows up, `judge` says why two sums differ,
//! and `history` looks for records that have left a sum since its report was read. A difference
//! without a reason is a finding: one of the two is wrong.

mod history;
mod judge;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::account::AccountFacts;
use crate::calendar::DayNumber;
use crate::register::CurrencyCode;

pub use history::{HISTORY_COLUMNS, MovedRecords};
pub use judge::{DifferenceReason, FigureDifference, ReconciledReport, SumDifference};
pub use rows::{RECONCILED_ENTRY_COLUMNS, RECONCILED_EXPENSE_COLUMNS, REPORT_HISTORY_COLUMNS};

/// Greatest number of figures of a report.
const FIGURES: usize = 4;

/// Number that a report has of each project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComparedFigure {
    Hours,
    BillableHours,
    UninvoicedHours,
    Amount,
    BillableAmount,
    UninvoicedExpenses,
    UninvoicedAmount,
}

/// Report whose rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportKind {
    /// Hours of projects, and what the billable ones are worth.
    Time,
    /// Expenses of projects.
    Expenses,
    /// Hours and expenses of projects that are on no invoice.
    Uninvoiced,
}

impl ReportKind {
    /// Returns the figures, in the order of their places in [`SumSides`].
    pub(crate) const fn figures(self) -> &'static [ComparedFigure] {
        use ComparedFigure::{
            Amount, BillableAmount, BillableHours, Hours, UninvoicedAmount, UninvoicedExpenses,
            UninvoicedHours,
        };
        match self {
            Self::Time => &[Hours, BillableHours, BillableAmount],
            Self::Expenses => &[Amount, BillableAmount],
            Self::Uninvoiced => &[Hours, UninvoicedHours, UninvoicedExpenses, UninvoicedAmount],
        }
    }
}

impl ComparedFigure {
    /// Returns the name of the column of the report.
    pub(crate) const fn column(self) -> &'static str {
        match self {
            Self::Hours => "total_hours",
            Self::BillableHours => "billable_hours",
            Self::UninvoicedHours => "uninvoiced_hours",
            Self::Amount => "total_amount",
            Self::BillableAmount => "billable_amount",
            Self::UninvoicedExpenses => "uninvoiced_expenses",
            Self::UninvoicedAmount => "uninvoiced_amount",
        }
    }

    /// Returns the number of digits after the point.
    pub(crate) const fn digits(self) -> u32 {
        match self {
            Self::Hours | Self::BillableHours | Self::UninvoicedHours => 6,
            Self::Amount
            | Self::BillableAmount
            | Self::UninvoicedExpenses
            | Self::UninvoicedAmount => 4,
        }
    }

    /// Whether the figure is made of hours at their rates.
    pub(crate) const fn is_of_rates(self, report: ReportKind) -> bool {
        let is_worth = matches!(self, Self::BillableAmount | Self::UninvoicedAmount);
        is_worth && !matches!(report, ReportKind::Expenses)
    }
}

/// First and last day of a window.
pub(crate) type WindowDays = (DayNumber, DayNumber);

/// Sum that is compared. The window is absent for days that no row of the report covers, and as
/// far as is known, none ever did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SumKey {
    pub(crate) window: Option<WindowDays>,
    pub(crate) project: Option<i64>,
    pub(crate) currency: Option<CurrencyCode>,
}

/// Both sides of a sum. Figures are integers without their point.
#[derive(Clone, Debug, Default)]
pub(crate) struct SumSides {
    pub(crate) reported: [i128; FIGURES],
    pub(crate) here: [i128; FIGURES],
    pub(crate) report_rows: u64,
    pub(crate) records: u64,
    /// Number of records that changed in Harvest after the report had its present numbers.
    pub(crate) changed: u64,
    pub(crate) has_running_timer: bool,
    /// Worth of hours of a fixed fee at their rates, with four digits after the point.
    pub(crate) fee_at_rates: i128,
    /// Whether the token may not see the amounts of the report.
    pub(crate) is_amount_hidden: bool,
    pub(crate) client: Option<i64>,
    pub(crate) client_name: Option<String>,
    pub(crate) project_name: Option<String>,
}

/// Sums of one report.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportSums {
    pub(crate) sums: BTreeMap<SumKey, SumSides>,
    /// Windows, with the newest reading of any of their rows, or the last loss of one that has no
    /// row any more, in microseconds since 1970.
    pub(crate) windows: BTreeMap<WindowDays, i64>,
    /// Newest reading of a row of a project in a window, or the loss of its last one, in
    /// microseconds since 1970.
    pub(crate) told: BTreeMap<(WindowDays, i64), i64>,
    /// Last loss of a row of a project, or of none, that the table of changes tells, in
    /// microseconds since 1970.
    pub(crate) losses: BTreeMap<(WindowDays, Option<i64>), i64>,
    /// Whether the table of changes was read to its end.
    pub(crate) has_losses: bool,
    /// Length of the longest window, in days.
    pub(crate) longest: i32,
}

impl ReportSums {
    /// Windows with this day: months, as a rule one.
    pub(crate) fn windows_of(&self, day: DayNumber) -> Vec<WindowDays> {
        let earliest = (day.plus(self.longest.saturating_neg()), DayNumber(i32::MIN));
        let latest = (day, DayNumber(i32::MAX));
        let near = self.windows.range(earliest..=latest);
        near.map(|(window, _)| *window).filter(|(_, last)| *last >= day).collect()
    }

    /// Time of the numbers that a report has of a project; of any project if it has none of this
    /// one.
    pub(crate) fn told_at(&self, window: WindowDays, project: Option<i64>) -> Option<i64> {
        let own = project.and_then(|project| self.told.get(&(window, project)));
        own.or_else(|| self.windows.get(&window)).copied()
    }
}

/// Sums of all reports and of the records that they are about. Rows of clients, projects and
/// reports come first, then the changes of reports, because records need the windows of both.
#[derive(Clone, Debug)]
pub struct Reconciliation {
    pub(crate) facts: AccountFacts,
    pub(crate) time: ReportSums,
    pub(crate) expenses: ReportSums,
    pub(crate) uninvoiced: ReportSums,
}

impl Reconciliation {
    /// Returns a comparison without rows, on an account with these clients and projects.
    #[must_use]
    pub fn new(facts: AccountFacts) -> Self {
        Self {
            facts,
            time: ReportSums::default(),
            expenses: ReportSums::default(),
            uninvoiced: ReportSums::default(),
        }
    }

    /// Whether a report has any window.
    #[must_use]
    pub fn has_windows(&self, report: ReportKind) -> bool {
        !self.of(report).windows.is_empty()
    }

    pub(crate) const fn of(&self, report: ReportKind) -> &ReportSums {
        match report {
            ReportKind::Time => &self.time,
            ReportKind::Expenses => &self.expenses,
            ReportKind::Uninvoiced => &self.uninvoiced,
        }
    }

    pub(crate) const fn of_mut(&mut self, report: ReportKind) -> &mut ReportSums {
        match report {
            ReportKind::Time => &mut self.time,
            ReportKind::Expenses => &mut self.expenses,
            ReportKind::Uninvoiced => &mut self.uninvoiced,
        }
    }
}
