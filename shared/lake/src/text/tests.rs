use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _};
use arrow::csv::ReaderBuilder;
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Value, json};

use super::*;
use crate::export::tests::table_of;
use crate::partition::tests::block_on;
use crate::progress::NoFileProgress;

/// Texts that a format of text may lose.
const AWKWARD: [&str; 8] = [
    "plain",
    "",
    "a, b",
    "she said \"yes\"",
    "two\nlines\r\nand a half",
    "\u{1f33e} Möck & Söhne",
    "=1+1",
    " blanks ",
];

/// Table of invoices, one for each awkward text, the later ones changed later.
fn invoices() -> Table {
    let record = |(day, subject): (usize, &&str)| {
        let changed = format!("2024-01-{:02}T08:00:00Z", day + 1);
        json!({
            "id": 100 - day,
            "subject": subject,
            "amount": 1234.5,
            "issue_date": "2024-01-31",
            "created_at": "2024-01-01T08:00:00Z",
            "updated_at": changed,
            "line_items": [{ "id": 1, "description": subject, "quantity": 0.1, "taxed": true }],
        })
    };
    let records: Vec<Value> = AWKWARD.iter().enumerate().map(record).collect();
    block_on(table_of(&streams::INVOICES, 1_700_000_000, &records))
}

fn written(table: &Table, form: TextForm) -> (u64, String) {
    let mut text = Vec::new();
    let rows = block_on(write_rows(table, form, &NoFileProgress, |part| {
        text.extend_from_slice(part);
        Ok(())
    }));
    (rows.unwrap(), String::from_utf8(text).unwrap())
}

/// Cells of a text in CSV, as a reader of RFC 4180 finds them.
fn cells(text: &str, columns: usize) -> Vec<Vec<String>> {
    let field = |at: usize| Field::new(at.to_string(), DataType::Utf8, true);
    let schema = Arc::new(Schema::new((0..columns).map(field).collect::<Vec<_>>()));
    let reader = ReaderBuilder::new(schema).build(text.as_bytes()).unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cell = |column: &ArrayRef| column.as_string::<i32>().value(row).to_owned();
            rows.push(batch.columns().iter().map(cell).collect());
        }
    }
    rows
}

#[test]
fn csv_keeps_awkward_texts_decimals_instants_and_lists() {
    let table = invoices();
    let (count, text) = written(&table, TextForm::Csv);
    let columns = &table.schema().columns;
    let rows = cells(&text, columns.len());
    assert_eq!((count, rows.len()), (8, 9));
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(rows[0], names);
    let at = |name: &str| table.schema().index_of(name).unwrap();
    for (row, subject) in rows[1..].iter().rev().zip(AWKWARD) {
        assert_eq!(row[at("subject")], subject);
        assert_eq!(row[at("amount")], "1234.5000");
        assert_eq!(row[at("issue_date")], "2024-01-31");
        assert_eq!(row[at("created_at")], "2024-01-01T08:00:00Z");
        assert_eq!(row[at("due_amount")], "");
        let lines: Value = serde_json::from_str(&row[at("line_items")]).unwrap();
        assert_eq!(lines[0]["description"], subject);
        assert!(row[at("line_items")].contains("\"quantity\":0.100000"), "{row:?}");
    }
}

#[test]
fn json_lines_have_every_column_and_all_digits() {
    let table = invoices();
    let (count, text) = written(&table, TextForm::JsonLines);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((count, lines.len()), (8, 8));
    for (line, subject) in lines.iter().rev().zip(AWKWARD) {
        let record: Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["subject"], subject);
        assert_eq!(record["created_at"], "2024-01-01T08:00:00Z");
        assert_eq!(record["due_amount"], Value::Null);
        assert_eq!(record["line_items"][0]["taxed"], true);
        assert_eq!(record.as_object().unwrap().len(), table.schema().columns.len());
        assert!(line.contains("\"amount\":1234.5000,"), "{line}");
    }
}

#[test]
fn a_table_without_rows_is_its_names_in_csv_and_nothing_in_json() {
    let table = block_on(table_of(&streams::CLIENTS, 1_700_000_000, &[]));
    let (count, text) = written(&table, TextForm::Csv);
    assert_eq!((count, text.lines().count()), (0, 1));
    assert!(text.starts_with("id,name,"), "{text}");
    assert_eq!(written(&table, TextForm::JsonLines), (0, String::new()));
}

#[test]
fn a_failed_write_ends_the_reading() {
    let failed = block_on(write_rows(&invoices(), TextForm::Csv, &NoFileProgress, |_| {
        Err(io::ErrorKind::StorageFull.into())
    }));
    assert!(matches!(failed, Err(TextError::Write(_))), "{failed:?}");
}

#[test]
fn the_newest_rows_are_those_that_changed_last() {
    let table = invoices();
    let newest = |most, id| block_on(newest(&table, RowChoice { most, id })).unwrap();
    let three = newest(3, None);
    let subjects: Vec<_> = (0..3).map(|row| three.text(row, "subject").unwrap()).collect();
    let last: Vec<&str> = AWKWARD.into_iter().rev().take(3).collect();
    assert_eq!((three.rows.len(), subjects), (3, last));
    assert_eq!(three.text(0, "amount"), Some("1234.5000"));
    assert_eq!((three.text(0, "due_amount"), three.text(3, "id")), (None, None));
    let one = newest(9, Some(98));
    assert_eq!((one.rows.len(), one.text(0, "subject")), (1, Some("a, b")));
    assert_eq!(newest(0, None).rows.len(), 0);
}
