//! Kills the writer of a table and its table of changes at every call to the store.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::*;
use crate::maintenance::{change_orphans, clean_log, vacuum};

const COMMITS: u64 = 12;
const SOON: SignedDuration = SignedDuration::from_secs(1);

fn change_file(epoch: u64, sequence: u64) -> FileEntry {
    FileEntry {
        path: format!("changed_month=2026-09/{epoch}-{sequence}-a{epoch}-0.parquet"),
        partition: Some("2026-09".to_owned()),
        keys: None,
        stats: r#"{"numRecords":10}"#.to_owned(),
        ..file("", None, 0)
    }
}

fn made(epoch: u64, sequence: u64) -> ChangeFiles {
    ChangeFiles { sequence: Sequence(sequence), files: vec![change_file(epoch, sequence)] }
}

fn data_file(epoch: u64, sequence: u64) -> FileEntry {
    file(&format!("{epoch}-{sequence}-a{epoch}-0"), Some("2024-01"), 10)
}

async fn put(store: &dyn ObjectStore, root: &str, file: &FileEntry) -> Result<(), Died> {
    store.put_if_absent(&format!("{root}/{}", file.path), Bytes::from_static(b"rows")).await?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Died {
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    #[error("changes are missing")]
    Missing,
}

async fn complete(table: &Table, changes: &mut Table, by: &WriterIdentity) -> Result<(), Died> {
    match lag(table, changes) {
        ChangesLag::None => Ok(()),
        ChangesLag::Append(files) => {
            let append = ChangesCommit::Append(files);
            changes.commit_changes(at(2), by, &append, &note(0, 1)).await?;
            Ok(())
        }
        ChangesLag::Baseline => Err(Died::Missing),
    }
}

/// Runs one writer: completes the work of the last one and continues committing, with all
/// housekeeping in between.
async fn live(store: Arc<dyn ObjectStore>, epoch: u64, until: u64) -> Result<(), Died> {
    let by = writer(&format!("a{epoch}"), epoch);
    let mut table = Table::create(store.clone(), &BY_MONTH, ACCOUNT, at(0)).await?;
    let mut changes = Table::create_changes(store.clone(), &BY_MONTH, ACCOUNT, at(0)).await?;
    if let Some(said) = table.note().cloned() {
        // Two fences stand for several takeovers after which the writer died.
        let said = CommitNote { counts: RowCounts::default(), ..said };
        table.fence(at(0), &by, &said).await?;
        table.fence(at(0), &by, &said).await?;
        changes.fence(at(0), &by, &note(0, 0)).await?;
    }
    complete(&table, &mut changes, &by).await?;
    while table.recorded_sequence().0 < until {
        let sequence = table.recorded_sequence().next().0;
        let (added, own) = (data_file(epoch, sequence), made(epoch, sequence));
        put(store.as_ref(), table.root(), &added).await?;
        put(store.as_ref(), changes.root(), &own.files[0]).await?;
        let said = CommitNote { changes: Some(own), ..note(sequence, 1) };
        let removed = table.files().to_vec();
        table.commit(at(1), &by, &change(&[added], &removed), &said).await?;
        complete(&table, &mut changes, &by).await?;
        table.checkpoint_if_due(at(1), WEEK).await?;
        changes.checkpoint_if_due(at(1), WEEK).await?;
        if sequence.is_multiple_of(4) {
            change_orphans(&mut table, &mut changes, at(1), SignedDuration::ZERO, &by).await?;
            vacuum(&mut changes, at(1), SignedDuration::ZERO).await?;
            clean_log(&mut table, at(1), SOON).await?;
            clean_log(&mut changes, at(1), SOON).await?;
        }
    }
    change_orphans(&mut table, &mut changes, at(1), SignedDuration::ZERO, &by).await?;
    Ok(())
}

async fn open_changes(store: &Arc<MemoryStore>) -> Table {
    Table::open_changes(store.clone(), &BY_MONTH, ACCOUNT).await.unwrap().unwrap()
}

/// Sequences with files in the table of changes. Checks that each file exists, and no other.
async fn sequences(store: &Arc<MemoryStore>, died: &str) -> Vec<u64> {
    let changes = open_changes(store).await;
    let found = store.list("tables/by_month_changes/changed_month=", None).await.unwrap();
    let found: BTreeSet<String> = found.into_iter().map(|object| object.key).collect();
    let named = changes.files().iter().map(|file| format!("{}/{}", changes.root(), file.path));
    assert_eq!(found, named.collect(), "{died}");
    let parsed = changes.files().iter().filter_map(|file| parse_data_file(&file.path));
    let mut sequences: Vec<u64> = parsed.map(|(_, sequence)| sequence).collect();
    sequences.sort_unstable();
    sequences
}

#[tokio::test]
async fn a_crash_at_any_call_completes_every_change_once() {
    let quiet = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new()), |_| CallFault::None));
    live(quiet.clone(), 1, COMMITS).await.unwrap();
    let calls = quiet.calls();
    assert!(calls > 90, "{calls}");
    let every: Vec<u64> = (1..=COMMITS).collect();
    let waiting = Mutex::new(0);
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
            drop(live(Arc::new(dying), 1, COMMITS).await);
            if let Some(table) = Table::open(inner.clone(), &BY_MONTH, ACCOUNT).await.unwrap()
                && let Ok(Some(changes)) =
                    Table::open_changes(inner.clone(), &BY_MONTH, ACCOUNT).await
            {
                let lagging = lag(&table, &changes);
                assert_ne!(lagging, ChangesLag::Baseline, "{died}");
                *waiting.lock().unwrap() += u64::from(lagging != ChangesLag::None);
            }
            live(inner.clone(), 2, COMMITS).await.unwrap();
            assert_eq!(sequences(&inner, &died).await, every, "{died}");
        }
    }
    assert!(*waiting.lock().unwrap() >= 2 * COMMITS);
}

async fn two() -> (Arc<MemoryStore>, Table, Table) {
    let store = Arc::new(MemoryStore::new());
    let table = create(&store).await;
    let changes = Table::create_changes(store.clone(), &BY_MONTH, ACCOUNT, at(0)).await.unwrap();
    (store, table, changes)
}

#[tokio::test]
async fn changes_are_appended_in_order_and_by_the_newest_owner_only() {
    let (store, _, mut changes) = two().await;
    let mut other = open_changes(&store).await;
    let by = writer("a", 2);
    let append = |sequence| ChangesCommit::Append(made(1, sequence));
    let stale = changes.commit_changes(at(1), &by, &append(2), &note(0, 1)).await.unwrap_err();
    assert!(matches!(stale, CommitError::Stale { .. }), "{stale}");
    let done = changes.commit_changes(at(1), &by, &append(1), &note(0, 1)).await.unwrap();
    assert_eq!((done.version, done.sequence), (1, Sequence(1)));
    // Of two writers that complete the same commit, one succeeds.
    let second = writer("c", 2);
    let late = other.commit_changes(at(1), &second, &append(1), &note(0, 1)).await.unwrap_err();
    assert!(matches!(late, CommitError::Stale { .. }), "{late}");
    assert_eq!(other.recorded_sequence(), Sequence(1), "it sees what was done");
    other.fence(at(1), &writer("b", 3), &note(0, 0)).await.unwrap();
    let fenced = changes.commit_changes(at(1), &by, &append(2), &note(0, 1)).await.unwrap_err();
    assert!(matches!(fenced, CommitError::Fenced { .. }), "{fenced}");
    assert_eq!(open_changes(&store).await.files().len(), 1);
}

#[tokio::test]
async fn a_baseline_takes_the_place_of_all_and_a_lost_answer_is_no_failure() {
    let (store, _, mut changes) = two().await;
    let by = writer("a", 1);
    for sequence in 1..4 {
        let append = ChangesCommit::Append(made(1, sequence));
        changes.commit_changes(at(1), &by, &append, &note(0, 1)).await.unwrap();
    }
    let lossy = Arc::new(FaultyStore::new(store.clone(), |call: StoreCall<'_>| {
        let commit = matches!(call.operation, StoreOperation::PutIfAbsent);
        if commit { CallFault::After } else { CallFault::None }
    }));
    let opened = Table::open_changes(lossy, &BY_MONTH, ACCOUNT).await.unwrap();
    let baseline = ChangesCommit::Replace(made(2, 9));
    opened.unwrap().commit_changes(at(1), &by, &baseline, &note(0, 1)).await.unwrap();
    changes.refresh().await.unwrap();
    assert_eq!(changes.files(), made(2, 9).files);
    assert_eq!((changes.version(), changes.recorded_sequence()), (4, Sequence(9)));
}

#[tokio::test]
async fn commits_without_changes_ask_for_a_baseline() {
    let (_, mut table, mut changes) = two().await;
    let by = writer("a", 1);
    assert_eq!(lag(&table, &changes), ChangesLag::None);
    let said = CommitNote { changes: Some(made(1, 1)), ..note(1, 1) };
    table.commit(at(1), &by, &change(&[data_file(1, 1)], &[]), &said).await.unwrap();
    assert_eq!(lag(&table, &changes), ChangesLag::Append(made(1, 1)));
    // A commit that names no changes, as from a run that records none.
    table.commit(at(1), &by, &change(&[data_file(1, 2)], &[]), &note(2, 1)).await.unwrap();
    assert_eq!(lag(&table, &changes), ChangesLag::Baseline);
    let baseline = ChangesCommit::Replace(made(1, 2));
    changes.commit_changes(at(1), &by, &baseline, &note(0, 1)).await.unwrap();
    assert_eq!(lag(&table, &changes), ChangesLag::None);
    // Changes beyond the sequence of the stream's table belong to another table.
    let ahead = ChangesCommit::Append(made(1, 3));
    changes.commit_changes(at(1), &by, &ahead, &note(0, 1)).await.unwrap();
    assert_eq!(lag(&table, &changes), ChangesLag::Baseline);
}

/// A run that has seen a stale listing of one of the two tables.
#[tokio::test]
async fn no_baseline_lowers_the_sequence_and_files_that_it_replaced_are_not_appended_again() {
    let (_, mut table, mut changes) = two().await;
    let by = writer("a", 1);
    let said = CommitNote { changes: Some(made(1, 1)), ..note(1, 1) };
    table.commit(at(1), &by, &change(&[data_file(1, 1)], &[]), &said).await.unwrap();
    changes
        .commit_changes(at(1), &by, &ChangesCommit::Append(made(1, 1)), &note(0, 1))
        .await
        .unwrap();
    let lower = ChangesCommit::Replace(made(2, 0));
    let refused = changes.commit_changes(at(2), &by, &lower, &note(0, 1)).await;
    assert!(matches!(refused, Err(CommitError::Stale { .. })), "{refused:?}");
    // An earlier release has made such a commit.
    let newer = ChangesCommit::Replace(made(2, 1));
    changes.commit_changes(at(2), &by, &newer, &note(0, 1)).await.unwrap();
    let said = CommitNote {
        changes: Some(ChangeFiles { sequence: Sequence(2), ..made(1, 1) }),
        ..note(2, 1)
    };
    table.commit(at(3), &by, &change(&[data_file(1, 2)], &[]), &said).await.unwrap();
    assert_eq!(lag(&table, &changes), ChangesLag::Baseline);
}
