//! The figures of `harvest-lake report`, and the page that shows them.
//!
//! The crate is a fold: rows of tables go in, sums come out, and a page is made of the sums. It
//! reads no clock and opens no table: the day of the report is an argument, and `tables` is handed
//! the rows. What a figure means is said by the texts in `infra/model` and `infra/queries`; each
//! module names those that it follows, and a test compares both on an account made by hand.
//!
//! Sums are exact decimals. They are as fine as the filters of the page need (a slot of days, a
//! client's project in a currency, a person), so that the page only has to add them up.

mod account;
mod calendar;
mod capacity;
mod columns;
mod compose;
mod document;
mod entries;
mod fixed;
mod flows;
mod page;
mod reconcile;
mod register;
mod tables;
mod work;

pub use account::{
    AccountFacts, CATEGORY_COLUMNS, CLIENT_COLUMNS, COMPANY_COLUMNS, PROJECT_COLUMNS, USER_COLUMNS,
};
pub use calendar::{DayNumber, ReportCalendar};
pub use capacity::PeopleVersions;
pub use document::{BudgetRows, ExpenseCube, ReportDocument, ReportParts, TimeCube};
pub use flows::{InvoiceSums, PaymentSums};
pub use page::page;
pub use reconcile::{
    DifferenceReason, FigureDifference, HISTORY_COLUMNS, MovedRecords, RECONCILED_ENTRY_COLUMNS,
    RECONCILED_EXPENSE_COLUMNS, REPORT_HISTORY_COLUMNS, ReconciledReport, Reconciliation,
    ReportKind, SumDifference,
};
pub use tables::{
    BUDGET_COLUMNS, EXPENSE_COLUMNS, INVOICE_COLUMNS, PAYMENT_COLUMNS, TIME_COLUMNS,
    VERSION_COLUMNS,
};
pub use work::{ExpenseSlotSums, TimeSlotSums, WorkCube};
