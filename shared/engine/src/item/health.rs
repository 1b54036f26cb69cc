//! Health of a stream: the results of its recent runs.

use serde::{Deserialize, Serialize};

use crate::drift::Drift;
use crate::quarantine::QuarantineSize;
use crate::runbook::Remedy;
use crate::time::Timestamp;

/// Results of recent runs of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamHealth {
    /// Time at which a pass was last completed.
    pub last_success: Option<Timestamp>,
    /// Time and text of the last error; cleared by success.
    pub last_error: Option<(Timestamp, String)>,
    /// Code of that error; `None`: an earlier release wrote it, or the run ended without a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error_type: Option<String>,
    /// Error of the last full pass that was read and did not count, until one does; an incremental
    /// pass does not answer for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unswept: Option<StandingError>,
    /// Runs in a row that failed or never came back.
    pub failures: u32,
    /// Runs in a row that ended without a word.
    #[serde(skip_serializing_if = "is_none")]
    pub lost: u32,
    /// Whether Harvest refused the stream to this token (403).
    pub refused: bool,
    /// Rows of the table.
    pub rows: u64,
    /// Records kept raw because they could not become rows.
    pub quarantine: QuarantineSize,
    /// Number of values that did not fit their column, in the last run that read any.
    pub misfits: u64,
    /// Differences between records and the declaration.
    pub drift: Drift,
    /// Doubts about the last pass, for display.
    pub warning: Option<String>,
}

/// Error that stands while other runs succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingError {
    /// Time of the error.
    pub at: Timestamp,
    /// Its text.
    pub error: String,
    /// Its code.
    pub error_type: String,
}

impl StreamHealth {
    /// Returns the remedy for the last error; `None` without one.
    #[must_use]
    pub fn remedy(&self) -> Option<Remedy> {
        self.last_error.as_ref()?;
        Some(match &self.last_error_type {
            Some(code) => Remedy::of(code),
            None if self.lost > 0 => Remedy::LOST,
            None => Remedy::FAILING,
        })
    }

    /// Notes the error of a run, and its code.
    pub fn note_error(&mut self, at: Timestamp, error: String, error_type: Option<&str>) {
        self.last_error = Some((at, error));
        self.last_error_type = error_type.map(str::to_owned);
    }

    /// Forgets the last error, but for that of a full pass which still stands.
    pub fn forget_error(&mut self) {
        let standing = self.unswept.clone();
        self.last_error = standing.as_ref().map(|one| (one.at, one.error.clone()));
        self.last_error_type = standing.map(|one| one.error_type);
    }
}

/// Whether no run was lost. An item without losses has no member for them.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
const fn is_none(lost: &u32) -> bool {
    *lost == 0
}
