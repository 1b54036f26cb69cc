//! `harvest-lake sync`.

use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use engine::pass::Pass;
use engine::spec::RateClass;
use engine::time::{SignedDuration, plus};
use runtime::{Context, RunError};

use crate::arguments::SyncArguments;
use crate::display::{DisplayForm, SyncDisplay, display};
use crate::exit::CliError;
use crate::interrupt::InterruptFlag;
use crate::rounds::{SyncOptions, rounds};
use crate::said::{CommandAnswer, TextStyle};
use crate::summary::{SyncSummary, summarize};

/// Brings the lake up to date and returns its summary.
pub(crate) async fn sync(
    arguments: &SyncArguments,
    mut given: GivenSettings,
    show: DisplayForm,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    arguments.run.give(&mut given);
    let deployment = DeploymentSettings::parse(&given)?;
    let interrupt = InterruptFlag::default();
    let watch = display(show, &interrupt);
    let heard = Arc::clone(&watch);
    interrupt.listen(move || {
        heard.clear();
        tracing::warn!("stopping in good order; press Ctrl-C (or signal) again to stop at once");
    });
    let wish = SyncOptions { pass: arguments.pass.map(Pass::from), wait: arguments.run.wait };
    let summary = bring_up_to_date(&deployment, wish, watch, &interrupt).await?;
    Ok(summary.said(paint))
}

/// Runs one sync, from settings to summary.
pub(crate) async fn bring_up_to_date(
    deployment: &DeploymentSettings,
    wish: SyncOptions,
    watch: Arc<dyn SyncDisplay>,
    interrupt: &InterruptFlag,
) -> Result<SyncSummary, CliError> {
    let mut deployment = deployment.clone();
    // A local lake has one user, who reads older versions only if `--keep` is given.
    deployment.settings.tidy_at_once = deployment.lake.folder().is_some();
    let progress: Arc<dyn runtime::progress::Progress> = Arc::clone(&watch) as Arc<_>;
    let context = parts::context(&deployment, progress).await?;
    let budget = tokio::spawn(tell_budget(context.clone(), Arc::clone(&watch)));
    let synced = rounds(&context, wish, Arc::clone(&watch), interrupt).await;
    budget.abort();
    watch.clear();
    Ok(summarize(&context, &deployment.lake.to_string(), &synced?).await?)
}

/// Shows every second the used part of the budgets.
async fn tell_budget(context: Context, watch: Arc<dyn SyncDisplay>) {
    loop {
        if let Ok(used) = used(&context).await {
            watch.budget(&used);
        }
        context.clock.sleep_until(plus(context.clock.now(), SignedDuration::from_secs(1))).await;
    }
}

/// Returns the used part of the budgets: `general 40 of 95, reports 12 of 95`.
pub(crate) async fn used(context: &Context) -> Result<String, RunError> {
    let mut parts = Vec::new();
    for class in [RateClass::General, RateClass::Reports] {
        let state = |source| RunError::State { stream: class.name(), source };
        let (used, limit) = context.gate.used(class).await.map_err(state)?;
        parts.push(format!("{} {used} of {}", class.name(), limit.requests()));
    }
    Ok(parts.join(", "))
}
