//! Orchestrator and workers in one process: what is due runs, until nothing is due.

mod synced;
#[cfg(test)]
mod tests;

use core::panic::AssertUnwindSafe;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::item::AccountItem;
use engine::pass::Pass;
use engine::plan::{Demand, Due};
use engine::room::{Room, Weight};
use engine::spec::{RateClass, StreamSpec};
use engine::time::{SignedDuration, Timestamp, between, plus};
use futures::FutureExt as _;
use runtime::account::{self, Waiting};
use runtime::gate::PATIENCE;
use runtime::run::{Outcome, RunReport};
use runtime::{Context, RunError, records};
use tokio::task::{JoinSet, LocalSet};

use crate::display::{Show, Watch, display};
use crate::interrupt::Interrupt;

pub(crate) use synced::{Synced, Wish};

/// A stream that another process works on is asked for again so often, for so long.
const BUSY_PAUSE: SignedDuration = SignedDuration::from_secs(1);
const BUSY_PATIENCE: SignedDuration = SignedDuration::from_secs(150);
/// Work that the budget has room for within this is waited for even without `--wait`.
const SHORT_WAIT: SignedDuration = SignedDuration::from_secs(40);
/// How often one pass of one stream may be completed in one sync: once what was left from before,
/// once anew. More would be a circle.
const MOST_COMPLETED: u32 = 2;
/// How often one stream may run in vain (lease lost, stopped without a reason).
const MOST_FRUITLESS: u32 = 5;

struct Rounds<'c> {
    context: &'c Context,
    demand: Demand,
    wait: bool,
    watch: Arc<dyn Watch>,
    interrupt: &'c Interrupt,
    /// Each a task of its own: they go on while this looks for what is due.
    runs: JoinSet<(&'static str, Option<RunReport>)>,
    running: BTreeMap<&'static str, Weight>,
    /// Streams that are not to be tried before.
    pauses: BTreeMap<&'static str, Timestamp>,
    busy_since: BTreeMap<&'static str, Timestamp>,
    /// Streams that are not tried again.
    given_up: BTreeSet<&'static str>,
    completed: BTreeMap<(&'static str, Pass), u32>,
    fruitless: BTreeMap<&'static str, u32>,
    synced: Synced,
}

/// Brings all streams up to date as `sync --wait` does, with nobody watching; returns the runs in the
/// order in which they ended. For tests with fakes and a clock of their own.
///
/// # Errors
/// Where the account cannot be read, or the state store fails: no stream could run.
pub async fn unattended(context: &Context) -> Result<Vec<RunReport>, RunError> {
    let interrupt = Interrupt::default();
    let watch = display(Show::Nothing, &interrupt);
    let wish = Wish { pass: None, wait: true };
    Ok(rounds(context, wish, watch, &interrupt).await?.reports)
}

/// Brings all streams up to date, as far as the budgets allow now.
///
/// # Errors
/// Where the account cannot be read, or the state store fails: no stream could run.
pub(crate) async fn rounds(
    context: &Context,
    wish: Wish,
    watch: Arc<dyn Watch>,
    interrupt: &Interrupt,
) -> Result<Synced, RunError> {
    let began = context.clock.now();
    let (account, waiting) = tokio::select! {
        prepared = Box::pin(prepared(context, wish)) => prepared?,
        () = interrupt.asked() => (AccountItem::default(), None),
    };
    let rounds = Rounds {
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
        synced: Synced {
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
    // On this thread: runs wait; what computes does so elsewhere.
    LocalSet::new().run_until(Box::pin(rounds.run())).await
}

/// The account as Harvest tells now; where nothing may be asked soon, as it was known, and what is
/// waited for.
async fn prepared(
    context: &Context,
    wish: Wish,
) -> Result<(AccountItem, Option<Waiting>), RunError> {
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

impl Rounds<'_> {
    async fn run(mut self) -> Result<Synced, RunError> {
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

    /// Whether Harvest cannot be asked who the token is, and never was: no stream may run.
    fn knows_nothing(&self) -> bool {
        self.synced.waiting.is_some() && self.synced.account.read_at.is_none()
    }

    /// Whether a run would read what it may not commit: before it does, it asks who the token is. The
    /// others end at their first request, and complete before that what needs none.
    fn would_be_in_vain(&self, due: &Due) -> bool {
        let waits = |waiting: &Waiting| waiting.class != due.spec.rate_class;
        self.synced.waiting.as_ref().is_some_and(waits)
    }

    fn goes_on(&self) -> bool {
        !self.synced.credentials_refused && !self.interrupt.is_asked()
    }

    /// Says what is waited for while nothing runs, where that takes long.
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

    /// Waits for the next run to end, for `wake`, or for somebody who wants to stop.
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
                // Heard already: now only the runs' ends count.
                std::future::pending::<()>().await;
            } else {
                self.interrupt.asked().await;
            }
        };
        tokio::select! {
            Some(ended) = self.runs.join_next() => match ended {
                Ok((_, Some(report))) => self.take(report),
                Ok((stream, None)) => self.lost(stream),
                // The task catches its own defects; nobody aborts it.
                Err(_) => {}
            },
            () = awake => {}
            () = interrupted => {}
        }
    }

    /// Starts what is due while there is room.
    async fn start_due(&mut self) -> Result<(), RunError> {
        let mut room = Room::new(self.context.settings.max_workers);
        self.running.values().for_each(|weight| room.take(*weight));
        if !room.admits(Weight::Light) {
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
        let ready: Vec<Due> = tick
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

    fn start(&mut self, due: Due) {
        let stream = due.spec.name;
        self.running.insert(stream, due.weight);
        let context = self.context.clone();
        let run = async move {
            let event = worker::Event {
                stream: stream.to_owned(),
                pass: due.pass,
                tick: None,
                accept_deletes: context.settings.accept_deletes,
            };
            worker::work(&context, &event, None).await.ok()
        };
        // A defect in one stream is that stream's failure.
        let run = AssertUnwindSafe(run).catch_unwind();
        self.runs.spawn_local(async move { (stream, run.await.ok().flatten()) });
    }

    /// A run that ended without a report, by a defect: it is not tried again.
    fn lost(&mut self, stream: &'static str) {
        self.running.remove(stream);
        self.given_up.insert(stream);
        self.synced.defects.insert(stream);
    }

    /// What the end of a run means for the next ones.
    fn take(&mut self, report: RunReport) {
        let (stream, now) = (report.stream, self.context.clock.now());
        self.running.remove(stream);
        match &report.outcome {
            Outcome::Busy { .. } => {
                let since = *self.busy_since.entry(stream).or_insert(now);
                if between(since, now) >= BUSY_PATIENCE {
                    self.synced.busy.insert(stream);
                    self.given_up.insert(stream);
                } else {
                    self.pauses.insert(stream, plus(now, BUSY_PAUSE));
                }
                return;
            }
            Outcome::Complete => {
                self.busy_since.remove(stream);
                let done = self.completed.entry((stream, report.pass)).or_default();
                *done = done.saturating_add(1);
            }
            Outcome::Yielded(runtime::run::Yielded::Budget(_)) => {}
            Outcome::Failed(RunError::Credentials { .. }) => {
                self.synced.credentials_refused = true;
            }
            Outcome::Yielded(runtime::run::Yielded::Deadline) | Outcome::Failed(_) => {
                self.in_vain(stream, now);
            }
        }
        self.watch.ended(&report);
        self.synced.reports.push(report);
    }

    /// What failed is tried again only where the plan says so, slower each time, and not for ever.
    fn in_vain(&mut self, stream: &'static str, now: Timestamp) {
        let times = self.fruitless.entry(stream).or_default();
        *times = times.saturating_add(1);
        self.pauses.insert(stream, plus(now, BUSY_PAUSE));
        if *times >= MOST_FRUITLESS {
            self.given_up.insert(stream);
        }
    }

    /// When to look again although no run ends before: streams in pause, or waiting for budget.
    async fn wake(&self) -> Result<Option<Timestamp>, RunError> {
        let now = self.context.clock.now();
        let open =
            |name: &&'static str| !self.running.contains_key(name) && !self.given_up.contains(name);
        let mut wakes: Vec<Timestamp> = Vec::new();
        for name in self.busy_since.keys().filter(|name| open(name)) {
            wakes.extend(self.pauses.get(name));
        }
        if self.runs.is_empty() {
            for spec in streams::STREAMS.iter().filter(|spec| open(&spec.name)) {
                let until = self.waits_until(spec).await?;
                wakes.extend(until.filter(|at| self.wait || between(now, *at) <= SHORT_WAIT));
            }
        }
        Ok(wakes.into_iter().filter(|at| *at > now).min())
    }

    /// When the budget has room for an unfinished pass of this stream.
    async fn waits_until(&self, spec: &'static StreamSpec) -> Result<Option<Timestamp>, RunError> {
        let settings = &self.context.settings;
        let skipped = self.synced.skipped.iter().any(|other| other.name == spec.name);
        if skipped || !settings.includes(spec.name) {
            return Ok(None);
        }
        let state = |source| RunError::State { stream: spec.name, source };
        let present = self.context.present();
        let item = records::stream(&*self.context.state, settings.account, spec.name, &present);
        let position = item.await.map_err(state)?.value.position;
        let passes = [position.incremental, position.full].into_iter();
        Ok(passes.filter_map(|pass| pass.unfinished?.waits_until).min())
    }
}
