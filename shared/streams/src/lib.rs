//! Declares the data streams of the Harvest API: one file each, one table of all.
//!
//! A declaration says what Harvest offers for a resource, in data. It contains no code: all streams
//! are read, decoded and merged by the same code, which asks the declaration. README.md says how to
//! choose the kind of a stream; the doc of each declaration says which fact of the API led to it.
//!
//! | kind | example | way to notice changes | way to notice deletions |
//! | --- | --- | --- | --- |
//! | listing | `clients` | `updated_since` | full pass, then 404 under a path of its own |
//! | snapshot | `roles` | read whole each time | absence |
//! | per parent | `invoice_payments` | the trigger's `updated_since` | absence from its list |
//! | report window | `time_report_team` | recent windows are read each time | absence |
//!
//! Facts that hold for all of them (Harvest API v2, Pagination and the pages of each resource):
//!
//! * A page has at most 2,000 records. Some lists go on by a cursor in `links.next`, the others by
//!   a page number.
//! * No list is sorted by `updated_at`, so a cursor moves only after a whole list was read.
//! * Deleted records leave no trace: no list names them and no flag marks them. Archived ones stay,
//!   with `is_active` false.
//! * Records embed names of others (`client.name`). A new name of the client does not move the
//!   `updated_at` of the record, so an incremental pass does not see it, and a full pass does.
//! * The person of the token sees what their role permits; the answer is then shorter without an
//!   error.
//!
//! The reports with windows have more in common:
//!
//! * Harvest computes their rows for the days from `from` to `to`, both inclusive, by `spent_date`.
//!   The two may be at most a year apart (documented).
//! * Rows have no id and no time of change. The key is the window, the subject and the currency, of
//!   which a subject has one row each. Subject and currency may be null.
//! * Each change of an entry may change a row without a trace. So recent windows are read in each
//!   incremental pass, all windows in a sweep, and a window is always replaced as a whole.
//! * All of `/reports` shares 100 requests in 15 minutes (documented), whereas other lists have 100
//!   in 15 seconds. `RateClass::Reports` counts them apart.
//!
//! Sources are named in short: "documented" is Harvest's documentation of API v2, "recorded" an
//! answer that somebody published, "reported" what the authors of other programs say.

mod clients;
mod company;
mod contacts;
mod estimate_item_categories;
mod estimate_messages;
mod estimates;
mod expense_categories;
mod expense_report_categories;
mod expense_report_clients;
mod expense_report_projects;
mod expense_report_team;
mod expenses;
mod invoice_item_categories;
mod invoice_messages;
mod invoice_payments;
mod invoices;
mod names;
mod project_budget_report;
mod projects;
mod roles;
mod runs;
mod stubs;
mod task_assignments;
mod tasks;
mod time_entries;
mod time_report_clients;
mod time_report_projects;
mod time_report_tasks;
mod time_report_team;
mod uninvoiced_report;
mod user_assignments;
mod user_billable_rates;
mod user_cost_rates;
mod user_project_assignments;
mod user_teammates;
mod users;

use engine::spec::StreamSpec;

pub use clients::CLIENTS;
pub use company::COMPANY;
pub use contacts::CONTACTS;
pub use estimate_item_categories::ESTIMATE_ITEM_CATEGORIES;
pub use estimate_messages::ESTIMATE_MESSAGES;
pub use estimates::ESTIMATES;
pub use expense_categories::EXPENSE_CATEGORIES;
pub use expense_report_categories::EXPENSE_REPORT_CATEGORIES;
pub use expense_report_clients::EXPENSE_REPORT_CLIENTS;
pub use expense_report_projects::EXPENSE_REPORT_PROJECTS;
pub use expense_report_team::EXPENSE_REPORT_TEAM;
pub use expenses::EXPENSES;
pub use invoice_item_categories::INVOICE_ITEM_CATEGORIES;
pub use invoice_messages::INVOICE_MESSAGES;
pub use invoice_payments::INVOICE_PAYMENTS;
pub use invoices::INVOICES;
pub use names::{UnknownStream, find_stream, find_table};
pub use project_budget_report::PROJECT_BUDGET_REPORT;
pub use projects::PROJECTS;
pub use roles::ROLES;
pub use runs::RUNS;
pub use task_assignments::TASK_ASSIGNMENTS;
pub use tasks::TASKS;
pub use time_entries::TIME_ENTRIES;
pub use time_report_clients::TIME_REPORT_CLIENTS;
pub use time_report_projects::TIME_REPORT_PROJECTS;
pub use time_report_tasks::TIME_REPORT_TASKS;
pub use time_report_team::TIME_REPORT_TEAM;
pub use uninvoiced_report::UNINVOICED_REPORT;
pub use user_assignments::USER_ASSIGNMENTS;
pub use user_billable_rates::USER_BILLABLE_RATES;
pub use user_cost_rates::USER_COST_RATES;
pub use user_project_assignments::USER_PROJECT_ASSIGNMENTS;
pub use user_teammates::USER_TEAMMATES;
pub use users::USERS;

/// All streams, in the order of Harvest's documentation. Runs, tests and the template of the tables
/// walk this table.
pub static STREAMS: [&StreamSpec; 33] = [
    &CLIENTS,
    &CONTACTS,
    &COMPANY,
    &INVOICE_MESSAGES,
    &INVOICE_PAYMENTS,
    &INVOICES,
    &INVOICE_ITEM_CATEGORIES,
    &ESTIMATE_MESSAGES,
    &ESTIMATES,
    &ESTIMATE_ITEM_CATEGORIES,
    &EXPENSES,
    &EXPENSE_CATEGORIES,
    &TASKS,
    &TIME_ENTRIES,
    &USER_ASSIGNMENTS,
    &TASK_ASSIGNMENTS,
    &PROJECTS,
    &ROLES,
    &USERS,
    &USER_BILLABLE_RATES,
    &USER_COST_RATES,
    &USER_PROJECT_ASSIGNMENTS,
    &USER_TEAMMATES,
    &EXPENSE_REPORT_CLIENTS,
    &EXPENSE_REPORT_PROJECTS,
    &EXPENSE_REPORT_CATEGORIES,
    &EXPENSE_REPORT_TEAM,
    &UNINVOICED_REPORT,
    &TIME_REPORT_CLIENTS,
    &TIME_REPORT_PROJECTS,
    &TIME_REPORT_TASKS,
    &TIME_REPORT_TEAM,
    &PROJECT_BUDGET_REPORT,
];

/// Returns the declaration of the stream with exactly this name. For names that people type, use
/// [`find_stream`], which suggests others.
#[must_use]
pub fn find(name: &str) -> Option<&'static StreamSpec> {
    STREAMS.iter().copied().find(|spec| spec.name == name)
}

#[cfg(test)]
mod tests {
    use engine::privacy::{FieldTreatment, PrivacyRules};
    use engine::spec::StreamKind;

    use super::*;

    #[test]
    fn what_is_personal_is_declared_and_can_go() {
        for spec in STREAMS {
            let (stream, Some(personal)) = (spec.name, &spec.personal) else { continue };
            let mut rules = PrivacyRules::default();
            for path in personal.members {
                let added = rules.add(spec, path, FieldTreatment::Exclude);
                assert_eq!(added, Ok(()), "{stream}.{path}");
            }
            let first = personal.person.split('.').next().unwrap();
            assert!(spec.fields.iter().any(|field| field.name == first), "{stream}.{first}");
        }
    }

    #[test]
    fn the_parents_of_children_are_records_of_a_stream() {
        for spec in STREAMS {
            let StreamKind::PerParent(parent) = &spec.kind else { continue };
            assert!(find_stream(parent.parents()).is_ok(), "{}: {}", spec.name, parent.parents());
        }
    }

    #[test]
    fn the_date_that_tells_how_far_back_reports_go_is_a_field() {
        for spec in STREAMS {
            let Some(dated) = spec.dated else { continue };
            let name = dated.field();
            assert!(spec.fields.iter().any(|field| field.name == name), "{}.{name}", spec.name);
        }
    }

    #[test]
    fn a_stream_is_found_by_its_exact_name_alone() {
        for spec in STREAMS {
            assert!(core::ptr::eq(find(spec.name).unwrap(), spec));
        }
        for unknown in ["", "client", "Clients", "clients ", "users_me"] {
            assert!(find(unknown).is_none(), "{unknown:?}");
        }
    }
}
