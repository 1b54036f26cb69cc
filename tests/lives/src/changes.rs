//! Comparison of a table of changes with the table that it belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::spec::StreamSpec;
use serde_json::Value;

use crate::naive::record::Row;
use crate::oracle::{Contents, Oracle, is_same_row};
use crate::reader::LakeTable;
use crate::reader::lake::{LakeReading, same_objects};
use crate::reader::view::SEQUENCE;

/// One change, as a reader of the table of changes sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Sequence of the commit.
    pub sequence: i64,
    /// Key of the row.
    pub key: String,
    /// Kind of change: `I`, `U` or `D`.
    pub op: String,
    /// Time of the change, in microseconds.
    pub changed_at: i64,
    /// Values of the row.
    pub row: Row,
}

/// Way in which a table of changes is behind its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// It has all changes.
    Nothing,
    /// The changes of the last commit are stored, and not yet appended.
    OneCommit,
    /// It has to begin anew.
    All,
}

/// Content of a table of changes, in the order of sequence and key.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The changes.
    pub all: Vec<Change>,
    /// How far it is behind the stream's table.
    pub behind: Behind,
    /// Sequence that the table of changes records.
    pub recorded: u64,
}

impl Changes {
    /// Returns the rows that result from the changes up to `sequence`. Panics if a change does not
    /// fit those before it.
    #[must_use]
    pub fn replay(&self, sequence: i64) -> Contents {
        let (rows, wrong) = self.replayed(sequence);
        assert!(wrong.is_empty(), "{wrong:?}");
        rows
    }

    /// Returns the rows that result from the changes up to `sequence`, and changes that do not fit
    /// those before them.
    fn replayed(&self, sequence: i64) -> (Contents, Vec<String>) {
        let mut rows = Contents::new();
        let mut wrong = Vec::new();
        for change in self.all.iter().filter(|change| change.sequence <= sequence) {
            let before = if change.op == "D" {
                rows.remove(&change.key)
            } else {
                rows.insert(change.key.clone(), Arc::clone(&change.row))
            };
            let known = ["I", "U", "D"].contains(&change.op.as_str());
            if !known || before.is_none() != (change.op == "I") {
                wrong.push(format!("{} of {} at {}", change.op, change.key, change.sequence));
            }
        }
        (rows, wrong)
    }

    /// Number of changes of each commit.
    #[must_use]
    pub fn per_commit(&self) -> BTreeMap<i64, u64> {
        let mut counts = BTreeMap::new();
        for change in &self.all {
            *counts.entry(change.sequence).or_default() += 1;
        }
        counts
    }
}

impl Oracle<'_> {
    /// Reads the changes of `spec`; `None` if there is no table of changes.
    pub async fn changes(&self, spec: &'static StreamSpec) -> Option<Changes> {
        let table = self.read(LakeTable::of(spec)).await.expect("the table exists");
        let changes = self.read(LakeTable::changes_of(spec)).await?;
        assert!(changes.unreadable.is_empty(), "{:?}", changes.unreadable);
        Some(changes_in(&table, &changes))
    }

    /// Errors in the table of changes of `spec`; no missing rows while a commit of the stream's
    /// table still waits for its changes.
    pub async fn wrong_changes(&self, spec: &'static StreamSpec) -> Vec<String> {
        match self.read(LakeTable::of(spec)).await {
            Some(table) => self.changes_wrong_with(&table).await,
            None => vec![format!("{}: there is no table", spec.name)],
        }
    }

    /// Returns the errors in the table of changes beside `table`.
    pub(crate) async fn changes_wrong_with(&self, table: &LakeReading) -> Vec<String> {
        let spec = table.table.spec;
        let Some(changes) = self.read(LakeTable::changes_of(spec)).await else {
            return Vec::new();
        };
        let mut wrong = changes.breaches();
        // The operator has reset them, and the next run begins them anew.
        if changes.view.note.as_ref().is_some_and(|note| note["state"]["table"] == "") {
            return wrong;
        }
        match behind(table, &changes) {
            Behind::OneCommit => return wrong,
            Behind::All => {
                wrong.push(format!("{}: changes are missing", spec.name));
                return wrong;
            }
            Behind::Nothing => {}
        }
        let comparison = format!("{} changes", spec.name);
        let mut basis = table.basis();
        basis.extend(changes.basis());
        let agreed = self.memory.shelves().agreed.get(&comparison).cloned();
        if agreed.is_some_and(|agreed| same_objects(&agreed, &basis)) {
            return wrong;
        }
        let (rows, _) = table.contents(&self.memory);
        let read = changes_in(table, &changes);
        let recorded = changes.view.recorded(SEQUENCE);
        let early = read.all.iter().filter(|it| it.sequence > recorded);
        wrong.extend(early.map(|it| format!("{}: {} is early", spec.name, it.sequence)));
        let (replayed, unfit) = read.replayed(i64::MAX);
        let unfit = unfit.into_iter().map(|unfit| format!("{}: {unfit} does not fit", spec.name));
        wrong.extend(unfit);
        let missing = replayed.keys().filter(|key| !rows.contains_key(*key));
        let older = table.is_older() || changes.is_older();
        let same = |row: &Row, other: &Row| is_same_row(spec, older, row, other);
        let differ =
            rows.iter().filter(|(key, row)| !replayed.get(*key).is_some_and(|it| same(it, row)));
        let differ = missing.chain(differ.map(|(key, _)| key));
        wrong.extend(differ.map(|key| format!("{}: the changes do not give {key}", spec.name)));
        if wrong.is_empty() {
            self.memory.shelves().agreed.insert(comparison, basis);
        }
        wrong
    }
}

/// Returns the changes that were read.
fn changes_in(table: &LakeReading, changes: &LakeReading) -> Changes {
    let files = changes.files.iter().filter_map(|file| file.read.as_ref().ok());
    let rows = files.flat_map(|file| &file.rows);
    let mut all: Vec<Change> = rows
        .filter_map(|row| {
            let change = row.change.as_ref()?;
            Some(Change {
                sequence: change.sequence,
                key: row.key.clone(),
                op: change.op.clone(),
                changed_at: change.changed_at,
                row: Arc::clone(&row.row),
            })
        })
        .collect();
    all.sort();
    let recorded = changes.view.recorded(SEQUENCE);
    let recorded = u64::try_from(recorded).expect("a sequence");
    Changes { all, behind: behind(table, changes), recorded }
}

/// Compares the sequences that both tables record. A commit that waits for its changes names their
/// files.
pub(crate) fn behind(table: &LakeReading, changes: &LakeReading) -> Behind {
    let note = |reading: &LakeReading| reading.view.note.clone();
    let followed =
        note(changes).and_then(|note| note["state"]["table"].as_str().map(str::to_owned));
    let another = followed.is_some_and(|id| id != table.view.id());
    if another || changes.view.is_changed_by_others {
        return Behind::All;
    }
    let (made, recorded) = (table.view.recorded(SEQUENCE), changes.view.recorded(SEQUENCE));
    if made == recorded {
        return Behind::Nothing;
    }
    let named = note(table).map(|note| note["changes"]["sequence"].clone());
    let waits = named == Some(Value::from(made)) && recorded + 1 == made;
    if waits { Behind::OneCommit } else { Behind::All }
}
