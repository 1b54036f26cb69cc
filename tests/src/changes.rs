//! Comparison of a table of changes with the table that it belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use decode::schema::TableSchema;
use delta::table::Table;
use delta::table::{ChangesLag, lag};
use engine::spec::StreamSpec;

use crate::oracle::{Contents, Oracle, content};

/// One change, as a reader of the table of changes sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Sequence of the commit.
    pub sequence: i64,
    /// Key of the row.
    pub key: String,
    /// Kind of change: `I`, `U` or `D`.
    pub op: String,
    /// Time of the change, in microseconds.
    pub changed_at: i64,
    /// Values of the row.
    pub row: Vec<Vec<u8>>,
}

/// Content of a table of changes, in the order of sequence and key.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The changes.
    pub all: Vec<Change>,
    /// Lag of the table of changes behind the stream's table.
    pub lag: ChangesLag,
    /// Sequence that the table of changes records.
    pub recorded: u64,
}

impl Changes {
    /// Returns the rows that result from the changes up to `sequence`.
    #[must_use]
    pub fn replay(&self, sequence: i64) -> Contents {
        let mut rows = Contents::new();
        for change in self.all.iter().filter(|change| change.sequence <= sequence) {
            let before = if change.op == "D" {
                rows.remove(&change.key)
            } else {
                rows.insert(change.key.clone(), change.row.clone())
            };
            let new = change.op == "I";
            assert_eq!(before.is_none(), new, "{} of {}", change.op, change.key);
        }
        rows
    }

    /// Number of changes of each commit.
    #[must_use]
    pub fn per_commit(&self) -> BTreeMap<i64, u64> {
        let mut counts = BTreeMap::new();
        for change in &self.all {
            *counts.entry(change.sequence).or_default() += 1;
        }
        counts
    }
}

impl Oracle<'_> {
    /// Reads the changes of `spec`; `None` if there is no table of changes.
    pub async fn changes(&self, spec: &'static StreamSpec) -> Option<Changes> {
        let table = Table::open(Arc::clone(&self.store), spec, self.id).await;
        let table = table.expect("a readable table").expect("the table exists");
        let changes = Table::open_changes(Arc::clone(&self.store), spec, self.id).await;
        let changes = changes.expect("a readable table of changes")?;
        let mut all = Vec::new();
        for file in changes.files() {
            let key = format!("{}/{}", changes.root(), file.path);
            let bytes = self.store.get(&key).await.expect("a store");
            let bytes = bytes.unwrap_or_else(|| panic!("{key} is gone"));
            for batch in lake::partition::read(changes.schema(), file, bytes).expect("a file") {
                all.extend(of_batch(table.schema(), &batch.expect("rows")));
            }
        }
        all.sort();
        let recorded = changes.recorded_sequence().0;
        Some(Changes { all, lag: lag(&table, &changes), recorded })
    }

    /// Errors in the table of changes of `spec`; none while a commit of the stream's table still
    /// waits for its changes.
    pub async fn wrong_changes(&self, spec: &'static StreamSpec) -> Vec<String> {
        let Some(changes) = self.changes(spec).await else {
            return Vec::new();
        };
        match changes.lag {
            ChangesLag::Append(_) => return Vec::new(),
            ChangesLag::Baseline => return vec![format!("{}: changes are missing", spec.name)],
            ChangesLag::None => {}
        }
        let (rows, replayed) = (self.table_rows(spec).await, changes.replay(i64::MAX));
        let keys = rows.keys().chain(replayed.keys());
        let differ = keys.filter(|key| rows.get(*key) != replayed.get(*key));
        differ.map(|key| format!("{}: the changes do not give {key}", spec.name)).collect()
    }
}

/// Returns the changes in some rows of a table of changes; `schema` is that of the stream's table.
fn of_batch(schema: &TableSchema, rows: &RecordBatch) -> Vec<Change> {
    let text = |name: &str| rows.column_by_name(name).expect("a column").as_string::<i32>();
    let ops = text("op");
    let sequences = rows.column_by_name("sequence").expect("a column").as_primitive::<Int64Type>();
    let at = rows.column_by_name("changed_at").expect("a column");
    let at = at.as_primitive::<TimestampMicrosecondType>();
    let columns = schema.arrow.fields().iter();
    let columns = columns.map(|field| rows.column_by_name(field.name()).expect("a column").clone());
    let own = RecordBatch::try_new(schema.arrow.clone(), columns.collect()).expect("rows");
    let contents = content(schema, &own).into_iter().enumerate();
    contents
        .map(|(index, (key, row))| Change {
            sequence: sequences.value(index),
            key,
            op: ops.value(index).to_owned(),
            changed_at: at.value(index),
            row,
        })
        .collect()
}
