use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use decode::{Decoder, ReadAt};
use delta::store::MemoryStore;
use delta::table::{CommitFiles, CommitNote, WriterIdentity};
use engine::coverage::Coverage;
use engine::ids::{AccountId, AttemptId, Epoch};
use engine::pass::Unit;
use engine::report::RowCounts;
use engine::spec::StreamSpec;
use engine::time::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use serde_json::json;

use super::*;
use crate::collect::Collector;
use crate::merge::{MergeJob, merge};
use crate::partition::FileLimits;
use crate::progress::NoFileProgress;

#[test]
fn what_can_be_divided_by_is_found_and_the_rest_named() {
    let schema = TableSchema::of(&streams::TIME_ENTRIES);
    let found = |name: &str| PartitionBy::parse(&schema, name);
    let month = found("spent_month").unwrap();
    assert_eq!((month.source.as_str(), month.part), ("spent_date", ExportPart::Month));
    assert_eq!(found("created_year").unwrap().source, "created_at");
    assert_eq!(found("created_month").unwrap().part, ExportPart::Whole);
    assert_eq!(found("client_id").unwrap().hive_type(&schema), "bigint");
    for name in ["hours", "spent_week", "nothing", "extra_json_month"] {
        let error = found(name).unwrap_err().to_string();
        assert!(error.contains("`spent_month`") && error.contains(name), "{error}");
    }
}

const ACCOUNT: AccountId = AccountId(7);

/// Table created at this second, with one entry for each code.
async fn table(created: i64, codes: &[Option<&str>]) -> Table {
    let records = (1..).zip(codes).map(|(id, code)| {
        let at = "2024-01-07T08:00:00Z";
        let project = json!({ "id": 1, "code": code });
        json!({ "id": id, "project": project, "created_at": at, "updated_at": at })
    });
    table_of(&streams::TIME_ENTRIES, created, &records.collect::<Vec<_>>()).await
}

/// Table of `spec` created at this second, with these records of one partition.
pub(crate) async fn table_of(
    spec: &'static StreamSpec,
    created: i64,
    records: &[serde_json::Value],
) -> Table {
    let now = Timestamp::from_second(created).unwrap();
    let store = Arc::new(MemoryStore::new());
    let mut table = Table::create(store.clone(), spec, ACCOUNT, now).await.unwrap();
    let at = ReadAt { account: ACCOUNT, synced_at: now, unit: Unit::Stream };
    let body = json!({ spec.records_key.unwrap(): records }).to_string();
    let mut collector = Collector::new(table.schema(), None, usize::MAX).unwrap();
    collector.push(Decoder::new(spec).page(&body, &at).unwrap().rows).unwrap();
    let job = MergeJob {
        schema: table.schema().clone(),
        root: table.root().to_owned(),
        files: Vec::new(),
        incoming: Arc::new(collector.finish().unwrap()),
        coverage: Coverage::Nothing,
        max_deletes: 0,
        name: "1-1-a".to_owned(),
        now,
        limits: FileLimits::default(),
        judge: engine::precedence::PrecedenceRules {
            precedence: engine::precedence::Precedence::of(engine::pass::Pass::Full),
            present: engine::present::Present::ours(now),
        },
        changes: None,
    };
    let merged = merge(store, job).await.unwrap();
    let change = CommitFiles { started: now, add: merged.add, remove: Vec::new() };
    let writer = WriterIdentity { attempt: AttemptId("a".to_owned()), epoch: Epoch(1) };
    let counts = RowCounts { inserted: 1, ..RowCounts::default() };
    let note = CommitNote { run: String::new(), state: json!(null), counts, changes: None };
    table.commit(now, &writer, &change, &note).await.unwrap();
    table
}

/// Ids in each folder of a snapshot.
async fn ids(target: &MemoryStore, folder: &str) -> BTreeMap<String, Vec<i64>> {
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for object in target.list(&format!("{folder}/"), None).await.unwrap() {
        let path = object.key.strip_prefix(&format!("{folder}/")).unwrap().to_owned();
        let Some((place, _)) = path.rsplit_once("part-") else { continue };
        let bytes = target.get(&object.key).await.unwrap().unwrap();
        for batch in ParquetRecordBatchReader::try_new(bytes, 100).unwrap() {
            let batch = batch.unwrap();
            let ids = batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().clone();
            found.entry(place.to_owned()).or_default().extend(ids.values());
        }
    }
    for ids in found.values_mut() {
        ids.sort_unstable();
    }
    found
}

fn by_code(table: &Table) -> PartitionBy {
    PartitionBy::parse(table.schema(), "project_code").unwrap()
}

#[tokio::test]
async fn every_row_is_in_the_folder_of_its_value_alone() {
    let codes = [
        Some(""),
        None,
        Some("007"),
        Some("__HIVE_DEFAULT_PARTITION__"),
        Some("abc"),
        Some("ABC"),
        Some("a/b"),
        Some("NULL"),
        Some("007"),
    ];
    let table = table(1, &codes).await;
    let target = MemoryStore::new();
    let exported = export(&table, Some(&by_code(&table)), &target, &NoFileProgress).await.unwrap();
    let expected = [
        ("%4EULL", vec![8]),
        ("%5F_HIVE_DEFAULT_PARTITION__", vec![4]),
        ("%61%62%63", vec![5]),
        ("007", vec![3, 9]),
        ("ABC", vec![6]),
        // Folder in which Hive and Spark put empty text.
        ("__HIVE_DEFAULT_PARTITION__", vec![1, 2]),
        ("a%2Fb", vec![7]),
    ];
    let expected = expected.map(|(name, ids)| (format!("project_code={name}/"), ids));
    assert_eq!(ids(&target, &exported.folder).await, expected.into());
    assert_eq!(exported.files, 7);
}

#[tokio::test]
async fn a_snapshot_of_another_table_is_not_taken_for_todays() {
    let target = MemoryStore::new();
    let first = table(1, &[Some("old"), Some("older")]).await;
    let before = export(&first, None, &target, &NoFileProgress).await.unwrap();
    // After a new load of the lake or a reset of the stream, another table has the same version.
    let second = table(2, &[Some("new")]).await;
    assert_eq!(first.version(), second.version());
    let after = export(&second, None, &target, &NoFileProgress).await.unwrap();
    assert!(!after.existed && after.folder != before.folder, "{after:?}");
    assert!(after.folder.contains(second.id()), "{after:?}");
    assert_eq!(ids(&target, &after.folder).await, [(String::new(), vec![1])].into());
    // The older snapshot is unchanged, and a repeated export finds the new one.
    assert_eq!(ids(&target, &before.folder).await, [(String::new(), vec![1, 2])].into());
    let again = export(&second, None, &target, &NoFileProgress).await.unwrap();
    assert!(again.existed && again.folder == after.folder, "{again:?}");
    assert_eq!((again.files, again.bytes), (after.files, after.bytes));
}

#[tokio::test]
async fn what_lies_in_the_place_of_a_snapshot_is_compared_before_it_is_believed() {
    let one = table(1, &[Some("a"), Some("b")]).await;
    let target = MemoryStore::new();
    let exported = export(&one, Some(&by_code(&one)), &target, &NoFileProgress).await.unwrap();
    let success = format!("{}/{SUCCESS}", exported.folder);
    let mark = target.get(&success).await.unwrap().unwrap();
    let part = format!("{}/project_code=a/part-00000-00000.parquet", exported.folder);
    let bytes = target.get(&part).await.unwrap().unwrap();
    let foreign = format!("{}/project_code=x/other.parquet", exported.folder);
    // A copy of the lake that continued on its own has the same id and version but other files.
    let mut copy: serde_json::Value = serde_json::from_slice(&mark).unwrap();
    copy["source"] = json!("other");
    for (key, content) in [
        (&success, Some(Bytes::from(copy.to_string()))),
        (&success, Some(Bytes::from_static(b"{\"version\":1}"))),
        (&success, Some(Bytes::new())),
        (&part, Some(bytes.slice(1..))),
        (&part, None),
        (&foreign, Some(bytes.clone())),
    ] {
        match content {
            Some(content) => target.put(key, content).await.unwrap(),
            None => target.delete(key).await.unwrap(),
        }
        let again = export(&one, Some(&by_code(&one)), &target, &NoFileProgress).await.unwrap();
        assert!(!again.existed, "{key}");
        assert_eq!(again.folder, exported.folder);
        assert_eq!(target.get(&success).await.unwrap().unwrap(), mark);
        let found = ids(&target, &again.folder).await;
        let expected = [("a", vec![1]), ("b", vec![2])];
        let expected = expected.map(|(name, ids)| (format!("project_code={name}/"), ids));
        assert_eq!(found, expected.into(), "{key}");
    }
}

#[tokio::test]
async fn what_a_dead_export_left_is_no_part_of_the_snapshot() {
    let table = table(1, &[Some("a"), Some("b")]).await;
    let by = by_code(&table);
    for by in [None, Some(&by)] {
        let target = MemoryStore::new();
        let exported = export(&table, by, &target, &NoFileProgress).await.unwrap();
        let whole = target.list("", None).await.unwrap();
        // It wrote a table of more files, which was put back to fewer since, and no `_SUCCESS`.
        for left in ["part-00007-00000.parquet", "project_code=x/part-00000-00000.parquet"] {
            let bytes = target.get(&whole[1].key).await.unwrap().unwrap();
            target.put(&format!("{}/{left}", exported.folder), bytes).await.unwrap();
        }
        target.delete(&format!("{}/{SUCCESS}", exported.folder)).await.unwrap();
        let again = export(&table, by, &target, &NoFileProgress).await.unwrap();
        assert_eq!((again.existed, again.files), (false, exported.files));
        let keys = |objects: Vec<delta::store::ObjectMeta>| -> Vec<String> {
            objects.into_iter().map(|object| object.key).collect()
        };
        assert_eq!(keys(target.list("", None).await.unwrap()), keys(whole));
        assert!(export(&table, by, &target, &NoFileProgress).await.unwrap().existed);
    }
}

#[tokio::test]
async fn a_value_without_a_folder_leaves_no_snapshot() {
    let long = "x".repeat(300);
    let table = table(1, &[Some("a"), Some(&long)]).await;
    let target = MemoryStore::new();
    let error = export(&table, Some(&by_code(&table)), &target, &NoFileProgress).await.unwrap_err();
    assert!(error.to_string().contains("a folder's name of 313 bytes"), "{error}");
    let objects = target.list("", None).await.unwrap();
    assert!(objects.iter().all(|object| !object.key.ends_with(SUCCESS)), "{objects:?}");
}
