//! Reads the tables that the figures are made of.
//!
//! It is the one file of the report that names streams. Small tables come first, because the sums
//! over the large ones need them.

use std::sync::Arc;

use report::{
    AccountFacts, BUDGET_COLUMNS, BudgetRows, CATEGORY_COLUMNS, CLIENT_COLUMNS, COMPANY_COLUMNS,
    DayNumber, EXPENSE_COLUMNS, ExpenseCube, INVOICE_COLUMNS, InvoiceSums, PAYMENT_COLUMNS,
    PROJECT_COLUMNS, PaymentSums, PeopleVersions, ReportCalendar, ReportParts, TIME_COLUMNS,
    TimeCube, USER_COLUMNS, VERSION_COLUMNS,
};

use crate::error::CliError;
use crate::lake_facts::{LakeFacts, TableKind};
use crate::table_sums::TableSums;

/// Returns the sums of all tables, for the day `today`.
///
/// # Errors
/// Fails if there is no table of time entries, or a table cannot be read.
pub(super) async fn parts(lake: &LakeFacts, today: DayNumber) -> Result<ReportParts, CliError> {
    let mut tables = TableSums::of(lake);
    let facts = tables.facts().await?;
    let calendar = ReportCalendar::new(today, facts.week_start_day());
    let mut parts = ReportParts::new(facts, calendar);
    let spec = &streams::TIME_ENTRIES;
    parts.time = tables.sum(spec, TIME_COLUMNS, parts.time, TimeCube::add_rows).await?;
    // Without them there is nothing to show: a lake that was never filled, or another folder.
    if tables.lacking.iter().any(|lacking| lacking == spec.name) {
        let (table, lake) = (spec.name.to_owned(), lake.place.to_string());
        return Err(CliError::NoTable { table, lake });
    }
    let spec = &streams::EXPENSES;
    parts.expenses =
        tables.sum(spec, EXPENSE_COLUMNS, parts.expenses, ExpenseCube::add_rows).await?;
    let (spec, none) = (&streams::INVOICES, parts.no_invoices());
    let invoices = tables.sum(spec, INVOICE_COLUMNS, none, InvoiceSums::add_rows).await?;
    parts.invoices = Arc::new(invoices);
    let (spec, none) = (&streams::INVOICE_PAYMENTS, parts.no_payments());
    parts.payments = tables.sum(spec, PAYMENT_COLUMNS, none, PaymentSums::add_rows).await?;
    let (spec, none) = (&streams::PROJECT_BUDGET_REPORT, BudgetRows::default());
    parts.budgets = tables.sum(spec, BUDGET_COLUMNS, none, BudgetRows::add_rows).await?;
    parts.versions = tables.versions().await?;
    parts.lacking = tables.lacking;
    Ok(parts)
}

impl TableSums<'_> {
    /// Reads the small tables.
    async fn facts(&mut self) -> Result<AccountFacts, CliError> {
        let facts = AccountFacts::default();
        let spec = &streams::COMPANY;
        let facts = self.sum(spec, COMPANY_COLUMNS, facts, AccountFacts::add_company).await?;
        let spec = &streams::CLIENTS;
        let facts = self.sum(spec, CLIENT_COLUMNS, facts, AccountFacts::add_clients).await?;
        let spec = &streams::PROJECTS;
        let facts = self.sum(spec, PROJECT_COLUMNS, facts, AccountFacts::add_projects).await?;
        let spec = &streams::USERS;
        let facts = self.sum(spec, USER_COLUMNS, facts, AccountFacts::add_people).await?;
        let spec = &streams::INVOICE_ITEM_CATEGORIES;
        self.sum(spec, CATEGORY_COLUMNS, facts, AccountFacts::add_categories).await
    }

    /// Reads the versions of people: from the table of their changes, or else the present ones.
    async fn versions(&mut self) -> Result<PeopleVersions, CliError> {
        let (spec, none) = (&streams::USERS, PeopleVersions::default());
        let add = PeopleVersions::add_rows;
        let changes =
            self.read(spec, TableKind::Changes, VERSION_COLUMNS, none.clone(), add).await?;
        if let Some(versions) = changes {
            return Ok(versions);
        }
        self.lacking.push(engine::schema::changes_name(spec));
        let present = self.read(spec, TableKind::Rows, VERSION_COLUMNS, none, add).await?;
        Ok(present.unwrap_or_default())
    }
}
