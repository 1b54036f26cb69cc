//! Relation of a table of changes to the table that it follows.
//!
//! A commit to a stream's table stores its change files first and names them in its note. A second
//! commit, to the table of changes, appends them. A run may die between the two, so the next one
//! compares the sequences of both tables before it changes rows:
//!
//! | table | table of changes | note of the table | work |
//! | --- | --- | --- | --- |
//! | 7 | 7 | | none |
//! | 7 | 6 | names the files of 7 | append them |
//! | 7 | 6 | names none, or files that were in the table of changes before | baseline |
//! | 7 | 5 | | baseline: the note names one commit's files only |
//! | 7 | 9 | | baseline: the table is another one, or was restored |

use engine::ids::Sequence;
use serde::{Deserialize, Serialize};

use super::{FileEntry, Table};

/// Member of a note's state with the id of the table that the changes belong to.
const FOLLOWS: &str = "table";

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
pub enum ChangesLag {
    /// Nothing: it has recorded all changes of the stream's table.
    None,
    /// Append the files of the last commit.
    Append(ChangeFiles),
    /// Rebuild: it missed commits, belongs to another table, or another engine changed it.
    Baseline,
}

/// Work that `changes` needs to catch up with `table`. A baseline loses the history before it, but
/// states each row once; appending what may not be the next change would leave rows wrong for ever.
#[must_use]
pub fn lag(table: &Table, changes: &Table) -> ChangesLag {
    let (made, recorded) = (table.recorded_sequence(), changes.recorded_sequence());
    if changes.foreign().is_some() || follows_another(table, changes) {
        return ChangesLag::Baseline;
    }
    if made == recorded {
        return ChangesLag::None;
    }
    match table.note().and_then(|note| note.changes.clone()) {
        Some(files) if files.sequence == made && recorded.next() == made => {
            // Files that were in it once cannot be added again.
            let used = files.files.iter().any(|file| changes.has_had(&file.path));
            if used { ChangesLag::Baseline } else { ChangesLag::Append(files) }
        }
        Some(_) | None => ChangesLag::Baseline,
    }
}

/// State for the notes of a table of changes: the id of the table that it follows.
#[must_use]
pub fn following(table: &Table) -> serde_json::Value {
    serde_json::json!({ FOLLOWS: table.mark().id })
}

/// State for the note of a table of changes that follows no table: it is to begin anew.
#[must_use]
pub fn following_none() -> serde_json::Value {
    serde_json::json!({ FOLLOWS: "" })
}

/// Whether the changes belong to another table, whose sequence may happen to be equal. Early
/// releases did not record the table.
fn follows_another(table: &Table, changes: &Table) -> bool {
    let follows = changes.note().and_then(|note| note.state.get(FOLLOWS)?.as_str());
    follows.is_some_and(|id| id != table.mark().id)
}
