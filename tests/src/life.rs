//! One life of a lake: ticks of the orchestrator with everything that goes wrong between and
//! during them, then a quiet period after which everything must be true.
//!
//! A life is a function of its seed: the account, the streams, what happens, and the random numbers
//! of every process follow from it. Time is simulated, so a life of weeks takes a fraction of a
//! second, and the same seed leaves the same bytes.
//!
//! | part | module |
//! | --- | --- |
//! | a tick and its runs, as Lambda delivers them | `wave` |
//! | conduct of processes, settings, faults of Harvest | `conduct` |
//! | answers that are wrong and look right | `lies` |
//! | limits of few requests, deletions of many records | `masses` |
//! | lakes and states of earlier ticks | `past` |
//! | work of the operator | `operator` |
//! | excluded fields, erased people | `privacy` |
//! | the end, and its checks | `quiet` |

mod conduct;
mod lies;
mod masses;
mod operator;
mod past;
mod privacy;
mod quiet;
mod wave;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use delta::store::ObjectStore;
use engine::spec::{StreamKind, StreamSpec};
use engine::time::{SignedDuration, Timestamp, between};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::invoke::WorkerEvent;
use serde_json::{Value, json};
use sim::{AccountScale, Mutation, SwitchedModule};
use state::StateStore as _;

use crate::mishap::{Chronicle, Mishap};
use crate::storm::{CallPhase, FaultCounts, StormFault};
use crate::trial::{self, Befallen};
use crate::watch::Watch;
use crate::world::{Conduct, Jump, Live, World, now, sync_as};
use conduct::RandomConduct;
use past::Past;
use wave::{WaveEnd, WaveOrder};

/// Least number of records of the largest stream when a life begins.
const RECORDS: usize = 220;
/// Number of ticks of a life.
const TICKS: u64 = 20;

/// Totals of a life.
#[derive(Clone, Debug, Default)]
pub struct LifeTotals {
    /// Time that the life lasted.
    pub simulated: SignedDuration,
    /// Number of ticks.
    pub ticks: u64,
    /// Number of records that Harvest has at the end, in the streams of the life.
    pub records: u64,
    /// Number of requests to Harvest.
    pub requests: u64,
    /// Number of runs and ticks by how they ended.
    pub outcomes: BTreeMap<String, u64>,
    /// Faults of the stores by phase.
    pub store_faults: FaultCounts,
    /// Number of processes that were killed by the phase of their last call.
    pub killed_at: BTreeMap<Option<CallPhase>, u64>,
    /// Hash of everything that the life left: objects, items, time and story.
    pub trace: u64,
}

/// A life under way.
#[derive(Debug)]
pub struct Life<'c> {
    world: World,
    chronicle: &'c mut Chronicle,
    watch: Watch,
    streams: Vec<&'static StreamSpec>,
    late: Vec<WorkerEvent>,
    past: Past,
    totals: LifeTotals,
    began: Timestamp,
    /// Whether records become visible late.
    is_late: bool,
    /// Whether a run of this tick may delete any number of rows.
    permitted: bool,
}

/// Lives the life of `seed`. Call in simulated time.
///
/// # Errors
/// Returns a description of the first thing that is wrong.
pub async fn live(seed: u64, chronicle: &mut Chronicle) -> Result<LifeTotals, String> {
    let mut life = Life::begin(seed, chronicle);
    let lived = life.live().await;
    if lived.is_err() {
        life.dump().await;
    }
    lived
}

/// Adds records to `stream` until it has as many as a life should have, and a few that it may lose.
fn fill(world: &World, stream: &str) {
    let spec = streams::find(stream).unwrap();
    let there = world.oracle().true_rows(spec, &BTreeSet::new()).len();
    for _ in there..RECORDS {
        let create = Mutation::Create { stream: stream.to_owned() };
        world.account.lock().unwrap().apply(now(world), &create).unwrap();
    }
}

/// Returns the streams of a life: one of each kind, and time entries or expenses.
fn cast(chronicle: &mut Chronicle) -> Vec<&'static StreamSpec> {
    let of = |is: fn(&StreamKind) -> bool| -> Vec<&'static StreamSpec> {
        streams::STREAMS.into_iter().filter(|spec| is(&spec.kind)).collect()
    };
    let listings = of(|kind| matches!(kind, StreamKind::Listing(_)));
    let mut cast = vec![
        streams::find(chronicle.one(&["time_entries", "time_entries", "expenses"])).unwrap(),
        chronicle.one(&listings),
        chronicle.one(&of(|kind| matches!(kind, StreamKind::Snapshot(_)))),
        chronicle.one(&of(|kind| matches!(kind, StreamKind::PerParent(_)))),
        chronicle.one(&of(|kind| matches!(kind, StreamKind::ReportWindow(_)))),
    ];
    cast.sort_unstable_by_key(|spec| spec.name);
    cast.dedup_by_key(|spec| spec.name);
    cast
}

impl<'c> Life<'c> {
    fn begin(seed: u64, chronicle: &'c mut Chronicle) -> Self {
        let streams = cast(chronicle);
        let of_expenses = streams.iter().all(|spec| spec.name != "time_entries");
        let scale = AccountScale {
            // Each month of the history is a partition and a report window.
            days: 70,
            users: 5,
            clients: 4,
            contacts: 5,
            projects: 6,
            tasks: 4,
            time_entries: if of_expenses { 60 } else { 200 },
            expenses: if of_expenses { 200 } else { 30 },
            invoices: 7,
            estimates: 5,
            ..AccountScale::tiny()
        };
        let mut world = World::new(&scale, seed);
        let most = if of_expenses { "expenses" } else { "time_entries" };
        fill(&world, most);
        let names: BTreeSet<String> = streams.iter().map(|spec| spec.name.to_owned()).collect();
        chronicle.tell(format!("streams: {names:?}"));
        world.settings.streams = Some(names);
        // Otherwise older versions stay, to which another engine can go back.
        world.settings.tidy_at_once = chronicle.random.random_bool(0.3);
        if !world.settings.tidy_at_once && chronicle.random.random_bool(0.5) {
            world.settings.retention = SignedDuration::from_hours(chronicle.one(&[25, 48]));
        }
        if chronicle.befalls(Mishap::SmallLimits) {
            let requests = chronicle.one(&[8, 12, 20]);
            masses::limit(&mut world, requests);
            chronicle.tell(format!("{requests} requests in 15 s"));
            chronicle.fired(Mishap::SmallLimits, 1);
        }
        if chronicle.befalls(Mishap::Privacy) {
            world.settings.privacy = privacy::privacy(&mut chronicle.random, &streams);
            let rules = &world.settings.privacy.rules;
            chronicle.tell(format!("privacy: {rules:?}"));
            chronicle.fired(Mishap::Privacy, 1);
        }
        let began = now(&world);
        let (watch, past) = (Watch::default(), Past::default());
        let (late, totals) = (Vec::new(), LifeTotals::default());
        let is_late = chronicle.befalls(Mishap::LateRecords);
        chronicle.fired(Mishap::LateRecords, u64::from(is_late));
        Self {
            world,
            chronicle,
            watch,
            streams,
            late,
            past,
            totals,
            began,
            is_late,
            permitted: false,
        }
    }

    async fn live(&mut self) -> Result<LifeTotals, String> {
        for tick in 0..TICKS {
            self.chronicle.tell(format!("tick {tick} at {}", now(&self.world)));
            self.tick().await?;
        }
        self.end().await
    }

    /// Writes the lake to the folder that `SIM_DUMP` names, for other readers, and the items of the
    /// state beside it.
    #[expect(clippy::disallowed_methods, reason = "how a failing seed is examined")]
    async fn dump(&self) {
        use delta::store::ObjectStore as _;
        let Ok(folder) = std::env::var("SIM_DUMP") else { return };
        let items = self.world.state.list(self.world.settings.account, "").await.unwrap();
        let items = items.into_iter().map(|(key, item)| format!("{}: {}\n", key.sort, item.body));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/state.txt"), items.collect::<String>()).unwrap();
        for object in self.world.store.list("", None).await.unwrap() {
            let path = std::path::Path::new(&folder).join(&object.key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, self.world.store.get(&object.key).await.unwrap().unwrap())
                .unwrap();
        }
    }

    /// Returns a generator for one part of the life.
    fn random(&mut self) -> StdRng {
        StdRng::seed_from_u64(self.chronicle.random.random())
    }

    async fn tick(&mut self) -> Result<(), String> {
        self.totals.ticks += 1;
        self.appear_late();
        let seed = self.chronicle.random.random();
        let steps = self.chronicle.random.random_range(0..12);
        self.world.mutate(seed, steps);
        // Longer or shorter than the overlap of incremental passes, and than the sync interval.
        let minutes = self.chronicle.one(&[3, 20, 61, 61, 190, 25 * 60]);
        self.world.clock_sleep(SignedDuration::from_mins(minutes)).await;
        self.go_back().await;
        self.delete_masses();
        trial::visit(&self.world, self.chronicle, &mut self.watch).await;
        let mut befallen = self.trouble();
        self.permitted = self.world.settings.accept_deletes
            || self.late.iter().any(|event| event.accept_deletes)
            || self.is_in_state("\"accept_deletes\":true").await;
        let told = self.lie(&mut befallen);
        let moving = befallen.moving.and_then(streams::find);
        let before = moving.map(|spec| self.world.oracle().true_versions(spec));
        let module = self.module_off();
        if self.chronicle.befalls(Mishap::OtherAccount) {
            self.other_account().await?;
        } else {
            self.work().await;
        }
        let lies = self.lies();
        let over = befallen.over(&self.world, self.chronicle);
        self.misled(&told, &lies).await;
        if let (Some(spec), Some(before)) = (moving, before) {
            self.moved(spec, &before).await;
        }
        self.calm();
        if let Some(module) = module {
            self.switch(module, true);
        }
        over?;
        self.operate().await?;
        self.past.keep(&self.world);
        self.watch.permit(self.permitted);
        let wrong = self.watch.wrong(&self.world).await;
        match wrong.first() {
            None => Ok(()),
            Some(first) => {
                self.tell_commits(first).await;
                Err(format!("{} wrong: {first}", wrong.len()))
            }
        }
    }

    /// Adds the newest commits of the table that a finding names to the story.
    async fn tell_commits(&mut self, finding: &str) {
        use delta::store::ObjectStore as _;
        let table = finding.split(':').next().unwrap_or_default();
        let logs = self.world.store.list(&format!("tables/{table}/_delta_log/"), None).await;
        let commits = logs.unwrap_or_default().into_iter().map(|object| object.key);
        let commits: Vec<String> = commits.filter(|key| !key.contains("checkpoint")).collect();
        for key in commits.iter().rev().take(8).rev() {
            let bytes = self.world.store.get(key).await.ok().flatten().unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            for line in text.lines().filter(|line| line.contains("commitInfo")) {
                let line: Value = serde_json::from_str(line).unwrap_or_default();
                let info = &line["commitInfo"];
                let (operation, ours) = (&info["operation"], &info["harvestLake"]);
                let version = key.rsplit('/').next().unwrap_or_default();
                self.chronicle.tell(format!("{version}: {operation} {ours}"));
            }
        }
    }

    /// Adds faults of Harvest for this tick, and lets the operator change settings.
    fn trouble(&mut self) -> Befallen {
        let mut random = self.random();
        if self.chronicle.befalls(Mishap::OtherSettings) {
            conduct::settings(&mut random, &mut self.world);
            self.chronicle.fired(Mishap::OtherSettings, 1);
        }
        if self.chronicle.befalls(Mishap::LiveChanges) {
            let (seed, every) = (random.random(), random.random_range(2..30));
            *self.world.live.lock().unwrap() = Some(Live { seed, every, requests: 0 });
        }
        let mut befallen = trial::befall(&self.world, self.chronicle);
        for mishap in [Mishap::Throttled, Mishap::BadAnswers, Mishap::OddPages, Mishap::WrongDates]
        {
            if self.chronicle.befalls(mishap) {
                let rule = conduct::fault(&mut random, mishap);
                self.chronicle.tell(format!("{}: {rule:?}", mishap.declared().name));
                befallen.add(&self.world, mishap, &rule.path, rule.select, rule.effect);
            }
        }
        if self.chronicle.befalls(Mishap::WrongDates) {
            let off = SignedDuration::from_mins(random.random_range(-600..600));
            self.chronicle.tell(format!("servers' date off by {off:?}"));
            *self.world.date_ahead.lock().unwrap() = off;
            self.chronicle.fired(Mishap::WrongDates, 1);
        }
        befallen
    }

    /// Ends what lasts for one tick.
    fn calm(&mut self) {
        let live = self.world.live.lock().unwrap().take();
        let changes = live.map_or(0, |live| live.requests / live.every);
        self.chronicle.fired(Mishap::LiveChanges, changes);
        *self.world.date_ahead.lock().unwrap() = SignedDuration::ZERO;
        self.world.pauses.lock().unwrap().clear();
    }

    fn switch(&self, module: SwitchedModule, on: bool) {
        let switch = Mutation::SwitchModule { module, on, silent: false };
        self.world.account.lock().unwrap().apply(now(&self.world), &switch).unwrap();
    }

    fn module_off(&mut self) -> Option<SwitchedModule> {
        let modules = [SwitchedModule::Expense, SwitchedModule::Invoice, SwitchedModule::Estimate];
        let module = self.chronicle.one(&modules);
        if !self.chronicle.befalls(Mishap::ModuleOff) {
            return None;
        }
        self.chronicle.tell(format!("off: {module:?}"));
        self.chronicle.fired(Mishap::ModuleOff, 1);
        self.switch(module, false);
        Some(module)
    }

    /// Lets processes work: one or two ticks with their runs, or syncs at the command line, or one
    /// process with a wrong clock.
    async fn work(&mut self) {
        let token = self.token().await;
        if let Some(conduct) = self.wrong_clock() {
            self.watch.forget_removed();
            // Permits assume clocks that agree, and only the server's time shows that one is wrong.
            *self.world.date_ahead.lock().unwrap() = SignedDuration::ZERO;
            self.world.account.lock().unwrap().clear_faults();
            self.world.sleep(1).await;
            let its = RandomConduct { conduct, moments: u64::MAX };
            self.syncs(vec![its]).await;
            self.world.sleep(1).await;
            self.world.account.lock().unwrap().reset_statistics();
        } else if self.chronicle.random.random_bool(0.25) {
            let mut random = self.random();
            let number = random.random_range(1..3);
            let theirs = (0..number).map(|_| conduct::conduct(&mut random, token)).collect();
            self.syncs(theirs).await;
        } else {
            self.waves(token).await;
        }
    }

    /// Runs ticks of the orchestrator beside each other.
    async fn waves(&mut self, token: &'static str) {
        let mut orders = Vec::new();
        let late = std::mem::take(&mut self.late);
        let is_overtaken = self.chronicle.befalls(Mishap::Overtaken);
        self.chronicle.fired(Mishap::Overtaken, u64::from(is_overtaken));
        for number in 0..if is_overtaken { 2 } else { self.chronicle.one(&[1, 1, 1, 2]) } {
            // A lease that is not renewed lasts shorter than the least of these.
            let seconds = if is_overtaken { 150..400 } else { 1..400 };
            let seconds = number * self.chronicle.random.random_range(seconds);
            let event = if is_overtaken { json!({ "now": true }) } else { self.event() };
            self.permitted |= event["accept_deletes"] == true;
            self.chronicle.tell(format!("after {seconds} s: {event}, by {token}"));
            orders.push(WaveOrder {
                after: SignedDuration::from_secs(seconds),
                event,
                late: if number == 0 { late.clone() } else { Vec::new() },
                token,
                is_overtaken: is_overtaken && number == 0,
                random: self.random(),
            });
        }
        let waves = orders.into_iter().map(|order| wave::wave(&self.world, order));
        for end in futures::future::join_all(waves).await {
            self.ended(end);
        }
    }

    fn ended(&mut self, end: WaveEnd) {
        self.late.extend(end.late);
        for (mishap, times) in end.fired {
            self.chronicle.fired(mishap, times);
        }
        for phase in end.killed_at {
            self.chronicle.tell(format!("killed at {phase:?}"));
            *self.totals.killed_at.entry(phase).or_default() += 1;
        }
        for (subject, word) in end.outcomes {
            self.chronicle.tell(format!("{subject}: {word}"));
            *self.totals.outcomes.entry(word).or_default() += 1;
        }
    }

    /// Returns the event of a tick: mostly that of the schedule.
    fn event(&mut self) -> Value {
        let name = self.chronicle.random.random_range(0..self.streams.len());
        match self.chronicle.random.random_range(0..10) {
            0 => json!({ "now": true }),
            1 => json!({ "pass": "full" }),
            2 => {
                let accept = self.chronicle.random.random_bool(0.5);
                json!({ "streams": [self.streams[name].name], "accept_deletes": accept })
            }
            _ => json!({}),
        }
    }

    /// Runs syncs at the command line beside each other.
    async fn syncs(&mut self, theirs: Vec<RandomConduct>) {
        let mut random = self.random();
        let mut processes = Vec::new();
        for its in theirs {
            let wish = conduct::wish(&mut random);
            self.chronicle.tell(format!("sync: {wish:?}, {its:?}"));
            processes.push((self.world.start(its.conduct), its.moments, wish));
        }
        let work = processes.iter().map(|(process, moments, wish)| async move {
            let synced = process.until(*moments, Box::pin(sync_as(&process.context, *wish))).await;
            (synced, process.phase())
        });
        let mut end = WaveEnd::default();
        for (synced, phase) in futures::future::join_all(work).await {
            match synced {
                None => end.killed_at.push(phase),
                Some(Err(error)) => {
                    end.outcomes.push(("sync".to_owned(), error.error_type().to_owned()));
                }
                Some(Ok(done)) => {
                    for report in &done.reports {
                        let outcome = report
                            .error()
                            .map_or(report.outcome.name(), |error| error.error_type());
                        end.outcomes.push((report.stream.to_owned(), outcome.to_owned()));
                    }
                }
            }
        }
        end.fired.push((Mishap::Killed, end.killed_at.len() as u64));
        self.ended(end);
    }

    /// Returns the token of this tick's processes.
    async fn token(&mut self) -> &'static str {
        let lost = self.chronicle.befalls(Mishap::RoleLost);
        if lost && are_loaded(&self.world, &self.streams).await {
            self.chronicle.fired(Mishap::RoleLost, 1);
            return sim::MANAGER_TOKEN;
        }
        if self.chronicle.befalls(Mishap::TokenRevoked) {
            self.chronicle.fired(Mishap::TokenRevoked, 1);
            return "revoked";
        }
        sim::ADMINISTRATOR_TOKEN
    }

    /// Returns a conduct with a wrong clock, for a process that works alone; `None`: clocks are
    /// right.
    fn wrong_clock(&mut self) -> Option<Conduct> {
        let mut wrong = None;
        for mishap in [Mishap::ClockAhead, Mishap::ClockBehind, Mishap::ClockJump] {
            if !self.chronicle.befalls(mishap) {
                continue;
            }
            let mut random = self.random();
            let its = conduct::conduct(&mut random, sim::ADMINISTRATOR_TOKEN).conduct;
            let minutes = self.chronicle.one(&[4, 11, 60, 26 * 60, 30 * 24 * 60]);
            let seconds = self.chronicle.one(&[1, 5, 30]);
            let off = SignedDuration::from_mins(minutes);
            let its = if mishap == Mishap::ClockAhead {
                Conduct { ahead: off, ..its }
            } else if mishap == Mishap::ClockBehind {
                Conduct { ahead: -off, ..its }
            } else {
                let by = self.chronicle.one(&[off, -off]);
                let jump = Jump { after: SignedDuration::from_secs(seconds), by };
                Conduct { ahead: SignedDuration::ZERO, jump: Some(jump), ..its }
            };
            self.chronicle.tell(format!("a process ahead by {:?}, {:?}", its.ahead, its.jump));
            self.chronicle.fired(mishap, 1);
            wrong = Some(its);
        }
        wrong
    }

    /// Lets processes work with the settings and the secret of another account. The lake must not
    /// change.
    async fn other_account(&mut self) -> Result<(), String> {
        if self.world.store.is_empty() {
            return Ok(());
        }
        let ours = self.world.settings.account.0;
        let mut id = self.chronicle.one(&[1_000_002, ours]);
        // Without its state, nothing tells one company from another with the same id.
        if !self.is_in_state("beispiel.harvestapp.com").await {
            id = 1_000_002;
        }
        // What was read of the company is believed for a while.
        self.world.sleep(2).await;
        let scale = AccountScale { account_id: id, ..AccountScale::tiny() };
        let mut other = sim::Account::generate(&scale, 99, now(&self.world));
        other.set_domain("other.harvestapp.com");
        // The ledger has the runs that failed, but in its own account's lake alone.
        let has_runs = id == ours;
        let before = self.objects(has_runs).await;
        let ours =
            std::mem::replace(&mut self.world.account, Arc::new(std::sync::Mutex::new(other)));
        let account = self.world.settings.account;
        self.world.settings.account = engine::ids::AccountId(id);
        let late = std::mem::take(&mut self.late);
        self.waves(sim::ADMINISTRATOR_TOKEN).await;
        self.late = late;
        self.world.settings.account = account;
        self.world.account = ours;
        self.chronicle.fired(Mishap::OtherAccount, 1);
        if before == self.objects(has_runs).await {
            return Ok(());
        }
        Err("another account changed the lake".to_owned())
    }

    /// Returns all objects of the lake, or all but those of the ledger.
    async fn objects(&self, without_runs: bool) -> BTreeMap<String, Option<Bytes>> {
        let mut objects = BTreeMap::new();
        for object in self.world.store.list("", None).await.unwrap_or_default() {
            if !(without_runs && object.key.starts_with("tables/_runs/")) {
                let bytes = self.world.store.get(&object.key).await.unwrap_or_default();
                objects.insert(object.key, bytes);
            }
        }
        objects
    }

    /// Whether an item of the state contains `text`.
    async fn is_in_state(&self, text: &str) -> bool {
        let items = self.world.state.list(self.world.settings.account, "").await.unwrap();
        items.iter().any(|(_, item)| item.body.contains(text))
    }

    /// Counts the faults of the stores as the kinds that caused them.
    fn count_store_faults(&mut self) {
        self.totals.store_faults = self.world.store_faults.lock().unwrap().clone();
        for ((fault, _), times) in &self.totals.store_faults {
            let mishap = match fault {
                StormFault::Refused | StormFault::Lost => Mishap::StoreFailures,
                StormFault::Repeated => Mishap::RepeatedWrites,
                StormFault::Slow => Mishap::SlowStores,
                StormFault::Stale => Mishap::StaleListings,
                StormFault::Died => Mishap::DiedAtCall,
                StormFault::Froze => Mishap::Frozen,
            };
            self.chronicle.fired(mishap, *times);
        }
    }

    fn lived(&self) -> SignedDuration {
        between(self.began, now(&self.world))
    }
}

/// Whether all streams were loaded, which only administrators do here. Records that another person's
/// first load cannot see come with a sweep, not with incremental passes.
async fn are_loaded(world: &World, streams: &[&'static StreamSpec]) -> bool {
    for spec in streams {
        if world.item(spec.name).await.position.full.last_begun.is_none() {
            return false;
        }
    }
    true
}
