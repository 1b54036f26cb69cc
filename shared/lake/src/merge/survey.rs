//! Finds out the effects of a merge from keys and versions before anything is written.
//!
//! Two questions concern more than one file and must be answered first:
//!
//! * Which rows move? An incoming row of January may be the new version of a row in the file of
//!   December. Merged file by file, it would be inserted there and stay here, and the table would
//!   have its key twice.
//! * How many rows does the coverage delete? The limit applies to all of them together.
//!
//! Only slots that can contribute to an answer are opened, and of these only the columns of keys
//! and versions are decoded. An incremental pass without moved rows mostly reads nothing here.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta::table::FileEntry;
use engine::coverage::Coverage;
use engine::key::{Key, KeyPart};
use engine::precedence::PrecedenceRules;
use engine::window::Period;

use super::incoming::{IncomingRows, within};
use super::rows::KeyFate;
use super::slots::{FileSlot, PartitionSlots};
use super::write::{OpenWriter, TableFiles};
use crate::blocking::{RewriteError, blocking};
use crate::collect::{Collector, KeyBounds, KeySet};
use crate::partition::ColumnChoice;
use crate::walk::{JoinedRow, RowJoin};

/// Findings of the survey. Holds sets of keys, whose size depends on the moved rows: few in
/// practice.
#[derive(Debug, Default)]
pub(super) struct FileSurvey {
    /// Findings per slot, by the path of its first file.
    found: BTreeMap<String, SurveyedFile>,
    /// Incoming keys, by their partition, with an older version in another partition. They count as
    /// updated, not as inserted.
    arrived: BTreeMap<Option<String>, Arc<KeySet>>,
    /// Number of incoming rows that are older than the table's row in another partition. They are
    /// dropped, and count as unchanged.
    pub(super) outdated: u64,
}

/// Findings in one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct SurveyedFile {
    pub(super) fate: KeyFate,
    /// Number of rows that coverage deletes, as long as the deletes are not refused.
    pub(super) deletes: u64,
}

impl FileSurvey {
    /// Number of rows that coverage deletes.
    pub(super) fn deletes(&self) -> u64 {
        self.found.values().map(|found| found.deletes).sum()
    }

    /// Findings in a slot; empty for slots that were not surveyed. A path identifies the slot,
    /// because each file is in one slot.
    pub(super) fn of(&self, slot: &FileSlot) -> SurveyedFile {
        slot.files.first().and_then(|file| self.found.get(&file.path)).cloned().unwrap_or_default()
    }

    /// Keys among the incoming rows of `partition` that move there.
    pub(super) fn arrived(&self, partition: Option<&str>) -> Arc<KeySet> {
        self.arrived.get(&partition.map(str::to_owned)).cloned().unwrap_or_default()
    }
}

/// Surveys the slots that can hold covered rows, or rows whose new version is in another partition.
///
/// Returns the incoming rows again, without those that turned out to be outdated and with those
/// that moved to the partition of the table's row.
pub(super) async fn survey(
    table: &mut TableFiles,
    slots: &PartitionSlots,
    coverage: &Coverage,
    judge: PrecedenceRules,
    incoming: IncomingRows,
) -> Result<(FileSurvey, IncomingRows), RewriteError> {
    let coverage = Arc::new(coverage.clone());
    let partitions: Vec<Option<String>> = incoming.partitions().into_iter().collect();
    let mut state = SurveyState {
        rehousing: incoming.rehousing(),
        incoming,
        survey: FileSurvey::default(),
        coverage: Arc::clone(&coverage),
        judge,
    };
    for (home, slot) in slots.iter().flat_map(|(home, list)| list.iter().map(move |s| (home, s))) {
        // Partitions with incoming rows that may have a key of this slot. Decided by the key ranges
        // in memory, for nearly all slots without reading anything.
        let mut others: Vec<Option<String>> = Vec::new();
        for other in partitions.iter().filter(|other| *other != home) {
            let near = slot
                .range
                .as_ref()
                .is_none_or(|range| state.incoming.may_hold(other.as_deref(), range));
            if near {
                others.push(other.clone());
            }
        }
        let covered = slot.files.iter().any(|file| may_hold_covered(file, &coverage, table));
        if others.is_empty() && !covered {
            continue;
        }
        // Only keys within the file's own range can match, so the incoming rows are cut by the
        // range and not by the bounds of the slot, which reach further.
        let opened = table.open(slot).await?;
        let bounds = slot.range.as_ref().map_or_else(KeyBounds::default, within);
        let path = slot.files.first().map(|file| file.path.clone()).unwrap_or_default();
        let home = home.clone();
        state = blocking(move || {
            let mut found = SurveyedFile::default();
            for other in &others {
                state.elsewhere(home.as_deref(), other.as_deref(), &opened, &bounds, &mut found)?;
            }
            if covered {
                let right = state.incoming.rows(home.as_deref(), bounds);
                let sides = RowJoin { left: opened.cursor(ColumnChoice::Versions), right };
                found.deletes = deletes(sides, &found.fate, &state.coverage, judge)?;
            }
            state.survey.found.insert(path, found);
            Ok(state)
        })
        .await?;
    }
    state.incoming.rehouse(state.rehousing)?;
    Ok((state.survey, state.incoming))
}

/// State of the survey, which moves to the working thread and back for each slot.
#[derive(Debug)]
struct SurveyState {
    survey: FileSurvey,
    incoming: IncomingRows,
    /// Incoming rows without a partition that move to the partition of the table's row. They become
    /// part of `incoming` at the end; until then `KeyFate::returned` protects their rows from
    /// deletion.
    rehousing: Collector,
    coverage: Arc<Coverage>,
    judge: PrecedenceRules,
}

impl SurveyState {
    /// Looks up the incoming rows of another partition among the rows of `home`, and decides about
    /// each key that both have:
    ///
    /// * The incoming row has no partition: it moves to `home`, where the merge compares it.
    /// * It is newer: the row of `home` leaves.
    /// * It is older: it is dropped.
    fn elsewhere(
        &mut self,
        home: Option<&str>,
        other: Option<&str>,
        opened: &OpenWriter,
        bounds: &KeyBounds,
        found: &mut SurveyedFile,
    ) -> Result<(), RewriteError> {
        let old = opened.cursor(ColumnChoice::Versions);
        let new = self.incoming.rows(other, bounds.clone());
        let (mut skipped, mut arrived) = (KeySet::new(), KeySet::new());
        let (rehousing, outdated) = (&mut self.rehousing, &mut self.survey.outdated);
        let judge = self.judge;
        RowJoin { left: old, right: new }.each_match(|old, new| {
            let key = || Box::<[u8]>::from(old.key());
            found.fate.returned.insert(key());
            if other.is_none() {
                // The new version no longer tells its partition, so the row stays in this one.
                rehousing.push_into(home.map(str::to_owned), new.batch())?;
                skipped.insert(key());
            } else if judge.replaces(new.version(), old.version()) {
                found.fate.gone.insert(key());
                arrived.insert(key());
            } else {
                *outdated += 1;
                skipped.insert(key());
            }
            Ok(())
        })?;
        // The readers are done, so the incoming rows may change.
        for key in skipped {
            self.incoming.skip(other, &key);
        }
        if !arrived.is_empty() {
            let all = self.survey.arrived.entry(other.map(str::to_owned)).or_default();
            Arc::make_mut(all).extend(arrived);
        }
        Ok(())
    }
}

/// Number of rows of the table that coverage deletes: covered, older than the reading, and without
/// an incoming row in this partition or any other.
fn deletes(
    mut sides: RowJoin,
    fate: &KeyFate,
    coverage: &Coverage,
    judge: PrecedenceRules,
) -> Result<u64, RewriteError> {
    let mut deleted = 0;
    // Behind the last row of the table, incoming rows need not be read.
    while sides.left.load()? {
        if let Some(JoinedRow::Left(row)) = sides.step()? {
            deleted += u64::from(fate.deletes(row, coverage, judge));
        }
    }
    Ok(deleted)
}

/// Whether the file can hold rows that the coverage includes. Decides by the log alone: first and
/// last key, or statistics of the parent column. Without these the file has to be read.
fn may_hold_covered(file: &FileEntry, coverage: &Coverage, table: &TableFiles) -> bool {
    match coverage {
        Coverage::Nothing => false,
        Coverage::Whole { .. } => true,
        Coverage::Records { ids, .. } => {
            // A file whose keys are no plain ids, or of another engine, may hold any of them.
            let range = file.keys.as_ref().and_then(|(first, last)| id(first).zip(id(last)));
            match range {
                Some((first, last)) if first <= last => ids.range(first..=last).next().is_some(),
                Some(_) | None => !ids.is_empty(),
            }
        }
        Coverage::Parents(parents) => match table.parents_of(file) {
            Some((least, greatest)) => parents.range(least..=greatest).next().is_some(),
            None => !parents.is_empty(),
        },
        Coverage::Windows(windows) => {
            let periods = file.keys.as_ref().and_then(|(a, b)| period(a).zip(period(b)));
            match periods {
                Some((first, last)) if first <= last => {
                    windows.range(first..=last).next().is_some()
                }
                Some(_) | None => !windows.is_empty(),
            }
        }
    }
}

/// Id, if it is the whole key. Keys of several parts, such as those of reports, are in no list of
/// single records.
fn id(key: &Key) -> Option<i64> {
    if let [KeyPart::Int(id)] = key.0.as_slice() { Some(*id) } else { None }
}

/// Report window at the beginning of a report row's key. Windows sort by their first day, then by
/// their last, so first and last key of a file bound its windows.
fn period(key: &Key) -> Option<Period> {
    if let [KeyPart::Day(start), KeyPart::Day(end), ..] = key.0.as_slice() {
        Some(Period { start: *start, end: *end })
    } else {
        None
    }
}
