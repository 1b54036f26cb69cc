//! What people are told of drift.

use serde::Serialize;

use crate::time::Timestamp;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What happened.
    pub what: What,
    /// The member's path.
    pub member: String,
    /// How often it was seen so; of what is gone: 0.
    pub times: u64,
    /// The kinds of value that were not as declared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// The form of one of them, without its content: `"9.9"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// When it was seen last; of what is gone: when that was first noticed.
    pub at: Timestamp,
}

/// What happened to a member; what people need to know first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Its values do not fit its column.
    Changed,
    /// Its numbers have more places after the point than its column.
    Finer,
    /// Records no longer have it.
    Gone,
    /// Its values came in another JSON type or form, and are in its column.
    Converted,
    /// The declaration does not know it.
    New,
}

impl What {
    /// Whether a column is null for it, so that it must be told however much else there is.
    #[must_use]
    pub const fn costs_values(self) -> bool {
        match self {
            Self::Changed | Self::Finer | Self::Gone => true,
            Self::Converted | Self::New => false,
        }
    }
}

/// The text with control characters written out: Harvest names the members, and a terminal would obey.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

impl Finding {
    /// Adds what another run of the same stream found of the same member.
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

    /// A sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let member = printable(&self.member);
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
            What::Changed => format!(
                "`{member}` was {kinds}{such_as} in {times} {things}, which its column does not \
                 hold: it is null there; kept in extra_json"
            ),
            What::Finer => format!(
                "`{member}` had more decimal places than its column{such_as} in {times} {things}: \
                 it is null there, so that nothing is rounded; kept in extra_json"
            ),
            What::Gone => format!("member `{member}` is no longer there"),
            What::Converted => format!(
                "`{member}` came as {kinds}{such_as} in {times} {things}; its column holds the \
                 same values"
            ),
            What::New => format!("new member `{member}`, {times} {things}; kept in extra_json"),
        }
    }
}
