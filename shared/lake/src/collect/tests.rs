use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Int64Array, StringArray};
use engine::key::Key;
use engine::precedence::Precedence;
use proptest::prelude::*;

use super::*;
use crate::partition::tests::{MONTHLY, PLAIN, REPORT, SampleRecord, any_record, batch, records};

fn collected(schema: &TableSchema, pages: &[Vec<SampleRecord>], memory: usize) -> CollectedRows {
    let mut collector = Collector::new(schema, None, memory).unwrap();
    for page in pages {
        collector.push(batch(schema, page)).unwrap();
    }
    collector.finish().unwrap()
}

fn all(schema: &TableSchema, rows: &CollectedRows) -> BTreeMap<Option<String>, Vec<SampleRecord>> {
    let partitions = rows.partitions().map(|name| name.map(str::to_owned));
    let read = |name: &Option<String>| {
        rows.partition(name.as_deref(), Precedence::NewestChange)
            .flat_map(|rows| records(schema, &rows.unwrap()))
            .collect()
    };
    partitions.map(|name| (name.clone(), read(&name))).collect()
}

fn pages() -> impl Strategy<Value = (TableSchema, Vec<Vec<SampleRecord>>)> {
    prop::sample::select(vec![&PLAIN, &MONTHLY, &REPORT]).prop_flat_map(|spec| {
        let page = prop::collection::vec(any_record(spec), 1..12);
        (Just(TableSchema::of(spec)), prop::collection::vec(page, 0..8))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn spilled_rows_are_those_in_memory((schema, pages) in pages()) {
        let memory = collected(&schema, &pages, usize::MAX);
        let spilled = collected(&schema, &pages, 0);
        let some = collected(&schema, &pages, 9_000);
        let rows = all(&schema, &memory);
        prop_assert_eq!(&rows, &all(&schema, &spilled));
        prop_assert_eq!(&rows, &all(&schema, &some));
        prop_assert_eq!(&rows, &all(&schema, &spilled), "they can be read again");
        let pushed: usize = pages.iter().map(Vec::len).sum();
        prop_assert_eq!(spilled.rows(), pushed as u64);
        for (name, list) in &rows {
            prop_assert!(list.is_sorted_by(|a, b| a.key < b.key));
            let keys = pages.iter().flatten().filter(|r| r.partition == *name).map(|r| &r.key);
            let keys: BTreeSet<_> = keys.collect();
            prop_assert_eq!(list.iter().map(|r| &r.key).collect::<Vec<_>>(), keys.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn bounds_cut_exactly((schema, pages) in pages(), from in 0..9_usize, below in 0..9_usize) {
        let rows = collected(&schema, &pages, 9_000);
        for (name, list) in all(&schema, &rows) {
            let bytes = |at: usize| list.get(at).and_then(|r| rows.layout().key_bytes(&r.key));
            let bounds = KeyBounds { from: bytes(from), below: bytes(below) };
            let key = |at: usize| list.get(at).map(|r| &r.key);
            let inside = list.iter().filter(|r| {
                key(from).is_none_or(|from| r.key >= *from) && key(below).is_none_or(|below| r.key < *below)
            });
            let expected: Vec<Key> = inside.map(|r| r.key.clone()).collect();
            prop_assert!(rows.rows_within(name.as_deref(), &bounds) >= expected.len() as u64);
            let sorted = SpillMerge::new(rows.layout(), rows.runs(), name.as_deref(), bounds, None, KeyVersions::Newest(Precedence::NewestChange));
            let got = sorted.flat_map(|batch| records(&schema, &batch.unwrap()));
            prop_assert_eq!(got.map(|r| r.key).collect::<Vec<_>>(), expected);
        }
    }
}

#[test]
fn the_newest_version_of_a_key_wins() {
    let schema = TableSchema::of(&PLAIN);
    let version = |updated_at: Option<i64>, synced_at: i64, note: &str| SampleRecord {
        updated_at,
        synced_at,
        note: Some(note.to_owned()),
        ..SampleRecord::new(1)
    };
    let check = |versions: &[SampleRecord], winner: &str| {
        for memory in [0, usize::MAX] {
            let pages: Vec<Vec<SampleRecord>> = versions.iter().map(|v| vec![v.clone()]).collect();
            let rows = all(&schema, &collected(&schema, &pages, memory));
            assert_eq!(rows[&None][0].note.as_deref(), Some(winner), "{versions:?}");
        }
    };
    check(&[version(Some(2), 1, "newer"), version(Some(1), 9, "older")], "newer");
    check(&[version(Some(2), 9, "read later"), version(Some(2), 1, "earlier")], "read later");
    check(&[version(Some(2), 1, "pushed first"), version(Some(2), 1, "then")], "then");
    check(&[version(Some(9), 1, "known"), version(None, 2, "read later")], "read later");
    check(&[version(None, 2, "read later"), version(Some(9), 1, "known")], "read later");
}

#[test]
fn many_rows_come_out_in_order() {
    let schema = TableSchema::of(&PLAIN);
    let page =
        |seed: i64| (0..3000).map(|id| SampleRecord::new((id * 7919 + seed) % 12_000)).collect();
    let pages: Vec<Vec<SampleRecord>> = (0..4).map(|seed| page(seed * 3001)).collect();
    for memory in [0, usize::MAX] {
        let rows = all(&schema, &collected(&schema, &pages, memory));
        assert!(rows[&None].is_sorted_by(|a, b| a.key < b.key));
        let keys: BTreeSet<_> = pages.iter().flatten().map(|r| &r.key).collect();
        assert_eq!(rows[&None].len(), keys.len());
    }
}

#[test]
fn a_full_scratch_folder_is_told_apart() {
    let schema = TableSchema::of(&PLAIN);
    let absent = PathBuf::from("/nonexistent/folder");
    let mut collector = Collector::new(&schema, Some(absent), 0).unwrap();
    let error = collector.push(batch(&schema, &[SampleRecord::new(1)])).unwrap_err();
    assert!(matches!(error, CollectError::Scratch(_)), "{error:?}");
}

#[test]
fn a_unit_takes_equal_repeats_and_refuses_others() {
    let schema = TableSchema::of(&REPORT);
    let day = engine::key::KeyPart::Day(engine::time::Date::constant(2024, 1, 1));
    let key = |currency| {
        let task = engine::key::KeyPart::Int(30);
        Key(vec![day.clone(), day.clone(), task, currency])
    };
    let dollars = key(engine::key::KeyPart::Text("USD".to_owned()));
    let hidden = key(engine::key::KeyPart::Null);
    let of = |key: &Key, note: &str, synced_at: i64| SampleRecord {
        note: Some(note.to_owned()),
        synced_at,
        key: key.clone(),
        partition: Some("2024".to_owned()),
        ..SampleRecord::new(0)
    };
    let rows = |note: &str, synced_at: i64| of(&dollars, note, synced_at);
    let mut unit = UnitBuffer::new(&schema).unwrap();
    unit.push(batch(&schema, &[rows("a", 1)]));
    unit.push(batch(&schema, &[rows("a", 2)]));
    assert_eq!(unit.rows(), 2);
    let kept = unit.finish().unwrap();
    assert_eq!(kept.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [1, 0]);

    let mut unit = UnitBuffer::new(&schema).unwrap();
    unit.push(batch(&schema, &[rows("a", 1), rows("b", 1), rows("c", 1)]));
    let Err(UnitError::Conflict { keys }) = unit.finish() else { panic!("a conflict") };
    assert_eq!(keys.len(), 1);

    // Two currencies that are not shown may have the same hours.
    let mut unit = UnitBuffer::new(&schema).unwrap();
    unit.push(batch(&schema, &[of(&hidden, "a", 1), of(&hidden, "a", 1)]));
    let Err(UnitError::Conflict { keys }) = unit.finish() else { panic!("a conflict") };
    assert_eq!(keys, [hidden]);
}

#[test]
fn null_is_no_value_of_a_partition() {
    let texts = StringArray::from(vec![None, None, Some(""), Some(""), Some("a"), None]);
    let numbers = Int64Array::from(vec![None, None, Some(0), Some(0), Some(1), None]);
    for column in [&texts as &dyn Array, &numbers] {
        let runs: Vec<usize> = [0, 2, 4, 5].map(|start| same_value(column, start)).into();
        assert_eq!(runs, [2, 2, 1, 1], "{column:?}");
    }
}
