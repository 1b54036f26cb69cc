//! Survey of the days of one list: the questions to ask, and the days that the answers prove.
//!
//! Within the reach the oldest month is found by halving. Suppose that windows cover the months
//! from 2024-06 on, and the reach begins in 2016-01:
//!
//! 1. 2016-01 to 2024-05: an answer without entries, on which all signs agree, ends the search.
//! 2. Otherwise the entries that it shows are covered. If the earliest is of 2021-03, the open
//!    months are 2016-01 to 2021-02, and their older half is the next question. An answer that
//!    proves that it shows all entries ends the search, too.
//! 3. An empty half moves the beginning of the open months on; entries move their end back. The
//!    search ends when no month is open.
//!
//! The newest month is found in the same way from the other side. Beyond the reach there is nothing
//! to halve, because each month with entries has to be known: an answer with entries leads to
//! questions for the rest of its stretch, without the months that were seen.

mod stretch;

use std::collections::BTreeSet;

use super::months::Month;
use super::{
    CalendarStretch, DatedEntry, DatedList, ListedEntries, Outlier, ReportReach, StretchProof,
};
use crate::time::{Date, next_day, previous_day};
use stretch::{rest, whole};

/// Number of times that a question without a usable answer is asked.
const TRIES: u32 = 3;
/// Largest number of questions about one list. Beyond the reach each full month takes one.
const MOST_QUESTIONS: u32 = 400;
/// Largest number of entries beyond the reach that are named; of further ones, one for each month.
const MOST_NAMED: usize = 100;

/// Result of a survey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyResult {
    /// First and last day, within the reach, that windows have to cover.
    pub days: (Date, Date),
    /// Entries beyond the reach, at least one for each month that holds any.
    pub outliers: Vec<Outlier>,
    /// Doubts that remain, for display.
    pub doubts: Vec<String>,
    /// Reason why months beyond the reach may be missing among the outliers; `None`: none is.
    pub gap: Option<BeyondGap>,
}

/// Reason why not all months beyond the reach are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeyondGap {
    /// Months with entries are too many: the survey ended before all stretches were searched.
    TooMany,
    /// Answers about a stretch contradict themselves.
    Contradicted,
}

/// Finds the oldest and newest months with entries of one list, and every month beyond the reach
/// that holds any.
///
/// Answers are believed for their content alone: their order, page size and total may be wrong.
/// Days that were covered before stay covered.
#[derive(Clone, Debug)]
pub struct ExtentSurvey {
    list: DatedList,
    reach: ReportReach,
    /// Months that windows cover: the first and the last.
    covered: (Month, Month),
    /// First and last month within the reach that is neither covered nor proven empty.
    open: (Month, Month),
    /// Questions still to be asked; the next one is the last.
    questions: Vec<SurveyQuestion>,
    tries: u32,
    asked: u32,
    outliers: BTreeSet<Outlier>,
    doubts: Vec<String>,
    gap: Option<BeyondGap>,
}

/// A stretch to ask for, and the purpose.
#[derive(Clone, Copy, Debug)]
struct SurveyQuestion {
    aim: QuestionAim,
    stretch: CalendarStretch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QuestionAim {
    /// The oldest month within the reach.
    Oldest,
    /// The newest month within the reach.
    Newest,
    /// All months beyond the reach.
    Beyond,
}

impl ExtentSurvey {
    /// Returns a survey of `list`. Windows always cover the days of `recent`, and those of `known`,
    /// which an earlier survey or a table proves.
    #[must_use]
    pub fn new(
        list: DatedList,
        reach: ReportReach,
        recent: (Date, Date),
        known: Option<(Date, Date)>,
    ) -> Self {
        let held = |day: Date| day.clamp(reach.first, reach.last);
        let known = known.into_iter().flat_map(|(first, last)| [first, last]);
        let (oldest, newest) = known
            .filter(|day| reach.holds(*day))
            .fold(recent, |(oldest, newest), day| (oldest.min(day), newest.max(day)));
        let covered = (Month::of(held(oldest)), Month::of(held(newest)));
        let open = (Month::of(reach.first), Month::of(reach.last));
        let mut survey = Self {
            list,
            reach,
            covered,
            open,
            questions: Vec::new(),
            tries: 0,
            asked: 0,
            outliers: BTreeSet::new(),
            doubts: Vec::new(),
            gap: None,
        };
        let before = CalendarStretch { from: None, to: Some(previous_day(reach.first)) };
        let after = CalendarStretch { from: Some(next_day(reach.last)), to: None };
        survey.questions = vec![
            SurveyQuestion { aim: QuestionAim::Beyond, stretch: after },
            SurveyQuestion { aim: QuestionAim::Beyond, stretch: before },
        ];
        // Most accounts have no entries there: one question for each side shows it.
        if covered.1 < open.1 {
            let stretch = whole(covered.1.plus(1), open.1);
            survey.questions.push(SurveyQuestion { aim: QuestionAim::Newest, stretch });
        }
        if open.0 < covered.0 {
            let stretch = whole(open.0, covered.0.plus(-1));
            survey.questions.push(SurveyQuestion { aim: QuestionAim::Oldest, stretch });
        }
        survey
    }

    /// Returns the next stretch to ask for; `None`: everything is known.
    #[must_use]
    pub fn next(&self) -> Option<CalendarStretch> {
        self.questions.last().map(|question| question.stretch)
    }

    /// Takes the answer to the question of [`Self::next`].
    pub fn on_answer(&mut self, listed: &ListedEntries) {
        let Some(SurveyQuestion { aim, stretch }) = self.questions.pop() else {
            return;
        };
        self.asked = self.asked.saturating_add(1);
        for entry in &listed.entries {
            self.see(*entry);
        }
        let proves = listed.proves(stretch);
        if proves == StretchProof::Nothing {
            self.tries = self.tries.saturating_add(1);
            if self.tries < TRIES {
                self.questions.push(SurveyQuestion { aim, stretch });
                return;
            }
        }
        self.tries = 0;
        match aim {
            QuestionAim::Oldest => self.narrow_oldest(proves, stretch, listed),
            QuestionAim::Newest => self.narrow_newest(proves, stretch, listed),
            QuestionAim::Beyond => self.look_beyond(proves, stretch, listed),
        }
    }

    /// Returns the result; before the last answer, the part that is known so far.
    #[must_use]
    pub fn found(self) -> SurveyResult {
        let days = (self.covered.0.first(), self.covered.1.last());
        let outliers = self.outliers.into_iter().collect();
        SurveyResult { days, outliers, doubts: self.doubts, gap: self.gap }
    }

    /// Counts an entry with a date, whatever stretch was asked for.
    fn see(&mut self, entry: DatedEntry) {
        let Some(day) = entry.day else {
            return;
        };
        if self.reach.holds(day) {
            let month = Month::of(day);
            self.covered = (self.covered.0.min(month), self.covered.1.max(month));
            return;
        }
        let new = |one: &Outlier| Month::of(one.day) != Month::of(day);
        if self.outliers.len() < MOST_NAMED || self.outliers.iter().all(new) {
            self.outliers.insert(Outlier {
                list: self.list.name.to_owned(),
                dated: self.list.dated,
                day,
                id: entry.id,
            });
        }
    }

    /// Takes an answer about the months before the covered ones, and asks for the older half of the
    /// months that are still open. An answer that proves nothing makes all of them covered.
    fn narrow_oldest(
        &mut self,
        proves: StretchProof,
        stretch: CalendarStretch,
        listed: &ListedEntries,
    ) {
        match proves {
            StretchProof::All if listed.entries.is_empty() => {
                let asked = stretch.to.map_or(self.covered.0, Month::of);
                self.open.0 = self.open.0.max(asked.plus(1));
            }
            // All entries of the stretch were seen.
            StretchProof::All => self.open.0 = self.covered.0,
            StretchProof::Some => {}
            StretchProof::Nothing => {
                self.doubt(stretch);
                self.covered.0 = self.covered.0.min(self.open.0);
            }
        }
        let months = self.open.0.until(self.covered.0);
        if months > 0 {
            let half = self.open.0.plus(months.saturating_sub(1) / 2);
            let stretch = whole(self.open.0, half);
            self.questions.push(SurveyQuestion { aim: QuestionAim::Oldest, stretch });
        }
    }

    /// Takes an answer about the months after the covered ones: the mirror image of
    /// `narrow_oldest`.
    fn narrow_newest(
        &mut self,
        proves: StretchProof,
        stretch: CalendarStretch,
        listed: &ListedEntries,
    ) {
        match proves {
            StretchProof::All if listed.entries.is_empty() => {
                let asked = stretch.from.map_or(self.covered.1, Month::of);
                self.open.1 = self.open.1.min(asked.plus(-1));
            }
            StretchProof::All => self.open.1 = self.covered.1,
            StretchProof::Some => {}
            StretchProof::Nothing => {
                self.doubt(stretch);
                self.covered.1 = self.covered.1.max(self.open.1);
            }
        }
        let months = self.covered.1.until(self.open.1);
        if months > 0 {
            let half = self.open.1.plus(-(months.saturating_sub(1) / 2));
            let stretch = whole(half, self.open.1);
            self.questions.push(SurveyQuestion { aim: QuestionAim::Newest, stretch });
        }
    }

    /// Takes an answer about months beyond the reach, and asks for the rest of its stretch if it
    /// did not hold all of it. An answer that proves nothing leaves a gap: windows cannot reach all
    /// months of the calendar, as they do within the reach.
    fn look_beyond(
        &mut self,
        proves: StretchProof,
        stretch: CalendarStretch,
        listed: &ListedEntries,
    ) {
        match proves {
            StretchProof::All => {}
            StretchProof::Nothing => self.gap = Some(BeyondGap::Contradicted),
            StretchProof::Some if self.asked >= MOST_QUESTIONS => {
                self.gap = Some(BeyondGap::TooMany);
                self.questions.clear();
            }
            StretchProof::Some => {
                let rest = rest(stretch, listed);
                let question = |stretch| SurveyQuestion { aim: QuestionAim::Beyond, stretch };
                self.questions.extend(rest.into_iter().map(question));
            }
        }
    }

    /// Notes that a stretch could not be judged, for display.
    fn doubt(&mut self, stretch: CalendarStretch) {
        let CalendarStretch { from, to } = stretch;
        let from = from.map(|day| format!(" from {day}")).unwrap_or_default();
        let to = to.map(|day| format!(" to {day}")).unwrap_or_default();
        self.doubts.push(format!(
            "{}{from}{to}: the answers contradict themselves, so it is not known which of these \
             days have entries; reports read all months of them that are within reach",
            self.list.name,
        ));
    }
}
