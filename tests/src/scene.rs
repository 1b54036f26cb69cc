//! A lake on disk, the fake account behind HTTP, and the built binaries that copy it.

#![expect(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "most of these assert, and may be the end of a chain"
)]

mod account;
mod ended;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::store::FolderStore;
use engine::ids::AccountId;
use engine::time::Timestamp;
use serde_json::Value;
use sim::{
    Account, AccountScale, FaultChoice, FaultEffect, FaultRule, HttpFace, Mutation, RunningFace,
    ServerRequest,
};

pub use account::{mutate_settled, settled_account, two_thousand_requests};
pub use ended::{Ended, finish};
use lives::oracle::{After, Oracle};

/// Cursor, table version and files of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Cursor of the stream.
    pub cursor: Option<Timestamp>,
    /// Version of the table.
    pub version: u64,
    /// All files in the table's folder.
    pub files: Vec<String>,
}

/// A lake on disk, and the fake account behind HTTP.
#[derive(Debug)]
pub struct Scene {
    /// The account.
    pub served: RunningFace,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    /// Returns a scene with a tiny account.
    pub fn new(seed: u64) -> Self {
        Self::of(&AccountScale::tiny(), seed, Duration::ZERO)
    }

    /// Returns a scene with an account of `scale` whose answers take `latency`.
    pub fn of(scale: &AccountScale, seed: u64, latency: Duration) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let account = settled_account(scale, seed);
        let mut face = HttpFace::local();
        face.latency = latency;
        let served = runtime.block_on(sim::serve(Arc::new(Mutex::new(account)), face)).unwrap();
        served.with(|account| {
            account.set_general_limit(sim::QuotaLimit::GENERAL.read("off").unwrap());
            account.set_report_limit(sim::QuotaLimit::REPORTS.read("off").unwrap());
        });
        Self { served, folder: tempfile::tempdir().unwrap(), runtime }
    }

    /// Folder that is deleted with the scene.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Folder of the lake.
    pub fn lake(&self) -> PathBuf {
        self.folder().join("lake")
    }

    /// Id of the account.
    pub fn account(&self) -> AccountId {
        AccountId(self.served.with(|account| account.account_id()))
    }

    /// Returns the command with the settings of this scene; `line` is split at spaces.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(binary("harvest-lake"));
        self.settings(&mut command);
        command.args(line.split_whitespace());
        command
    }

    /// Sets the environment of `command` to the settings of this scene.
    pub fn settings(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", path())
            // An empty file: the settings of the person who runs the tests do not count.
            .env("HARVEST_CONFIG", "/dev/null")
            .env("HARVEST_ACCOUNT_ID", self.account().to_string())
            .env("HARVEST_ACCESS_TOKEN", sim::ADMINISTRATOR_TOKEN)
            .env("HARVEST_BASE_URL", self.served.base_url())
            .env("HARVEST_LAKE", self.lake())
            .env("HARVEST_GENERAL", "100000/200ms")
            .env("HARVEST_REPORTS", "100000/200ms")
            // Failing streams wait between their attempts, and must not keep others from running.
            .env("HARVEST_MAX_WORKERS", "40")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    /// Runs the command to its end.
    pub fn run(&self, line: &str) -> Ended {
        finish(self.command(line).spawn().unwrap()).answers(line)
    }

    /// Runs `sync` to its end.
    pub fn sync(&self) -> Ended {
        self.run("sync --json")
    }

    /// Adds a fault rule: requests to `path` have `effect` from now on.
    pub fn fault(&self, path: &str, select: FaultChoice, effect: FaultEffect) {
        let rule = FaultRule { path: path.to_owned(), select, effect };
        self.served.with(|account| account.add_fault(rule));
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) {
        self.served.with(Account::clear_faults);
    }

    /// Makes one change of the account.
    pub fn apply(&self, mutation: &Mutation) {
        self.served.with(|account| account.apply(now(), mutation).unwrap());
    }

    /// Makes random changes that an incremental pass reads, in most streams.
    pub fn mutate(&self, seed: u64) {
        self.served.with(|account| mutate_settled(account, seed, 60));
    }

    fn oracle(&self, lake: &Path) -> Oracle<'_> {
        let store = Arc::new(FolderStore::new(lake));
        Oracle {
            account: &self.served.account,
            id: self.account(),
            now: now(),
            store,
            settings: None,
            memory: Arc::default(),
        }
    }

    /// Id of a user of the account.
    pub fn somebody(&self) -> i64 {
        let users = streams::find("users").unwrap();
        let rows = self.oracle(&self.lake()).true_rows(users, &BTreeSet::new());
        rows.keys().find_map(|key| key.parse().ok()).unwrap()
    }

    /// Returns the records that the account has of a stream without windows, as its truth tells them.
    pub fn records(&self, stream: &str) -> Vec<Value> {
        let target = format!("/_sim/truth/{stream}");
        let request = ServerRequest::new("GET", "http://sim", &target);
        let response = self.served.with(|account| account.handle(now(), &request));
        let truth: Value = serde_json::from_slice(&response.body).unwrap();
        let records = truth["records"].as_array().unwrap();
        records.iter().map(|record| record["record"].clone()).collect()
    }

    /// Returns the differences between the tables and the account.
    pub fn differences(&self, after: After) -> Vec<String> {
        self.runtime.block_on(self.oracle(&self.lake()).differences(after))
    }

    /// Asserts that a sync succeeds and that the tables then agree with the account.
    pub fn heals(&self) {
        self.sync().with(0);
        assert_eq!(self.differences(After::IncrementalPasses), Vec::<String>::new());
    }

    /// Asserts that two full syncs succeed and that the tables then agree entirely with the
    /// account.
    pub fn heals_fully(&self) {
        // Two, because rows of a listing that was emptied are deleted only by the second sweep.
        for _ in 0..2 {
            self.run("sync --json --pass full --accept-deletes").with(0);
        }
        assert_eq!(self.differences(After::FullPasses), Vec::<String>::new());
    }

    /// Asserts that each row in the tables of `lake` agrees with the account; rows may be missing.
    pub fn is_sound(&self, lake: &Path) {
        let oracle = self.oracle(lake);
        let windows = oracle.months();
        for spec in streams::STREAMS {
            // Without its first version the table does not exist.
            let log = lake.join("tables").join(spec.name).join("_delta_log");
            if !log.join(format!("{:020}.json", 0)).exists() {
                continue;
            }
            let rows = self.runtime.block_on(oracle.table_rows(spec));
            let truth = oracle.true_rows(spec, &windows);
            for (key, row) in rows {
                assert_eq!(truth.get(&key), Some(&row), "{}: {key}", spec.name);
            }
        }
    }

    /// Returns the standing of the stream, by `status` and by its folder.
    pub fn standing(&self, stream: &str) -> Standing {
        let json = self.run("status --json").json();
        let item = json["streams"].as_array().unwrap().iter().find(|one| one["stream"] == stream);
        let item = item.unwrap_or_else(|| panic!("{stream} is not in {json}"));
        let table = self.lake().join("tables").join(stream);
        Standing {
            cursor: item["cursor"].as_str().map(|at| at.parse().unwrap()),
            version: item["version"].as_u64().unwrap(),
            files: files(&table).iter().map(|path| path.display().to_string()).collect(),
        }
    }

    /// Returns the path of the log file of `version`.
    pub fn commit(&self, stream: &str, version: u64) -> PathBuf {
        self.lake().join(format!("tables/{stream}/_delta_log/{version:020}.json"))
    }
}

/// Returns the path of a built binary of another package, in the folder of this test's profile.
pub fn binary(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap();
    let profile = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    let binary = profile.join(name);
    assert!(
        binary.exists(),
        "{} is not built: run `cargo build --bins` first, as `make test` does",
        binary.display()
    );
    binary
}

/// Returns all files below `folder`, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Returns the files of all tables but the ledger, which has all runs, also those that write nothing.
pub fn table_files(lake: &Path) -> Vec<PathBuf> {
    let ledger = lake.join("tables/_runs");
    files(&lake.join("tables")).into_iter().filter(|file| !file.starts_with(&ledger)).collect()
}

/// Runs all cases at the same time, and panics with the names of those that fail.
pub fn in_parallel<T: Sync>(cases: &[(&str, T)], check: impl Fn(&T) + Sync) {
    let check = &check;
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let running: Vec<_> = cases
            .iter()
            .map(|(name, case)| {
                let thread = std::thread::Builder::new().name((*name).to_owned());
                (*name, thread.spawn_scoped(scope, move || check(case)).unwrap())
            })
            .collect();
        running.into_iter().filter_map(|(name, it)| it.join().is_err().then_some(name)).collect()
    });
    assert_eq!(failed, Vec::<&str>::new(), "see above for each");
}

/// Current time of this machine.
#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "the child needs to find `sh` and `mount`")]
fn path() -> String {
    std::env::var("PATH").unwrap()
}
