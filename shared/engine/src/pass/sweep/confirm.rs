//! Confirmation of missing rows: gone for sure, existing after all, or not known yet.

mod requests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::SweepSlot;
use super::missing::{MissingGroup, MissingRows};
use crate::pass::RecordIds;
use crate::pass::compact::{AbsentRows, IdSet};
use crate::pass::control::{ControlQuestion, RecordAnswer, UrlStanding};
use crate::spec::Listing;

/// Largest number of rows that are asked for one by one. It is smaller in tests, which have few
/// rows.
pub(super) const ALONE: usize = if cfg!(test) { 6 } else { 200 };
/// Largest number of records that are asked for because their deletion deletes others.
const ALONG: usize = if cfg!(test) { 4 } else { 200 };
/// Size of the sample of rows that were missing twice.
const SAMPLE: usize = if cfg!(test) { 3 } else { 20 };

/// Requests for missing rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct MissingConfirmation {
    /// Whether the path of a record lies below that of the record whose deletion deletes it.
    nested: bool,
    /// Control question: whether 404 under a record's own URL proves that the record is gone.
    #[serde(default)]
    own: ControlQuestion<RecordIds>,
    /// The same for the records whose deletion deletes others.
    #[serde(default)]
    above: ControlQuestion<i64>,
    /// Rows that wait for the answer about the record in `along`.
    groups: Vec<MissingGroup>,
    along: BTreeSet<i64>,
    #[serde(skip)]
    asked_along: BTreeSet<i64>,
    /// Rows that are to be asked for, with the record above them.
    alone: BTreeMap<i64, Option<i64>>,
    #[serde(skip)]
    asked: BTreeMap<i64, Option<i64>>,
    /// Rows that the sweep before missed, too: gone, if all rows of the sample are.
    twice: IdSet,
    /// The sample of `twice`, which is asked for.
    sample: IdSet,
    /// Rows for which the way of asking is not decided yet.
    rest: Vec<MissingGroup>,
    absent_before: IdSet,
    /// Rows whose own URL answered 404.
    #[serde(default)]
    denied: IdSet,
    gone: IdSet,
    absent: IdSet,
    answered: u64,
    /// Rows whose own URL answered with neither their record nor 404.
    #[serde(default)]
    unanswered: u64,
}

impl MissingConfirmation {
    /// `proven`: whether all records that changed meanwhile were read. If not, each row is asked
    /// for. `samples`: records of the pages.
    pub(super) fn new(
        listing: &Listing,
        missing: MissingRows,
        absent_before: IdSet,
        proven: bool,
        samples: &[RecordIds],
    ) -> Self {
        let many = missing.len() > ALONE;
        let mut groups = missing.0;
        groups.sort_by_key(|group| core::cmp::Reverse(group.ids.0.len()));
        let mut confirm = Self {
            nested: listing.own_path.contains("{parent}"),
            absent_before: if proven { absent_before } else { IdSet::default() },
            ..Self::default()
        };
        for sample in samples {
            if !confirm.nested || sample.along.is_some() {
                confirm.own.offer(*sample);
            }
            if let Some(along) = sample.along {
                confirm.above.offer(along);
            }
        }
        for group in groups {
            match group.along {
                // One answer decides about several rows.
                Some(along)
                    if proven && (many || group.ids.0.len() > 1) && confirm.along.len() < ALONG =>
                {
                    confirm.along.insert(along);
                    confirm.groups.push(group);
                }
                Some(_) | None => confirm.rest.push(group),
            }
        }
        confirm.decide();
        confirm.settle();
        confirm
    }

    /// Gives up requests whose control questions brought no answer: their rows stay.
    fn settle(&mut self) {
        if !self.along.is_empty() && self.above.standing() == UrlStanding::Unknown {
            self.along.clear();
            let groups = core::mem::take(&mut self.groups);
            self.rest.extend(groups);
            self.decide();
        }
        if !self.alone.is_empty() && self.own.standing() == UrlStanding::Unknown {
            self.absent.0.append(&mut self.twice.0);
            self.absent.0.extend(core::mem::take(&mut self.alone).into_keys());
            self.sample.0.clear();
        }
    }

    /// Decides how to ask for the other rows, once the records of all groups have answered.
    fn decide(&mut self) {
        if !self.groups.is_empty() {
            return;
        }
        let mut open = BTreeMap::new();
        for group in core::mem::take(&mut self.rest) {
            if self.nested && group.along.is_none() {
                // Its path needs the id of the record above, which is not known.
                self.absent.0.extend(group.ids.0);
            } else {
                open.extend(group.ids.0.into_iter().map(|id| (id, group.along)));
            }
        }
        if open.len() > ALONE {
            self.twice.0.extend(open.keys().filter(|id| self.absent_before.0.contains(*id)));
            let step = self.twice.0.len().div_ceil(SAMPLE).max(1);
            self.sample.0.extend(self.twice.0.iter().step_by(step));
            let sampled = open.iter().filter(|(id, _)| self.sample.0.contains(*id));
            self.alone.extend(sampled.map(|(id, above)| (*id, *above)));
            open.retain(|id, _| !self.twice.0.contains(id));
        }
        if open.len() <= ALONE {
            self.alone.extend(open);
        } else {
            self.absent.0.extend(open.into_keys());
        }
    }

    /// Takes the answer to a control question.
    pub(super) fn on_control(&mut self, slot: SweepSlot, answered: RecordAnswer) {
        match slot {
            SweepSlot::OwnControl(sample) => self.own.take(sample, answered),
            SweepSlot::AlongControl(id) => self.above.take(id, answered),
            SweepSlot::Page(_)
            | SweepSlot::Other(_)
            | SweepSlot::Total
            | SweepSlot::Change(_)
            | SweepSlot::Own(_)
            | SweepSlot::Along(_) => false,
        };
        self.settle();
    }

    /// Returns remarks about URLs whose 404 proves nothing or that did not answer, for display.
    pub(super) fn remarks(&self, listing: &Listing) -> Vec<String> {
        let refuted = |path: &str| {
            format!(
                "{path} answers 404 for a record that a page had: missing rows go only when two sweeps miss them"
            )
        };
        let own = self.own.is_refuted().then(|| refuted(listing.own_path));
        let above = listing.goes_with.filter(|_| self.above.is_refuted());
        let unanswered = (self.unanswered > 0).then(|| {
            format!(
                "{} of the missing rows answer neither with their record nor with 404 under {}: they stay",
                self.unanswered, listing.own_path
            )
        });
        own.into_iter().chain(above.map(|along| refuted(along.path))).chain(unanswered).collect()
    }

    pub(super) fn is_done(&self) -> bool {
        self.groups.is_empty() && self.alone.is_empty() && self.asked.is_empty()
    }

    /// Returns the numbers of requests answered and to come.
    pub(super) fn progress(&self) -> (u64, u64) {
        let (waiting, asked) = (self.alone.len(), self.asked.len());
        let left = self.along.len().saturating_add(self.asked_along.len());
        (self.answered, left.saturating_add(waiting).saturating_add(asked) as u64)
    }

    /// Takes the answer about a record whose deletion deletes others. `None`: neither the record
    /// nor 404.
    pub(super) fn on_along(&mut self, id: i64, is_gone: Option<bool>) {
        self.answered = self.answered.saturating_add(1);
        self.asked_along.remove(&id);
        if is_gone == Some(false) {
            self.above.prove();
        }
        let (its, others) = core::mem::take(&mut self.groups)
            .into_iter()
            .partition(|group: &MissingGroup| group.along == Some(id));
        self.groups = others;
        if is_gone == Some(true) && self.above.standing() == UrlStanding::Answers {
            self.gone.0.extend(its.into_iter().flat_map(|group: MissingGroup| group.ids.0));
        } else {
            self.rest.extend(its);
        }
        self.decide();
        self.settle();
    }

    /// Takes 404 from the record's own URL.
    pub(super) fn on_gone(&mut self, id: i64) {
        self.answered = self.answered.saturating_add(1);
        self.asked.remove(&id);
        self.absent.0.remove(&id);
        self.twice.0.remove(&id);
        self.denied.0.insert(id);
        let open = |one: &i64| self.alone.contains_key(one) || self.asked.contains_key(one);
        if !self.sample.0.iter().any(open) {
            self.gone.0.append(&mut self.twice.0);
        }
    }

    /// Takes another answer about a record: it `is_there`, or its state is not known.
    pub(super) fn on_record(&mut self, id: i64, is_there: bool) {
        self.answered = self.answered.saturating_add(1);
        self.asked.remove(&id);
        if self.sample.0.contains(&id) {
            // A row of the sample that is not gone speaks for all of `twice`: none of them is
            // deleted.
            self.absent.0.append(&mut self.twice.0);
        }
        if is_there {
            self.own.prove();
            self.absent.0.remove(&id);
        } else {
            self.unanswered = self.unanswered.saturating_add(1);
            self.absent.0.insert(id);
        }
    }

    /// Returns the rows that are gone, and those to remember until the next sweep. If no record
    /// answered under its own URL, 404 counts only for rows that the sweep before missed, too.
    pub(super) fn take(&mut self) -> (BTreeSet<i64>, AbsentRows) {
        let proven = self.own.standing() == UrlStanding::Answers;
        for id in core::mem::take(&mut self.denied.0) {
            let is_gone = proven || self.absent_before.0.contains(&id);
            let fate = if is_gone { &mut self.gone } else { &mut self.absent };
            fate.0.insert(id);
        }
        let gone = core::mem::take(&mut self.gone.0);
        let twice = IdSet(gone.intersection(&self.absent_before.0).copied().collect());
        (gone, AbsentRows { once: core::mem::take(&mut self.absent), twice })
    }
}
