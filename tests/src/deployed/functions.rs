//! The functions as Lambda runs them: each invocation in a new process with a fixed deadline.
//!
//! No process is used twice, which is the most expensive case: each invocation reads the budgets
//! anew, asks for the person of the token, and waits for its start. On Lambda most environments
//! stay warm.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use delta::store::ObjectStore;
use deployment::parts::RemoteOwners;
use engine::room::WorkerSize;
use engine::time::{SignedDuration, Timestamp, plus};
use harvest_api::Token;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::Context;
use runtime::clock::Clock;
use runtime::credentials::TokenKeeper;
use runtime::gate::PermitGate;
use runtime::invoke::{InvokeError, Invoker};
use runtime::random::SharedRandom;
use state::StateStore;
use tokio::task::{LocalSet, spawn_local};

use super::counted_state::{CountedState, StateTally};
use super::counted_store::{CountedStore, StoreTally};
use super::harvest::FarHarvest;
use super::journal::{End, Journal};
use super::ledger::{Ledger, Processor};
use super::spill::Spill;
use lives::world::{World, orchestrator};

/// Memory of the worker, in megabytes: the default of `infra/template.yaml`.
pub(super) const WORKER_MEMORY: u32 = 1769;
/// Memory of the small worker, in megabytes: the default of `infra/template.yaml`.
pub(super) const SMALL_WORKER_MEMORY: u32 = 256;
/// Memory of the orchestrator, in megabytes.
pub(super) const ORCHESTRATOR_MEMORY: u32 = 256;
/// Memory with which a function gets a whole processor, in megabytes.
const WHOLE_PROCESSOR: u32 = 1769;
/// `Timeout` of the worker.
pub(super) const WORKER_TIMEOUT: SignedDuration = SignedDuration::from_secs(900);
/// `Timeout` of the orchestrator.
const ORCHESTRATOR_TIMEOUT: SignedDuration = SignedDuration::from_secs(120);

/// Runs `future` on this thread alone, whose clock jumps to the next event when all tasks wait.
pub fn in_simulated_time<T>(future: impl Future<Output = T>) -> T {
    delta::offload::stay_on_this_thread();
    lives::world::in_simulated_time(LocalSet::new().run_until(future))
}

/// Conditions under which the functions run.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// Latency of Harvest.
    pub harvest: SignedDuration,
    /// Latency of the object store, without the time for the bytes.
    pub objects: SignedDuration,
    /// Latency of the state store.
    pub state: SignedDuration,
    /// Time until a new process of the worker runs.
    pub start: SignedDuration,
    /// Whether processor time is measured, and takes simulated time.
    pub processor: bool,
    /// Random deaths of invocations, if any.
    pub kills: Option<Kills>,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            harvest: SignedDuration::from_millis(500),
            objects: SignedDuration::from_millis(30),
            state: SignedDuration::from_millis(5),
            start: SignedDuration::from_millis(200),
            processor: true,
            kills: None,
        }
    }
}

/// Random deaths of invocations of the worker.
#[derive(Clone, Copy, Debug)]
pub struct Kills {
    /// Seed of the random choice.
    pub seed: u64,
    /// Percentage of the invocations that die.
    pub percent: u32,
}

/// Deployment, to be used within [`in_simulated_time`].
#[derive(Debug)]
pub struct Deployed {
    /// Harvest, the stores and the time.
    pub world: World,
    /// Conditions under which the functions run.
    pub conditions: Conditions,
    /// Processor time of each invocation.
    pub ledger: Arc<Ledger>,
    /// Records of all invocations.
    pub journal: Arc<Journal>,
    /// Calls of the object store.
    pub objects: Arc<Mutex<StoreTally>>,
    /// Calls of the state store, by kind of item.
    pub state: Arc<Mutex<BTreeMap<String, StateTally>>>,
    chance: Mutex<StdRng>,
    scratch: tempfile::TempDir,
}

impl Deployed {
    /// Returns a deployment for `world`, with its settings.
    #[must_use]
    pub fn new(world: World, conditions: Conditions) -> Arc<Self> {
        let seed = conditions.kills.map_or(0, |kills| kills.seed);
        Arc::new(Self {
            conditions,
            ledger: Arc::new(Ledger::new(world.clock, conditions.processor)),
            journal: Arc::new(Journal::new(world.clock)),
            objects: Arc::default(),
            state: Arc::default(),
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
            scratch: tempfile::tempdir().expect("a folder for temporary files"),
            world,
        })
    }

    /// Current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Invokes the orchestrator for a tick of the schedule, which starts the due workers.
    pub fn tick(self: &Arc<Self>) {
        let number = self.journal.begin(None);
        let share = f64::from(ORCHESTRATOR_MEMORY) / f64::from(WHOLE_PROCESSOR);
        let processor = self.ledger.processor(number, share);
        let context = self.context(number, &processor, None);
        let invoker = Arc::new(Lambda { deployed: Arc::clone(self) });
        let orchestrator = orchestrator(context, invoker);
        let own = Arc::clone(self);
        spawn_local(async move {
            let work = processor.on(async move {
                match orchestrator.answer(serde_json::json!({})).await {
                    Ok(answer) => format!("{:?}", answer.outcome),
                    Err(refused) => format!("failed: {}: {}", refused.error_type, refused.message),
                }
            });
            let timeout = plus(own.now(), ORCHESTRATOR_TIMEOUT);
            let end = tokio::select! {
                how = work => End::Returned(how),
                () = own.world.clock.sleep_until(timeout) => End::TimedOut,
            };
            processor.catch_up().await;
            own.journal.end(number, end, processor.spent());
        });
    }

    /// Runs one invocation of a worker of this size.
    async fn work(self: Arc<Self>, event: runtime::invoke::WorkerEvent, size: WorkerSize) {
        let number = self.journal.begin(Some((event.stream.clone(), event.pass)));
        self.journal.note(number, |one| one.size = size);
        let memory = match size {
            WorkerSize::Small => SMALL_WORKER_MEMORY,
            WorkerSize::Large => WORKER_MEMORY,
        };
        let share = f64::from(memory) / f64::from(WHOLE_PROCESSOR);
        let processor = self.ledger.processor(number, share);
        let begun = self.now();
        self.world.clock.sleep_until(plus(begun, self.conditions.start)).await;
        let scratch = self.scratch.path().join(number.to_string());
        std::fs::create_dir(&scratch).expect("a folder for temporary files");
        let context = self.context(number, &processor, Some(scratch.clone()));
        let deadline = plus(begun, WORKER_TIMEOUT);
        let own = processor.clone();
        let work = processor.on(async move {
            let report = worker::work(&context, &event, Some(deadline)).await;
            own.catch_up().await;
            report.expect("a known stream")
        });
        let clock = self.world.clock;
        let killed_at = self.death().map_or(Timestamp::MAX, |after| plus(begun, after));
        let end = tokio::select! {
            report = work => {
                self.journal.note(number, |one| one.commits = report.commits);
                End::Returned(report.outcome.name().to_owned())
            }
            () = clock.sleep_until(deadline) => End::TimedOut,
            () = clock.sleep_until(killed_at), if killed_at < deadline => End::Killed,
        };
        self.journal.end(number, end, processor.spent());
        std::fs::remove_dir_all(scratch).expect("a folder for temporary files");
    }

    /// Time from the beginning of the next invocation to its random death, if it dies: some seconds
    /// or some minutes.
    fn death(&self) -> Option<SignedDuration> {
        let kills = self.conditions.kills?;
        let mut chance = self.chance.lock().expect("no panic");
        let dies = chance.random_range(0..100) < kills.percent;
        let most = if chance.random_bool(0.5) { 8_000 } else { 900_000 };
        let after = SignedDuration::from_millis(chance.random_range(1..most));
        dies.then_some(after)
    }

    /// Returns the context of a new process.
    fn context(&self, number: usize, processor: &Processor, scratch: Option<PathBuf>) -> Context {
        let world = &self.world;
        let settings = world.settings.clone();
        let clock: Arc<dyn Clock> = Arc::new(world.clock);
        let random = SharedRandom::seeded(u64::try_from(number).unwrap_or(u64::MAX));
        let store: Arc<dyn ObjectStore> = Arc::new(CountedStore {
            inner: Arc::clone(&world.store),
            clock: world.clock,
            latency: self.conditions.objects,
            processor: processor.clone(),
            tally: Arc::clone(&self.objects),
        });
        let state: Arc<dyn StateStore> = Arc::new(CountedState {
            inner: Arc::clone(&world.state),
            clock: world.clock,
            latency: self.conditions.state,
            processor: processor.clone(),
            tally: Arc::clone(&self.state),
            journal: Arc::clone(&self.journal),
            invocation: number,
        });
        let gate = PermitGate::new(
            Arc::clone(&state),
            Arc::clone(&clock),
            settings.account,
            settings.general.percent(settings.budget_percent),
            settings.reports.percent(settings.budget_percent),
            &random,
        );
        let latency = self.conditions.harvest;
        let api = FarHarvest::new(world, latency, processor, &self.journal, number);
        let progress = Spill {
            folder: scratch.clone().unwrap_or_default(),
            journal: Arc::clone(&self.journal),
            invocation: number,
        };
        let token = Token::new(sim::ADMINISTRATOR_TOKEN).expect("a token");
        Context {
            settings: Arc::new(settings),
            api: Arc::new(api),
            tokens: Arc::new(TokenKeeper::fixed(token)),
            gate: Arc::new(gate),
            state,
            store,
            clock,
            owners: Arc::new(RemoteOwners::new(&random)),
            random,
            progress: Arc::new(progress),
            person: Arc::default(),
            noted: Arc::default(),
            parsed: Arc::default(),
            scratch,
            function: None,
        }
    }
}

/// Invoker that starts workers as Lambda does: without waiting for their end.
#[derive(Debug)]
struct Lambda {
    deployed: Arc<Deployed>,
}

#[async_trait]
impl Invoker for Lambda {
    async fn invoke(
        &self,
        event: &runtime::invoke::WorkerEvent,
        size: WorkerSize,
    ) -> Result<(), InvokeError> {
        let (deployed, event) = (Arc::clone(&self.deployed), event.clone());
        // A failure is not tried again, as the template tells Lambda.
        spawn_local(deployed.work(event, size));
        Ok(())
    }
}
