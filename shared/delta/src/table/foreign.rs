//! Commits of other engines to our tables: whether they changed rows, and which of our versions
//! they restored.

use core::fmt;
use std::collections::BTreeMap;

use engine::item::TableMark;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::action::{Add, LogLine, is_ours, note_of};
use super::log::{LogState, Replay};
use super::past::PastError;
use super::read::Log;
use super::{CommitError, CommitNote, Table, TableError, names};

/// Number of log files read at the same time.
const SIDE_BY_SIDE: usize = 12;

/// Changes of rows by other engines since the newest commit with a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
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

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { version, operation: Some(operation) } => {
                write!(f, "version {version}, {operation}")
            }
            Self::Change { version, operation: None } => write!(f, "version {version}"),
            Self::Untold { version } => {
                write!(f, "version {version} or before, of which the log no longer tells")
            }
        }
    }
}

impl Foreign {
    /// Change made by commit `version`, if another engine wrote it and it changes rows.
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
pub(crate) struct Noted {
    pub version: u64,
    pub note: CommitNote,
    /// Unique id of the commit (`txnId`).
    pub commit: Option<String>,
}

impl Noted {
    /// Note of commit `version`, if it carries one.
    pub(super) fn of(version: u64, lines: &[LogLine]) -> Option<Self> {
        let mut infos = lines.iter().filter_map(|line| line.commit_info.as_ref());
        let (note, info) = infos.find_map(|info| Some((note_of(info)?, info)))?;
        let commit = info.get("txnId").and_then(Value::as_str).map(str::to_owned);
        Some(Self { version, note, commit })
    }
}

impl Table {
    /// Changes of rows by other engines since the newest commit with a note.
    #[must_use]
    pub fn foreign(&self) -> Option<&Foreign> {
        self.state.foreign.as_ref()
    }

    /// Identity of the table as a state item records it.
    #[must_use]
    pub fn mark(&self) -> TableMark {
        TableMark {
            id: self.state.meta_data.id.clone(),
            commit: self.state.note.as_ref().and_then(|noted| noted.commit.clone()),
        }
    }

    /// Refuses to continue if another engine has changed rows since `before`: the position in the
    /// note would be wrong.
    pub(super) fn refuse_foreign_since(&self, before: &LogState) -> Result<(), CommitError> {
        match self.state.foreign.clone() {
            Some(change) if before.foreign.as_ref() != Some(&change) => {
                Err(CommitError::Foreign { table: self.stream().to_owned(), change })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Finds the version of ours whose files the last change by another engine restored, and
    /// returns it with its note. `None` if there is no such version or the log does not tell.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn restored(&self) -> Result<Option<(u64, CommitNote)>, TableError> {
        match &self.state.foreign {
            Some(Foreign::Change { version, .. }) => self.log().restored(*version).await,
            Some(Foreign::Untold { .. }) | None => Ok(None),
        }
    }
}

/// Number and bytes of files. Two versions with different outlines have different files.
type Outline = (usize, u64);

fn outline(files: &BTreeMap<String, Add>) -> Outline {
    (files.len(), files.values().map(|add| add.size).fold(0, u64::wrapping_add))
}

impl Log<'_> {
    /// Newest version before `foreign` with the same files and no change by another engine in it.
    async fn restored(&self, foreign: u64) -> Result<Option<(u64, CommitNote)>, TableError> {
        let listing = self.list(None).await?;
        let mut first = foreign;
        while let Some(before) = first.checked_sub(1).filter(|at| listing.commits.contains(at)) {
            first = before;
        }
        let (mut replay, mut outlines) = (Replay::default(), Vec::new());
        if first > 0 {
            // A log whose beginning was cleaned away starts at the oldest checkpoint that the
            // commits continue.
            let mut base = None;
            for (version, files) in listing.checkpoints.range(first.saturating_sub(1)..foreign) {
                if let Ok(checkpoint) = self.read_checkpoint(*version, files).await {
                    base = Some((*version, checkpoint));
                    break;
                }
            }
            let Some((version, checkpoint)) = base else { return Ok(None) };
            outlines.push((version, outline(checkpoint.files())));
            (replay, first) = (checkpoint, version.saturating_add(1));
        }
        let mut commits = stream::iter(first..=foreign)
            .map(|version| async move { Ok((version, self.read_commit(version).await?)) })
            .buffered(SIDE_BY_SIDE);
        while let Some((version, lines)) = commits.try_next().await? {
            let damaged = |what| self.damaged(&names::commit(version), what);
            replay.apply(version, lines).map_err(damaged)?;
            outlines.push((version, outline(replay.files())));
        }
        drop(commits);
        let wanted = outline(replay.files());
        let former = outlines.into_iter().rev().filter(|(version, _)| *version < foreign);
        for (version, _) in former.filter(|(_, outline)| *outline == wanted) {
            let state = match self.version(version, &listing).await {
                Ok(state) => state,
                Err(PastError::Table(error)) => return Err(error),
                Err(_) => continue,
            };
            let LogState { files, note, foreign, .. } = state;
            if foreign.is_none()
                && files.keys().eq(replay.files().keys())
                && let Some(noted) = note
            {
                return Ok(Some((version, noted.note)));
            }
        }
        Ok(None)
    }
}
