//! Invocation of the orchestrator: plans the due runs and invokes their workers.
//!
//! An invocation is one tick. Most ticks find nothing to do: they take no lease, and write at most
//! until when that holds. The steps of the others, in this order:
//!
//! 1. Take the lease in the item `orchestrator`, and store the request of the event, in one write.
//! 2. Load the token. Without a token, or while Harvest refuses it, nothing else happens.
//! 3. Renew an OAuth application's access token before it expires. Only the holder of this lease
//!    does so: of two renewals at the same time, one might invalidate the other's refresh token.
//! 4. Plan. Only if something is due, read person and modules from Harvest; then plan again.
//! 5. Store the streams to invoke, then invoke one worker for each of them.
//! 6. Tell of streams that came into trouble or are out of it.
//! 7. File the runs that have ended, if that is due.
//! 8. Give the lease back.
//!
//! A tick with nothing due sends no request to Harvest. A tick never waits for a worker, and it
//! never reads a record. If it dies at any step, the next tick does the work: leases of streams
//! keep a worker that was invoked twice from doing harm.

use std::sync::Arc;

use engine::dispatch::OrchestratorItem;
use engine::lease::Lease;
use runtime::Context;
use runtime::announce::Announcer;
use runtime::invoke::{InvocationFailure, Invoker};
use runtime::records;
use serde_json::Value;
use state::ItemKey;

use crate::answer::{TickAnswer, TickEnd};
use crate::event::OrchestratorEvent;
use crate::tick::{OrchestratorTick, epoch, state_error};

/// Handler of invocations.
#[derive(Clone, Debug)]
pub struct Orchestrator {
    /// Parts of the deployment.
    pub context: Context,
    /// Means to invoke workers.
    pub invoker: Arc<dyn Invoker>,
    /// Means to tell of streams that need a person.
    pub announcer: Arc<dyn Announcer>,
}

impl Orchestrator {
    /// Invokes the workers of due streams. Returns the decision about each due stream.
    ///
    /// # Errors
    /// Fails if the event is unknown, or the stores or Harvest fail. A tick that fails after it
    /// took the lease gives it back; the request of the event stays in the item.
    pub async fn answer(&self, event: Value) -> Result<TickAnswer, InvocationFailure> {
        let event = OrchestratorEvent::read(event)?;
        let (now, context) = (self.context.clock.now(), &self.context);
        let key = ItemKey { account: context.settings.account, sort: "orchestrator".to_owned() };
        let present = context.present();
        let item = records::read_freed::<OrchestratorItem>(&*context.state, &key, &present)
            .await
            .map_err(|source| InvocationFailure::from(&state_error(source)))?;
        let (invoker, announcer) = (&*self.invoker, &*self.announcer);
        let mut tick = OrchestratorTick {
            context,
            invoker,
            announcer,
            key,
            item,
            epoch: None,
            now,
            seen: None,
        };
        if event.asked(now).is_none()
            && let Some(answer) =
                tick.idle().await.map_err(|error| InvocationFailure::from(&error))?
        {
            return Ok(answer);
        }
        let owner = context.owners.own_id();
        // Each write expects the revision that was read. A lost race brings the item that won, and
        // everything is decided anew from it: the lease may be taken by then.
        let OrchestratorTick { item, key, .. } = &mut tick;
        loop {
            // A request is stored even while another tick plans, which then carries it out.
            if let Some(asked) = event.asked(now) {
                item.value.ask(asked);
            }
            let lease = Lease::acquire(item.value.lease.as_ref(), &owner, now, false);
            let busy = lease.is_err();
            if let Ok((lease, _)) = lease {
                item.value.lease = Some(lease);
            } else if event.asked(now).is_none() {
                // The item would be written unchanged.
                return Ok(TickAnswer::without_plan(TickEnd::Busy));
            }
            let written = records::write(&*context.state, key, item).await;
            if written.map_err(|source| InvocationFailure::from(&state_error(source)))? {
                if busy {
                    return Ok(TickAnswer::without_plan(TickEnd::Asked));
                }
                break;
            }
        }
        tick.epoch = epoch(&tick.item.value);
        let answer = tick.plan().await;
        // Also after a failure: runs that failed are what people look for.
        tick.file_runs().await;
        tick.leave().await;
        answer.map_err(|error| InvocationFailure::from(&error))
    }
}
