//! Streams in trouble: people are told once when it begins and once when it ends.

#![expect(clippy::expect_used, reason = "a test")]

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::item::StreamItem;
use engine::time::SignedDuration;
use lives::story::{loaded, quiet, story};
use lives::world::World;
use orchestrator::Orchestrator;
use runtime::announce::{Announcer, MemoryAnnouncer};
use runtime::invoke::MemoryInvoker;
use runtime::records;
use serde_json::{Value, json};
use sim::AccountScale;

/// Takes the news out of the bus: the names that each tells of as begun and ended.
fn news(bus: &MemoryAnnouncer) -> Vec<(Value, Value)> {
    let told = bus.take().into_iter().map(|announcement| {
        assert_eq!(announcement.detail_type, "StreamsInTrouble");
        e2e::json::check("trouble", &announcement.detail);
        (member(&announcement.detail, "began"), member(&announcement.detail, "ended"))
    });
    told.collect()
}

fn member(event: &Value, name: &str) -> Value {
    event.get(name).cloned().unwrap_or_default()
}

/// Changes the item of a stream, as a run would, and lets the quiet time pass, of which the run
/// would have been no part.
async fn change(world: &World, stream: &str, edit: impl Fn(&mut StreamItem)) {
    let context = world.process(None);
    let key = records::stream_key(context.settings.account, stream);
    let present = context.present();
    let item = records::stream(&*context.state, context.settings.account, stream, &present).await;
    let mut item = item.expect("a state");
    edit(&mut item.value);
    assert!(records::write(&*context.state, &key, &mut item).await.expect("a state"));
    world.clock_sleep(SignedDuration::from_mins(10)).await;
}

#[test]
fn each_stream_in_trouble_is_told_of_once_and_again_when_it_is_over() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients", "tasks"]).await;
        quiet(&world, None).await;
        let bus = Arc::new(MemoryAnnouncer::default());
        let announcer: Arc<dyn Announcer> = Arc::<MemoryAnnouncer>::clone(&bus);
        let invoker = Arc::new(MemoryInvoker::default());
        let orchestrator = Orchestrator { context: world.process(None), invoker, announcer };
        let tick = async || {
            orchestrator.answer(json!({})).await.unwrap();
            world.clock_sleep(SignedDuration::from_mins(1)).await;
        };
        tick().await;
        assert_eq!(news(&bus), [], "all is well");
        let error = |item: &mut StreamItem| {
            item.health.refused = true;
            item.health.last_error = Some((lives::world::now(&world), "403 \"no\"".to_owned()));
        };
        change(&world, "clients", error).await;
        // The bus does not take it at first.
        bus.refuse_once();
        for _ in 0..3 {
            tick().await;
        }
        assert_eq!(news(&bus), [(json!(["clients"]), json!([]))]);
        change(&world, "tasks", |item| item.health.failures = 5).await;
        tick().await;
        assert_eq!(news(&bus), [(json!(["tasks"]), json!([]))]);
        change(&world, "clients", |item| item.health.refused = false).await;
        for _ in 0..2 {
            tick().await;
        }
        assert_eq!(news(&bus), [(json!([]), json!(["clients"]))]);
        let told: BTreeSet<String> = ["tasks".to_owned()].into();
        let key =
            state::ItemKey { account: world.settings.account, sort: "orchestrator".to_owned() };
        let context = world.process(None);
        let item: records::VersionedItem<engine::dispatch::OrchestratorItem> =
            records::read(&*context.state, &key).await.unwrap();
        assert_eq!(item.value.told, told);
    });
}
