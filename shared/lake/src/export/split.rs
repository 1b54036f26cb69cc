//! Splits the rows of one file of the table by the folders they belong to.
//!
//! Each file of the table becomes at most one file per folder. Splitting the whole table at once
//! would give fewer files, but would keep a writer open for every folder until the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use engine::memory::EXPORT_ROW_GROUPS;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::ExportError;
use super::division::{ExportPart, PartitionBy};
use crate::partition::{FileContent, FileOutput, PartitionError, unwritten};

/// Size in bytes at which a data page ends. The values of a page wait for its end in the writer, in
/// every column at once.
const PAGE_BYTES: usize = 128 << 10;

/// Writers, one per partition value; one in all if the snapshot is not divided.
pub(super) struct FolderWriters<'b> {
    by: Option<&'b PartitionBy>,
    /// Positions in the table of the columns to write. A partition column with the whole value is
    /// not written.
    kept: Vec<usize>,
    /// Schema of the columns to write.
    schema: SchemaRef,
    /// Open files; `None` is the folder of nulls.
    writers: BTreeMap<Option<String>, ArrowWriter<FileOutput>>,
}

impl<'b> FolderWriters<'b> {
    pub(super) fn new(
        schema: &SchemaRef,
        by: Option<&'b PartitionBy>,
    ) -> Result<Self, ExportError> {
        let dropped = by.filter(|by| by.part == ExportPart::Whole).map(|by| by.name.as_str());
        let fields = schema.fields().iter().enumerate();
        let kept: Vec<usize> = fields
            .filter(|(_, field)| Some(field.name().as_str()) != dropped)
            .map(|(index, _)| index)
            .collect();
        let schema = SchemaRef::new(schema.project(&kept)?);
        Ok(Self { by, kept, schema, writers: BTreeMap::new() })
    }

    /// Appends rows to the files of their folders. Rows keep their order within a file.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        let Some(by) = self.by else {
            return self.write(None, &batch.project(&self.kept)?);
        };
        let mut places = BTreeMap::<Option<String>, Vec<u64>>::new();
        let source = batch.schema().index_of(&by.source)?;
        // Values as text, in the form that folder names show: `2024-01-31`, `2024-01-31T09:30:00`,
        // `true`, `7`.
        let texts = cast(&without_zone(batch.column(source)), &DataType::Utf8)?;
        for (row, text) in (0_u64..).zip(texts.as_string::<i32>()) {
            // Hive-style readers read an empty value as null and reject a folder for it.
            let value = text.map(|text| shown(text, by.part)).filter(|text| !text.is_empty());
            places.entry(value).or_default().push(row);
        }
        let rows = batch.project(&self.kept)?;
        for (value, indices) in places {
            let rows = take_record_batch(&rows, &UInt64Array::from(indices))?;
            self.write(value, &rows)?;
        }
        Ok(())
    }

    /// Appends rows to one file, and opens it if it is the first time.
    fn write(&mut self, value: Option<String>, rows: &RecordBatch) -> Result<(), ExportError> {
        let writer = match self.writers.entry(value) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
                    .set_data_page_size_limit(PAGE_BYTES)
                    .set_created_by(concat!("harvest-lake ", env!("CARGO_PKG_VERSION")).to_owned())
                    .build();
                let schema = SchemaRef::clone(&self.schema);
                entry.insert(ArrowWriter::try_new(FileOutput::new(), schema, Some(properties))?)
            }
        };
        writer.write(rows).map_err(unwritten)?;
        let memory: usize = self.writers.values().map(ArrowWriter::memory_size).sum();
        if memory > EXPORT_ROW_GROUPS
            && let Some(largest) = self.writers.values_mut().max_by_key(|one| one.memory_size())
        {
            largest.flush().map_err(unwritten)?;
        }
        Ok(())
    }

    /// Partition value and content of each file, in order of the values.
    pub(super) fn finish(self) -> Result<Vec<(Option<String>, FileContent)>, ExportError> {
        let finished = self.writers.into_iter().map(|(value, writer)| {
            let (content, _) =
                writer.into_inner().map_err(unwritten)?.finish().map_err(PartitionError::Output)?;
            Ok((value, content))
        });
        finished.collect()
    }
}

/// Instants as UTC wall-clock time; other values unchanged.
fn without_zone(values: &ArrayRef) -> ArrayRef {
    match values.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(instants) => Arc::new(instants.clone().with_timezone_opt(None::<&str>)),
        None => Arc::clone(values),
    }
}

/// Part of the text of a date or instant, or all of a text. The parts are prefixes, as dates are
/// written from the year on.
fn shown(text: &str, part: ExportPart) -> String {
    let letters = match part {
        ExportPart::Whole => text.len(),
        ExportPart::Year => 4,
        ExportPart::Month => 7,
        ExportPart::Day => 10,
    };
    text.get(..letters).unwrap_or(text).to_owned()
}
