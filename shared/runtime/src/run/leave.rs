//! End of work that has no open table: its failure is recorded, and its lease given back.

use engine::item::{StandingError, StreamItem};
use engine::lease::Lease;
use engine::ledger::{add_record, forget_filed};
use engine::pace::still_lost;
use engine::pass::Pass;
use engine::run_record::RunRecord;
use engine::time::Timestamp;

use super::RunOrder;
use super::record::{empty_record, filed_of};
use crate::context::Context;
use crate::error::RunError;
use crate::records;

/// Records the failure of a run that could not open its table, and gives the lease back, unless
/// another run holds it or has taken it over. Returns `false` if the item could not be written.
///
/// There is no `Run` in this case, and the item is read anew: the failure may have come before or
/// after this process took the lease. Otherwise a table that cannot be opened would be tried with
/// each tick, and nobody would see why.
pub(super) async fn record_failure(
    context: &Context,
    order: RunOrder,
    began: Timestamp,
    error: &RunError,
) -> bool {
    // The item tells of the run that took over, which may have ended already.
    if matches!(error, RunError::LostLease { .. }) {
        return true;
    }
    let now = context.clock.now();
    let filed = filed_of(context, order.spec.name).await;
    let recorded = leave(context, order.spec.name, |item| {
        fail(item, order.pass, now, error);
        forget_filed(&mut item.runs, filed);
        let record = RunRecord {
            outcome: "failed".into(),
            error: Some(error.error_type().into()),
            ..empty_record(began, now, order.pass)
        };
        add_record(item, record);
    });
    let recorded = recorded.await;
    if !recorded {
        tracing::warn!(stream = order.spec.name, "the failure could not be recorded");
    }
    recorded
}

/// Gives back the lease of work that ended with `error` and has no `Run`, so that the next run need
/// not wait for its end. Returns the error.
pub(crate) async fn abandoned(
    context: &Context,
    stream: &'static str,
    error: RunError,
) -> RunError {
    if !matches!(error, RunError::LostLease { .. }) && !leave(context, stream, |_| {}).await {
        tracing::warn!(stream, "lease not given back");
    }
    error
}

/// Writes the item with `change` and a released lease, unless another process holds the lease.
/// Returns `false` if the item could not be read or written.
async fn leave(
    context: &Context,
    stream: &'static str,
    change: impl FnOnce(&mut StreamItem),
) -> bool {
    let account = context.settings.account;
    let key = records::stream_key(account, stream);
    let item = records::stream(&*context.state, account, stream, &context.present()).await;
    let Ok(mut item) = item else {
        return false;
    };
    let own = context.owners.own_id();
    let ours = item.value.lease.as_ref().is_none_or(|lease| lease.owner == own || lease.released);
    if !ours {
        return true;
    }
    change(&mut item.value);
    item.value.lease = item.value.lease.as_ref().map(Lease::released);
    matches!(records::write(&*context.state, &key, &mut item).await, Ok(true))
}

/// Records a failure of `pass` in the item's health, from which the plan computes how long the stream
/// backs off.
pub(super) fn fail(item: &mut StreamItem, pass: Pass, now: Timestamp, error: &RunError) {
    item.health.failures = item.health.failures.saturating_add(1);
    // This run has said why it ended.
    item.health.lost = still_lost(item.health.lost);
    item.health.note_error(now, error.chain(), Some(error.error_type()));
    if pass == Pass::Full && error.is_of_a_read_pass() {
        item.health.unswept = Some(StandingError {
            at: now,
            error: error.chain(),
            error_type: error.error_type().to_owned(),
        });
    }
    item.health.refused = matches!(error, RunError::Refused { .. });
}
