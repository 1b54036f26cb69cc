//! Use of each service since the beginning.

use core::ops::Sub;
use std::sync::Arc;

use delta::store::ObjectStore;
use engine::room::WorkerSize;
use engine::time::SignedDuration;

use super::functions::Deployed;

/// Use of a function.
#[derive(Clone, Copy, Debug, Default)]
pub struct FunctionUse {
    /// Number of invocations that ended.
    pub invocations: u64,
    /// Billed length of the invocations, in milliseconds.
    pub milliseconds: u64,
    /// Processor time of the invocations, in milliseconds.
    pub processor: u64,
}

/// Use of a deployment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// The orchestrator.
    pub orchestrator: FunctionUse,
    /// The worker.
    pub worker: FunctionUse,
    /// The small worker.
    pub small_worker: FunctionUse,
    /// Number of reads of the state.
    pub reads: u64,
    /// Number of read units.
    pub read_units: u64,
    /// Number of writes of the state.
    pub writes: u64,
    /// Number of write units.
    pub write_units: u64,
    /// Number of puts of the object store.
    pub puts: u64,
    /// Number of listings of the object store, which cost as much as puts.
    pub lists: u64,
    /// Number of versions of the streams' tables.
    pub commits: u64,
    /// Number of gets of the object store.
    pub gets: u64,
    /// Number of general requests to Harvest.
    pub general: u64,
    /// Number of requests for reports.
    pub reports: u64,
    /// Bytes in the object store now, not a sum over time.
    pub stored: u64,
}

impl Deployed {
    /// Returns the use so far.
    pub async fn usage(self: &Arc<Self>) -> Usage {
        let mut usage = Usage::default();
        for one in self.journal.all() {
            let Some(length) = one.length() else { continue };
            let function = match (&one.work, one.size) {
                (None, _) => &mut usage.orchestrator,
                (Some(_), WorkerSize::Large) => &mut usage.worker,
                (Some(_), WorkerSize::Small) => &mut usage.small_worker,
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
            usage.puts = tally.puts;
            usage.lists = tally.lists;
            let tables = tally.tables.iter().filter(|(name, _)| streams::find(name).is_some());
            usage.commits = tables.map(|(_, table)| table.commits).sum();
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

/// Rounds up to whole milliseconds, as Lambda bills them.
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

    /// Returns the use after `before`.
    fn sub(self, before: Self) -> Self {
        Self {
            orchestrator: self.orchestrator - before.orchestrator,
            worker: self.worker - before.worker,
            small_worker: self.small_worker - before.small_worker,
            reads: self.reads - before.reads,
            read_units: self.read_units - before.read_units,
            writes: self.writes - before.writes,
            write_units: self.write_units - before.write_units,
            puts: self.puts - before.puts,
            lists: self.lists - before.lists,
            commits: self.commits - before.commits,
            gets: self.gets - before.gets,
            general: self.general - before.general,
            reports: self.reports - before.reports,
            stored: self.stored,
        }
    }
}
