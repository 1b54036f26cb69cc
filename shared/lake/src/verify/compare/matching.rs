//! Matches both sides of a comparison row by row.
//!
//! Table and reading are walked side by side in key order. A key on one side only is decided at
//! once. Keys on both sides are noted as pairs and compared together, column by column, before
//! either side goes on to its next batch.

use core::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use decode::gather::{column, equal_rows};
use engine::spec::{StreamKind, StreamSpec};
use engine::time::Timestamp;

use super::{ComparisonRules, RowDifference, TableComparison};
use crate::collect::SortedRows;
use crate::partition::{KeyedRows, RowLayout};
use crate::verify::{VerifyError, shown};

/// Number of differences that are listed; all are counted. Bounds the memory of a comparison with
/// the wrong account.
const TOLD: usize = 1000;

/// Both sides of one partition, in key order: the table's rows are given to `rows`, those of the
/// reading come from `theirs`.
pub(super) struct RowMatching {
    pub(super) layout: Arc<RowLayout>,
    pub(super) spec: &'static StreamSpec,
    pub(super) against: ComparisonRules,
    /// Columns to compare.
    pub(super) columns: Vec<usize>,
    /// Whether every difference counts, without exceptions for records that change. True for a
    /// replay, whose two sides do not move.
    pub(super) exact: bool,
    /// Rows of the reading.
    pub(super) theirs: SortedRows,
    /// Batch of the reading in memory; `None` before the first and after the last.
    pub(super) head: Option<KeyedRows>,
    /// Index of the current row in `head`.
    pub(super) row: usize,
    /// Result so far, over all partitions.
    pub(super) compared: TableComparison,
}

impl RowMatching {
    /// Continues with these rows of the table, whose keys must be greater than all before.
    pub(super) fn rows(&mut self, ours: &KeyedRows) -> Result<(), VerifyError> {
        let mut pairs = Vec::new();
        let mut row = 0;
        while row < ours.len() {
            // Pairs refer to rows of the head, so they are compared before it is replaced. Without
            // another batch, the rest of the rows is in the table only.
            if self.is_at_end() {
                self.compare(ours, &mut pairs)?;
                if !self.load()? {
                    for row in row..ours.len() {
                        self.only_here(ours, row)?;
                    }
                    break;
                }
            }
            let Some(head) = &self.head else { break };
            match ours.key(row).cmp(head.key(self.row)) {
                Ordering::Less => {
                    self.only_here(ours, row)?;
                    row += 1;
                }
                Ordering::Greater => self.only_there()?,
                Ordering::Equal => {
                    pairs.push((row, self.row));
                    row += 1;
                    self.row += 1;
                    self.compared.records += 1;
                }
            }
        }
        self.compare(ours, &mut pairs)
    }

    /// Counts the remaining records that were read as missing in the table.
    pub(super) fn finish(mut self) -> Result<TableComparison, VerifyError> {
        while !self.is_at_end() || self.load()? {
            self.only_there()?;
        }
        Ok(self.compared)
    }

    /// Whether the head has no current row.
    fn is_at_end(&self) -> bool {
        self.head.as_ref().is_none_or(|head| self.row >= head.len())
    }

    /// Loads the next batch of the reading. Returns whether there is one.
    fn load(&mut self) -> Result<bool, VerifyError> {
        self.row = 0;
        self.head = None;
        for batch in self.theirs.by_ref() {
            let batch = batch?;
            if batch.num_rows() > 0 {
                self.head = Some(self.layout.keyed(batch)?);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A row of the table without a record in the reading: wrong if the reading should have
    /// returned it and the row is older than the reading.
    fn only_here(&mut self, ours: &KeyedRows, row: usize) -> Result<(), VerifyError> {
        let facts = ours.held(row);
        if facts.and_then(|facts| self.against.coverage.begun_for(&facts)).is_none() {
            return Ok(());
        }
        if self.came_later(ours, row) {
            self.compared.newer += 1;
            return Ok(());
        }
        self.compared.missing_in_harvest += 1;
        let key = shown(&self.layout.key(&ours.batch, row)?);
        self.tell(RowDifference::MissingInHarvest { key });
        Ok(())
    }

    /// A record of the reading without a row in the table: wrong unless it changed after the last
    /// pass.
    fn only_there(&mut self) -> Result<(), VerifyError> {
        let Some(head) = &self.head else { return Ok(()) };
        self.compared.records += 1;
        if self.is_newer(head, self.row)? {
            self.compared.newer += 1;
        } else {
            self.compared.missing_here += 1;
            let key = shown(&self.layout.key(&head.batch, self.row)?);
            self.tell(RowDifference::MissingHere { key });
        }
        self.row += 1;
        Ok(())
    }

    /// Lists a difference, if the list is not full.
    fn tell(&mut self, difference: RowDifference) {
        if self.compared.differences.len() < TOLD {
            self.compared.differences.push(difference);
        }
    }

    /// Whether the table's row was read after this reading began.
    fn came_later(&self, ours: &KeyedRows, row: usize) -> bool {
        let ComparisonRules { began, present, .. } = &self.against;
        let read_at = ours.version(row).read_at;
        let read_at = read_at.and_then(|at| Timestamp::from_microsecond(at).ok());
        // Rows hold microseconds, so the start of the reading is compared in microseconds, too.
        read_at.is_some_and(|at| {
            at.as_microsecond() >= began.as_microsecond() && !present.is_future(at)
        })
    }

    /// Whether the record may legitimately differ: it changed since the last pass, or it changes
    /// all the time without a new `updated_at` (a running timer).
    fn is_newer(&self, theirs: &KeyedRows, row: usize) -> Result<bool, ArrowError> {
        if self.exact {
            return Ok(false);
        }
        let since = self.against.cursor.map(Timestamp::as_microsecond);
        let changed = since.is_some_and(|since| theirs.version(row).updated_at >= Some(since));
        Ok(changed || self.goes_on(theirs, row)?)
    }

    /// Whether the record is one that a listing rereads in each pass: `is_running=true`, as
    /// declared by `Listing::reread`. Its hours grow without a change of `updated_at`.
    fn goes_on(&self, theirs: &KeyedRows, row: usize) -> Result<bool, ArrowError> {
        let StreamKind::Listing(listing) = &self.spec.kind else { return Ok(false) };
        let Some((name, "true")) = listing.reread else { return Ok(false) };
        let flags = column(&theirs.batch, self.layout.schema.index_of(name)?)?;
        Ok(flags.as_boolean_opt().is_some_and(|flags| flags.is_valid(row) && flags.value(row)))
    }

    /// Compares these rows of `ours` with those of the head, and clears `pairs`.
    ///
    /// Whole columns are compared at once; which columns of a row differ is known only after all of
    /// them.
    fn compare(
        &mut self,
        ours: &KeyedRows,
        pairs: &mut Vec<(usize, usize)>,
    ) -> Result<(), VerifyError> {
        if pairs.is_empty() {
            return Ok(());
        }
        let Some(head) = self.head.take() else { return Ok(()) };
        let left = taken(&ours.batch, pairs.iter().map(|pair| pair.0))?;
        let right = taken(&head.batch, pairs.iter().map(|pair| pair.1))?;
        let mut differs = vec![Vec::new(); pairs.len()];
        for &index in &self.columns {
            let equal = equal_rows(&left, &right, &[index])?;
            for (differs, equal) in differs.iter_mut().zip(equal) {
                if !equal {
                    differs.push(index);
                }
            }
        }
        for (at, (pair, columns)) in pairs.drain(..).zip(differs).enumerate() {
            if columns.is_empty() {
                self.compared.equal += 1;
            } else if self.is_newer(&head, pair.1)? || self.came_later(ours, pair.0) {
                self.compared.newer += 1;
            } else {
                self.compared.differing += 1;
                let key = shown(&self.layout.key(&left, at)?);
                for index in columns {
                    let column = self.layout.schema.field(index).name().clone();
                    let here = value(&left, index, at)?;
                    let harvest = value(&right, index, at)?;
                    self.tell(RowDifference::Differs { key: key.clone(), column, here, harvest });
                }
            }
        }
        self.head = Some(head);
        Ok(())
    }
}

/// Rows of a batch at these indices.
fn taken(
    batch: &RecordBatch,
    rows: impl Iterator<Item = usize>,
) -> Result<RecordBatch, ArrowError> {
    let rows = rows.map(|row| u32::try_from(row).unwrap_or(u32::MAX));
    take_record_batch(batch, &UInt32Array::from_iter_values(rows))
}

/// Value as text for people; `None` if null.
pub(super) fn value(
    batch: &RecordBatch,
    index: usize,
    row: usize,
) -> Result<Option<String>, ArrowError> {
    let column = column(batch, index)?.slice(row, 1);
    if column.is_null(0) {
        return Ok(None);
    }
    let column = cast(&column, &printable(column.data_type()))?;
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
    Ok(Some(formatter.value(0).to_string()))
}

/// The type with UTC as an offset, which is printable without a time zone database.
fn printable(ty: &DataType) -> DataType {
    let printable_field = |field: &Arc<Field>| {
        Arc::new(field.as_ref().clone().with_data_type(printable(field.data_type())))
    };
    if let DataType::Timestamp(unit, Some(_)) = ty {
        return DataType::Timestamp(*unit, Some("+00:00".into()));
    }
    if let DataType::List(item) = ty {
        return DataType::List(printable_field(item));
    }
    if let DataType::Struct(members) = ty {
        return DataType::Struct(members.iter().map(printable_field).collect());
    }
    ty.clone()
}
