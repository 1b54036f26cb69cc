//! Filing of runs in the ledger, as a tick or the end of a sync does it.

use std::collections::BTreeMap;

use engine::item::StreamItem;
use engine::ledger::has_unfiled;
use runtime::{Context, RunError, records};

use crate::state_error;

/// Files the runs that the items have and the ledger does not. A failure is only logged: the records
/// stay in the items, and the next tick tries again.
pub(crate) async fn file(context: &Context, items: &BTreeMap<&'static str, StreamItem>) {
    match Box::pin(runtime::ledger::file_runs(context, items)).await {
        Ok(Ok(runs)) => tracing::debug!(runs, "runs filed in the ledger"),
        Ok(Err(busy)) => tracing::debug!(owner = busy.owner, "another process files the runs"),
        Err(error) => tracing::warn!(error = error.chain(), "runs are not in the ledger yet"),
    }
}

/// Files all runs that the ledger does not have yet. For the end of a sync, after which no tick comes.
///
/// # Errors
/// Fails if the state cannot be read.
pub async fn file_left(context: &Context) -> Result<(), RunError> {
    let account = context.settings.account;
    let present = context.present();
    let stored = records::streams(&*context.state, account, &present, &context.parsed).await;
    let mut stored = stored.map_err(state_error)?;
    let filed = stored.remove(streams::RUNS.name).unwrap_or_default().filed;
    let specs = streams::STREAMS.into_iter();
    let items = specs.filter_map(|spec| Some((spec.name, stored.remove(spec.name)?))).collect();
    // Runs of another process that is at work are filed at its end.
    if has_unfiled(&items, &filed) {
        file(context, &items).await;
    }
    Ok(())
}
