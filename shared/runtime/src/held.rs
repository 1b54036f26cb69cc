//! The units of which a table holds rows.

use delta::table::{FileEntry, Table};
use engine::pass::TableUnits;
use engine::spec::StreamKind;
use lake::partition::UnitRowCounts;

use crate::error::RunError;

/// Returns the units of which the table holds rows, as a reading asks for them. Of a table that is
/// not divided into units only the log is looked at, not a file.
///
/// # Errors
/// Where a file cannot be read.
pub(crate) async fn table_units(table: &Table) -> Result<TableUnits, RunError> {
    let any = table.rows() > 0;
    if !any || matches!(table.schema().spec.kind, StreamKind::Listing(_) | StreamKind::Snapshot(_))
    {
        return Ok(TableUnits { any, ..TableUnits::default() });
    }
    let held = unit_rows(table, table.files()).await?;
    let windows = held.periods.into_keys().collect();
    Ok(TableUnits { any, parents: held.parents.into_keys().collect(), windows })
}

/// Returns the number of rows of each unit in these files of the table.
///
/// # Errors
/// Where a file cannot be read.
pub(crate) async fn unit_rows(
    table: &Table,
    files: &[FileEntry],
) -> Result<UnitRowCounts, RunError> {
    let (store, root, schema) = (table.store().as_ref(), table.root(), table.schema());
    lake::partition::held_units(store, root, schema, files)
        .await
        .map_err(|source| RunError::Store { stream: schema.spec.name, source: Box::new(source) })
}
