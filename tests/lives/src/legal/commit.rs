//! Rules for one commit.

use std::collections::BTreeSet;

use serde_json::Value;

use super::bounds::Statistics;
use super::metadata::{wrong_metadata, wrong_protocol};
use crate::reader::view::{EPOCH, LiveFile, LogAction, SEQUENCE, TableView};
use crate::reader::{LakeRows, LakeTable};

/// Actions of one commit.
struct CommitRules<'a> {
    table: &'a LakeTable,
    before: &'a TableView,
    version: u64,
    actions: &'a [LogAction],
    /// Our part of `commitInfo`; `None` in a commit of another engine.
    ours: Option<&'a Value>,
}

/// Returns the breaches of the rules in a commit that follows the state `before`.
#[must_use]
pub fn breaches(
    table: &LakeTable,
    before: &TableView,
    version: u64,
    actions: &[LogAction],
) -> Vec<String> {
    let infos = actions.iter().filter_map(|action| match action {
        LogAction::Info(info) => Some(info),
        _ => None,
    });
    let infos: Vec<&Value> = infos.collect();
    let ours = infos.iter().find_map(|info| info.get("harvestLake"));
    let rules = CommitRules { table, before, version, actions, ours };
    let mut wrong = Vec::new();
    if infos.len() > 1 {
        wrong.push("several commitInfo".to_owned());
    }
    wrong.extend(rules.head());
    wrong.extend(rules.numbers());
    wrong.extend(rules.files());
    if let Some(ours) = ours {
        wrong.extend(rules.promises(ours, infos[0]));
    }
    wrong
}

impl CommitRules<'_> {
    fn adds(&self) -> impl Iterator<Item = &LiveFile> {
        self.actions.iter().filter_map(|action| match action {
            LogAction::Add(file) => Some(file),
            _ => None,
        })
    }

    /// Protocol and metadata.
    fn head(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let (mut protocols, mut metadata) = (0, 0);
        for action in self.actions {
            match action {
                LogAction::Protocol(protocol) => {
                    protocols += 1;
                    wrong.extend(wrong_protocol(protocol));
                }
                LogAction::Metadata(new) => {
                    metadata += 1;
                    wrong.extend(wrong_metadata(self.table, new));
                    if self.version > 0 && self.before.id() != new["id"] {
                        wrong.push(format!("the id changes to {}", new["id"]));
                    }
                }
                LogAction::Other(name) if self.ours.is_some() => {
                    wrong.push(format!("an action `{name}`"));
                }
                _ => {}
            }
        }
        let wanted = usize::from(self.version == 0);
        if protocols > 1 || metadata > 1 || protocols.min(metadata) < wanted {
            wrong.push(format!("{protocols} protocol and {metadata} metaData"));
        }
        if self.ours.is_some() && self.version > 0 && protocols > 0 {
            wrong.push("a second protocol".to_owned());
        }
        wrong
    }

    /// Numbers of applications, which never fall.
    fn numbers(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for action in self.actions {
            let LogAction::Txn(app, number) = action else { continue };
            if !seen.insert(app) {
                wrong.push(format!("two numbers of {app}"));
            }
            let before = self.before.txns.get(app).copied();
            if before.is_some_and(|before| *number < before) {
                wrong.push(format!("{app} falls from {before:?} to {number}"));
            }
        }
        wrong
    }

    /// Paths that come and go, and their partitions.
    fn files(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for action in self.actions {
            let (path, active) = match action {
                LogAction::Add(file) => (&file.path, false),
                LogAction::Remove(path, _) => (path, true),
                _ => continue,
            };
            if !seen.insert(path) {
                wrong.push(format!("two actions on {path}"));
            }
            let was = self.before.files.contains_key(path);
            if active && !was {
                wrong.push(format!("removes {path}, which is not there"));
            }
            let again = was || self.before.gone.contains(path);
            if !active && again && self.ours.is_some() {
                wrong.push(format!("adds {path} again"));
            }
        }
        for file in self.adds() {
            wrong.extend(wrong_partition(self.table, file));
        }
        if self.version == 0 && !seen.is_empty() {
            wrong.push("files in version 0".to_owned());
        }
        wrong
    }

    /// Promises of harvest-lake about its own commits.
    fn promises(&self, ours: &Value, info: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        if ours["actions"].as_u64() != Some(self.actions.len() as u64) {
            wrong.push(format!("{} of {} lines", self.actions.len(), ours["actions"]));
        }
        if self.version == 0 {
            return wrong;
        }
        if !info["txnId"].is_string() || !info["timestamp"].is_i64() {
            wrong.push("commitInfo without txnId or timestamp".to_owned());
        }
        let after = self.before.after(self.version, self.actions);
        let (epoch, sequence) = (after.recorded(EPOCH), after.recorded(SEQUENCE));
        if ours["epoch"].as_i64() != Some(epoch) || ours["sequence"].as_i64() != Some(sequence) {
            wrong.push(format!(
                "says epoch {} and sequence {}, and records {epoch} and {sequence}",
                ours["epoch"], ours["sequence"]
            ));
        }
        let change = self.actions.iter().any(|action| match action {
            LogAction::Add(file) => file.data_change,
            LogAction::Remove(_, changes) => *changes,
            _ => false,
        });
        let before = self.before.txns.get(SEQUENCE);
        let of_records = self.table.rows == LakeRows::Records;
        // A table that was thrown away goes on with the sequence of the one before.
        let next = before.is_none_or(|before| sequence == before + 1);
        if of_records && change && !next {
            wrong.push(format!("changes rows, and goes from sequence {before:?} to {sequence}"));
        }
        for file in self.adds() {
            wrong.extend(self.wrong_name(file, epoch, sequence));
        }
        wrong.extend(self.uncounted(&after));
        wrong
    }

    /// Whether the name of a file tells epoch and sequence of the attempt that wrote it.
    fn wrong_name(&self, file: &LiveFile, epoch: i64, sequence: i64) -> Option<String> {
        let name = file.path.rsplit('/').next()?.strip_suffix(".parquet").unwrap_or_default();
        let parts: Vec<&str> = name.split('-').collect();
        let number = |at: usize| parts.get(at).and_then(|part| part.parse::<i64>().ok());
        // Another process may append the files of changes that a dead one has written.
        let fits = match self.table.rows {
            LakeRows::Records => number(0) == Some(epoch) && number(1) <= Some(sequence + 1),
            LakeRows::Changes => number(0) <= Some(epoch) && number(1) <= Some(sequence),
        };
        let legal =
            file.path.bytes().all(|it| it.is_ascii_alphanumeric() || b"_=/.-".contains(&it));
        let well = parts.len() == 4 && number(3).is_some() && fits && legal;
        (!well).then(|| format!("epoch {epoch}, sequence {sequence}: bad name {}", file.path))
    }

    /// Columns that readers skip files by, although a file has no statistics of them.
    fn uncounted(&self, after: &TableView) -> Vec<String> {
        let names = after.metadata["configuration"]["delta.dataSkippingStatsColumns"].as_str();
        let names: Vec<&str> = names.unwrap_or_default().split(',').collect();
        let mut wrong = Vec::new();
        let new_metadata = self.actions.iter().any(|it| matches!(it, LogAction::Metadata(_)));
        for file in after.files.values() {
            if !new_metadata && self.before.files.contains_key(&file.path) {
                continue;
            }
            let stats = file.stats.as_deref().map(Statistics::of);
            let Some(Ok(stats)) = stats else { continue };
            let missing = names.iter().filter(|name| !name.is_empty() && !stats.covers(name));
            wrong.extend(missing.map(|name| format!("{} has no statistics of {name}", file.path)));
        }
        wrong
    }
}

/// Whether a file's partition and its folder disagree.
fn wrong_partition(table: &LakeTable, file: &LiveFile) -> Option<String> {
    let column = table.partition();
    let names: Vec<&String> = file.partition_values.keys().collect();
    let folder = column.as_ref().map_or_else(String::new, |name| {
        format!("{name}={}/", file.partition().unwrap_or("__HIVE_DEFAULT_PARTITION__"))
    });
    let name = file.path.strip_prefix(&folder);
    let fits = name.is_some_and(|name| !name.is_empty() && !name.contains('/'));
    let same = names.into_iter().eq(column.as_slice());
    (!fits || !same).then(|| format!("{} of partition {:?}", file.path, file.partition_values))
}
