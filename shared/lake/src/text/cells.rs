//! Values as texts.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Returns the rows with instants whose zone is an offset: the formats of text know no zone by its name.
pub(super) fn with_offsets(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let fields: Vec<FieldRef> = schema.fields().iter().map(with_offset).collect();
    let cast = |(field, column): (&FieldRef, &ArrayRef)| cast(column, field.data_type());
    let columns = fields.iter().zip(rows.columns()).map(cast).collect::<Result<_, _>>()?;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn with_offset(field: &FieldRef) -> FieldRef {
    let ty = if let DataType::Timestamp(unit, Some(_)) = field.data_type() {
        DataType::Timestamp(*unit, Some("+00:00".into()))
    } else if let DataType::List(element) = field.data_type() {
        DataType::List(with_offset(element))
    } else if let DataType::Struct(members) = field.data_type() {
        DataType::Struct(members.iter().map(with_offset).collect())
    } else {
        return Arc::clone(field);
    };
    Arc::new(field.as_ref().clone().with_data_type(ty))
}

/// Returns the rows with the JSON of each list in its place: CSV has no lists.
pub(super) fn without_lists(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in schema.fields().iter().zip(rows.columns()) {
        if field.data_type().is_nested() {
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
            columns.push(Arc::new(StringArray::from(documents(field, column)?)) as ArrayRef);
        } else {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(Fields::from(fields))), columns)
}

/// Returns the text of each value; `None` for null.
pub(super) fn texts(
    field: &FieldRef,
    column: &ArrayRef,
) -> Result<Vec<Option<String>>, ArrowError> {
    if field.data_type().is_nested() {
        return documents(field, column);
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let text =
        |row: usize| column.is_valid(row).then(|| formatter.value(row).try_to_string()).transpose();
    (0..column.len()).map(text).collect()
}

/// Returns the JSON of each value; `None` for null.
fn documents(field: &FieldRef, column: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(field, column.as_ref(), &options)?;
    let mut document = |row: usize| {
        if column.is_null(row) {
            return Ok(None);
        }
        let mut text = Vec::new();
        encoder.encode(row, &mut text);
        String::from_utf8(text).map(Some).map_err(|error| ArrowError::JsonError(error.to_string()))
    };
    (0..column.len()).map(&mut document).collect()
}
