//! Reading the children of parents: which parents, from the trigger listing, and what became of
//! those that are missing there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::compact::IdSet;
use super::control::{Answered, Control, Standing};
use super::pager::{Pager, Proof, Setback};
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
    /// Parents whose own URL is asked.
    doubtful: Vec<Parent>,
    #[serde(skip)]
    asked: Vec<Parent>,
    /// Whether the URL of a parent can prove that one is gone.
    #[serde(default)]
    control: Control<Parent>,
    /// Whether the children of any parent were read in this pass.
    #[serde(default)]
    any_read: bool,
    /// When the first page of the trigger was requested.
    #[serde(default)]
    begun: Option<Timestamp>,
    /// Parents whose children were refused in this run, and whether they were parked before.
    #[serde(skip)]
    refused: Vec<(Parent, Known)>,
    /// Parents that were missing in the full pass before, too, without proof that they are gone.
    #[serde(skip)]
    absent_before: IdSet,
    /// The same of this pass.
    #[serde(default)]
    absent: IdSet,
}

/// Whether a parent's children failed in an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Parked,
    Fresh,
}

/// Parents whose children may be refused before those of any were read, until the stream counts as
/// refused.
const REFUSED_AT_FIRST: usize = 10;

impl Parents {
    pub(super) fn new(
        trigger: Pager,
        pass: Pass,
        parked: BTreeMap<i64, Parked>,
        absent_before: IdSet,
    ) -> Self {
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
            doubtful: Vec::new(),
            asked: Vec::new(),
            control: Control::default(),
            any_read: false,
            begun: None,
            refused: Vec::new(),
            absent_before,
            absent: IdSet::default(),
        }
    }

    /// Goes on in another run with the parents that are `parked` by now: passes of the same stream
    /// park and read them too, and each run tries them again.
    pub(super) fn resumed(&mut self, parked: &BTreeMap<i64, Parked>, absent_before: IdSet) {
        self.trigger.resumed();
        self.absent_before = absent_before;
        self.parked.clone_from(parked);
        self.units.extend_unless_known(parked.iter().map(|(id, parked)| {
            Unit::Parent(Parent { id: *id, created_year: parked.created_year })
        }));
    }

    pub(super) fn suspended(&self) -> Self {
        let mut saved = self.clone();
        saved.units = self.units.suspended();
        saved.control.suspend();
        saved.doubtful.append(&mut saved.asked);
        saved
    }

    /// Parents that were missing and not proven gone; `None` where none were compared.
    pub(super) fn absent(&self, pass: Pass) -> Option<&IdSet> {
        (pass == Pass::Full && self.is_done()).then_some(&self.absent)
    }

    /// Whether so many were refused before any was read that the others would be refused, too.
    pub(super) fn is_refused(&self) -> bool {
        let fresh = self.refused.iter().filter(|(_, known)| *known == Known::Fresh).count();
        !self.any_read && fresh >= REFUSED_AT_FIRST
    }

    /// Why the reading stops although no request is under way: Harvest refuses the children of all
    /// parents.
    pub(super) fn stopped(&mut self, spec: &PerParent, pass: Pass) -> Option<Stopped> {
        if self.any_read || self.refused.is_empty() {
            return None;
        }
        let all = pass == Pass::Full && self.is_done();
        if !all && !self.is_refused() {
            return None;
        }
        let refused = core::mem::take(&mut self.refused);
        let (first, _) = *refused.first()?;
        for (parent, known) in refused {
            if known == Known::Fresh {
                self.parked.remove(&parent.id);
            }
            self.units.push(Unit::Parent(parent));
        }
        let what = unit_path(spec.parent_path, Unit::Parent(first));
        Some(Stopped { what, failure: Failure::Forbidden })
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
        // Before the trigger is read whole it is not known what to ask first.
        if self.doubtful.is_empty() || !self.trigger.is_done() {
            return None;
        }
        let parent = match self.control.standing() {
            Standing::Open => self.control.next()?,
            Standing::Answers => {
                let parent = self.doubtful.pop()?;
                self.asked.push(parent);
                parent
            }
            Standing::NoSuchUrl | Standing::Unknown => return None,
        };
        Some((parent, Target::path(unit_path(spec.parent_path, Unit::Parent(parent)))))
    }

    /// Settles the fate of doubtful parents where the URL of a parent can prove nothing.
    fn settle(&mut self, pass: Pass) -> Vec<Effect> {
        let standing = self.control.standing();
        let is_open = matches!(standing, Standing::Open | Standing::Answers);
        if is_open || !self.trigger.is_done() {
            return Vec::new();
        }
        let mut effects = Vec::new();
        for parent in core::mem::take(&mut self.doubtful) {
            if pass == Pass::Incremental || self.parked.contains_key(&parent.id) {
                // It stays parked, or is for the next full pass.
                continue;
            }
            let twice = self.absent_before.0.contains(&parent.id);
            if twice && standing == Standing::NoSuchUrl {
                let unit = Unit::Parent(parent);
                effects.push(Effect::Complete { unit, covered: self.begun });
            } else {
                self.absent.0.insert(parent.id);
            }
        }
        effects
    }

    pub(super) fn on_parents(
        &mut self,
        spec: &PerParent,
        requested_at: Timestamp,
        facts: &PageFacts,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut fresh = BTreeSet::new();
        self.begun = self.begun.or(Some(requested_at));
        for found in &facts.parents {
            let unit = Unit::Parent(found.parent);
            self.control.offer(found.parent);
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
    pub(super) fn on_held(&mut self, pass: Pass, held: &HeldUnits) -> Vec<Effect> {
        let mut effects = self.units.on_held(held);
        if self.trigger.is_done() && !self.compared {
            self.compared = true;
            // A trigger that was not read whole names not all of them.
            if self.trigger.proof() == Proof::Proven {
                let missing = held.parents.difference(&self.listed);
                self.doubtful.extend(missing.map(|id| Parent { id: *id, created_year: None }));
            }
            self.listed.clear();
            effects.extend(self.settle(pass));
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
    pub(super) fn on_existing(&mut self, pass: Pass, parent: Parent, there: Parent) -> Vec<Effect> {
        if self.control.take(parent, Answered::There) {
            return self.settle(pass);
        }
        self.asked.retain(|one| *one != parent);
        if !self.parked.contains_key(&parent.id) {
            self.units.push(Unit::Parent(there));
        }
        Vec::new()
    }

    /// The parent's own URL answers 404: it is gone, since another parent's answered.
    pub(super) fn on_gone(
        &mut self,
        pass: Pass,
        parent: Parent,
        requested_at: Timestamp,
    ) -> Vec<Effect> {
        if self.control.take(parent, Answered::Gone) {
            return self.settle(pass);
        }
        self.asked.retain(|one| *one != parent);
        self.parked.remove(&parent.id);
        let unit = Unit::Parent(parent);
        match pass {
            // The sweep compares all parents; until then absence stays unproven.
            Pass::Incremental => Vec::new(),
            Pass::Full => vec![Effect::Complete { unit, covered: Some(requested_at) }],
        }
    }

    pub(super) fn on_existence_failure(
        &mut self,
        spec: &PerParent,
        pass: Pass,
        parent: Parent,
        last: bool,
    ) -> Vec<Effect> {
        let control = if last {
            self.control.take(parent, Answered::Nothing)
        } else {
            self.control.put_back(parent)
        };
        if control {
            return self.settle(pass);
        }
        self.asked.retain(|one| *one != parent);
        if last {
            let path = unit_path(spec.parent_path, Unit::Parent(parent));
            self.units.unproven.push(format!("{path} neither answers nor is gone"));
        } else {
            self.doubtful.push(parent);
        }
        Vec::new()
    }

    /// Where 404 under the URL of a parent proves nothing, for people.
    pub(super) fn remark(&self, spec: &PerParent) -> Option<String> {
        self.control.is_refuted().then(|| {
            format!(
                "{} answers 404 for a parent that was listed: children of missing parents go only when two full passes miss these",
                spec.parent_path
            )
        })
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
        let stops = !failure.is_of_its_request();
        if stops {
            let effects = self.units.put_back(unit);
            debug_assert!(!effects.is_empty(), "a unit put back is dropped first");
            return Err(Stopped { what, failure: failure.clone() });
        }
        let effects = self.units.give_up(unit);
        if *failure == Failure::Forbidden {
            let parked = self.parked.contains_key(&parent.id);
            self.refused.push((parent, if parked { Known::Parked } else { Known::Fresh }));
        }
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
