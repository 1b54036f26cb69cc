//! Compares the tables with what the account holds now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::row::{RowConverter, Rows, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use engine::spec::{Kind, StreamSpec};
use engine::time::{Date, Timestamp};
use engine::window::{Grid, Period};
use lake::decode::{Decoder, Parent, ReadAt};
use lake::schema::TableSchema;
use lake::store::ObjectStore;
use lake::table::Table;
use serde_json::value::RawValue;
use sim::Request;

use crate::world::World;

/// Rows by key: each column that is content, as bytes that are equal when the values are.
pub type Contents = BTreeMap<String, Vec<Vec<u8>>>;

/// What may differ from the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// Listings may still hold records that are deleted in Harvest: their sweeps upsert only.
    DeletedListingRecords,
}

/// The rows of `spec`'s table, and that no key is there twice.
pub async fn table_rows(store: Arc<dyn ObjectStore>, spec: &'static StreamSpec, world: &World) -> Contents {
    let account = world.settings.account;
    let table = Table::open(Arc::clone(&store), spec, account).await.expect("a readable table");
    let table = table.expect("the table exists");
    let mut rows = Contents::new();
    for file in table.files() {
        let key = format!("{}/{}", table.root(), file.path);
        let bytes = store.get(&key).await.expect("a store").unwrap_or_else(|| panic!("{key} is gone"));
        let mut last = None;
        for batch in lake::partition::read(table.schema(), file, bytes).expect("a partition file") {
            let batch = batch.expect("rows");
            for (name, row) in content(table.schema(), &batch) {
                assert!(rows.insert(name.clone(), row).is_none(), "{}: {name} is there twice", spec.name);
                last = Some(name);
            }
        }
        assert!(last.is_some(), "{}: {} is empty", spec.name, file.path);
    }
    rows
}

fn content(schema: &TableSchema, batch: &RecordBatch) -> Vec<(String, Vec<Vec<u8>>)> {
    let options = FormatOptions::default();
    let keys: Vec<ArrayFormatter<'_>> = schema
        .key_indices()
        .iter()
        .map(|&i| ArrayFormatter::try_new(batch.column(i), &options).expect("printable"))
        .collect();
    let columns: Vec<Rows> = schema.content_indices().iter().map(|&i| bytes(batch.column(i))).collect();
    (0..batch.num_rows())
        .map(|row| {
            let key: Vec<String> = keys.iter().map(|key| key.value(row).to_string()).collect();
            (key.join("|"), columns.iter().map(|column| column.row(row).as_ref().to_vec()).collect())
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

fn ask(world: &World, target: &str) -> String {
    let request = Request::new("GET", "http://sim", target);
    let now = runtime::clock::Clock::now(&world.clock);
    let response = world.account.lock().expect("no panic").handle(now, &request);
    assert_eq!(response.status, 200, "{target}");
    String::from_utf8(response.body.to_vec()).expect("text")
}

/// The rows that `spec`'s table should have.
pub fn true_rows(world: &World, spec: &'static StreamSpec, windows: &BTreeSet<Period>) -> Contents {
    let mut rows = Contents::new();
    let decoder = Decoder::new(spec);
    let mut add = |body: &str, parent, period| {
        let truth: Truth<'_> = serde_json::from_str(body).expect("the truth");
        for one in truth.records {
            let at = ReadAt {
                account: world.settings.account,
                synced_at: Timestamp::UNIX_EPOCH,
                parent: one.parent.or(parent).map(|id| Parent {
                    id,
                    created_year: one.parent_created_at.map(|at| i64::from(engine::time::utc_day(at).year())),
                }),
                period,
            };
            let record = one.record.get();
            let page = spec.records_key.map_or_else(
                || record.to_owned(),
                |key| format!("{{\"{key}\":[{record}]}}"),
            );
            let page = decoder.page(&page, &at).expect("a decodable truth");
            rows.extend(content(decoder.schema(), &page.rows));
        }
    };
    match &spec.kind {
        Kind::ReportWindow(_) => {
            for window in windows {
                let target = format!("/_sim/truth/{}?from={}&to={}", spec.name, window.start, window.end);
                add(&ask(world, &target), None, Some(*window));
            }
        }
        Kind::Listing(_) | Kind::Snapshot(_) | Kind::PerParent(_) => {
            add(&ask(world, &format!("/_sim/truth/{}", spec.name)), None, None);
        }
    }
    rows
}

/// All months that reports can be about.
pub fn months(world: &World) -> BTreeSet<Period> {
    #[derive(serde::Deserialize)]
    struct Days {
        first_day: Option<Date>,
        last_day: Option<Date>,
        first_issue_day: Option<Date>,
        last_issue_day: Option<Date>,
    }
    let days: Days = serde_json::from_str(&ask(world, "/_sim/extent")).expect("days");
    let all = [days.first_day, days.last_day, days.first_issue_day, days.last_issue_day];
    let all: Vec<Date> = all.into_iter().flatten().collect();
    match (all.iter().min(), all.iter().max()) {
        (Some(first), Some(last)) => Grid::Month.windows(*first, *last).into_iter().collect(),
        _ => BTreeSet::new(),
    }
}

/// What is wrong with the tables, table by table.
pub async fn differences(world: &World, leniency: Leniency) -> Vec<String> {
    let Leniency::DeletedListingRecords = leniency;
    let windows = months(world);
    let mut wrong = Vec::new();
    for spec in streams::STREAMS {
        let store: Arc<dyn ObjectStore> = Arc::<lake::store::MemoryStore>::clone(&world.store);
        let rows = table_rows(store, spec, world).await;
        let truth = true_rows(world, spec, &windows);
        let listing = matches!(spec.kind, Kind::Listing(_));
        for (key, row) in &truth {
            match rows.get(key) {
                None => wrong.push(format!("{}: {key} is missing", spec.name)),
                Some(ours) if ours != row => {
                    let schema = TableSchema::of(spec);
                    let names: Vec<&str> = schema
                        .content_indices()
                        .iter()
                        .zip(ours.iter().zip(row))
                        .filter(|(_, (ours, truth))| ours != truth)
                        .map(|(&i, _)| schema.columns[i].name.as_str())
                        .collect();
                    wrong.push(format!("{}: {key} differs in {names:?}", spec.name));
                }
                Some(_) => {}
            }
        }
        for key in rows.keys().filter(|key| !truth.contains_key(*key) && !listing) {
            wrong.push(format!("{}: {key} is no longer in Harvest", spec.name));
        }
    }
    wrong
}
