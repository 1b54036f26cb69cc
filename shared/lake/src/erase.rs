//! Removes a person's own data from stored rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::nullif;
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use decode::schema::TableSchema;
use engine::schema::ColumnSource;
use engine::spec::PersonalFields;

/// Sets personal columns to null in the rows of one person.
#[derive(Clone, Debug)]
pub struct Eraser {
    user: i64,
    person: String,
    columns: Vec<String>,
}

impl Eraser {
    /// Eraser for the rows of `user` in a table of `schema`; `None` if the declaration names no
    /// personal columns.
    #[must_use]
    pub fn of(schema: &TableSchema, personal: &PersonalFields, user: i64) -> Option<Self> {
        let path_of = |source: &ColumnSource| match source {
            ColumnSource::Record(path) => Some(path.join(".")),
            ColumnSource::Extra => Some(String::new()),
            ColumnSource::Parent
            | ColumnSource::PeriodStart
            | ColumnSource::PeriodEnd
            | ColumnSource::Account
            | ColumnSource::SyncedAt
            | ColumnSource::Partition
            | ColumnSource::Change => None,
        };
        let columns = || schema.columns.iter();
        let named = |wanted: &str| {
            let mut found = columns().filter(|it| path_of(&it.source).as_deref() == Some(wanted));
            found.next().map(|column| column.name.clone())
        };
        let person = named(personal.person)?;
        let own = |path: &str| {
            // Undeclared members, all in `extra_json`, may be personal.
            path.is_empty()
                || personal.members.iter().any(|member| {
                    path.strip_prefix(member)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
        };
        let erased = columns().filter(|column| path_of(&column.source).is_some_and(|it| own(&it)));
        let columns = erased.map(|column| column.name.clone()).collect();
        Some(Self { user, person, columns })
    }

    /// Rows without that person's own data; `None` if there is none in them.
    pub(crate) fn erase(&self, rows: &RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        let ids = rows.column_by_name(&self.person);
        let Some(ids) = ids.and_then(|ids| ids.as_primitive_opt::<Int64Type>()) else {
            return Ok(None);
        };
        let theirs: BooleanArray = ids.iter().map(|id| Some(id == Some(self.user))).collect();
        if theirs.true_count() == 0 {
            return Ok(None);
        }
        let mut changed = false;
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        for name in &self.columns {
            let Some(column) =
                rows.schema().index_of(name).ok().and_then(|index| columns.get_mut(index))
            else {
                continue;
            };
            let without = nullif(column, &theirs)?;
            if without.null_count() > column.null_count() {
                *column = without;
                changed = true;
            }
        }
        let schema = Arc::clone(&rows.schema());
        changed.then(|| RecordBatch::try_new(schema, columns)).transpose()
    }
}
