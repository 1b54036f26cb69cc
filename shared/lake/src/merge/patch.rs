//! Rewrites a file whose rows change only in place.
//!
//! Updates touch few columns: when an invoice is written, entries of past months become billed,
//! and all else about them stays. The chunks of the other columns are copied as they are encoded,
//! which is most of the work of such a merge (docs/adr/0045).
//!
//! | step | reads | result |
//! | --- | --- | --- |
//! | updates | incoming rows and their old versions | new versions, columns that differ |
//! | file | all rows of these columns | a file with as many rows in the same row groups |

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use decode::gather::{RowPick, equal_rows, gather};
use decode::schema::TableSchema;
use delta::table::FileEntry;
use engine::report::RowCounts;
use engine::schema::ColumnSource;

use super::rows::MergedRows;
use super::write::TableFiles;
use crate::blocking::{RewriteError, blocking};
use crate::changes::ChangeOp;
use crate::partition::{
    ChunkSource, FileContent, FileLimits, PartitionError, PartitionWriter, RowLayout,
    SplicedWriter, WrittenFile, open_group,
};
use crate::walk::{JoinedRow, RowJoin};

/// Largest number of rows of a file that are updated in this way. Their new versions are in memory.
const MOST_UPDATES: usize = if cfg!(test) { 6 } else { 16_384 };

/// Largest number of rows between two spans that are read as one: to skip so few takes as long as to
/// read them.
const JOINED_SPANS: usize = if cfg!(test) { 1 } else { 16 };

/// Effect of the incoming rows on a slot that no row leaves.
#[derive(Debug)]
pub(super) enum SlotEffect {
    /// No row changes.
    Unchanged(RowCounts),
    /// Rows change in place.
    Updated(FileUpdates),
    /// Rows come, or more of them change than are kept in memory.
    Other,
}

/// New versions of rows of one file.
#[derive(Debug)]
pub(super) struct FileUpdates {
    /// Positions in the file, ascending.
    positions: Vec<usize>,
    /// New version of each, in batches.
    rows: Vec<RecordBatch>,
    /// Place in `rows` of each.
    picks: Vec<RowPick>,
    /// Names of the columns in which any of them differs from its old version.
    columns: BTreeSet<String>,
    pub(super) counts: RowCounts,
}

/// Positions on the left of the keys on the right, as spans; `None` if a key is missing on the left.
pub(super) fn places(mut sides: RowJoin) -> Result<Option<Vec<Range<usize>>>, RewriteError> {
    let (mut spans, mut position) = (Vec::<Range<usize>>::new(), 0);
    // Behind the last key on the right, nothing is looked for.
    while sides.right.load()? {
        match sides.step()? {
            Some(JoinedRow::Left(_)) => {}
            Some(JoinedRow::Both(..)) => match spans.last_mut() {
                Some(last) if position - last.end <= JOINED_SPANS => last.end = position + 1,
                Some(_) | None => spans.push(position..position + 1),
            },
            Some(JoinedRow::Right(_)) | None => return Ok(None),
        }
        position += 1;
    }
    Ok(Some(spans))
}

/// Runs the merge of incoming rows with those at `spans`, among which all of their old versions are.
/// Stops where it is neither without effect nor an update in place.
pub(super) fn updates(
    mut merged: MergedRows,
    spans: &[Range<usize>],
    layout: &RowLayout,
) -> Result<SlotEffect, RewriteError> {
    let mut found = FileUpdates {
        positions: Vec::new(),
        rows: Vec::new(),
        picks: Vec::new(),
        columns: BTreeSet::new(),
        counts: RowCounts::default(),
    };
    let mut places = spans.iter().cloned().flatten();
    while let Some(span) = merged.window()? {
        let places: Vec<usize> = places.by_ref().take(span.len()).collect();
        let Some(updates) = span.updates(layout)? else { return Ok(SlotEffect::Other) };
        if found.picks.len() + updates.at.len() > MOST_UPDATES {
            return Ok(SlotEffect::Other);
        }
        found.positions.extend(updates.at.iter().filter_map(|at| places.get(*at)));
        found.picks.extend((0..updates.at.len()).map(|row| (found.rows.len(), row)));
        for (index, field) in layout.schema.fields().iter().enumerate() {
            if !found.columns.contains(field.name())
                && equal_rows(&updates.old, &updates.new, &[index])?.contains(&false)
            {
                found.columns.insert(field.name().clone());
            }
        }
        found.rows.push(updates.new);
    }
    found.counts = merged.counts();
    if found.picks.is_empty() {
        return Ok(SlotEffect::Unchanged(found.counts));
    }
    Ok(SlotEffect::Updated(found))
}

impl TableFiles {
    /// Writes `file` with new versions of some rows, and stores it and their changes. `None`, with
    /// nothing done, if its columns are not those of today's declaration.
    pub(super) async fn patch(
        &mut self,
        file: &FileEntry,
        updates: FileUpdates,
    ) -> Result<Option<FileEntry>, RewriteError> {
        let content = self.content(file).await?;
        let (old, partition) = (file.clone(), file.partition.clone());
        let (schema, layout, limits) = (self.schema.clone(), Arc::clone(&self.whole), self.limits);
        let changes = self.changes.as_mut().and_then(|changes| changes.deferred.take());
        let (written, changes) = blocking(move || {
            let mut changes = changes;
            let written = FilePatch { schema, layout, limits, old, content }.write(&updates)?;
            if let Some(changes) = changes.as_mut().filter(|_| written.is_some()) {
                for rows in &updates.rows {
                    let ops = vec![ChangeOp::Update; rows.num_rows()];
                    changes.add(&ops, rows, partition.as_deref())?;
                }
            }
            Ok((written, changes))
        })
        .await?;
        if let Some(written_changes) = &mut self.changes {
            written_changes.deferred = changes;
        }
        Ok(match written {
            Some(written) => Some(self.shelf.put(file.partition.as_deref(), written).await?),
            None => None,
        })
    }
}

/// A file under construction, from an old one.
struct FilePatch {
    schema: TableSchema,
    /// Layout with all columns.
    layout: Arc<RowLayout>,
    limits: FileLimits,
    old: FileEntry,
    content: FileContent,
}

impl FilePatch {
    fn write(&self, updates: &FileUpdates) -> Result<Option<WrittenFile>, PartitionError> {
        // A file of an earlier release may lack the index of pages.
        let Ok(source) = ChunkSource::of(&self.content) else { return Ok(None) };
        let mut writer = SplicedWriter::new(&self.layout, self.limits)?;
        // A row with a value in `extra_json` that has a column today is another one when it is read than
        // it is stored: its columns belong together, and none of them may be copied.
        let mut columns = self.schema.columns.iter();
        let extra = columns.find(|column| column.source == ColumnSource::Extra);
        let is_plain = extra.is_none_or(|column| source.is_null(&column.name));
        if !is_plain || !writer.has_columns_of(&source) {
            return Ok(None);
        }
        let names: Vec<&str> = updates.columns.iter().map(String::as_str).collect();
        // Without lifting: values that moved between two columns would be in neither if one of them
        // was copied.
        let layout = Arc::new(RowLayout::named(&self.schema, &names)?);
        let mut indices = Vec::with_capacity(names.len());
        for field in layout.schema.fields() {
            indices.push(self.layout.schema.index_of(field.name())?);
        }
        let new: Vec<RecordBatch> =
            updates.rows.iter().map(|rows| rows.project(&indices)).collect::<Result<_, _>>()?;
        writer.append_groups(&source, |group, rows| {
            self.group(&layout, group, rows, updates, &new)
        })?;
        writer.finish_as(&self.old, &updates.columns)
    }

    /// File with the columns of `layout` of one row group, whose rows have these positions.
    fn group(
        &self,
        layout: &Arc<RowLayout>,
        group: usize,
        rows: Range<usize>,
        updates: &FileUpdates,
        new: &[RecordBatch],
    ) -> Result<WrittenFile, PartitionError> {
        let limits = FileLimits { group_rows: rows.len(), group_bytes: usize::MAX, ..self.limits };
        let mut writer = PartitionWriter::unordered(Arc::clone(layout), limits);
        let mut start = rows.start;
        for batch in open_group(layout, &self.old.path, self.content.clone(), group)? {
            let batch = batch?;
            let due = updates.within(start..start + batch.num_rows());
            start += batch.num_rows();
            if due.is_empty() {
                writer.write(&batch)?;
                continue;
            }
            let mut picks: Vec<RowPick> = (0..batch.num_rows()).map(|row| (0, row)).collect();
            for (row, (nth, of)) in due {
                if let Some(pick) = picks.get_mut(row) {
                    *pick = (nth + 1, of);
                }
            }
            let batches: Vec<&RecordBatch> = core::iter::once(&batch).chain(new).collect();
            writer.write(&gather(&layout.schema, &batches, &picks)?)?;
        }
        writer.finish()
    }
}

impl FileUpdates {
    /// Updates of the rows at these positions: the distance of each to the first position, and its
    /// place in `rows`.
    fn within(&self, rows: Range<usize>) -> Vec<(usize, RowPick)> {
        let first = self.positions.partition_point(|position| *position < rows.start);
        let due = self.positions.iter().zip(&self.picks).skip(first);
        due.take_while(|(position, _)| **position < rows.end)
            .map(|(position, pick)| (position - rows.start, *pick))
            .collect()
    }
}
