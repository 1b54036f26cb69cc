//! Items of the state: read as they were written, or refused by name; never taken for missing.

use core::hint::black_box;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bolero::{TypeGenerator, check};
use engine::account::admission;
use engine::budget::{BudgetItem, RequestLimit};
use engine::dispatch::{OperatorRequest, OrchestratorItem};
use engine::forecast::{BudgetUse, StreamSizes, forecast};
use engine::ids::AccountId;
use engine::item::{AccountItem, StreamItem};
use engine::pass::Pass;
use engine::persisted::PersistedInstants;
use engine::plan::order;
use engine::present::Present;
use engine::time::{SignedDuration, Timestamp};
use engine::trouble::lag;
use runtime::records::{self, VersionedItem};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use state::{ItemKey, MemoryState, StateErrorKind, StateStore, WriteCondition};

use crate::corpus::{documents, one};
use crate::edit::{ByteEdits, TreeEdits};
use crate::tree::JsonTree;
use crate::wait::run;

const ACCOUNT: AccountId = AccountId(7);
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// Kind of an item.
#[derive(Clone, Copy, Debug, TypeGenerator)]
enum ItemKind {
    Stream,
    Account,
    Orchestrator,
    Budget,
}

/// An item, and the time at which it is read.
#[derive(Clone, Debug, TypeGenerator)]
struct FuzzedItem {
    kind: ItemKind,
    document: u8,
    edits: TreeEdits,
    bytes: ByteEdits,
    /// Seconds since the documents were written, times eight.
    late: i32,
    stream: u8,
    full: bool,
}

static DOCUMENTS: LazyLock<BTreeMap<&str, Vec<JsonTree>>> = LazyLock::new(|| {
    let kinds = ["stream", "account", "orchestrator", "budget"];
    let of = |kind| (kind, documents(&[&format!("tests/fuzz/corpus/items/{kind}")]));
    kinds.into_iter().map(of).collect()
});

impl FuzzedItem {
    fn body(&self) -> String {
        let kind = match self.kind {
            ItemKind::Stream => "stream",
            ItemKind::Account => "account",
            ItemKind::Orchestrator => "orchestrator",
            ItemKind::Budget => "budget",
        };
        let mut tree = one(&DOCUMENTS[kind], self.document);
        self.edits.apply(&mut tree);
        let mut bytes = tree.text(false).into_bytes();
        self.bytes.apply(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn now(&self) -> Timestamp {
        let written: Timestamp = "2026-03-10T14:06:00Z".parse().unwrap();
        written.saturating_add(SignedDuration::from_secs(i64::from(self.late / 8))).unwrap()
    }
}

/// Reads an item as the product does; `None` if it is refused.
fn read<T>(sort: &str, body: &str, present: &Present) -> Option<VersionedItem<T>>
where
    T: DeserializeOwned + Default + PersistedInstants,
{
    let key = ItemKey { account: ACCOUNT, sort: sort.to_owned() };
    let state = Arc::new(MemoryState::default());
    run(state.put(&key, WriteCondition::Absent, body, None)).unwrap();
    match run(records::read_freed::<T>(&*state, &key, present)) {
        Ok(item) => {
            assert!(item.rev.is_some(), "an item that is there is not missing: {body}");
            Some(item)
        }
        Err(error) => {
            let is_json = serde_json::from_str::<IgnoredAny>(body).is_ok();
            let kind = if is_json { StateErrorKind::Unknown } else { StateErrorKind::Garbled };
            assert_eq!(error.kind, kind, "{body}");
            assert!(error.to_string().contains(&format!("`{sort}`")), "{error}");
            None
        }
    }
}

/// Asserts that an item is the same after it was written and read, and free of the future.
fn check_again<T>(item: &T, present: &Present)
where
    T: Serialize + DeserializeOwned + PersistedInstants + Clone + PartialEq + core::fmt::Debug,
{
    let written = serde_json::to_string(item).unwrap();
    let mut again: T = serde_json::from_str(&written).unwrap();
    assert_eq!(&again, item, "{written}");
    let ahead = again.free(present);
    assert_eq!(ahead, [], "{written}");
    assert_eq!(&again, item, "{written}");
}

fn check_stream(input: &FuzzedItem, body: &str) {
    let present = Present::ours(input.now());
    let Some(found) = read::<StreamItem>("stream#clients", body, &present) else { return };
    let item = found.value;
    check_again(&item, &present);
    let spec = streams::STREAMS[usize::from(input.stream) % streams::STREAMS.len()];
    let pass = if input.full { Pass::Full } else { Pass::Incremental };
    let request = OperatorRequest {
        at: input.now(),
        pass: Some(pass),
        streams: [spec.name.to_owned()].into(),
        accept_deletes: false,
    };
    let items = BTreeMap::from([(spec.name, item.clone())]);
    for asked in [None, Some(request)] {
        let mut orchestrator = OrchestratorItem { asked, ..OrchestratorItem::default() };
        let mut due: Vec<_> =
            orchestrator.due(spec, &item, INTERVAL, present).into_iter().collect();
        order(&mut due);
        let dispatched = orchestrator.dispatch(&due, &items, 8, input.now());
        assert_eq!(dispatched.len(), due.len());
        orchestrator.settle([(spec, &item)], present);
    }
    let limit: RequestLimit = "100/15s".parse().unwrap();
    let used = |_| BudgetUse { limit, used: 0 };
    let planned = forecast(&[(spec, &item)], &StreamSizes::default(), used, INTERVAL, input.now());
    assert!(planned.iter().all(|run| run.begins >= input.now()), "{body}");
    assert!(lag(&item, input.now()) >= SignedDuration::ZERO, "{body}");
    black_box((item.position.objects(), item.health.drift.findings(), item.epoch()));
}

fn check_account(input: &FuzzedItem, body: &str) {
    let present = Present::ours(input.now());
    let Some(found) = read::<AccountItem>("account", body, &present) else { return };
    check_again(&found.value, &present);
    black_box(admission(&found.value, None, input.now()));
    if let Some(oauth) = &found.value.oauth {
        let (shown, token) = (format!("{oauth:?}"), oauth.access_token.reveal());
        // A token could be a word of the item itself, or one of its instants.
        assert!(token.len() < 32 || !shown.contains(token), "{shown}");
    }
}

fn check_orchestrator(input: &FuzzedItem, body: &str) {
    let present = Present::ours(input.now());
    let Some(found) = read::<OrchestratorItem>("orchestrator", body, &present) else { return };
    let mut item = found.value;
    check_again(&item, &present);
    let items = BTreeMap::new();
    assert!(item.dispatch(&[], &items, 8, input.now()).is_empty());
    item.settle([], present);
}

fn check_budget(input: &FuzzedItem, body: &str) {
    let Ok(item) = serde_json::from_str::<BudgetItem>(body) else { return };
    let written = serde_json::to_string(&item).unwrap();
    let again: BudgetItem = serde_json::from_str(&written).unwrap();
    assert_eq!(again, item, "{written}");
    let limit: RequestLimit = "100/15s".parse().unwrap();
    let now = input.now();
    black_box((item.blocked_until(now), item.used(limit, now), item.estimate(limit, now, 10)));
}

fn check_item(input: &FuzzedItem) {
    let body = input.body();
    match input.kind {
        ItemKind::Stream => check_stream(input, &body),
        ItemKind::Account => check_account(input, &body),
        ItemKind::Orchestrator => check_orchestrator(input, &body),
        ItemKind::Budget => check_budget(input, &body),
    }
}

#[test]
fn fuzzed() {
    check!(name = "items").with_type::<FuzzedItem>().for_each(check_item);
}

#[test]
fn documents_of_items_are_read() {
    let present = Present::ours("2026-03-10T14:06:00Z".parse().unwrap());
    for (kind, documents) in DOCUMENTS.iter() {
        for body in documents.iter().map(|document| document.text(false)) {
            match *kind {
                "stream" => assert!(read::<StreamItem>("stream#x", &body, &present).is_some()),
                "account" => assert!(read::<AccountItem>("account", &body, &present).is_some()),
                "budget" => drop(serde_json::from_str::<BudgetItem>(&body).unwrap()),
                _ => {
                    let item = read::<OrchestratorItem>("orchestrator", &body, &present);
                    assert!(item.is_some());
                }
            }
        }
    }
}
