//! What a log says: the actions of its versions, one after the other, as one state.

use std::collections::BTreeMap;

use super::action::{Add, Line, MetaData, Protocol, Remove, Txn};
use super::foreign::{Foreign, Noted};
use super::names;

/// The state of a table at a version.
#[derive(Clone, Debug)]
pub(crate) struct LogState {
    pub version: u64,
    pub protocol: Protocol,
    pub meta_data: MetaData,
    pub txns: BTreeMap<String, Txn>,
    /// Current files by decoded path.
    pub files: BTreeMap<String, Add>,
    /// Removed files by decoded path.
    pub tombstones: BTreeMap<String, Remove>,
    /// The newest commit that carries a note, as far as it was looked for.
    pub note: Option<Noted>,
    /// What others did to rows since.
    pub foreign: Option<Foreign>,
    /// Version of the newest checkpoint known.
    pub checkpoint: Option<u64>,
}

/// A state that may still lack what each table has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replay {
    protocol: Option<Protocol>,
    meta_data: Option<MetaData>,
    txns: BTreeMap<String, Txn>,
    files: BTreeMap<String, Add>,
    tombstones: BTreeMap<String, Remove>,
    note: Option<Noted>,
    foreign: Option<Foreign>,
}

impl Replay {
    /// Applies the actions of `version`, or says what is wrong with them.
    pub(crate) fn apply(&mut self, version: u64, lines: Vec<Line>) -> Result<(), String> {
        if let Some(noted) = Noted::of(version, &lines) {
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

    /// Applies the actions of the commit `version`, which may be another engine's.
    pub(crate) fn follow(&mut self, version: u64, lines: Vec<Line>) -> Result<(), String> {
        let foreign = Foreign::of(version, &lines);
        self.apply(version, lines)?;
        self.foreign = foreign.or_else(|| self.foreign.take());
        Ok(())
    }

    /// The files by decoded path.
    pub(crate) const fn files(&self) -> &BTreeMap<String, Add> {
        &self.files
    }

    /// How many actions describe it.
    pub(crate) fn actions(&self) -> usize {
        2 + self.txns.len() + self.files.len() + self.tombstones.len()
    }

    /// The state at `version`, or what it lacks.
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
    /// The same state, to go on from.
    pub(crate) fn replay(&self) -> Replay {
        Replay {
            protocol: Some(self.protocol.clone()),
            meta_data: Some(self.meta_data.clone()),
            txns: self.txns.clone(),
            files: self.files.clone(),
            tombstones: self.tombstones.clone(),
            note: self.note.clone(),
            foreign: self.foreign.clone(),
        }
    }

    /// The number that a commit of ours recorded for `app_id`; 0 before the first.
    pub(crate) fn recorded(&self, app_id: &str) -> u64 {
        self.txns.get(app_id).and_then(|txn| u64::try_from(txn.version).ok()).unwrap_or_default()
    }
}

fn decode(path: &str) -> Result<String, String> {
    names::decode(path).ok_or_else(|| format!("the file `{path}` is not below the table's folder"))
}
