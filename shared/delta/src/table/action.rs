//! Actions in the lines of a commit file.
//!
//! The types have the members of Delta's protocol that this writer sets or uses. Members that it
//! does not know are dropped when read; `check` refuses tables in which they could matter.

use std::collections::BTreeMap;

use engine::ids::{Epoch, Sequence};
use engine::key::Key;
use engine::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::members::{object, object_or_default, or_default};
use super::{FileEntry, names};

// Names in an action's `tags`, which other engines carry along or drop, but never interpret.

/// First primary key of the file, exact, as JSON. Bounds in `stats` may be rounded or shortened.
const FIRST_KEY: &str = "harvest-lake.first";
/// Last primary key of the file, exact, as JSON.
const LAST_KEY: &str = "harvest-lake.last";
/// Number of rows, so that `stats` need not be parsed for it when a table is opened.
const ROWS: &str = "harvest-lake.rows";
/// SHA-256 of the file's bytes in hex. A file that was cut or swapped is refused.
const SHA256: &str = "harvest-lake.sha256";

/// Application id under which commits record the epoch of their writer. Delta keeps the newest
/// number for each application id (`txn`), also in checkpoints.
pub(crate) const EPOCH: &str = "harvest-lake/epoch";
/// Application id under which commits record the sequence.
pub(crate) const SEQUENCE: &str = "harvest-lake/sequence";

/// Map of Delta's protocol whose values may be null: partition values, properties, tags.
pub(crate) type TextMap = BTreeMap<String, Option<String>>;

/// One line of a commit file. At most one member is set; none for an action unknown to us.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LogLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_info: Option<Value>,
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub meta_data: Option<MetaData>,
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub txn: Option<Txn>,
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub remove: Option<Remove>,
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub add: Option<Add>,
}

/// Versions and features that a reader or writer of the table must support.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub min_reader_version: i32,
    pub min_writer_version: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader_features: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer_features: Option<Vec<String>>,
}

/// Schema and properties of a table. A commit that changes any of it carries all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetaData {
    /// Id of the table, which stays the same for its life.
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "object_or_default")]
    pub format: Format,
    /// Schema as JSON text, in the form of Delta's protocol.
    pub schema_string: String,
    #[serde(default, deserialize_with = "or_default")]
    pub partition_columns: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub configuration: TextMap,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub provider: String,
    #[serde(default, deserialize_with = "or_default")]
    pub options: TextMap,
}

impl Default for Format {
    fn default() -> Self {
        Self { provider: "parquet".to_owned(), options: TextMap::new() }
    }
}

/// Number that an application records with a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Txn {
    pub app_id: String,
    /// The number. It is no version of the table.
    pub version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<i64>,
}

/// File that enters the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    /// Path below the table's folder, percent-encoded (see `names::encode`).
    pub path: String,
    #[serde(default, deserialize_with = "or_default")]
    pub partition_values: TextMap,
    pub size: u64,
    /// Milliseconds since 1970.
    #[serde(default, deserialize_with = "or_default")]
    pub modification_time: i64,
    /// `false` if the file only holds rows of files that the same commit removes. Readers that
    /// follow a table's changes skip such files.
    #[serde(default = "changes_rows")]
    pub data_change: bool,
    /// Number of rows and bounds of columns, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<TextMap>,
}

/// File that leaves the table: its tombstone. The object itself stays until `maintenance::vacuum`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    /// Path, spelled as in the `add` of the file.
    pub path: String,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<i64>,
    #[serde(default = "changes_rows")]
    pub data_change: bool,
    /// Whether `partition_values` and `size` are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_file_metadata: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_values: Option<TextMap>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl Add {
    /// Action that adds `file` to the table.
    pub(crate) fn of(file: &FileEntry, column: Option<&str>, data_change: bool) -> Self {
        let mut tags = TextMap::new();
        if let Some((first, last)) = &file.keys {
            tags.insert(FIRST_KEY.to_owned(), Some(json!(first).to_string()));
            tags.insert(LAST_KEY.to_owned(), Some(json!(last).to_string()));
            tags.insert(ROWS.to_owned(), Some(file.rows.to_string()));
        }
        if let Some(sha256) = &file.sha256 {
            tags.insert(SHA256.to_owned(), Some(sha256.clone()));
        }
        Self {
            path: names::encode(&file.path),
            partition_values: partition_values(file, column),
            size: file.size,
            modification_time: file.modified.as_millisecond(),
            data_change,
            stats: (!file.stats.is_empty()).then(|| file.stats.clone()),
            tags: (!tags.is_empty()).then_some(tags),
        }
    }

    /// Description of the added file; `path` is its decoded path.
    pub(crate) fn file(&self, path: &str, column: Option<&str>) -> FileEntry {
        let tag = |name: &str| self.tags.as_ref()?.get(name)?.as_deref();
        let key = |name: &str| serde_json::from_str::<Key>(tag(name)?).ok();
        let keys = key(FIRST_KEY).zip(key(LAST_KEY));
        let counted = tag(ROWS).and_then(|rows| rows.parse().ok());
        let rows = counted.or_else(|| rows_of(self.stats.as_deref()?)).unwrap_or_default();
        let partition = column.and_then(|name| self.partition_values.get(name).cloned().flatten());
        FileEntry {
            path: path.to_owned(),
            partition: partition.filter(|value| !value.is_empty()),
            size: self.size,
            modified: Timestamp::from_millisecond(self.modification_time).unwrap_or_default(),
            rows,
            stats: self.stats.clone().unwrap_or_default(),
            keys,
            sha256: tag(SHA256).map(str::to_owned),
        }
    }
}

impl Remove {
    /// Action that removes `file` from the table.
    pub(crate) fn of(
        file: &FileEntry,
        column: Option<&str>,
        data_change: bool,
        now: Timestamp,
    ) -> Self {
        Self {
            path: names::encode(&file.path),
            deletion_timestamp: Some(now.as_millisecond()),
            data_change,
            extended_file_metadata: Some(true),
            partition_values: Some(partition_values(file, column)),
            size: Some(file.size),
        }
    }
}

impl Txn {
    /// Action that records the epoch of a writer.
    pub(crate) fn epoch(epoch: Epoch, now: Timestamp) -> Self {
        Self::of(EPOCH, epoch.0, now)
    }

    /// Action that records a sequence.
    pub(crate) fn sequence(sequence: Sequence, now: Timestamp) -> Self {
        Self::of(SEQUENCE, sequence.0, now)
    }

    fn of(app_id: &str, number: u64, now: Timestamp) -> Self {
        Self {
            app_id: app_id.to_owned(),
            version: i64::try_from(number).unwrap_or(i64::MAX),
            last_updated: Some(now.as_millisecond()),
        }
    }
}

/// Default of `dataChange`: an action without it may change rows.
const fn changes_rows() -> bool {
    true
}

fn partition_values(file: &FileEntry, column: Option<&str>) -> TextMap {
    column.map(|name| (name.to_owned(), file.partition.clone())).into_iter().collect()
}

/// Number of rows as the statistics of another engine's file give it.
fn rows_of(stats: &str) -> Option<u64> {
    serde_json::from_str::<Value>(stats).ok()?.get("numRecords")?.as_u64()
}
