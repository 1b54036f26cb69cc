//! Work that a sync left for later, for want of budget.
//!
//! Without `--wait` a first sync ends while reports have hours of windows left. People have to see
//! that this is no failure, how much is left, and how long the budget needs for it.

use engine::item::{ResumablePass, StreamItem};
use engine::spec::RateClass;
use engine::time::between;
use runtime::run::RunOutcome;
use runtime::{Context, RunError, records};

use super::{WaitingWork, failures};
use crate::rounds::SyncOutcome;

/// Returns the work that waits for a budget, by rate class; classes without such work are left out.
///
/// # Errors
/// Fails if the state store fails.
pub(super) async fn left(
    context: &Context,
    synced: &SyncOutcome,
) -> Result<Vec<WaitingWork>, RunError> {
    let now = context.clock.now();
    let failed = failures(&synced.reports);
    let mut left = Vec::new();
    for class in [RateClass::General, RateClass::Reports] {
        let mut of_class =
            WaitingWork { class: class.name(), streams: Vec::new(), read: 0, parts: 0, seconds: 0 };
        let mut requests = 0_u64;
        for spec in streams::STREAMS.iter().filter(|spec| spec.rate_class == class) {
            let stream = spec.name;
            let skipped = synced.skipped.iter().any(|other| other.name == stream);
            // A stream that failed does not wait for the budget.
            let failed = failed.iter().any(|other| other.stream == stream);
            if skipped || failed || !context.settings.includes(stream) {
                continue;
            }
            // From the state and not from the reports: a pass may be unfinished since an earlier
            // sync, and its stream may have had no run in this one.
            let (account, present) = (context.settings.account, context.present());
            let item = records::stream(&*context.state, account, stream, &present)
                .await
                .map_err(|source| RunError::State { stream, source })?;
            let mut waits = last_yielded(synced, stream);
            for unfinished in unfinished(&item.value) {
                waits = false;
                let (read, rest) = unfinished.progress;
                of_class.streams.push(stream.to_owned());
                of_class.read = of_class.read.saturating_add(read);
                of_class.parts = of_class.parts.saturating_add(read.saturating_add(rest));
                // One request for each part. That is a lower bound: the children of one parent may
                // fill several pages.
                requests = requests.saturating_add(rest.max(1));
            }
            if waits {
                // The run stopped before there was progress to save: the whole pass is left.
                of_class.streams.push(stream.to_owned());
                requests = requests.saturating_add(1);
            }
        }
        if of_class.streams.is_empty() {
            continue;
        }
        // A stream with two unfinished passes was added twice in a row.
        of_class.streams.dedup();
        let state = |source| RunError::State { stream: class.name(), source };
        // The estimate asks for no permit, and assumes that no other process uses the budget
        // meanwhile.
        let done = context.gate.estimate(class, requests).await.map_err(state)?;
        of_class.seconds = between(now, done).as_secs().max(0);
        left.push(of_class);
    }
    Ok(left)
}

/// Whether the last run of `stream` stopped before its pass was complete: for want of budget, or because
/// what it had read was not to be written any more.
fn last_yielded(synced: &SyncOutcome, stream: &str) -> bool {
    let last = synced.reports.iter().rfind(|report| report.stream == stream);
    last.is_some_and(|report| matches!(report.outcome, RunOutcome::Yielded(_)))
}

/// Returns the passes of a stream that have begun and are not complete.
fn unfinished(item: &StreamItem) -> impl Iterator<Item = &ResumablePass> {
    let passes = [&item.position.full, &item.position.incremental];
    passes.into_iter().filter_map(|pass| pass.unfinished.as_ref())
}
