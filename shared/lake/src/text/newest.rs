//! The newest rows of a table.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{
    SortColumn, SortOptions, concat_batches, filter_record_batch, lexsort_to_indices,
    take_record_batch,
};
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;
use decode::schema::TableSchema;
use delta::table::Table;
use engine::schema::ColumnSource;

use super::{TextError, cells};
use crate::blocking::offloaded;
use crate::partition::{fetch, read};

/// Choice of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowChoice {
    /// Most rows.
    pub most: usize,
    /// Only rows with this `id`.
    pub id: Option<i64>,
}

/// Column of shown rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownColumn {
    /// Name.
    pub name: String,
    /// Whether its values are numbers, which are aligned to the right.
    pub is_number: bool,
    /// Whether it comes from Harvest, and not from harvest-lake.
    pub is_of_record: bool,
}

/// Rows of a table as texts, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestRows {
    /// Columns, in the order of the table.
    pub columns: Vec<ShownColumn>,
    /// Texts of each row, one for each column; `None` for null.
    pub rows: Vec<Vec<Option<String>>>,
}

impl NewestRows {
    /// Text of the column `name` in a row.
    #[must_use]
    pub fn text(&self, row: usize, name: &str) -> Option<&str> {
        let at = self.columns.iter().position(|column| column.name == name)?;
        self.rows.get(row)?.get(at)?.as_deref()
    }
}

/// Returns the newest rows: those with the highest sequence in a table of changes, those that changed
/// last in Harvest where records have `updated_at`, and those with the latest days and the highest keys
/// in any other table.
///
/// Memory: one file of the table, and the rows that are kept.
///
/// # Errors
/// When the table cannot be read.
pub async fn newest(table: &Table, choice: RowChoice) -> Result<NewestRows, TextError> {
    let schema = table.schema().clone();
    let mut kept = RecordBatch::new_empty(schema.arrow.clone());
    for file in table.files() {
        let content = fetch(&**table.store(), table.root(), file).await?;
        let (schema, file) = (schema.clone(), file.clone());
        let added = offloaded(move || -> Result<RecordBatch, TextError> {
            for batch in read(&schema, &file, content)? {
                kept = best(&schema, &kept, &batch?, choice).map_err(TextError::Encode)?;
            }
            Ok(kept)
        });
        kept = added.await??;
    }
    shown(&schema, &kept).map_err(TextError::Encode)
}

/// The newest of two sets of rows.
fn best(
    schema: &TableSchema,
    kept: &RecordBatch,
    more: &RecordBatch,
    choice: RowChoice,
) -> Result<RecordBatch, ArrowError> {
    let more = match choice.id {
        Some(id) => with_id(schema, more, id)?,
        None => more.clone(),
    };
    if more.num_rows() == 0 {
        return Ok(kept.clone());
    }
    let all = concat_batches(&schema.arrow, [kept, &more])?;
    let options = Some(SortOptions { descending: true, nulls_first: false });
    let column = |at: usize| SortColumn { values: all.column(at).clone(), options };
    let order: Vec<SortColumn> = order(schema).into_iter().map(column).collect();
    let places = lexsort_to_indices(&order, Some(choice.most))?;
    take_record_batch(&all, &places)
}

/// Rows with this `id`.
fn with_id(schema: &TableSchema, rows: &RecordBatch, id: i64) -> Result<RecordBatch, ArrowError> {
    let ids = schema.index_of("id").and_then(|at| rows.column(at).as_primitive_opt::<Int64Type>());
    let matches: BooleanArray = match ids {
        Some(ids) => ids.iter().map(|found| Some(found == Some(id))).collect(),
        None => BooleanArray::from(vec![false; rows.num_rows()]),
    };
    filter_record_batch(rows, &matches)
}

/// Positions of the columns by which rows are ordered, the most significant first.
fn order(schema: &TableSchema) -> Vec<usize> {
    let keys = schema.key_indices();
    let is_day = |at: &&usize| *schema.arrow.field(**at).data_type() == DataType::Date32;
    let first: Vec<usize> = if schema.is_of_changes() {
        schema.index_of("sequence").into_iter().collect()
    } else if let Some(updated) = schema.updated_at_index() {
        vec![updated]
    } else {
        keys.iter().filter(is_day).copied().collect()
    };
    let rest = keys.into_iter().filter(|at| !first.contains(at));
    first.iter().copied().chain(rest).collect()
}

fn shown(schema: &TableSchema, rows: &RecordBatch) -> Result<NewestRows, ArrowError> {
    let rows = cells::with_offsets(rows)?;
    let fields = rows.schema_ref().fields();
    let mut texts = Vec::new();
    let mut columns = Vec::new();
    for ((column, field), values) in schema.columns.iter().zip(fields).zip(rows.columns()) {
        columns.push(ShownColumn {
            name: column.name.clone(),
            is_number: values.data_type().is_numeric(),
            is_of_record: matches!(column.source, ColumnSource::Record(_)),
        });
        texts.push(cells::texts(field, values)?.into_iter());
    }
    let row = |_| texts.iter_mut().map(|column| column.next().flatten()).collect();
    Ok(NewestRows { columns, rows: (0..rows.num_rows()).map(row).collect() })
}
