//! Items in one SQLite file, for several processes on one machine. Not for network file systems,
//! whose locks cannot be trusted.

#[cfg(test)]
mod tests;

use core::fmt;
use core::time::Duration;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::Timestamp;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, ffi,
};

use crate::{Expect, Item, ItemKey, Put, StateError, StateErrorKind, StateStore};

/// "HvLk": tells our files from those of other programs.
const APPLICATION: i32 = 0x4876_4c6b;
/// Raised with every change of the tables that an older version could not use.
const FORMAT: i32 = 1;
/// How long to wait for another process; its transactions take milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// The switch to a write-ahead log does not wait by itself.
const SWITCH_TRIES: u32 = 20;

const TABLES: &str = "
    CREATE TABLE items (
        account INTEGER NOT NULL,
        sort    TEXT    NOT NULL,
        rev     INTEGER NOT NULL,
        body    TEXT    NOT NULL,
        expires INTEGER,
        PRIMARY KEY (account, sort)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX expiring ON items (expires) WHERE expires IS NOT NULL;";

/// A state store in a file that only its owner may read. Writes are on the disk when they return.
#[derive(Clone)]
pub struct SqliteStore {
    path: Arc<Path>,
    connection: Arc<Mutex<Connection>>,
}

impl SqliteStore {
    /// Opens the file, and makes it where there is none; its folder must exist.
    ///
    /// # Errors
    /// It cannot be used, is no state store, or a newer version wrote it; nothing is changed then.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StateError> {
        Self::open_with(path.into(), PATIENCE).await
    }

    async fn open_with(path: PathBuf, patience: Duration) -> Result<Self, StateError> {
        let opened = tokio::task::spawn_blocking(move || {
            let connection = connect(&path, patience)?;
            Ok(Self {
                path: path.into(),
                connection: Arc::new(Mutex::new(connection)),
            })
        });
        opened.await.unwrap_or_else(|broken| Err(stopped(broken)))
    }

    /// Runs `work` on the connection, off the threads that do IO.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StateError> {
        let (path, connection) = (Arc::clone(&self.path), Arc::clone(&self.connection));
        let done = tokio::task::spawn_blocking(move || {
            // A panic in a transaction has rolled it back: the connection is sound.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection).map_err(|source| failed(&path, source))
        });
        done.await.unwrap_or_else(|broken| Err(stopped(broken)))
    }
}

#[async_trait]
impl StateStore for SqliteStore {
    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, StateError> {
        let key = key.clone();
        self.run(move |connection| read(connection, &key)).await
    }

    async fn put(
        &self,
        key: &ItemKey,
        expect: Expect,
        body: &str,
        expires: Option<Timestamp>,
    ) -> Result<Put, StateError> {
        let (key, body) = (key.clone(), body.to_owned());
        self.run(move |connection| {
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
    ) -> Result<Vec<(ItemKey, Item)>, StateError> {
        let prefix = prefix.to_owned();
        self.run(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT sort, rev, body FROM items WHERE account = ?1 AND sort >= ?2 ORDER BY sort",
            )?;
            let mut rows = query.query((account.0, &prefix))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let sort: String = row.get(0)?;
                if !sort.starts_with(&prefix) {
                    break;
                }
                let item = Item {
                    rev: rev_at(row, 1)?,
                    body: row.get(2)?,
                };
                found.push((ItemKey { account, sort }, item));
            }
            Ok(found)
        })
        .await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StateError> {
        self.run(move |connection| {
            let gone = connection.execute(
                "DELETE FROM items WHERE expires < ?1",
                [now.as_millisecond()],
            )?;
            Ok(u64::try_from(gone).unwrap_or(u64::MAX))
        })
        .await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn read(connection: &Connection, key: &ItemKey) -> rusqlite::Result<Option<Item>> {
    let mut query = connection
        .prepare_cached("SELECT rev, body FROM items WHERE account = ?1 AND sort = ?2")?;
    let item = |row: &rusqlite::Row<'_>| {
        Ok(Item {
            rev: rev_at(row, 0)?,
            body: row.get(1)?,
        })
    };
    query.query_row((key.account.0, &key.sort), item).optional()
}

fn rev_at(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let rev: i64 = row.get(column)?;
    u64::try_from(rev).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, rev))
}

fn put_within(
    writing: &Transaction<'_>,
    key: &ItemKey,
    expect: Expect,
    body: &str,
    expires: Option<Timestamp>,
) -> rusqlite::Result<Put> {
    let there = read(writing, key)?;
    let rev = match (expect, &there) {
        (Expect::Absent, None) => 1,
        (Expect::Rev(expected), Some(item)) if item.rev == expected => expected.saturating_add(1),
        (Expect::Absent | Expect::Rev(_), _) => return Ok(Put::Lost(there)),
    };
    let mut write = writing.prepare_cached(
        "INSERT OR REPLACE INTO items (account, sort, rev, body, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let expires = expires.map(Timestamp::as_millisecond);
    let stored =
        i64::try_from(rev).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    write.execute((key.account.0, &key.sort, stored, body, expires))?;
    Ok(Put::Stored(rev))
}

fn connect(path: &Path, patience: Duration) -> Result<Connection, StateError> {
    make_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let trouble = |source| failed(path, source);
    let mut connection = Connection::open_with_flags(path, flags).map_err(trouble)?;
    connection.busy_timeout(patience).map_err(trouble)?;
    let new = match identity(&connection).map_err(trouble)? {
        Identity::New => true,
        Identity::Ours(FORMAT) => false,
        Identity::Ours(format) => {
            let what = format!("`{}` has format {format}, not {FORMAT}", path.display());
            return Err(StateError::new(StateErrorKind::Newer, what));
        }
        Identity::Foreign => {
            let what = format!("`{}` belongs to another program", path.display());
            return Err(StateError::new(StateErrorKind::Damaged, what));
        }
    };
    write_ahead(&connection).map_err(trouble)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(trouble)?;
    if new {
        make_tables(&mut connection).map_err(trouble)?;
    }
    Ok(connection)
}

/// Makes an empty file that only its owner may read; `SQLite` gives its side files the same mode.
/// An existing file is not touched: closing it here would drop the locks that another connection
/// of this process holds on it.
fn make_private(path: &Path) -> Result<(), StateError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(source) if source.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StateError::from_io(path, source)),
    }
}

enum Identity {
    New,
    Ours(i32),
    Foreign,
}

fn identity(connection: &Connection) -> rusqlite::Result<Identity> {
    // One statement, so that a file in the making is seen before or after.
    connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_master)",
        (),
        |row| {
            let (application, format, tables): (i32, i32, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(match application {
                APPLICATION => Identity::Ours(format),
                0 if tables == 0 => Identity::New,
                _ => Identity::Foreign,
            })
        },
    )
}

/// Switches to a write-ahead log. While another process does so, the switch fails at once; a write
/// transaction waits for it in our place.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        let switched = connection.query_row("PRAGMA journal_mode = WAL", (), |row| {
            row.get::<_, String>(0)
        });
        match switched {
            Ok(_) => return Ok(()),
            Err(error) if kind(&error) == StateErrorKind::Busy && tries < SWITCH_TRIES => {
                tries = tries.saturating_add(1);
                connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
            }
            Err(error) => return Err(error),
        }
    }
}

fn make_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let making = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    if matches!(identity(&making)?, Identity::New) {
        making.execute_batch(TABLES)?;
        making.pragma_update(None, "application_id", APPLICATION)?;
        making.pragma_update(None, "user_version", FORMAT)?;
    }
    making.commit()
}

fn kind(error: &rusqlite::Error) -> StateErrorKind {
    // Growing the shared index of the log fails so on a full disk.
    let full_index = |code: &ffi::Error| code.extended_code == ffi::SQLITE_IOERR_SHMSIZE;
    if error.sqlite_error().is_some_and(full_index) {
        return StateErrorKind::Full;
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
    StateError::new(kind(&source), format!("`{}`", path.display())).with_source(source)
}

fn stopped(source: tokio::task::JoinError) -> StateError {
    StateError::new(StateErrorKind::Failed, "thread stopped").with_source(source)
}
