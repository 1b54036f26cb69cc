//! Size of an account.

/// Numbers of records of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountScale {
    /// Value of the header `Harvest-Account-Id`.
    pub account_id: i64,
    /// Length of the history before `now`, in years.
    pub years: u32,
    /// Users; the first is the administrator, the second a manager, the third a member.
    pub users: usize,
    /// Clients.
    pub clients: usize,
    /// Contacts of clients.
    pub contacts: usize,
    /// Projects.
    pub projects: usize,
    /// Tasks.
    pub tasks: usize,
    /// Time entries.
    pub time_entries: usize,
    /// Expenses.
    pub expenses: usize,
    /// Invoices.
    pub invoices: usize,
    /// Estimates.
    pub estimates: usize,
    /// Entries whose timer runs, in addition to `time_entries`.
    pub running_timers: usize,
    /// Whether about a third of the records have a field that is in no declaration.
    pub unknown_members: bool,
}

impl AccountScale {
    /// Returns the size for tests: a few records of each stream.
    #[must_use]
    pub const fn tiny() -> Self {
        Self {
            account_id: 1_000_001,
            years: 1,
            users: 6,
            clients: 5,
            contacts: 6,
            projects: 8,
            tasks: 5,
            time_entries: 300,
            expenses: 40,
            invoices: 12,
            estimates: 9,
            running_timers: 0,
            unknown_members: false,
        }
    }

    /// Returns the size of a small company with two years of history, quick to read.
    #[must_use]
    pub const fn demo() -> Self {
        Self {
            account_id: 1_000_001,
            years: 2,
            users: 12,
            clients: 20,
            contacts: 30,
            projects: 40,
            tasks: 10,
            time_entries: 5_000,
            expenses: 500,
            invoices: 60,
            estimates: 30,
            running_timers: 0,
            unknown_members: false,
        }
    }

    /// Returns the size of a company of a hundred people with three years of history.
    #[must_use]
    pub const fn issue() -> Self {
        Self {
            account_id: 1_000_001,
            years: 3,
            users: 100,
            clients: 120,
            contacts: 200,
            projects: 400,
            tasks: 25,
            time_entries: 100_000,
            expenses: 10_000,
            invoices: 500,
            estimates: 200,
            running_timers: 0,
            unknown_members: false,
        }
    }

    /// Returns the size of an agency of three hundred people with ten years of history: a million
    /// time entries, and little else.
    #[must_use]
    pub const fn million() -> Self {
        Self {
            account_id: 1_000_001,
            years: 10,
            users: 300,
            clients: 100,
            contacts: 100,
            projects: 1000,
            tasks: 25,
            time_entries: 1_000_000,
            expenses: 100,
            invoices: 100,
            estimates: 50,
            running_timers: 0,
            unknown_members: false,
        }
    }

    /// Returns the size of this name: `tiny`, `demo`, `issue` or `million`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "tiny" => Some(Self::tiny()),
            "demo" => Some(Self::demo()),
            "issue" => Some(Self::issue()),
            "million" => Some(Self::million()),
            _ => None,
        }
    }
}
