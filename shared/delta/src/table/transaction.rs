//! Transactions: every commit is put as the next version here, whatever its kind.
//!
//! The condition of the put protects one version, not the stream: a writer that lost its lease,
//! reopened the table and tried the next version would succeed. The epoch protects the stream. Each
//! commit records the epoch of its writer, and no writer commits to a table that records a higher
//! one.

use std::collections::BTreeSet;

use bytes::Bytes;
use engine::ids::Sequence;
use engine::time::{SignedDuration, Timestamp, between};

use super::action::{Add, LogLine, MetaData, Remove, Txn};
use super::commit_file::{CommitInfo, commit_file, parse_commit_file};
use super::log::LogState;
use super::put::VersionOwner;
use super::{
    CommitError, CommitNote, Committed, FileEntry, Table, TableError, WriterIdentity, names,
};

/// Longest time between the first file and the commit, and greatest age of the view of the log that
/// a commit may follow: one hour, which is also the shortest retention. After more, clean-up may
/// have deleted log files that the writer has not read yet. Their version numbers would be free
/// again, and the commit would land where no reader looks.
const LONGEST_ATTEMPT: SignedDuration = SignedDuration::from_hours(1);

/// Number of times that a commit may lose to other writers before it gives up.
const RACES: u32 = 50;

/// Commits of other writers that make a transaction stale, if they come between the state that it
/// was built from and its own version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConflictRule {
    /// None: the commits of a former holder before a fence are valid.
    Nothing,
    /// Commits with another sequence, schema or property.
    Rows,
    /// Those, and commits that add a file or remove one that the transaction removes. Other files
    /// that left the table do no harm, because the transaction does not touch them.
    Files,
    /// Commits with another schema or property, or with any file.
    AllFiles,
}

/// Content of one commit, built from the state of its table.
#[derive(Debug)]
pub(super) struct Transaction<'a> {
    /// Name of Delta's own operation. Engines show it as the history of the table.
    pub operation: &'a str,
    pub now: Timestamp,
    pub writer: &'a WriterIdentity,
    pub note: &'a CommitNote,
    pub conflicts: ConflictRule,
    /// Start of writing of the first file, where that decides on the age of the attempt.
    pub started: Option<Timestamp>,
    /// New metadata; `None` if it stays.
    pub meta_data: Option<MetaData>,
    /// Sequence to record; `None` if it stays.
    pub sequence: Option<Sequence>,
    /// New files, already in the store.
    pub add: &'a [FileEntry],
    /// Files of the table that leave it.
    pub remove: &'a [FileEntry],
    /// Whether the files change rows. Readers that follow the log skip those that do not.
    pub data_change: bool,
}

impl<'a> Transaction<'a> {
    /// Transaction that records the epoch of `writer` and `note`, and conflicts with nothing.
    pub(super) fn new(
        operation: &'a str,
        now: Timestamp,
        writer: &'a WriterIdentity,
        note: &'a CommitNote,
    ) -> Self {
        Self {
            operation,
            now,
            writer,
            note,
            conflicts: ConflictRule::Nothing,
            started: None,
            meta_data: None,
            sequence: None,
            add: &[],
            remove: &[],
            data_change: false,
        }
    }

    /// Whether the transaction, built from `before`, is also valid for `after`.
    fn follows(&self, before: &LogState, after: &LogState) -> bool {
        let described = before.meta_data == after.meta_data;
        let sequence = before.recorded(super::SEQUENCE) == after.recorded(super::SEQUENCE);
        match self.conflicts {
            ConflictRule::Nothing => true,
            ConflictRule::Rows => described && sequence,
            ConflictRule::Files => {
                let there = |file: &FileEntry| after.files.contains_key(&file.path);
                let mut files = after.files.iter();
                described
                    && sequence
                    && self.remove.iter().all(there)
                    && files.all(|(path, add)| before.files.get(path) == Some(add))
            }
            ConflictRule::AllFiles => described && before.files == after.files,
        }
    }

    /// Actions in the order of the log.
    fn lines(&self, column: Option<&str>) -> Vec<LogLine> {
        let (now, data_change, line) = (self.now, self.data_change, LogLine::default);
        let sequence = self.sequence.map(|sequence| Txn::sequence(sequence, now));
        let txns = [Some(Txn::epoch(self.writer.epoch, now)), sequence];
        let remove = |file| Some(Remove::of(file, column, data_change, now));
        let add = |file| Some(Add::of(file, column, data_change));
        let meta_data = self.meta_data.iter().cloned();
        meta_data
            .map(|meta_data| LogLine { meta_data: Some(meta_data), ..line() })
            .chain(txns.into_iter().flatten().map(|txn| LogLine { txn: Some(txn), ..line() }))
            .chain(self.remove.iter().map(|file| LogLine { remove: remove(file), ..line() }))
            .chain(self.add.iter().map(|file| LogLine { add: add(file), ..line() }))
            .collect()
    }
}

impl Table {
    /// Puts the transaction as the next version. If other writers were faster, tries later versions
    /// as long as their commits are no conflict. Reads the log again first if this object has not
    /// committed for an hour, or has seen no listing of the log.
    pub(super) async fn land(
        &mut self,
        transaction: &Transaction<'_>,
    ) -> Result<Committed, CommitError> {
        let now = transaction.now;
        let outdated = |at: &Timestamp| between(*at, now) > LONGEST_ATTEMPT;
        if let Some(started) = transaction.started.filter(outdated) {
            return Err(CommitError::TooOld { table: self.stream().to_owned(), started });
        }
        self.check_files(transaction.add, transaction.remove)?;
        let number = self.commits;
        self.commits += 1;
        if !self.is_listed || self.viewed.as_ref().is_some_and(outdated) {
            self.catch_up(transaction).await?;
        }
        self.refuse_fenced(transaction.writer)?;
        for _ in 0..RACES {
            let version = self.state.version + 1;
            // After a lost race the sequence that the commit tells may be another.
            let body = self.body(transaction, number)?;
            match self.log().put_commit(version, &body).await? {
                VersionOwner::Ours => {
                    self.take_in(version, &body)?;
                    self.viewed = Some(now);
                    return Ok(Committed { version, sequence: self.recorded_sequence() });
                }
                VersionOwner::Others => self.catch_up(transaction).await?,
            }
        }
        Err(CommitError::Contended { table: self.stream().to_owned() })
    }

    /// Advances to the newest version, and refuses the transaction if it is not valid for that.
    async fn catch_up(&mut self, transaction: &Transaction<'_>) -> Result<(), CommitError> {
        let before = self.state.clone();
        self.refresh().await?;
        // A writer whose lease was taken over gets `Fenced`, whatever else changed.
        self.refuse_fenced(transaction.writer)?;
        self.refuse_foreign_since(&before)?;
        if transaction.follows(&before, &self.state) {
            return Ok(());
        }
        Err(CommitError::Stale { table: self.stream().to_owned(), version: self.state.version })
    }

    /// Refuses a writer whose lease was taken over by one that has committed.
    fn refuse_fenced(&self, writer: &WriterIdentity) -> Result<(), CommitError> {
        let (recorded, ours) = (self.recorded_epoch(), writer.epoch);
        if recorded > ours {
            return Err(CommitError::Fenced { table: self.stream().to_owned(), recorded, ours });
        }
        Ok(())
    }

    /// Advances this object to a version that it committed itself, without reading it back. The
    /// bytes are parsed like those of any commit, so the state cannot differ from what others read.
    fn take_in(&mut self, version: u64, body: &[u8]) -> Result<(), TableError> {
        let damaged = |what| self.log().damaged(&names::commit(version), what);
        let lines = parse_commit_file(body).map_err(damaged)?;
        let mut replay = self.state.replay();
        replay.apply(version, lines).map_err(damaged)?;
        self.state = replay.finish(version, self.state.checkpoint).map_err(damaged)?;
        self.sort_files();
        Ok(())
    }

    /// Bytes of the commit file of this table object's commit `number`, which makes its id unique.
    fn body(&self, transaction: &Transaction<'_>, number: u64) -> Result<Bytes, CommitError> {
        let Transaction { operation, now, writer, note, sequence, .. } = *transaction;
        let info = CommitInfo {
            operation,
            now,
            writer: Some((writer, number)),
            sequence: sequence.unwrap_or(self.recorded_sequence()),
            note: Some(note),
        };
        let file = commit_file(&info, transaction.lines(self.partition_column()));
        file.map(Bytes::from).map_err(|error| self.impossible(error.to_string()))
    }

    /// Checks that removed files are in the table, and that added ones are not and, as far as the
    /// log tells, never were. A path that one version removes and adds would be gone for some
    /// readers and there for others.
    fn check_files(&self, add: &[FileEntry], remove: &[FileEntry]) -> Result<(), CommitError> {
        let mut paths = BTreeSet::new();
        for file in remove {
            if !self.state.files.contains_key(&file.path) {
                return Err(self.impossible(format!("`{}` is not in it", file.path)));
            }
            if !paths.insert(&file.path) {
                return Err(self.impossible(format!("`{}` is removed twice", file.path)));
            }
        }
        for file in add {
            // Vacuum may delete a removed path at any time, so it must not be used again.
            if self.has_had(&file.path) || !paths.insert(&file.path) {
                return Err(self.impossible(format!("`{}` was in it before", file.path)));
            }
            if names::decode(&names::encode(&file.path)).as_ref() != Some(&file.path) {
                return Err(self.impossible(format!("`{}` is no path", file.path)));
            }
        }
        Ok(())
    }

    /// Whether a file of this path is in the table, or was as far as the log tells.
    pub(super) fn has_had(&self, path: &str) -> bool {
        self.state.files.contains_key(path) || self.state.tombstones.contains_key(path)
    }

    fn impossible(&self, what: String) -> CommitError {
        CommitError::Impossible { table: self.stream().to_owned(), what }
    }
}
