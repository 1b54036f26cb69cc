use engine::pass::Unit;
use serde_json::{Value, json};

use super::matching::value;
use super::*;
use crate::progress::NoFileProgress;
use crate::verify::tests::{ACCOUNT, NOW, table, with_entries};

/// Time of the fake reading.
const LATER: Timestamp = Timestamp::constant(2_000_000_000, 0);
const EVERYTHING: Coverage = Coverage::Whole { begun: LATER };

/// Reading of these entries, some of them changed by `change`.
fn read(table: &Table, ids: &[(&str, i64)], change: impl Fn(i64, &mut Value)) -> CollectedRows {
    let mut collector = Collector::new(table.schema(), None, 1000).unwrap();
    for (month, id) in ids {
        collector.push(with_entries(month, [*id], LATER, &change)).unwrap();
    }
    collector.finish().unwrap()
}

/// All entries of the table made by `tests::table`.
fn all() -> Vec<(&'static str, i64)> {
    let january = (0..30).filter(|id| *id < 22 || id % 5 == 0).map(|id| ("2024-01", id));
    let february = (22..40).filter(|id| id % 5 != 0).map(|id| ("2024-02", id));
    january.chain(february).chain((40..60).map(|id| ("2024-03", id))).collect()
}

fn against(coverage: Coverage) -> ComparisonRules {
    ComparisonRules {
        coverage,
        cursor: Some("2025-01-01T00:00:00Z".parse().unwrap()),
        began: LATER,
        present: Present::ours(LATER),
        start_date: None,
    }
}

#[tokio::test]
async fn what_is_the_same_is_equal() {
    let (_, table) = table().await;
    let everything = read(&table, &all(), |_, _| ());
    let compared =
        compare(&table, &everything, &against(EVERYTHING), &NoFileProgress).await.unwrap();
    let rows = table.rows();
    assert_eq!(
        compared,
        TableComparison { records: rows, equal: rows, ..TableComparison::default() }
    );
    let few = read(&table, &[("2024-03", 44), ("2024-01", 3)], |_, _| ());
    let compared =
        compare(&table, &few, &against(Coverage::Nothing), &NoFileProgress).await.unwrap();
    assert_eq!(compared, TableComparison { records: 2, equal: 2, ..TableComparison::default() });
}

#[tokio::test]
async fn every_difference_is_told_with_both_values() {
    let (_, table) = table().await;
    let mut ids = all();
    ids.retain(|(_, id)| *id != 7 && *id != 59);
    ids.extend([("2024-01", 29), ("2023-12", 100), ("2024-04", 101)]);
    let read = read(&table, &ids, |id, record| {
        if id == 13 {
            record["hours"] = json!(7.75);
            record["notes"] = Value::Null;
        }
        if id == 14 {
            record["brand_new"] = json!("x");
        }
    });
    let compared = compare(&table, &read, &against(EVERYTHING), &NoFileProgress).await.unwrap();
    let key = |key: &str| key.to_owned();
    let differs = |id: &str, column: &str, here: Option<&str>, harvest: Option<&str>| {
        RowDifference::Differs {
            key: key(id),
            column: key(column),
            here: here.map(key),
            harvest: harvest.map(key),
        }
    };
    assert_eq!(
        compared.differences,
        [
            RowDifference::MissingHere { key: key("100") },
            RowDifference::MissingInHarvest { key: key("7") },
            differs("13", "hours", Some("4.250000"), Some("7.750000")),
            differs("13", "notes", Some("note 13"), None),
            differs("14", "extra_json", None, Some(r#"{"brand_new":"x"}"#)),
            RowDifference::MissingHere { key: key("29") },
            RowDifference::MissingInHarvest { key: key("59") },
            RowDifference::MissingHere { key: key("101") },
        ]
    );
    assert_eq!((compared.missing_here, compared.missing_in_harvest, compared.differing), (3, 2, 2));
    assert_eq!((compared.records, compared.equal), (table.rows() + 1, table.rows() - 4));
    // A sample proves nothing about other rows.
    let compared =
        compare(&table, &read, &against(Coverage::Nothing), &NoFileProgress).await.unwrap();
    assert_eq!((compared.missing_here, compared.missing_in_harvest), (3, 0));
}

#[tokio::test]
async fn what_changed_since_the_last_pass_is_no_difference() {
    let (_, table) = table().await;
    let mut ids = all();
    ids.push(("2024-03", 100));
    let read = read(&table, &ids, |id, record| match id {
        13 => {
            record["hours"] = json!(1);
            record["updated_at"] = json!("2025-01-01T00:00:00Z");
        }
        // Running timers change without a new `updated_at`.
        14 => {
            record["hours"] = json!(1);
            record["is_running"] = json!(true);
        }
        100 => record["updated_at"] = json!("2025-01-02T00:00:00Z"),
        // The change is too old to excuse the difference.
        15 => record["updated_at"] = json!("2024-12-31T23:59:59Z"),
        _ => (),
    });
    let compared = compare(&table, &read, &against(EVERYTHING), &NoFileProgress).await.unwrap();
    assert_eq!((compared.newer, compared.wrong()), (3, 1), "{compared:?}");
    let after = RowDifference::Differs {
        key: "15".to_owned(),
        column: "updated_at".to_owned(),
        here: Some("2024-01-08T08:00:00Z".to_owned()),
        harvest: Some("2024-12-31T23:59:59Z".to_owned()),
    };
    assert_eq!(compared.differences, [after]);
    // Rows of the table that were read after the reading began count as newer.
    let late = ComparisonRules { began: NOW, ..against(EVERYTHING) };
    let compared = compare(&table, &read, &late, &NoFileProgress).await.unwrap();
    assert_eq!((compared.newer, compared.wrong()), (4, 0), "{compared:?}");
    assert_eq!(table.account(), ACCOUNT);
}

#[test]
fn instants_in_lists_can_be_shown() {
    let at = decode::ReadAt {
        account: ACCOUNT,
        synced_at: NOW,
        unit: Unit::Parent(engine::pass::Parent { id: 5, created_year: None }),
    };
    let decoder = decode::Decoder::new(&streams::USER_PROJECT_ASSIGNMENTS);
    let body = json!({ "project_assignments": [
        { "id": 1, "task_assignments": [{ "id": 2, "created_at": "2024-01-02T03:04:05Z" }] },
    ] });
    let rows = decoder.page(&body.to_string(), &at).unwrap().rows;
    let index = rows.schema().index_of("task_assignments").unwrap();
    let shown = value(&rows, index, 0).unwrap().unwrap();
    assert!(shown.contains("created_at: 2024-01-02T03:04:05Z"), "{shown}");
}
