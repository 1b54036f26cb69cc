//! Merges the table's rows and the incoming rows, both in key order, into one sequence.
//!
//! Two sorted sequences are walked side by side. At each step the lesser key decides: a row of the
//! table alone, an incoming row alone, or both. Contents are not compared at each step but for a
//! span of some thousand rows at once, column by column, which is many times faster than row by
//! row. Rows are positions in their batches until the span is complete, and are copied once.
//!
//! The sequence can be run without an output: `plan` runs it to find the first change or to count.

use core::cmp::Ordering;
use std::sync::Arc;

use arrow::array::RecordBatch;
use decode::gather::{RowPick, equal_rows, gather};
use engine::coverage::Coverage;
use engine::precedence::PrecedenceRules;
use engine::report::RowCounts;

use super::cursor::{RowView, RowWalk};
use crate::blocking::RewriteError;
use crate::changes::ChangeOp;
use crate::collect::KeySet;
use crate::partition::{KeyedRows, RowLayout};

/// Number of rows in a span, after which contents are compared and rows are returned. Bounds the
/// memory: a span keeps every batch alive that it refers to. Tests have few rows and want many
/// spans.
const WINDOW_ROWS: usize = if cfg!(test) { 5 } else { 4096 };

/// Sets of keys that decide about table rows without an incoming row in their partition. Found by
/// the survey, which sees all partitions.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyFate {
    /// Keys whose newer version is in another partition: these rows leave. That is no delete: the
    /// record exists, and its change is recorded where it arrives.
    pub(super) gone: KeySet,
    /// Keys whose record was returned in any partition: these rows are not deleted, whatever the
    /// coverage says.
    pub(super) returned: KeySet,
}

impl KeyFate {
    /// Whether coverage deletes the row, which has no incoming row in its partition. Survey,
    /// outlook and rewriting all ask here, so that they cannot disagree.
    pub(super) fn deletes(
        &self,
        row: RowView<'_>,
        coverage: &Coverage,
        judge: PrecedenceRules,
    ) -> bool {
        !(self.returned.contains(row.key()))
            && row.rows.held(row.index).is_some_and(|held| judge.deletes(coverage, &held))
    }
}

/// Iterator over the merged rows, a span of rows at a time.
#[derive(Debug)]
pub(super) struct MergedRows {
    /// Rows of the table.
    old: RowWalk,
    /// Incoming rows.
    new: RowWalk,
    fate: KeyFate,
    /// Incoming keys with an older version in another partition.
    arrived: Arc<KeySet>,
    coverage: Arc<Coverage>,
    judge: PrecedenceRules,
    layout: Arc<RowLayout>,
    counts: RowCounts,
    /// Whether a row of the spans so far is new, updated, moved or deleted.
    changed: bool,
}

/// Some merged rows, as references into their batches.
#[derive(Debug, Default)]
pub(super) struct RowSpan {
    /// Batches of both sequences that the span refers to.
    batches: Vec<Arc<KeyedRows>>,
    /// Positions of the merged rows, in key order.
    picks: Vec<RowPick>,
    /// Indices in `picks` of old versions that a newer one may replace, each with the position of
    /// the newer one. Their contents are still to be compared.
    pairs: Vec<(usize, RowPick)>,
    /// Changes, each with the position of its row: the new one, or the old one of a deletion.
    changes: Vec<(ChangeOp, RowPick)>,
    /// Number of keys looked at, including those of deleted rows. A span may have fewer rows than
    /// that, even none.
    seen: usize,
}

impl RowSpan {
    /// Merged rows of the span.
    pub(super) fn rows(&self, layout: &RowLayout) -> Result<RecordBatch, RewriteError> {
        Ok(self.gather(layout, &self.picks)?)
    }

    /// Changes of this span and their rows. Inserts, deletes and moved rows come in key order, then
    /// updates in place: a table of changes is ordered by sequence only.
    pub(super) fn changes(
        &self,
        layout: &RowLayout,
    ) -> Result<(Vec<ChangeOp>, RecordBatch), RewriteError> {
        let (ops, picks): (Vec<ChangeOp>, Vec<RowPick>) = self.changes.iter().copied().unzip();
        Ok((ops, self.gather(layout, &picks)?))
    }

    /// Rows at `picks`, copied into one batch.
    fn gather(
        &self,
        layout: &RowLayout,
        picks: &[RowPick],
    ) -> Result<RecordBatch, arrow::error::ArrowError> {
        let batches: Vec<&RecordBatch> = self.batches.iter().map(|rows| &rows.batch).collect();
        gather(&layout.schema, &batches, picks)
    }

    /// Appends the current row of `cursor`.
    fn pick(&mut self, slot: &mut Option<usize>, cursor: &RowWalk) {
        let pick = self.place(slot, cursor);
        self.picks.extend(pick);
    }

    /// Records a change of the current row of `cursor`.
    fn note(&mut self, op: ChangeOp, slot: &mut Option<usize>, cursor: &RowWalk) {
        let pick = self.place(slot, cursor);
        self.changes.extend(pick.map(|pick| (op, pick)));
    }

    /// Position of the current row of `cursor`. `slot` remembers where the batch of that walk is in
    /// the span, so that a batch is added once and not for each row.
    fn place(&mut self, slot: &mut Option<usize>, cursor: &RowWalk) -> Option<RowPick> {
        let head = cursor.head.as_ref()?;
        let current =
            slot.filter(|&at| self.batches.get(at).is_some_and(|held| Arc::ptr_eq(held, head)));
        let at = current.unwrap_or_else(|| {
            self.batches.push(Arc::clone(head));
            self.batches.len() - 1
        });
        *slot = Some(at);
        Some((at, cursor.row))
    }
}

impl MergedRows {
    pub(super) fn new(
        old: RowWalk,
        new: RowWalk,
        fate: KeyFate,
        arrived: Arc<KeySet>,
        coverage: Arc<Coverage>,
        judge: PrecedenceRules,
        layout: Arc<RowLayout>,
    ) -> Self {
        let counts = RowCounts::default();
        Self { old, new, fate, arrived, coverage, judge, layout, counts, changed: false }
    }

    /// Counts of the rows returned so far. Every incoming key counts once: inserted, updated or
    /// unchanged.
    pub(super) fn counts(&self) -> RowCounts {
        self.counts
    }

    /// Whether the rows returned so far differ from the table's. Not the same as a counted change:
    /// a row that moves to another partition changes both files and is counted in one.
    pub(super) fn changed(&self) -> bool {
        self.changed
    }

    /// Returns the next rows, or `None` at the end. A span may be empty, where all its rows leave.
    pub(super) fn window(&mut self) -> Result<Option<RowSpan>, RewriteError> {
        let mut window = RowSpan::default();
        let (mut old_slot, mut new_slot) = (None, None);
        while window.seen < WINDOW_ROWS {
            self.old.load()?;
            self.new.load()?;
            let order = match (self.old.current(), self.new.current()) {
                (Some(old), Some(new)) => old.key().cmp(new.key()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            window.seen += 1;
            match order {
                Ordering::Less => self.old_only(&mut window, &mut old_slot),
                Ordering::Greater => self.new_only(&mut window, &mut new_slot),
                Ordering::Equal => self.pair(&mut window, &mut old_slot, &mut new_slot),
            }
        }
        // Only the end of both sequences leaves a span without a single key.
        if window.seen == 0 {
            return Ok(None);
        }
        self.replace_changed(&mut window)?;
        Ok(Some(window))
    }

    /// A row of the table without an incoming row: it leaves, is deleted, or stays.
    fn old_only(&mut self, window: &mut RowSpan, slot: &mut Option<usize>) {
        if let Some(row) = self.old.current() {
            if self.fate.gone.contains(row.key()) {
                self.changed = true;
            } else if self.fate.deletes(row, &self.coverage, self.judge) {
                self.changed = true;
                self.counts.deleted += 1;
                window.note(ChangeOp::Delete, slot, &self.old);
            } else {
                window.pick(slot, &self.old);
            }
        }
        self.old.advance();
    }

    /// An incoming row without a row of the table in this partition: inserted, or updated if its
    /// old version is in another partition and leaves there.
    fn new_only(&mut self, window: &mut RowSpan, slot: &mut Option<usize>) {
        let moved = self.new.current().is_some_and(|row| self.arrived.contains(row.key()));
        let op = if moved { ChangeOp::Update } else { ChangeOp::Insert };
        if moved {
            self.counts.updated += 1;
        } else {
            self.counts.inserted += 1;
        }
        self.changed = true;
        window.note(op, slot, &self.new);
        window.pick(slot, &self.new);
        self.new.advance();
    }

    /// A row of the table and an incoming row with its key. The old one is picked; the new one
    /// takes its place later if it is newer and differs.
    fn pair(
        &mut self,
        window: &mut RowSpan,
        old_slot: &mut Option<usize>,
        new_slot: &mut Option<usize>,
    ) {
        if let (Some(old), Some(new)) = (self.old.current(), self.new.current()) {
            if self.judge.replaces(new.version(), old.version()) {
                if let Some(pick) = window.place(new_slot, &self.new) {
                    window.pairs.push((window.picks.len(), pick));
                }
            } else {
                self.counts.unchanged += 1;
            }
        }
        window.pick(old_slot, &self.old);
        self.old.advance();
        self.new.advance();
    }

    /// Replaces old versions whose content differs. A row with equal content stays as it is,
    /// including its `synced_at`: otherwise every reading would change every file.
    fn replace_changed(&mut self, window: &mut RowSpan) -> Result<(), RewriteError> {
        if window.pairs.is_empty() {
            return Ok(());
        }
        let old: Vec<RowPick> =
            window.pairs.iter().filter_map(|(at, _)| window.picks.get(*at).copied()).collect();
        let new: Vec<RowPick> = window.pairs.iter().map(|(_, pick)| *pick).collect();
        let old = window.gather(&self.layout, &old)?;
        let new = window.gather(&self.layout, &new)?;
        let equal = equal_rows(&old, &new, &self.layout.content)?;
        for ((at, pick), equal) in core::mem::take(&mut window.pairs).into_iter().zip(equal) {
            if equal {
                self.counts.unchanged += 1;
            } else if let Some(place) = window.picks.get_mut(at) {
                *place = pick;
                window.changes.push((ChangeOp::Update, pick));
                self.counts.updated += 1;
                self.changed = true;
            }
        }
        Ok(())
    }

    /// Number of merged rows, found from keys and versions alone. An update replaces a row by a
    /// row, so contents need not be compared, and the columns need not be decoded.
    pub(super) fn count(mut self) -> Result<u64, RewriteError> {
        let mut rows = 0;
        loop {
            self.old.load()?;
            self.new.load()?;
            let order = match (self.old.current(), self.new.current()) {
                (Some(old), Some(new)) => old.key().cmp(new.key()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return Ok(rows),
            };
            if order == Ordering::Less {
                let leaves = self.old.current().is_some_and(|row| {
                    self.fate.gone.contains(row.key())
                        || self.fate.deletes(row, &self.coverage, self.judge)
                });
                rows += u64::from(!leaves);
            } else {
                rows += 1;
            }
            if order != Ordering::Greater {
                self.old.advance();
            }
            if order != Ordering::Less {
                self.new.advance();
            }
        }
    }
}
