//! Use of a month, computed from the use of a shorter time.

use deployment::cost::month::{HOURS, MonthlyUse};

use super::float;
use super::functions::{ORCHESTRATOR_MEMORY, SMALL_WORKER_MEMORY, WORKER_MEMORY};
use super::usage::{FunctionUse, Usage};

impl Usage {
    /// Returns a month with the average use of `hours` hours that used this.
    #[must_use]
    pub fn month(&self, hours: u64) -> MonthlyUse {
        self.times(HOURS / float(hours))
    }

    /// Returns `times` this use, as far as it is counted.
    #[must_use]
    pub fn times(&self, times: f64) -> MonthlyUse {
        let seconds = |of: &FunctionUse, memory: u32| {
            float(of.milliseconds) / 1000.0 * f64::from(memory) / 1024.0 * times
        };
        let workers = self.worker.invocations + self.small_worker.invocations;
        let invocations = float(self.orchestrator.invocations + workers) * times;
        MonthlyUse {
            orchestrator: seconds(&self.orchestrator, ORCHESTRATOR_MEMORY),
            worker: seconds(&self.worker, WORKER_MEMORY),
            small_worker: seconds(&self.small_worker, SMALL_WORKER_MEMORY),
            invocations,
            read_units: float(self.read_units) * times,
            write_units: float(self.write_units) * times,
            puts: float(self.puts + self.lists) * times,
            gets: float(self.gets) * times,
            stored: float(self.stored) / 1e9,
            ticks: float(self.orchestrator.invocations) * times,
            ..MonthlyUse::default()
        }
    }
}
