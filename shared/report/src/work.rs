//! Sums of time entries and expenses.
//!
//! Follows `infra/model/fact_time.sql` and `fact_expenses.sql`, and those parts of
//! `infra/queries/unbilled_work.sql` that are about entries and expenses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::account::AccountFacts;
use crate::calendar::{DayNumber, ReportCalendar};
use crate::fixed::{Amount, Hours, Rate};
use crate::register::{Engagement, Register, RepeatedNames, note};

/// Facts of the account, and the calendar: all sums are made with them.
#[derive(Clone, Debug)]
pub(crate) struct WorkGround {
    pub(crate) facts: Arc<AccountFacts>,
    pub(crate) calendar: Arc<ReportCalendar>,
}

/// Columns of a time entry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TimeEntryRow<'a> {
    pub(crate) day: Option<DayNumber>,
    pub(crate) place: WorkPlace<'a>,
    pub(crate) hours: Option<Hours>,
    pub(crate) rounded_hours: Option<Hours>,
    pub(crate) billable: Option<bool>,
    pub(crate) billable_rate: Option<Rate>,
    pub(crate) cost_rate: Option<Rate>,
    pub(crate) is_billed: bool,
}

/// Columns of an expense.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExpenseRow<'a> {
    pub(crate) day: Option<DayNumber>,
    pub(crate) place: WorkPlace<'a>,
    pub(crate) total_cost: Option<Amount>,
    pub(crate) billable: bool,
    pub(crate) is_billed: bool,
}

/// Columns of an entry or an expense that say where it belongs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WorkPlace<'a> {
    pub(crate) person: Option<i64>,
    pub(crate) person_name: Option<&'a str>,
    pub(crate) client: Option<i64>,
    pub(crate) client_name: Option<&'a str>,
    pub(crate) client_currency: Option<&'a str>,
    pub(crate) project: Option<i64>,
    pub(crate) project_name: Option<&'a str>,
}

/// Place of a sum: engagement and person, by their places in the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorkKey {
    pub(crate) engagement: u32,
    pub(crate) person: Option<i64>,
}

/// Sums of time entries in one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSlotSums {
    /// Hours as tracked.
    pub(crate) hours: Hours,
    /// Hours by the account's rounding rule.
    pub(crate) rounded_hours: Hours,
    /// Those of them that are billable.
    pub(crate) billable_hours: Hours,
    /// Those of them that are billable, but have no rate.
    pub(crate) hours_without_rate: Hours,
    /// Those of them that have no cost rate.
    pub(crate) hours_without_cost: Hours,
    /// Worth by time and materials.
    pub(crate) amount: Amount,
    /// Worth of billable hours of a fixed fee, at their rates.
    pub(crate) fixed_fee_at_rates: Amount,
    /// Cost, in the currency of the company.
    pub(crate) cost: Amount,
}

/// Sums of expenses in one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpenseSlotSums {
    pub(crate) billable: Amount,
    pub(crate) cost: Amount,
}

/// Work and expenses that are on no invoice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnbilledSums {
    pub(crate) rounded_hours: Hours,
    pub(crate) hours_without_rate: Hours,
    pub(crate) time_amount: Amount,
    pub(crate) expense_amount: Amount,
    pub(crate) oldest: Option<DayNumber>,
}

/// First and last day with an entry, planned ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrackedSpan {
    pub(crate) first: DayNumber,
    pub(crate) last: DayNumber,
}

/// Sums of a table of work. `S` are those of a slot.
#[derive(Clone, Debug)]
pub struct WorkCube<S> {
    ground: WorkGround,
    pub(crate) engagements: Register<Engagement>,
    pub(crate) names: RepeatedNames,
    pub(crate) slots: BTreeMap<(u32, WorkKey), S>,
    pub(crate) unbilled: BTreeMap<WorkKey, UnbilledSums>,
    pub(crate) tracked: BTreeMap<i64, TrackedSpan>,
}

impl<S: Default> WorkCube<S> {
    pub(crate) fn new(ground: WorkGround) -> Self {
        Self {
            ground,
            engagements: Register::default(),
            names: RepeatedNames::default(),
            slots: BTreeMap::new(),
            unbilled: BTreeMap::new(),
            tracked: BTreeMap::new(),
        }
    }

    /// Keys of all sums.
    fn keys(&self) -> impl Iterator<Item = &WorkKey> {
        self.slots.keys().map(|(_, key)| key).chain(self.unbilled.keys())
    }

    /// People that some sum names.
    pub(crate) fn people(&self) -> impl Iterator<Item = i64> {
        self.keys().filter_map(|key| key.person)
    }

    /// Engagements that some sum names.
    pub(crate) fn used(&self) -> impl Iterator<Item = &Engagement> {
        let places: BTreeSet<u32> = self.keys().map(|key| key.engagement).collect();
        places.into_iter().filter_map(|place| self.engagements.keys().get(place as usize))
    }

    /// Key of a place, and whether the project has a fixed fee.
    fn key(&mut self, place: &WorkPlace<'_>) -> (WorkKey, bool) {
        let facts = &self.ground.facts;
        let engagement = Engagement {
            client: place.client,
            project: place.project,
            currency: facts.currency(place.client_currency, place.client),
        };
        let names = &mut self.names;
        let engagement = self.engagements.place(&engagement, || {
            note(&mut names.clients, place.client, place.client_name);
            note(&mut names.projects, place.project, place.project_name);
        });
        (WorkKey { engagement, person: place.person }, facts.is_fixed_fee(place.project))
    }

    /// Sums of a slot; `None` for a day outside of the report.
    fn slot(&mut self, day: DayNumber, key: WorkKey) -> Option<&mut S> {
        let slot = self.ground.calendar.slot(day)?;
        Some(self.slots.entry((slot, key)).or_default())
    }
}

impl WorkCube<TimeSlotSums> {
    /// Adds an entry. Work of a later day than today counts only for the days with entries.
    pub(crate) fn add(&mut self, entry: &TimeEntryRow<'_>) {
        let Some(day) = entry.day else { return };
        self.track(entry.place.person, entry.place.person_name, day);
        if day > self.ground.calendar.today() {
            return;
        }
        let (key, is_fixed) = self.key(&entry.place);
        let sums = sums_of(entry, is_fixed);
        if let Some(held) = self.slot(day, key) {
            held.join(&sums);
        }
        if entry.billable == Some(true) && !entry.is_billed {
            let unbilled = UnbilledSums {
                rounded_hours: sums.rounded_hours,
                hours_without_rate: if is_fixed { Hours::ZERO } else { sums.hours_without_rate },
                time_amount: sums.amount,
                expense_amount: Amount::ZERO,
                oldest: Some(day),
            };
            self.unbilled.entry(key).or_default().join(&unbilled);
        }
    }

    fn track(&mut self, person: Option<i64>, name: Option<&str>, day: DayNumber) {
        let Some(id) = person else { return };
        let names = &mut self.names.people;
        let span = self.tracked.entry(id).or_insert_with(|| {
            note(names, person, name);
            TrackedSpan { first: day, last: day }
        });
        span.first = span.first.min(day);
        span.last = span.last.max(day);
    }
}

impl WorkCube<ExpenseSlotSums> {
    /// Adds an expense, unless it is of a later day than today.
    pub(crate) fn add(&mut self, expense: &ExpenseRow<'_>) {
        let Some(day) = expense.day.filter(|day| *day <= self.ground.calendar.today()) else {
            return;
        };
        let (key, _) = self.key(&expense.place);
        note(&mut self.names.people, expense.place.person, expense.place.person_name);
        let cost = expense.total_cost.unwrap_or_default();
        let billable = if expense.billable { cost } else { Amount::ZERO };
        if let Some(held) = self.slot(day, key) {
            held.cost += cost;
            held.billable += billable;
        }
        if expense.billable && !expense.is_billed {
            let unbilled = UnbilledSums {
                expense_amount: billable,
                oldest: Some(day),
                ..UnbilledSums::default()
            };
            self.unbilled.entry(key).or_default().join(&unbilled);
        }
    }
}

/// Returns what one entry adds to the sums.
pub(crate) fn sums_of(entry: &TimeEntryRow<'_>, is_fixed: bool) -> TimeSlotSums {
    let rounded = entry.rounded_hours.or(entry.hours).unwrap_or_default();
    let is_billable = entry.billable == Some(true);
    let when = |is: bool| if is { rounded } else { Hours::ZERO };
    let at_rate = |rate: Option<Rate>| rate.map_or(Amount::ZERO, |rate| rounded.at(rate));
    let worth = at_rate(entry.billable_rate);
    // A null flag is neither billable nor not: SQL then goes on to the rate.
    let is_worthless = entry.billable == Some(false) || is_fixed;
    TimeSlotSums {
        hours: entry.hours.unwrap_or_default(),
        rounded_hours: rounded,
        billable_hours: when(is_billable),
        hours_without_rate: when(is_billable && entry.billable_rate.is_none()),
        hours_without_cost: when(entry.cost_rate.is_none()),
        amount: if is_worthless { Amount::ZERO } else { worth },
        fixed_fee_at_rates: if is_billable && is_fixed { worth } else { Amount::ZERO },
        cost: at_rate(entry.cost_rate),
    }
}

impl TimeSlotSums {
    /// Adds other sums.
    pub(crate) fn join(&mut self, other: &Self) {
        self.hours += other.hours;
        self.rounded_hours += other.rounded_hours;
        self.billable_hours += other.billable_hours;
        self.hours_without_rate += other.hours_without_rate;
        self.hours_without_cost += other.hours_without_cost;
        self.amount += other.amount;
        self.fixed_fee_at_rates += other.fixed_fee_at_rates;
        self.cost += other.cost;
    }
}

impl UnbilledSums {
    /// Adds other sums; the older day stays.
    pub(crate) fn join(&mut self, other: &Self) {
        self.rounded_hours += other.rounded_hours;
        self.hours_without_rate += other.hours_without_rate;
        self.time_amount += other.time_amount;
        self.expense_amount += other.expense_amount;
        self.oldest = match (self.oldest, other.oldest) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
    }
}

#[cfg(test)]
mod tests;
