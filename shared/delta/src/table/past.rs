//! Older versions of a table, as far back as its log reaches.
//!
//! A version can be restored if a readable checkpoint at or before it, or version 0, is followed by
//! all commits up to it. After log clean-up this means: from the oldest checkpoint on. The newest
//! commit with a note may lie alone before that checkpoint; it is no version that can be restored.
//!
//! The log may name files that `maintenance::vacuum` has deleted. The state of such a version is
//! known, its rows are not.

use std::collections::BTreeSet;

use engine::time::Timestamp;

use super::commit_file::parse_commit_file;
use super::listing::LogListing;
use super::location::LogLocation;
use super::log::{LogReplay, LogState};
use super::{FileEntry, Table, TableError, names};

/// Selects a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// The version with this number.
    Version(u64),
    /// The newest version committed at or before this instant.
    Instant(Timestamp),
}

/// Reasons why a version cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// The version has not been committed yet.
    #[error("table `{table}` has no version {version} yet: the newest is {newest}")]
    NotYet {
        /// The stream.
        table: String,
        /// Requested version.
        version: u64,
        /// Newest version.
        newest: u64,
    },
    /// Log clean-up has deleted this version.
    #[error(
        "the log of table `{table}` no longer has version {version}: it goes back to version \
         {oldest}, log files are kept for the retention (`--retention`)"
    )]
    Gone {
        /// The stream.
        table: String,
        /// Requested version.
        version: u64,
        /// Oldest version that the log can restore.
        oldest: u64,
    },
    /// The table did not exist yet.
    #[error("table `{table}` did not exist at {at}: its first version is of {first}")]
    Before {
        /// The stream.
        table: String,
        /// Requested instant.
        at: Timestamp,
        /// Time of creation.
        first: Timestamp,
    },
    /// The log does not reach back to this instant.
    #[error(
        "the log of table `{table}` no longer has the version of {at}: it goes back to {oldest}, \
         log files are kept for the retention (`--retention`)"
    )]
    Forgotten {
        /// The stream.
        table: String,
        /// Requested instant.
        at: Timestamp,
        /// Time of the oldest commit in the log.
        oldest: Timestamp,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// State of a version and its commit time; `None` if only a checkpoint has the version.
type FoundVersion = (LogState, Option<Timestamp>);

impl Table {
    /// Returns the table at an older version and the time of its commit, if the log has it. That
    /// time is at most `now`, whatever clock wrote it. Files of the version may be deleted already,
    /// see [`Table::missing_files`].
    ///
    /// # Errors
    /// When there is no such version; otherwise as [`Table::open`].
    pub async fn as_of(
        &self,
        as_of: AsOf,
        now: Timestamp,
    ) -> Result<(Self, Option<Timestamp>), PastError> {
        let (state, committed) = self.log().at(as_of, self.version(), now).await?;
        self.check(&state)?;
        let mut table = Self { state, ..self.clone() };
        table.sort_files();
        Ok((table, committed))
    }

    /// Files of this version that are not in the store.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn missing_files(&self) -> Result<Vec<FileEntry>, TableError> {
        let log = self.log();
        let prefix = log.key("");
        let objects = self.store.list(&prefix, None).await.map_err(|source| log.failed(source))?;
        let there: BTreeSet<&str> =
            objects.iter().filter_map(|object| object.key.strip_prefix(&prefix)).collect();
        let missing = self.files.iter().filter(|file| !there.contains(file.path.as_str()));
        Ok(missing.cloned().collect())
    }
}

impl LogLocation<'_> {
    async fn at(
        &self,
        as_of: AsOf,
        newest: u64,
        now: Timestamp,
    ) -> Result<FoundVersion, PastError> {
        let listing = self.list(None).await?;
        match as_of {
            AsOf::Version(version) if version > newest => {
                Err(PastError::NotYet { table: self.stream.to_owned(), version, newest })
            }
            AsOf::Version(version) => {
                let state = self.version(version, &listing).await?;
                let committed = self.committed_at(version).await?;
                Ok((state, committed.map(|at| at.min(now))))
            }
            AsOf::Instant(at) => self.at_instant(at, newest, now, &listing).await,
        }
    }

    /// State at `version`. Later files of the listing are ignored. If no base is left, the error
    /// names a damaged checkpoint, if there is one, rather than clean-up.
    pub(super) async fn version(
        &self,
        version: u64,
        listing: &LogListing,
    ) -> Result<LogState, PastError> {
        let known =
            listing.commits.contains(&version) || listing.checkpoints.contains_key(&version);
        let mut until = LogListing {
            commits: listing.commits.range(..=version).copied().collect(),
            checkpoints: listing.checkpoints.clone(),
        };
        until.checkpoints.retain(|checkpoint, _| *checkpoint <= version);
        let (base, damage) = self.newest_checkpoint(&until).await?;
        match base {
            Some(base) if known => Ok(self.go_on(base, &until).await?),
            None if known && until.commits.contains(&0) => {
                Ok(self.tail(LogReplay::default(), 0, None, &until).await?)
            }
            Some(_) | None => match damage {
                Some(damage) => Err(damage.into()),
                None => Err(PastError::Gone {
                    table: self.stream.to_owned(),
                    version,
                    oldest: oldest(listing),
                }),
            },
        }
    }

    /// State of the newest version committed at or before `at`.
    ///
    /// Times come from the clocks of the writers and need not rise. With versions 5 at 10:00, 6 at
    /// 10:20 (a clock ahead) and 7 at 10:05, version 6 counts as committed at 10:05.
    async fn at_instant(
        &self,
        at: Timestamp,
        newest: u64,
        now: Timestamp,
        listing: &LogListing,
    ) -> Result<FoundVersion, PastError> {
        let table = || self.stream.to_owned();
        let mut earliest = None;
        // A commit cannot be later than the next one or than now; its clock may have been ahead.
        let mut latest = now;
        // Newest first: recent instants are the usual request.
        for version in listing.commits.range(..=newest).rev().copied() {
            let Some(committed) = self.committed_at(version).await? else { continue };
            let committed = committed.min(latest);
            latest = committed;
            if committed <= at {
                let forgotten = |error| match (error, earliest) {
                    (PastError::Gone { table, .. }, Some(oldest)) => {
                        PastError::Forgotten { table, at, oldest }
                    }
                    (error, _) => error,
                };
                let state = self.version(version, listing).await.map_err(forgotten)?;
                return Ok((state, Some(committed)));
            }
            earliest = Some(committed);
        }
        let oldest = earliest.unwrap_or(Timestamp::MAX);
        if listing.commits.contains(&0) {
            return Err(PastError::Before { table: table(), at, first: oldest });
        }
        Err(PastError::Forgotten { table: table(), at, oldest })
    }

    /// Time of commit `version` as its `commitInfo` gives it; `None` if clean-up deleted the commit
    /// or its writer gave no time. An object's date of writing would change with a copy of the
    /// lake.
    async fn committed_at(&self, version: u64) -> Result<Option<Timestamp>, TableError> {
        let file = names::commit(version);
        let Some(bytes) = self.get(&file).await? else { return Ok(None) };
        let lines = parse_commit_file(&bytes).map_err(|what| self.damaged(&file, what))?;
        let millis = lines
            .iter()
            .filter_map(|line| line.commit_info.as_ref())
            .find_map(|info| info.get("timestamp")?.as_i64());
        Ok(millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
    }
}

/// Oldest version that the log can restore.
fn oldest(listing: &LogListing) -> u64 {
    if listing.commits.contains(&0) {
        return 0;
    }
    listing.checkpoints.keys().next().copied().unwrap_or_default()
}
