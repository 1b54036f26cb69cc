//! Opening at a known version, without a listing.

use super::*;

/// Table with a checkpoint at version 10 and commits before and after it.
async fn checkpointed() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    commit_files(&mut table, &writer("a", 1), 1, 10).await;
    table.checkpoint_if_due(at(10), WEEK).await.unwrap().unwrap();
    commit_files(&mut table, &writer("a", 1), 11, 3).await;
    store
}

/// Opens the table at `known`, and returns it with the number of listings that this took.
async fn open_known(store: &Arc<MemoryStore>, known: u64) -> Result<(Table, u64), TableError> {
    let listings = Arc::new(core::sync::atomic::AtomicU64::new(0));
    let counted = Arc::clone(&listings);
    let counting = FaultyStore::new(store.clone(), move |call| {
        let listed = u64::from(call.operation == StoreOperation::List);
        counted.fetch_add(listed, core::sync::atomic::Ordering::SeqCst);
        CallFault::None
    });
    let opened = Table::open_known(Arc::new(counting), &BY_MONTH, ACCOUNT, known).await?;
    let table = opened.expect("a table");
    Ok((table, listings.load(core::sync::atomic::Ordering::SeqCst)))
}

#[tokio::test]
async fn a_table_at_a_known_version_is_opened_without_a_listing() {
    let store = checkpointed().await;
    let listed = open(&store).await;
    // 9 lies before the checkpoint; after 11 come versions that the caller does not know.
    for known in [13, 11, 10, 9, 0] {
        let (table, listings) = open_known(&store, known).await.unwrap();
        assert_eq!((table.version(), listings), (13, 0), "{known}");
        assert_eq!(table.files(), listed.files());
        assert_eq!(table.note(), listed.note());
        assert_eq!(table.recorded_sequence(), listed.recorded_sequence());
    }
    let (table, listings) = open_known(&store, 14).await.unwrap();
    assert_eq!((table.version(), listings), (13, 1), "a version that names do not show");
    // Without a commit after the checkpoint its own commit has the note.
    for version in 11..=13 {
        store.delete(&commit_key(version)).await.unwrap();
    }
    let (table, listings) = open_known(&store, 10).await.unwrap();
    assert_eq!((table.version(), table.note(), listings), (10, Some(&note(10, 10)), 0));
}

#[tokio::test]
async fn a_young_log_without_a_checkpoint_needs_no_listing_either() {
    let store = Arc::new(MemoryStore::new());
    assert!(Table::open_known(store.clone(), &BY_MONTH, ACCOUNT, 0).await.unwrap().is_none());
    let mut table = create(&store).await;
    commit_files(&mut table, &writer("a", 1), 1, 3).await;
    let (table, listings) = open_known(&store, 2).await.unwrap();
    assert_eq!((table.version(), table.files().len(), listings), (3, 3, 0));
}

#[tokio::test]
async fn damage_up_to_the_known_version_is_told_as_by_a_listing() {
    let store = checkpointed().await;
    store.delete(&commit_key(12)).await.unwrap();
    let error = open_known(&store, 13).await.unwrap_err().to_string();
    assert!(error.contains("00000000000000000012.json: it is missing"), "{error}");
    // A checkpoint that cannot be read: the log is still whole.
    let store = checkpointed().await;
    let checkpoint = format!("tables/by_month/{}", names::checkpoint(10));
    store.put(&checkpoint, Bytes::from_static(b"no Parquet")).await.unwrap();
    let (table, listings) = open_known(&store, 13).await.unwrap();
    assert!(listings > 0);
    assert_eq!((table.version(), table.files().len()), (13, 13));
}

#[tokio::test]
async fn no_version_is_committed_in_front_of_later_ones_that_names_do_not_show() {
    let store = checkpointed().await;
    store.delete(&commit_key(12)).await.unwrap();
    let (mut table, listings) = open_known(&store, 11).await.unwrap();
    assert_eq!((table.version(), listings), (11, 0));
    let add = change(&[file("1-9-b-0", Some("2024-01"), 0)], &[]);
    let refused = table.commit(at(20), &writer("b", 1), &add, &note(20, 1)).await.unwrap_err();
    assert!(refused.to_string().contains("00000000000000000012.json: it is missing"), "{refused}");
    assert_eq!(store.get(&commit_key(12)).await.unwrap(), None);
}
