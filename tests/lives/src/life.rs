//! One life of a lake: ticks of the orchestrator with everything that goes wrong between and
//! during them, then a quiet period after which everything must be true.
//!
//! A life is a function of its seed: the account, the streams, what happens, and the random numbers
//! of every process follow from it. Time is simulated, so a life of weeks takes a fraction of a
//! second, and the same seed leaves the same bytes.
//!
//! | part | module |
//! | --- | --- |
//! | account, streams and settings | `beginning` |
//! | work of processes | `work` |
//! | a tick and its runs, as Lambda delivers them | `wave` |
//! | conduct of processes, settings, faults of Harvest | `conduct` |
//! | answers that are wrong and look right | `lies` |
//! | limits of few requests, deletions of many records | `masses` |
//! | work with the settings of another account | `other_account` |
//! | lakes and states of earlier ticks | `past` |
//! | work of the operator | `operator` |
//! | excluded fields, erased people | `privacy` |
//! | the end, and its checks | `quiet` |

mod beginning;
mod conduct;
mod lies;
mod masses;
mod operator;
mod other_account;
mod past;
mod privacy;
mod quiet;
mod wave;
mod work;

use std::collections::BTreeMap;

use engine::spec::StreamSpec;
use engine::time::{SignedDuration, Timestamp, between};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::invoke::WorkerEvent;
use serde_json::Value;
use sim::{Mutation, SwitchedModule};
use state::StateStore as _;

use crate::mishap::{Chronicle, Mishap};
use crate::storm::{CallPhase, FaultCounts, StormFault};
use crate::trial::{self, Befallen};
use crate::watch::Watch;
use crate::world::{Live, World, now};
use past::Past;

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

impl Life<'_> {
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
        self.misled(&told, &befallen.lists, &lies).await;
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
