//! Parts of a table that are merged by themselves.

use std::collections::BTreeMap;

use delta::table::FileEntry;

use crate::collect::{KeyBounds, KeyRange};
use crate::partition::RowLayout;

/// Part of a partition that is merged by itself: one file; all files of a partition that contains a
/// file of another engine; or no file, in a new partition.
#[derive(Clone, Debug, Default)]
pub(super) struct FileSlot {
    pub(super) files: Vec<FileEntry>,
    /// Key range of its one file; `None` if unknown, with rows in any order.
    pub(super) range: Option<KeyRange>,
    /// Bounds of the incoming keys that belong here.
    pub(super) bounds: KeyBounds,
}

/// Slots of each partition, in key order.
pub(super) type PartitionSlots = BTreeMap<Option<String>, Vec<FileSlot>>;

/// Slots of a table.
pub(super) fn slots(files: &[FileEntry], layout: &RowLayout) -> PartitionSlots {
    let mut partitions: BTreeMap<Option<String>, Vec<&FileEntry>> = BTreeMap::new();
    for file in files {
        partitions.entry(file.partition.clone()).or_default().push(file);
    }
    let slots = partitions.into_iter();
    slots.map(|(partition, files)| (partition, slots_of(&files, layout))).collect()
}

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
        let below = starts.get(index + 1).cloned();
        if below.as_ref().is_some_and(|below| *below <= range.last) {
            return unordered(files);
        }
        let bounds = KeyBounds { from: (index > 0).then(|| range.first.clone()), below };
        slots.push(FileSlot { files: vec![file.clone()], range: Some(range), bounds });
    }
    slots
}

fn unordered(files: &[&FileEntry]) -> Vec<FileSlot> {
    let files = files.iter().map(|file| (*file).clone()).collect();
    vec![FileSlot { files, range: None, bounds: KeyBounds::default() }]
}
