//! Counts the rows that a table holds of each unit of its coverage.
//!
//! A full pass over children or report windows must also ask about units that Harvest no longer
//! lists, if the table has rows of them: a parent that was deleted, or a window outside of the
//! present history. Otherwise their rows would stay forever.

use std::collections::BTreeMap;
use std::sync::Arc;

use decode::schema::TableSchema;
use delta::store::ObjectStore;
use delta::table::FileEntry;
use engine::window::Period;

use super::PartitionError;
use super::fetch::fetch;
use super::keyed::KeyedRows;
use super::layout::{ColumnChoice, RowLayout};
use super::read::open;

/// Number of rows that a table holds of each unit of its coverage. The map that does not fit the
/// stream's kind is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitRowCounts {
    /// Number of children per parent.
    pub parents: BTreeMap<i64, u64>,
    /// Number of rows per report window.
    pub periods: BTreeMap<Period, u64>,
}

/// Counts the rows of each parent or report window in `files`. Reads only the columns needed, one
/// file at a time.
///
/// # Errors
/// When a file cannot be read.
pub async fn held_units(
    store: &dyn ObjectStore,
    root: &str,
    schema: &TableSchema,
    files: &[FileEntry],
) -> Result<UnitRowCounts, PartitionError> {
    let layout = Arc::new(RowLayout::new(schema, ColumnChoice::Versions)?);
    let mut held = UnitRowCounts::default();
    for file in files {
        let rows = open(&layout, &file.path, fetch(store, root, file).await?)?;
        for batch in rows {
            count_units(&layout.keyed(batch?)?, &mut held);
        }
    }
    Ok(held)
}

/// Adds the rows of one batch to the counts.
fn count_units(rows: &KeyedRows, held: &mut UnitRowCounts) {
    for row in 0..rows.len() {
        let (parent, period) = rows.unit(row);
        if let Some(parent) = parent {
            *held.parents.entry(parent).or_default() += 1;
        }
        if let Some(period) = period {
            *held.periods.entry(period).or_default() += 1;
        }
    }
}
