//! Reading of the children of parents: the trigger listing names the parents, and those missing
//! there are asked for by their own URL.

mod existence;
mod refused;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::compact::{AbsentRows, IdSet};
use super::control::ControlQuestion;
use super::pager::{ListProof, Pager, PagerSetback};
use super::units::UnitsReading;
use super::{AnswerEffect, PageFacts, Parent, Pass, Unit};
use crate::retry::RequestFailure;
use crate::spec::PerParent;
use crate::time::Timestamp;
use crate::window::Period;

/// A parent as a record of the trigger names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentFound {
    /// The parent.
    pub parent: Parent,
    /// Its `access_roles`, if the record has that member.
    pub roles: Option<Vec<String>>,
}

/// A parent whose children could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedParent {
    /// Year of its `created_at`.
    pub created_year: Option<i64>,
    /// Number of runs in which its children could not be read.
    pub attempts: u32,
    /// Why the last one could not, for display.
    pub reason: String,
}

/// The units of which a table holds rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableUnits {
    /// Whether it holds any row.
    pub any: bool,
    /// Parents with children, in tables of children.
    pub parents: BTreeSet<i64>,
    /// Windows with rows, in tables of reports.
    pub windows: BTreeSet<Period>,
}

impl TableUnits {
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
pub(super) struct ParentReading {
    pub(super) trigger: Pager,
    pub(super) units: UnitsReading,
    /// Saved beside the passes: both passes of a stream park parents and read them.
    #[serde(skip)]
    pub(super) parked: BTreeMap<i64, ParkedParent>,
    /// Full passes: every parent that the trigger named, until they are compared with those that
    /// the table holds.
    #[serde(with = "super::compact::id_set")]
    listed: BTreeSet<i64>,
    compared: bool,
    /// Parents that are known to have the role without which there are no children.
    #[serde(default)]
    with_role: IdSet,
    /// Records of the trigger that name no parent.
    #[serde(default)]
    unnamed: u64,
    /// Parents whose own URL is to be asked for.
    doubtful: Vec<Parent>,
    #[serde(skip)]
    asked: Vec<Parent>,
    /// Parents whose own URL answered 404, with the time of the request.
    #[serde(default)]
    denied: Vec<(Parent, Timestamp)>,
    /// Whether the URL of a parent can prove that one is gone.
    #[serde(default)]
    control: ControlQuestion<Parent>,
    /// Whether the children of any parent were read in this pass.
    #[serde(default)]
    any_read: bool,
    /// Parents whose children were refused in this run, and whether they were parked before.
    #[serde(skip)]
    refused: Vec<(Parent, ParkedBefore)>,
    /// Parents that the full pass before missed, too, without proof that they are gone.
    #[serde(skip)]
    absent_before: IdSet,
    /// Parents that this pass missed.
    #[serde(default)]
    missed: AbsentRows,
}

/// Whether a parent's children failed in an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ParkedBefore {
    Parked,
    Fresh,
}

/// Number of parents whose children may be refused before any children were read, until the stream
/// counts as refused.
const REFUSED_AT_FIRST: usize = 10;

impl ParentReading {
    pub(super) fn new(
        trigger: Pager,
        pass: Pass,
        parked: BTreeMap<i64, ParkedParent>,
        absent_before: IdSet,
    ) -> Self {
        let mut units = UnitsReading::default();
        units.extend(parked.iter().map(|(id, parked)| {
            Unit::Parent(Parent { id: *id, created_year: parked.created_year })
        }));
        Self {
            trigger,
            units,
            listed: parked.keys().copied().collect(),
            parked,
            compared: pass == Pass::Incremental,
            with_role: IdSet::default(),
            unnamed: 0,
            doubtful: Vec::new(),
            asked: Vec::new(),
            denied: Vec::new(),
            control: ControlQuestion::default(),
            any_read: false,
            refused: Vec::new(),
            absent_before,
            missed: AbsentRows::default(),
        }
    }

    /// Goes on in another run with the parents that are `parked` by now: both passes of a stream
    /// park and read them, and each run tries them again.
    pub(super) fn resumed(&mut self, parked: &BTreeMap<i64, ParkedParent>, absent_before: IdSet) {
        self.trigger.resumed();
        self.absent_before = absent_before;
        self.parked.clone_from(parked);
        // They are queued here: the trigger need not name them.
        self.listed.extend(parked.keys());
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

    /// Returns the parents to remember until the next sweep; `None` if none were compared.
    pub(super) fn absent(&self, pass: Pass) -> Option<&AbsentRows> {
        (pass == Pass::Full && self.is_done()).then_some(&self.missed)
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
            && self.denied.is_empty()
    }

    pub(super) fn on_parents(
        &mut self,
        spec: &PerParent,
        requested_at: Timestamp,
        facts: &PageFacts,
    ) -> Vec<AnswerEffect> {
        let mut effects = Vec::new();
        let mut fresh = BTreeSet::new();
        self.unnamed = self.unnamed.saturating_add(facts.quarantined);
        for found in &facts.parents {
            let unit = Unit::Parent(found.parent);
            self.control.offer(found.parent);
            let roles = spec.only_role.zip(found.roles.as_ref());
            let fits = roles.map(|(role, roles)| roles.iter().any(|one| one == role));
            if fits == Some(true) {
                self.with_role.0.insert(found.parent.id);
            }
            let is_new = self.listed.insert(found.parent.id);
            let is_parked = self.parked.contains_key(&found.parent.id);
            if fits == Some(false) && is_parked {
                self.parked.remove(&found.parent.id);
                effects.extend(self.units.withdraw(found.parent.id));
            } else if !is_new {
                continue;
            }
            if fits == Some(false) {
                effects.push(AnswerEffect::Complete { unit, covered: Some(requested_at) });
            } else {
                fresh.insert(unit);
            }
        }
        self.units.extend(fresh);
        effects
    }

    /// Compares the parents of which the table holds rows with those that the trigger named.
    pub(super) fn on_held(&mut self, pass: Pass, held: &TableUnits) -> Vec<AnswerEffect> {
        let mut effects = self.units.on_held(held);
        if self.trigger.is_done() && !self.compared {
            self.compared = true;
            // A trigger that was not read whole does not name all parents, and a record that names
            // none may belong to any of the missing ones.
            if self.unnamed == 0 && self.trigger.proof() == ListProof::Proven {
                let missing = held.parents.difference(&self.listed);
                self.doubtful.extend(missing.map(|id| Parent { id: *id, created_year: None }));
            }
            self.listed.clear();
            effects.extend(self.settle(pass));
        }
        effects
    }

    /// Whether the parent may be one that has no children for want of a role. One that is parked failed
    /// before, perhaps although it was known to have the role.
    pub(super) fn may_lack_role(&self, id: i64) -> bool {
        !self.with_role.0.contains(&id) && !self.parked.contains_key(&id)
    }

    /// Takes children that were read. A parent that was parked stays so if some of them may be missing:
    /// the pass then keeps its cursor, which may be past the parent's last change.
    pub(super) fn on_children(&mut self, effects: &[AnswerEffect]) {
        for effect in effects {
            if let AnswerEffect::Complete { unit: unit @ Unit::Parent(parent), .. } = effect {
                if !self.units.is_doubted(*unit) {
                    self.parked.remove(&parent.id);
                } else if let Some(parked) = self.parked.get_mut(&parent.id) {
                    parked.attempts = parked.attempts.saturating_add(1);
                    "its answers changed or contradicted each other".clone_into(&mut parked.reason);
                }
                self.any_read = true;
            }
        }
    }

    pub(super) fn on_trigger_failure(
        &mut self,
        slot: u32,
        failure: &RequestFailure,
        last: bool,
    ) -> PagerSetback {
        self.trigger.on_failure(slot, failure, last)
    }
}
