//! History of runs: an item of the state for each, kept for three months.
//!
//! The sort key begins with the time, so that the newest runs of all streams are one query. The
//! item is never changed. It expires by itself, on DynamoDB by its time to live.

use engine::time::{SignedDuration, plus};
use state::{ItemKey, WriteCondition};

use super::RunReport;
use crate::context::Context;

/// Time that the item of a run is kept: 90 days.
const MEMORY: SignedDuration = SignedDuration::from_hours(90 * 24);

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
