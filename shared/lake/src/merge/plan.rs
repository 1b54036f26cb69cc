//! Decides which files of a partition are rewritten and which are joined with their neighbours.

use std::sync::Arc;

use engine::coverage::Coverage;
use engine::precedence::PrecedenceRules;
use engine::report::RowCounts;

use super::MergeOutcome;
use super::incoming::IncomingRows;
use super::rows::MergedRows;
use super::slots::FileSlot;
use super::survey::{FileSurvey, SurveyedFile};
use super::write::{OpenWriter, TableFiles};
use crate::blocking::{RewriteError, blocking};
use crate::partition::{ColumnChoice, FileLimits};

/// Input of a merge that is the same for all partitions.
#[derive(Debug)]
pub(super) struct MergeContext {
    pub(super) incoming: Arc<IncomingRows>,
    pub(super) coverage: Arc<Coverage>,
    pub(super) judge: PrecedenceRules,
    pub(super) survey: FileSurvey,
    pub(super) limits: FileLimits,
}

/// Neighbouring slots that are merged into the same files.
#[derive(Debug, Default)]
struct SlotGroup {
    slots: Vec<FileSlot>,
    rows: u64,
    dirty: bool,
    /// Counts to use if the group is not rewritten; rewriting counts anew.
    counts: RowCounts,
}

/// Expected outcome of a slot.
#[derive(Clone, Copy, Debug)]
struct SlotOutlook {
    /// Whether the slot has changes and must be rewritten.
    dirty: bool,
    /// Number of rows afterwards; an upper bound if the slot is rewritten alone.
    rows: u64,
    /// Counts of the incoming rows if the slot is not rewritten.
    counts: RowCounts,
}

impl MergeContext {
    /// Merges one partition.
    pub(super) async fn partition(
        &self,
        table: &mut TableFiles,
        partition: Option<&str>,
        slots: &[FileSlot],
        merged: &mut MergeOutcome,
    ) -> Result<(), RewriteError> {
        let fresh = [FileSlot::default()];
        let slots = if slots.is_empty() { &fresh } else { slots };
        let mut groups: Vec<SlotGroup> = Vec::new();
        for slot in slots {
            let neighbours = slots.len() - 1;
            let outlook = self.outlook(table, partition, slot, neighbours).await?;
            let joins = groups.last().is_some_and(|group| {
                (group.dirty || outlook.dirty)
                    && group.rows > 0
                    && outlook.rows > 0
                    && group.rows + outlook.rows <= self.limits.joined_rows
            });
            if !joins {
                groups.push(SlotGroup::default());
            }
            if let Some(group) = groups.last_mut() {
                group.slots.push(slot.clone());
                group.rows += outlook.rows;
                group.dirty |= outlook.dirty;
                group.counts = group.counts.plus(outlook.counts);
            }
        }
        for group in groups {
            if group.dirty {
                self.rewrite(table, partition, group, merged).await?;
            } else {
                merged.counts = merged.counts.plus(group.counts);
            }
        }
        Ok(())
    }

    async fn outlook(
        &self,
        table: &mut TableFiles,
        partition: Option<&str>,
        slot: &FileSlot,
        neighbours: usize,
    ) -> Result<SlotOutlook, RewriteError> {
        let held: u64 = slot.files.iter().map(|file| file.rows).sum();
        let found = self.survey.of(slot);
        let deletes = if self.coverage.is_nothing() { 0 } else { found.deletes };
        let leaves = !found.fate.gone.is_empty() || deletes > 0;
        let coming = self.incoming.rows_within(partition, &slot.bounds);
        if coming == 0 && !leaves {
            return Ok(SlotOutlook { dirty: false, rows: held, counts: RowCounts::default() });
        }
        let opened = table.open(slot).await?;
        if !leaves {
            let rows = self.rows(partition, slot, &opened, &found, ColumnChoice::All);
            let (changed, counts) = blocking(move || first_change(rows)).await?;
            if !changed {
                return Ok(SlotOutlook { dirty: false, rows: held, counts });
            }
        }
        // The log need not know the row counts of other engines' files, so their rows are counted.
        let most = if slot.range.is_some() || slot.files.is_empty() {
            held.saturating_add(coming)
        } else {
            opened.rows()?.saturating_add(coming)
        };
        // Without neighbours to join and within one file, an upper bound is enough.
        if neighbours == 0 && most <= self.limits.file_rows {
            return Ok(SlotOutlook { dirty: true, rows: most, counts: RowCounts::default() });
        }
        let rows = self.rows(partition, slot, &opened, &found, ColumnChoice::Versions);
        let rows = blocking(move || rows.count()).await?;
        Ok(SlotOutlook { dirty: true, rows, counts: RowCounts::default() })
    }

    fn rows(
        &self,
        partition: Option<&str>,
        slot: &FileSlot,
        opened: &OpenWriter,
        found: &SurveyedFile,
        columns: ColumnChoice,
    ) -> MergedRows {
        MergedRows::new(
            opened.cursor(columns),
            self.incoming.rows(partition, slot.bounds.clone()),
            found.fate.clone(),
            self.survey.arrived(partition),
            Arc::clone(&self.coverage),
            self.judge,
            Arc::clone(self.incoming.layout()),
        )
    }

    async fn rewrite(
        &self,
        table: &mut TableFiles,
        partition: Option<&str>,
        group: SlotGroup,
        merged: &mut MergeOutcome,
    ) -> Result<(), RewriteError> {
        let most = self.limits.file_rows.max(1);
        // Files of equal size, as few as the limit allows.
        let each = group.rows.div_ceil(group.rows.div_ceil(most).max(1)).max(1);
        let mut parts = Vec::with_capacity(group.slots.len());
        for slot in &group.slots {
            let opened = table.open(slot).await?;
            let found = self.survey.of(slot);
            parts.push(self.rows(partition, slot, &opened, &found, ColumnChoice::All));
        }
        let (counts, add) = table.write(partition, parts, each).await?;
        merged.counts = merged.counts.plus(counts);
        merged.add.extend(add);
        merged.remove.extend(group.slots.into_iter().flat_map(|slot| slot.files));
        Ok(())
    }
}

/// Whether any row changes. The counts are complete only if none does.
fn first_change(mut rows: MergedRows) -> Result<(bool, RowCounts), RewriteError> {
    while !rows.changed() {
        if rows.window()?.is_none() {
            break;
        }
    }
    Ok((rows.changed(), rows.counts()))
}
