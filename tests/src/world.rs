//! Fakes of everything that a run needs: one Harvest account, stores in memory, simulated time.

use core::task::Poll;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use delta::store::{MemoryStore, ObjectStore};
use engine::ids::AccountId;
use engine::pass::{Pass, RequestTarget};
use engine::plan::Demand;
use engine::present::Present;
use engine::retry::RequestFailure;
use engine::time::{SignedDuration, Timestamp, between, plus};
use harvest_api::{
    ApiAnswer, ApiError, HarvestApi, ScriptedApi, ScriptedReply, ServerReply, Token,
};
use orchestrator::Orchestrator;
use runtime::announce::NoAnnouncer;
use runtime::clock::Clock;
use runtime::context::LeaseOwners;
use runtime::credentials::TokenKeeper;
use runtime::gate::PermitGate;
use runtime::invoke::Invoker;
use runtime::progress::NoProgress;
use runtime::random::SharedRandom;
use runtime::run::{RunOutcome, RunReport, YieldReason};
use runtime::settings::Settings;
use runtime::{Context, RunError};
use sim::{Account, AccountScale, ServerRequest};
use state::{MemoryState, StateStore};

use crate::oracle::Oracle;
use crate::reader::memory::OracleMemory;
pub use crate::storm::Death;
use crate::storm::{
    CallPhase, EarlierItems, Fate, FaultCounts, Freeze, StormyState, StormyStore, Trouble,
};

/// Beginning of the simulation.
pub const BEGINNING: &str = "2026-03-10T09:00:00Z";
/// Simulated time: tokio's paused clock, counted from [`BEGINNING`].
#[derive(Clone, Copy, Debug)]
pub struct SimClock {
    zero: tokio::time::Instant,
}

impl SimClock {
    /// Returns a clock that starts at [`BEGINNING`]. Call under tokio's paused clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        Self { zero: tokio::time::Instant::now() }
    }

    /// Returns the clock of a process that is wrong by `ahead`.
    #[must_use]
    pub fn seen(self, ahead: SignedDuration) -> Arc<dyn Clock> {
        self.jumping(ahead, None)
    }

    /// Returns the clock of a process that is wrong by `ahead`, and jumps.
    #[must_use]
    pub fn jumping(self, ahead: SignedDuration, jump: Option<Jump>) -> Arc<dyn Clock> {
        let jump = jump.map(|jump| (plus(self.now(), jump.after), jump.by));
        Arc::new(WrongClock { right: self, ahead, jump })
    }
}

impl Default for SimClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let begun: Timestamp = BEGINNING.parse().expect("an instant");
        let passed = SignedDuration::try_from(self.zero.elapsed()).unwrap_or_default();
        plus(begun, passed)
    }

    #[expect(clippy::disallowed_methods, reason = "the clock is paused: this waits for nobody")]
    async fn sleep_until(&self, at: Timestamp) {
        let wait = between(self.now(), at).max(SignedDuration::ZERO);
        tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
    }
}

/// Jump of a clock.
#[derive(Clone, Copy, Debug)]
pub struct Jump {
    /// Time from the beginning of the process to the jump.
    pub after: SignedDuration,
    /// Difference that the jump makes.
    pub by: SignedDuration,
}

/// Clock of a process that is wrong.
#[derive(Debug)]
struct WrongClock {
    right: SimClock,
    ahead: SignedDuration,
    /// Time of the jump, and the difference that it makes.
    jump: Option<(Timestamp, SignedDuration)>,
}

#[async_trait]
impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        let right = self.right.now();
        let jumped = self.jump.filter(|(from, _)| right >= *from);
        let ahead = jumped.map_or(self.ahead, |(_, by)| self.ahead + by);
        plus(right, ahead)
    }

    async fn sleep_until(&self, at: Timestamp) {
        // A sleep has a fixed length: a jump of the clock meanwhile does not end it.
        let wait = between(self.now(), at);
        self.right.sleep_until(plus(self.right.now(), wait)).await;
    }
}

/// API client of the fake account, with a latency.
#[derive(Debug)]
struct FakeApi {
    inner: ScriptedApi,
    clock: SimClock,
    latency: SignedDuration,
    dead: Arc<AtomicBool>,
    fate: Arc<Fate>,
    began: Timestamp,
    /// Whether nothing goes wrong with the process or its clock.
    is_sound: bool,
    /// Pauses that Harvest has asked this process for.
    pauses: Mutex<Pauses>,
    /// The newest ones that it has asked sound processes for.
    all_pauses: Arc<Mutex<Pauses>>,
    hasty: Arc<AtomicU64>,
}

/// Pause that an answer has asked a process for.
#[derive(Clone, Debug)]
pub struct AskedPause {
    asked: Timestamp,
    until: Timestamp,
    /// Whether the process has died since.
    dead: Arc<AtomicBool>,
}

/// Pauses of requests for reports, and of all others.
pub type Pauses = BTreeMap<bool, AskedPause>;

/// Time in which requests that were about to be sent may follow a 429.
const ABOUT_TO_BE_SENT: SignedDuration = SignedDuration::from_secs(1);

impl FakeApi {
    /// Whether a request of this process that is sent now is too early: after an answer to itself,
    /// or after one to another process that has told the budget before this one began.
    fn is_hasty(&self, is_report: bool) -> bool {
        let sent = self.clock.now();
        let pause = |pauses: &Mutex<Pauses>| {
            let pause = pauses.lock().expect("no panic").get(&is_report).cloned();
            pause.filter(|pause| sent < pause.until)
        };
        let own =
            pause(&self.pauses).is_some_and(|pause| plus(pause.asked, ABOUT_TO_BE_SENT) < sent);
        let others = pause(&self.all_pauses).is_some_and(|pause| {
            let told = !pause.dead.load(Ordering::SeqCst);
            told && self.is_sound && plus(pause.asked, ABOUT_TO_BE_SENT) < self.began
        });
        own || others
    }
}

#[async_trait]
impl HarvestApi for FakeApi {
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError> {
        let is_report = match target {
            RequestTarget::Path { path, .. } => path.starts_with("/reports"),
            RequestTarget::Link(link) => link.contains("/reports/"),
        };
        self.hasty.fetch_add(u64::from(self.is_hasty(is_report)), Ordering::SeqCst);
        self.clock.sleep_until(plus(self.clock.now(), self.latency)).await;
        if self.dead.load(Ordering::SeqCst) {
            return Err(ApiError::new(RequestFailure::Unreachable, "a dead process sends nothing"));
        }
        let answer = self.inner.get(target).await;
        if let Err(error) = &answer
            && let RequestFailure::RateLimited { retry_after: Some(wait) } = error.failure()
        {
            let (asked, dead) = (self.clock.now(), Arc::clone(&self.dead));
            let pause = AskedPause { asked, until: plus(asked, *wait), dead };
            if self.is_sound {
                self.all_pauses.lock().expect("no panic").insert(is_report, pause.clone());
            }
            self.pauses.lock().expect("no panic").insert(is_report, pause);
        }
        self.fate.thaw().await;
        answer
    }
}

/// Whether each process that was started has died, by its id.
type StartedProcesses = BTreeMap<String, Arc<AtomicBool>>;

/// Process, which holds leases under one id until it dies.
#[derive(Clone, Debug)]
struct Process {
    id: String,
    started: Arc<Mutex<StartedProcesses>>,
}

/// A process that can be killed at any moment.
#[derive(Debug)]
pub struct MortalProcess {
    /// Parts of the process.
    pub context: Context,
    dead: Arc<AtomicBool>,
    fate: Arc<Fate>,
}

impl MortalProcess {
    /// Runs `work` until it ends, or until it has waited for something `moments` times: then the
    /// process dies, and its part of the work is dropped where it stands. Returns `None` if it
    /// died.
    pub async fn until<T>(&self, moments: u64, work: impl Future<Output = T>) -> Option<T> {
        let mut work = core::pin::pin!(work);
        let mut left = moments;
        core::future::poll_fn(|turn| {
            if let Poll::Ready(done) = work.as_mut().poll(turn) {
                return Poll::Ready(Some(done));
            }
            left = left.saturating_sub(1);
            if left > 0 {
                return Poll::Pending;
            }
            self.dead.store(true, Ordering::SeqCst);
            Poll::Ready(None)
        })
        .await
    }

    /// Phase of its last call of a store; `None` before the first.
    #[must_use]
    pub fn phase(&self) -> Option<CallPhase> {
        self.fate.phase()
    }
}

impl LeaseOwners for Process {
    fn own_id(&self) -> String {
        self.id.clone()
    }

    fn is_dead(&self, owner: &str) -> bool {
        let started = self.started.lock().expect("no panic");
        started.get(owner).is_some_and(|dead| dead.load(Ordering::SeqCst))
    }
}

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

/// Faults of a process.
#[derive(Clone, Copy, Debug)]
pub struct Conduct {
    /// Death, if it dies.
    pub death: Option<Death>,
    /// Freeze, if it stands still.
    pub freeze: Option<Freeze>,
    /// Difference between its clock and the time.
    pub ahead: SignedDuration,
    /// Jump of its clock, if any.
    pub jump: Option<Jump>,
    /// Trouble of its calls of the stores.
    pub trouble: Trouble,
    /// Its token.
    pub token: &'static str,
}

impl Conduct {
    /// Whether nothing goes wrong with the process, and its clock is right to a fraction of a second.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let is_right = self.ahead.abs() < SignedDuration::from_secs(1) && self.jump.is_none();
        let lives = self.death.is_none() && self.freeze.is_none();
        is_right && lives && self.trouble == Trouble::default()
    }

    /// Whether nothing but the clock is wrong.
    #[must_use]
    pub fn is_sound_but_for_the_clock(&self) -> bool {
        Self { ahead: SignedDuration::ZERO, jump: None, ..*self }.is_sound()
    }
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            death: None,
            freeze: None,
            ahead: SignedDuration::ZERO,
            jump: None,
            trouble: Trouble::default(),
            token: sim::ADMINISTRATOR_TOKEN,
        }
    }
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

    fn api(&self, dead: Arc<AtomicBool>, fate: Arc<Fate>, conduct: &Conduct) -> FakeApi {
        FakeApi {
            inner: ScriptedApi::new(
                "https://api.harvestapp.com/v2".parse().expect("a base URL"),
                self.script(conduct.token),
            ),
            began: self.clock.now(),
            is_sound: conduct.is_sound(),
            all_pauses: Arc::clone(&self.pauses),
            clock: self.clock,
            latency: self.latency,
            dead,
            fate,
            pauses: Mutex::default(),
            hasty: Arc::clone(&self.hasty),
        }
    }

    /// Returns the answers of the account to requests with `token`.
    pub(crate) fn script(
        &self,
        token: &str,
    ) -> impl Fn(&harvest_api::ScriptedRequest) -> ScriptedReply + Send + Sync + 'static {
        let token = token.to_owned();
        let (live, date_ahead) = (Arc::clone(&self.live), Arc::clone(&self.date_ahead));
        let (account, clock) = (Arc::clone(&self.account), self.clock);
        let number = self.settings.account.0.to_string();
        let patience = Arc::clone(&self.patience);
        move |asked: &harvest_api::ScriptedRequest| {
            let mut request = ServerRequest::new("GET", "https://api.harvestapp.com", "/v2")
                .header("user-agent", "harvest-lake tests")
                .header("authorization", &format!("Bearer {token}"))
                .header("harvest-account-id", &number);
            request.path = format!("/v2{}", asked.path);
            request.query.clone_from(&asked.query);
            // No panic here: runs take it for the failure of one answer, and would ask again
            // without end.
            let spend = |left: u64| left.checked_sub(1);
            if patience.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).is_err() {
                return ScriptedReply::Break(RequestFailure::Unreachable);
            }
            let mut account = account.lock().expect("no panic");
            if let Some(live) = &mut *live.lock().expect("no panic") {
                live.requests += 1;
                if live.requests % live.every == 0 {
                    account.mutate(clock.now(), live.seed.wrapping_add(live.requests), 1);
                }
            }
            let response = account.handle(clock.now(), &request);
            if response.delivery.breach != sim::DeliveryFault::None {
                return ScriptedReply::Break(RequestFailure::TimedOut);
            }
            ScriptedReply::Reply(ServerReply {
                status: response.status,
                content_type: response.header_value("content-type").map(str::to_owned),
                date: response.header_value("date").map(|date| shifted(date, &date_ahead)),
                retry_after: response.header_value("retry-after").map(str::to_owned),
                body: response.body.to_vec(),
            })
        }
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

    /// Reads the state item of `stream`.
    pub async fn item(&self, stream: &str) -> engine::item::StreamItem {
        let account = self.settings.account;
        let item = runtime::records::stream(&*self.state, account, stream, &self.present()).await;
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

/// Result of one `sync`.
#[derive(Debug, Default)]
pub struct Synced {
    /// Reports of the runs, in order.
    pub reports: Vec<RunReport>,
}

impl Synced {
    /// Number of commits of all runs.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.reports.iter().map(|report| report.commits).sum()
    }

    /// Returns the failures as text.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        self.reports.iter().filter_map(|report| report.error()).map(RunError::chain).collect()
    }
}

/// Input of a `sync`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Pass that each stream runs; `None` for the one it needs.
    pub pass: Option<Pass>,
    /// Time that each run may read.
    pub stop_after: Option<SignedDuration>,
    /// Whether the sync ends instead of waiting for the budget.
    pub impatient: bool,
}

/// Runs `future` on one thread whose clock jumps to the next event when all tasks wait.
pub fn in_simulated_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Brings everything up to date, as `harvest-lake sync --wait` does.
///
/// # Errors
/// Fails if not even the account can be read.
pub async fn sync(context: &Context, pass: Option<Pass>) -> Result<Synced, RunError> {
    sync_as(context, Wish { pass, ..Wish::default() }).await
}

/// Runs a `sync` as `wish` says.
///
/// # Errors
/// Fails if not even the account can be read.
pub async fn sync_as(context: &Context, wish: Wish) -> Result<Synced, RunError> {
    let mut asked_at = context.clock.now();
    while let Err(error) = orchestrator::prepare(context).await {
        let RunError::Waits { waiting, .. } = error else { return Err(error) };
        context.clock.sleep_until(waiting.until).await;
    }
    let mut synced = Synced::default();
    for _ in 0..400 {
        // The clock may go back meanwhile, and `asked_at` must not be in the future.
        asked_at = asked_at.min(context.clock.now());
        let demand = Demand::Now { asked_at, pass: wish.pass };
        let tick = orchestrator::tick(context, demand).await?;
        if tick.due.is_empty() {
            let next = if wish.impatient { None } else { next_turn(context).await };
            let Some(at) = next else { return Ok(synced) };
            context.clock.sleep_until(at).await;
            continue;
        }
        let runs = tick.due.iter().map(|due| async {
            let event = runtime::invoke::WorkerEvent {
                stream: due.spec.name.to_owned(),
                pass: due.pass,
                tick: None,
                accept_deletes: context.settings.accept_deletes,
            };
            // A run stops reading 80 seconds before its deadline.
            let last =
                |after| plus(plus(context.clock.now(), after), SignedDuration::from_secs(80));
            worker::work(context, &event, wish.stop_after.map(last)).await.expect("a known stream")
        });
        let reports: Vec<RunReport> = futures::StreamExt::collect(
            futures::StreamExt::buffer_unordered(futures::stream::iter(runs), 8),
        )
        .await;
        let busy = reports.iter().all(|report| {
            matches!(
                report.outcome,
                RunOutcome::Busy { .. } | RunOutcome::Failed(RunError::LostLease { .. })
            )
        });
        let waits = all_wait(&reports);
        synced.reports.extend(reports);
        if let Some(until) = waits {
            if wish.impatient {
                return Ok(synced);
            }
            context.clock.sleep_until(until).await;
        }
        if busy {
            let soon = plus(context.clock.now(), SignedDuration::from_secs(30));
            context.clock.sleep_until(soon).await;
        }
    }
    // Runs that stop after a second, on slow stores, may never get anywhere.
    if wish.stop_after.is_some() {
        return Ok(synced);
    }
    let last = synced.reports.iter().rev().take(8);
    let last: Vec<String> =
        last.map(|run| format!("{} {:?}: {:?}", run.stream, run.pass, run.outcome)).collect();
    panic!("the sync never ends: {:?} {last:?}", synced.failures());
}

/// Time at which the budget has permits again, if all of the runs wait for it. Runs that had no permit
/// for their first request leave no mark in the state.
fn all_wait(reports: &[RunReport]) -> Option<Timestamp> {
    let wait = |report: &RunReport| {
        let RunOutcome::Yielded(YieldReason::Budget(until)) = report.outcome else { return None };
        Some(until)
    };
    let waits: Option<Vec<Timestamp>> = reports.iter().map(wait).collect();
    waits?.into_iter().min()
}

/// Time at which the budget has permits for an unfinished pass, if one waits for them.
async fn next_turn(context: &Context) -> Option<Timestamp> {
    let mut turns = Vec::new();
    for spec in streams::STREAMS {
        let (account, present) = (context.settings.account, context.present());
        let item = runtime::records::stream(&*context.state, account, spec.name, &present).await;
        // A process that has died meanwhile cannot read its state, and need not wait.
        let position = item.ok()?.value.position;
        let passes = [position.full.unfinished, position.incremental.unfinished];
        let now = context.clock.now();
        turns.extend(
            passes.into_iter().flatten().filter_map(|pass| pass.waits_until).filter(|at| *at > now),
        );
    }
    turns.into_iter().min()
}

/// Returns an HTTP date moved by `ahead`.
fn shifted(date: &str, ahead: &Mutex<SignedDuration>) -> String {
    let ahead = *ahead.lock().expect("no panic");
    if ahead.is_zero() {
        return date.to_owned();
    }
    let at = jiff::fmt::rfc2822::parse(date).expect("an HTTP date").timestamp();
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&plus(at, ahead))
        .expect("printable")
}

/// Current time of `world`.
#[must_use]
pub fn now(world: &World) -> Timestamp {
    world.clock.now()
}
