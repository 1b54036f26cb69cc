//! States that are wrong: instants of a clock that was ahead, rows that another engine removed,
//! lakes that share a state, and records that Harvest set back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use delta::store::MemoryStore;
use e2e::foreign_log::{commit, copied, delete_file, restore, table};
use engine::pass::Pass;
use engine::time::{SignedDuration, between};
use lives::oracle::After;
use lives::story::{apply, asked, delete, loaded, only, quiet, report, rows, story, truth};
use lives::world::{Conduct, Death, Wish, World, now, sync, sync_as};
use runtime::run::RunOutcome;
use sim::{AccountScale, Mutation};

/// Time by which a clock was ahead, in minutes.
const SHIFTS: [i64; 4] = [4, 60, 24 * 60, 30 * 24 * 60];

/// Streams of each kind.
const KINDS: [&str; 6] =
    ["clients", "time_entries", "invoices", "invoice_payments", "roles", "time_report_clients"];

fn create(stream: &str) -> Mutation {
    Mutation::Create { stream: stream.to_owned() }
}

fn warnings(reports: &[runtime::run::RunReport]) -> Vec<String> {
    let told = reports.iter().filter_map(|report| Some((report.stream, report.warning.clone()?)));
    told.map(|(stream, warning)| format!("{stream}: {warning}")).collect()
}

/// The id of some record of the account.
fn some_id(world: &World, stream: &str) -> i64 {
    let spec = streams::find(stream).unwrap();
    *world.oracle().true_versions(spec).keys().next_back().unwrap()
}

#[test]
fn after_a_clock_that_was_ahead_the_next_sync_brings_everything_and_says_it_once() {
    for (minutes, date_too) in SHIFTS.into_iter().flat_map(|m| [(m, false), (m, true)]) {
        story(async {
            let ahead = SignedDuration::from_mins(minutes);
            let mut world = World::new(&AccountScale::tiny(), 7);
            only(&mut world, &KINDS);
            world.stop_timers();
            if date_too {
                *world.date_ahead.lock().unwrap() = ahead;
            }
            let early = world.process_with(Conduct { ahead, ..Conduct::default() });
            sync(&early, None).await.unwrap();
            *world.date_ahead.lock().unwrap() = SignedDuration::ZERO;

            let payment = Mutation::AddPayment { id: None };
            for mutation in [create("clients"), create("time_entries"), create("roles"), payment] {
                apply(&world, &mutation);
            }
            apply(&world, &delete("time_entries", some_id(&world, "time_entries")));
            apply(&world, &Mutation::Delete { stream: "roles".to_owned(), id: None });
            let synced = quiet(&world, None).await;
            let told = warnings(&synced.reports);
            for stream in KINDS {
                let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
                assert_eq!(wrong, Vec::<String>::new(), "{minutes} {date_too}");
                let said = told.iter().filter(|told| told.starts_with(&format!("{stream}: ")));
                let said = said.filter(|told| told.contains("a clock was ahead")).count();
                assert_eq!(said, 1, "{minutes} {date_too} {stream}: {told:?}");
            }
            world.sleep(1).await;
            apply(&world, &create("clients"));
            let synced = quiet(&world, None).await;
            assert_eq!(warnings(&synced.reports), Vec::<String>::new());
            assert_eq!(rows(&world, "clients").await, truth(&world, "clients"));
        });
    }
}

#[test]
fn the_position_in_the_log_is_freed_of_the_future_like_the_items() {
    for minutes in SHIFTS {
        story(async {
            let ahead = SignedDuration::from_mins(minutes);
            let mut world = World::new(&AccountScale::tiny(), 7);
            only(&mut world, &KINDS);
            world.stop_timers();
            *world.date_ahead.lock().unwrap() = ahead;
            sync(&world.process_with(Conduct { ahead, ..Conduct::default() }), None).await.unwrap();
            *world.date_ahead.lock().unwrap() = SignedDuration::ZERO;
            world.forget_state().await;
            apply(&world, &create("clients"));
            apply(&world, &delete("time_entries", some_id(&world, "time_entries")));
            quiet(&world, None).await;
            for stream in KINDS {
                let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
                assert_eq!(wrong, Vec::<String>::new(), "{minutes}");
            }
        });
    }
}

#[test]
fn a_process_whose_clock_is_ahead_dies_and_holds_nobody_up() {
    for minutes in SHIFTS {
        story(async {
            let ahead = SignedDuration::from_mins(minutes);
            let world = loaded(&AccountScale::tiny(), &["clients", "time_entries"]).await;
            world.stop_timers();
            apply(&world, &create("clients"));
            for after_calls in [20, 30, 40] {
                let death = Some(Death { after_calls, effect: true });
                let early = world.process_with(Conduct { ahead, death, ..Conduct::default() });
                drop(sync(&early, Some(Pass::Full)).await);
            }
            // The owners are not known to be dead, so their leases have to run out.
            world.forget_the_dead();
            let began = now(&world);
            apply(&world, &create("time_entries"));
            quiet(&world, Some(Pass::Full)).await;
            let took = between(began, now(&world));
            assert!(took <= SignedDuration::from_mins(10), "{took}");
            for stream in ["clients", "time_entries"] {
                assert_eq!(rows(&world, stream).await, truth(&world, stream), "{minutes}");
            }
        });
    }
}

/// A world with tables `clients` and `time_entries` that have some older versions with all their
/// files.
async fn with_history() -> World {
    let mut world = World::new(&AccountScale::tiny(), 7);
    only(&mut world, &["clients", "time_entries"]);
    world.settings.keep = true;
    // Keeps the log, too: objects of this store have no age.
    world.settings.retention = SignedDuration::from_hours(24 * 365 * 200);
    world.stop_timers();
    quiet(&world, None).await;
    for _ in 0..3 {
        world.sleep(3).await;
        for stream in ["clients", "time_entries"] {
            apply(&world, &create(stream));
        }
        quiet(&world, None).await;
    }
    world.sleep(3).await;
    world
}

async fn right_again(world: &World, stream: &str) {
    let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn after_a_restore_an_incremental_pass_brings_back_what_was_taken_away_and_says_so() {
    for lost in [false, true] {
        story(async {
            let mut world = with_history().await;
            for stream in ["clients", "time_entries"] {
                let newest = table(&world, stream).await.version();
                let mut restored = 0;
                for version in 1..newest {
                    let before = rows(&world, stream).await;
                    restore(&world, stream, version).await;
                    if rows(&world, stream).await == before {
                        // The versions between them changed no row.
                        continue;
                    }
                    restored += 1;
                    if lost {
                        world.forget_state().await;
                    }
                    let synced = quiet(&world, None).await;
                    let first = synced.reports.iter().find(|report| report.stream == stream);
                    let warning = first.and_then(|report| report.warning.clone());
                    let warning = warning.unwrap_or_default();
                    assert!(warning.contains("another engine"), "{stream} {version}: {warning}");
                    assert!(warning.contains(&format!("version {version},")), "{warning}");
                    assert_eq!(first.map(|report| report.pass), Some(Pass::Incremental));
                    assert!(rows(&world, stream).await == before, "{stream} {version}");
                    right_again(&world, stream).await;
                    world.sleep(1).await;
                    let synced = quiet(&world, None).await;
                    assert_eq!(warnings(&synced.reports), Vec::<String>::new());
                }
                assert!(restored >= 3, "{restored} of {newest}");
            }
        });
    }
}

#[test]
fn after_rows_were_deleted_or_added_by_others_everything_is_read_again() {
    story(async {
        let world = with_history().await;
        for round in 0..3 {
            let before = rows(&world, "time_entries").await;
            if round == 0 {
                delete_file(&world, "time_entries", 0).await;
            } else {
                // Without a `commitInfo`, and with all rows of a file that existed before.
                let files = table(&world, "time_entries").await;
                let gone = [&files.files()[round]];
                commit(&world, &files, None, &[], &gone).await;
            }
            assert!(rows(&world, "time_entries").await != before, "rows are gone");
            let pages = asked(&world, "/time_entries");
            let synced = quiet(&world, None).await;
            let told = report(&synced, "time_entries").warning.clone().unwrap_or_default();
            assert!(told.contains("everything is read again"), "{told}");
            assert!(asked(&world, "/time_entries") > pages);
            assert!(rows(&world, "time_entries").await == before, "{round}");
            right_again(&world, "time_entries").await;
            world.sleep(1).await;
            let synced = quiet(&world, None).await;
            assert_eq!(warnings(&synced.reports), Vec::<String>::new());
        }
    });
}

#[test]
fn wherever_a_process_dies_after_a_restore_the_next_one_brings_the_rows_back() {
    for after_calls in (0..90).step_by(3) {
        let done = story(async {
            let world = with_history().await;
            let before = rows(&world, "time_entries").await;
            restore(&world, "time_entries", 1).await;
            let death = Some(Death { after_calls, effect: after_calls % 2 == 0 });
            let survived = sync(&world.process(death), None)
                .await
                .is_ok_and(|synced| synced.failures().is_empty());
            world.sleep(1).await;
            quiet(&world, None).await;
            assert!(rows(&world, "time_entries").await == before, "{after_calls}");
            right_again(&world, "time_entries").await;
            survived
        });
        if done {
            return;
        }
    }
}

#[test]
fn a_restore_of_the_table_of_changes_begins_it_anew() {
    story(async {
        let world = with_history().await;
        let spec = streams::find("clients").unwrap();
        let store: Arc<dyn delta::store::ObjectStore> = Arc::<MemoryStore>::clone(&world.store);
        let changes = delta::table::Table::open_changes(store, spec, world.settings.account);
        let changes = changes.await.unwrap().unwrap();
        commit(&world, &changes, Some("DELETE"), &[], &[&changes.files()[0]]).await;
        apply(&world, &create("clients"));
        quiet(&world, None).await;
        right_again(&world, "clients").await;
    });
}

#[test]
fn lakes_that_share_a_state_each_hold_everything_whatever_their_versions_are() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &KINDS);
        world.stop_timers();
        quiet(&world, None).await;
        let mut lakes = vec![Arc::clone(&world.store), Arc::new(MemoryStore::new())];
        world.sleep(1).await;
        // The third is a copy of the first.
        lakes.push(copied(&world).await);
        let mut agreed = 0;
        for round in 1..7_usize {
            let other = table(&world, "clients").await.version();
            world.store = Arc::clone(&lakes[round % 3]);
            // Repeated until the versions agree, so that the next lake has the version of the item.
            let mut version = 0;
            while version < other {
                apply(&world, &create("clients"));
                apply(&world, &create("time_entries"));
                quiet(&world, None).await;
                for stream in KINDS {
                    let oracle = world.oracle();
                    let wrong = oracle.differences_of(stream, After::IncrementalPasses).await;
                    assert_eq!(wrong, Vec::<String>::new(), "round {round}");
                }
                world.sleep(1).await;
                version = table(&world, "clients").await.version();
            }
            agreed += u32::from(version == other);
        }
        assert!(agreed > 0, "version numbers agreed at least once");
    });
}

#[test]
fn a_lake_that_was_deleted_and_loaded_anew_is_not_taken_for_the_former() {
    story(async {
        let mut world = loaded(&AccountScale::tiny(), &["clients"]).await;
        // Another lake, loaded with its own state, which reads one new record.
        let former = (Arc::clone(&world.store), Arc::clone(&world.state));
        (world.store, world.state) = (Arc::new(MemoryStore::new()), Arc::default());
        quiet(&world, None).await;
        world.sleep(1).await;
        apply(&world, &create("clients"));
        quiet(&world, None).await;
        let (anew, version) = (Arc::clone(&world.store), table(&world, "clients").await.version());
        // The former lake reads another record and comes to the same version.
        world.sleep(1).await;
        apply(&world, &create("clients"));
        (world.store, world.state) = former;
        quiet(&world, None).await;
        assert_eq!(table(&world, "clients").await.version(), version);
        world.sleep(1).await;
        // The other lake is put in its place.
        world.store = anew;
        assert!(rows(&world, "clients").await != truth(&world, "clients"));
        quiet(&world, None).await;
        assert!(rows(&world, "clients").await == truth(&world, "clients"));
    });
}

#[test]
fn after_a_sweep_the_table_is_what_harvest_returns_also_where_it_went_back() {
    for stream in ["clients", "time_entries", "invoices", "roles"] {
        story(async {
            let mut world = World::new(&AccountScale::tiny(), 7);
            only(&mut world, &[stream]);
            world.stop_timers();
            quiet(&world, None).await;
            world.sleep(1).await;
            let before = world.account.lock().unwrap().clone();
            for _ in 0..4 {
                apply(&world, &Mutation::Update { stream: stream.to_owned(), id: None });
            }
            quiet(&world, Some(Pass::Full)).await;
            world.sleep(1).await;
            let newer = truth(&world, stream);
            *world.account.lock().unwrap() = before;
            assert_ne!(truth(&world, stream), newer, "Harvest was restored");
            quiet(&world, Some(Pass::Full)).await;
            right_again(&world, stream).await;
        });
    }
}

#[test]
fn what_an_incremental_pass_brought_while_a_sweep_was_under_way_stays() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["time_entries"]);
        world.stop_timers();
        quiet(&world, None).await;
        world.sleep(1).await;
        // A sweep that stops after its first pages, and a change before it goes on.
        let wish = Wish {
            pass: Some(Pass::Full),
            stop_after: Some(SignedDuration::from_millis(60)),
            impatient: true,
        };
        drop(sync_as(&world.process(None), wish).await.unwrap());
        for _ in 0..5 {
            apply(&world, &Mutation::Update { stream: "time_entries".to_owned(), id: None });
        }
        world.sleep(1).await;
        quiet(&world, Some(Pass::Incremental)).await;
        assert_eq!(rows(&world, "time_entries").await, truth(&world, "time_entries"));
        let synced = quiet(&world, Some(Pass::Full)).await;
        assert!(synced.reports.iter().all(|r| matches!(r.outcome, RunOutcome::Complete)));
        right_again(&world, "time_entries").await;
    });
}
