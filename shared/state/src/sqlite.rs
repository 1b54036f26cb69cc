//! Items in a SQLite file, for several processes on one machine. Not for network file systems,
//! whose locks are unreliable.
//!
//! SQLite admits one writer at a time, and each `put` begins its transaction with the writer's lock
//! (`BEGIN IMMEDIATE`). A transaction that reads first and asks for the lock later fails at once if
//! another writer came between ("database is locked"), without waiting.
//!
//! The calls of one process share one connection behind a mutex; all of them run on threads that
//! may block.

mod open;
mod patience;
#[cfg(test)]
mod tests;

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, ffi};

use self::patience::BusyTimeout;
use crate::{
    ItemKey, PutOutcome, StateError, StateErrorKind, StateItem, StateStore, WriteCondition,
};

/// Store in a file that only its owner may read. Writes are on disk when they return.
#[derive(Clone)]
pub struct SqliteStore {
    path: Arc<Path>,
    connection: Arc<Mutex<SqliteConnection>>,
    patience: BusyTimeout,
}

/// Connection, with its waiting time for other processes.
struct SqliteConnection {
    connection: Connection,
    patience: BusyTimeout,
}

impl SqliteStore {
    /// Opens the file, or creates it in an existing folder.
    ///
    /// # Errors
    /// When the file cannot be used, is not a state store, or is of a newer version. It stays
    /// unchanged then.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StateError> {
        Self::open_with(path.into(), BusyTimeout::Long).await
    }

    /// Opens the file with a waiting time of its own, for tests.
    async fn open_with(path: PathBuf, patience: BusyTimeout) -> Result<Self, StateError> {
        let opened = tokio::task::spawn_blocking(move || {
            let connection = open::connect(&path, patience)?;
            let waiting = Arc::new(Mutex::new(SqliteConnection { connection, patience }));
            Ok(Self { path: path.into(), connection: waiting, patience })
        });
        opened.await.unwrap_or_else(|broken| Err(stopped(broken)))
    }

    /// Runs `work` on the connection, off the IO threads.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StateError> {
        let (path, connection) = (Arc::clone(&self.path), Arc::clone(&self.connection));
        let done = tokio::task::spawn_blocking(move || {
            // A panic rolls its transaction back, so the connection stays usable.
            let mut waiting = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut waiting).map_err(|source| failed(&path, source))
        });
        done.await.unwrap_or_else(|broken| Err(stopped(broken)))
    }

    /// Runs `work`, which may wait for other writers.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StateError> {
        let patience = self.patience;
        self.run(move |waiting| {
            let done = work(&mut waiting.connection);
            // After waiting in vain, the next calls wait a shorter time for the same process. A run
            // makes several calls; with the long time for each it would hang for many minutes.
            let in_vain = matches!(&done, Err(error) if kind(error) == StateErrorKind::Busy);
            let next = if in_vain { BusyTimeout::Short } else { patience };
            if next != waiting.patience {
                next.give(&waiting.connection)?;
                waiting.patience = next;
            }
            done
        })
        .await
    }
}

#[async_trait]
impl StateStore for SqliteStore {
    async fn get(&self, key: &ItemKey) -> Result<Option<StateItem>, StateError> {
        let key = key.clone();
        self.run(move |waiting| read(&waiting.connection, &key)).await
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: WriteCondition,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<PutOutcome, StateError> {
        let (key, body) = (key.clone(), body.to_owned());
        self.write(move |connection| {
            // The lock comes first: nobody writes between the comparison and the write.
            let writing = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let put = put_within(&writing, &key, expect, &body, expires)?;
            writing.commit()?;
            Ok(put)
        })
        .await
    }

    async fn list(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Vec<(ItemKey, StateItem)>, StateError> {
        let prefix = prefix.to_owned();
        self.run(move |waiting| {
            let mut query = waiting.connection.prepare_cached(
                "SELECT sort, rev, body FROM items WHERE account = ?1 AND sort >= ?2 ORDER BY sort",
            )?;
            let mut rows = query.query((account.0, &prefix))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let sort: String = row.get(0)?;
                // Keys are compared by bytes, so the ones with the prefix come first and in a row.
                if !sort.starts_with(&prefix) {
                    break;
                }
                let item = StateItem { rev: rev_at(row, 1)?, body: row.get(2)? };
                found.push((ItemKey { account, sort }, item));
            }
            Ok(found)
        })
        .await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.write(move |connection| {
            let gone = connection
                .execute("DELETE FROM items WHERE expires < ?1", [now.as_millisecond()])?;
            Ok(u64::try_from(gone).unwrap_or(u64::MAX))
        })
        .await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Reads the item with this key.
fn read(connection: &Connection, key: &ItemKey) -> rusqlite::Result<Option<StateItem>> {
    let mut query = connection
        .prepare_cached("SELECT rev, body FROM items WHERE account = ?1 AND sort = ?2")?;
    let item = |row: &rusqlite::Row<'_>| Ok(StateItem { rev: rev_at(row, 0)?, body: row.get(1)? });
    query.query_row((key.account.0, &key.sort), item).optional()
}

/// Revision in a column. SQLite's integers are signed; a negative one was not written by us.
fn rev_at(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let rev: i64 = row.get(column)?;
    u64::try_from(rev).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, rev))
}

/// Compares and writes the item within a transaction that has the writer's lock.
fn put_within(
    writing: &Transaction<'_>,
    key: &ItemKey,
    expect: WriteCondition,
    body: &str,
    expires: Option<Timestamp>,
) -> rusqlite::Result<PutOutcome> {
    let there = read(writing, key)?;
    let rev = match (expect, &there) {
        (WriteCondition::Absent, None) => 1,
        (WriteCondition::Rev(expected), Some(item)) if item.rev == expected => {
            expected.saturating_add(1)
        }
        (WriteCondition::Absent | WriteCondition::Rev(_), _) => return Ok(PutOutcome::Lost(there)),
    };
    let mut write = writing.prepare_cached(
        "INSERT OR REPLACE INTO items (account, sort, rev, body, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let expires = expires.map(Timestamp::as_millisecond);
    let stored =
        i64::try_from(rev).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    write.execute((key.account.0, &key.sort, stored, body, expires))?;
    Ok(PutOutcome::Stored(rev))
}

/// Kind of failure of an error of SQLite, by what a person can do.
fn kind(error: &rusqlite::Error) -> StateErrorKind {
    // SQLite reports this error when the shared index of the log cannot grow on a full disk.
    let full_index = |code: &ffi::Error| code.extended_code == ffi::SQLITE_IOERR_SHMSIZE;
    if error.sqlite_error().is_some_and(full_index) {
        return StateErrorKind::Full;
    }
    // The stored values or the tables do not fit our fixed statements, so another program wrote
    // them.
    if matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::SqlInputError { .. }
    ) || error.sqlite_error().is_some_and(|code| code.extended_code == ffi::SQLITE_ERROR)
    {
        return StateErrorKind::Damaged;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StateErrorKind::Busy,
        Some(ErrorCode::DiskFull) => StateErrorKind::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            StateErrorKind::Denied
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StateErrorKind::Damaged,
        Some(_) | None => StateErrorKind::Failed,
    }
}

fn failed(path: &Path, source: rusqlite::Error) -> StateError {
    let kind = kind(&source);
    // Permission may be missing for a side file, which gets its mode from the file when it is made.
    let beside = if kind == StateErrorKind::Denied {
        " and, where they exist, `-wal` and `-shm` beside it"
    } else {
        ""
    };
    StateError::new(kind, format!("`{}`{beside}", path.display())).with_source(source)
}

/// Error for work that panicked or that the end of the process has stopped.
fn stopped(source: tokio::task::JoinError) -> StateError {
    StateError::new(StateErrorKind::Failed, "thread stopped").with_source(source)
}
