//! The plain listings: what of their records no declaration says, and what follows from the rest.
//!
//! Harvest leaves no trace of a deletion: no tombstone, no list, no flag. Only a reading of the
//! whole list shows that a record is missing. Deletions come in bulk, too: a project takes its
//! entries along.
//!
//! | deleted | goes with it | refused if |
//! | --- | --- | --- |
//! | client | its contacts | it has projects, invoices or estimates |
//! | project | entries, expenses, assignments; not invoices | never |
//! | task | nothing | an entry or an assignment has it |
//! | user | assignments | entries or expenses are by it, or it holds a token |
//! | role | the name in its users, who move | never |
//! | assignment | nothing | an entry (or expense) has it |
//! | entry | nothing | an invoice bills it |
//! | invoice | messages, payments; its entries are open again and move | never |

/// Hands the table of all streams to another macro. A plain listing has a line with its variant of
/// `Stream`, its declaration, its table in `Books`, the type of its records, and a number below its
/// first id that no other table is near. The other streams have code of their own.
///
/// Each table has a first id far from all others, so that a reader that mixes up two streams finds
/// nothing instead of a wrong record. Ids of entries are above 2^31, because Harvest documents them
/// as bigint: a reader with 32-bit ids fails at the first one.
macro_rules! all_streams {
    ($then:ident) => {
        $then! {
            listings {
                Clients CLIENTS clients: crate::work::Client, above 5_735_000;
                Contacts CONTACTS contacts: crate::work::Contact, above 4_706_000;
                Invoices INVOICES invoices: crate::billing::Invoice, above 13_150_000;
                InvoiceItemCategories INVOICE_ITEM_CATEGORIES invoice_categories:
                    crate::billing::InvoiceItemCategory, above 1_466_000;
                Estimates ESTIMATES estimates: crate::billing::Estimate, above 1_439_000;
                EstimateItemCategories ESTIMATE_ITEM_CATEGORIES estimate_categories:
                    crate::billing::EstimateItemCategory, above 1_378_000;
                Expenses EXPENSES expenses: crate::work::Expense, above 15_296_000;
                ExpenseCategories EXPENSE_CATEGORIES expense_categories:
                    crate::work::ExpenseCategory, above 4_195_000;
                Tasks TASKS tasks: crate::work::Task, above 8_083_000;
                TimeEntries TIME_ENTRIES entries: crate::work::TimeEntry, above 2_412_000_000;
                UserAssignments USER_ASSIGNMENTS user_assignments:
                    crate::work::UserAssignment, above 125_063_000;
                TaskAssignments TASK_ASSIGNMENTS task_assignments:
                    crate::work::TaskAssignment, above 155_502_000;
                Projects PROJECTS projects: crate::work::Project, above 14_307_000;
                Roles ROLES roles: crate::people::Role, above 617_000;
                Users USERS users: crate::people::User, above 1_782_000;
            }
            others {
                Company COMPANY;
                InvoiceMessages INVOICE_MESSAGES;
                InvoicePayments INVOICE_PAYMENTS;
                EstimateMessages ESTIMATE_MESSAGES;
                UserBillableRates USER_BILLABLE_RATES;
                UserCostRates USER_COST_RATES;
                UserProjectAssignments USER_PROJECT_ASSIGNMENTS;
                UserTeammates USER_TEAMMATES;
                ExpenseReportClients EXPENSE_REPORT_CLIENTS;
                ExpenseReportProjects EXPENSE_REPORT_PROJECTS;
                ExpenseReportCategories EXPENSE_REPORT_CATEGORIES;
                ExpenseReportTeam EXPENSE_REPORT_TEAM;
                UninvoicedReport UNINVOICED_REPORT;
                TimeReportClients TIME_REPORT_CLIENTS;
                TimeReportProjects TIME_REPORT_PROJECTS;
                TimeReportTasks TIME_REPORT_TASKS;
                TimeReportTeam TIME_REPORT_TEAM;
                ProjectBudgetReport PROJECT_BUDGET_REPORT;
            }
        }
    };
}

mod billing;
mod functions;
mod people;
mod tracked;
mod work;

use std::borrow::Cow;

use engine::spec::Paging;

use crate::books::{Books, StoredRecord};
use crate::calendar::{Day, Moment};
use crate::filter::ListFilter;
use crate::generate::AccountGenerator;
use crate::json::JsonWriter;
use crate::mutate::NotApplied;
use crate::render::RenderContext;
use crate::table::RankKey;
use crate::viewer::Viewer;

pub(crate) use functions::{RecordEdit, generate};

/// Record of a plain listing: how it is made, written, changed and removed.
pub(crate) trait ListedRecord: StoredRecord {
    /// Number of records of a fresh account that are made after all other records, by numbers of
    /// their own. 0 for records that a part of `generate` makes.
    const FRESH: usize = 0;

    /// Makes a record that is created and updated at `created`, whatever its day of work or issue.
    /// Fails where it would need another record that does not exist, and where Harvest allows one
    /// only, such as a second assignment of a user to a project.
    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied>;

    /// Opens the record as a JSON object, and appends its fields.
    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter);

    /// Changes a few fields.
    fn vary(&mut self, new: NewValues);

    /// Name that people may change, if the record has one.
    fn name(&mut self) -> Option<&mut String> {
        None
    }

    /// Gives the record another day, or one that is not usable; returns `false` if it has no day.
    /// Another day is another place in the list.
    fn redate(&mut self, _day: Option<Day>) -> bool {
        false
    }

    /// Sets `is_active` to false; returns `false` if that is impossible. Archiving is an update in
    /// Harvest, not a deletion.
    fn archive(&mut self, _books: &Books) -> bool {
        false
    }

    /// Value of `is_active`, for listings that are filtered by it.
    fn is_active(&self) -> Option<bool> {
        None
    }

    /// Tells whether the record passes the filters other than those of time and `is_active`.
    fn passes(&self, _filter: &ListFilter, _look: &RenderContext<'_>) -> bool {
        true
    }

    /// Tells whether this person sees the record, if the person may read the stream at all.
    fn is_shown(&self, _viewer: &Viewer) -> bool {
        true
    }

    /// Tells whether Harvest refuses to remove the record. It is asked before anything is removed,
    /// so that a refused deletion has removed nothing.
    fn is_in_use(&self, _books: &Books) -> bool {
        false
    }

    /// Adds the record, or replaces the one with its id.
    fn put(self, books: &mut Books) {
        Self::table_mut(books).put(self);
    }

    /// Changes what changes with a new record, which has been put.
    fn settle(_maker: &mut AccountGenerator<'_>, _id: i64) {}

    /// Removes a record, with those that Harvest removes with it.
    fn remove(maker: &mut AccountGenerator<'_>, id: i64) {
        Self::table_mut(maker.books).remove(id);
    }

    /// Returns the keys of the list that pass the filters, in ascending order.
    fn keys<'a>(filter: &ListFilter, look: &RenderContext<'a>) -> Cow<'a, [RankKey]> {
        selected::<Self>(filter, look)
    }
}

/// Random values from which a changed record gets new ones.
#[derive(Clone, Debug)]
pub(crate) struct NewValues {
    /// Number from 1 to 5000.
    pub(crate) roll: i64,
    /// Text in one of three forms (null, empty, not empty), with line breaks, so that an update can
    /// also empty a field.
    pub(crate) text: Option<String>,
    /// Time of the change.
    pub(crate) now: Moment,
}

/// Returns the keys of the list that pass the filters that the declaration says the list has.
fn selected<'a, T: ListedRecord>(
    filter: &ListFilter,
    look: &RenderContext<'a>,
) -> Cow<'a, [RankKey]> {
    let spec = T::STREAM.spec();
    let has_days = matches!(spec.paging(), Paging::DateKeyset { .. });
    let ranks = filter.ranks().filter(|_| has_days);
    let since = filter.since.filter(|_| spec.follows_changes());
    let keep = |one: &T| {
        filter.is_active.is_none_or(|wanted| one.is_active().is_none_or(|is| is == wanted))
            && one.passes(filter, look)
            && one.is_shown(look.viewer)
    };
    // Without a filter on records, and for an administrator, no record is looked at: the order of
    // the table, or a part of it, is the answer.
    let is_whole = filter.is_of_time_alone() && look.viewer.is_administrator();
    T::table(look.books).select(ranks, since, if is_whole { None } else { Some(&keep) })
}

/// Implements what has to do with `is_active` for a record with this field.
macro_rules! can_be_archived {
    () => {
        fn archive(&mut self, _books: &Books) -> bool {
            self.is_active = false;
            true
        }

        fn is_active(&self) -> Option<bool> {
            Some(self.is_active)
        }
    };
}
use can_be_archived;

/// Implements that a record with the field `name` can be renamed.
macro_rules! can_be_renamed {
    () => {
        fn name(&mut self) -> Option<&mut String> {
            Some(&mut self.name)
        }
    };
}
use can_be_renamed;

/// Returns the reason of a record that would need another one.
fn nothing() -> NotApplied {
    NotApplied::new("nothing to make it from")
}
