//! The table property that names the columns with statistics.
//!
//! Readers of the delta-rs family treat a missing bound as one that no value meets, so a filter on
//! such a column finds nothing. They expect no bounds for columns that the property does not name.
//! So the property names exactly the columns that have statistics in every file.

use std::collections::BTreeMap;

use decode::schema::TableSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Name of the property.
pub(super) const STATS_COLUMNS: &str = "delta.dataSkippingStatsColumns";

/// Members of an `add` action's `stats` that decide whether a column is named.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LoggedStatistics<'a> {
    num_records: Option<u64>,
    #[serde(borrow)]
    min_values: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow)]
    max_values: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow)]
    null_count: Option<BTreeMap<String, &'a RawValue>>,
}

/// Value of the property for a table with the columns of `schema_string` and files with these
/// `stats`.
///
/// # Errors
/// When `schema_string` is not a Delta schema.
pub(super) fn stats_columns<'a>(
    schema: &TableSchema,
    schema_string: &str,
    stats: impl Iterator<Item = &'a str>,
) -> Result<String, serde_json::Error> {
    let counted = schema.counted_columns();
    let mut names = TableSchema::names_in(schema_string)?;
    names.retain(|name| counted.contains(&name.as_str()));
    for stats in stats.filter(|stats| !stats.is_empty()) {
        // Unreadable statistics cover no column.
        let statistics = serde_json::from_str::<LoggedStatistics<'_>>(stats).ok();
        names.retain(|name| statistics.as_ref().is_some_and(|of_file| of_file.covers(name)));
    }
    Ok(names.join(","))
}

impl LoggedStatistics<'_> {
    /// Whether filters on the column are safe with these statistics. They are if the file has no
    /// statistics of any column, if all values are null (then there are no bounds), or if minimum,
    /// maximum and null count are all given.
    fn covers(&self, column: &str) -> bool {
        let of_columns = [&self.min_values, &self.max_values, &self.null_count];
        if of_columns.iter().all(|values| values.is_none()) {
            // Without any of the three, readers do not look for bounds.
            return true;
        }
        let value = |values: &Option<BTreeMap<String, &RawValue>>| {
            let raw = values.as_ref()?.get(column)?.get();
            (raw != "null").then(|| raw.to_owned())
        };
        let Some(nulls) = value(&self.null_count).and_then(|nulls| nulls.parse().ok()) else {
            return false;
        };
        let all_null = self.num_records == Some(nulls);
        all_null || (value(&self.min_values).is_some() && value(&self.max_values).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::spec::{
        Listing, Paging, PartitionSpec, ReportWindow, StreamKind, StreamSpec, instant, int, money,
        objects, text,
    };

    const MONTHLY: StreamSpec = StreamSpec {
        name: "things",
        path: "/things",
        records_key: Some("things"),
        kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/own/{id}")),
        partition: PartitionSpec::CreatedMonth,
        fields: &[
            int("id").required(),
            money("amount"),
            text("note"),
            objects("items", &[int("id"), text("name")]),
            text("link").volatile(),
            instant("created_at"),
            instant("updated_at"),
        ],
        ..StreamSpec::USUAL
    };

    const REPORT: StreamSpec = StreamSpec {
        kind: StreamKind::ReportWindow(ReportWindow {
            includes_issue_date: false,
            values_fixed_fees: false,
        }),
        primary_key: &["period_start", "period_end", "user_id", "currency"],
        fields: &[int("user_id"), money("amount"), text("note"), text("currency")],
        partition: PartitionSpec::None,
        ..MONTHLY
    };

    fn named(stats: &[&str]) -> String {
        let schema = TableSchema::of(&MONTHLY);
        stats_columns(&schema, &schema.delta_schema_json(), stats.iter().copied()).unwrap()
    }

    #[test]
    fn without_files_all_columns_that_a_writer_counts_are_named_and_no_others() {
        let all = "id,amount,created_at,updated_at,account_id,synced_at";
        assert_eq!(named(&[]), all);
        // Key text is counted. The partition column is in no file, so it is not.
        let schema = TableSchema::of(&REPORT);
        let named = stats_columns(&schema, &schema.delta_schema_json(), core::iter::empty());
        let all = "user_id,amount,currency,period_start,period_end,account_id,synced_at";
        assert_eq!(named.unwrap(), all);
    }

    #[test]
    fn a_column_is_named_only_where_every_file_has_its_statistics() {
        let check = |stats: &str, expected: &str| {
            assert_eq!(named(&[stats]), expected, "{stats}");
            // One file without statistics is enough to leave a column out.
            let whole = r#"{"numRecords":1,"minValues":{"id":1,"amount":1},
                "maxValues":{"id":2,"amount":1},"nullCount":{"id":0,"amount":0}}"#;
            let whole: String = whole.split_whitespace().collect();
            let both: Vec<&str> = expected.split(',').filter(|n| "id,amount".contains(n)).collect();
            assert_eq!(named(&[&whole, stats]), both.join(","), "{stats}");
            assert_eq!(named(&[stats, &whole]), both.join(","), "{stats}");
        };
        let all = "id,amount,created_at,updated_at,account_id,synced_at";
        // Readers open files that have no statistics at all.
        check("", all);
        check(r#"{"numRecords":3}"#, all);
        // Readers look for bounds in empty lists and miss them.
        check(r#"{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{}}"#, "");
        let id = r#""minValues":{"id":1},"maxValues":{"id":2}"#;
        check(&format!(r#"{{"numRecords":3,{id},"nullCount":{{"id":0}}}}"#), "id");
        // Columns of nulls only have no bounds.
        check(
            &format!(r#"{{"numRecords":3,{id},"nullCount":{{"id":0,"amount":3}}}}"#),
            "id,amount",
        );
        check(&format!(r#"{{"numRecords":3,{id},"nullCount":{{"id":0,"amount":2}}}}"#), "id");
        check(&format!(r#"{{{id},"nullCount":{{"id":0,"amount":2}}}}"#), "id");
        // One of the three statistics is missing or null.
        check(&format!(r#"{{"numRecords":3,{id}}}"#), "");
        check(r#"{"numRecords":3,"minValues":{"id":1},"nullCount":{"id":0}}"#, "");
        check(r#"{"numRecords":3,"maxValues":{"id":1},"nullCount":{"id":0}}"#, "");
        let null = r#""minValues":{"id":null},"maxValues":{"id":2}"#;
        check(&format!(r#"{{"numRecords":3,{null},"nullCount":{{"id":0}}}}"#), "");
        check("no JSON", "");
    }

    #[test]
    fn columns_are_those_of_the_log_in_its_order() {
        let schema = TableSchema::of(&MONTHLY);
        let field = |name: &str| {
            format!(r#"{{"name":"{name}","type":"long","nullable":true,"metadata":{{}}}}"#)
        };
        let fields = ["synced_at", "note", "id"].map(field).join(",");
        let log = format!(r#"{{"type":"struct","fields":[{fields}]}}"#);
        let named = stats_columns(&schema, &log, core::iter::empty()).unwrap();
        assert_eq!(named, "synced_at,id");
    }
}
