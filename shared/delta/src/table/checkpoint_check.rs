//! Comparison of the newest checkpoint with the commits that it stands for.
//!
//! This table reads its log from the newest readable checkpoint, and from further back if there is
//! a damaged one. Other engines do not: they fail at a damaged checkpoint, and believe one that
//! lacks a file.

use std::collections::BTreeMap;

use super::action::Add;
use super::listing::LogListing;
use super::location::LogLocation;
use super::log::LogReplay;
use super::past::PastError;
use super::{LAST_CHECKPOINT, Table, TableError};

/// Number of files that a defect names.
const NAMED: usize = 3;

/// Defect of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointDefect {
    /// First file of the checkpoint, below the table's folder.
    pub file: String,
    /// Content that the commits give, for display.
    pub expected: String,
    /// Content of the checkpoint, for display.
    pub found: String,
}

impl Table {
    /// Compares the newest checkpoint of the log with the commits before it, and looks for the one
    /// that `_last_checkpoint` names. `None`: it names the same files, there is no checkpoint, or the
    /// commits before it are gone.
    ///
    /// # Errors
    /// When the store fails, or another file of the log is damaged.
    pub async fn checkpoint_defect(&self) -> Result<Option<CheckpointDefect>, TableError> {
        let log = self.log();
        // First, because a run that writes a checkpoint meanwhile writes it before its hint.
        let hint = log.hint().await?;
        let mut listing = log.list(None).await?;
        if let Some(hint) = hint
            && !listing.checkpoints.contains_key(&hint)
        {
            return Ok(Some(CheckpointDefect {
                file: LAST_CHECKPOINT.to_owned(),
                expected: "the version of a checkpoint that is there".to_owned(),
                found: format!("version {hint}"),
            }));
        }
        let Some((version, files)) = listing.checkpoints.pop_last() else { return Ok(None) };
        let found = match log.read_checkpoint(version, &files).await {
            Ok(found) => found,
            Err(error @ TableError::Store { .. }) => return Err(error),
            Err(error) => {
                return Ok(Some(CheckpointDefect {
                    file: files.first().cloned().unwrap_or_default(),
                    expected: "a checkpoint that engines can read".to_owned(),
                    found: error.defect(),
                }));
            }
        };
        let Some(expected) = log.without_checkpoint(version, &listing).await? else {
            return Ok(None);
        };
        let (lacks, has) = (missing(&expected, &found), missing(&found, &expected));
        if lacks.is_empty() && has.is_empty() {
            return Ok(None);
        }
        Ok(Some(CheckpointDefect {
            file: files.first().cloned().unwrap_or_default(),
            expected: format!("{} files, as the commits say", expected.files().len()),
            found: format!(
                "{} files; it lacks {}, and names {} that the table does not have",
                found.files().len(),
                named(&lacks),
                named(&has)
            ),
        }))
    }
}

impl LogLocation<'_> {
    /// State of `version` by the commits and the checkpoints of `listing`; `None` if they do not
    /// reach back that far.
    async fn without_checkpoint(
        &self,
        version: u64,
        listing: &LogListing,
    ) -> Result<Option<LogReplay>, TableError> {
        if !listing.commits.contains(&version) {
            return Ok(None);
        }
        match self.version(version, listing).await {
            Ok(state) => Ok(Some(state.replay())),
            Err(PastError::Table(error @ TableError::Store { .. })) => Err(error),
            // The newest checkpoint is all that is left of these versions.
            Err(_) => Ok(None),
        }
    }
}

/// Paths of files of `state` that `other` lacks, or has with another size.
fn missing<'a>(state: &'a LogReplay, other: &LogReplay) -> Vec<&'a str> {
    let size = |files: &BTreeMap<String, Add>, path: &str| files.get(path).map(|add| add.size);
    let paths = state.files().keys().map(String::as_str);
    paths.filter(|path| size(state.files(), path) != size(other.files(), path)).collect()
}

fn named(paths: &[&str]) -> String {
    if paths.is_empty() {
        return "none".to_owned();
    }
    let first: Vec<String> = paths.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
    let more = paths.len().saturating_sub(first.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", first.join(", "))
}
