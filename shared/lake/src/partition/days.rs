//! Days of a date column, taken from the statistics in the log.
//!
//! Report windows must reach as far back as the account's entries. The tables of entries know these
//! days, and the log tells them without opening a file.

use delta::table::FileEntry;
use engine::time::Date;
use serde_json::Value;

/// Days that a date column of some files holds. Only first and last days are known; a day within a
/// range may have no row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDays {
    /// First and last day of each file that has any.
    pub ranges: Vec<(Date, Date)>,
    /// Whether the statistics of every file cover the column. If not, there may be days outside of
    /// all ranges.
    pub complete: bool,
}

/// Returns the days of `column` in `files`. Reads only the log.
///
/// A file without any day in the column adds no range and does not make the result incomplete.
#[must_use]
pub fn days_of(files: &[FileEntry], column: &str) -> FileDays {
    let mut days = FileDays { ranges: Vec::new(), complete: true };
    for file in files {
        match range(file, column) {
            Some(range) => days.ranges.extend(range),
            None => days.complete = false,
        }
    }
    days
}

/// First and last day in one file, empty if no row has a day. `None` if its statistics lack the
/// column.
fn range(file: &FileEntry, column: &str) -> Option<Vec<(Date, Date)>> {
    let stats: Value = serde_json::from_str(&file.stats).ok()?;
    let of = |kind: &str| stats.get(kind)?.get(column);
    let bound = |kind: &str| of(kind)?.as_str()?.parse::<Date>().ok();
    if let (Some(first), Some(last)) = (bound("minValues"), bound("maxValues")) {
        return Some(vec![(first, last)]);
    }
    let nulls = of("nullCount")?.as_u64()?;
    (stats.get("numRecords")?.as_u64()? == nulls).then(Vec::new)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::tests::logged_file;
    use super::*;

    fn file(stats: &str) -> FileEntry {
        FileEntry { rows: 3, stats: stats.to_owned(), ..logged_file("a.parquet") }
    }

    #[test]
    fn the_log_tells_the_days_of_a_column_or_that_it_does_not() {
        let dated = file(
            r#"{"numRecords":3,"minValues":{"spent_date":"0206-01-05"},"maxValues":{"spent_date":"2026-02-01"},"nullCount":{"spent_date":1}}"#,
        );
        let undated =
            file(r#"{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{"spent_date":3}}"#);
        let range = (date(206, 1, 5), date(2026, 2, 1));
        let days = days_of(&[dated.clone(), undated], "spent_date");
        assert_eq!(days, FileDays { ranges: vec![range], complete: true });
        for silent in ["", "{}", r#"{"numRecords":3,"nullCount":{"spent_date":1}}"#, "x"] {
            let days = days_of(&[dated.clone(), file(silent)], "spent_date");
            assert_eq!(days, FileDays { ranges: vec![range], complete: false }, "{silent}");
        }
        assert_eq!(days_of(&[], "spent_date"), FileDays { ranges: vec![], complete: true });
    }
}
