//! States of a stream.
//!
//! | state | meaning | needs a person |
//! | --- | --- | --- |
//! | `excluded` | the settings leave the stream out | no |
//! | `skipped` | its module is off in Harvest; its rows stay | no |
//! | `running` | a run works on it | no |
//! | `refused` | Harvest refuses it to this person (403) | yes |
//! | `failing` | the last run failed, or the table cannot be used | yes |
//! | `new` | no run has read anything yet | no |
//! | `waiting` | it is loaded, and a pass of it waits for the rate budget | no |
//! | `late` | its last complete pass began more than two usual intervals ago, and no pass waits | yes |
//! | `loading` | its first load is not complete | no |
//! | `current` | none of these | no |
//!
//! The first state that applies is shown. A table that cannot be read makes a stream `failing` that
//! is neither excluded nor skipped: no run will open the table of those.

use engine::item::{AccountItem, StreamItem};
use engine::plan::{StreamStanding, standing};
use engine::spec::StreamSpec;
use engine::time::{SignedDuration, Timestamp};
use engine::trouble::lag;
use serde::Serialize;

/// Number of intervals after which data is late. A pass begins once an interval is over, and the
/// table has its rows a while later: one interval would call every table late between two syncs.
const LATE_INTERVALS: i32 = 2;

/// State of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StreamCondition {
    Current,
    Running,
    Waiting,
    Loading,
    New,
    Late,
    Failing,
    Refused,
    Skipped,
    Excluded,
}

impl StreamCondition {
    /// States that the verdict counts, beside `Current`: the worst first.
    pub(super) const TOLD: [Self; 7] = [
        Self::Refused,
        Self::Failing,
        Self::Late,
        Self::New,
        Self::Loading,
        Self::Waiting,
        Self::Running,
    ];

    /// Returns the word of the document, which is also that for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Loading => "loading",
            Self::New => "new",
            Self::Late => "late",
            Self::Failing => "failing",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
            Self::Excluded => "excluded",
        }
    }

    /// Whether runs read the stream.
    pub(super) const fn is_read(self) -> bool {
        !matches!(self, Self::Skipped | Self::Excluded)
    }

    /// Whether the state does not end by itself.
    pub(super) const fn needs_a_person(self) -> bool {
        matches!(self, Self::Failing | Self::Refused | Self::Late)
    }
}

/// Facts that the state of a stream depends on, besides its item.
pub(super) struct ConditionFacts<A> {
    pub(super) excluded: bool,
    /// Tells whether the owner of a lease may still be at work.
    pub(super) alive: A,
    /// Interval at which changes are to be read.
    pub(super) interval: SignedDuration,
    /// Interval at which they usually are.
    pub(super) usual: SignedDuration,
    pub(super) now: Timestamp,
}

/// Returns the state of a stream: from what a person has decided to what has happened.
pub(super) fn condition<A: Fn(&str) -> bool>(
    spec: &StreamSpec,
    item: &StreamItem,
    account: &AccountItem,
    facts: &ConditionFacts<A>,
) -> StreamCondition {
    let StreamItem { position, health, .. } = item;
    let now = facts.now;
    let holds = |lease: &engine::lease::Lease| lease.is_held(now) && (facts.alive)(&lease.owner);
    let passes = [&position.full, &position.incremental];
    let begun = passes.iter().any(|pass| pass.last_begun.is_some() || pass.unfinished.is_some());
    let loaded = position.full.last_begun.is_some();
    let mut waits = passes.iter().filter_map(|pass| pass.unfinished.as_ref()?.waits_until);
    if facts.excluded {
        StreamCondition::Excluded
    } else if standing(spec, account) == StreamStanding::Skipped {
        StreamCondition::Skipped
    } else if item.lease.as_ref().is_some_and(holds) {
        StreamCondition::Running
    } else if health.refused {
        StreamCondition::Refused
    } else if health.last_error.is_some() {
        StreamCondition::Failing
    } else if !begun {
        StreamCondition::New
    } else if waits.any(|until| until > now) {
        // The budget is the reason for which nothing is read, and it comes back by itself.
        if loaded { StreamCondition::Waiting } else { StreamCondition::Loading }
    } else if lag(item, now) > facts.usual.saturating_mul(LATE_INTERVALS) {
        // Also a first load with which no run goes on.
        StreamCondition::Late
    } else if loaded {
        StreamCondition::Current
    } else {
        StreamCondition::Loading
    }
}
