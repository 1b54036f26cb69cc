//! A `sync`, as the command does it.

use engine::pass::Pass;
use engine::plan::Demand;
use engine::time::{SignedDuration, Timestamp, plus};
use runtime::run::{RunOutcome, RunReport, YieldReason};
use runtime::{Context, RunError};

/// Result of one `sync`.
#[derive(Debug, Default)]
pub struct Synced {
    /// Reports of the runs, in order.
    pub reports: Vec<RunReport>,
}

impl Synced {
    /// Number of commits of all runs.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.reports.iter().map(|report| report.commits).sum()
    }

    /// Returns the failures as text.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        self.reports.iter().filter_map(|report| report.error()).map(RunError::chain).collect()
    }
}

/// Input of a `sync`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Pass that each stream runs; `None` for the one it needs.
    pub pass: Option<Pass>,
    /// Time that each run may read.
    pub stop_after: Option<SignedDuration>,
    /// Whether the sync ends instead of waiting for the budget.
    pub impatient: bool,
}

/// Brings everything up to date, as `harvest-lake sync --wait` does.
///
/// # Errors
/// Fails if not even the account can be read.
pub async fn sync(context: &Context, pass: Option<Pass>) -> Result<Synced, RunError> {
    sync_as(context, Wish { pass, ..Wish::default() }).await
}

/// Runs a `sync` as `wish` says.
///
/// # Errors
/// Fails if not even the account can be read.
pub async fn sync_as(context: &Context, wish: Wish) -> Result<Synced, RunError> {
    let mut asked_at = context.clock.now();
    while let Err(error) = orchestrator::prepare(context).await {
        let RunError::Waits { waiting, .. } = error else { return Err(error) };
        context.clock.sleep_until(waiting.until).await;
    }
    let mut synced = Synced::default();
    for _ in 0..400 {
        // The clock may go back meanwhile, and `asked_at` must not be in the future.
        asked_at = asked_at.min(context.clock.now());
        let demand = Demand::Now { asked_at, pass: wish.pass };
        let tick = orchestrator::tick(context, demand).await?;
        if tick.due.is_empty() {
            let next = if wish.impatient { None } else { next_turn(context).await };
            let Some(at) = next else { return Ok(synced) };
            context.clock.sleep_until(at).await;
            continue;
        }
        let runs = tick.due.iter().map(|due| async {
            let event = runtime::invoke::WorkerEvent {
                stream: due.spec.name.to_owned(),
                pass: due.pass,
                tick: None,
                accept_deletes: context.settings.accept_deletes,
            };
            // A run stops reading 80 seconds before its deadline.
            let last =
                |after| plus(plus(context.clock.now(), after), SignedDuration::from_secs(80));
            worker::work(context, &event, wish.stop_after.map(last)).await.expect("a known stream")
        });
        let reports: Vec<RunReport> = futures::StreamExt::collect(
            futures::StreamExt::buffer_unordered(futures::stream::iter(runs), 8),
        )
        .await;
        let now = context.clock.now();
        let pauses: Option<Vec<Pause>> = reports.iter().map(|run| pause(run, now)).collect();
        synced.reports.extend(reports);
        // A run that did something may have made another one possible.
        let Some(first) = pauses.into_iter().flatten().min() else { continue };
        match first {
            Pause { budget: true, .. } if wish.impatient => return Ok(synced),
            Pause { until, .. } => context.clock.sleep_until(until).await,
        }
    }
    // Runs that stop after a second, on slow stores, may never get anywhere.
    if wish.stop_after.is_some() {
        return Ok(synced);
    }
    let last = synced.reports.iter().rev().take(8);
    let last: Vec<String> =
        last.map(|run| format!("{} {:?}: {:?}", run.stream, run.pass, run.outcome)).collect();
    panic!("the sync never ends: {:?} {last:?}", synced.failures());
}

/// Wait before a stream is tried again whose run could do nothing.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pause {
    /// End of the wait.
    until: Timestamp,
    /// Whether it is the budget that has no permit before, and not another process that is at work.
    budget: bool,
}

/// Returns the wait after a run that could do nothing; `None` if it did something or failed. Runs that had
/// no permit for their first request leave no mark in the state.
fn pause(report: &RunReport, now: Timestamp) -> Option<Pause> {
    match report.outcome {
        RunOutcome::Yielded(YieldReason::Budget(until)) => Some(Pause { until, budget: true }),
        RunOutcome::Busy { .. } | RunOutcome::Failed(RunError::LostLease { .. }) => {
            let until = plus(now, SignedDuration::from_secs(30));
            Some(Pause { until, budget: false })
        }
        RunOutcome::Complete | RunOutcome::Yielded(_) | RunOutcome::Failed(_) => None,
    }
}

/// Time at which the budget has permits for an unfinished pass, if one waits for them.
async fn next_turn(context: &Context) -> Option<Timestamp> {
    let mut turns = Vec::new();
    for spec in streams::STREAMS {
        let (account, present) = (context.settings.account, context.present());
        let item = runtime::records::stream(&*context.state, account, spec.name, &present).await;
        // A process that has died meanwhile cannot read its state, and need not wait.
        let position = item.ok()?.value.position;
        let passes = [position.full.unfinished, position.incremental.unfinished];
        let now = context.clock.now();
        turns.extend(
            passes.into_iter().flatten().filter_map(|pass| pass.waits_until).filter(|at| *at > now),
        );
    }
    turns.into_iter().min()
}
