//! Rows about one person, to be shown before anything of that person is erased. Writes nothing.

use std::collections::BTreeSet;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use delta::table::Table;
use engine::spec::PersonalFields;

use crate::blocking::offloaded;
use crate::erase::Eraser;
use crate::partition::{PartitionError, fetch, read};
use crate::progress::FileProgress;

/// Rows of a table about one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonRows {
    /// Number of rows.
    pub rows: u64,
    /// Names that the rows give the person; none once they are erased.
    pub names: BTreeSet<String>,
}

/// Finds the rows about `user` in a stream's table or in that of its changes. Each file is told once.
///
/// # Errors
/// Fails if a file cannot be read.
pub async fn rows_about(
    table: &Table,
    personal: &PersonalFields,
    user: i64,
    progress: &dyn FileProgress,
) -> Result<PersonRows, PartitionError> {
    let mut found = PersonRows::default();
    let Some(eraser) = Eraser::of(table.schema(), personal, user) else {
        return Ok(found);
    };
    for file in table.files() {
        let content = fetch(&**table.store(), table.root(), file).await?;
        let (schema, entry, eraser) = (table.schema().clone(), file.clone(), eraser.clone());
        let of_file = offloaded(move || {
            let mut found = PersonRows::default();
            for batch in read(&schema, &entry, content)? {
                note(&mut found, &batch?, &eraser, user);
            }
            Ok::<_, PartitionError>(found)
        });
        let of_file = of_file.await??;
        found.rows = found.rows.saturating_add(of_file.rows);
        found.names.extend(of_file.names);
        progress.done(file);
    }
    Ok(found)
}

/// Adds the rows of one batch.
fn note(found: &mut PersonRows, batch: &RecordBatch, eraser: &Eraser, user: i64) {
    let ids = batch.column_by_name(&eraser.person);
    let Some(ids) = ids.and_then(|ids| ids.as_primitive_opt::<Int64Type>()) else {
        return;
    };
    // `user_name` beside `user_id`; the record of a person has the parts beside its own id.
    let beside = eraser.person.strip_suffix("id").map(|stem| format!("{stem}name"));
    let is_name = |column: &&String| {
        beside.as_ref() == Some(*column) || ["first_name", "last_name"].contains(&column.as_str())
    };
    let names = eraser.columns.iter().filter(is_name);
    let names = names.filter_map(|name| batch.column_by_name(name)?.as_string_opt::<i32>());
    let names: Vec<_> = names.collect();
    for (row, _) in ids.iter().enumerate().filter(|(_, id)| *id == Some(user)) {
        found.rows = found.rows.saturating_add(1);
        let parts = names.iter().filter(|column| column.is_valid(row)).map(|it| it.value(row));
        let name = parts.collect::<Vec<_>>().join(" ");
        if !name.is_empty() {
            found.names.insert(name);
        }
    }
}
