//! Effects of answers and failures on a sweep.
//!
//! A sweep passes through its stages in one direction: pages, changes, confirmation, done.

use super::confirm::MissingConfirmation;
use super::halves::pagers as halves_of;
use super::{SAMPLES, SweepReading, SweepSlot, SweepStage};
use crate::key::KeyPart;
use crate::pass::control::RecordAnswer;
use crate::pass::pager::{ListProof, PagerSetback};
use crate::pass::{AnswerEffect, PageFacts};
use crate::retry::RequestFailure;
use crate::spec::Listing;
use crate::time::Timestamp;

impl SweepReading {
    /// Takes a usable answer.
    ///
    /// The beginning of the sweep is the earliest request for a page, not the first answer: rows
    /// that were written after that request may be newer than the page that lacks them.
    pub(in crate::pass) fn on_page(
        &mut self,
        listing: &Listing,
        path: &str,
        slot: SweepSlot,
        requested_at: Timestamp,
        facts: &PageFacts,
    ) -> Vec<AnswerEffect> {
        match (slot, &mut self.stage) {
            (SweepSlot::Page(at) | SweepSlot::Other(at), _) => {
                self.begun = Some(self.begun.map_or(requested_at, |at| at.min(requested_at)));
                self.records = self.records.saturating_add(facts.records());
                self.quarantined = self.quarantined.saturating_add(facts.quarantined);
                let room = SAMPLES.saturating_sub(self.samples.len());
                self.samples.extend(facts.samples.iter().take(room));
                match (slot, &mut self.other) {
                    (SweepSlot::Other(_), Some(other)) => other.on_page(at, facts),
                    _ => self.pages.on_page(at, facts),
                };
                vec![AnswerEffect::Keep]
            }
            (SweepSlot::Total, SweepStage::Pages) => {
                self.halves.take(facts.total_entries);
                if self.halves.whole() == Some(false)
                    && let Some(filter) = listing.halves
                {
                    let [active, archived] = halves_of(listing.paging, path, &[], filter);
                    (self.pages, self.other) = (active, Some(archived));
                }
                Vec::new()
            }
            (SweepSlot::Change(slot), SweepStage::Changes { pager, missing, .. }) => {
                pager.on_page(slot, facts);
                self.quarantined = self.quarantined.saturating_add(facts.quarantined);
                ids(facts).for_each(|id| missing.found(id));
                self.kept_and_settled(listing)
            }
            (SweepSlot::Own(id), SweepStage::Confirm(confirm)) => {
                confirm.on_record(id, ids(facts).any(|found| found == id));
                self.settle_after(listing, id, facts)
            }
            (SweepSlot::OwnControl(sample), SweepStage::Confirm(confirm)) => {
                let there = ids(facts).any(|found| found == sample.id);
                let answered = if there { RecordAnswer::There } else { RecordAnswer::Nothing };
                confirm.on_control(slot, answered);
                self.settle_after(listing, sample.id, facts)
            }
            (SweepSlot::AlongControl(_), SweepStage::Confirm(confirm)) => {
                confirm.on_control(slot, RecordAnswer::There);
                self.settle(listing)
            }
            (SweepSlot::Along(id), SweepStage::Confirm(confirm)) => {
                confirm.on_along(id, Some(false));
                self.settle(listing)
            }
            (
                SweepSlot::Total
                | SweepSlot::Change(_)
                | SweepSlot::Own(_)
                | SweepSlot::Along(_)
                | SweepSlot::OwnControl(_)
                | SweepSlot::AlongControl(_),
                _,
            ) => Vec::new(),
        }
    }

    /// Goes on after the answer of the URL of record `id`. A record with another id is not kept: no
    /// list has it.
    fn settle_after(&mut self, listing: &Listing, id: i64, facts: &PageFacts) -> Vec<AnswerEffect> {
        if ids(facts).all(|found| found == id) {
            self.kept_and_settled(listing)
        } else {
            self.settle(listing)
        }
    }

    /// Keeps the answer's records, which are newer than the table's, and goes on.
    fn kept_and_settled(&mut self, listing: &Listing) -> Vec<AnswerEffect> {
        let mut effects = vec![AnswerEffect::Keep];
        effects.extend(self.settle(listing));
        effects
    }

    /// Goes on to the next stage if the present one has ended.
    fn settle(&mut self, listing: &Listing) -> Vec<AnswerEffect> {
        if let SweepStage::Changes { pager, missing, absent_before } = &mut self.stage
            && pager.is_done()
        {
            let (missing, before) = (core::mem::take(missing), core::mem::take(absent_before));
            // If the changed records were not all read, or a record has no usable id, any of the
            // missing rows may be among them.
            let proven = pager.proof() == ListProof::Proven && self.quarantined == 0;
            let confirm = MissingConfirmation::new(listing, missing, before, proven, &self.samples);
            self.stage = SweepStage::Confirm(confirm);
        }
        let SweepStage::Confirm(confirm) = &mut self.stage else {
            return Vec::new();
        };
        if !confirm.is_done() {
            return Vec::new();
        }
        self.remarks = confirm.remarks(listing);
        let (gone, missed) = confirm.take();
        let once = missed.once.0.len();
        if once > 0 && self.quarantined > 0 {
            self.remarks.push(format!(
                "{once} of the rows were in no answer, and may be among the records that could not become rows: they stay until a full pass can read these (`harvest-lake quarantine` lists them)"
            ));
        } else if once > 0 {
            self.remarks.push(format!(
                "{once} rows were in no answer, without proof that they are gone: they stay until the next full pass misses them, too"
            ));
        }
        self.missed = Some(missed);
        self.stage = SweepStage::Done;
        match self.begun {
            Some(begun) if !gone.is_empty() => vec![AnswerEffect::Gone { ids: gone, begun }],
            Some(_) | None => Vec::new(),
        }
    }

    /// Frees the failed request; `None` if nothing else can be tried.
    pub(in crate::pass) fn on_failure(
        &mut self,
        listing: &Listing,
        slot: SweepSlot,
        failure: &RequestFailure,
        last: bool,
    ) -> Option<Vec<AnswerEffect>> {
        let setback = match (slot, &mut self.stage) {
            (SweepSlot::Page(slot), _) => self.pages.on_failure(slot, failure, last),
            (SweepSlot::Other(slot), _) => match &mut self.other {
                Some(other) => other.on_failure(slot, failure, last),
                None => PagerSetback::Same,
            },
            (SweepSlot::Total, _) => {
                self.halves.on_failure(last);
                return Some(Vec::new());
            }
            (SweepSlot::Change(slot), SweepStage::Changes { pager, .. }) => {
                pager.on_failure(slot, failure, last)
            }
            (SweepSlot::Own(id), SweepStage::Confirm(confirm)) => {
                if *failure == RequestFailure::NotFound {
                    confirm.on_gone(id);
                } else if last {
                    confirm.on_record(id, false);
                } else {
                    confirm.put_back(slot);
                }
                return Some(self.settle(listing));
            }
            (SweepSlot::Along(id), SweepStage::Confirm(confirm)) => {
                if *failure == RequestFailure::NotFound || last {
                    confirm.on_along(id, (*failure == RequestFailure::NotFound).then_some(true));
                } else {
                    confirm.put_back(slot);
                }
                return Some(self.settle(listing));
            }
            (
                SweepSlot::OwnControl(_) | SweepSlot::AlongControl(_),
                SweepStage::Confirm(confirm),
            ) => {
                if *failure == RequestFailure::NotFound {
                    confirm.on_control(slot, RecordAnswer::Gone);
                } else if last {
                    confirm.on_control(slot, RecordAnswer::Nothing);
                } else {
                    confirm.put_back(slot);
                }
                return Some(self.settle(listing));
            }
            (
                SweepSlot::Change(_)
                | SweepSlot::Own(_)
                | SweepSlot::Along(_)
                | SweepSlot::OwnControl(_)
                | SweepSlot::AlongControl(_),
                _,
            ) => return Some(Vec::new()),
        };
        match setback {
            PagerSetback::Same | PagerSetback::Restart => Some(Vec::new()),
            PagerSetback::Final => None,
        }
    }
}
/// Returns the ids of an answer's records.
fn ids(facts: &PageFacts) -> impl Iterator<Item = i64> + '_ {
    facts.keys.iter().filter_map(|key| match key.0.as_slice() {
        [KeyPart::Int(id)] => Some(*id),
        _ => None,
    })
}
