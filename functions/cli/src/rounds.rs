//! Orchestrator and workers in one process: starts runs until none is due.

mod after;
mod synced;
#[cfg(test)]
mod tests;

use core::panic::AssertUnwindSafe;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::item::AccountItem;
use engine::pass::Pass;
use engine::plan::{Demand, DueRun};
use engine::room::{RunWeight, WorkerRoom};
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, between, plus};
use futures::FutureExt as _;
use runtime::account;
use runtime::gate::PATIENCE;
use runtime::run::RunReport;
use runtime::waiting::RequestWait;
use runtime::{Context, RunError, records};
use tokio::task::{JoinSet, LocalSet};

use crate::display::{DisplayForm, SyncDisplay, display};
use crate::interrupt::InterruptFlag;

pub(crate) use synced::{SyncOptions, SyncOutcome};

/// Time before a busy or failed stream is tried again.
const BUSY_PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// Time after which a stream that another process works on is given up.
const BUSY_PATIENCE: SignedDuration = SignedDuration::from_secs(150);
/// Longest wait for the budget that a sync accepts without `--wait`.
const SHORT_WAIT: SignedDuration = SignedDuration::from_secs(40);
/// Most times that one pass of one stream completes in one sync: once to end an unfinished pass,
/// and once anew. More would repeat without end.
const MOST_COMPLETED: u32 = 2;
/// Most runs of one stream that fail or stop before their time; then it is given up.
const MOST_FRUITLESS: u32 = 5;

struct SyncLoop<'c> {
    context: &'c Context,
    demand: Demand,
    wait: bool,
    watch: Arc<dyn SyncDisplay>,
    interrupt: &'c InterruptFlag,
    /// Runs, each in a task of its own, so that they continue while the next due ones are
    /// determined.
    runs: JoinSet<(&'static str, Option<RunReport>)>,
    running: BTreeMap<&'static str, RunWeight>,
    /// Streams that are not tried again before the given time.
    pauses: BTreeMap<&'static str, Timestamp>,
    busy_since: BTreeMap<&'static str, Timestamp>,
    /// Streams that are not tried again in this sync.
    given_up: BTreeSet<&'static str>,
    completed: BTreeMap<(&'static str, Pass), u32>,
    fruitless: BTreeMap<&'static str, u32>,
    synced: SyncOutcome,
}

/// Brings all streams up to date as `sync --wait` does, without a display. Returns the runs in the
/// order in which they ended. For tests with fakes and a clock of their own.
///
/// # Errors
/// Fails if the account cannot be read, or the state store fails: no stream could run.
pub async fn unattended(context: &Context) -> Result<Vec<RunReport>, RunError> {
    let interrupt = InterruptFlag::default();
    let watch = display(DisplayForm::Nothing, &interrupt);
    let wish = SyncOptions { pass: None, wait: true };
    Ok(rounds(context, wish, watch, &interrupt).await?.reports)
}

/// Brings all streams up to date, as far as the budgets allow now.
///
/// # Errors
/// Fails if the account cannot be read, or the state store fails: no stream could run.
pub(crate) async fn rounds(
    context: &Context,
    wish: SyncOptions,
    watch: Arc<dyn SyncDisplay>,
    interrupt: &InterruptFlag,
) -> Result<SyncOutcome, RunError> {
    let began = context.clock.now();
    let (account, waiting) = tokio::select! {
        prepared = Box::pin(prepared(context, wish)) => prepared?,
        () = interrupt.asked() => (AccountItem::default(), None),
    };
    let rounds = SyncLoop {
        context,
        demand: Demand::Now { asked_at: began, pass: wish.pass },
        wait: wish.wait,
        watch,
        interrupt,
        runs: JoinSet::new(),
        running: BTreeMap::new(),
        pauses: BTreeMap::new(),
        busy_since: BTreeMap::new(),
        given_up: BTreeSet::new(),
        completed: BTreeMap::new(),
        fruitless: BTreeMap::new(),
        synced: SyncOutcome {
            account,
            waiting,
            skipped: Vec::new(),
            reports: Vec::new(),
            busy: BTreeSet::new(),
            defects: BTreeSet::new(),
            credentials_refused: false,
            interrupted: None,
            began,
            ended: began,
        },
    };
    // One thread is enough: runs mostly wait, and their computations run on other threads.
    LocalSet::new().run_until(Box::pin(rounds.run())).await
}

/// Returns the account as Harvest describes it now. If Harvest may not be asked soon, returns the
/// stored account, and the wait.
async fn prepared(
    context: &Context,
    wish: SyncOptions,
) -> Result<(AccountItem, Option<RequestWait>), RunError> {
    loop {
        let waiting = match orchestrator::prepare(context).await {
            Ok(account) => return Ok((account, None)),
            Err(RunError::Waits { waiting, .. }) => waiting,
            Err(error) => return Err(error),
        };
        let now = context.clock.now();
        if !wish.wait && between(now, waiting.until) > SHORT_WAIT {
            let state = |source| RunError::State { stream: "account", source };
            let (account, present) = (context.settings.account, context.present());
            let known = records::account(&*context.state, account, &present).await;
            return Ok((known.map_err(state)?.value, Some(waiting)));
        }
        account::tell(context, "account", waiting);
        context.clock.sleep_until(waiting.until.max(plus(now, BUSY_PAUSE))).await;
    }
}

impl SyncLoop<'_> {
    async fn run(mut self) -> Result<SyncOutcome, RunError> {
        loop {
            if self.goes_on() {
                self.start_due().await?;
            }
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
    /// may run.
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

    fn goes_on(&self) -> bool {
        !self.synced.credentials_refused && !self.interrupt.is_asked()
    }

    /// Logs the reason of a long wait while nothing runs.
    async fn tell(&self, wake: Option<Timestamp>) -> Result<(), RunError> {
        let Some(until) = wake.filter(|_| self.runs.is_empty()) else {
            return Ok(());
        };
        if between(self.context.clock.now(), until) > PATIENCE {
            self.watch.clear();
            let state = |source| RunError::State { stream: "account", source };
            let mut asked = None;
            for class in [RateClass::General, RateClass::Reports] {
                let blocked = self.context.gate.blocked_until(class).await.map_err(state)?;
                asked = asked.or(blocked.map(|until| (class, until)));
            }
            let until = until.strftime("%Y-%m-%d %H:%M:%S UTC");
            if let Some((class, _)) = asked {
                tracing::warn!(
                    "waiting until {until}: Harvest asked to wait (`Retry-After`) with {} requests",
                    class.name()
                );
            } else {
                tracing::warn!("waiting until {until}: the budget has no room before");
            }
        }
        Ok(())
    }

    /// Waits for the end of a run, for `wake`, or for a request to stop.
    async fn next(&mut self, wake: Option<Timestamp>) {
        let clock = Arc::clone(&self.context.clock);
        let awake = async move {
            match wake {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let interrupted = async {
            if self.interrupt.is_asked() {
                // The request is known already: wait only for the ends of the runs.
                std::future::pending::<()>().await;
            } else {
                self.interrupt.asked().await;
            }
        };
        tokio::select! {
            Some(ended) = self.runs.join_next() => match ended {
                Ok((_, Some(report))) => self.take(report),
                Ok((stream, None)) => self.lost(stream),
                // Cannot happen: the task catches panics and is never aborted.
                Err(_) => {}
            },
            () = awake => {}
            () = interrupted => {}
        }
    }

    /// Starts the runs that are due, as far as there is room.
    async fn start_due(&mut self) -> Result<(), RunError> {
        let mut room = WorkerRoom::new(self.context.settings.max_workers);
        self.running.values().for_each(|weight| room.take(*weight));
        if !room.admits(RunWeight::Light) {
            return Ok(());
        }
        if self.knows_nothing() {
            return Ok(());
        }
        let tick = orchestrator::tick(self.context, self.demand).await?;
        self.synced.waiting = self.synced.waiting.or(tick.waiting);
        self.synced.account = tick.account;
        self.synced.skipped = tick.skipped;
        let now = self.context.clock.now();
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
            })
            .collect();
        for due in ready {
            if room.admits(due.weight) {
                room.take(due.weight);
                self.start(due);
            }
        }
        Ok(())
    }

    fn start(&mut self, due: DueRun) {
        let stream = due.spec.name;
        self.running.insert(stream, due.weight);
        let context = self.context.clone();
        let run = async move {
            let event = runtime::invoke::WorkerEvent {
                stream: stream.to_owned(),
                pass: due.pass,
                tick: None,
                accept_deletes: context.settings.accept_deletes,
            };
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
