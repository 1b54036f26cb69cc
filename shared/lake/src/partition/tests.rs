mod foreign;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Fields, Int64Type, TimestampMicrosecondType,
};
use decode::gather::column;
use decode::schema::TableSchema;
use delta::table::FileEntry;
use engine::key::{Key, KeyPart};
use engine::schema::{ColumnSource, ColumnType};
use engine::spec::{
    FieldSpec, Listing, Paging, PartitionSpec, PerParent, ReportWindow, StreamKind, StreamSpec,
    instant, int, money, objects, text,
};
use engine::time::Date;
use parquet::file::reader::{ChunkReader as _, Length as _};
use proptest::prelude::*;

use super::keyed::{day_of, epoch_day};
use super::*;

const FIELDS: &[FieldSpec] = &[
    int("id").required(),
    money("amount"),
    text("note"),
    objects("items", &[int("id"), text("name")]),
    text("link").volatile(),
    instant("created_at"),
    instant("updated_at"),
];

const REPORT_FIELDS: &[FieldSpec] =
    &[int("user_id"), money("amount"), text("note"), text("currency")];

/// File of one row in the log of a table without partitions.
pub(crate) fn logged_file(path: &str) -> FileEntry {
    FileEntry {
        path: path.to_owned(),
        partition: None,
        size: 1,
        modified: engine::time::Timestamp::UNIX_EPOCH,
        rows: 1,
        stats: String::new(),
        keys: None,
        sha256: None,
    }
}

const fn listing(partition: PartitionSpec) -> StreamSpec {
    StreamSpec {
        name: "things",
        path: "/things",
        records_key: Some("things"),
        kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/own/{id}")),
        partition,
        fields: FIELDS,
        ..StreamSpec::USUAL
    }
}

/// Stream with a single partition.
pub(crate) static PLAIN: StreamSpec = listing(PartitionSpec::None);
/// Stream partitioned by month.
pub(crate) static MONTHLY: StreamSpec = listing(PartitionSpec::CreatedMonth);
/// Stream partitioned by the year of the parent.
pub(crate) static CHILDREN: StreamSpec = StreamSpec {
    kind: StreamKind::PerParent(PerParent {
        trigger: &PLAIN,
        parent_id: "id",
        parent_path: "/things/{parent}",
        parent_column: "thing_id",
        only_role: None,
    }),
    ..listing(PartitionSpec::ParentCreatedYear)
};
/// Stream with dates and nullable parts in the key.
pub(crate) static REPORT: StreamSpec = StreamSpec {
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: false,
    }),
    primary_key: &["period_start", "period_end", "user_id", "currency"],
    fields: REPORT_FIELDS,
    ..listing(PartitionSpec::PeriodYear)
};

/// A row as tests see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SampleRecord {
    pub(crate) key: Key,
    pub(crate) partition: Option<String>,
    pub(crate) parent: i64,
    pub(crate) amount: Option<i128>,
    pub(crate) note: Option<String>,
    pub(crate) items: Option<Vec<Option<(i64, String)>>>,
    pub(crate) link: Option<String>,
    pub(crate) updated_at: Option<i64>,
    pub(crate) synced_at: i64,
}

impl SampleRecord {
    pub(crate) fn new(id: i64) -> Self {
        Self {
            key: Key::id(id),
            partition: None,
            parent: 0,
            amount: Some(0),
            note: None,
            items: None,
            link: None,
            updated_at: Some(0),
            synced_at: 0,
        }
    }

    /// Whether both have the same content. Of the link only whether there is one counts.
    pub(crate) fn same_content(&self, other: &Self, spec: &StreamSpec) -> bool {
        let parent =
            |record: &Self| matches!(spec.kind, StreamKind::PerParent(_)).then_some(record.parent);
        let wide =
            |record: &Self| spec.cursor_field().map(|_| (record.items.clone(), record.updated_at));
        self.amount == other.amount
            && self.note == other.note
            && self.link.is_some() == other.link.is_some()
            && parent(self) == parent(other)
            && wide(self) == wide(other)
    }

    fn part(&self, index: usize) -> KeyPart {
        self.key.0.get(index).cloned().unwrap_or(KeyPart::Null)
    }
}

fn int_of(part: &KeyPart) -> Option<i64> {
    if let KeyPart::Int(id) = part { Some(*id) } else { None }
}

fn day_part(part: &KeyPart) -> Option<i32> {
    if let KeyPart::Day(day) = part { epoch_day(*day) } else { None }
}

fn text_of(part: &KeyPart) -> Option<String> {
    if let KeyPart::Text(text) = part { Some(text.clone()) } else { None }
}

/// Decoded rows of these records.
pub(crate) fn batch(schema: &TableSchema, records: &[SampleRecord]) -> RecordBatch {
    let ints = |value: &dyn Fn(&SampleRecord) -> Option<i64>| -> ArrayRef {
        Arc::new(Int64Array::from(records.iter().map(value).collect::<Vec<_>>()))
    };
    let texts = |value: &dyn Fn(&SampleRecord) -> Option<String>| -> ArrayRef {
        Arc::new(StringArray::from(records.iter().map(value).collect::<Vec<_>>()))
    };
    let days = |value: &dyn Fn(&SampleRecord) -> Option<i32>| -> ArrayRef {
        Arc::new(Date32Array::from(records.iter().map(value).collect::<Vec<_>>()))
    };
    let instants = |value: &dyn Fn(&SampleRecord) -> Option<i64>| -> ArrayRef {
        let values = records.iter().map(value).collect::<Vec<_>>();
        Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
    };
    let columns = schema.columns.iter().map(|column| match &column.source {
        ColumnSource::Parent => ints(&|r| Some(r.parent)),
        ColumnSource::PeriodStart => days(&|r| day_part(&r.part(0))),
        ColumnSource::PeriodEnd => days(&|r| day_part(&r.part(1))),
        ColumnSource::Account => ints(&|_| Some(7)),
        ColumnSource::SyncedAt => instants(&|r| Some(r.synced_at)),
        ColumnSource::Extra | ColumnSource::Change => texts(&|_| None),
        ColumnSource::Partition if column.ty == ColumnType::Text => texts(&|r| r.partition.clone()),
        ColumnSource::Partition => {
            ints(&|r| r.partition.as_ref().map(|year| year.parse().unwrap()))
        }
        ColumnSource::Record(_) => match column.name.as_str() {
            "id" => ints(&|r| int_of(&r.part(0))),
            "user_id" => ints(&|r| int_of(&r.part(2))),
            "currency" => texts(&|r| text_of(&r.part(3))),
            "amount" => {
                let amounts = records.iter().map(|r| r.amount).collect::<Vec<_>>();
                let amounts = Decimal128Array::from(amounts).with_precision_and_scale(18, 4);
                Arc::new(amounts.unwrap())
            }
            "note" => texts(&|r| r.note.clone()),
            "link" => texts(&|r| r.link.clone()),
            "items" => items(schema, records),
            "created_at" => instants(&|_| None),
            "updated_at" => instants(&|r| r.updated_at),
            name => panic!("no value for {name}"),
        },
    });
    RecordBatch::try_new(Arc::clone(&schema.arrow), columns.collect()).unwrap()
}

fn items(schema: &TableSchema, records: &[SampleRecord]) -> ArrayRef {
    let DataType::List(element) = schema.arrow.field_with_name("items").unwrap().data_type() else {
        panic!("items are a list");
    };
    let DataType::Struct(fields) = element.data_type() else { panic!("of structs") };
    let flat: Vec<_> = records.iter().flat_map(|r| r.items.clone().unwrap_or_default()).collect();
    let ids = Int64Array::from(flat.iter().map(|i| i.as_ref().map(|i| i.0)).collect::<Vec<_>>());
    let names = flat.iter().map(|i| i.as_ref().map(|i| i.1.clone())).collect::<Vec<_>>();
    let nulls = flat.iter().map(Option::is_some).collect::<Vec<_>>();
    let values = StructArray::try_new(
        Fields::clone(fields),
        vec![Arc::new(ids), Arc::new(StringArray::from(names))],
        Some(nulls.into()),
    );
    let lengths = records.iter().map(|r| r.items.as_ref().map_or(0, Vec::len));
    let nulls = records.iter().map(|r| r.items.is_some()).collect::<Vec<_>>();
    let list = ListArray::try_new(
        Arc::clone(element),
        OffsetBuffer::from_lengths(lengths),
        Arc::new(values.unwrap()),
        Some(nulls.into()),
    );
    Arc::new(list.unwrap())
}

/// Records of rows, with or without the partition column.
pub(crate) fn records(schema: &TableSchema, rows: &RecordBatch) -> Vec<SampleRecord> {
    let layout = RowLayout::new(schema, ColumnChoice::All).unwrap();
    let parent = schema.columns.iter().find(|c| c.source == ColumnSource::Parent);
    let get = |name: &str| rows.column_by_name(name);
    let partition = schema.spec.partition.column().and_then(get);
    (0..rows.num_rows())
        .map(|row| SampleRecord {
            key: layout.key(rows, row).unwrap(),
            partition: partition.filter(|c| c.is_valid(row)).map(|column| {
                match column.as_string_opt::<i32>() {
                    Some(texts) => texts.value(row).to_owned(),
                    None => column.as_primitive::<Int64Type>().value(row).to_string(),
                }
            }),
            parent: parent.map_or(0, |column| {
                get(&column.name).unwrap().as_primitive::<Int64Type>().value(row)
            }),
            amount: get("amount")
                .filter(|c| c.is_valid(row))
                .map(|c| c.as_primitive::<Decimal128Type>().value(row)),
            note: text_at(get("note"), row),
            link: text_at(get("link"), row),
            items: get("items").filter(|c| c.is_valid(row)).map(|column| {
                let list = column.as_list::<i32>().value(row);
                let list = list.as_struct();
                (0..list.len())
                    .map(|at| {
                        let id = list.column(0).as_primitive::<Int64Type>().value(at);
                        list.is_valid(at).then(|| (id, text_at(Some(list.column(1)), at).unwrap()))
                    })
                    .collect()
            }),
            updated_at: get("updated_at")
                .filter(|c| c.is_valid(row))
                .map(|c| c.as_primitive::<TimestampMicrosecondType>().value(row)),
            synced_at: get("synced_at")
                .unwrap()
                .as_primitive::<TimestampMicrosecondType>()
                .value(row),
        })
        .collect()
}

fn text_at(column: Option<&ArrayRef>, row: usize) -> Option<String> {
    column.filter(|c| c.is_valid(row)).map(|c| c.as_string::<i32>().value(row).to_owned())
}

/// Record of `spec` made from small numbers, so that keys repeat.
pub(crate) fn any_record(spec: &'static StreamSpec) -> impl Strategy<Value = SampleRecord> {
    let keyed = (0..40_i64, 0..4_i64, any::<bool>());
    let items = prop::collection::vec(prop::option::of((0..9_i64, "[a-c]?")), 0..3);
    let rest = (
        prop::option::of(-3..3_i128),
        prop::option::of("[xy]{0,2}"),
        prop::option::of(items),
        prop::option::of("[lm]"),
        prop::option::weighted(0.8, 0..6_i64),
        0..10_i64,
    );
    (keyed, rest).prop_map(move |((id, odd, placed), rest)| {
        let (amount, note, items, link, updated_at, synced_at) = rest;
        let updated_at = spec.cursor_field().and(updated_at).map(|at| at * 700);
        let is_report = matches!(spec.kind, StreamKind::ReportWindow(_));
        let (items, link) = if is_report { (None, None) } else { (items, link) };
        let key = if is_report { report_key(id, odd) } else { Key::id(id) };
        let parent = if matches!(spec.kind, StreamKind::PerParent(_)) { id % 5 } else { 0 };
        // Neighbours mostly share a partition; sometimes it is unknown or another.
        let home = if odd == 3 { (id + 7) % 40 / 10 } else { id / 10 };
        let partition = match spec.partition {
            PartitionSpec::None => None,
            PartitionSpec::CreatedMonth | PartitionSpec::StartedMonth => {
                placed.then(|| format!("2024-0{}", home + 1))
            }
            PartitionSpec::CreatedYear | PartitionSpec::ParentCreatedYear => {
                placed.then(|| (2000 + home).to_string())
            }
            PartitionSpec::PeriodYear => Some((2020 + id % 3).to_string()),
        };
        SampleRecord { key, partition, parent, amount, note, items, link, updated_at, synced_at }
    })
}

fn report_key(id: i64, odd: i64) -> Key {
    let start = Date::constant(2020 + i16::try_from(id % 3).unwrap(), 1, 1);
    let user = if odd == 0 { KeyPart::Null } else { KeyPart::Int(id / 6) };
    let currency = if odd == 1 {
        KeyPart::Null
    } else {
        KeyPart::Text(["EUR", "USD"][usize::from(odd == 2)].into())
    };
    Key(vec![KeyPart::Day(start), KeyPart::Day(start.last_of_year()), user, currency])
}

/// Runs `work` to its end on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// Entry and bytes of a file, as the merge would make them.
pub(crate) fn file(schema: &TableSchema, records: &[SampleRecord]) -> (FileEntry, bytes::Bytes) {
    let layout = Arc::new(RowLayout::new(schema, ColumnChoice::All).unwrap());
    let limits = FileLimits { group_rows: 3, ..FileLimits::default() };
    let mut writer = PartitionWriter::new(Arc::clone(&layout), limits);
    let mut rows = batch(schema, records);
    if let Some(name) = schema.spec.partition.column() {
        rows.remove_column(schema.arrow.index_of(name).unwrap());
    }
    writer.write(&rows).unwrap();
    let written = writer.finish().unwrap();
    let size = usize::try_from(written.content.len()).unwrap();
    let bytes = written.content.get_bytes(0, size).unwrap();
    let entry = FileEntry {
        path: "f.parquet".to_owned(),
        partition: records.first().and_then(|r| r.partition.clone()),
        size: bytes.len() as u64,
        modified: engine::time::Timestamp::UNIX_EPOCH,
        rows: written.stats.rows(),
        stats: written.stats.json(),
        keys: written.keys,
        sha256: Some(written.sha256),
    };
    (entry, bytes)
}

fn sorted(mut records: Vec<SampleRecord>) -> Vec<SampleRecord> {
    records.sort_by(|a, b| a.key.cmp(&b.key));
    records.dedup_by(|a, b| a.key == b.key);
    records
}

/// Compares the statistics of a file with its rows, in the types' own order.
pub(crate) fn check_stats(stats: &str, rows: &[SampleRecord]) {
    let stats: serde_json::Value = serde_json::from_str(stats).unwrap();
    assert_eq!(stats["numRecords"], rows.len());
    let amounts: Vec<i128> = rows.iter().filter_map(|r| r.amount).collect();
    assert_eq!(stats["nullCount"]["amount"], rows.len() - amounts.len());
    for (bounds, extreme) in
        [("minValues", amounts.iter().min()), ("maxValues", amounts.iter().max())]
    {
        let bound = stats[bounds].get("amount").map(|b| (b.as_f64().unwrap() * 10_000.0).round());
        #[expect(clippy::cast_precision_loss, reason = "small numbers in tests")]
        let extreme = extreme.map(|extreme| *extreme as f64);
        assert_eq!(bound, extreme);
        assert!(stats[bounds].get("note").is_none(), "no free text in the log");
    }
    let milli = |bounds: &str| -> Option<i64> {
        let at: engine::time::Timestamp = stats[bounds]["synced_at"].as_str()?.parse().unwrap();
        Some(at.as_millisecond())
    };
    let least = rows.iter().map(|r| r.synced_at).min().unwrap();
    let greatest = rows.iter().map(|r| r.synced_at).max().unwrap();
    assert_eq!(milli("minValues"), Some(least.div_euclid(1000)));
    assert_eq!(milli("maxValues"), Some((greatest + 999).div_euclid(1000)));
}

fn specs() -> impl Strategy<Value = &'static StreamSpec> {
    prop::sample::select(vec![&PLAIN, &MONTHLY, &CHILDREN, &REPORT])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_gives_back_what_was_written(
        (spec, mut list) in specs()
            .prop_flat_map(|spec| (Just(spec), prop::collection::vec(any_record(spec), 1..30))),
    ) {
        let partition = list[0].partition.clone();
        for record in &mut list {
            record.partition.clone_from(&partition);
        }
        let list = sorted(list);
        let schema = TableSchema::of(spec);
        let (entry, bytes) = file(&schema, &list);
        check_stats(&entry.stats, &list);
        prop_assert_eq!(&entry.keys.clone().unwrap().0, &list[0].key);
        prop_assert_eq!(&entry.keys.clone().unwrap().1, &list[list.len() - 1].key);
        let mut back = Vec::new();
        for rows in read(&schema, &entry, bytes).unwrap() {
            let rows = rows.unwrap();
            prop_assert_eq!(rows.schema(), Arc::clone(&schema.arrow));
            back.extend(records(&schema, &rows));
        }
        prop_assert_eq!(back, list);
    }

    #[test]
    fn keys_as_bytes_compare_like_keys(
        (spec, list) in specs()
            .prop_flat_map(|spec| (Just(spec), prop::collection::vec(any_record(spec), 1..30))),
    ) {
        let schema = TableSchema::of(spec);
        let layout = RowLayout::new(&schema, ColumnChoice::All).unwrap();
        let rows = layout.keyed(batch(&schema, &list)).unwrap();
        for (at, a) in list.iter().enumerate() {
            prop_assert_eq!(&*layout.key_bytes(&a.key).unwrap(), rows.key(at));
            for (other, b) in list.iter().enumerate() {
                prop_assert_eq!(a.key.cmp(&b.key), rows.key(at).cmp(rows.key(other)));
            }
        }
    }
}

#[test]
fn columns_that_an_older_file_lacks_are_null() {
    let schema = TableSchema::of(&PLAIN);
    let mut record = SampleRecord::new(5);
    record.items = Some(vec![Some((1, "a".to_owned())), None]);
    record.note = Some("n".to_owned());
    let old = batch(&schema, &[record]);
    // An older version knew neither `note` nor the second member of `items`.
    let items = column(&old, 3).unwrap().as_list::<i32>();
    let structs = items.values().as_struct();
    let narrow = StructArray::try_new(
        structs.fields()[..1].to_vec().into(),
        structs.columns()[..1].to_vec(),
        structs.nulls().cloned(),
    )
    .unwrap();
    let element = arrow::datatypes::Field::new("item", narrow.data_type().clone(), true);
    let narrow = ListArray::try_new(
        Arc::new(element),
        items.offsets().clone(),
        Arc::new(narrow),
        items.nulls().cloned(),
    )
    .unwrap();
    let narrow = RecordBatch::try_from_iter([
        ("items", Arc::new(narrow) as ArrayRef),
        ("id", Arc::clone(old.column_by_name("id").unwrap())),
        ("synced_at", Arc::clone(old.column_by_name("synced_at").unwrap())),
        ("account_id", Arc::clone(old.column_by_name("account_id").unwrap())),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, narrow.schema(), None).unwrap();
    writer.write(&narrow).unwrap();
    writer.close().unwrap();
    let (entry, _) = file(&schema, &[SampleRecord::new(5)]);
    let rows: Vec<_> =
        read(&schema, &entry, bytes::Bytes::from(bytes)).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows[0].schema(), schema.arrow);
    let items = rows[0].column_by_name("items").unwrap().as_list::<i32>().value(0);
    assert_eq!(items.as_struct().column(0).as_primitive::<Int64Type>().value(0), 1);
    assert!(items.as_struct().column(1).is_null(0) && items.is_null(1));
    assert!(rows[0].column_by_name("note").unwrap().is_null(0));
}

#[test]
fn bytes_that_are_no_parquet_name_the_file() {
    let schema = TableSchema::of(&PLAIN);
    let (entry, bytes) = file(&schema, &[SampleRecord::new(5)]);
    let error = read(&schema, &entry, bytes.slice(..bytes.len() - 9)).unwrap_err();
    assert!(error.to_string().contains("f.parquet"), "{error}");
}

#[test]
fn units_are_counted_from_the_files() {
    let schema = TableSchema::of(&CHILDREN);
    let of = |id: i64, parent: i64| SampleRecord { parent, ..SampleRecord::new(id) };
    let (entry, bytes) = file(&schema, &[of(1, 8), of(2, 9), of(3, 8)]);
    let store = delta::store::MemoryStore::new();
    let held = block_on(async {
        use delta::store::ObjectStore as _;
        store.put("tables/things/f.parquet", bytes).await.unwrap();
        held_units(&store, "tables/things", &schema, &[entry]).await.unwrap()
    });
    assert_eq!(held.parents.into_iter().collect::<Vec<_>>(), [(8, 2), (9, 1)]);
    assert!(held.periods.is_empty());
}

#[test]
fn days_and_arrow_days_are_the_same() {
    for days in [-800_000, -1, 0, 1, 19_000, 2_000_000] {
        assert_eq!(epoch_day(day_of(days)), Some(days));
    }
    let column = Date32Array::from(vec![19_723]);
    assert_eq!(day_of(column.value(0)), Date::constant(2024, 1, 1));
    assert_eq!(
        *column.data_type(),
        <Date32Type as arrow::datatypes::ArrowPrimitiveType>::DATA_TYPE
    );
}
