//! The real engine and driver over a fake account, simulated time, and death at any store call.
//!
//! `SIM_SEED=n` replays one history, `SIM_SEEDS=n` runs so many.

use e2e::oracle::After;
use e2e::world::{Death, World, sync};
use engine::pass::Pass;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sim::{Effect, FaultRule, Scale, Select};

fn seeds() -> Vec<u64> {
    #[expect(clippy::disallowed_methods, reason = "how a failing seed is replayed")]
    let var = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match (var("SIM_SEED"), var("SIM_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, Some(count)) => (0..count).collect(),
        (None, None) => (0..6).collect(),
    }
}

fn in_simulated_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn a_first_sync_gives_exact_tables_and_a_second_one_changes_nothing() {
    in_simulated_time(async {
        let world = World::new(&Scale::tiny(), 1);
        let context = world.process(None);
        let first = sync(&context, None).await.unwrap();
        assert_eq!(first.failures(), Vec::<String>::new());
        assert_eq!(world.oracle().differences(After::FullPasses).await, Vec::<String>::new());
        world.sleep(1).await;
        let second = sync(&context, None).await.unwrap();
        assert_eq!(second.failures(), Vec::<String>::new());
        assert_eq!(second.commits(), 0, "nothing changed");
        let account = world.account.lock().unwrap();
        let statistics = account.statistics();
        assert_eq!(statistics.statuses.get(&429), None, "{statistics:?}");
    });
}

/// What may go wrong at Harvest's end.
fn faults(random: &mut StdRng) -> Vec<FaultRule> {
    let percent = Select::Percent(random.random_range(1..15));
    let status = |status, retry_after: Option<&str>, html| Effect::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
        html,
    };
    let effects = [
        status(500, None, false),
        status(502, None, true),
        status(429, Some("3"), true),
        status(429, None, true),
        Effect::CutBody,
        Effect::TruncatedJson,
        Effect::HtmlPage,
        Effect::NotJson,
        Effect::WrongTotal(1),
        Effect::WithoutDate,
        Effect::DuplicateRow,
    ];
    let which = random.random_range(0..effects.len());
    vec![FaultRule { path: String::new(), select: percent, effect: effects[which].clone() }]
}

/// A history in which everything happens; afterwards a quiet moment, and the tables must be true.
async fn history(seed: u64) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new(&Scale::tiny(), seed);
    world.settings.accept_deletes = true;
    for round in 0..random.random_range(1..5_u64) {
        world.mutate(seed * 100 + round, random.random_range(0..40));
        if random.random_bool(0.5) {
            let rules = faults(&mut random);
            let mut account = world.account.lock().unwrap();
            rules.into_iter().for_each(|rule| account.add_fault(rule));
        }
        let death = random.random_bool(0.7).then(|| Death {
            after_calls: random.random_range(0..1500),
            effect: random.random_bool(0.5),
        });
        let pass = random.random_bool(0.3).then_some(Pass::Full);
        let context = world.process(death);
        // How it ends is not the point: nothing that it did or left may be wrong.
        drop(sync(&context, pass).await);
        world.account.lock().unwrap().clear_faults();
        world.sleep(random.random_range(0..30)).await;
    }
    world.stop_timers();
    world.sleep(1).await;
    let context = world.process(None);
    let incremental = sync(&context, None).await.map_err(|error| error.chain())?;
    let wrong = world.oracle().differences(After::IncrementalPasses).await;
    if let Some(first) = wrong.first() {
        return Err(format!("{} differences after incremental passes: {first}", wrong.len()));
    }
    let full = sync(&context, Some(Pass::Full)).await.map_err(|error| error.chain())?;
    for synced in [incremental, full] {
        if let Some(failure) = synced.failures().first() {
            return Err(failure.clone());
        }
    }
    let wrong = world.oracle().differences(After::FullPasses).await;
    match wrong.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} differences after full passes: {first}", wrong.len())),
    }
}

#[test]
fn whatever_happens_the_tables_are_true_after_a_quiet_moment() {
    let wrong: Vec<String> = seeds()
        .into_iter()
        .filter_map(|seed| {
            let wrong = in_simulated_time(history(seed)).err()?;
            Some(format!("SIM_SEED={seed} replays: {wrong}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
