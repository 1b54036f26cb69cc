//! Memory of what was read, so that nothing is decoded twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use bytes::Bytes;

use super::file::ReadFile;
use super::log::PlayedLog;
use super::view::LiveFile;
use crate::naive::record::Row;
use crate::oracle::{Contents, Versions};

/// Everything that was read of one world. Each thing is kept with the bytes that it was read from.
#[derive(Debug, Default)]
pub struct OracleMemory {
    shelf: Mutex<MemoryShelves>,
}

/// The shelves of a memory.
#[derive(Debug, Default)]
pub struct MemoryShelves {
    /// Logs by the name of their table.
    pub logs: BTreeMap<String, Arc<PlayedLog>>,
    /// Files by the name of their table and their path.
    pub files: BTreeMap<String, BTreeMap<String, KeptFile>>,
    /// Rows of tables, by their name.
    pub contents: BTreeMap<String, KeptContents>,
    /// Rows that tables should have, by stream and window, and by the circumstances of the reading.
    pub truths: BTreeMap<(String, String), KeptTruth>,
    /// Objects that have none of some texts, by key.
    pub searched: BTreeMap<String, KeptSearch>,
    /// Comparisons that found nothing, by stream and kind.
    pub agreed: BTreeMap<String, Vec<Bytes>>,
}

/// A file, and the bytes that it was read from.
#[derive(Clone, Debug)]
pub struct KeptFile {
    /// The bytes.
    pub bytes: Bytes,
    /// Its entry in the log.
    pub entry: Arc<LiveFile>,
    /// Its content, or the reason why there is none.
    pub read: Result<Arc<ReadFile>, String>,
    /// Breaches of the rules for files.
    pub breaches: Vec<String>,
}

/// Rows of a table, and the objects that they were read from.
#[derive(Clone, Debug)]
pub struct KeptContents {
    /// The objects.
    pub basis: Vec<Bytes>,
    /// The rows.
    pub rows: Arc<Contents>,
    /// Instants of their newest changes.
    pub versions: Arc<Versions>,
    /// Keys that occur twice.
    pub doubled: Vec<String>,
}

/// Rows that one answer of the truth gives.
#[derive(Clone, Debug, Default)]
pub struct KeptTruth {
    /// The answer.
    pub body: Bytes,
    /// Circumstances of the reading beside the answer, as text.
    pub reading: String,
    /// The rows of all its records.
    pub rows: Arc<Contents>,
    /// Instants of their newest changes.
    pub versions: Arc<Versions>,
    /// Columns whose values are hashes, which are not compared.
    pub hashed: BTreeSet<String>,
    /// The rows by record and parent as text.
    pub records: Arc<BTreeMap<String, Option<(String, Row)>>>,
}

/// An object, and texts that it does not contain.
#[derive(Clone, Debug)]
pub struct KeptSearch {
    /// The object.
    pub bytes: Bytes,
    /// The texts.
    pub texts: Vec<String>,
}

impl MemoryShelves {
    /// Returns the rows of an object, if it was decoded as a file of a table.
    pub fn rows(&self, key: &str, bytes: &Bytes) -> Option<RecordBatch> {
        let (table, path) = key.strip_prefix("tables/")?.split_once('/')?;
        let kept = self.files.get(table)?.get(path).filter(|kept| is_same(&kept.bytes, bytes))?;
        Some(kept.read.as_ref().ok()?.batch.clone())
    }
}

impl OracleMemory {
    /// Returns the shelves.
    pub fn shelves(&self) -> MutexGuard<'_, MemoryShelves> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two objects have the same bytes; quick if they are the very same.
#[must_use]
pub fn is_same(one: &Bytes, other: &Bytes) -> bool {
    let place = |bytes: &Bytes| (bytes.as_ptr(), bytes.len());
    place(one) == place(other) || one == other
}
