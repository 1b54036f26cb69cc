//! Rows of tables as the sums take them: which columns each table is asked for, and what they are.

use engine::time::DAY_MICROS;
use lake::scan::{ScannedColumn, ScannedRows};

use crate::calendar::DayNumber;
use crate::capacity::{PeopleVersions, PersonVersion};
use crate::columns::{day, decimal, is_true, name};
use crate::document::{BudgetRow, BudgetRows};
use crate::fixed::Amount;
use crate::flows::{InvoiceLine, InvoiceRow, InvoiceSums, PaymentSums};
use crate::work::{ExpenseRow, ExpenseSlotSums, TimeEntryRow, TimeSlotSums, WorkCube, WorkPlace};

/// Columns of the table of changes of people, or of people where there is none.
pub const VERSION_COLUMNS: &[&str] =
    &["id", "sequence", "changed_at", "op", "created_at", "is_active", "weekly_capacity"];
/// Columns of time entries.
pub const TIME_COLUMNS: &[&str] = &[
    "spent_date",
    "user_id",
    "user_name",
    "client_id",
    "client_name",
    "client_currency",
    "project_id",
    "project_name",
    "hours",
    "rounded_hours",
    "billable",
    "billable_rate",
    "cost_rate",
    "is_billed",
];
/// Columns of expenses.
pub const EXPENSE_COLUMNS: &[&str] = &[
    "spent_date",
    "user_id",
    "user_name",
    "client_id",
    "client_name",
    "client_currency",
    "project_id",
    "project_name",
    "total_cost",
    "billable",
    "is_billed",
];
/// Columns of invoices.
pub const INVOICE_COLUMNS: &[&str] = &[
    "id",
    "number",
    "client_id",
    "client_name",
    "currency",
    "state",
    "issue_date",
    "due_date",
    "closed_at",
    "amount",
    "tax_amount",
    "tax2_amount",
    "due_amount",
    "line_items",
];
/// Columns of payments.
pub const PAYMENT_COLUMNS: &[&str] = &["invoice_id", "paid_date", "amount"];
/// Columns of the report on budgets.
pub const BUDGET_COLUMNS: &[&str] = &[
    "project_id",
    "project_name",
    "client_id",
    "client_name",
    "budget_by",
    "budget_is_monthly",
    "is_active",
    "budget",
    "budget_spent",
    "budget_remaining",
];

impl PeopleVersions {
    /// Adds rows of the changes of people, or of people themselves.
    pub fn add_rows(&mut self, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let Some(id) = rows.column("id").int(row) else { continue };
            let created_at = rows.column("created_at").instant(row);
            let changed_at = rows.column("changed_at").instant(row);
            self.0.entry(id).or_default().push(PersonVersion {
                sequence: rows.column("sequence").int(row).unwrap_or(0),
                changed_at: changed_at.or(created_at).unwrap_or(0),
                created_at,
                is_deleted: rows.column("op").text(row) == Some("D"),
                is_active: is_true(rows.column("is_active"), row),
                weekly_capacity: rows.column("weekly_capacity").int(row),
            });
        }
    }
}

/// Columns that say where work belongs.
struct PlaceColumns<'a>([&'a ScannedColumn; 7]);

impl<'a> PlaceColumns<'a> {
    fn of(rows: &'a ScannedRows) -> Self {
        Self(
            [
                "user_id",
                "user_name",
                "client_id",
                "client_name",
                "client_currency",
                "project_id",
                "project_name",
            ]
            .map(|name| rows.column(name)),
        )
    }

    fn place(&self, row: usize) -> WorkPlace<'a> {
        let [person, person_name, client, client_name, client_currency, project, project_name] =
            self.0;
        WorkPlace {
            person: person.int(row),
            person_name: person_name.text(row),
            client: client.int(row),
            client_name: client_name.text(row),
            client_currency: client_currency.text(row),
            project: project.int(row),
            project_name: project_name.text(row),
        }
    }
}

impl WorkCube<TimeSlotSums> {
    /// Adds rows of time entries.
    pub fn add_rows(&mut self, rows: &ScannedRows) {
        let places = PlaceColumns::of(rows);
        let spent = rows.column("spent_date");
        let (hours, rounded_hours) = (rows.column("hours"), rows.column("rounded_hours"));
        let (billable, is_billed) = (rows.column("billable"), rows.column("is_billed"));
        let (rate, cost_rate) = (rows.column("billable_rate"), rows.column("cost_rate"));
        for row in 0..rows.len() {
            self.add(&TimeEntryRow {
                day: day(spent, row),
                place: places.place(row),
                hours: decimal(hours, row),
                rounded_hours: decimal(rounded_hours, row),
                billable: billable.flag(row),
                billable_rate: decimal(rate, row),
                cost_rate: decimal(cost_rate, row),
                is_billed: is_true(is_billed, row),
            });
        }
    }
}

impl WorkCube<ExpenseSlotSums> {
    /// Adds rows of expenses.
    pub fn add_rows(&mut self, rows: &ScannedRows) {
        let places = PlaceColumns::of(rows);
        for row in 0..rows.len() {
            self.add(&ExpenseRow {
                day: day(rows.column("spent_date"), row),
                place: places.place(row),
                total_cost: decimal(rows.column("total_cost"), row),
                billable: is_true(rows.column("billable"), row),
                is_billed: is_true(rows.column("is_billed"), row),
            });
        }
    }
}

impl InvoiceSums {
    /// Adds rows of invoices.
    pub fn add_rows(&mut self, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let Some(id) = rows.column("id").int(row) else { continue };
            let text = |column: &str| rows.column(column).text(row);
            let date = |column: &str| day(rows.column(column), row);
            let amount = |column: &str| decimal::<4>(rows.column(column), row);
            let closed = rows.column("closed_at").instant(row);
            let closed = closed.and_then(|at| i32::try_from(at.div_euclid(DAY_MICROS)).ok());
            let taxes = [amount("tax_amount"), amount("tax2_amount")];
            let invoice = InvoiceRow {
                id,
                number: text("number"),
                client: rows.column("client_id").int(row),
                client_name: text("client_name"),
                currency: text("currency"),
                state: text("state"),
                issued: date("issue_date"),
                due: date("due_date"),
                closed: closed.map(DayNumber),
                amount: amount("amount"),
                taxes: taxes.into_iter().flatten().fold(Amount::ZERO, |sum, tax| sum + tax),
                due_amount: amount("due_amount"),
            };
            let lines = rows.column("line_items").structs(row).into_iter();
            let lines = lines.flat_map(|(members, places)| {
                places.map(|place| InvoiceLine {
                    project: members.column("project_id").int(place),
                    kind: members.column("kind").text(place),
                    amount: decimal(members.column("amount"), place).unwrap_or_default(),
                })
            });
            self.add(&invoice, lines);
        }
    }
}

impl PaymentSums {
    /// Adds rows of payments.
    pub fn add_rows(&mut self, rows: &ScannedRows) {
        let (invoice, paid) = (rows.column("invoice_id"), rows.column("paid_date"));
        let amount = rows.column("amount");
        for row in 0..rows.len() {
            let Some(invoice) = invoice.int(row) else { continue };
            self.add(invoice, day(paid, row), decimal(amount, row).unwrap_or_default());
        }
    }
}

impl BudgetRows {
    /// Adds rows of the report on budgets: those of active projects with a budget.
    pub fn add_rows(&mut self, rows: &ScannedRows) {
        let number = |column: &str, row| decimal::<6>(rows.column(column), row);
        for row in 0..rows.len() {
            let budget = number("budget", row).filter(|budget| budget.0 > 0);
            let Some(budget) = budget.filter(|_| is_true(rows.column("is_active"), row)) else {
                continue;
            };
            self.0.push(BudgetRow {
                project: rows.column("project_id").int(row),
                project_name: name(rows.column("project_name"), row),
                client: rows.column("client_id").int(row),
                client_name: name(rows.column("client_name"), row),
                budget_by: rows.column("budget_by").text(row).map(str::to_owned),
                is_monthly: rows.column("budget_is_monthly").flag(row),
                budget,
                spent: number("budget_spent", row),
                remaining: number("budget_remaining", row),
            });
        }
    }
}
