//! Reads a log: hint, checkpoint and the commits after it, with one listing. Reads more only if the
//! hint is wrong.
//!
//! A log must never be read as if it ended early. If version 5 is missing and 6 and 7 are there, a
//! run that stopped at 4 would commit 5 in front of them, as if they had not happened. So every gap
//! is an error: a missing commit before a later one, an unreadable checkpoint beyond the last
//! commit, a hint without any log.

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;

use super::action::LogLine;
use super::commit_file::parse_commit_file;
use super::foreign::{ForeignChange, NotedCommit};
use super::listing::LogListing;
use super::location::LogLocation;
use super::log::{LogReplay, LogState};
use super::{TableError, checkpoint, names};

/// Number of log files read at the same time.
pub(super) const SIDE_BY_SIDE: usize = 12;

/// Content of `_last_checkpoint` as far as it is used. The number of parts is not: the listing
/// shows which files exist.
#[derive(Debug, Deserialize)]
struct CheckpointHint {
    version: u64,
}

impl LogLocation<'_> {
    /// Newest state, or `None` if there is no log.
    pub(crate) async fn load(&self) -> Result<Option<LogState>, TableError> {
        let hint = self.hint().await?;
        if let Some(version) = hint {
            // Lists the log from the checkpoint's own version on. The listing also shows
            // checkpoints that are newer than the hint.
            let listing = self.list(Some(&format!("_delta_log/{version:020}."))).await?;
            if let (Some(base), damage) = self.newest_checkpoint(&listing).await? {
                let state = self.go_on(base, &listing).await;
                return state.map(Some).map_err(|error| root_cause(error, damage));
            }
        }
        // No hint, or nothing readable behind it: the whole log.
        let listing = self.list(None).await?;
        if listing.commits.is_empty() && listing.checkpoints.is_empty() {
            if hint.is_some() {
                return Err(self.damaged(names::LAST_CHECKPOINT, "it is all that is left"));
            }
            let Some((version, replay)) = self.by_name(LogReplay::default(), 0).await? else {
                return Ok(None);
            };
            let state = replay.finish(version, None);
            return state.map(Some).map_err(|what| self.damaged("_delta_log", what));
        }
        let (base, damage) = self.newest_checkpoint(&listing).await?;
        let state = match base {
            Some(base) => self.go_on(base, &listing).await,
            None if listing.commits.contains(&0) => {
                self.tail(LogReplay::default(), 0, None, &listing).await
            }
            None => Err(self.damaged(&names::commit(0), "it is missing")),
        };
        state.map(Some).map_err(|error| root_cause(error, damage))
    }

    /// State after the versions that follow `state`; `None` if there are none.
    pub(crate) async fn follow(&self, state: &LogState) -> Result<Option<LogState>, TableError> {
        let listing = self.list(Some(&names::commit(state.version))).await?;
        let newest = listing.commits.last().copied();
        let newest = newest.max(listing.checkpoints.keys().last().copied());
        let Some(newest) = newest.filter(|newest| *newest > state.version) else {
            return Ok(None);
        };
        let next = state.version + 1;
        if !listing.commits.contains(&next) {
            // Either clean-up deleted the versions in between, or the log is damaged; reading all
            // of it tells.
            return match self.load().await? {
                Some(loaded) if loaded.version >= newest => Ok(Some(loaded)),
                Some(_) | None => Err(self.damaged(&names::commit(next), "it is missing")),
            };
        }
        let checkpoint = listing.checkpoints.keys().last().copied().max(state.checkpoint);
        self.tail(state.replay(), next, checkpoint, &listing).await.map(Some)
    }

    /// Newest commit up to `version` that carries a note, and the newest change of rows by another
    /// engine since. Log clean-up may have deleted commits in between, but keeps this one. A
    /// deleted commit may have been a change by another engine, so the answer is then at least
    /// `Untold`.
    ///
    /// Needed when the state comes from a checkpoint, which has no notes.
    pub(crate) async fn note_before(
        &self,
        version: u64,
    ) -> Result<(Option<NotedCommit>, Option<ForeignChange>), TableError> {
        let (mut version, mut foreign) = (version, None);
        // The first commit nearly always has a note.
        while let Some(bytes) = self.get(&names::commit(version)).await? {
            let lines = self.parsed(version, &bytes)?;
            if let Some(noted) = NotedCommit::of(version, &lines) {
                return Ok((Some(noted), foreign));
            }
            foreign = foreign.or_else(|| ForeignChange::of(version, &lines));
            let Some(before) = version.checked_sub(1) else {
                return Ok((None, foreign));
            };
            version = before;
        }
        let foreign = Some(foreign.unwrap_or(ForeignChange::Untold { version }));
        let listing = self.list(None).await?;
        for version in listing.commits.range(..version).rev().copied() {
            let Some(bytes) = self.get(&names::commit(version)).await? else { continue };
            let lines = self.parsed(version, &bytes)?;
            if let Some(noted) = NotedCommit::of(version, &lines) {
                return Ok((Some(noted), foreign));
            }
        }
        Ok((None, foreign))
    }

    /// Version named by the hint. The hint only saves requests, so an unreadable one counts as
    /// none.
    pub(crate) async fn hint(&self) -> Result<Option<u64>, TableError> {
        let Some(bytes) = self.get(names::LAST_CHECKPOINT).await? else {
            return Ok(None);
        };
        Ok(serde_json::from_slice::<CheckpointHint>(&bytes).ok().map(|hint| hint.version))
    }

    /// Actions of a checkpoint that consists of `files`.
    pub(crate) async fn read_checkpoint(
        &self,
        version: u64,
        files: &[String],
    ) -> Result<LogReplay, TableError> {
        let mut replay = LogReplay::default();
        for file in files {
            let Some(bytes) = self.get(file).await? else {
                return Err(self.damaged(file, "it is missing"));
            };
            let lines = crate::offload::offload(move || checkpoint::read(bytes)).await;
            let lines = match lines {
                Ok(lines) => lines,
                // The Parquet reader panicked.
                Err(error) => Err(error.to_string()),
            };
            lines
                .and_then(|lines| replay.apply(version, lines))
                .map_err(|what| self.damaged(file, what))?;
        }
        let file = files.first().map_or("_delta_log", String::as_str);
        // An incomplete checkpoint is found out here, while an older one can still take its place.
        replay.clone().finish(version, None).map_err(|what| self.damaged(file, what))?;
        Ok(replay)
    }

    /// Newest readable checkpoint, and the defect of the newest unreadable one, if that is newer.
    pub(super) async fn newest_checkpoint(
        &self,
        listing: &LogListing,
    ) -> Result<LogBase, TableError> {
        let mut damage = None;
        for (version, files) in listing.checkpoints.iter().rev() {
            match self.read_checkpoint(*version, files).await {
                Ok(replay) => return Ok((Some((*version, replay)), damage)),
                // The store's failure says nothing of the checkpoint and may pass.
                Err(error @ TableError::Store { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(
                        stream = self.stream,
                        version,
                        what = error.defect(),
                        "checkpoint is unreadable, and the log is read from further back: if that succeeds, delete it and `_last_checkpoint` beside it"
                    );
                    damage.get_or_insert(error);
                }
            }
        }
        Ok((None, damage))
    }

    /// State after the checkpoint `replay` of `version` and the commits that follow it. If none of
    /// them has a note, looks for it before the checkpoint.
    pub(super) async fn go_on(
        &self,
        (version, replay): (u64, LogReplay),
        listing: &LogListing,
    ) -> Result<LogState, TableError> {
        let mut state = self.tail(replay, version + 1, Some(version), listing).await?;
        self.find_note(&mut state, version).await?;
        Ok(state)
    }

    /// Looks for the note at and before the checkpoint `version`, which has none itself, where no
    /// commit after it has one.
    pub(super) async fn find_note(
        &self,
        state: &mut LogState,
        version: u64,
    ) -> Result<(), TableError> {
        if state.note.is_none() {
            let (note, foreign) = self.note_before(version).await?;
            state.note = note;
            state.foreign = state.foreign.take().or(foreign);
        }
        Ok(())
    }

    /// Applies the commits from version `next` to the last to `replay`. All of them must exist.
    pub(super) async fn tail(
        &self,
        mut replay: LogReplay,
        next: u64,
        checkpoint: Option<u64>,
        listing: &LogListing,
    ) -> Result<LogState, TableError> {
        let versions: Vec<u64> = listing.commits.range(next..).copied().collect();
        let newest_checkpoint = listing.checkpoints.keys().last().copied();
        let expected = (next..).zip(&versions).find(|(expected, found)| expected != *found);
        if let Some((missing, _)) = expected {
            return Err(
                self.damaged(&names::commit(missing), "it is missing, later ones are there")
            );
        }
        let last = versions.last().copied().or_else(|| next.checked_sub(1)).unwrap_or_default();
        if let Some(beyond) = newest_checkpoint.filter(|newest| *newest > last) {
            // That checkpoint is unreadable, or reading would have begun there; no commit has its
            // versions.
            let what = "it cannot be read, and it holds versions that are nowhere else";
            return Err(self.damaged(&names::checkpoint(beyond), what));
        }
        let mut commits = stream::iter(versions)
            .map(|version| async move { Ok((version, self.read_commit(version).await?)) })
            .buffered(SIDE_BY_SIDE);
        while let Some((version, lines)) = commits.try_next().await? {
            replay
                .follow(version, lines)
                .map_err(|what| self.damaged(&names::commit(version), what))?;
        }
        drop(commits);
        replay.finish(last, checkpoint).map_err(|what| self.damaged("_delta_log", what))
    }

    /// Actions of commit `version`, which a listing has shown.
    pub(super) async fn read_commit(&self, version: u64) -> Result<Vec<LogLine>, TableError> {
        let file = names::commit(version);
        let Some(bytes) = self.get(&file).await? else {
            return Err(self.damaged(&file, "it vanished while it was read"));
        };
        self.parsed(version, &bytes)
    }

    pub(super) fn parsed(&self, version: u64, bytes: &[u8]) -> Result<Vec<LogLine>, TableError> {
        parse_commit_file(bytes).map_err(|what| self.damaged(&names::commit(version), what))
    }
}

/// Prefers the damage of a checkpoint as the cause: the missing version matters only because that
/// checkpoint cannot be read.
fn root_cause(error: TableError, damage: Option<TableError>) -> TableError {
    match (error, damage) {
        (TableError::Damaged { .. }, Some(damage)) => damage,
        (error, _) => error,
    }
}

/// Readable checkpoint to start from, if any, and the defect of the newest unreadable one.
pub(super) type LogBase = (Option<(u64, LogReplay)>, Option<TableError>);
