//! Records with values of another JSON type: a value that fits exactly is kept, and a list without
//! any usable record is a failure, not an empty list.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use delta::store::ObjectStore;
use engine::drift::DriftKind;
use engine::pass::Pass;
use lives::story::{
    apply, asked, calm, fault, loaded, only, quiet, report, rows, status, story, truth,
};
use lives::world::{Synced, World, sync};
use runtime::RunError;
use sim::{AccountScale, FaultChoice, FaultEffect, Mutation, ValueRewrite};

fn rewritten(world: &World, path: &str, select: FaultChoice, how: ValueRewrite) {
    fault(world, path, select, FaultEffect::Rewritten(how));
}

async fn quarantined(world: &World, stream: &str) -> usize {
    world.store.list(&format!("quarantine/{stream}/"), None).await.unwrap().len()
}

/// A sync in which exactly this stream fails, because none of its records can become a row.
async fn unusable(world: &World, stream: &str, pass: Option<Pass>) -> Synced {
    let synced = sync(&world.process(None), pass).await.unwrap();
    assert_eq!(synced.failures().len(), 1, "{:?}", synced.failures());
    let error = report(&synced, stream).error().unwrap();
    assert!(matches!(error, RunError::Unusable { .. }), "{error:?}");
    let health = world.item(stream).await.health;
    assert!(health.last_error.is_some() && health.failures > 0, "{health:?}");
    synced
}

#[test]
fn numbers_and_flags_that_come_as_text_are_in_their_columns() {
    story(async {
        let streams = [
            "clients",
            "time_entries",
            "invoices",
            "invoice_payments",
            "user_billable_rates",
            "user_project_assignments",
            "time_report_clients",
            "project_budget_report",
        ];
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &streams);
        rewritten(&world, "", FaultChoice::Always, ValueRewrite::AsText);
        let synced = quiet(&world, None).await;
        for stream in streams {
            assert_eq!(rows(&world, stream).await, truth(&world, stream), "{stream}");
            let report = report(&synced, stream);
            assert!(report.misfits.is_empty() && report.quarantined == 0, "{report:?}");
            assert!(!report.converted.is_empty(), "{stream}");
            assert!(report.drift.iter().all(|it| it.what == DriftKind::Converted), "{report:?}");
        }
        let invoices = report(&synced, "invoices");
        assert!(invoices.converted.contains_key("line_items[].amount"), "{invoices:?}");
        // The other type alone makes no run write anything again.
        calm(&world);
        world.sleep(1).await;
        let synced = quiet(&world, Some(Pass::Full)).await;
        assert_eq!(synced.commits(), 0);
    });
}

#[test]
fn numbers_beyond_a_column_are_told_as_such_and_kept_raw() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["time_entries"]);
        rewritten(&world, "/time_entries", FaultChoice::Always, ValueRewrite::Finer);
        let synced = quiet(&world, None).await;
        let report = report(&synced, "time_entries");
        let hours = report.drift.iter().find(|it| it.member == "hours").unwrap();
        assert_eq!((hours.what, hours.times), (DriftKind::Finer, report.misfits["hours"]));
        assert_eq!(report.drift[0].what, DriftKind::Finer);
    });
}

#[test]
fn a_first_load_of_which_nothing_can_be_a_row_is_a_failure() {
    for stream in ["clients", "time_entries", "roles", "project_budget_report"] {
        story(async move {
            let mut world = World::new(&AccountScale::tiny(), 7);
            only(&mut world, &[stream]);
            let path = if stream.ends_with("report") { "/reports/" } else { stream };
            rewritten(&world, path, FaultChoice::Always, ValueRewrite::OtherIds);
            unusable(&world, stream, None).await;
            assert!(rows(&world, stream).await.is_empty());
            let position = world.item(stream).await.position;
            assert_eq!((position.cursor, position.full.last_begun), (None, None), "{stream}");
            assert!(position.full.unfinished.is_none());
            assert_eq!(quarantined(&world, stream).await, 1);
            // No cursor was set: once the records are as before, all are read.
            calm(&world);
            world.sleep(1).await;
            quiet(&world, None).await;
            assert_eq!(rows(&world, stream).await, truth(&world, stream), "{stream}");
            assert_eq!(quarantined(&world, stream).await, 0);
        });
    }
}

#[test]
fn a_list_whose_records_all_became_unusable_deletes_nothing_and_stays_where_it_is() {
    let streams = [
        ("clients", "/clients"),
        ("time_entries", "/time_entries"),
        ("roles", "/roles"),
        ("time_report_clients", "/reports/"),
        ("invoice_payments", "/payments"),
        // The parents have no usable ids any more.
        ("invoice_payments", "/invoices?"),
        ("user_project_assignments", "/user_assignments?"),
    ];
    for (stream, path) in streams {
        for pass in [Pass::Full, Pass::Incremental] {
            story(async move {
                let world = loaded(&AccountScale::tiny(), &[stream]).await;
                let (before, item) = (rows(&world, stream).await, world.item(stream).await);
                rewritten(&world, path, FaultChoice::Always, ValueRewrite::OtherIds);
                let synced = sync(&world.process(None), Some(pass)).await.unwrap();
                let ran = synced.reports.iter().rfind(|report| report.stream == stream);
                let failed = ran.is_some_and(|report| report.error().is_some());
                // A list without changes has no unusable record.
                let quiet_pass = ran.is_none_or(|report| report.records == 0);
                assert!(failed || (pass == Pass::Incremental && quiet_pass), "{stream}, {path}");
                assert_eq!(rows(&world, stream).await, before, "{stream}, {path}");
                if failed {
                    let position = world.item(stream).await.position;
                    assert_eq!(position.cursor, item.position.cursor);
                    assert_eq!(position.pass(pass).last_begun, item.position.pass(pass).last_begun);
                }
                calm(&world);
                world.sleep(1).await;
                quiet(&world, Some(Pass::Full)).await;
                assert_eq!(rows(&world, stream).await, truth(&world, stream), "{stream}, {path}");
            });
        }
    }
}

#[test]
fn parents_that_the_listing_no_longer_names_are_not_taken_for_gone() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["invoice_payments"]).await;
        let before = rows(&world, "invoice_payments").await;
        rewritten(&world, "/invoices?", FaultChoice::Always, ValueRewrite::OtherIds);
        // The stored ids are not found any more.
        fault(&world, "/invoices/", FaultChoice::Always, status(404, false));
        unusable(&world, "invoice_payments", Some(Pass::Full)).await;
        assert_eq!(rows(&world, "invoice_payments").await, before);
        assert_eq!(asked(&world, "/invoices/{id}"), 0);
    });
}

#[test]
fn a_change_that_cannot_be_used_leaves_the_cursor_before_it() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        let before = world.item("clients").await.position;
        apply(&world, &Mutation::Create { stream: "clients".to_owned() });
        rewritten(&world, "/clients?", FaultChoice::Always, ValueRewrite::OtherIds);
        unusable(&world, "clients", Some(Pass::Incremental)).await;
        let after = world.item("clients").await.position;
        assert_eq!(after.cursor, before.cursor);
        assert_eq!(after.incremental.last_begun, before.incremental.last_begun);
        calm(&world);
        world.sleep(1).await;
        quiet(&world, Some(Pass::Incremental)).await;
        assert_eq!(rows(&world, "clients").await, truth(&world, "clients"));
    });
}

#[test]
fn one_page_of_several_without_a_usable_record_fails_the_pass_and_the_others_come_in() {
    story(async {
        let scale = AccountScale { contacts: 4_100, ..AccountScale::tiny() };
        let mut world = World::new(&scale, 7);
        only(&mut world, &["contacts"]);
        rewritten(&world, "/contacts", FaultChoice::Nth(2), ValueRewrite::OtherIds);
        unusable(&world, "contacts", None).await;
        let came = rows(&world, "contacts").await.len();
        assert_eq!(came, truth(&world, "contacts").len() - 2_000);
        assert_eq!(world.item("contacts").await.position.cursor, None);
        world.sleep(1).await;
        quiet(&world, None).await;
        assert_eq!(rows(&world, "contacts").await, truth(&world, "contacts"));
    });
}

#[test]
fn one_parent_or_window_without_a_usable_record_stops_no_other() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["user_billable_rates"]).await;
        let before = rows(&world, "user_billable_rates").await;
        rewritten(&world, "/billable_rates", FaultChoice::Nth(1), ValueRewrite::OtherIds);
        let synced = quiet(&world, Some(Pass::Full)).await;
        assert!(report(&synced, "user_billable_rates").quarantined > 0);
        assert_eq!(rows(&world, "user_billable_rates").await, before);
    });
}
