//! One story per guard on the deletion of rows, the moves of cursors, and the right to write.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use delta::store::ObjectStore;
use delta::table::Table;
use engine::item::ItemValue;
use engine::pass::{ParkedParent, Pass};
use engine::time::{Date, SignedDuration, Timestamp, plus};
use engine::window::{FixedFeeAmounts, WindowGrid};
use lives::oracle::{After, Contents};
use lives::storm::Freeze;
use lives::story::{
    apply, asked, calm, delete, fault, loaded, only, quiet, report, rows, status, story, truth,
};
use lives::world::{Conduct, Death, Jump, Wish, World, now, sync, sync_as};
use runtime::RunError;
use runtime::run::{RunOutcome, RunReport};
use sim::{AccountScale, FaultChoice, FaultEffect, Mutation, SwitchedModule};

/// Number of payments in the table by invoice.
async fn payments(world: &World) -> BTreeMap<i64, usize> {
    let mut counts = BTreeMap::new();
    for (_, parent) in children(world, "invoice_payments").await {
        *counts.entry(parent).or_default() += 1;
    }
    counts
}

/// Key and parent of each row of a table of children.
async fn children(world: &World, stream: &str) -> Vec<(i64, i64)> {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    use engine::spec::StreamKind;
    let spec = streams::find(stream).unwrap();
    let StreamKind::PerParent(parent) = &spec.kind else { panic!("no children") };
    let table = table(world, stream).await;
    let mut found = Vec::new();
    for file in table.files() {
        let key = format!("{}/{}", table.root(), file.path);
        let bytes = world.store.get(&key).await.unwrap().unwrap();
        for batch in lake::partition::read(table.schema(), file, bytes).unwrap() {
            let batch = batch.unwrap();
            let ids = batch.column_by_name("id").unwrap().as_primitive::<Int64Type>();
            let parents =
                batch.column_by_name(parent.parent_column).unwrap().as_primitive::<Int64Type>();
            found.extend((0..batch.num_rows()).map(|row| (ids.value(row), parents.value(row))));
        }
    }
    found
}

async fn table(world: &World, stream: &str) -> Table {
    let store: std::sync::Arc<dyn ObjectStore> =
        std::sync::Arc::<delta::store::MemoryStore>::clone(&world.store);
    let spec = streams::find(stream).unwrap();
    Table::open(store, spec, world.settings.account).await.unwrap().unwrap()
}

#[test]
fn a_deleted_role_vanishes() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["roles"]).await;
        let before = rows(&world, "roles").await;
        let mutation = Mutation::Delete { stream: "roles".to_owned(), id: None };
        let gone = apply(&world, &mutation);
        quiet(&world, None).await;
        let after = rows(&world, "roles").await;
        assert!(before.contains_key(&gone.to_string()) && !after.contains_key(&gone.to_string()));
        assert_eq!(after, truth(&world, "roles"));
    });
}

#[test]
fn a_removed_payment_vanishes_and_the_last_one_after_two_readings() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["invoice_payments"]).await;
        let (invoice, count) = payments(&world).await.into_iter().next().unwrap();
        for _ in 0..count {
            world.sleep(1).await;
            apply(&world, &Mutation::RemovePayment { id: Some(invoice) });
        }
        let before = asked(&world, "/invoices/{id}/payments");
        quiet(&world, None).await;
        assert_eq!(asked(&world, "/invoices/{id}/payments") - before, 2, "empty counts twice");
        assert_eq!(rows(&world, "invoice_payments").await, truth(&world, "invoice_payments"));
    });
}

#[test]
fn an_answer_that_is_empty_once_deletes_nothing() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["invoice_payments"]).await;
        let before = rows(&world, "invoice_payments").await;
        let (invoice, _) = payments(&world).await.into_iter().next().unwrap();
        let path = format!("/invoices/{invoice}/payments");
        fault(&world, &path, FaultChoice::Nth(1), FaultEffect::EmptyList);
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "invoice_payments").await, before);
    });
}

#[test]
fn only_harvests_own_404_of_the_parent_takes_its_children() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["invoice_payments"]).await;
        let (invoice, count) = payments(&world).await.into_iter().next().unwrap();
        apply(&world, &delete("invoices", invoice));
        let before = rows(&world, "invoice_payments").await;

        quiet(&world, None).await;
        assert_eq!(rows(&world, "invoice_payments").await, before, "incremental passes look not");

        fault(&world, &format!("/invoices/{invoice}"), FaultChoice::Always, status(404, true));
        let synced = quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "invoice_payments").await, before, "a page in HTML proves nothing");
        assert!(report(&synced, "invoice_payments").warning.is_some());

        calm(&world);
        world.sleep(1).await;
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "invoice_payments").await.len(), before.len() - count);
        assert_eq!(rows(&world, "invoice_payments").await, truth(&world, "invoice_payments"));
    });
}

#[test]
fn a_404_of_the_children_alone_parks_their_parent_and_deletes_nothing() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["invoice_payments"]).await;
        let before = rows(&world, "invoice_payments").await;
        let (invoice, _) = payments(&world).await.into_iter().next().unwrap();
        let path = format!("/invoices/{invoice}/payments");
        fault(&world, &path, FaultChoice::Always, status(404, false));
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "invoice_payments").await, before);
        let parked = world.item("invoice_payments").await.position.parked;
        let ids: Vec<i64> = match parked {
            ItemValue::Here(parked) => parked.into_keys().collect(),
            ItemValue::At(_) => Vec::new(),
        };
        assert_eq!(ids, [invoice]);
        calm(&world);
        world.sleep(1).await;
        quiet(&world, None).await;
        let parked = world.item("invoice_payments").await.position.parked;
        assert_eq!(parked, ItemValue::<BTreeMap<i64, ParkedParent>>::default());
    });
}

#[test]
fn a_user_who_is_no_manager_any_more_loses_teammates() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["user_teammates"]).await;
        assert!(!rows(&world, "user_teammates").await.is_empty());
        let token = sim::MANAGER_TOKEN.to_owned();
        apply(&world, &Mutation::SetRoles { token, roles: vec!["member".to_owned()] });
        quiet(&world, None).await;
        assert_eq!(rows(&world, "user_teammates").await, truth(&world, "user_teammates"));
    });
}

#[test]
fn a_report_row_that_vanishes_is_deleted() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["time_report_clients"]).await;
        let before = rows(&world, "time_report_clients").await.len();
        let entries: Vec<i64> = {
            let spec = streams::find("time_entries").unwrap();
            world.oracle().true_versions(spec).into_keys().collect()
        };
        for id in entries {
            let deleted = {
                let mut account = world.account.lock().unwrap();
                account.apply(now(&world), &delete("time_entries", id))
            };
            drop(deleted);
        }
        quiet(&world, Some(Pass::Full)).await;
        let after = rows(&world, "time_report_clients").await;
        assert!(after.len() < before, "{} of {before}", after.len());
        let wrong = world.oracle().differences_of("time_report_clients", After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn a_window_that_contradicts_itself_is_kept_raw_and_not_written() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["time_report_clients"]).await;
        let before = rows(&world, "time_report_clients").await;
        for _ in 0..5 {
            apply(&world, &Mutation::Create { stream: "time_entries".to_owned() });
        }
        fault(&world, "/reports/time/clients", FaultChoice::Always, FaultEffect::DuplicateRow);
        let synced = sync(&world.process(None), None).await.unwrap();
        assert_eq!(rows(&world, "time_report_clients").await, before);
        let report = report(&synced, "time_report_clients");
        assert!(matches!(report.error(), Some(RunError::Contradictory { .. })), "{report:?}");
        assert!(report.quarantined > 0 && report.warning.is_some(), "{report:?}");
        let raw = world.store.list("quarantine/time_report_clients/", None).await.unwrap();
        assert!(!raw.is_empty());
        let counted = world.item("time_report_clients").await.health.quarantine.records;
        assert_eq!(counted, report.quarantined);
        // A full pass with answers in order ends the warning.
        calm(&world);
        world.sleep(1).await;
        quiet(&world, Some(Pass::Full)).await;
        let raw = world.store.list("quarantine/time_report_clients/", None).await.unwrap();
        assert!(raw.is_empty());
        let counted = world.item("time_report_clients").await.health.quarantine.records;
        assert_eq!(counted, 0);
    });
}

#[test]
fn a_window_that_cannot_be_read_keeps_its_rows() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["time_report_clients"]).await;
        let before = rows(&world, "time_report_clients").await;
        for effect in [status(500, false), FaultEffect::HtmlPage, status(422, false)] {
            fault(&world, "/reports/time/clients?from=2026-02", FaultChoice::Always, effect);
            let synced = sync(&world.process(None), Some(Pass::Full)).await.unwrap();
            assert!(report(&synced, "time_report_clients").error().is_some());
            assert_eq!(rows(&world, "time_report_clients").await, before);
            calm(&world);
            world.sleep(1).await;
        }
        quiet(&world, None).await;
        assert_eq!(rows(&world, "time_report_clients").await, before);
    });
}

#[test]
fn a_row_written_after_the_reading_began_survives_it() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["roles"]);
        // By its clock the rows were written almost a minute from now. A clock further ahead is
        // not believed.
        let ahead = SignedDuration::from_secs(55);
        let early = world.process_with(Conduct { ahead, ..Conduct::default() });
        sync(&early, None).await.unwrap();
        let before = rows(&world, "roles").await;
        apply(&world, &Mutation::Delete { stream: "roles".to_owned(), id: None });
        let event = runtime::invoke::WorkerEvent {
            stream: "roles".to_owned(),
            pass: Pass::Full,
            tick: None,
            accept_deletes: true,
        };
        let report = worker::work(&world.process(None), &event, None).await.unwrap();
        assert!(matches!(report.outcome, RunOutcome::Complete), "{report:?}");
        assert!(report.requests > 0);
        assert_eq!(rows(&world, "roles").await, before);
        world.sleep(1).await;
        quiet(&world, None).await;
        assert_eq!(rows(&world, "roles").await, truth(&world, "roles"));
    });
}

#[test]
fn nothing_is_deleted_while_nobody_says_that_the_module_is_on() {
    story(async {
        let mut world = loaded(&AccountScale::tiny(), &["expenses"]).await;
        let before = rows(&world, "expenses").await;
        let id = before.keys().find_map(|key| key.parse().ok()).unwrap();
        apply(&world, &delete("expenses", id));
        fault(&world, "/v2/company", FaultChoice::Always, status(403, false));
        world.sleep(1).await;
        let synced = sync(&world.process(None), Some(Pass::Full)).await.unwrap();
        let report = report(&synced, "expenses");
        assert!(matches!(report.error(), Some(RunError::ModuleUnknown { .. })), "{report:?}");
        assert_eq!(rows(&world, "expenses").await, before);
        // The operator knows it.
        world.sleep(1).await;
        world.settings.accept_deletes = true;
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "expenses").await, truth(&world, "expenses"));
    });
}

#[test]
fn a_refusal_of_a_managers_teammates_is_no_empty_list() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["user_teammates"]).await;
        let before = rows(&world, "user_teammates").await;
        assert!(!before.is_empty());
        fault(&world, "/teammates", FaultChoice::Always, status(422, false));
        world.sleep(1).await;
        for pass in [Some(Pass::Full), None, Some(Pass::Full)] {
            let synced = sync(&world.process(None), pass).await.unwrap();
            let report = report(&synced, "user_teammates");
            assert!(report.parked > 0 || report.error().is_some(), "{pass:?}: {report:?}");
            assert_eq!(rows(&world, "user_teammates").await, before, "{pass:?}");
            world.sleep(1).await;
        }
        calm(&world);
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "user_teammates").await, before);
        assert_eq!(world.item("user_teammates").await.position.parked, ItemValue::default());
    });
}

/// Many invoices with their messages, of which most invoices are deleted.
async fn mass_deletion() -> World {
    let scale = AccountScale { invoices: 250, ..AccountScale::tiny() };
    let world = loaded(&scale, &["invoice_messages"]).await;
    let held = children(&world, "invoice_messages").await;
    let parents: BTreeSet<i64> = held.iter().map(|(_, parent)| *parent).collect();
    let doomed: Vec<i64> = parents.into_iter().skip(10).collect();
    let lost = held.iter().filter(|(_, parent)| doomed.contains(parent)).count();
    assert!(lost > 120, "{lost} messages are enough to be refused");
    for id in doomed {
        apply(&world, &delete("invoices", id));
    }
    apply(&world, &Mutation::AddMessage { stream: "invoices".to_owned(), id: None });
    world
}

#[test]
fn a_mass_delete_is_refused_with_the_command_that_accepts_it() {
    story(async {
        let mut world = mass_deletion().await;
        let before = rows(&world, "invoice_messages").await;
        let synced = sync(&world.process(None), Some(Pass::Full)).await.unwrap();
        let failure = synced.failures().join("\n");
        assert!(failure.contains("--streams invoice_messages --pass full --accept-deletes"));
        let after = rows(&world, "invoice_messages").await;
        assert_eq!(after.len(), before.len() + 1, "new rows are written, none is deleted");
        world.sleep(1).await;
        world.settings.accept_deletes = true;
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "invoice_messages").await, truth(&world, "invoice_messages"));
    });
}

#[test]
fn a_pass_of_many_flushes_deletes_no_more_than_one_of_few() {
    story(async {
        let mut world = mass_deletion().await;
        // The last of the listed parents are read in later runs than the first.
        let wish = Wish {
            pass: Some(Pass::Full),
            stop_after: Some(SignedDuration::from_millis(400)),
            impatient: true,
        };
        let before = rows(&world, "invoice_messages").await.len();
        for _ in 0..10 {
            drop(sync_as(&world.process(None), wish).await.unwrap());
            world.sleep(1).await;
        }
        let after = rows(&world, "invoice_messages").await.len();
        assert!(after + 100 >= before, "{after} of {before}");
        world.settings.accept_deletes = true;
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "invoice_messages").await, truth(&world, "invoice_messages"));
    });
}

#[test]
fn a_refusal_before_the_last_flush_is_not_forgotten() {
    story(async {
        let mut world = mass_deletion().await;
        let wish = Wish {
            pass: Some(Pass::Full),
            stop_after: Some(SignedDuration::from_millis(400)),
            impatient: true,
        };
        let begun = world.item("invoice_messages").await.position.full.last_begun;
        let mut refusals = 0;
        for _ in 0..12 {
            let synced = sync_as(&world.process(None), wish).await.unwrap();
            let refused = |report: &RunReport| {
                matches!(report.error(), Some(RunError::DeletesRefused { .. }))
            };
            refusals += synced.reports.iter().filter(|report| refused(report)).count();
            world.sleep(1).await;
        }
        assert!(refusals > 0);
        assert_eq!(world.item("invoice_messages").await.position.full.last_begun, begun);
        world.settings.accept_deletes = true;
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "invoice_messages").await, truth(&world, "invoice_messages"));
    });
}

#[test]
fn a_refused_delete_of_an_incremental_pass_comes_again() {
    story(async {
        let scale = AccountScale { invoices: 250, ..AccountScale::tiny() };
        let mut world = loaded(&scale, &["invoice_payments"]).await;
        for (invoice, count) in payments(&world).await {
            for _ in 0..count {
                apply(&world, &Mutation::RemovePayment { id: Some(invoice) });
            }
        }
        let synced = sync(&world.process(None), None).await.unwrap();
        assert_eq!(synced.failures().len(), 1, "{:?}", synced.failures());
        world.sleep(1).await;
        world.settings.accept_deletes = true;
        quiet(&world, Some(Pass::Incremental)).await;
        assert_eq!(rows(&world, "invoice_payments").await, Contents::new());
    });
}

/// Of two readings the later one counts, and by its clock the pass would read before the last one.
#[test]
fn a_clock_put_back_during_a_full_pass_leaves_no_old_version() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 3);
        world.settings.streams = Some(["time_entries".to_owned()].into());
        // Rows are merged all along the pass.
        world.settings.flush_bytes = 20_000;
        world.settings.collect_memory = 10_000;
        world.stop_timers();
        assert_eq!(sync(&world.process(None), None).await.unwrap().failures(), [""; 0]);
        world.sleep(1).await;
        world.mutate(5, 100);
        world.stop_timers();
        world.account.lock().unwrap().set_page_cap("/v2/time_entries?", 5);
        let month = SignedDuration::from_hours(-720);
        let jump = Jump { after: SignedDuration::from_millis(400), by: month };
        let context = world.process_with(Conduct { jump: Some(jump), ..Conduct::default() });
        assert_eq!(sync(&context, Some(Pass::Full)).await.unwrap().failures(), [""; 0]);
        assert_eq!(world.oracle().differences(After::FullPasses).await, [""; 0]);
    });
}

#[test]
fn a_frozen_worker_that_wakes_up_commits_nothing() {
    story(async {
        let scale = AccountScale::tiny();
        let mut fenced = 0;
        for after_calls in (1..60).step_by(4) {
            let mut world = World::new(&scale, 7);
            only(&mut world, &["time_entries"]);
            quiet(&world, None).await;
            world.sleep(1).await;
            world.mutate(1, 200);
            let freeze =
                Some(Freeze { at: None, after_calls, lasts: SignedDuration::from_mins(5) });
            let frozen = world.process_with(Conduct { freeze, ..Conduct::default() });
            let awake = world.process(None);
            let later = async {
                frozen.clock.sleep_until(plus(now(&world), SignedDuration::from_secs(20))).await;
                world.mutate(2, 50);
                sync(&awake, None).await.unwrap()
            };
            let (first, second) = futures::join!(sync(&frozen, None), later);
            assert_eq!(second.failures(), Vec::<String>::new());
            let first = first.unwrap();
            let lost = |report: &RunReport| {
                matches!(report.outcome, RunOutcome::Failed(RunError::LostLease { .. }))
            };
            if first.reports.iter().any(lost) {
                fenced += 1;
                let spec = streams::find("time_entries").unwrap();
                let commits = lives::watch::commits(&world, spec).await;
                let epochs: Vec<u64> = commits.iter().map(|commit| commit.0).collect();
                assert!(epochs.is_sorted(), "frozen at call {after_calls}: {commits:?}");
                // The run that takes over commits a fence first, so that its later reads stay true.
                let fence = commits.iter().find(|commit| Some(&commit.0) == epochs.last());
                assert_eq!(fence.unwrap().1, "FENCE", "frozen at call {after_calls}: {commits:?}");
            }
            world.sleep(1).await;
            quiet(&world, None).await;
            let wrong =
                world.oracle().differences_of("time_entries", After::IncrementalPasses).await;
            assert_eq!(wrong, Vec::<String>::new(), "frozen at call {after_calls}");
        }
        assert!(fenced > 0, "no lease was lost");
    });
}

#[test]
fn a_commit_whose_state_write_was_lost_is_picked_up() {
    story(async {
        let mut commits = 0;
        for after_calls in 0..60 {
            let mut world = World::new(&AccountScale::tiny(), 7);
            only(&mut world, &["clients"]);
            quiet(&world, None).await;
            world.sleep(1).await;
            apply(&world, &Mutation::Create { stream: "clients".to_owned() });
            // Before the overlap of an incremental pass.
            world.sleep(1).await;
            let before = table(&world, "clients").await.version();
            let death = Death { after_calls, effect: true };
            drop(sync(&world.process(Some(death)), None).await);
            let item = world.item("clients").await;
            let lags = item.version < table(&world, "clients").await.version();
            world.sleep(1).await;
            let synced = quiet(&world, None).await;
            if lags && item.version == before {
                commits += 1;
                assert_eq!(
                    report(&synced, "clients").counts,
                    engine::report::RowCounts {
                        unchanged: report(&synced, "clients").counts.unchanged,
                        ..engine::report::RowCounts::default()
                    }
                );
            }
            let wrong = world.oracle().differences_of("clients", After::IncrementalPasses).await;
            assert_eq!(wrong, Vec::<String>::new(), "died at call {after_calls}");
        }
        assert!(commits > 0, "no death between commit and state");
    });
}

#[test]
fn what_dead_attempts_left_goes_within_a_week_and_nothing_younger() {
    story(async {
        let mut world = loaded(&AccountScale::tiny(), &["clients"]).await;
        // As in a bucket, where removed files stay for the retention.
        world.settings.tidy_at_once = false;
        let old = ["tables/clients/1-1-dead-0.parquet", "work/clients/full-1/resume-dead.json"];
        let young = ["tables/clients/1-1-beef-0.parquet", "work/clients/full-2/resume-beef.json"];
        let foreign = "tables/clients/part-0000.snappy.parquet";
        world.store.set_now(now(&world));
        for key in old.iter().chain([&foreign]) {
            world.store.put(key, "left".into()).await.unwrap();
        }
        for (days, gone) in [(8, true), (2, false)] {
            world.sleep(24 * days - 1).await;
            world.store.set_now(now(&world));
            for key in young {
                world.store.put(key, "left".into()).await.unwrap();
            }
            world.sleep(1).await;
            apply(&world, &Mutation::Create { stream: "clients".to_owned() });
            quiet(&world, None).await;
            for key in old {
                let found = world.store.get(key).await.unwrap();
                assert_eq!(found.is_none(), gone, "{key} after {days} days");
                world.store.put(key, "left again".into()).await.unwrap();
            }
            for key in young.iter().chain([&foreign]) {
                assert!(world.store.get(key).await.unwrap().is_some(), "{key} is gone");
            }
        }
    });
}

#[test]
fn a_lost_state_table_is_repaired_from_the_tables() {
    story(async {
        let mut world =
            loaded(&AccountScale::tiny(), &["clients", "invoice_payments", "time_entries"]).await;
        let cursor = world.item("clients").await.position.cursor;
        assert!(cursor.is_some());
        world.forget_state().await;
        let synced = quiet(&world, None).await;
        let full = synced.reports.iter().filter(|report| report.pass == Pass::Full);
        assert_eq!(full.map(|report| report.stream).collect::<Vec<_>>(), Vec::<&str>::new());
        assert!(world.item("clients").await.position.cursor >= cursor);
    });
}

#[test]
fn a_lost_lake_is_read_anew() {
    story(async {
        let mut world = loaded(&AccountScale::tiny(), &["clients", "time_entries"]).await;
        world.store = std::sync::Arc::new(delta::store::MemoryStore::new());
        quiet(&world, None).await;
        for stream in ["clients", "time_entries"] {
            let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
            assert_eq!(wrong, Vec::<String>::new());
        }
    });
}

#[test]
fn a_list_that_never_adds_up_keeps_the_cursor() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["time_entries"]).await;
        let cursor = world.item("time_entries").await.position.cursor;
        apply(&world, &Mutation::Create { stream: "time_entries".to_owned() });
        fault(&world, "/time_entries", FaultChoice::Always, FaultEffect::WrongTotal(1));
        let synced = sync(&world.process(None), None).await.unwrap();
        let failures = synced.failures();
        assert!(failures.iter().any(|why| why.contains("contradict themselves")), "{failures:?}");
        assert_eq!(world.item("time_entries").await.position.cursor, cursor);
        let wrong = world.oracle().differences_of("time_entries", After::IncrementalPasses).await;
        assert_eq!(wrong, Vec::<String>::new(), "what was read is kept all the same");
        calm(&world);
        world.sleep(1).await;
        quiet(&world, None).await;
        assert!(world.item("time_entries").await.position.cursor > cursor);
    });
}

#[test]
fn a_date_from_the_future_moves_no_cursor_there() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        *world.date_ahead.lock().unwrap() = SignedDuration::from_hours(24 * 365);
        quiet(&world, None).await;
        *world.date_ahead.lock().unwrap() = SignedDuration::ZERO;
        assert!(world.item("clients").await.position.cursor < Some(now(&world)));
        world.sleep(1).await;
        apply(&world, &Mutation::Create { stream: "clients".to_owned() });
        quiet(&world, None).await;
        let wrong = world.oracle().differences_of("clients", After::IncrementalPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}

/// `spent_date` of the oldest row.
async fn oldest_day(world: &World) -> Date {
    let table = table(world, "time_entries").await;
    let mut oldest = Date::MAX;
    for file in table.files() {
        use arrow::array::AsArray;
        let key = format!("{}/{}", table.root(), file.path);
        let bytes = world.store.get(&key).await.unwrap().unwrap();
        for batch in lake::partition::read(table.schema(), file, bytes).unwrap() {
            let batch = batch.unwrap();
            let days = batch.column_by_name("spent_date").unwrap();
            let days = days.as_primitive::<arrow::datatypes::Date32Type>();
            for day in days.values() {
                let day = Timestamp::UNIX_EPOCH
                    .checked_add(SignedDuration::from_hours(24 * i64::from(*day)))
                    .unwrap();
                oldest = oldest.min(engine::time::utc_day(day));
            }
        }
    }
    oldest
}

#[test]
fn a_first_day_bounds_full_passes_and_an_earlier_one_starts_another() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["time_entries"]);
        let start: Date = "2025-12-01".parse().unwrap();
        world.settings.start_date = Some(start);
        quiet(&world, None).await;
        assert!(oldest_day(&world).await >= start);
        let many = rows(&world, "time_entries").await.len();

        world.sleep(1).await;
        world.settings.start_date = Some("2026-02-01".parse().unwrap());
        quiet(&world, None).await;
        assert_eq!(rows(&world, "time_entries").await.len(), many, "a later day deletes nothing");

        world.sleep(1).await;
        world.settings.start_date = None;
        quiet(&world, None).await;
        let wrong = world.oracle().differences_of("time_entries", After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn a_first_day_that_moves_during_a_pass_begins_it_anew() {
    story(async {
        let scale = AccountScale { time_entries: 9_000, ..AccountScale::tiny() };
        let mut world = World::new(&scale, 7);
        only(&mut world, &["time_entries"]);
        world.settings.start_date = Some("2025-12-01".parse().unwrap());
        world.settings.requests_in_flight = 1;
        let stopped = world.process(None);
        orchestrator::prepare(&stopped).await.unwrap();
        let event = runtime::invoke::WorkerEvent {
            stream: "time_entries".to_owned(),
            pass: Pass::Full,
            tick: None,
            accept_deletes: false,
        };
        worker::work(&stopped, &event, Some(now(&world))).await.unwrap();
        assert!(world.item("time_entries").await.position.full.unfinished.is_some());
        world.settings.start_date = None;
        world.sleep(1).await;
        quiet(&world, None).await;
        let wrong = world.oracle().differences_of("time_entries", After::FullPasses).await;
        assert_eq!(wrong.len(), 0, "{:?}", wrong.first());
    });
}

#[test]
fn another_grid_is_refused_until_the_report_is_read_anew() {
    story(async {
        let stream = "time_report_team";
        let mut world = loaded(&AccountScale::tiny(), &[stream]).await;
        let before = rows(&world, stream).await;
        world.settings.grid = WindowGrid::Quarter;
        let synced = sync(&world.process(None), None).await.unwrap();
        assert!(matches!(
            report(&synced, stream).error(),
            Some(RunError::OtherGrid { has: WindowGrid::Month, wanted: WindowGrid::Quarter, .. })
        ));
        assert_eq!(rows(&world, stream).await, before);
        let spec = streams::find(stream).unwrap();
        let reset = runtime::operate::reset::reset(&world.process(None), spec).await.unwrap();
        assert_eq!(reset, Ok(()));
        world.sleep(1).await;
        quiet(&world, None).await;
        let after = rows(&world, stream).await;
        let quarter = |key: &String| ["03-31", "06-30", "09-30", "12-31"].contains(&&key[16..21]);
        assert!(!after.is_empty() && after.keys().all(quarter), "{:?}", after.keys());
    });
}

/// Rows with and without amounts of fixed fees are never in one table.
#[test]
fn other_amounts_of_fixed_fees_are_refused_until_the_report_is_read_anew() {
    story(async {
        let (time, expenses) = ("time_report_projects", "expense_report_projects");
        let mut world = loaded(&AccountScale::tiny(), &[time, expenses]).await;
        assert_eq!(rows(&world, time).await, truth(&world, time));
        for (has, wanted) in [
            (FixedFeeAmounts::Zero, FixedFeeAmounts::Rates),
            (FixedFeeAmounts::Rates, FixedFeeAmounts::Zero),
        ] {
            let before = rows(&world, time).await;
            world.settings.fixed_fees = wanted;
            let synced = sync(&world.process(None), None).await.unwrap();
            let Some(RunError::OtherFixedFees { has: held, wanted: asked, .. }) =
                report(&synced, time).error()
            else {
                panic!("{:?}", synced.failures());
            };
            assert_eq!((*held, *asked), (has, wanted));
            // Reports without such amounts go on.
            assert!(report(&synced, expenses).error().is_none());
            assert_eq!(rows(&world, time).await, before);
            let spec = streams::find(time).unwrap();
            let reset = runtime::operate::reset::reset(&world.process(None), spec).await.unwrap();
            assert_eq!(reset, Ok(()));
            world.sleep(1).await;
            quiet(&world, None).await;
            let after = rows(&world, time).await;
            assert!(after.keys().eq(before.keys()));
            assert_ne!(after, before);
            assert_eq!(after == truth(&world, time), wanted == FixedFeeAmounts::Zero);
        }
    });
}

#[test]
fn running_timers_are_read_again() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["time_entries"]).await;
        apply(&world, &Mutation::StartTimer);
        quiet(&world, None).await;
        for _ in 0..2 {
            world.sleep(2).await;
            let synced = quiet(&world, None).await;
            assert_eq!(report(&synced, "time_entries").counts.updated, 1);
        }
        world.stop_timers();
        world.sleep(1).await;
        quiet(&world, None).await;
        let wrong = world.oracle().differences_of("time_entries", After::IncrementalPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn undated_estimates_are_read_too() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["estimates"]);
        apply(&world, &Mutation::Undate { id: None });
        // With a date range, so that no answer contains the undated record by itself.
        world.settings.start_date = Some("2025-01-01".parse().unwrap());
        quiet(&world, None).await;
        let wrong = world.oracle().differences_of("estimates", After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn somebody_with_fewer_roles_writes_and_claims_nothing() {
    story(async {
        let streams = ["time_entries", "projects", "user_teammates", "time_report_team", "roles"];
        let world = loaded(&AccountScale::tiny(), &streams).await;
        let mut before = Vec::new();
        for stream in streams {
            before.push((rows(&world, stream).await, world.item(stream).await.position.cursor));
        }
        world.mutate(5, 60);
        for pass in [None, Some(Pass::Full)] {
            world.sleep(1).await;
            let token = sim::MANAGER_TOKEN;
            let manager = world.process_with(Conduct { token, ..Conduct::default() });
            let synced = sync(&manager, pass).await.unwrap();
            for (stream, before) in streams.iter().zip(&before) {
                let report = report(&synced, stream);
                let lost = matches!(report.error(), Some(RunError::RolesLost { .. }));
                assert!(lost, "{stream}: {:?}", report.outcome);
                let after = (rows(&world, stream).await, world.item(stream).await.position.cursor);
                assert!(after == *before, "{stream} moved");
            }
        }
        world.sleep(1).await;
        quiet(&world, None).await;
        for stream in ["time_entries", "projects"] {
            let wrong = world.oracle().differences_of(stream, After::IncrementalPasses).await;
            assert_eq!(wrong, Vec::<String>::new());
        }
    });
}

#[test]
fn somebody_with_fewer_roles_is_accepted_once_also_where_nothing_has_changed() {
    story(async {
        let mut world = loaded(&AccountScale::tiny(), &["projects"]).await;
        let before = rows(&world, "projects").await;
        let manager = |world: &World| {
            let token = sim::MANAGER_TOKEN;
            world.process_with(Conduct { token, ..Conduct::default() })
        };
        world.settings.accept_role = true;
        world.sleep(1).await;
        assert_eq!(sync(&manager(&world), None).await.unwrap().failures(), [""; 0]);
        assert!(rows(&world, "projects").await == before, "no row has changed");
        let roles = world.item("projects").await.position.roles;
        assert!(!roles.iter().any(|role| role == "administrator"), "{roles:?}");
        world.settings.accept_role = false;
        world.sleep(1).await;
        apply(&world, &Mutation::Create { stream: "projects".to_owned() });
        assert_eq!(sync(&manager(&world), None).await.unwrap().failures(), [""; 0]);
    });
}

#[test]
fn a_damaged_file_is_a_matter_of_its_table() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        let files = world.store.list("tables/clients/", None).await.unwrap();
        let files = files.into_iter().map(|object| object.key);
        let file = files.into_iter().find(|key| key.ends_with(".parquet")).unwrap();
        world.store.put(&file, "no Parquet".into()).await.unwrap();
        apply(&world, &Mutation::Create { stream: "clients".to_owned() });
        world.sleep(1).await;
        let synced = sync(&world.process(None), None).await.unwrap();
        let error = report(&synced, "clients").error().unwrap();
        assert_eq!(error.error_type(), "TableUnusable");
        let text = error.chain();
        assert!(text.contains(file.rsplit('/').next().unwrap()), "{text}");
    });
}

#[test]
fn a_pass_that_finds_nothing_moves_no_cursor_and_asks_nobody() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        let cursor = world.item("clients").await.position.cursor;
        let context = world.process(None);
        let account = orchestrator::prepare(&context).await.unwrap();
        assert_eq!(account.roles, ["administrator"]);
        // The person may still read clients, but is no administrator any more.
        let token = sim::ADMINISTRATOR_TOKEN.to_owned();
        let roles = vec!["manager".to_owned(), "client_and_task_manager".to_owned()];
        apply(&world, &Mutation::SetRoles { token, roles });
        let event = runtime::invoke::WorkerEvent {
            stream: "clients".to_owned(),
            pass: Pass::Incremental,
            tick: None,
            accept_deletes: false,
        };
        // A pass without changes makes no claim, so it does not ask for the person.
        let report = worker::work(&context, &event, None).await.unwrap();
        assert!(report.error().is_none(), "{report:?}");
        assert_eq!((report.requests, report.records), (1, 0));
        assert_eq!(world.item("clients").await.position.cursor, cursor);
    });
}

#[test]
fn roles_that_are_lost_while_the_same_is_read_again_move_no_cursor() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        let context = world.process(None);
        let event = runtime::invoke::WorkerEvent {
            stream: "clients".to_owned(),
            pass: Pass::Incremental,
            tick: None,
            accept_deletes: false,
        };
        apply(&world, &Mutation::Update { stream: "clients".to_owned(), id: None });
        let report = worker::work(&context, &event, None).await.unwrap();
        assert_eq!(report.counts.updated, 1, "{report:?}");
        let cursor = world.item("clients").await.position.cursor;
        let token = sim::ADMINISTRATOR_TOKEN.to_owned();
        let roles = vec!["manager".to_owned(), "client_and_task_manager".to_owned()];
        apply(&world, &Mutation::SetRoles { token, roles });
        let soon = plus(context.clock.now(), SignedDuration::from_secs(60));
        context.clock.sleep_until(soon).await;
        // The changed client is within the overlap: it is read, and nothing changes.
        let report = worker::work(&context, &event, None).await.unwrap();
        assert!(matches!(report.error(), Some(RunError::RolesLost { .. })), "{report:?}");
        assert_eq!(world.item("clients").await.position.cursor, cursor);
    });
}

#[test]
fn a_module_that_is_off_keeps_its_rows() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["invoices", "invoice_payments"]).await;
        let before = rows(&world, "invoice_payments").await;
        let switch =
            |on| Mutation::SwitchModule { module: SwitchedModule::Invoice, on, silent: false };
        apply(&world, &switch(false));
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(rows(&world, "invoice_payments").await, before);
        apply(&world, &switch(true));
        world.sleep(1).await;
        quiet(&world, None).await;
        assert_eq!(rows(&world, "invoice_payments").await, before);
    });
}

#[test]
fn parents_that_one_pass_parks_are_known_to_the_other() {
    story(async {
        let mut world = loaded(&AccountScale::tiny(), &["invoice_payments"]).await;
        let (invoice, _) = payments(&world).await.into_iter().next().unwrap();
        world.settings.requests_in_flight = 6;
        // A full pass that is stopped when it has read that parent.
        let stopped = world.process(None);
        orchestrator::prepare(&stopped).await.unwrap();
        let event = |pass| runtime::invoke::WorkerEvent {
            stream: "invoice_payments".to_owned(),
            pass,
            tick: None,
            accept_deletes: false,
        };
        let deadline = Some(plus(now(&world), SignedDuration::from_millis(60_130)));
        let report = worker::work(&stopped, &event(Pass::Full), deadline).await.unwrap();
        assert!(matches!(report.outcome, RunOutcome::Yielded(_)), "{report:?}");
        // An incremental pass that cannot read one parent.
        world.sleep(1).await;
        apply(&world, &Mutation::Update { stream: "invoices".to_owned(), id: Some(invoice) });
        let path = format!("/invoices/{invoice}/payments");
        fault(&world, &path, FaultChoice::Always, status(500, false));
        let report = worker::work(&stopped, &event(Pass::Incremental), None).await.unwrap();
        assert_eq!(report.parked, 1, "{report:?}");
        // The full pass goes on, cannot either, and must not forget.
        let report = worker::work(&stopped, &event(Pass::Full), None).await.unwrap();
        assert_eq!(report.parked, 1, "{report:?}");
        calm(&world);
        world.sleep(1).await;
        quiet(&world, None).await;
        assert_eq!(rows(&world, "invoice_payments").await, truth(&world, "invoice_payments"));
    });
}
