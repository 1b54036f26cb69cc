//! The gathered rows as they are merged: each key in one partition only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::precedence::Precedence;

use super::cursor::{Cursor, each_match};
use super::{MergeError, blocking};
use crate::collect::{Bounds, Collected, Collector, KeyRange, KeySet, Sorted};
use crate::partition::Layout;

/// The gathered rows, less those that are kept elsewhere or outdated.
#[derive(Debug)]
pub(super) struct Incoming {
    base: Arc<Collected>,
    /// What makes one of several versions of a record the newest.
    precedence: Precedence,
    /// Rows without a partition of their own, put where their older versions are.
    rehoused: Vec<Collected>,
    skip: BTreeMap<Option<String>, Arc<KeySet>>,
}

impl Incoming {
    pub(super) fn layout(&self) -> &Arc<Layout> {
        self.base.layout()
    }

    pub(super) fn partitions(&self) -> BTreeSet<Option<String>> {
        self.sources().flat_map(Collected::partitions).map(|name| name.map(str::to_owned)).collect()
    }

    fn sources(&self) -> impl Iterator<Item = &Collected> {
        core::iter::once(self.base.as_ref()).chain(&self.rehoused)
    }

    /// The rows of one partition within bounds.
    pub(super) fn rows(&self, partition: Option<&str>, bounds: Bounds) -> Cursor {
        let sources: Vec<&Collected> = self.sources().collect();
        let skip = self.skip.get(&partition.map(str::to_owned)).cloned();
        let sorted = Sorted::new(self.layout(), &sources, partition, bounds, skip, self.precedence);
        Cursor::new(Arc::clone(self.layout()), sorted)
    }

    pub(super) fn may_hold(&self, partition: Option<&str>, range: &KeyRange) -> bool {
        self.sources().any(|rows| rows.may_hold(partition, range))
    }

    /// At most so many rows are within bounds.
    pub(super) fn rows_within(&self, partition: Option<&str>, bounds: &Bounds) -> u64 {
        self.sources().map(|rows| rows.rows_within(partition, bounds)).sum()
    }

    /// Leaves a row out from now on.
    pub(super) fn skip(&mut self, partition: Option<&str>, key: &[u8]) {
        let keys = self.skip.entry(partition.map(str::to_owned)).or_default();
        Arc::make_mut(keys).insert(key.into());
    }

    /// An empty collector for rows that get a partition of another row.
    pub(super) fn rehousing(&self) -> Collector {
        let layout = Arc::clone(self.layout());
        Collector::with_layout(layout, None, self.base.scratch(), crate::collect::MEMORY_LIMIT)
    }

    pub(super) fn rehouse(&mut self, rows: Collector) -> Result<(), MergeError> {
        if rows.rows() > 0 {
            self.rehoused.push(rows.finish()?);
        }
        Ok(())
    }
}

/// All keys from the first to the last of `range`.
pub(super) fn within(range: &KeyRange) -> Bounds {
    let mut above = range.last.to_vec();
    // No bytes are between these and the last key.
    above.push(0);
    Bounds { from: Some(range.first.clone()), below: Some(above.into()) }
}

/// Settles keys that came with several partitions in one run: the newest version is kept; one
/// without a partition stays with the others.
pub(super) async fn settle(
    base: Arc<Collected>,
    precedence: Precedence,
) -> Result<Incoming, MergeError> {
    let mut incoming = Incoming { base, precedence, rehoused: Vec::new(), skip: BTreeMap::new() };
    let names: Vec<Option<String>> = incoming.partitions().into_iter().collect();
    if names.len() < 2 {
        return Ok(incoming);
    }
    blocking(move || {
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

fn pairs(names: &[Option<String>]) -> impl Iterator<Item = (Option<&str>, Option<&str>)> {
    names.iter().enumerate().flat_map(|(index, left)| {
        names.iter().skip(index + 1).map(|right| (left.as_deref(), right.as_deref()))
    })
}

/// The keys that both partitions may have.
fn shared(incoming: &Incoming, left: Option<&str>, right: Option<&str>) -> Option<Bounds> {
    let range = incoming
        .sources()
        .filter_map(|rows| rows.key_range(left))
        .reduce(|a, b| KeyRange { first: a.first.min(b.first), last: a.last.max(b.last) })?;
    incoming.may_hold(right, &range).then(|| within(&range))
}

fn settle_unplaced(
    incoming: &mut Incoming,
    home: Option<&str>,
    rehousing: &mut Collector,
) -> Result<(), MergeError> {
    let Some(bounds) = shared(incoming, None, home) else {
        return Ok(());
    };
    let unplaced = incoming.rows(None, bounds.clone());
    let placed = incoming.rows(home, bounds);
    let mut keys = Vec::new();
    each_match(unplaced, placed, |row, _| {
        keys.push(Box::<[u8]>::from(row.key()));
        rehousing.push_into(home.map(str::to_owned), row.batch())?;
        Ok(())
    })?;
    for key in keys {
        incoming.skip(None, &key);
    }
    Ok(())
}

fn settle_pair(
    incoming: &mut Incoming,
    left: Option<&str>,
    right: Option<&str>,
) -> Result<(), MergeError> {
    let Some(bounds) = shared(incoming, left, right) else {
        return Ok(());
    };
    let precedence = incoming.precedence;
    let mut losers = Vec::new();
    let sides = (incoming.rows(left, bounds.clone()), incoming.rows(right, bounds));
    each_match(sides.0, sides.1, |a, b| {
        let (a_version, b_version) = (a.version(), b.version());
        // Judged in the order of reading, as versions within a partition are.
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
