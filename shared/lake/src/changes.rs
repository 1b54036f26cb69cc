//! The table of a stream's changes, which records every insert, update and delete as a full row.
//!
//! The files with the changes of a commit are stored before it, and the commit names them. After
//! it, they are appended to the table of changes; a run that finds the commit can do that later,
//! and only once.

mod baseline;
mod encode;
mod expire;
mod join;

use decode::schema::TableSchema;
use engine::ids::Sequence;
use engine::time::Timestamp;

pub use baseline::BaselineWriter;
pub(crate) use encode::ChangeEncoder;
pub use expire::{ExpiredChanges, condense, expired};
pub use join::{join, scattered};

/// Kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeOp {
    /// The row is new.
    Insert,
    /// The row's content or partition changed.
    Update,
    /// The row is gone; the change holds its last version.
    Delete,
}

impl ChangeOp {
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
