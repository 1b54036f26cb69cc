//! Existence of parents that the trigger did not name, or whose children answer 404.
//!
//! A parent that is gone takes its children along, and they are deleted as a complete, empty unit.
//! That rests on a 404, which alone proves nothing. Either the URL must have answered for a parent
//! that exists (the control question), or two full passes in a row must have missed the parent.

use super::ParentReading;
use crate::pass::control::{RecordAnswer, UrlStanding};
use crate::pass::units::unit_path;
use crate::pass::{AnswerEffect, Parent, Pass, RequestTarget, Unit};
use crate::spec::PerParent;
use crate::time::Timestamp;

impl ParentReading {
    /// Returns the next request for a parent under its own URL: control questions first, because
    /// without their answer no 404 can be judged.
    pub(in crate::pass) fn next_existence(
        &mut self,
        spec: &PerParent,
    ) -> Option<(Parent, RequestTarget)> {
        // Candidates for the control question come from the trigger: it must be read first.
        if self.doubtful.is_empty() || !self.trigger.is_done() {
            return None;
        }
        let parent = match self.control.standing() {
            UrlStanding::Open => self.control.next()?,
            UrlStanding::Answers | UrlStanding::NoSuchUrl => {
                let parent = self.doubtful.pop()?;
                self.asked.push(parent);
                parent
            }
            UrlStanding::Unknown => return None,
        };
        Some((parent, RequestTarget::path(unit_path(spec.parent_path, Unit::Parent(parent)))))
    }

    /// Decides about doubtful parents once all requests are answered. If no parent answered under
    /// its own URL, 404 counts only for those that the full pass before missed, too.
    pub(super) fn settle(&mut self, pass: Pass) -> Vec<AnswerEffect> {
        let standing = self.control.standing();
        if standing == UrlStanding::Unknown && self.trigger.is_done() {
            // They wait for another run, or for the next full pass.
            let unknown = core::mem::take(&mut self.doubtful);
            self.stay(pass, unknown.into_iter().map(|parent| parent.id));
        }
        if standing == UrlStanding::Open || !self.doubtful.is_empty() || !self.asked.is_empty() {
            return Vec::new();
        }
        let mut effects = Vec::new();
        for (parent, at) in core::mem::take(&mut self.denied) {
            let twice = pass == Pass::Full && self.absent_before.0.contains(&parent.id);
            if standing != UrlStanding::Answers && !twice {
                self.stay(pass, [parent.id]);
                continue;
            }
            self.parked.remove(&parent.id);
            match pass {
                // The next sweep compares all parents; until then absence is unproven.
                Pass::Incremental => {}
                Pass::Full => {
                    if twice {
                        self.missed.twice.0.insert(parent.id);
                    }
                    effects.push(AnswerEffect::Complete {
                        unit: Unit::Parent(parent),
                        covered: Some(at),
                    });
                }
            }
        }
        effects
    }

    /// Remembers parents that are missing without proof. Parked ones stay parked instead.
    fn stay(&mut self, pass: Pass, ids: impl IntoIterator<Item = i64>) {
        if pass == Pass::Full {
            let parked = &self.parked;
            self.missed.once.0.extend(ids.into_iter().filter(|id| !parked.contains_key(id)));
        }
    }

    /// Takes the answer of the parent's own URL: it exists as `there`, so its children are read.
    pub(in crate::pass) fn on_existing(
        &mut self,
        pass: Pass,
        parent: Parent,
        there: Parent,
    ) -> Vec<AnswerEffect> {
        if !self.control.take(parent, RecordAnswer::There) {
            self.control.prove();
            self.asked.retain(|one| *one != parent);
            if !self.parked.contains_key(&parent.id) {
                self.units.push(Unit::Parent(there));
            }
        }
        self.settle(pass)
    }

    /// Takes 404 from the parent's own URL: it is gone, provided that the URL of another answers.
    pub(in crate::pass) fn on_gone(
        &mut self,
        pass: Pass,
        parent: Parent,
        requested_at: Timestamp,
    ) -> Vec<AnswerEffect> {
        if !self.control.take(parent, RecordAnswer::Gone) {
            self.asked.retain(|one| *one != parent);
            self.denied.push((parent, requested_at));
        }
        self.settle(pass)
    }

    pub(in crate::pass) fn on_existence_failure(
        &mut self,
        spec: &PerParent,
        pass: Pass,
        parent: Parent,
        last: bool,
    ) -> Vec<AnswerEffect> {
        let control = if last {
            self.control.take(parent, RecordAnswer::Nothing)
        } else {
            self.control.put_back(parent)
        };
        if !control {
            self.asked.retain(|one| *one != parent);
            if last {
                let path = unit_path(spec.parent_path, Unit::Parent(parent));
                self.units.unproven.push(format!("{path} neither answers nor is gone"));
            } else {
                self.doubtful.push(parent);
            }
        }
        self.settle(pass)
    }

    /// Returns remarks for display: records that name no parent, and a 404 under the URL of a parent
    /// that proves nothing.
    pub(in crate::pass) fn remarks(&self, spec: &PerParent) -> Vec<String> {
        let unnamed = (self.unnamed > 0).then(|| {
            format!(
                "{} records of {} have no usable id: their children are not read",
                self.unnamed, spec.trigger.path
            )
        });
        let refuted = self.control.is_refuted().then(|| {
            format!(
                "{} answers 404 for a parent that was listed: children of missing parents go only when two full passes miss these",
                spec.parent_path
            )
        });
        unnamed.into_iter().chain(refuted).collect()
    }
}
