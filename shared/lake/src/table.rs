//! A stream's Delta table: its log, its current files, its commits.

mod action;
mod checkpoint;
mod commit;
mod error;
mod log;
mod names;
mod read;

use std::sync::Arc;

use bytes::Bytes;
use engine::ids::{AccountId, AttemptId, Epoch, Sequence};
use engine::key::Key;
use engine::report::Counts;
use engine::spec::StreamSpec;
use engine::time::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::schema::{Comparison, TableSchema};
use crate::store::ObjectStore;
use action::{EPOCH, Format, Info, Line, MetaData, Protocol, SEQUENCE};
use read::Log;

pub use error::{CommitError, TableError};
pub(crate) use log::LogState;
pub(crate) use names::{LAST_CHECKPOINT, LogName, checkpoint_parts, parse_data_file, parse_log};

/// Version of the conventions of this software in a table; a higher one is refused.
const FORMAT: u32 = 1;
const FORMAT_PROPERTY: &str = "harvest-lake.format";
const ACCOUNT_PROPERTY: &str = "harvest-lake.account";

/// A checkpoint is due when so many versions have passed since the last.
const CHECKPOINT_EVERY: u64 = 10;

/// A file that is part of the table, or is to become so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Path below the table's root, `created_month=2024-01/3-7-ab12-0.parquet`.
    pub path: String,
    /// Text value of the partition column; `None`: the null partition, or no partition column.
    pub partition: Option<String>,
    /// Bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// Rows in it.
    pub rows: u64,
    /// Delta statistics as JSON text (`delta-facts` rules: exact decimals, no free text).
    pub stats: String,
    /// First and last primary key, from `tags`; `None`: a foreign file.
    pub keys: Option<(Key, Key)>,
}

/// Who commits, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The attempt; part of file names.
    pub attempt: AttemptId,
    /// The writer's lease.
    pub epoch: Epoch,
}

/// What a commit says beside its files; goes into `commitInfo` and comes back from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitNote {
    /// The run, for people.
    pub run: String,
    /// Cursor and the state of both passes, as the state item holds them: repairs a lost item.
    pub state: serde_json::Value,
    /// What this commit changed.
    pub counts: Counts,
}

/// Proof that a version is durable: what a cursor write is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The table's version.
    pub version: u64,
    /// The recorded sequence.
    pub sequence: Sequence,
}

/// What a commit does to the files of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When the first file of `add` was begun. A change of over an hour is refused.
    pub started: Timestamp,
    /// Files that are stored already.
    pub add: Vec<FileEntry>,
    /// Files of the table as it is.
    pub remove: Vec<FileEntry>,
}

/// A table at one of its versions.
#[derive(Clone, Debug)]
pub struct Table {
    store: Arc<dyn ObjectStore>,
    schema: TableSchema,
    account: AccountId,
    root: String,
    state: LogState,
    files: Vec<FileEntry>,
    /// Commits begun with this object; part of their ids.
    commits: u64,
}

impl Table {
    /// The table of the stream as it is now, or `None` where there is none yet.
    ///
    /// # Errors
    /// When the log cannot be read, or must not be written by this version for this account.
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        spec: &'static StreamSpec,
        account: AccountId,
    ) -> Result<Option<Self>, TableError> {
        let root = format!("tables/{}", spec.name);
        let log = Log { store: store.as_ref(), stream: spec.name, root: &root };
        let Some(state) = log.load().await? else { return Ok(None) };
        let schema = TableSchema::of(spec);
        let mut table = Self { store, schema, account, root, state, files: Vec::new(), commits: 0 };
        table.check(&table.state)?;
        table.sort_files();
        Ok(Some(table))
    }

    /// The table of the stream; written as version 0 without rows where there is none. Of several
    /// that create it at the same time one does, the others open what that one wrote.
    ///
    /// # Errors
    /// As `open`.
    pub async fn create(
        store: Arc<dyn ObjectStore>,
        spec: &'static StreamSpec,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Self, TableError> {
        // Version 0 of an old table may be cleaned away, so its absence alone says nothing.
        if let Some(table) = Self::open(Arc::clone(&store), spec, account).await? {
            return Ok(table);
        }
        let root = format!("tables/{}", spec.name);
        let log = Log { store: store.as_ref(), stream: spec.name, root: &root };
        let bytes = first_commit(&TableSchema::of(spec), account, now)
            .map_err(|error| log.damaged(&names::commit(0), error.to_string()))?;
        log.put_commit(0, &Bytes::from(bytes)).await?;
        let missing = TableError::Damaged {
            table: spec.name.to_owned(),
            file: names::commit(0),
            what: "it vanished after it was written".to_owned(),
        };
        Self::open(store, spec, account).await?.ok_or(missing)
    }

    /// Goes on to the newest version.
    ///
    /// # Errors
    /// As `open`. The object then stays at its version.
    pub async fn refresh(&mut self) -> Result<(), TableError> {
        let Some(state) = self.log().follow(&self.state).await? else { return Ok(()) };
        self.check(&state)?;
        self.state = state;
        self.sort_files();
        Ok(())
    }

    /// Writes a checkpoint and the hint that names it if ten versions have passed since the last,
    /// and returns its version. `retention`: how long removed files are kept for readers of older
    /// versions.
    ///
    /// # Errors
    /// When the store fails. The table is as good as before: the checkpoint is due again.
    pub async fn checkpoint_if_due(
        &mut self,
        now: Timestamp,
        retention: SignedDuration,
    ) -> Result<Option<u64>, TableError> {
        let since = self.state.version.saturating_sub(self.state.checkpoint.unwrap_or_default());
        if since < CHECKPOINT_EVERY {
            return Ok(None);
        }
        let version = self.state.version;
        let file = names::checkpoint(version);
        let state = self.state.clone();
        let written =
            tokio::task::spawn_blocking(move || checkpoint::write(&state, now, retention)).await;
        let log = self.log();
        let checkpoint = match written {
            Ok(written) => written.map_err(|error| log.damaged(&file, error.to_string()))?,
            Err(error) => return Err(log.damaged(&file, error.to_string())),
        };
        let hint = json!({
            "version": version,
            "size": checkpoint.actions,
            "sizeInBytes": checkpoint.bytes.len(),
            "numOfAddFiles": checkpoint.adds,
        });
        log.put(&file, checkpoint.bytes).await?;
        log.put(LAST_CHECKPOINT, hint.to_string().into_bytes()).await?;
        self.state.checkpoint = Some(version);
        Ok(Some(version))
    }

    /// The version this object is at.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.state.version
    }

    /// The files of this version, by partition (null first), then first key (foreign files first).
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Rows of all files; foreign files that do not say how many they have count as none.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Where the table is in the lake: `tables/<stream>`.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Where it is kept.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The declared schema. The log may still lack its newest columns.
    #[must_use]
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// The highest epoch that committed; 0 before the first.
    #[must_use]
    pub fn recorded_epoch(&self) -> Epoch {
        Epoch(self.state.recorded(EPOCH))
    }

    /// How many commits changed rows.
    #[must_use]
    pub fn recorded_sequence(&self) -> Sequence {
        Sequence(self.state.recorded(SEQUENCE))
    }

    /// What the newest commit of ours said; `None` where none has said anything yet.
    #[must_use]
    pub fn note(&self) -> Option<&CommitNote> {
        self.state.note.as_ref().map(|(_, note)| note)
    }

    pub(crate) fn state(&self) -> &LogState {
        &self.state
    }

    pub(crate) fn log(&self) -> Log<'_> {
        Log { store: self.store.as_ref(), stream: self.stream(), root: &self.root }
    }

    fn stream(&self) -> &'static str {
        self.schema.spec.name
    }

    /// Name of the partition column in the log.
    fn partition_column(&self) -> Option<&'static str> {
        self.schema.spec.partition.column()
    }

    fn sort_files(&mut self) {
        let column = self.partition_column();
        self.files = self.state.files.iter().map(|(path, add)| add.file(path, column)).collect();
        fn order(file: &FileEntry) -> (Option<&String>, Option<&Key>, &String) {
            (file.partition.as_ref(), file.keys.as_ref().map(|(first, _)| first), &file.path)
        }
        self.files.sort_by(|a, b| order(a).cmp(&order(b)));
    }

    /// Whether this version may go on from `state`, for this account.
    fn check(&self, state: &LogState) -> Result<(), TableError> {
        let table = || self.stream().to_owned();
        check_protocol(state).map_err(|found| TableError::Protocol { table: table(), found })?;
        let property = |name: &str| state.meta_data.configuration.get(name)?.as_deref();
        let not_ours = |what: &str| TableError::NotOurs { table: table(), what: what.to_owned() };
        let number = |name| property(name).and_then(|value| value.parse().ok());
        let found = number(FORMAT_PROPERTY).ok_or_else(|| not_ours("no harvest-lake.format"))?;
        if found > i64::from(FORMAT) {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            return Err(TableError::NewerFormat { table: table(), found, known: FORMAT });
        }
        let found =
            AccountId(number(ACCOUNT_PROPERTY).ok_or_else(|| not_ours("no harvest-lake.account"))?);
        if found != self.account {
            return Err(TableError::OtherAccount { table: table(), found, wanted: self.account });
        }
        if state.meta_data.partition_columns != self.schema.partition_columns() {
            return Err(TableError::OtherTypes {
                table: table(),
                columns: vec!["another partition column".to_owned()],
            });
        }
        let compared = self.schema.compare(&state.meta_data.schema_string);
        match compared.map_err(|error| self.log().damaged("_delta_log", error.to_string()))? {
            Comparison::Equal | Comparison::Lacks(_) => Ok(()),
            Comparison::Unknown(columns) => {
                Err(TableError::UnknownColumn { table: table(), columns })
            }
            Comparison::Differs(columns) => Err(TableError::OtherTypes { table: table(), columns }),
        }
    }
}

/// What `state` asks of a writer that we are not.
fn check_protocol(state: &LogState) -> Result<(), String> {
    let Protocol { min_reader_version, min_writer_version, reader_features, writer_features } =
        &state.protocol;
    let features: Vec<&str> =
        reader_features.iter().chain(writer_features).flatten().map(String::as_str).collect();
    if *min_reader_version > 1 || *min_writer_version > 2 || !features.is_empty() {
        let features = if features.is_empty() {
            String::new()
        } else {
            format!(" with features {}", features.join(", "))
        };
        let versions = format!("reader version {min_reader_version}, writer {min_writer_version}");
        return Err(versions + &features);
    }
    let property = |name: &str| state.meta_data.configuration.get(name)?.as_deref();
    if property("delta.appendOnly") == Some("true") {
        return Err("the property delta.appendOnly".to_owned());
    }
    Ok(())
}

/// Version 0: protocol and schema, no rows.
fn first_commit(
    schema: &TableSchema,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    let protocol = Protocol {
        min_reader_version: 1,
        min_writer_version: 2,
        reader_features: None,
        writer_features: None,
    };
    let property = |name: &str, value: String| (name.to_owned(), Some(value));
    let meta_data = MetaData {
        id: table_id(schema.spec.name, account, now),
        name: Some(schema.spec.name.to_owned()),
        description: Some(schema.spec.doc.to_owned()),
        format: Format { provider: "parquet".to_owned(), options: action::Texts::new() },
        schema_string: schema.delta_schema_json(),
        partition_columns: schema.partition_columns(),
        configuration: [
            property(FORMAT_PROPERTY, FORMAT.to_string()),
            property(ACCOUNT_PROPERTY, account.to_string()),
        ]
        .into(),
        created_time: Some(now.as_millisecond()),
    };
    let info = Info {
        operation: "CREATE TABLE",
        now,
        writer: None,
        sequence: Sequence::default(),
        note: None,
    };
    let protocol = Line { protocol: Some(protocol), ..Line::default() };
    let meta_data = Line { meta_data: Some(meta_data), ..Line::default() };
    action::commit_file(&info, vec![protocol, meta_data])
}

/// An id in the form of a UUID (version 8), another for each table that is ever created.
fn table_id(stream: &str, account: AccountId, now: Timestamp) -> String {
    let seed = format!("{stream}/{account}/{}", now.as_nanosecond());
    // FNV-1a, twice from different beginnings: an id, not a secret.
    let hash = |mut hash: u64| {
        for byte in seed.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash
    };
    let high = hash(0xcbf2_9ce4_8422_2325) & !0xf000 | 0x8000;
    let low = hash(0x6c62_272e_07bb_0142) & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
pub(crate) mod tests;
