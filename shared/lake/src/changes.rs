//! The table of a stream's changes, which records every insert, update and delete as a full row.
//!
//! The files with the changes of a commit are stored before it, and the commit names them. After
//! it, they are appended to the table of changes; a run that finds the commit can do that later,
//! and only once (ADR 13). This module makes the files; `delta` appends them, and `runtime` decides
//! when.
//!
//! | function | files | sequence of their rows |
//! | --- | --- | --- |
//! | `DeferredChanges`, used by the merge | the changes of one commit | that of the commit |
//! | [`BaselineWriter`] | all rows of the table, as inserts | that of the table's newest commit |
//! | [`condense`] | the state after expired changes, as inserts | the last expired one |
//! | [`join()`] | the rows of many small files, unchanged | as before |
//!
//! Readers apply changes in the order of `sequence`. Every key occurs at most once per sequence, so
//! the order within a sequence does not matter.

mod baseline;
mod deferred;
mod encode;
mod expire;
mod join;

use decode::schema::TableSchema;
use delta::table::FileEntry;
use engine::ids::Sequence;
use engine::time::Timestamp;

pub use baseline::BaselineWriter;
pub(crate) use deferred::DeferredChanges;
pub(crate) use encode::ChangeEncoder;
pub use expire::{ExpiredChanges, condense, expired};
pub use join::{join, scattered};

/// Kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeOp {
    /// The row is new. In a baseline: the row exists.
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

/// Properties common to all changes of a commit, in the first columns of each row.
#[derive(Clone, Debug)]
pub struct ChangesOf {
    /// Schema of the table of changes.
    pub schema: TableSchema,
    /// Time of the merge, in the column `changed_at`. For people; two commits may have it in
    /// another order than their sequences.
    pub at: Timestamp,
    /// Sequence of the commit: one more than that of the last commit that changed rows.
    pub sequence: Sequence,
}

impl ChangesOf {
    /// Partition of the changes, `YYYY-MM`, from the time of the merge in UTC. All changes of a
    /// commit are in one partition, so old months can be dropped as whole files.
    pub(crate) fn month(&self) -> String {
        engine::time::month_before(self.at, 0)
    }
}

/// Whether a file of changes is of a month before `month` (`YYYY-MM`).
fn is_before(file: &FileEntry, month: &str) -> bool {
    file.partition.as_deref().is_some_and(|other| other < month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::tests::logged_file;

    #[test]
    fn a_month_is_not_before_itself() {
        let of = |month: Option<&str>| FileEntry {
            partition: month.map(str::to_owned),
            ..logged_file("a.parquet")
        };
        assert!(is_before(&of(Some("2025-12")), "2026-01"));
        assert!(!is_before(&of(Some("2026-01")), "2026-01"));
        assert!(!is_before(&of(Some("2026-02")), "2026-01"));
        assert!(!is_before(&of(None), "2026-01"), "of no month");
    }
}
