use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use decode::{Decoder, ReadAt};
use delta::store::{MemoryStore, ObjectStore};
use delta::table::{CommitFiles, CommitNote, WriterIdentity};
use engine::ids::{AccountId, AttemptId, Epoch};
use engine::key::KeyPart;
use engine::pass::Unit;
use engine::precedence::{Precedence, PrecedenceRules};
use engine::present::Present;
use engine::report::RowCounts;
use engine::time::Timestamp;
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::*;
use crate::collect::Collector;
use crate::merge::{MergeJob, merge};
use crate::partition::{FileLimits, FileStats};
use crate::progress::NoFileProgress;

pub(super) const ACCOUNT: AccountId = AccountId(7);
pub(super) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn writer() -> WriterIdentity {
    WriterIdentity { attempt: AttemptId("a".to_owned()), epoch: Epoch(1) }
}

fn note() -> CommitNote {
    let counts = RowCounts { updated: 1, ..RowCounts::default() };
    CommitNote { run: String::new(), state: json!(null), counts, changes: None }
}

/// Time entries with these ids in this month; some values are null, instants have odd digits.
fn entries(month: &str, ids: impl IntoIterator<Item = i64>) -> RecordBatch {
    with_entries(month, ids, NOW, |_, _| ())
}

/// The same entries, read at `synced_at` and changed.
pub(super) fn with_entries(
    month: &str,
    ids: impl IntoIterator<Item = i64>,
    synced_at: Timestamp,
    change: impl Fn(i64, &mut serde_json::Value),
) -> RecordBatch {
    let record = |id: i64| {
        let mut record = json!({
            "id": id,
            "spent_date": (id % 3 > 0).then(|| format!("{month}-{:02}", id % 28 + 1)),
            "hours": format!("{}.25", id % 9).parse::<serde_json::Number>().unwrap(),
            "notes": format!("note {id}"),
            "created_at": format!("{month}-07T08:00:00.000{:03}Z", id % 1000),
            "updated_at": format!("{month}-08T08:00:00Z"),
        });
        change(id, &mut record);
        record
    };
    let records: Vec<_> = ids.into_iter().map(record).collect();
    let at = ReadAt { account: ACCOUNT, synced_at, unit: Unit::Stream };
    let decoder = Decoder::new(&streams::TIME_ENTRIES);
    decoder.page(&json!({ "time_entries": records }).to_string(), &at).unwrap().rows
}

/// Table of entries in three months, the first of them in two files.
pub(super) async fn table() -> (Arc<MemoryStore>, Table) {
    let store = Arc::new(MemoryStore::new());
    let mut table =
        Table::create(store.clone(), &streams::TIME_ENTRIES, ACCOUNT, NOW).await.unwrap();
    let mut collector = Collector::new(table.schema(), None, usize::MAX).unwrap();
    // The ranges of January and February meet, but they share no key.
    for (month, ids) in [("2024-01", 0..30), ("2024-02", 22..40), ("2024-03", 40..60)] {
        let ids = ids.filter(|id| month != "2024-01" || *id < 22 || id % 5 == 0);
        let ids = ids.filter(|id| month != "2024-02" || id % 5 != 0);
        collector.push(entries(month, ids)).unwrap();
    }
    let job = MergeJob {
        schema: table.schema().clone(),
        root: table.root().to_owned(),
        files: Vec::new(),
        incoming: Arc::new(collector.finish().unwrap()),
        coverage: engine::coverage::Coverage::Nothing,
        judge: PrecedenceRules {
            precedence: Precedence::NewestChange,
            present: Present::ours(Timestamp::MAX),
        },
        max_deletes: 0,
        name: "1-1-a".to_owned(),
        now: NOW,
        limits: FileLimits { file_rows: 20, joined_rows: 10, ..FileLimits::default() },
        changes: None,
    };
    let merged = merge(store.clone(), job).await.unwrap();
    let change = CommitFiles { started: NOW, add: merged.add, remove: Vec::new() };
    table.commit(NOW, &writer(), &change, &note()).await.unwrap();
    assert_eq!(table.files().len(), 4, "{:?}", table.files());
    (store, table)
}

/// Entry and bytes of a correct file with these rows in this order.
fn written(table: &Table, path: &str, month: &str, rows: &RecordBatch) -> (FileEntry, Bytes) {
    let layout = RowLayout::new(table.schema(), crate::partition::ColumnChoice::All).unwrap();
    let mut rows = rows.clone();
    if let Ok(index) = rows.schema().index_of("created_month") {
        rows.remove_column(index);
    }
    let mut stats = FileStats::new(&layout);
    let mut keys: Option<(Key, Key)> = None;
    if rows.schema_ref().fields() == layout.schema.fields() {
        stats.add(&rows).unwrap();
        let mut all: Vec<Key> =
            (0..rows.num_rows()).map(|row| layout.key(&rows, row).unwrap()).collect();
        all.sort();
        keys = all.first().cloned().zip(all.last().cloned());
    }
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    let bytes = Bytes::from(writer.into_inner().unwrap());
    let entry = FileEntry {
        path: format!("created_month={month}/{path}"),
        partition: Some(month.to_owned()),
        size: bytes.len() as u64,
        modified: NOW,
        rows: rows.num_rows() as u64,
        stats: stats.json(),
        keys,
        sha256: None,
    };
    (entry, bytes)
}

/// Replaces the file at `old` by one with these rows and an entry changed by `lie`.
async fn replace(
    (store, table): &mut (Arc<MemoryStore>, Table),
    old: Option<usize>,
    month: &str,
    rows: &RecordBatch,
    lie: impl FnOnce(&mut FileEntry),
) {
    let path = format!("1-2-b-{}.parquet", table.files().len());
    let (mut entry, bytes) = written(table, &path, month, rows);
    lie(&mut entry);
    store.put(&format!("{}/{}", table.root(), entry.path), bytes).await.unwrap();
    let remove = old.map(|old| table.files()[old].clone()).into_iter().collect();
    let change = CommitFiles { started: NOW, add: vec![entry], remove };
    table.commit(NOW, &writer(), &change, &note()).await.unwrap();
}

/// Rows of the file at `at`, with the partition column.
async fn rows(table: &Table, at: usize) -> RecordBatch {
    let file = &table.files()[at];
    let bytes = stored(table.store().as_ref(), table.root(), file).await.unwrap();
    let rows: Vec<_> =
        crate::partition::read(table.schema(), file, bytes).unwrap().map(Result::unwrap).collect();
    arrow::compute::concat_batches(&table.schema().arrow, &rows).unwrap()
}

fn in_order(rows: &RecordBatch, order: &[u32]) -> RecordBatch {
    let order = UInt32Array::from(order.to_vec());
    arrow::compute::take_record_batch(rows, &order).unwrap()
}

/// Checks with findings, and the texts of these.
async fn found(world: &mut (Arc<MemoryStore>, Table)) -> Vec<(TableCheck, String, String, String)> {
    let verified = verify(&mut world.1, &NoFileProgress).await.unwrap();
    let parts =
        |finding: VerifyFinding| (finding.check, finding.what, finding.expected, finding.found);
    verified.findings.into_iter().map(parts).collect()
}

fn checks(found: &[(TableCheck, String, String, String)]) -> Vec<TableCheck> {
    found.iter().map(|finding| finding.0).collect()
}

#[tokio::test]
async fn an_untouched_table_gives_nothing() {
    let mut world = table().await;
    let verified = verify(&mut world.1, &NoFileProgress).await.unwrap();
    assert_eq!(verified.findings, []);
    assert_eq!((verified.files, verified.foreign_files), (4, 0));
    assert_eq!((verified.rows, verified.bytes), (world.1.rows(), world.1.bytes()));
    let mut empty =
        Table::create(Arc::new(MemoryStore::new()), &streams::CLIENTS, ACCOUNT, NOW).await.unwrap();
    assert_eq!(verify(&mut empty, &NoFileProgress).await.unwrap(), VerifiedTable::default());
}

#[tokio::test]
async fn files_that_are_missing_cut_or_none_at_all() {
    let mut world = table().await;
    let key = format!("{}/{}", world.1.root(), world.1.files()[1].path);
    let whole = world.0.get(&key).await.unwrap().unwrap();
    world.0.delete(&key).await.unwrap();
    let finding = found(&mut world).await;
    assert_eq!(checks(&finding), [TableCheck::Files], "{finding:?}");
    assert!(finding[0].1.contains("no such file"));
    for bytes in [whole.slice(..whole.len() / 2), Bytes::from_static(b"PAR1 and nothing PAR1")] {
        world.0.put(&key, bytes).await.unwrap();
        let finding = found(&mut world).await;
        assert_eq!(checks(&finding), [TableCheck::Files, TableCheck::Files], "{finding:?}");
        assert!(finding[0].1.contains("not the file") && finding[1].1.contains("Parquet"));
    }
    world.0.put(&key, whole).await.unwrap();
    assert_eq!(found(&mut world).await, []);
}

#[tokio::test]
async fn rows_that_are_swapped() {
    let mut world = table().await;
    let rows = rows(&world.1, 3).await;
    let order: Vec<u32> = [3, 1, 2, 0].into_iter().chain(4..20).collect();
    replace(&mut world, Some(3), "2024-03", &in_order(&rows, &order), |_| ()).await;
    let finding = found(&mut world).await;
    assert_eq!(checks(&finding), [TableCheck::Order], "{finding:?}");
    assert!(finding[0].1.contains("key 41 (2 rows"), "{finding:?}");
    assert_eq!((&finding[0].2[..], &finding[0].3[..]), ("a key greater than 43", "41"));
}

#[tokio::test]
async fn statistics_that_are_wrong_in_any_way() {
    for (right, wrong, column) in [
        (r#""numRecords":20"#, r#""numRecords":21"#, "numRecords"),
        (r#""hours":0.250000"#, r#""hours":0.250001"#, "minValues"),
        (r#""hours":0.250000"#, r#""hours":0.25"#, "minValues"),
        (r#""hours":8.250000"#, r#""hours":8.240000"#, "maxValues"),
        (r#""id":59"#, r#""id":58"#, "maxValues"),
        (
            r#""created_at":"2024-03-07T08:00:00.000Z""#,
            r#""created_at":"2024-03-07T08:00:00.001Z""#,
            "minValues",
        ),
        (
            r#""created_at":"2024-03-07T08:00:00.001Z""#,
            r#""created_at":"2024-03-07T08:00:00.000Z""#,
            "maxValues",
        ),
        (r#""spent_date":6"#, r#""spent_date":5"#, "nullCount"),
        (r#""id":40,"#, "", "minValues"),
        (r#"{"numRecords""#, r#"{numRecords""#, "cannot be read"),
    ] {
        let mut world = table().await;
        let rows = rows(&world.1, 3).await;
        replace(&mut world, Some(3), "2024-03", &rows, |entry| {
            assert!(entry.stats.contains(right), "{}", entry.stats);
            entry.stats = entry.stats.replacen(right, wrong, 1);
        })
        .await;
        let finding = found(&mut world).await;
        assert_eq!(checks(&finding), [TableCheck::Statistics], "{wrong}: {finding:?}");
        assert!(finding[0].1.contains(column), "{wrong}: {finding:?}");
    }
}

#[tokio::test]
async fn tags_that_are_wrong() {
    for (first, last, what) in [(41, 59, "first"), (39, 59, "first"), (40, 60, "last")] {
        let mut world = table().await;
        let rows = rows(&world.1, 3).await;
        let keys = Some((Key::id(first), Key::id(last)));
        replace(&mut world, Some(3), "2024-03", &rows, |entry| entry.keys = keys).await;
        let finding = found(&mut world).await;
        assert_eq!(checks(&finding), [TableCheck::Tags], "{finding:?}");
        assert!(finding[0].1.contains(what), "{finding:?}");
    }
    let mut world = table().await;
    let rows = rows(&world.1, 3).await;
    replace(&mut world, Some(3), "2024-03", &rows, |entry| entry.rows = 19).await;
    let finding = found(&mut world).await;
    assert_eq!(checks(&finding), [TableCheck::Rows], "{finding:?}");
    assert_eq!((&finding[0].2[..], &finding[0].3[..]), ("19", "20"));
}

#[tokio::test]
async fn a_key_that_is_there_twice() {
    // The key is also in another partition.
    let mut world = table().await;
    replace(&mut world, Some(3), "2024-03", &entries("2024-03", [1, 8, 16, 45, 46]), |_| ()).await;
    let finding = found(&mut world).await;
    assert_eq!(checks(&finding), [TableCheck::Unique, TableCheck::Unique], "{finding:?}");
    let whats = [&finding[0].1, &finding[1].1];
    assert!(whats[0].contains("key 1 and 1 more is in `created_month=2024-03"), "{whats:?}");
    assert!(whats[1].contains("key 16 is in `created_month=2024-03"), "{whats:?}");
    // The key ends one range and begins the other.
    let mut world = table().await;
    replace(&mut world, Some(3), "2024-03", &entries("2024-03", [39, 45]), |_| ()).await;
    let finding = found(&mut world).await;
    assert_eq!(checks(&finding), [TableCheck::Unique], "{finding:?}");
    assert!(finding[0].1.starts_with("key 39 is in `created_month=2024-03"), "{finding:?}");
    // The key is twice in one file, in adjoining rows or not.
    for ids in [vec![45, 46, 46, 47], vec![46, 45, 47, 46]] {
        let mut world = table().await;
        let sorted = ids.is_sorted();
        replace(&mut world, Some(3), "2024-03", &entries("2024-03", ids), |_| ()).await;
        let mut finding = found(&mut world).await;
        assert_eq!(finding.pop().unwrap().1, "key 46 is there twice");
        let order = if sorted { &[][..] } else { &[TableCheck::Order] };
        assert_eq!(checks(&finding), order, "{finding:?}");
    }
}

#[tokio::test]
async fn files_of_one_partition_whose_ranges_overlap() {
    let mut world = table().await;
    replace(&mut world, None, "2024-03", &entries("2024-03", [30, 70]), |_| ()).await;
    let finding = found(&mut world).await;
    assert_eq!(checks(&finding), [TableCheck::Ranges], "{finding:?}");
    let mut world = table().await;
    replace(&mut world, None, "2024-03", &entries("2024-03", [59, 70]), |_| ()).await;
    assert_eq!(checks(&found(&mut world).await), [TableCheck::Ranges, TableCheck::Unique]);
    // One range spans two others.
    let mut world = table().await;
    replace(&mut world, None, "2024-03", &entries("2024-03", [30, 66, 70]), |_| ()).await;
    replace(&mut world, None, "2024-03", &entries("2024-03", [65, 66]), |_| ()).await;
    let finding = found(&mut world).await;
    assert_eq!(
        checks(&finding),
        [TableCheck::Ranges, TableCheck::Ranges, TableCheck::Unique],
        "{finding:?}"
    );
}

#[tokio::test]
async fn a_row_of_another_partition() {
    let mut world = table().await;
    let march = rows(&world.1, 3).await;
    replace(&mut world, Some(3), "2024-04", &march, |_| ()).await;
    let finding = found(&mut world).await;
    assert_eq!(checks(&finding), [TableCheck::Partition], "{finding:?}");
    assert!(finding[0].1.contains("key 40 (20 rows"), "{finding:?}");
    assert_eq!((&finding[0].2[..], &finding[0].3[..]), ("2024-03", "2024-04"));
    // The log has the right value, but the folder is another.
    let mut world = table().await;
    let moved = |entry: &mut FileEntry| entry.partition = Some("2024-03".to_owned());
    replace(&mut world, Some(3), "2024-04", &march, moved).await;
    assert_eq!(checks(&found(&mut world).await), [TableCheck::Partition]);
}

/// Replaces one column of `rows`.
fn with_column(rows: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let index = rows.schema().index_of(name).unwrap();
    let mut columns = rows.columns().to_vec();
    let mut fields: Vec<Field> =
        rows.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    fields[index] = fields[index].clone().with_data_type(column.data_type().clone());
    columns[index] = column;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

#[tokio::test]
async fn a_row_of_another_account() {
    let mut world = table().await;
    let mut accounts = vec![7; 20];
    accounts[4] = 8;
    let rows =
        with_column(&rows(&world.1, 3).await, "account_id", Arc::new(Int64Array::from(accounts)));
    replace(&mut world, Some(3), "2024-03", &rows, |_| ()).await;
    let finding = found(&mut world).await;
    assert_eq!(checks(&finding), [TableCheck::Account], "{finding:?}");
    assert!(finding[0].1.ends_with("key 44") && finding[0].3 == "8", "{finding:?}");
}

#[tokio::test]
async fn columns_that_are_not_as_declared() {
    let rows_of = |world: &(Arc<MemoryStore>, Table)| world.1.clone();
    // The column has another type with the same values.
    let mut world = table().await;
    let rows = rows(&rows_of(&world), 3).await;
    let (honest, _) = written(&world.1, "x", "2024-03", &rows);
    let narrow = Arc::new(Int32Array::from((40..60).collect::<Vec<i32>>()));
    let truth = |entry: &mut FileEntry| {
        (entry.stats, entry.keys) = (honest.stats.clone(), honest.keys.clone());
    };
    replace(&mut world, Some(3), "2024-03", &with_column(&rows, "id", narrow), truth).await;
    let finding = found(&mut world).await;
    assert_eq!(checks(&finding), [TableCheck::Schema], "{finding:?}");
    assert_eq!((&finding[0].2[..], &finding[0].3[..]), ("Int64", "Int32"));
    // A column is undeclared, and a required one is missing.
    let mut world = table().await;
    let mut fields: Vec<Field> =
        rows.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let index = rows.schema().index_of("account_id").unwrap();
    fields[index] = Field::new("accounts", DataType::Int64, true);
    let renamed =
        RecordBatch::try_new(Arc::new(Schema::new(fields)), rows.columns().to_vec()).unwrap();
    replace(&mut world, Some(3), "2024-03", &renamed, truth).await;
    let finding = found(&mut world).await;
    assert!(checks(&finding).iter().all(|check| *check == TableCheck::Schema), "{finding:?}");
    assert!(finding[0].1.contains("`accounts` is not declared"), "{finding:?}");
    assert!(finding[1].1.contains("`account_id` is missing"), "{finding:?}");
}

#[tokio::test]
async fn a_file_of_somebody_else_need_be_in_no_order() {
    let mut world = table().await;
    let rows = rows(&world.1, 3).await;
    let order: Vec<u32> = (0..20).rev().collect();
    let foreign = |entry: &mut FileEntry| {
        entry.keys = None;
        entry.stats = r#"{"numRecords":20}"#.to_owned();
    };
    replace(&mut world, Some(3), "2024-03", &in_order(&rows, &order), foreign).await;
    let verified = verify(&mut world.1, &NoFileProgress).await.unwrap();
    assert_eq!((verified.findings, verified.foreign_files), (Vec::new(), 1));
}

#[tokio::test]
async fn keys_of_reports_are_shown_whole() {
    let key = Key(vec![KeyPart::Null, KeyPart::Int(7), KeyPart::Text("EUR".to_owned())]);
    assert_eq!((shown(&key), shown(&Key::id(7))), (r#"[null,7,"EUR"]"#.to_owned(), "7".to_owned()));
}
