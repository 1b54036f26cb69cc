//! `harvest-lake sync`.

use std::sync::Arc;

use deployment::config::{Deployment, Given};
use deployment::parts;
use engine::pass::Pass;
use engine::spec::RateClass;
use engine::time::{SignedDuration, plus};
use runtime::{Context, RunError};

use crate::arguments::SyncArguments;
use crate::display::{Show, Watch, display};
use crate::exit::CliError;
use crate::interrupt::Interrupt;
use crate::rounds::{Wish, rounds};
use crate::said::{Paint, Said};
use crate::summary::{Summary, summarize};

/// Brings the lake up to date and returns its summary.
pub(crate) async fn sync(
    arguments: &SyncArguments,
    mut given: Given,
    show: Show,
    paint: Paint,
) -> Result<Said, CliError> {
    arguments.run.give(&mut given);
    let deployment = Deployment::parse(&given)?;
    let interrupt = Interrupt::default();
    let watch = display(show, &interrupt);
    let heard = Arc::clone(&watch);
    interrupt.listen(move || {
        heard.clear();
        tracing::warn!("stopping in good order; press Ctrl-C (or signal) again to stop at once");
    });
    let wish = Wish { pass: arguments.pass.map(Pass::from), wait: arguments.run.wait };
    let summary = bring_up_to_date(&deployment, wish, watch, &interrupt).await?;
    Ok(summary.said(paint))
}

/// Runs one sync, from settings to summary.
pub(crate) async fn bring_up_to_date(
    deployment: &Deployment,
    wish: Wish,
    watch: Arc<dyn Watch>,
    interrupt: &Interrupt,
) -> Result<Summary, CliError> {
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
async fn tell_budget(context: Context, watch: Arc<dyn Watch>) {
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
