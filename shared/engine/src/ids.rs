//! Identities that must not be mixed up: account, run, attempt, epoch, sequence.
//!
//! Each is a type of its own, so that the compiler notices an epoch in the place of a sequence:
//! both are numbers that only rise, both are in every commit, and both would be accepted.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Declares an identity that is a text, in JSON as well.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Declares an identity that is a number, in JSON as well.
macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id! {
    /// A Harvest account, as in the header `Harvest-Account-Id`.
    AccountId, i64
}
number_id! {
    /// Fencing number of a stream's lease: the owner with the highest number has taken over.
    Epoch, u64
}
number_id! {
    /// Number of a table's commits that changed rows; commit and change log agree on it.
    Sequence, u64
}
text_id! {
    /// One attempt at one stream: random per execution, never taken from an event.
    AttemptId
}
text_id! {
    /// Name of one run for people and logs: `<time>-<stream>`.
    RunId
}

impl RunId {
    /// Returns the id of the run on `stream` that began at `began`.
    #[must_use]
    pub fn of(began: Timestamp, stream: &str) -> Self {
        Self(format!("{}-{stream}", began.strftime("%Y%m%dT%H%M%S%3fZ")))
    }

    /// Returns the start of the run from `text`, which begins with its id.
    #[must_use]
    pub fn began(text: &str) -> Option<Timestamp> {
        let (began, _) = text.split_once('-')?;
        let began = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S%fZ", began).ok()?;
        jiff::tz::Offset::UTC.to_timestamp(began).ok()
    }
}

impl Epoch {
    /// Returns the next higher epoch.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Sequence {
    /// Returns the sequence of the following commit.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
