//! Kills the writer at every call to the store, before or after its effect; then another one
//! continues.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::*;
use crate::maintenance::{clean_log, orphans, vacuum};

const COMMITS: u64 = 12;
const SOON: SignedDuration = SignedDuration::from_secs(1);

fn data_file(epoch: u64, sequence: u64) -> FileEntry {
    file(&format!("{epoch}-{sequence}-a{epoch}-0"), Some("2024-01"), 10)
}

fn data_key(file: &FileEntry) -> String {
    format!("tables/by_month/{}", file.path)
}

/// Whether the commit replaces all files. Each adds one and every second one replaces all, so a
/// table has at most two.
fn replaces_all(sequence: u64) -> bool {
    sequence.is_multiple_of(2)
}

#[derive(Debug, thiserror::Error)]
enum Died {
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// Runs one writer: continues from the log to the last commit, with all housekeeping in between.
async fn live(
    store: Arc<dyn ObjectStore>,
    epoch: u64,
    acknowledged: &Mutex<u64>,
) -> Result<(), Died> {
    let by = writer(&format!("a{epoch}"), epoch);
    let mut table = Table::create(store.clone(), &BY_MONTH, ACCOUNT, at(0)).await?;
    if let Some(said) = table.note().cloned() {
        table.fence(at(0), &by, &said).await?;
    }
    while table.recorded_sequence().0 < COMMITS {
        let sequence = table.recorded_sequence().next().0;
        let added = data_file(epoch, sequence);
        store.put_if_absent(&data_key(&added), Bytes::from_static(b"rows")).await?;
        let removed = if replaces_all(sequence) { table.files().to_vec() } else { Vec::new() };
        table.commit(at(1), &by, &change(&[added], &removed), &note(sequence, 1)).await?;
        *acknowledged.lock().unwrap() = sequence;
        table.checkpoint_if_due(at(1), WEEK).await?;
        if sequence.is_multiple_of(4) {
            vacuum(&mut table, at(1), SignedDuration::ZERO).await?;
            orphans(&mut table, at(1), SignedDuration::ZERO, &by).await?;
            clean_log(&mut table, at(1), SOON).await?;
        }
    }
    vacuum(&mut table, at(1), SignedDuration::ZERO).await?;
    orphans(&mut table, at(1), SignedDuration::ZERO, &by).await?;
    Ok(())
}

async fn check_reopened(store: &Arc<MemoryStore>, acknowledged: u64, died: &str) -> u64 {
    let Some(table) = Table::open(store.clone(), &BY_MONTH, ACCOUNT).await.unwrap() else {
        assert_eq!(acknowledged, 0, "{died}");
        return 0;
    };
    let sequence = table.recorded_sequence().0;
    assert!((acknowledged..=acknowledged + 1).contains(&sequence), "{died}: {sequence}");
    let expected =
        if sequence == 0 { 0 } else { 1 + usize::from(!replaces_all(sequence) && sequence > 1) };
    assert_eq!(table.files().len(), expected, "{died}");
    assert_eq!(
        table.note().map(|note| note.run.clone()),
        (sequence > 0).then(|| format!("run-{sequence}")),
        "{died}"
    );
    for file in table.files() {
        let there = store.get(&data_key(file)).await.unwrap();
        assert!(there.is_some(), "{died}: {} is gone", file.path);
    }
    sequence
}

async fn objects(store: &MemoryStore) -> BTreeSet<String> {
    let all = store.list("tables/by_month/created", None).await.unwrap();
    all.into_iter().map(|object| object.key).collect()
}

#[tokio::test]
async fn a_crash_at_any_call_loses_nothing_and_doubles_nothing() {
    let quiet = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new()), |_| CallFault::None));
    live(quiet.clone(), 1, &Mutex::new(0)).await.unwrap();
    let calls = quiet.calls();
    assert!(calls > 50, "{calls}");
    for crash in 0..calls {
        for at_crash in [CallFault::Before, CallFault::After] {
            let died = format!("at call {crash}, {at_crash:?}");
            let inner = Arc::new(MemoryStore::new());
            let dying = FaultyStore::new(inner.clone(), move |call: StoreCall<'_>| {
                match call.number.cmp(&crash) {
                    core::cmp::Ordering::Less => CallFault::None,
                    core::cmp::Ordering::Equal => at_crash,
                    core::cmp::Ordering::Greater => CallFault::Before,
                }
            });
            let acknowledged = Mutex::new(0);
            // A failure of the last call may be one that the writer ignores.
            drop(live(Arc::new(dying), 1, &acknowledged).await);
            let acknowledged = *acknowledged.lock().unwrap();
            check_reopened(&inner, acknowledged, &died).await;

            live(inner.clone(), 2, &Mutex::new(0)).await.unwrap();
            assert_eq!(check_reopened(&inner, COMMITS, &died).await, COMMITS);
            let table = open(&inner).await;
            let current: BTreeSet<_> = table.files().iter().map(data_key).collect();
            assert_eq!(objects(&inner).await, current, "{died}: only current files are left");
        }
    }
}
