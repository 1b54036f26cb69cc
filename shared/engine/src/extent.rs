//! Extent of the account: the days that report windows have to cover.
//!
//! Totals and page numbers are not relied on. A stretch of the calendar without entries is proven
//! by an answer that has none and whose every sign agrees; a stretch that is not proven empty is
//! covered.

mod months;
mod survey;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::survey::{BeyondGap, ExtentSurvey, SurveyResult};

use crate::spec::EntryDate;
use crate::time::{Date, SignedDuration, Timestamp, between};

/// Largest age of an extent when a report is due.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Largest age of an extent that lacks a list because it could not be read.
const UNREAD_FOR: SignedDuration = SignedDuration::from_mins(10);
/// Years after today within which windows follow the entries; a later entry is an outlier.
const YEARS_AHEAD: i16 = 1;

/// The oldest and newest days that reports can be about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountExtent {
    /// Time at which the extent was read.
    pub read_at: Timestamp,
    /// Oldest and newest `spent_date` of time entries and expenses within the reach.
    pub spent: Option<(Date, Date)>,
    /// Oldest and newest `issue_date` of invoices within the reach.
    pub issued: Option<(Date, Date)>,
    /// Entries beyond the reach: each is read by a window of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outliers: Vec<Outlier>,
    /// Lists whose days could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadList>,
    /// Doubts about the extent, for display.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

/// A list whose entries have days that reports cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedList {
    /// Name of the list and of its stream.
    pub name: &'static str,
    /// The date that counts.
    pub dated: EntryDate,
}

/// An entry whose day lies beyond the reach: usually a typing error.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Outlier {
    /// Its list.
    pub list: String,
    /// The date that lies beyond the reach.
    pub dated: EntryDate,
    /// Its day.
    pub day: Date,
    /// Its id, if that is usable.
    pub id: Option<i64>,
}

/// A list whose days could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadList {
    /// Name of the list.
    pub list: String,
    /// The date of its entries that counts for reports.
    pub dated: EntryDate,
    /// The failure.
    pub why: String,
    /// Source that gives the days of its entries instead; `None`: there is none, so that reports of
    /// all history cannot be read.
    pub instead: Option<String>,
    /// Whether days beyond the reach may be missing in that source, too.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub far_days_open: bool,
}

/// The days that report windows cover without a gap, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportReach {
    /// First day; the first of a month.
    pub first: Date,
    /// Last day; the last of a month.
    pub last: Date,
}

/// A part of the calendar to ask for: both days are inclusive, `None` is unbounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarStretch {
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
}

/// One entry of an answer: its id and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedEntry {
    /// Its id, if that is usable.
    pub id: Option<i64>,
    /// Its day, if that is usable.
    pub day: Option<Date>,
}

/// Contents of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedEntries {
    /// Its entries, in order.
    pub entries: Vec<DatedEntry>,
    /// `total_entries`, if that is a number.
    pub total: Option<u64>,
    /// Whether any sign of the answer says that more pages follow.
    pub goes_on: bool,
    /// Whether the answer says that it is not the first page, which was asked for.
    pub is_other_page: bool,
}

/// Proof that an answer gives for its stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StretchProof {
    /// The answer holds all entries of the stretch, or every sign says that there are none.
    All,
    /// The answer holds some entries of the stretch.
    Some,
    /// No proof: the answer has no entry of the stretch, and its signs do not say that there are
    /// none.
    Nothing,
}

impl ReportReach {
    /// Returns the reach from the month `years_back` years before today's to the month a year after
    /// it.
    #[must_use]
    pub fn around(today: Date, years_back: u16) -> Self {
        let years = |years: i16| jiff::Span::new().try_years(years).unwrap_or_default();
        let back = i16::try_from(years_back).unwrap_or(i16::MAX);
        Self {
            first: today.saturating_sub(years(back)).first_of_month(),
            last: today.saturating_add(years(YEARS_AHEAD)).last_of_month(),
        }
    }

    /// Whether `day` lies within the reach.
    #[must_use]
    pub fn holds(self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

impl CalendarStretch {
    /// Whether `day` lies within the stretch.
    #[must_use]
    pub fn holds(self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// Whether the stretch has any day.
    fn is_any(self) -> bool {
        !matches!((self.from, self.to), (Some(from), Some(to)) if from > to)
    }
}

impl ListedEntries {
    /// Returns the proof that the answer's own content gives for `stretch`.
    #[must_use]
    pub fn proves(&self, stretch: CalendarStretch) -> StretchProof {
        let mut days = self.entries.iter().filter_map(|entry| entry.day);
        let stray = days.clone().any(|day| !stretch.holds(day));
        let count = self.entries.len() as u64;
        let alone = !self.goes_on && !self.is_other_page;
        // The server counts an undated entry to the stretch without saying where it lies.
        let undated = self.entries.iter().any(|entry| entry.day.is_none());
        if alone && !stray && !undated && self.total.is_none_or(|total| total == count) {
            return StretchProof::All;
        }
        if days.any(|day| stretch.holds(day)) { StretchProof::Some } else { StretchProof::Nothing }
    }
}

impl AccountExtent {
    /// Returns an extent without any entry.
    #[must_use]
    pub const fn new(read_at: Timestamp) -> Self {
        Self {
            read_at,
            spent: None,
            issued: None,
            outliers: Vec::new(),
            unread: Vec::new(),
            doubts: Vec::new(),
        }
    }

    /// Whether it need not be read again now. `asked_at`: instant as of which an operator wants
    /// current data.
    #[must_use]
    pub fn is_fresh(
        &self,
        reach: ReportReach,
        asked_at: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let age = between(self.read_at, now);
        // An extent from the future was written by another clock.
        if age.is_negative() || !self.is_of(reach) {
            return false;
        }
        match asked_at {
            Some(asked_at) => self.read_at >= asked_at,
            None if self.unread.is_empty() => age < FRESH_FOR,
            None => age < UNREAD_FOR,
        }
    }

    /// Whether the extent was made for this reach: all days within it, only outliers beyond.
    fn is_of(&self, reach: ReportReach) -> bool {
        let ranges = [self.spent, self.issued].into_iter().flatten();
        ranges.flat_map(|(first, last)| [first, last]).all(|day| reach.holds(day))
            && !self.outliers.iter().any(|one| reach.holds(one.day))
    }

    /// Returns a list whose days matter, and of which those beyond the reach may be missing.
    #[must_use]
    pub fn incomplete(&self, matters: impl Fn(EntryDate) -> bool) -> Option<&UnreadList> {
        self.unread.iter().find(|one| one.far_days_open && matters(one.dated))
    }

    /// Returns a list whose days matter and are known from no source.
    #[must_use]
    pub fn unknown(&self, matters: impl Fn(EntryDate) -> bool) -> Option<&UnreadList> {
        self.unread.iter().find(|one| one.instead.is_none() && matters(one.dated))
    }
}

impl UnreadList {
    /// Returns a sentence about the list, for display.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { list, why, instead, far_days_open, .. } = self;
        let far = if *far_days_open { ", which may lack days far from today" } else { "" };
        let then = instead.as_deref().map_or_else(
            || "nothing else tells how far back reports go".to_owned(),
            |instead| format!("how far back reports go is taken from {instead}"),
        );
        format!("the oldest and newest days of {list} could not be read ({why}); {then}{far}")
    }
}

/// Returns the range that spans both ranges.
#[must_use]
pub fn joined(a: Option<(Date, Date)>, b: Option<(Date, Date)>) -> Option<(Date, Date)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (range, None) | (None, range) => range,
    }
}

/// Returns a sentence that names the entries beyond the reach, list by list, for display.
#[must_use]
pub fn outliers_sentence(outliers: &[Outlier], most: usize) -> Option<String> {
    if outliers.is_empty() {
        return None;
    }
    let named = outliers.iter().take(most).map(|Outlier { list, day, id, .. }| {
        let id = id.map_or_else(|| "without a usable id".to_owned(), |id| id.to_string());
        format!("{list} {id} ({day})")
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = outliers.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "entries far from today, mistyped perhaps: {named}{more}; reports read them by windows of \
         their own, and nothing between them and the others. Where they are right, \
         `--report-years-back` reaches further"
    ))
}
