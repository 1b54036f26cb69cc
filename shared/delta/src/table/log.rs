//! Combines the actions of a log's versions, in order, into one state.
//!
//! The rules are those of Delta's protocol ("Action Reconciliation"): the newest `protocol`,
//! `metaData` and `txn` of an application count; a path is a file if its newest action is `add`,
//! and a tombstone if it is `remove`. So the same code applies commits and checkpoints. The notes
//! of `commitInfo` are our addition.

use std::collections::BTreeMap;

use super::action::{Add, LogLine, MetaData, Protocol, Remove, Txn};
use super::foreign::{ForeignChange, NotedCommit};
use super::names;

/// State of a table at a version.
#[derive(Clone, Debug)]
pub(crate) struct LogState {
    pub version: u64,
    pub protocol: Protocol,
    pub meta_data: MetaData,
    pub txns: BTreeMap<String, Txn>,
    /// Current files, by decoded path.
    pub files: BTreeMap<String, Add>,
    /// Removed files, by decoded path.
    pub tombstones: BTreeMap<String, Remove>,
    /// Newest commit that carries a note; `None` if none has been looked for or found.
    pub note: Option<NotedCommit>,
    /// Latest change of rows by another engine since that commit.
    pub foreign: Option<ForeignChange>,
    /// Version of the newest known checkpoint.
    pub checkpoint: Option<u64>,
}

/// State under construction; protocol and metadata may still be missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogReplay {
    protocol: Option<Protocol>,
    meta_data: Option<MetaData>,
    txns: BTreeMap<String, Txn>,
    files: BTreeMap<String, Add>,
    tombstones: BTreeMap<String, Remove>,
    note: Option<NotedCommit>,
    foreign: Option<ForeignChange>,
}

impl LogReplay {
    /// Applies the actions of `version`, or returns the reason why they are invalid. A note of ours
    /// ends an earlier change by another engine: its writer has dealt with that change.
    pub(crate) fn apply(&mut self, version: u64, lines: Vec<LogLine>) -> Result<(), String> {
        if let Some(noted) = NotedCommit::of(version, &lines) {
            self.note = Some(noted);
            self.foreign = None;
        }
        for line in lines {
            if line.protocol.is_some() {
                self.protocol = line.protocol;
            }
            if line.meta_data.is_some() {
                self.meta_data = line.meta_data;
            }
            if let Some(txn) = line.txn {
                self.txns.insert(txn.app_id.clone(), txn);
            }
            if let Some(remove) = line.remove {
                let path = decode(&remove.path)?;
                self.files.remove(&path);
                self.tombstones.insert(path, remove);
            }
            if let Some(add) = line.add {
                let path = decode(&add.path)?;
                self.tombstones.remove(&path);
                self.files.insert(path, add);
            }
        }
        Ok(())
    }

    /// Applies the actions of commit `version`, which may come from another engine.
    pub(crate) fn follow(&mut self, version: u64, lines: Vec<LogLine>) -> Result<(), String> {
        let foreign = ForeignChange::of(version, &lines);
        self.apply(version, lines)?;
        self.foreign = foreign.or_else(|| self.foreign.take());
        Ok(())
    }

    /// Current files, by decoded path.
    pub(crate) const fn files(&self) -> &BTreeMap<String, Add> {
        &self.files
    }

    /// Number of actions that describe this state.
    pub(crate) fn actions(&self) -> usize {
        2 + self.txns.len() + self.files.len() + self.tombstones.len()
    }

    /// Returns the state at `version`, or the reason why it is incomplete. A log without protocol
    /// or schema has lost its beginning.
    pub(crate) fn finish(self, version: u64, checkpoint: Option<u64>) -> Result<LogState, String> {
        Ok(LogState {
            version,
            protocol: self.protocol.ok_or("there is no protocol in it")?,
            meta_data: self.meta_data.ok_or("there is no schema in it")?,
            txns: self.txns,
            files: self.files,
            tombstones: self.tombstones,
            note: self.note,
            foreign: self.foreign,
            checkpoint,
        })
    }
}

impl LogState {
    /// Copy of this state to apply later versions to.
    pub(crate) fn replay(&self) -> LogReplay {
        LogReplay {
            protocol: Some(self.protocol.clone()),
            meta_data: Some(self.meta_data.clone()),
            txns: self.txns.clone(),
            files: self.files.clone(),
            tombstones: self.tombstones.clone(),
            note: self.note.clone(),
            foreign: self.foreign.clone(),
        }
    }

    /// Number that our commits recorded for `app_id`; 0 before the first.
    pub(crate) fn recorded(&self, app_id: &str) -> u64 {
        self.txns.get(app_id).and_then(|txn| u64::try_from(txn.version).ok()).unwrap_or_default()
    }
}

/// Path of an action, decoded. Refuses paths outside of the table, which shallow clones of other
/// engines have: each key in the store is the table's folder and such a path.
fn decode(path: &str) -> Result<String, String> {
    names::decode(path).ok_or_else(|| format!("the file `{path}` is not below the table's folder"))
}
