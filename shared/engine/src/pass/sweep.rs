//! A listing read whole: its pages, then what became of the rows of ours that no page had.
//!
//! Rows that are missing are no deletions yet. What changed while the pages were read is read first:
//! a record that moved between pages was passed over, and is in there. Of those that are still
//! missing the own URL is asked, or that of the record which takes them along. Where there are too
//! many, absence counts from the second sweep on, and some of them are asked all the same.

mod confirm;
mod missing;

use serde::{Deserialize, Serialize};

pub use missing::{Days, Missing, Scope};

use confirm::Confirm;

use super::compact::IdSet;
use super::pager::{Pager, Proof, Question, Setback};
use super::{Effect, PageFacts, Target};
use crate::key::KeyPart;
use crate::retry::Failure;
use crate::spec::Listing;
use crate::time::Timestamp;

/// A full pass over a listing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sweep {
    pages: Pager,
    stage: Stage,
    /// Whether absence is looked at: not while an empty table is loaded.
    compares: bool,
    /// When the first page was requested.
    begun: Option<Timestamp>,
    records: u64,
    /// Records without a usable key: any row may be one of them.
    quarantined: u64,
    /// An empty listing was read twice.
    twice: bool,
    /// What to remember until the next sweep.
    absent: Option<IdSet>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stage {
    /// The listing is read.
    Pages,
    /// What changed since the beginning is read.
    Changes { pager: Pager, missing: Missing, absent_before: IdSet },
    /// What is still missing is asked for.
    Confirm(Confirm),
    /// Nothing is left to do.
    Done,
}

/// Whose request it was.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    /// A page of the listing, by the slot of its pager.
    Page(u32),
    /// A page of what changed meanwhile.
    Change(u32),
    /// The record's own URL.
    Own(i64),
    /// The URL of the record that takes others along.
    Along(i64),
}

impl Sweep {
    pub(super) fn new(pages: Pager, compares: bool) -> Self {
        Self {
            pages,
            stage: Stage::Pages,
            compares,
            begun: None,
            records: 0,
            quarantined: 0,
            twice: false,
            absent: None,
        }
    }

    /// The saved form: what is under way is asked again.
    pub(super) fn suspended(&self) -> Self {
        let mut saved = self.clone();
        if let Stage::Confirm(confirm) = &mut saved.stage {
            confirm.put_back_all();
        }
        saved
    }

    /// Goes on in another run. Without what was seen before (`compares` is false then) nothing can
    /// be said of what is missing.
    pub(super) fn resumed(&mut self, compares: bool) {
        self.pages.resumed();
        match &mut self.stage {
            Stage::Pages => self.compares &= compares,
            Stage::Changes { pager, .. } => pager.resumed(),
            Stage::Confirm(_) | Stage::Done => {}
        }
    }

    pub(super) fn next(&mut self, listing: &Listing) -> Option<(Slot, Question)> {
        match &mut self.stage {
            Stage::Pages => self.pages.next().map(|question| (Slot::Page(question.slot), question)),
            Stage::Changes { pager, .. } => {
                pager.next().map(|question| (Slot::Change(question.slot), question))
            }
            Stage::Confirm(confirm) => {
                let (slot, path) = confirm.next(listing)?;
                let target = Target::path(path);
                Some((slot, Question { slot: 0, target, count_only: false }))
            }
            Stage::Done => None,
        }
    }

    /// The part of the table that is to be compared with what was seen, once all pages are in.
    pub(super) fn wants_missing(&self) -> Option<Scope> {
        let pages_are_in = matches!(self.stage, Stage::Pages) && self.pages.is_done();
        (pages_are_in && self.compares).then(|| Scope {
            begun: self.begun.unwrap_or(Timestamp::MIN),
            days: if self.quarantined > 0 { None } else { self.pages.days() },
        })
    }

    /// Whether what is seen is still to be remembered.
    pub(super) fn watches(&self) -> bool {
        self.compares && matches!(self.stage, Stage::Pages)
    }

    pub(super) fn is_done(&self) -> bool {
        match &self.stage {
            Stage::Pages => self.pages.is_done() && !self.compares,
            Stage::Changes { .. } => false,
            Stage::Confirm(confirm) => confirm.is_done(),
            Stage::Done => true,
        }
    }

    pub(super) fn proof(&self) -> Proof {
        self.pages.proof()
    }

    /// Rows that were missing and not proven gone; `None` where nothing was compared.
    pub(super) fn absent(&self) -> Option<&IdSet> {
        self.absent.as_ref()
    }

    /// Requests answered and to come for what is missing, for people.
    pub(super) fn progress(&self) -> (u64, u64) {
        match &self.stage {
            Stage::Pages | Stage::Changes { .. } | Stage::Done => (0, 0),
            Stage::Confirm(confirm) => confirm.progress(),
        }
    }

    pub(super) fn on_page(
        &mut self,
        listing: &Listing,
        slot: Slot,
        requested_at: Timestamp,
        facts: &PageFacts,
    ) -> Vec<Effect> {
        match (slot, &mut self.stage) {
            (Slot::Page(slot), _) => {
                self.begun = Some(self.begun.map_or(requested_at, |at| at.min(requested_at)));
                self.records = self.records.saturating_add(facts.records());
                self.quarantined = self.quarantined.saturating_add(facts.quarantined);
                self.pages.on_page(slot, facts);
                vec![Effect::Keep]
            }
            (Slot::Change(slot), Stage::Changes { pager, missing, .. }) => {
                pager.on_page(slot, facts);
                ids(facts).for_each(|id| missing.found(id));
                let mut effects = vec![Effect::Keep];
                effects.extend(self.settle(listing));
                effects
            }
            (Slot::Own(id), Stage::Confirm(confirm)) => {
                confirm.on_record(id, ids(facts).any(|found| found == id));
                let mut effects = vec![Effect::Keep];
                effects.extend(self.settle(listing));
                effects
            }
            (Slot::Along(id), Stage::Confirm(confirm)) => {
                confirm.on_along(id, false);
                self.settle(listing)
            }
            (Slot::Change(_) | Slot::Own(_) | Slot::Along(_), _) => Vec::new(),
        }
    }

    /// Takes the rows of the table that no page had. `since`: when the pass began, by the server.
    pub(super) fn on_missing(
        &mut self,
        listing: &Listing,
        path: &str,
        missing: Missing,
        absent_before: IdSet,
        since: Timestamp,
    ) -> Vec<Effect> {
        if !matches!(self.stage, Stage::Pages) {
            return Vec::new();
        }
        if missing.is_empty() {
            self.absent = Some(IdSet::default());
            self.stage = Stage::Done;
            return Vec::new();
        }
        if self.records == 0 && !self.twice {
            // Emptiness counts only twice where we hold rows.
            self.twice = true;
            self.pages.restart();
            return Vec::new();
        }
        let since = self.begun.map_or(since, |begun| begun.min(since));
        let filter = vec![("updated_since".to_owned(), crate::cursor::read_from(since))];
        let pager = Pager::new(listing.paging, path, filter, None);
        self.stage = Stage::Changes { pager, missing, absent_before };
        Vec::new()
    }

    /// Goes on to the next stage where one is at its end.
    fn settle(&mut self, listing: &Listing) -> Vec<Effect> {
        if let Stage::Changes { pager, missing, absent_before } = &mut self.stage
            && pager.is_done()
        {
            let (missing, before) = (core::mem::take(missing), core::mem::take(absent_before));
            // What changed meanwhile and is not known whole may be anything that is missing.
            let proven = pager.proof() == Proof::Proven;
            self.stage = Stage::Confirm(Confirm::new(listing, missing, before, proven));
        }
        let Stage::Confirm(confirm) = &mut self.stage else {
            return Vec::new();
        };
        if !confirm.is_done() {
            return Vec::new();
        }
        let (gone, absent) = confirm.take();
        self.absent = Some(absent);
        self.stage = Stage::Done;
        match self.begun {
            Some(begun) if !gone.is_empty() => vec![Effect::Gone { ids: gone, begun }],
            Some(_) | None => Vec::new(),
        }
    }

    /// Frees the failed request; `None` where nothing else can be tried.
    pub(super) fn on_failure(
        &mut self,
        listing: &Listing,
        slot: Slot,
        failure: &Failure,
        last: bool,
    ) -> Option<Vec<Effect>> {
        let setback = match (slot, &mut self.stage) {
            (Slot::Page(slot), _) => self.pages.on_failure(slot, failure, last),
            (Slot::Change(slot), Stage::Changes { pager, .. }) => {
                pager.on_failure(slot, failure, last)
            }
            (Slot::Own(id), Stage::Confirm(confirm)) => {
                if *failure == Failure::NotFound {
                    confirm.on_gone(id);
                } else if last {
                    confirm.on_record(id, false);
                } else {
                    confirm.put_back(slot);
                }
                return Some(self.settle(listing));
            }
            (Slot::Along(id), Stage::Confirm(confirm)) => {
                if *failure == Failure::NotFound || last {
                    confirm.on_along(id, *failure == Failure::NotFound);
                } else {
                    confirm.put_back(slot);
                }
                return Some(self.settle(listing));
            }
            (Slot::Change(_) | Slot::Own(_) | Slot::Along(_), _) => return Some(Vec::new()),
        };
        match setback {
            Setback::Same | Setback::Restart => Some(Vec::new()),
            Setback::Final => None,
        }
    }
}

/// The ids of an answer's records.
fn ids(facts: &PageFacts) -> impl Iterator<Item = i64> + '_ {
    facts.keys.iter().filter_map(|key| match key.0.as_slice() {
        [KeyPart::Int(id)] => Some(*id),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
