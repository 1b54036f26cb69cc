//! Outcomes of commits that are refused or lost, for each kind of commit.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt as _;

use super::*;
use crate::maintenance::clean_log;

/// Commit of a writer of `epoch`, as plain JSON, without files.
fn others(epoch: u64) -> Bytes {
    let info = json!({ "commitInfo": { "operation": "FENCE", "harvestLake": {} } });
    let txn = json!({ "txn": { "appId": EPOCH, "version": epoch } });
    format!("{info}\n{txn}").into()
}

#[tokio::test]
async fn a_fence_that_wins_the_last_race_is_told() {
    for (last, expected) in [(1, "other writers were faster"), (2, "is at epoch 2, ours is 1")] {
        let inner = Arc::new(MemoryStore::new());
        create(&inner).await;
        let (puts, raced) = (AtomicU64::new(0), inner.clone());
        // Just before each put, another writer takes its version.
        let store = Arc::new(FaultyStore::new(inner.clone(), move |call: StoreCall<'_>| {
            if call.operation == StoreOperation::PutIfAbsent {
                let number = puts.fetch_add(1, Ordering::SeqCst) + 1;
                let body = others(if number == 50 { last } else { 1 });
                raced.put_if_absent(call.key, body).now_or_never().unwrap().unwrap();
            }
            CallFault::None
        }));
        let mut table = Table::open(store, &BY_MONTH, ACCOUNT).await.unwrap().unwrap();
        let error = table.fence(at(1), &writer("a", 1), &note(1, 0)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(open(&inner).await.version(), 50);
    }
}

/// Changes of schema or properties by another writer end every commit of rows that was built before
/// them. A fence lands all the same, and a description is built anew.
#[tokio::test]
async fn a_commit_does_not_follow_another_description() {
    for kind in ["commit", "begin", "widen", "fence"] {
        let store = Arc::new(MemoryStore::new());
        create(&store).await;
        let mut table = open_wider(&store).await;
        redescribe(&store, 1, "someone", "was here").await;
        let (by, said) = (writer("a", 1), note(2, 0));
        let done = match kind {
            "commit" => {
                let add = [file("1-1-a-0", None, 0)];
                table.commit(at(1), &by, &change(&add, &[]), &said).await
            }
            "fence" => table.fence(at(1), &by, &said).await,
            "begin" => table.begin_at(at(1), &by, Sequence(9), &said).await,
            _ => table.describe(at(1), &by, &said).await.map(Option::unwrap),
        };
        let version = open_wider(&store).await.version();
        if matches!(kind, "fence" | "widen") {
            assert_eq!((done.unwrap().version, version), (2, 2), "{kind}");
            let kept = lines(&store, 2).await.into_iter().find_map(|line| {
                line["metaData"]["configuration"]["someone"].as_str().map(str::to_owned)
            });
            assert_eq!(kept.is_some(), kind == "widen", "{kind}");
        } else {
            let error = done.unwrap_err();
            assert!(matches!(error, CommitError::Stale { .. }), "{kind}: {error:?}");
            assert_eq!(version, 1, "{kind}");
        }
    }
}

#[tokio::test]
async fn a_version_with_another_commit_is_lost_whatever_became_of_the_puts() {
    let inner = Arc::new(MemoryStore::new());
    create(&inner).await;
    let store = Arc::new(FaultyStore::new(inner.clone(), |call: StoreCall<'_>| {
        let first = call.operation == StoreOperation::PutIfAbsent && call.key == commit_key(1);
        if first { CallFault::Before } else { CallFault::None }
    }));
    let mut table = Table::open(store, &BY_MONTH, ACCOUNT).await.unwrap().unwrap();
    let (by, said) = (writer("a", 1), note(1, 0));
    // Without a commit the outcome is unknown.
    let error = table.fence(at(1), &by, &said).await.unwrap_err();
    assert!(matches!(error, CommitError::Table(TableError::Store { .. })), "{error:?}");
    inner.put_if_absent(&commit_key(1), others(1)).await.unwrap();
    let landed = table.fence(at(1), &by, &said).await.unwrap();
    assert_eq!(landed, Committed { version: 2, sequence: Sequence(0) });
}

#[tokio::test]
async fn no_commit_of_any_kind_lands_where_the_log_was_cleaned() {
    let by = writer("a", 1);
    for kind in ["commit", "fence", "begin", "widen"] {
        let store = Arc::new(MemoryStore::new());
        create(&store).await;
        let mut frozen = open_wider(&store).await;
        frozen.fence(at(1), &by, &note(1, 0)).await.unwrap();
        let mut awake = open(&store).await;
        commit_files(&mut awake, &writer("b", 2), 2, 25).await;
        awake.checkpoint_if_due(at(30), WEEK).await.unwrap().unwrap();
        let later = at(0) + SignedDuration::from_hours(24 * 365 * 9);
        assert!(clean_log(&mut awake, later, WEEK).await.unwrap().files > 0);
        assert_eq!(store.get(&commit_key(2)).await.unwrap(), None);

        let (soon, said) = (at(3602), note(2, 0));
        let error = match kind {
            "commit" => {
                let add = [file("1-1-a-0", None, 0)];
                let change = CommitFiles { started: soon, ..change(&add, &[]) };
                frozen.commit(soon, &by, &change, &said).await.unwrap_err()
            }
            "fence" => frozen.fence(soon, &by, &said).await.unwrap_err(),
            "begin" => frozen.begin_at(soon, &by, Sequence(9), &said).await.unwrap_err(),
            _ => frozen.describe(soon, &by, &said).await.unwrap_err(),
        };
        assert!(matches!(error, CommitError::Fenced { .. }), "{kind}: {error:?}");
        assert_eq!(store.get(&commit_key(2)).await.unwrap(), None, "{kind}");
    }
}
