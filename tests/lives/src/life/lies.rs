//! Answers that are wrong and look right, and records that become visible late.

use std::collections::BTreeMap;

use engine::spec::{Paging, StreamKind, StreamSpec};
use engine::time::{SignedDuration, Timestamp, minus};
use rand::RngExt;
use sim::{Contradiction, FaultChoice, FaultEffect, ValueRewrite};

use super::Life;
use crate::mishap::Mishap;
use crate::trial::Befallen;
use crate::watch::LATENESS;
use crate::world::now;

/// Kinds of such answers.
const LIES: [Mishap; 3] = [Mishap::HiddenRecords, Mishap::EmptyUnits, Mishap::BrokenRecords];

/// Kinds of wrong totals. A page with a record twice counts it twice, too.
const TOTALS: [Mishap; 5] = [
    Mishap::SmallTotals,
    Mishap::LargeTotals,
    Mishap::TotalsOfPage,
    Mishap::OddCounts,
    Mishap::OddPages,
];

/// A kind of such answers of this tick, and the stream that they are about.
pub(super) type ToldLie = (Mishap, &'static StreamSpec);

/// Returns the pattern of the requests for the lists of `spec`.
fn pattern(spec: &StreamSpec) -> String {
    let path = spec.path.replace("{parent}", "*");
    let end = if matches!(spec.kind, StreamKind::PerParent(_)) { "" } else { "?" };
    format!("/v2{path}{end}")
}

/// Whether the children of `child` are asked for by the list of `spec`.
fn lists_parents(spec: &StreamSpec, child: &StreamSpec) -> bool {
    matches!(&child.kind, StreamKind::PerParent(way) if way.trigger.name == spec.name)
}

impl Life<'_> {
    /// Adds such answers for this tick.
    pub(super) fn lie(&mut self, befallen: &mut Befallen) -> Vec<ToldLie> {
        let mut told = Vec::new();
        for mishap in LIES {
            let number = self.chronicle.one(&[1, 1, 2, 5]);
            let nth = self.chronicle.random.random_range(1..8);
            let share = self.chronicle.random.random_range(10..60);
            let which = self.chronicle.random.random_range(0..1000);
            if !self.chronicle.befalls(mishap) {
                continue;
            }
            let is_subject = |spec: &&&StreamSpec| match spec.kind {
                StreamKind::Listing(_) => mishap != Mishap::EmptyUnits,
                StreamKind::PerParent(_) | StreamKind::ReportWindow(_) => {
                    mishap != Mishap::HiddenRecords
                }
                StreamKind::Snapshot(_) => mishap == Mishap::BrokenRecords,
            };
            let subjects: Vec<_> = self.streams.iter().filter(is_subject).copied().collect();
            if subjects.is_empty() {
                continue;
            }
            let spec = subjects[which % subjects.len()];
            let (select, effect) = if mishap == Mishap::HiddenRecords {
                let hidden = FaultEffect::Contradiction(Contradiction::Hidden(number));
                (self.chronicle.one(&[FaultChoice::Always, FaultChoice::Percent(share)]), hidden)
            } else if mishap == Mishap::EmptyUnits {
                // Twice in a row counts as true.
                (FaultChoice::Nth(nth), FaultEffect::EmptyList)
            } else {
                let rewrite = FaultEffect::Rewritten(ValueRewrite::OtherIds);
                (FaultChoice::Nth(nth), rewrite)
            };
            let path = pattern(spec);
            self.chronicle.tell(format!("{}: {effect:?}, {path}", mishap.declared().name));
            befallen.add(&self.world, mishap, &path, select, effect);
            told.push((mishap, spec));
        }
        told
    }

    /// Excuses streams from the check of their cursors about which Harvest lied in this tick, or
    /// whose lists were wrong in two ways: `before` has the number of lies before it.
    pub(super) async fn misled(
        &mut self,
        told: &[ToldLie],
        lists: &[(Mishap, &'static str)],
        before: &[(Mishap, u64)],
    ) {
        let is_new = |(kind, times): &&(Mishap, u64)| self.chronicle.times(*kind) != *times;
        let new: Vec<Mishap> = before.iter().filter(is_new).map(|(kind, _)| *kind).collect();
        let days = self.chronicle.times(Mishap::UnusableDays) > 0;
        for spec in self.streams.clone() {
            let is_told = |(kind, about): &ToldLie| new.contains(kind) && about.name == spec.name;
            // A list that ends early may agree with a total that is wrong, too.
            let is_wrong = |kinds: &[Mishap]| {
                let about = |(kind, stream): &&(Mishap, &str)| {
                    *stream == spec.name && kinds.contains(kind) && new.contains(kind)
                };
                lists.iter().any(|wrong| about(&wrong))
            };
            let agree = is_wrong(&TOTALS) && is_wrong(&[Mishap::EarlyEnds]);
            // A wrong number of all records may be just the number of those with a usable day, and
            // then nothing tells of the others.
            let undated = days && matches!(spec.paging(), Paging::DateKeyset { .. });
            if told.iter().any(is_told) || agree {
                self.mislead(spec).await;
            } else if undated && new.iter().any(|kind| TOTALS.contains(kind)) {
                self.watch.mislead(&self.world, spec.name).await;
            }
        }
    }

    /// Excuses `spec` and the children of its records. A parent that its list lacks is not asked for
    /// its children.
    async fn mislead(&mut self, spec: &StreamSpec) {
        for other in self.streams.clone() {
            if other.name == spec.name || lists_parents(spec, other) {
                self.watch.mislead(&self.world, other.name).await;
            }
        }
    }

    /// Excuses `spec` from the check of its cursor if one of the records `before` was deleted or moved
    /// while its list was read in small pages: another one can then move to a page that was read
    /// already. If one is added, too, the total stays the same, and nothing tells.
    pub(super) async fn moved(
        &mut self,
        spec: &'static StreamSpec,
        before: &BTreeMap<i64, Timestamp>,
    ) {
        let now = self.world.oracle().true_versions(spec);
        let by_days = matches!(spec.paging(), Paging::DateKeyset { .. });
        let has_moved = |(id, version): (&i64, &Timestamp)| match now.get(id) {
            None => true,
            Some(now) => by_days && now != version,
        };
        if spec.paging() != Paging::Cursor && before.iter().any(has_moved) {
            self.watch.mislead(&self.world, spec.name).await;
        }
    }

    /// Returns the number of lies so far, by kind.
    pub(super) fn lies(&self) -> Vec<(Mishap, u64)> {
        let kinds = LIES.into_iter().chain(TOTALS).chain([Mishap::EarlyEnds]);
        kinds.map(|kind| (kind, self.chronicle.times(kind))).collect()
    }

    /// Lets records appear that changed a while ago, as behind a replica that lags.
    pub(super) fn appear_late(&mut self) {
        let (seed, seconds) = (
            self.chronicle.random.random(),
            self.chronicle.random.random_range(1..LATENESS.as_secs()),
        );
        if self.is_late {
            let then = minus(now(&self.world), SignedDuration::from_secs(seconds));
            self.world.account.lock().unwrap().mutate(then, seed, 3);
        }
    }
}
