//! Files written by other programs, and files that differ from the log.

use arrow::array::{
    BinaryArray, Decimal256Array, Float64Array, NullArray, TimestampMillisecondArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{Field as ArrowField, Schema, TimeUnit};
use bytes::Bytes;
use delta::store::{MemoryStore, ObjectStore};
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::data_type::{Int64Type as ParquetInt64, Int96, Int96Type};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::reader::ChunkReader as _;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::*;

/// Writer properties of another program.
type Written = fn(WriterPropertiesBuilder) -> WriterPropertiesBuilder;
/// Replacement of some columns.
type Retyped<'a> = Box<dyn Fn(&RecordBatch) -> Vec<(&'static str, ArrayRef)> + 'a>;

/// Records with unusual values in each column.
fn odd_records() -> Vec<SampleRecord> {
    let record = |id: i64| SampleRecord {
        amount: (id % 3 != 0).then(|| i128::from(id) * 98_765_432_101_234 - 5),
        note: (id % 4 != 0).then(|| format!("ü{}", "x".repeat(usize::try_from(id).unwrap() % 7))),
        items: (id % 5 != 0)
            .then(|| vec![Some((id, "a".to_owned())), None, Some((-id, String::new()))]),
        // Years 1 and 9999, which 64-bit nanoseconds cannot represent.
        updated_at: [None, Some(-62_135_596_800_000_000), Some(253_402_300_799_999_999), Some(-1)]
            [usize::try_from(id).unwrap() % 4],
        synced_at: id * 1_000_003,
        ..SampleRecord::new(id)
    };
    (0..40).map(record).collect()
}

fn rows_of(records: &[SampleRecord]) -> RecordBatch {
    batch(&TableSchema::of(&PLAIN), records)
}

fn parquet_of(rows: &RecordBatch, properties: WriterProperties) -> Bytes {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.into_inner().unwrap().into()
}

/// Log entry of a file written by another program.
fn foreign(bytes: &Bytes) -> FileEntry {
    let (entry, _) = file(&TableSchema::of(&PLAIN), &[SampleRecord::new(0)]);
    let size = bytes.len() as u64;
    FileEntry { size, keys: None, stats: String::new(), sha256: None, ..entry }
}

fn try_read(bytes: &Bytes) -> Result<Vec<SampleRecord>, PartitionError> {
    let schema = TableSchema::of(&PLAIN);
    let mut found = Vec::new();
    for rows in read(&schema, &foreign(bytes), bytes.clone())? {
        found.extend(records(&schema, &rows?));
    }
    Ok(found)
}

/// Replaces the named columns of `rows`.
fn with(rows: &RecordBatch, columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let schema = rows.schema();
    let named = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
        let other = columns.iter().find(|(name, _)| name == field.name());
        (
            field.name().clone(),
            other.map_or_else(|| Arc::clone(column), |(_, it)| Arc::clone(it)),
            true,
        )
    });
    RecordBatch::try_from_iter_with_nullable(named.collect::<Vec<_>>()).unwrap()
}

#[test]
fn what_others_wrote_is_read_whatever_its_codec_pages_and_encodings() {
    let written = odd_records();
    let rows = rows_of(&written);
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    let changes: [Written; 5] = [
        |it| it,
        |it| it.set_dictionary_enabled(false),
        |it| it.set_dictionary_page_size_limit(16).set_data_page_size_limit(64),
        |it| {
            it.set_dictionary_enabled(false)
                .set_column_encoding(ColumnPath::from("id"), Encoding::DELTA_BINARY_PACKED)
                .set_column_encoding(ColumnPath::from("note"), Encoding::DELTA_BYTE_ARRAY)
        },
        |it| {
            it.set_dictionary_enabled(false)
                .set_column_encoding(ColumnPath::from("id"), Encoding::BYTE_STREAM_SPLIT)
                .set_column_encoding(ColumnPath::from("note"), Encoding::DELTA_LENGTH_BYTE_ARRAY)
        },
    ];
    for codec in codecs {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for (number, change) in changes.iter().enumerate() {
                let properties = WriterProperties::builder()
                    .set_compression(codec)
                    .set_writer_version(version)
                    .set_max_row_group_row_count(Some(7));
                let bytes = parquet_of(&rows, change(properties).build());
                let found = try_read(&bytes);
                let found = found.unwrap_or_else(|error| {
                    panic!("{codec} {version:?} {number}: {}", error.chain())
                });
                assert_eq!(found, written, "{codec} {version:?} {number}");
            }
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
#[test]
fn what_others_wrote_is_read_whatever_types_hold_the_same_values() {
    let whole = odd_records();
    let near: Vec<SampleRecord> = whole
        .iter()
        .map(|record| SampleRecord {
            updated_at: record.updated_at.map(|at| at % 1_000_000_000),
            ..record.clone()
        })
        .collect();
    let even: Vec<SampleRecord> = near
        .iter()
        .map(|record| SampleRecord {
            updated_at: record.updated_at.map(|at| at / 1_000_000 * 1_000_000),
            ..record.clone()
        })
        .collect();
    let text =
        |ty: &DataType, rows: &RecordBatch| cast(rows.column_by_name("note").unwrap(), ty).unwrap();
    let instants = |unit: TimeUnit, zone: Option<&str>, rows: &RecordBatch| {
        // The zone is removed first, so that the numbers stay the same.
        let at = rows.column_by_name("updated_at").unwrap();
        let at =
            at.as_primitive::<TimestampMicrosecondType>().clone().with_timezone_opt(None::<&str>);
        let at = cast(&at, &DataType::Timestamp(unit, None)).unwrap();
        match (unit, zone) {
            (_, None) => at,
            (TimeUnit::Nanosecond, zone) => Arc::new(
                at.as_primitive::<arrow::datatypes::TimestampNanosecondType>()
                    .clone()
                    .with_timezone_opt(zone),
            ) as ArrayRef,
            (_, zone) => Arc::new(
                at.as_primitive::<TimestampMicrosecondType>().clone().with_timezone_opt(zone),
            ),
        }
    };
    let to = |name: &'static str, ty: DataType| {
        move |rows: &RecordBatch| {
            vec![(name, cast(rows.column_by_name(name).unwrap(), &ty).unwrap())]
        }
    };
    let list = |large: bool| {
        move |rows: &RecordBatch| {
            let held = rows.column_by_name("items").unwrap();
            let DataType::List(element) = held.data_type() else { panic!("{held:?}") };
            let item = Arc::new(element.as_ref().clone().with_name("array"));
            let ty = if large { DataType::LargeList(item) } else { DataType::List(item) };
            vec![("items", cast(held, &ty).unwrap())]
        }
    };
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let cases: Vec<(&str, &[SampleRecord], Retyped<'_>)> = vec![
        ("large text", &whole, Box::new(|rows| vec![("note", text(&DataType::LargeUtf8, rows))])),
        ("text views", &whole, Box::new(|rows| vec![("note", text(&DataType::Utf8View, rows))])),
        ("a dictionary", &whole, Box::new(move |rows| vec![("note", text(&dictionary, rows))])),
        ("bytes", &whole, Box::new(|rows| vec![("note", text(&DataType::Binary, rows))])),
        (
            "no zone",
            &whole,
            Box::new(|rows| vec![("updated_at", instants(TimeUnit::Microsecond, None, rows))]),
        ),
        (
            "an offset",
            &whole,
            Box::new(|rows| {
                vec![("updated_at", instants(TimeUnit::Microsecond, Some("+02:00"), rows))]
            }),
        ),
        (
            "a zone",
            &whole,
            Box::new(|rows| {
                vec![("updated_at", instants(TimeUnit::Microsecond, Some("Europe/Berlin"), rows))]
            }),
        ),
        (
            "nanoseconds",
            &near,
            Box::new(|rows| vec![("updated_at", instants(TimeUnit::Nanosecond, None, rows))]),
        ),
        (
            "zoned nanoseconds",
            &near,
            Box::new(|rows| {
                vec![("updated_at", instants(TimeUnit::Nanosecond, Some("Europe/Berlin"), rows))]
            }),
        ),
        (
            "milliseconds",
            &even,
            Box::new(|rows| vec![("updated_at", instants(TimeUnit::Millisecond, None, rows))]),
        ),
        ("fixed bytes", &whole, Box::new(to("amount", DataType::Decimal128(38, 4)))),
        ("a larger scale", &whole, Box::new(to("amount", DataType::Decimal128(28, 10)))),
        ("long fixed bytes", &whole, Box::new(to("amount", DataType::Decimal256(60, 4)))),
        ("small ids", &whole, Box::new(to("id", DataType::Int8))),
        ("ids without a sign", &whole, Box::new(to("id", DataType::UInt64))),
        ("decimal ids", &whole, Box::new(to("id", DataType::Decimal128(20, 0)))),
        ("other lists", &whole, Box::new(list(false))),
        ("large lists", &whole, Box::new(list(true))),
        (
            "nothing but nulls",
            &whole,
            Box::new(|rows| vec![("link", Arc::new(NullArray::new(rows.num_rows())) as ArrayRef)]),
        ),
    ];
    for (name, written, change) in cases {
        let rows = rows_of(written);
        let changed = with(&rows, &change(&rows));
        let found = try_read(&parquet_of(&changed, WriterProperties::new()));
        let found = found.unwrap_or_else(|error| panic!("{name}: {}", error.chain()));
        assert_eq!(found, written, "{name}");
    }
}

#[test]
fn what_others_wrote_is_read_whatever_columns_there_are_and_in_what_order() {
    let written = odd_records();
    let rows = rows_of(&written);
    let fields = rows.schema().fields().len();
    // Columns in reverse order, with field ids and one more column.
    let order: Vec<usize> = (0..fields).rev().collect();
    let mut columns: Vec<(ArrowField, ArrayRef)> = order
        .iter()
        .map(|&index| {
            let field = rows.schema().field(index).clone();
            let id = [("PARQUET:field_id".to_owned(), (index + 5).to_string())];
            (
                field.with_metadata(std::collections::BTreeMap::from(id)),
                Arc::clone(rows.column(index)),
            )
        })
        .collect();
    let other = ArrowField::new("another", DataType::Int64, true);
    columns.push((other, Arc::new(Int64Array::from(vec![7; rows.num_rows()]))));
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let turned = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    assert_eq!(try_read(&parquet_of(&turned, WriterProperties::new())).unwrap(), written);
    // The file lacks columns that may be null.
    let mut narrow = rows.clone();
    for name in ["note", "items", "link", "created_at", "extra_json"] {
        narrow.remove_column(narrow.schema().index_of(name).unwrap());
    }
    let without = |record: &SampleRecord| SampleRecord {
        note: None,
        items: None,
        link: None,
        ..record.clone()
    };
    let expected: Vec<SampleRecord> = written.iter().map(without).collect();
    assert_eq!(try_read(&parquet_of(&narrow, WriterProperties::new())).unwrap(), expected);
}

/// 2024-02-29 is day 2460370 of the Julian calendar.
fn int96(day: u32, nanos: u64) -> Int96 {
    let mut value = Int96::new();
    let bytes = nanos.to_le_bytes();
    let low = u32::from_le_bytes(bytes[..4].try_into().unwrap());
    let high = u32::from_le_bytes(bytes[4..].try_into().unwrap());
    value.set_data(low, high, day);
    value
}

/// File in Spark's default form: instants in 96 bits.
fn with_int96(days: &[(u32, u64)]) -> Bytes {
    let message = "message spark_schema {
        required int64 id; required int64 account_id; required int96 synced_at; optional int96 updated_at;
        optional group items (LIST) { repeated group list { optional group element { optional int64 id; } } }
    }";
    let schema = Arc::new(parse_message_type(message).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let ids: Vec<i64> = (0..).take(days.len()).collect();
    let instants: Vec<Int96> = days.iter().map(|(day, nanos)| int96(*day, *nanos)).collect();
    let present = vec![1; days.len()];
    for number in 0..4 {
        let mut column = group.next_column().unwrap().unwrap();
        let levels = (number == 3).then_some(&present[..]);
        if number < 2 {
            column.typed::<ParquetInt64>().write_batch(&ids, levels, None).unwrap();
        } else {
            column.typed::<Int96Type>().write_batch(&instants, levels, None).unwrap();
        }
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    let none = vec![0; days.len()];
    column.typed::<ParquetInt64>().write_batch(&[], Some(&none), Some(&none)).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap().into()
}

#[test]
fn instants_of_96_bits_are_read_to_the_microsecond_in_any_year() {
    let day = 86_400_000_000;
    let cases = [
        ((2_460_370, 1_000), 19_782 * day + 1),
        // 1970-01-01, 0001-01-01 and 9999-12-31.
        ((2_440_588, 0), 0),
        ((1_721_426, 0), -719_162 * day),
        ((5_373_484, 86_399_999_999_000), 2_932_897 * day - 1),
    ];
    let bytes = with_int96(&cases.map(|(written, _)| written));
    let found = try_read(&bytes).unwrap_or_else(|error| panic!("{}", error.chain()));
    let found: Vec<_> = found.iter().map(|record| (record.synced_at, record.updated_at)).collect();
    assert_eq!(found, cases.map(|(_, micros)| (micros, Some(micros))));
}

#[test]
fn what_the_columns_cannot_hold_is_refused_with_what_to_do_and_without_talk_of_backups() {
    let records = odd_records();
    let rows = rows_of(&records);
    let count = rows.num_rows();
    let ids = |change: fn(i64) -> Option<i64>| -> ArrayRef {
        Arc::new(Int64Array::from((0..).take(count).map(change).collect::<Vec<_>>()))
    };
    let decimals = |scale: i8| -> ArrayRef {
        let array = Decimal128Array::from(vec![12_345_i128; count]);
        Arc::new(array.with_precision_and_scale(38, scale).unwrap())
    };
    let wide: ArrayRef = Arc::new(
        Decimal256Array::from(vec![
            arrow::datatypes::i256::MAX / arrow::datatypes::i256::from(1000);
            count
        ])
        .with_precision_and_scale(76, 0)
        .unwrap(),
    );
    let cases: [(&str, &str, ArrayRef); 9] = [
        ("id", "null", ids(|id| (id != 3).then_some(id))),
        ("id", "UInt64", Arc::new(UInt64Array::from(vec![u64::MAX; count]))),
        ("id", "Float64", Arc::new(Float64Array::from(vec![1.5; count]))),
        ("id", "Utf8", Arc::new(StringArray::from(vec!["007"; count]))),
        ("amount", "rounded", decimals(5)),
        ("amount", "Decimal256", wide),
        ("note", "Binary", Arc::new(BinaryArray::from_vec(vec![b"\xff\xfe"; count]))),
        ("items", "Int64", ids(Some)),
        ("updated_at", "Timestamp", {
            let at = TimestampMillisecondArray::from(vec![i64::MAX; count]);
            Arc::new(at)
        }),
    ];
    for (column, what, values) in cases {
        let error =
            try_read(&parquet_of(&with(&rows, &[(column, values)]), WriterProperties::new()));
        let error = error.unwrap_err();
        assert!(matches!(error, PartitionError::Unfit { .. }), "{error:?}");
        let said = error.chain();
        for part in [
            "tables/things/f.parquet",
            &format!("`{column}`"),
            what,
            "is whole",
            "RESTORE TABLE",
            "harvest-lake reset things",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("backup"), "{said}");
    }
    let mut bytes = parquet_of(&rows, WriterProperties::new()).to_vec();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(b"PARE");
    let error = try_read(&bytes.into()).unwrap_err().chain();
    assert!(error.contains("encrypted") && !error.contains("backup"), "{error}");
}

/// Store with one of our files, whole and as the log has it.
fn stored_file() -> (MemoryStore, FileEntry, Bytes) {
    let (entry, bytes) = file(&TableSchema::of(&PLAIN), &odd_records());
    let store = MemoryStore::new();
    block_on(store.put("tables/things/f.parquet", bytes.clone())).unwrap();
    (store, entry, bytes)
}

#[test]
fn an_object_that_is_not_the_file_of_the_log_is_not_read() {
    let (store, entry, bytes) = stored_file();
    let fetched = |entry: &FileEntry| {
        let content = block_on(fetch(&store, "tables/things", entry))?;
        Ok::<_, PartitionError>(content.get_bytes(0, bytes.len()).unwrap())
    };
    assert_eq!(fetched(&entry).unwrap(), bytes);
    let earlier = FileEntry { sha256: None, ..entry.clone() };
    assert_eq!(fetched(&earlier).unwrap(), bytes);
    let put =
        |bytes: &Bytes| block_on(store.put("tables/things/f.parquet", bytes.clone())).unwrap();
    let (_, other) = file(&TableSchema::of(&PLAIN), &odd_records()[1..]);
    let mut flipped = bytes.to_vec();
    flipped[bytes.len() / 2] ^= 1;
    for wrong in [bytes.slice(..bytes.len() - 1), bytes.slice(1..), other.clone(), flipped.into()] {
        put(&wrong);
        let error = fetched(&entry).unwrap_err();
        assert!(matches!(error, PartitionError::Swapped { .. }), "{error:?}");
        let said = error.chain();
        for part in ["tables/things/f.parquet", "backup", "harvest-lake reset things"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    // Without a checksum in the log, a different size reveals another file of any writer.
    let others = FileEntry { sha256: None, keys: None, size: entry.size + 1, ..entry.clone() };
    put(&bytes);
    let error = fetched(&others).unwrap_err().chain();
    assert!(error.contains(&format!("{} bytes", entry.size)), "{error}");
    // A different row count reveals another file in the place of one of ours.
    put(&other);
    let size = other.len() as u64;
    let error = fetched(&FileEntry { size, ..earlier }).unwrap_err().chain();
    assert!(error.contains("40 rows") && error.contains("39 rows"), "{error}");
    block_on(store.delete("tables/things/f.parquet")).unwrap();
    let error = fetched(&entry).unwrap_err().chain();
    assert!(error.contains("missing") && error.contains("harvest-lake reset things"), "{error}");
}

#[test]
fn a_damaged_file_of_a_table_of_changes_names_that_table() {
    let schema = TableSchema::changes_of(&PLAIN);
    let garbage = Bytes::from_static(b"PAR1 and nothing PAR1");
    let entry = foreign(&garbage);
    let error = read(&schema, &entry, garbage).unwrap_err().chain();
    assert!(error.contains("harvest-lake reset things_changes"), "{error}");
    assert!(error.contains("begin anew") && error.contains("backup"), "{error}");
}

#[test]
fn files_of_ours_are_read_as_they_are_without_another_copy_of_their_columns() {
    for spec in [&PLAIN, &MONTHLY, &CHILDREN] {
        let schema = TableSchema::of(spec);
        let (entry, bytes) = file(&schema, &odd_records());
        let name = TableFile::new("things", &entry.path);
        let found = reader(&name, bytes.into()).unwrap();
        let layout = RowLayout::new(&schema, ColumnChoice::All).unwrap();
        assert_eq!(found.schema().fields(), layout.schema.fields());
    }
}

proptest! {
    #[test]
    fn damage_in_what_others_wrote_is_an_error_or_shows_nowhere(
        at in any::<prop::sample::Index>(),
        bit in 0_u32..8,
        snappy in any::<bool>(),
    ) {
        let codec = if snappy { Compression::SNAPPY } else { Compression::LZ4_RAW };
        let properties = WriterProperties::builder().set_compression(codec).build();
        let mut bytes = parquet_of(&rows_of(&odd_records()), properties).to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let schema = TableSchema::of(&PLAIN);
        let bytes = Bytes::from(bytes);
        // Damage must cause neither a panic nor an endless reader.
        let outcome = read(&schema, &foreign(&bytes), bytes).map(Iterator::collect::<Vec<_>>);
        let errors = outcome.unwrap_or_else(|error| vec![Err(error)]);
        for error in errors.into_iter().filter_map(Result::err) {
            prop_assert!(error.chain().contains("tables/things/f.parquet"));
        }
    }
}
