//! Hours that people could work.
//!
//! Follows `infra/model/fact_capacity.sql` and `dim_people.sql`.

use std::collections::BTreeMap;

use engine::time::DAY_MICROS;

use crate::calendar::{DayNumber, ReportCalendar};
use crate::fixed::{FixedPoint, Hours, rounded};
use crate::work::TrackedSpan;

/// Version of a person in the table of changes, or the person as of now where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PersonVersion {
    /// Number of the commit; a later one is higher.
    pub(crate) sequence: i64,
    /// Time of the change, in microseconds since 1970.
    pub(crate) changed_at: i64,
    /// Time at which the person was added.
    pub(crate) created_at: Option<i64>,
    /// Whether this is the end of the person's row.
    pub(crate) is_deleted: bool,
    pub(crate) is_active: bool,
    /// Seconds per week.
    pub(crate) weekly_capacity: Option<i64>,
}

/// Versions of all people, by id.
#[derive(Clone, Debug, Default)]
pub struct PeopleVersions(pub(crate) BTreeMap<i64, Vec<PersonVersion>>);

/// Days of a version that counts.
struct VersionSpan {
    from: DayNumber,
    /// First day after it.
    until: Option<DayNumber>,
    is_active: bool,
    /// Capacity of a day from Monday to Friday.
    daily: Hours,
}

/// Returns the capacity of each person in each slot.
pub(crate) fn capacities(
    versions: &PeopleVersions,
    tracked: &BTreeMap<i64, TrackedSpan>,
    calendar: &ReportCalendar,
) -> BTreeMap<(u32, i64), Hours> {
    let mut sums = BTreeMap::new();
    for (id, versions) in &versions.0 {
        let spans = spans(versions);
        let Some(first) = spans.first().map(|span| span.from) else { continue };
        let was_ever_active = spans.iter().any(|span| span.is_active);
        let tracked = tracked.get(id);
        let begin = tracked.map_or(first, |tracked| tracked.first.min(first));
        let last = if was_ever_active { None } else { tracked.map(|tracked| tracked.last) };
        // Of a person who was archived before the history begins, and never tracked time, no day
        // is known to have counted.
        if !was_ever_active && last.is_none() {
            continue;
        }
        let end = last.map_or(calendar.today(), |last| last.min(calendar.today()));
        let begin = begin.max(calendar.periods().all.from);
        for number in begin.0..=end.0 {
            let day = DayNumber(number);
            let Some(slot) = calendar.slot(day).filter(|_| day.is_weekday()) else { continue };
            if let Some(span) = span_of(&spans, day)
                && (span.is_active || !was_ever_active)
            {
                *sums.entry((slot, *id)).or_default() += span.daily;
            }
        }
    }
    sums
}

/// Version that counts on a day. The first one also counts for all days before it.
fn span_of(spans: &[VersionSpan], day: DayNumber) -> Option<&VersionSpan> {
    let mut all = spans.iter().enumerate();
    let counts = |(place, span): &(usize, &VersionSpan)| {
        (*place == 0 || span.from <= day) && span.until.is_none_or(|until| day < until)
    };
    all.find(counts).map(|(_, span)| span)
}

/// Returns the versions with their days, in order. The first counts from the day on which the
/// person was added; each ends with the day before the next change.
fn spans(versions: &[PersonVersion]) -> Vec<VersionSpan> {
    let mut versions = versions.to_vec();
    versions.sort_by_key(|version| version.sequence);
    let ends = versions.iter().skip(1).map(|next| Some(next.changed_at)).chain([None]);
    let with_ends = versions.iter().zip(ends).enumerate();
    with_ends
        .filter(|(_, (version, _))| !version.is_deleted)
        .map(|(place, (version, end))| {
            let created = version.created_at.filter(|_| place == 0);
            VersionSpan {
                from: day_of(created.unwrap_or(version.changed_at)),
                until: end.map(day_of),
                is_active: version.is_active,
                daily: daily(version.weekly_capacity),
            }
        })
        .collect()
}

/// Day in UTC of an instant in microseconds.
fn day_of(instant: i64) -> DayNumber {
    DayNumber(i32::try_from(instant.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX))
}

/// A fifth of the weekly capacity, which is in seconds. Rounded to six digits twice, as in the
/// model.
fn daily(weekly_capacity: Option<i64>) -> Hours {
    let seconds = i128::from(weekly_capacity.unwrap_or(0));
    let weekly = rounded(seconds.saturating_mul(1_000_000), 3600);
    FixedPoint(rounded(weekly, 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> DayNumber {
        DayNumber::of(text.parse().unwrap())
    }

    fn version(sequence: i64, changed: &str, hours: i64, is_active: bool) -> PersonVersion {
        PersonVersion {
            sequence,
            changed_at: i64::from(day(changed).0) * DAY_MICROS,
            created_at: Some(i64::from(day("2026-02-16").0) * DAY_MICROS + 9),
            is_deleted: false,
            is_active,
            weekly_capacity: Some(hours * 3600),
        }
    }

    /// Capacity in whole hours of one person in each week until Wednesday, 18 March 2026.
    fn weeks(versions: &[PersonVersion], tracked: Option<(&str, &str)>) -> Vec<(String, i128)> {
        let calendar = ReportCalendar::new(day("2026-03-18"), Some("Monday"));
        let versions = PeopleVersions([(7, versions.to_vec())].into());
        let span = |(first, last)| (7, TrackedSpan { first: day(first), last: day(last) });
        let sums = capacities(&versions, &tracked.map(span).into_iter().collect(), &calendar);
        let mut weeks: BTreeMap<String, i128> = BTreeMap::new();
        for ((slot, _), hours) in sums {
            let week = calendar.slots()[slot as usize].week.date().to_string();
            *weeks.entry(week).or_default() += hours.0;
        }
        weeks.into_iter().map(|(week, hours)| (week, hours / 1_000_000)).collect()
    }

    fn told(weeks: &[(&str, i128)]) -> Vec<(String, i128)> {
        weeks.iter().map(|(week, hours)| ((*week).to_owned(), *hours)).collect()
    }

    #[test]
    fn a_change_counts_from_its_day_on_and_the_first_version_before_it() {
        // The history begins on 9 March; on Wednesday the 11th half of the week is left.
        let two = [version(4, "2026-03-11", 20, true), version(1, "2026-03-09", 40, true)];
        let wanted = [
            ("2026-02-16", 40),
            ("2026-02-23", 40),
            ("2026-03-02", 40),
            ("2026-03-09", 28),
            ("2026-03-16", 12),
        ];
        assert_eq!(weeks(&two, None), told(&wanted));
        // An entry before the person was added extends the first version.
        let early = weeks(&two, Some(("2026-02-12", "2026-02-12")));
        assert_eq!(early.first().unwrap(), &("2026-02-09".to_owned(), 16));
    }

    #[test]
    fn an_archiving_ends_capacity_with_the_day_before_it() {
        let two = [version(1, "2026-03-09", 40, true), version(2, "2026-03-12", 40, false)];
        let archived = weeks(&two, Some(("2026-02-16", "2026-03-17")));
        assert_eq!(archived.last().unwrap(), &("2026-03-09".to_owned(), 24));
    }

    #[test]
    fn a_person_who_was_archived_before_the_history_counts_until_the_last_entry() {
        let one = [version(1, "2026-03-09", 40, false)];
        assert_eq!(weeks(&one, None), []);
        let tracked = weeks(&one, Some(("2026-02-24", "2026-03-03")));
        assert_eq!(tracked, told(&[("2026-02-16", 40), ("2026-02-23", 40), ("2026-03-02", 16)]));
    }

    #[test]
    fn two_changes_of_one_day_count_as_the_last_and_a_deletion_ends_all() {
        let mut three = [
            version(1, "2026-03-09", 40, true),
            version(2, "2026-03-16", 10, true),
            version(3, "2026-03-16", 20, true),
        ];
        assert_eq!(weeks(&three, None).last().unwrap(), &("2026-03-16".to_owned(), 12));
        three[2].is_deleted = true;
        assert_eq!(weeks(&three, None).last().unwrap().0, "2026-03-09");
    }
}
