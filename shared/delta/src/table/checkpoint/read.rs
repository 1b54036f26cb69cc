//! Reads checkpoints, ours and those of other writers. Unknown members are not decoded.
//!
//! Other writers add columns (`stats_parsed`, `deletionVector`), leave some out, and choose other
//! integer types. So each member is looked up by name, may be missing unless the action is useless
//! without it, and may be a 32-bit or a 64-bit integer. A member of a wholly different type makes
//! the checkpoint unreadable; the log is then read from further back.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, MapArray, StringArray,
    StructArray,
};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use super::super::action::{Add, Format, LogLine, MetaData, Protocol, Remove, TextMap, Txn};

/// Members of each action that are read. A file may have more, or lack some. Not decoding the rest
/// matters: `add.stats_parsed` repeats the statistics of every file.
const KNOWN: [(&str, &[&str]); 5] = [
    ("protocol", &["minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures"]),
    (
        "metaData",
        &[
            "id",
            "name",
            "description",
            "format",
            "schemaString",
            "partitionColumns",
            "configuration",
            "createdTime",
        ],
    ),
    ("txn", &["appId", "version", "lastUpdated"]),
    (
        "add",
        &["path", "partitionValues", "size", "modificationTime", "dataChange", "stats", "tags"],
    ),
    (
        "remove",
        &[
            "path",
            "deletionTimestamp",
            "dataChange",
            "extendedFileMetadata",
            "partitionValues",
            "size",
        ],
    ),
];

/// Reads the actions of a checkpoint file, or returns the reason why it is invalid.
pub(in crate::table) fn read(bytes: Bytes) -> Result<Vec<LogLine>, String> {
    let text = |error: parquet::errors::ParquetError| error.to_string();
    // Skipping the writer's Arrow schema gives the same plain types for files of all writers.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).map_err(text)?;
    let schema = builder.parquet_schema();
    let known = (0..schema.num_columns()).filter(|leaf| {
        let path = schema.column(*leaf).path().parts().to_vec();
        let (Some(action), Some(member)) = (path.first(), path.get(1)) else {
            return false;
        };
        KNOWN.iter().any(|(name, members)| name == action && members.contains(&member.as_str()))
    });
    let mask = ProjectionMask::leaves(schema, known.collect::<Vec<_>>());
    let reader = builder.with_projection(mask).build().map_err(text)?;
    let mut lines = Vec::new();
    for batch in reader {
        lines_of(&batch.map_err(|error| error.to_string())?, &mut lines)?;
    }
    Ok(lines)
}

/// Appends the actions in the rows of `batch` to `lines`. The order of the rows is lost, which does
/// no harm: the actions of a checkpoint name each file, application and schema once.
fn lines_of(batch: &RecordBatch, lines: &mut Vec<LogLine>) -> Result<(), String> {
    if let Some(rows) = ActionColumn::of(batch, "protocol")? {
        for row in rows.present() {
            let protocol = Some(protocol(&rows, row)?);
            lines.push(LogLine { protocol, ..LogLine::default() });
        }
    }
    if let Some(rows) = ActionColumn::of(batch, "metaData")? {
        for row in rows.present() {
            let meta_data = Some(meta_data(&rows, row)?);
            lines.push(LogLine { meta_data, ..LogLine::default() });
        }
    }
    if let Some(rows) = ActionColumn::of(batch, "txn")? {
        for row in rows.present() {
            let txn = Some(txn(&rows, row)?);
            lines.push(LogLine { txn, ..LogLine::default() });
        }
    }
    if let Some(rows) = ActionColumn::of(batch, "remove")? {
        for row in rows.present() {
            let remove = Some(remove(&rows, row)?);
            lines.push(LogLine { remove, ..LogLine::default() });
        }
    }
    if let Some(rows) = ActionColumn::of(batch, "add")? {
        for row in rows.present() {
            let add = Some(add(&rows, row)?);
            lines.push(LogLine { add, ..LogLine::default() });
        }
    }
    Ok(())
}

// The functions from here on decode the action in one row of its column.

fn protocol(rows: &ActionColumn<'_>, row: usize) -> Result<Protocol, String> {
    let version = |name| {
        let long = rows.long(name, row)?.ok_or_else(|| rows.lacks(name))?;
        i32::try_from(long).map_err(|error| error.to_string())
    };
    Ok(Protocol {
        min_reader_version: version("minReaderVersion")?,
        min_writer_version: version("minWriterVersion")?,
        reader_features: rows.list("readerFeatures", row)?,
        writer_features: rows.list("writerFeatures", row)?,
    })
}

fn meta_data(rows: &ActionColumn<'_>, row: usize) -> Result<MetaData, String> {
    let format = match rows.member("format") {
        Some(format) => {
            let format = format.as_struct_opt().ok_or_else(|| rows.odd("format"))?;
            let format = ActionColumn { name: "format", rows: format };
            let provider = format.needed_text("provider", row)?;
            Format { provider, options: format.map("options", row)?.unwrap_or_default() }
        }
        None => Format { provider: "parquet".to_owned(), options: TextMap::new() },
    };
    Ok(MetaData {
        id: rows.needed_text("id", row)?,
        name: rows.text("name", row)?,
        description: rows.text("description", row)?,
        format,
        schema_string: rows.needed_text("schemaString", row)?,
        partition_columns: rows.list("partitionColumns", row)?.unwrap_or_default(),
        configuration: rows.map("configuration", row)?.unwrap_or_default(),
        created_time: rows.long("createdTime", row)?,
    })
}

fn txn(rows: &ActionColumn<'_>, row: usize) -> Result<Txn, String> {
    Ok(Txn {
        app_id: rows.needed_text("appId", row)?,
        version: rows.long("version", row)?.ok_or_else(|| rows.lacks("version"))?,
        last_updated: rows.long("lastUpdated", row)?,
    })
}

fn add(rows: &ActionColumn<'_>, row: usize) -> Result<Add, String> {
    Ok(Add {
        path: rows.needed_text("path", row)?,
        partition_values: rows.map("partitionValues", row)?.unwrap_or_default(),
        size: rows.size(row)?.ok_or_else(|| rows.lacks("size"))?,
        modification_time: rows.long("modificationTime", row)?.unwrap_or_default(),
        data_change: rows.flag("dataChange", row)?.unwrap_or_default(),
        stats: rows.text("stats", row)?,
        tags: rows.map("tags", row)?,
    })
}

fn remove(rows: &ActionColumn<'_>, row: usize) -> Result<Remove, String> {
    Ok(Remove {
        path: rows.needed_text("path", row)?,
        deletion_timestamp: rows.long("deletionTimestamp", row)?,
        data_change: rows.flag("dataChange", row)?.unwrap_or_default(),
        extended_file_metadata: rows.flag("extendedFileMetadata", row)?,
        partition_values: rows.map("partitionValues", row)?,
        size: rows.size(row)?,
    })
}

/// Column of one kind of action: a struct with the action's members, null in rows of other kinds.
///
/// The methods that read a member give `None` if the file lacks it or if it is null in this row,
/// and an error if it has another type.
struct ActionColumn<'a> {
    name: &'static str,
    rows: &'a StructArray,
}

impl<'a> ActionColumn<'a> {
    /// Column `name` of a batch; `None` if the checkpoint has no such actions.
    fn of(batch: &'a RecordBatch, name: &'static str) -> Result<Option<Self>, String> {
        let Some(column) = batch.column_by_name(name) else {
            return Ok(None);
        };
        let rows = column.as_struct_opt().ok_or_else(|| format!("{name} is no struct"))?;
        Ok(Some(Self { name, rows }))
    }

    /// Rows that hold an action of this kind.
    fn present(&self) -> impl Iterator<Item = usize> {
        (0..self.rows.len()).filter(|row| self.rows.is_valid(*row))
    }

    /// Column of the member, if the file has it.
    fn member(&self, name: &str) -> Option<&'a ArrayRef> {
        self.rows.column_by_name(name)
    }

    /// Column of the member, if it exists and is not null in this row.
    fn value(&self, name: &str, row: usize) -> Option<&'a ArrayRef> {
        self.member(name).filter(|array| array.is_valid(row))
    }

    fn text(&self, name: &str, row: usize) -> Result<Option<String>, String> {
        let Some(array) = self.value(name, row) else {
            return Ok(None);
        };
        let texts: &StringArray = array.as_string_opt().ok_or_else(|| self.odd(name))?;
        Ok(Some(texts.value(row).to_owned()))
    }

    fn needed_text(&self, name: &str, row: usize) -> Result<String, String> {
        self.text(name, row)?.ok_or_else(|| self.lacks(name))
    }

    /// Integer of 32 or 64 bits.
    fn long(&self, name: &str, row: usize) -> Result<Option<i64>, String> {
        let Some(array) = self.value(name, row) else {
            return Ok(None);
        };
        if let Some(ints) = array.as_primitive_opt::<Int32Type>() {
            return Ok(Some(i64::from(ints.value(row))));
        }
        let longs: &Int64Array =
            array.as_primitive_opt::<Int64Type>().ok_or_else(|| self.odd(name))?;
        Ok(Some(longs.value(row)))
    }

    fn size(&self, row: usize) -> Result<Option<u64>, String> {
        let size = self.long("size", row)?.map(u64::try_from).transpose();
        size.map_err(|error| error.to_string())
    }

    fn flag(&self, name: &str, row: usize) -> Result<Option<bool>, String> {
        let Some(array) = self.value(name, row) else {
            return Ok(None);
        };
        let flags: &BooleanArray = array.as_boolean_opt().ok_or_else(|| self.odd(name))?;
        Ok(Some(flags.value(row)))
    }

    /// List of texts. Null elements are left out.
    fn list(&self, name: &str, row: usize) -> Result<Option<Vec<String>>, String> {
        let Some(array) = self.value(name, row) else {
            return Ok(None);
        };
        let lists: &ListArray = array.as_list_opt().ok_or_else(|| self.odd(name))?;
        let items = lists.value(row);
        let items = items.as_string_opt::<i32>().ok_or_else(|| self.odd(name))?;
        Ok(Some(items.iter().flatten().map(str::to_owned).collect()))
    }

    /// Map of texts, whose values may be null: the value of the null partition is.
    fn map(&self, name: &str, row: usize) -> Result<Option<TextMap>, String> {
        let Some(array) = self.value(name, row) else {
            return Ok(None);
        };
        let maps: &MapArray = array.as_map_opt().ok_or_else(|| self.odd(name))?;
        let entries = maps.value(row);
        let [keys, values] = entries.columns() else {
            return Err(self.odd(name));
        };
        let keys = keys.as_string_opt::<i32>().ok_or_else(|| self.odd(name))?;
        let values = values.as_string_opt::<i32>().ok_or_else(|| self.odd(name))?;
        let pairs = keys.iter().zip(values.iter());
        let owned = |(key, value): (Option<&str>, Option<&str>)| {
            Some((key?.to_owned(), value.map(str::to_owned)))
        };
        Ok(Some(pairs.filter_map(owned).collect()))
    }

    fn lacks(&self, name: &str) -> String {
        format!("an action `{}` has no {name}", self.name)
    }

    fn odd(&self, name: &str) -> String {
        format!("`{}.{name}` has an unexpected type", self.name)
    }
}
