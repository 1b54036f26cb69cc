//! Commits of other engines, as deltalake writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray as _, BooleanArray, Int64Array, RecordBatch, new_null_array};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Int64Type};
use delta::store::ObjectStore;
use delta::table::{FileEntry, Table};
use engine::spec::StreamSpec;
use engine::time::{SignedDuration, minus};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use crate::world::{World, now};

/// Largest number of rows that another engine adds.
const APPENDED: usize = 3;
/// Least id of rows that another engine adds.
const FOREIGN: i64 = 1_000_000_000_000;

/// Another engine that changes the table of a stream.
#[derive(Debug)]
pub struct Visitor<'a> {
    world: &'a World,
    spec: &'static StreamSpec,
    table: Table,
}

impl<'a> Visitor<'a> {
    /// Opens the table; `None` if there is none, or a reset has deleted a part of it.
    pub async fn of(world: &'a World, spec: &'static StreamSpec) -> Option<Self> {
        let store: Arc<dyn ObjectStore> = Arc::<delta::store::MemoryStore>::clone(&world.store);
        let table = Table::open(store, spec, world.settings.account).await.ok()?;
        Some(Self { world, spec, table: table? })
    }

    /// Commits an OPTIMIZE: one file for each partition, and no row changes. Returns `false` if
    /// there is nothing to join.
    pub async fn compact(&self) -> bool {
        let mut by_partition: BTreeMap<Option<String>, Vec<&FileEntry>> = BTreeMap::new();
        for file in self.table.files() {
            by_partition.entry(file.partition.clone()).or_default().push(file);
        }
        let mut actions = Vec::new();
        for (number, (partition, files)) in by_partition.into_iter().enumerate() {
            let mut rows = Vec::new();
            for file in &files {
                rows.push(self.rows(file).await);
            }
            let rows = concat_batches(&rows[0].schema(), &rows).expect("one schema");
            actions.extend(files.into_iter().map(|file| self.remove(file, false)));
            actions.push(self.add(number, partition.as_deref(), &rows, false).await);
        }
        if actions.is_empty() {
            return false;
        }
        self.commit("OPTIMIZE", &json!({"predicate": "[]", "targetSize": "104857600"}), actions)
            .await;
        true
    }

    /// Commits a DELETE of each row whose place in its file is a multiple of `step`. Returns
    /// `false` if there is no row.
    pub async fn delete_every(&self, step: usize) -> bool {
        let mut actions = Vec::new();
        for (number, file) in self.table.files().iter().enumerate() {
            let rows = self.rows(file).await;
            let kept: BooleanArray =
                (0..rows.num_rows()).map(|row| Some(!row.is_multiple_of(step))).collect();
            let kept = filter_record_batch(&rows, &kept).expect("as many flags as rows");
            if kept.num_rows() > 0 {
                actions.push(self.add(number, file.partition.as_deref(), &kept, true).await);
            }
            actions.push(self.remove(file, true));
        }
        if actions.is_empty() {
            return false;
        }
        self.commit("DELETE", &json!({"predicate": "id % 3 = 0"}), actions).await;
        true
    }

    /// Commits an INSERT of copies of some rows, without their texts. Every second time they have the ids of
    /// these rows, and otherwise ids that Harvest never gives: nobody could find a person's data under
    /// another id. Returns `false` if the table has no rows, or its rows have no id alone as their key.
    pub async fn append(&self) -> bool {
        let Some(file) = self.table.files().first() else { return false };
        let rows = self.rows(file).await;
        let Ok(place) = rows.schema().index_of("id") else { return false };
        // Not copies of copies: two of them would get one id.
        let ids = rows.column(place).as_primitive::<Int64Type>();
        let genuine = BooleanArray::from_unary(ids, |id| id < FOREIGN);
        let rows = filter_record_batch(&rows, &genuine).expect("as many flags as rows");
        let rows = rows.slice(0, rows.num_rows().min(APPENDED));
        if self.spec.primary_key != ["id"] || rows.num_rows() == 0 {
            return false;
        }
        let ids = rows.column(place).as_primitive::<Int64Type>();
        let version = i64::try_from(self.table.version()).expect("a version");
        let number = if version % 2 == 0 { 0 } else { version + 1 };
        let foreign: Int64Array = ids.unary(|id| id % FOREIGN + FOREIGN * number);
        let mut columns = rows.columns().to_vec();
        columns[place] = Arc::new(foreign);
        for (column, field) in columns.iter_mut().zip(rows.schema().fields()) {
            if field.is_nullable() && *field.data_type() == DataType::Utf8 {
                *column = new_null_array(&DataType::Utf8, rows.num_rows());
            }
        }
        let rows = RecordBatch::try_new(rows.schema(), columns).expect("the same columns");
        let add = self.add(0, file.partition.as_deref(), &rows, true).await;
        self.commit("WRITE", &json!({"mode": "Append"}), vec![add]).await;
        true
    }

    /// Deletes files that the newest version does not name and that are older than `retention`, as
    /// a VACUUM does. Returns `false` if there are none.
    pub async fn vacuum(&self, retention: SignedDuration) -> bool {
        let root = format!("{}/", self.table.root());
        let live: BTreeSet<String> =
            self.table.files().iter().map(|file| format!("{root}{}", file.path)).collect();
        let then = minus(now(self.world), retention);
        let mut deleted = false;
        for object in self.world.store.list(&root, None).await.expect("a store") {
            let hidden = object.key[root.len()..].starts_with('_');
            if !hidden && !live.contains(&object.key) && object.modified < then {
                self.world.store.delete(&object.key).await.expect("a store");
                deleted = true;
            }
        }
        deleted
    }

    /// Commits a RESTORE of the version that is `back` versions old. Returns `false` if its files
    /// or its log are gone, or if it has the same files.
    pub async fn restore(&self, back: u64) -> bool {
        let Some(version) = self.table.version().checked_sub(back) else {
            return false;
        };
        let Some(then) = self.at(version).await else {
            return false;
        };
        let files = self.table.files();
        let current: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let mut actions = vec![json!({"protocol": then.protocol})];
        for (path, add) in &then.adds {
            let key = format!("{}/{path}", self.table.root());
            if self.world.store.get(&key).await.expect("a store").is_none() {
                return false;
            }
            if !current.contains(path.as_str()) {
                let mut add = add.clone();
                add["dataChange"] = json!(true);
                actions.push(json!({"add": add}));
            }
        }
        let gone = files.iter().filter(|file| !then.adds.contains_key(&file.path));
        actions.extend(gone.map(|file| self.remove(file, true)));
        if actions.len() == 1 {
            return false;
        }
        actions.push(json!({"metaData": then.meta_data}));
        self.commit("RESTORE", &json!({"version": version.to_string()}), actions).await;
        true
    }

    async fn rows(&self, file: &FileEntry) -> RecordBatch {
        let key = format!("{}/{}", self.table.root(), file.path);
        let bytes = self.world.store.get(&key).await.expect("a store").expect("the file");
        let rows = lake::partition::read(self.table.schema(), file, bytes).expect("a file");
        let rows: Vec<RecordBatch> = rows.map(|batch| batch.expect("rows")).collect();
        let rows = concat_batches(&self.table.schema().arrow, &rows).expect("one schema");
        match self.table.schema().partition_column() {
            // The value of the partition column is in the log, not in the file.
            Some(name) => {
                let schema = rows.schema();
                let others: Vec<usize> = (0..schema.fields().len())
                    .filter(|&index| schema.field(index).name() != name)
                    .collect();
                rows.project(&others).expect("columns of its own")
            }
            None => rows,
        }
    }

    async fn add(
        &self,
        number: usize,
        partition: Option<&str>,
        rows: &RecordBatch,
        data_change: bool,
    ) -> Value {
        let snappy = Compression::SNAPPY;
        let properties = WriterProperties::builder().set_compression(snappy).build();
        let mut writer =
            ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).expect("a writer");
        writer.write(rows).expect("rows are written");
        let bytes = writer.into_inner().expect("a whole file");
        let column = self.table.schema().partition_column();
        let folder = column
            .map(|name| format!("{name}={}/", partition.unwrap_or("__HIVE_DEFAULT_PARTITION__")));
        let path = format!(
            "{}part-{number:05}-{:08x}-0000-4000-8000-000000000000-c000.snappy.parquet",
            folder.unwrap_or_default(),
            self.table.version() + 1,
        );
        let (size, modified) = (bytes.len(), now(self.world).as_millisecond());
        let key = format!("{}/{path}", self.table.root());
        let put = self.world.store.put_if_absent(&key, bytes.into()).await;
        assert_eq!(put.expect("a store"), delta::store::PutIfAbsent::Stored);
        let stats = json!({"numRecords": rows.num_rows()}).to_string();
        json!({"add": {
            "path": path, "partitionValues": self.values(partition), "size": size,
            "modificationTime": modified, "dataChange": data_change, "stats": stats, "tags": null,
            "baseRowId": null, "defaultRowCommitVersion": null, "clusteringProvider": null,
        }})
    }

    fn remove(&self, file: &FileEntry, data_change: bool) -> Value {
        json!({"remove": {
            "path": file.path, "dataChange": data_change,
            "deletionTimestamp": now(self.world).as_millisecond(), "extendedFileMetadata": true,
            "partitionValues": self.values(file.partition.as_deref()), "size": file.size,
        }})
    }

    fn values(&self, partition: Option<&str>) -> Value {
        let column = self.table.schema().partition_column();
        column.map_or_else(|| json!({}), |name| json!({name: partition}))
    }

    async fn commit(&self, operation: &str, parameters: &Value, actions: Vec<Value>) {
        let info = json!({"commitInfo": {
            "timestamp": now(self.world).as_millisecond(), "operation": operation,
            "operationParameters": parameters, "readVersion": self.table.version(),
            "engineInfo": "delta-rs:py-1.6.6", "clientVersion": "delta-rs.py-1.6.6",
        }});
        let lines: Vec<String> =
            [info].into_iter().chain(actions).map(|line| line.to_string()).collect();
        let key = self.log(self.table.version() + 1);
        let put = self.world.store.put_if_absent(&key, lines.join("\n").into()).await;
        assert_eq!(put.expect("a store"), delta::store::PutIfAbsent::Stored);
    }

    fn log(&self, version: u64) -> String {
        format!("{}/_delta_log/{version:020}.json", self.table.root())
    }

    /// Returns the table at `version` according to the log; `None` if the beginning of the log is
    /// gone.
    async fn at(&self, version: u64) -> Option<Then> {
        let mut then = Then::default();
        for version in 0..=version {
            let bytes = self.world.store.get(&self.log(version)).await.expect("a store")?;
            for line in core::str::from_utf8(&bytes).expect("text").lines() {
                let mut line: Value = serde_json::from_str(line).expect("JSON");
                let path = |of: &Value| of["path"].as_str().expect("a path").to_owned();
                if let Some(add) = line.get_mut("add") {
                    then.adds.insert(path(add), add.take());
                } else if let Some(remove) = line.get("remove") {
                    then.adds.remove(&path(remove));
                } else if let Some(protocol) = line.get_mut("protocol") {
                    then.protocol = protocol.take();
                } else if let Some(meta_data) = line.get_mut("metaData") {
                    then.meta_data = meta_data.take();
                }
            }
        }
        Some(then)
    }
}

/// A table at an earlier version.
#[derive(Debug, Default)]
struct Then {
    protocol: Value,
    meta_data: Value,
    adds: BTreeMap<String, Value>,
}
