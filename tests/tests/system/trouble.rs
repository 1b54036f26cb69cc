//! Streams in trouble: people are told once when it begins and once when it ends.

#![expect(clippy::expect_used, reason = "a test")]

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use e2e::story::{loaded, quiet, story};
use e2e::world::World;
use engine::item::StreamItem;
use engine::time::SignedDuration;
use orchestrator::Orchestrator;
use runtime::announce::{Announcement, Announcer};
use runtime::invoke::MemoryInvoker;
use runtime::records;
use serde_json::{Value, json};
use sim::AccountScale;

/// Bus that takes an event or not, as told; afterwards it takes all.
#[derive(Debug, Default)]
struct Bus {
    takes: Mutex<VecDeque<bool>>,
    events: Mutex<Vec<Value>>,
}

#[async_trait]
impl Announcer for Bus {
    async fn announce(&self, announcement: &Announcement) -> bool {
        assert_eq!(announcement.detail_type, "StreamsInTrouble");
        e2e::json::check("trouble", &announcement.detail);
        let takes = self.takes.lock().expect("no panic").pop_front().unwrap_or(true);
        if takes {
            self.events.lock().expect("no panic").push(announcement.detail.clone());
        }
        takes
    }
}

impl Bus {
    /// Takes the events out: the names that each one tells of as begun and ended.
    fn news(&self) -> Vec<(Value, Value)> {
        let events: Vec<Value> = core::mem::take(&mut self.events.lock().expect("no panic"));
        events.into_iter().map(|event| (member(&event, "began"), member(&event, "ended"))).collect()
    }
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
        let bus = Arc::new(Bus::default());
        let announcer: Arc<dyn Announcer> = Arc::<Bus>::clone(&bus);
        let invoker = Arc::new(MemoryInvoker::default());
        let orchestrator = Orchestrator { context: world.process(None), invoker, announcer };
        let tick = async || {
            orchestrator.answer(json!({})).await.unwrap();
            world.clock_sleep(SignedDuration::from_mins(1)).await;
        };
        tick().await;
        assert_eq!(bus.news(), [], "all is well");
        let error = |item: &mut StreamItem| {
            item.health.refused = true;
            item.health.last_error = Some((e2e::world::now(&world), "403 \"no\"".to_owned()));
        };
        change(&world, "clients", error).await;
        // The bus does not take it at first.
        bus.takes.lock().unwrap().extend([false]);
        for _ in 0..3 {
            tick().await;
        }
        assert_eq!(bus.news(), [(json!(["clients"]), json!([]))]);
        change(&world, "tasks", |item| item.health.failures = 5).await;
        tick().await;
        assert_eq!(bus.news(), [(json!(["tasks"]), json!([]))]);
        change(&world, "clients", |item| item.health.refused = false).await;
        for _ in 0..2 {
            tick().await;
        }
        assert_eq!(bus.news(), [(json!([]), json!(["clients"]))]);
        let told: BTreeSet<String> = ["tasks".to_owned()].into();
        let key =
            state::ItemKey { account: world.settings.account, sort: "orchestrator".to_owned() };
        let context = world.process(None);
        let item: records::VersionedItem<engine::dispatch::OrchestratorItem> =
            records::read(&*context.state, &key).await.unwrap();
        assert_eq!(item.value.told, told);
    });
}
