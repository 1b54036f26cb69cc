//! Sweep of a listing: its pages, then the rows of the table that no page had.
//!
//! Missing rows are no deletions yet. First the records that changed meanwhile are read: they
//! include records that moved between pages and so were skipped. Rows that are still missing are
//! asked for by their own URL, or by that of the record whose deletion deletes them. If there are
//! too many, absence counts from the second sweep on, and a sample of them is asked for all the
//! same.

mod answers;
mod confirm;
mod halves;
mod missing;

use serde::{Deserialize, Serialize};

pub use missing::{MissingRows, MissingScope, ProvenDays};

use confirm::MissingConfirmation;
use halves::HalvesCheck;
pub(super) use halves::pagers as halves_of;

use super::compact::{AbsentRows, IdSet};
use super::pager::{ListProof, Pager, PagerQuestion};
use super::{AnswerEffect, RecordIds, RequestTarget};
use crate::spec::Listing;
use crate::time::Timestamp;

/// A full pass over a listing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SweepReading {
    pages: Pager,
    /// The other half, if the listing is read by halves.
    #[serde(default)]
    other: Option<Pager>,
    /// Whether the listing has to be read by halves.
    #[serde(default)]
    halves: HalvesCheck,
    stage: SweepStage,
    /// Whether missing rows are looked for: not while an empty table is loaded.
    compares: bool,
    /// Time at which the first page was requested.
    begun: Option<Timestamp>,
    records: u64,
    /// Records without a usable key: any row may be one of them, and is asked for by its own URL.
    quarantined: u64,
    /// Whether an empty listing was read a second time.
    twice: bool,
    /// Missing rows to remember until the next sweep.
    #[serde(default)]
    missed: Option<AbsentRows>,
    /// Records of the pages, for control questions.
    #[serde(default)]
    samples: Vec<RecordIds>,
    /// Remarks about the listing, for display.
    #[serde(default)]
    remarks: Vec<String>,
}

/// Number of records that are remembered for control questions.
const SAMPLES: usize = 4;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum SweepStage {
    /// The listing is read.
    Pages,
    /// Records that changed since the beginning are read.
    Changes { pager: Pager, missing: MissingRows, absent_before: IdSet },
    /// Rows that are still missing are asked for.
    Confirm(MissingConfirmation),
    /// Nothing is left to do.
    Done,
}

/// Part of the sweep that sent a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum SweepSlot {
    /// A page of the listing, by the slot of its pager.
    Page(u32),
    /// A page of its other half.
    Other(u32),
    /// A total, to compare the listing with its halves.
    Total,
    /// A page of the records that changed meanwhile.
    Change(u32),
    /// The record's own URL.
    Own(i64),
    /// The URL of a record whose deletion deletes others.
    Along(i64),
    /// The own URL of a record of a page.
    OwnControl(RecordIds),
    /// The URL of the record whose deletion would delete a record of a page.
    AlongControl(i64),
}

impl SweepReading {
    /// Returns a sweep that reads `pages`, or the two halves of the listing, and compares them with
    /// the table.
    pub(super) fn new(pages: Pager, other: Option<Pager>, compares: bool) -> Self {
        Self {
            pages,
            other,
            halves: HalvesCheck::default(),
            stage: SweepStage::Pages,
            compares,
            begun: None,
            records: 0,
            quarantined: 0,
            twice: false,
            missed: None,
            samples: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Returns the saved form: requests under way are sent again after it is resumed.
    pub(super) fn suspended(&self) -> Self {
        let mut saved = self.clone();
        if let SweepStage::Confirm(confirm) = &mut saved.stage {
            confirm.put_back_all();
        }
        saved
    }

    /// Goes on in another run.
    pub(super) fn resumed(&mut self) {
        self.pages.resumed();
        self.other.iter_mut().for_each(Pager::resumed);
        self.halves.resumed();
        match &mut self.stage {
            SweepStage::Changes { pager, .. } => pager.resumed(),
            SweepStage::Pages | SweepStage::Confirm(_) | SweepStage::Done => {}
        }
    }

    pub(super) fn next(
        &mut self,
        listing: &Listing,
        path: &str,
    ) -> Option<(SweepSlot, PagerQuestion)> {
        match &mut self.stage {
            SweepStage::Pages => {
                if let Some(question) = self.pages.next() {
                    return Some((SweepSlot::Page(question.slot), question));
                }
                if let Some(question) = self.other.as_mut().and_then(Pager::next) {
                    return Some((SweepSlot::Other(question.slot), question));
                }
                let filter = self.doubts_halves(listing)?;
                self.halves.next(path, filter).map(|question| (SweepSlot::Total, question))
            }
            SweepStage::Changes { pager, .. } => {
                pager.next().map(|question| (SweepSlot::Change(question.slot), question))
            }
            SweepStage::Confirm(confirm) => {
                let (slot, path) = confirm.next(listing)?;
                let target = RequestTarget::path(path);
                Some((slot, PagerQuestion { slot: 0, target, count_only: false }))
            }
            SweepStage::Done => None,
        }
    }

    /// Returns the flag filter by which the listing is still to be compared with its halves, once
    /// its pages are read.
    fn doubts_halves(&self, listing: &Listing) -> Option<&'static str> {
        let filter = listing.halves?;
        let whole = self.other.is_none()
            && self.halves.whole().is_none()
            && self.pages.is_done()
            && self.pages.proof() == ListProof::Proven;
        whole.then_some(filter)
    }

    fn pages_are_in(&self, listing: &Listing) -> bool {
        matches!(self.stage, SweepStage::Pages)
            && self.pages.is_done()
            && self.other.as_ref().is_none_or(Pager::is_done)
            && self.doubts_halves(listing).is_none()
    }

    /// Returns the part of the table that is to be compared with the ids seen, once all pages are
    /// read.
    pub(super) fn wants_missing(&self, listing: &Listing) -> Option<MissingScope> {
        let days = match &self.other {
            None => self.pages.days(),
            Some(_) => (self.proof() == ListProof::Proven).then_some(ProvenDays::All),
        };
        (self.pages_are_in(listing) && self.compares)
            .then(|| MissingScope { begun: self.begun.unwrap_or(Timestamp::MIN), days })
    }

    /// Whether the listing omits records unless it is asked for its two halves.
    pub(super) const fn is_by_halves(&self) -> bool {
        self.other.is_some()
    }

    /// Returns remarks about the listing, for display.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut remarks: Vec<String> = self.pages.remark().into_iter().collect();
        remarks.extend(self.remarks.iter().cloned());
        remarks
    }

    /// Whether the ids of records are still to be remembered.
    pub(super) fn watches(&self) -> bool {
        self.compares && matches!(self.stage, SweepStage::Pages)
    }

    pub(super) fn is_done(&self, listing: &Listing) -> bool {
        match &self.stage {
            SweepStage::Pages => self.pages_are_in(listing) && !self.compares,
            SweepStage::Changes { .. } => false,
            SweepStage::Confirm(confirm) => confirm.is_done(),
            SweepStage::Done => true,
        }
    }

    pub(super) fn proof(&self) -> ListProof {
        let other = self.other.as_ref().map_or(ListProof::Proven, Pager::proof);
        self.pages.proof().and(other)
    }

    /// Returns the rows to remember until the next sweep; `None` if none were compared.
    pub(super) const fn absent(&self) -> Option<&AbsentRows> {
        self.missed.as_ref()
    }

    /// Returns the numbers of requests answered and to come for missing rows, for display.
    pub(super) fn progress(&self) -> (u64, u64) {
        match &self.stage {
            SweepStage::Pages | SweepStage::Changes { .. } | SweepStage::Done => (0, 0),
            SweepStage::Confirm(confirm) => confirm.progress(),
        }
    }

    /// Takes the rows of the table that no page had. `since`: start of the pass by the server's
    /// clock.
    pub(super) fn on_missing(
        &mut self,
        listing: &Listing,
        path: &str,
        missing: MissingRows,
        absent_before: IdSet,
        since: Timestamp,
    ) -> Vec<AnswerEffect> {
        if !matches!(self.stage, SweepStage::Pages) {
            return Vec::new();
        }
        if missing.is_empty() {
            self.missed = Some(AbsentRows::default());
            self.stage = SweepStage::Done;
            return Vec::new();
        }
        if self.records == 0 && !self.twice {
            // An empty listing counts only when it is empty twice: the table holds rows.
            self.twice = true;
            self.pages.restart();
            self.other.iter_mut().for_each(Pager::restart);
            return Vec::new();
        }
        let since = self.begun.map_or(since, |begun| begun.min(since));
        let filter = vec![("updated_since".to_owned(), crate::cursor::read_from(since))];
        let pager = Pager::new(listing.paging, path, filter, None);
        self.stage = SweepStage::Changes { pager, missing, absent_before };
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
