//! The stations of a load, for counts of instructions: `make instructions`.
//!
//! The program does all the work up to the station that its argument names, and nothing after it; what a
//! station costs is the difference to the one before. Input, order and results are the same each time.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::sync::Arc;

use decode::schema::TableSchema;
use decode::{DecodedPage, Decoder, ReadAt};
use delta::store::MemoryStore;
use delta::table::{CommitFiles, CommitNote, Table, WriterIdentity};
use engine::coverage::Coverage;
use engine::ids::{AccountId, AttemptId, Epoch, Sequence};
use engine::pass::Unit;
use engine::precedence::{Precedence, PrecedenceRules};
use engine::present::Present;
use engine::time::Timestamp;
use lake::changes::ChangesOf;
use lake::collect::{CollectedRows, Collector, MEMORY_LIMIT};
use lake::merge::{MergeJob, MergeOutcome, merge};
use lake::partition::FileLimits;

/// Records of a page: as many as Harvest sends at most.
const RECORDS: u32 = 2_000;
const PAGES: u32 = 5;
const ACCOUNT: AccountId = AccountId(1);
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

type Failure = Box<dyn std::error::Error>;

/// Stations in the order of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Station {
    /// Nothing but the text of the pages, which is the input.
    Input,
    Decode,
    Collect,
    /// Rows into an empty table.
    Merge,
    /// The same rows again, each of them changed: decoded, collected, merged into the table and its changes.
    Changes,
    /// A commit of what was merged first.
    Commit,
}

const STATIONS: [(&str, Station); 6] = [
    ("input", Station::Input),
    ("decode", Station::Decode),
    ("collect", Station::Collect),
    ("merge", Station::Merge),
    ("changes", Station::Changes),
    ("commit", Station::Commit),
];

fn main() -> Result<(), Failure> {
    let named = std::env::args().nth(1).unwrap_or_default();
    let found = STATIONS.iter().find(|(name, _)| *name == named);
    let Some((_, last)) = found.copied() else {
        // What `cargo bench` calls without a station does all of it.
        return run(Station::Commit);
    };
    run(last)
}

fn run(last: Station) -> Result<(), Failure> {
    let (first, second) = (body(0), body(1));
    if last == Station::Input {
        return Ok(());
    }
    let decoder = Decoder::new(&streams::TIME_ENTRIES);
    let loaded = decoded(&decoder, &first)?;
    if last == Station::Decode {
        return Ok(());
    }
    let schema = TableSchema::of(&streams::TIME_ENTRIES);
    let incoming = collected(&schema, loaded)?;
    if last == Station::Collect {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let store = Arc::new(MemoryStore::new());
    let job = job(&schema, incoming);
    let merged = runtime.block_on(merge(store.clone(), job.clone()))?;
    println!("{:?} in {} files", merged.counts, merged.add.len());
    if last == Station::Merge {
        return Ok(());
    }
    if last == Station::Changes {
        let incoming = collected(&schema, decoded(&decoder, &second)?)?;
        let changes = TableSchema::changes_of(&streams::TIME_ENTRIES);
        let changes = ChangesOf { schema: changes, at: NOW, sequence: Sequence(2) };
        let files = merged.add;
        let job =
            MergeJob { files, incoming, changes: Some(changes), name: "1-2-a".to_owned(), ..job };
        let merged = runtime.block_on(merge(store, job))?;
        println!("{:?}, {} files of changes", merged.counts, merged.changes.len());
        return Ok(());
    }
    runtime.block_on(commit(store, merged))
}

fn decoded(decoder: &Decoder, bodies: &[String]) -> Result<Vec<DecodedPage>, Failure> {
    let at = ReadAt { account: ACCOUNT, synced_at: NOW, unit: Unit::Stream };
    bodies.iter().map(|body| Ok(decoder.page(body, &at)?)).collect()
}

fn collected(schema: &TableSchema, pages: Vec<DecodedPage>) -> Result<Arc<CollectedRows>, Failure> {
    let mut collector = Collector::new(schema, None, MEMORY_LIMIT)?;
    for page in pages {
        collector.push(page.rows)?;
    }
    Ok(Arc::new(collector.finish()?))
}

fn job(schema: &TableSchema, incoming: Arc<CollectedRows>) -> MergeJob {
    MergeJob {
        schema: schema.clone(),
        root: "tables/time_entries".to_owned(),
        files: Vec::new(),
        incoming,
        coverage: Coverage::Nothing,
        judge: PrecedenceRules {
            precedence: Precedence::NewestChange,
            present: Present::ours(Timestamp::MAX),
        },
        max_deletes: 0,
        name: "1-1-a".to_owned(),
        now: NOW,
        limits: FileLimits::default(),
        changes: None,
    }
}

async fn commit(store: Arc<MemoryStore>, merged: MergeOutcome) -> Result<(), Failure> {
    let mut table = Table::create(store, &streams::TIME_ENTRIES, ACCOUNT, NOW).await?;
    let writer = WriterIdentity { attempt: AttemptId("a".to_owned()), epoch: Epoch(1) };
    let note = CommitNote {
        run: "run".to_owned(),
        state: serde_json::Value::Null,
        counts: merged.counts,
        changes: None,
    };
    let change = CommitFiles { started: NOW, add: merged.add, remove: Vec::new() };
    let committed = table.commit(NOW, &writer, &change, &note).await?;
    println!("{committed:?}");
    Ok(())
}

/// Pages of entries in ten months; `version` changes their hours, notes and `updated_at`.
fn body(version: u32) -> Vec<String> {
    let page = |page: u32| {
        let ids = page * RECORDS..(page + 1) * RECORDS;
        let records: Vec<String> = ids.map(|at| record(at, version)).collect();
        format!(
            r#"{{"time_entries":[{}],"total_entries":10000,"links":{{"next":null}}}}"#,
            records.join(",")
        )
    };
    (0..PAGES).map(page).collect()
}

fn record(at: u32, version: u32) -> String {
    let (month, day) = (at / 1_000 + 1, at % 28 + 1);
    format!(
        r#"{{"id":{id},"spent_date":"2024-{month:02}-{day:02}","hours":{hours}.{cents:02},"hours_without_timer":{hours}.{cents:02},"rounded_hours":{hours}.25,"notes":"Weekly meeting, part {at} of {version}","is_locked":false,"locked_reason":null,"approval_status":"unsubmitted","is_closed":false,"is_billed":false,"timer_started_at":null,"started_time":"9:00am","ended_time":"11:15am","is_running":false,"billable":true,"budgeted":true,"billable_rate":120.0,"cost_rate":60.5,"created_at":"2024-{month:02}-{day:02}T09:00:00Z","updated_at":"2024-{month:02}-{day:02}T11:15:0{version}Z","user":{{"id":{user},"name":"Robin Example {user}"}},"client":{{"id":{client},"name":"Client {client}","currency":"EUR"}},"project":{{"id":{project},"name":"Project {project}","code":"P{project}"}},"task":{{"id":{task},"name":"Task {task}"}},"user_assignment":{{"id":{user}77,"is_project_manager":true,"is_active":true,"use_default_rates":true,"budget":null,"created_at":"2023-01-01T00:00:00Z","updated_at":"2023-06-01T00:00:00Z","hourly_rate":100.0}},"task_assignment":{{"id":{task}88,"billable":true,"is_active":true,"created_at":"2023-01-01T00:00:00Z","updated_at":"2023-06-01T00:00:00Z","hourly_rate":100.0,"budget":null}},"invoice":null,"external_reference":null}}"#,
        id = 2_000_000_000 + at,
        hours = at % 9 + version,
        cents = at % 100,
        user = 1_000 + at % 100,
        client = 3_000 + at % 40,
        project = 5_000 + at % 400,
        task = 7_000 + at % 20,
    )
}
