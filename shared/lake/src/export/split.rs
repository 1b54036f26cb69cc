//! Rows of one file, divided into the folders they belong to.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ExportError, Part, PartitionBy};

/// Memory of the row groups being written beyond which the largest is cut.
const MOST_MEMORY: usize = 64 << 20;
/// What readers of Hive's kind call the partition of null.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";
/// Characters that stand for themselves in a folder's name.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// One writer per partition.
pub(super) struct Split<'b> {
    by: Option<&'b PartitionBy>,
    /// Columns in the files, by their position in the table.
    kept: Vec<usize>,
    schema: SchemaRef,
    writers: BTreeMap<Option<String>, ArrowWriter<Vec<u8>>>,
}

impl<'b> Split<'b> {
    pub(super) fn new(
        schema: &SchemaRef,
        by: Option<&'b PartitionBy>,
    ) -> Result<Self, ExportError> {
        let dropped = by.filter(|by| by.part == Part::Whole).map(|by| by.name.as_str());
        let fields = schema.fields().iter().enumerate();
        let kept: Vec<usize> = fields
            .filter(|(_, field)| Some(field.name().as_str()) != dropped)
            .map(|(index, _)| index)
            .collect();
        let schema = SchemaRef::new(schema.project(&kept)?);
        Ok(Self { by, kept, schema, writers: BTreeMap::new() })
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        let Some(by) = self.by else {
            return self.write(None, &batch.project(&self.kept)?);
        };
        let mut places = BTreeMap::<Option<String>, Vec<u64>>::new();
        let source = batch.schema().index_of(&by.source)?;
        let texts = cast(&without_zone(batch.column(source)), &DataType::Utf8)?;
        for (row, text) in (0_u64..).zip(texts.as_string::<i32>()) {
            places.entry(text.map(|text| shown(text, by.part))).or_default().push(row);
        }
        let rows = batch.project(&self.kept)?;
        for (value, indices) in places {
            let rows = take_record_batch(&rows, &UInt64Array::from(indices))?;
            self.write(value, &rows)?;
        }
        Ok(())
    }

    fn write(&mut self, value: Option<String>, rows: &RecordBatch) -> Result<(), ExportError> {
        let writer = match self.writers.entry(value) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
                    .set_created_by(concat!("harvest-lake ", env!("CARGO_PKG_VERSION")).to_owned())
                    .build();
                let schema = SchemaRef::clone(&self.schema);
                entry.insert(ArrowWriter::try_new(Vec::new(), schema, Some(properties))?)
            }
        };
        writer.write(rows)?;
        let memory: usize = self.writers.values().map(ArrowWriter::memory_size).sum();
        if memory > MOST_MEMORY
            && let Some(largest) = self.writers.values_mut().max_by_key(|one| one.memory_size())
        {
            largest.flush()?;
        }
        Ok(())
    }

    /// Folder, with a slash at its end, and content of each file.
    pub(super) fn finish(self) -> Result<Vec<(String, Bytes)>, ExportError> {
        let mut files = Vec::new();
        for (value, writer) in self.writers {
            let folder = match (self.by, value) {
                (None, _) => String::new(),
                (Some(by), None) => format!("{}={NULL_PARTITION}/", by.name),
                (Some(by), Some(value)) => {
                    format!("{}={}/", by.name, utf8_percent_encode(&value, PLAIN))
                }
            };
            files.push((folder, Bytes::from(writer.into_inner()?)));
        }
        Ok(files)
    }
}

/// An instant as the UTC wall clock shows it; anything else as it is.
fn without_zone(values: &ArrayRef) -> ArrayRef {
    match values.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(instants) => Arc::new(instants.clone().with_timezone_opt(None::<&str>)),
        None => Arc::clone(values),
    }
}

/// The part of a date's or instant's text, or all of it.
fn shown(text: &str, part: Part) -> String {
    let letters = match part {
        Part::Whole => text.len(),
        Part::Year => 4,
        Part::Month => 7,
        Part::Day => 10,
    };
    text.get(..letters).unwrap_or(text).to_owned()
}
