//! The fake account as an invocation reaches it: with a latency, and with its own processor time.

use std::sync::Arc;

use async_trait::async_trait;
use engine::pass::RequestTarget;
use engine::time::{SignedDuration, plus};
use harvest_api::{ApiAnswer, ApiError, HarvestApi, ScriptedApi};
use runtime::clock::Clock;

use super::journal::Journal;
use super::ledger::Processor;
use lives::world::{SimClock, World};

/// API client of the account, with the latency of a network.
#[derive(Debug)]
pub(super) struct FarHarvest {
    inner: ScriptedApi,
    clock: SimClock,
    latency: SignedDuration,
    processor: Processor,
    journal: Arc<Journal>,
    invocation: usize,
}

impl FarHarvest {
    /// Returns a client of the account of `world`. An answer takes `latency`, a tenth of it on the
    /// way to the account.
    pub(super) fn new(
        world: &World,
        latency: SignedDuration,
        processor: &Processor,
        journal: &Arc<Journal>,
        invocation: usize,
    ) -> Self {
        let base = "https://api.harvestapp.com/v2".parse().expect("a base URL");
        let (script, own) = (world.script(sim::ADMINISTRATOR_TOKEN), processor.clone());
        let script = move |asked: &harvest_api::ScriptedRequest| {
            own.turn_to_harvest();
            let answer = script(asked);
            own.turn();
            answer
        };
        Self {
            inner: ScriptedApi::new(base, script),
            clock: world.clock,
            latency,
            processor: processor.clone(),
            journal: Arc::clone(journal),
            invocation,
        }
    }
}

#[async_trait]
impl HarvestApi for FarHarvest {
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError> {
        self.processor.turn();
        let path = match target {
            RequestTarget::Path { path, .. } => path.as_str(),
            RequestTarget::Link(url) => url.as_str(),
        };
        let sent = self.journal.sent(self.invocation, path);
        let begun = self.clock.now();
        self.clock.sleep_until(plus(begun, self.latency / 10)).await;
        let answer = self.inner.get(target).await;
        self.clock.sleep_until(plus(begun, self.latency)).await;
        self.processor.turn();
        self.journal.answered(self.invocation, sent);
        answer
    }
}
