//! All records of the account, and the relations between its tables.
//!
//! Each listing has a table. Records that the API lists below a parent (messages, payments, lines,
//! rates) are part of their parent. `running`, `tasks_of` and `crew_of` repeat facts of the tables,
//! so that common questions need no pass over all records. Single entries and assignments are
//! therefore added and removed, and timers started and stopped, through the methods here, which
//! keep both in step. Code that changes many records at once, such as the deletion of a project,
//! must do so itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::billing::{Estimate, Invoice, ItemCategory};
use crate::calendar::{Day, Moment};
use crate::people::{Company, Role, User};
use crate::stream::{Stream, StreamModule};
use crate::table::RecordTable;
use crate::work::{
    Client, Contact, Expense, ExpenseCategory, Project, Task, TaskAssignment, TimeEntry,
    UserAssignment,
};

/// Tables of the account, and indexes over some of them.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) company: Company,
    pub(crate) users: RecordTable<User>,
    pub(crate) roles: RecordTable<Role>,
    pub(crate) clients: RecordTable<Client>,
    pub(crate) contacts: RecordTable<Contact>,
    pub(crate) projects: RecordTable<Project>,
    pub(crate) tasks: RecordTable<Task>,
    pub(crate) user_assignments: RecordTable<UserAssignment>,
    pub(crate) task_assignments: RecordTable<TaskAssignment>,
    pub(crate) entries: RecordTable<TimeEntry>,
    pub(crate) expenses: RecordTable<Expense>,
    pub(crate) expense_categories: RecordTable<ExpenseCategory>,
    pub(crate) invoices: RecordTable<Invoice>,
    pub(crate) invoice_categories: RecordTable<ItemCategory>,
    pub(crate) estimates: RecordTable<Estimate>,
    pub(crate) estimate_categories: RecordTable<ItemCategory>,
    /// Ids of the entries whose timer runs. Readers ask for them in every run (`is_running=true`),
    /// and there are few.
    pub(crate) running: BTreeSet<i64>,
    /// Ids of task assignments by project.
    pub(crate) tasks_of: BTreeMap<i64, BTreeSet<i64>>,
    /// Ids of user assignments by project.
    pub(crate) crew_of: BTreeMap<i64, BTreeSet<i64>>,
    /// Last id that a rate, message, payment or line has got.
    last_child: i64,
}

impl Books {
    /// Tells whether the module that a stream belongs to is on. Streams without a module always
    /// are.
    pub(crate) fn is_on(&self, stream: Stream) -> bool {
        match stream.module() {
            None => true,
            Some(StreamModule::Expense) => self.company.expense_feature,
            Some(StreamModule::Invoice) => self.company.invoice_feature,
            Some(StreamModule::Estimate) => self.company.estimate_feature,
        }
    }

    /// Returns an account without any record.
    ///
    /// Each table has a first id far from all others, so that a reader that mixes up two streams
    /// finds nothing instead of a wrong record. Ids of entries are above 2^31, because Harvest
    /// documents them as bigint: a reader with 32-bit ids fails at the first one.
    pub(crate) const fn new(company: Company) -> Self {
        Self {
            company,
            users: RecordTable::new(1_782_000),
            roles: RecordTable::new(617_000),
            clients: RecordTable::new(5_735_000),
            contacts: RecordTable::new(4_706_000),
            projects: RecordTable::new(14_307_000),
            tasks: RecordTable::new(8_083_000),
            user_assignments: RecordTable::new(125_063_000),
            task_assignments: RecordTable::new(155_502_000),
            entries: RecordTable::new(2_412_000_000),
            expenses: RecordTable::new(15_296_000),
            expense_categories: RecordTable::new(4_195_000),
            invoices: RecordTable::new(13_150_000),
            invoice_categories: RecordTable::new(1_466_000),
            estimates: RecordTable::new(1_439_000),
            estimate_categories: RecordTable::new(1_378_000),
            running: BTreeSet::new(),
            tasks_of: BTreeMap::new(),
            crew_of: BTreeMap::new(),
            last_child: 53_341_000,
        }
    }

    /// Returns the next id for rates, messages, payments and lines, which share one sequence.
    pub(crate) const fn claim_child(&mut self) -> i64 {
        self.last_child += 1 + self.last_child % 2;
        self.last_child
    }

    /// Adds or replaces an entry, and notes whether its timer runs.
    pub(crate) fn put_entry(&mut self, entry: TimeEntry) {
        if entry.timer.is_some() {
            self.running.insert(entry.id);
        } else {
            self.running.remove(&entry.id);
        }
        self.entries.put(entry);
    }

    /// Changes an entry and its time of change; returns `false` if no entry has this id.
    pub(crate) fn edit_entry(
        &mut self,
        id: i64,
        now: Moment,
        change: impl FnOnce(&mut TimeEntry),
    ) -> bool {
        let Some(mut entry) = self.entries.get(id).cloned() else {
            return false;
        };
        change(&mut entry);
        entry.updated = now;
        self.put_entry(entry);
        true
    }

    /// Removes an entry; returns `false` if no entry has this id.
    pub(crate) fn remove_entry(&mut self, id: i64) -> bool {
        self.running.remove(&id);
        self.entries.remove(id).is_some()
    }

    /// Adds a user to a project.
    pub(crate) fn put_user_assignment(&mut self, assignment: UserAssignment) {
        self.crew_of.entry(assignment.project).or_default().insert(assignment.id);
        self.user_assignments.put(assignment);
    }

    /// Removes a user from a project; returns `false` if no assignment has this id.
    pub(crate) fn remove_user_assignment(&mut self, id: i64) -> bool {
        let Some(gone) = self.user_assignments.remove(id) else {
            return false;
        };
        if let Some(crew) = self.crew_of.get_mut(&gone.project) {
            crew.remove(&id);
        }
        true
    }

    /// Adds a task to a project.
    pub(crate) fn put_task_assignment(&mut self, assignment: TaskAssignment) {
        self.tasks_of.entry(assignment.project).or_default().insert(assignment.id);
        self.task_assignments.put(assignment);
    }

    /// Removes a task from a project; returns `false` if no assignment has this id.
    pub(crate) fn remove_task_assignment(&mut self, id: i64) -> bool {
        let Some(gone) = self.task_assignments.remove(id) else {
            return false;
        };
        if let Some(tasks) = self.tasks_of.get_mut(&gone.project) {
            tasks.remove(&id);
        }
        true
    }

    /// Returns the user assignments of a project, archived ones included, by id.
    pub(crate) fn crew(&self, project: i64) -> impl Iterator<Item = &UserAssignment> {
        let ids = self.crew_of.get(&project).into_iter().flatten();
        ids.filter_map(|id| self.user_assignments.get(*id))
    }

    /// Returns the task assignments of a project, archived ones included, by id.
    pub(crate) fn tasks(&self, project: i64) -> impl Iterator<Item = &TaskAssignment> {
        let ids = self.tasks_of.get(&project).into_iter().flatten();
        ids.filter_map(|id| self.task_assignments.get(*id))
    }

    /// Returns the client of a project.
    pub(crate) fn client_of(&self, project: i64) -> Option<&Client> {
        self.clients.get(self.projects.get(project)?.client)
    }

    /// Returns the oldest and the newest usable `spent_date` of entries and expenses.
    pub(crate) fn spent_range(&self) -> Option<(Day, Day)> {
        widest(self.entries.rank_range(), self.expenses.rank_range())
    }

    /// Returns the oldest and the newest `issue_date` of invoices.
    pub(crate) fn issue_range(&self) -> Option<(Day, Day)> {
        widest(self.invoices.rank_range(), None)
    }
}

/// Returns the smallest range of days that contains both ranges of ranks.
fn widest(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(Day, Day)> {
    let (low, high) = match (one, other) {
        (Some((a, b)), Some((c, d))) => (a.min(c), b.max(d)),
        (Some(range), None) | (None, Some(range)) => range,
        (None, None) => return None,
    };
    Some((Day(low), Day(high)))
}
