//! Reads chosen columns of a table, for programs that add rows up.
//!
//! The rows of one file at a time pass by in batches, so that memory does not grow with the table.
//! Values are as they are stored: one that a row of an older declaration has in `extra_json`
//! counts as null, as it does for every other reader of the files.

use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, Date32Array, Decimal128Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Int64Type, TimestampMicrosecondType,
};
use delta::table::{FileEntry, Table};

use crate::blocking::offloaded;
use crate::partition::{PartitionError, RowLayout, fetch, open};
use crate::progress::{FileProgress, NoFileProgress};

/// Some rows of a table, by column. A column that was not asked for, or that the table does not
/// have, is null in all rows.
#[derive(Debug)]
pub struct ScannedRows {
    names: Vec<String>,
    columns: Vec<ScannedColumn>,
    rows: usize,
}

/// Values of one column. Each method returns null for a row that there is not, and for a value of
/// another type.
#[derive(Debug)]
pub struct ScannedColumn(Values);

/// Values by their type.
#[derive(Debug)]
enum Values {
    Int(Int64Array),
    Day(Date32Array),
    Instant(TimestampMicrosecondArray),
    Decimal(Decimal128Array),
    Flag(BooleanArray),
    Text(StringArray),
    Structs { lists: ListArray, members: ScannedRows },
    None,
}

/// Column without values.
static NOTHING: ScannedColumn = ScannedColumn(Values::None);

impl ScannedRows {
    fn of_batch(batch: &RecordBatch) -> Self {
        Self::new(batch.schema_ref().fields(), batch.columns(), batch.num_rows())
    }

    fn of_structs(structs: &StructArray) -> Self {
        Self::new(structs.fields(), structs.columns(), structs.len())
    }

    fn new(fields: &[Arc<Field>], columns: &[Arc<dyn Array>], rows: usize) -> Self {
        Self {
            names: fields.iter().map(|field| field.name().clone()).collect(),
            columns: columns.iter().map(ScannedColumn::of).collect(),
            rows,
        }
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> &ScannedColumn {
        let place = self.names.iter().position(|one| one == name);
        place.and_then(|place| self.columns.get(place)).unwrap_or(&NOTHING)
    }
}

impl ScannedColumn {
    fn of(column: &Arc<dyn Array>) -> Self {
        Self(if let Some(ints) = column.as_primitive_opt::<Int64Type>() {
            Values::Int(ints.clone())
        } else if let Some(days) = column.as_primitive_opt::<Date32Type>() {
            Values::Day(days.clone())
        } else if let Some(instants) = column.as_primitive_opt::<TimestampMicrosecondType>() {
            Values::Instant(instants.clone())
        } else if let Some(decimals) = column.as_primitive_opt::<Decimal128Type>() {
            Values::Decimal(decimals.clone())
        } else if let Some(flags) = column.as_boolean_opt() {
            Values::Flag(flags.clone())
        } else if let Some(texts) = column.as_string_opt::<i32>() {
            Values::Text(texts.clone())
        } else if let DataType::List(_) = column.data_type()
            && let Some(lists) = column.as_list_opt::<i32>()
            && let Some(structs) = lists.values().as_struct_opt()
        {
            Values::Structs { lists: lists.clone(), members: ScannedRows::of_structs(structs) }
        } else {
            Values::None
        })
    }

    /// Integer of a row.
    #[must_use]
    pub fn int(&self, row: usize) -> Option<i64> {
        let Values::Int(ints) = &self.0 else { return None };
        is_set(ints, row).then(|| ints.value(row))
    }

    /// Day of a row, as days since 1970.
    #[must_use]
    pub fn day(&self, row: usize) -> Option<i32> {
        let Values::Day(days) = &self.0 else { return None };
        is_set(days, row).then(|| days.value(row))
    }

    /// Instant of a row, in microseconds since 1970.
    #[must_use]
    pub fn instant(&self, row: usize) -> Option<i64> {
        let Values::Instant(instants) = &self.0 else { return None };
        is_set(instants, row).then(|| instants.value(row))
    }

    /// Decimal of a row, without its point: the declaration tells the number of digits after it.
    #[must_use]
    pub fn decimal(&self, row: usize) -> Option<i128> {
        let Values::Decimal(decimals) = &self.0 else { return None };
        is_set(decimals, row).then(|| decimals.value(row))
    }

    /// Flag of a row.
    #[must_use]
    pub fn flag(&self, row: usize) -> Option<bool> {
        let Values::Flag(flags) = &self.0 else { return None };
        is_set(flags, row).then(|| flags.value(row))
    }

    /// Text of a row.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&str> {
        let Values::Text(texts) = &self.0 else { return None };
        is_set(texts, row).then(|| texts.value(row))
    }

    /// Structs in the list of a row: the members of all rows, and the places of those of this one.
    #[must_use]
    pub fn structs(&self, row: usize) -> Option<(&ScannedRows, core::ops::Range<usize>)> {
        let Values::Structs { lists, members } = &self.0 else { return None };
        if !is_set(lists, row) {
            return None;
        }
        let place = |offset: i32| usize::try_from(offset).unwrap_or(0);
        let offsets = lists.value_offsets();
        let (start, end) = (offsets.get(row)?, offsets.get(row + 1)?);
        Some((members, place(*start)..place(*end)))
    }
}

fn is_set(array: &impl Array, row: usize) -> bool {
    row < array.len() && array.is_valid(row)
}

/// Passes all rows of `table` to `add`, with the named columns alone, and returns what it made of
/// `sum`. The partition column is not in the files, and has no values here.
///
/// Memory: one file of the table, and a batch of its rows. Each file is told once.
///
/// # Errors
/// When a file cannot be read. A missing one may have been replaced by a run since the table was
/// opened: open it again, and begin with another `sum`.
pub async fn scan<T: Send + 'static>(
    table: &Table,
    columns: &[&str],
    progress: &dyn FileProgress,
    sum: T,
    add: impl Fn(&mut T, &ScannedRows) + Send + Copy + 'static,
) -> Result<T, PartitionError> {
    scanned(table.files().iter(), table, columns, progress, sum, add).await
}

/// Does the same with the rows of the files that are `wanted` alone, and tells none.
///
/// # Errors
/// Fails as [`scan`] does.
pub async fn scan_where<T: Send + 'static>(
    table: &Table,
    wanted: impl Fn(&FileEntry) -> bool + Send,
    columns: &[&str],
    sum: T,
    add: impl Fn(&mut T, &ScannedRows) + Send + Copy + 'static,
) -> Result<T, PartitionError> {
    let files = table.files().iter().filter(|file| wanted(file));
    scanned(files, table, columns, &NoFileProgress, sum, add).await
}

async fn scanned<'a, T: Send + 'static>(
    files: impl Iterator<Item = &'a FileEntry>,
    table: &Table,
    columns: &[&str],
    progress: &dyn FileProgress,
    mut sum: T,
    add: impl Fn(&mut T, &ScannedRows) + Send + Copy + 'static,
) -> Result<T, PartitionError> {
    let layout = Arc::new(RowLayout::named(table.schema(), columns)?);
    for file in files {
        let content = fetch(table.store().as_ref(), table.root(), file).await?;
        let (layout, path) = (Arc::clone(&layout), file.path.clone());
        let added = offloaded(move || -> Result<T, PartitionError> {
            for batch in open(&layout, &path, content)? {
                add(&mut sum, &ScannedRows::of_batch(&batch?));
            }
            Ok(sum)
        });
        sum = added.await??;
        progress.done(file);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_values_of_its_own_type_and_no_others() {
        let ints: Arc<dyn Array> = Arc::new(Int64Array::from(vec![Some(1), None]));
        let texts: Arc<dyn Array> = Arc::new(StringArray::from(vec![None, Some("x")]));
        let batch = RecordBatch::try_from_iter([("a", ints), ("b", texts)]).unwrap();
        let rows = ScannedRows::of_batch(&batch);
        assert_eq!((rows.len(), rows.is_empty()), (2, false));
        let (a, b, c) = (rows.column("a"), rows.column("b"), rows.column("c"));
        assert_eq!(
            [a.int(0), a.int(1), a.int(2), b.int(1), c.int(0)],
            [Some(1), None, None, None, None]
        );
        assert_eq!([b.text(0), b.text(1), a.text(0)], [None, Some("x"), None]);
        assert!(a.structs(0).is_none() && a.decimal(0).is_none() && a.flag(0).is_none());
    }

    #[test]
    fn the_structs_of_a_row_are_those_of_its_list() {
        let member: Arc<dyn Array> = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let field = Arc::new(Field::new("id", DataType::Int64, true));
        let structs = StructArray::from(vec![(field, member)]);
        let element = Arc::new(Field::new("element", structs.data_type().clone(), true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 0, 1]);
        let lists: Arc<dyn Array> =
            Arc::new(ListArray::new(element, offsets, Arc::new(structs), None));
        let rows = ScannedRows::of_batch(&RecordBatch::try_from_iter([("lines", lists)]).unwrap());
        let of = |row: usize| {
            let (members, range) = rows.column("lines").structs(row).unwrap();
            range.filter_map(|place| members.column("id").int(place)).collect::<Vec<_>>()
        };
        assert_eq!([of(0), of(1), of(2)], [vec![1, 2], vec![], vec![3]]);
    }
}
