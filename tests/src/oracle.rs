//! Comparison of the tables with the current records of the account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::row::{RowConverter, Rows, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use decode::schema::TableSchema;
use decode::{Decoder, ReadAt};
use delta::store::ObjectStore;
use delta::table::Table;
use engine::ids::AccountId;
use engine::pass::{Parent, Unit};
use engine::schema::ColumnSource;
use engine::spec::{StreamKind, StreamSpec};
use engine::time::{Date, Timestamp};
use engine::window::{Period, WindowGrid};
use serde_json::value::RawValue;
use sim::{Account, ServerRequest};

/// Rows by key. Each column with content is given as bytes that are equal if the values are.
pub type Contents = BTreeMap<String, Vec<Vec<u8>>>;

/// Passes that ran last, on which the allowed differences from the account depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Full passes: the tables have the rows of all records that Harvest returns, and no others.
    FullPasses,
    /// Incremental passes: the tables of listings have every record with its own fields; changes
    /// without a new `updated_at` follow with the next full pass.
    IncrementalPasses,
}

/// An account, and the lake that should be its copy.
#[derive(Debug)]
pub struct Oracle<'a> {
    /// The account.
    pub account: &'a Mutex<Account>,
    /// Id of the account.
    pub id: AccountId,
    /// Time as of which the account is read.
    pub now: Timestamp,
    /// The lake.
    pub store: Arc<dyn ObjectStore>,
}

impl Oracle<'_> {
    /// Returns the rows of `spec`'s table. Panics if a key occurs twice or a file cannot be read.
    pub async fn table_rows(&self, spec: &'static StreamSpec) -> Contents {
        let table = Table::open(Arc::clone(&self.store), spec, self.id).await;
        let table = table.expect("a readable table").expect("the table exists");
        let mut rows = Contents::new();
        for file in table.files() {
            let key = format!("{}/{}", table.root(), file.path);
            let bytes = self.store.get(&key).await.expect("a store");
            let bytes = bytes.unwrap_or_else(|| panic!("{key} is gone"));
            let before = rows.len();
            for batch in lake::partition::read(table.schema(), file, bytes).expect("a file") {
                for (key, row) in content(table.schema(), &batch.expect("rows")) {
                    let twice = rows.insert(key.clone(), row).is_some();
                    assert!(!twice, "{}: {key} is there twice", spec.name);
                }
            }
            assert!(rows.len() > before, "{}: {} is empty", spec.name, file.path);
        }
        rows
    }

    fn ask(&self, target: &str) -> String {
        let request = ServerRequest::new("GET", "http://sim", target);
        let response = self.account.lock().expect("no panic").handle(self.now, &request);
        assert_eq!(response.status, 200, "{target}");
        String::from_utf8(response.body.to_vec()).expect("text")
    }

    /// Returns the rows that `spec`'s table should have.
    #[must_use]
    pub fn true_rows(&self, spec: &'static StreamSpec, windows: &BTreeSet<Period>) -> Contents {
        let mut rows = Contents::new();
        let mut add = |body: &str, period| {
            let truth: Truth<'_> = serde_json::from_str(body).expect("the truth");
            for one in &truth.records {
                rows.extend(self.decoded(spec, one, period));
            }
        };
        if let StreamKind::ReportWindow(_) = &spec.kind {
            for window in windows {
                let (from, to) = (window.start, window.end);
                let target = format!("/_sim/truth/{}?from={from}&to={to}", spec.name);
                add(&self.ask(&target), Some(*window));
            }
        } else {
            add(&self.ask(&format!("/_sim/truth/{}", spec.name)), None);
        }
        rows
    }

    fn decoded(
        &self,
        spec: &'static StreamSpec,
        one: &TrueRecord<'_>,
        period: Option<Period>,
    ) -> Vec<(String, Vec<Vec<u8>>)> {
        let year = |at: Timestamp| i64::from(engine::time::utc_day(at).year());
        let created_year = one.parent_created_at.map(year);
        let at = ReadAt {
            account: self.id,
            synced_at: Timestamp::UNIX_EPOCH,
            unit: match (one.parent, period) {
                (Some(id), _) => Unit::Parent(Parent { id, created_year }),
                (None, Some(period)) => Unit::Window(period),
                (None, None) => Unit::Stream,
            },
        };
        let record = one.record.get();
        let page = match spec.records_key {
            None => record.to_owned(),
            Some(key) => format!("{{\"{key}\":[{record}]}}"),
        };
        let decoder = Decoder::new(spec);
        let page = decoder.page(&page, &at).expect("a decodable truth");
        content(decoder.schema(), &page.rows)
    }

    /// Returns the `updated_at` of every record of a stream, by id.
    #[must_use]
    pub fn true_versions(&self, spec: &'static StreamSpec) -> BTreeMap<i64, Timestamp> {
        #[derive(serde::Deserialize)]
        struct Version {
            id: i64,
            updated_at: Timestamp,
        }
        let body = self.ask(&format!("/_sim/truth/{}", spec.name));
        let truth: Truth<'_> = serde_json::from_str(&body).expect("the truth");
        let version = |one: &TrueRecord<'_>| -> Version {
            serde_json::from_str(one.record.get()).expect("a record with an id")
        };
        truth.records.iter().map(version).map(|one| (one.id, one.updated_at)).collect()
    }

    /// Returns all months that have entries, expenses or invoices, which reports can be about.
    #[must_use]
    pub fn months(&self) -> BTreeSet<Period> {
        #[derive(serde::Deserialize)]
        struct Months {
            months: Vec<Date>,
        }
        let months: Months = serde_json::from_str(&self.ask("/_sim/months")).expect("months");
        months.months.iter().flat_map(|first| WindowGrid::Month.windows(*first, *first)).collect()
    }

    /// Returns the keys of the rows that `spec`'s table should have for `parent`.
    #[must_use]
    pub fn true_children(&self, spec: &'static StreamSpec, parent: i64) -> BTreeSet<String> {
        let body = self.ask(&format!("/_sim/truth/{}", spec.name));
        let truth: Truth<'_> = serde_json::from_str(&body).expect("the truth");
        let mut keys = BTreeSet::new();
        for one in truth.records.iter().filter(|one| one.parent == Some(parent)) {
            keys.extend(self.decoded(spec, one, None).into_iter().map(|(key, _)| key));
        }
        keys
    }

    /// Returns the differences between the tables and the account.
    pub async fn differences(&self, after: After) -> Vec<String> {
        let mut wrong = Vec::new();
        for spec in streams::STREAMS {
            wrong.extend(self.differences_of(spec.name, after).await);
        }
        wrong
    }

    /// Returns the differences between the table of `stream` and the account.
    pub async fn differences_of(&self, stream: &str, after: After) -> Vec<String> {
        let spec = streams::find(stream).expect("a stream");
        let listing = matches!(spec.kind, StreamKind::Listing(_));
        let rows = self.table_rows(spec).await;
        let mut wrong = self.wrong_changes(spec).await;
        if after == After::IncrementalPasses && !listing {
            return wrong;
        }
        let schema = TableSchema::of(spec);
        let truth = self.true_rows(spec, &self.months());
        for (key, row) in &truth {
            match rows.get(key) {
                None => wrong.push(format!("{}: {key} is missing", spec.name)),
                Some(ours) => {
                    let names = differing(&schema, ours, row, after);
                    if !names.is_empty() {
                        wrong.push(format!("{}: {key} differs in {names:?}", spec.name));
                    }
                }
            }
        }
        // In listings only a sweep finds deletions.
        let deletions = after == After::FullPasses || !listing;
        for key in rows.keys().filter(|key| deletions && !truth.contains_key(*key)) {
            wrong.push(format!("{}: {key} is no longer in Harvest", spec.name));
        }
        wrong
    }
}

/// Returns the columns in which two rows differ, but must not.
fn differing(
    schema: &TableSchema,
    ours: &[Vec<u8>],
    truth: &[Vec<u8>],
    after: After,
) -> Vec<String> {
    let columns = schema.content_indices();
    let columns = columns.iter().map(|&index| &schema.columns[index]);
    columns
        .zip(ours.iter().zip(truth))
        .filter(|(_, (ours, truth))| ours != truth)
        .map(|(column, _)| column)
        .filter(|column| match (&column.source, after) {
            (ColumnSource::Record(path), After::IncrementalPasses) => path.len() == 1,
            (_, After::IncrementalPasses | After::FullPasses) => true,
        })
        .map(|column| column.name.clone())
        .collect()
}

pub(crate) fn content(schema: &TableSchema, batch: &RecordBatch) -> Vec<(String, Vec<Vec<u8>>)> {
    let options = FormatOptions::default();
    let keys: Vec<ArrayFormatter<'_>> = schema
        .key_indices()
        .iter()
        .map(|&i| ArrayFormatter::try_new(batch.column(i), &options).expect("printable"))
        .collect();
    let columns: Vec<Rows> =
        schema.content_indices().iter().map(|&i| bytes(batch.column(i))).collect();
    (0..batch.num_rows())
        .map(|row| {
            let key: Vec<String> = keys.iter().map(|key| key.value(row).to_string()).collect();
            (
                key.join("|"),
                columns.iter().map(|column| column.row(row).as_ref().to_vec()).collect(),
            )
        })
        .collect()
}

fn bytes(column: &ArrayRef) -> Rows {
    let field = SortField::new(column.data_type().clone());
    let converter = RowConverter::new(vec![field]).expect("comparable");
    converter.convert_columns(std::slice::from_ref(column)).expect("comparable")
}

#[derive(serde::Deserialize)]
struct Truth<'a> {
    #[serde(borrow)]
    records: Vec<TrueRecord<'a>>,
}

#[derive(serde::Deserialize)]
struct TrueRecord<'a> {
    #[serde(borrow)]
    record: &'a RawValue,
    parent: Option<i64>,
    parent_created_at: Option<Timestamp>,
}
