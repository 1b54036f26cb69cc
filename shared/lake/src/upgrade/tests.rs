use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::TimestampMicrosecondType;
use bytes::Bytes;
use decode::{Decoder, ReadAt};
use delta::store::MemoryStore;
use engine::coverage::Coverage;
use engine::ids::AccountId;
use engine::pass::Unit;
use engine::precedence::{Precedence, PrecedenceRules};
use engine::present::Present;
use engine::spec::{
    Listing, Paging, PartitionSpec, StreamKind, StreamSpec, instant, int, objects, text,
};

use super::*;
use crate::collect::Collector;
use crate::merge::{MergeJob, MergeOutcome, merge};
use crate::partition::read;

static OLDER: StreamSpec = spec(&[
    int("id").required(),
    objects("lines", &[int("id")]),
    instant("created_at"),
    instant("updated_at"),
]);

static TODAY: StreamSpec = spec(&[
    int("id").required(),
    objects("lines", &[int("id"), text("x")]),
    instant("created_at"),
    instant("updated_at"),
    text("location"),
]);

const fn spec(fields: &'static [engine::spec::FieldSpec]) -> StreamSpec {
    StreamSpec {
        name: "things",
        doc: "One thing.",
        path: "/things",
        records_key: Some("things"),
        kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/own/{id}")),
        partition: PartitionSpec::CreatedYear,
        fields,
        ..StreamSpec::USUAL
    }
}

struct Lake {
    store: Arc<MemoryStore>,
    files: Vec<FileEntry>,
    merges: u32,
}

fn record(id: i64, more: &str) -> String {
    let year = 2020 + id % 3;
    format!(
        r#"{{"id":{id},"created_at":"{year}-01-01T00:00:00Z","updated_at":"{year}-01-02T00:00:00Z"{more}}}"#
    )
}

impl Lake {
    fn new() -> Self {
        Self { store: Arc::new(MemoryStore::new()), files: Vec::new(), merges: 0 }
    }

    async fn merge(
        &mut self,
        spec: &'static StreamSpec,
        second: i64,
        records: &[String],
    ) -> MergeOutcome {
        let schema = TableSchema::of(spec);
        let synced_at = Timestamp::from_second(second).unwrap();
        let at = ReadAt { account: AccountId(7), synced_at, unit: Unit::Stream };
        let body = format!("{{\"things\":[{}]}}", records.join(","));
        let page = Decoder::new(spec).page(&body, &at).unwrap();
        let mut collector = Collector::new(&schema, None, 1 << 20).unwrap();
        collector.push(page.rows).unwrap();
        self.merges += 1;
        let job = MergeJob {
            schema,
            root: "tables/things".to_owned(),
            files: self.files.clone(),
            incoming: Arc::new(collector.finish().unwrap()),
            coverage: Coverage::Nothing,
            changes: None,
            judge: PrecedenceRules {
                precedence: Precedence::NewestChange,
                present: Present::ours(Timestamp::MAX),
            },
            max_deletes: 0,
            name: format!("1-{}-a", self.merges),
            now: synced_at,
            limits: FileLimits::default(),
        };
        let store: Arc<dyn ObjectStore> = self.store.clone();
        let merged = merge(store, job).await.unwrap();
        self.take(&merged.remove, &merged.add);
        merged
    }

    fn take(&mut self, remove: &[FileEntry], add: &[FileEntry]) {
        self.files.retain(|file| !remove.contains(file));
        self.files.extend_from_slice(add);
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Upgrades all files and returns the number of files written.
    async fn upgrade(&mut self) -> usize {
        let store: Arc<dyn ObjectStore> = self.store.clone();
        let upgrader = Upgrader::new(store, "tables/things", &TableSchema::of(&TODAY)).unwrap();
        let mut written = 0;
        for file in self.files.clone() {
            let name = format!("1-9-b-{written}");
            let now = Timestamp::UNIX_EPOCH;
            if let Some(new) = upgrader.upgrade(&file, &name, now).await.unwrap() {
                assert_eq!(
                    (new.rows, &new.keys, &new.partition),
                    (file.rows, &file.keys, &file.partition)
                );
                self.take(&[file], &[new]);
                written += 1;
            }
        }
        written
    }

    /// Rows as stored in the files, without the help of a newer declaration.
    async fn stored(&self, column: &str) -> Vec<String> {
        let mut values = Vec::new();
        for file in &self.files {
            let bytes = self.store.get(&format!("tables/things/{}", file.path)).await;
            let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(
                bytes.unwrap().unwrap(),
                1024,
            );
            for rows in reader.unwrap() {
                let rows = rows.unwrap();
                let texts =
                    rows.column_by_name(column).map(|column| column.as_string::<i32>().clone());
                let texts = texts.iter().flat_map(|texts| texts.iter().flatten());
                values.extend(texts.map(str::to_owned));
            }
        }
        values.sort();
        values
    }

    async fn rows(&self) -> RecordBatch {
        let schema = TableSchema::of(&TODAY);
        let mut batches = Vec::new();
        for file in &self.files {
            let bytes = self.store.get(&format!("tables/things/{}", file.path)).await;
            let rows = read(&schema, file, bytes.unwrap().unwrap()).unwrap();
            batches.extend(rows.map(Result::unwrap));
        }
        concat_batches(&schema.arrow, &batches).unwrap()
    }
}

fn first(count: i64) -> Vec<String> {
    let location = |id: i64| match id % 3 {
        0 => String::new(),
        1 => format!(r#","location":"room {id}","new":{id}"#),
        _ => format!(r#","lines":[{{"id":1}},{{"id":2,"x":"x{id}","y":0}}],"location":[{id}]"#),
    };
    (0..count).map(|id| record(id, &location(id))).collect()
}

#[tokio::test]
async fn an_upgrade_moves_all_that_has_a_column_once_and_changes_no_row() {
    let mut lake = Lake::new();
    lake.merge(&OLDER, 1, &first(30)).await;
    let before = lake.rows().await;
    assert_eq!(lake.stored("location").await, [""; 0]);
    // In the partition of ids divisible by three, nothing can move.
    assert_eq!((lake.files.len(), lake.upgrade().await), (3, 2));
    assert_eq!(lake.rows().await, before);
    assert_eq!(lake.stored("location").await.len(), 10);
    let extra = lake.stored("extra_json").await;
    assert!(extra.contains(&r#"{"lines[1].y":0,"location":[2]}"#.to_owned()), "{extra:?}");
    assert!(extra.contains(&r#"{"new":1}"#.to_owned()), "{extra:?}");
    assert_eq!(lake.upgrade().await, 0);
}

#[tokio::test]
async fn a_record_that_is_equal_but_for_its_place_is_no_change() {
    let mut lake = Lake::new();
    lake.merge(&OLDER, 1, &first(30)).await;
    let merged = lake.merge(&TODAY, 2, &first(30)).await;
    assert_eq!((merged.counts.unchanged, merged.counts.updated), (30, 0));
    assert!(!merged.changes_files());
    // A change of another record rewrites all rows of the file.
    let changed = record(1, r#","location":"hall","new":1"#);
    let merged = lake.merge(&TODAY, 3, &[changed]).await;
    assert_eq!((merged.counts.updated, merged.add.len()), (1, 1));
    assert_eq!(lake.stored("location").await.len(), 10);
    let rows = lake.rows().await;
    let synced =
        rows.column_by_name("synced_at").unwrap().as_primitive::<TimestampMicrosecondType>();
    let ids = rows.column_by_name("id").unwrap();
    for row in 0..rows.num_rows() {
        let id = ids.as_primitive::<arrow::datatypes::Int64Type>().value(row);
        assert_eq!(synced.value(row), if id == 1 { 3_000_000 } else { 1_000_000 }, "{id}");
    }
    assert_eq!(rows.num_rows() - rows.column_by_name("location").unwrap().null_count(), 10);
}

/// Rewrites the file with its rows in reverse order and in another codec, as another program might.
async fn written_by_others(lake: &mut Lake, file: &FileEntry) -> FileEntry {
    let bytes = lake.store.get(&format!("tables/things/{}", file.path)).await.unwrap().unwrap();
    let mut rows = Vec::new();
    for batch in parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(bytes, 1).unwrap()
    {
        rows.insert(0, batch.unwrap());
    }
    let codec = parquet::basic::Compression::SNAPPY;
    let properties =
        parquet::file::properties::WriterProperties::builder().set_compression(codec).build();
    let schema = rows[0].schema();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(Vec::new(), schema, Some(properties)).unwrap();
    for batch in &rows {
        writer.write(batch).unwrap();
    }
    let bytes = Bytes::from(writer.into_inner().unwrap());
    let path = file.path.replace(".parquet", "-others.parquet");
    let size = bytes.len() as u64;
    lake.store.put(&format!("tables/things/{path}"), bytes).await.unwrap();
    let (stats, keys, sha256) = (String::new(), None, None);
    let entry = FileEntry { path, size, stats, keys, sha256, ..file.clone() };
    lake.take(core::slice::from_ref(file), core::slice::from_ref(&entry));
    entry
}

#[tokio::test]
async fn what_others_wrote_is_upgraded_and_erased_in_the_order_in_which_it_is() {
    let mut lake = Lake::new();
    lake.merge(&OLDER, 1, &first(30)).await;
    for file in lake.files.clone() {
        written_by_others(&mut lake, &file).await;
    }
    let before = lake.rows().await;
    assert_eq!(lake.upgrade().await, 2);
    assert_eq!(lake.rows().await, before);
    assert_eq!(lake.stored("location").await.len(), 10);

    let personal = engine::spec::PersonalFields { person: "id", members: &["location"] };
    let schema = TableSchema::of(&TODAY);
    let store: Arc<dyn ObjectStore> = lake.store.clone();
    let eraser = Eraser::of(&schema, &personal, 7);
    let upgrader = Upgrader::new(store, "tables/things", &schema).unwrap().erasing(eraser);
    let mut removed = 0;
    for file in lake.files.clone() {
        let name = format!("1-10-c-{removed}");
        if let Some(new) = upgrader.upgrade(&file, &name, Timestamp::UNIX_EPOCH).await.unwrap() {
            // The rows are in no order, so the entry must not claim that they are.
            assert_eq!((&new.keys, new.rows), (&None, file.rows));
            lake.take(&[file], &[new]);
            removed += 1;
        }
    }
    assert_eq!(removed, 1);
    let left = lake.stored("location").await;
    assert!(left.len() == 9 && !left.contains(&"room 7".to_owned()), "{left:?}");
}
