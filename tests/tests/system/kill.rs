//! `kill -9` at random and at every failpoint, over real files, SQLite and HTTP; then a quiet run.

#![expect(clippy::unwrap_used, reason = "a surprise ends the test")]

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::store::FolderStore;
use e2e::deadly::MOMENTS;
use e2e::scene::{mutate_settled, now, settled_account};
use engine::ids::AccountId;
use lives::oracle::{After, Oracle};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sim::{AccountScale, HttpFace, RunningFace};

/// A lake on disk and the fake account behind HTTP that it copies.
struct Scene {
    served: RunningFace,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let account = settled_account(&AccountScale::tiny(), seed);
        let served =
            runtime.block_on(sim::serve(Arc::new(Mutex::new(account)), HttpFace::local())).unwrap();
        served.with(|account| {
            account.set_general_limit(unlimited());
            account.set_report_limit(unlimited());
        });
        Self { served, folder: tempfile::tempdir().unwrap(), runtime }
    }

    fn trace(&self) -> std::path::PathBuf {
        self.folder.path().join("trace")
    }

    fn start(&self, crash_at: Option<&str>, full: bool) -> Child {
        drop(std::fs::remove_file(self.trace()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_crash"));
        command
            .env_clear()
            .env("PATH", path())
            .env("HARVEST_ACCOUNT_ID", self.served.with(|account| account.account_id()).to_string())
            .env("HARVEST_ACCESS_TOKEN", sim::ADMINISTRATOR_TOKEN)
            .env("HARVEST_BASE_URL", self.served.base_url())
            .env("HARVEST_LAKE", self.folder.path().join("lake"))
            .env("HARVEST_GENERAL", "100000/1s")
            .env("HARVEST_REPORTS", "100000/1s")
            .env("HARVEST_ACCEPT_DELETES", "true")
            .env("CRASH_TRACE", self.trace())
            .stderr(Stdio::piped());
        if let Some(at) = crash_at {
            command.env("CRASH_AT", at);
        }
        if full {
            command.env("CRASH_PASS", "full");
        }
        command.spawn().unwrap()
    }

    /// Runs to the end and says whether it was killed.
    fn finish(child: Child) -> bool {
        let output = child.wait_with_output().unwrap();
        let killed = output.status.signal() == Some(9);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(killed || output.status.success(), "{} {errors}", output.status);
        killed
    }

    fn mutate(&self, seed: u64, steps: u64) {
        self.served.with(|account| mutate_settled(account, seed, steps));
    }

    fn differences(&self, after: After) -> Vec<String> {
        let store = FolderStore::new(self.folder.path().join("lake"));
        let account = &self.served.account;
        let id = AccountId(self.served.with(|account| account.account_id()));
        let (store, memory) = (Arc::new(store), Arc::default());
        let oracle = Oracle { account, id, now: now(), store, settings: None, memory };
        self.runtime.block_on(oracle.differences(after))
    }

    /// Quiet runs, then the tables must be true.
    fn quiet(&self) {
        Self::finish(self.start(None, false));
        assert_eq!(self.differences(After::IncrementalPasses), Vec::<String>::new());
        // Rows of a listing that was emptied are deleted after two full passes without them.
        for _ in 0..2 {
            Self::finish(self.start(None, true));
        }
        assert_eq!(self.differences(After::FullPasses), Vec::<String>::new());
        let lake = self.folder.path().join("lake");
        assert_eq!(strays(&lake), Vec::<String>::new(), "leftovers of dead attempts");
    }

    fn last_moment(&self) -> String {
        let trace = std::fs::read_to_string(self.trace()).unwrap_or_default();
        trace.lines().next_back().unwrap_or("start").to_owned()
    }
}

fn unlimited() -> sim::QuotaLimit {
    sim::QuotaLimit::GENERAL.read("off").unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the child needs to find `kill`")]
fn path() -> String {
    std::env::var("PATH").unwrap()
}

/// Returns the temporary files below `folder`.
fn strays(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(strays(&path));
        } else if path.file_name().unwrap().to_string_lossy().starts_with(".tmp-") {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn killed_at_each_failpoint_the_tables_are_true_after_a_quiet_run() {
    for (number, moment) in (0_u64..).zip(MOMENTS) {
        let scene = Scene::new(number);
        let mut random = StdRng::seed_from_u64(number);
        // A checkpoint comes with every tenth version of a table, so some rounds may be needed.
        let killed = (0..40).any(|round| {
            scene.mutate(number * 1000 + round, 30);
            let nth = if moment == "checkpoint" { 1 } else { random.random_range(1..8) };
            Scene::finish(scene.start(Some(&format!("{moment}:{nth}")), false))
        });
        assert!(killed, "{moment} never came");
        assert_eq!(scene.last_moment(), moment);
        scene.quiet();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a real process is killed after a real moment")]
fn killed_at_random_the_tables_are_true_after_a_quiet_run() {
    const KILLS: u32 = 50;
    let seed = 11;
    let mut random = StdRng::seed_from_u64(seed);
    let mut phases: BTreeMap<String, u32> = BTreeMap::new();
    let mut scene = Scene::new(seed);
    let mut killed = 0;
    let mut longest = 1500;
    while killed < KILLS {
        scene.mutate(u64::from(killed) + 1, random.random_range(0..20));
        let mut child = scene.start(None, random.random_bool(0.3));
        std::thread::sleep(Duration::from_millis(random.random_range(0..longest)));
        child.kill().unwrap();
        if !Scene::finish(child) {
            // It ended before the kill: the next kill comes earlier.
            longest = (longest * 9 / 10).max(50);
            continue;
        }
        *phases.entry(scene.last_moment()).or_default() += 1;
        killed += 1;
        if killed % 10 == 0 {
            scene.quiet();
            scene = Scene::new(seed + u64::from(killed));
        }
    }
    println!("kills by the last moment before them: {phases:?}");
}
