//! Comparison of rows of different releases: a member that a release does not declare is in
//! `extra_json`, and in a column once it is declared.

use std::collections::BTreeMap;

use engine::schema::{Column, ColumnSource, ColumnType};

use super::json::{JsonKind, kind, members};
use super::record::Row;
use super::value::{NaiveCell, cell};

/// Whether two rows hold the same values, be it in columns or in `extra_json`.
#[must_use]
pub fn are_same(columns: &[Column], one: &Row, other: &Row) -> bool {
    leaves(columns, one) == leaves(columns, other)
}

/// Returns all values of a row that are not null, by their path in the record.
fn leaves(columns: &[Column], row: &Row) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    for (column, value) in columns.iter().zip(row.iter()) {
        let Some(value) = value else { continue };
        match (&column.source, &column.ty) {
            (ColumnSource::Record(path), ColumnType::Structs(_)) => {
                list_leaves(&path.join("."), &column.ty, value, &mut leaves);
            }
            (ColumnSource::Record(path), _) => drop(leaves.insert(path.join("."), value.clone())),
            (ColumnSource::Extra, _) => {
                for (path, raw) in members(value).expect("an object") {
                    kept_leaves(columns, path, raw, &mut leaves);
                }
            }
            _ => drop(leaves.insert(column.name.clone(), value.clone())),
        }
    }
    leaves
}

/// Adds the values in a member of `extra_json`; objects are taken apart.
fn kept_leaves(columns: &[Column], path: String, raw: &str, leaves: &mut BTreeMap<String, String>) {
    if let JsonKind::Object(Some(inner)) = kind(raw) {
        for (name, raw) in inner {
            kept_leaves(columns, format!("{path}.{name}"), raw, leaves);
        }
        return;
    }
    let held = leaf_type(columns, &path).map(|ty| cell(raw, &ty));
    let text = match held {
        Some(NaiveCell::Held(text)) => text,
        Some(NaiveCell::Misfit) | None => (raw != "null").then(|| raw.to_owned()),
    };
    leaves.extend(text.map(|text| (path, text)));
}

/// Adds the values in a list of structs.
fn list_leaves(path: &str, ty: &ColumnType, list: &str, leaves: &mut BTreeMap<String, String>) {
    let (JsonKind::List(items), ColumnType::Structs(declared)) = (kind(list), ty) else { return };
    leaves.insert(format!("{path}#"), items.len().to_string());
    for (index, item) in items.into_iter().enumerate() {
        let Some(found) = members(item) else { continue };
        for (name, raw) in found {
            let member = declared.iter().find(|member| member.name == name);
            let inner = member.map_or(name, |member| member.path.join("."));
            let text = match kind(raw) {
                JsonKind::Null => continue,
                JsonKind::Text(Some(text)) => text,
                _ => raw.to_owned(),
            };
            leaves.insert(format!("{path}[{index}].{inner}"), text);
        }
    }
}

/// Returns the declared type of the value at a path; `None` for lists and undeclared members.
fn leaf_type(columns: &[Column], path: &str) -> Option<ColumnType> {
    let of_record = columns.iter().filter_map(|column| match &column.source {
        ColumnSource::Record(place) => Some((place.join("."), &column.ty)),
        _ => None,
    });
    for (place, ty) in of_record {
        match ty {
            ColumnType::Structs(members) => {
                let inside = path.strip_prefix(&place).and_then(|rest| rest.split_once("]."));
                let inner = inside.map(|(_, inner)| inner);
                let member = members.iter().find(|it| Some(it.path.join(".")).as_deref() == inner);
                if let Some(member) = member {
                    return Some(member.ty.clone());
                }
            }
            ColumnType::Texts | ColumnType::Ints => {}
            simple if path == place => return Some(simple.clone()),
            _ => {}
        }
    }
    None
}
