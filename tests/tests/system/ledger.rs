//! The ledger of runs: each run is one row of `_runs`, however its process ends.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use delta::table::Table;
use e2e::scene::Scene;
use engine::item::StreamItem;
use lake::progress::NoFileProgress;
use lake::scan::scan;
use lives::world::{World, in_simulated_time, orchestrator, sync};
use runtime::Context;
use runtime::invoke::MemoryInvoker;
use runtime::ledger::file_runs;
use serde_json::json;
use sim::{AccountScale, FaultChoice, FaultEffect};
use state::{MemoryState, StateStore as _};

/// Ids of the runs in the ledger of `world`, with those that are there twice.
async fn filed(world: &World) -> (BTreeSet<String>, Vec<String>) {
    let store = Arc::<delta::store::MemoryStore>::clone(&world.store);
    let table = Table::open(store, &streams::RUNS, world.settings.account).await.unwrap();
    let Some(table) = table else { return Default::default() };
    let all = scan(&table, &["run_id"], &NoFileProgress, Vec::new(), |all, rows| {
        all.extend((0..rows.len()).map(|row| rows.column("run_id").text(row).unwrap().to_owned()));
    });
    let (mut once, mut twice) = (BTreeSet::new(), Vec::new());
    for id in all.await.unwrap() {
        if !once.insert(id.clone()) {
            twice.push(id);
        }
    }
    (once, twice)
}

/// Ids of the runs that the state remembers.
async fn remembered(world: &World) -> BTreeSet<String> {
    let runs = world.state.list(world.settings.account, "run#").await.unwrap();
    let id = |body: &str| {
        let run: serde_json::Value = serde_json::from_str(body).unwrap();
        let began = run["began"].as_str().unwrap().parse().unwrap();
        engine::ids::RunId::of(began, run["stream"].as_str().unwrap()).0
    };
    runs.iter().map(|(_, item)| id(&item.body)).collect()
}

/// Items of all streams, as a planner reads them.
async fn items(world: &World) -> BTreeMap<&'static str, StreamItem> {
    let mut items = BTreeMap::new();
    for spec in streams::STREAMS {
        items.insert(spec.name, world.item(spec.name).await);
    }
    items
}

fn without_state(context: &Context) -> Context {
    Context { state: Arc::new(MemoryState::default()), ..context.clone() }
}

#[test]
fn each_run_is_one_row_also_if_it_is_filed_again_without_a_state() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 3);
        let context = world.process(None);
        sync(&context, None).await.unwrap();
        orchestrator::file_left(&context).await.unwrap();
        let (once, twice) = filed(&world).await;
        assert_eq!((&once, twice.len()), (&remembered(&world).await, 0));
        assert!(once.len() > streams::STREAMS.len());
        // The process died between commit and item, and the state was lost: all is filed again.
        file_runs(&without_state(&context), &items(&world).await).await.unwrap().unwrap();
        assert_eq!(filed(&world).await, (once.clone(), twice));
        // An hour later there are more runs, and the items have forgotten those that are filed.
        world.sleep(1).await;
        sync(&context, None).await.unwrap();
        orchestrator::file_left(&context).await.unwrap();
        let (later, twice) = filed(&world).await;
        assert_eq!((&later, twice.len()), (&remembered(&world).await, 0));
        assert!(later.len() > once.len());
        for (stream, item) in items(&world).await {
            assert!(item.runs.len() <= 3, "{stream}: {}", item.runs.len());
        }
    });
}

#[test]
fn a_tick_without_new_runs_files_nothing() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 3);
        let context = world.process(None);
        sync(&context, None).await.unwrap();
        let version = || world.item(streams::RUNS.name);
        let orchestrator = orchestrator(context, Arc::new(MemoryInvoker::default()));
        // The last tick of the sync may have left runs.
        orchestrator.answer(json!({})).await.unwrap();
        let before = version().await;
        assert!(before.version > 0 && !before.filed.is_empty());
        for _ in 0..5 {
            orchestrator.answer(json!({})).await.unwrap();
        }
        assert_eq!(version().await, before);
    });
}

#[test]
fn runs_of_more_than_thirteen_months_ago_leave_the_ledger() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 3);
        let context = world.process(None);
        sync(&context, None).await.unwrap();
        orchestrator::file_left(&context).await.unwrap();
        let (old, _) = filed(&world).await;
        world.sleep(24 * 31 * 15).await;
        sync(&context, None).await.unwrap();
        orchestrator::file_left(&context).await.unwrap();
        let (new, twice) = filed(&world).await;
        assert!(old.is_disjoint(&new) && !new.is_empty() && twice.is_empty());
    });
}

#[test]
fn the_last_runs_are_listed_and_a_failed_one_gives_exit_code_1() {
    let scene = Scene::new(31);
    scene.run("history").with(2).says(&["there is no lake"]);
    scene.sync().with(0);
    let told = scene.run("history --since 2000-01-01 --json").with(0).json();
    e2e::json::check("history", &told);
    let runs = told["runs"].as_array().unwrap();
    assert!(runs.len() >= streams::STREAMS.len(), "{}", runs.len());
    assert!(runs.iter().all(|run| run["filed"] == true && run["outcome"] == "complete"));
    let sums = |member: &str| runs.iter().map(|run| run[member].as_u64().unwrap()).sum::<u64>();
    assert!(sums("requests") > 30 && sums("bytes") > 10_000 && sums("inserted") > 100);
    let few = scene.run("history clients -n 1").with(0);
    few.says(&["clients", "complete"]);
    let status = scene.run("status --json").with(0).json();
    assert_eq!(status["day"]["runs"], told["all"]);
    let hours = status["day"]["requests"].as_array().unwrap();
    assert_eq!(hours.iter().map(|hour| hour.as_u64().unwrap()).sum::<u64>(), sums("requests"));
    let effect = FaultEffect::Status { status: 403, retry_after: None, html: false };
    scene.fault("/v2/clients", FaultChoice::Always, effect);
    scene.run("sync clients").with(1);
    let failed = scene.run("history clients --json -n 1").with(1).json();
    assert_eq!(failed["runs"][0]["error_code"], "StreamRefused", "{failed}");
    scene.run("status --watch").with(2).says(&["needs a terminal"]);
    scene.run("files _runs").with(0).says(&["started_month="]);
    scene.run("schema _runs").with(0).says(&["run_id", "lag_seconds"]);
    scene.run("verify _runs").with(0);
}

/// No command resets it, because no stream fills it.
#[test]
fn a_damaged_ledger_is_made_anew_as_the_errors_say() {
    let scene = Scene::new(31);
    scene.run("sync clients").with(0);
    let ledger = scene.lake().join("tables/_runs");
    let files = e2e::scene::files(&ledger);
    let is_rows = |file: &&std::path::PathBuf| {
        let text = file.to_string_lossy();
        text.ends_with(".parquet") && !text.contains("_delta_log")
    };
    for file in files.iter().filter(is_rows) {
        std::fs::write(file, "x").unwrap();
    }
    scene.run("history").with(1).says(&["move the folder tables/_runs away"]);
    let found = scene.run("verify _runs").with(1);
    assert!(!found.said().contains("reset _runs"), "{}", found.said());
    found.says(&["move the folder tables/_runs away"]);
    std::fs::rename(&ledger, scene.folder().join("damaged")).unwrap();
    scene.run("sync clients").with(0);
    scene.run("verify _runs").with(0);
    scene.run("history").with(0);
}
