//! Findings of drift that people are told.

use serde::Serialize;

use crate::printable::escaped;
use crate::time::Timestamp;

/// Largest number of characters of a member that are shown.
const LONGEST_MEMBER: usize = 200;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftFinding {
    /// Kind of the finding.
    pub what: DriftKind,
    /// The member's path.
    pub member: String,
    /// Number of times that it was seen; 0 for a member that is gone.
    pub times: u64,
    /// Kinds of JSON value that were not as declared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// The form of one of them, without its content: `"9.9"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Time of the last sighting; for a member that is gone, the time at which this was first
    /// noticed.
    pub at: Timestamp,
}

/// Kind of a finding; the most urgent comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// Its values do not fit its column.
    Changed,
    /// Its numbers have more decimal places than its column.
    Finer,
    /// Records no longer have it.
    Gone,
    /// Its values came in another JSON type or form, and are in its column.
    Converted,
    /// The declaration lacks it.
    New,
}

impl DriftKind {
    /// Whether columns are null because of it, so that it must be told however many findings there
    /// are.
    #[must_use]
    pub const fn costs_values(self) -> bool {
        match self {
            Self::Changed | Self::Finer | Self::Gone => true,
            Self::Converted | Self::New => false,
        }
    }
}

impl DriftFinding {
    /// Adds the finding of another run of the same stream about the same member.
    pub fn add(&mut self, other: &Self) {
        self.times = self.times.saturating_add(other.times);
        self.at = self.at.max(other.at);
        self.form = self.form.take().or_else(|| other.form.clone());
        for kind in &other.kinds {
            if !self.kinds.contains(kind) {
                self.kinds.push(kind.clone());
            }
        }
    }

    /// Returns a sentence for display.
    #[must_use]
    pub fn sentence(&self) -> String {
        let member = escaped(&self.member, LONGEST_MEMBER);
        let times = self.times;
        let things = match (member.contains("[]"), times) {
            (false, 1) => "record",
            (false, _) => "records",
            (true, 1) => "item",
            (true, _) => "items",
        };
        let kinds = self.kinds.join(" or ");
        let such_as = self.form.as_ref().map(|form| format!(" (such as {form})"));
        let such_as = such_as.unwrap_or_default();
        match self.what {
            DriftKind::Changed => format!(
                "`{member}` was {kinds}{such_as} in {times} {things}, which its column does not \
                 hold: it is null there; kept in extra_json"
            ),
            DriftKind::Finer => format!(
                "`{member}` had more decimal places than its column{such_as} in {times} {things}: \
                 it is null there, so that nothing is rounded; kept in extra_json"
            ),
            DriftKind::Gone => format!("member `{member}` is no longer there"),
            DriftKind::Converted => format!(
                "`{member}` came as {kinds}{such_as} in {times} {things}; its column holds the \
                 same values"
            ),
            DriftKind::New => {
                format!("new member `{member}`, {times} {things}; kept in extra_json")
            }
        }
    }
}
