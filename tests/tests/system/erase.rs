//! Erasure of a person's own data.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use delta::store::{FaultyStore, ObjectStore};
use delta::table::Table;
use e2e::scene::{Scene, finish};
use engine::fault::CallFault;
use engine::pass::Pass;
use engine::time::{SignedDuration, plus};
use futures::FutureExt as _;
use lives::oracle::After;
use lives::world::{Death, World, in_simulated_time, sync};
use runtime::Context;
use runtime::erased::{end, is_remembered, remember, unfinished_erasures};
use runtime::operate::erase::erase;
use runtime::run::{RunOrder, RunOutcome};
use sim::AccountScale;

const STREAMS: [&str; 4] = ["users", "time_entries", "user_assignments", "time_report_team"];

async fn loaded() -> World {
    let scale = AccountScale { unknown_members: true, ..AccountScale::tiny() };
    let mut world = World::new(&scale, 5);
    world.settings.streams = Some(STREAMS.map(str::to_owned).into());
    world.stop_timers();
    let synced = sync(&world.process(None), None).await.unwrap();
    assert_eq!(synced.failures(), Vec::<String>::new());
    world.sleep(1).await;
    world
}

async fn table(world: &World, stream: &str) -> Table {
    let store: Arc<dyn ObjectStore> = Arc::<delta::store::MemoryStore>::clone(&world.store);
    let account = world.settings.account;
    let opened = match stream.strip_suffix("_changes") {
        Some(stream) => Table::open_changes(store, streams::find(stream).unwrap(), account).await,
        None => Table::open(store, streams::find(stream).unwrap(), account).await,
    };
    opened.unwrap().unwrap()
}

/// Rows of all data files in the lake, those of older versions included.
async fn rows(world: &World, stream: &str) -> Vec<RecordBatch> {
    let table = table(world, stream).await;
    let mut rows = Vec::new();
    for file in table.files() {
        let bytes = world.store.get(&format!("{}/{}", table.root(), file.path)).await;
        let read = lake::partition::read(table.schema(), file, bytes.unwrap().unwrap()).unwrap();
        rows.extend(read.map(Result::unwrap));
    }
    let data = world.store.list(&format!("tables/{stream}/"), None).await.unwrap();
    let data = data.iter().filter(|object| object.key.ends_with(".parquet"));
    let data = data.filter(|object| !object.key.contains("_delta_log"));
    assert_eq!(data.count(), table.files().len(), "{stream}: older versions lie there");
    rows
}

/// Number of values in each column, by whether the row is the user's.
async fn values(
    world: &World,
    stream: &str,
    id: &str,
    user: i64,
) -> BTreeMap<(bool, String), usize> {
    let mut values = BTreeMap::new();
    for batch in rows(world, stream).await {
        let ids = batch.column_by_name(id).unwrap().as_primitive::<Int64Type>().clone();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            for row in 0..batch.num_rows() {
                let own = ids.is_valid(row) && ids.value(row) == user;
                let sum = values.entry((own, field.name().clone())).or_default();
                *sum += usize::from(column.is_valid(row));
            }
        }
    }
    values
}

async fn erase_all(context: &Context, user: i64) -> Result<(), runtime::RunError> {
    remember(context, user).await?;
    for stream in STREAMS {
        let spec = streams::find(stream).unwrap();
        let erased = erase(context, spec, spec.personal.as_ref().unwrap(), user).await?;
        assert!(erased.is_ok(), "{erased:?}");
    }
    Ok(())
}

/// A user with time entries.
async fn somebody(world: &World) -> i64 {
    let entries = rows(world, "time_entries").await;
    let entries = entries.first().unwrap();
    entries.column_by_name("user_id").unwrap().as_primitive::<Int64Type>().value(0)
}

const COLUMNS: [(&str, &str, &[&str]); 6] = [
    ("users", "id", &["first_name", "last_name", "email", "telephone", "avatar_url"]),
    ("time_entries", "user_id", &["user_name", "notes"]),
    ("time_entries_changes", "user_id", &["user_name", "notes"]),
    ("users_changes", "id", &["first_name", "last_name", "email", "telephone", "avatar_url"]),
    ("user_assignments", "user_id", &["user_name"]),
    ("time_report_team", "user_id", &["user_name", "avatar_url"]),
];

async fn check(world: &World, user: i64, before: &[BTreeMap<(bool, String), usize>]) {
    for ((stream, id, columns), before) in COLUMNS.iter().zip(before) {
        for ((own, column), count) in values(world, stream, id, user).await {
            let erased = own && (columns.contains(&column.as_str()) || column == "extra_json");
            let expected = if erased { 0 } else { before[&(own, column.clone())] };
            // Other personal columns rarely have values.
            let rare = own && (column.starts_with("external_reference") || column == "employee_id");
            assert!(count == expected || rare, "{stream}.{column}, own: {own}");
        }
    }
}

async fn all_values(world: &World, user: i64) -> Vec<BTreeMap<(bool, String), usize>> {
    let mut all = Vec::new();
    for (stream, id, _) in COLUMNS {
        all.push(values(world, stream, id, user).await);
    }
    all
}

/// Asserts that the tables are true except for what is the user's own, which no object contains.
async fn is_true_without(world: &World, user: i64) {
    let oracle = world.oracle();
    assert_eq!(oracle.differences(After::FullPasses).await, [""; 0]);
    let users = oracle.true_rows(streams::find("users").unwrap(), &BTreeSet::new());
    let own = users.get(&user.to_string()).unwrap();
    let own = own.iter().flatten().filter(|text| text.contains('@'));
    let own: Vec<&str> = own.map(String::as_str).collect();
    assert!(!own.is_empty());
    assert_eq!(oracle.erased(&own).await, [""; 0]);
}

#[test]
fn what_is_a_persons_own_goes_and_never_comes_back() {
    in_simulated_time(async {
        let world = loaded().await;
        let user = somebody(&world).await;
        let before = all_values(&world, user).await;
        assert!(before[1][&(true, "notes".to_owned())] > 0);
        assert!(before[1][&(true, "extra_json".to_owned())] > 0);
        let sequence = world.item("time_entries").await.sequence;
        let key = "quarantine/users/20200101T000000000Z-users.jsonl";
        let raw = |id: i64| {
            let raw = format!("{{\"id\":{id},\"email\":\"a\"}}");
            format!("{}\n", serde_json::json!({ "raw": raw, "reason": "x" }))
        };
        let line = "{\"reason\":\"x\",\"raw\":\"{\\\"id\\\":null}\"}\n";
        let lines = format!("{}{}{line}", raw(user), raw(-1));
        world.store.put(key, Bytes::from(lines)).await.unwrap();

        erase_all(&world.process(None), user).await.unwrap();
        check(&world, user, &before).await;
        assert_eq!(world.item("time_entries").await.sequence, sequence);
        let kept = world.store.get(key).await.unwrap().unwrap();
        assert_eq!(kept, raw(-1).as_bytes());
        is_true_without(&world, user).await;

        // Harvest still has all the data. Neither changes nor a full pass bring it back.
        for pass in [Pass::Incremental, Pass::Full] {
            world.sleep(1).await;
            let synced = sync(&world.process(None), Some(pass)).await.unwrap();
            assert_eq!(synced.failures(), Vec::<String>::new());
            check(&world, user, &before).await;
            is_true_without(&world, user).await;
        }
        assert_eq!(world.item("time_entries").await.sequence, sequence, "nothing changed");
    });
}

#[test]
fn an_erasing_that_dies_anywhere_is_ended_by_the_next() {
    in_simulated_time(async {
        let mut after_calls = 0;
        loop {
            let world = loaded().await;
            let user = somebody(&world).await;
            let before = all_values(&world, user).await;
            let effect = after_calls % 2 == 0;
            let context = world.process(Some(Death { after_calls, effect }));
            let ended = erase_all(&context, user).await.is_ok();
            world.sleep(1).await;
            erase_all(&world.process(None), user).await.unwrap();
            check(&world, user, &before).await;
            if ended {
                break;
            }
            after_calls += 5;
        }
        assert!(after_calls > 20);
    });
}

/// The second user is added between the read and the write of the list for the first one.
#[test]
fn of_two_who_are_erased_at_the_same_time_neither_is_forgotten() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 5);
        for before in [None, Some(7)] {
            if let Some(user) = before {
                remember(&world.process(None), user).await.unwrap();
            }
            let (first, second) = (world.process(None), world.process(None));
            let base = before.unwrap_or_default() + 10;
            let once = AtomicBool::new(false);
            let store = FaultyStore::new(Arc::clone(&first.store), move |call| {
                let writes = call.key == "erased.json" && call.operation.writes();
                if writes && !once.swap(true, Ordering::SeqCst) {
                    remember(&second, base + 1).now_or_never().unwrap().unwrap();
                }
                CallFault::None
            });
            let first = Context { store: Arc::new(store), ..first };
            remember(&first, base).await.unwrap();
            for user in before.into_iter().chain([base, base + 1]) {
                assert!(is_remembered(&first, user).await.unwrap(), "{user} is forgotten");
            }
            end(&first, base).await.unwrap();
            let unfinished = unfinished_erasures(&*first.store).await.unwrap();
            assert!(!unfinished.contains(&base) && unfinished.contains(&(base + 1)));
        }
    });
}

/// The run has made its decoder before the user is erased.
#[test]
fn who_is_erased_while_a_run_reads_is_not_in_what_it_writes() {
    in_simulated_time(async {
        let user = somebody(&loaded().await).await;
        for (stream, id, column) in
            [("time_entries", "user_id", "user_name"), ("users", "id", "first_name")]
        {
            let mut world = World::new(&AccountScale::tiny(), 5);
            world.settings.streams = Some(STREAMS.map(str::to_owned).into());
            world.stop_timers();
            let first = world.process(None);
            let order = RunOrder {
                spec: streams::find(stream).unwrap(),
                pass: Pass::Full,
                deadline: None,
                accept_deletes: false,
            };
            let other = world.process(None);
            let meanwhile = async {
                let soon = plus(other.clock.now(), SignedDuration::from_millis(20));
                other.clock.sleep_until(soon).await;
                remember(&other, user).await.unwrap();
            };
            let (report, ()) = futures::join!(runtime::run::run(&first, order), meanwhile);
            assert!(matches!(report.outcome, RunOutcome::Yielded(_)), "{report:?}");
            world.sleep(1).await;
            let synced = sync(&world.process(None), None).await.unwrap();
            assert_eq!(synced.failures(), Vec::<String>::new());
            let values = values(&world, stream, id, user).await;
            assert!(values[&(true, id.to_owned())] > 0, "{stream}");
            assert_eq!(values[&(true, column.to_owned())], 0, "{stream}");
            assert!(values[&(false, column.to_owned())] > 0, "{stream}");
        }
    });
}

/// The command, as a person types it.
#[test]
fn the_command_tells_what_it_did_and_what_remains() {
    let scene = Scene::new(3);
    scene.run("sync --json --streams users,tasks,expenses,time_entries").with(0);
    scene.run("report --publish").with(0);
    scene.run("erase").with(2).says(&["--user"]);
    let user = scene.somebody();
    // Without consent, about nobody, or where no lake is, nothing is written.
    let before = e2e::scene::files(scene.folder());
    let asked = scene.run(&format!("erase --user {user}")).with(2);
    asked.says(&["--yes", "--dry-run", "1 row", "User"]);
    scene.run("erase --user 999 --yes").with(2).says(&["no row about user 999"]);
    scene.run(&format!("erase --user {user} --yes --lake ./typo")).with(2).says(&["no lake"]);
    let dry = scene.run(&format!("erase --user {user} --dry-run --json")).with(0).json();
    let rows = |one: &serde_json::Value| (one["table"] == "users").then(|| one["rows"].clone());
    let rows = dry["losses"].as_array().unwrap().iter().find_map(rows);
    assert_eq!((&dry["dry_run"], rows), (&true.into(), Some(1.into())), "{dry}");
    assert_eq!(dry["names"].as_array().unwrap().len(), 1, "{dry}");
    let name = dry["names"][0].as_str().unwrap().to_owned();
    scene.run(&format!("erase --user {user} --dry-run")).with(0).says(&[&name]);
    assert_eq!(e2e::scene::files(scene.folder()), before);
    assert!(!std::path::Path::new("./typo").exists());

    let erase = format!("erase --user {user} --yes");
    let page = scene.lake().join("report.html");
    assert!(std::fs::read_to_string(&page).unwrap().contains(&name));
    let done = scene.run(&format!("{erase} --json")).with(0).json();
    assert_eq!((&done["user"], &done["page_removed"]), (&user.into(), &true.into()));
    assert!(!page.exists());
    let streams = done["streams"].as_array().unwrap();
    assert_eq!(
        streams.len(),
        streams::STREAMS.iter().filter(|spec| spec.personal.is_some()).count()
    );
    assert!(streams.iter().all(|one| one["outcome"] == "complete"), "{done}");
    let again = scene.run(&format!("{erase} --json")).with(0).json();
    assert_eq!(again["names"], serde_json::json!([]), "{again}");
    assert_eq!(again["page_removed"], false, "{again}");
    scene.run("report --publish").with(0);
    assert!(!std::fs::read_to_string(&page).unwrap().contains(&name));
    scene.run(&erase).with(0).says(&["Harvest keeps the person", "users: 0 files"]);
    let listed = std::fs::read_to_string(scene.lake().join("erased.json")).unwrap();
    assert_eq!(listed, format!("[{user}]"));
    // As if the command had been killed: its rows and changes may differ, which is no damage.
    std::fs::write(scene.lake().join("erasing.json"), format!("[{user}]")).unwrap();
    let stopped = scene.run("verify").with(1);
    stopped.says(&[&format!("`harvest-lake erase --user {user}` again")]);
    scene.run(&erase).with(0);
    scene.run("verify").with(0);
    // An unreadable list stops the commands that need it, and nothing else.
    std::fs::write(scene.lake().join("erased.json"), "{").unwrap();
    scene.run("sync --json --streams users,tasks").with(1).only_failed(&["users"]);
}

#[test]
fn an_excluded_id_leaves_rows_that_nothing_says_to_be_the_persons() {
    let scene = Scene::new(3);
    scene.run("sync --json --streams users,time_entries").with(0);
    let user = scene.somebody();
    let line = format!("erase --user {user} --yes");
    let mut erase = scene.command(&line);
    erase.env("HARVEST_EXCLUDE_FIELDS", "time_entries.user.id");
    let left = ["nothing says whose a row is", "exclude time_entries.user.name"];
    finish(erase.spawn().unwrap()).answers(&line).with(1).says(&left);
}
