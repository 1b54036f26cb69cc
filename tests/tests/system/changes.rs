//! The table of changes has every change once and in order, wherever a run is stopped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use delta::store::{MemoryStore, ObjectStore};
use engine::pass::Pass;
use engine::time::{SignedDuration, plus};
use lives::changes::{Behind, Changes};
use lives::foreign::Visitor;
use lives::oracle::{After, Contents};
use lives::storm::Freeze;
use lives::world::{Conduct, Death, World, now, sync};
use runtime::clock::Clock as _;
use runtime::settings::NoChanges;
use sim::{AccountScale, Mutation};

const STREAM: &str = "roles";

fn story<T>(future: impl Future<Output = T>) -> T {
    delta::offload::stay_on_this_thread();
    lives::world::in_simulated_time(future)
}

/// A world with the stream `roles` loaded, which is read whole, so that deletions show.
async fn loaded() -> World {
    let mut world = World::new(&AccountScale::tiny(), 7);
    world.settings.streams = Some([STREAM.to_owned()].into());
    quiet(&world).await;
    world
}

/// A sync in which nothing fails, an hour later.
async fn quiet(world: &World) {
    world.sleep(1).await;
    let synced = sync(&world.process(None), None).await.unwrap();
    assert_eq!(synced.failures(), Vec::<String>::new());
}

async fn changes(world: &World) -> Changes {
    world.oracle().changes(streams::find(STREAM).unwrap()).await.unwrap()
}

async fn rows(world: &World) -> Contents {
    world.oracle().table_rows(streams::find(STREAM).unwrap()).await
}

/// Faults of table or changes.
async fn wrong(world: &World) -> Vec<String> {
    world.oracle().differences_of(STREAM, After::FullPasses).await
}

fn apply(world: &World, mutation: &Mutation) {
    world.account.lock().unwrap().apply(now(world), mutation).unwrap();
}

fn create(world: &World) {
    apply(world, &Mutation::Create { stream: STREAM.to_owned() });
}

/// Deletes a role that the table holds.
async fn delete(world: &World) {
    let id = rows(world).await.keys().next().and_then(|key| key.parse().ok());
    apply(world, &Mutation::Delete { stream: STREAM.to_owned(), id });
}

#[test]
fn every_commit_has_its_changes_and_a_run_without_any_has_none() {
    story(async {
        let world = loaded().await;
        let mut states = vec![(1, rows(&world).await)];
        for round in 2..8 {
            create(&world);
            if round % 2 == 0 {
                delete(&world).await;
            }
            quiet(&world).await;
            states.push((round, rows(&world).await));
            quiet(&world).await;
        }
        let changes = changes(&world).await;
        assert_eq!((changes.recorded, changes.behind), (7, Behind::Nothing));
        for (sequence, state) in states {
            assert_eq!(changes.replay(sequence), state, "at sequence {sequence}");
        }
        assert!(changes.all.is_sorted_by_key(|change| change.changed_at));
        assert_eq!(wrong(&world).await, Vec::<String>::new());
    });
}

#[test]
fn a_death_at_any_call_loses_no_change_and_repeats_none() {
    story(async {
        let (mut appended, mut survived) = (0, 0);
        for effect in [false, true] {
            for after_calls in 0..80 {
                let world = loaded().await;
                create(&world);
                delete(&world).await;
                let before = changes(&world).await;
                world.sleep(1).await;
                let dying = world.process(Some(Death { after_calls, effect }));
                let died = sync(&dying, None).await.is_err();
                let between = changes(&world).await;
                appended += u64::from(between.behind == Behind::OneCommit);
                survived += u64::from(!died);
                let recorded = between.recorded;
                assert!(recorded == 1 || recorded == 2, "{recorded}");
                quiet(&world).await;
                let after = changes(&world).await;
                assert_eq!(after.recorded, 2, "died at call {after_calls}");
                let added: Vec<_> =
                    after.all.iter().filter(|change| change.sequence == 2).collect();
                let mut ops: Vec<&str> = added.iter().map(|change| change.op.as_str()).collect();
                ops.sort_unstable();
                assert_eq!(ops, ["D", "I"], "died at call {after_calls}");
                assert_eq!(after.all.len(), before.all.len() + 2);
                assert_eq!(wrong(&world).await, Vec::<String>::new());
            }
        }
        assert!(appended >= 2, "no death between the commit and its changes");
        assert!(survived > 2, "the last deaths are after the end");
    });
}

/// A world in which a process died between a commit and its changes.
async fn pending() -> World {
    for after_calls in 0..80 {
        let world = loaded().await;
        create(&world);
        delete(&world).await;
        world.sleep(1).await;
        drop(sync(&world.process(Some(Death { after_calls, effect: false })), None).await);
        if changes(&world).await.behind == Behind::OneCommit {
            return world;
        }
    }
    unreachable!("no death between the commit and its changes");
}

#[test]
fn changes_that_wait_survive_more_deaths_and_a_lost_state() {
    story(async {
        let mut world = pending().await;
        // Each owner that takes over fences the table and looks for orphans.
        for after_calls in 0..12 {
            drop(sync(&world.process(Some(Death { after_calls, effect: true })), None).await);
            world.sleep(24 * 9).await;
        }
        world.forget_state().await;
        quiet(&world).await;
        let after = changes(&world).await;
        assert_eq!((after.recorded, after.per_commit().get(&2)), (2, Some(&2)));
        assert_eq!(wrong(&world).await, Vec::<String>::new());
    });
}

#[test]
fn the_next_commit_waits_for_the_changes_of_the_last() {
    story(async {
        let world = pending().await;
        create(&world);
        quiet(&world).await;
        let after = changes(&world).await;
        assert_eq!(after.recorded, 3);
        let per_commit: Vec<(i64, u64)> = after.per_commit().into_iter().skip(1).collect();
        assert_eq!(per_commit, [(2, 2), (3, 1)]);
        assert_eq!(wrong(&world).await, Vec::<String>::new());
    });
}

#[test]
fn a_table_of_changes_begins_anew_once_everything_is_read_again() {
    story(async {
        let world = loaded().await;
        // Rows with keys that are there, and rows with others, without their texts.
        for _ in 0..2 {
            let spec = streams::find(STREAM).unwrap();
            assert!(Visitor::of(&world, spec).await.unwrap().append().await);
            quiet(&world).await;
            assert_eq!(wrong(&world).await, Vec::<String>::new());
            let begun = changes(&world).await;
            assert_eq!(begun.per_commit().len(), 1, "{begun:?}");
        }
    });
}

/// A reader that has read everything until now starts over, as `docs/changes.md` says.
async fn a_reader_starts_over(world: &World, since: i64) {
    create(world);
    quiet(world).await;
    assert_eq!(wrong(world).await, Vec::<String>::new());
    let begun = changes(world).await;
    let least = begun.all.iter().map(|change| change.sequence).min();
    assert!(least.is_some_and(|least| least > since), "{least:?} after {since}");
}

#[test]
fn sequences_are_not_given_again_by_a_table_that_was_put_back_or_deleted() {
    story(async {
        let mut world = loaded().await;
        let copy = world.store.copy();
        for _ in 0..3 {
            create(&world);
            quiet(&world).await;
        }
        let since = changes(&world).await.recorded;
        world.store = Arc::new(copy);
        a_reader_starts_over(&world, i64::try_from(since).unwrap()).await;
        let since = changes(&world).await.recorded;
        world.store = Arc::new(MemoryStore::default());
        a_reader_starts_over(&world, i64::try_from(since).unwrap()).await;
    });
}

#[test]
fn an_owner_that_stood_still_appends_nothing_twice() {
    story(async {
        for after_calls in 1..60 {
            let world = loaded().await;
            create(&world);
            delete(&world).await;
            world.sleep(1).await;
            let lasts = SignedDuration::from_mins(10);
            let freeze = Some(Freeze { at: None, after_calls, lasts });
            let frozen = world.process_with(Conduct { freeze, ..Conduct::default() });
            let other = async {
                let soon = plus(now(&world), SignedDuration::from_mins(4));
                world.clock.sleep_until(soon).await;
                create(&world);
                sync(&world.process(None), None).await.unwrap()
            };
            let (_, _) = futures::join!(sync(&frozen, None), other);
            quiet(&world).await;
            assert_eq!(
                wrong(&world).await,
                Vec::<String>::new(),
                "stood still at call {after_calls}"
            );
            let after = changes(&world).await;
            assert_eq!(after.behind, Behind::Nothing);
            let deletes = after.all.iter().filter(|change| change.op == "D").count();
            assert_eq!(deletes, 1, "stood still at call {after_calls}");
        }
    });
}

#[test]
fn switched_off_nothing_is_written_and_switched_on_all_rows_begin_it_anew() {
    story(async {
        let mut world = loaded().await;
        world.settings.no_changes = NoChanges::Streams([STREAM.to_owned()].into());
        for _ in 0..2 {
            create(&world);
            delete(&world).await;
            quiet(&world).await;
        }
        assert_eq!(changes(&world).await.recorded, 1);
        world.settings.no_changes = NoChanges::default();
        quiet(&world).await;
        let begun = changes(&world).await;
        assert_eq!((begun.recorded, begun.replay(3)), (3, rows(&world).await));
        assert!(begun.all.iter().all(|change| change.op == "I" && change.sequence == 3));
        delete(&world).await;
        quiet(&world).await;
        assert_eq!(changes(&world).await.per_commit().get(&4), Some(&1));
        assert_eq!(wrong(&world).await, Vec::<String>::new());
        // Switched off and on without a commit in between: no change was missed.
        world.settings.no_changes = NoChanges::All;
        quiet(&world).await;
        world.settings.no_changes = NoChanges::default();
        quiet(&world).await;
        assert_eq!(changes(&world).await.all.len(), begun.all.len() + 1);
    });
}

#[test]
fn a_death_within_a_baseline_leaves_the_old_changes_until_the_new_are_whole() {
    story(async {
        for after_calls in 0..60 {
            let mut world = loaded().await;
            world.settings.no_changes = NoChanges::All;
            create(&world);
            delete(&world).await;
            quiet(&world).await;
            world.settings.no_changes = NoChanges::default();
            world.sleep(1).await;
            drop(sync(&world.process(Some(Death { after_calls, effect: true })), None).await);
            let between = changes(&world).await;
            assert!(between.recorded == 1 || between.replay(2) == rows(&world).await);
            quiet(&world).await;
            let after = changes(&world).await;
            assert_eq!((after.recorded, after.replay(2)), (2, rows(&world).await));
            assert_eq!(wrong(&world).await, Vec::<String>::new());
        }
    });
}

#[test]
fn a_lost_table_of_changes_begins_anew() {
    story(async {
        let world = loaded().await;
        for object in world.store.list("tables/roles_changes/", None).await.unwrap() {
            world.store.delete(&object.key).await.unwrap();
        }
        create(&world);
        quiet(&world).await;
        let after = changes(&world).await;
        assert_eq!(after.per_commit().get(&2), Some(&1));
        assert_eq!(after.recorded, 2);
        assert_eq!(wrong(&world).await, Vec::<String>::new());
    });
}

#[test]
fn sequences_go_on_when_the_table_is_thrown_away_or_lost() {
    story(async {
        let world = loaded().await;
        create(&world);
        quiet(&world).await;
        let spec = streams::find(STREAM).unwrap();
        runtime::operate::reset::reset(&world.process(None), spec).await.unwrap().unwrap();
        quiet(&world).await;
        let after = changes(&world).await;
        assert!(after.all.iter().all(|change| change.sequence > 2), "{:?}", after.per_commit());
        assert_eq!(wrong(&world).await, Vec::<String>::new());

        let before = after.recorded;
        for object in world.store.list("tables/roles/", None).await.unwrap() {
            world.store.delete(&object.key).await.unwrap();
        }
        quiet(&world).await;
        let after = changes(&world).await;
        assert!(after.all.iter().all(|change| change.sequence > i64::try_from(before).unwrap()));
        assert_eq!(wrong(&world).await, Vec::<String>::new());
    });
}

#[test]
fn old_files_and_orphans_of_changes_go_and_checkpoints_are_written() {
    story(async {
        let mut world = loaded().await;
        world.settings.tidy_at_once = false;
        let orphan = "tables/roles_changes/changed_month=2026-03/1-1-dead-0.parquet";
        world.store.set_now(now(&world));
        world.store.put(orphan, "left".into()).await.unwrap();
        for _ in 0..12 {
            world.sleep(24).await;
            world.store.set_now(now(&world));
            create(&world);
            quiet(&world).await;
        }
        assert!(world.store.get(orphan).await.unwrap().is_none(), "the orphan is still there");
        let hint = "tables/roles_changes/_delta_log/_last_checkpoint";
        assert!(world.store.get(hint).await.unwrap().is_some(), "no checkpoint");
        assert_eq!(wrong(&world).await, Vec::<String>::new());
        // Files that a baseline replaced are deleted, too.
        world.settings.no_changes = NoChanges::All;
        create(&world);
        quiet(&world).await;
        world.settings.no_changes = NoChanges::default();
        world.settings.tidy_at_once = true;
        create(&world);
        quiet(&world).await;
        let files = world.store.list("tables/roles_changes/changed_month=2026-03/", None).await;
        assert_eq!(files.unwrap().len(), 2, "one baseline, one commit");
        assert_eq!(wrong(&world).await, Vec::<String>::new());
    });
}

#[test]
fn a_full_pass_that_moves_nothing_changes_nothing() {
    story(async {
        let world = loaded().await;
        let before = changes(&world).await.all.len();
        world.sleep(1).await;
        let store: Arc<dyn ObjectStore> = Arc::<MemoryStore>::clone(&world.store);
        let files = store.list("tables/roles_changes/", None).await.unwrap().len();
        drop(sync(&world.process(None), Some(Pass::Full)).await.unwrap());
        assert_eq!(changes(&world).await.all.len(), before);
        assert_eq!(store.list("tables/roles_changes/", None).await.unwrap().len(), files);
    });
}

#[test]
fn the_files_of_a_month_that_is_over_are_joined_and_say_the_same() {
    story(async {
        for retention in [None, Some(2)] {
            let mut world = loaded().await;
            world.settings.changes_retention = retention;
            let mut states = BTreeMap::from([(1, rows(&world).await)]);
            for _ in 0..130 {
                create(&world);
                delete(&world).await;
                world.sleep(23).await;
                quiet(&world).await;
                let recorded = i64::try_from(changes(&world).await.recorded).unwrap();
                states.insert(recorded, rows(&world).await);
            }
            let now = changes(&world).await;
            for (sequence, state) in states.range(least(&now)..) {
                assert_eq!(&now.replay(*sequence), state, "at sequence {sequence}");
            }
            let files = world.store.list("tables/roles_changes/changed_month=", None).await;
            let mut months: BTreeMap<String, u64> = BTreeMap::new();
            for file in files.unwrap() {
                *months.entry(file.key.split('/').nth(2).unwrap().to_owned()).or_default() += 1;
            }
            assert_eq!(months.len(), if retention.is_some() { 4 } else { 5 }, "{months:?}");
            let over: Vec<u64> = months.into_values().rev().skip(1).collect();
            assert!(over.iter().all(|files| *files <= 2), "{over:?}");
            assert_eq!(least(&now) == 1, retention.is_none());
            assert_eq!(wrong(&world).await, Vec::<String>::new());
        }
    });
}

/// Changes the table every ten days, and remembers its rows at each sequence.
async fn over_months(world: &World, times: u64, states: &mut BTreeMap<i64, Contents>) {
    for _ in 0..times {
        world.sleep(24 * 10).await;
        create(world);
        delete(world).await;
        quiet(world).await;
        let recorded = i64::try_from(changes(world).await.recorded).unwrap();
        states.insert(recorded, rows(world).await);
    }
}

fn least(changes: &Changes) -> i64 {
    changes.all.iter().map(|change| change.sequence).min().unwrap()
}

#[test]
fn old_changes_give_way_to_one_baseline_that_says_the_same() {
    story(async {
        let mut world = loaded().await;
        world.settings.changes_retention = Some(1);
        let mut states = BTreeMap::from([(1, rows(&world).await)]);
        let mut begins = Vec::new();
        for _ in 0..8 {
            over_months(&world, 3, &mut states).await;
            let now = changes(&world).await;
            begins.push(least(&now));
            for (sequence, state) in states.range(least(&now)..) {
                assert_eq!(&now.replay(*sequence), state, "at sequence {sequence}");
            }
            let oldest = now.all.iter().filter(|change| change.sequence == least(&now));
            assert!(oldest.clone().all(|change| change.op == "I") || least(&now) == 1);
            let at = oldest.map(|change| change.changed_at).max().unwrap();
            let kept = now.all.iter().filter(|change| change.sequence > least(&now));
            assert!(kept.clone().all(|change| change.changed_at > at));
        }
        assert!(begins.is_sorted() && begins[7] > begins[1] && begins[1] >= 1, "{begins:?}");
        let files = world.store.list("tables/roles_changes/changed_month=", None).await.unwrap();
        let months: BTreeSet<&str> =
            files.iter().filter_map(|file| file.key.split('/').nth(2)).collect();
        assert_eq!(months.len(), 3, "this month, the one before and the baseline: {months:?}");
        assert_eq!(wrong(&world).await, Vec::<String>::new());
    });
}

#[test]
fn a_death_while_changes_expire_loses_none_of_those_that_stay() {
    story(async {
        let mut begun_anew = 0;
        for after_calls in (20..140).step_by(3) {
            let mut world = loaded().await;
            let mut states = BTreeMap::new();
            over_months(&world, 7, &mut states).await;
            world.settings.changes_retention = Some(1);
            create(&world);
            world.sleep(24).await;
            drop(sync(&world.process(Some(Death { after_calls, effect: true })), None).await);
            begun_anew += u64::from(least(&changes(&world).await) > 1);
            create(&world);
            quiet(&world).await;
            let now = changes(&world).await;
            assert!(least(&now) > 1, "died at call {after_calls}");
            for (sequence, state) in states.range(least(&now)..) {
                assert_eq!(&now.replay(*sequence), state, "at sequence {sequence}");
            }
            assert_eq!(wrong(&world).await, Vec::<String>::new());
        }
        assert!((1..40).contains(&begun_anew), "{begun_anew} deaths after the expiry");
    });
}
