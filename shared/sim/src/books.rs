//! All records of the account, and the relations between its tables.
//!
//! Each listing has a table. Records that the API lists below a parent (messages, payments, lines,
//! rates) are part of their parent. `running`, `tasks_of` and `crew_of` repeat facts of the tables,
//! so that common questions need no pass over all records. Single entries and assignments are
//! therefore added and removed, and timers started and stopped, through the methods here, which
//! keep both in step. Code that changes many records at once, such as the deletion of a project,
//! must do so itself.

use std::collections::{BTreeMap, BTreeSet};

use engine::spec::Module;

use crate::calendar::{Day, Moment};
use crate::people::Company;
use crate::stream::Stream;
use crate::table::{Record, RecordTable};
use crate::work::{Client, TaskAssignment, TimeEntry, UserAssignment};

/// Record with a table of its own in the books.
pub(crate) trait StoredRecord: Record + Clone + 'static {
    /// Stream of such records.
    const STREAM: Stream;
    /// Returns their table.
    fn table(books: &Books) -> &RecordTable<Self>;
    /// Returns their table, to be changed.
    fn table_mut(books: &mut Books) -> &mut RecordTable<Self>;
}

macro_rules! books {
    (
        listings { $($listing:ident $spec:ident $table:ident: $record:ty, above $base:literal;)+ }
        others { $($other:tt)+ }
    ) => {
        /// Tables of the account, and indexes over some of them.
        #[derive(Clone, Debug)]
        pub(crate) struct Books {
            pub(crate) company: Company,
            /// Whether streams of a module that is off look empty, instead of being refused.
            pub(crate) is_silent: bool,
            $(pub(crate) $table: RecordTable<$record>,)+
            /// Ids of the entries whose timer runs. Readers ask for them in every run
            /// (`is_running=true`), and there are few.
            pub(crate) running: BTreeSet<i64>,
            /// Ids of task assignments by project.
            pub(crate) tasks_of: BTreeMap<i64, BTreeSet<i64>>,
            /// Ids of user assignments by project.
            pub(crate) crew_of: BTreeMap<i64, BTreeSet<i64>>,
            /// Last id that a rate, message, payment or line has got.
            last_child: i64,
        }

        impl Books {
            /// Returns an account without any record.
            pub(crate) const fn new(company: Company) -> Self {
                Self {
                    company,
                    is_silent: false,
                    $($table: RecordTable::new($base),)+
                    running: BTreeSet::new(),
                    tasks_of: BTreeMap::new(),
                    crew_of: BTreeMap::new(),
                    last_child: 53_341_000,
                }
            }
        }

        $(impl StoredRecord for $record {
            const STREAM: Stream = Stream::$listing;

            fn table(books: &Books) -> &RecordTable<Self> {
                &books.$table
            }

            fn table_mut(books: &mut Books) -> &mut RecordTable<Self> {
                &mut books.$table
            }
        })+
    };
}
all_streams!(books);

impl Books {
    /// Tells whether the module that a stream belongs to is on. Streams without a module always
    /// are.
    pub(crate) fn is_on(&self, stream: Stream) -> bool {
        match stream.spec().module {
            None => true,
            Some(Module::Expense) => self.company.expense_feature,
            Some(Module::Invoice) => self.company.invoice_feature,
            Some(Module::Estimate) => self.company.estimate_feature,
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
        entry.touch(now);
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
