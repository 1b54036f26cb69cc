//! Defects that lives of the simulation have found, each as a story of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use delta::store::{FaultyStore, MemoryStore, ObjectStore, StoreCall, StoreOperation};
use engine::fault::CallFault;
use engine::pass::Pass;
use engine::time::{SignedDuration, plus};
use lives::foreign::Visitor;
use lives::oracle::After;
use lives::storm::{CallPhase, Freeze};
use lives::story::{only, quiet, story};
use lives::world::{Conduct, World, now, sync};
use runtime::operate::reset::reset;
use sim::AccountScale;

async fn visitor<'w>(world: &'w World, stream: &str) -> Visitor<'w> {
    Visitor::of(world, streams::find(stream).unwrap()).await.unwrap()
}

/// A table without rows looks like its first version, which nobody has written.
#[test]
fn a_person_who_sees_less_does_not_fill_a_table_that_has_lost_its_rows() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["expenses"]);
        quiet(&world, None).await;
        assert!(visitor(&world, "expenses").await.delete_every(1).await);
        world.sleep(1).await;
        let token = sim::MANAGER_TOKEN;
        let manager = world.process_with(Conduct { token, ..Conduct::default() });
        let failures = sync(&manager, None).await.unwrap().failures();
        assert!(failures.iter().all(|it| it.contains("--accept-role")), "{failures:?}");
        assert_eq!(failures.len(), 1);
        world.sleep(1).await;
        quiet(&world, None).await;
        assert_eq!(world.oracle().differences(After::FullPasses).await, [""; 0]);
    });
}

/// Rows count as read when a clock that was ahead said so, and a clock that is behind reads "before"
/// that.
#[test]
fn a_full_pass_by_a_clock_that_is_far_behind_leaves_no_old_version() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["time_entries"]);
        world.stop_timers();
        let ahead = SignedDuration::from_hours(20);
        let ahead = world.process_with(Conduct { ahead, ..Conduct::default() });
        assert_eq!(sync(&ahead, None).await.unwrap().failures(), [""; 0]);
        world.sleep(1).await;
        // Begins the passes anew, and leaves the rows that it finds the same.
        quiet(&world, None).await;
        world.sleep(30).await;
        world.mutate(5, 100);
        world.stop_timers();
        let behind = SignedDuration::from_hours(-26);
        let behind = world.process_with(Conduct { ahead: behind, ..Conduct::default() });
        assert_eq!(sync(&behind, Some(Pass::Full)).await.unwrap().failures(), [""; 0]);
        let mut wrong = world.oracle().differences(After::FullPasses).await;
        // Nothing is deleted by such a clock: the next pass does that.
        wrong.retain(|it| !it.ends_with("is no longer in Harvest"));
        assert_eq!(wrong, [""; 0]);
        world.sleep(30).await;
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(world.oracle().differences(After::FullPasses).await, [""; 0]);
    });
}

/// The former holder of the lease stands still just before it puts its commit.
#[test]
fn a_table_that_is_reset_meanwhile_takes_no_version_of_a_former_holder() {
    story(async {
        for after_calls in 1..4 {
            let mut world = World::new(&AccountScale::tiny(), 7);
            only(&mut world, &["clients"]);
            quiet(&world, None).await;
            world.sleep(1).await;
            world.mutate(1, 200);
            let lasts = SignedDuration::from_mins(10);
            let freeze = Some(Freeze { at: Some(CallPhase::Commit), after_calls, lasts });
            let frozen = world.process_with(Conduct { freeze, ..Conduct::default() });
            let awake = world.process(None);
            let later = async {
                awake.clock.sleep_until(plus(now(&world), SignedDuration::from_mins(5))).await;
                reset(&awake, streams::find("clients").unwrap()).await.unwrap().unwrap();
            };
            let (first, ()) = futures::join!(sync(&frozen, None), later);
            drop(first);
            world.sleep(1).await;
            quiet(&world, None).await;
            assert_eq!(world.oracle().differences(After::FullPasses).await, [""; 0]);
        }
    });
}

/// A checkpoint forgets removed files, and a file of another engine is known by nothing else.
#[test]
fn no_removed_file_of_another_engine_is_forgotten_because_it_could_not_be_deleted() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["clients"]);
        quiet(&world, None).await;
        assert!(visitor(&world, "clients").await.delete_every(3).await);
        for round in 0..14 {
            world.mutate(round, 60);
            world.sleep(1).await;
            let mut context = world.process(None);
            let fails = |call: StoreCall<'_>| {
                let fails = call.operation == StoreOperation::Delete;
                if fails { CallFault::Before } else { CallFault::None }
            };
            if round < 12 {
                let inner = Arc::clone(&context.store);
                context.store = Arc::new(FaultyStore::new(inner, fails));
            }
            assert_eq!(sync(&context, None).await.unwrap().failures(), [""; 0]);
        }
        let store = Arc::<MemoryStore>::clone(&world.store);
        let spec = streams::find("clients").unwrap();
        let account = world.settings.account;
        let table = delta::table::Table::open(store, spec, account).await.unwrap().unwrap();
        let live: Vec<String> =
            table.files().iter().map(|file| format!("{}/{}", table.root(), file.path)).collect();
        let all = world.store.list("tables/clients/", None).await.unwrap();
        let left: Vec<String> = all
            .into_iter()
            .map(|object| object.key)
            .filter(|key| key.contains("part-") && !live.contains(key))
            .collect();
        assert_eq!(left, [""; 0]);
    });
}
