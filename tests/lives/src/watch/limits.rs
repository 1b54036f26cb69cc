//! Limits of what a process may delete: files that readers of older versions need, and rows without
//! permission of the operator.

use std::collections::{BTreeMap, BTreeSet};

use delta::store::ObjectStore as _;
use engine::time::{Timestamp, between};
use serde_json::Value;

use crate::reader::LakeRows;
use crate::reader::lake::LakeReading;
use crate::world::{World, now};

/// Number of rows of a small table that one commit may delete without permission.
const FEW: u64 = 100;

/// State of one table at the last check.
#[derive(Debug, Default)]
struct KnownTable {
    id: String,
    version: u64,
    /// Time of the last check.
    checked: Timestamp,
    /// Keys of the files of the table then.
    live: BTreeSet<String>,
    /// Keys of files that were removed since, by the last time at which each was live.
    removed: BTreeMap<String, Timestamp>,
}

/// Tables by name, as they were at the last check.
#[derive(Debug, Default)]
pub(super) struct KnownTables {
    tables: BTreeMap<String, KnownTable>,
    /// Whether a run may have deleted any number of rows since the last check.
    pub(super) is_permitted: bool,
}

impl KnownTables {
    /// Forgets all tables, because others are in their place.
    pub(super) fn forget(&mut self) {
        self.tables.clear();
    }

    /// Forgets the tables of a stream.
    pub(super) fn forget_stream(&mut self, stream: &str) {
        self.tables.retain(|name, _| name.strip_suffix("_changes").unwrap_or(name) != stream);
    }

    /// Forgets the files that were removed, because something else than a process with a right clock
    /// may have deleted them.
    pub(super) fn forget_removed(&mut self) {
        for table in self.tables.values_mut() {
            table.live.clear();
            table.removed.clear();
        }
    }

    /// Returns the files that were deleted before their retention has passed, and the commits since the
    /// last check that delete too many rows.
    pub(super) async fn wrong(&mut self, world: &World, reading: &LakeReading) -> Vec<String> {
        let name = reading.table.name();
        let root = reading.table.root();
        let now = now(world);
        let live: BTreeSet<String> =
            reading.view.files.keys().map(|path| format!("{root}/{path}")).collect();
        let known = self.tables.entry(name.clone()).or_default();
        if known.id != reading.view.id() || known.version > reading.view.version {
            let id = reading.view.id().to_owned();
            *known = KnownTable { id, version: reading.view.version, ..KnownTable::default() };
        }
        let mut wrong = Vec::new();
        let new = reading.log.objects.commits.range(known.version + 1..);
        if new.clone().any(|(_, commit)| is_reset(commit)) {
            // It deletes at once, perhaps because a restored state told of one that had died.
            known.live.clear();
            known.removed.clear();
        }
        // Commits of changes count the changes that they add.
        let of_records = reading.table.rows == LakeRows::Records;
        for (version, bytes) in new.filter(|_| of_records && !self.is_permitted) {
            let deleted = deleted(bytes);
            if deleted > FEW {
                wrong.push(format!("{name}: version {version} deletes {deleted} rows unasked"));
            }
        }
        let gone = known.live.difference(&live).cloned();
        known.removed.extend(gone.map(|key| (key, known.checked)));
        let retention = world.settings.retention;
        known.removed.retain(|key, last| !live.contains(key) && between(*last, now) < retention);
        if !world.settings.tidy_at_once {
            for (key, last) in &known.removed {
                if world.store.get(key).await.expect("a store").is_none() {
                    wrong.push(format!("{name}: {key}, live at {last}, is deleted at {now}"));
                }
            }
        }
        (known.version, known.checked, known.live) = (reading.view.version, now, live);
        wrong
    }
}

/// Whether a reset made a commit.
fn is_reset(commit: &[u8]) -> bool {
    String::from_utf8_lossy(commit).contains("\"run\":\"reset-")
}

/// Number of rows that a commit says it deletes, other than by a reset.
fn deleted(commit: &[u8]) -> u64 {
    if is_reset(commit) {
        return 0;
    }
    let text = core::str::from_utf8(commit).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let counts = lines.map(|line| line["commitInfo"]["harvestLake"]["counts"]["deleted"].as_u64());
    counts.flatten().sum()
}
