//! Files whose rows are only updated: what changes in them, and what does not.

use arrow::array::StringArray;
use bytes::Bytes;
use engine::spec::{Listing, Paging, PartitionSpec, instant, int};
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};

use super::*;

/// Declaration before `note` and `items` were added.
static OLDER: StreamSpec = StreamSpec {
    name: "things",
    path: "/things",
    records_key: Some("things"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/own/{id}")),
    partition: PartitionSpec::CreatedMonth,
    fields: &[int("id").required(), instant("created_at"), instant("updated_at")],
    ..StreamSpec::USUAL
};

/// Rows of several row groups, each with its own content.
fn held() -> Vec<SampleRecord> {
    let row = |id: i64| SampleRecord {
        amount: Some(i128::from(id) * 10_000),
        note: Some(format!("note {id}")),
        items: Some(vec![Some((id, "item".to_owned())), None]),
        ..record(id, "2024-01")
    };
    (0..40).map(row).collect()
}

fn limits() -> FileLimits {
    FileLimits { file_rows: 100, ..small() }
}

/// Encoded chunks of the file by the path of their column, in the order of the row groups.
fn chunks(table: &Table, file: &FileEntry) -> BTreeMap<String, Vec<Bytes>> {
    let bytes = block_on(table.store.get(&format!("tables/things/{}", file.path)));
    let bytes = bytes.unwrap().unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes).unwrap();
    let mut chunks = BTreeMap::<String, Vec<Bytes>>::new();
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let (start, length) = column.byte_range();
        let range = usize::try_from(start).unwrap()..usize::try_from(start + length).unwrap();
        chunks.entry(column.column_path().string()).or_default().push(bytes.slice(range));
    }
    chunks
}

#[test]
fn only_columns_that_differ_are_encoded_anew() {
    let mut table = Table::new(&MONTHLY, limits());
    let old = table.put(&[held()]).add.remove(0);
    let mut rows = held();
    for id in [3, 20] {
        rows[id].note = Some("changed".to_owned());
        rows[id].synced_at = 9;
    }
    let merged = table.put(&[vec![rows[3].clone(), rows[20].clone(), rows[39].clone()]]);
    assert_eq!(merged.counts, RowCounts { updated: 2, unchanged: 1, ..RowCounts::default() });
    let (before, after) = (chunks(&table, &old), chunks(&table, &merged.add[0]));
    let anew = |name: &str| before[name].iter().zip(&after[name]).map(|(a, b)| a != b).collect();
    let anew: BTreeMap<&str, Vec<bool>> =
        before.keys().map(|name| (name.as_str(), anew(name))).collect();
    assert_eq!(before["note"].len(), 10, "row groups of four");
    for (name, groups) in anew {
        let expected = ["note", "synced_at"].contains(&name);
        let changed = [0, 5].map(|group| groups[group]);
        assert_eq!(changed, [expected; 2], "{name}");
        assert!((0..10).all(|group| !groups[group] || [0, 5].contains(&group)), "{name}");
    }
    table.check();
    // The log says what it says of a file that was written as a whole.
    let mut whole = Table::new(&MONTHLY, limits());
    let whole = whole.put(&[rows]).add.remove(0);
    let said = |file: FileEntry| (file.rows, file.stats, file.keys, file.partition);
    assert_eq!(said(merged.add[0].clone()), said(whole));
}

#[test]
fn a_file_of_another_declaration_is_encoded_as_a_whole() {
    let mut table = Table::new(&OLDER, limits());
    let old = table.put(&[held()]).add.remove(0);
    table.schema = TableSchema::of(&MONTHLY);
    let new = SampleRecord { updated_at: Some(5), ..held().remove(7) };
    let merged = table.put(&[vec![new.clone()]]);
    assert_eq!(merged.counts, RowCounts { updated: 1, ..RowCounts::default() });
    assert!(!chunks(&table, &old).contains_key("note"));
    assert!(chunks(&table, &merged.add[0]).contains_key("note"));
    let rows = table.check();
    assert_eq!((rows.len(), &rows[&Key::id(7)]), (40, &new));
    assert_eq!(rows[&Key::id(8)].note, None);
}

/// A value that an earlier release kept in `extra_json` has its column today.
#[test]
fn a_file_with_values_for_other_columns_is_encoded_as_a_whole() {
    let mut table = Table::new(&MONTHLY, limits());
    let rows: Vec<SampleRecord> =
        held().into_iter().map(|row| SampleRecord { note: None, ..row }).collect();
    let stored = batch(&table.schema, &rows);
    let at = stored.schema().index_of("extra_json").unwrap();
    let mut columns = stored.columns().to_vec();
    columns[at] = Arc::new(StringArray::from(vec![r#"{"note":"kept"}"#; rows.len()]));
    let stored = RecordBatch::try_new(stored.schema(), columns).unwrap();
    let mut collector = Collector::new(&table.schema, None, usize::MAX).unwrap();
    collector.push(stored).unwrap();
    let incoming = Arc::new(collector.finish().unwrap());
    let old = table.merge(&incoming, &Coverage::Nothing, 0).add.remove(0);
    let new = SampleRecord { note: Some("new".to_owned()), ..rows[7].clone() };
    let merged = table.put(&[vec![new]]);
    assert_eq!(merged.counts, RowCounts { updated: 1, ..RowCounts::default() });
    let (before, after) = (chunks(&table, &old), chunks(&table, &merged.add[0]));
    assert_ne!(before["extra_json"], after["extra_json"]);
    let notes: Vec<Option<String>> = table.check().into_values().map(|row| row.note).collect();
    assert_eq!(notes[7].as_deref(), Some("new"));
    assert_eq!(notes[8].as_deref(), Some("kept"));
}

#[test]
fn more_updates_than_are_kept_in_memory_are_made_too() {
    let mut table = Table::new(&MONTHLY, limits());
    table.put(&[held()]);
    let newer = |row: SampleRecord| SampleRecord { updated_at: Some(5), ..row };
    let newer: Vec<SampleRecord> = held().into_iter().step_by(4).map(newer).collect();
    let merged = table.put(std::slice::from_ref(&newer));
    assert_eq!(merged.counts, RowCounts { updated: 10, ..RowCounts::default() });
    let rows = table.check();
    assert!(newer.iter().all(|row| rows[&row.key] == *row));
}
