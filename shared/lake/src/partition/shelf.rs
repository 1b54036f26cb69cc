//! Stores new files under names that nobody used before.

use std::sync::Arc;

use engine::time::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Written;
use crate::store::{ObjectStore, PutIfAbsent, StoreError};
use crate::table::FileEntry;

/// Folder of rows without a partition value.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// What stays as it is in the name of a partition's folder.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Where the new files of one table go during one attempt.
#[derive(Debug)]
pub(crate) struct Shelf {
    store: Arc<dyn ObjectStore>,
    /// The table's folder.
    root: String,
    /// Beginning of the names, `<epoch>-<sequence>-<attempt>`.
    name: String,
    /// The partition column.
    column: Option<String>,
    now: Timestamp,
    /// Number of the next file.
    next: u32,
}

impl Shelf {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        root: String,
        name: String,
        column: Option<&str>,
        now: Timestamp,
    ) -> Self {
        Self { store, root, name, column: column.map(str::to_owned), now, next: 0 }
    }

    /// Stores a file of `partition`.
    pub(crate) async fn put(
        &mut self,
        partition: Option<&str>,
        file: Written,
    ) -> Result<FileEntry, StoreError> {
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
            let is_there = match self.store.put_if_absent(&key, file.bytes.clone()).await? {
                PutIfAbsent::Stored => true,
                // Ours of a put whose answer was lost, or of an earlier attempt with other rows.
                PutIfAbsent::Exists => self.store.get(&key).await?.as_ref() == Some(&file.bytes),
            };
            if is_there {
                return Ok(file.entry(path, partition, self.now));
            }
        }
    }
}
