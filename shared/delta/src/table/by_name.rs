//! Reads a log without a listing: each file is asked for by its name.
//!
//! A listing costs as much as a dozen reads, and may be outdated on some stores; an object that was
//! written is there for all readers. Names show no version behind a missing one. So they serve where
//! a version is known that was there, and a listing is made before the next commit.

use futures::stream::{self, StreamExt, TryStreamExt};

use super::location::LogLocation;
use super::log::{LogReplay, LogState};
use super::read::SIDE_BY_SIDE;
use super::{TableError, names};

impl LogLocation<'_> {
    /// State as names alone tell it, without a listing: the checkpoint of the hint and the versions
    /// after it, the last of which is followed by none. `known`: a version that was there. Returns
    /// `None` where this does not show an undamaged log up to `known`.
    ///
    /// A version beyond one that is missing is not seen: look at a listing before the next commit.
    pub(crate) async fn load_by_name(&self, known: u64) -> Result<Option<LogState>, TableError> {
        match self.by_hint(known).await {
            Ok(state) => Ok(state.filter(|state| state.version >= known)),
            Err(error @ TableError::Store { .. }) => Err(error),
            // Reading with a listing finds a way around the damage, or tells of it.
            Err(_) => Ok(None),
        }
    }

    /// Does the same; damage is an error, and the version may be below `known`.
    async fn by_hint(&self, known: u64) -> Result<Option<LogState>, TableError> {
        let base = match self.hint().await? {
            Some(version) => {
                let replay = self.read_checkpoint(version, &[names::checkpoint(version)]).await?;
                Some((version, replay))
            }
            None => None,
        };
        let checkpoint = base.as_ref().map(|(version, _)| *version);
        let next = checkpoint.map_or(0, |version| version + 1);
        let mut replay = base.map(|(_, replay)| replay).unwrap_or_default();
        // All at a time, and the one that should not be there with them.
        let mut commits = stream::iter(next..=known.saturating_add(1).max(next))
            .map(|version| async move { Ok((version, self.get(&names::commit(version)).await?)) })
            .buffered(SIDE_BY_SIDE);
        let mut last = checkpoint;
        let mut goes_on = true;
        while let Some((version, bytes)) = commits.try_next().await? {
            let Some(bytes) = bytes else {
                goes_on = false;
                break;
            };
            self.apply(&mut replay, version, &bytes)?;
            last = Some(version);
        }
        drop(commits);
        if goes_on
            && let Some(from) = last
            && let Some((newest, later)) = self.by_name(replay.clone(), from + 1).await?
        {
            (last, replay) = (Some(newest), later);
        }
        let Some(last) = last else { return Ok(None) };
        let state = replay.finish(last, checkpoint);
        let mut state = state.map_err(|what| self.damaged("_delta_log", what))?;
        if let Some(version) = checkpoint {
            self.find_note(&mut state, version).await?;
        }
        Ok(Some(state))
    }

    /// State after the versions that follow `state`, read until there is none; `None` if there is not
    /// even one. Sees nothing beyond a version that log clean-up deleted.
    pub(crate) async fn follow_by_name(
        &self,
        state: &LogState,
    ) -> Result<Option<LogState>, TableError> {
        let Some((version, replay)) = self.by_name(state.replay(), state.version + 1).await? else {
            return Ok(None);
        };
        let state = replay.finish(version, state.checkpoint);
        state.map(Some).map_err(|what| self.damaged("_delta_log", what))
    }

    /// Applies the commits from version `next` on to `replay`, each asked for by its name, and
    /// returns the last version; `None` if there is no commit `next`.
    pub(super) async fn by_name(
        &self,
        mut replay: LogReplay,
        mut next: u64,
    ) -> Result<Option<(u64, LogReplay)>, TableError> {
        let mut last = None;
        while let Some(bytes) = self.get(&names::commit(next)).await? {
            self.apply(&mut replay, next, &bytes)?;
            last = Some(next);
            next += 1;
        }
        Ok(last.map(|last| (last, replay)))
    }

    /// Applies the commit `version` to `replay`.
    fn apply(&self, replay: &mut LogReplay, version: u64, bytes: &[u8]) -> Result<(), TableError> {
        let lines = self.parsed(version, bytes)?;
        let damaged = |what| self.damaged(&names::commit(version), what);
        replay.follow(version, lines).map_err(damaged)
    }
}
