//! Parts of the document, each made of its sums.

use std::collections::BTreeMap;

use crate::account::AccountFacts;
use crate::document::{
    BudgetEntry, BudgetRow, CapacityColumns, DecimalColumn, EngagementEntry, ExpenseColumns,
    ExpenseCube, FeeColumns, InvoiceEntry, NamedId, PersonEntry, ProjectEntry, TimeColumns,
    TimeCube, text,
};
use crate::fixed::Hours;
use crate::flows::{InvoiceSums, OpenInvoice};
use crate::register::{Engagement, Places, RepeatedNames};
use crate::work::{WorkCube, WorkKey};

pub(crate) fn clients(
    facts: &AccountFacts,
    names: &RepeatedNames,
    places: &Places,
) -> Vec<NamedId> {
    let entry = |id: &i64| {
        let name = facts.clients.get(id).and_then(|client| client.name.as_ref());
        NamedId { id: *id, name: name.or_else(|| names.clients.get(id)).cloned() }
    };
    places.clients.keys().map(entry).collect()
}

pub(crate) fn projects(
    facts: &AccountFacts,
    names: &RepeatedNames,
    places: &Places,
) -> Vec<ProjectEntry> {
    let entry = |id: &i64| {
        let known = facts.projects.get(id);
        let name = known.and_then(|project| project.name.as_ref());
        let client = places.client(known.and_then(|project| project.client));
        ProjectEntry { id: *id, name: name.or_else(|| names.projects.get(id)).cloned(), client }
    };
    places.projects.keys().map(entry).collect()
}

pub(crate) fn people(
    facts: &AccountFacts,
    names: &RepeatedNames,
    places: &Places,
) -> Vec<PersonEntry> {
    let entry = |id: &i64| {
        let known = facts.people.get(id);
        let name = known.and_then(|person| person.name.as_ref());
        PersonEntry {
            id: *id,
            name: name.or_else(|| names.people.get(id)).cloned(),
            is_active: known.is_some_and(|person| person.is_active),
        }
    };
    places.people.keys().map(entry).collect()
}

pub(crate) fn engagements(facts: &AccountFacts, places: &Places) -> Vec<EngagementEntry> {
    let entry = |one: &Engagement| EngagementEntry {
        client: places.client(one.client),
        project: places.project(one.project),
        currency: one.currency.clone(),
        is_fixed_fee: facts.is_fixed_fee(one.project),
    };
    places.engagements.keys().iter().map(entry).collect()
}

/// Places of the keys of a cube: slot, engagement, person.
struct CubePlaces {
    slot: Vec<u32>,
    engagement: Vec<u32>,
    person: Vec<Option<u32>>,
}

fn cube_places<S>(cube: &WorkCube<S>, places: &mut Places) -> CubePlaces {
    let mut engagement = |key: &WorkKey| {
        let engagement = cube.engagements.keys().get(key.engagement as usize);
        engagement.map(|engagement| places.engagement(engagement)).unwrap_or_default()
    };
    CubePlaces {
        slot: cube.slots.keys().map(|(slot, _)| *slot).collect(),
        engagement: cube.slots.keys().map(|(_, key)| engagement(key)).collect(),
        person: cube.slots.keys().map(|(_, key)| places.person(key.person)).collect(),
    }
}

pub(crate) fn time(cube: &TimeCube, places: &mut Places) -> TimeColumns {
    let CubePlaces { slot, engagement, person } = cube_places(cube, places);
    let sums = || cube.slots.values();
    TimeColumns {
        slot,
        engagement,
        person,
        hours: DecimalColumn::of(sums().map(|sums| sums.hours)),
        rounded_hours: DecimalColumn::of(sums().map(|sums| sums.rounded_hours)),
        billable_hours: DecimalColumn::of(sums().map(|sums| sums.billable_hours)),
        hours_without_rate: DecimalColumn::of(sums().map(|sums| sums.hours_without_rate)),
        hours_without_cost: DecimalColumn::of(sums().map(|sums| sums.hours_without_cost)),
        amount: DecimalColumn::of(sums().map(|sums| sums.amount)),
        fixed_fee_at_rates: DecimalColumn::of(sums().map(|sums| sums.fixed_fee_at_rates)),
        cost: DecimalColumn::of(sums().map(|sums| sums.cost)),
    }
}

pub(crate) fn expenses(cube: &ExpenseCube, places: &mut Places) -> ExpenseColumns {
    let CubePlaces { slot, engagement, person } = cube_places(cube, places);
    ExpenseColumns {
        slot,
        engagement,
        person,
        billable: DecimalColumn::of(cube.slots.values().map(|sums| sums.billable)),
        cost: DecimalColumn::of(cube.slots.values().map(|sums| sums.cost)),
    }
}

pub(crate) fn fees(invoices: &InvoiceSums, places: &mut Places) -> FeeColumns {
    let keys = invoices.fees.keys();
    FeeColumns {
        slot: keys.clone().map(|(slot, _)| *slot).collect(),
        engagement: keys.map(|(_, engagement)| places.engagement(engagement)).collect(),
        amount: DecimalColumn::of(invoices.fees.values().copied()),
    }
}

pub(crate) fn capacity_columns(
    sums: &BTreeMap<(u32, i64), Hours>,
    places: &Places,
) -> CapacityColumns {
    let place = |id: &i64| places.people.get(id).copied().unwrap_or_default();
    CapacityColumns {
        slot: sums.keys().map(|(slot, _)| *slot).collect(),
        person: sums.keys().map(|(_, id)| place(id)).collect(),
        hours: DecimalColumn::of(sums.values().copied()),
    }
}

pub(crate) fn open_invoices(invoices: &InvoiceSums, places: &Places) -> Vec<InvoiceEntry> {
    let entry = |one: &OpenInvoice| InvoiceEntry {
        number: one.number.clone(),
        client: places.client(one.client),
        currency: one.currency.clone(),
        issue_date: one.issued,
        due_date: one.due,
        due_amount: text(one.amount),
    };
    invoices.open.iter().map(entry).collect()
}

pub(crate) fn budget(facts: &AccountFacts, row: &BudgetRow, places: &Places) -> BudgetEntry {
    let project = row.project.and_then(|id| facts.projects.get(&id));
    let is_money = matches!(row.budget_by.as_deref(), Some("project_cost" | "task_fees"));
    let own = project.and_then(|project| project.currency.as_ref()).map(|own| &*own.0);
    let money = is_money.then(|| facts.currency(own, row.client));
    let unit = match money {
        Some(currency) => currency.map(|code| code.0.to_string()),
        None => Some("hours".to_owned()),
    };
    BudgetEntry {
        project: places.project(row.project),
        client: places.client(row.client),
        budget_by: row.budget_by.clone(),
        unit,
        is_monthly: row.is_monthly,
        budget: text(row.budget),
        spent: row.spent.map(text),
        remaining: row.remaining.map(text),
        warning_percent: project.and_then(|project| project.warning_percent).map(text),
    }
}
