//! Records that cannot become rows: how long they stay, and that trying them again harms nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use delta::store::ObjectStore;
use e2e::scene::Scene;
use engine::pass::Pass;
use lives::oracle::After;
use lives::world::{World, in_simulated_time, now, sync};
use runtime::operate::quarantine::{QuarantineRetry, list, retry};
use runtime::run::RunOutcome;
use sim::AccountScale;

const CLIENTS: &str = "clients";

async fn loaded() -> World {
    let mut world = World::new(&AccountScale::tiny(), 5);
    world.settings.streams = Some([CLIENTS.to_owned()].into());
    let synced = sync(&world.process(None), None).await.unwrap();
    assert_eq!(synced.failures(), Vec::<String>::new());
    world.sleep(1).await;
    world
}

/// Writes records into the quarantine, as a run at this moment would.
async fn lay(world: &World, raws: &[String]) {
    let lines = raws.iter().map(|raw| {
        format!("{}\n", serde_json::json!({ "reason": "`id` does not fit its column", "raw": raw }))
    });
    let run = now(world).strftime("%Y%m%dT%H%M%S%3fZ");
    let key = format!("quarantine/{CLIENTS}/{run}-{CLIENTS}.jsonl");
    world.store.put(&key, Bytes::from(lines.collect::<String>())).await.unwrap();
    world.sleep(1).await;
}

async fn try_again(world: &World) -> QuarantineRetry {
    retry(&world.process(None), streams::find(CLIENTS).unwrap()).await.unwrap()
}

async fn lies(world: &World) -> usize {
    list(&*world.store, CLIENTS).await.unwrap().len()
}

fn client(id: i64, name: &str) -> String {
    format!(
        r#"{{"id":{id},"name":"{name}","is_active":true,"created_at":"2020-01-01T00:00:00Z","updated_at":"2099-01-01T00:00:00Z"}}"#
    )
}

#[test]
fn a_record_that_can_be_a_row_now_is_read_from_harvest_and_never_written_itself() {
    in_simulated_time(async {
        let world = loaded().await;
        let spec = streams::find(CLIENTS).unwrap();
        let ids: Vec<i64> = world.oracle().true_versions(spec).into_keys().collect();
        // One record that exists, in a version that claims to be newer, and one that does not.
        lay(&world, &[client(ids[0], "old"), client(1, "deleted"), "{\"id\":null}".to_owned()])
            .await;
        let retried = try_again(&world).await;
        assert_eq!((retried.records, retried.readable, retried.left), (3, 2, 0));
        assert!(matches!(retried.report.unwrap().outcome, RunOutcome::Complete));
        assert_eq!(lies(&world).await, 0);
        assert_eq!(world.oracle().differences_of(CLIENTS, After::FullPasses).await, [""; 0]);
        let rows = world.oracle().table_rows(spec).await;
        let truth = world.oracle().true_rows(spec, &world.oracle().months());
        assert_eq!(rows, truth);
    });
}

#[test]
fn what_still_cannot_be_a_row_stays_and_costs_no_request() {
    in_simulated_time(async {
        let world = loaded().await;
        lay(&world, &["{\"id\":null}".to_owned(), "{\"id\":null}".to_owned(), "[]".to_owned()])
            .await;
        let before = world.account.lock().unwrap().statistics().general.requests;
        let retried = try_again(&world).await;
        assert_eq!((retried.records, retried.readable, retried.left), (2, 0, 2));
        assert!(retried.report.is_none());
        assert_eq!(world.account.lock().unwrap().statistics().general.requests, before);
        assert_eq!(lies(&world).await, 1);
    });
}

#[test]
fn only_a_whole_pass_supersedes_what_lay_there_before() {
    in_simulated_time(async {
        let mut world = loaded().await;
        let bad = ["{\"id\":null}".to_owned()];
        lay(&world, &bad).await;
        sync(&world.process(None), Some(Pass::Incremental)).await.unwrap();
        assert_eq!(lies(&world).await, 1);
        // A pass from a start date on proves nothing about the time before it.
        world.settings.start_date = Some("2020-01-01".parse().unwrap());
        world.sleep(1).await;
        sync(&world.process(None), Some(Pass::Full)).await.unwrap();
        assert_eq!(lies(&world).await, 1);
        world.settings.start_date = None;
        world.sleep(1).await;
        sync(&world.process(None), Some(Pass::Full)).await.unwrap();
        assert_eq!(lies(&world).await, 0);
    });
}

#[test]
fn a_file_that_nobody_can_read_is_listed_all_the_same() {
    in_simulated_time(async {
        let world = loaded().await;
        let key = format!("quarantine/{CLIENTS}/notes.txt");
        world.store.put(&key, Bytes::from_static(b"\xff")).await.unwrap();
        let files = list(&*world.store, CLIENTS).await.unwrap();
        assert_eq!((files[0].key.as_str(), files[0].records.is_none()), (key.as_str(), true));
        // A file of another program stays.
        sync(&world.process(None), Some(Pass::Full)).await.unwrap();
        assert_eq!(lies(&world).await, 1);
    });
}

/// The commands, as a person types them.
#[test]
fn the_commands_tell_what_lies_there_and_what_became_of_it() {
    let scene = Scene::new(3);
    scene.run("sync --json --streams clients,tasks").with(0);
    let listed = scene.run("quarantine --json").with(0).json();
    assert_eq!(listed["files"], serde_json::json!([]));
    let empty = scene.run("quarantine retry --json").with(0).json();
    assert_eq!(empty["streams"][0]["records"], 0);

    let folder = scene.lake().join("quarantine/clients");
    std::fs::create_dir_all(&folder).unwrap();
    let line = serde_json::json!({ "reason": "`id` is missing or null", "raw": client(1, "x") });
    let file = folder.join("20200101T000000000Z-clients.jsonl");
    std::fs::write(&file, format!("{line}\n")).unwrap();
    let listed = scene.run("quarantine --json").with(0).json();
    assert_eq!(listed["files"][0]["stream"], "clients");
    assert_eq!(listed["files"][0]["at"], "2020-01-01T00:00:00Z");
    assert_eq!(listed["files"][0]["reasons"], serde_json::json!({ "`id` is missing or null": 1 }));
    scene.run("quarantine").with(0).says(&["`id` is missing or null (1)", "retry"]);
    let tried = scene.run("quarantine retry clients --json").with(0).json();
    assert_eq!(tried["streams"][0]["readable"], 1);
    assert_eq!(tried["streams"][0]["left"], 0);
    assert!(!file.exists());
    scene.run("quarantine retry client").with(2).says(&["`clients`"]);
    // Records that cannot be read may be any number: they are not "none".
    std::fs::write(&file, "{").unwrap();
    let failed = scene.run("quarantine retry --json").with(1).json();
    assert_eq!(
        (&failed["streams"][0]["outcome"], &failed["complete"]),
        (&"failed".into(), &false.into())
    );
    scene
        .run("quarantine retry")
        .with(1)
        .says(&["20200101T000000000Z-clients.jsonl", "--pass full"]);
    scene.run("sync --json --streams clients --pass full").with(0);
    scene.run("quarantine retry").with(0).says(&["The quarantine is empty"]);
    scene.heals();
}

#[test]
fn an_upgrade_of_what_is_up_to_date_does_nothing() {
    let scene = Scene::new(3);
    scene.run("sync --json --streams clients,tasks").with(0);
    let before = scene.standing("clients");
    let done = scene.run("upgrade clients tasks --json").with(0).json();
    for one in done["streams"].as_array().unwrap() {
        assert_eq!(
            (&one["outcome"], &one["rewritten"], &one["commits"]),
            (&"complete".into(), &0.into(), &0.into())
        );
    }
    assert_eq!(scene.standing("clients"), before);
    scene.run("upgrade client").with(2).says(&["`clients`"]);
}
