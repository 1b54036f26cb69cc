//! Columns of a table in the form of Delta's `schemaString` (Delta protocol, Schema Serialization
//! Format): JSON text with a struct of fields, each with name, type, `nullable` and `metadata`.

use engine::schema::{Column, ColumnType, Member};
use serde_json::{Map, Value, json};

use super::DECIMAL_DIGITS;

/// Complete `schemaString`.
pub(super) fn schema_json(columns: &[Column]) -> String {
    of_fields(&columns.iter().map(column_json).collect::<Vec<_>>())
}

/// `schemaString` of these fields.
pub(super) fn of_fields(fields: &[Value]) -> String {
    json!({ "type": "struct", "fields": fields }).to_string()
}

/// Field of the `schemaString`. Its description is `metadata.comment`, which engines show as the
/// comment of the column.
pub(super) fn column_json(column: &Column) -> Value {
    let mut metadata = Map::new();
    if !column.doc.is_empty() {
        metadata.insert("comment".to_owned(), Value::from(column.doc.as_str()));
    }
    json!({
        "name": column.name,
        "type": type_json(&column.ty),
        "nullable": !column.required,
        "metadata": metadata,
    })
}

/// Member of a struct. It may always be null, and has no description.
pub(super) fn member_json(member: &Member) -> Value {
    json!({
        "name": member.name,
        "type": type_json(&member.ty),
        "nullable": true,
        "metadata": {},
    })
}

/// Type: a string for a simple type, an object for an array.
pub(super) fn type_json(ty: &ColumnType) -> Value {
    match ty {
        ColumnType::Int => Value::from("long"),
        ColumnType::Text => Value::from("string"),
        ColumnType::Bool => Value::from("boolean"),
        ColumnType::Date => Value::from("date"),
        ColumnType::Instant => Value::from("timestamp"),
        ColumnType::Decimal { scale } => Value::from(format!("decimal({DECIMAL_DIGITS},{scale})")),
        ColumnType::Texts => array_json(&Value::from("string")),
        ColumnType::Ints => array_json(&Value::from("long")),
        ColumnType::Structs(members) => {
            structs_json(&members.iter().map(member_json).collect::<Vec<_>>())
        }
    }
}

/// Type of an array of structs with these members.
pub(super) fn structs_json(members: &[Value]) -> Value {
    array_json(&json!({ "type": "struct", "fields": members }))
}

/// Type of an array. Its items may be null: an item that does not fit is a null, and `extra_json`
/// holds the value.
fn array_json(element: &Value) -> Value {
    json!({ "type": "array", "elementType": element, "containsNull": true })
}
