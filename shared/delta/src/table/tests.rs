use core::slice::from_ref;
use std::collections::BTreeMap;

use bytes::Bytes;
use engine::fault::CallFault;
use engine::ids::AttemptId;
use engine::report::RowCounts;
use engine::spec::StreamSpec;
use engine::spec::{
    FieldSpec, Paging, PartitionSpec, StreamKind, date, instant, int, object, text,
};
use engine::time::SignedDuration;
use serde_json::{Value, json};

use super::create::{first_commit, table_id};
use super::skipping::STATS_COLUMNS;
use super::*;
use crate::store::{FaultyStore, MemoryStore, PutIfAbsent, StoreCall, StoreOperation};

mod changes;
mod crash;
mod damage;
mod foreign;
mod interleaving;
mod known;
mod past;
mod transaction;

const FIELDS: &[FieldSpec] = &[
    int("id").required(),
    date("spent_date"),
    object("client", &[int("id"), text("name")]),
    instant("created_at"),
    instant("updated_at"),
];
const MORE_FIELDS: &[FieldSpec] = &[
    int("id").required(),
    date("spent_date"),
    object("client", &[int("id"), text("name")]),
    instant("created_at"),
    instant("updated_at"),
    text("added_later"),
];

const fn spec(
    name: &'static str,
    partition: PartitionSpec,
    fields: &'static [FieldSpec],
) -> StreamSpec {
    StreamSpec {
        name,
        doc: "one test",
        path: "/tests",
        records_key: Some("tests"),
        kind: StreamKind::Snapshot(Paging::Cursor),
        partition,
        fields,
        ..StreamSpec::USUAL
    }
}

pub(crate) static BY_MONTH: StreamSpec = spec("by_month", PartitionSpec::CreatedMonth, FIELDS);
static WIDER: StreamSpec = spec("by_month", PartitionSpec::CreatedMonth, MORE_FIELDS);
static PLAIN: StreamSpec = spec("plain", PartitionSpec::None, FIELDS);

pub(crate) const ACCOUNT: AccountId = AccountId(7);
pub(crate) const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(crate) fn writer(attempt: &str, epoch: u64) -> WriterIdentity {
    WriterIdentity { attempt: AttemptId(attempt.to_owned()), epoch: Epoch(epoch) }
}

pub(crate) fn note(cursor: u64, inserted: u64) -> CommitNote {
    CommitNote {
        run: format!("run-{cursor}"),
        state: json!({ "cursor": cursor, "full": { "begun": "2026-11-23T06:15:00Z" } }),
        counts: RowCounts { inserted, ..RowCounts::default() },
        changes: None,
    }
}

pub(crate) fn file(name: &str, month: Option<&str>, first: i64) -> FileEntry {
    let folder = month.unwrap_or("__HIVE_DEFAULT_PARTITION__");
    FileEntry {
        path: format!("created_month={folder}/{name}.parquet"),
        partition: month.map(str::to_owned),
        size: 1000,
        modified: at(0),
        rows: 10,
        stats: concat!(
            r#"{"numRecords":10,"minValues":{"id":1},"maxValues":{"id":9},"nullCount":{"id":0,"#,
            r#""spent_date":10,"client_id":10,"created_at":10,"updated_at":10,"#,
            r#""account_id":10,"synced_at":10}}"#,
        )
        .to_owned(),
        keys: Some((Key::id(first), Key::id(first + 9))),
        sha256: None,
    }
}

pub(crate) fn change(add: &[FileEntry], remove: &[FileEntry]) -> CommitFiles {
    CommitFiles { started: at(0), add: add.to_vec(), remove: remove.to_vec() }
}

pub(crate) async fn create(store: &Arc<MemoryStore>) -> Table {
    Table::create(store.clone(), &BY_MONTH, ACCOUNT, at(0)).await.unwrap()
}

pub(crate) async fn open(store: &Arc<MemoryStore>) -> Table {
    Table::open(store.clone(), &BY_MONTH, ACCOUNT).await.unwrap().expect("a table")
}

pub(crate) fn commit_key(version: u64) -> String {
    format!("tables/by_month/{}", names::commit(version))
}

/// Makes `n` commits that add one file each.
pub(crate) async fn commit_files(table: &mut Table, by: &WriterIdentity, from: i64, n: i64) {
    for number in from..from + n {
        let added = file(&format!("1-{number}-a-0"), Some("2024-01"), number * 10);
        let said = note(u64::try_from(number).unwrap(), 10);
        table.commit(at(number), by, &change(&[added], &[]), &said).await.unwrap();
    }
}

async fn lines(store: &MemoryStore, version: u64) -> Vec<Value> {
    let bytes = store.get(&commit_key(version)).await.unwrap().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Commits, as another writer, the first description of the table with another property.
async fn redescribe(store: &MemoryStore, version: u64, property: &str, value: &str) {
    let mut described = lines(store, 0).await[2].clone();
    described["metaData"]["configuration"][property] = json!(value);
    let info = json!({ "commitInfo": { "operation": "SET TBLPROPERTIES" } });
    let theirs = Bytes::from(format!("{info}\n{described}"));
    store.put_if_absent(&commit_key(version), theirs).await.unwrap();
}

async fn open_wider(store: &Arc<MemoryStore>) -> Table {
    Table::open(store.clone(), &WIDER, ACCOUNT).await.unwrap().unwrap()
}

#[test]
fn a_table_id_is_a_uuid_of_version_8_and_no_other_tables() {
    let ids: Vec<String> = (0..200).map(|second| table_id("plain", ACCOUNT, at(second))).collect();
    for id in &ids {
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert!(id[14..].starts_with('8') && id[19..].starts_with(['8', '9', 'a', 'b']), "{id}");
    }
    let others = [table_id("by_month", ACCOUNT, at(0)), table_id("plain", AccountId(8), at(0))];
    let all: std::collections::BTreeSet<&String> = ids.iter().chain(&others).collect();
    assert_eq!(all.len(), 202);
}

#[tokio::test]
async fn there_is_no_table_until_it_is_created() {
    let store = Arc::new(MemoryStore::new());
    assert!(Table::open(store.clone(), &BY_MONTH, ACCOUNT).await.unwrap().is_none());
    let created = create(&store).await;
    assert_eq!((created.version(), created.rows(), created.root()), (0, 0, "tables/by_month"));
    assert_eq!((created.recorded_epoch(), created.recorded_sequence()), (Epoch(0), Sequence(0)));
    assert!(created.note().is_none() && created.files().is_empty());
    let again = create(&store).await;
    assert_eq!(again.version(), 0);

    let lines = lines(&store, 0).await;
    assert_eq!(lines[1]["protocol"], json!({ "minReaderVersion": 1, "minWriterVersion": 2 }));
    let meta_data = &lines[2]["metaData"];
    assert_eq!(meta_data["partitionColumns"], json!(["created_month"]));
    let properties = json!({
        "harvest-lake.format": "1",
        "harvest-lake.account": "7",
        "delta.dataSkippingStatsColumns":
            "id,spent_date,client_id,created_at,updated_at,account_id,synced_at",
    });
    assert_eq!(meta_data["configuration"], properties);
    assert_eq!(meta_data["schemaString"], TableSchema::of(&BY_MONTH).delta_schema_json());
    let id = meta_data["id"].as_str().unwrap();
    assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{id}");
    assert_eq!(&id[14..15], "8", "{id}");
    assert_ne!(id, table_id("by_month", ACCOUNT, at(1)));
}

#[tokio::test]
async fn creators_that_race_end_with_one_table() {
    let store = Arc::new(MemoryStore::new());
    let first = create(&store).await;
    // The second creator does not see the table when it looks.
    let blind = Arc::new(FaultyStore::new(store.clone(), |_| CallFault::None));
    let late = Table::create(blind, &BY_MONTH, ACCOUNT, at(9)).await.unwrap();
    assert_eq!(late.state.meta_data.id, first.state.meta_data.id);
    let log = first.log();
    let other = first_commit(&first.schema, ACCOUNT, at(9)).unwrap();
    assert_eq!(log.put_commit(0, &other.into()).await.unwrap(), put::VersionOwner::Others);
}

#[tokio::test]
async fn what_is_committed_is_what_is_opened() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    let (january, february) =
        (file("1-1-a-0", Some("2024-01"), 100), file("1-1-a-1", Some("2024-02"), 0));
    let undated = file("1-1-a-2", None, 50);
    let before = file("1-1-a-3", Some("2024-01"), 5);
    let all = [february.clone(), january.clone(), undated.clone(), before.clone()];
    let by = writer("a", 1);
    let first = table.commit(at(1), &by, &change(&all, &[]), &note(1, 40)).await.unwrap();
    assert_eq!(first, Committed { version: 1, sequence: Sequence(1) });
    assert_eq!(table.files(), [undated.clone(), before.clone(), january.clone(), february.clone()]);

    let newer = file("1-2-a-0", Some("2024-01"), 100);
    let replaced = change(from_ref(&newer), from_ref(&january));
    table.commit(at(2), &by, &replaced, &note(2, 1)).await.unwrap();
    let opened = open(&store).await;
    for table in [&table, &opened] {
        assert_eq!((table.version(), table.rows(), table.bytes()), (2, 40, 4000));
        assert_eq!(
            table.files(),
            [undated.clone(), before.clone(), newer.clone(), february.clone()]
        );
        assert_eq!(table.note(), Some(&note(2, 1)));
        assert_eq!(table.recorded_epoch(), Epoch(1));
        assert_eq!(table.recorded_sequence(), Sequence(2));
    }

    let lines = lines(&store, 2).await;
    let info = &lines[0]["commitInfo"];
    assert_eq!(info["txnId"], "a-1");
    assert_eq!(info["harvestLake"]["state"]["cursor"], 2);
    assert_eq!(info["harvestLake"]["counts"]["inserted"], 1);
    assert_eq!(info["timestamp"], at(2).as_millisecond());
    let remove = lines.iter().find_map(|line| line.get("remove")).unwrap();
    assert_eq!(remove["path"], january.path);
    assert_eq!(remove["deletionTimestamp"], at(2).as_millisecond());
    assert_eq!(remove["extendedFileMetadata"], true);
    let add = lines.iter().find_map(|line| line.get("add")).unwrap();
    assert_eq!(add["partitionValues"], json!({ "created_month": "2024-01" }));
    assert_eq!(add["tags"]["harvest-lake.first"], "[100]");
}

#[tokio::test]
async fn a_commit_without_changed_rows_keeps_the_sequence() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    let by = writer("a", 3);
    commit_files(&mut table, &by, 1, 1).await;
    let said = table.commit(at(2), &by, &change(&[], &[]), &note(9, 0)).await.unwrap();
    assert_eq!(said, Committed { version: 2, sequence: Sequence(1) });
    assert_eq!(open(&store).await.note(), Some(&note(9, 0)));
}

#[tokio::test]
async fn a_change_of_outdated_files_is_stale_and_can_be_merged_again() {
    let store = Arc::new(MemoryStore::new());
    let mut one = create(&store).await;
    let mut other = open(&store).await;
    let by = writer("a", 1);
    commit_files(&mut one, &by, 1, 1).await;
    let late = change(&[file("1-1-b-0", Some("2024-01"), 0)], &[]);
    let by = writer("b", 1);
    let lost = other.commit(at(2), &by, &late, &note(2, 1)).await.unwrap_err();
    assert!(matches!(lost, CommitError::Stale { version: 1, .. }), "{lost:?}");
    assert_eq!(other.files(), one.files());
    let merged = change(&[file("1-2-b-0", Some("2024-01"), 0)], other.files());
    let landed = other.commit(at(2), &by, &merged, &note(2, 1)).await.unwrap();
    assert_eq!(landed, Committed { version: 2, sequence: Sequence(2) });
}

#[tokio::test]
async fn a_race_lost_to_a_commit_without_files_is_run_again() {
    let store = Arc::new(MemoryStore::new());
    let mut one = create(&store).await;
    let mut other = open(&store).await;
    for n in 1..=3 {
        one.commit(at(n), &writer("a", 1), &change(&[], &[]), &note(1, 0)).await.unwrap();
    }
    let add = change(&[file("1-1-b-0", None, 0)], &[]);
    let landed = other.commit(at(4), &writer("b", 1), &add, &note(2, 1)).await.unwrap();
    assert_eq!(landed, Committed { version: 4, sequence: Sequence(1) });
}

#[tokio::test]
async fn a_writer_that_was_taken_over_commits_nothing() {
    let store = Arc::new(MemoryStore::new());
    let mut frozen = create(&store).await;
    let mut awake = open(&store).await;
    let fenced = awake.fence(at(1), &writer("b", 2), &note(1, 0)).await.unwrap();
    assert_eq!(fenced, Committed { version: 1, sequence: Sequence(0) });
    let add = change(&[file("1-1-a-0", None, 0)], &[]);
    let by = writer("a", 1);
    for reopened in [false, true] {
        if reopened {
            frozen = open(&store).await;
        }
        let error = frozen.commit(at(2), &by, &add, &note(2, 1)).await.unwrap_err();
        let ours = Epoch(1);
        assert!(
            matches!(&error, CommitError::Fenced { recorded: Epoch(2), ours: o, .. } if *o == ours),
            "{error:?}"
        );
    }
    frozen.fence(at(3), &by, &note(2, 1)).await.unwrap_err();
    assert_eq!(open(&store).await.version(), 1);
}

#[tokio::test]
async fn a_fence_steps_over_what_the_former_holder_still_commits() {
    let store = Arc::new(MemoryStore::new());
    let mut old = create(&store).await;
    let mut new = open(&store).await;
    commit_files(&mut old, &writer("a", 1), 1, 2).await;
    let fenced = new.fence(at(3), &writer("b", 2), &note(2, 0)).await.unwrap();
    assert_eq!(fenced, Committed { version: 3, sequence: Sequence(2) });
    assert_eq!(new.files().len(), 2);
    let key = format!("{}/_delta_log/{:020}.json", new.root(), 3);
    let text = store.get(&key).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&text).contains(r#""sequence":2"#);
    assert!(told, "the fence tells the sequence of the commit that it steps over: {text:?}");
}

#[tokio::test]
async fn a_new_beginning_never_lowers_the_sequence() {
    let store = Arc::new(MemoryStore::new());
    let mut old = create(&store).await;
    let mut new = open(&store).await;
    commit_files(&mut old, &writer("a", 1), 1, 2).await;
    let begun = new.begin_at(at(3), &writer("b", 2), Sequence(1), &note(2, 0)).await;
    assert!(matches!(begun, Err(CommitError::Stale { .. })), "{begun:?}");
    assert_eq!(open(&store).await.recorded_sequence(), Sequence(2));
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_recognised() {
    let inner = Arc::new(MemoryStore::new());
    create(&inner).await;
    let store = Arc::new(FaultyStore::new(inner.clone(), |call: StoreCall<'_>| {
        if call.operation == StoreOperation::PutIfAbsent {
            CallFault::After
        } else {
            CallFault::None
        }
    }));
    let mut table = Table::open(store, &BY_MONTH, ACCOUNT).await.unwrap().unwrap();
    commit_files(&mut table, &writer("a", 1), 1, 3).await;
    assert_eq!((table.version(), table.files().len()), (3, 3));
    assert_eq!(open(&inner).await.version(), 3);
}

#[tokio::test]
async fn another_commit_of_the_same_attempt_is_not_taken_for_this_one() {
    let store = Arc::new(MemoryStore::new());
    create(&store).await;
    let by = writer("a", 1);
    // Two objects of one attempt use the same commit numbers.
    let (mut one, mut other) = (open(&store).await, open(&store).await);
    commit_files(&mut one, &by, 1, 1).await;
    let add = change(&[file("1-1-a-9", None, 0)], &[]);
    let error = other.commit(at(1), &by, &add, &note(1, 10)).await.unwrap_err();
    assert!(matches!(error, CommitError::Stale { .. }), "{error:?}");
}

#[tokio::test]
async fn a_change_that_took_over_an_hour_is_refused() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    let by = writer("a", 1);
    let add = change(&[file("1-1-a-0", None, 0)], &[]);
    let error = table.commit(at(3601), &by, &add, &note(1, 1)).await.unwrap_err();
    assert!(matches!(error, CommitError::TooOld { .. }), "{error:?}");
    table.commit(at(3600), &by, &add, &note(1, 1)).await.unwrap();
}

#[tokio::test]
async fn impossible_changes_are_refused() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    let by = writer("a", 1);
    let (there, other) = (file("1-1-a-0", None, 0), file("1-1-a-1", None, 0));
    table.commit(at(1), &by, &change(from_ref(&there), &[]), &note(1, 1)).await.unwrap();
    let outside = FileEntry { path: "../x.parquet".to_owned(), ..other.clone() };
    for wrong in [
        change(from_ref(&there), &[]),
        change(from_ref(&there), from_ref(&there)),
        change(&[other.clone(), other.clone()], &[]),
        change(&[], from_ref(&other)),
        change(&[], &[there.clone(), there.clone()]),
        change(&[outside], &[]),
    ] {
        let error = table.commit(at(1), &by, &wrong, &note(1, 1)).await.unwrap_err();
        assert!(matches!(error, CommitError::Impossible { .. }), "{wrong:?}: {error:?}");
    }
    table.commit(at(1), &by, &change(&[other], from_ref(&there)), &note(1, 1)).await.unwrap();
    let error = table.commit(at(1), &by, &change(&[there], &[]), &note(1, 1)).await.unwrap_err();
    assert!(matches!(error, CommitError::Impossible { .. }), "a removed file: {error:?}");
}

#[tokio::test]
async fn foreign_commits_are_part_of_the_table() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    let by = writer("a", 1);
    commit_files(&mut table, &by, 1, 2).await;
    let (one, two) = (table.files()[0].clone(), table.files()[1].clone());
    let foreign = [
        json!({ "commitInfo": { "operation": "OPTIMIZE", "timestamp": "odd" } }),
        json!({ "domainMetadata": { "domain": "x", "configuration": "{}", "removed": false } }),
        json!({ "remove": { "path": one.path, "dataChange": false } }),
        json!({ "remove": { "path": two.path, "dataChange": false } }),
        json!({ "add": {
            "path": "created_month=2024-01/part-0%20a.parquet",
            "partitionValues": { "created_month": "2024-01" },
            "size": 5, "modificationTime": 9, "dataChange": false, "tags": null,
            "stats": "{\"numRecords\":20}",
        } }),
        json!({ "add": {
            "path": "created_month=__HIVE_DEFAULT_PARTITION__/part-1.parquet",
            "partitionValues": { "created_month": "" },
            "size": 6, "modificationTime": 9, "dataChange": false, "stats": null,
        } }),
    ];
    let body = foreign.map(|line| line.to_string()).join("\n");
    store.put(&commit_key(3), body.into()).await.unwrap();

    let mut late = table.clone();
    table.refresh().await.unwrap();
    let seen: Vec<_> = table
        .files()
        .iter()
        .map(|file| (&file.path[..], file.partition.as_deref(), file.rows, file.keys.is_some()))
        .collect();
    let undated = "created_month=__HIVE_DEFAULT_PARTITION__/part-1.parquet";
    assert_eq!(
        seen,
        [
            (undated, None, 0, false),
            ("created_month=2024-01/part-0 a.parquet", Some("2024-01"), 20, false)
        ]
    );
    assert_eq!(table.note(), Some(&note(2, 10)));
    let add = change(&[file("1-3-a-0", None, 0)], &[]);
    let error = late.commit(at(4), &by, &add, &note(3, 1)).await.unwrap_err();
    assert!(matches!(error, CommitError::Stale { version: 3, .. }), "{error:?}");
    let rewritten = change(&[file("1-3-a-0", None, 0)], late.files());
    late.commit(at(4), &by, &rewritten, &note(3, 1)).await.unwrap();
    assert_eq!(open(&store).await.files().len(), 1);
    let removed: Vec<_> = lines(&store, 4).await;
    let removed: Vec<_> =
        removed.iter().filter_map(|line| line["remove"]["path"].as_str()).collect();
    assert!(removed.contains(&"created_month=2024-01/part-0%20a.parquet"), "{removed:?}");
}

#[tokio::test]
async fn a_table_without_partitions_has_no_partition_values() {
    let store = Arc::new(MemoryStore::new());
    let mut table = Table::create(store.clone(), &PLAIN, ACCOUNT, at(0)).await.unwrap();
    let mut plain = file("1-1-a-0", None, 0);
    "1-1-a-0.parquet".clone_into(&mut plain.path);
    let by = writer("a", 1);
    table.commit(at(1), &by, &change(from_ref(&plain), &[]), &note(1, 1)).await.unwrap();
    let opened = Table::open(store, &PLAIN, ACCOUNT).await.unwrap().unwrap();
    assert_eq!(opened.files(), [plain]);
    let add = opened.state.files.values().next().unwrap();
    assert!(add.partition_values.is_empty());
}

#[tokio::test]
async fn columns_declared_later_come_with_the_next_files() {
    let store = Arc::new(MemoryStore::new());
    let mut old = create(&store).await;
    let by = writer("a", 1);
    commit_files(&mut old, &by, 1, 1).await;
    let mut new = open_wider(&store).await;
    new.commit(at(2), &by, &change(&[], &[]), &note(2, 0)).await.unwrap();
    assert!(lines(&store, 2).await.iter().all(|line| line.get("metaData").is_none()));
    commit_files(&mut new, &by, 3, 2).await;
    let widened = lines(&store, 3).await;
    let widened = widened.iter().find_map(|line| line.get("metaData")).unwrap();
    assert!(widened["schemaString"].as_str().unwrap().contains("added_later"));
    assert_eq!(widened["configuration"]["harvest-lake.account"], "7");
    assert!(lines(&store, 4).await.iter().all(|line| line.get("metaData").is_none()));
    assert_eq!(new.describe(at(6), &by, &note(3, 0)).await.unwrap(), None);

    // The previous release must refuse the table, because it does not know the new column.
    let error = Table::open(store.clone(), &BY_MONTH, ACCOUNT).await.unwrap_err();
    assert!(error.to_string().contains("added_later"), "{error}");
    let add = change(&[file("1-9-a-0", None, 0)], &[]);
    let error = old.commit(at(5), &by, &add, &note(3, 1)).await.unwrap_err();
    let unknown = TableError::UnknownColumn {
        table: "by_month".to_owned(),
        columns: vec!["added_later".to_owned()],
    };
    assert_eq!(error.to_string(), unknown.to_string());
}

#[tokio::test]
async fn columns_declared_later_can_come_without_files() {
    let store = Arc::new(MemoryStore::new());
    let mut old = create(&store).await;
    let by = writer("a", 1);
    commit_files(&mut old, &by, 1, 1).await;
    let mut new = open_wider(&store).await;
    let (files, sequence) = (new.files().to_vec(), new.recorded_sequence());
    let committed = new.describe(at(2), &by, &note(1, 0)).await.unwrap().unwrap();
    assert_eq!((committed.version, committed.sequence), (2, sequence));
    assert_eq!(new.describe(at(3), &by, &note(1, 0)).await.unwrap(), None);
    let opened = open_wider(&store).await;
    assert_eq!((opened.files(), opened.note()), (&files[..], new.note()));
    assert!(Table::open(store, &BY_MONTH, ACCOUNT).await.is_err());
}

#[tokio::test]
async fn a_checkpoint_is_due_every_ten_versions_and_says_the_same() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    let by = writer("a", 1);
    let mut written = Vec::new();
    for n in 1..=24 {
        let replaced: Vec<_> =
            table.files().iter().take(usize::from(n % 3 == 0)).cloned().collect();
        let month = (n % 4 != 0).then_some("2024-01");
        let added = file(&format!("1-{n}-a-0"), month, n * 10);
        let said = note(u64::try_from(n).unwrap(), 10);
        table.commit(at(n), &by, &change(&[added], &replaced), &said).await.unwrap();
        written.extend(table.checkpoint_if_due(at(n), WEEK).await.unwrap());
        let opened = open(&store).await;
        assert_eq!(opened.files(), table.files());
        assert_eq!(opened.note(), table.note());
        assert_eq!(opened.state.txns, table.state.txns);
        assert_eq!(opened.state.meta_data, table.state.meta_data);
        let removed = |table: &Table| table.state.tombstones.keys().cloned().collect::<Vec<_>>();
        assert_eq!(removed(&opened), removed(&table));
        assert_eq!(opened.state.checkpoint, table.state.checkpoint);
        assert_eq!(opened.checkpoint_defect().await.unwrap(), None);
    }
    assert_eq!(written, [10, 20]);
}

#[tokio::test]
async fn a_newest_checkpoint_that_is_not_what_the_commits_say_is_found() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    commit_files(&mut table, &writer("a", 1), 1, 4).await;
    let earlier = checkpoint::write(table.state(), at(4), WEEK).unwrap().bytes;
    commit_files(&mut table, &writer("a", 1), 5, 6).await;
    table.checkpoint_if_due(at(10), WEEK).await.unwrap().unwrap();
    assert_eq!(open(&store).await.checkpoint_defect().await.unwrap(), None);
    let key = table.log().key("_delta_log/00000000000000000010.checkpoint.parquet");

    store.put(&key, earlier.into()).await.unwrap();
    let defect = table.checkpoint_defect().await.unwrap().unwrap();
    assert!(defect.file.ends_with("10.checkpoint.parquet"), "{defect:?}");
    assert!(defect.expected.starts_with("10 files"), "{defect:?}");
    let missing = ["4 files; it lacks `", " and 3 more, and names none that"];
    assert!(missing.iter().all(|part| defect.found.contains(part)), "{defect:?}");

    store.put(&key, "no Parquet".into()).await.unwrap();
    let defect = open(&store).await.checkpoint_defect().await.unwrap().unwrap();
    assert!(defect.file.ends_with("10.checkpoint.parquet"), "{defect:?}");
    // No advice to rebuild a table that the commits make whole.
    assert!(!defect.found.contains("reset"), "{defect:?}");
    // What the advice says, in two steps.
    store.delete(&key).await.unwrap();
    let defect = open(&store).await.checkpoint_defect().await.unwrap().unwrap();
    assert_eq!((defect.file.as_str(), defect.found.as_str()), (LAST_CHECKPOINT, "version 10"));
    store.delete(&table.log().key(LAST_CHECKPOINT)).await.unwrap();
    let opened = open(&store).await;
    assert_eq!((opened.files(), opened.checkpoint_defect().await.unwrap()), (table.files(), None));
}

#[tokio::test]
async fn tombstones_leave_the_checkpoint_after_the_retention() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    let by = writer("a", 1);
    commit_files(&mut table, &by, 1, 2).await;
    let first = table.files()[0].clone();
    table.commit(at(0), &by, &change(&[], from_ref(&first)), &note(3, 1)).await.unwrap();
    let week = 7 * 24 * 3600;
    let kept = checkpoint::write(table.state(), at(week), WEEK).unwrap();
    let dropped = checkpoint::write(table.state(), at(week + 1), WEEK).unwrap();
    assert_eq!((kept.actions, dropped.actions), (6, 5));
    assert_eq!((kept.adds, dropped.adds), (1, 1));
    let lines = checkpoint::read(kept.bytes.into()).unwrap();
    let removed = lines.iter().find_map(|line| line.remove.as_ref()).unwrap();
    assert_eq!(removed.path, first.path);
    assert_eq!(removed.deletion_timestamp, Some(at(0).as_millisecond()));
}

#[tokio::test]
async fn opening_takes_one_listing_and_no_file_before_the_checkpoint() {
    let inner = Arc::new(MemoryStore::new());
    let mut table = create(&inner).await;
    commit_files(&mut table, &writer("a", 1), 1, 10).await;
    table.checkpoint_if_due(at(10), WEEK).await.unwrap().unwrap();
    commit_files(&mut table, &writer("a", 1), 11, 3).await;
    let store = Arc::new(FaultyStore::new(inner, |call: StoreCall<'_>| {
        let behind = (0..=10).any(|version| call.key == commit_key(version));
        if behind || call.operation.writes() { CallFault::Before } else { CallFault::None }
    }));
    let opened = Table::open(store.clone(), &BY_MONTH, ACCOUNT).await.unwrap().unwrap();
    assert_eq!(opened.version(), 13);
    // Requests: hint, listing, checkpoint, three commits.
    assert_eq!(store.calls(), 6);
}

#[tokio::test]
async fn the_log_names_the_columns_that_every_file_that_stays_has_counted() {
    let store = Arc::new(MemoryStore::new());
    let mut table = create(&store).await;
    let named = |table: &Table| table.state.meta_data.configuration[STATS_COLUMNS].clone().unwrap();
    let (all, by) = (named(&table), writer("a", 1));
    let stats = r#"{"numRecords":10,"minValues":{},"maxValues":{},"nullCount":{}}"#.to_owned();
    let bare = FileEntry { stats, ..file("1-1-a-0", None, 0) };
    table.commit(at(1), &by, &change(from_ref(&bare), &[]), &note(1, 10)).await.unwrap();
    assert_eq!((named(&table).as_str(), table.is_described().unwrap()), ("", true));
    let counted = file("1-2-a-0", None, 20);
    table.commit(at(2), &by, &change(&[counted], &[bare]), &note(2, 0)).await.unwrap();
    assert_eq!((named(&table), table.is_described().unwrap()), (all.clone(), true));

    // Another engine names a column that no file has counted.
    redescribe(&store, 3, STATS_COLUMNS, "client_name").await;
    // (stream, operation of the commit that mends the description, version)
    for (spec, operation, version) in
        [(&BY_MONTH, "SET TBLPROPERTIES", 4), (&WIDER, "CHANGE COLUMNS", 5)]
    {
        let mut table = Table::open(store.clone(), spec, ACCOUNT).await.unwrap().unwrap();
        assert!(!table.is_described().unwrap(), "{operation}");
        let done = table.describe(at(version), &by, &note(2, 0)).await.unwrap().unwrap();
        assert_eq!(i64::try_from(done.version).unwrap(), version);
        assert!(table.is_described().unwrap() && named(&table).starts_with(&all), "{operation}");
        let info = &lines(&store, done.version).await[0]["commitInfo"];
        assert_eq!(info["operation"], operation);
        assert_eq!(table.describe(at(9), &by, &note(2, 0)).await.unwrap(), None);
    }
}
