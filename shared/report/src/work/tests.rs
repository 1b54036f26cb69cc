use proptest::prelude::*;

use super::*;
use crate::account::{ClientFacts, ProjectFacts};
use crate::document::{DecimalColumn, ReportParts};
use crate::fixed::FixedPoint;
use crate::register::CurrencyCode;

/// Wednesday, 18 March 2026.
fn today() -> DayNumber {
    DayNumber::of("2026-03-18".parse().unwrap())
}

/// Two clients in two currencies; project 2 has a fixed fee.
fn facts() -> AccountFacts {
    let mut facts = AccountFacts::default();
    for (id, currency) in [(1, "EUR"), (2, "USD")] {
        let currency = Some(CurrencyCode(currency.into()));
        facts.clients.insert(id, ClientFacts { currency, ..ClientFacts::default() });
    }
    for (id, is_fixed_fee) in [(1, false), (2, true), (3, false)] {
        facts.projects.insert(id, ProjectFacts { is_fixed_fee, ..ProjectFacts::default() });
    }
    facts
}

fn parts() -> ReportParts {
    ReportParts::new(facts(), ReportCalendar::new(today(), Some("Saturday")))
}

fn entry(day: i32, person: i64, project: i64, hours: i128) -> TimeEntryRow<'static> {
    TimeEntryRow {
        day: Some(today().plus(day)),
        place: WorkPlace {
            person: Some(person),
            client: Some(1 + project % 2),
            project: Some(project),
            ..WorkPlace::default()
        },
        hours: Some(FixedPoint(hours)),
        billable: Some(true),
        billable_rate: Some(FixedPoint(90_000_000)),
        cost_rate: Some(FixedPoint(40_000_000)),
        ..TimeEntryRow::default()
    }
}

#[test]
fn an_entry_is_worth_what_the_model_says() {
    let told = |entry: TimeEntryRow<'_>, is_fixed| {
        let sums = sums_of(&entry, is_fixed);
        (sums.amount.0, sums.fixed_fee_at_rates.0, sums.hours_without_rate.0)
    };
    let plain = entry(0, 1, 1, 2_000_000);
    assert_eq!(told(plain, false), (1_800_000, 0, 0));
    assert_eq!(told(plain, true), (0, 1_800_000, 0));
    let rounded = TimeEntryRow { rounded_hours: Some(FixedPoint(2_250_000)), ..plain };
    assert_eq!(told(rounded, false).0, 2_025_000);
    let free = TimeEntryRow { billable_rate: None, ..plain };
    assert_eq!([told(free, false), told(free, true)], [(0, 0, 2_000_000), (0, 0, 2_000_000)]);
    let other = TimeEntryRow { billable: Some(false), ..plain };
    assert_eq!(told(other, false), (0, 0, 0));
}

#[test]
fn work_that_is_planned_counts_only_for_the_days_of_the_person() {
    let mut cube = parts().time;
    cube.add(&entry(7, 1, 1, 8_000_000));
    assert!(cube.slots.is_empty() && cube.unbilled.is_empty());
    assert_eq!(cube.tracked[&1], TrackedSpan { first: today().plus(7), last: today().plus(7) });
}

#[test]
fn old_work_is_unbilled_until_it_is_billed_and_in_no_slot() {
    let mut cube = parts().time;
    let old = entry(-2000, 1, 1, 1_000_000);
    cube.add(&old);
    cube.add(&TimeEntryRow { is_billed: true, ..old });
    assert!(cube.slots.is_empty());
    let [unbilled] = cube.unbilled.values().collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((unbilled.rounded_hours.0, unbilled.oldest), (1_000_000, Some(today().plus(-2000))));
}

/// Sum of the values of a column whose places `wants` chooses, with `scale` digits after the point.
fn sum(column: &DecimalColumn, scale: u32, wants: impl Fn(usize) -> bool) -> i128 {
    let factor = 10_i128.pow(scale - column.scale);
    let values = column.values.iter().enumerate();
    values.filter(|(place, _)| wants(*place)).map(|(_, value)| value.0 * factor).sum()
}

prop_compose! {
    fn some_entry()(
        day in -500..20_i32,
        person in 1..4_i64,
        project in 1..4_i64,
        hours in 0..24_000_000_i128,
        billable in any::<Option<bool>>(),
        is_billed in any::<bool>(),
        has_rate in any::<bool>(),
    ) -> TimeEntryRow<'static> {
        let plain = entry(day, person, project, hours);
        let billable_rate = plain.billable_rate.filter(|_| has_rate);
        TimeEntryRow { billable, billable_rate, is_billed, ..plain }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each part of a division, and all of them, against one sum of the entries themselves.
    #[test]
    fn the_sums_of_any_division_are_those_of_the_entries(
        entries in proptest::collection::vec(some_entry(), 0..60),
    ) {
        let mut parts = parts();
        for entry in &entries {
            parts.time.add(entry);
        }
        let document = parts.document();
        let (time, all) = (&document.time, document.periods.all);
        let shown = |entry: &&TimeEntryRow<'_>| {
            entry.day.is_some_and(|day| all.from <= day && day <= all.to)
        };
        let cost = |entry: &TimeEntryRow<'_>| {
            let hours = entry.rounded_hours.or(entry.hours).unwrap();
            hours.at(entry.cost_rate.unwrap()).0
        };
        let whole: i128 = entries.iter().filter(shown).map(cost).sum();
        prop_assert_eq!(sum(&time.cost, 4, |_| true), whole);
        for (place, person) in document.people.iter().enumerate() {
            let own = entries.iter().filter(shown).filter(|entry| entry.place.person == Some(person.id));
            let found = sum(&time.cost, 4, |at| time.person[at] == u32::try_from(place).ok());
            prop_assert_eq!(found, own.map(cost).sum::<i128>());
        }
        for (place, project) in document.projects.iter().enumerate() {
            let own = entries.iter().filter(shown).filter(|entry| entry.place.project == Some(project.id));
            let is_own = |at: usize| {
                let engagement = &document.engagements[time.engagement[at] as usize];
                engagement.project == u32::try_from(place).ok()
            };
            prop_assert_eq!(sum(&time.cost, 4, is_own), own.map(cost).sum::<i128>());
        }
        // Unbilled is everything until today, however old.
        let open = entries.iter().filter(|entry| entry.day.is_some_and(|day| day <= today()));
        let open = open.filter(|entry| entry.billable == Some(true) && !entry.is_billed);
        let hours: i128 = open.map(|entry| entry.hours.unwrap().0).sum();
        prop_assert_eq!(sum(&document.unbilled.rounded_hours, 6, |_| true), hours);
        // Each place is named once.
        let mut seen: Vec<_> = (0..time.slot.len())
            .map(|at| (time.slot[at], time.engagement[at], time.person[at]))
            .collect();
        seen.sort_unstable();
        seen.dedup();
        prop_assert_eq!(seen.len(), time.slot.len());
    }

    /// The order of rows is that of files, and says nothing.
    #[test]
    fn the_order_of_entries_does_not_matter(
        entries in proptest::collection::vec(some_entry(), 0..30),
    ) {
        let mut texts = Vec::new();
        for reversed in [false, true] {
            let mut parts = parts();
            let mut entries = entries.clone();
            if reversed {
                entries.reverse();
            }
            for entry in &entries {
                parts.time.add(entry);
            }
            let document = parts.document();
            let engagement = |at: usize| {
                let one = &document.engagements[document.time.engagement[at] as usize];
                (one.client, one.project)
            };
            let time = &document.time;
            let mut cells: Vec<_> = (0..time.slot.len())
                .map(|at| (time.slot[at], engagement(at), time.person[at], time.amount.values[at].0))
                .collect();
            cells.sort_unstable();
            texts.push(format!("{} {cells:?}", time.amount.scale));
        }
        prop_assert_eq!(&texts[0], &texts[1]);
    }
}
