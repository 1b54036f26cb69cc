//! Deleted records of listings: the rows that a sweep deletes, its requests, and the rows that
//! stay.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use delta::store::ObjectStore as _;
use engine::budget::RequestLimit;
use engine::item::ItemValue;
use engine::pass::Pass;
use engine::spec::StreamKind;
use engine::time::{SignedDuration, plus};
use lives::oracle::After;
use lives::story::{
    apply, asked, calm, delete, fault, loaded, quiet, report, rows, status, story, truth,
};
use lives::world::{Wish, World, now, sync, sync_as};
use runtime::invoke::WorkerEvent;
use runtime::run::RunOutcome;
use serde_json::Value;
use sim::{AccountScale, FaultChoice, FaultEffect, Mutation, ServerRequest};

/// Ids of the rows of a table, in order.
async fn ids(world: &World, stream: &str) -> Vec<i64> {
    let keys = rows(world, stream).await.into_keys();
    let ids: BTreeSet<i64> = keys.map(|key| key.parse().unwrap()).collect();
    ids.into_iter().collect()
}

async fn is_true(world: &World, stream: &str) {
    let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
    assert_eq!(wrong, Vec::<String>::new());
}

/// Deletes the records with `ids`, except those that Harvest does not delete; returns their number.
fn delete_most(world: &World, stream: &str, ids: &[i64]) -> usize {
    let mut account = world.account.lock().unwrap();
    ids.iter().filter(|id| account.apply(now(world), &delete(stream, **id)).is_ok()).count()
}

fn many() -> AccountScale {
    AccountScale { time_entries: 900, projects: 12, ..AccountScale::tiny() }
}

#[test]
fn a_deleted_project_goes_with_all_its_time_entries_for_one_question() {
    story(async {
        let mut world = loaded(&many(), &["projects", "time_entries"]).await;
        world.settings.accept_deletes = true;
        let before = ids(&world, "time_entries").await.len();
        let project = ids(&world, "projects").await[0];
        apply(&world, &delete("projects", project));
        world.sleep(1).await;
        quiet(&world, Some(Pass::Full)).await;
        is_true(&world, "time_entries").await;
        is_true(&world, "projects").await;
        let lost = before - ids(&world, "time_entries").await.len();
        assert!(lost > 20, "{lost} entries are more than one");
        // One request for the project, one for its entries, and before each one for a record that
        // exists.
        assert_eq!(asked(&world, "/projects/{id}"), 4);
        assert_eq!(asked(&world, "/time_entries/{id}"), 0);
    });
}

/// A wrong path answers 404, too, and would delete rows of records that exist.
#[test]
fn each_listing_has_the_path_of_its_records_and_of_what_takes_them_along() {
    let world = World::new(&AccountScale::tiny(), 7);
    let ask = |path: &str| {
        let request = ServerRequest::new("GET", "http://sim", &format!("/v2{path}"))
            .header("authorization", &format!("Bearer {}", sim::ADMINISTRATOR_TOKEN))
            .header("harvest-account-id", &world.settings.account.to_string())
            .header("user-agent", "a test");
        let response = world.account.lock().unwrap().handle(now(&world), &request);
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        (response.status, body)
    };
    let mut listings = 0;
    for spec in streams::STREAMS {
        let StreamKind::Listing(listing) = &spec.kind else { continue };
        listings += 1;
        let (status, list) = ask(spec.path);
        assert_eq!(status, 200, "{}", spec.name);
        let record = &list[spec.records_key.unwrap()][0];
        let id = record["id"].as_i64().unwrap();
        let parent = listing.goes_with.map(|along| {
            // `project_id` is the column of `project.id`.
            let member = along.column.strip_suffix("_id").unwrap();
            let parent = record[member]["id"].as_i64().unwrap();
            let path = along.path.replace("{parent}", &parent.to_string());
            let (status, body) = ask(&path);
            assert_eq!((status, body["id"].as_i64()), (200, Some(parent)), "{path}");
            parent
        });
        let own = |id: i64| {
            let path = listing.own_path.replace("{id}", &id.to_string());
            path.replace("{parent}", &parent.unwrap_or_default().to_string())
        };
        let (status, body) = ask(&own(id));
        assert_eq!((status, &body), (200, record), "{}", own(id));
        assert_eq!(ask(&own(1)).0, 404, "{}", own(1));
    }
    assert_eq!(listings, 14);
}

#[test]
fn a_record_that_the_list_hides_is_asked_for_and_stays() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        let before = rows(&world, "clients").await;
        // The list is empty twice, with a matching total.
        fault(&world, "/clients", FaultChoice::Always, FaultEffect::EmptyList);
        let synced = quiet(&world, Some(Pass::Full)).await;
        assert_eq!(report(&synced, "clients").counts.deleted, 0);
        assert_eq!(rows(&world, "clients").await, before);
        assert_eq!(asked(&world, "/clients/{id}"), before.len() as u64);
    });
}

#[test]
fn without_an_answer_nothing_is_deleted() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["contacts"]).await;
        let before = rows(&world, "contacts").await;
        let id = ids(&world, "contacts").await[0];
        apply(&world, &delete("contacts", id));
        // Neither a proxy's 404 nor a refusal nor a server error proves that a record is gone.
        for answer in [status(404, true), status(403, false), status(500, false)] {
            world.sleep(1).await;
            fault(&world, "/contacts/*", FaultChoice::Always, answer);
            quiet(&world, Some(Pass::Full)).await;
            assert_eq!(rows(&world, "contacts").await, before);
            calm(&world);
        }
        world.sleep(1).await;
        quiet(&world, Some(Pass::Full)).await;
        is_true(&world, "contacts").await;
    });
}

#[test]
fn more_than_two_hundred_go_with_the_second_sweep() {
    story(async {
        let mut world = loaded(&many(), &["time_entries"]).await;
        world.settings.accept_deletes = true;
        let before = ids(&world, "time_entries").await;
        assert!(delete_most(&world, "time_entries", &before[..500]) > 250);
        world.sleep(1).await;
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(ids(&world, "time_entries").await.len(), before.len(), "missing once");
        let projects = asked(&world, "/projects/{id}");
        world.sleep(1).await;
        quiet(&world, Some(Pass::Full)).await;
        is_true(&world, "time_entries").await;
        assert_eq!(asked(&world, "/time_entries/{id}"), 21, "some, and one that is there");
        assert!(projects <= 13, "each project once, one that is there before: {projects}");
    });
}

#[test]
fn what_two_sweeps_miss_waits_for_acceptance_and_an_incremental_pass_does_not_hide_it() {
    story(async {
        let mut world = loaded(&many(), &["time_entries"]).await;
        let before = ids(&world, "time_entries").await;
        assert!(delete_most(&world, "time_entries", &before[..500]) > 250);
        let full = Some(Pass::Full);
        world.sleep(1).await;
        let once = quiet(&world, full).await;
        let said = report(&once, "time_entries").warning.clone().unwrap_or_default();
        assert!(said.contains("until the next full pass misses them, too"), "{said}");
        // Refused again and again, and not forgotten by what succeeds meanwhile.
        for _ in 0..2 {
            world.sleep(1).await;
            let refused = sync(&world.process(None), full).await.unwrap().failures().join("\n");
            assert!(refused.contains("--accept-deletes"), "{refused}");
            world.sleep(1).await;
            let between = quiet(&world, None).await;
            let said = report(&between, "time_entries").warning.clone().unwrap_or_default();
            assert!(said.contains("--accept-deletes"), "{said}");
            let health = world.item("time_entries").await.health;
            assert_eq!(health.last_error_type.as_deref(), Some("DeletesRefused"));
            assert_eq!(ids(&world, "time_entries").await.len(), before.len());
        }
        world.sleep(1).await;
        world.settings.accept_deletes = true;
        quiet(&world, full).await;
        is_true(&world, "time_entries").await;
        let item = world.item("time_entries").await;
        assert_eq!((item.health.last_error, item.health.unswept), (None, None));
        assert_eq!(item.position.spared, ItemValue::default());
    });
}

#[test]
fn a_mass_deletion_is_refused_and_then_accepted() {
    story(async {
        let mut world = loaded(&many(), &["time_entries"]).await;
        let before = rows(&world, "time_entries").await;
        let some = ids(&world, "time_entries").await;
        let count = delete_most(&world, "time_entries", &some[..260]);
        assert!((101..200).contains(&count), "{count}");
        world.sleep(1).await;
        let synced = sync(&world.process(None), Some(Pass::Full)).await.unwrap();
        let failure = synced.failures().join("\n");
        assert!(
            failure.contains("--streams time_entries --pass full --accept-deletes"),
            "{failure}"
        );
        assert_eq!(rows(&world, "time_entries").await, before);
        world.sleep(1).await;
        world.settings.accept_deletes = true;
        quiet(&world, Some(Pass::Full)).await;
        is_true(&world, "time_entries").await;
    });
}

#[test]
fn what_was_seen_is_remembered_over_runs() {
    story(async {
        let scale = AccountScale { time_entries: 9000, ..many() };
        let mut world = loaded(&scale, &["time_entries"]).await;
        world.settings.general = RequestLimit::new(2, SignedDuration::from_secs(2)).unwrap();
        world.settings.requests_in_flight = 1;
        let doomed = ids(&world, "time_entries").await[400];
        assert_eq!(delete_most(&world, "time_entries", &[doomed]), 1);
        world.sleep(1).await;
        let pages = asked(&world, "/time_entries");
        let wish = Wish {
            pass: Some(Pass::Full),
            stop_after: Some(SignedDuration::from_millis(2500)),
            ..Wish::default()
        };
        let synced = sync_as(&world.process(None), wish).await.unwrap();
        let runs = synced.reports.len();
        assert!(runs > 2, "{runs} runs are several");
        is_true(&world, "time_entries").await;
        let pages = asked(&world, "/time_entries") - pages;
        assert!(pages < 60, "{pages} requests: it went on where it was");
        assert_eq!(truth(&world, "time_entries").len(), rows(&world, "time_entries").await.len());
    });
}

/// Without the ids of its earlier runs a sweep would find nothing missing, or everything.
#[test]
fn a_sweep_whose_seen_ids_are_lost_begins_anew() {
    story(async {
        let scale = AccountScale { time_entries: 9000, ..many() };
        let mut world = loaded(&scale, &["time_entries"]).await;
        world.settings.requests_in_flight = 1;
        let doomed = ids(&world, "time_entries").await[400];
        assert_eq!(delete_most(&world, "time_entries", &[doomed]), 1);
        world.sleep(1).await;
        let context = world.process(None);
        orchestrator::prepare(&context).await.unwrap();
        let event = WorkerEvent {
            stream: "time_entries".to_owned(),
            pass: Pass::Full,
            tick: None,
            accept_deletes: false,
        };
        // A run stops reading 80 seconds before its deadline.
        let deadline = plus(now(&world), SignedDuration::from_millis(80_200));
        let report = worker::work(&context, &event, Some(deadline)).await.unwrap();
        assert!(matches!(report.outcome, RunOutcome::Yielded(_)), "{report:?}");
        let unfinished = world.item("time_entries").await.position.full.unfinished.unwrap();
        world.store.delete(&unfinished.seen.unwrap()).await.unwrap();
        world.sleep(1).await;
        let pages = asked(&world, "/time_entries");
        quiet(&world, Some(Pass::Full)).await;
        assert!(asked(&world, "/time_entries") - pages >= 5, "all pages are read again");
        is_true(&world, "time_entries").await;
    });
}

#[test]
fn a_start_date_leaves_older_rows_alone() {
    story(async {
        let mut world = loaded(&many(), &["time_entries"]).await;
        let all = rows(&world, "time_entries").await.len();
        let today = engine::time::utc_day(now(&world));
        world.settings.start_date = Some(today);
        world.sleep(1).await;
        let old = ids(&world, "time_entries").await[0];
        assert_eq!(delete_most(&world, "time_entries", &[old]), 1);
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(
            rows(&world, "time_entries").await.len(),
            all,
            "before the first day that is read"
        );
        assert_eq!(asked(&world, "/time_entries/{id}"), 0);
    });
}

#[test]
fn renamed_projects_reach_every_row() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["time_entries"]).await;
        let rename = Mutation::Rename { stream: "projects".to_owned(), id: None, name: None };
        apply(&world, &rename);
        world.sleep(1).await;
        let synced = quiet(&world, Some(Pass::Full)).await;
        assert!(report(&synced, "time_entries").counts.updated > 0);
        is_true(&world, "time_entries").await;
    });
}
