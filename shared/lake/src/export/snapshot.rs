//! Description of a snapshot, which tells it from any other.

use std::fmt::Write as _;

use bytes::Bytes;
use delta::store::ObjectMeta;
use delta::table::Table;
use engine::schema::Column;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Object that marks a snapshot as complete; Hive-style readers ignore it.
pub(super) const SUCCESS: &str = "_SUCCESS";

/// Content of `_SUCCESS`: origin and size of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SuccessMarker {
    stream: String,
    /// Id of the table, different for each table ever created.
    table: String,
    version: u64,
    /// Hash of the names and sizes of the table's files, and of the columns.
    source: String,
    rows: u64,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl SuccessMarker {
    /// Description of the snapshot of `table` with these columns, before any file is written.
    pub(super) fn of(table: &Table, columns: &[Column]) -> Self {
        let mut hash = Sha256::new();
        for file in table.files() {
            hash.update(format!("{} {}\n", file.path, file.size));
        }
        for column in columns {
            hash.update(format!("{} {:?}\n", column.name, column.ty));
        }
        let mut source = String::new();
        for byte in hash.finalize() {
            // Writing to a text cannot fail.
            write!(source, "{byte:02x}").unwrap_or_default();
        }
        Self {
            stream: table.schema().spec.name.to_owned(),
            table: table.id().to_owned(),
            version: table.version(),
            source,
            rows: table.rows(),
            files: 0,
            bytes: 0,
        }
    }

    /// Name of the snapshot's folder below the stream's.
    pub(super) fn folder(&self) -> String {
        format!("version-{:010}-{}", self.version, self.table)
    }

    /// Description in `_SUCCESS`, if it is the same snapshot and the listed files are complete.
    pub(super) fn found(&self, success: &[u8], listed: &[ObjectMeta]) -> Option<Self> {
        let found: Self = serde_json::from_slice(success).ok()?;
        let mut there = Self { files: 0, bytes: 0, ..self.clone() };
        for object in listed.iter().filter(|object| !object.key.ends_with(SUCCESS)) {
            there.files += 1;
            there.bytes += object.size;
        }
        (found == there).then_some(found)
    }

    pub(super) fn document(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }
}
