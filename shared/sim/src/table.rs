//! Records of one stream in memory, ordered by rank and by time of change.
//!
//! A list of Harvest is answered from `ranked`, its order; a list with `updated_since` from
//! `changed`. Both are sorted vectors of keys: a page is cut from them by position, at once even
//! among a million entries. The price is paid by single changes, which move part of a vector;
//! `fill`, `edit_many` and `remove_all` change many records for the price of one pass.
//!
//! Invariant: both vectors have exactly one key for each record, with its current rank and its
//! current time of change. Records therefore change only through the methods here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::calendar::Moment;

/// Place of a record in a list: its rank or time of change, then its id, which makes places unique.
pub(crate) type RankKey = (i64, i64);

/// Record of a table.
pub(crate) trait Record {
    /// Id in Harvest.
    fn id(&self) -> i64;
    /// Rank in the list: the second of creation, or the day of a dated record. It may change with
    /// an edit.
    fn rank(&self) -> i64;
    /// Time of the last change.
    fn updated(&self) -> Moment;
    /// Moves the time of the last change on to `now`. A change that becomes visible late does not
    /// move it back.
    fn touch(&mut self, now: Moment);
}

/// Implements `Record` for types with `id`, `created` and `updated`, by themselves or in the part
/// that is named; the function returns the rank.
macro_rules! listed_by {
    ($rank:expr; $($record:ty $(: $part:ident)?),+) => {$(
        impl Record for $record {
            fn id(&self) -> i64 {
                self$(.$part)?.id
            }
            fn rank(&self) -> i64 {
                let rank: fn(&Self) -> i64 = $rank;
                rank(self)
            }
            fn updated(&self) -> Moment {
                self$(.$part)?.updated
            }
            fn touch(&mut self, now: Moment) {
                self$(.$part)?.updated = self.updated().max(now);
            }
        }
    )+};
}
pub(crate) use listed_by;

/// Rank of an undated record: the lowest of all, so that it is listed last and is in no range of
/// days.
pub(crate) const UNDATED: i64 = i64::MIN;

/// Records of one stream. Both orders are ascending; lists are read backwards.
#[derive(Clone, Debug)]
pub(crate) struct RecordTable<T> {
    /// Records by id.
    records: BTreeMap<i64, T>,
    /// Keys in the order of the list: rank, then id.
    ranked: Vec<RankKey>,
    /// Keys in the order of change: `updated_at`, then id.
    changed: Vec<RankKey>,
    /// Highest id so far, that of deleted records included.
    last_id: i64,
}

impl<T: Record> RecordTable<T> {
    /// Returns an empty table whose ids begin above `base`.
    pub(crate) const fn new(base: i64) -> Self {
        Self { records: BTreeMap::new(), ranked: Vec::new(), changed: Vec::new(), last_id: base }
    }

    /// Returns the next unused id. An id is never used again, and there are gaps between ids, so
    /// that a reader that counts from one id to the next fails.
    pub(crate) const fn claim_id(&mut self) -> i64 {
        self.last_id += 1 + self.last_id % 3;
        self.last_id
    }

    /// Returns the record with this id.
    pub(crate) fn get(&self, id: i64) -> Option<&T> {
        self.records.get(&id)
    }

    /// Returns the number of records.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns all records by id, lowest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.records.values()
    }

    /// Returns the id at `place` in the order of the list, oldest first.
    pub(crate) fn id_at(&self, place: usize) -> Option<i64> {
        self.ranked.get(place).map(|key| key.1)
    }

    /// Returns the smallest and the largest rank, without undated records.
    pub(crate) fn rank_range(&self) -> Option<(i64, i64)> {
        let first = self.ranked.get(self.ranked.partition_point(|key| key.0 == UNDATED))?;
        Some((first.0, self.ranked.last()?.0))
    }

    /// Adds many records at once, and sorts them only once.
    pub(crate) fn fill(&mut self, records: impl IntoIterator<Item = T>) {
        for record in records {
            self.last_id = self.last_id.max(record.id());
            self.ranked.push((record.rank(), record.id()));
            self.changed.push((record.updated().0, record.id()));
            self.records.insert(record.id(), record);
        }
        self.ranked.sort_unstable();
        self.changed.sort_unstable();
    }

    /// Adds a record, or replaces the one with its id.
    pub(crate) fn put(&mut self, record: T) {
        let id = record.id();
        self.remove(id);
        self.last_id = self.last_id.max(id);
        add(&mut self.ranked, (record.rank(), id));
        add(&mut self.changed, (record.updated().0, id));
        self.records.insert(id, record);
    }

    /// Removes a record and returns it. No trace of it is left: Harvest has no tombstones either.
    pub(crate) fn remove(&mut self, id: i64) -> Option<T> {
        let record = self.records.remove(&id)?;
        drop_key(&mut self.ranked, (record.rank(), id));
        drop_key(&mut self.changed, (record.updated().0, id));
        Some(record)
    }

    /// Removes many records in one pass over each order.
    pub(crate) fn remove_all(&mut self, ids: &BTreeSet<i64>) {
        self.records.retain(|id, _| !ids.contains(id));
        self.ranked.retain(|key| !ids.contains(&key.1));
        self.changed.retain(|key| !ids.contains(&key.1));
    }

    /// Changes a record and its time of change; returns `false` if no record has this id.
    pub(crate) fn edit(&mut self, id: i64, now: Moment, change: impl FnOnce(&mut T)) -> bool {
        self.edit_quietly(id, |record| {
            change(record);
            record.touch(now);
        })
    }

    /// Changes a record, but not its time of change, so that no `updated_since` finds it. For
    /// changes that do not move a record in Harvest. Returns `false` if no record has this id.
    pub(crate) fn edit_quietly(&mut self, id: i64, change: impl FnOnce(&mut T)) -> bool {
        // Removed and added again, because the change may alter the rank or the time of change.
        let Some(mut record) = self.remove(id) else {
            return false;
        };
        change(&mut record);
        self.put(record);
        true
    }

    /// Changes many records, each with its own argument, and sorts them only once.
    pub(crate) fn edit_many<C>(
        &mut self,
        changes: impl IntoIterator<Item = (i64, C)>,
        change: impl Fn(&mut T, C),
    ) {
        let mut any = false;
        for (id, what) in changes {
            if let Some(record) = self.records.get_mut(&id) {
                change(record, what);
                any = true;
            }
        }
        if any {
            let records = || self.records.values();
            self.ranked = records().map(|record| (record.rank(), record.id())).collect();
            self.changed = records().map(|record| (record.updated().0, record.id())).collect();
            self.ranked.sort_unstable();
            self.changed.sort_unstable();
        }
    }

    /// Returns the keys in list order (ascending) whose rank is in `ranks` (both ends included),
    /// and whose record changed at or after `since` and is kept by `keep`.
    ///
    /// Without `since` and `keep` the keys are borrowed. With `since` only the records that changed
    /// are looked at, which are few in an incremental pass.
    pub(crate) fn select(
        &self,
        ranks: Option<(i64, i64)>,
        since: Option<Moment>,
        keep: Option<&dyn Fn(&T) -> bool>,
    ) -> Cow<'_, [RankKey]> {
        let ranged = ranks.map_or(&*self.ranked, |(low, high)| {
            let start = self.ranked.partition_point(|key| key.0 < low);
            let end = self.ranked.partition_point(|key| key.0 <= high);
            self.ranked.get(start..end).unwrap_or_default()
        });
        let kept = |record: &T| keep.is_none_or(|keep| keep(record));
        if let Some(since) = since {
            let start = self.changed.partition_point(|key| key.0 < since.0);
            let mut found: Vec<RankKey> = (self.changed.iter().skip(start))
                .filter_map(|key| self.records.get(&key.1))
                .filter(|record| {
                    ranks.is_none_or(|(low, high)| (low..=high).contains(&record.rank()))
                })
                .filter(|record| kept(record))
                .map(|record| (record.rank(), record.id()))
                .collect();
            // The order of change is not that of the list.
            found.sort_unstable();
            return Cow::Owned(found);
        }
        if keep.is_none() {
            return Cow::Borrowed(ranged);
        }
        let matches = |key: &&RankKey| self.records.get(&key.1).is_some_and(&kept);
        Cow::Owned(ranged.iter().filter(matches).copied().collect())
    }
}

/// Inserts a key at its place.
fn add(keys: &mut Vec<RankKey>, key: RankKey) {
    let at = keys.partition_point(|other| *other < key);
    keys.insert(at, key);
}

/// Removes a key, if it is there.
fn drop_key(keys: &mut Vec<RankKey>, key: RankKey) {
    if let Ok(at) = keys.binary_search(&key) {
        keys.remove(at);
    }
}
