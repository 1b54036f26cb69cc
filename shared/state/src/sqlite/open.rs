//! Opens the file: checks its owner and format, and sets the journal mode.
//!
//! The order matters. Identity is checked before anything is written, so the file of another
//! program or of a newer version stays as it is. The journal mode comes before the tables, because
//! it cannot change within a transaction. The tables and their format number are created in one
//! transaction, so no process sees one without the other.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::patience::BusyTimeout;
use super::{failed, kind};
use crate::{StateError, StateErrorKind};

/// Application id in the file's header, `HvLk`, which tells our files from those of other programs.
const APPLICATION: i32 = 0x4876_4c6b;
/// Format of the tables. Raised with each change that older versions could not use.
pub(super) const FORMAT: i32 = 1;
/// Number of attempts to switch to a write-ahead log, because the switch itself does not wait.
const SWITCH_TRIES: u32 = 20;

/// Tables of format 1. `expires` is in milliseconds since 1970. Text keys have SQLite's default
/// collation, which compares bytes; listings rely on it.
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

/// Connection to our file, which is created if missing.
pub(super) fn connect(path: &Path, patience: BusyTimeout) -> Result<Connection, StateError> {
    make_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let trouble = |source| failed(path, source);
    let mut connection = Connection::open_with_flags(path, flags).map_err(trouble)?;
    patience.give(&connection).map_err(trouble)?;
    let new = match identity(&connection).map_err(trouble)? {
        DatabaseIdentity::New => true,
        DatabaseIdentity::Ours(FORMAT) => false,
        DatabaseIdentity::Ours(format) => {
            let what = format!("`{}` has format {format}, not {FORMAT}", path.display());
            return Err(StateError::new(StateErrorKind::Newer, what));
        }
        DatabaseIdentity::Foreign => {
            let what = format!("`{}` belongs to another program", path.display());
            return Err(StateError::new(StateErrorKind::Damaged, what));
        }
    };
    write_ahead(&connection).map_err(trouble)?;
    // With `NORMAL`, a loss of power may undo the last commits of a write-ahead log.
    connection.pragma_update(None, "synchronous", "FULL").map_err(trouble)?;
    if new {
        make_tables(&mut connection).map_err(trouble)?;
    }
    Ok(connection)
}

/// Creates an empty file that only its owner may read; SQLite gives its side files the same mode.
/// An existing file is not opened: closing it here would drop the locks that another connection of
/// this process holds on it.
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

/// Origin of a file.
enum DatabaseIdentity {
    /// Empty: just created, by this process or another.
    New,
    /// State store of this format.
    Ours(i32),
    /// Database of another program.
    Foreign,
}

/// Origin of the file, by its application id. Fails if the file is no database.
fn identity(connection: &Connection) -> rusqlite::Result<DatabaseIdentity> {
    // A single statement sees a file being created either before or after its creation.
    connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_master)",
        (),
        |row| {
            let (application, format, tables): (i32, i32, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(match application {
                APPLICATION => DatabaseIdentity::Ours(format),
                0 if tables == 0 => DatabaseIdentity::New,
                _ => DatabaseIdentity::Foreign,
            })
        },
    )
}

/// Switches to a write-ahead log, with which readers do not wait for a writer. The switch fails at
/// once while another process makes it or writes, so a write transaction does the waiting. The mode
/// is stored in the file: later processes find it set.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        let switched =
            connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get::<_, String>(0));
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

/// Creates the tables in an empty file.
fn make_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let making = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have created the tables first.
    if matches!(identity(&making)?, DatabaseIdentity::New) {
        making.execute_batch(TABLES)?;
        making.pragma_update(None, "application_id", APPLICATION)?;
        making.pragma_update(None, "user_version", FORMAT)?;
    }
    making.commit()
}
