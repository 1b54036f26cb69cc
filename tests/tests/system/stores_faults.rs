//! S3 and `DynamoDB` that throttle, fail, lose answers and are slow: every call either has its
//! effect or fails with an error that says that it may pass, and a deployment behind them ends
//! exact.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws::DynamoStore;
use aws::S3Store;
use delta::store::{ObjectStore as _, PutIfAbsent};
use e2e::cloud::{Cloud, Plan};
use e2e::emulators;
use e2e::proxy::{Fault, Proxy};
use engine::ids::AccountId;
use runtime::random::SharedRandom;
use state::{ItemKey, PutOutcome, StateStore as _, WriteCondition};

const SEED: u64 = 11;

fn all_kinds_happened(proxy: &Proxy) {
    let mut counts = BTreeMap::new();
    for fault in proxy.happened() {
        *counts.entry(fault).or_insert(0) += 1;
    }
    let kinds = [Fault::Throttled, Fault::Failed, Fault::Refused, Fault::Lost, Fault::Slow];
    assert!(kinds.iter().all(|kind| counts.contains_key(kind)), "seed {SEED}: {counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_conditional_puts_wins_although_answers_are_lost() {
    let server = emulators::s3().await;
    let bucket = emulators::new_bucket(server, "faults").await;
    let proxy = Proxy::start(&server.endpoint, SEED, 30).await;
    let client = emulators::aws_at(&proxy.endpoint).await.s3().await;
    let store = Arc::new(S3Store::new(client, &bucket, "lake"));
    let calm = S3Store::new(server.aws().await.s3().await, &bucket, "lake");
    for round in 0..30 {
        let key = format!("tables/t/_delta_log/{round:020}.json");
        let mut writers = Vec::new();
        for writer in 0..4 {
            let (store, key) = (Arc::clone(&store), key.clone());
            writers.push(tokio::spawn(async move {
                let body = format!("written by {writer}");
                (store.put_if_absent(&key, body.clone().into()).await, body)
            }));
        }
        let mut stored = Vec::new();
        let mut unknown = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                (Ok(PutIfAbsent::Stored), body) => stored.push(body),
                // The item may be its own, put by a request with a lost answer: a read shows that.
                (Ok(PutIfAbsent::Exists), body) => unknown.push(body),
                (Err(error), body) => {
                    assert!(error.may_pass(), "seed {SEED}: {error}");
                    unknown.push(body);
                }
            }
        }
        let there = calm.get(&key).await.unwrap().map(|bytes| bytes.to_vec());
        let there = there.map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(stored.len() <= 1, "seed {SEED}: {stored:?}");
        match (stored.first(), there) {
            (Some(winner), there) => assert_eq!(Some(winner), there.as_ref(), "seed {SEED}"),
            (None, Some(there)) => assert!(unknown.contains(&there), "seed {SEED}: {there}"),
            (None, None) => assert_eq!(unknown.len(), 4, "seed {SEED}: nobody wrote {key}"),
        }
    }
    all_kinds_happened(&proxy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_counted_write_counts_once_although_answers_are_lost() {
    let server = emulators::dynamodb().await;
    let table = emulators::new_table(server, "faults").await;
    let proxy = Proxy::start(&server.endpoint, SEED, 30).await;
    let client = emulators::aws_at(&proxy.endpoint).await.dynamodb().await;
    let random = SharedRandom::from_system();
    let store = Arc::new(DynamoStore::new(client, &table, move || random.next()));
    let key = ItemKey { account: AccountId(1), sort: "budget#general".to_owned() };
    let mut writers = Vec::new();
    for _ in 0..6 {
        let (store, key) = (Arc::clone(&store), key.clone());
        writers.push(tokio::spawn(async move {
            let (mut counted, mut perhaps) = (0_u64, 0_u64);
            for _ in 0..12 {
                let Ok(seen) = store.get(&key).await else { continue };
                let (expect, count) = match &seen {
                    None => (WriteCondition::Absent, 0),
                    Some(item) => {
                        (WriteCondition::Rev(item.rev), item.body.parse::<u64>().unwrap())
                    }
                };
                match store.put(&key, expect, &(count + 1).to_string(), None).await {
                    Ok(PutOutcome::Stored(_)) => counted += 1,
                    // Our write may have been stored and replaced before it was repeated.
                    Ok(PutOutcome::Lost(_)) => perhaps += 1,
                    Err(error) => {
                        assert!(error.may_pass(), "seed {SEED}: {error}");
                        perhaps += 1;
                    }
                }
            }
            (counted, perhaps)
        }));
    }
    let (mut counted, mut perhaps) = (0, 0);
    for writer in writers {
        let (sure, unsure) = writer.await.unwrap();
        counted += sure;
        perhaps += unsure;
    }
    let calm = DynamoStore::new(server.aws().await.dynamodb().await, &table, || 0);
    let item = calm.get(&key).await.unwrap().unwrap();
    let count: u64 = item.body.parse().unwrap();
    assert_eq!(item.rev, count, "seed {SEED}: each write raises both by one");
    assert!((counted..=counted + perhaps).contains(&count), "seed {SEED}: {count}, sure {counted}");
    assert!(counted > 0, "seed {SEED}");
    all_kinds_happened(&proxy);
}

#[test]
fn a_deployment_behind_them_ends_with_exact_tables() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let plan = Plan { faults: Some((SEED, 8)), ..Plan::default() };
        let cloud = Box::pin(Cloud::deploy(plan)).await;
        for _ in 0..3 {
            drop(cloud.tick().await);
        }
        cloud.rest_exact(&format!("seed {SEED}")).await;
        let happened: usize = cloud.proxies.iter().map(|proxy| proxy.happened().len()).sum();
        assert!(happened > 100, "seed {SEED}: only {happened} faults");
    });
}
