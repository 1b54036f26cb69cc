//! Reset of a table.

use std::sync::Arc;

use bytes::Bytes;
use delta::store::{FaultyStore, ObjectStore};
use delta::table::Table;
use engine::fault::CallFault;
use engine::ids::Epoch;
use engine::pass::Pass;
use engine::time::{SignedDuration, plus};
use lives::oracle::After;
use lives::world::{Death, World, in_simulated_time, sync};
use runtime::operate::erase::erase;
use runtime::operate::upgrade::upgrade;
use sim::AccountScale;

/// Otherwise the next run would wait for the end of the lease, and count a run that never came back.
#[test]
fn work_of_the_operator_that_fails_gives_the_lease_back() {
    in_simulated_time(async {
        let mut world = World::new(&AccountScale::tiny(), 5);
        world.settings.streams = Some(["users".to_owned()].into());
        sync(&world.process(None), None).await.unwrap();
        let spec = streams::find("users").unwrap();
        let personal = spec.personal.as_ref().unwrap();
        for work in 0..4 {
            let mut context = world.process(None);
            let inner = Arc::clone(&context.store);
            context.store = Arc::new(FaultyStore::new(inner, |_| CallFault::Before));
            let failed = match work {
                0 => runtime::operate::reset::reset(&context, spec).await.is_err(),
                1 => runtime::operate::reset::reset_changes(&context, spec).await.is_err(),
                2 => upgrade(&context, spec).await.is_err(),
                _ => erase(&context, spec, personal, 1).await.is_err(),
            };
            let lease = world.item("users").await.lease.unwrap();
            assert_eq!((failed, lease.released), (true, true), "{work}");
        }
        world.sleep(1).await;
        assert_eq!(
            sync(&world.process(None), None).await.unwrap().failures(),
            Vec::<String>::new()
        );
        assert_eq!(world.item("users").await.health.failures, 0);
    });
}

/// An incremental pass would take the list for empty, and never ask for those children again.
#[test]
fn a_list_of_parked_parents_that_is_gone_makes_the_stream_be_read_anew() {
    in_simulated_time(async {
        let mut world = World::new(&AccountScale::tiny(), 5);
        world.settings.streams = Some(["invoice_payments".to_owned()].into());
        let context = world.process(None);
        sync(&context, None).await.unwrap();
        let account = context.settings.account;
        let present = context.present();
        let item = runtime::records::stream(&*context.state, account, "invoice_payments", &present);
        let mut item = item.await.unwrap();
        item.value.position.parked =
            engine::item::ItemValue::At("work/invoice_payments/parked-x.json".to_owned());
        let key = runtime::records::stream_key(account, "invoice_payments");
        assert!(runtime::records::write(&*context.state, &key, &mut item).await.unwrap());
        world.sleep(1).await;
        let synced = sync(&context, Some(Pass::Incremental)).await.unwrap();
        assert_eq!(synced.failures(), Vec::<String>::new());
        let report = synced.reports.iter().find(|it| it.stream == "invoice_payments").unwrap();
        assert_eq!(report.pass, Pass::Full);
        assert!(report.warning.as_ref().unwrap().contains("is gone from the lake"), "{report:?}");
        assert_eq!(world.item("invoice_payments").await.position.parked.object(), None);
    });
}

#[test]
fn a_damaged_table_that_is_thrown_away_comes_back_whole() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 5);
        let context = world.process(None);
        sync(&context, None).await.unwrap();
        let damage = Bytes::from_static(b"{\"add\":");
        let version = "tables/clients/_delta_log/00000000000000000002.json";
        world.store.put(version, damage).await.unwrap();
        world.sleep(1).await;
        let failures = sync(&context, None).await.unwrap().failures();
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].contains("harvest-lake reset clients"), "{failures:?}");

        let spec = streams::find("clients").unwrap();
        assert_eq!(runtime::operate::reset::reset(&context, spec).await.unwrap(), Ok(()));
        let store: Arc<dyn ObjectStore> = Arc::<delta::store::MemoryStore>::clone(&world.store);
        let table = Table::open(store, spec, world.settings.account).await.unwrap().unwrap();
        assert_eq!((table.rows(), table.files().len()), (0, 0));
        assert!(table.recorded_epoch() > Epoch(1), "a former owner must not go on with it");

        world.sleep(1).await;
        assert_eq!(sync(&context, None).await.unwrap().failures(), Vec::<String>::new());
        let wrong = world.oracle().differences(After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn a_table_that_a_run_works_on_is_left_alone() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 5);
        let first = world.process(None);
        sync(&first, None).await.unwrap();
        let spec = streams::find("clients").unwrap();
        let order = runtime::run::RunOrder {
            spec,
            pass: Pass::Incremental,
            deadline: None,
            accept_deletes: false,
        };
        let other = world.process(None);
        let meanwhile = async {
            // The run has its lease by now and waits for Harvest.
            let soon = plus(other.clock.now(), SignedDuration::from_millis(20));
            other.clock.sleep_until(soon).await;
            runtime::operate::reset::reset(&other, spec).await.unwrap()
        };
        let (report, reset) = futures::join!(runtime::run::run(&first, order), meanwhile);
        assert!(report.error().is_none(), "{report:?}");
        assert!(reset.is_err(), "it was reset under the run");
        assert_eq!(world.oracle().differences(After::FullPasses).await, Vec::<String>::new());
    });
}

#[test]
fn a_damaged_table_of_changes_begins_anew_and_its_table_stays() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 5);
        let context = world.process(None);
        sync(&context, None).await.unwrap();
        let spec = streams::find("clients").unwrap();
        let log = "tables/clients_changes/_delta_log/00000000000000000001.json";
        assert!(world.store.get(log).await.unwrap().is_some());
        world.store.put(log, "{".into()).await.unwrap();
        let version = world.item("clients").await.version;
        world.mutate(5, 60);
        world.sleep(1).await;
        let failures = sync(&context, None).await.unwrap().failures().join("\n");
        assert!(failures.contains("harvest-lake reset clients_changes"), "{failures}");

        runtime::operate::reset::reset_changes(&context, spec).await.unwrap().unwrap();
        assert_eq!(world.item("clients").await.version, version);
        world.sleep(1).await;
        assert_eq!(sync(&context, None).await.unwrap().failures(), Vec::<String>::new());
        let wrong = world.oracle().differences_of("clients", After::IncrementalPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}

/// Keys of all objects of the stream's tables.
async fn objects(world: &World) -> Vec<String> {
    let listed = world.store.list("tables/clients", None).await.unwrap_or_default();
    listed.into_iter().map(|object| object.key).collect()
}

/// The process dies at any call of the stores, with or without the effect of that call.
#[test]
fn a_reset_that_dies_anywhere_is_ended_by_the_next_run() {
    in_simulated_time(async {
        let spec = streams::find("clients").unwrap();
        for changes in [false, true] {
            let mut deaths = 0;
            loop {
                let mut world = World::new(&AccountScale::tiny(), 5);
                world.settings.streams = Some(["clients".to_owned()].into());
                sync(&world.process(None), None).await.unwrap();
                world.mutate(5, 60);
                world.sleep(1).await;
                let death = Death { after_calls: deaths / 2, effect: deaths % 2 == 0 };
                let before = objects(&world).await;
                let dying = world.process(Some(death));
                let ended = if changes {
                    runtime::operate::reset::reset_changes(&dying, spec).await.is_ok()
                } else {
                    runtime::operate::reset::reset(&dying, spec).await.is_ok()
                };
                // Nothing is gone before the position is forgotten, in the write that records it.
                let is_forgotten = world.item("clients").await.position.cursor.is_none();
                let is_begun = objects(&world).await != before;
                assert!(changes || is_forgotten || !is_begun, "{death:?}");
                world.sleep(1).await;
                let failures = sync(&world.process(None), None).await.unwrap().failures();
                assert_eq!(failures, Vec::<String>::new(), "changes: {changes}, {death:?}");
                assert_eq!(world.item("clients").await.resetting, None);
                let wrong =
                    world.oracle().differences_of("clients", After::IncrementalPasses).await;
                assert_eq!(wrong, Vec::<String>::new(), "changes: {changes}, {death:?}");
                if ended {
                    break;
                }
                deaths += 1;
            }
            assert!(deaths > 10, "{deaths}");
        }
    });
}

/// The command, as a person types it.
#[test]
fn nothing_is_thrown_away_without_consent() {
    let scene = e2e::scene::Scene::new(4);
    scene.run("sync --json --streams clients,tasks").with(0);
    let rows = || {
        let status = scene.run("status clients --json").json();
        assert_eq!(status["streams"].as_array().unwrap().len(), 1, "{status}");
        status["streams"][0]["rows"].as_u64().unwrap()
    };
    let before = rows();
    assert!(before > 0);
    let told = format!("{before} rows, {before} changes since ");
    scene.run("reset clients").with(2).says(&[&told, "--yes", "--dry-run"]);
    scene.run("reset clients --dry-run").with(0).says(&[&told]);
    scene.run("reset clients tusks --yes").with(2).says(&["tasks"]);
    scene.run("reset clients --yes --lake ./typo").with(2).says(&["no lake"]);
    assert_eq!(rows(), before);
    scene.run("reset clients --yes").with(0).says(&["clients: empty now"]);
    assert_eq!(rows(), 0);
}
