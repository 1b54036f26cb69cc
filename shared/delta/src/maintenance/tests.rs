use core::ops::Range;
use core::slice::from_ref;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::store::{MemoryStore, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError};
use crate::table::tests::{
    ACCOUNT, BY_MONTH, WEEK, at, change, commit_files, commit_key, create, file, note, open, writer,
};

const DAY: i64 = 24 * 3600;

fn key(name: &str) -> String {
    format!("tables/by_month/{name}")
}

async fn keys(store: &MemoryStore, prefix: &str) -> Vec<String> {
    let all = store.list(&key(prefix), None).await.unwrap();
    let names = all.iter().map(|object| object.key.trim_start_matches("tables/by_month/"));
    names.map(str::to_owned).collect()
}

/// Makes a commit a day for `days` days, with a checkpoint when due. The store's clock follows.
async fn daily(store: &Arc<MemoryStore>, days: i64) -> Table {
    let mut table = create(store).await;
    let by = writer("a", 1);
    for day in 1..=days {
        store.set_now(at(day * DAY));
        let name = format!("1-{day}-a-0");
        let mut change = change(&[file(&name, Some("2024-01"), day)], table.files());
        change.started = at(day * DAY);
        let said = note(u64::try_from(day).unwrap(), 1);
        store.put(&key(&change.add[0].path), Bytes::from_static(b"rows")).await.unwrap();
        table.commit(at(day * DAY), &by, &change, &said).await.unwrap();
        table.checkpoint_if_due(at(day * DAY), WEEK).await.unwrap();
    }
    table
}

#[tokio::test]
async fn old_log_files_go_behind_an_old_checkpoint() {
    let store = Arc::new(MemoryStore::new());
    let mut table = daily(&store, 25).await;
    // The checkpoint at 20 is only five days old, the one at 10 is fifteen.
    let deleted = clean_log(&mut table, at(25 * DAY), WEEK).await.unwrap();
    assert_eq!(deleted.files, 10);
    let left = keys(&store, "_delta_log/").await;
    assert_eq!(left[0], "_delta_log/00000000000000000010.checkpoint.parquet");
    assert_eq!(left[1], "_delta_log/00000000000000000010.json");
    assert_eq!(left.len(), 16 + 2 + 1);
    assert_eq!(open(&store).await.files(), table.files());
    assert_eq!(clean_log(&mut table, at(25 * DAY), WEEK).await.unwrap(), DeletedObjects::default());

    let deleted = clean_log(&mut table, at(28 * DAY), WEEK).await.unwrap();
    assert_eq!(deleted.files, 11, "ten commits and the checkpoint at 10");
    assert_eq!(open(&store).await.files(), table.files());
}

/// Each day a file replaces another one, and a process opens the table and tidies it up.
#[tokio::test]
async fn files_are_not_deleted_again_once_a_checkpoint_has_left_them_out() {
    let store = Arc::new(MemoryStore::new());
    create(&store).await;
    let mut deleted = 0;
    for day in 1..=60 {
        store.set_now(at(day * DAY));
        let mut table = open(&store).await;
        let added = file(&format!("1-{day}-a-0"), Some("2024-01"), day);
        let mut change = change(from_ref(&added), table.files());
        change.started = at(day * DAY);
        store.put(&key(&added.path), Bytes::from_static(b"rows")).await.unwrap();
        let said = note(u64::try_from(day).unwrap(), 1);
        table.commit(at(day * DAY), &writer("a", 1), &change, &said).await.unwrap();
        let gone = vacuum(&mut table, at(day * DAY), WEEK).await.unwrap().files;
        // A checkpoint is due every ten versions; the file that left a week ago is one of them.
        assert!(gone <= 10, "{gone} on day {day}");
        deleted += gone;
        table.checkpoint_if_due(at(day * DAY), WEEK).await.unwrap();
        let left = keys(&store, "created_month=2024-01/").await;
        assert!(left.len() <= 9, "{left:?}");
    }
    assert!(deleted >= 52, "{deleted}");
}

#[tokio::test]
async fn nothing_goes_without_a_checkpoint_or_before_its_time() {
    let store = Arc::new(MemoryStore::new());
    let mut table = daily(&store, 9).await;
    assert_eq!(
        clean_log(&mut table, at(900 * DAY), WEEK).await.unwrap(),
        DeletedObjects::default()
    );
    let store = Arc::new(MemoryStore::new());
    let mut table = daily(&store, 17).await;
    assert_eq!(clean_log(&mut table, at(17 * DAY), WEEK).await.unwrap(), DeletedObjects::default());
    assert_eq!(clean_log(&mut table, at(18 * DAY), WEEK).await.unwrap().files, 10);
}

#[tokio::test]
async fn the_newest_commit_with_a_note_stays() {
    let store = Arc::new(MemoryStore::new());
    let mut table = daily(&store, 5).await;
    for version in 6..=20 {
        let foreign = Bytes::from_static(b"{\"commitInfo\":{\"operation\":\"OPTIMIZE\"}}\n");
        store.put(&commit_key(version), foreign).await.unwrap();
    }
    table.refresh().await.unwrap();
    table.checkpoint_if_due(at(5 * DAY), WEEK).await.unwrap().unwrap();
    let mut table = open(&store).await;
    let deleted = clean_log(&mut table, at(500 * DAY), WEEK).await.unwrap();
    assert_eq!(deleted.files, 19);
    assert!(keys(&store, "_delta_log/").await.contains(&commit_key(5)[16..].to_owned()));
    assert_eq!(open(&store).await.note(), Some(&note(5, 1)));
    assert_eq!(clean_log(&mut table, at(500 * DAY), WEEK).await.unwrap().files, 0);
}

#[tokio::test]
async fn a_damaged_checkpoint_is_nothing_to_rest_on() {
    let store = Arc::new(MemoryStore::new());
    let mut table = daily(&store, 12).await;
    let checkpoint = key("_delta_log/00000000000000000010.checkpoint.parquet");
    store.put(&checkpoint, Bytes::from_static(b"PAR1")).await.unwrap();
    clean_log(&mut table, at(500 * DAY), WEEK).await.unwrap_err();
    assert_eq!(open(&store).await.files(), table.files());
}

#[tokio::test]
async fn a_hint_never_names_a_checkpoint_that_is_gone() {
    let store = Arc::new(MemoryStore::new());
    daily(&store, 12).await;
    let old_hint = store.get(&key(LAST_CHECKPOINT)).await.unwrap().unwrap();
    let store = Arc::new(MemoryStore::new());
    let mut table = daily(&store, 22).await;
    // State after a crash between checkpoint and hint.
    store.put(&key(LAST_CHECKPOINT), old_hint).await.unwrap();
    clean_log(&mut table, at(500 * DAY), WEEK).await.unwrap();
    assert_eq!(table.log().hint().await.unwrap(), Some(20));
    // As Delta's protocol describes it; a checkpoint of one file has no parts.
    let hint = store.get(&key(LAST_CHECKPOINT)).await.unwrap().unwrap();
    let hint: serde_json::Value = serde_json::from_slice(&hint).unwrap();
    let checkpoint = format!("_delta_log/{:020}.checkpoint.parquet", 20);
    let checkpoint = store.get(&key(&checkpoint)).await.unwrap().unwrap();
    let checkpoint = ParquetRecordBatchReaderBuilder::try_new(checkpoint).unwrap();
    let actions = checkpoint.metadata().file_metadata().num_rows();
    assert_eq!(hint, serde_json::json!({ "version": 20, "size": actions, "parts": null }));
    assert_eq!(open(&store).await.files(), table.files());
}

#[tokio::test]
async fn vacuum_takes_removed_files_after_the_retention() {
    let store = Arc::new(MemoryStore::new());
    let mut table = daily(&store, 12).await;
    // Files were removed on days 2 to 12; the removals of days 2 to 4 are over a week ago.
    let deleted = vacuum(&mut table, at(12 * DAY), WEEK).await.unwrap();
    assert_eq!(deleted, DeletedObjects { files: 3, bytes: 3000 });
    assert_eq!(keys(&store, "created_month=").await.len(), 9);
    // A retention of zero deletes all, even by a clock that is behind.
    vacuum(&mut table, at(0), SignedDuration::ZERO).await.unwrap();
    assert_eq!(keys(&store, "created_month=").await, [&table.files()[0].path[..]]);
}

#[tokio::test]
async fn only_files_of_dead_attempts_are_orphans() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    commit_files(&mut table, &writer("a", 3), 1, 5).await;
    let removed = table.files()[0].clone();
    let by = writer("a", 3);
    table.commit(at(6), &by, &change(&[], from_ref(&removed)), &note(6, 1)).await.unwrap();
    assert_eq!(table.recorded_sequence().0, 6);
    store.set_now(at(0));
    let dead =
        ["2-9-b-0", "3-6-a-1", "3-2-c-0"].map(|name| format!("created_month=x/{name}.parquet"));
    let alive = [
        "created_month=x/3-7-a-0.parquet",
        "created_month=x/4-1-b-0.parquet",
        "created_month=x/part-0.parquet",
        "created_month=x/2-9-b-0.csv",
        "2-9-b-0.txt",
        "_delta_log/2-9-b-0.parquet",
    ];
    let current = table.files().iter().chain([&removed]).map(|file| file.path.clone());
    let all = current.chain(dead.clone()).chain(alive.map(str::to_owned));
    for path in all {
        store.put(&key(&path), Bytes::from_static(b"rows")).await.unwrap();
    }
    let elsewhere = "tables/by_month_changes/1-1-a-0.parquet";
    store.put(elsewhere, Bytes::new()).await.unwrap();
    let before = store.list("", None).await.unwrap().len();
    let day = SignedDuration::from_secs(DAY);
    let none = orphans(&mut table, at(DAY - 1), day, &by).await.unwrap();
    assert_eq!(none, DeletedObjects::default(), "too young");
    let none = orphans(&mut table, at(DAY), day, &writer("z", 2)).await.unwrap();
    assert_eq!(none, DeletedObjects::default(), "taken over");
    let deleted = orphans(&mut table, at(DAY), day, &by).await.unwrap();
    assert_eq!(deleted, DeletedObjects { files: 3, bytes: 12 });
    for path in dead {
        assert_eq!(store.get(&key(&path)).await.unwrap(), None, "{path}");
    }
    assert_eq!(store.list("", None).await.unwrap().len(), before - 3);
}

#[tokio::test]
async fn orphans_refreshes_after_it_lists() {
    let store = Arc::new(MemoryStore::new());
    let mut behind = create(&store).await;
    let mut table = open(&store).await;
    commit_files(&mut table, &writer("a", 1), 1, 3).await;
    for file in table.files() {
        store.put(&key(&file.path), Bytes::new()).await.unwrap();
    }
    let by = writer("b", 2);
    assert_eq!(orphans(&mut behind, at(9), SignedDuration::ZERO, &by).await.unwrap().files, 0);
}

/// Store whose listings lack what was stored after `seen`.
#[derive(Debug)]
struct Outdated {
    inner: Arc<MemoryStore>,
    seen: Timestamp,
}

#[async_trait]
impl ObjectStore for Outdated {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        self.inner.put_if_absent(key, bytes).await
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.inner.put(key, bytes).await
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.inner.replace(key, old, new).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.inner.get_range(key, range).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        let mut all = self.inner.list(prefix, after).await?;
        all.retain(|object| object.modified <= self.seen);
        Ok(all)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.inner.delete(key).await
    }
}

#[tokio::test]
async fn a_version_that_no_listing_shows_protects_its_files() {
    let store = Arc::new(MemoryStore::new());
    store.set_now(at(0));
    let mut table = create(&store).await;
    let by = writer("a", 1);
    let files = ["1-1-a-0", "1-3-a-0"].map(|name| file(name, Some("2024-01"), 1));
    for file in &files {
        store.put(&key(&file.path), Bytes::from_static(b"rows")).await.unwrap();
    }
    let [first, second] = &files;
    table.commit(at(1), &by, &change(from_ref(first), &[]), &note(1, 1)).await.unwrap();
    table.commit(at(2), &by, &change(&[], from_ref(first)), &note(2, 1)).await.unwrap();
    // The rest is written later: the second file is live, and the first one is again.
    store.set_now(at(9));
    table.commit(at(3), &by, &change(from_ref(second), &[]), &note(3, 1)).await.unwrap();
    let again = serde_json::json!({ "add": {
        "path": first.path, "partitionValues": { "created_month": "2024-01" }, "size": 1000,
        "modificationTime": 0, "dataChange": true, "stats": "{\"numRecords\":10}",
    } });
    let restored = format!("{{\"commitInfo\":{{\"operation\":\"RESTORE\"}}}}\n{again}\n");
    store.put(&commit_key(4), restored.into()).await.unwrap();
    let outdated = Arc::new(Outdated { inner: store.clone(), seen: at(0) });
    for what in ["vacuum", "orphans"] {
        let behind = Table::open(outdated.clone(), &BY_MONTH, ACCOUNT).await.unwrap();
        let mut behind = behind.expect("a table");
        assert_eq!(behind.version(), 2);
        let (now, zero) = (at(DAY), SignedDuration::ZERO);
        let deleted = match what {
            "vacuum" => vacuum(&mut behind, now, zero).await,
            _ => orphans(&mut behind, now, zero, &writer("b", 2)).await,
        };
        assert_eq!((deleted.unwrap(), behind.version()), (DeletedObjects::default(), 4), "{what}");
    }
    assert_eq!(open(&store).await.files().len(), 2);
}

#[tokio::test]
async fn a_table_that_no_listing_shows_is_found_by_name() {
    let store = Arc::new(MemoryStore::new());
    let outdated = Arc::new(Outdated { inner: store.clone(), seen: at(0) });
    assert!(Table::open(outdated.clone(), &BY_MONTH, ACCOUNT).await.unwrap().is_none());
    store.set_now(at(5));
    let mut table = create(&store).await;
    commit_files(&mut table, &writer("a", 1), 1, 3).await;
    let found = Table::open(outdated, &BY_MONTH, ACCOUNT).await.unwrap().expect("a table");
    assert_eq!((found.version(), found.files()), (3, table.files()));
}
