//! Stores new files under unused names.
//!
//! A name is `<partition>/<epoch>-<sequence>-<attempt>-<n>.parquet`. The attempt is a new random id
//! for every merge, so two workers never write the same name, even if one of them lost its lease
//! without noticing. Nothing is ever overwritten: a reader of an older version still finds the
//! bytes that it expects.

use std::sync::Arc;

use delta::store::ObjectStore;
use delta::table::FileEntry;
use engine::time::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{PartitionError, WrittenFile};

/// Folder value of rows without a partition value.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// Characters that the name of a partition's folder must escape: all but letters, digits, `-`, `_`
/// and `.`. The values in use, such as `2024-01`, contain none of them.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Destination of the new files of one table during one attempt.
#[derive(Debug)]
pub(crate) struct FileShelf {
    store: Arc<dyn ObjectStore>,
    /// Folder of the table.
    root: String,
    /// First part of the file names, `<epoch>-<sequence>-<attempt>`.
    name: String,
    /// Name of the partition column.
    column: Option<String>,
    now: Timestamp,
    /// Number in the name of the next file.
    next: u32,
}

impl FileShelf {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        root: String,
        name: String,
        column: Option<&str>,
        now: Timestamp,
    ) -> Self {
        Self { store, root, name, column: column.map(str::to_owned), now, next: 0 }
    }

    /// Stores a file of `partition` and returns its entry in the log. The file is durable on
    /// return, so that a commit may name it.
    ///
    /// # Errors
    /// As [`WrittenFile::put_into`].
    pub(crate) async fn put(
        &mut self,
        partition: Option<&str>,
        file: WrittenFile,
    ) -> Result<FileEntry, PartitionError> {
        let folder = match (&self.column, partition) {
            (None, _) => String::new(),
            (Some(column), None) => format!("{column}={NULL_PARTITION}/"),
            (Some(column), Some(value)) => {
                format!("{column}={}/", utf8_percent_encode(value, PLAIN))
            }
        };
        loop {
            let path = format!("{folder}{}-{}.parquet", self.name, self.next);
            self.next += 1;
            let key = format!("{}/{path}", self.root);
            // A name that other rows have taken is passed over.
            if file.put_into(self.store.as_ref(), &key).await? {
                return Ok(file.entry(path, partition, self.now));
            }
        }
    }
}
