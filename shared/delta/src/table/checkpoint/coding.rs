//! Checkpoints as bytes: ours are written, ours and those of other writers are read.
//!
//! The rows of a checkpoint with two recorded numbers, three files and one tombstone:
//!
//! ```text
//! row       0         1         2 3   4 5 6   7
//! action    protocol  metaData  txn   add     remove
//! ```
//!
//! A row is a [`LogLine`], as in a commit; `serde_arrow` converts between lines and columns. Other
//! writers add columns (`stats_parsed`, `deletionVector`), leave some out, and choose other integer
//! types. So members are found by name, and may be missing or null unless the action is useless
//! without them. A member of a wholly different type makes the checkpoint unreadable; the log is
//! then read from further back.

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use bytes::Bytes;
use engine::time::{SignedDuration, Timestamp, minus};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::super::action::{Add, LogLine, Remove};
use super::super::log::LogState;

/// A checkpoint file, not stored yet.
#[derive(Debug)]
pub(in crate::table) struct CheckpointFile {
    pub bytes: Vec<u8>,
    /// Number of actions, one a row.
    pub actions: usize,
    /// Number of `add` actions among them.
    pub adds: usize,
}

/// Largest number of actions of a checkpoint that is compressed with Snappy.
const SMALL_CHECKPOINT: usize = 1_000;

/// Members of `protocol` that other writers set. They are read, because `check` refuses tables with
/// features; ours have none, so they are no columns of ours.
const FEATURES: [&str; 2] = ["readerFeatures", "writerFeatures"];

/// Checkpoint of `state`. Tombstones older than `retention` are left out: the caller has deleted their
/// files. If they stayed, each vacuum would delete all of them again, and checkpoints would grow.
///
/// A file of ours that is there although its tombstone was left out is an orphan from then on, which
/// `maintenance::orphans` deletes.
pub(in crate::table) fn write(
    state: &LogState,
    now: Timestamp,
    retention: SignedDuration,
) -> Result<CheckpointFile, Box<dyn core::error::Error + Send + Sync>> {
    let kept_from = minus(now, retention).as_millisecond();
    let recent = |remove: &&Remove| remove.deletion_timestamp.unwrap_or_default() >= kept_from;
    let none = LogLine::default;
    let mut lines = vec![
        LogLine { protocol: Some(state.protocol.clone()), ..none() },
        LogLine { meta_data: Some(state.meta_data.clone()), ..none() },
    ];
    lines.extend(state.txns.values().map(|txn| LogLine { txn: Some(txn.clone()), ..none() }));
    // Actions of a checkpoint describe the state and must not count as changes.
    let add = |add: &Add| Some(Add { data_change: false, ..add.clone() });
    lines.extend(state.files.values().map(|file| LogLine { add: add(file), ..none() }));
    let remove = |remove: &Remove| Some(Remove { data_change: false, ..remove.clone() });
    let removes = state.tombstones.values().filter(recent);
    lines.extend(removes.map(|file| LogLine { remove: remove(file), ..none() }));

    let columns: Vec<FieldRef> = columns().iter().cloned().collect();
    let batch = serde_arrow::to_record_batch(&columns, &lines)?;
    // Zstandard needs a state of 100 KB for each column, which a short list is not worth.
    let compression = if lines.len() <= SMALL_CHECKPOINT {
        Compression::SNAPPY
    } else {
        Compression::ZSTD(ZstdLevel::try_new(1)?)
    };
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    let (actions, adds) = (lines.len(), state.files.len());
    Ok(CheckpointFile { bytes: writer.into_inner()?, actions, adds })
}

/// Reads the actions of a checkpoint file, or returns the reason why it is invalid.
pub(in crate::table) fn read(bytes: Bytes) -> Result<Vec<LogLine>, String> {
    let text = |error: parquet::errors::ParquetError| error.to_string();
    // Skipping the writer's Arrow schema gives the same plain types for files of all writers.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).map_err(text)?;
    let schema = builder.parquet_schema();
    let columns = columns();
    let known = (0..schema.num_columns()).filter(|leaf| {
        let path = schema.column(*leaf).path().parts().to_vec();
        let (Some(action), Some(member)) = (path.first(), path.get(1)) else {
            return false;
        };
        is_known(&columns, action, member)
    });
    let mask = ProjectionMask::leaves(schema, known.collect::<Vec<_>>());
    let reader = builder.with_projection(mask).build().map_err(text)?;
    let mut lines = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| error.to_string())?;
        let rows: Vec<LogLine> =
            serde_arrow::from_record_batch(&batch).map_err(|error| error.to_string())?;
        lines.extend(rows);
    }
    Ok(lines)
}

/// Whether a member of an action is read. Not decoding the rest matters: `add.stats_parsed` repeats
/// the statistics of every file.
fn is_known(columns: &Fields, action: &str, member: &str) -> bool {
    if action == "protocol" && FEATURES.contains(&member) {
        return true;
    }
    let column = columns.find(action).map(|(_, field)| field.data_type());
    matches!(column, Some(DataType::Struct(members)) if members.find(member).is_some())
}

/// Columns of our checkpoints: one for each kind of action, null in the rows of the other kinds.
/// The entries of maps and the items of lists have the names that Parquet's specification gives to
/// them (`key_value`, `key`, `value`, `element`). Arrow's own defaults are others.
fn columns() -> Fields {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let int = |name: &str| Field::new(name, DataType::Int32, true);
    let long = |name: &str| Field::new(name, DataType::Int64, true);
    let flag = |name: &str| Field::new(name, DataType::Boolean, true);
    let map = |name: &str| {
        let key = Field::new("key", DataType::Utf8, false);
        Field::new_map(name, "key_value", key, text("value"), false, true)
    };
    let group = |name: &str, members: Vec<Field>| Field::new_struct(name, members, true);
    let protocol = vec![int("minReaderVersion"), int("minWriterVersion")];
    let meta_data = vec![
        text("id"),
        text("name"),
        text("description"),
        group("format", vec![text("provider"), map("options")]),
        text("schemaString"),
        Field::new_list("partitionColumns", text("element"), true),
        map("configuration"),
        long("createdTime"),
    ];
    let txn = vec![text("appId"), long("version"), long("lastUpdated")];
    let add = vec![
        text("path"),
        map("partitionValues"),
        long("size"),
        long("modificationTime"),
        flag("dataChange"),
        text("stats"),
        map("tags"),
    ];
    let remove = vec![
        text("path"),
        long("deletionTimestamp"),
        flag("dataChange"),
        flag("extendedFileMetadata"),
        map("partitionValues"),
        long("size"),
    ];
    let actions = [
        ("protocol", protocol),
        ("metaData", meta_data),
        ("txn", txn),
        ("add", add),
        ("remove", remove),
    ];
    actions.into_iter().map(|(name, members)| group(name, members)).collect()
}

#[cfg(test)]
mod tests {
    use core::slice::from_ref;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    /// Lines of a checkpoint with these columns and one row.
    fn lines(columns: Vec<Field>, row: &Value) -> Result<Vec<LogLine>, String> {
        let columns: Vec<FieldRef> = columns.into_iter().map(Arc::new).collect();
        let batch = serde_arrow::to_record_batch(&columns, &from_ref(row)).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        read(writer.into_inner().unwrap().into())
    }

    fn field(name: &str, ty: DataType) -> Field {
        Field::new(name, ty, true)
    }

    #[test]
    fn other_writers_add_columns_leave_some_out_and_choose_other_integers() {
        let Some(DataType::Struct(ours)) =
            columns().find("add").map(|(_, field)| field.data_type().clone())
        else {
            panic!("no column of adds")
        };
        let map = ours.find("partitionValues").unwrap().1.data_type().clone();
        let parsed = Field::new_struct("stats_parsed", vec![field("n", DataType::Int64)], true);
        let members = vec![
            field("path", DataType::Utf8),
            field("size", DataType::Int32),
            field("partitionValues", map),
            field("modificationTime", DataType::Int64),
            parsed,
        ];
        let add = Field::new_struct("add", members, true);
        let sidecar = Field::new_struct("sidecar", vec![field("path", DataType::Utf8)], true);
        let row = json!({
            "add": {"path": "a", "size": 7, "stats_parsed": {"n": 1}},
            "sidecar": {"path": "b"},
        });
        let read = lines(vec![add, sidecar], &row).unwrap();
        let add = read[0].add.as_ref().unwrap();
        assert_eq!((add.path.as_str(), add.size, add.modification_time), ("a", 7, 0));
        assert!(add.partition_values.is_empty() && add.stats.is_none() && add.tags.is_none());
        let texts = Field::new_list("writerFeatures", field("element", DataType::Utf8), true);
        let int = |name| field(name, DataType::Int64);
        let members = vec![int("minReaderVersion"), int("minWriterVersion"), texts];
        let protocol = Field::new_struct("protocol", members, true);
        let row = json!({"protocol":
            {"minReaderVersion": 3, "minWriterVersion": 7, "writerFeatures": ["invariants"]}});
        let read = lines(vec![protocol], &row).unwrap();
        let protocol = read[0].protocol.as_ref().unwrap();
        assert_eq!((protocol.min_reader_version, protocol.min_writer_version), (3, 7));
        assert_eq!(protocol.writer_features, Some(vec!["invariants".to_owned()]));
        assert_eq!(protocol.reader_features, None);
    }

    #[test]
    fn an_action_that_is_useless_makes_the_checkpoint_invalid() {
        for (name, ty, value) in [
            ("size", DataType::Int64, json!(-1)),
            ("size", DataType::Int64, Value::Null),
            ("size", DataType::Utf8, json!("7")),
            ("stats", DataType::Utf8, json!("")),
        ] {
            let members = vec![field("path", DataType::Utf8), field(name, ty)];
            let add = Field::new_struct("add", members, true);
            let row = json!({"add": {"path": "a", name: value}});
            let error = lines(vec![add], &row).unwrap_err();
            assert!(error.contains("size") || error.contains("i64"), "{name} {value}: {error}");
        }
    }
}
