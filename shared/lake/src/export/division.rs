//! Division of a snapshot into folders by a column, or by a part of a date.

use arrow::datatypes::DataType;
use decode::schema::TableSchema;

/// Division of a snapshot into folders, chosen by the operator. It is independent of the partitions
/// of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionBy {
    /// Name of the partition column: a column of the table, or one derived from a date.
    pub name: String,
    /// Column that supplies the value.
    pub source: String,
    /// Part of the value that is used.
    pub part: ExportPart,
}

/// Part of a column's value that names a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportPart {
    /// Whole value: the column itself is the partition column and is left out of the files. A
    /// reader would otherwise find it twice, in the folder's name and in the file.
    Whole,
    /// `YYYY`
    Year,
    /// `YYYY-MM`
    Month,
    /// `YYYY-MM-DD`
    Day,
}

/// Error: the stream has no such column to divide by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{stream}` cannot be divided by `{name}`: name a column, or a date's year, month or day{}",
    such_as(near)
)]
pub struct NoPartition {
    /// The stream.
    pub stream: &'static str,
    /// Requested name.
    pub name: String,
    /// Available names.
    pub near: Vec<String>,
}

/// Returns examples as the end of a sentence; nothing without any.
fn such_as(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", such as {}", names.join(", ")) }
}

impl PartitionBy {
    /// Parses a name such as `spent_month`, `issue_year` or `client_id`.
    ///
    /// A column of this name comes first. Otherwise `<stem>_year`, `_month` or `_day` is a part of
    /// the column `<stem>_date`, `<stem>_at` or `<stem>`, whichever the table has: `spent_month` is
    /// the month of `spent_date`, `created_year` the year of `created_at`.
    ///
    /// # Errors
    /// When the table has no such column.
    pub fn parse(schema: &TableSchema, name: &str) -> Result<Self, NoPartition> {
        let column = |name: &str| schema.columns.iter().find(|column| column.name == name);
        let divides = |ty: &DataType| {
            matches!(ty, DataType::Int64 | DataType::Utf8 | DataType::Boolean | DataType::Date32)
        };
        let whole =
            schema.arrow.field_with_name(name).is_ok_and(|field| divides(field.data_type()));
        if whole {
            return Ok(Self {
                name: name.to_owned(),
                source: name.to_owned(),
                part: ExportPart::Whole,
            });
        }
        let parts =
            [("_year", ExportPart::Year), ("_month", ExportPart::Month), ("_day", ExportPart::Day)];
        for (ending, part) in parts {
            let Some(stem) = name.strip_suffix(ending) else { continue };
            for source in [format!("{stem}_date"), format!("{stem}_at"), stem.to_owned()] {
                let dated = schema.arrow.field_with_name(&source).is_ok_and(|field| {
                    matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..))
                });
                if dated && column(&source).is_some() {
                    return Ok(Self { name: name.to_owned(), source, part });
                }
            }
        }
        // The error suggests the months of dates, which most people want, or of instants, and the
        // table's own partition.
        let of_type = |wanted: fn(&DataType) -> bool| {
            let fields =
                schema.arrow.fields().iter().filter(move |field| wanted(field.data_type()));
            let stem =
                |name: &str| name.trim_end_matches("_date").trim_end_matches("_at").to_owned();
            fields.map(|field| format!("`{}_month`", stem(field.name()))).collect::<Vec<_>>()
        };
        let mut near = of_type(|ty| *ty == DataType::Date32);
        if near.is_empty() {
            near = of_type(|ty| matches!(ty, DataType::Timestamp(..)));
        }
        let mut near: Vec<String> = near
            .into_iter()
            .chain(schema.spec.partition.column().map(|name| format!("`{name}`")))
            .collect();
        near.dedup();
        Err(NoPartition { stream: schema.spec.name, name: name.to_owned(), near })
    }

    /// Hive type of the partition column. Parts of dates are texts, such as `2024-01`.
    pub(super) fn hive_type(&self, schema: &TableSchema) -> &'static str {
        let field = schema.arrow.field_with_name(&self.source);
        match (self.part, field.map(arrow::datatypes::Field::data_type)) {
            (ExportPart::Whole, Ok(DataType::Int64)) => "bigint",
            (ExportPart::Whole, Ok(DataType::Date32)) => "date",
            (ExportPart::Whole, Ok(DataType::Boolean)) => "boolean",
            _ => "string",
        }
    }
}
