//! The table of a stream's changes: every insert, update and delete of a commit as a full row.
//!
//! The files of a commit's changes are stored before the commit, which names them; they are appended
//! to the table of changes after it. So whoever finds the commit can append them, once.

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

/// Member of a note's state that names the table of the changes.
const FOLLOWS: &str = "table";

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// It was not there before.
    Insert,
    /// Its content changed, or the partition it is in.
    Update,
    /// It is gone; the change holds it as it last was.
    Delete,
}

impl Op {
    /// As the column `op` has it.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Insert => "I",
            Self::Update => "U",
            Self::Delete => "D",
        }
    }
}

/// What all changes of one commit have in common.
#[derive(Clone, Debug)]
pub struct ChangesOf {
    /// The schema of the table of changes.
    pub schema: TableSchema,
    /// When they are merged.
    pub at: Timestamp,
    /// The sequence that the commit makes.
    pub sequence: Sequence,
}

impl ChangesOf {
    /// The partition that they are in.
    pub(crate) fn month(&self) -> String {
        engine::time::month_before(self.at, 0)
    }
}

/// The files of a commit's changes, as the commit names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeFiles {
    /// The sequence that the commit made.
    pub sequence: Sequence,
    /// Stored, but perhaps not yet in the table of changes.
    pub files: Vec<FileEntry>,
}

/// What a table of changes needs before the stream's table may change again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lag {
    /// Nothing: it records all that the stream's table does.
    None,
    /// The files of the last commit.
    Append(ChangeFiles),
    /// Everything anew: it missed commits, is another table's, or others changed it.
    Baseline,
}

/// How far `changes` is behind `table`.
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

/// What the notes of a table of changes say: which table it follows.
#[must_use]
pub fn following(table: &Table) -> serde_json::Value {
    serde_json::json!({ FOLLOWS: table.mark().id })
}

/// Whether the changes are those of another table, whose sequence may be the same. Earlier releases
/// did not say.
fn follows_another(table: &Table, changes: &Table) -> bool {
    let follows = changes.note().and_then(|note| note.state.get(FOLLOWS)?.as_str());
    follows.is_some_and(|id| id != table.mark().id)
}
