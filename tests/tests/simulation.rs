//! The real engine and driver over a fake account, simulated time, and everything that goes wrong:
//! faults, death at any store call, processes that stand still, work side by side, lost state,
//! another person's token, an account that changes while it is read, answers that contradict
//! themselves, wrong clocks, other engines' commits, and the other kinds of `e2e::mishap`.
//!
//! `SIM_SEED=n` replays one history, `SIM_SEEDS=n` runs `n` of them. `SIM_KINDS=all`, `none` or
//! names with commas between them chooses the kinds of `e2e::mishap` that happen.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use e2e::mishap::{Chronicle, KINDS, Mishap};
use e2e::oracle::After;
use e2e::slow::Freeze;
use e2e::story::story as in_simulated_time;
use e2e::trial;
use e2e::watch::Watch;
use e2e::world::{Conduct, Death, Jump, Live, Synced, Wish, World, sync, sync_as};
use engine::pass::Pass;
use engine::time::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::RunError;
use runtime::run::RunReport;
use sim::{AccountScale, FaultChoice, FaultEffect, FaultRule, Mutation, SwitchedModule};

fn seeds() -> Vec<u64> {
    #[expect(clippy::disallowed_methods, reason = "how a failing seed is replayed")]
    let var = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match (var("SIM_SEED"), var("SIM_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, Some(count)) => (0..count).collect(),
        (None, None) => (0..6).collect(),
    }
}

#[test]
fn a_first_sync_gives_exact_tables_and_a_second_one_changes_nothing() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 1);
        let context = world.process(None);
        let first = sync(&context, None).await.unwrap();
        assert_eq!(first.failures(), Vec::<String>::new());
        assert_eq!(world.oracle().differences(After::FullPasses).await, Vec::<String>::new());
        world.sleep(1).await;
        let before = world.account.lock().unwrap().statistics().general.requests;
        let second = sync(&context, None).await.unwrap();
        assert_eq!(second.failures(), Vec::<String>::new());
        assert_eq!(second.commits(), 0, "nothing changed");
        let account = world.account.lock().unwrap();
        let statistics = account.statistics();
        assert_eq!(statistics.statuses.get(&429), None, "{statistics:?}");
        let asked = statistics.general.requests - before;
        assert!(asked <= 60, "{asked} requests to find that nothing changed");
    });
}

/// Returns a random fault of Harvest.
fn faults(random: &mut StdRng) -> FaultRule {
    let status = |status, retry_after: Option<&str>, html| FaultEffect::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
        html,
    };
    let effects = [
        status(500, None, false),
        status(502, None, true),
        status(429, Some("3"), true),
        status(429, None, true),
        status(404, None, true),
        FaultEffect::CutBody,
        FaultEffect::TruncatedJson,
        FaultEffect::HtmlPage,
        FaultEffect::NotJson,
        FaultEffect::WrongContentType,
        FaultEffect::WrongTotal(1),
        FaultEffect::WithoutDate,
        FaultEffect::DuplicateRow,
        FaultEffect::Reversed,
        FaultEffect::EmptyList,
    ];
    let which = random.random_range(0..effects.len());
    let effect = effects.get(which).unwrap().clone();
    // Rare: a list that is empty twice in a row, with a matching total, counts as true.
    let most = if effect == FaultEffect::EmptyList { 4 } else { 15 };
    let select = FaultChoice::Percent(random.random_range(1..most));
    let path = if effect == FaultEffect::EmptyList { "/invoices/*/messages" } else { "" };
    FaultRule { path: path.to_owned(), select, effect }
}

fn maybe<T>(random: &mut StdRng, chance: f64, value: impl FnOnce(&mut StdRng) -> T) -> Option<T> {
    random.random_bool(chance).then(|| value(random))
}

/// Returns a random conduct of a process in a round.
fn conduct(random: &mut StdRng) -> Conduct {
    let death = maybe(random, 0.5, |random| Death {
        after_calls: random.random_range(0..1500),
        effect: random.random_bool(0.5),
    });
    let freeze = maybe(random, 0.4, |random| Freeze {
        after_calls: random.random_range(0..1500),
        lasts: SignedDuration::from_secs(random.random_range(1..600)),
    });
    let ahead = SignedDuration::from_millis(random.random_range(-50..=50));
    Conduct { death, freeze, ahead, ..Conduct::default() }
}

fn wish(random: &mut StdRng) -> Wish {
    Wish {
        pass: maybe(random, 0.3, |_| Pass::Full),
        stop_after: maybe(random, 0.3, |random| {
            SignedDuration::from_millis(random.random_range(100..20_000))
        }),
        impatient: random.random_bool(0.5),
    }
}

/// Changes settings that the operator may change at any time.
fn settings(random: &mut StdRng, world: &mut World) {
    let settings = &mut world.settings;
    settings.flush_bytes = if random.random_bool(0.5) { 400 << 20 } else { 20_000 };
    settings.collect_memory = if random.random_bool(0.5) { 32 << 20 } else { 10_000 };
    settings.requests_in_flight = random.random_range(1..8);
    settings.accept_deletes = random.random_bool(0.5);
}

fn switch(world: &World, module: SwitchedModule, on: bool) {
    let now = e2e::world::now(world);
    let switch = Mutation::SwitchModule { module, on };
    world.account.lock().unwrap().apply(now, &switch).unwrap();
}

/// Whether every stream was loaded by an administrator. Records that another person's first load
/// cannot see come with a sweep, not with incremental passes.
async fn administrators_wrote(world: &World) -> bool {
    for spec in streams::STREAMS {
        let position = world.item(spec.name).await.position;
        let loaded = position.full.last_begun.is_some();
        if !loaded || !position.roles.iter().any(|role| role == "administrator") {
            return false;
        }
    }
    true
}

/// A conduct with a wrong clock, for a process that works alone; `None`: clocks are right.
fn wrong_clock(chronicle: &mut Chronicle, conduct: Conduct) -> Option<Conduct> {
    let mut wrong = None;
    for mishap in [Mishap::ClockAhead, Mishap::ClockBehind, Mishap::ClockJump] {
        if !chronicle.befalls(mishap) {
            continue;
        }
        let minutes = chronicle.one(&[4, 11, 60, 26 * 60, 30 * 24 * 60]);
        let (off, seconds) = (SignedDuration::from_mins(minutes), chronicle.one(&[1, 5, 30]));
        let conduct = if mishap == Mishap::ClockAhead {
            Conduct { ahead: off, ..conduct }
        } else if mishap == Mishap::ClockBehind {
            Conduct { ahead: -off, ..conduct }
        } else {
            let by = chronicle.one(&[off, -off]);
            let jump = Jump { after: SignedDuration::from_secs(seconds), by };
            Conduct { ahead: SignedDuration::ZERO, jump: Some(jump), ..conduct }
        };
        chronicle.tell(format!("a process ahead by {:?}, {:?}", conduct.ahead, conduct.jump));
        chronicle.fired(mishap, 1);
        wrong = Some(conduct);
    }
    wrong
}

/// One round of work by one to three processes at once.
#[expect(clippy::too_many_lines, reason = "one story")]
async fn round(
    random: &mut StdRng,
    world: &mut World,
    seed: u64,
    chronicle: &mut Chronicle,
    watch: &mut Watch,
) -> Result<(), String> {
    world.mutate(seed, random.random_range(0..40));
    // Longer or shorter than the overlap of an incremental pass.
    world.sleep(random.random_range(0..2)).await;
    settings(random, world);
    if random.random_bool(0.5) {
        let rule = faults(random);
        chronicle.tell(format!("{rule:?}"));
        world.account.lock().unwrap().add_fault(rule);
    }
    *world.live.lock().unwrap() =
        maybe(random, 0.5, |random| Live { seed, every: random.random_range(2..60), requests: 0 });
    *world.date_ahead.lock().unwrap() =
        maybe(random, 0.2, |random| SignedDuration::from_mins(random.random_range(-600..600)))
            .unwrap_or_default();
    let module = match random.random_range(0..3) {
        0 => SwitchedModule::Expense,
        1 => SwitchedModule::Invoice,
        _ => SwitchedModule::Estimate,
    };
    let off = random.random_bool(0.2);
    if off {
        switch(world, module, false);
    }
    let mut processes = Vec::new();
    for _ in 0..random.random_range(1..4) {
        let (conduct, wish) = (conduct(random), wish(random));
        processes.push((world.process_with(conduct), wish));
    }
    if random.random_bool(0.2) && administrators_wrote(world).await {
        let token = sim::MANAGER_TOKEN;
        processes =
            vec![(world.process_with(Conduct { token, ..Conduct::default() }), wish(random))];
    }
    trial::visit(world, chronicle, watch).await;
    let befallen = trial::befall(world, chronicle);
    let usual = conduct(&mut chronicle.random);
    let off_time = wrong_clock(chronicle, usual);
    if let Some(conduct) = off_time {
        // Permits assume clocks that agree, and only the server's time shows that one is wrong.
        world.account.lock().unwrap().clear_faults();
        *world.date_ahead.lock().unwrap() = SignedDuration::ZERO;
        world.sleep(1).await;
        let wish = wish(&mut chronicle.random);
        processes = vec![(world.process_with(conduct), wish)];
    }
    let work = processes.iter().map(|(context, wish)| sync_as(context, *wish));
    // The outcome does not matter; tables and state must be right afterwards.
    drop(futures::future::join_all(work).await);
    let over = befallen.over(world, chronicle);
    if off_time.is_some() {
        world.sleep(1).await;
        world.account.lock().unwrap().reset_statistics();
    }
    *world.live.lock().unwrap() = None;
    *world.date_ahead.lock().unwrap() = SignedDuration::ZERO;
    if off {
        switch(world, module, true);
    }
    if random.random_bool(0.2) {
        world.forget_state().await;
    }
    over
}

/// Runs a history of random events, then a quiet sync, after which the tables must be true.
async fn history(seed: u64, chronicle: &mut Chronicle) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new(&AccountScale::tiny(), seed);
    let mut watch = Watch::default();
    if Mishap::ForeignRestore.is_on() && chronicle.random.random_bool(0.5) {
        // Keeps older versions, to which another engine can go back.
        world.settings.tidy_at_once = false;
    }
    if chronicle.random.random_bool(0.15) {
        trial::trial(&world, chronicle).await?;
    }
    for number in 0..random.random_range(1..5_u64) {
        chronicle.tell(format!("round {number}"));
        round(&mut random, &mut world, seed * 100 + number, chronicle, &mut watch).await?;
        let wrong = watch.wrong(&world).await;
        if let Some(first) = wrong.first() {
            return Err(format!("{} things wrong after round {number}: {first}", wrong.len()));
        }
        world.sleep(random.random_range(0..30)).await;
    }
    world.stop_timers();
    world.sleep(1).await;
    world.settings.accept_deletes = true;
    let context = world.process(None);
    let mut incremental = sync(&context, None).await.map_err(|error| error.chain())?;
    if incremental.reports.iter().any(doubts) {
        // A pass that met contradictions before and is completed now reports them once.
        incremental = sync(&context, None).await.map_err(|error| error.chain())?;
    }
    let wrong = world.oracle().differences(After::IncrementalPasses).await;
    if let Some(first) = wrong.first() {
        return Err(format!("{} differences after incremental passes: {first}", wrong.len()));
    }
    if chronicle.random.random_bool(0.4) {
        trial::trial(&world, chronicle).await?;
        world.sleep(1).await;
    }
    let full = sync(&context, Some(Pass::Full)).await.map_err(|error| error.chain())?;
    if world.is_out_of_patience() {
        return Err("requests without end at the end".to_owned());
    }
    for synced in [incremental, full] {
        if let Some(failure) = failure(&synced) {
            return Err(failure);
        }
    }
    let mut wrong = world.oracle().differences(After::FullPasses).await;
    watch.expect_all();
    wrong.extend(watch.wrong(&world).await);
    match wrong.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} differences after full passes: {first}", wrong.len())),
    }
}

/// Runs the history of `seed`, and turns a panic into an error.
fn outcome(seed: u64, chronicle: &mut Chronicle) -> Result<(), String> {
    let run = AssertUnwindSafe(|| in_simulated_time(history(seed, chronicle)));
    catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("without words")))
    })
}

/// Whether a run reports contradictory answers.
fn doubts(report: &RunReport) -> bool {
    matches!(report.error(), Some(RunError::Contradictory { .. }))
}

fn failure(synced: &Synced) -> Option<String> {
    synced.reports.iter().find_map(|report| report.error()).map(RunError::chain)
}

/// Number of histories after which every kind that is on must have made a difference.
const MANY_SEEDS: usize = 100;

#[test]
fn whatever_happens_the_tables_are_true_after_a_quiet_moment() {
    let seeds = seeds();
    let mut fired: BTreeMap<Mishap, (u64, u64)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for seed in &seeds {
        let mut chronicle = Chronicle::new(*seed);
        if let Err(what) = outcome(*seed, &mut chronicle) {
            let story = chronicle.story();
            wrong.push(format!("SIM_SEED={seed} replays: {what}\n  {story}"));
        }
        for (mishap, times) in chronicle.counts() {
            let (histories, all) = fired.entry(*mishap).or_default();
            (*histories, *all) = (*histories + 1, *all + times);
        }
    }
    for kind in KINDS.iter().filter(|kind| kind.mishap.is_on()) {
        let (histories, times) = fired.get(&kind.mishap).copied().unwrap_or_default();
        eprintln!("{:>16}: {times} times in {histories} of {} histories", kind.name, seeds.len());
        if histories == 0 && seeds.len() >= MANY_SEEDS {
            wrong.push(format!("{} never made a difference", kind.name));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every object and item after a history, the time, and the next random number.
async fn traces(seed: u64) -> (Vec<(String, Vec<u8>)>, Vec<String>, Timestamp, u64) {
    use delta::store::ObjectStore;
    use state::StateStore;
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new(&AccountScale::tiny(), seed);
    let (mut chronicle, mut watch) = (Chronicle::new(seed), Watch::default());
    for number in 0..2 {
        let told = (&mut chronicle, &mut watch);
        round(&mut random, &mut world, seed * 100 + number, told.0, told.1).await.unwrap();
        world.sleep(3).await;
    }
    let context = world.process(None);
    drop(sync(&context, None).await);
    let mut objects = Vec::new();
    for object in world.store.list("", None).await.unwrap() {
        let bytes = world.store.get(&object.key).await.unwrap().unwrap();
        objects.push((object.key, bytes.to_vec()));
    }
    let items = world.state.list(world.settings.account, "").await.unwrap();
    let items = items.into_iter().map(|(key, item)| format!("{} {item:?}", key.sort)).collect();
    (objects, items, e2e::world::now(&world), context.random.next())
}

#[test]
fn one_seed_leaves_the_same_bytes_the_same_time_and_the_same_next_random_number() {
    for seed in [3, 11] {
        let (first, second) = (in_simulated_time(traces(seed)), in_simulated_time(traces(seed)));
        assert_eq!((first.2, first.3), (second.2, second.3), "seed {seed}");
        for (one, other) in first.1.iter().zip(&second.1) {
            assert_eq!(one, other, "seed {seed}");
        }
        let names = |all: &[(String, Vec<u8>)]| -> Vec<String> {
            all.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&first.0), names(&second.0), "seed {seed}");
        for (one, other) in first.0.iter().zip(&second.0) {
            assert!(one == other, "seed {seed}: {} differs", one.0);
        }
    }
}
