//! Files of a log by their names.
//!
//! A listing costs one request for each 1,000 files and tells which versions and checkpoints exist,
//! so nothing is found out by asking for files that may be missing.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{self, LogName};

/// Commits and checkpoints found in a log's folder.
#[derive(Debug, Default)]
pub(crate) struct LogListing {
    /// Versions whose commit files exist.
    pub commits: BTreeSet<u64>,
    /// Complete checkpoints by version, with their files below the table's folder. A checkpoint of
    /// several parts (other engines write such) counts only if all parts are there: its writer may
    /// have died half way.
    pub checkpoints: BTreeMap<u64, Vec<String>>,
}

impl LogListing {
    /// Commits and checkpoints among the files of these names in `_delta_log/`.
    pub(super) fn of<'a>(files: impl Iterator<Item = &'a str>) -> Self {
        let mut listing = Self::default();
        let mut parts_found = BTreeMap::<(u64, u32), u32>::new();
        for file in files {
            match names::parse_log(file) {
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
        listing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_counts_once_all_of_its_parts_are_there() {
        let v = "00000000000000000012";
        let part = |part: u32| format!("{v}.checkpoint.{part:010}.0000000003.parquet");
        let listed =
            |files: &[String]| LogListing::of(files.iter().map(String::as_str)).checkpoints;
        assert_eq!(listed(&[part(1), part(3)]), BTreeMap::new());
        let all = listed(&[part(1), part(2), part(3)]);
        assert_eq!(all, BTreeMap::from([(12, names::checkpoint_parts(12, 3))]));
        let single = listed(&[format!("{v}.checkpoint.parquet"), part(1)]);
        assert_eq!(single, BTreeMap::from([(12, names::checkpoint_parts(12, 0))]));
    }
}
