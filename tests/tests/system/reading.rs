//! Results of a reading: its cursor, and its unusable records.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use e2e::story::{apply, calm, fault, loaded, only, quiet, rows, story};
use e2e::world::{World, now, sync};
use engine::pass::Pass;
use engine::spec::Module;
use engine::time::{SignedDuration, plus};
use runtime::invoke::WorkerEvent;
use runtime::operate::quarantine::list;
use sim::{AccountScale, FaultChoice, FaultEffect, Mutation, SwitchedModule, ValueRewrite};

fn full(stream: &str) -> WorkerEvent {
    WorkerEvent { stream: stream.to_owned(), pass: Pass::Full, tick: None, accept_deletes: true }
}

/// Number of records in the quarantine of a stream.
async fn quarantined(world: &World, stream: &'static str) -> usize {
    let files = list(&*world.store, stream).await.unwrap();
    files.iter().map(|file| file.records.as_ref().unwrap().len()).sum()
}

#[test]
fn the_cursor_is_the_time_of_the_first_answer_however_long_the_reading_lasts() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["clients"]);
        orchestrator::prepare(&world.process(None)).await.unwrap();
        world.account.lock().unwrap().set_page_cap("/v2/clients?", 2);
        world.latency = SignedDuration::from_secs(5);
        let context = world.process(None);
        let begun = now(&world);
        let report = worker::work(&context, &full("clients"), None).await.unwrap();
        assert!(report.error().is_none() && report.requests > 3, "{report:?}");
        assert!(now(&world) > plus(begun, SignedDuration::from_secs(18)), "the reading was slow");
        let cursor = world.item("clients").await.position.cursor.unwrap();
        assert!(cursor < plus(begun, SignedDuration::from_secs(9)), "{cursor}, begun at {begun}");
    });
}

#[test]
fn a_module_that_is_switched_off_while_it_is_read_keeps_its_rows() {
    for (module, switched) in [
        (Module::Expense, SwitchedModule::Expense),
        (Module::Invoice, SwitchedModule::Invoice),
        (Module::Estimate, SwitchedModule::Estimate),
    ] {
        story(async move {
            let with = streams::STREAMS.into_iter().filter(|spec| spec.module == Some(module));
            let names: Vec<&str> = with.map(|spec| spec.name).collect();
            let world = loaded(&AccountScale::tiny(), &names).await;
            let context = world.process(None);
            orchestrator::prepare(&context).await.unwrap();
            // The account was asked a moment ago, and its lists are empty now.
            apply(&world, &Mutation::SwitchModule { module: switched, on: false });
            for name in names {
                let before = rows(&world, name).await;
                let report = worker::work(&context, &full(name), None).await.unwrap();
                assert_eq!(rows(&world, name).await, before, "{report:?}");
            }
        });
    }
}

#[test]
fn a_whole_pass_keeps_the_unusable_record_that_it_found_itself() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["roles"]).await;
        let unusable = FaultEffect::Rewritten(ValueRewrite::FirstIds);
        fault(&world, "/v2/roles?", FaultChoice::Always, unusable);
        let before = rows(&world, "roles").await;
        assert!(before.len() > 1);
        for _ in 0..2 {
            let synced = sync(&world.process(None), Some(Pass::Full)).await.unwrap();
            assert_eq!(synced.failures(), Vec::<String>::new());
            // One file, of the last pass: the one before is superseded, and its own is not.
            assert_eq!(quarantined(&world, "roles").await, 1);
            assert_eq!(rows(&world, "roles").await, before, "the record may be any of them");
            world.sleep(1).await;
        }
        calm(&world);
        quiet(&world, Some(Pass::Full)).await;
        assert_eq!(quarantined(&world, "roles").await, 0, "the next whole pass has none");
    });
}
