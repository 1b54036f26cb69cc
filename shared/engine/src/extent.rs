//! How far back the account goes: which days report windows have to cover.
//!
//! Nothing is taken from totals or from the number of a page. A stretch of the calendar without
//! entries is proven by an answer that has none and says so in every way; whatever is not proven
//! empty is covered.

mod months;
mod survey;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::survey::{Found, Survey};

use crate::time::{Date, SignedDuration, Timestamp, between};

/// How old an extent may be when a report is due.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How old one may be of which a list could not be read.
const UNREAD_FOR: SignedDuration = SignedDuration::from_mins(10);
/// Years after today that windows follow the entries; what lies later is an outlier.
const YEARS_AHEAD: i16 = 1;

/// The oldest and newest days that reports can be about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// When it was read.
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
    /// What people should know of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

/// Which date of its entries counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dated {
    /// The day that it was spent on.
    #[serde(rename = "spent_date")]
    Spent,
    /// The day of issue.
    #[serde(rename = "issue_date")]
    Issued,
}

impl Dated {
    /// The member of a record that holds it.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Spent => "spent_date",
            Self::Issued => "issue_date",
        }
    }
}

/// A list whose entries have days that reports are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedList {
    /// Its name, which is that of its stream.
    pub name: &'static str,
    /// The date that counts.
    pub dated: Dated,
}

/// An entry whose day lies beyond the reach: mistyped, as a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Outlier {
    /// Its list.
    pub list: String,
    /// The date that lies there.
    pub dated: Dated,
    /// Its day.
    pub day: Date,
    /// Its id, where that is usable.
    pub id: Option<i64>,
}

/// A list whose days could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadList {
    /// Which.
    pub list: String,
    /// The date of its entries that counts.
    pub dated: Dated,
    /// What happened.
    pub why: String,
    /// What the days of its entries are taken from instead; `None`: nothing proves them, so that
    /// reports of all history cannot be read.
    pub instead: Option<String>,
}

/// The days that report windows cover in one piece, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// First day; the first of a month.
    pub first: Date,
    /// Last day; the last of a month.
    pub last: Date,
}

/// The part of the calendar that a question is about: both days inclusive, `None` without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
}

/// One entry of an answer, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id, where that is usable.
    pub id: Option<i64>,
    /// Its day, where that is usable.
    pub day: Option<Date>,
}

/// What an answer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its entries, in order.
    pub entries: Vec<Entry>,
    /// `total_entries`, where that is a number.
    pub total: Option<u64>,
    /// Whether anything in it says that there are more pages.
    pub goes_on: bool,
    /// Whether it says that it is another page than the first, which was asked for.
    pub is_other_page: bool,
}

/// What an answer proves of the stretch that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proves {
    /// It holds all entries of the stretch, or says in every way that there are none.
    All,
    /// It holds some.
    Some,
    /// Nothing: it has no entry of the stretch, and does not say that there are none.
    Nothing,
}

impl Reach {
    /// From the month `years_back` years before today's to the month a year after it.
    #[must_use]
    pub fn around(today: Date, years_back: u16) -> Self {
        let years = |years: i16| jiff::Span::new().try_years(years).unwrap_or_default();
        let back = i16::try_from(years_back).unwrap_or(i16::MAX);
        Self {
            first: today.saturating_sub(years(back)).first_of_month(),
            last: today.saturating_add(years(YEARS_AHEAD)).last_of_month(),
        }
    }

    /// Whether `day` lies within.
    #[must_use]
    pub fn holds(self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

impl Stretch {
    /// Whether `day` lies within.
    #[must_use]
    pub fn holds(self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// Whether there is any day in it.
    fn is_any(self) -> bool {
        !matches!((self.from, self.to), (Some(from), Some(to)) if from > to)
    }
}

impl Listed {
    /// What the answer proves of `stretch`, by its own content.
    #[must_use]
    pub fn proves(&self, stretch: Stretch) -> Proves {
        let mut days = self.entries.iter().filter_map(|entry| entry.day);
        let stray = days.clone().any(|day| !stretch.holds(day));
        let count = self.entries.len() as u64;
        let alone = !self.goes_on && !self.is_other_page;
        if alone && !stray && self.total.is_none_or(|total| total == count) {
            return Proves::All;
        }
        if days.any(|day| stretch.holds(day)) { Proves::Some } else { Proves::Nothing }
    }

    /// Whether its entries come newest first, as documented, and more than one day shows it.
    fn is_newest_first(&self) -> bool {
        let days: Vec<Option<Date>> = self.entries.iter().map(|entry| entry.day).collect();
        !self.is_other_page
            && days.iter().all(Option::is_some)
            && days.is_sorted_by(|a, b| a >= b)
            && days.first() > days.last()
    }
}

impl Extent {
    /// Whether it need not be read again now. `asked_at`: somebody wants everything as of then.
    #[must_use]
    pub fn is_fresh(&self, reach: Reach, asked_at: Option<Timestamp>, now: Timestamp) -> bool {
        let age = between(self.read_at, now);
        // Of the future: another clock's.
        if age.is_negative() || !self.is_of(reach) {
            return false;
        }
        match asked_at {
            Some(asked_at) => self.read_at >= asked_at,
            None if self.unread.is_empty() => age < FRESH_FOR,
            None => age < UNREAD_FOR,
        }
    }

    /// Whether it was made for this reach: what lies beyond is an outlier, nothing else is.
    fn is_of(&self, reach: Reach) -> bool {
        let ranges = [self.spent, self.issued].into_iter().flatten();
        ranges.flat_map(|(first, last)| [first, last]).all(|day| reach.holds(day))
            && !self.outliers.iter().any(|one| reach.holds(one.day))
    }

    /// A list whose days matter and are not known from anywhere.
    #[must_use]
    pub fn unknown(&self, matters: impl Fn(Dated) -> bool) -> Option<&UnreadList> {
        self.unread.iter().find(|one| one.instead.is_none() && matters(one.dated))
    }
}

impl UnreadList {
    /// What people should know of it.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { list, why, instead, .. } = self;
        let then = instead.as_deref().map_or_else(
            || "nothing else tells how far back reports go".to_owned(),
            |instead| format!("how far back reports go is taken from {instead}"),
        );
        format!("the oldest and newest days of {list} could not be read ({why}); {then}")
    }
}

/// Both ranges as one.
#[must_use]
pub fn joined(a: Option<(Date, Date)>, b: Option<(Date, Date)>) -> Option<(Date, Date)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (range, None) | (None, range) => range,
    }
}

/// Names the entries beyond the reach, list by list, for people.
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
