//! Checks the changes that merges write.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::*;

/// A change as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) sequence: i64,
    pub(super) op: String,
    pub(super) row: SampleRecord,
}

impl Table {
    /// Changes in these files, in the order of the files.
    pub(super) fn changes_of(&self, files: &[FileEntry]) -> Vec<Change> {
        let schema = TableSchema::changes_of(self.schema.spec);
        let mut changes = Vec::new();
        for file in files {
            assert_eq!(file.partition.as_deref(), Some("1970-01"));
            assert!(file.path.starts_with("changed_month=1970-01/1-"), "{}", file.path);
            assert!(file.rows <= self.limits.file_rows && file.keys.is_none());
            let bytes = block_on(self.store.get(&format!("{}/{}", schema.root(), file.path)));
            for rows in read(&schema, file, bytes.unwrap().unwrap()).unwrap() {
                let rows = rows.unwrap();
                assert_eq!(rows.schema(), schema.arrow);
                let ops = rows.column(0).as_string::<i32>().clone();
                let sequences = rows.column(2).as_primitive::<Int64Type>().clone();
                let rows = records(&schema, &rows).into_iter().enumerate();
                changes.extend(rows.map(|(at, row)| Change {
                    sequence: sequences.value(at),
                    op: ops.value(at).to_owned(),
                    row,
                }));
            }
        }
        assert_eq!(changes.len() as u64, files.iter().map(|file| file.rows).sum::<u64>());
        changes
    }
}

/// Expected changes from one state to the next, by key.
pub(super) fn expected(before: &Model, after: &Model) -> BTreeMap<Key, (String, SampleRecord)> {
    let of = |op: &str, row: &SampleRecord| (row.key.clone(), (op.to_owned(), row.clone()));
    let gone = before.values().filter(|row| !after.contains_key(&row.key)).map(|r| of("D", r));
    let came = after.values().filter_map(|row| match before.get(&row.key) {
        None => Some(of("I", row)),
        Some(old) if old != row => Some(of("U", row)),
        Some(_) => None,
    });
    gone.chain(came).collect()
}

/// Table that results from the changes.
pub(super) fn replay(changes: &[Change], until: i64) -> Model {
    let mut model = Model::new();
    let mut sorted: Vec<&Change> = changes.iter().filter(|c| c.sequence <= until).collect();
    sorted.sort_by_key(|change| change.sequence);
    for change in sorted {
        let before = if change.op == "D" {
            model.remove(&change.row.key)
        } else {
            model.insert(change.row.key.clone(), change.row.clone())
        };
        assert_eq!(before.is_none(), change.op == "I", "{change:?}");
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(32)))]

    #[test]
    fn replaying_changes_gives_the_table_at_every_sequence((spec, limits, steps) in any_history()) {
        let mut table = Table::new(spec, limits);
        let mut states = vec![table.check()];
        let mut changes = Vec::new();
        for step in steps {
            for partition in &step.compacted {
                table.compact(partition.as_ref());
            }
            let incoming = table.collect(&step.pages, step.memory);
            table.judge = step.judge;
            let merged = table.merge(&incoming, &step.coverage, step.allowed);
            let state = table.check();
            let said = table.changes_of(&merged.changes);
            let by_key: BTreeMap<Key, (String, SampleRecord)> = said
                .iter()
                .map(|change| (change.row.key.clone(), (change.op.clone(), change.row.clone())))
                .collect();
            prop_assert_eq!(by_key.len(), said.len(), "one change for each row");
            prop_assert_eq!(by_key, expected(&states[states.len() - 1], &state));
            if merged.counts.changes_rows() {
                states.push(state);
            }
            changes.extend(said);
        }
        for (sequence, state) in states.iter().enumerate() {
            prop_assert_eq!(&replay(&changes, i64::try_from(sequence).unwrap()), state);
        }
        let baseline = table.baseline();
        prop_assert!(baseline.iter().all(|change| change.op == "I"));
        let last = i64::try_from(states.len() - 1).unwrap();
        prop_assert!(baseline.iter().all(|change| change.sequence == last));
        prop_assert_eq!(replay(&baseline, last), table.check());
    }
}

impl Table {
    fn baseline(&self) -> Vec<Change> {
        let of = ChangesOf {
            schema: TableSchema::changes_of(self.schema.spec),
            at: Timestamp::UNIX_EPOCH,
            sequence: engine::ids::Sequence(self.sequence),
        };
        let store: Arc<dyn ObjectStore> = self.store.clone();
        let name = "1-base-b".to_owned();
        let begun = crate::changes::BaselineWriter::new(store, &self.schema, of, name, self.limits);
        let mut baseline = begun.unwrap();
        for file in &self.files {
            baseline = block_on(baseline.add(file)).unwrap();
        }
        self.changes_of(&block_on(baseline.finish()).unwrap())
    }
}

#[test]
fn a_row_that_moves_to_another_partition_is_one_update() {
    let mut table = Table::new(&MONTHLY, small());
    table.put(&[range(0..3, "2024-01")]);
    let moved = SampleRecord { updated_at: Some(1), ..record(1, "2024-02") };
    let merged = table.put(&[vec![moved.clone()]]);
    let changes = table.changes_of(&merged.changes);
    assert_eq!(changes, [Change { sequence: 2, op: "U".to_owned(), row: moved }]);
}

#[test]
fn rows_that_are_only_joined_or_read_again_are_no_changes() {
    let mut table = Table::new(&PLAIN, small());
    let linked = |id, to: &str| SampleRecord { link: Some(to.to_owned()), ..SampleRecord::new(id) };
    let mut held: Vec<_> = (0..12).map(SampleRecord::new).collect();
    held[1] = linked(1, "old");
    table.put(&[held]);
    let again = SampleRecord { synced_at: 8, ..linked(1, "new") };
    let newer = SampleRecord { updated_at: Some(1), synced_at: 8, ..SampleRecord::new(2) };
    let merged = table.put(&[vec![again, newer.clone(), SampleRecord::new(3)]]);
    let changes = table.changes_of(&merged.changes);
    assert_eq!(changes, [Change { sequence: 2, op: "U".to_owned(), row: newer }]);
}

#[test]
fn changes_beyond_the_size_of_a_file_are_several_files() {
    let mut table = Table::new(&MONTHLY, small());
    let merged = table.put(&[range(0..12, "2024-01"), range(20..33, "2024-02")]);
    assert_eq!(rows(&merged.changes), [10, 10, 5]);
    assert_eq!(table.changes_of(&merged.changes).len(), 25);
}
