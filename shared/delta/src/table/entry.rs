//! Description of a data file.

use engine::key::Key;
use engine::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A data file that is part of the table, or that a commit will add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path below the table's root, `created_month=2024-01/3-7-ab12-0.parquet`.
    pub path: String,
    /// Text value of the partition column; `None` for the null partition or a table without
    /// partitions.
    pub partition: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// Time of writing.
    pub modified: Timestamp,
    /// Number of rows.
    pub rows: u64,
    /// Delta statistics as JSON text: decimals exact, instants rounded outwards, no free text.
    /// Empty if the log has none.
    pub stats: String,
    /// First and last primary key, from `tags`; `None` for a file of another engine.
    pub keys: Option<(Key, Key)>,
    /// SHA-256 of the bytes in hex, from `tags`; `None` for a file of another engine or of an
    /// earlier release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl FileEntry {
    /// Latest instant in `column`, rounded up to a whole millisecond, as the statistics tell; `None`
    /// if they do not.
    #[must_use]
    pub fn latest(&self, column: &str) -> Option<Timestamp> {
        let stats: serde_json::Value = serde_json::from_str(&self.stats).ok()?;
        stats.get("maxValues")?.get(column)?.as_str()?.parse().ok()
    }
}
