//! Results of a reading.

use std::collections::BTreeMap;

use super::super::Effect;
use super::super::compact::IdSet;
use super::super::pager::{Pager, Proof};
use super::super::parents::Parked;
use super::super::sweep::Missing;
use super::{Reading, Work};
use crate::spec::Kind;
use crate::time::Timestamp;

impl Reading {
    /// Takes the rows of the table that no page had. `since`: start of the pass by the server's
    /// clock.
    pub fn on_missing(&mut self, missing: Missing, since: Timestamp) -> Vec<Effect> {
        let (Kind::Listing(listing), Work::Sweep(sweep)) = (&self.plan.spec.kind, &mut self.work)
        else {
            return Vec::new();
        };
        let absent_before = self.plan.absent.clone();
        sweep.on_missing(listing, self.plan.spec.path, missing, absent_before, since)
    }

    /// Whether the ids of records are to be remembered, to find missing rows.
    #[must_use]
    pub fn watches(&self) -> bool {
        matches!(&self.work, Work::Sweep(sweep) if sweep.watches())
    }

    /// Returns the rows, or parents of rows, that were missing and not proven gone: the next sweep
    /// begins with them. `None`: this reading did not look for missing rows.
    #[must_use]
    pub fn absent(&self) -> Option<&IdSet> {
        match &self.work {
            Work::Sweep(sweep) => sweep.absent(),
            Work::Parents(parents) => parents.absent(self.plan.pass),
            Work::Pages(_) | Work::Units(_) => None,
        }
    }

    /// Whether the listing was found to omit records unless it is asked for its two halves.
    #[must_use]
    pub fn is_by_halves(&self) -> bool {
        match &self.work {
            Work::Sweep(sweep) => sweep.is_by_halves(),
            Work::Pages(_) | Work::Units(_) | Work::Parents(_) => self.plan.by_halves,
        }
    }

    /// Returns the proof of the finished reading: without proof an incremental pass moves no
    /// cursor.
    #[must_use]
    pub fn proof(&self) -> Proof {
        match &self.work {
            Work::Pages(pagers) => pagers.iter().map(Pager::proof).fold(Proof::Proven, Proof::and),
            Work::Sweep(sweep) => sweep.proof(),
            Work::Units(units) => units.proof(),
            Work::Parents(parents) => parents.trigger.proof().and(parents.units.proof()),
        }
    }

    /// Returns remarks about odd answers that do not hinder the reading, for display.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        match (&self.work, &self.plan.spec.kind) {
            (Work::Pages(pagers), _) => pagers.iter().filter_map(Pager::remark).collect(),
            (Work::Sweep(sweep), _) => sweep.remarks(),
            (Work::Parents(parents), Kind::PerParent(spec)) => {
                parents.remark(spec).into_iter().collect()
            }
            (Work::Units(_) | Work::Parents(_), _) => Vec::new(),
        }
    }

    /// Returns the parents that failed, to be tried again in each run.
    #[must_use]
    pub fn parked(&self) -> BTreeMap<i64, Parked> {
        match &self.work {
            Work::Pages(_) | Work::Sweep(_) | Work::Units(_) => BTreeMap::new(),
            Work::Parents(parents) => parents.parked.clone(),
        }
    }

    /// Returns the numbers of units read and of units known to be left, for display; `(0, 0)` if
    /// pages are kept by themselves.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        match &self.work {
            Work::Pages(_) => (0, 0),
            Work::Sweep(sweep) => sweep.progress(),
            Work::Units(units) => (units.done, units.left()),
            Work::Parents(parents) => (parents.units.done, parents.units.left()),
        }
    }
}
