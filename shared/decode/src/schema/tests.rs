use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use serde_json::{Value, json};
use streams::STREAMS;

use super::*;

fn invoices() -> TableSchema {
    TableSchema::of(&streams::INVOICES)
}

#[test]
fn parquet_files_give_every_schema_back() {
    for spec in STREAMS {
        let schema = TableSchema::of(spec).file_schema();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, Arc::clone(&schema), None).unwrap();
        writer.write(&RecordBatch::new_empty(Arc::clone(&schema))).unwrap();
        writer.close().unwrap();
        // Once with the Arrow schema that the writer embeds, once from the Parquet types alone.
        for ignore in [false, true] {
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(ignore);
            let file = Bytes::from(file.clone());
            let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options);
            assert_eq!(reader.unwrap().schema().fields(), schema.fields(), "{}", spec.name);
        }
    }
}

#[test]
fn keys_and_fixed_columns_of_every_stream_are_found() {
    for spec in STREAMS {
        let schema = TableSchema::of(spec);
        let names = |indices: Vec<usize>| -> Vec<String> {
            indices.into_iter().map(|index| schema.columns[index].name.clone()).collect()
        };
        assert_eq!(names(schema.key_indices()), spec.primary_key, "{}", spec.name);
        assert_eq!(schema.index_of("synced_at"), schema.synced_at_index());
        assert_eq!(schema.updated_at_index(), schema.index_of("updated_at"), "{}", spec.name);
        assert_eq!(
            schema.file_schema().fields().len() + schema.partition_columns().len(),
            schema.columns.len()
        );
        let content: BTreeSet<String> = names(schema.content_indices()).into_iter().collect();
        for column in schema.columns.iter() {
            let counts = !column.volatile
                && column.name != "synced_at"
                && Some(column.name.as_str()) != spec.partition.column();
            assert_eq!(content.contains(&column.name), counts, "{}.{}", spec.name, column.name);
        }
    }
}

#[test]
fn the_arrow_schema_has_the_types_of_the_design() {
    let schema = invoices();
    let field = |name: &str| schema.arrow.field_with_name(name).unwrap();
    assert!(!field("id").is_nullable() && field("number").is_nullable());
    assert_eq!(field("amount").data_type(), &DataType::Decimal128(18, 4));
    assert_eq!(field("tax").data_type(), &DataType::Decimal128(18, 6));
    assert_eq!(field("issue_date").data_type(), &DataType::Date32);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(field("created_at").data_type(), &instant);
    assert_eq!(field("created_year").data_type(), &DataType::Int64);
    let DataType::List(items) = field("line_items").data_type() else { panic!("no list") };
    assert_eq!(items.name(), "element");
}

#[test]
fn the_log_holds_types_and_comments() {
    let schema: Value = serde_json::from_str(&invoices().delta_schema_json()).unwrap();
    let fields = schema["fields"].as_array().unwrap();
    let field = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap();
    assert_eq!(schema["type"], "struct");
    assert_eq!(
        field("id"),
        &json!({ "name": "id", "type": "long", "nullable": false, "metadata": {} })
    );
    let comment = field("state")["metadata"]["comment"].as_str().unwrap();
    assert!(comment.contains("draft"));
    assert_eq!(field("amount")["type"], "decimal(18,4)");
    assert_eq!(field("created_at")["type"], "timestamp");
    let list = &field("line_items")["type"];
    assert_eq!((&list["type"], &list["containsNull"]), (&json!("array"), &json!(true)));
    assert_eq!(list["elementType"]["fields"][0]["name"], "id");
    assert_eq!(fields.last().unwrap()["name"], "created_year");
}

/// Schema of `invoices` after `change` in a table's log.
fn changed(change: impl Fn(&mut Vec<Value>)) -> String {
    let mut schema: Value = serde_json::from_str(&invoices().delta_schema_json()).unwrap();
    change(schema["fields"].as_array_mut().unwrap());
    schema.to_string()
}

fn line_items(fields: &mut [Value]) -> &mut Vec<Value> {
    let list = fields.iter_mut().find(|field| field["name"] == "line_items").unwrap();
    list["type"]["elementType"]["fields"].as_array_mut().unwrap()
}

fn check(change: impl Fn(&mut Vec<Value>), expected: &SchemaComparison) {
    assert_eq!(&invoices().compare(&changed(change)).unwrap(), expected);
}

#[test]
fn every_stream_equals_itself() {
    for spec in STREAMS {
        let schema = TableSchema::of(spec);
        let log = schema.delta_schema_json();
        assert_eq!(schema.compare(&log).unwrap(), SchemaComparison::Equal);
        assert_eq!(schema.extended_schema_json(&log).unwrap(), log, "{}", spec.name);
    }
}

#[test]
fn comments_and_order_are_no_difference() {
    check(|fields| fields.reverse(), &SchemaComparison::Equal);
    check(|fields| fields[0]["metadata"] = json!({ "comment": "old" }), &SchemaComparison::Equal);
}

#[test]
fn what_the_table_lacks_is_named() {
    let lacks =
        |names: &[&str]| SchemaComparison::Lacks(names.iter().map(|&name| name.into()).collect());
    check(|fields| fields.retain(|field| field["name"] != "subject"), &lacks(&["subject"]));
    check(|fields| drop(line_items(fields).remove(0)), &lacks(&["line_items.id"]));
}

#[test]
fn what_only_the_table_has_is_named() {
    let added = json!({ "name": "fresh", "type": "long", "nullable": true, "metadata": {} });
    let unknown = |name: &str| SchemaComparison::Unknown(vec![name.to_owned()]);
    check(|fields| fields.push(added.clone()), &unknown("fresh"));
    check(|fields| line_items(fields).push(added.clone()), &unknown("line_items.fresh"));
    // A newer version wrote the table, so it must not be extended even though it lacks a column.
    check(
        |fields| {
            fields.push(added.clone());
            fields.remove(3);
        },
        &unknown("fresh"),
    );
}

#[test]
fn another_type_is_named() {
    let differs = |name: &str| SchemaComparison::Differs(vec![name.to_owned()]);
    let amount = |fields: &mut Vec<Value>| {
        let found = fields.iter_mut().find(|field| field["name"] == "amount");
        found.unwrap()["type"] = json!("decimal(18,6)");
    };
    check(amount, &differs("amount"));
    check(|fields| line_items(fields)[0]["type"] = json!("string"), &differs("line_items.id"));
    check(|fields| fields[1]["nullable"] = json!(false), &differs("client_id"));
    let no_nulls = |fields: &mut Vec<Value>| {
        let found = fields.iter_mut().find(|field| field["name"] == "line_items");
        found.unwrap()["type"]["containsNull"] = json!(false);
    };
    check(no_nulls, &differs("line_items"));
    assert!(invoices().compare("{}").is_err() && invoices().compare("<").is_err());
}

#[test]
fn new_columns_and_members_go_to_the_end() {
    let old = changed(|fields| {
        fields.retain(|field| field["name"] != "subject");
        line_items(fields).remove(0);
    });
    let extended = invoices().extended_schema_json(&old).unwrap();
    assert_eq!(invoices().compare(&extended).unwrap(), SchemaComparison::Equal);
    let mut extended: Value = serde_json::from_str(&extended).unwrap();
    let fields = extended["fields"].as_array_mut().unwrap();
    assert_eq!(fields.last().unwrap()["name"], "subject");
    assert_eq!(line_items(fields).last().unwrap()["name"], "id");
}
