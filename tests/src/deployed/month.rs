//! Cost of a month, computed from the use of a shorter time.

use super::float;
use super::functions::{ORCHESTRATOR_MEMORY, SMALL_WORKER_MEMORY, WORKER_MEMORY};
use super::prices::{
    GIGABYTE_MONTH, GIGABYTE_SECOND, MILLION_INVOCATIONS, MILLION_READ_UNITS, MILLION_WRITE_UNITS,
    THOUSAND_GETS, THOUSAND_PUTS,
};
use super::usage::{FunctionUse, Usage};

const HOURS: f64 = 30.4 * 24.0;

/// Use and cost of a month.
#[derive(Debug)]
pub struct Month {
    /// Name, quantity, unit and dollars of each item.
    pub lines: Vec<(&'static str, f64, &'static str, f64)>,
}

impl Month {
    /// Returns a month with the average use of `hours` hours that used `usage`.
    #[must_use]
    pub fn of(usage: &Usage, hours: u64) -> Self {
        Self::times(usage, HOURS / float(hours))
    }

    /// Returns `times` the use of `usage`.
    #[must_use]
    pub fn times(usage: &Usage, times: f64) -> Self {
        let seconds = |of: &FunctionUse, memory: u32| {
            float(of.milliseconds) / 1000.0 * f64::from(memory) / 1024.0 * times
        };
        let mut lines = Vec::new();
        let mut line = |name, quantity, unit, price: f64| {
            lines.push((name, quantity, unit, quantity * price));
        };
        let orchestrator = seconds(&usage.orchestrator, ORCHESTRATOR_MEMORY);
        line("orchestrator", orchestrator, "GB-s", GIGABYTE_SECOND);
        line("worker", seconds(&usage.worker, WORKER_MEMORY), "GB-s", GIGABYTE_SECOND);
        let small = seconds(&usage.small_worker, SMALL_WORKER_MEMORY);
        line("small worker", small, "GB-s", GIGABYTE_SECOND);
        let workers = usage.worker.invocations + usage.small_worker.invocations;
        let started = usage.orchestrator.invocations + workers;
        line("invocations", float(started) * times, "", MILLION_INVOCATIONS / 1e6);
        let (reads, writes) = (float(usage.read_units), float(usage.write_units));
        line("DynamoDB reads", reads * times, "units", MILLION_READ_UNITS / 1e6);
        line("DynamoDB writes", writes * times, "units", MILLION_WRITE_UNITS / 1e6);
        line("S3 puts, listings", float(usage.puts) * times, "", THOUSAND_PUTS / 1e3);
        line("S3 gets", float(usage.gets) * times, "", THOUSAND_GETS / 1e3);
        line("S3 storage", float(usage.stored) / 1e9, "GB", GIGABYTE_MONTH);
        Self { lines }
    }

    /// Sum in dollars.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.lines.iter().map(|(_, _, _, dollars)| dollars).sum()
    }
}
