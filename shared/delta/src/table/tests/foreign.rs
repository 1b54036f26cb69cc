//! Commits of other engines: which of them change rows, and which version they restore.

use super::*;
use crate::maintenance::clean_log;

/// Content of another engine's commit.
struct Theirs<'a> {
    info: Option<Value>,
    add: &'a [FileEntry],
    remove: &'a [FileEntry],
    data_change: Option<bool>,
}

fn info(operation: &str) -> Value {
    json!({
        "timestamp": 1_790_000_000_000_i64,
        "operation": operation,
        "operationParameters": { "version": "1" },
        "clientVersion": "delta-rs.0.32.0",
    })
}

impl Theirs<'_> {
    /// Writes the commit as the next version, as plain JSON.
    async fn commit(self, store: &MemoryStore, version: u64) {
        let mut lines: Vec<Value> =
            self.info.into_iter().map(|info| json!({ "commitInfo": info })).collect();
        let with_change = |mut action: Value| {
            if let Some(data_change) = self.data_change {
                action["dataChange"] = json!(data_change);
            }
            action
        };
        for file in self.add {
            let values = json!({ "created_month": file.partition });
            let add = json!({
                "path": file.path, "partitionValues": values, "size": file.size,
                "modificationTime": 1_790_000_000_000_i64, "stats": file.stats,
            });
            lines.push(json!({ "add": with_change(add) }));
        }
        for file in self.remove {
            let remove = json!({
                "path": file.path, "deletionTimestamp": 1_790_000_000_000_i64,
                "extendedFileMetadata": true, "size": file.size,
                "partitionValues": { "created_month": file.partition },
            });
            lines.push(json!({ "remove": with_change(remove) }));
        }
        let text: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let put = store.put_if_absent(&commit_key(version), Bytes::from(text.join("\n"))).await;
        assert_eq!(put.unwrap(), PutIfAbsent::Stored);
    }
}

/// Table with one more file at each of the versions 1, 2 and 3.
async fn grown(store: &Arc<MemoryStore>) -> Vec<FileEntry> {
    let mut table = create(store).await;
    commit_files(&mut table, &writer("a", 1), 1, 3).await;
    table.files().to_vec()
}

fn restore<'a>(add: &'a [FileEntry], remove: &'a [FileEntry]) -> Theirs<'a> {
    Theirs { info: Some(info("RESTORE")), add, remove, data_change: Some(true) }
}

/// Version whose files are restored, and the cursor at that time.
async fn restored(store: &Arc<MemoryStore>) -> Option<(u64, u64)> {
    let found = open(store).await.restored().await.unwrap();
    found.map(|(version, note)| (version, note.state["cursor"].as_u64().unwrap()))
}

fn change_of(version: u64, operation: &str) -> ForeignChange {
    ForeignChange::Change { version, operation: Some(operation.to_owned()) }
}

#[tokio::test]
async fn a_restore_leads_back_to_the_version_whose_files_are_there() {
    for kept in 1..3_usize {
        let store = Arc::new(MemoryStore::new());
        let files = grown(&store).await;
        restore(&[], &files[kept..]).commit(&store, 4).await;
        let table = open(&store).await;
        assert_eq!(table.foreign().cloned(), Some(change_of(4, "RESTORE")));
        assert_eq!(restored(&store).await, Some((kept as u64, kept as u64)));
        // A second restore goes back again; only the files tell to which version.
        restore(&files[kept..], &[]).commit(&store, 5).await;
        assert_eq!(restored(&store).await, Some((3, 3)));
    }
}

#[tokio::test]
async fn rows_that_were_never_ours_are_those_of_no_version() {
    let other = [file("part-0", Some("2024-01"), 5)];
    for operation in ["DELETE", "UPDATE", "MERGE", "WRITE"] {
        let store = Arc::new(MemoryStore::new());
        let files = grown(&store).await;
        let remove = if operation == "WRITE" { &[][..] } else { &files[1..2] };
        let add = if operation == "DELETE" { &[][..] } else { &other[..] };
        let theirs = Theirs { info: Some(info(operation)), add, remove, data_change: Some(true) };
        theirs.commit(&store, 4).await;
        assert_eq!(open(&store).await.foreign().cloned(), Some(change_of(4, operation)));
        assert_eq!(restored(&store).await, None, "{operation}");
    }
}

#[tokio::test]
async fn what_changes_no_row_is_nothing_foreign_and_what_does_not_say_may_change_some() {
    let compacted = [file("part-0", Some("2024-01"), 5)];
    let compaction = |data_change, info| Theirs { info, add: &compacted, remove: &[], data_change };
    let check = async |theirs: Theirs<'_>, expected: Option<ForeignChange>| {
        let store = Arc::new(MemoryStore::new());
        grown(&store).await;
        theirs.commit(&store, 4).await;
        assert_eq!(open(&store).await.foreign().cloned(), expected);
    };
    check(compaction(Some(false), Some(info("OPTIMIZE"))), None).await;
    check(compaction(Some(false), None), None).await;
    check(compaction(None, Some(info("WRITE"))), Some(change_of(4, "WRITE"))).await;
    check(
        compaction(Some(true), None),
        Some(ForeignChange::Change { version: 4, operation: None }),
    )
    .await;
}

#[tokio::test]
async fn a_compaction_hides_neither_the_restore_before_it_nor_the_version_it_went_back_to() {
    let store = Arc::new(MemoryStore::new());
    let files = grown(&store).await;
    restore(&[], &files[2..]).commit(&store, 4).await;
    let joined = [file("part-0", Some("2024-01"), 5)];
    let info = Some(info("OPTIMIZE"));
    Theirs { info, add: &joined, remove: &files[..2], data_change: Some(false) }
        .commit(&store, 5)
        .await;
    assert_eq!(open(&store).await.foreign().cloned(), Some(change_of(4, "RESTORE")));
    assert_eq!(restored(&store).await, Some((2, 2)));
}

#[tokio::test]
async fn a_commit_of_ours_that_says_where_the_stream_stands_ends_it() {
    let store = Arc::new(MemoryStore::new());
    let files = grown(&store).await;
    restore(&[], &files[1..]).commit(&store, 4).await;
    let mut table = open(&store).await;
    let begun = table.begin_at(at(9), &writer("b", 2), Sequence(7), &note(1, 0)).await.unwrap();
    assert_eq!(begun.version, 5);
    assert_eq!((table.foreign(), open(&store).await.foreign()), (None, None));
}

#[tokio::test]
async fn nothing_is_committed_over_a_change_that_came_while_a_run_worked() {
    for operation in ["commit", "fence", "begin"] {
        let store = Arc::new(MemoryStore::new());
        let files = grown(&store).await;
        let mut table = open(&store).await;
        // The restore keeps the files that this run removes, so only the changed rows forbid the
        // commit.
        restore(&[], &files[2..]).commit(&store, 4).await;
        let (by, said) = (writer("b", 2), note(9, 1));
        let done = match operation {
            "commit" => {
                let added = [file("2-4-b-0", Some("2024-02"), 90)];
                table.commit(at(9), &by, &change(&added, &files[..1]), &said).await
            }
            "fence" => table.fence(at(9), &by, &said).await,
            _ => table.begin_at(at(9), &by, Sequence(9), &said).await,
        };
        let error = done.unwrap_err();
        assert!(matches!(error, CommitError::Foreign { .. }), "{operation}: {error}");
        assert!(error.to_string().contains("version 4, RESTORE"), "{error}");
        assert_eq!(open(&store).await.version(), 4);
    }
}

#[tokio::test]
async fn a_change_behind_a_checkpoint_is_still_seen_and_a_log_that_no_longer_tells_says_so() {
    let store = Arc::new(MemoryStore::new());
    let files = grown(&store).await;
    restore(&[], &files[1..]).commit(&store, 4).await;
    for version in 5..12 {
        let info = Some(info("SET TBLPROPERTIES"));
        Theirs { info, add: &[], remove: &[], data_change: None }.commit(&store, version).await;
    }
    let mut table = open(&store).await;
    assert_eq!(table.checkpoint_if_due(at(0), WEEK).await.unwrap(), Some(11));
    assert_eq!(open(&store).await.foreign().cloned(), Some(change_of(4, "RESTORE")));
    assert_eq!(restored(&store).await, Some((1, 1)));
    // Clean-up deletes the restore's commit and some of ours, but keeps the newest with a note.
    for version in [0, 1, 2, 4] {
        store.delete(&commit_key(version)).await.unwrap();
    }
    let table = open(&store).await;
    assert_eq!(table.foreign(), Some(&ForeignChange::Untold { version: 4 }));
    assert_eq!(table.note().unwrap().run, "run-3");
    assert_eq!(restored(&store).await, None);
}

#[tokio::test]
async fn a_failure_of_the_store_is_not_taken_for_a_version_that_is_gone() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    commit_files(&mut table, &writer("a", 1), 1, 10).await;
    assert_eq!(table.checkpoint_if_due(at(0), WEEK).await.unwrap(), Some(10));
    commit_files(&mut table, &writer("a", 1), 11, 1).await;
    restore(&[], &table.files()[10..]).commit(&store, 12).await;
    for version in 0..10 {
        store.delete(&commit_key(version)).await.unwrap();
    }
    let unchanged = open(&store).await;
    let counting = Arc::new(FaultyStore::new(store.clone(), |_| CallFault::None));
    let table = Table { store: counting.clone(), ..unchanged.clone() };
    let found = table.restored().await.unwrap().unwrap();
    assert_eq!(found.0, 10);
    for failing in 0..counting.calls() {
        let faulty = FaultyStore::new(store.clone(), move |call: StoreCall<'_>| {
            if call.number == failing { CallFault::Before } else { CallFault::None }
        });
        let table = Table { store: Arc::new(faulty), ..unchanged.clone() };
        let error = table.restored().await.unwrap_err();
        assert!(matches!(error, TableError::Store { .. }), "request {failing}: {error:?}");
    }
}

#[tokio::test]
async fn cleaning_our_own_log_leaves_nothing_untold() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    commit_files(&mut table, &writer("a", 1), 1, 25).await;
    table.checkpoint_if_due(at(0), WEEK).await.unwrap();
    let year = at(0) + SignedDuration::from_hours(24 * 365 * 9);
    assert!(clean_log(&mut table, year, WEEK).await.unwrap().files > 0);
    assert_eq!(open(&store).await.foreign(), None);
}

#[tokio::test]
async fn a_table_is_known_by_its_id_and_by_its_newest_commit() {
    let (store, copy) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
    grown(&store).await;
    for object in store.list("", None).await.unwrap() {
        let bytes = store.get(&object.key).await.unwrap().unwrap();
        copy.put(&object.key, bytes).await.unwrap();
    }
    let before = open(&store).await.mark();
    assert_eq!(open(&copy).await.mark(), before);
    // Both copies continue independently.
    for (store, attempt) in [(&store, "b"), (&copy, "c")] {
        let mut table = open(store).await;
        commit_files(&mut table, &writer(attempt, 2), 4, 1).await;
    }
    let (ours, theirs) = (open(&store).await, open(&copy).await);
    assert_eq!(ours.version(), theirs.version());
    assert_eq!(ours.mark().id, theirs.mark().id);
    assert_ne!(ours.mark(), theirs.mark());
    let anew = Arc::new(MemoryStore::new());
    Table::create(anew.clone(), &BY_MONTH, ACCOUNT, at(1)).await.unwrap();
    assert_ne!(open(&anew).await.mark().id, before.id);
}

#[tokio::test]
async fn changes_of_another_table_and_changes_that_others_changed_begin_anew() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    commit_files(&mut table, &writer("a", 1), 1, 1).await;
    let of = |state| CommitNote { state, ..note(1, 0) };
    let appended = async |state: Value| {
        let store = Arc::new(MemoryStore::new());
        let mut changes =
            Table::create_changes(store.clone(), &BY_MONTH, ACCOUNT, at(0)).await.unwrap();
        let entry = FileEntry {
            path: "changed_month=2026-09/1-1-a-0.parquet".to_owned(),
            partition: Some("2026-09".to_owned()),
            ..file("x", None, 1)
        };
        let files = ChangeFiles { sequence: Sequence(1), files: vec![entry] };
        let append = ChangesCommit::Append(files);
        changes.commit_changes(at(1), &writer("a", 1), &append, &of(state)).await.unwrap();
        (store, changes)
    };
    let (_, changes) = appended(Value::Null).await;
    assert_eq!(
        lag(&table, &changes),
        ChangesLag::None,
        "earlier releases did not say whose they are"
    );
    let (_, changes) = appended(json!({ "table": "another" })).await;
    assert_eq!(lag(&table, &changes), ChangesLag::Baseline);
    let (store, mut changes) = appended(following(&table)).await;
    assert_eq!(lag(&table, &changes), ChangesLag::None);
    let remove = json!({ "remove": { "path": changes.files()[0].path, "dataChange": true } });
    let key = format!("{}/{}", changes.root(), names::commit(2));
    store.put(&key, Bytes::from(remove.to_string())).await.unwrap();
    changes.refresh().await.unwrap();
    assert_eq!(lag(&table, &changes), ChangesLag::Baseline);
}
