//! The table of a stream's changes, which records every insert, update and delete as a full row.
//!
//! The files with the changes of a commit are stored before it, and the commit names them. After
//! it, they are appended to the table of changes; a run that finds the commit can do that later,
//! and only once.

mod baseline;
mod encode;
mod expire;
mod join;

use engine::ids::Sequence;
use engine::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::schema::TableSchema;
use crate::table::{FileEntry, Table};

pub use baseline::Baseline;
pub(crate) use encode::ChangeEncoder;
pub use expire::{Expired, condense, expired};
pub use join::{join, scattered};

/// Member of a note's state with the id of the table that the changes belong to.
const FOLLOWS: &str = "table";

/// Kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// The row is new.
    Insert,
    /// The row's content or partition changed.
    Update,
    /// The row is gone; the change holds its last version.
    Delete,
}

impl Op {
    /// Letter in the column `op`.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Insert => "I",
            Self::Update => "U",
            Self::Delete => "D",
        }
    }
}

/// Properties common to all changes of a commit.
#[derive(Clone, Debug)]
pub struct ChangesOf {
    /// Schema of the table of changes.
    pub schema: TableSchema,
    /// Time of the merge.
    pub at: Timestamp,
    /// Sequence of the commit.
    pub sequence: Sequence,
}

impl ChangesOf {
    /// Partition of the changes, `YYYY-MM`.
    pub(crate) fn month(&self) -> String {
        engine::time::month_before(self.at, 0)
    }
}

/// Files with the changes of a commit, as the commit names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeFiles {
    /// Sequence of the commit.
    pub sequence: Sequence,
    /// Stored files, which may not be in the table of changes yet.
    pub files: Vec<FileEntry>,
}

/// Work that a table of changes needs before the stream's table may change again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lag {
    /// Nothing: it has recorded all changes of the stream's table.
    None,
    /// Append the files of the last commit.
    Append(ChangeFiles),
    /// Rebuild: it missed commits, belongs to another table, or another engine changed it.
    Baseline,
}

/// Work that `changes` needs to catch up with `table`.
#[must_use]
pub fn lag(table: &Table, changes: &Table) -> Lag {
    let (made, recorded) = (table.recorded_sequence(), changes.recorded_sequence());
    if changes.foreign().is_some() || follows_another(table, changes) {
        return Lag::Baseline;
    }
    if made == recorded {
        return Lag::None;
    }
    match table.note().and_then(|note| note.changes.clone()) {
        Some(files) if files.sequence == made && recorded.next() == made => Lag::Append(files),
        Some(_) | None => Lag::Baseline,
    }
}

/// State for the notes of a table of changes: the id of the table that it follows.
#[must_use]
pub fn following(table: &Table) -> serde_json::Value {
    serde_json::json!({ FOLLOWS: table.mark().id })
}

/// Whether the changes belong to another table, whose sequence may happen to be equal. Early
/// releases did not record the table.
fn follows_another(table: &Table, changes: &Table) -> bool {
    let follows = changes.note().and_then(|note| note.state.get(FOLLOWS)?.as_str());
    follows.is_some_and(|id| id != table.mark().id)
}
