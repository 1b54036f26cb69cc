//! Compares the statistics in the log with those of the rows.
//!
//! Both sides are compared as text and must be equal to the digit. Wider bounds would be legal, but
//! we write exact ones, and a difference shows that the entry belongs to another file or was
//! computed from other rows.

use std::collections::{BTreeMap, BTreeSet};

use delta::table::FileEntry;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::finding::{TableCheck, VerifyFinding};
use crate::partition::FileStats;

/// Statistics with unparsed numbers, to compare decimals digit by digit: parsed as floats, `0.1`
/// and `0.10000000000000001` are equal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenStatistics<'a> {
    num_records: Option<u64>,
    #[serde(borrow, default)]
    min_values: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    max_values: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    null_count: BTreeMap<String, &'a RawValue>,
}

/// Findings about statistics that differ. Of a file of another engine only the row count is
/// checked, because such engines choose columns and rounding freely.
///
/// The caller leaves out files without statistics.
pub(super) fn compare(file: &FileEntry, stats: &FileStats) -> Vec<VerifyFinding> {
    let mut findings = Vec::new();
    let mut report = |what: String, expected: &str, found: &str| {
        findings.push(VerifyFinding {
            check: TableCheck::Statistics,
            file: Some(file.path.clone()),
            what,
            expected: expected.to_owned(),
            found: found.to_owned(),
        });
    };
    let own = stats.json();
    let (logged, own) = match (serde_json::from_str(&file.stats), serde_json::from_str(&own)) {
        (Ok(logged), Ok(own)) => (logged, own),
        (Err(error), _) | (_, Err(error)) => {
            let what = "the statistics in the log cannot be read".to_owned();
            report(what, &own, &error.to_string());
            return findings;
        }
    };
    let (logged, own): (WrittenStatistics<'_>, WrittenStatistics<'_>) = (logged, own);
    if logged.num_records != own.num_records {
        let text = |rows: Option<u64>| rows.map_or_else(|| "nothing".to_owned(), |n| n.to_string());
        let what = "`numRecords` of the log is not the number of rows".to_owned();
        report(what, &text(logged.num_records), &text(own.num_records));
    }
    if file.keys.is_none() {
        return findings;
    }
    let all = own.num_records.map(|rows| rows.to_string()).unwrap_or_default();
    // Files older than a column have no statistics for it, and all its values are null.
    let younger: BTreeSet<&String> = own
        .null_count
        .iter()
        .filter(|(name, nulls)| nulls.get() == all && !logged.null_count.contains_key(*name))
        .map(|(name, _)| name)
        .collect();
    // Earlier releases omitted the bounds of long texts.
    let mut left_out = stats.shortened();
    left_out.retain(|name| {
        let logged = [&logged.min_values, &logged.max_values];
        logged.iter().all(|bounds| !bounds.contains_key(*name))
    });
    for (name, ours, theirs) in [
        ("minValues", &own.min_values, &logged.min_values),
        ("maxValues", &own.max_values, &logged.max_values),
        ("nullCount", &own.null_count, &logged.null_count),
    ] {
        let columns: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let of_bounds = name != "nullCount";
        let columns = columns.difference(&younger);
        for column in columns.filter(|column| !(of_bounds && left_out.contains(&column.as_str()))) {
            let text = |of: &BTreeMap<String, &RawValue>| {
                of.get(*column).map_or_else(|| "nothing".to_owned(), |raw| raw.get().to_owned())
            };
            let (logged, own) = (text(theirs), text(ours));
            if logged != own {
                let what = format!("`{name}` of `{column}` in the log is not that of the rows");
                report(what, &logged, &own);
            }
        }
    }
    findings
}
