//! Requirements on every state store, as assertions. Each implementation runs all of them: memory
//! and SQLite in this crate, DynamoDB in `tests` against an emulator.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test suite, public so that other packages can run it"
)]

use std::sync::Arc;

use engine::ids::AccountId;
use engine::time::{SignedDuration, Timestamp, plus};

use crate::{ItemKey, PutOutcome, StateItem, StateStore, WriteCondition};

/// Number of concurrent writers of one item.
const WRITERS: u64 = 50;

/// Runs the whole suite, each part on a new, empty store. Panics if the store does not conform. The
/// runtime needs several threads, or the races do not happen.
pub async fn check<S, F>(new_store: impl Fn() -> F)
where
    S: StateStore + 'static,
    F: Future<Output = Arc<S>>,
{
    an_item_comes_back_with_its_revision(new_store().await).await;
    a_lost_write_changes_nothing(new_store().await).await;
    of_many_writers_each_counts_once(new_store().await).await;
    of_many_creators_one_wins(new_store().await).await;
    listings_are_literal_and_in_order(new_store().await).await;
    accounts_do_not_mix(new_store().await).await;
    expiry_decides_nothing_until_the_purge(new_store().await).await;
}

/// Checks that an item is read back as written and that each write raises the revision by one. The
/// bodies: short, empty, with quotes and an integer of 20 digits, and 300 KB (DynamoDB's limit is
/// 400 KB).
pub async fn an_item_comes_back_with_its_revision<S: StateStore>(store: Arc<S>) {
    let key = key(1, "stream#clients");
    assert_eq!(store.get(&key).await.expect("readable"), None);
    let bodies = ["{}", "", "{\"name\":\"Žižek & Søn \\u0000 '; --\",\"n\":12345678901234567890}"];
    let mut expect = WriteCondition::Absent;
    for (body, rev) in bodies.into_iter().zip(1..) {
        let put = store.put(&key, expect, body, None).await.expect("writable");
        assert_eq!(put, PutOutcome::Stored(rev));
        let item = StateItem { rev, body: body.to_owned() };
        assert_eq!(store.get(&key).await.expect("readable"), Some(item));
        expect = WriteCondition::Rev(rev);
    }
    let large = "x".repeat(300_000);
    let put = store.put(&key, expect, &large, None).await.expect("writable");
    assert_eq!(put, PutOutcome::Stored(4));
    let item = store.get(&key).await.expect("readable").expect("there");
    assert!(item.body == large, "a large body comes back whole");
}

/// Checks that a write with a wrong expectation leaves the item unchanged and returns it. Revision
/// 0 does not stand for a missing item.
pub async fn a_lost_write_changes_nothing<S: StateStore>(store: Arc<S>) {
    let key = key(1, "stream#clients");
    let put = |expect, body| {
        let (store, key) = (Arc::clone(&store), key.clone());
        async move { store.put(&key, expect, body, None).await.expect("answered") }
    };
    assert_eq!(put(WriteCondition::Rev(0), "a").await, PutOutcome::Lost(None));
    assert_eq!(put(WriteCondition::Rev(1), "a").await, PutOutcome::Lost(None));
    assert_eq!(put(WriteCondition::Absent, "b").await, PutOutcome::Stored(1));
    let there = StateItem { rev: 1, body: "b".to_owned() };
    for expect in [
        WriteCondition::Absent,
        WriteCondition::Rev(0),
        WriteCondition::Rev(2),
        WriteCondition::Rev(u64::MAX),
    ] {
        assert_eq!(put(expect, "c").await, PutOutcome::Lost(Some(there.clone())), "{expect:?}");
    }
    assert_eq!(store.get(&key).await.expect("readable"), Some(there));
}

/// Checks that concurrent read-modify-writes lose no increment and count none twice.
pub async fn of_many_writers_each_counts_once<S: StateStore + 'static>(store: Arc<S>) {
    let at = key(1, "budget#general");
    let mut calls = Vec::new();
    for _ in 0..WRITERS {
        let (store, at) = (Arc::clone(&store), at.clone());
        calls.push(tokio::spawn(async move {
            let mut seen = store.get(&at).await.expect("readable");
            let mut lost = 0_u64;
            loop {
                let (expect, count) = match &seen {
                    None => (WriteCondition::Absent, 0),
                    Some(item) => {
                        (WriteCondition::Rev(item.rev), item.body.parse().expect("a number"))
                    }
                };
                let next: u64 = count + 1;
                match store.put(&at, expect, &next.to_string(), None).await.expect("answered") {
                    PutOutcome::Stored(_) => return lost,
                    PutOutcome::Lost(current) => seen = current,
                }
                lost += 1;
            }
        }));
    }
    for call in calls {
        let lost = call.await.expect("no panic");
        assert!(lost < WRITERS, "each loss is somebody's win");
    }
    let item = store.get(&at).await.expect("readable").expect("there");
    assert_eq!(item, StateItem { rev: WRITERS, body: WRITERS.to_string() });
}

/// Checks that one of many concurrent creators wins and the others see its item.
pub async fn of_many_creators_one_wins<S: StateStore + 'static>(store: Arc<S>) {
    let at = key(1, "orchestrator");
    let mut calls = Vec::new();
    for writer in 0..WRITERS {
        let (store, at) = (Arc::clone(&store), at.clone());
        calls.push(tokio::spawn(async move {
            store
                .put(&at, WriteCondition::Absent, &writer.to_string(), None)
                .await
                .expect("answered")
        }));
    }
    let mut winners = 0;
    let mut shown = Vec::new();
    for call in calls {
        match call.await.expect("no panic") {
            PutOutcome::Stored(rev) => winners += rev,
            PutOutcome::Lost(current) => shown.push(current),
        }
    }
    assert_eq!(winners, 1);
    let there = store.get(&at).await.expect("readable");
    assert!(shown.iter().all(|current| *current == there), "losers see the winner's item");
}

/// Checks that a prefix is text, not a pattern, and that keys are listed in byte order. In SQL's
/// `LIKE`, `%` and `_` would match other characters and letters of either case.
pub async fn listings_are_literal_and_in_order<S: StateStore>(store: Arc<S>) {
    let sorts = ["b%a", "b_a", "bXa", "b", "a", "bZ", "b%", "c", "bz", "bé", "b\u{10ffff}x", "B"];
    for sort in sorts {
        store.put(&key(1, sort), WriteCondition::Absent, sort, None).await.expect("writable");
    }
    for (prefix, found) in [
        (
            "",
            &["B", "a", "b", "b%", "b%a", "bXa", "bZ", "b_a", "bz", "bé", "b\u{10ffff}x", "c"][..],
        ),
        ("b", &["b", "b%", "b%a", "bXa", "bZ", "b_a", "bz", "bé", "b\u{10ffff}x"]),
        ("b%", &["b%", "b%a"]),
        ("b_", &["b_a"]),
        ("b\u{10ffff}", &["b\u{10ffff}x"]),
        ("d", &[]),
        ("bb", &[]),
    ] {
        let listed = store.list(AccountId(1), prefix).await.expect("readable");
        let keys: Vec<&str> = listed.iter().map(|(key, _)| key.sort.as_str()).collect();
        assert_eq!(keys, found, "{prefix}");
        assert!(listed.iter().all(|(key, item)| item.rev == 1 && item.body == key.sort));
    }
}

/// Checks that the same sort key in two accounts names two items.
pub async fn accounts_do_not_mix<S: StateStore>(store: Arc<S>) {
    for account in [1, 12, i64::MAX] {
        let (key, body) = (key(account, "account"), account.to_string());
        let put = store.put(&key, WriteCondition::Absent, &body, None).await.expect("writable");
        assert_eq!(put, PutOutcome::Stored(1));
    }
    let listed = store.list(AccountId(1), "").await.expect("readable");
    assert_eq!(listed, [(key(1, "account"), StateItem { rev: 1, body: "1".to_owned() })]);
}

/// Checks that an expired item stays until the purge, which removes no others. A store that removes
/// expired items by itself may purge none.
pub async fn expiry_decides_nothing_until_the_purge<S: StateStore>(store: Arc<S>) {
    let now: Timestamp = "2026-11-23T06:15:00Z".parse().expect("an instant");
    let after = |secs| Some(plus(now, SignedDuration::from_secs(secs)));
    let run = |sort: &str| key(1, sort);
    for (sort, expires) in [("run#1", after(-1)), ("run#2", after(3600)), ("run#3", None)] {
        store.put(&run(sort), WriteCondition::Absent, "{}", expires).await.expect("writable");
    }
    assert_eq!(store.list(AccountId(1), "run#").await.expect("readable").len(), 3);
    let renewed = store.put(&run("run#1"), WriteCondition::Rev(1), "{}", after(-5)).await;
    assert_eq!(
        renewed.expect("writable"),
        PutOutcome::Stored(2),
        "an expired item is still that item"
    );
    let purged = store.purge(now).await.expect("answered");
    let left = store.list(AccountId(1), "run#").await.expect("readable");
    assert_eq!(left.len(), if purged == 0 { 3 } else { 2 });
    assert_eq!(store.purge(now).await.expect("answered"), 0);
    assert!(store.get(&run("run#2")).await.expect("readable").is_some());
    assert!(store.get(&run("run#3")).await.expect("readable").is_some());
}

fn key(account: i64, sort: &str) -> ItemKey {
    ItemKey { account: AccountId(account), sort: sort.to_owned() }
}
