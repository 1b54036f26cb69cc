use arrow::array::{Date32Array, Decimal128Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, TimeUnit};
use decode::schema::TableSchema;
use engine::ids::Sequence;
use engine::time::Timestamp;

use super::super::DeferredChanges;
use super::*;
use crate::partition::open;

/// Column of `rows` values; every third is null if the column may be.
#[expect(clippy::wildcard_enum_match_arm, reason = "Arrow's types: flags, lists, and none else")]
fn column(field: &Field, rows: i32) -> ArrayRef {
    let there = |row: &i32| !field.is_nullable() || row % 3 != 0;
    let kept = || (0..rows).map(|row| there(&row).then_some(row));
    match field.data_type() {
        DataType::Int64 => Arc::new(kept().map(|row| row.map(i64::from)).collect::<Int64Array>()),
        DataType::Date32 => Arc::new(kept().collect::<Date32Array>()),
        DataType::Utf8 => {
            let texts = kept().map(|row| row.map(|row| format!("text {row}")));
            Arc::new(texts.collect::<StringArray>())
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = kept().map(|row| row.map(|row| i64::from(row) * 1_000_001));
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        DataType::Decimal128(precision, scale) => {
            let cents: Decimal128Array = kept().map(|row| row.map(i128::from)).collect();
            Arc::new(cents.with_precision_and_scale(*precision, *scale).unwrap())
        }
        // Flags and lists: nulls alone, which a list has as a level of its own.
        other => new_null_array(other, usize::try_from(rows).unwrap()),
    }
}

/// Rows and statistics of a file of changes.
fn content(layout: &Arc<RowLayout>, file: WrittenFile) -> (RecordBatch, String) {
    let stats = file.stats.json();
    let rows: Vec<RecordBatch> =
        open(layout, "f.parquet", file.content).unwrap().map(Result::unwrap).collect();
    (concat_batches(&layout.schema, &rows).unwrap(), stats)
}

#[test]
fn copied_columns_make_the_same_changes_as_encoded_ones_for_every_stream() {
    for spec in streams::STREAMS {
        let of = ChangesOf {
            schema: TableSchema::changes_of(spec),
            at: Timestamp::UNIX_EPOCH,
            sequence: Sequence(7),
        };
        let partition = spec.partition.column().map(|_| "2024");
        let limits = FileLimits { group_rows: 1500, ..FileLimits::default() };
        let layout = RowLayout::new(&TableSchema::of(spec), ColumnChoice::All).unwrap();
        let layout = Arc::new(layout);
        let fields = layout.schema.fields().iter();
        let columns = fields.map(|field| column(field, 2_000)).collect();
        let rows = RecordBatch::try_new(Arc::clone(&layout.schema), columns).unwrap();
        let mut writer = PartitionWriter::unordered(Arc::clone(&layout), limits);
        writer.write(&rows).unwrap();
        let file = writer.finish().unwrap();

        let mut encoder = ChangeEncoder::new(of, limits).unwrap();
        assert!(encoder.copy(&file, partition).unwrap().is_none());
        assert!(encoder.copy(&file, partition).unwrap().is_none());
        let spliced = encoder.finish().unwrap().remove(0);
        for _ in 0..2 {
            encoder.add(&[ChangeOp::Insert; 2_000], &rows, partition).unwrap();
        }
        let written_anew = encoder.finish().unwrap().remove(0);
        let changes = Arc::clone(&encoder.layout);
        assert_eq!(content(&changes, spliced), content(&changes, written_anew), "{}", spec.name);
    }
}

#[test]
fn a_copy_that_would_be_too_large_begins_another_file() {
    let spec = streams::find_stream("clients").unwrap();
    let (at, sequence) = (Timestamp::UNIX_EPOCH, Sequence(1));
    let of = ChangesOf { schema: TableSchema::changes_of(spec), at, sequence };
    let layout = Arc::new(RowLayout::new(&TableSchema::of(spec), ColumnChoice::All).unwrap());
    let columns = layout.schema.fields().iter().map(|field| column(field, 6)).collect();
    let rows = RecordBatch::try_new(Arc::clone(&layout.schema), columns).unwrap();
    let limits = FileLimits { file_rows: 10, ..FileLimits::default() };
    let mut writer = PartitionWriter::unordered(layout, limits);
    writer.write(&rows).unwrap();
    let file = writer.finish().unwrap();
    let mut encoder = ChangeEncoder::new(of, limits).unwrap();
    assert!(encoder.copy(&file, None).unwrap().is_none());
    assert_eq!(encoder.copy(&file, None).unwrap().unwrap().stats.rows(), 6);
    assert_eq!(encoder.finish().unwrap()[0].stats.rows(), 6);
    assert!(encoder.finish().unwrap().is_empty());
}

#[test]
fn changes_that_waited_make_the_same_file_in_the_same_order() {
    let of = ChangesOf {
        schema: TableSchema::changes_of(streams::find_stream("clients").unwrap()),
        at: Timestamp::UNIX_EPOCH,
        sequence: Sequence(7),
    };
    let spec = of.schema.spec;
    let layout = RowLayout::new(&TableSchema::of(spec), ColumnChoice::All).unwrap();
    let mut encoder = ChangeEncoder::new(of.clone(), FileLimits::default()).unwrap();
    let mut deferred =
        DeferredChanges::new(ChangeEncoder::new(of, FileLimits::default()).unwrap(), None);
    for rows in [900, 1, 0, 700, 800, 2, 3] {
        let fields = layout.schema.fields().iter();
        let columns = fields.map(|field| column(field, rows)).collect();
        let batch = RecordBatch::try_new(Arc::clone(&layout.schema), columns).unwrap();
        let ops = vec![ChangeOp::Update; batch.num_rows()];
        encoder.add(&ops, &batch, None).unwrap();
        deferred.add(&ops, &batch, None).unwrap();
    }
    let changes = Arc::clone(&encoder.layout);
    let at_once = encoder.finish().unwrap().remove(0);
    let (spilled, in_memory) = deferred.batches();
    assert!(spilled >= 2 && in_memory >= 2, "{spilled} in files, {in_memory} in memory");
    let mut files = deferred.files();
    let waited = files.next().unwrap().unwrap().remove(0);
    assert_eq!(content(&changes, waited), content(&changes, at_once));
    assert!(files.next().unwrap().is_none());
}
