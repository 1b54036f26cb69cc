//! Checks one file against its entry in the log and against the declaration.
//!
//! The checks go from the outside to the inside: size and checksum, folder, columns, rows. Where a
//! step fails so that the next one would be meaningless, the examination ends with what was found.
//! Files of other engines promise less, so fewer rules apply to them.

use core::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use decode::gather::column;
use delta::table::FileEntry;

use super::broken_rule::BrokenRule;
use super::finding::{TableCheck, VerifyFinding};
use super::placement::own_partition;
use super::rules::{FileRules, about};
use super::{ComparableKey, shape, shown, statistics};
use crate::partition::{
    FileContent, FileDifference, FileStats, PartitionError, TableFile, difference, open, reader,
};

/// Result of examining a file.
#[derive(Debug, Default)]
pub(super) struct ExaminedFile {
    pub(super) findings: Vec<VerifyFinding>,
    pub(super) rows: u64,
    /// Least and greatest key, and whether the keys are in ascending order. `None` for a file that
    /// is unreadable or without rows.
    pub(super) range: Option<(ComparableKey, ComparableKey, bool)>,
}

/// State of a pass over a file's rows. All checks of rows are made in one pass, batch by batch.
struct FileScan<'a> {
    rules: &'a FileRules,
    file: &'a FileEntry,
    /// Statistics computed from the rows, as the writer computes them.
    stats: FileStats,
    /// Last key of the batch before, to compare the first key of the next one with.
    before: Option<ComparableKey>,
    /// Least key so far.
    least: Option<ComparableKey>,
    /// Greatest key so far. Not the last one: the order is what is being checked.
    greatest: Option<ComparableKey>,
    /// Whether keys have been in ascending order so far.
    sorted: bool,
    /// Rows with a lesser key than the row before.
    unordered: BrokenRule,
    /// Rows that belong to another partition.
    elsewhere: BrokenRule,
    /// Rows of another account.
    of_others: BrokenRule,
}

/// Examines one file, whose content is `content`.
///
/// # Errors
/// When the rows cannot be compared: a bug of this program. Damage of the file is a finding.
pub(super) fn examine(
    rules: &FileRules,
    file: &FileEntry,
    content: FileContent,
) -> Result<ExaminedFile, ArrowError> {
    let mut examined = ExaminedFile::default();
    // A file that differs is read all the same: the further findings tell whether it is cut,
    // another version, or another table's.
    if let Some(FileDifference { expected, found }) = difference(file, &content) {
        let what = "it is not the file that the log names";
        examined.findings.push(about(file, TableCheck::Files, what, expected, found));
    }
    examined.findings.extend(shape::folder(rules, file));
    let name = TableFile::new(&rules.layout.table, &file.path);
    let stored = match reader(&name, content.clone()) {
        Ok(builder) => Arc::clone(builder.schema()),
        Err(error) => {
            examined.findings.push(unreadable(file, &error));
            return Ok(examined);
        }
    };
    examined.findings.extend(shape::columns(rules, file, &stored));
    let mut passing = FileScan::new(rules, file);
    let rows = match open(&rules.layout, &file.path, content) {
        Ok(rows) => rows,
        Err(error) => {
            examined.findings.push(unreadable(file, &error));
            return Ok(examined);
        }
    };
    for batch in rows {
        match batch {
            Ok(batch) => passing.take(&batch)?,
            Err(error) => {
                examined.findings.push(unreadable(file, &error));
                // Rows before the damage were read. Nothing is said about them, because statistics
                // and keys of a part cannot be compared with the log.
                examined.rows = passing.stats.rows();
                return Ok(examined);
            }
        }
    }
    passing.finish(&mut examined);
    Ok(examined)
}

/// Finding about an unreadable file, by the program at fault: values of another program that do not
/// fit, our own file with other columns, or damage.
fn unreadable(file: &FileEntry, error: &PartitionError) -> VerifyFinding {
    match error {
        PartitionError::Unfit { .. } if file.keys.is_some() => {
            let what = "its rows cannot be read as declared";
            let declared = "rows of the declared columns".to_owned();
            about(file, TableCheck::Schema, what, declared, error.chain())
        }
        PartitionError::Unfit { .. } | PartitionError::Unsupported { .. } => {
            let what = "what another program wrote cannot be read as declared";
            about(
                file,
                TableCheck::Fit,
                what,
                "values that the columns hold".to_owned(),
                error.chain(),
            )
        }
        PartitionError::Store(_)
        | PartitionError::Missing { .. }
        | PartitionError::Swapped { .. }
        | PartitionError::Scratch { .. }
        | PartitionError::Output(_)
        | PartitionError::Damaged { .. }
        | PartitionError::Stopped
        | PartitionError::Encode(_)
        | PartitionError::Schema(_) => {
            let what = "it cannot be read as Parquet";
            about(file, TableCheck::Files, what, "a Parquet file".to_owned(), error.chain())
        }
    }
}

impl<'a> FileScan<'a> {
    fn new(rules: &'a FileRules, file: &'a FileEntry) -> Self {
        Self {
            rules,
            file,
            stats: FileStats::new(&rules.layout),
            before: None,
            least: None,
            greatest: None,
            sorted: true,
            unordered: BrokenRule::default(),
            elsewhere: BrokenRule::default(),
            of_others: BrokenRule::default(),
        }
    }

    /// Checks the rows of one batch.
    fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.stats.add(batch)?;
        self.keys(batch)?;
        self.accounts(batch)?;
        self.partitions(batch)
    }

    /// Checks the order of the keys, and extends least and greatest key.
    fn keys(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let layout = &self.rules.layout;
        let keys = layout.key_rows(batch)?;
        let key = |row| layout.key(batch, row);
        for row in 0..batch.num_rows() {
            let earlier = match row.checked_sub(1) {
                Some(earlier) => Some(keys.row(earlier).data()),
                None => self.before.as_ref().map(|before| &*before.bytes),
            };
            let Some(earlier) = earlier else { continue };
            match keys.row(row).data().cmp(earlier) {
                Ordering::Greater => {}
                // Equal keys are reported with those that lie further apart.
                Ordering::Equal => self.sorted = false,
                Ordering::Less => {
                    self.sorted = false;
                    self.unordered.add(|| {
                        let before = match (row.checked_sub(1), &self.before) {
                            (Some(earlier), _) => shown(&key(earlier)?),
                            (None, Some(before)) => shown(&before.key),
                            (None, None) => String::new(),
                        };
                        let key = shown(&key(row)?);
                        Ok((key.clone(), format!("a key greater than {before}"), key))
                    })?;
                }
            }
        }
        let rows = 0..batch.num_rows();
        let of_row = |row| {
            Ok::<_, ArrowError>(ComparableKey {
                bytes: keys.row(row).data().into(),
                key: key(row)?,
            })
        };
        let by_key = |a: &usize, b: &usize| keys.row(*a).data().cmp(keys.row(*b).data());
        if let Some(row) = rows.clone().min_by(by_key) {
            let bound = of_row(row)?;
            if self.least.as_ref().is_none_or(|least| bound.bytes < least.bytes) {
                self.least = Some(bound);
            }
        }
        if let Some(row) = rows.clone().max_by(by_key) {
            let bound = of_row(row)?;
            if self.greatest.as_ref().is_none_or(|greatest| bound.bytes > greatest.bytes) {
                self.greatest = Some(bound);
            }
        }
        if let Some(last) = rows.last() {
            self.before = Some(of_row(last)?);
        }
        Ok(())
    }

    /// Checks that all rows are of the lake's account.
    fn accounts(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let ours = self.rules.account.0;
        let layout = &self.rules.layout;
        let index = layout.schema.index_of("account_id")?;
        let Some(accounts) = column(batch, index)?.as_primitive_opt::<Int64Type>() else {
            return Ok(());
        };
        for row in (0..accounts.len()).filter(|row| accounts.value(*row) != ours) {
            self.of_others.add(|| {
                let key = shown(&layout.key(batch, row)?);
                Ok((key, ours.to_string(), accounts.value(row).to_string()))
            })?;
        }
        Ok(())
    }

    /// Checks that all rows are in the partition of the file.
    fn partitions(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let layout = &self.rules.layout;
        for row in 0..batch.num_rows() {
            // A record that lost its `created_at` stays in its partition.
            let Some(own) = own_partition(&self.rules.schema, layout, batch, row)? else {
                continue;
            };
            if self.file.partition.as_ref() != Some(&own) {
                let held = self.file.partition.clone().unwrap_or_else(|| "null".to_owned());
                self.elsewhere.add(|| Ok((shown(&layout.key(batch, row)?), own, held)))?;
            }
        }
        Ok(())
    }

    /// Compares what was gathered with the log, and adds the findings.
    fn finish(self, examined: &mut ExaminedFile) {
        let file = self.file;
        let rows = self.stats.rows();
        examined.rows = rows;
        let ours = file.keys.is_some();
        // Other engines need not log statistics, and then log no number of rows.
        if rows != file.rows && (ours || !file.stats.is_empty()) {
            let (expected, found) = (file.rows.to_string(), rows.to_string());
            let what = "its number of rows is not that of the log";
            examined.findings.push(about(file, TableCheck::Rows, what, expected, found));
        }
        if !file.stats.is_empty() {
            examined.findings.extend(statistics::compare(file, &self.stats));
        }
        let sorted = self.sorted;
        // Keys in the log mean a file of ours: only then tags and order are promised.
        if let (Some((first, last)), Some(least), Some(greatest)) =
            (&file.keys, &self.least, &self.greatest)
        {
            for (what, tag, found) in [("first", first, &least.key), ("last", last, &greatest.key)]
            {
                if tag != found {
                    let what = format!("the {what} key in the log's tags is not that of its rows");
                    let keys = (shown(tag), shown(found));
                    examined.findings.push(about(file, TableCheck::Tags, &what, keys.0, keys.1));
                }
            }
            let what = "a row is not in the order of keys";
            examined.findings.extend(self.unordered.finding(TableCheck::Order, file, what));
        }
        let what = "a row belongs to another partition";
        examined.findings.extend(self.elsewhere.finding(TableCheck::Partition, file, what));
        let what = "a row is of another account";
        examined.findings.extend(self.of_others.finding(TableCheck::Account, file, what));
        examined.range = self.least.zip(self.greatest).map(|(least, last)| (least, last, sorted));
    }
}
