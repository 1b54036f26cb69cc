//! Decides which files of a partition are rewritten and which are joined with their neighbours.
//!
//! Every slot gets an outlook: whether anything in it changes, and how many rows it will have.
//! Slots without a change are left alone. A changed slot takes small neighbours along, as the file
//! is written anyway: incremental passes add a few rows at a time, and without joining a partition
//! would get more and more small files. A partition without any change is never rewritten only to
//! join its files.

use std::sync::Arc;

use engine::coverage::Coverage;
use engine::precedence::PrecedenceRules;
use engine::report::RowCounts;

use super::MergeOutcome;
use super::incoming::IncomingRows;
use super::patch::{FileUpdates, SlotEffect, places, updates};
use super::rows::MergedRows;
use super::slots::FileSlot;
use super::survey::{FileSurvey, SurveyedFile};
use super::write::{OpenWriter, PartitionOutput, TableFiles};
use crate::blocking::{RewriteError, blocking};
use crate::partition::{ColumnChoice, FileLimits};
use crate::walk::{RowJoin, RowWalk};

/// Number of a slot's rows for each incoming one from which on keys are looked up before whole rows
/// are decoded.
const FEW_OF: u64 = 4;

/// Input of a merge that is the same for all partitions. Shared pointers, because each working
/// thread needs them.
#[derive(Debug)]
pub(super) struct MergeContext {
    pub(super) incoming: Arc<IncomingRows>,
    /// Coverage to apply: that of the job, or nothing if its deletes were refused.
    pub(super) coverage: Arc<Coverage>,
    pub(super) judge: PrecedenceRules,
    pub(super) survey: FileSurvey,
    pub(super) limits: FileLimits,
}

/// Neighbouring slots that are merged into the same files, or one slot alone.
#[derive(Debug, Default)]
struct SlotGroup {
    slots: Vec<FileSlot>,
    /// Sum of the rows expected in the slots; decides how many files are written.
    rows: u64,
    /// Whether any slot changes. If so, all slots of the group are rewritten.
    dirty: bool,
    /// Counts to use if the group is not rewritten; rewriting counts anew.
    counts: RowCounts,
    /// Updates of its only slot, if nothing else happens to that.
    updates: Option<FileUpdates>,
}

/// Expected outcome of a slot.
#[derive(Debug)]
struct SlotOutlook {
    /// Whether the slot has changes and must be rewritten.
    dirty: bool,
    /// Number of rows afterwards; an upper bound if the slot is rewritten alone.
    rows: u64,
    /// Counts of the incoming rows if the slot is not rewritten.
    counts: RowCounts,
    /// Updates of rows, if nothing else happens to the slot and they are few.
    updates: Option<FileUpdates>,
}

impl SlotOutlook {
    /// A slot in which nothing changes.
    const fn unchanged(rows: u64, counts: RowCounts) -> Self {
        Self { dirty: false, rows, counts, updates: None }
    }

    /// A slot that is rewritten.
    fn changed(rows: u64) -> Self {
        Self { dirty: true, rows, counts: RowCounts::default(), updates: None }
    }
}

impl MergeContext {
    /// Merges one partition. Adds its files and counts to `merged`.
    pub(super) async fn partition(
        &self,
        table: &mut TableFiles,
        partition: Option<&str>,
        slots: &[FileSlot],
        merged: &mut MergeOutcome,
    ) -> Result<(), RewriteError> {
        // A new partition has no file. An empty slot stands for it, so that one way leads to files.
        let fresh = [FileSlot::default()];
        let slots = if slots.is_empty() { &fresh } else { slots };
        let mut groups: Vec<SlotGroup> = Vec::new();
        for slot in slots {
            let neighbours = slots.len() - 1;
            let outlook = self.outlook(table, partition, slot, neighbours).await?;
            // A slot joins the group before it if one of both changes, both have rows, and together
            // they stay small. Empty slots join nothing: their file only goes away.
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
                group.updates = if group.slots.is_empty() { outlook.updates } else { None };
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

    /// Expects the outcome of a slot, with as little reading as possible:
    ///
    /// 1. Nothing comes and nothing leaves: decided without opening the file.
    /// 2. Rows come, none leaves: they are compared with their old versions. Most files of an overlap
    ///    end here, because the rows read again are equal. If few rows come, only their old versions
    ///    are decoded. If rows are only updated, in place, their new versions are kept.
    /// 3. There is another change: the number of rows is needed to divide them into files. Where one file
    ///    takes them in any case, an upper bound is enough; otherwise keys and versions are merged
    ///    to count them.
    async fn outlook(
        &self,
        table: &mut TableFiles,
        partition: Option<&str>,
        slot: &FileSlot,
        neighbours: usize,
    ) -> Result<SlotOutlook, RewriteError> {
        let held: u64 = slot.files.iter().map(|file| file.rows).sum();
        let found = self.survey.of(slot);
        // The survey counted with the coverage of the job; refused deletes do not happen.
        let deletes = if self.coverage.is_nothing() { 0 } else { found.deletes };
        let leaves = !found.fate.gone.is_empty() || deletes > 0;
        let coming = self.incoming.rows_within(partition, &slot.bounds);
        if coming == 0 && !leaves {
            return Ok(SlotOutlook::unchanged(held, RowCounts::default()));
        }
        let opened = table.open(slot).await?;
        // A row that leaves is a change already, and so are one that comes where there are none, and one
        // that another engine appended although it was there: only other slots need to look for one.
        if !leaves && !slot.files.is_empty() && !opened.has_repeats().await? {
            let few = slot.range.is_some() && coming.saturating_mul(FEW_OF) <= held;
            match self.effect(partition, slot, &opened, &found, few).await? {
                SlotEffect::Unchanged(counts) => return Ok(SlotOutlook::unchanged(held, counts)),
                // Only a file of ours has its rows where the log says.
                SlotEffect::Updated(updates) if slot.range.is_some() => {
                    let updates = Some(updates);
                    return Ok(SlotOutlook { updates, ..SlotOutlook::changed(held) });
                }
                SlotEffect::Updated(_) | SlotEffect::Other => {}
            }
        }
        // The log need not know the row counts of other engines' files, so their rows are counted.
        // A count that is too low would lead to a file beyond the limit.
        let most = if slot.range.is_some() || slot.files.is_empty() {
            held.saturating_add(coming)
        } else {
            opened.rows()?.saturating_add(coming)
        };
        // Without neighbours to join and within one file, an upper bound is enough.
        if neighbours == 0 && most <= self.limits.file_rows {
            return Ok(SlotOutlook::changed(most));
        }
        let rows = self.rows(partition, slot, opened.cursor(ColumnChoice::Versions), &found);
        let rows = blocking(move || rows.count()).await?;
        Ok(SlotOutlook::changed(rows))
    }

    /// Merges the incoming rows with their old versions. If they are `few`, no others are decoded:
    /// decoding keys and versions of all rows, to find them, takes less than decoding all rows.
    async fn effect(
        &self,
        partition: Option<&str>,
        slot: &FileSlot,
        opened: &OpenWriter,
        found: &SurveyedFile,
        few: bool,
    ) -> Result<SlotEffect, RewriteError> {
        let (old, spans) = if few {
            let left = opened.cursor(ColumnChoice::Versions);
            let sides = RowJoin { left, right: self.incoming.rows(partition, slot.bounds.clone()) };
            match blocking(move || places(sides)).await? {
                Some(spans) => (opened.cursor_at(&spans)?, spans),
                None => return Ok(SlotEffect::Other),
            }
        } else {
            (opened.cursor(ColumnChoice::All), core::iter::once(0..usize::MAX).collect())
        };
        let rows = self.rows(partition, slot, old, found);
        let layout = Arc::clone(self.incoming.layout());
        blocking(move || updates(rows, &spans, &layout)).await
    }

    /// Merge of `old`, rows of the slot, with the incoming ones.
    fn rows(
        &self,
        partition: Option<&str>,
        slot: &FileSlot,
        old: RowWalk,
        found: &SurveyedFile,
    ) -> MergedRows {
        let incoming = self.incoming.rows(partition, slot.bounds.clone());
        MergedRows::new(
            RowJoin { left: old, right: incoming },
            found.fate.clone(),
            self.survey.arrived(partition),
            Arc::clone(&self.coverage),
            self.judge,
            Arc::clone(self.incoming.layout()),
        )
    }

    /// Writes the files of a group anew, and replaces the old ones by them in `merged`.
    async fn rewrite(
        &self,
        table: &mut TableFiles,
        partition: Option<&str>,
        mut group: SlotGroup,
        merged: &mut MergeOutcome,
    ) -> Result<(), RewriteError> {
        let most = self.limits.file_rows.max(1);
        if let ([slot], Some(updates)) = (group.slots.as_slice(), group.updates.take())
            && let [file] = slot.files.as_slice()
            && file.rows <= most
        {
            let counts = updates.counts;
            if let Some(patched) = table.patch(file, updates).await? {
                merged.counts = merged.counts.plus(counts);
                merged.add.push(patched);
                merged.remove.push(file.clone());
                return Ok(());
            }
        }
        // Files of equal size, as few as the limit allows: 260,000 rows become two files of 130,000
        // instead of one of 250,000 with a small rest, which the next merge would join again.
        let each = group.rows.div_ceil(group.rows.div_ceil(most).max(1)).max(1);
        let mut parts = Vec::with_capacity(group.slots.len());
        for slot in &group.slots {
            let opened = table.open(slot).await?;
            let found = self.survey.of(slot);
            parts.push(self.rows(partition, slot, opened.cursor(ColumnChoice::All), &found));
        }
        let inserts = group.slots.iter().all(|slot| slot.files.is_empty())
            && self.survey.arrived(partition).is_empty();
        let output = PartitionOutput { partition, each, inserts };
        let (counts, add) = table.write(output, parts).await?;
        merged.counts = merged.counts.plus(counts);
        merged.add.extend(add);
        merged.remove.extend(group.slots.into_iter().flat_map(|slot| slot.files));
        Ok(())
    }
}
