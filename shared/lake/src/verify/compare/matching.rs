//! Matches both sides of a comparison row by row.
//!
//! Table and reading are walked side by side in key order. A key on one side only is decided at
//! once. Keys on both sides are noted as pairs and compared together, column by column, some
//! thousand at once.

use core::mem;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Field};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use decode::gather::{RowPick, column, equal_rows};
use engine::spec::{Paging, StreamKind, StreamSpec};
use engine::time::{Date, Timestamp};

use super::{ComparisonRules, RowDifference, TableComparison};
use crate::partition::RowLayout;
use crate::verify::{VerifyError, shown};
use crate::walk::{JoinedRow, PickedBatches, RowJoin, RowView, RowWalk};

/// Number of differences that are listed; all are counted. Bounds the memory of a comparison with
/// the wrong account.
const TOLD: usize = 1000;

/// Number of pairs that are compared at once. Bounds the memory: each keeps its batches alive.
const PAIRS: usize = if cfg!(test) { 5 } else { 4096 };

/// Both sides of one partition, in key order, and what the comparison found.
pub(super) struct RowMatching {
    /// The table's rows on the left, those of the reading on the right.
    sides: RowJoin,
    judge: DifferenceJudge,
    batches: PickedBatches,
    /// Rows of one key, on the left and on the right, that are still to be compared.
    pairs: Vec<(RowPick, RowPick)>,
}

/// Rules of the comparison, and its result so far.
pub(super) struct DifferenceJudge {
    pub(super) layout: Arc<RowLayout>,
    pub(super) spec: &'static StreamSpec,
    pub(super) against: ComparisonRules,
    /// Columns to compare.
    pub(super) columns: Vec<usize>,
    /// Whether every difference counts, without exceptions for records that change. True for a
    /// replay, whose two sides do not move.
    pub(super) exact: bool,
    /// Result so far, over all partitions.
    pub(super) compared: TableComparison,
}

impl RowMatching {
    /// Comparison of one partition with these rows of the reading.
    pub(super) fn new(judge: DifferenceJudge, theirs: RowWalk) -> Self {
        let left = RowWalk::empty(Arc::clone(&judge.layout));
        let sides = RowJoin { left, right: theirs };
        Self { sides, judge, batches: PickedBatches::default(), pairs: Vec::new() }
    }

    /// Continues with these rows of the table, whose keys must be greater than all before.
    pub(super) fn rows(&mut self, ours: RowWalk) -> Result<(), VerifyError> {
        self.sides.left = ours;
        // What follows in the reading may be in the table's next rows.
        while self.sides.left.load()? {
            self.step()?;
        }
        Ok(())
    }

    /// Counts the remaining records that were read as missing in the table.
    pub(super) fn finish(mut self) -> Result<DifferenceJudge, VerifyError> {
        while self.step()? {}
        self.compare()?;
        Ok(self.judge)
    }

    /// Decides about the next key, or notes its pair. Returns whether there was one.
    fn step(&mut self) -> Result<bool, VerifyError> {
        match self.sides.step()? {
            None => return Ok(false),
            Some(JoinedRow::Left(ours)) => self.judge.only_here(ours)?,
            Some(JoinedRow::Right(theirs)) => self.judge.only_there(theirs)?,
            Some(JoinedRow::Both(ours, theirs)) => {
                self.judge.compared.records += 1;
                self.pairs.push((self.batches.place(ours), self.batches.place(theirs)));
            }
        }
        if self.pairs.len() >= PAIRS {
            self.compare()?;
        }
        Ok(true)
    }

    /// Compares the pairs and forgets them.
    ///
    /// Whole columns are compared at once; which columns of a row differ is known only after all of
    /// them.
    fn compare(&mut self) -> Result<(), VerifyError> {
        let (pairs, batches) = (mem::take(&mut self.pairs), mem::take(&mut self.batches));
        let (left, right): (Vec<RowPick>, Vec<RowPick>) = pairs.iter().copied().unzip();
        let left = batches.gather(&self.judge.layout, &left)?;
        let right = batches.gather(&self.judge.layout, &right)?;
        let mut differs = vec![Vec::new(); pairs.len()];
        for &index in &self.judge.columns {
            let equal = equal_rows(&left, &right, &[index])?;
            for (differs, equal) in differs.iter_mut().zip(equal) {
                if !equal {
                    differs.push(index);
                }
            }
        }
        for (at, ((ours, theirs), columns)) in pairs.into_iter().zip(differs).enumerate() {
            if columns.is_empty() {
                self.judge.compared.equal += 1;
                continue;
            }
            let rows = batches.row(ours).zip(batches.row(theirs));
            let Some((ours, theirs)) = rows else { continue };
            if self.judge.is_newer(theirs)? || self.judge.came_later(ours) {
                self.judge.compared.newer += 1;
                continue;
            }
            self.judge.compared.differing += 1;
            let key = self.judge.key(ours)?;
            for index in columns {
                let column = self.judge.layout.schema.field(index).name().clone();
                let here = value(&left, index, at)?;
                let harvest = value(&right, index, at)?;
                let key = key.clone();
                self.judge.tell(RowDifference::Differs { key, column, here, harvest });
            }
        }
        Ok(())
    }
}

impl DifferenceJudge {
    /// A row of the table without a record in the reading: wrong if the reading should have
    /// returned it and the row is older than the reading.
    fn only_here(&mut self, ours: RowView<'_>) -> Result<(), VerifyError> {
        let covered = ours.held().and_then(|facts| self.against.coverage.begun_for(&facts));
        if covered.is_none() || self.is_before_start(ours)? {
            return Ok(());
        }
        if self.came_later(ours) {
            self.compared.newer += 1;
            return Ok(());
        }
        self.compared.missing_in_harvest += 1;
        let key = self.key(ours)?;
        self.tell(RowDifference::MissingInHarvest { key });
        Ok(())
    }

    /// A record of the reading without a row in the table: wrong unless it changed after the last
    /// pass.
    fn only_there(&mut self, theirs: RowView<'_>) -> Result<(), VerifyError> {
        if self.is_before_start(theirs)? {
            return Ok(());
        }
        self.compared.records += 1;
        if self.is_newer(theirs)? {
            self.compared.newer += 1;
        } else {
            self.compared.missing_here += 1;
            let key = self.key(theirs)?;
            self.tell(RowDifference::MissingHere { key });
        }
        Ok(())
    }

    /// Whether the table need not have the row, and no pass deletes it, because its day is before the
    /// start date or unusable.
    fn is_before_start(&self, row: RowView<'_>) -> Result<bool, ArrowError> {
        let (Some(start), StreamKind::Listing(listing)) =
            (self.against.start_date, &self.spec.kind)
        else {
            return Ok(false);
        };
        let Paging::DateKeyset { field, .. } = listing.paging else { return Ok(false) };
        let days = column(&row.rows.batch, self.layout.schema.index_of(field)?)?;
        let first = start.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
        Ok(days.as_primitive_opt::<Date32Type>().is_some_and(|days| {
            days.is_null(row.index) || i64::from(days.value(row.index)) < first
        }))
    }

    /// Key of a row as text.
    fn key(&self, row: RowView<'_>) -> Result<String, VerifyError> {
        Ok(shown(&self.layout.key(&row.rows.batch, row.index)?))
    }

    /// Lists a difference, if the list is not full.
    fn tell(&mut self, difference: RowDifference) {
        if self.compared.differences.len() < TOLD {
            self.compared.differences.push(difference);
        }
    }

    /// Whether the table's row was read after this reading began.
    fn came_later(&self, ours: RowView<'_>) -> bool {
        let ComparisonRules { began, present, .. } = &self.against;
        let read_at = ours.version().read_at;
        let read_at = read_at.and_then(|at| Timestamp::from_microsecond(at).ok());
        // Rows hold microseconds, so the start of the reading is compared in microseconds, too.
        read_at.is_some_and(|at| {
            at.as_microsecond() >= began.as_microsecond() && !present.is_future(at)
        })
    }

    /// Whether the record may legitimately differ: it changed since the last pass, or it changes
    /// all the time without a new `updated_at` (a running timer).
    fn is_newer(&self, theirs: RowView<'_>) -> Result<bool, ArrowError> {
        if self.exact {
            return Ok(false);
        }
        let since = self.against.cursor.map(Timestamp::as_microsecond);
        let changed = since.is_some_and(|since| theirs.version().updated_at >= Some(since));
        Ok(changed || self.goes_on(theirs)?)
    }

    /// Whether the record is one that a listing rereads in each pass: `is_running=true`, as
    /// declared by `Listing::reread`. Its hours grow without a change of `updated_at`.
    fn goes_on(&self, theirs: RowView<'_>) -> Result<bool, ArrowError> {
        let StreamKind::Listing(listing) = &self.spec.kind else { return Ok(false) };
        let Some((name, "true")) = listing.reread else { return Ok(false) };
        let flags = column(&theirs.rows.batch, self.layout.schema.index_of(name)?)?;
        Ok(flags
            .as_boolean_opt()
            .is_some_and(|flags| flags.is_valid(theirs.index) && flags.value(theirs.index)))
    }
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
