//! Reading the children of parents: which parents, from the trigger listing, and what became of
//! those that are missing there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::pager::{Pager, Setback};
use super::units::{Units, unit_path};
use super::{Effect, PageFacts, Parent, Pass, Stopped, Target, Unit};
use crate::retry::Failure;
use crate::spec::PerParent;
use crate::time::Timestamp;
use crate::window::Period;

/// A parent as a record of the trigger names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentFound {
    /// Which.
    pub parent: Parent,
    /// Its `access_roles`, where the record has that member.
    pub roles: Option<Vec<String>>,
}

/// A parent whose children could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Year of its `created_at`.
    pub created_year: Option<i64>,
    /// In how many runs it failed.
    pub attempts: u32,
    /// What happened last, for people.
    pub reason: String,
}

/// The units of which a table holds rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldUnits {
    /// Whether it holds any row.
    pub any: bool,
    /// Parents with children, in tables of children.
    pub parents: BTreeSet<i64>,
    /// Windows with rows, in tables of reports.
    pub windows: BTreeSet<Period>,
}

impl HeldUnits {
    /// Whether the table holds rows of `unit`.
    #[must_use]
    pub fn holds(&self, unit: Unit) -> bool {
        match unit {
            Unit::Stream => self.any,
            Unit::Parent(parent) => self.parents.contains(&parent.id),
            Unit::Window(period) => self.windows.contains(&period),
        }
    }
}

/// A per parent reading.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Parents {
    pub(super) trigger: Pager,
    pub(super) units: Units,
    /// Saved beside the passes: both of a stream park and read them.
    #[serde(skip)]
    pub(super) parked: BTreeMap<i64, Parked>,
    /// Full passes: every parent that the trigger named, until the held ones are compared.
    #[serde(with = "super::compact::id_set")]
    listed: BTreeSet<i64>,
    compared: bool,
    /// Records of the trigger that name no parent.
    #[serde(default)]
    unnamed: u64,
    /// Parents whose own URL is asked.
    doubtful: Vec<Parent>,
    #[serde(skip)]
    asked: Vec<Parent>,
    /// Whether any parent was read in this run.
    #[serde(skip)]
    any_read: bool,
}

impl Parents {
    pub(super) fn new(trigger: Pager, pass: Pass, parked: BTreeMap<i64, Parked>) -> Self {
        let mut units = Units::default();
        units.extend(parked.iter().map(|(id, parked)| {
            Unit::Parent(Parent { id: *id, created_year: parked.created_year })
        }));
        Self {
            trigger,
            units,
            listed: parked.keys().copied().collect(),
            parked,
            compared: pass == Pass::Incremental,
            unnamed: 0,
            doubtful: Vec::new(),
            asked: Vec::new(),
            any_read: false,
        }
    }

    /// Goes on in another run with the parents that are `parked` by now: passes of the same stream
    /// park and read them too, and each run tries them again.
    pub(super) fn resumed(&mut self, parked: &BTreeMap<i64, Parked>) {
        self.trigger.resumed();
        self.parked.clone_from(parked);
        self.units.extend_unless_known(parked.iter().map(|(id, parked)| {
            Unit::Parent(Parent { id: *id, created_year: parked.created_year })
        }));
    }

    pub(super) fn suspended(&self) -> Self {
        let mut saved = self.clone();
        saved.units = self.units.suspended();
        saved.doubtful.append(&mut saved.asked);
        saved
    }

    pub(super) fn needs_held(&self) -> bool {
        self.units.needs_held() || (self.trigger.is_done() && !self.compared)
    }

    pub(super) fn is_done(&self) -> bool {
        self.trigger.is_done()
            && self.compared
            && self.units.is_done()
            && self.doubtful.is_empty()
            && self.asked.is_empty()
    }

    pub(super) fn next_existence(&mut self, spec: &PerParent) -> Option<(Parent, Target)> {
        let parent = self.doubtful.pop()?;
        self.asked.push(parent);
        Some((parent, Target::path(unit_path(spec.parent_path, Unit::Parent(parent)))))
    }

    pub(super) fn on_parents(
        &mut self,
        spec: &PerParent,
        requested_at: Timestamp,
        facts: &PageFacts,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut fresh = BTreeSet::new();
        self.unnamed = self.unnamed.saturating_add(facts.quarantined);
        for found in &facts.parents {
            let unit = Unit::Parent(found.parent);
            if !self.listed.insert(found.parent.id) {
                continue;
            }
            let barren = spec.only_role.is_some_and(|role| {
                found.roles.as_ref().is_some_and(|roles| roles.iter().all(|one| one != role))
            });
            if barren {
                effects.push(Effect::Complete { unit, covered: Some(requested_at) });
            } else {
                fresh.insert(unit);
            }
        }
        self.units.extend(fresh);
        effects
    }

    /// Compares the parents we hold rows of with those that the trigger named.
    pub(super) fn on_held(&mut self, held: &HeldUnits) -> Vec<Effect> {
        let effects = self.units.on_held(held);
        if self.trigger.is_done() && !self.compared {
            self.compared = true;
            // A record that names no parent may be that of any that is missing.
            if self.unnamed == 0 {
                let missing = held.parents.difference(&self.listed);
                self.doubtful.extend(missing.map(|id| Parent { id: *id, created_year: None }));
            }
            self.listed.clear();
        }
        effects
    }

    pub(super) fn on_children(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Complete { unit: Unit::Parent(parent), .. } = effect {
                self.parked.remove(&parent.id);
                self.any_read = true;
            }
        }
    }

    /// The parent's own URL answers: it is `there`, so its children are read.
    pub(super) fn on_existing(&mut self, parent: Parent, there: Parent) {
        self.asked.retain(|one| *one != parent);
        if !self.parked.contains_key(&parent.id) {
            self.units.push(Unit::Parent(there));
        }
    }

    /// The parent's own URL answers 404: it is gone.
    pub(super) fn on_gone(
        &mut self,
        pass: Pass,
        parent: Parent,
        requested_at: Timestamp,
    ) -> Vec<Effect> {
        self.asked.retain(|one| *one != parent);
        self.parked.remove(&parent.id);
        let unit = Unit::Parent(parent);
        match pass {
            // The sweep compares all parents; until then absence stays unproven.
            Pass::Incremental => Vec::new(),
            Pass::Full => vec![Effect::Complete { unit, covered: Some(requested_at) }],
        }
    }

    pub(super) fn on_existence_failure(&mut self, spec: &PerParent, parent: Parent, last: bool) {
        self.asked.retain(|one| *one != parent);
        if last {
            let path = unit_path(spec.parent_path, Unit::Parent(parent));
            self.units.unproven.push(format!("{path} neither answers nor is gone"));
        } else {
            self.doubtful.push(parent);
        }
    }

    /// A child request failed for good: the parent is parked, or the stream stops.
    pub(super) fn give_up(
        &mut self,
        spec: &PerParent,
        parent: Parent,
        failure: &Failure,
    ) -> Result<Vec<Effect>, Stopped> {
        let unit = Unit::Parent(parent);
        let what = unit_path(spec.parent_path, unit);
        let stops = match failure {
            Failure::Forbidden => !self.any_read,
            Failure::Unauthorized | Failure::Unreachable | Failure::RateLimited { .. } => true,
            Failure::TimedOut
            | Failure::Server(_)
            | Failure::Malformed
            | Failure::NotFound
            | Failure::Invalid(_)
            | Failure::Unexpected(_)
            | Failure::ForeignLink => false,
        };
        if stops {
            let effects = self.units.put_back(unit);
            debug_assert!(!effects.is_empty(), "a unit put back is dropped first");
            return Err(Stopped { what, failure: failure.clone() });
        }
        let effects = self.units.give_up(unit);
        let parked = self.parked.entry(parent.id).or_insert_with(|| Parked {
            created_year: parent.created_year,
            attempts: 0,
            reason: String::new(),
        });
        parked.attempts = parked.attempts.saturating_add(1);
        parked.reason = format!("{failure:?}");
        if *failure == Failure::NotFound {
            // 404 on the children's path alone proves nothing.
            self.doubtful.push(parent);
        }
        Ok(effects)
    }

    pub(super) fn on_trigger_failure(
        &mut self,
        slot: u32,
        failure: &Failure,
        last: bool,
    ) -> Setback {
        self.trigger.on_failure(slot, failure, last)
    }
}
