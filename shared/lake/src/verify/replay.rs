//! Replays the table of changes and compares the result with the table.
//!
//! The changes are sorted by key, and the newest of each key is kept. The remaining rows are sorted
//! into partitions and compared with the table's files. Both sorts spill to disk: the number of
//! changes determines the size of the temporary files, not the memory.
//!
//! A reader of the changes would do the same, so this proves that such a reader arrives at the
//! table. All columns are compared, `synced_at` as well: a change holds the row as it was written.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use decode::gather::column;
use decode::schema::TableSchema;
use delta::table::{ChangesLag, lag};
use delta::table::{FileEntry, Table};
use engine::precedence::Precedence;
use engine::schema::OP;
use serde::Serialize;

use super::compare::{RowDifference, TableComparison, exactly};
use super::finding::{TableCheck, VerifyFinding};
use super::{VerifyError, blocking};
use crate::changes::ChangeOp;
use crate::collect::{CollectedRows, Collector, MEMORY_LIMIT};
use crate::partition::{PartitionError, RowLayout, fetch, open};
use crate::progress::FileProgress;

/// Finding about a table of changes that is to begin anew. `verify` has another advice for it than for
/// damage.
pub const MISSED_COMMITS: &str =
    "the table of changes has missed commits: the next full pass begins it anew";

/// Number of attempts to read both tables at matching versions.
const TRIES: u32 = 3;
/// Number of differences reported as findings; one more finding counts all of them. A lost file of
/// changes makes thousands of equal findings.
const TOLD: usize = 100;

/// Result of a replay. Its JSON has no findings: these are reported with those of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplayedChanges {
    /// Number of changes read.
    pub changes: u64,
    /// Sequence that the table of changes records.
    pub sequence: u64,
    /// Whether the changes of the last commit are stored but not appended yet; the next run appends
    /// them.
    pub pending: bool,
    /// Violations found.
    #[serde(skip)]
    pub findings: Vec<VerifyFinding>,
}

impl ReplayedChanges {
    /// Result for a table of changes that cannot be opened, with the reason for people.
    #[must_use]
    pub fn unusable(why: String) -> Self {
        let what = "the table of changes cannot be used".to_owned();
        let expected = "a log that this version reads".to_owned();
        let findings = vec![finding(None, what, expected, why)];
        Self { findings, ..Self::default() }
    }
}

/// Finding of this check.
fn finding(file: Option<String>, what: String, expected: String, found: String) -> VerifyFinding {
    VerifyFinding { check: TableCheck::Changes, file, what, expected, found }
}

/// Replays `changes`, including those of the last commit that are not appended yet, and compares
/// all rows and columns of the result with `table`. Each file of both is told once.
///
/// # Errors
/// When the store or a temporary file fails. Damage is a finding.
pub async fn replay(
    table: &mut Table,
    changes: &mut Table,
    progress: &dyn FileProgress,
) -> Result<ReplayedChanges, VerifyError> {
    let lagging = caught_up(table, changes).await?;
    let sequence = changes.recorded_sequence();
    let mut replayed = ReplayedChanges { sequence: sequence.0, ..ReplayedChanges::default() };
    // A table of changes that is one commit behind is in order: a run died between its commit and
    // the appending. The files that the commit names complete it.
    let pending = match lagging {
        ChangesLag::None => Vec::new(),
        ChangesLag::Append(files) => {
            replayed.pending = true;
            files.files
        }
        ChangesLag::Baseline => {
            let made = format!("changes up to sequence {}", table.recorded_sequence());
            let has = format!("up to {sequence}");
            replayed.findings.push(finding(None, MISSED_COMMITS.to_owned(), made, has));
            return Ok(replayed);
        }
    };
    if let Some(mut wrong) = super::checkpoint(changes).await? {
        wrong.file = wrong.file.map(|file| format!("../{}/{file}", changes.schema().name));
        replayed.findings.push(wrong);
    }
    let layout = Arc::new(RowLayout::replayed(changes.schema())?);
    // First sort: all changes by key. One partition, because a row may have moved between
    // partitions.
    let mut sorted = Collector::with_layout(Arc::clone(&layout), None, None, MEMORY_LIMIT);
    for file in changes.files() {
        match read(changes, file, &layout, sorted).await? {
            Ok((rows, so_far)) => {
                sorted = so_far;
                replayed.changes += rows;
                if rows != file.rows {
                    let what = "its number of rows is not that of the log".to_owned();
                    let (expected, found) = (file.rows.to_string(), rows.to_string());
                    let file = Some(path(changes, file));
                    replayed.findings.push(finding(file, what, expected, found));
                }
            }
            Err(why) => {
                let what = "a file of changes cannot be read".to_owned();
                let expected = format!("{} changes", file.rows);
                replayed.findings.push(finding(Some(path(changes, file)), what, expected, why));
                return Ok(replayed);
            }
        }
        progress.done(file);
    }
    for file in &pending {
        match read(changes, file, &layout, sorted).await? {
            Ok((rows, so_far)) => {
                sorted = so_far;
                replayed.changes += rows;
            }
            // The next run finds the same problem and rebuilds the table of changes from all rows.
            // So it is no finding, and nothing can be compared.
            Err(_) => return Ok(replayed),
        }
    }
    let schema = table.schema().clone();
    let rows = blocking(move || outcome(&layout, sorted, &schema)).await?;
    let compared = exactly(table, &rows, progress).await?;
    replayed.tell(compared);
    Ok(replayed)
}

impl ReplayedChanges {
    /// Adds the first differences, and the number of all where there are more.
    fn tell(&mut self, compared: TableComparison) {
        let wrong = compared.wrong();
        self.findings.extend(compared.differences.into_iter().take(TOLD).map(told));
        if self.findings.len() >= TOLD {
            let what = format!("{wrong} rows are not what the changes lead to; here are the first");
            let (expected, found) = ("none".to_owned(), wrong.to_string());
            self.findings.push(finding(None, what, expected, found));
        }
    }
}

/// How far the table of changes is behind, once both were read again if it has missed commits. A
/// run that commits between the two readings would look like missed commits.
async fn caught_up(table: &mut Table, changes: &mut Table) -> Result<ChangesLag, VerifyError> {
    let mut tries = 0;
    loop {
        // The table of changes is never ahead, so the stream's table is refreshed first.
        table.refresh().await?;
        let lagging = lag(table, changes);
        tries += 1;
        if lagging != ChangesLag::Baseline || tries >= TRIES {
            return Ok(lagging);
        }
        changes.refresh().await?;
    }
}

/// Path of a file of changes, relative to the folder of the stream's table.
fn path(changes: &Table, file: &FileEntry) -> String {
    format!("../{}/{}", changes.schema().name, file.path)
}

/// Adds the rows of a file. Returns their number, or the reason why the file is unreadable.
///
/// The outer error is a failure of the store or of this program, the inner one damage.
async fn read(
    changes: &Table,
    file: &FileEntry,
    layout: &Arc<RowLayout>,
    mut sorted: Collector,
) -> Result<Result<(u64, Collector), String>, VerifyError> {
    let content = match fetch(changes.store().as_ref(), changes.root(), file).await {
        Ok(content) => content,
        Err(error @ PartitionError::Store(_)) => return Err(error.into()),
        Err(error) => return Ok(Err(error.chain())),
    };
    let (layout, path) = (Arc::clone(layout), file.path.clone());
    blocking(move || {
        let why = |error: PartitionError| error.chain();
        let batches = match open(&layout, &path, content) {
            Ok(batches) => batches,
            Err(error) => return Ok(Err(why(error))),
        };
        let mut rows = 0;
        for batch in batches {
            match batch {
                Ok(batch) => {
                    rows += batch.num_rows() as u64;
                    sorted.push_into(None, batch)?;
                }
                Err(error) => return Ok(Err(why(error))),
            }
        }
        Ok(Ok((rows, sorted)))
    })
    .await
}

/// Rows that result from the changes, with the schema of the stream's table. The second sort: by
/// partition and key, as the table's files have them.
fn outcome(
    layout: &RowLayout,
    sorted: Collector,
    schema: &TableSchema,
) -> Result<CollectedRows, VerifyError> {
    let mut rows = Collector::new(schema, None, MEMORY_LIMIT)?;
    for batch in sorted.finish()?.partition(None, Precedence::NewestChange) {
        rows.push(living(layout, &batch?, &schema.arrow)?)?;
    }
    Ok(rows.finish()?)
}

/// Rows whose newest change is not a delete, with the columns of the stream's table. Columns are
/// found by name, since the two tables have them at different positions.
fn living(
    layout: &RowLayout,
    changes: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let ops = column(changes, layout.schema.index_of(OP)?)?;
    let lives = |op: Option<&str>| Some(op != Some(ChangeOp::Delete.letter()));
    let keep: BooleanArray = ops.as_string::<i32>().iter().map(lives).collect();
    let changes = filter_record_batch(changes, &keep)?;
    let columns = schema.fields().iter().map(|field| {
        let index = layout.schema.index_of(field.name())?;
        column(&changes, index).map(Arc::clone)
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// Finding for a difference. The comparison was made for Harvest, so `harvest` stands for the
/// changes here.
fn told(difference: RowDifference) -> VerifyFinding {
    let row = |key: &str| (format!("the row of key {key}"), "no row".to_owned());
    match difference {
        RowDifference::MissingHere { key } => {
            let (some, none) = row(&key);
            finding(None, "a row that the changes lead to is missing".to_owned(), some, none)
        }
        RowDifference::MissingInHarvest { key } => {
            let (some, none) = row(&key);
            finding(None, "no change leads to a row".to_owned(), none, some)
        }
        RowDifference::Differs { key, column, here, harvest } => {
            let null = || "null".to_owned();
            let what = format!("`{column}` of key {key} is not what the changes say");
            finding(None, what, harvest.unwrap_or_else(null), here.unwrap_or_else(null))
        }
    }
}

#[cfg(test)]
mod tests;
