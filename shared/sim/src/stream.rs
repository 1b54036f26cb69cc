//! The streams as the server knows them: path, records key, paging, rate class, module.
//!
//! The list repeats facts of the product's declarations on purpose. It follows Harvest's
//! documentation, so that a wrong path in a declaration meets a 404 here instead of a server that
//! has the same mistake. All other modules match over `Stream`, so the compiler finds most of the
//! places that a new stream needs; the README names the rest.

/// Kind of paging of a list (Harvest API v2, Pagination).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListPaging {
    /// One object instead of a list, without paging.
    Single,
    /// Opaque cursors in the links.
    Cursor,
    /// Numbers of pages: `page=N`.
    Offset,
}

/// Rate limit that a request counts against. Harvest counts the two classes separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestClass {
    /// Requests for anything but reports.
    General,
    /// Requests for paths below `/reports`.
    Reports,
}

/// Module of the account that its administrator can switch off. `/company` tells which ones are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamModule {
    /// Expenses, their categories and their reports.
    Expense,
    /// Invoices with messages, payments and categories.
    Invoice,
    /// Estimates with messages and categories.
    Estimate,
}

// Each line: variant, name, path below `/v2`, member with the records, paging, module.
macro_rules! streams {
    ($($variant:ident $name:literal $path:literal $key:literal $paging:ident $module:expr;)+) => {
        /// One of the streams.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Stream {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl Stream {
            /// All streams, in the order of their lines.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the name in the product's declarations, and in the control face.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns the path below `/v2`; `{}` stands for the parent's id.
            pub(crate) const fn path(self) -> &'static str {
                match self { $(Self::$variant => $path,)+ }
            }

            /// Returns the member of the answer that holds the records; empty for `/company`, which
            /// is one.
            pub(crate) const fn records_key(self) -> &'static str {
                match self { $(Self::$variant => $key,)+ }
            }

            /// Returns the kind of paging.
            pub(crate) const fn paging(self) -> ListPaging {
                match self { $(Self::$variant => ListPaging::$paging,)+ }
            }

            /// Returns the module that must be on; `None` if the stream is always there.
            pub(crate) const fn module(self) -> Option<StreamModule> {
                match self { $(Self::$variant => $module,)+ }
            }
        }
    };
}

streams! {
    Clients "clients" "/clients" "clients" Cursor None;
    Contacts "contacts" "/contacts" "contacts" Cursor None;
    Company "company" "/company" "" Single None;
    InvoiceMessages "invoice_messages" "/invoices/{}/messages" "invoice_messages" Cursor Some(StreamModule::Invoice);
    InvoicePayments "invoice_payments" "/invoices/{}/payments" "invoice_payments" Cursor Some(StreamModule::Invoice);
    Invoices "invoices" "/invoices" "invoices" Offset Some(StreamModule::Invoice);
    InvoiceItemCategories "invoice_item_categories" "/invoice_item_categories" "invoice_item_categories" Cursor Some(StreamModule::Invoice);
    EstimateMessages "estimate_messages" "/estimates/{}/messages" "estimate_messages" Cursor Some(StreamModule::Estimate);
    Estimates "estimates" "/estimates" "estimates" Offset Some(StreamModule::Estimate);
    EstimateItemCategories "estimate_item_categories" "/estimate_item_categories" "estimate_item_categories" Cursor Some(StreamModule::Estimate);
    Expenses "expenses" "/expenses" "expenses" Offset Some(StreamModule::Expense);
    ExpenseCategories "expense_categories" "/expense_categories" "expense_categories" Cursor Some(StreamModule::Expense);
    Tasks "tasks" "/tasks" "tasks" Cursor None;
    TimeEntries "time_entries" "/time_entries" "time_entries" Offset None;
    UserAssignments "user_assignments" "/user_assignments" "user_assignments" Cursor None;
    TaskAssignments "task_assignments" "/task_assignments" "task_assignments" Cursor None;
    Projects "projects" "/projects" "projects" Cursor None;
    Roles "roles" "/roles" "roles" Cursor None;
    Users "users" "/users" "users" Cursor None;
    UserBillableRates "user_billable_rates" "/users/{}/billable_rates" "billable_rates" Cursor None;
    UserCostRates "user_cost_rates" "/users/{}/cost_rates" "cost_rates" Cursor None;
    UserProjectAssignments "user_project_assignments" "/users/{}/project_assignments" "project_assignments" Cursor None;
    UserTeammates "user_teammates" "/users/{}/teammates" "teammates" Cursor None;
    ExpenseReportClients "expense_report_clients" "/reports/expenses/clients" "results" Offset Some(StreamModule::Expense);
    ExpenseReportProjects "expense_report_projects" "/reports/expenses/projects" "results" Offset Some(StreamModule::Expense);
    ExpenseReportCategories "expense_report_categories" "/reports/expenses/categories" "results" Offset Some(StreamModule::Expense);
    ExpenseReportTeam "expense_report_team" "/reports/expenses/team" "results" Offset Some(StreamModule::Expense);
    UninvoicedReport "uninvoiced_report" "/reports/uninvoiced" "results" Offset None;
    TimeReportClients "time_report_clients" "/reports/time/clients" "results" Offset None;
    TimeReportProjects "time_report_projects" "/reports/time/projects" "results" Offset None;
    TimeReportTasks "time_report_tasks" "/reports/time/tasks" "results" Offset None;
    TimeReportTeam "time_report_team" "/reports/time/team" "results" Offset None;
    ProjectBudgetReport "project_budget_report" "/reports/project_budget" "results" Offset None;
}

impl Stream {
    /// Returns the stream of this name; `None` if there is none.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|stream| stream.name() == name)
    }

    /// Tells whether the path is below `/reports`: rows are computed, and the slower limit applies.
    pub(crate) fn is_report(self) -> bool {
        self.path().starts_with("/reports/")
    }

    /// Tells whether each parent has a list of its own, and no list has the records of all parents.
    pub(crate) fn has_parent(self) -> bool {
        self.path().contains("{}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = Stream::ALL.iter().map(|s| s.name()).collect();
        assert_eq!(names.len(), Stream::ALL.len());
        for stream in Stream::ALL {
            assert_eq!(Stream::from_name(stream.name()), Some(*stream));
        }
    }
}
