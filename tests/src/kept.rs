//! Lakes of earlier versions, kept in `fixtures`. They were made from a fake account with the
//! history in this file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use delta::store::FolderStore;
use engine::pass::Pass;
use engine::spec::StreamSpec;
use engine::time::{SignedDuration, Timestamp, plus};
use runtime::Context;
use runtime::clock::Clock as _;
use runtime::gate::PermitGate;
use sim::{AccountScale, Mutation, ServerRequest};
use state::{SqliteStore, StateStore};

use lives::oracle::Oracle;
use lives::world::{BEGINNING, Wish, World, sync, sync_as};

/// Seed of the account. Seed, scale and history must never change: the kept lakes are of this
/// account.
const SEED: u64 = 20_260_310;
/// File with a digest of the account at the end of its history.
const DIGEST: &str = "account.digest";

/// Kept lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A lake of the first version with format 1, which had no tables of changes.
    Format1,
    /// A lake of format 1 before the logs named the columns with statistics, and had checksums of
    /// files.
    WithChanges,
}

impl Kept {
    /// Path of the archive.
    #[must_use]
    pub fn archive(self) -> PathBuf {
        let name = match self {
            Self::Format1 => "lake-format-1",
            Self::WithChanges => "lake-format-1-with-changes",
        };
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/{name}.tar.gz"))
    }

    /// Number of hours in which the account changed, each followed by a sync.
    const fn hours(self) -> i64 {
        match self {
            Self::Format1 => 12,
            Self::WithChanges => 4,
        }
    }
}

/// Returns a world with the account of the kept lakes. Call under tokio's paused clock.
#[must_use]
pub fn world() -> World {
    World::new(&AccountScale { unknown_members: true, ..AccountScale::tiny() }, SEED)
}

/// Returns a process whose lake and state are in `folder`, in the time of `world`.
///
/// # Panics
/// Panics if the state cannot be opened.
pub async fn process(world: &World, folder: &Path) -> Context {
    let mut context = world.process(None);
    let state = SqliteStore::open(folder.join(".state.sqlite")).await.expect("a state");
    let state: Arc<dyn StateStore> = Arc::new(state);
    let settings = &world.settings;
    context.gate = Arc::new(PermitGate::new(
        Arc::clone(&state),
        Arc::clone(&context.clock),
        settings.account,
        settings.general.percent(settings.budget_percent),
        settings.reports.percent(settings.budget_percent),
        &context.random,
    ));
    context.state = state;
    context.store = Arc::new(FolderStore::new(folder));
    context
}

/// Returns an oracle for the lake in `folder`.
#[must_use]
pub fn oracle<'a>(world: &'a World, folder: &Path) -> Oracle<'a> {
    Oracle { store: Arc::new(FolderStore::new(folder)), ..world.oracle() }
}

/// Waits for the beginning of an hour of the history.
pub async fn hour(world: &World, hour: i64) {
    let begun: Timestamp = BEGINNING.parse().expect("an instant");
    let at = plus(begun, SignedDuration::from_hours(hour));
    assert!(world.clock.now() <= at, "the sync before took too long: {}", world.clock.now());
    world.clock.sleep_until(at).await;
}

/// Makes the changes of the account in an hour of its history.
///
/// # Panics
/// Panics if a change is refused.
pub fn change(world: &World, hour: i64) {
    let stream = |name: &str| name.to_owned();
    let update = |name| Mutation::Update { stream: stream(name), id: None };
    let create = |name| Mutation::Create { stream: stream(name) };
    let delete = |name| Mutation::Delete { stream: stream(name), id: None };
    let rename = |name| Mutation::Rename { stream: stream(name), id: None, name: None };
    let message = |name| Mutation::AddMessage { stream: stream(name), id: None };
    let mut changes = vec![update("clients"), update("time_entries"), create("time_entries")];
    changes.extend(match hour % 6 {
        0 => vec![create("invoices"), message("invoices"), update("users")],
        1 => vec![delete("time_entries"), create("expenses"), rename("projects")],
        2 => vec![Mutation::AddPayment { id: None }, update("estimates"), create("tasks")],
        3 => vec![Mutation::Undate { id: None }, update("contacts"), rename("clients")],
        4 => vec![delete("expenses"), create("projects"), message("estimates")],
        _ => vec![update("user_assignments"), create("clients"), update("expenses")],
    });
    let now = world.clock.now();
    let mut account = world.account.lock().expect("no panic");
    for change in changes {
        account.apply(now, &change).unwrap_or_else(|why| panic!("{change:?}: {why}"));
    }
}

/// Lets the account go through its whole history. If a process is given, it syncs each hour, runs
/// full passes at the end, and begins others that stay unfinished, which makes the kept lake.
///
/// # Panics
/// Panics if a sync fails.
pub async fn history(world: &World, kept: Kept, process: Option<&Context>) {
    let hours = kept.hours();
    if let Some(process) = process {
        let synced = sync(process, None).await.expect("a sync");
        assert_eq!(synced.failures(), Vec::<String>::new());
    }
    for number in 1..=hours {
        hour(world, number).await;
        change(world, number);
        if let Some(process) = process {
            let pass = (number == hours).then_some(Pass::Full);
            let synced = sync(process, pass).await.expect("a sync");
            assert_eq!(synced.failures(), Vec::<String>::new());
        }
    }
    hour(world, hours + 1).await;
    if let Some(process) = process {
        // Nothing changes any more; this leaves unfinished passes in the kept lake.
        let stop_after = Some(SignedDuration::from_secs(1));
        let wish = Wish { pass: Some(Pass::Full), stop_after, impatient: true };
        let synced = sync_as(process, wish).await.expect("a sync");
        assert_eq!(synced.failures(), Vec::<String>::new());
    }
    hour(world, hours + 2).await;
}

/// Returns the streams that the lake in `folder` has tables of. Kept lakes have none of a stream
/// that is newer.
#[must_use]
pub fn held(folder: &Path) -> Vec<&'static StreamSpec> {
    let tables = folder.join("tables");
    streams::STREAMS.into_iter().filter(|spec| tables.join(spec.name).exists()).collect()
}

/// Returns a digest of the account's records of these streams, which tells whether they are those
/// of the kept lake.
///
/// # Panics
/// Panics if the fake does not answer.
#[must_use]
pub fn digest(world: &World, held: &[&StreamSpec]) -> String {
    let now = world.clock.now();
    let mut account = world.account.lock().expect("no panic");
    // FNV-1a, because the digest must never change.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for spec in held {
        let target = format!("/_sim/truth/{}", spec.name);
        let response = account.handle(now, &ServerRequest::new("GET", "http://sim", &target));
        for byte in &response.body {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}\n")
}

/// Packs the lake in `folder` as the kept one.
///
/// # Panics
/// Panics if there is one already, or it cannot be written.
pub fn pack(folder: &Path, kept: Kept, digest: &str) {
    let archive = kept.archive();
    assert!(!archive.exists(), "{} is there: it is made once", archive.display());
    fs::write(folder.join(DIGEST), digest).expect("a writable folder");
    let options = "--sort=name --owner=0 --group=0 --numeric-owner --mtime=2026-03-11 -czf";
    tar(options, &archive, folder, &["tables", ".state.sqlite", DIGEST]);
}

/// Unpacks the kept lake into `folder`, and returns the digest of its account.
///
/// # Panics
/// Panics if there is none.
#[must_use]
pub fn unpack(folder: &Path, kept: Kept) -> String {
    tar("-xzf", &kept.archive(), folder, &[]);
    fs::read_to_string(folder.join(DIGEST)).expect("the digest")
}

fn tar(options: &str, archive: &Path, folder: &Path, names: &[&str]) {
    let mut command = Command::new("tar");
    command.args(options.split(' ')).arg(archive).arg("-C").arg(folder).args(names);
    let done = command.output().expect("the program tar");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
