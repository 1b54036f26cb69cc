//! Tables and views as Glue describes them.

use engine::schema::{Column, ColumnType};
use serde_json::{Value, json};

use crate::model::ModelColumn;
use crate::types::{hive, trino};

/// Length in characters of Glue's longest comment of a column (Glue API, Column). A longer one
/// would fail the deployment of the whole stack.
const LONGEST_COMMENT: usize = 255;

/// Glue table by which Athena finds a Delta table: the provider and location count; the columns are
/// for people and views.
///
/// `PartitionKeys` are empty, because the partitions of a Delta table are in its log; the partition
/// column is among the others.
pub(super) fn table(name: &str, doc: &str, columns: &[Column]) -> Value {
    let columns: Vec<Value> =
        columns.iter().map(|column| glue_column(&column.name, &column.ty, &column.doc)).collect();
    let location = json!({ "Fn::Sub": format!("${{LakeLocation}}/tables/{name}/") });
    glue_table(&json!({
        "Name": name,
        "Description": doc,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "spark.sql.sources.provider": "delta",
            "table_type": "DELTA",
            "classification": "delta",
        },
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": columns,
            "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "Parameters": { "serialization.format": "1", "path": location },
            },
        },
    }))
}

/// Glue's description of a column.
fn glue_column(name: &str, ty: &ColumnType, doc: &str) -> Value {
    let mut shown = json!({ "Name": name, "Type": hive(ty) });
    if let Some(shown) = shown.as_object_mut().filter(|_| !doc.is_empty()) {
        shown.insert("Comment".to_owned(), json!(comment(doc)));
    }
    shown
}

/// Glue table in which Athena keeps a view. Untried on AWS until the acceptance run.
///
/// A view is a virtual table whose original text is a JSON document in Base64 between the marks of
/// Presto. The document holds the statement and the types of the engine, Glue's own columns hold
/// Hive's types; both lists must name the same columns. The deployment fills in the schema
/// (`Fn::Sub`) before it encodes the document, since the name of the database is a parameter.
pub(super) fn view_resource(name: &str, doc: &str, columns: &[ModelColumn], sql: &str) -> Value {
    let engine = |one: &ModelColumn| json!({ "name": one.name, "type": trino(&one.ty) });
    let engine: Vec<Value> = columns.iter().map(engine).collect();
    let glue: Vec<Value> =
        columns.iter().map(|one| glue_column(&one.name, &one.ty, &one.doc)).collect();
    let document = json!({
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": "${DatabaseName}",
        "columns": engine,
    });
    glue_table(&json!({
        "Name": name,
        "Description": doc,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": { "presto_view": "true", "comment": "Presto View" },
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": glue,
            "Location": "",
            "SerdeInfo": {},
        },
        "ViewExpandedText": "/* Presto View */",
        "ViewOriginalText": {
            "Fn::Join": ["", [
                "/* Presto View: ",
                { "Fn::Base64": { "Fn::Sub": document.to_string() } },
                " */",
            ]],
        },
    }))
}

/// Glue table in the database of the stack.
fn glue_table(input: &Value) -> Value {
    json!({
        "Type": "AWS::Glue::Table",
        "Properties": {
            "CatalogId": { "Ref": "AWS::AccountId" },
            "DatabaseName": { "Ref": "Database" },
            "TableInput": input,
        },
    })
}

/// Column comment, cut off at the limit of Glue. The log of the table has all of it.
fn comment(doc: &str) -> String {
    doc.chars().take(LONGEST_COMMENT).collect()
}
