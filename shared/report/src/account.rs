//! Facts of the small tables: company, clients, projects, people, categories.

use std::collections::BTreeMap;

use lake::scan::{ScannedColumn, ScannedRows};

use crate::columns::{decimal, is_true, name};
use crate::fixed::{Amount, FixedPoint};
use crate::register::{CurrencyCode, Engagement, shown};

/// Columns of the company.
pub const COMPANY_COLUMNS: &[&str] = &["name", "currency", "week_start_day"];
/// Columns of clients.
pub const CLIENT_COLUMNS: &[&str] = &["id", "name", "currency"];
/// Columns of projects.
pub const PROJECT_COLUMNS: &[&str] = &[
    "id",
    "name",
    "client_id",
    "client_name",
    "client_currency",
    "currency",
    "is_active",
    "is_fixed_fee",
    "fee",
    "over_budget_notification_percentage",
];
/// Columns of people.
pub const USER_COLUMNS: &[&str] = &["id", "first_name", "last_name", "is_active"];
/// Columns of the categories of lines of invoices.
pub const CATEGORY_COLUMNS: &[&str] = &["name", "use_as_service", "use_as_expense"];

/// Facts of the account that all sums need. A table that does not exist leaves its part empty.
#[derive(Clone, Debug, Default)]
pub struct AccountFacts {
    pub(crate) company: CompanyFacts,
    pub(crate) clients: BTreeMap<i64, ClientFacts>,
    pub(crate) projects: BTreeMap<i64, ProjectFacts>,
    pub(crate) people: BTreeMap<i64, PersonFacts>,
    /// Whether each category of invoiced lines is one for expenses and not for work, by its name.
    pub(crate) expense_kinds: BTreeMap<String, bool>,
}

/// The company.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompanyFacts {
    pub(crate) name: Option<String>,
    /// Currency of costs.
    pub(crate) currency: Option<CurrencyCode>,
    pub(crate) week_start_day: Option<String>,
}

/// A client.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientFacts {
    pub(crate) name: Option<String>,
    pub(crate) currency: Option<CurrencyCode>,
}

/// A project.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProjectFacts {
    pub(crate) name: Option<String>,
    pub(crate) client: Option<i64>,
    /// Name of its client when the project was read.
    pub(crate) client_name: Option<String>,
    pub(crate) currency: Option<CurrencyCode>,
    pub(crate) is_active: bool,
    pub(crate) is_fixed_fee: bool,
    pub(crate) fee: Option<Amount>,
    /// Percentage of the budget at which Harvest warns.
    pub(crate) warning_percent: Option<FixedPoint<6>>,
}

/// A person.
#[derive(Clone, Debug, Default)]
pub(crate) struct PersonFacts {
    pub(crate) name: Option<String>,
    pub(crate) is_active: bool,
}

impl AccountFacts {
    /// Day on which weeks begin, if the company was read.
    #[must_use]
    pub fn week_start_day(&self) -> Option<&str> {
        self.company.week_start_day.as_deref()
    }

    /// Whether a project has a fixed fee now. One without a row has none.
    pub(crate) fn is_fixed_fee(&self, project: Option<i64>) -> bool {
        let project = project.and_then(|id| self.projects.get(&id));
        project.is_some_and(|project| project.is_fixed_fee)
    }

    /// Whether a line of an invoice is for an expense, by the name of its category.
    pub(crate) fn is_expense(&self, kind: Option<&str>) -> bool {
        kind.is_some_and(|kind| self.expense_kinds.get(kind) == Some(&true))
    }

    /// A currency, or that of the client where a record has none.
    pub(crate) fn currency(&self, own: Option<&str>, client: Option<i64>) -> Option<CurrencyCode> {
        let client = client.and_then(|id| self.clients.get(&id));
        let client = client.and_then(|client| client.currency.as_ref());
        match (own, client) {
            // Most records have the currency of their client: one text for all of them.
            (Some(own), Some(client)) if own == &*client.0 => Some(client.clone()),
            (Some(own), _) => Some(CurrencyCode(own.into())),
            (None, client) => client.cloned(),
        }
    }

    /// Engagement of a project itself.
    pub(crate) fn own_engagement(&self, id: i64, project: &ProjectFacts) -> Engagement {
        Engagement {
            client: project.client,
            project: Some(id),
            currency: self.currency(project.currency.as_ref().map(|own| &*own.0), project.client),
        }
    }
}

impl AccountFacts {
    /// Adds the row of the company.
    pub fn add_company(&mut self, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let text = |column: &str| rows.column(column).text(row);
            self.company = CompanyFacts {
                name: text("name").and_then(shown).map(str::to_owned),
                currency: currency(rows.column("currency"), row),
                week_start_day: text("week_start_day").map(str::to_owned),
            };
        }
    }

    /// Adds rows of clients.
    pub fn add_clients(&mut self, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let Some(id) = rows.column("id").int(row) else { continue };
            let client = ClientFacts {
                name: name(rows.column("name"), row),
                currency: currency(rows.column("currency"), row),
            };
            self.clients.insert(id, client);
        }
    }

    /// Adds rows of projects.
    pub fn add_projects(&mut self, rows: &ScannedRows) {
        for row in 0..rows.len() {
            let Some(id) = rows.column("id").int(row) else { continue };
            let own = currency(rows.column("currency"), row);
            let warning = rows.column("over_budget_notification_percentage");
            let project = ProjectFacts {
                name: name(rows.column("name"), row),
                client: rows.column("client_id").int(row),
                client_name: name(rows.column("client_name"), row),
                currency: own.or_else(|| currency(rows.column("client_currency"), row)),
                is_active: is_true(rows.column("is_active"), row),
                is_fixed_fee: is_true(rows.column("is_fixed_fee"), row),
                fee: decimal(rows.column("fee"), row),
                warning_percent: decimal(warning, row),
            };
            self.projects.insert(id, project);
        }
    }

    /// Adds rows of people.
    pub fn add_people(&mut self, rows: &ScannedRows) {
        let names = [rows.column("first_name"), rows.column("last_name")];
        for row in 0..rows.len() {
            let Some(id) = rows.column("id").int(row) else { continue };
            let names: Vec<&str> =
                names.iter().filter_map(|column| column.text(row).and_then(shown)).collect();
            let person = PersonFacts {
                name: (!names.is_empty()).then(|| names.join(" ")),
                is_active: is_true(rows.column("is_active"), row),
            };
            self.people.insert(id, person);
        }
    }

    /// Adds rows of the categories of lines of invoices.
    pub fn add_categories(&mut self, rows: &ScannedRows) {
        let flag = |column: &str, row| rows.column(column).flag(row);
        for row in 0..rows.len() {
            let Some(name) = rows.column("name").text(row) else { continue };
            let is_expense = flag("use_as_expense", row) == Some(true)
                && flag("use_as_service", row) == Some(false);
            // Several categories may have one name: one for expenses decides.
            *self.expense_kinds.entry(name.to_owned()).or_default() |= is_expense;
        }
    }
}

fn currency(column: &ScannedColumn, row: usize) -> Option<CurrencyCode> {
    column.text(row).map(|code| CurrencyCode(code.into()))
}
