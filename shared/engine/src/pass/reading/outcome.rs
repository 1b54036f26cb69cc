//! Results of a reading.

use std::collections::BTreeMap;

use super::super::AnswerEffect;
use super::super::compact::AbsentRows;
use super::super::pager::{ListProof, Pager};
use super::super::parents::ParkedParent;
use super::super::sweep::MissingRows;
use super::{Reading, ReadingWork};
use crate::spec::StreamKind;
use crate::time::Timestamp;

impl Reading {
    /// Takes the rows of the table that no page had. `since`: start of the pass by the server's
    /// clock.
    pub fn on_missing(&mut self, missing: MissingRows, since: Timestamp) -> Vec<AnswerEffect> {
        let (StreamKind::Listing(listing), ReadingWork::Sweep(sweep)) =
            (&self.plan.spec.kind, &mut self.work)
        else {
            return Vec::new();
        };
        let absent_before = self.plan.absent.clone();
        sweep.on_missing(listing, self.plan.spec.path, missing, absent_before, since)
    }

    /// Whether the ids of records are to be remembered, to find missing rows.
    #[must_use]
    pub fn watches(&self) -> bool {
        matches!(&self.work, ReadingWork::Sweep(sweep) if sweep.watches())
    }

    /// Returns the rows, or parents of rows, that were missing and are to be remembered until the next
    /// sweep. `None`: this reading did not look for missing rows.
    #[must_use]
    pub fn absent(&self) -> Option<&AbsentRows> {
        match &self.work {
            ReadingWork::Sweep(sweep) => sweep.absent(),
            ReadingWork::Parents(parents) => parents.absent(self.plan.pass),
            ReadingWork::Pages(_) | ReadingWork::Units(_) => None,
        }
    }

    /// Whether the listing was found to omit records unless it is asked for its two halves.
    #[must_use]
    pub fn is_by_halves(&self) -> bool {
        match &self.work {
            ReadingWork::Sweep(sweep) => sweep.is_by_halves(),
            ReadingWork::Pages(_) | ReadingWork::Units(_) | ReadingWork::Parents(_) => {
                self.plan.by_halves
            }
        }
    }

    /// Returns the proof of the finished reading: without proof an incremental pass moves no
    /// cursor.
    #[must_use]
    pub fn proof(&self) -> ListProof {
        match &self.work {
            ReadingWork::Pages(pagers) => {
                pagers.iter().map(Pager::proof).fold(ListProof::Proven, ListProof::and)
            }
            ReadingWork::Sweep(sweep) => sweep.proof(),
            ReadingWork::Units(units) => units.proof(),
            ReadingWork::Parents(parents) => parents.trigger.proof().and(parents.units.proof()),
        }
    }

    /// Returns remarks about odd answers that do not hinder the reading, for display.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        match (&self.work, &self.plan.spec.kind) {
            (ReadingWork::Pages(pagers), _) => pagers.iter().filter_map(Pager::remark).collect(),
            (ReadingWork::Sweep(sweep), _) => sweep.remarks(),
            (ReadingWork::Parents(parents), StreamKind::PerParent(spec)) => {
                let mut remarks = parents.remarks(spec);
                remarks.extend(parents.units.remark(self.plan.spec));
                remarks
            }
            (ReadingWork::Units(units), _) => units.remark(self.plan.spec).into_iter().collect(),
            (ReadingWork::Parents(_), _) => Vec::new(),
        }
    }

    /// Returns the parents that failed, to be tried again in each run.
    #[must_use]
    pub fn parked(&self) -> BTreeMap<i64, ParkedParent> {
        match &self.work {
            ReadingWork::Pages(_) | ReadingWork::Sweep(_) | ReadingWork::Units(_) => {
                BTreeMap::new()
            }
            ReadingWork::Parents(parents) => parents.parked.clone(),
        }
    }

    /// Returns the numbers of units read and of units known to be left, for display; `(0, 0)` if
    /// pages are kept by themselves.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        match &self.work {
            ReadingWork::Pages(_) => (0, 0),
            ReadingWork::Sweep(sweep) => sweep.progress(),
            ReadingWork::Units(units) => (units.done, units.left()),
            ReadingWork::Parents(parents) => (parents.units.done, parents.units.left()),
        }
    }
}
