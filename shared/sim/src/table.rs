//! Records of one stream in memory, ordered by rank and by time of change.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::calendar::Moment;

/// Place of a record in a list: its rank or time of change, then its id.
pub(crate) type RankKey = (i64, i64);

/// Record of a table.
pub(crate) trait Record {
    /// Id in Harvest.
    fn id(&self) -> i64;
    /// Rank in the list: the second of creation, or the day of a dated record.
    fn rank(&self) -> i64;
    /// Time of the last change.
    fn updated(&self) -> Moment;
    /// Sets the time of the last change.
    fn touch(&mut self, now: Moment);
}

/// Rank of an undated record, which is listed last and is in no range of days.
pub(crate) const UNDATED: i64 = i64::MIN;

/// Records of one stream. Its orders are ascending; lists are read backwards.
#[derive(Clone, Debug)]
pub(crate) struct RecordTable<T> {
    records: BTreeMap<i64, T>,
    ranked: Vec<RankKey>,
    changed: Vec<RankKey>,
    last_id: i64,
}

impl<T: Record> RecordTable<T> {
    /// Returns an empty table whose ids begin above `base`.
    pub(crate) const fn new(base: i64) -> Self {
        Self { records: BTreeMap::new(), ranked: Vec::new(), changed: Vec::new(), last_id: base }
    }

    /// Returns the next unused id. An id is never used again.
    pub(crate) const fn claim_id(&mut self) -> i64 {
        self.last_id += 1 + self.last_id % 3;
        self.last_id
    }

    /// The record with this id.
    pub(crate) fn get(&self, id: i64) -> Option<&T> {
        self.records.get(&id)
    }

    /// Number of records.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// All records by id.
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

    /// Removes a record.
    pub(crate) fn remove(&mut self, id: i64) -> Option<T> {
        let record = self.records.remove(&id)?;
        drop_key(&mut self.ranked, (record.rank(), id));
        drop_key(&mut self.changed, (record.updated().0, id));
        Some(record)
    }

    /// Removes many records.
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

    /// Changes a record, but not its time of change.
    pub(crate) fn edit_quietly(&mut self, id: i64, change: impl FnOnce(&mut T)) -> bool {
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

fn add(keys: &mut Vec<RankKey>, key: RankKey) {
    let at = keys.partition_point(|other| *other < key);
    keys.insert(at, key);
}

fn drop_key(keys: &mut Vec<RankKey>, key: RankKey) {
    if let Ok(at) = keys.binary_search(&key) {
        keys.remove(at);
    }
}
