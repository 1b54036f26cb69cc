//! Description of a snapshot, which tells it from any other.
//!
//! Version and table id are in the folder's name, but do not suffice: a table may be put back from
//! a backup and go on with the same versions, and a new release may export more columns of the same
//! version. Files may also have been deleted from the target. So the description has a hash of the
//! source and the totals of the files.

use bytes::Bytes;
use delta::store::ObjectMeta;
use delta::table::Table;
use engine::schema::Column;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Object that marks a snapshot as complete; Hive-style readers ignore it.
pub(super) const SUCCESS: &str = "_SUCCESS";

/// Content of `_SUCCESS`: origin and size of the snapshot. Stored as JSON; a file of another form
/// counts as none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SuccessMarker {
    stream: String,
    /// Id of the table, different for each table ever created.
    table: String,
    /// Version of the table.
    version: u64,
    /// Hash of the names and sizes of the table's files, and of the columns.
    source: String,
    /// Number of rows in the table.
    rows: u64,
    /// Number of files of the snapshot, without `_SUCCESS`.
    pub(super) files: u64,
    /// Size of these files in bytes.
    pub(super) bytes: u64,
}

impl SuccessMarker {
    /// Description of the snapshot of `table` with these columns, before any file is written. Files
    /// and bytes are counted while it is written.
    pub(super) fn of(table: &Table, columns: &[Column]) -> Self {
        let mut hash = Sha256::new();
        for file in table.files() {
            hash.update(format!("{} {}\n", file.path, file.size));
        }
        for column in columns {
            hash.update(format!("{} {:?}\n", column.name, column.ty));
        }
        Self {
            stream: table.schema().spec.name.to_owned(),
            table: table.id().to_owned(),
            version: table.version(),
            source: hex::encode(hash.finalize()),
            rows: table.rows(),
            files: 0,
            bytes: 0,
        }
    }

    /// Name of the snapshot's folder below the stream's. Ten digits, so that folders sort by
    /// version.
    pub(super) fn folder(&self) -> String {
        format!("version-{:010}-{}", self.version, self.table)
    }

    /// Description in `_SUCCESS`, if it is the same snapshot and the listed files are complete.
    /// Compares number and size of the files, not their content.
    pub(super) fn found(&self, success: &[u8], listed: &[ObjectMeta]) -> Option<Self> {
        let found: Self = serde_json::from_slice(success).ok()?;
        let mut there = Self { files: 0, bytes: 0, ..self.clone() };
        for object in listed.iter().filter(|object| !object.key.ends_with(SUCCESS)) {
            there.files += 1;
            there.bytes += object.size;
        }
        (found == there).then_some(found)
    }

    /// Bytes of `_SUCCESS`.
    pub(super) fn document(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }
}
