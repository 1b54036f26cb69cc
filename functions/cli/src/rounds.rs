//! Orchestrator and workers in one process: starts runs until none is due.
//!
//! In AWS a tick plans each minute, and each worker is an invocation of its own. Here one loop does
//! both, with the same functions: `orchestrator::tick` says what is due, `worker::work` does one
//! run, `engine::room` says how many may run together. The loop adds only what the schedule does in
//! AWS: when to look again, and when to stop.
//!
//! One turn of the loop:
//!
//! 1. Start the runs that are due, as far as there is room.
//! 2. Find out when to look again even if no run ends before (`wake`): a stream was busy, or waits
//!    for the budget.
//! 3. If nothing runs and there is no such time, the sync ends.
//! 4. Wait for the end of a run, for that time, or for a request to stop; take note of the result.
//!
//! Bounds keep the loop from repeating work without end: each pass of a stream completes twice at
//! most (`MOST_COMPLETED`), a stream fails a few times at most (`MOST_FRUITLESS`), another process
//! is waited for `BUSY_PATIENCE` at most, and a wait for the budget is accepted up to `SHORT_WAIT`,
//! or with `--wait`.

mod after;
mod synced;
#[cfg(test)]
mod tests;
mod waits;

use core::panic::AssertUnwindSafe;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::item::AccountItem;
use engine::pass::Pass;
use engine::plan::{Demand, DueRun};
use engine::room::{RunWeight, WorkerRoom};
use engine::time::{SignedDuration, Timestamp, minus};
use futures::FutureExt as _;
use runtime::run::RunReport;
use runtime::waiting::RequestWait;
use runtime::{Context, RunError};
use tokio::task::{JoinSet, LocalSet};

use crate::display::{DisplayForm, SyncDisplay, display};
use crate::interrupt::InterruptFlag;

pub(crate) use synced::{SyncOptions, SyncOutcome};
use waits::prepared;

/// Pause before a busy or failed stream is tried again. Short, because another process may end at
/// any time, and a try costs no request.
const BUSY_PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// Time after which a stream that another process works on is given up. Longer than a lease (two
/// minutes): the lease of a process that died on another machine ends within this time.
const BUSY_PATIENCE: SignedDuration = SignedDuration::from_secs(150);
/// Longest wait for the budget that a sync accepts without `--wait`. It holds two windows of
/// general requests (15 seconds each): a sync does not leave work that is done in a moment. A
/// window of reports (15 minutes) is left for the next sync.
const SHORT_WAIT: SignedDuration = SignedDuration::from_secs(40);
/// Time before the end of a wait from which a stream that yielded may start again. The state keeps
/// instants less exactly than a run reports them.
const YIELD_SLACK: SignedDuration = SignedDuration::from_secs(1);
/// Most times that one pass of one stream completes in one sync: once to end an unfinished pass,
/// and once anew. More would repeat without end.
const MOST_COMPLETED: u32 = 2;
/// Most runs of one stream that fail or stop before their time; then it is given up.
const MOST_FRUITLESS: u32 = 5;

/// State of the loop of one sync. All of it is in memory: a sync that dies leaves nothing behind
/// but the items of its streams, from which the next one plans.
struct SyncLoop<'c> {
    context: &'c Context,
    /// Request that every stream be up to date as of the beginning of the sync. It stays the same
    /// in all turns: a pass that began after that instant is not due again, so that the sync ends.
    demand: Demand,
    /// Whether long waits for the budget are accepted (`--wait`).
    wait: bool,
    watch: Arc<dyn SyncDisplay>,
    interrupt: &'c InterruptFlag,
    /// Runs, each in a task of its own, so that they continue while the next due ones are
    /// determined.
    runs: JoinSet<(&'static str, Option<RunReport>)>,
    /// Streams at work, with the places that their runs take.
    running: BTreeMap<&'static str, RunWeight>,
    /// Streams that are not tried again before the given time.
    pauses: BTreeMap<&'static str, Timestamp>,
    /// Streams whose last run waits for the budget, until the given time.
    yielded: BTreeMap<&'static str, Timestamp>,
    /// Time since which a stream has been found at work in another process, without a run of its
    /// own in between.
    busy_since: BTreeMap<&'static str, Timestamp>,
    /// Streams that are not tried again in this sync.
    given_up: BTreeSet<&'static str>,
    /// Number of completed passes, by stream and pass.
    completed: BTreeMap<(&'static str, Pass), u32>,
    /// Number of runs that failed or stopped before their time.
    fruitless: BTreeMap<&'static str, u32>,
    /// Result of the sync as far as it has come.
    synced: SyncOutcome,
}

/// Brings all streams up to date as `sync --wait` does, without a display. Returns the runs in the
/// order in which they ended. For tests with fakes and a clock of their own.
///
/// # Errors
/// Fails as `rounds` does.
pub async fn unattended(context: &Context) -> Result<Vec<RunReport>, RunError> {
    let interrupt = InterruptFlag::default();
    let watch = display(DisplayForm::Nothing, &interrupt);
    let wish = SyncOptions { pass: None, wait: true };
    Ok(rounds(context, wish, watch, &interrupt).await?.reports)
}

/// Brings all streams up to date, as far as the budgets allow now.
///
/// # Errors
/// Fails if the account cannot be read before the first run, or if the state store fails or the
/// credentials are refused while the loop plans. In the second case streams may have run already:
/// their commits stay, and runs under way are dropped.
pub(crate) async fn rounds(
    context: &Context,
    wish: SyncOptions,
    watch: Arc<dyn SyncDisplay>,
    interrupt: &InterruptFlag,
) -> Result<SyncOutcome, RunError> {
    let mut rounds = SyncLoop::new(context, wish, watch, interrupt);
    // The first questions may wait for a permit, or with `--wait` as long as Harvest asks for: a
    // request to stop ends that, too. Then nothing is known of the account, and nothing is started.
    (rounds.synced.account, rounds.synced.waiting) = tokio::select! {
        prepared = Box::pin(prepared(context, wish)) => prepared?,
        () = interrupt.asked() => (AccountItem::default(), None),
    };
    // One thread is enough: runs mostly wait, and their computations run on other threads.
    let synced = LocalSet::new().run_until(Box::pin(rounds.run())).await;
    // Also after a failure: runs may have ended before it.
    orchestrator::file_left(context).await?;
    synced
}

impl<'c> SyncLoop<'c> {
    /// Returns a loop that begins now and has run nothing.
    fn new(
        context: &'c Context,
        wish: SyncOptions,
        watch: Arc<dyn SyncDisplay>,
        interrupt: &'c InterruptFlag,
    ) -> Self {
        let began = context.clock.now();
        Self {
            context,
            demand: Demand::Now { asked_at: began, pass: wish.pass },
            wait: wish.wait,
            watch,
            interrupt,
            runs: JoinSet::new(),
            running: BTreeMap::new(),
            pauses: BTreeMap::new(),
            yielded: BTreeMap::new(),
            busy_since: BTreeMap::new(),
            given_up: BTreeSet::new(),
            completed: BTreeMap::new(),
            fruitless: BTreeMap::new(),
            synced: SyncOutcome {
                account: AccountItem::default(),
                waiting: None,
                skipped: Vec::new(),
                reports: Vec::new(),
                busy: BTreeSet::new(),
                defects: BTreeSet::new(),
                credentials_refused: false,
                interrupted: None,
                began,
                ended: began,
            },
        }
    }

    /// Runs the loop to its end.
    ///
    /// # Errors
    /// Fails if the state store fails, or Harvest does not accept the credentials. Runs under way
    /// are dropped then, as if the process had died: what they have committed stays, and their
    /// leases end with the process or by time.
    async fn run(mut self) -> Result<SyncOutcome, RunError> {
        loop {
            if self.goes_on() {
                self.start_due().await?;
            }
            // After a request to stop, or with a refused token, no time is of interest: only the
            // ends of the runs are awaited.
            let wake = if self.goes_on() { self.wake().await? } else { None };
            if self.runs.is_empty() && wake.is_none() {
                break;
            }
            self.tell(wake).await?;
            self.next(wake).await;
        }
        self.synced.interrupted = self.interrupt.by();
        self.synced.ended = self.context.clock.now();
        Ok(self.synced)
    }

    /// Whether Harvest cannot be asked for the person of the token, and never was. Then no stream
    /// may run: nothing tells which modules are off, nor whether the token belongs to the account
    /// that the lake holds.
    fn knows_nothing(&self) -> bool {
        self.synced.waiting.is_some() && self.synced.account.read_at.is_none()
    }

    /// Whether a run would read records that it cannot commit: a commit first asks for the person
    /// of the token, in a rate class that has no permit. Runs of that class itself may start: they
    /// do the work that needs no request, and end at their first one.
    fn would_be_in_vain(&self, due: &DueRun) -> bool {
        let waits = |waiting: &RequestWait| waiting.class != due.spec.rate_class;
        self.synced.waiting.as_ref().is_some_and(waits)
    }

    /// Whether runs may still be started.
    fn goes_on(&self) -> bool {
        !self.synced.credentials_refused && !self.interrupt.is_asked()
    }

    /// Starts the runs that are due, as far as there is room.
    async fn start_due(&mut self) -> Result<(), RunError> {
        // Counted anew each time, from the runs that are at work.
        let mut room = WorkerRoom::new(self.context.settings.max_workers);
        self.running.values().for_each(|weight| room.take(*weight));
        // A light run needs the least room: if there is none, planning would be in vain. A tick
        // reads the state and may ask Harvest, so it is left out.
        if !room.admits(RunWeight::Light) {
            return Ok(());
        }
        if self.knows_nothing() {
            return Ok(());
        }
        let tick = orchestrator::tick(self.context, self.demand).await?;
        // The first wait stays, for the summary.
        self.synced.waiting = self.synced.waiting.or(tick.waiting);
        self.synced.account = tick.account;
        self.synced.skipped = tick.skipped;
        let now = self.context.clock.now();
        // The tick knows nothing of this process: it plans from the state, in which a run that was
        // started a moment ago may not have left its mark yet.
        let ready: Vec<DueRun> = tick
            .due
            .into_iter()
            .filter(|due| {
                let name = due.spec.name;
                let done = self.completed.get(&(name, due.pass)).copied().unwrap_or_default();
                !self.running.contains_key(name)
                    && !self.would_be_in_vain(due)
                    && !self.given_up.contains(name)
                    && done < MOST_COMPLETED
                    && self.pauses.get(name).is_none_or(|at| *at <= now)
                    && self.yielded.get(name).is_none_or(|at| minus(*at, YIELD_SLACK) <= now)
            })
            .collect();
        self.watch.planned(self.runs.len().saturating_add(ready.len()) as u64);
        for due in ready {
            // A run without room does not end the loop: a light one after it may still have room.
            if room.admits(due.weight) {
                room.take(due.weight);
                self.start(due);
            }
        }
        Ok(())
    }

    /// Starts a run in a task of its own.
    fn start(&mut self, due: DueRun) {
        let stream = due.spec.name;
        self.running.insert(stream, due.weight);
        let context = self.context.clone();
        let run = async move {
            let event = runtime::invoke::WorkerEvent {
                stream: stream.to_owned(),
                pass: due.pass,
                // There is no invocation whose logs would name the tick.
                tick: None,
                accept_deletes: context.settings.accept_deletes,
            };
            // No deadline: a process on this machine has no end of its invocation. The error, an
            // unknown stream, is impossible.
            worker::work(&context, &event, None).await.ok()
        };
        // A panic in one stream must not end the runs of others.
        let run = AssertUnwindSafe(run).catch_unwind();
        self.runs.spawn_local(async move { (stream, run.await.ok().flatten()) });
    }

    /// Gives up a stream whose run ended without a report, by a defect.
    fn lost(&mut self, stream: &'static str) {
        self.running.remove(stream);
        self.given_up.insert(stream);
        self.synced.defects.insert(stream);
    }
}
