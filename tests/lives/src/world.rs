//! Fakes of everything that a run needs: one Harvest account, stores in memory, simulated time.

mod api;
mod clock;
mod conduct;
mod mortal;
mod script;
mod sync;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use delta::store::{MemoryStore, ObjectStore};
use engine::ids::AccountId;
use engine::item::StreamItem;
use engine::present::Present;
use engine::time::{SignedDuration, Timestamp, plus};
use harvest_api::Token;
use orchestrator::Orchestrator;
use runtime::Context;
use runtime::announce::NoAnnouncer;
use runtime::clock::Clock as _;
use runtime::credentials::TokenKeeper;
use runtime::gate::PermitGate;
use runtime::invoke::Invoker;
use runtime::progress::NoProgress;
use runtime::random::SharedRandom;
use runtime::settings::Settings;
use sim::{Account, AccountScale};
use state::{MemoryState, StateStore};

use crate::oracle::Oracle;
use crate::reader::memory::OracleMemory;
pub use crate::storm::Death;
use crate::storm::{EarlierItems, Fate, FaultCounts, StormyState, StormyStore};
pub use api::{AskedPause, Pauses};
pub use clock::{BEGINNING, Jump, SimClock};
pub use conduct::Conduct;
pub use mortal::MortalProcess;
use mortal::{Process, StartedProcesses};
pub use sync::{Synced, Wish, sync, sync_as};

/// The world.
#[derive(Debug)]
pub struct World {
    /// The fake Harvest account.
    pub account: Arc<Mutex<Account>>,
    /// Clock.
    pub clock: SimClock,
    /// The lake.
    pub store: Arc<MemoryStore>,
    /// The state.
    pub state: Arc<MemoryState>,
    /// Settings of the operator.
    pub settings: Settings,
    /// Changes of the account while it is read.
    pub live: Arc<Mutex<Option<Live>>>,
    /// Time that each answer of Harvest takes.
    pub latency: SignedDuration,
    /// Objects and truths that the oracle has read.
    pub memory: Arc<OracleMemory>,
    /// Difference between the servers' header `Date` and the time.
    pub date_ahead: Arc<Mutex<SignedDuration>>,
    /// Number of requests that are still answered.
    patience: Arc<AtomicU64>,
    /// Number of requests that a process sent before the end of a pause that Harvest asked it for.
    pub hasty: Arc<AtomicU64>,
    /// Pauses that Harvest has asked sound processes for.
    pub pauses: Arc<Mutex<Pauses>>,
    seed: u64,
    started: Arc<Mutex<StartedProcesses>>,
    processes: AtomicU64,
    /// Faults of the calls of all stores so far.
    pub store_faults: Arc<Mutex<FaultCounts>>,
    /// Items of the state before their newest writes.
    earlier: EarlierItems,
}

/// Changes of the account between requests.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// Seed of the changes.
    pub seed: u64,
    /// Number of requests from one change to the next.
    pub every: u64,
    /// Number of requests so far.
    pub requests: u64,
}

/// Returns the orchestrator of a deployment that tells nobody.
#[must_use]
pub fn orchestrator(context: Context, invoker: Arc<dyn Invoker>) -> Orchestrator {
    Orchestrator { context, invoker, announcer: Arc::new(NoAnnouncer) }
}

impl World {
    /// Returns a world with an account of `scale`. Call under tokio's paused clock.
    #[must_use]
    pub fn new(scale: &AccountScale, seed: u64) -> Self {
        let clock = SimClock::new();
        let account = Account::generate(scale, seed, clock.now());
        let id = AccountId(account.account_id());
        let mut settings = Settings::new(id);
        settings.tidy_at_once = true;
        settings.budget_percent = 100;
        Self {
            account: Arc::new(Mutex::new(account)),
            clock,
            store: Arc::new(MemoryStore::new()),
            state: Arc::new(MemoryState::default()),
            earlier: EarlierItems::default(),
            settings,
            live: Arc::default(),
            latency: SignedDuration::from_millis(50),
            memory: Arc::default(),
            date_ahead: Arc::default(),
            patience: Arc::new(AtomicU64::new(u64::MAX)),
            hasty: Arc::default(),
            pauses: Arc::default(),
            seed,
            started: Arc::default(),
            processes: AtomicU64::new(0),
            store_faults: Arc::default(),
        }
    }

    /// Starts a new process, which dies as `death` says.
    #[must_use]
    pub fn process(&self, death: Option<Death>) -> Context {
        self.process_with(Conduct { death, ..Conduct::default() })
    }

    /// Starts a new process with these faults.
    #[must_use]
    pub fn process_with(&self, conduct: Conduct) -> Context {
        self.start(conduct).context
    }

    /// Starts a new process with these faults, which [`MortalProcess::until`] can kill.
    #[must_use]
    pub fn start(&self, conduct: Conduct) -> MortalProcess {
        let number = self.processes.fetch_add(1, Ordering::SeqCst);
        let id = format!("process-{number}");
        let dead = Arc::new(AtomicBool::new(false));
        let seed = self.seed.wrapping_mul(31).wrapping_add(number);
        let counts = Arc::clone(&self.store_faults);
        let fate = Arc::new(Fate::new(self.clock, &conduct, seed, Arc::clone(&dead), counts));
        let store: Arc<dyn ObjectStore> = Arc::new(StormyStore {
            inner: Arc::<MemoryStore>::clone(&self.store),
            fate: Arc::clone(&fate),
        });
        let state: Arc<dyn StateStore> = Arc::new(StormyState {
            inner: Arc::<MemoryState>::clone(&self.state),
            fate: Arc::clone(&fate),
            earlier: Arc::clone(&self.earlier),
        });
        let clock = self.clock.jumping(conduct.ahead, conduct.jump);
        let random = SharedRandom::seeded(seed);
        let gate = PermitGate::new(
            Arc::clone(&state),
            Arc::clone(&clock),
            self.settings.account,
            self.settings.general.percent(self.settings.budget_percent),
            self.settings.reports.percent(self.settings.budget_percent),
            &random,
        );
        let mut processes = self.started.lock().expect("no panic");
        processes.insert(id.clone(), Arc::clone(&dead));
        let owners = Process { id, started: Arc::clone(&self.started) };
        let api = self.api(Arc::clone(&dead), Arc::clone(&fate), &conduct);
        let context = Context {
            settings: Arc::new(self.settings.clone()),
            api: Arc::new(api),
            tokens: Arc::new(TokenKeeper::fixed(Token::new(conduct.token).expect("a token"))),
            gate: Arc::new(gate),
            state,
            store,
            clock,
            random,
            progress: Arc::new(NoProgress),
            owners: Arc::new(owners),
            person: Arc::default(),
            noted: Arc::default(),
            parsed: Arc::default(),
            scratch: None,
            function: None,
        };
        MortalProcess { context, dead, fate }
    }

    /// Loses the state except for the budgets: their permits become free only with time.
    pub async fn forget_state(&mut self) {
        let kept = self.state.list(self.settings.account, "budget#").await.expect("a store");
        let state = Arc::new(MemoryState::default());
        for (key, item) in kept {
            let put = state.put(&key, state::WriteCondition::Absent, &item.body, None).await;
            assert!(
                matches!(put, Ok(state::PutOutcome::Stored(_))),
                "an empty store takes everything"
            );
        }
        self.state = state;
    }

    /// Forgets which processes have died, so that their leases last until they expire.
    pub fn forget_the_dead(&self) {
        self.started.lock().expect("no panic").clear();
    }

    /// Reads the state item of `stream`, without what lies in the future.
    pub async fn item(&self, stream: &str) -> StreamItem {
        self.item_as_of(stream, self.clock.now()).await
    }

    /// Reads the state item of `stream` as a process at the time `at` would.
    pub async fn item_as_of(&self, stream: &str, at: Timestamp) -> StreamItem {
        let (account, present) = (self.settings.account, Present::ours(at));
        let item = runtime::records::stream(&*self.state, account, stream, &present).await;
        item.expect("a readable item").value
    }

    /// Returns the present, by the right clock.
    #[must_use]
    pub fn present(&self) -> Present {
        Present::ours(self.clock.now())
    }

    /// Returns an oracle for the lake.
    #[must_use]
    pub fn oracle(&self) -> Oracle<'_> {
        Oracle {
            account: &self.account,
            id: self.settings.account,
            now: self.clock.now(),
            store: Arc::<MemoryStore>::clone(&self.store),
            settings: Some(&self.settings),
            memory: Arc::clone(&self.memory),
        }
    }

    /// Lets `hours` pass.
    pub async fn sleep(&self, hours: i64) {
        self.clock_sleep(SignedDuration::from_hours(hours)).await;
    }

    /// Lets time pass.
    pub async fn clock_sleep(&self, time: SignedDuration) {
        self.clock.sleep_until(plus(self.clock.now(), time)).await;
    }

    /// Sets the number of requests that are answered from now on. More count as runs without an
    /// end.
    pub fn expect_at_most(&self, requests: u64) {
        self.patience.store(requests, Ordering::SeqCst);
    }

    /// Whether runs sent more requests than expected.
    #[must_use]
    pub fn is_out_of_patience(&self) -> bool {
        self.patience.load(Ordering::SeqCst) == 0
    }

    /// Stops every running timer, so that no record changes by itself.
    pub fn stop_timers(&self) {
        let now = self.clock.now();
        let mut account = self.account.lock().expect("no panic");
        while account.apply(now, &sim::Mutation::StopTimer { id: None }).is_ok() {}
    }

    /// Changes the account.
    pub fn mutate(&self, seed: u64, steps: u64) {
        let now = self.clock.now();
        self.account.lock().expect("no panic").mutate(now, seed, steps);
    }
}

/// Runs `future` on one thread whose clock jumps to the next event when all tasks wait.
pub fn in_simulated_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Current time of `world`.
#[must_use]
pub fn now(world: &World) -> Timestamp {
    world.clock.now()
}
