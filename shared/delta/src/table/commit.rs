//! Commits: each is one conditional put of the next version, repeated until its outcome is known.
//!
//! | answer to the put | the version's file | outcome |
//! | --- | --- | --- |
//! | stored | | ours |
//! | exists | equals our bytes | ours: an earlier try succeeded and its answer was lost |
//! | exists | differs | another writer's: read it, then try the next version |
//! | failed to the end | equals our bytes | ours |
//! | failed to the end | missing, differs or unreadable | an error; a put may still be under way |
//!
//! The condition alone protects one version, not the stream: a writer that lost its lease, reopened
//! the table and tried the next version would succeed. The epoch protects the stream. Each commit
//! records the epoch of its writer, and no writer commits to a table that records a higher one.

use std::collections::BTreeSet;

use bytes::Bytes;
use engine::ids::Sequence;
use engine::time::{SignedDuration, Timestamp, between};

use super::action::{Add, CommitInfo, LogLine, Remove, Txn, commit_file, parse_commit_file};
use super::describe::DescribedColumns;
use super::log::LogState;
use super::read::LogLocation;
use super::{
    CommitError, CommitFiles, CommitNote, Committed, FileEntry, Table, TableError, WriterIdentity,
    names,
};
use crate::store::PutIfAbsent;

/// Longest time between the first file and the commit: one hour, which is also the shortest
/// retention. After more, clean-up may have deleted log files that the attempt has not read yet.
/// Their version numbers would be free again, and the commit would land where no reader looks.
const LONGEST_ATTEMPT: SignedDuration = SignedDuration::from_hours(1);

/// Number of times a put is sent when its answer is lost.
const TRIES: u32 = 3;

/// Number of times that a commit may lose to other writers before it gives up.
const RACES: u32 = 50;

/// Owner of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionOwner {
    Ours,
    Others,
}

impl Table {
    /// Commits `change`, which must be based on the current `files()`, together with `note`. The
    /// sequence rises by one if the note counts changed rows.
    ///
    /// Recognises its own commit when the answer was lost. Retries with the next version when
    /// another writer's commit came first that changed no rows, added no file and removed none that
    /// `change` removes.
    ///
    /// If `change.add` has files, the commit also adds declared columns that the log lacks.
    ///
    /// # Errors
    /// See [`CommitError`]. After `Stale` this object shows the newest version.
    pub async fn commit(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        change: &CommitFiles,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        self.check_change(now, change)?;
        let rows_changed = note.counts.changes_rows();
        let recorded = self.recorded_sequence();
        let sequence = if rows_changed { recorded.next() } else { recorded };
        let column = self.partition_column();
        let mut lines = Vec::new();
        // Only new files can have columns that the log lacks. Without files, `widen` adds columns.
        let columns = if change.add.is_empty() {
            DescribedColumns::Logged
        } else {
            DescribedColumns::Declared
        };
        if let Some(meta_data) = self.redescribed(columns, &change.add, &change.remove)? {
            lines.push(LogLine { meta_data: Some(meta_data), ..LogLine::default() });
        }
        for txn in [Txn::epoch(writer.epoch, now), Txn::sequence(sequence, now)] {
            lines.push(LogLine { txn: Some(txn), ..LogLine::default() });
        }
        for file in &change.remove {
            let remove = Some(Remove::of(file, column, rows_changed, now));
            lines.push(LogLine { remove, ..LogLine::default() });
        }
        for file in &change.add {
            let add = Some(Add::of(file, column, rows_changed));
            lines.push(LogLine { add, ..LogLine::default() });
        }
        // Names of Delta's own operations. Engines show them as the history of the table.
        let operation = if rows_changed { "MERGE" } else { "WRITE" };
        let number = self.commits;
        let info = CommitInfo {
            operation,
            now,
            writer: Some((writer, number)),
            sequence,
            note: Some(note),
        };
        let body = self.body(&info, lines)?;
        let removed: BTreeSet<&str> = change.remove.iter().map(|file| &file.path[..]).collect();
        self.land(writer, &body, |before, after| follows(before, after, &removed)).await
    }

    /// Records the epoch of a writer that takes over, so that the former holder of the lease can no
    /// longer commit. `note` repeats the previous note.
    ///
    /// Without a fence, a former holder that was frozen could wake up and commit its older rows and
    /// position after the new holder has read the table.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn fence(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        self.record(now, writer, None, note).await
    }

    /// Fences, and continues the sequence at `sequence`, which an earlier table reached.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn begin_at(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        sequence: Sequence,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        self.record(now, writer, Some(sequence), note).await
    }

    /// Commits numbers and `note`, without files.
    async fn record(
        &mut self,
        now: Timestamp,
        writer: &WriterIdentity,
        sequence: Option<Sequence>,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        let txn = |txn| LogLine { txn: Some(txn), ..LogLine::default() };
        let mut lines = vec![txn(Txn::epoch(writer.epoch, now))];
        lines.extend(sequence.map(|sequence| txn(Txn::sequence(sequence, now))));
        let info = CommitInfo {
            operation: "FENCE",
            now,
            writer: Some((writer, self.commits)),
            sequence: sequence.unwrap_or(self.recorded_sequence()),
            note: Some(note),
        };
        let body = self.body(&info, lines)?;
        // Commits of the former holder before the fence are valid, so nothing is compared.
        self.land(writer, &body, |_, _| true).await
    }

    /// Puts `body` as the next version. If other writers were faster, tries later versions as long
    /// as `still_good` finds that their commits make no difference.
    ///
    /// `still_good` compares the states before and after their commits. The bytes stay the same for
    /// every version: they contain no version number, and the sequence in them was computed from
    /// the state before, so `still_good` must refuse a state with another sequence unless the
    /// commit sets it.
    pub(super) async fn land(
        &mut self,
        writer: &WriterIdentity,
        body: &Bytes,
        still_good: impl Fn(&LogState, &LogState) -> bool,
    ) -> Result<Committed, CommitError> {
        let table = || self.stream().to_owned();
        let (contended, stream) = (CommitError::Contended { table: table() }, table());
        for _ in 0..RACES {
            // Before each put, because the versions read below may contain a newer holder's fence.
            let recorded = self.recorded_epoch();
            if recorded > writer.epoch {
                let ours = writer.epoch;
                return Err(CommitError::Fenced { table: stream, recorded, ours });
            }
            let version = self.state.version + 1;
            match self.log().put_commit(version, body).await? {
                VersionOwner::Ours => {
                    self.take_in(version, body)?;
                    return Ok(Committed { version, sequence: self.recorded_sequence() });
                }
                VersionOwner::Others => {}
            }
            let before = self.state.clone();
            self.refresh().await?;
            // A writer whose lease was taken over gets `Fenced` in the next round, whatever else
            // changed.
            let in_charge = self.recorded_epoch() <= writer.epoch;
            if in_charge {
                self.refuse_foreign_since(&before)?;
            }
            if in_charge && !still_good(&before, &self.state) {
                return Err(CommitError::Stale { table: stream, version: self.state.version });
            }
        }
        Err(contended)
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

    /// Bytes of a commit file. Counts the commit, so that the next one has another id.
    pub(super) fn body(
        &mut self,
        info: &CommitInfo<'_>,
        lines: Vec<LogLine>,
    ) -> Result<Bytes, CommitError> {
        self.commits += 1;
        let file = commit_file(info, lines);
        file.map(Bytes::from).map_err(|error| self.impossible(error.to_string()))
    }

    /// Checks the age of the attempt and its files.
    fn check_change(&self, now: Timestamp, change: &CommitFiles) -> Result<(), CommitError> {
        if between(change.started, now) > LONGEST_ATTEMPT {
            let table = self.stream().to_owned();
            return Err(CommitError::TooOld { table, started: change.started });
        }
        self.check_files(&change.add, &change.remove)
    }

    /// Checks that removed files are in the table, and that added ones are not and, as far as the log
    /// tells, never were. A path that one version removes and adds would be gone for some readers
    /// and there for others.
    pub(super) fn check_files(
        &self,
        add: &[FileEntry],
        remove: &[FileEntry],
    ) -> Result<(), CommitError> {
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
            let used = self.state.files.contains_key(&file.path)
                || self.state.tombstones.contains_key(&file.path);
            if used || !paths.insert(&file.path) {
                return Err(self.impossible(format!("`{}` was in it before", file.path)));
            }
            if names::decode(&names::encode(&file.path)).as_ref() != Some(&file.path) {
                return Err(self.impossible(format!("`{}` is no path", file.path)));
            }
        }
        Ok(())
    }

    fn impossible(&self, what: String) -> CommitError {
        CommitError::Impossible { table: self.stream().to_owned(), what }
    }
}

impl LogLocation<'_> {
    /// Puts `body` as `version` and returns the owner of that version. Only a failure of the store
    /// leaves the outcome open; the call may then be repeated.
    pub(super) async fn put_commit(
        &self,
        version: u64,
        body: &Bytes,
    ) -> Result<VersionOwner, TableError> {
        let file = names::commit(version);
        let mut tries = TRIES;
        loop {
            let error = match self.store.put_if_absent(&self.key(&file), body.clone()).await {
                Ok(PutIfAbsent::Stored) => return Ok(VersionOwner::Ours),
                Ok(PutIfAbsent::Exists) => break,
                Err(error) => error,
            };
            tries -= 1;
            if tries > 0 && error.may_pass() {
                continue;
            }
            // The put may have succeeded although its answer failed. If another writer's commit is
            // there, the error still says "unknown", and the next run opens the table anew.
            return match self.get(&file).await {
                Ok(Some(found)) if found == *body => Ok(VersionOwner::Ours),
                Ok(_) | Err(_) => Err(self.failed(error)),
            };
        }
        // The commit id in the body differs for every attempt; comparing the whole body also tells
        // two commits of one attempt apart.
        match self.get(&file).await? {
            Some(found) if found == *body => Ok(VersionOwner::Ours),
            Some(_) => Ok(VersionOwner::Others),
            None => Err(self.damaged(&file, "it vanished after it was written")),
        }
    }
}

/// Whether a change based on the files of `before` is also valid for `after`.
///
/// It is valid if no commit of ours changed rows (the sequence is the same), schema and properties
/// are the same, all files that the change removes are still there, and no file was added. Other
/// files that left the table do no harm: the change does not touch them.
pub(super) fn follows(before: &LogState, after: &LogState, removed: &BTreeSet<&str>) -> bool {
    let sequence = super::SEQUENCE;
    before.recorded(sequence) == after.recorded(sequence)
        && before.meta_data == after.meta_data
        && removed.iter().all(|path| after.files.contains_key(*path))
        && after.files.iter().all(|(path, add)| before.files.get(path) == Some(add))
}
