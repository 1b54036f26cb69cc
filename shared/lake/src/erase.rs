//! Removes a person's own data from stored rows.
//!
//! The rows stay, with null in the columns that are about the person: hours and amounts of a
//! deleted person remain part of the account's totals. Which columns these are is declared with the
//! stream (`PersonalFields`). This module only computes; `upgrade` writes the files, and
//! `runtime::operate::erase` runs it over all tables and deletes the replaced files.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::nullif;
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use decode::schema::TableSchema;
use engine::schema::ColumnSource;
use engine::spec::PersonalFields;

/// Sets personal columns to null in the rows of one person. Works on rows of a stream's table and
/// on those of its table of changes alike, since it finds the columns by name.
#[derive(Clone, Debug)]
pub struct Eraser {
    /// Harvest's id of the person.
    user: i64,
    /// Column with the id of the person that a row is about.
    pub(crate) person: String,
    /// Columns to set to null.
    pub(crate) columns: Vec<String>,
}

impl Eraser {
    /// Eraser for the rows of `user` in a table of `schema`; `None` if the schema has no column for
    /// the id of the person.
    ///
    /// `personal` names fields by their path in the record, such as `user.name`, and a field with
    /// members stands for all of them.
    #[must_use]
    pub fn of(schema: &TableSchema, personal: &PersonalFields, user: i64) -> Option<Self> {
        // Columns beside the record, such as `synced_at`, are about no person. `extra_json` has the
        // empty path.
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

    /// Rows without that person's own data; `None` if there is none in them. Nulls stay nulls, so a
    /// second call finds nothing: an erasure that died can be repeated.
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
