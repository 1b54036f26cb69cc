use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use delta::store::MemoryStore;
use engine::coverage::RowFacts;
use engine::key::{Key, KeyPart};
use engine::pass::Pass;
use engine::precedence::Precedence;
use engine::present::Present;
use engine::spec::{StreamKind, StreamSpec};
use engine::window::Period;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use super::*;
use crate::changes::ChangesOf;
use crate::collect::Collector;
use crate::partition::read;
use crate::partition::tests::{
    CHILDREN, MONTHLY, PLAIN, REPORT, SampleRecord, any_record, batch, block_on, check_stats,
    records,
};

mod changes;
mod patch;

/// Expected content of the table.
type Model = BTreeMap<Key, SampleRecord>;

/// Table whose commits always succeed.
struct Table {
    schema: TableSchema,
    store: Arc<MemoryStore>,
    files: Vec<FileEntry>,
    limits: FileLimits,
    merges: u32,
    sequence: u64,
    judge: PrecedenceRules,
}

impl Table {
    fn new(spec: &'static StreamSpec, limits: FileLimits) -> Self {
        let schema = TableSchema::of(spec);
        let store = Arc::new(MemoryStore::new());
        Self {
            schema,
            store,
            files: Vec::new(),
            limits,
            merges: 0,
            sequence: 0,
            judge: judge(Pass::Incremental, 1 << 40),
        }
    }

    fn collect(&self, pages: &[Vec<SampleRecord>], memory: usize) -> Arc<CollectedRows> {
        let mut collector = Collector::new(&self.schema, None, memory).unwrap();
        for page in pages {
            collector.push(batch(&self.schema, page)).unwrap();
        }
        Arc::new(collector.finish().unwrap())
    }

    fn job(
        &self,
        incoming: &Arc<CollectedRows>,
        coverage: &Coverage,
        max_deletes: u64,
    ) -> MergeJob {
        MergeJob {
            schema: self.schema.clone(),
            root: "tables/things".to_owned(),
            files: self.files.clone(),
            incoming: Arc::clone(incoming),
            coverage: coverage.clone(),
            judge: self.judge,
            max_deletes,
            name: format!("1-{}-a", self.merges),
            now: Timestamp::UNIX_EPOCH,
            limits: self.limits,
            changes: Some(ChangesOf {
                schema: TableSchema::changes_of(self.schema.spec),
                at: Timestamp::UNIX_EPOCH,
                sequence: engine::ids::Sequence(self.sequence + 1),
            }),
        }
    }

    fn merge(
        &mut self,
        incoming: &Arc<CollectedRows>,
        coverage: &Coverage,
        allowed: u64,
    ) -> MergeOutcome {
        self.merges += 1;
        let job = self.job(incoming, coverage, allowed);
        let merged = block_on(merge(self.store.clone(), job)).unwrap();
        for gone in &merged.remove {
            let before = self.files.len();
            self.files.retain(|file| file.path != gone.path);
            assert_eq!(self.files.len() + 1, before, "{} was a file of the table", gone.path);
        }
        self.files.extend(merged.add.iter().cloned());
        self.sequence += u64::from(merged.counts.changes_rows());
        let RowCounts { inserted, updated, deleted, .. } = merged.counts;
        let changed: u64 = merged.changes.iter().map(|file| file.rows).sum();
        assert_eq!(changed, inserted + updated + deleted);
        assert_eq!(merged.rows, self.files.iter().map(|file| file.rows).sum::<u64>());
        merged
    }

    fn put(&mut self, merged: &[Vec<SampleRecord>]) -> MergeOutcome {
        let incoming = self.collect(merged, usize::MAX);
        self.merge(&incoming, &Coverage::Nothing, 0)
    }

    fn rows_of(&self, file: &FileEntry) -> Vec<RecordBatch> {
        let bytes = block_on(self.store.get(&format!("tables/things/{}", file.path)));
        read(&self.schema, file, bytes.unwrap().unwrap()).unwrap().map(Result::unwrap).collect()
    }

    fn records_of(&self, file: &FileEntry) -> Vec<SampleRecord> {
        self.rows_of(file).iter().flat_map(|rows| records(&self.schema, rows)).collect()
    }

    /// Checks each file against its entry and its neighbours, and returns all rows.
    fn check(&self) -> Model {
        let mut held = Model::new();
        let mut ranges: BTreeMap<Option<String>, Vec<(Key, Key)>> = BTreeMap::new();
        for file in &self.files {
            let rows = self.records_of(file);
            assert_eq!(rows.len() as u64, file.rows);
            if let Some((first, last)) = &file.keys {
                assert!(rows.is_sorted_by(|a, b| a.key < b.key), "{rows:?}");
                assert_eq!((first, last), (&rows[0].key, &rows[rows.len() - 1].key));
                assert!(file.rows <= self.limits.file_rows);
                check_stats(&file.stats, &rows);
                let range = (first.clone(), last.clone());
                ranges.entry(file.partition.clone()).or_default().push(range);
                let folder = match (self.schema.spec.partition.column(), &file.partition) {
                    (None, _) => String::new(),
                    (Some(column), value) => {
                        let value = value.as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__");
                        format!("{column}={value}/")
                    }
                };
                assert!(file.path.starts_with(&format!("{folder}1-")), "{}", file.path);
            }
            for row in rows {
                assert_eq!(row.partition, file.partition);
                assert!(held.insert(row.key.clone(), row).is_none(), "each record once");
            }
        }
        for mut ranges in ranges.into_values() {
            ranges.sort();
            assert!(ranges.is_sorted_by(|(_, last), (first, _)| last < first), "{ranges:?}");
        }
        held
    }

    /// Compacts a partition like another engine: one file, rows in reverse order, without our tags.
    fn compact(&mut self, partition: Option<&String>) {
        if !self.append(partition) {
            return;
        }
        // The last file is the copy of all of them.
        let copy = self.files.pop();
        self.files.retain(|file| file.partition.as_ref() != partition);
        self.files.extend(copy);
    }

    /// Appends the rows of a partition once more, like another engine that puts a backup back: one file,
    /// rows in reverse order, without our tags. Returns `false` if there are none.
    fn append(&mut self, partition: Option<&String>) -> bool {
        let of_partition = |file: &&FileEntry| file.partition.as_ref() == partition;
        let mut ours: Vec<_> = self.files.iter().filter(of_partition).cloned().collect();
        ours.sort_by(|a, b| b.keys.cmp(&a.keys));
        let rows: Vec<_> = ours.iter().flat_map(|file| self.rows_of(file)).collect();
        let Some(first) = rows.first() else { return false };
        let mut rows = concat_batches(&first.schema(), &rows).unwrap();
        if let Some(name) = self.schema.spec.partition.column() {
            rows.remove_column(self.schema.arrow.index_of(name).unwrap());
        }
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        self.merges += 1;
        let path = format!("compacted-{}.parquet", self.merges);
        block_on(self.store.put(&format!("tables/things/{path}"), bytes.clone().into())).unwrap();
        self.files.push(FileEntry {
            path,
            partition: partition.cloned(),
            size: bytes.len() as u64,
            modified: Timestamp::UNIX_EPOCH,
            rows: rows.num_rows() as u64,
            stats: String::new(),
            keys: None,
            sha256: None,
        });
        true
    }
}

/// Judge of a pass for which instants from `future` microseconds on are in the future.
fn judge(pass: Pass, future: i64) -> PrecedenceRules {
    let slack = 60_000_000_000;
    let now = Timestamp::from_nanosecond(i128::from(future) * 1000 - 1 - slack).unwrap();
    PrecedenceRules { precedence: Precedence::of(pass), present: Present::ours(now) }
}

fn replaces(precedence: Precedence, new: &SampleRecord, old: &SampleRecord) -> bool {
    let newest_change = match (new.updated_at, old.updated_at) {
        (Some(ours), Some(theirs)) if ours != theirs => Some(ours > theirs),
        _ => None,
    };
    match precedence {
        Precedence::NewestChange => newest_change.unwrap_or(new.synced_at >= old.synced_at),
        Precedence::NewestRead if new.synced_at == old.synced_at => newest_change.unwrap_or(true),
        Precedence::NewestRead => new.synced_at > old.synced_at,
    }
}

/// The table's row as it counts in the comparison: one read in the future counts as the oldest.
fn as_it_counts(judge: &PrecedenceRules, row: &SampleRecord) -> SampleRecord {
    let at = Timestamp::from_microsecond(row.synced_at).unwrap();
    let synced_at = if judge.present.is_future(at) { i64::from(i32::MIN) } else { row.synced_at };
    SampleRecord { synced_at, ..row.clone() }
}

/// Newest version of each key that a run brought.
fn newest(pages: &[Vec<SampleRecord>], precedence: Precedence) -> Model {
    let mut by_key: BTreeMap<Key, BTreeMap<Option<String>, Vec<SampleRecord>>> = BTreeMap::new();
    for record in pages.iter().flatten() {
        let places = by_key.entry(record.key.clone()).or_default();
        places.entry(record.partition.clone()).or_default().push(record.clone());
    }
    let settled = by_key.into_iter().map(|(key, mut places)| {
        if places.len() > 1
            && let Some(unplaced) = places.remove(&None)
        {
            // Of the versions without a partition, the winner joins another partition.
            let (home, list) = places.iter_mut().next().unwrap();
            let mut joined = fold(unplaced, precedence);
            joined.partition.clone_from(home);
            list.push(joined);
        }
        let winners = places.into_values().map(|versions| fold(versions, precedence));
        let winner = winners.reduce(|a, b| {
            let b_wins = if a.synced_at <= b.synced_at {
                replaces(precedence, &b, &a)
            } else {
                !replaces(precedence, &a, &b)
            };
            if b_wins { b } else { a }
        });
        (key, winner.unwrap())
    });
    settled.collect()
}

fn fold(mut versions: Vec<SampleRecord>, precedence: Precedence) -> SampleRecord {
    versions.sort_by_key(|record| record.synced_at);
    let winner = versions
        .into_iter()
        .reduce(|old, new| if replaces(precedence, &new, &old) { new } else { old });
    winner.unwrap()
}

/// Applies the expected effect of a merge to the model.
fn apply(
    model: &mut Model,
    spec: &StreamSpec,
    pages: &[Vec<SampleRecord>],
    coverage: &Coverage,
    allowed: u64,
    judge: &PrecedenceRules,
) -> (RowCounts, u64) {
    let incoming = newest(pages, judge.precedence);
    let mut counts = RowCounts::default();
    let covered = |row: &&SampleRecord| {
        let row = as_it_counts(judge, row);
        !incoming.contains_key(&row.key) && coverage.deletes(&held(&row, spec))
    };
    let candidates: Vec<Key> = model.values().filter(covered).map(|row| row.key.clone()).collect();
    let refused = if candidates.len() as u64 > allowed { candidates.len() as u64 } else { 0 };
    if refused == 0 {
        counts.deleted = candidates.len() as u64;
        for key in &candidates {
            model.remove(key);
        }
    }
    for (key, mut record) in incoming {
        let Some(old) = model.get(&key) else {
            counts.inserted += 1;
            model.insert(key, record);
            continue;
        };
        if record.partition.is_none() {
            record.partition.clone_from(&old.partition);
        }
        let moves = record.partition != old.partition;
        let newer = replaces(judge.precedence, &record, &as_it_counts(judge, old));
        if newer && (moves || !record.same_content(old, spec)) {
            counts.updated += 1;
            model.insert(key, record);
        } else {
            counts.unchanged += 1;
        }
    }
    (counts, refused)
}

fn held(row: &SampleRecord, spec: &StreamSpec) -> RowFacts {
    let period = match row.key.0.as_slice() {
        [KeyPart::Day(start), KeyPart::Day(end), ..] => Some(Period { start: *start, end: *end }),
        _ => None,
    };
    RowFacts {
        id: match row.key.0.as_slice() {
            [KeyPart::Int(id)] => Some(*id),
            _ => None,
        },
        parent: matches!(spec.kind, StreamKind::PerParent(_)).then_some(row.parent),
        period,
        synced_at: Timestamp::from_microsecond(row.synced_at).unwrap(),
    }
}

/// A merge, or a compaction by another engine before it.
#[derive(Clone, Debug)]
struct Step {
    pages: Vec<Vec<SampleRecord>>,
    coverage: Coverage,
    allowed: u64,
    memory: usize,
    compacted: Vec<Option<String>>,
    judge: PrecedenceRules,
}

fn any_step(spec: &'static StreamSpec) -> impl Strategy<Value = Step> {
    let page = prop::collection::vec(any_record(spec), 1..12);
    let pages = prop::collection::vec(page, 0..6);
    let memory = prop::sample::select(vec![0, 6_000, usize::MAX]);
    let allowed = prop::sample::select(vec![0, 3, 1000]);
    let compacted = any_record(spec).prop_map(|r| r.partition);
    let compacted = prop::collection::vec(compacted, 0..2);
    let pass = prop::sample::select(vec![Pass::Incremental, Pass::Full]);
    let judge = (pass, 2..16_i64).prop_map(|(pass, future)| judge(pass, future));
    (pages, any_coverage(spec), allowed, memory, compacted, judge).prop_map(
        |(pages, coverage, allowed, memory, compacted, judge)| Step {
            pages,
            coverage,
            allowed,
            memory,
            compacted,
            judge,
        },
    )
}

fn any_coverage(spec: &'static StreamSpec) -> BoxedStrategy<Coverage> {
    let begun = || (0..12_i64).prop_map(|at| Timestamp::from_microsecond(at).unwrap());
    let whole = begun().prop_map(|begun| Coverage::Whole { begun });
    match spec.kind {
        StreamKind::Listing(_) | StreamKind::Snapshot(_) => {
            let ids = prop::collection::btree_set(0..40_i64, 0..12);
            let records = (ids, begun()).prop_map(|(ids, begun)| Coverage::Records { ids, begun });
            prop_oneof![Just(Coverage::Nothing), whole, records].boxed()
        }
        StreamKind::PerParent(_) => {
            let parents = prop::collection::btree_map(0..6_i64, begun(), 0..4);
            prop_oneof![Just(Coverage::Nothing), whole, parents.prop_map(Coverage::Parents)].boxed()
        }
        StreamKind::ReportWindow(_) => {
            let period = any_record(spec).prop_filter_map("a window", |record| {
                if let [KeyPart::Day(start), KeyPart::Day(end), ..] = record.key.0.as_slice() {
                    Some(Period { start: *start, end: *end })
                } else {
                    None
                }
            });
            let windows = prop::collection::btree_map(period, begun(), 0..3);
            prop_oneof![Just(Coverage::Nothing), windows.prop_map(Coverage::Windows)].boxed()
        }
    }
}

fn any_history() -> impl Strategy<Value = (&'static StreamSpec, FileLimits, Vec<Step>)> {
    let specs = prop::sample::select(vec![&PLAIN, &MONTHLY, &CHILDREN, &REPORT]);
    let sizes = prop::sample::select(vec![(4, 2, 3), (8, 4, 3), (30, 15, 100)]);
    let copied = prop::sample::select(vec![1, 3, u64::MAX]);
    (specs, sizes, copied).prop_flat_map(|(spec, (file_rows, joined_rows, group_rows), copied)| {
        let limits = FileLimits {
            file_rows,
            joined_rows,
            group_rows,
            sort_bytes: 2_000,
            copied_rows: copied,
            ..FileLimits::default()
        };
        (Just(spec), Just(limits), prop::collection::vec(any_step(spec), 1..5))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(32)))]

    #[test]
    fn a_table_holds_what_the_rules_say((spec, limits, steps) in any_history()) {
        let mut table = Table::new(spec, limits);
        let mut model = Model::new();
        for step in steps {
            for partition in &step.compacted {
                table.compact(partition.as_ref());
            }
            let incoming = table.collect(&step.pages, step.memory);
            let before = model.clone();
            let (counts, refused) =
                apply(&mut model, spec, &step.pages, &step.coverage, step.allowed, &step.judge);
            table.judge = step.judge;
            let merged = table.merge(&incoming, &step.coverage, step.allowed);
            prop_assert_eq!(&table.check(), &model);
            prop_assert_eq!(merged.counts, counts);
            prop_assert_eq!(merged.refused_deletes, refused);
            prop_assert_eq!(merged.changes_files(), model != before);

            let again = table.merge(&incoming, &step.coverage, step.allowed);
            prop_assert!(!again.changes_files(), "merged twice: {:?}", again);
            prop_assert!(!again.counts.changes_rows());
            prop_assert_eq!(again.counts.unchanged, counts.inserted + counts.updated + counts.unchanged);
        }
    }
}

/// Number of test cases: `few`, unless `PROPTEST_CASES` sets another.
fn cases(few: u32) -> u32 {
    option_env!("PROPTEST_CASES").and_then(|cases| cases.parse().ok()).unwrap_or(few)
}

fn record(id: i64, month: &str) -> SampleRecord {
    SampleRecord { partition: Some(month.to_owned()), ..SampleRecord::new(id) }
}

fn range(ids: core::ops::Range<i64>, month: &str) -> Vec<SampleRecord> {
    ids.map(|id| record(id, month)).collect()
}

fn small() -> FileLimits {
    FileLimits { file_rows: 10, joined_rows: 5, group_rows: 4, ..FileLimits::default() }
}

fn rows(files: &[FileEntry]) -> Vec<u64> {
    files.iter().map(|file| file.rows).collect()
}

#[test]
fn a_full_file_splits_in_equal_parts() {
    let mut table = Table::new(&MONTHLY, small());
    assert_eq!(rows(&table.put(&[range(0..21, "2024-01")]).add), [7, 7, 7]);
    table.check();
}

#[test]
fn only_the_file_that_a_key_belongs_to_is_written() {
    let mut table = Table::new(&MONTHLY, small());
    table.put(&[range(0..20, "2024-01"), range(100..110, "2024-02")]);
    let newer = SampleRecord { updated_at: Some(1), ..record(15, "2024-01") };
    let merged = table.put(&[vec![newer]]);
    assert_eq!((merged.add.len(), merged.remove.len()), (1, 1));
    assert_eq!(merged.counts, RowCounts { updated: 1, ..RowCounts::default() });
    assert_eq!(merged.remove[0].keys, Some((Key::id(10), Key::id(19))));
}

#[test]
fn rows_that_another_engine_appended_again_are_there_once() {
    let mut table = Table::new(&MONTHLY, small());
    let all = [range(0..20, "2024-01"), range(100..103, "2024-02")];
    table.put(&all);
    table.append(Some(&"2024-01".to_owned()));
    // The same is read again: nothing differs but the number of rows.
    let merged = table.put(&all);
    assert_eq!(merged.counts, RowCounts { unchanged: 23, ..RowCounts::default() });
    assert_eq!((rows(&merged.add), merged.remove.len()), (vec![10, 10], 3));
    assert_eq!(table.check().len(), 23);
}

#[test]
fn small_neighbours_join_when_one_is_written() {
    let mut table = Table::new(&PLAIN, small());
    let all: Vec<SampleRecord> = (0..12).map(SampleRecord::new).collect();
    assert_eq!(rows(&table.put(std::slice::from_ref(&all)).add), [6, 6]);
    // The second reading has only 2 and 3 rows of the two files, so the others are deleted.
    let kept: Vec<SampleRecord> =
        [0, 1, 6, 7, 8].map(|id| SampleRecord { synced_at: 9, ..SampleRecord::new(id) }).into();
    let coverage = Coverage::Whole { begun: Timestamp::from_microsecond(5).unwrap() };
    let incoming = table.collect(&[kept], usize::MAX);
    let merged = table.merge(&incoming, &coverage, 100);
    assert_eq!(merged.counts, RowCounts { deleted: 7, unchanged: 5, ..RowCounts::default() });
    assert_eq!((rows(&merged.add), merged.remove.len()), (vec![5], 2));
    table.check();
}

#[test]
fn a_neighbour_that_joins_without_changes_is_counted_once() {
    let mut table = Table::new(&PLAIN, small());
    table.put(&[(0..12).map(SampleRecord::new).collect()]);
    let kept = table.collect(&[[0, 1, 6, 7].map(SampleRecord::new).into()], usize::MAX);
    let coverage = Coverage::Whole { begun: Timestamp::from_microsecond(5).unwrap() };
    let limits = table.limits;
    table.limits = FileLimits { joined_rows: 0, ..limits };
    table.merge(&kept, &coverage, 100);
    assert_eq!(rows(&table.files), [2, 2]);
    table.limits = limits;
    let newer = SampleRecord { updated_at: Some(1), ..SampleRecord::new(7) };
    let merged = table.put(&[vec![SampleRecord::new(0), SampleRecord::new(1), newer]]);
    assert_eq!(rows(&merged.add), [4]);
    assert_eq!(merged.counts, RowCounts { updated: 1, unchanged: 2, ..RowCounts::default() });
}

#[test]
fn an_emptied_file_is_only_removed() {
    let mut table = Table::new(&PLAIN, small());
    table.put(&[(0..12).map(SampleRecord::new).collect()]);
    let kept = table.collect(&[(0..6).map(SampleRecord::new).collect()], usize::MAX);
    let coverage = Coverage::Whole { begun: Timestamp::from_microsecond(5).unwrap() };
    let merged = table.merge(&kept, &coverage, 6);
    assert_eq!((merged.add.len(), merged.remove.len(), merged.rows), (0, 1, 6));
}

#[test]
fn a_refused_deletion_still_upserts_and_deletes_nothing() {
    let mut table = Table::new(&PLAIN, small());
    table.put(&[(0..8).map(SampleRecord::new).collect()]);
    let newer = SampleRecord { updated_at: Some(1), ..SampleRecord::new(3) };
    let incoming = table.collect(&[vec![newer, SampleRecord::new(20)]], usize::MAX);
    let coverage = Coverage::Whole { begun: Timestamp::from_microsecond(5).unwrap() };
    let merged = table.merge(&incoming, &coverage, 6);
    assert_eq!(merged.refused_deletes, 7);
    assert_eq!(merged.counts, RowCounts { inserted: 1, updated: 1, ..RowCounts::default() });
    assert_eq!(table.check().len(), 9);
    assert_eq!(table.merge(&incoming, &coverage, 7).counts.deleted, 7);
    assert_eq!(table.check().len(), 2);
}

#[test]
fn a_row_written_as_the_reading_began_is_not_deleted() {
    let mut table = Table::new(&PLAIN, small());
    table.put(&[vec![SampleRecord { synced_at: 5, ..SampleRecord::new(1) }]]);
    let nothing = table.collect(&[], usize::MAX);
    // The column holds whole microseconds; the reading began within one.
    let begun = Timestamp::from_nanosecond(5_700).unwrap();
    assert_eq!(table.merge(&nothing, &Coverage::Whole { begun }, 9).counts.deleted, 0);
    let begun = Timestamp::from_nanosecond(6_000).unwrap();
    assert_eq!(table.merge(&nothing, &Coverage::Whole { begun }, 9).counts.deleted, 1);
}

#[test]
fn equal_content_leaves_synced_at_and_links_alone() {
    let mut table = Table::new(&PLAIN, small());
    table.put(&[vec![SampleRecord { link: Some("old".to_owned()), ..SampleRecord::new(1) }]]);
    let again = SampleRecord { link: Some("new".to_owned()), synced_at: 8, ..SampleRecord::new(1) };
    let merged = table.put(&[vec![again]]);
    assert!(!merged.changes_files());
    assert_eq!(merged.counts, RowCounts { unchanged: 1, ..RowCounts::default() });
    // As by an exclusion that was set later.
    let merged = table.put(&[vec![SampleRecord { synced_at: 9, ..SampleRecord::new(1) }]]);
    assert_eq!(merged.counts, RowCounts { updated: 1, ..RowCounts::default() });
    assert_eq!(table.check().len(), 1);
}

/// Few rows that come again are compared with their old versions alone, wherever these are in the file.
#[test]
fn a_change_among_few_rows_is_found_wherever_it_is() {
    // Even ids, so that odd ones are missing; several row groups, and batches of four rows.
    let held = || (0..40).step_by(2).map(|id| record(id, "2024-01")).collect::<Vec<_>>();
    let limits = FileLimits { file_rows: 100, ..small() };
    for ids in [[0, 2, 4], [0, 18, 38], [6, 10, 14], [8, 10, 38], [34, 36, 38]] {
        let again = ids.map(|id| SampleRecord { synced_at: 8, ..record(id, "2024-01") });
        let mut table = Table::new(&MONTHLY, limits);
        table.put(&[held()]);
        let merged = table.put(&[again.to_vec()]);
        assert!(!merged.changes_files(), "{ids:?}");
        assert_eq!(merged.counts, RowCounts { unchanged: 3, ..RowCounts::default() });
        for changed in 0..3 {
            let mut table = Table::new(&MONTHLY, limits);
            table.put(&[held()]);
            let mut rows = again.clone();
            rows[changed].note = Some("new".to_owned());
            let merged = table.put(&[rows.to_vec()]);
            let counts = RowCounts { updated: 1, unchanged: 2, ..RowCounts::default() };
            assert_eq!(merged.counts, counts, "{ids:?}, {changed}");
            assert_eq!(table.check().len(), 20);
        }
        let mut table = Table::new(&MONTHLY, limits);
        table.put(&[held()]);
        let merged = table.put(&[vec![record(ids[2] + 1, "2024-01"), again[0].clone()]]);
        assert_eq!(merged.counts, RowCounts { inserted: 1, unchanged: 1, ..RowCounts::default() });
        assert_eq!(table.check().len(), 21);
    }
}

#[test]
fn a_name_that_another_merge_took_is_not_reused() {
    let mut table = Table::new(&PLAIN, small());
    let first = table.collect(&[vec![SampleRecord::new(1)]], usize::MAX);
    let job = table.job(&first, &Coverage::Nothing, 0);
    let lost = block_on(merge(table.store.clone(), job.clone())).unwrap();
    let repeated = block_on(merge(table.store.clone(), job)).unwrap();
    assert_eq!(lost, repeated, "the same rows are the same file");
    let other = table.collect(&[vec![SampleRecord::new(2)]], usize::MAX);
    let job = table.job(&other, &Coverage::Nothing, 0);
    let merged = block_on(merge(table.store.clone(), job)).unwrap();
    assert_ne!(merged.add[0].path, lost.add[0].path);
    table.files = merged.add;
    assert_eq!(table.check().into_keys().collect::<Vec<_>>(), [Key::id(2)]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let mut table = Table::new(&PLAIN, small());
    table.put(&[vec![SampleRecord::new(1)]]);
    table.store = Arc::new(MemoryStore::new());
    let incoming = table.collect(&[vec![SampleRecord::new(1)]], usize::MAX);
    let job = table.job(&incoming, &Coverage::Nothing, 0);
    let error = block_on(merge(table.store.clone(), job)).unwrap_err();
    assert!(error.to_string().contains(&table.files[0].path), "{error}");
}

#[test]
fn files_without_covered_rows_are_not_opened() {
    let mut table = Table::new(&CHILDREN, small());
    let child = |id: i64, parent: i64, year: &str| SampleRecord { parent, ..record(id, year) };
    table.put(&[vec![child(1, 10, "2020"), child(2, 20, "2021")]]);
    let year = table.files.iter().position(|f| f.partition.as_deref() == Some("2021")).unwrap();
    // Opening the file would fail.
    table.files[year].path = "absent".to_owned();
    let begun = Timestamp::from_microsecond(5).unwrap();
    let coverage = Coverage::Parents([(10, begun)].into());
    let nothing = table.collect(&[], usize::MAX);
    assert_eq!(table.merge(&nothing, &coverage, 9).counts.deleted, 1);
    let paths: BTreeSet<_> = table.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths.into_iter().collect::<Vec<_>>(), ["absent"]);
}

#[test]
fn after_a_full_pass_the_table_has_what_harvest_returned_last_also_where_it_went_back() {
    let version = |updated_at: i64, synced_at: i64| SampleRecord {
        updated_at: Some(updated_at),
        synced_at,
        ..SampleRecord::new(1)
    };
    let check = |pass, held: SampleRecord, pages: &[Vec<SampleRecord>], expected: &SampleRecord| {
        let mut table = Table::new(&PLAIN, small());
        table.put(&[vec![held]]);
        table.judge = judge(pass, 100);
        table.put(pages);
        assert_eq!(table.check().into_values().collect::<Vec<_>>(), std::slice::from_ref(expected));
    };
    // Harvest was restored from a backup and serves an older version.
    let (held, older) = (version(7, 1), version(3, 5));
    check(Pass::Full, held.clone(), &[vec![older.clone()]], &older);
    check(Pass::Incremental, held.clone(), &[vec![older.clone()]], &held);
    // An incremental pass brought the row after the sweep's page was requested.
    check(Pass::Full, version(3, 9), &[vec![version(7, 5)]], &version(3, 9));
    // A record that moved between pages was read twice; the version read last counts.
    let twice = [vec![version(7, 5)], vec![version(3, 6)]];
    check(Pass::Full, version(1, 1), &twice, &version(3, 6));
    check(Pass::Incremental, version(1, 1), &twice, &version(7, 5));
    // A clock that was ahead wrote the row, so its time of reading counts as the oldest.
    check(Pass::Full, version(7, 500), std::slice::from_ref(&vec![older.clone()]), &older);
    check(Pass::Incremental, version(3, 500), &[vec![version(3, 5)]], &version(3, 500));
}
