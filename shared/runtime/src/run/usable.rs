//! Passes that read records of which none could become a row: a failure, not an empty list.
//!
//! An answer full of records that all lack an id, say, means that Harvest serves something else
//! than the declaration expects. If it counted as an empty list, a sweep could delete every row.

use engine::quarantine::AnswerCounts;

use super::Run;
use crate::error::RunError;
use crate::hold::RunBuffer;

impl Run {
    /// Returns the error of a pass without usable records: of the stream itself, or of the listing
    /// that names its parents.
    pub(super) fn unusable(&self, answers: AnswerCounts, hold: &RunBuffer) -> RunError {
        let stream = self.stream();
        let plural = |count: u64| if count == 1 { "answer" } else { "answers" };
        let what = if answers.unusable > 0 {
            let (count, answers) = (answers.unusable, plural(answers.unusable));
            let reason = hold.quarantined.first().map(|one| format!(" ({})", one.reason));
            let reason = reason.unwrap_or_default();
            format!(
                "no record of {count} {answers} could become a row{reason}; they are kept as they \
                 came below quarantine/{stream}"
            )
        } else {
            let (count, answers) = (answers.unusable_triggers, plural(answers.unusable_triggers));
            format!("no record of {count} {answers} names a parent whose list could be read")
        };
        RunError::Unusable { stream, what }
    }
}
