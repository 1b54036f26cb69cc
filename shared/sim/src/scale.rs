//! Size of an account.
//!
//! Sizes are named, because a seed alone does not make an account: the same seed makes other
//! records with one client more. The numbers of `tiny` are fixed for good, since stored lakes of
//! the tests were read from it; a test that needs more of something sets that field in a copy.

/// Numbers of records of an account. Records that are part of others (rates, lines, messages,
/// payments) and assignments have no number here: chance decides them for each parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountScale {
    /// Value of the header `Harvest-Account-Id`.
    pub account_id: i64,
    /// Length of the history before `now`, in days, at least 1.
    pub days: u32,
    /// Number of users, at least 3; the first is the administrator, the second a manager, the third
    /// a member.
    pub users: usize,
    /// Number of clients, at least 1.
    pub clients: usize,
    /// Number of contacts of clients.
    pub contacts: usize,
    /// Number of projects, at least 1.
    pub projects: usize,
    /// Number of tasks, at least 1.
    pub tasks: usize,
    /// Number of time entries.
    pub time_entries: usize,
    /// Number of expenses.
    pub expenses: usize,
    /// Number of invoices.
    pub invoices: usize,
    /// Number of estimates.
    pub estimates: usize,
    /// Number of entries whose timer runs, in addition to `time_entries`. With one, answers change
    /// from second to second.
    pub running_timers: usize,
    /// Whether about a third of the records have a field that is in no declaration. Harvest adds
    /// fields without notice, and a reader must keep them.
    pub unknown_members: bool,
    /// Whether one invoice has an amount with all 18 digits that Harvest documents. It hides every
    /// other amount in a chart.
    pub longest_amount: bool,
    /// Whether the account is the one made by hand; seed and all other numbers then say nothing.
    pub by_hand: bool,
}

impl AccountScale {
    /// Returns the size for tests: a few records of each stream.
    #[must_use]
    pub const fn tiny() -> Self {
        Self {
            account_id: 1_000_001,
            days: 365,
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
            longest_amount: true,
            by_hand: false,
        }
    }

    /// Returns the size of a small company with two years of history, quick to read.
    #[must_use]
    pub const fn demo() -> Self {
        Self {
            account_id: 1_000_001,
            days: 2 * 365,
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
            longest_amount: false,
            by_hand: false,
        }
    }

    /// Returns the size of a company of a hundred people with three years of history.
    #[must_use]
    pub const fn issue() -> Self {
        Self {
            account_id: 1_000_001,
            days: 3 * 365,
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
            longest_amount: true,
            by_hand: false,
        }
    }

    /// Returns the size of an agency of three hundred people with ten years of history: a million
    /// time entries, and little else, for measurements of memory and of sweeps.
    #[must_use]
    pub const fn million() -> Self {
        Self {
            account_id: 1_000_001,
            days: 10 * 365,
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
            longest_amount: true,
            by_hand: false,
        }
    }

    /// Returns the account made by hand, whose answers are worked out in the tests: 4 people, 19
    /// entries, 8 invoices. Its present is [`Self::PRESENT_BY_HAND`].
    #[must_use]
    pub const fn edge() -> Self {
        Self {
            users: 4,
            clients: 3,
            contacts: 0,
            projects: 5,
            tasks: 3,
            time_entries: 19,
            expenses: 4,
            invoices: 8,
            estimates: 4,
            by_hand: true,
            ..Self::tiny()
        }
    }

    /// Noon of Wednesday, 18 March 2026, in seconds: the present of the account made by hand.
    pub const PRESENT_BY_HAND: i64 = 1_773_835_200;

    /// Returns the size of this name: `tiny`, `demo`, `issue`, `million` or `edge`; `None` for any
    /// other.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "tiny" => Some(Self::tiny()),
            "demo" => Some(Self::demo()),
            "issue" => Some(Self::issue()),
            "million" => Some(Self::million()),
            "edge" => Some(Self::edge()),
            _ => None,
        }
    }
}
