//! Merges the table's rows and the incoming rows, both in key order, into one sequence.
//!
//! Two sorted sequences are walked side by side. At each step the lesser key decides: a row of the
//! table alone, an incoming row alone, or both. Contents are not compared at each step but for a
//! span of some thousand rows at once, column by column, which is many times faster than row by
//! row. Rows are positions in their batches until the span is complete, and are copied once.
//!
//! The sequence can be run without an output: `patch` runs it to find updates, `plan` to count.

use std::sync::Arc;

use decode::gather::{RowPick, equal_rows};
use engine::coverage::Coverage;
use engine::precedence::PrecedenceRules;
use engine::report::RowCounts;

use super::span::{RowSpan, RowUpdate};
use crate::blocking::RewriteError;
use crate::changes::ChangeOp;
use crate::collect::KeySet;
use crate::partition::RowLayout;
use crate::walk::{JoinedRow, RowJoin, RowView};

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
            && row.held().is_some_and(|held| judge.deletes(coverage, &held))
    }
}

/// Iterator over the merged rows, a span of rows at a time.
#[derive(Debug)]
pub(super) struct MergedRows {
    /// Rows of the table, on the left, and incoming rows.
    sides: RowJoin,
    tally: MergeTally,
    layout: Arc<RowLayout>,
}

/// Rules of a merge, and its counts so far.
#[derive(Debug)]
struct MergeTally {
    fate: KeyFate,
    /// Incoming keys with an older version in another partition.
    arrived: Arc<KeySet>,
    coverage: Arc<Coverage>,
    judge: PrecedenceRules,
    counts: RowCounts,
}

impl MergedRows {
    /// `sides` has the rows of the table on the left, the incoming rows on the right.
    pub(super) fn new(
        sides: RowJoin,
        fate: KeyFate,
        arrived: Arc<KeySet>,
        coverage: Arc<Coverage>,
        judge: PrecedenceRules,
        layout: Arc<RowLayout>,
    ) -> Self {
        let counts = RowCounts::default();
        let tally = MergeTally { fate, arrived, coverage, judge, counts };
        Self { sides, tally, layout }
    }

    /// Counts of the rows returned so far. Every incoming key counts once: inserted, updated or
    /// unchanged.
    pub(super) fn counts(&self) -> RowCounts {
        self.tally.counts
    }

    /// Returns the next rows, or `None` at the end. A span may be empty, where all its rows leave.
    pub(super) fn window(&mut self) -> Result<Option<RowSpan>, RewriteError> {
        let mut window = RowSpan::default();
        while window.seen < WINDOW_ROWS
            && let Some(row) = self.sides.step()?
        {
            window.seen += 1;
            match row {
                JoinedRow::Left(old) => self.tally.old_only(&mut window, old),
                JoinedRow::Right(new) => self.tally.new_only(&mut window, new),
                JoinedRow::Both(old, new) => self.tally.pair(&mut window, old, new),
            }
        }
        // Only the end of both sequences leaves a span without a single key.
        if window.seen == 0 {
            return Ok(None);
        }
        self.tally.replace_changed(&mut window, &self.layout)?;
        Ok(Some(window))
    }

    /// Number of merged rows, found from keys and versions alone. An update replaces a row by a
    /// row, so contents need not be compared, and the columns need not be decoded.
    pub(super) fn count(mut self) -> Result<u64, RewriteError> {
        let mut rows = 0;
        while let Some(row) = self.sides.step()? {
            let leaves = match row {
                JoinedRow::Left(old) => self.tally.leaves(old),
                JoinedRow::Right(_) | JoinedRow::Both(..) => false,
            };
            rows += u64::from(!leaves);
        }
        Ok(rows)
    }
}

impl MergeTally {
    /// Whether a row of the table without an incoming row leaves: for another partition, or for
    /// ever.
    fn leaves(&self, old: RowView<'_>) -> bool {
        self.fate.gone.contains(old.key()) || self.fate.deletes(old, &self.coverage, self.judge)
    }

    /// A row of the table without an incoming row: it leaves, is deleted, or stays.
    fn old_only(&mut self, window: &mut RowSpan, old: RowView<'_>) {
        // The new version is in another partition.
        if self.fate.gone.contains(old.key()) {
            return;
        }
        if self.fate.deletes(old, &self.coverage, self.judge) {
            self.counts.deleted += 1;
            window.note(ChangeOp::Delete, old);
        } else {
            window.pick(old);
        }
    }

    /// An incoming row without a row of the table in this partition: inserted, or updated if its
    /// old version is in another partition and leaves there.
    fn new_only(&mut self, window: &mut RowSpan, new: RowView<'_>) {
        let moved = self.arrived.contains(new.key());
        let op = if moved { ChangeOp::Update } else { ChangeOp::Insert };
        if moved {
            self.counts.updated += 1;
        } else {
            self.counts.inserted += 1;
        }
        window.note(op, new);
        window.pick(new);
    }

    /// A row of the table and an incoming row with its key. The old one is picked; the new one
    /// takes its place later if it is newer and differs.
    fn pair(&mut self, window: &mut RowSpan, old: RowView<'_>, new: RowView<'_>) {
        if self.judge.replaces(new.version(), old.version()) {
            let pick = window.batches.place(new);
            window.pairs.push((window.picks.len(), pick));
        } else {
            self.counts.unchanged += 1;
        }
        window.pick(old);
    }

    /// Replaces old versions whose content differs. A row with equal content stays as it is,
    /// including its `synced_at`: otherwise every reading would change every file.
    fn replace_changed(
        &mut self,
        window: &mut RowSpan,
        layout: &RowLayout,
    ) -> Result<(), RewriteError> {
        if window.pairs.is_empty() {
            return Ok(());
        }
        let old: Vec<RowPick> =
            window.pairs.iter().filter_map(|(at, _)| window.picks.get(*at).copied()).collect();
        let new: Vec<RowPick> = window.pairs.iter().map(|(_, pick)| *pick).collect();
        let old = window.batches.gather(layout, &old)?;
        let new = window.batches.gather(layout, &new)?;
        let mut equal = equal_rows(&old, &new, &layout.content)?;
        for column in &layout.volatile {
            let (old, new) = (old.column(*column), new.column(*column));
            for (row, equal) in equal.iter_mut().enumerate() {
                *equal &= old.is_null(row) == new.is_null(row);
            }
        }
        for ((at, pick), equal) in core::mem::take(&mut window.pairs).into_iter().zip(equal) {
            if equal {
                self.counts.unchanged += 1;
            } else if let Some(place) = window.picks.get_mut(at) {
                let old = core::mem::replace(place, pick);
                window.updates.push(RowUpdate { at, old, new: pick });
                self.counts.updated += 1;
            }
        }
        Ok(())
    }
}
