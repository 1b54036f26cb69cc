//! Rules for protocol and metadata.

use std::collections::BTreeSet;

use engine::schema::ColumnType;
use serde_json::Value;

use crate::reader::LakeTable;

/// Returns what is wrong with a protocol: harvest-lake promises the oldest of all readers.
#[must_use]
pub fn wrong_protocol(protocol: &Value) -> Option<String> {
    let features = ["readerFeatures", "writerFeatures"];
    let plain = features.iter().all(|name| protocol.get(*name).is_none_or(Value::is_null));
    let versions = (protocol["minReaderVersion"].as_i64(), protocol["minWriterVersion"].as_i64());
    (!plain || versions != (Some(1), Some(2))).then(|| format!("protocol {protocol}"))
}

/// Returns what is wrong with the metadata of a table.
#[must_use]
pub fn wrong_metadata(table: &LakeTable, metadata: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let id = metadata["id"].as_str().unwrap_or_default();
    let places: Vec<usize> = id.match_indices('-').map(|(at, _)| at).collect();
    if id.len() != 36 || places != [8, 13, 18, 23] {
        wrong.push(format!("the id is {id:?}"));
    }
    if metadata["format"]["provider"] != "parquet" {
        wrong.push(format!("format {}", metadata["format"]));
    }
    let partitions = serde_json::json!(table.partition().into_iter().collect::<Vec<_>>());
    if metadata["partitionColumns"] != partitions {
        wrong.push(format!("partition columns {}", metadata["partitionColumns"]));
    }
    let configuration = &metadata["configuration"];
    let account = configuration["harvest-lake.account"].as_str();
    if configuration["harvest-lake.format"] != "1" || account.is_none_or(str::is_empty) {
        wrong.push(format!("configuration {configuration}"));
    }
    let schema = metadata["schemaString"].as_str().unwrap_or_default();
    let Ok(schema) = serde_json::from_str::<Value>(schema) else {
        wrong.push("an unreadable schema".to_owned());
        return wrong;
    };
    let declared = table.columns();
    let mut seen = BTreeSet::new();
    for field in schema["fields"].as_array().into_iter().flatten() {
        let name = field["name"].as_str().unwrap_or_default();
        let column = declared.iter().find(|column| column.name == name);
        let legal =
            column.is_some_and(|column| is_of_type(&field["type"], &delta_type(&column.ty)));
        let nullable = column.map(|column| !column.required);
        if !seen.insert(name) || !legal {
            wrong.push(format!("column {name} of type {}", field["type"]));
        } else if field["nullable"].as_bool() != nullable {
            wrong.push(format!("column {name} with nullable {}", field["nullable"]));
        }
    }
    let keys = table.spec.primary_key.iter().filter(|key| !seen.contains(**key));
    wrong.extend(keys.map(|key| format!("no column {key}")));
    wrong
}

/// Whether a type is the declared one. Tables of earlier releases lack members of structs.
fn is_of_type(found: &Value, declared: &Value) -> bool {
    let members = |ty: &Value| ty["elementType"]["fields"].as_array().cloned();
    match (members(found), members(declared)) {
        (Some(found), Some(declared)) => found.iter().all(|member| declared.contains(member)),
        _ => found == declared,
    }
}

/// Returns a type as the schema of a Delta table has it.
fn delta_type(ty: &ColumnType) -> Value {
    use serde_json::json;
    let list =
        |element: Value| json!({ "type": "array", "elementType": element, "containsNull": true });
    match ty {
        ColumnType::Int => json!("long"),
        ColumnType::Text => json!("string"),
        ColumnType::Bool => json!("boolean"),
        ColumnType::Date => json!("date"),
        ColumnType::Instant => json!("timestamp"),
        ColumnType::Decimal { scale } => json!(format!("decimal(18,{scale})")),
        ColumnType::Texts => list(json!("string")),
        ColumnType::Ints => list(json!("long")),
        ColumnType::Structs(members) => {
            let members = members.iter().map(|member| {
                let ty = delta_type(&member.ty);
                json!({ "name": member.name, "type": ty, "nullable": true, "metadata": {} })
            });
            list(json!({ "type": "struct", "fields": members.collect::<Vec<_>>() }))
        }
    }
}
