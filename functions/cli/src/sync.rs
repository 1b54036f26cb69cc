//! `harvest-lake sync` and `harvest-lake sweep`: settings, display and signals around the loop in
//! `rounds`, and the summary after it.
//!
//! A sweep is a sync whose pass is `full` and whose streams may be named without a flag
//! (`SweepArguments::as_sync`).

use std::collections::BTreeMap;
use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use engine::pass::Pass;
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, plus};
use runtime::{Context, RunError};

use crate::arguments::SyncArguments;
use crate::display::{BudgetMoment, DisplayForm, SyncDisplay, display};
use crate::error::CliError;
use crate::interrupt::InterruptFlag;
use crate::notice;
use crate::rounds::{SyncOptions, rounds};
use crate::said::{CommandAnswer, TextStyle};
use crate::summary::{SyncSummary, summarize};

/// Brings the lake up to date and returns its summary.
///
/// Failures of streams are part of the summary. An error means that no stream could run: a wrong
/// setting, a lake of another account, a token that Harvest refuses at the first question.
pub(crate) async fn sync(
    arguments: &SyncArguments,
    mut given: GivenSettings,
    show: DisplayForm,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    arguments.run.settings.give(&mut given);
    arguments.streams.give(&mut given);
    let deployment = DeploymentSettings::parse(&given)?;
    let interrupt = InterruptFlag::default();
    let watch = display(show, &interrupt);
    let heard = Arc::clone(&watch);
    // Before the parts are set up: a request to stop that comes meanwhile ends the sync before its
    // first run.
    interrupt.listen(move || {
        // Otherwise the message would be written into the moving bars.
        heard.clear();
        tracing::warn!("stopping in good order; press Ctrl-C (or signal) again to stop at once");
    });
    let wish = SyncOptions { pass: arguments.pass.map(Pass::from), wait: arguments.run.wait };
    let synced = bring_up_to_date(&deployment, wish, watch, &interrupt).await;
    // Somebody who has stopped it is there.
    if !interrupt.is_asked() {
        Box::pin(notice::tell(&deployment, &synced)).await;
    }
    Ok(synced?.said(paint))
}

/// Runs one sync, from settings to summary. Shared by `sync` and `demo`.
pub(crate) async fn bring_up_to_date(
    deployment: &DeploymentSettings,
    wish: SyncOptions,
    watch: Arc<dyn SyncDisplay>,
    interrupt: &InterruptFlag,
) -> Result<SyncSummary, CliError> {
    let mut deployment = deployment.clone();
    // A local lake has one user, who reads older versions only if `--keep` is given. In a bucket
    // removed files stay for the retention, because a query may be reading them.
    deployment.settings.tidy_at_once = deployment.lake.folder().is_some();
    let progress: Arc<dyn runtime::progress::Progress> = Arc::clone(&watch) as Arc<_>;
    // A bucket is made by a stack, whose people know how to query it.
    let is_new = deployment.lake.folder().is_some_and(|folder| !folder.join("tables").exists());
    let context = parts::context(&deployment, progress).await?;
    // A task of its own, because the budget also changes while no run reports anything: other
    // processes of the account use it, and permits come back as time passes.
    let budget = tokio::spawn(tell_budget(context.clone(), Arc::clone(&watch)));
    let synced = rounds(&context, wish, Arc::clone(&watch), interrupt).await;
    // Stopped first, so that it does not write into a display that is gone.
    budget.abort();
    watch.clear();
    // The error of the loop is looked at only here, so that the terminal is clean in that case,
    // too.
    let summary = summarize(&context, &deployment.lake.to_string(), &synced?).await?;
    Ok(SyncSummary { is_new, ..summary })
}

/// Shows every second the use of the budgets. A state that cannot be read is not reported here: the
/// runs use the same state and report it with its consequences.
async fn tell_budget(context: Context, watch: Arc<dyn SyncDisplay>) {
    loop {
        let now = context.clock.now();
        if let Ok(used) = used(&context).await {
            let done_at = done_at(&context, &watch.left()).await;
            watch.budget(BudgetMoment { now, used, done_at });
        }
        context.clock.sleep_until(plus(context.clock.now(), SignedDuration::from_secs(1))).await;
    }
}

/// Time at which the budgets have had permits for these requests; `None` if there are none.
async fn done_at(context: &Context, left: &BTreeMap<RateClass, u64>) -> Option<Timestamp> {
    let mut done_at = None;
    for (class, requests) in left.iter().filter(|(_, requests)| **requests > 0) {
        done_at = done_at.max(context.gate.estimate(*class, *requests).await.ok());
    }
    done_at
}

/// Returns the used part of the budgets: `general 40 of 95, reports 12 of 95`. The limit is
/// Harvest's, less the share that is left to others (`--budget-percent`): 95 of 100 by default.
///
/// # Errors
/// Fails if the state cannot be read.
pub(crate) async fn used(context: &Context) -> Result<String, RunError> {
    let mut parts = Vec::new();
    for class in [RateClass::General, RateClass::Reports] {
        let state = |source| RunError::State { stream: class.name(), source };
        let (used, limit) = context.gate.used(class).await.map_err(state)?;
        parts.push(format!("{} {used} of {}", class.name(), limit.requests()));
    }
    Ok(parts.join(", "))
}
