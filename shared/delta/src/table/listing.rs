//! Lists the files of a log.

use std::collections::{BTreeMap, BTreeSet};

use super::TableError;
use super::names::{self, LogName};
use super::read::Log;

/// Commits and checkpoints found in a log's folder.
#[derive(Debug, Default)]
pub(crate) struct LogListing {
    pub commits: BTreeSet<u64>,
    /// Complete checkpoints by version, with their files below the table's folder.
    pub checkpoints: BTreeMap<u64, Vec<String>>,
}

impl Log<'_> {
    /// Log files whose name is greater than `after` (below the table's folder), or all.
    pub(crate) async fn list(&self, after: Option<&str>) -> Result<LogListing, TableError> {
        let prefix = self.key("_delta_log/");
        let after = after.map(|after| self.key(after));
        let objects = self.store.list(&prefix, after.as_deref()).await;
        let mut listing = LogListing::default();
        let mut parts_found = BTreeMap::<(u64, u32), u32>::new();
        for object in objects.map_err(|source| self.failed(source))? {
            match object.key.strip_prefix(&prefix).and_then(names::parse_log) {
                Some(LogName::Commit(version)) => {
                    listing.commits.insert(version);
                }
                Some(LogName::Checkpoint { version, parts, .. }) => {
                    let found = parts_found.entry((version, parts)).or_default();
                    *found += 1;
                    if *found >= parts {
                        let files = names::checkpoint_parts(version, parts);
                        listing.checkpoints.insert(version, files);
                    }
                }
                None => {}
            }
        }
        Ok(listing)
    }
}
