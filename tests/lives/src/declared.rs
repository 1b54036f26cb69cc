//! Columns of the tables of all streams and of the table of runs, derived once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use engine::schema::{Column, ColumnSource, change_columns, columns};
use engine::spec::StreamSpec;

static DECLARED: LazyLock<BTreeMap<&'static str, DeclaredColumns>> = LazyLock::new(|| {
    let streams = streams::STREAMS.into_iter().chain([&streams::RUNS]);
    streams.map(|spec| (spec.name, DeclaredColumns::of(spec))).collect()
});

/// Columns of a stream's table and of the table of its changes.
#[derive(Debug)]
pub struct DeclaredColumns {
    /// Columns of the stream's table.
    pub records: Vec<Column>,
    /// Columns of the table of its changes.
    pub changes: Vec<Column>,
    /// Columns that are compared: all of the stream's table but `synced_at` and those whose new
    /// value is no change.
    pub compared: Vec<Column>,
}

impl DeclaredColumns {
    fn of(spec: &StreamSpec) -> Self {
        let records = columns(spec);
        let compared = records.iter().filter(|column| is_compared(column)).cloned().collect();
        Self { records, changes: change_columns(spec), compared }
    }
}

/// Whether a change of this column's value counts as a change of the row.
#[must_use]
pub fn is_compared(column: &Column) -> bool {
    !column.volatile && column.source != ColumnSource::SyncedAt
}

/// Returns the columns of `spec`'s tables.
///
/// # Panics
/// Where `spec` is none of the declared streams.
#[must_use]
pub fn declared(spec: &StreamSpec) -> &'static DeclaredColumns {
    DECLARED.get(spec.name).expect("a declared stream")
}
