//! Spans of merged rows, as positions in the batches that they come from.

use arrow::array::RecordBatch;
use decode::gather::RowPick;

use crate::blocking::RewriteError;
use crate::changes::ChangeOp;
use crate::partition::RowLayout;
use crate::walk::{PickedBatches, RowView};

/// Some merged rows, as references into their batches.
#[derive(Debug, Default)]
pub(super) struct RowSpan {
    /// Batches of both sequences that the span refers to.
    pub(super) batches: PickedBatches,
    /// Positions of the merged rows, in key order.
    pub(super) picks: Vec<RowPick>,
    /// Indices in `picks` of old versions that a newer one may replace, each with the position of
    /// the newer one. Their contents are still to be compared.
    pub(super) pairs: Vec<(usize, RowPick)>,
    /// Changes, each with the position of its row: the new one, or the old one of a deletion. Without
    /// those in place.
    changes: Vec<(ChangeOp, RowPick)>,
    /// Rows replaced in place.
    pub(super) updates: Vec<RowUpdate>,
    /// Number of keys looked at, including those of deleted rows. A span may have fewer rows than
    /// that, even none.
    pub(super) seen: usize,
}

/// Row replaced in place, among the merged rows of a span.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowUpdate {
    /// Index of the row in `RowSpan::picks`.
    pub(super) at: usize,
    /// Old version.
    pub(super) old: RowPick,
    /// New version.
    pub(super) new: RowPick,
}

/// Rows of a span that are replaced in place.
#[derive(Debug)]
pub(super) struct SpanUpdates {
    /// Their indices among the merged rows, ascending.
    pub(super) at: Vec<usize>,
    /// Their old versions.
    pub(super) old: RecordBatch,
    /// Their new versions.
    pub(super) new: RecordBatch,
}

impl RowSpan {
    /// Number of merged rows.
    pub(super) fn len(&self) -> usize {
        self.picks.len()
    }

    /// Rows that are replaced in place; `None` if rows come or leave.
    pub(super) fn updates(&self, layout: &RowLayout) -> Result<Option<SpanUpdates>, RewriteError> {
        if !self.changes.is_empty() || self.picks.len() < self.seen {
            return Ok(None);
        }
        let picks = |pick: fn(&RowUpdate) -> RowPick| -> Vec<RowPick> {
            self.updates.iter().map(pick).collect()
        };
        Ok(Some(SpanUpdates {
            at: self.updates.iter().map(|update| update.at).collect(),
            old: self.batches.gather(layout, &picks(|update| update.old))?,
            new: self.batches.gather(layout, &picks(|update| update.new))?,
        }))
    }

    /// Merged rows of the span.
    pub(super) fn rows(&self, layout: &RowLayout) -> Result<RecordBatch, RewriteError> {
        Ok(self.batches.gather(layout, &self.picks)?)
    }

    /// Changes of this span and their rows. Inserts, deletes and moved rows come in key order, then
    /// updates in place: a table of changes is ordered by sequence only.
    pub(super) fn changes(
        &self,
        layout: &RowLayout,
    ) -> Result<(Vec<ChangeOp>, RecordBatch), RewriteError> {
        let updates = self.updates.iter().map(|update| (ChangeOp::Update, update.new));
        let (ops, picks): (Vec<ChangeOp>, Vec<RowPick>) =
            self.changes.iter().copied().chain(updates).unzip();
        Ok((ops, self.batches.gather(layout, &picks)?))
    }

    /// Appends a row.
    pub(super) fn pick(&mut self, row: RowView<'_>) {
        let pick = self.batches.place(row);
        self.picks.push(pick);
    }

    /// Records a change of a row.
    pub(super) fn note(&mut self, op: ChangeOp, row: RowView<'_>) {
        let pick = self.batches.place(row);
        self.changes.push((op, pick));
    }
}
