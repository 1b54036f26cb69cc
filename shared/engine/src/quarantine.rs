//! Number of records in a stream's quarantine.
//!
//! A record that cannot be a row is kept raw. A full pass reads all records that Harvest returns,
//! so it puts those that are still bad into the quarantine again: once the pass is complete, the
//! records from before it began are superseded.

use serde::{Deserialize, Serialize};

use crate::pass::{AnswerPurpose, PageFacts, Pass};
use crate::spec::StreamKind;

/// Size of the quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuarantineSize {
    /// Quarantined records: those of the last complete full pass and of the incremental passes
    /// since.
    pub records: u64,
    /// Those of them that came since the unfinished full pass began, and those that it found.
    anew: u64,
}

/// Records that a run added.
#[derive(Clone, Copy, Debug)]
pub struct QuarantineAddition {
    /// The run's pass.
    pub pass: Pass,
    /// Whether the run began the pass.
    pub begins: bool,
    /// Records that it put into the quarantine.
    pub records: u64,
    /// Whether it ended a full pass that proves everything before it superseded.
    pub supersedes: bool,
}

/// Number of answers of a pass that held records, and of those in which none can be a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerCounts {
    /// Answers with records of the stream.
    pub own: u64,
    /// Those of them without a usable record.
    pub unusable: u64,
    /// Answers of the trigger listing with records, none of which names a parent.
    pub unusable_triggers: u64,
}

impl AnswerCounts {
    /// Counts one more answer.
    pub fn count(&mut self, reads: AnswerPurpose, facts: &PageFacts) {
        if facts.records() == 0 {
            return;
        }
        let unusable = u64::from(facts.keys.is_empty());
        match reads {
            AnswerPurpose::Records(_) => {
                self.own = self.own.saturating_add(1);
                self.unusable = self.unusable.saturating_add(unusable);
            }
            AnswerPurpose::Parents => {
                self.unusable_triggers = self.unusable_triggers.saturating_add(unusable);
            }
            AnswerPurpose::Count
            | AnswerPurpose::Existence(_)
            | AnswerPurpose::Record
            | AnswerPurpose::Along => {}
        }
    }

    /// Returns the sum for two runs of one pass.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            own: self.own.saturating_add(other.own),
            unusable: self.unusable.saturating_add(other.unusable),
            unusable_triggers: self.unusable_triggers.saturating_add(other.unusable_triggers),
        }
    }

    /// Number of answers that make a pass of a stream of this kind a failure.
    ///
    /// A page without a usable record means that Harvest serves something else, not that single
    /// records are bad. Answers for one parent or window are small, and a single bad record may be
    /// all of one: these fail the pass only if all of them are unusable.
    #[must_use]
    pub const fn failed(self, kind: &StreamKind) -> u64 {
        let own = match kind {
            StreamKind::Listing(_) | StreamKind::Snapshot(_) => self.unusable,
            StreamKind::PerParent(_) | StreamKind::ReportWindow(_) if self.unusable == self.own => {
                self.unusable
            }
            StreamKind::PerParent(_) | StreamKind::ReportWindow(_) => 0,
        };
        own.saturating_add(self.unusable_triggers)
    }
}

impl QuarantineSize {
    /// Returns the size after a run.
    #[must_use]
    pub fn after(self, added: QuarantineAddition) -> Self {
        let before = if added.pass == Pass::Full && added.begins { 0 } else { self.anew };
        let anew = before.saturating_add(added.records);
        let records = match added.pass {
            // Records that a sweep finds are mostly in the quarantine already: they count once.
            Pass::Full if added.supersedes => anew,
            Pass::Full => self.records.max(anew),
            Pass::Incremental => self.records.saturating_add(added.records),
        };
        Self { records, anew }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::{Parent, Unit};
    use crate::spec::{Listing, Paging, ReportWindow};

    fn incremental(records: u64) -> QuarantineAddition {
        QuarantineAddition { pass: Pass::Incremental, begins: true, records, supersedes: false }
    }

    fn full(begins: bool, records: u64, supersedes: bool) -> QuarantineAddition {
        QuarantineAddition { pass: Pass::Full, begins, records, supersedes }
    }

    fn after(runs: &[QuarantineAddition]) -> Vec<u64> {
        let mut all = QuarantineSize::default();
        let count = |run: &QuarantineAddition| {
            all = all.after(*run);
            all.records
        };
        runs.iter().map(count).collect()
    }

    fn answers(pages: &[(AnswerPurpose, usize, u64)]) -> AnswerCounts {
        let mut answers = AnswerCounts::default();
        for (reads, usable, quarantined) in pages {
            let keys = vec![crate::key::Key::id(1); *usable];
            let facts = PageFacts { keys, quarantined: *quarantined, ..PageFacts::default() };
            answers.count(*reads, &facts);
        }
        answers
    }

    #[test]
    fn a_page_without_a_usable_record_fails_a_listing_and_one_bad_record_does_not() {
        let page = AnswerPurpose::Records(Unit::Stream);
        for (pages, failed) in [
            (&[][..], 0),
            (&[(page, 0, 0)], 0),
            (&[(page, 5, 0), (page, 5, 5)], 0),
            (&[(page, 0, 1)], 1),
            (&[(page, 5, 0), (page, 0, 5), (page, 5, 0)], 1),
            // A single record that is looked for, and what is only counted, are no pages of it.
            (
                &[
                    (AnswerPurpose::Record, 0, 1),
                    (AnswerPurpose::Along, 0, 1),
                    (AnswerPurpose::Count, 0, 1),
                ],
                0,
            ),
        ] {
            let listing = StreamKind::Listing(Listing::new(Paging::Cursor, "/own/{id}"));
            for kind in [listing, StreamKind::Snapshot(Paging::Offset)] {
                assert_eq!(answers(pages).failed(&kind), failed, "{pages:?}");
            }
        }
    }

    #[test]
    fn units_fail_only_together() {
        let parent = |id| AnswerPurpose::Records(Unit::Parent(Parent { id, created_year: None }));
        let (one, two) = (parent(1), parent(2));
        for (pages, failed) in [
            (&[(one, 3, 0), (two, 0, 1)][..], 0),
            (&[(one, 0, 0), (two, 0, 1)], 1),
            (&[(one, 0, 7), (two, 0, 1)], 2),
            (&[(one, 1, 0), (AnswerPurpose::Parents, 0, 4)], 1),
            (&[(AnswerPurpose::Parents, 1, 4), (one, 2, 0)], 0),
        ] {
            let both = answers(&pages[..1]).plus(answers(&pages[1..]));
            let kind = StreamKind::ReportWindow(ReportWindow {
                includes_issue_date: false,
                values_fixed_fees: false,
            });
            assert_eq!(both.failed(&kind), failed, "{pages:?}");
        }
    }

    #[test]
    fn a_sweep_that_finds_the_same_again_is_no_growth() {
        let runs = [
            full(true, 2, true),
            incremental(1),
            full(true, 1, false),
            full(false, 2, true),
            full(true, 3, true),
        ];
        assert_eq!(after(&runs), [2, 3, 3, 3, 3]);
    }

    #[test]
    fn what_is_mended_is_gone_after_the_sweep_and_what_came_during_it_stays() {
        let runs = [incremental(4), full(true, 0, false), incremental(1), full(false, 0, true)];
        assert_eq!(after(&runs), [4, 4, 5, 1]);
    }

    #[test]
    fn a_pass_that_proves_nothing_takes_nothing_away() {
        let runs = [incremental(4), full(true, 2, false), full(true, 1, false)];
        assert_eq!(after(&runs), [4, 4, 4]);
    }
}
