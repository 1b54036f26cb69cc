//! Verifies that the files of a table match its log and that its rows are valid.
//!
//! Reads every file once, and the key columns again for files with overlapping key ranges. Memory:
//! one file, and the keys of files that overlap at one point.
//!
//! Three comparisons, each with its own entry:
//!
//! | function | compares the table with |
//! | --- | --- |
//! | [`verify()`] | its log and the declaration |
//! | [`replay()`] | its table of changes |
//! | [`compare()`] | rows that were read from Harvest for the purpose |
//!
//! Verification judges and never mends. What it finds is a [`VerifyFinding`], with an expected and
//! a found value; only a store that fails is an error. It must not rely on what it verifies: files
//! are read although their checksum differs, rows are not lifted, keys are not assumed to be in
//! order.

mod broken_rule;
mod compare;
mod file;
mod finding;
mod placement;
mod replay;
mod rules;
mod shape;
mod statistics;
mod twice;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::error::ArrowError;
use engine::key::Key;
use parquet::file::reader::Length as _;
use serde::Serialize;

use crate::blocking::RewriteError;
use crate::collect::CollectError;
use crate::partition::{PartitionError, RowLayout, stored};
use crate::progress::FileProgress;
pub use compare::{ComparisonRules, RowDifference, TableComparison, compare};
use decode::schema::SchemaComparison;
use delta::offload::offload;
use delta::table::{CheckpointDefect, FileEntry, Table, TableError};

use file::ExaminedFile;
pub use finding::{TableCheck, VerifyFinding};
pub use replay::{MISSED_COMMITS, ReplayedChanges, replay};
use rules::FileRules;

/// Number of attempts when the table changes meanwhile.
const TRIES: u32 = 3;

/// Result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifiedTable {
    /// Version of the table.
    pub version: u64,
    /// Number of files.
    pub files: u64,
    /// Number of rows read.
    pub rows: u64,
    /// Number of bytes read.
    pub bytes: u64,
    /// Number of files of other engines. These need no order and no tags, and are rewritten with
    /// the next change of their partition.
    pub foreign_files: u64,
    /// Violations found.
    pub findings: Vec<VerifyFinding>,
}

/// Reasons why a table could not be verified. Damage is a finding, not an error.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A file could not be fetched.
    #[error(transparent)]
    Partition(#[from] PartitionError),
    /// Sorted rows could not be read back.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// Rows could not be compared: a bug of this program.
    #[error("rows could not be compared")]
    Rows(#[from] ArrowError),
    /// The work ended early: a bug of this program.
    #[error("the work ended early: {0}")]
    Died(String),
}

impl From<RewriteError> for VerifyError {
    fn from(error: RewriteError) -> Self {
        match error {
            RewriteError::Partition(error) => Self::Partition(error),
            RewriteError::Collect(error) => Self::Collect(error),
        }
    }
}

/// Runs `work` off the IO thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VerifyError> + Send + 'static,
) -> Result<T, VerifyError> {
    offload(work).await.map_err(|error| VerifyError::Died(error.to_string()))?
}

impl VerifyError {
    /// Whether a file of this version is gone. The newest version may still be readable.
    #[must_use]
    pub fn is_vanished(&self) -> bool {
        matches!(self, Self::Partition(PartitionError::Missing { .. }))
    }
}

/// Reads the whole table and returns all violations. Starts again with the newest version if files
/// of an older one have vanished meanwhile.
///
/// A run may replace files while the table is verified, and housekeeping may delete them. So a
/// missing file is believed only if the version is still the newest, or after three attempts.
///
/// Each file is told twice: for its own checks, and for keys that several files have.
///
/// # Errors
/// When the store fails. Damage of the table is no error.
pub async fn verify(
    table: &mut Table,
    progress: &dyn FileProgress,
) -> Result<VerifiedTable, VerifyError> {
    for _ in 1..TRIES {
        let version = table.version();
        let verified = at_this_version(table, progress).await?;
        let vanished = verified.findings.iter().any(|finding| finding.check == TableCheck::Files);
        if !vanished {
            return Ok(verified);
        }
        table.refresh().await?;
        if table.version() == version {
            return Ok(verified);
        }
    }
    at_this_version(table, progress).await
}

/// Key range of a file whose rows were read.
#[derive(Clone, Debug)]
struct FileSpan {
    /// Index among the files of the table.
    file: usize,
    /// Least key.
    first: ComparableKey,
    /// Greatest key.
    last: ComparableKey,
    /// Whether its keys are in ascending order.
    sorted: bool,
}

/// A key as comparable bytes and as a value to show. The bytes cannot be turned back into the value
/// without their columns.
#[derive(Clone, Debug)]
struct ComparableKey {
    bytes: Box<[u8]>,
    key: Key,
}

/// Verifies the version that the table has now.
async fn at_this_version(
    table: &Table,
    progress: &dyn FileProgress,
) -> Result<VerifiedTable, VerifyError> {
    let rules = Arc::new(rules(table)?);
    let mut verified = VerifiedTable {
        version: table.version(),
        files: table.files().len() as u64,
        ..VerifiedTable::default()
    };
    let mut spans = Vec::new();
    for (at, file) in table.files().iter().enumerate() {
        let content = match stored(table.store().as_ref(), table.root(), file).await {
            Ok(content) => content,
            Err(PartitionError::Missing { .. }) => {
                verified.findings.push(VerifyFinding {
                    check: TableCheck::Files,
                    file: Some(file.path.clone()),
                    what: "the log names it, but there is no such file".to_owned(),
                    expected: format!("{} bytes", file.size),
                    found: "nothing".to_owned(),
                });
                progress.done(file);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        verified.bytes += content.len();
        verified.foreign_files += u64::from(file.keys.is_none());
        let (rules, entry) = (Arc::clone(&rules), file.clone());
        let ExaminedFile { findings, rows, range } =
            blocking(move || Ok(file::examine(&rules, &entry, content)?)).await?;
        verified.rows += rows;
        verified.findings.extend(findings);
        if let Some((first, last, sorted)) = range {
            spans.push(FileSpan { file: at, first, last, sorted });
        }
        progress.done(file);
    }
    verified.findings.extend(checkpoint(table).await?);
    verified.findings.extend(overlaps(table.files(), &spans));
    verified.findings.extend(twice::find(table, &spans, progress).await?);
    Ok(verified)
}

/// Finding about the newest checkpoint of the table's log.
async fn checkpoint(table: &Table) -> Result<Option<VerifyFinding>, VerifyError> {
    let defect = table.checkpoint_defect().await?;
    Ok(defect.map(|CheckpointDefect { file, expected, found }| VerifyFinding {
        check: TableCheck::Checkpoint,
        file: Some(file),
        what: "the newest checkpoint, which other engines read, is wrong".to_owned(),
        expected,
        found,
    }))
}

/// Expectations that hold for all files of the table.
fn rules(table: &Table) -> Result<FileRules, VerifyError> {
    let schema = table.schema().clone();
    let compared = schema.compare(table.log_schema());
    let not_in_log = match compared {
        Ok(SchemaComparison::Lacks(columns)) => columns,
        // A table with another schema cannot be opened.
        Ok(
            SchemaComparison::Equal | SchemaComparison::Unknown(_) | SchemaComparison::Differs(_),
        )
        | Err(_) => Vec::new(),
    };
    let layout = Arc::new(RowLayout::as_stored(&schema)?);
    Ok(FileRules { schema, layout, account: table.account(), not_in_log })
}

/// Findings about our files with a key range that overlaps another one of their partition.
///
/// In order of first keys, a file overlaps an earlier one if it begins before the furthest end so
/// far. One finding for each such file names the file that reaches furthest.
fn overlaps(files: &[FileEntry], spans: &[FileSpan]) -> Vec<VerifyFinding> {
    let mut partitions: BTreeMap<Option<&str>, Vec<(&FileEntry, &FileSpan)>> = BTreeMap::new();
    for span in spans {
        if let Some(file) = files.get(span.file).filter(|file| file.keys.is_some()) {
            partitions.entry(file.partition.as_deref()).or_default().push((file, span));
        }
    }
    let mut findings = Vec::new();
    for mut ordered in partitions.into_values() {
        ordered.sort_by(|(_, a), (_, b)| a.first.bytes.cmp(&b.first.bytes));
        let mut furthest: Option<(&FileEntry, &FileSpan)> = None;
        for (file, span) in ordered {
            if let Some((other, before)) = furthest
                && before.last.bytes >= span.first.bytes
            {
                findings.push(VerifyFinding {
                    check: TableCheck::Ranges,
                    file: Some(file.path.clone()),
                    what: format!("its keys overlap those of `{}`", other.path),
                    expected: format!("keys after {}", shown(&before.last.key)),
                    found: format!("keys from {} on", shown(&span.first.key)),
                });
            }
            if furthest.is_none_or(|(_, before)| before.last.bytes < span.last.bytes) {
                furthest = Some((file, span));
            }
        }
    }
    findings
}

/// Text of a key for people and JSON: `7`, `[7,"EUR"]`.
fn shown(key: &Key) -> String {
    let text = serde_json::to_string(key).unwrap_or_default();
    match key.0.len() {
        1 => text.trim_matches(['[', ']']).to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
