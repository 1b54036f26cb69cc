//! Limits the number of spills that a merge has open at once.
//!
//! Spills of a load in the order of time hold different keys, and a merge reads one after the other.
//! Changes at random, and changes that are replayed, put rows of all keys into each spill: a merge
//! would have a chunk of each in memory, and there are as many spills as the account is large. Such
//! spills are merged into fewer and longer ones first.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::CollectError;
use super::KeyBounds;
use super::runs::SortedSpill;
use super::sorted::{KeyVersions, SpillMerge};
use crate::partition::RowLayout;
use crate::scratch::ScratchFile;

/// Number of spills that may hold rows around one key. Tests have few spills.
pub(super) const FAN_IN: usize = if cfg!(test) { 3 } else { 32 };

/// Merges neighbours of `spills`, which are in the order of arrival, until at most [`FAN_IN`] of them
/// reach over any key. All versions of all keys are kept, in their order.
pub(super) fn limited(
    mut spills: Vec<SortedSpill>,
    layout: &Arc<RowLayout>,
    scratch: Option<&Path>,
) -> Result<Vec<SortedSpill>, CollectError> {
    while depth(&spills) > FAN_IN {
        let mut left = spills.into_iter().peekable();
        spills = Vec::new();
        let mut file = ScratchFile::create(scratch)?;
        while left.peek().is_some() {
            // Those that were merged are dropped here, and their file with the last of them.
            let group: Vec<SortedSpill> = left.by_ref().take(FAN_IN).collect();
            spills.push(merged(&group, layout, &mut file)?);
            if spills.len().is_multiple_of(FAN_IN) {
                file = ScratchFile::create(scratch)?;
            }
        }
    }
    Ok(spills)
}

/// Largest number of spills that reach over one key of one partition.
fn depth(spills: &[SortedSpill]) -> usize {
    partitions(spills).into_iter().map(|partition| depth_in(spills, partition)).max().unwrap_or(0)
}

fn depth_in(spills: &[SortedSpill], partition: Option<&str>) -> usize {
    // Beginnings sort before ends of the same key.
    let mut ends: Vec<(&[u8], bool)> = Vec::new();
    for spill in spills {
        let chunks = spill.chunks(partition);
        if let (Some(first), Some(last)) = (chunks.first(), chunks.last()) {
            ends.extend([(&*first.first, false), (&*last.last, true)]);
        }
    }
    ends.sort_unstable();
    let (mut open, mut most) = (0, 0);
    for (_, is_end) in ends {
        if is_end {
            open -= 1;
        } else {
            open += 1;
            most = most.max(open);
        }
    }
    most
}

fn partitions(spills: &[SortedSpill]) -> BTreeSet<Option<&str>> {
    spills.iter().flat_map(SortedSpill::partitions).collect()
}

/// One spill with all rows of `spills`, at the end of `file`.
fn merged(
    spills: &[SortedSpill],
    layout: &Arc<RowLayout>,
    file: &mut ScratchFile,
) -> Result<SortedSpill, CollectError> {
    SortedSpill::write(layout, file, |sink| {
        for partition in partitions(spills) {
            let (all, versions) = (KeyBounds::default(), KeyVersions::All);
            for batch in SpillMerge::new(layout, spills, partition, all, None, versions) {
                sink.cut(layout, partition, &batch?)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use decode::schema::TableSchema;
    use engine::precedence::Precedence;

    use super::*;
    use crate::collect::Collector;
    use crate::partition::tests::{PLAIN, SampleRecord, batch};

    /// Collector with a spill for each of `pages`.
    fn spilled(pages: &[Vec<i64>]) -> (TableSchema, Collector) {
        let schema = TableSchema::of(&PLAIN);
        let mut collector = Collector::new(&schema, None, 0).unwrap();
        for page in pages {
            let records: Vec<SampleRecord> = page.iter().copied().map(SampleRecord::new).collect();
            collector.push(batch(&schema, &records)).unwrap();
        }
        (schema, collector)
    }

    #[test]
    fn spills_of_different_keys_stay_as_they_are() {
        let pages: Vec<Vec<i64>> = (0..40).map(|at| (at * 10..at * 10 + 9).collect()).collect();
        let (_, collector) = spilled(&pages);
        assert_eq!(depth(&collector.runs), 1);
        assert_eq!(collector.finish().unwrap().runs().len(), 40);
    }

    #[test]
    fn spills_of_the_same_keys_become_few() {
        let pages: Vec<Vec<i64>> =
            (0..40).map(|at| (0..9).map(|id| id * 40 + at).collect()).collect();
        let (_, collector) = spilled(&pages);
        assert_eq!(depth(&collector.runs), 40);
        let rows = collector.finish().unwrap();
        assert!(rows.runs().len() <= FAN_IN, "{}", rows.runs().len());
        assert_eq!(rows.rows(), 360);
        let read = rows.partition(None, Precedence::NewestChange);
        assert_eq!(read.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 360);
    }

    #[test]
    fn a_spill_that_ends_where_another_begins_counts_with_it() {
        let (_, collector) = spilled(&[vec![1, 5], vec![5, 9], vec![6, 7], vec![10]]);
        assert_eq!(depth(&collector.runs), 2);
    }
}
