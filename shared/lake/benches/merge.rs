//! CPU time of the merge: new rows into an empty table, and changes into a full one.
//!
//! `cargo bench -p lake --bench merge`

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use decode::schema::TableSchema;
use delta::store::MemoryStore;
use delta::table::FileEntry;
use engine::coverage::Coverage;
use engine::precedence::{Precedence, PrecedenceRules};
use engine::present::Present;
use engine::schema::{Column, ColumnSource, ColumnType};
use engine::time::Timestamp;
use lake::collect::{CollectedRows, Collector, MEMORY_LIMIT};
use lake::merge::{MergeJob, MergeOutcome, merge};
use lake::partition::FileLimits;

const ROWS: i64 = 100_000;
const PAGE: i64 = 2_000;
const PAGE_ROWS: usize = 2_000;
const MONTHS: i64 = 12;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let schema = TableSchema::of(&streams::TIME_ENTRIES);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let store = Arc::new(MemoryStore::new());
    let run = |incoming: Arc<CollectedRows>, files: Vec<FileEntry>, name: &str| {
        let job = MergeJob {
            schema: schema.clone(),
            root: "tables/time_entries".to_owned(),
            files,
            incoming,
            coverage: Coverage::Nothing,
            judge: PrecedenceRules {
                precedence: Precedence::NewestChange,
                present: Present::ours(Timestamp::MAX),
            },
            max_deletes: 0,
            name: name.to_owned(),
            now: Timestamp::UNIX_EPOCH,
            limits: FileLimits::default(),
            changes: None,
        };
        runtime.block_on(merge(store.clone(), job))
    };
    let columns = schema.arrow.fields().len();
    println!("time_entries, {columns} columns, {MONTHS} months; CPU seconds of the process");

    let all: Vec<i64> = (0..ROWS).collect();
    let rows = gathered(&schema, &all, 0, "collect 100k rows")?;
    let loaded = timed("merge 100k new rows into an empty table", || run(rows, vec![], "1-1-a"))?;
    sizes(&loaded);

    let few: Vec<i64> = (0..ROWS).filter(|id| id % (ROWS / 1000) == 7).collect();
    let rows = gathered(&schema, &few, 1, "collect 1k rows")?;
    let files = loaded.add.clone();
    sizes(&timed("merge 1k changes, in all months, into 100k rows", || run(rows, files, "1-2-a"))?);

    let last: Vec<i64> = (ROWS - 1000..ROWS).collect();
    let rows = gathered(&schema, &last, 2, "collect 1k rows")?;
    let files = loaded.add.clone();
    sizes(&timed("merge 1k changes of the last month", || run(rows, files, "1-3-a"))?);

    let rows = gathered(&schema, &all, 0, "collect 100k rows")?;
    let files = loaded.add.clone();
    sizes(&timed("merge 100k rows that are there already", || run(rows, files, "1-4-a"))?);
    Ok(())
}

fn gathered(
    schema: &TableSchema,
    ids: &[i64],
    version: i64,
    what: &str,
) -> Result<Arc<CollectedRows>, Failure> {
    let pages: Vec<RecordBatch> =
        ids.chunks(PAGE_ROWS).map(|ids| page(schema, ids, version)).collect();
    Ok(Arc::new(timed(what, || -> Result<_, lake::collect::CollectError> {
        let mut collector = Collector::new(schema, None, MEMORY_LIMIT)?;
        for page in pages {
            collector.push(page)?;
        }
        collector.finish()
    })?))
}

fn page(schema: &TableSchema, ids: &[i64], version: i64) -> RecordBatch {
    let columns = schema.columns.iter().enumerate();
    let columns = columns.map(|(at, column)| array(schema, at, column, ids, version));
    RecordBatch::try_new(Arc::clone(&schema.arrow), columns.collect()).unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(1)
    })
}

/// Values that compress about as well as real ones: ids and instants differ, names repeat.
fn array(schema: &TableSchema, at: usize, column: &Column, ids: &[i64], version: i64) -> ArrayRef {
    let salt = i64::try_from(at).unwrap_or(0) + 17;
    let mixed = |id: i64| (id * 0x9E37 + salt * 7919) % 65_521;
    match (&column.source, &column.ty) {
        (ColumnSource::Partition, _) => Arc::new(StringArray::from_iter_values(
            ids.iter().map(|id| format!("2024-{:02}", id * MONTHS / ROWS + 1)),
        )),
        (_, ColumnType::Int) if column.name == "id" => Arc::new(Int64Array::from(ids.to_vec())),
        (_, ColumnType::Int) => {
            Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| mixed(*id) % 400)))
        }
        (_, ColumnType::Text) if column.name == "notes" => Arc::new(StringArray::from_iter_values(
            ids.iter().map(|id| format!("note {} on {id}", mixed(*id))),
        )),
        (ColumnSource::Extra, _) => new_null_array(schema.arrow.field(at).data_type(), ids.len()),
        (_, ColumnType::Text) => Arc::new(StringArray::from_iter_values(
            ids.iter().map(|id| format!("{} {}", column.name, mixed(*id) % 300)),
        )),
        (_, ColumnType::Bool) => {
            Arc::new(ids.iter().map(|id| Some(mixed(*id) % 3 == 0)).collect::<BooleanArray>())
        }
        (_, ColumnType::Date) => {
            let days = ids.iter().map(|id| i32::try_from(19_723 + id * 365 / ROWS).unwrap_or(0));
            Arc::new(Date32Array::from_iter_values(days))
        }
        (source, ColumnType::Instant) => {
            let read = matches!(source, ColumnSource::SyncedAt);
            let moved = if read || column.name == "updated_at" { version } else { 0 };
            let instants = ids.iter().map(|id| {
                let id = if read { id / PAGE } else { *id };
                1_704_067_200_000_000 + (id * 315 + mixed(id) % 300 + moved) * 1_000_000
            });
            Arc::new(TimestampMicrosecondArray::from_iter_values(instants).with_timezone("UTC"))
        }
        (_, ColumnType::Decimal { .. }) => {
            let values = ids.iter().map(|id| i128::from(mixed(*id) % 900) * 2_500);
            let values = Decimal128Array::from_iter_values(values);
            Arc::new(values.with_data_type(schema.arrow.field(at).data_type().clone()))
        }
        (_, ColumnType::Texts | ColumnType::Ints | ColumnType::Structs(_)) => {
            new_null_array(schema.arrow.field(at).data_type(), ids.len())
        }
    }
}

fn sizes(merged: &MergeOutcome) {
    let bytes: u64 = merged.add.iter().map(|file| file.size).sum();
    let rows: u64 = merged.add.iter().map(|file| file.rows).sum();
    println!("    {:?}, {} files, {rows} rows, {bytes} bytes", merged.counts, merged.add.len());
}

fn timed<T, E>(what: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let before = cpu_hundredths();
    let done = work();
    let spent = cpu_hundredths() - before;
    println!("{}.{:02} s  {what}", spent / 100, spent % 100);
    done
}

/// User and system time of this process in hundredths of a second, as Linux counts them.
fn cpu_hundredths() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields after the parenthesised name: user time is the 12th, system time the 13th.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum()
}
