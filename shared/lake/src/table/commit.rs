//! Commits: one conditional put of one version, repeated until it is known what became of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use engine::ids::Sequence;
use engine::time::{SignedDuration, Timestamp, between};

use super::action::{Add, Info, Line, Remove, Txn, commit_file, parse_commit_file};
use super::describe::Columns;
use super::log::LogState;
use super::read::Log;
use super::{
    Change, CommitError, CommitNote, Committed, FileEntry, Table, TableError, Writer, names,
};
use crate::store::PutIfAbsent;

/// Beyond this, log files that an attempt has not seen might be cleaned away.
const LONGEST_ATTEMPT: SignedDuration = SignedDuration::from_hours(1);

/// How often a put is sent again when its answer was lost.
const TRIES: u32 = 3;

/// How many versions of others are stepped over before giving up.
const RACES: u32 = 50;

/// Who has a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landed {
    Ours,
    Others,
}

impl Table {
    /// Commits `change`, which must follow from `files()` as this object shows them now, and says
    /// what `note` says. The sequence rises by one if the note counts changed rows.
    ///
    /// A lost answer is no failure: a commit of ours that is there is recognised. A race that was
    /// lost to a commit without files is run again.
    ///
    /// # Errors
    /// See [`CommitError`]. After `Stale` this object shows the table as it is then.
    pub async fn commit(
        &mut self,
        now: Timestamp,
        writer: &Writer,
        change: &Change,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        self.check_change(now, change)?;
        let rows_changed = note.counts.changes_rows();
        let recorded = self.recorded_sequence();
        let sequence = if rows_changed { recorded.next() } else { recorded };
        let column = self.partition_column();
        let mut lines = Vec::new();
        let columns = if change.add.is_empty() { Columns::Logged } else { Columns::Declared };
        if let Some(meta_data) = self.redescribed(columns, &change.add, &change.remove)? {
            lines.push(Line { meta_data: Some(meta_data), ..Line::default() });
        }
        for txn in [Txn::epoch(writer.epoch, now), Txn::sequence(sequence, now)] {
            lines.push(Line { txn: Some(txn), ..Line::default() });
        }
        for file in &change.remove {
            let remove = Some(Remove::of(file, column, rows_changed, now));
            lines.push(Line { remove, ..Line::default() });
        }
        for file in &change.add {
            let add = Some(Add::of(file, column, rows_changed));
            lines.push(Line { add, ..Line::default() });
        }
        let operation = if rows_changed { "MERGE" } else { "WRITE" };
        let number = self.commits;
        let info =
            Info { operation, now, writer: Some((writer, number)), sequence, note: Some(note) };
        let body = self.body(&info, lines)?;
        let removed: BTreeSet<&str> = change.remove.iter().map(|file| &file.path[..]).collect();
        self.land(writer, &body, |before, after| follows(before, after, &removed)).await
    }

    /// Records the epoch of a writer that takes over, so that whoever held the lease before can
    /// commit nothing any more. `note` repeats what the last one said.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn fence(
        &mut self,
        now: Timestamp,
        writer: &Writer,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        self.record(now, writer, None, note).await
    }

    /// Fences, and lets the sequence go on from `sequence`, which an earlier table reached.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn begin_at(
        &mut self,
        now: Timestamp,
        writer: &Writer,
        sequence: Sequence,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        self.record(now, writer, Some(sequence), note).await
    }

    async fn record(
        &mut self,
        now: Timestamp,
        writer: &Writer,
        sequence: Option<Sequence>,
        note: &CommitNote,
    ) -> Result<Committed, CommitError> {
        let txn = |txn| Line { txn: Some(txn), ..Line::default() };
        let mut lines = vec![txn(Txn::epoch(writer.epoch, now))];
        lines.extend(sequence.map(|sequence| txn(Txn::sequence(sequence, now))));
        let info = Info {
            operation: "FENCE",
            now,
            writer: Some((writer, self.commits)),
            sequence: sequence.unwrap_or(self.recorded_sequence()),
            note: Some(note),
        };
        let body = self.body(&info, lines)?;
        // Whatever the former holder still committed before the fence is good.
        self.land(writer, &body, |_, _| true).await
    }

    /// Puts `body` as the next version; as a later one if others were faster and `still_good` says
    /// that what they did makes no difference.
    pub(super) async fn land(
        &mut self,
        writer: &Writer,
        body: &Bytes,
        still_good: impl Fn(&LogState, &LogState) -> bool,
    ) -> Result<Committed, CommitError> {
        let table = || self.stream().to_owned();
        let (contended, stream) = (CommitError::Contended { table: table() }, table());
        for _ in 0..RACES {
            let recorded = self.recorded_epoch();
            if recorded > writer.epoch {
                let ours = writer.epoch;
                return Err(CommitError::Fenced { table: stream, recorded, ours });
            }
            let version = self.state.version + 1;
            match self.log().put_commit(version, body).await? {
                Landed::Ours => {
                    self.take_in(version, body)?;
                    return Ok(Committed { version, sequence: self.recorded_sequence() });
                }
                Landed::Others => {}
            }
            let before = self.state.clone();
            self.refresh().await?;
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

    /// Goes on to a version of our own.
    fn take_in(&mut self, version: u64, body: &[u8]) -> Result<(), TableError> {
        let damaged = |what| self.log().damaged(&names::commit(version), what);
        let lines = parse_commit_file(body).map_err(damaged)?;
        let mut replay = self.state.replay();
        replay.apply(version, lines).map_err(damaged)?;
        self.state = replay.finish(version, self.state.checkpoint).map_err(damaged)?;
        self.sort_files();
        Ok(())
    }

    pub(super) fn body(&mut self, info: &Info<'_>, lines: Vec<Line>) -> Result<Bytes, CommitError> {
        self.commits += 1;
        let file = commit_file(info, lines);
        file.map(Bytes::from).map_err(|error| self.impossible(error.to_string()))
    }

    fn check_change(&self, now: Timestamp, change: &Change) -> Result<(), CommitError> {
        if between(change.started, now) > LONGEST_ATTEMPT {
            let table = self.stream().to_owned();
            return Err(CommitError::TooOld { table, started: change.started });
        }
        self.check_files(&change.add, &change.remove)
    }

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
            // A path that was ever removed must not come back: vacuum may have it.
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

impl Log<'_> {
    /// Puts `body` as `version` and finds out whose that version is. Only the store's failure
    /// leaves it open; then the same call may be repeated.
    pub(super) async fn put_commit(
        &self,
        version: u64,
        body: &Bytes,
    ) -> Result<Landed, TableError> {
        let file = names::commit(version);
        let mut tries = TRIES;
        loop {
            let error = match self.store.put_if_absent(&self.key(&file), body.clone()).await {
                Ok(PutIfAbsent::Stored) => return Ok(Landed::Ours),
                Ok(PutIfAbsent::Exists) => break,
                Err(error) => error,
            };
            tries -= 1;
            if tries > 0 && error.may_pass() {
                continue;
            }
            // Perhaps it is there all the same.
            return match self.get(&file).await {
                Ok(Some(found)) if found == *body => Ok(Landed::Ours),
                Ok(_) | Err(_) => Err(self.failed(error)),
            };
        }
        // The id in the body makes it differ from every other attempt's; comparing all of it also
        // tells apart two commits of one attempt.
        match self.get(&file).await? {
            Some(found) if found == *body => Ok(Landed::Ours),
            Some(_) => Ok(Landed::Others),
            None => Err(self.damaged(&file, "it vanished after it was written")),
        }
    }
}

/// Whether a change of the files of `before` is as good for `after`.
pub(super) fn follows(before: &LogState, after: &LogState, removed: &BTreeSet<&str>) -> bool {
    let sequence = super::SEQUENCE;
    before.recorded(sequence) == after.recorded(sequence)
        && before.meta_data == after.meta_data
        && removed.iter().all(|path| after.files.contains_key(*path))
        && after.files.iter().all(|(path, add)| before.files.get(path) == Some(add))
}
