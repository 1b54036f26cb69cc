//! Estimate of the use of AWS in a month of an ordinary company.
//!
//! The numbers of a run are those of a simulated month with the real functions (`make backfill`),
//! with which a test compares the estimate.

use super::month::{HOURS, MonthlyUse};

/// Ticks in an hour.
const TICKS: f64 = 60.0;
/// Hours of a week in which people work: 8 to 18 from Monday to Friday.
pub const WORKING_WEEK: f64 = 50.0 / 168.0;
/// Memory of the orchestrator and of the small worker, in gigabytes.
const SMALL: f64 = 0.25;
/// Memory of the large worker by default, in gigabytes.
const LARGE: f64 = 1769.0 / 1024.0;
/// Records of a page of a full list.
const PAGE: f64 = 2000.0;
/// Requests of a full pass from which on it is weekly, not daily.
const DAILY_REQUESTS: f64 = 100.0;
/// Weeks and days of a month.
const WEEKS: f64 = HOURS / 168.0;
const DAYS: f64 = HOURS / 24.0;

/// Number of streams with changes of their own, and changes per person and working hour, by which
/// they change. Reports follow the entries and expenses that they are about.
const LIVELY: [(f64, f64); 6] = [
    // Time entries; the reports about time, budget and uninvoiced work.
    (7.0, 1.0),
    // Expenses; the reports about them.
    (5.0, 0.05),
    // Invoices, their payments and messages.
    (3.0, 0.005),
    // Estimates, projects, contacts, assignments.
    (5.0, 0.002),
    // People.
    (1.0, 0.001),
    // All else.
    (12.0, 0.0),
];

/// A company and its deployment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompanyProfile {
    /// People who track time.
    pub people: f64,
    /// Time entries that the account has.
    pub entries: f64,
    /// Hours between two incremental passes.
    pub interval: f64,
    /// Streams that are read, of the 33.
    pub streams: f64,
    /// Share of the streams that have a table of changes.
    pub changes: f64,
    /// Share of the time in which people work.
    pub at_work: f64,
}

/// Something beside the deployment, with a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Mails and alarms to an address.
    Alarms,
    /// The dashboard, with its metrics.
    Dashboard,
    /// A KMS key of one's own.
    Key,
    /// The token in Secrets Manager.
    Secret,
}

impl CompanyProfile {
    /// Returns the use of a month, the last day of a first load left out.
    #[must_use]
    pub fn month(&self) -> MonthlyUse {
        let share = self.streams / 33.0;
        let passes = HOURS / self.interval;
        let runs = passes * self.streams;
        // Passes in which a stream has changed since the one before.
        let changed: f64 = LIVELY
            .iter()
            .map(|(streams, rate)| streams * -(-rate * self.people * self.interval).exp_m1())
            .sum();
        let commits = passes * self.at_work * changed * share;
        let pages = (self.entries / PAGE).max(1.0);
        let sweeps = if pages < DAILY_REQUESTS { DAYS } else { WEEKS };
        let ticks = HOURS * TICKS;
        let invocations = ticks + runs + self.streams * DAYS;
        // Seconds of sweeps that are too long for the small worker: reports, children of many parents,
        // and the time entries.
        let long = DAYS * (65.0 + 0.15 * self.people) + sweeps * pages;
        MonthlyUse {
            orchestrator: ticks * 0.096 * SMALL,
            small_worker: (runs * 1.2 + commits * 0.3) * SMALL,
            worker: long * share * LARGE,
            invocations,
            // With the ledger: larger items, and one commit for each hour's runs.
            read_units: ticks * 2.0 + runs * 17.5 + passes * 15.0,
            write_units: runs * 10.4 + commits * 4.0 + passes * 15.0,
            puts: passes * (8.5 * share + 5.0) + commits * (4.5 + 3.5 * self.changes),
            gets: runs * 5.6 + commits * 22.0 + passes * 10.0,
            stored: self.entries * 1e-6 * (1.0 + self.changes),
            ticks,
            // Ticks in quiet time write no line. A test measures the lines of the functions; those of
            // Lambda about a worker are taken for 0.5 kB.
            log: ticks * 0.2 * 0.4e-6 + runs * 1.0e-6,
            ..MonthlyUse::default()
        }
    }
}

impl Extra {
    /// Returns `month` with the extra.
    #[must_use]
    pub fn beside(self, month: MonthlyUse) -> MonthlyUse {
        match self {
            Self::Alarms => MonthlyUse { alarms: 3.0, ..month },
            // Five of the orchestrator, three of each worker.
            Self::Dashboard => MonthlyUse { metrics: 11.0, dashboards: 1.0, ..month },
            Self::Key => MonthlyUse { keys: 1.0, ..month },
            Self::Secret => MonthlyUse { secrets: 1.0, ..month },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company() -> CompanyProfile {
        CompanyProfile {
            people: 100.0,
            entries: 100_000.0,
            interval: 1.0,
            streams: 33.0,
            changes: 1.0,
            at_work: WORKING_WEEK,
        }
    }

    #[test]
    fn a_month_costs_less_with_fewer_passes_streams_people_and_tables() {
        let dollars = |company: CompanyProfile| company.month().dollars();
        let usual = dollars(company());
        for (what, less) in [
            ("interval", CompanyProfile { interval: 4.0, ..company() }),
            ("streams", CompanyProfile { streams: 10.0, ..company() }),
            ("people", CompanyProfile { people: 10.0, ..company() }),
            ("entries", CompanyProfile { entries: 1_000.0, ..company() }),
            ("changes", CompanyProfile { changes: 0.0, ..company() }),
        ] {
            assert!(dollars(less) < usual, "{what}");
        }
    }

    #[test]
    fn extras_cost_what_their_prices_say() {
        let month = company().month();
        for (extra, dollars) in [(Extra::Alarms, 0.3), (Extra::Key, 1.0), (Extra::Secret, 0.4)] {
            let more = extra.beside(month).dollars() - month.dollars();
            assert!((more - dollars).abs() < 1e-9, "{extra:?}: {more}");
        }
    }
}
