//! Collected rows prepared for the merge: each key in one partition only.
//!
//! A record usually has one partition forever, because it depends on `created_at` or on the report
//! window. Two exceptions need care. A record may come once with its `created_at` and once without,
//! which is the null partition. And Harvest may serve another `created_at` than before. Without
//! preparation the table would have two rows of one key, in two partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::precedence::Precedence;

use crate::blocking::{RewriteError, blocking};
use crate::collect::{
    CollectedRows, Collector, KeyBounds, KeyRange, KeySet, KeyVersions, SpillMerge,
};
use crate::partition::RowLayout;
use crate::walk::{RowJoin, RowWalk};

/// Collected rows, without those that were moved or are outdated.
///
/// The collected rows themselves are immutable and may be spilled, so a row is not taken out of
/// them: its key is listed in `skip`, and a moved row is collected a second time, under its new
/// partition.
#[derive(Debug)]
pub(super) struct IncomingRows {
    /// Rows as collected.
    base: Arc<CollectedRows>,
    /// Decides which of several versions of a record is the newest.
    precedence: Precedence,
    /// Rows without a partition of their own, moved to the partition of their older versions. In
    /// order of moving; they count as newer arrivals than `base`.
    rehoused: Vec<CollectedRows>,
    /// Keys to leave out, per partition. Shared, because each reader of a partition needs its set.
    skip: BTreeMap<Option<String>, Arc<KeySet>>,
}

impl IncomingRows {
    pub(super) fn layout(&self) -> &Arc<RowLayout> {
        self.base.layout()
    }

    /// Partitions that have rows; all their rows may be skipped.
    pub(super) fn partitions(&self) -> BTreeSet<Option<String>> {
        self.sources()
            .flat_map(CollectedRows::partitions)
            .map(|name| name.map(str::to_owned))
            .collect()
    }

    /// Collected rows in the order in which they count as arrived.
    fn sources(&self) -> impl Iterator<Item = &CollectedRows> {
        core::iter::once(self.base.as_ref()).chain(&self.rehoused)
    }

    /// Rows of one partition within `bounds`, in key order.
    pub(super) fn rows(&self, partition: Option<&str>, bounds: KeyBounds) -> RowWalk {
        let spills = self.sources().flat_map(CollectedRows::runs);
        let skip = self.skip.get(&partition.map(str::to_owned)).cloned();
        let newest = KeyVersions::Newest(self.precedence);
        let sorted = SpillMerge::new(self.layout(), spills, partition, bounds, skip, newest);
        RowWalk::new(Arc::clone(self.layout()), sorted)
    }

    /// Whether a row of this partition may have a key within `range`. Wrong only towards `true`.
    pub(super) fn may_hold(&self, partition: Option<&str>, range: &KeyRange) -> bool {
        self.sources().any(|rows| rows.may_hold(partition, range))
    }

    /// Upper bound of the number of rows within `bounds`.
    pub(super) fn rows_within(&self, partition: Option<&str>, bounds: &KeyBounds) -> u64 {
        self.sources().map(|rows| rows.rows_within(partition, bounds)).sum()
    }

    /// Excludes a row from now on. Readers that exist already still return it.
    pub(super) fn skip(&mut self, partition: Option<&str>, key: &[u8]) {
        let keys = self.skip.entry(partition.map(str::to_owned)).or_default();
        Arc::make_mut(keys).insert(key.into());
    }

    /// Empty collector for rows that move to the partition of another row. The caller passes it to
    /// `rehouse` once it has read everything: rows become visible together.
    pub(super) fn rehousing(&self) -> Collector {
        let layout = Arc::clone(self.layout());
        Collector::with_layout(layout, None, self.base.scratch(), crate::collect::MEMORY_LIMIT)
    }

    /// Adds the moved rows to the incoming rows.
    pub(super) fn rehouse(&mut self, rows: Collector) -> Result<(), RewriteError> {
        if rows.rows() > 0 {
            self.rehoused.push(rows.finish()?);
        }
        Ok(())
    }
}

/// Bounds of the keys from the first to the last of `range`, inclusive.
pub(super) fn within(range: &KeyRange) -> KeyBounds {
    let mut above = range.last.to_vec();
    // The last key followed by a zero byte is the smallest key above it.
    above.push(0);
    KeyBounds { from: Some(range.first.clone()), below: Some(above.into()) }
}

/// Resolves keys that came in several partitions during one run. The newest version stays. A row
/// without a partition moves to the partition of another row with its key: the record has not left
/// its month only because one answer lacked `created_at`.
pub(super) async fn settle(
    base: Arc<CollectedRows>,
    precedence: Precedence,
) -> Result<IncomingRows, RewriteError> {
    let mut incoming =
        IncomingRows { base, precedence, rehoused: Vec::new(), skip: BTreeMap::new() };
    let names: Vec<Option<String>> = incoming.partitions().into_iter().collect();
    if names.len() < 2 {
        return Ok(incoming);
    }
    blocking(move || {
        // Rows without a partition first: after that, each of them competes within a named
        // partition, like any other version. `None` sorts before all names, so it is always on the
        // left.
        let mut rehousing = incoming.rehousing();
        for (left, right) in pairs(&names) {
            if left.is_none() {
                settle_unplaced(&mut incoming, right, &mut rehousing)?;
            }
        }
        incoming.rehouse(rehousing)?;
        for (left, right) in pairs(&names) {
            if left.is_some() {
                settle_pair(&mut incoming, left, right)?;
            }
        }
        Ok(incoming)
    })
    .await
}

/// All pairs of different partitions, each once.
fn pairs(names: &[Option<String>]) -> impl Iterator<Item = (Option<&str>, Option<&str>)> {
    names.iter().enumerate().flat_map(|(index, left)| {
        names.iter().skip(index + 1).map(|right| (left.as_deref(), right.as_deref()))
    })
}

/// Bounds of the keys that both partitions may have; `None` if there are none. Usually there are
/// none, because ids grow with time, and then no row is read.
fn shared(incoming: &IncomingRows, left: Option<&str>, right: Option<&str>) -> Option<KeyBounds> {
    let range = incoming
        .sources()
        .filter_map(|rows| rows.key_range(left).cloned())
        .reduce(KeyRange::with)?;
    incoming.may_hold(right, &range).then(|| within(&range))
}

/// Moves the rows without a partition whose key also came in the partition `home`. Keys are
/// excluded only after both readers are done.
fn settle_unplaced(
    incoming: &mut IncomingRows,
    home: Option<&str>,
    rehousing: &mut Collector,
) -> Result<(), RewriteError> {
    let Some(bounds) = shared(incoming, None, home) else {
        return Ok(());
    };
    let unplaced = incoming.rows(None, bounds.clone());
    let placed = incoming.rows(home, bounds);
    let mut keys = Vec::new();
    RowJoin { left: unplaced, right: placed }.each_match(|row, _| {
        keys.push(Box::<[u8]>::from(row.key()));
        rehousing.push_into(home.map(str::to_owned), row.batch())?;
        Ok(())
    })?;
    for key in keys {
        incoming.skip(None, &key);
    }
    Ok(())
}

/// Excludes the older version of each key that came in both partitions. The table's own row, if
/// any, is compared later by the survey.
fn settle_pair(
    incoming: &mut IncomingRows,
    left: Option<&str>,
    right: Option<&str>,
) -> Result<(), RewriteError> {
    let Some(bounds) = shared(incoming, left, right) else {
        return Ok(());
    };
    let precedence = incoming.precedence;
    let mut losers = Vec::new();
    let left_rows = incoming.rows(left, bounds.clone());
    let right_rows = incoming.rows(right, bounds);
    RowJoin { left: left_rows, right: right_rows }.each_match(|a, b| {
        let (a_version, b_version) = (a.version(), b.version());
        // Versions are compared in the order of reading, as within a partition. Otherwise the
        // result would depend on the names of the partitions where `updated_at` is missing.
        let right_wins = if a_version.read_at <= b_version.read_at {
            precedence.replaces(b_version, a_version)
        } else {
            !precedence.replaces(a_version, b_version)
        };
        losers.push((if right_wins { left } else { right }, Box::<[u8]>::from(a.key())));
        Ok(())
    })?;
    for (partition, key) in losers {
        incoming.skip(partition, &key);
    }
    Ok(())
}
