//! Waits of a sync: for the account before the first run, and between runs.

use std::sync::Arc;

use engine::item::AccountItem;
use engine::spec::RateClass;
use engine::time::{Timestamp, between, plus};
use runtime::gate::PATIENCE;
use runtime::waiting::RequestWait;
use runtime::{Context, RunError, account, records};

use super::{BUSY_PAUSE, SHORT_WAIT, SyncLoop, SyncOptions};
use crate::text;

/// Returns the account as Harvest describes it now. If Harvest may not be asked soon, returns the
/// stored account, and the wait.
///
/// The stored account still lets runs start that do work without requests, see `would_be_in_vain`.
/// With `--wait`, or if the wait is short, this waits and asks again, as often as needed: another
/// process may use the permits meanwhile.
pub(super) async fn prepared(
    context: &Context,
    wish: SyncOptions,
) -> Result<(AccountItem, Option<RequestWait>), RunError> {
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
        // At least a pause, so that an instant that is already over does not turn this into a busy
        // loop.
        context.clock.sleep_until(waiting.until.max(plus(now, BUSY_PAUSE))).await;
    }
}

impl SyncLoop<'_> {
    /// Tells for what a long wait is while nothing runs, and until when. A display that stands still
    /// for a quarter of an hour looks like a program that hangs.
    pub(super) async fn tell(&self, wake: Option<Timestamp>) -> Result<(), RunError> {
        let Some(until) = wake.filter(|_| self.runs.is_empty()) else {
            return Ok(());
        };
        let now = self.context.clock.now();
        if between(now, until) <= PATIENCE {
            return Ok(());
        }
        let state = |source| RunError::State { stream: "account", source };
        // The remedies differ: the budget comes back by itself, while a `Retry-After` of Harvest may
        // mean that another program of the account sends too much.
        let mut why = "the budget has no room before".to_owned();
        for class in [RateClass::General, RateClass::Reports] {
            if self.context.gate.blocked_until(class).await.map_err(state)?.is_some() {
                let class = class.name();
                why = format!("Harvest asked to wait (`Retry-After`) with {class} requests");
                break;
            }
        }
        self.watch.waits(&format!("waits until {}: {why}", text::clock(until, now)));
        Ok(())
    }

    /// Waits for the end of a run, for `wake`, or for a request to stop. Without any run and
    /// without `wake` it would wait for a signal alone; `run` ends before that.
    pub(super) async fn next(&mut self, wake: Option<Timestamp>) {
        let clock = Arc::clone(&self.context.clock);
        let awake = async move {
            match wake {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        // The request to stop only has to end this wait once: the runs see it by themselves,
        // through the display.
        let interrupted = async {
            if self.interrupt.is_asked() {
                // The request is known already: wait only for the ends of the runs.
                std::future::pending::<()>().await;
            } else {
                self.interrupt.asked().await;
            }
        };
        tokio::select! {
            // An empty set answers `None`, which disables this branch instead of waking the loop at
            // once.
            Some(ended) = self.runs.join_next() => match ended {
                Ok((_, Some(report))) => self.take(report),
                Ok((stream, None)) => self.lost(stream),
                // Cannot happen: the task catches panics and is never aborted.
                Err(_) => {}
            },
            () = awake => {}
            () = interrupted => {}
        }
    }
}
