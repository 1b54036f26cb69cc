//! Reading of a Delta log by its protocol, line by line, from every base that it has.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use bytes::Bytes;
use delta::table::{FileEntry, Table};
use lives::naive::json::members;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};

/// Objects of a log, by the name in its folder.
pub(crate) type LogFolder = BTreeMap<String, Bytes>;

/// A table at its newest version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NaiveTable {
    version: u64,
    id: String,
    schema: String,
    numbers: BTreeMap<String, i64>,
    files: BTreeMap<String, NaiveFile>,
}

/// A file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NaiveFile {
    partition: Option<String>,
    size: u64,
    rows: u64,
    stats: String,
    sha256: Option<String>,
}

/// Text of an object, as it is written. Members that nobody asks for may be anything.
#[derive(Clone, Copy, Debug)]
struct RawObject<'a>(&'a str);

impl<'a> RawObject<'a> {
    /// Returns the text of the last member of this name; `None` for null.
    fn raw(self, name: &str) -> Option<&'a str> {
        let mut members = members(self.0)?.into_iter().rev();
        members.find(|(known, _)| known == name).map(|(_, raw)| raw).filter(|raw| *raw != "null")
    }

    fn object(self, name: &str) -> Option<Self> {
        self.raw(name).map(RawObject)
    }

    fn value<T: DeserializeOwned>(self, name: &str) -> Option<T> {
        serde_json::from_str(self.raw(name)?).ok()
    }
}

/// Returns the number of the newest version that any object of the log has.
pub(crate) fn newest(folder: &LogFolder) -> Option<u64> {
    folder.keys().filter_map(|name| version(name, ".json").or_else(|| checkpoint(name))).max()
}

fn version(name: &str, end: &str) -> Option<u64> {
    let digits = name.strip_suffix(end).filter(|it| it.len() == 20)?;
    // A version is a signed number of 64 bits.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?.filter(|version: &u64| i64::try_from(*version).is_ok())
}

fn checkpoint(name: &str) -> Option<u64> {
    version(name, ".checkpoint.parquet")
}

/// Returns the table as it is by each base: version 0, and each checkpoint that can be read.
pub(crate) fn played(folder: &LogFolder, column: Option<&str>) -> Vec<NaiveTable> {
    let checkpoints = folder.iter().filter_map(|(name, bytes)| {
        let version = checkpoint(name)?;
        Some((Some(version), actions_of_checkpoint(bytes)?))
    });
    let bases = checkpoints.chain([(None, Vec::new())]);
    bases.filter_map(|(base, actions)| NaiveTable::play(folder, column, base, &actions)).collect()
}

/// Returns the rows of a checkpoint; `None` if it cannot be read. The reader of Parquet panics for
/// some bytes. The schema of Arrow beside the columns is no part of the format.
pub(crate) fn rows_of_checkpoint(bytes: &Bytes) -> Option<RecordBatch> {
    let read = || {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let file = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options);
        let file = file.ok()?;
        let schema = Arc::clone(file.schema());
        let batches: Result<Vec<RecordBatch>, _> = file.build().ok()?.collect();
        concat_batches(&schema, &batches.ok()?).ok()
    };
    catch_unwind(AssertUnwindSafe(read)).ok()?
}

/// Returns the rows of a checkpoint as the JSON that a commit has for them.
pub(crate) fn actions_of_checkpoint(bytes: &Bytes) -> Option<Vec<Value>> {
    let rows = rows_of_checkpoint(bytes)?;
    let row = |row: usize| {
        let mut action = Map::new();
        for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
            if column.is_valid(row) {
                action.insert(field.name().clone(), lives::reader::log::json(column, row));
            }
        }
        Value::Object(action)
    };
    Some((0..rows.num_rows()).map(row).collect())
}

impl NaiveTable {
    fn play(
        folder: &LogFolder,
        column: Option<&str>,
        base: Option<u64>,
        actions: &[Value],
    ) -> Option<Self> {
        let mut table = Self::default();
        for action in actions {
            table.apply(&action.to_string(), column)?;
        }
        let mut next = match base {
            Some(base) => base.checked_add(1),
            None => Some(0),
        };
        table.version = base.unwrap_or_default();
        while let Some(version) = next {
            let Some(bytes) = folder.get(&format!("{version:020}.json")) else { break };
            for line in bytes.split(|byte| *byte == b'\n') {
                if !line.iter().all(u8::is_ascii_whitespace) {
                    table.apply(core::str::from_utf8(line).ok()?, column)?;
                }
            }
            table.version = version;
            next = version.checked_add(1);
        }
        let is_begun = base.is_some() || folder.contains_key(&format!("{:020}.json", 0));
        (is_begun && Some(table.version) == newest(folder)).then_some(table)
    }

    /// Applies the actions of a line.
    fn apply(&mut self, line: &str, column: Option<&str>) -> Option<()> {
        serde_json::from_str::<IgnoredAny>(line).ok()?;
        let line = RawObject(line);
        members(line.0)?;
        if let Some(metadata) = line.object("metaData") {
            self.id = metadata.value("id")?;
            self.schema = metadata.value("schemaString")?;
        }
        if let Some(txn) = line.object("txn") {
            self.numbers.insert(txn.value("appId")?, txn.value("version")?);
        }
        if let Some(remove) = line.object("remove") {
            self.files.remove(&path(remove)?);
        }
        if let Some(add) = line.object("add") {
            self.files.insert(path(add)?, NaiveFile::added(add, column)?);
        }
        Some(())
    }

    /// Returns the same of a table that was opened.
    pub(crate) fn opened(table: &Table) -> Self {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let numbers = [
            ("harvest-lake/epoch", number(table.recorded_epoch().0)),
            ("harvest-lake/sequence", number(table.recorded_sequence().0)),
        ];
        let files = table.files().iter();
        Self {
            version: table.version(),
            id: table.id().to_owned(),
            schema: table.log_schema().to_owned(),
            numbers: numbers.map(|(name, number)| (name.to_owned(), number)).into(),
            files: files.map(|file| (file.path.clone(), NaiveFile::told(file))).collect(),
        }
    }

    /// Returns the table with the two numbers of ours alone; those that are missing or negative are
    /// zero.
    pub(crate) fn with_our_numbers(mut self) -> Self {
        let ours = ["harvest-lake/epoch", "harvest-lake/sequence"];
        let number = |name: &str| self.numbers.get(name).copied().unwrap_or_default().max(0);
        self.numbers = ours.map(|name| (name.to_owned(), number(name))).into();
        self
    }
}

impl NaiveFile {
    fn added(add: RawObject<'_>, column: Option<&str>) -> Option<Self> {
        let of = |member: &str, name: &str| add.object(member)?.value::<String>(name);
        let stats: String = add.value("stats").unwrap_or_default();
        let counted = of("tags", "harvest-lake.rows").and_then(|rows| rows.parse().ok());
        let told = || serde_json::from_str::<Value>(&stats).ok()?["numRecords"].as_u64();
        Some(Self {
            partition: column
                .and_then(|name| of("partitionValues", name))
                .filter(|value| !value.is_empty()),
            size: add.value("size")?,
            rows: counted.or_else(told).unwrap_or_default(),
            sha256: of("tags", "harvest-lake.sha256"),
            stats,
        })
    }

    fn told(file: &FileEntry) -> Self {
        Self {
            partition: file.partition.clone(),
            size: file.size,
            rows: file.rows,
            stats: file.stats.clone(),
            sha256: file.sha256.clone(),
        }
    }
}

/// Returns the decoded path of an action.
fn path(action: RawObject<'_>) -> Option<String> {
    let encoded: String = action.value("path")?;
    let mut path = Vec::new();
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|it| it.iter().all(u8::is_ascii_hexdigit));
        if let Some(digits) = digits.filter(|_| *first == b'%') {
            path.push(u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = &after[2..];
        } else {
            path.push(*first);
            rest = after;
        }
    }
    String::from_utf8(path).ok()
}
