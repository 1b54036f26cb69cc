//! Compares the schema in a table's log with the declared one.
//!
//! A table can be older than this program, newer, or changed by another engine. The result decides
//! whether it may be written: columns that it lacks can be added, columns that the declaration
//! lacks would be lost with the next rewritten file, and a column of another type fits neither way.

use engine::schema::{Column, ColumnType, Member};
use serde::Deserialize;
use serde_json::Value;

use super::delta;

/// Relation of an existing table's schema to the declared one. Comments and order are ignored,
/// because readers look columns up by name.
///
/// If several apply, the one that forbids most is reported: `Differs`, then `Unknown`, then
/// `Lacks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaComparison {
    /// Same columns with the same types.
    Equal,
    /// Columns or struct members (`line_items.taxed2`) that the table lacks; it has no others.
    Lacks(Vec<String>),
    /// Columns or struct members of the table that the declaration lacks: a newer release wrote it.
    Unknown(Vec<String>),
    /// Columns or struct members with another type, or that forbid nulls that ours may hold.
    Differs(Vec<String>),
}

/// Struct in a `schemaString`: the table itself, or the items of an array.
#[derive(Debug, Deserialize)]
struct LoggedStruct {
    fields: Vec<LoggedField>,
}

/// Field in a `schemaString`. The type is text for a simple type and an object for a nested one
/// (Delta protocol, Schema Serialization Format), hence a `Value`.
#[derive(Debug, Deserialize)]
struct LoggedField {
    name: String,
    #[serde(rename = "type")]
    ty: Value,
    #[serde(default = "yes")]
    nullable: bool,
}

/// Default of `nullable` in a schema without it.
const fn yes() -> bool {
    true
}

/// Declared column, or declared member of a struct.
struct DeclaredField<'a> {
    name: &'a str,
    ty: &'a ColumnType,
    required: bool,
}

/// Differences found so far, as paths such as `line_items.taxed2`.
#[derive(Default)]
struct SchemaFindings {
    lacks: Vec<String>,
    unknown: Vec<String>,
    differs: Vec<String>,
}

/// Compares `columns` with the schema of a log.
pub(super) fn compare(
    columns: &[Column],
    schema_string: &str,
) -> Result<SchemaComparison, serde_json::Error> {
    let theirs: LoggedStruct = serde_json::from_str(schema_string)?;
    let mut findings = SchemaFindings::default();
    findings.fields("", &of_columns(columns), &theirs.fields);
    let SchemaFindings { lacks, unknown, differs } = findings;
    Ok(if !differs.is_empty() {
        SchemaComparison::Differs(differs)
    } else if !unknown.is_empty() {
        SchemaComparison::Unknown(unknown)
    } else if !lacks.is_empty() {
        SchemaComparison::Lacks(lacks)
    } else {
        SchemaComparison::Equal
    })
}

/// Names of the top-level columns in a `schemaString`.
pub(super) fn names(schema_string: &str) -> Result<Vec<String>, serde_json::Error> {
    let theirs: LoggedStruct = serde_json::from_str(schema_string)?;
    Ok(theirs.fields.into_iter().map(|field| field.name).collect())
}

/// `schemaString` with all of `columns`, those of the log first. Example: the log has `b` and `a`,
/// the declaration `a`, `b`, `c`; the result has `b`, `a`, `c`.
pub(super) fn extended(
    columns: &[Column],
    schema_string: &str,
) -> Result<String, serde_json::Error> {
    let theirs: LoggedStruct = serde_json::from_str(schema_string)?;
    let ordered = in_their_order(columns, &theirs.fields, |column| column.name.as_str());
    let fields: Vec<Value> = ordered
        .into_iter()
        .map(|column| {
            let mut json = delta::column_json(column);
            let there = theirs.fields.iter().find(|field| field.name == column.name);
            if let (ColumnType::Structs(members), Some(there)) = (&column.ty, there)
                && let Some(theirs) = struct_of(&there.ty)
                && let Some(slot) = json.get_mut("type")
            {
                let ordered = in_their_order(members, &theirs.fields, |member| &member.name);
                let members: Vec<Value> = ordered.into_iter().map(delta::member_json).collect();
                *slot = delta::structs_json(&members);
            }
            json
        })
        .collect();
    Ok(delta::of_fields(&fields))
}

impl SchemaFindings {
    /// Compares the fields of one struct, whose path is `prefix`. Looks in both directions: a field
    /// can be missing on either side.
    fn fields(&mut self, prefix: &str, ours: &[DeclaredField<'_>], theirs: &[LoggedField]) {
        for field in theirs {
            if !ours.iter().any(|own| own.name == field.name) {
                self.unknown.push(format!("{prefix}{}", field.name));
            }
        }
        for own in ours {
            let name = format!("{prefix}{}", own.name);
            match theirs.iter().find(|field| field.name == own.name) {
                Some(field) => self.pair(name, own, field),
                None => self.lacks.push(name),
            }
        }
    }

    /// Compares a field that both sides have. Structs in lists are compared member by member,
    /// because a new member is an addition and not another type.
    fn pair(&mut self, name: String, own: &DeclaredField<'_>, field: &LoggedField) {
        // A logged column that forbids nulls fits only a declared one that never has any.
        let nulls_fit = field.nullable || own.required;
        match (own.ty, struct_of(&field.ty)) {
            (ColumnType::Structs(members), Some(theirs)) if nulls_fit => {
                self.fields(&format!("{name}."), &of_members(members), &theirs.fields);
            }
            (ty, _) if nulls_fit && delta::type_json(ty) == field.ty => {}
            _ => self.differs.push(name),
        }
    }
}

/// Sorts `ours` in the order of `theirs`, followed by the rest in our order.
fn in_their_order<'a, T>(
    ours: &'a [T],
    theirs: &[LoggedField],
    name: impl Fn(&'a T) -> &'a str,
) -> Vec<&'a T> {
    let place = |own: &'a T| theirs.iter().position(|field| field.name == name(own));
    let mut ordered: Vec<&T> = ours.iter().collect();
    // The sort is stable, so columns that they lack keep our order at the end.
    ordered.sort_by_key(|own| place(own).unwrap_or(usize::MAX));
    ordered
}

/// Struct in an array type whose items may be null, if there is one. Ours may: an item that does
/// not fit is a null.
fn struct_of(ty: &Value) -> Option<LoggedStruct> {
    if ty.get("type")? != "array" || ty.get("containsNull")? != true {
        return None;
    }
    serde_json::from_value(ty.get("elementType")?.clone()).ok()
}

fn of_columns(columns: &[Column]) -> Vec<DeclaredField<'_>> {
    columns
        .iter()
        .map(|column| DeclaredField {
            name: &column.name,
            ty: &column.ty,
            required: column.required,
        })
        .collect()
}

/// Members of structs as fields. None is required.
fn of_members(members: &[Member]) -> Vec<DeclaredField<'_>> {
    members
        .iter()
        .map(|member| DeclaredField { name: &member.name, ty: &member.ty, required: false })
        .collect()
}
