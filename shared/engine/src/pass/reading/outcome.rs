//! What a reading has to say of itself.

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
    /// Takes the rows of the table that no page had, those that were missing in the sweep before
    /// without being proven gone, and when the pass began, by the server's clock.
    pub fn on_missing(
        &mut self,
        missing: Missing,
        absent_before: IdSet,
        since: Timestamp,
    ) -> Vec<Effect> {
        let (Kind::Listing(listing), Work::Sweep(sweep)) = (&self.plan.spec.kind, &mut self.work)
        else {
            return Vec::new();
        };
        sweep.on_missing(listing, self.plan.spec.path, missing, absent_before, since)
    }

    /// Whether the ids of records are to be remembered, to tell which rows are missing.
    #[must_use]
    pub fn watches(&self) -> bool {
        matches!(&self.work, Work::Sweep(sweep) if sweep.watches())
    }

    /// Rows that were missing and not proven gone: what the next sweep begins with. `None` where
    /// this reading compared nothing.
    #[must_use]
    pub fn absent(&self) -> Option<&IdSet> {
        match &self.work {
            Work::Sweep(sweep) => sweep.absent(),
            Work::Pages(_) | Work::Units(_) | Work::Parents(_) => None,
        }
    }

    /// What the finished reading proves: without proof an incremental pass moves no cursor.
    #[must_use]
    pub fn proof(&self) -> Proof {
        let unproven = match &self.work {
            Work::Pages(pagers) => pagers.iter().map(Pager::proof).find_map(|proof| match proof {
                Proof::Proven => None,
                Proof::Unproven(why) => Some(why),
            }),
            Work::Sweep(sweep) => return sweep.proof(),
            Work::Units(units) => units.unproven.first().cloned(),
            Work::Parents(parents) => match parents.trigger.proof() {
                Proof::Proven => parents.units.unproven.first().cloned(),
                Proof::Unproven(why) => Some(why),
            },
        };
        unproven.map_or(Proof::Proven, Proof::Unproven)
    }

    /// Parents that failed, to be tried again in each run.
    #[must_use]
    pub fn parked(&self) -> BTreeMap<i64, Parked> {
        match &self.work {
            Work::Pages(_) | Work::Sweep(_) | Work::Units(_) => BTreeMap::new(),
            Work::Parents(parents) => parents.parked.clone(),
        }
    }

    /// Units read and units known to be left, for people; `(0, 0)` where pages stand for themselves.
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
