//! Parts of a table that are merged by themselves, called slots.
//!
//! Usually a slot is one file. Its bounds say which incoming keys belong to it, so that each file
//! can be compared with its own part of the incoming rows, and written or left alone without a look
//! at the others.

use std::collections::BTreeMap;

use delta::table::FileEntry;

use crate::collect::{KeyBounds, KeyRange};
use crate::partition::RowLayout;

/// Part of a partition that is merged by itself: one file; all files of a partition that contains a
/// file of another engine; or no file, in a new partition.
///
/// Another engine may have compacted our files into one, or deleted rows and written the rest
/// again. Such a file names no keys in the log, and its rows may be in any order. So the whole
/// partition becomes one slot whose rows are sorted first; the new files are in order again.
#[derive(Clone, Debug, Default)]
pub(super) struct FileSlot {
    /// Files of the slot; more than one only if their keys are unknown.
    pub(super) files: Vec<FileEntry>,
    /// Key range of its one file; `None` if unknown, with rows in any order.
    pub(super) range: Option<KeyRange>,
    /// Bounds of the incoming keys that belong here. The bounds of a partition's slots meet without
    /// gaps, so that each incoming row belongs to exactly one.
    pub(super) bounds: KeyBounds,
}

/// Slots of each partition, in key order. Partitions without files have no entry.
pub(super) type PartitionSlots = BTreeMap<Option<String>, Vec<FileSlot>>;

/// Slots of a table. Needs nothing but the log.
pub(super) fn slots(files: &[FileEntry], layout: &RowLayout) -> PartitionSlots {
    let mut partitions: BTreeMap<Option<String>, Vec<&FileEntry>> = BTreeMap::new();
    for file in files {
        partitions.entry(file.partition.clone()).or_default().push(file);
    }
    let slots = partitions.into_iter();
    slots.map(|(partition, files)| (partition, slots_of(&files, layout))).collect()
}

/// Slots of one partition: one per file if the log gives every file a key range and no two ranges
/// overlap, otherwise one for all.
fn slots_of(files: &[&FileEntry], layout: &RowLayout) -> Vec<FileSlot> {
    let ranged = files.iter().map(|file| {
        let (first, last) = file.keys.as_ref()?;
        let range = KeyRange { first: layout.key_bytes(first)?, last: layout.key_bytes(last)? };
        Some((range, *file))
    });
    let Some(mut ranged) = ranged.collect::<Option<Vec<_>>>() else {
        return unordered(files);
    };
    ranged.sort_by(|(a, _), (b, _)| a.first.cmp(&b.first));
    let starts: Vec<_> = ranged.iter().map(|(range, _)| range.first.clone()).collect();
    let mut slots: Vec<FileSlot> = Vec::with_capacity(ranged.len());
    for (index, (range, file)) in ranged.into_iter().enumerate() {
        // The bounds of a file end where those of the next one begin. The first file has no lower
        // bound and the last one no upper bound.
        let below = starts.get(index + 1).cloned();
        if below.as_ref().is_some_and(|below| *below <= range.last) {
            return unordered(files);
        }
        let bounds = KeyBounds { from: (index > 0).then(|| range.first.clone()), below };
        slots.push(FileSlot { files: vec![file.clone()], range: Some(range), bounds });
    }
    slots
}

/// One slot for all files of a partition.
fn unordered(files: &[&FileEntry]) -> Vec<FileSlot> {
    let files = files.iter().map(|file| (*file).clone()).collect();
    vec![FileSlot { files, range: None, bounds: KeyBounds::default() }]
}
