//! History of runs: an item of the state for each, kept for three months, and the record from which
//! the ledger gets its row.
//!
//! The sort key of the item begins with the time, so that the newest runs of all streams are one
//! query. The item is never changed. It expires by itself, on DynamoDB by its time to live. It has
//! the texts of errors, which the ledger leaves out.

use engine::item::StreamItem;
use engine::ledger::{add_record, forget_filed};
use engine::pass::Pass;
use engine::run_record::{RunRecord, RunTraffic};
use engine::time::{SignedDuration, Timestamp, plus};
use engine::trouble::lag;
use state::{ItemKey, WriteCondition};

use super::{Run, RunOutcome, RunReport};
use crate::context::Context;
use crate::records;

/// Time that the item of a run is kept: 90 days.
const MEMORY: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Number of records in a stream's item from which the ledger is asked which of them it has.
const SOME: usize = 2;

/// Writes the item `run#<time>#<stream>`. A failure is only logged: nothing depends on the history.
pub(super) async fn remember(context: &Context, report: &RunReport) {
    let began = report.began.strftime("%Y%m%dT%H%M%S%6fZ");
    let sort = format!("run#{began}#{}", report.stream);
    let key = ItemKey { account: context.settings.account, sort };
    let body = report.document().to_string();
    let expires = plus(report.ended, MEMORY);
    let put = context.state.put(&key, WriteCondition::Absent, &body, Some(expires)).await;
    if let Err(error) = put {
        tracing::debug!(stream = report.stream, %error, "the run is not remembered");
    }
}

/// Returns the record of a run that did nothing yet.
pub(super) fn empty_record(began: Timestamp, ended: Timestamp, pass: Pass) -> RunRecord {
    // The ledger has microseconds, and finds a run by its start.
    let whole = |at: Timestamp| Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
    RunRecord::new(whole(began), whole(ended), pass, env!("CARGO_PKG_VERSION"))
}

/// Returns the start of the newest run of `stream` that the ledger has; `None` if it has none, or if
/// the state cannot be read. Then records stay in the item for longer.
pub(super) async fn filed_of(context: &Context, stream: &str) -> Option<Timestamp> {
    let (account, ledger) = (context.settings.account, streams::RUNS.name);
    let item = records::stream(&*context.state, account, ledger, &context.present()).await;
    item.ok()?.value.filed.get(stream).copied()
}

/// Adds the record of the run that held the lease and never gave it back.
pub(super) fn record_lost(item: &mut StreamItem, now: Timestamp) {
    let (Some(began), Some(pass)) = (item.working_since, item.working_on) else { return };
    let record = RunRecord { outcome: "lost".into(), ..empty_record(began, now, pass) };
    // It may have died after its last write, and before it knew that this was stored.
    if item.runs.iter().all(|run| run.began != record.began) {
        add_record(item, record);
    }
}

impl Run {
    /// Adds the record of this run to the item, which is still to be written.
    pub(super) async fn leave_record(&mut self, outcome: &RunOutcome, now: Timestamp) {
        if self.item.value.runs.len() >= SOME {
            let filed = filed_of(&self.context, self.stream()).await;
            forget_filed(&mut self.item.value.runs, filed);
        }
        let error = match outcome {
            RunOutcome::Failed(error) => Some(error.error_type().into()),
            RunOutcome::Complete | RunOutcome::Yielded(_) | RunOutcome::Busy { .. } => None,
        };
        let (report, lag) = (&self.report, lag(&self.item.value, now).as_secs());
        let record = RunRecord {
            outcome: outcome.name().into(),
            error,
            traffic: RunTraffic {
                requests: report.requests,
                throttled: report.throttled,
                failed: report.failed_requests,
                bytes: report.answer_bytes,
                records: report.records,
            },
            counts: report.counts,
            quarantined: report.quarantined,
            version: Some(self.table.version()),
            rows: self.table.rows(),
            lag: u64::try_from(lag).unwrap_or(0),
            ..empty_record(self.begun, now, self.order.pass)
        };
        add_record(&mut self.item.value, record);
    }
}
