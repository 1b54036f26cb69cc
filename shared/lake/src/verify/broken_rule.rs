//! Rows of a file that violate one rule, as one finding.

use arrow::error::ArrowError;
use delta::table::FileEntry;

use super::finding::{TableCheck, VerifyFinding};

/// Rows that violate one rule: their number and the first of them. A rule may be violated by every
/// row of a file, and one finding with a count says as much as a million.
#[derive(Debug, Default)]
pub(super) struct BrokenRule {
    rows: u64,
    /// Key, expected value, actual value.
    first: Option<(String, String, String)>,
}

impl BrokenRule {
    /// Counts a row. Its `example` is computed only if it is the first one.
    pub(super) fn add(
        &mut self,
        example: impl FnOnce() -> Result<(String, String, String), ArrowError>,
    ) -> Result<(), ArrowError> {
        if self.rows == 0 {
            self.first = Some(example()?);
        }
        self.rows += 1;
        Ok(())
    }

    /// Finding about the rows; `None` if there are none.
    pub(super) fn finding(
        self,
        check: TableCheck,
        file: &FileEntry,
        what: &str,
    ) -> Option<VerifyFinding> {
        let (key, expected, found) = self.first?;
        let rows = match self.rows {
            1 => String::new(),
            rows => format!(" ({rows} rows; this is the first)"),
        };
        let what = format!("{what}, key {key}{rows}");
        Some(VerifyFinding { check, file: Some(file.path.clone()), what, expected, found })
    }
}
