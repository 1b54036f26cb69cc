//! Rows with decoded keys and versions.
//!
//! Keys of a batch are encoded at once, when it is loaded. Afterwards a comparison of two keys is a
//! comparison of bytes, without a look at columns and types.

use arrow::array::{Array, Date32Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::row::Rows;
use engine::coverage::RowFacts;
use engine::precedence::RecordVersion;
use engine::time::{Date, SignedDuration, Timestamp};
use engine::window::Period;

/// Rows of one layout, with their keys as bytes and the columns that decide between versions.
#[derive(Debug)]
pub(crate) struct KeyedRows {
    pub(crate) batch: RecordBatch,
    /// Key of each row as bytes.
    pub(crate) keys: Rows,
    /// The records' own `updated_at`, in streams that have one.
    pub(super) updated_at: Option<TimestampMicrosecondArray>,
    /// Times of reading; in a table of changes the sequences, in the place of microseconds.
    pub(super) synced_at: Option<TimestampMicrosecondArray>,
    /// Ids, if the id is the whole key.
    pub(super) id: Option<Int64Array>,
    /// Ids of the parents, in tables of children.
    pub(super) parent: Option<Int64Array>,
    /// First and last days of the report windows, in tables of reports.
    pub(super) period: Option<(Date32Array, Date32Array)>,
}

impl KeyedRows {
    pub(crate) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Key of a row, which must exist.
    pub(crate) fn key(&self, row: usize) -> &[u8] {
        self.keys.row(row).data()
    }

    /// Number of leading rows whose key is less than `bound`. The rows are in key order, so it is
    /// found by halving.
    pub(crate) fn below(&self, bound: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.key(middle) < bound {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Version of the row, by which it precedes others of its key or not.
    pub(crate) fn version(&self, row: usize) -> RecordVersion {
        RecordVersion {
            updated_at: self.updated_at.as_ref().and_then(|column| value(column, row)),
            read_at: self.synced_at.as_ref().and_then(|column| value(column, row)),
        }
    }

    /// Facts about the row that coverage needs. `None` without `synced_at`: the row is never
    /// deleted.
    pub(crate) fn held(&self, row: usize) -> Option<RowFacts> {
        let micros = self.synced_at.as_ref().and_then(|column| value(column, row))?;
        // The column has whole microseconds. Using the end of the microsecond keeps a row written
        // at the start of a reading from looking older than the reading.
        let synced_at = Timestamp::from_microsecond(micros).ok()?;
        let synced_at = engine::time::plus(synced_at, SignedDuration::from_nanos(999));
        let (parent, period) = self.unit(row);
        let id = self.id.as_ref().filter(|c| c.is_valid(row)).map(|c| c.value(row));
        Some(RowFacts { id, parent, period, synced_at })
    }

    /// Parent and report window of the row.
    pub(crate) fn unit(&self, row: usize) -> (Option<i64>, Option<Period>) {
        let parent = self.parent.as_ref().filter(|c| c.is_valid(row)).map(|c| c.value(row));
        (parent, self.period(row))
    }

    fn period(&self, row: usize) -> Option<Period> {
        let (start, end) = self.period.as_ref()?;
        (start.is_valid(row) && end.is_valid(row))
            .then(|| Period { start: day_of(start.value(row)), end: day_of(end.value(row)) })
    }
}

/// Microseconds since 1970; `None` for null.
fn value(column: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

/// Days since 1970-01-01, as Arrow counts them. `None` only beyond the range of 32 bits, which no
/// date of `jiff` reaches.
pub(crate) fn epoch_day(day: Date) -> Option<i32> {
    i32::try_from(day.duration_since(EPOCH).as_hours() / 24).ok()
}

/// Day that is `days` after 1970-01-01, limited to the representable range. Files of other engines
/// may have days beyond the years -9999 to 9999, which must not fail the whole table.
pub(crate) fn day_of(days: i32) -> Date {
    let by = SignedDuration::from_hours(i64::from(days) * 24);
    EPOCH.checked_add(by).unwrap_or(if days < 0 { Date::MIN } else { Date::MAX })
}

/// First day of Arrow's count.
const EPOCH: Date = Date::constant(1970, 1, 1);
