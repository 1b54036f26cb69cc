//! Results of a reading: its cursor, and its unusable records.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use engine::pass::Pass;
use engine::spec::{Module, StreamKind};
use engine::time::{SignedDuration, plus};
use lives::story::{apply, calm, fault, loaded, only, quiet, rows, story};
use lives::world::{World, now, sync};
use runtime::RunError;
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
    let switches = [
        (Module::Expense, SwitchedModule::Expense),
        (Module::Invoice, SwitchedModule::Invoice),
        (Module::Estimate, SwitchedModule::Estimate),
    ];
    for spec in streams::STREAMS {
        let Some((_, module)) = switches.iter().find(|(module, _)| spec.module == Some(*module))
        else {
            continue;
        };
        let switch = Mutation::SwitchModule { module: *module, on: false, silent: true };
        story(async move {
            let mut world = loaded(&AccountScale::tiny(), &[spec.name]).await;
            orchestrator::prepare(&world.process(None)).await.unwrap();
            let before = rows(&world, spec.name).await;
            // The first answers name the records above, and all that follow are without records.
            world.latency = SignedDuration::from_secs(5);
            let context = world.process(None);
            let event = full(spec.name);
            let work = worker::work(&context, &event, None);
            let (report, ()) = tokio::join!(work, async {
                world.clock_sleep(SignedDuration::from_secs(8)).await;
                apply(&world, &switch);
            });
            let report = report.unwrap();
            assert_eq!(rows(&world, spec.name).await, before, "{report:?}");
            let noticed = matches!(report.error(), Some(RunError::ModuleOff { .. }));
            // A listing was read before, and no row of it is missing.
            let is_listing = matches!(spec.kind, StreamKind::Listing(_));
            assert_eq!(noticed, !is_listing, "{report:?}");
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
