//! Writes checkpoints.
//!
//! The rows of a checkpoint with two recorded numbers, three files and one tombstone:
//!
//! ```text
//! row       0         1         2 3   4 5 6   7
//! action    protocol  metaData  txn   add     remove
//! ```
//!
//! Each column is built in one go: nulls before its rows, its values, nulls after them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, ListBuilder, MapBuilder, MapFieldNames,
    StringArray, StringBuilder, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use engine::time::{SignedDuration, Timestamp, minus};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::super::action::{Add, Remove, TextMap, Txn};
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

/// Checkpoint of `state`. Tombstones older than twice `retention` are left out: vacuum has had one
/// whole retention to delete their files. Without this limit, checkpoints would grow with each
/// commit for ever.
///
/// A file whose tombstone is left out before it was deleted (nothing ran for a long time) is an
/// orphan from then on, and `maintenance::orphans` deletes it.
pub(in crate::table) fn write(
    state: &LogState,
    now: Timestamp,
    retention: SignedDuration,
) -> Result<CheckpointFile, ParquetError> {
    let kept_from = minus(minus(now, retention), retention).as_millisecond();
    let recent = |remove: &&Remove| remove.deletion_timestamp.unwrap_or_default() >= kept_from;
    let adds: Vec<&Add> = state.files.values().collect();
    let removes: Vec<&Remove> = state.tombstones.values().filter(recent).collect();
    let txns: Vec<&Txn> = state.txns.values().collect();
    let actions = 2 + txns.len() + adds.len() + removes.len();
    let (first_txn, first_add) = (2, 2 + txns.len());
    let first_remove = first_add + adds.len();
    let columns = [
        ("protocol", ActionRows { at: 0, of: 1, all: actions }.protocol(state)?),
        ("metaData", ActionRows { at: 1, of: 1, all: actions }.meta_data(state)?),
        ("txn", ActionRows { at: first_txn, of: txns.len(), all: actions }.txns(&txns)?),
        ("add", ActionRows { at: first_add, of: adds.len(), all: actions }.adds(&adds)?),
        (
            "remove",
            ActionRows { at: first_remove, of: removes.len(), all: actions }.removes(&removes)?,
        ),
    ];
    let field =
        |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Fields>()));
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties))?;
    writer.write(&batch)?;
    Ok(CheckpointFile { bytes: writer.into_inner()?, actions, adds: adds.len() })
}

/// Rows of one kind of action among all rows of a checkpoint; its column is null in the others.
#[derive(Clone, Copy)]
struct ActionRows {
    /// First row of this action.
    at: usize,
    /// Number of rows of this action.
    of: usize,
    /// Number of rows of the checkpoint.
    all: usize,
}

impl ActionRows {
    fn protocol(self, state: &LogState) -> Result<ArrayRef, ArrowError> {
        let int = |value| self.column::<Int32Array, _>([Some(value)]);
        self.structs([
            ("minReaderVersion", int(state.protocol.min_reader_version)),
            ("minWriterVersion", int(state.protocol.min_writer_version)),
        ])
    }

    fn meta_data(self, state: &LogState) -> Result<ArrayRef, ArrowError> {
        let of = &state.meta_data;
        let format = self.structs([
            ("provider", self.texts([Some(of.format.provider.as_str())])),
            ("options", self.maps([Some(&of.format.options)])?),
        ])?;
        self.structs([
            ("id", self.texts([Some(of.id.as_str())])),
            ("name", self.texts([of.name.as_deref()])),
            ("description", self.texts([of.description.as_deref()])),
            ("format", format),
            ("schemaString", self.texts([Some(of.schema_string.as_str())])),
            ("partitionColumns", self.lists(&of.partition_columns)),
            ("configuration", self.maps([Some(&of.configuration)])?),
            ("createdTime", self.column::<Int64Array, _>([of.created_time])),
        ])
    }

    fn txns(self, txns: &[&Txn]) -> Result<ArrayRef, ArrowError> {
        let longs = |values: Vec<Option<i64>>| self.column::<Int64Array, _>(values);
        self.structs([
            ("appId", self.texts(txns.iter().map(|txn| Some(txn.app_id.as_str())))),
            ("version", longs(txns.iter().map(|txn| Some(txn.version)).collect())),
            ("lastUpdated", longs(txns.iter().map(|txn| txn.last_updated).collect())),
        ])
    }

    fn adds(self, adds: &[&Add]) -> Result<ArrayRef, ArrowError> {
        let longs = |values: Vec<Option<i64>>| self.column::<Int64Array, _>(values);
        // Actions of a checkpoint describe the state and must not count as changes.
        let unchanged = self.column::<BooleanArray, _>(adds.iter().map(|_| Some(false)));
        self.structs([
            ("path", self.texts(adds.iter().map(|add| Some(add.path.as_str())))),
            ("partitionValues", self.maps(adds.iter().map(|add| Some(&add.partition_values)))?),
            ("size", longs(adds.iter().map(|add| long(add.size)).collect())),
            (
                "modificationTime",
                longs(adds.iter().map(|add| Some(add.modification_time)).collect()),
            ),
            ("dataChange", unchanged),
            ("stats", self.texts(adds.iter().map(|add| add.stats.as_deref()))),
            ("tags", self.maps(adds.iter().map(|add| add.tags.as_ref()))?),
        ])
    }

    fn removes(self, removes: &[&Remove]) -> Result<ArrayRef, ArrowError> {
        let longs = |values: Vec<Option<i64>>| self.column::<Int64Array, _>(values);
        let flags = |values: Vec<Option<bool>>| self.column::<BooleanArray, _>(values);
        let values = removes.iter().map(|remove| remove.partition_values.as_ref());
        self.structs([
            ("path", self.texts(removes.iter().map(|remove| Some(remove.path.as_str())))),
            (
                "deletionTimestamp",
                longs(removes.iter().map(|remove| remove.deletion_timestamp).collect()),
            ),
            ("dataChange", flags(removes.iter().map(|_| Some(false)).collect())),
            (
                "extendedFileMetadata",
                flags(removes.iter().map(|remove| remove.extended_file_metadata).collect()),
            ),
            ("partitionValues", self.maps(values)?),
            ("size", longs(removes.iter().map(|remove| remove.size.and_then(long)).collect())),
        ])
    }

    /// Column with `values` in the rows of this action and nulls in all others.
    fn column<A, T>(self, values: impl IntoIterator<Item = Option<T>>) -> ArrayRef
    where
        A: FromIterator<Option<T>> + arrow::array::Array + 'static,
    {
        let before = core::iter::repeat_with(|| None).take(self.at);
        let after = core::iter::repeat_with(|| None).take(self.all - self.at - self.of);
        Arc::new(before.chain(values).chain(after).collect::<A>())
    }

    fn texts<'a>(self, values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
        self.column::<StringArray, _>(values)
    }

    /// Column of maps. The entries and members have the names that Parquet's specification gives to
    /// maps (`key_value`, `key`, `value`). Arrow's own defaults are others.
    fn maps<'a>(
        self,
        values: impl IntoIterator<Item = Option<&'a TextMap>>,
    ) -> Result<ArrayRef, ArrowError> {
        let names = MapFieldNames {
            entry: "key_value".to_owned(),
            key: "key".to_owned(),
            value: "value".to_owned(),
        };
        let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
        for _ in 0..self.at {
            maps.append(false)?;
        }
        for map in values {
            for (key, value) in map.into_iter().flat_map(BTreeMap::iter) {
                maps.keys().append_value(key);
                maps.values().append_option(value.as_deref());
            }
            maps.append(map.is_some())?;
        }
        for _ in self.at + self.of..self.all {
            maps.append(false)?;
        }
        Ok(Arc::new(maps.finish()))
    }

    /// Column of lists, for an action of one row. Parquet's specification calls the items
    /// `element`.
    fn lists(self, values: &[String]) -> ArrayRef {
        let element = Field::new("element", DataType::Utf8, true);
        let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element);
        for row in 0..self.all {
            let ours = row == self.at;
            if ours {
                for value in values {
                    lists.values().append_value(value);
                }
            }
            lists.append(ours);
        }
        Arc::new(lists.finish())
    }

    /// Struct column of these members, valid in the rows of this action.
    fn structs<const N: usize>(
        self,
        members: [(&str, ArrayRef); N],
    ) -> Result<ArrayRef, ArrowError> {
        let valid = (0..self.all).map(|row| row >= self.at && row < self.at + self.of);
        let field =
            |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
        let fields: Fields = members.iter().map(field).collect();
        let arrays = members.into_iter().map(|(_, array)| array).collect();
        let nulls: NullBuffer = valid.collect();
        let structs = StructArray::try_new(fields, arrays, Some(nulls))?;
        Ok(Arc::new(structs))
    }
}

/// Number as Delta stores it: signed. Sizes of real files always fit.
fn long(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}
