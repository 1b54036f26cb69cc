//! Views that show deleted rows together with the existing ones.
//!
//! A table has only rows that exist in Harvest. Reports on the past sometimes need the others, such
//! as the entries of a deleted project. Each of them is in the table of changes, as it was at last,
//! with the change that removed it.
//!
//! A row is in one half of a view: its newest change is a delete, or it exists. The changes of a
//! commit are appended after it, by the same run or, after a crash, by the next one. Until then a
//! row that the commit deleted is in neither half, and one that it brought back is in both.

use engine::schema::{ColumnType, changes_name, columns};
use engine::spec::StreamSpec;

use crate::dialect::SqlEngine;
use crate::types;

/// Column with the time at which a deletion was found.
const DELETED_AT: &str = "deleted_at";

/// Name of the view: `<stream>_with_deleted`.
#[must_use]
pub fn name(spec: &StreamSpec) -> String {
    format!("{}_with_deleted", spec.name)
}

/// Description of the view.
#[must_use]
pub fn doc(spec: &StreamSpec) -> String {
    format!(
        "{} with the rows that are gone from Harvest, as they last were; deleted_at says when that \
         was noticed and is null for the others",
        spec.name
    )
}

/// Columns of the view: those of the table, then `deleted_at`, which is null for rows that exist.
#[must_use]
pub fn shown(spec: &StreamSpec) -> Vec<(String, ColumnType)> {
    let columns = columns(spec).into_iter().map(|column| (column.name, column.ty));
    columns.chain([(DELETED_AT.to_owned(), ColumnType::Instant)]).collect()
}

/// Statement of the view. A row is deleted if the newest change of its key is
/// a delete.
///
/// `sequence` orders the changes and not `changed_at`: the clocks of two runs may differ, sequences
/// only rise. Rows without a value in the key are compared like all others, because `PARTITION BY`
/// takes nulls as equal.
#[must_use]
pub fn sql(spec: &StreamSpec, engine: SqlEngine) -> String {
    let columns = columns(spec);
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let shown: Vec<String> = columns
        .iter()
        .map(|column| match types::shown(&column.name, &column.ty, engine) {
            // A column that needs no cast keeps its name without an alias.
            same if same == column.name => same,
            cast => format!("{cast} AS {}", column.name),
        })
        .collect();
    let (names, shown, key) = (names.join(", "), shown.join(", "), spec.primary_key.join(", "));
    let (stream, changes) = (spec.name, changes_name(spec));
    let then = types::shown("changed_at", &ColumnType::Instant, engine);
    let never = format!("CAST(NULL AS {})", types::in_views(&ColumnType::Instant, engine));
    format!(
        "SELECT {shown}, {never} AS {DELETED_AT}\nFROM {stream}\nUNION ALL\n\
         SELECT {shown}, {then} AS {DELETED_AT}\nFROM (\n  SELECT {names}, op, changed_at, \
         ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY sequence DESC) AS newest\n  \
         FROM {changes}\n) AS last_change\nWHERE newest = 1 AND op = 'D'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_has_a_name_of_its_own_and_all_columns() {
        for spec in streams::STREAMS {
            assert!(streams::find(&name(spec)).is_none());
            let names: Vec<String> = shown(spec).into_iter().map(|(name, _)| name).collect();
            let own: std::collections::BTreeSet<&String> = names.iter().collect();
            assert_eq!(own.len(), names.len(), "{}", spec.name);
            let sql = sql(spec, SqlEngine::Athena);
            assert!(sql.contains(&format!("FROM {}_changes", spec.name)), "{sql}");
            for key in spec.primary_key {
                assert!(sql.contains(key), "{sql}");
            }
        }
    }
}
