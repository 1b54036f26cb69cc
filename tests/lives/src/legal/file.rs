//! Rules for a data file and its entry in the log.

use engine::schema::ColumnSource;
use serde_json::Value;

use super::bounds::Statistics;
use crate::reader::cell::{OrderedValue, day};
use crate::reader::file::{ReadFile, file_type};
use crate::reader::view::LiveFile;
use crate::reader::{LakeRows, LakeTable};

/// Returns what is wrong with a file, or with what the log says of it.
#[must_use]
pub fn breaches(table: &LakeTable, entry: &LiveFile, file: &ReadFile) -> Vec<String> {
    let mut wrong = Vec::new();
    if entry.size != file.size {
        wrong.push(format!("size {} of {}", entry.size, file.size));
    }
    if file.rows.is_empty() {
        wrong.push("no rows".to_owned());
    }
    let others = file.partitions.iter().filter(|it| entry.partition() != Some(it.as_str()));
    wrong.extend(others.map(|it| format!("rows of {it} in partition {:?}", entry.partition())));
    if let Some(stats) = &entry.stats {
        match Statistics::of(stats) {
            Ok(stats) => wrong.extend(stats.breaches(file)),
            Err(error) => wrong.push(error),
        }
    }
    if entry.tags.is_some() {
        wrong.extend(tags(table, entry, file));
    }
    let required = table.columns().iter().filter(|column| column.required);
    for column in required {
        if file.ranges.get(&column.name).is_none_or(|range| range.nulls > 0) {
            wrong.push(format!("nulls in {}", column.name));
        }
    }
    wrong
}

/// Rules for files that harvest-lake wrote.
fn tags(table: &LakeTable, entry: &LiveFile, file: &ReadFile) -> Vec<String> {
    let mut wrong = Vec::new();
    // Files of earlier releases have no checksum.
    if let Some(sum) = entry.tag("sha256")
        && sum != file.sha256
    {
        wrong.push(format!("checksum {sum} of {}", file.sha256));
    }
    let columns = table.columns();
    for (name, ty) in &file.types {
        let column = columns.iter().find(|column| column.name == *name);
        let legal = column.is_some_and(|column| {
            let in_file = column.source != ColumnSource::Partition;
            in_file && file_type(&column.ty).is_none_or(|wanted| wanted == *ty)
        });
        if !legal {
            wrong.push(format!("column {name} of type {ty}"));
        }
    }
    // Rows of changes are in no order, and an upgrade of another engine's file keeps its order.
    let unordered = entry.tag("rows").is_none() || table.rows == LakeRows::Changes;
    if entry.tag("first").is_none() && unordered {
        return wrong;
    }
    if entry.tag("rows") != Some(file.rows.len().to_string().as_str()) {
        wrong.push(format!("{:?} rows of {}", entry.tag("rows"), file.rows.len()));
    }
    if table.rows == LakeRows::Records {
        let rises = |pair: &[Vec<_>]| pair.first() < pair.last();
        if !file.keys.windows(2).all(rises) {
            wrong.push("keys out of order".to_owned());
        }
    }
    for (tag, key) in [("first", file.keys.iter().min()), ("last", file.keys.iter().max())] {
        let tagged = entry.tag(tag).and_then(|text| serde_json::from_str::<Value>(text).ok());
        let key: Option<Value> = key.map(|key| {
            let parts = key.iter().zip(table.spec.primary_key);
            parts.map(|(part, name)| json(part.as_ref(), is_day(table, name))).collect()
        });
        if tagged != key {
            wrong.push(format!("{tag} key {tagged:?} of {key:?}"));
        }
    }
    wrong
}

fn is_day(table: &LakeTable, name: &str) -> bool {
    let column = table.columns().iter().find(|column| column.name == name);
    column.is_some_and(|column| column.ty == engine::schema::ColumnType::Date)
}

/// Returns a part of a key as tags have it.
fn json(part: Option<&OrderedValue>, is_day: bool) -> Value {
    match part {
        None => Value::Null,
        Some(OrderedValue::Text(text)) => Value::from(text.as_str()),
        Some(OrderedValue::Number(number)) if is_day => {
            Value::from(i32::try_from(*number).map(day).expect("a day").to_string())
        }
        Some(OrderedValue::Number(number)) => {
            Value::from(i64::try_from(*number).expect("a number of a column"))
        }
    }
}
