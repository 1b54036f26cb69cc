//! Cost of a commit after ten thousand of them, beside that after a hundred.
//!
//! `cargo bench -p lake --bench versions`
//!
//! A table of 120 files, ten years of months, gets a version an hour: one file leaves, another one
//! comes. Each version is opened, committed and tidied up as a run does it, with the retention of
//! seven days, so 168 versions of the log stay. Nothing may grow after them.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures with the clock")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use decode::schema::TableSchema;
use decode::{Decoder, ReadAt};
use delta::maintenance;
use delta::store::{FaultyStore, MemoryStore, ObjectStore, StoreOperation};
use delta::table::{CommitFiles, CommitNote, FileEntry, Table, WriterIdentity};
use engine::coverage::Coverage;
use engine::fault::CallFault;
use engine::ids::{AccountId, AttemptId, Epoch};
use engine::pass::Unit;
use engine::precedence::{Precedence, PrecedenceRules};
use engine::present::Present;
use engine::report::RowCounts;
use engine::time::{SignedDuration, Timestamp};
use lake::collect::{Collector, MEMORY_LIMIT};
use lake::merge::{MergeJob, merge};
use lake::partition::FileLimits;

const ACCOUNT: AccountId = AccountId(1);
/// Number of files of the table.
const FILES: u64 = 120;
/// Time for which removed files and old log files stay.
const RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Numbers of versions after which the last hundred are reported.
const REPORTED: [u64; 5] = [100, 300, 1_000, 3_000, 10_000];
/// Number of versions that a report is about.
const REPORT: u64 = 100;

type Failure = Box<dyn std::error::Error>;

/// Sums over the versions of a report.
#[derive(Debug, Default)]
struct Spent {
    opening: Duration,
    committing: Duration,
    tidying: Duration,
}

/// Table under test, and the calls that its store got.
struct Bench {
    store: Arc<dyn ObjectStore>,
    memory: Arc<MemoryStore>,
    calls: Arc<Mutex<BTreeMap<StoreOperation, u64>>>,
    /// File that the others are copies of.
    file: FileEntry,
}

fn main() -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let bench = Bench::new().await?;
    let mut table =
        Table::create(bench.store.clone(), &streams::TIME_ENTRIES, ACCOUNT, at(0)?).await?;
    let all = (0..FILES).map(|nth| bench.file_of(nth, 1)).collect();
    bench.commit(&mut table, 1, all, Vec::new()).await?;
    println!(
        "{:>8}  {:>8} {:>8} {:>8}  {:>5} {:>5} {:>5} {:>7}  {:>11} {:>9}",
        "versions",
        "open ms",
        "commit",
        "tidy",
        "gets",
        "puts",
        "lists",
        "deletes",
        "log objects",
        "KB"
    );
    let mut spent = Spent::default();
    for version in 2..=REPORTED.into_iter().max().unwrap_or(0) {
        bench.version(version, &mut spent).await?;
        if REPORTED.contains(&version) {
            println!("{}", bench.report(version, &spent).await?);
        }
        if version.is_multiple_of(REPORT) {
            spent = Spent::default();
            bench.calls().clear();
        }
    }
    Ok(())
}

impl Bench {
    async fn new() -> Result<Self, Failure> {
        let calls = Arc::new(Mutex::new(BTreeMap::new()));
        let memory = Arc::new(MemoryStore::new());
        let counted = Arc::clone(&calls);
        let store = FaultyStore::new(memory.clone(), move |call| {
            if let Ok(mut counted) = counted.lock() {
                *counted.entry(call.operation).or_default() += 1;
            }
            CallFault::None
        });
        Ok(Self { store: Arc::new(store), memory, calls, file: real_file().await? })
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, BTreeMap<StoreOperation, u64>> {
        self.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One version: opened as a run does that knows the last one, committed, tidied up.
    async fn version(&self, version: u64, spent: &mut Spent) -> Result<(), Failure> {
        let now = at(version)?;
        self.memory.set_now(now);
        let begun = Instant::now();
        let store = Arc::clone(&self.store);
        let table = Table::open_known(store, &streams::TIME_ENTRIES, ACCOUNT, version - 1).await?;
        let mut table = table.ok_or("the table is gone")?;
        let opened = Instant::now();
        let month = version % FILES;
        let partition = self.file_of(month, version).partition;
        let old = table.files().iter().find(|file| file.partition == partition).cloned();
        let new = self.file_of(month, version);
        self.commit(&mut table, version, vec![new], old.into_iter().collect()).await?;
        let committed = Instant::now();
        maintenance::vacuum(&mut table, now, RETENTION).await?;
        if table.checkpoint_if_due(now, RETENTION).await?.is_some() {
            maintenance::clean_log(&mut table, now, RETENTION).await?;
        }
        spent.opening += opened - begun;
        spent.committing += committed - opened;
        spent.tidying += committed.elapsed();
        Ok(())
    }

    async fn commit(
        &self,
        table: &mut Table,
        version: u64,
        add: Vec<FileEntry>,
        remove: Vec<FileEntry>,
    ) -> Result<(), Failure> {
        let writer = WriterIdentity { attempt: AttemptId("a".to_owned()), epoch: Epoch(1) };
        let note = CommitNote {
            run: "run".to_owned(),
            state: serde_json::Value::Null,
            counts: RowCounts::default(),
            changes: None,
        };
        let change = CommitFiles { started: at(version)?, add, remove };
        table.commit(at(version)?, &writer, &change, &note).await?;
        Ok(())
    }

    /// File of the month `nth` that a version adds.
    fn file_of(&self, nth: u64, version: u64) -> FileEntry {
        let month = format!("{}-{:02}", 2016 + nth / 12, nth % 12 + 1);
        FileEntry {
            path: format!("created_month={month}/1-{version}-a-0.parquet"),
            partition: Some(month),
            ..self.file.clone()
        }
    }

    /// Means of the last versions, and what is in the log.
    async fn report(&self, version: u64, spent: &Spent) -> Result<String, Failure> {
        let calls = self.calls().clone();
        let calls = |operation| {
            let count = calls.get(&operation).copied().unwrap_or_default();
            count * 10 / REPORT
        };
        let each = |operations: &[StoreOperation]| {
            let tenths: u64 = operations.iter().copied().map(calls).sum();
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        let ms = |time: Duration| {
            let each = time / u32::try_from(REPORT).unwrap_or(u32::MAX);
            format!("{}.{:03}", each.as_millis(), each.as_micros() % 1_000)
        };
        let log = self.memory.list("tables/time_entries/_delta_log/", None).await?;
        let bytes: u64 = log.iter().map(|object| object.size).sum();
        Ok(format!(
            "{version:>8}  {:>8} {:>8} {:>8}  {:>5} {:>5} {:>5} {:>7}  {:>11} {:>9}",
            ms(spent.opening),
            ms(spent.committing),
            ms(spent.tidying),
            each(&[StoreOperation::Get, StoreOperation::GetRange]),
            each(&[StoreOperation::Put, StoreOperation::PutIfAbsent, StoreOperation::Replace]),
            each(&[StoreOperation::List]),
            each(&[StoreOperation::Delete]),
            log.len(),
            bytes / 1_000,
        ))
    }
}

/// Time of a version: each is an hour after the one before.
fn at(version: u64) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_second(i64::try_from(version)? * 3_600)?)
}

/// Entry of a file with one time entry, as a merge writes it: with all its statistics.
async fn real_file() -> Result<FileEntry, Failure> {
    let schema = TableSchema::of(&streams::TIME_ENTRIES);
    let now = at(0)?;
    let read = ReadAt { account: ACCOUNT, synced_at: now, unit: Unit::Stream };
    let body = r#"{"time_entries":[{"id":2412000001,"spent_date":"2016-01-04","hours":6.25,
        "hours_without_timer":6.25,"rounded_hours":6.25,"user":{"id":1782959,"name":"Kim"},
        "client":{"id":5735776,"name":"Acme","currency":"EUR"},"billable_rate":120.0,"cost_rate":60.5,
        "project":{"id":14307913,"name":"Site","code":"S1"},"task":{"id":8083365,"name":"Design"},
        "created_at":"2016-01-04T15:10:23Z","updated_at":"2016-01-04T15:10:23Z","billable":true}]}"#;
    let mut rows = Collector::new(&schema, None, MEMORY_LIMIT)?;
    rows.push(Decoder::new(&streams::TIME_ENTRIES).page(body, &read)?.rows)?;
    let job = MergeJob {
        schema,
        root: "tables/time_entries".to_owned(),
        files: Vec::new(),
        incoming: Arc::new(rows.finish()?),
        coverage: Coverage::Nothing,
        judge: PrecedenceRules {
            precedence: Precedence::NewestChange,
            present: Present::ours(Timestamp::MAX),
        },
        max_deletes: 0,
        name: "1-1-a".to_owned(),
        now,
        limits: FileLimits::default(),
        changes: None,
    };
    let merged = merge(Arc::new(MemoryStore::new()), job).await?;
    Ok(merged.add.into_iter().next().ok_or("no file")?)
}
