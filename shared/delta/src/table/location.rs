//! Location of a log: its files by name, and errors that name the table.

use bytes::Bytes;

use super::TableError;
use super::listing::LogListing;
use crate::store::{ObjectStore, StoreError};

/// Location of a log, with the table's name for errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogLocation<'a> {
    pub store: &'a dyn ObjectStore,
    /// Name of the table, for errors.
    pub stream: &'a str,
    /// Folder of the table, `tables/clients`, without a slash at its end.
    pub root: &'a str,
}

impl LogLocation<'_> {
    /// Reads a file below the table's folder.
    pub(crate) async fn get(&self, file: &str) -> Result<Option<Bytes>, TableError> {
        self.store.get(&self.key(file)).await.map_err(|source| self.failed(source))
    }

    /// Creates or replaces a file below the table's folder.
    pub(crate) async fn put(&self, file: &str, bytes: Vec<u8>) -> Result<(), TableError> {
        let put = self.store.put(&self.key(file), bytes.into()).await;
        put.map_err(|source| self.failed(source))
    }

    /// Key in the store of a file below the table's folder.
    pub(crate) fn key(&self, file: &str) -> String {
        format!("{}/{file}", self.root)
    }

    /// Error for a failure of the store.
    pub(crate) fn failed(&self, source: StoreError) -> TableError {
        TableError::Store { table: self.stream.to_owned(), source }
    }

    /// Log files whose name is greater than `after` (below the table's folder), or all.
    pub(crate) async fn list(&self, after: Option<&str>) -> Result<LogListing, TableError> {
        let prefix = self.key("_delta_log/");
        let after = after.map(|after| self.key(after));
        let objects = self.store.list(&prefix, after.as_deref()).await;
        let objects = objects.map_err(|source| self.failed(source))?;
        Ok(LogListing::of(objects.iter().filter_map(|object| object.key.strip_prefix(&prefix))))
    }

    /// Error for a defect of `file`, a path below the table's folder.
    pub(crate) fn damaged(&self, file: &str, what: impl Into<String>) -> TableError {
        TableError::Damaged {
            table: self.stream.to_owned(),
            file: file.to_owned(),
            what: what.into(),
        }
    }
}
