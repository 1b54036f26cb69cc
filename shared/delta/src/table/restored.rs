//! Tables that another engine changed: the version of ours that it restored, if any.
//!
//! `RESTORE TABLE ... TO VERSION AS OF 12` writes a new version with the files of version 12. The
//! position in the note of version 12 is then the right one: the next run reads what changed since,
//! instead of reading the stream again from its beginning. The version is recognised by its files,
//! whatever the engine wrote into `commitInfo`.

use std::collections::BTreeMap;

use engine::item::TableMark;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::action::Add;
use super::foreign::ForeignChange;
use super::location::LogLocation;
use super::log::{LogReplay, LogState};
use super::past::PastError;
use super::{CommitError, CommitNote, Table, TableError, names};

/// Number of log files read at the same time.
const SIDE_BY_SIDE: usize = 12;

impl Table {
    /// Changes of rows by other engines since the newest commit with a note.
    #[must_use]
    pub fn foreign(&self) -> Option<&ForeignChange> {
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
            Some(ForeignChange::Change { version, .. }) => self.log().restored(*version).await,
            Some(ForeignChange::Untold { .. }) | None => Ok(None),
        }
    }
}

/// Number and bytes of files. Two versions with different outlines have different files, so only
/// the few with equal outlines are built a second time and compared path by path. Keeping the paths
/// of every version would need much memory.
type FileOutline = (usize, u64);

fn outline(files: &BTreeMap<String, Add>) -> FileOutline {
    (files.len(), files.values().map(|add| add.size).fold(0, u64::wrapping_add))
}

impl LogLocation<'_> {
    /// Newest version before `foreign` with the same files and no change by another engine in it.
    async fn restored(&self, foreign: u64) -> Result<Option<(u64, CommitNote)>, TableError> {
        let listing = self.list(None).await?;
        // First version from which all commits up to `foreign` are there.
        let mut first = foreign;
        while let Some(before) = first.checked_sub(1).filter(|at| listing.commits.contains(at)) {
            first = before;
        }
        let (mut replay, mut outlines) = (LogReplay::default(), Vec::new());
        if first > 0 {
            // A log whose beginning was cleaned away starts at the oldest checkpoint that the
            // commits continue.
            let mut base = None;
            for (version, files) in listing.checkpoints.range(first.saturating_sub(1)..foreign) {
                match self.read_checkpoint(*version, files).await {
                    Ok(checkpoint) => {
                        base = Some((*version, checkpoint));
                        break;
                    }
                    // A failure of the store may pass. Without an answer the stream would be read
                    // again from its beginning.
                    Err(error @ TableError::Store { .. }) => return Err(error),
                    Err(_) => {}
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
        // Newest first: of several versions with the same files, the last one has the best
        // position.
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
