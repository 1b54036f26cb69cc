//! A table as its log and its files are now.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use delta::store::{ObjectMeta, ObjectStore};

use super::LakeTable;
use super::file::ReadFile;
use super::log::{PlayedLog, log_objects};
use super::memory::{KeptContents, KeptFile, OracleMemory, is_same};
use super::view::{LiveFile, TableView};
use crate::legal;
use crate::oracle::{Contents, versions};

/// A table that was read.
#[derive(Clone, Debug)]
pub struct LakeReading {
    /// The table.
    pub table: LakeTable,
    /// Its log.
    pub log: Arc<PlayedLog>,
    /// Its newest version.
    pub view: Arc<TableView>,
    /// Its files that could be read, by path.
    pub files: Vec<KeptFile>,
    /// Files that are gone or unreadable.
    pub unreadable: Vec<String>,
}

impl LakeReading {
    /// Reads a table; `None` if it has no log.
    pub async fn of(
        store: &dyn ObjectStore,
        memory: &OracleMemory,
        table: LakeTable,
    ) -> Option<Self> {
        let name = table.name();
        let listed = store.list(&format!("{}/", table.root()), None).await.expect("a store");
        let listed: BTreeMap<String, ObjectMeta> =
            listed.into_iter().map(|object| (object.key.clone(), object)).collect();
        let objects = log_objects(store, &table, &listed).await;
        let before = memory.shelves().logs.get(&name).cloned().unwrap_or_default();
        let log = if before.objects.is_same(&objects) {
            before
        } else {
            let played = Arc::new(before.play(&table, objects));
            memory.shelves().logs.insert(name.clone(), Arc::clone(&played));
            played
        };
        let view = Arc::clone(log.newest()?);
        let mut known = memory.shelves().files.remove(&name).unwrap_or_default();
        let mut reading = Self { table, log, view, files: Vec::new(), unreadable: Vec::new() };
        let mut kept = BTreeMap::new();
        let view = Arc::clone(&reading.view);
        for (path, entry) in &view.files {
            let key = format!("{}/{path}", table.root());
            let bytes = store.get(&key).await.expect("a store");
            let Some(bytes) = bytes else {
                reading.unreadable.push(format!("{name}: {path} is gone"));
                continue;
            };
            let file = read_file(&table, entry, bytes, known.remove(path));
            if let Err(error) = &file.read {
                reading.unreadable.push(format!("{name}: {path}: {error}"));
            } else {
                reading.files.push(file.clone());
            }
            kept.insert(path.clone(), file);
        }
        memory.shelves().files.insert(name, kept);
        Some(reading)
    }

    /// Returns everything that is illegal or unreadable.
    #[must_use]
    pub fn breaches(&self) -> Vec<String> {
        let mut breaches = self.log.all_breaches();
        breaches.extend(self.unreadable.iter().cloned());
        let name = self.table.name();
        for file in &self.files {
            let of_file = file.breaches.iter();
            breaches.extend(of_file.map(|it| format!("{name}: {}: {it}", file.entry.path)));
        }
        breaches
    }

    /// Whether files of it were written before columns of today were declared.
    #[must_use]
    pub fn is_older(&self) -> bool {
        self.files.iter().any(|file| file.read.as_ref().is_ok_and(|file| file.is_older))
    }

    /// Returns the objects that the rows are in, and the number of the version as one of them.
    #[must_use]
    pub fn basis(&self) -> Vec<Bytes> {
        let version = Bytes::from(format!("{} {}", self.view.id(), self.view.version));
        let files = self.files.iter().map(|file| file.bytes.clone());
        core::iter::once(version).chain(files).collect()
    }

    /// Returns the rows, and the keys that occur twice.
    #[must_use]
    pub fn contents(&self, memory: &OracleMemory) -> (Arc<Contents>, Vec<String>) {
        let kept = self.kept(memory);
        (kept.rows, kept.doubled)
    }

    /// Returns the rows, and all that follows from them.
    #[must_use]
    pub fn kept(&self, memory: &OracleMemory) -> KeptContents {
        let (name, basis) = (self.table.name(), self.basis());
        let kept = memory.shelves().contents.get(&name).cloned();
        if let Some(kept) = kept.filter(|kept| same_objects(&kept.basis, &basis)) {
            return kept;
        }
        let mut rows = Contents::new();
        let mut doubled = Vec::new();
        let read = self.files.iter().filter_map(|file| file.read.as_ref().ok());
        for one in read.flat_map(|file| &file.rows) {
            if rows.insert(one.key.clone(), Arc::clone(&one.row)).is_some() {
                doubled.push(format!("{name}: {} is there twice", one.key));
            }
        }
        let versions = Arc::new(versions(self.table.spec, &rows));
        let kept = KeptContents { basis, rows: Arc::new(rows), versions, doubled };
        memory.shelves().contents.insert(name, kept.clone());
        kept
    }
}

/// Whether two lists have the same objects.
#[must_use]
pub fn same_objects(some: &[Bytes], others: &[Bytes]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| is_same(one, other))
}

/// Decodes and checks a file, unless `known` has it.
fn read_file(
    table: &LakeTable,
    entry: &Arc<LiveFile>,
    bytes: Bytes,
    known: Option<KeptFile>,
) -> KeptFile {
    let known = known.filter(|known| is_same(&known.bytes, &bytes));
    if let Some(known) = &known
        && known.entry == *entry
    {
        return known.clone();
    }
    let read = match known {
        Some(known) if known.entry.partition_values == entry.partition_values => known.read,
        _ => ReadFile::decode(table, entry.partition(), &bytes).map(Arc::new),
    };
    let breaches = match &read {
        Ok(file) => legal::file::breaches(table, entry, file),
        Err(_) => Vec::new(),
    };
    KeptFile { bytes, entry: Arc::clone(entry), read, breaches }
}
