//! A table against rows that were read for it.

use core::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use engine::spec::{Kind, StreamSpec};
use engine::time::Timestamp;
use engine::window::Period;
use serde::Serialize;

use super::{VerifyError, shown};
use crate::collect::{Collected, Collector, KeyRange, MEMORY_LIMIT, SortedRows};
use crate::offload::offload;
use crate::partition::{Keyed, Layout, column, equal_rows, fetch, open};
use crate::table::{FileEntry, Table};

/// Differences that are told one by one; all are counted.
const TOLD: usize = 1000;

/// What of the table the reading should have returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole {
    /// All rows.
    Everything,
    /// All children of these parents.
    Parents(BTreeSet<i64>),
    /// All rows of these report windows.
    Periods(BTreeSet<Period>),
    /// Nothing is known of rows that were not returned.
    Nothing,
}

/// How a reading is to be judged.
#[derive(Clone, Debug)]
pub struct Against {
    /// What it should have returned.
    pub whole: Whole,
    /// Changes from here on are not in the table yet.
    pub cursor: Option<Timestamp>,
    /// When the reading began: rows of the table that came later are not judged.
    pub began: Timestamp,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// Harvest has the record, the table has not.
    MissingHere {
        /// Its key.
        key: String,
    },
    /// The table has the record, Harvest has not.
    MissingInHarvest {
        /// Its key.
        key: String,
    },
    /// They hold different values.
    Differs {
        /// The record's key.
        key: String,
        /// The column.
        column: String,
        /// The table's value; `None` where it is null.
        here: Option<String>,
        /// Harvest's value; `None` where it is null.
        harvest: Option<String>,
    },
}

/// How a table and a reading compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Records read, each once.
    pub records: u64,
    /// Records that are the same here.
    pub equal: u64,
    /// Records that changed in Harvest since the table was brought up to date, and rows of the
    /// table that are newer than the reading.
    pub newer: u64,
    /// Records that the table lacks.
    pub missing_here: u64,
    /// Rows that Harvest lacks.
    pub missing_in_harvest: u64,
    /// Records with other values here.
    pub differing: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

impl Compared {
    /// Records that are not as they should be.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.missing_here + self.missing_in_harvest + self.differing
    }
}

/// Compares all columns but `synced_at` and volatile ones. Memory: one file of the table.
///
/// # Errors
/// Where a file of the table cannot be read: verify it first.
pub async fn compare(
    table: &Table,
    read: &Collected,
    against: &Against,
) -> Result<Compared, VerifyError> {
    let columns = read.layout().content.clone();
    matched(table, read, against, columns, false).await
}

/// Compares all columns of all rows.
pub(super) async fn exactly(table: &Table, rows: &Collected) -> Result<Compared, VerifyError> {
    let columns = (0..rows.layout().schema.fields().len()).collect();
    let against = Against { whole: Whole::Everything, cursor: None, began: Timestamp::MAX };
    matched(table, rows, &against, columns, true).await
}

async fn matched(
    table: &Table,
    read: &Collected,
    against: &Against,
    columns: Vec<usize>,
    exact: bool,
) -> Result<Compared, VerifyError> {
    let layout = Arc::clone(read.layout());
    let held = table.files().iter().map(|file| file.partition.as_deref());
    let partitions: BTreeSet<Option<&str>> = held.chain(read.partitions()).collect();
    let mut compared = Compared::default();
    for partition in partitions {
        let files = table.files().iter();
        let files: Vec<&FileEntry> = files
            .filter(|file| file.partition.as_deref() == partition)
            .filter(|file| {
                against.whole != Whole::Nothing || may_be_read(&layout, read, partition, file)
            })
            .collect();
        let mut matching = Matching {
            layout: Arc::clone(&layout),
            spec: table.schema().spec,
            against: against.clone(),
            columns: columns.clone(),
            exact,
            theirs: read.partition(partition),
            head: None,
            row: 0,
            compared,
        };
        if files.iter().any(|file| file.keys.is_none()) {
            matching = sorted_anew(table, &files, matching).await?;
        } else {
            for file in files {
                let bytes = fetch(table.store().as_ref(), table.root(), &file.path).await?;
                let (layout, path) = (Arc::clone(&layout), file.path.clone());
                matching = blocking(move || {
                    for batch in open(&layout, &path, bytes)? {
                        matching.rows(&layout.keyed(batch?)?)?;
                    }
                    Ok(matching)
                })
                .await?;
            }
        }
        compared = blocking(move || matching.finish()).await?;
    }
    Ok(compared)
}

/// Whether a record that was read may be in this file.
fn may_be_read(
    layout: &Layout,
    read: &Collected,
    partition: Option<&str>,
    file: &FileEntry,
) -> bool {
    let Some((first, last)) = &file.keys else { return true };
    let range = layout.key_bytes(first).zip(layout.key_bytes(last));
    range.is_none_or(|(first, last)| read.may_hold(partition, &KeyRange { first, last }))
}

/// Matches a partition of which somebody else wrote files, in whatever order.
async fn sorted_anew(
    table: &Table,
    files: &[&FileEntry],
    mut matching: Matching,
) -> Result<Matching, VerifyError> {
    let layout = Arc::clone(&matching.layout);
    let mut collector = Collector::with_layout(Arc::clone(&layout), None, None, MEMORY_LIMIT);
    for file in files {
        let bytes = fetch(table.store().as_ref(), table.root(), &file.path).await?;
        let (layout, path) = (Arc::clone(&layout), file.path.clone());
        collector = blocking(move || {
            for batch in open(&layout, &path, bytes)? {
                collector.push_into(None, batch?)?;
            }
            Ok(collector)
        })
        .await?;
    }
    blocking(move || {
        for batch in collector.finish()?.partition(None) {
            matching.rows(&layout.keyed(batch?)?)?;
        }
        Ok(matching)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VerifyError> + Send + 'static,
) -> Result<T, VerifyError> {
    offload(work).await.map_err(|error| VerifyError::Died(error.to_string()))?
}

/// Both sides of one partition, in key order.
struct Matching {
    layout: Arc<Layout>,
    spec: &'static StreamSpec,
    against: Against,
    /// Those that are compared.
    columns: Vec<usize>,
    /// Whether nothing excuses a difference.
    exact: bool,
    theirs: SortedRows,
    head: Option<Keyed>,
    row: usize,
    compared: Compared,
}

impl Matching {
    /// Goes on with these rows of the table.
    fn rows(&mut self, ours: &Keyed) -> Result<(), VerifyError> {
        let mut pairs = Vec::new();
        let mut row = 0;
        while row < ours.len() {
            if self.is_at_end() {
                self.compare(ours, &mut pairs)?;
                if !self.load()? {
                    for row in row..ours.len() {
                        self.only_here(ours, row)?;
                    }
                    break;
                }
            }
            let Some(head) = &self.head else { break };
            match ours.key(row).cmp(head.key(self.row)) {
                Ordering::Less => {
                    self.only_here(ours, row)?;
                    row += 1;
                }
                Ordering::Greater => self.only_there()?,
                Ordering::Equal => {
                    pairs.push((row, self.row));
                    row += 1;
                    self.row += 1;
                    self.compared.records += 1;
                }
            }
        }
        self.compare(ours, &mut pairs)
    }

    /// The rest of what was read is not in the table.
    fn finish(mut self) -> Result<Compared, VerifyError> {
        while !self.is_at_end() || self.load()? {
            self.only_there()?;
        }
        Ok(self.compared)
    }

    fn is_at_end(&self) -> bool {
        self.head.as_ref().is_none_or(|head| self.row >= head.len())
    }

    fn load(&mut self) -> Result<bool, VerifyError> {
        self.row = 0;
        self.head = None;
        for batch in self.theirs.by_ref() {
            let batch = batch?;
            if batch.num_rows() > 0 {
                self.head = Some(self.layout.keyed(batch)?);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn only_here(&mut self, ours: &Keyed, row: usize) -> Result<(), VerifyError> {
        let (parent, period) = ours.unit(row);
        let expected = match &self.against.whole {
            Whole::Everything => true,
            Whole::Parents(parents) => parent.is_some_and(|parent| parents.contains(&parent)),
            Whole::Periods(periods) => period.is_some_and(|period| periods.contains(&period)),
            Whole::Nothing => false,
        };
        if !expected {
            return Ok(());
        }
        if self.came_later(ours, row) {
            self.compared.newer += 1;
            return Ok(());
        }
        self.compared.missing_in_harvest += 1;
        let key = shown(&self.layout.key(&ours.batch, row)?);
        self.tell(Difference::MissingInHarvest { key });
        Ok(())
    }

    fn only_there(&mut self) -> Result<(), VerifyError> {
        let Some(head) = &self.head else { return Ok(()) };
        self.compared.records += 1;
        if self.is_newer(head, self.row)? {
            self.compared.newer += 1;
        } else {
            self.compared.missing_here += 1;
            let key = shown(&self.layout.key(&head.batch, self.row)?);
            self.tell(Difference::MissingHere { key });
        }
        self.row += 1;
        Ok(())
    }

    fn tell(&mut self, difference: Difference) {
        if self.compared.differences.len() < TOLD {
            self.compared.differences.push(difference);
        }
    }

    /// Whether the table's row was read after this reading began.
    fn came_later(&self, ours: &Keyed, row: usize) -> bool {
        let began = self.against.began.as_microsecond();
        ours.version(row).read_at.is_some_and(|at| at >= began)
    }

    /// Whether the record may be otherwise here: it changed since the last pass, or changes all the
    /// time without a word (a running timer).
    fn is_newer(&self, theirs: &Keyed, row: usize) -> Result<bool, ArrowError> {
        if self.exact {
            return Ok(false);
        }
        let since = self.against.cursor.map(Timestamp::as_microsecond);
        let changed = since.is_some_and(|since| theirs.version(row).updated_at() >= Some(since));
        Ok(changed || self.goes_on(theirs, row)?)
    }

    fn goes_on(&self, theirs: &Keyed, row: usize) -> Result<bool, ArrowError> {
        let Kind::Listing(listing) = &self.spec.kind else { return Ok(false) };
        let Some((name, "true")) = listing.reread else { return Ok(false) };
        let flags = column(&theirs.batch, self.layout.schema.index_of(name)?)?;
        Ok(flags.as_boolean_opt().is_some_and(|flags| flags.is_valid(row) && flags.value(row)))
    }

    /// Compares these rows of `ours` with those of the head, and forgets them.
    fn compare(
        &mut self,
        ours: &Keyed,
        pairs: &mut Vec<(usize, usize)>,
    ) -> Result<(), VerifyError> {
        if pairs.is_empty() {
            return Ok(());
        }
        let Some(head) = self.head.take() else { return Ok(()) };
        let left = taken(&ours.batch, pairs.iter().map(|pair| pair.0))?;
        let right = taken(&head.batch, pairs.iter().map(|pair| pair.1))?;
        let mut differs = vec![Vec::new(); pairs.len()];
        for &index in &self.columns {
            let equal = equal_rows(&left, &right, &[index])?;
            for (differs, equal) in differs.iter_mut().zip(equal) {
                if !equal {
                    differs.push(index);
                }
            }
        }
        for (at, (pair, columns)) in pairs.drain(..).zip(differs).enumerate() {
            if columns.is_empty() {
                self.compared.equal += 1;
            } else if self.is_newer(&head, pair.1)? || self.came_later(ours, pair.0) {
                self.compared.newer += 1;
            } else {
                self.compared.differing += 1;
                let key = shown(&self.layout.key(&left, at)?);
                for index in columns {
                    let column = self.layout.schema.field(index).name().clone();
                    let here = value(&left, index, at)?;
                    let harvest = value(&right, index, at)?;
                    self.tell(Difference::Differs { key: key.clone(), column, here, harvest });
                }
            }
        }
        self.head = Some(head);
        Ok(())
    }
}

fn taken(
    batch: &RecordBatch,
    rows: impl Iterator<Item = usize>,
) -> Result<RecordBatch, ArrowError> {
    let rows = rows.map(|row| u32::try_from(row).unwrap_or(u32::MAX));
    take_record_batch(batch, &UInt32Array::from_iter_values(rows))
}

/// A value as text; `None` where it is null.
fn value(batch: &RecordBatch, index: usize, row: usize) -> Result<Option<String>, ArrowError> {
    let column = column(batch, index)?.slice(row, 1);
    if column.is_null(0) {
        return Ok(None);
    }
    let column = cast(&column, &printable(column.data_type()))?;
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
    Ok(Some(formatter.value(0).to_string()))
}

/// The type with its zone as an offset, which needs no tables of zones to be printed.
fn printable(ty: &DataType) -> DataType {
    let printable_field = |field: &Arc<Field>| {
        Arc::new(field.as_ref().clone().with_data_type(printable(field.data_type())))
    };
    if let DataType::Timestamp(unit, Some(_)) = ty {
        return DataType::Timestamp(*unit, Some("+00:00".into()));
    }
    if let DataType::List(item) = ty {
        return DataType::List(printable_field(item));
    }
    if let DataType::Struct(members) = ty {
        return DataType::Struct(members.iter().map(printable_field).collect());
    }
    ty.clone()
}

#[cfg(test)]
mod tests;
