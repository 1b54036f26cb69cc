//! Position of a stream, as its item and every commit hold it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::{PersonRoles, PersonSight, sight};
use crate::pass::{IdSet, ParkedParent, Pass};
use crate::quarantine::AnswerCounts;
use crate::time::{Date, Timestamp};
use crate::window::{FixedFeeAmounts, WindowGrid};

/// Position of a stream: written with every commit, then into the state item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamPosition {
    /// Everything that changed before this instant is in the table.
    pub cursor: Option<Timestamp>,
    /// The incremental pass.
    pub incremental: PassState,
    /// The full pass.
    pub full: PassState,
    /// Parents whose children could not be read.
    pub parked: ItemValue<BTreeMap<i64, ParkedParent>>,
    /// Rows that the last sweep missed without proof that they are gone.
    pub absent: ItemValue<IdSet>,
    /// Rows that two sweeps missed, and that are still there because their deletion was refused.
    #[serde(skip_serializing_if = "ItemValue::is_default")]
    pub spared: ItemValue<IdSet>,
    /// The grid of report windows that the table began with.
    pub grid: Option<WindowGrid>,
    /// Amounts of fixed fees in the report that the table began with.
    #[serde(skip_serializing_if = "FixedFeeAmounts::is_zero")]
    pub fixed_fees: FixedFeeAmounts,
    /// The first day that full passes read; an earlier setting starts a new full pass.
    pub start_date: Option<Date>,
    /// Whether the listing omits records unless it is asked for its two halves.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub by_halves: bool,
    /// Whether the table of changes has to begin anew at the end of the next full pass: until then
    /// the table may hold rows of another engine, also two of one key.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub rebases_changes: bool,
    /// Roles of the person whose token read the rows.
    pub roles: Vec<String>,
    /// Id of that person.
    pub person: Option<i64>,
}

impl StreamPosition {
    /// Returns the state of `pass`.
    #[must_use]
    pub const fn pass(&self, pass: Pass) -> &PassState {
        match pass {
            Pass::Incremental => &self.incremental,
            Pass::Full => &self.full,
        }
    }

    /// Marks everything to be read again, because the missing rows are not known. Knowledge of
    /// parents, windows and the person stays.
    pub fn begin_anew(&mut self) {
        self.cursor = None;
        self.absent = ItemValue::default();
        self.spared = ItemValue::default();
        for pass in [&mut self.incremental, &mut self.full] {
            pass.unfinished = None;
            pass.last_begun = None;
        }
    }

    /// Forgets everything but the person and the roles that the rows were last written with. A person
    /// who sees less must not be the one who reads the lost rows again.
    pub fn forget(&mut self) {
        let roles = core::mem::take(&mut self.roles);
        *self = Self { person: self.person, roles, ..Self::default() };
    }

    /// Compares whether the last person saw all that `now` sees. `Enough` where there was none.
    #[must_use]
    pub fn sight_of_last(&self, now: PersonRoles<'_>) -> PersonSight {
        let last = PersonRoles { person: self.person, roles: &self.roles };
        if self.roles.is_empty() { PersonSight::Enough } else { sight(now, last) }
    }

    /// Records the person and the roles with which `pass` read rows. If the last person may not have
    /// seen all that this one does, the next full pass is due: nothing else reads older records that
    /// only this one sees.
    pub fn written_by(&mut self, pass: Pass, person: Option<i64>, roles: Vec<String>) {
        let now = PersonRoles { person, roles: &roles };
        if pass == Pass::Incremental && self.sight_of_last(now) != PersonSight::Enough {
            self.full.last_begun = None;
            self.full.unfinished = None;
        }
        self.person = person.or(self.person);
        self.roles = roles;
    }

    /// Returns the keys of the lake objects that it names.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        let unfinished = [&self.incremental, &self.full].map(|pass| pass.unfinished.as_ref());
        let of_passes = unfinished.into_iter().flatten().flat_map(ResumablePass::objects);
        let of_stream = [self.parked.object(), self.absent.object(), self.spared.object()];
        of_passes.chain(of_stream.into_iter().flatten()).collect()
    }

    /// Returns the state of `pass` for change.
    pub const fn pass_mut(&mut self, pass: Pass) -> &mut PassState {
        match pass {
            Pass::Incremental => &mut self.incremental,
            Pass::Full => &mut self.full,
        }
    }
}

/// State of one of the two passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PassState {
    /// The unfinished pass.
    pub unfinished: Option<ResumablePass>,
    /// Time at which the last complete pass began, by our clock.
    pub last_begun: Option<Timestamp>,
    /// Time at which the last pass began that did not count, because its answers contradicted each
    /// other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubted: Option<Timestamp>,
    /// Requests that the last complete pass took: the expected cost of the next.
    pub last_requests: u64,
    /// Rows deleted by passes that were not allowed to delete all: the next pass goes on counting
    /// from here, so that a mass delete cannot come in instalments.
    pub deleted: u64,
}

/// A pass that goes on in the next run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResumablePass {
    /// Its start by the server's clock: the next cursor.
    pub start: Timestamp,
    /// Time at which it began, by our clock.
    pub begun: Timestamp,
    /// The saved reading.
    pub resume: ItemValue<serde_json::Value>,
    /// Key of the object with the ids that a sweep has seen so far.
    #[serde(default)]
    pub seen: Option<String>,
    /// Rows that it has deleted so far.
    pub deleted: u64,
    /// Rows that it was not allowed to delete so far: if there are any, the pass runs again.
    #[serde(default)]
    pub refused: u64,
    /// Counts of records in its answers so far.
    #[serde(default)]
    pub answers: AnswerCounts,
    /// The first day that it reads, as set by the operator.
    #[serde(default)]
    pub start_date: Option<Date>,
    /// Requests that it has taken so far.
    pub requests: u64,
    /// Units read and units left, for display.
    pub progress: (u64, u64),
    /// Time at which a run last worked on it, by our clock.
    pub tried_at: Timestamp,
    /// Time at which the budget has room for it again; `None`: it does not wait for the budget.
    pub waits_until: Option<Timestamp>,
}

impl ResumablePass {
    /// Returns the keys of the lake objects that it names.
    pub fn objects(&self) -> impl Iterator<Item = String> {
        self.resume.object().into_iter().chain(self.seen.clone())
    }
}

/// A value in the item, or the key of the lake object that holds it because it is large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemValue<T> {
    /// The value.
    Here(T),
    /// Key of a JSON object below the lake's root.
    At(String),
}

impl<T: Default> Default for ItemValue<T> {
    fn default() -> Self {
        Self::Here(T::default())
    }
}

impl<T: Default + PartialEq> ItemValue<T> {
    /// Whether it is the value that a missing one stands for.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl<T> ItemValue<T> {
    /// Returns the key of the object that holds the value; `None`: the value is here.
    #[must_use]
    pub fn object(&self) -> Option<String> {
        match self {
            Self::Here(_) => None,
            Self::At(key) => Some(key.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A position in which everything is known that may be forgotten or kept.
    fn position() -> StreamPosition {
        let pass = |key: &str| PassState {
            unfinished: Some(ResumablePass {
                start: Timestamp::UNIX_EPOCH,
                begun: Timestamp::UNIX_EPOCH,
                resume: ItemValue::At(format!("{key}/resume")),
                seen: Some(format!("{key}/seen")),
                deleted: 1,
                refused: 2,
                answers: AnswerCounts::default(),
                start_date: None,
                requests: 3,
                progress: (4, 5),
                tried_at: Timestamp::UNIX_EPOCH,
                waits_until: None,
            }),
            last_begun: Some(Timestamp::UNIX_EPOCH),
            doubted: None,
            last_requests: 6,
            deleted: 7,
        };
        StreamPosition {
            cursor: Some(Timestamp::UNIX_EPOCH),
            incremental: pass("incremental"),
            full: pass("full"),
            parked: ItemValue::At("parked".to_owned()),
            absent: ItemValue::At("absent".to_owned()),
            spared: ItemValue::At("spared".to_owned()),
            grid: Some(WindowGrid::default()),
            by_halves: true,
            roles: vec!["administrator".to_owned()],
            person: Some(8),
            ..StreamPosition::default()
        }
    }

    #[test]
    fn a_position_names_every_object_that_it_needs() {
        let mut named = position().objects();
        named.sort();
        let of_passes = ["full/resume", "full/seen", "incremental/resume", "incremental/seen"]
            .map(str::to_owned);
        let wanted = ["absent".to_owned()]
            .into_iter()
            .chain(of_passes)
            .chain(["parked", "spared"].map(str::to_owned));
        assert_eq!(named, wanted.collect::<Vec<_>>());
        assert_eq!(StreamPosition::default().objects(), Vec::<String>::new());
    }

    #[test]
    fn a_new_beginning_forgets_how_far_the_reading_is_and_nothing_else() {
        let (before, mut anew) = (position(), position());
        anew.begin_anew();
        let pass =
            |pass: &PassState| PassState { unfinished: None, last_begun: None, ..pass.clone() };
        let wanted = StreamPosition {
            cursor: None,
            absent: ItemValue::default(),
            spared: ItemValue::default(),
            incremental: pass(&before.incremental),
            full: pass(&before.full),
            ..before
        };
        assert_eq!(anew, wanted);
    }

    #[test]
    fn person_and_roles_outlive_the_rows_and_an_unknown_person_replaces_nobody() {
        let mut position = position();
        position.forget();
        let roles = vec!["administrator".to_owned()];
        let left = StreamPosition { roles, person: Some(8), ..StreamPosition::default() };
        assert_eq!(position, left);
        position.written_by(Pass::Full, None, vec!["member".to_owned()]);
        assert_eq!(
            (position.person, position.roles.as_slice()),
            (Some(8), &["member".to_owned()][..])
        );
        position.written_by(Pass::Full, Some(9), Vec::new());
        assert_eq!((position.person, position.roles.len()), (Some(9), 0));
    }
}
