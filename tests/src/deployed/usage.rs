//! What was used of each service since the beginning.

use core::ops::Sub;
use std::sync::Arc;

use engine::time::SignedDuration;
use lake::store::ObjectStore;

use super::functions::Deployed;

/// What a function used.
#[derive(Clone, Copy, Debug, Default)]
pub struct FunctionUse {
    /// Invocations that ended.
    pub invocations: u64,
    /// Their length, in milliseconds.
    pub milliseconds: u64,
    /// Processor time of it, in milliseconds.
    pub processor: u64,
}

/// What a deployment used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// The orchestrator.
    pub orchestrator: FunctionUse,
    /// The worker.
    pub worker: FunctionUse,
    /// Reads of the state.
    pub reads: u64,
    /// Units of them.
    pub read_units: u64,
    /// Writes of the state.
    pub writes: u64,
    /// Units of them.
    pub write_units: u64,
    /// Puts and listings of the object store.
    pub puts: u64,
    /// Gets of the object store.
    pub gets: u64,
    /// General requests to Harvest.
    pub general: u64,
    /// Requests for reports.
    pub reports: u64,
    /// Bytes in the object store: a state, not a sum.
    pub stored: u64,
}

impl Deployed {
    /// What was used so far.
    pub async fn usage(self: &Arc<Self>) -> Usage {
        let mut usage = Usage::default();
        for one in self.journal.all() {
            let Some(length) = one.length() else { continue };
            let function = match one.work {
                None => &mut usage.orchestrator,
                Some(_) => &mut usage.worker,
            };
            function.invocations += 1;
            function.milliseconds += billed(length);
            function.processor += u64::try_from(one.processor.as_millis()).unwrap_or(u64::MAX);
        }
        for tally in self.state.lock().expect("no panic").values() {
            usage.reads += tally.gets + tally.lists;
            usage.read_units += tally.read_units;
            usage.writes += tally.puts;
            usage.write_units += tally.write_units;
        }
        {
            let tally = self.objects.lock().expect("no panic");
            usage.puts = tally.puts + tally.lists;
            usage.gets = tally.gets;
        }
        let objects = self.world.store.list("", None).await.expect("a store");
        usage.stored = objects.iter().map(|object| object.size).sum();
        let account = self.world.account.lock().expect("no panic");
        usage.general = account.statistics().general.requests;
        usage.reports = account.statistics().reports.requests;
        usage
    }
}

/// Whole milliseconds, as they are billed.
fn billed(length: SignedDuration) -> u64 {
    u64::try_from((length.as_nanos() + 999_999) / 1_000_000).unwrap_or_default()
}

impl Sub for FunctionUse {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            invocations: self.invocations - before.invocations,
            milliseconds: self.milliseconds - before.milliseconds,
            processor: self.processor - before.processor,
        }
    }
}

impl Sub for Usage {
    type Output = Self;

    /// What came after `before`.
    fn sub(self, before: Self) -> Self {
        Self {
            orchestrator: self.orchestrator - before.orchestrator,
            worker: self.worker - before.worker,
            reads: self.reads - before.reads,
            read_units: self.read_units - before.read_units,
            writes: self.writes - before.writes,
            write_units: self.write_units - before.write_units,
            puts: self.puts - before.puts,
            gets: self.gets - before.gets,
            general: self.general - before.general,
            reports: self.reports - before.reports,
            stored: self.stored,
        }
    }
}
