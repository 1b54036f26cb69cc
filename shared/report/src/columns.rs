//! Values of scanned columns, as the sums take them.

use lake::scan::ScannedColumn;

use crate::calendar::DayNumber;
use crate::fixed::FixedPoint;
use crate::register::shown;

/// Text of a row, unless it is empty or a hash.
pub(crate) fn name(column: &ScannedColumn, row: usize) -> Option<String> {
    column.text(row).and_then(shown).map(str::to_owned)
}

/// Day of a row.
pub(crate) fn day(column: &ScannedColumn, row: usize) -> Option<DayNumber> {
    column.day(row).map(DayNumber)
}

/// Decimal of a row.
pub(crate) fn decimal<const SCALE: u32>(
    column: &ScannedColumn,
    row: usize,
) -> Option<FixedPoint<SCALE>> {
    column.decimal(row).map(FixedPoint)
}

/// Whether the flag of a row is set, and not null.
pub(crate) fn is_true(column: &ScannedColumn, row: usize) -> bool {
    column.flag(row) == Some(true)
}
