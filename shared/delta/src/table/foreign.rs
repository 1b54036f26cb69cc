//! Commits of other engines to our tables, and whether they changed rows.
//!
//! Another engine may compact files (`OPTIMIZE`), which says `dataChange: false` and leaves the
//! rows as they are. It may also delete, update or restore rows. Then the position in our newest
//! note no longer describes the table: after a restore to last week, records that changed since are
//! missing, and the cursor would never return to them.

use core::fmt;

use serde_json::Value;

use super::CommitNote;
use super::action::LogLine;
use super::commit_file::{is_ours, note_of};

/// Changes of rows by other engines since the newest commit with a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForeignChange {
    /// A restore, delete, update or append.
    Change {
        /// Newest version with such a change.
        version: u64,
        /// Operation named by its `commitInfo`; `None` if it names none.
        operation: Option<String>,
    },
    /// The log no longer has all the versions.
    Untold {
        /// Newest missing version.
        version: u64,
    },
}

impl fmt::Display for ForeignChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { version, operation: Some(operation) } => {
                write!(f, "version {version}, {operation}")
            }
            Self::Change { version, operation: None } => write!(f, "version {version}"),
            Self::Untold { version } => {
                write!(f, "version {version} or an earlier one, which the log no longer has")
            }
        }
    }
}

impl ForeignChange {
    /// Change made by commit `version`, if another engine wrote it and it changes rows. An action
    /// that does not say whether it changes rows counts as one that does.
    pub(super) fn of(version: u64, lines: &[LogLine]) -> Option<Self> {
        let infos = || lines.iter().filter_map(|line| line.commit_info.as_ref());
        let changes_rows = lines.iter().any(|line| {
            line.add.as_ref().is_some_and(|add| add.data_change)
                || line.remove.as_ref().is_some_and(|remove| remove.data_change)
        });
        if !changes_rows || infos().any(is_ours) {
            return None;
        }
        let operation = infos().find_map(|info| info.get("operation")?.as_str());
        Some(Self::Change { version, operation: operation.map(str::to_owned) })
    }
}

/// A commit with a note, which holds the position of the stream.
#[derive(Clone, Debug)]
pub(crate) struct NotedCommit {
    pub version: u64,
    pub note: CommitNote,
    /// Unique id of the commit (`txnId`).
    pub commit: Option<String>,
}

impl NotedCommit {
    /// Note of commit `version`, if it carries one.
    pub(super) fn of(version: u64, lines: &[LogLine]) -> Option<Self> {
        let mut infos = lines.iter().filter_map(|line| line.commit_info.as_ref());
        let (note, info) = infos.find_map(|info| Some((note_of(info)?, info)))?;
        let commit = info.get("txnId").and_then(Value::as_str).map(str::to_owned);
        Some(Self { version, note, commit })
    }
}
