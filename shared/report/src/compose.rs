//! Makes the document of the sums: gives each client, project, person and engagement its place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::account::{AccountFacts, ProjectFacts};
use crate::calendar::ReportCalendar;
use crate::capacity::{PeopleVersions, capacities};
use crate::document::{
    BudgetRows, DecimalColumn, ExpenseCube, FlowEntry, OpenFeeColumns, ReportDocument, ReportParts,
    TimeCube, UnbilledColumns, text,
};
use crate::entries::{
    budget, capacity_columns, clients, engagements, expenses, fees, open_invoices, people,
    projects, time,
};
use crate::fixed::{Amount, Hours};
use crate::flows::{FlowKey, FlowSums, InvoiceSums, PaymentSums};
use crate::register::{Engagement, Places, Register, RepeatedNames, note};
use crate::work::{UnbilledSums, WorkGround, WorkKey};

impl ReportParts {
    /// Sums of nothing, to be made with these facts and days.
    #[must_use]
    pub fn new(facts: AccountFacts, calendar: ReportCalendar) -> Self {
        let ground = WorkGround { facts: Arc::new(facts), calendar: Arc::new(calendar) };
        let invoices = Arc::new(InvoiceSums::new(ground.clone()));
        Self {
            time: TimeCube::new(ground.clone()),
            expenses: ExpenseCube::new(ground.clone()),
            payments: PaymentSums::new(Arc::clone(&invoices)),
            invoices,
            budgets: BudgetRows::default(),
            versions: PeopleVersions::default(),
            lacking: Vec::new(),
            ground,
        }
    }

    /// Sums of no invoices, to be made with the same facts and days.
    #[must_use]
    pub fn no_invoices(&self) -> InvoiceSums {
        InvoiceSums::new(self.ground.clone())
    }

    /// Sums of no payments, to be made with the invoices of these parts.
    #[must_use]
    pub fn no_payments(&self) -> PaymentSums {
        PaymentSums::new(Arc::clone(&self.invoices))
    }

    /// Makes the document.
    #[must_use]
    pub fn document(&self) -> ReportDocument {
        let WorkGround { facts, calendar } = &self.ground;
        let capacity = capacities(&self.versions, &self.time.tracked, calendar);
        let names = self.names();
        let mut places = self.places(&capacity);
        let unbilled = self.unbilled(&mut places);
        let mut document = ReportDocument {
            today: calendar.today(),
            company: facts.company.name.clone(),
            cost_currency: facts.company.currency.clone(),
            week_start_day: calendar.week_start_day(),
            lacking: self.lacking.clone(),
            periods: *calendar.periods(),
            slots: calendar.slots().to_vec(),
            clients: clients(facts, &names, &places),
            projects: projects(facts, &names, &places),
            people: people(facts, &names, &places),
            engagements: Vec::new(),
            time: time(&self.time, &mut places),
            expenses: expenses(&self.expenses, &mut places),
            fees: fees(&self.invoices, &mut places),
            unbilled,
            open_fees: self.open_fees(&mut places),
            capacity: capacity_columns(&capacity, &places),
            invoices: open_invoices(&self.invoices, &places),
            flows: self.flows(&places),
            budgets: self.budgets.0.iter().map(|row| budget(facts, row, &places)).collect(),
            answers: Value::Null,
            machine: Value::Null,
        };
        // Last: the sums before have named them.
        document.engagements = engagements(facts, &places);
        document
    }

    /// Names that records repeat.
    fn names(&self) -> RepeatedNames {
        let mut names = RepeatedNames::default();
        for repeated in [&self.time.names, &self.expenses.names, &self.invoices.names] {
            names.join(repeated);
        }
        for project in self.ground.facts.projects.values() {
            note(&mut names.clients, project.client, project.client_name.as_deref());
        }
        for row in &self.budgets.0 {
            note(&mut names.clients, row.client, row.client_name.as_deref());
            note(&mut names.projects, row.project, row.project_name.as_deref());
        }
        names
    }

    /// Places of all clients, projects and people that some sum names, in the order of their ids.
    fn places(&self, capacity: &BTreeMap<(u32, i64), Hours>) -> Places {
        let mut clients = BTreeSet::new();
        let mut projects = BTreeSet::new();
        let mut people: BTreeSet<i64> = capacity.keys().map(|(_, person)| *person).collect();
        people.extend(self.time.people().chain(self.expenses.people()));
        let engagements = self.time.used().chain(self.expenses.used());
        for engagement in engagements.chain(self.invoices.fees.keys().map(|(_, one)| one)) {
            clients.extend(engagement.client);
            projects.extend(engagement.project);
        }
        for (id, project, _) in self.fees_left() {
            clients.extend(project.client);
            projects.insert(id);
        }
        for row in &self.budgets.0 {
            clients.extend(row.client);
            projects.extend(row.project);
        }
        clients.extend(self.invoices.open.iter().filter_map(|invoice| invoice.client));
        let flows = self.invoices.flows.keys().chain(self.payments.flows.keys());
        clients.extend(flows.filter_map(|key| key.client));
        Places {
            engagements: Register::default(),
            clients: numbered(clients),
            projects: numbered(projects),
            people: numbered(people),
        }
    }

    /// Active projects with a fixed fee of which some is left, or too much was invoiced.
    fn fees_left(&self) -> impl Iterator<Item = (i64, &ProjectFacts, Amount)> {
        let projects = self.ground.facts.projects.iter();
        projects.filter(|(_, project)| project.is_fixed_fee && project.is_active).filter_map(
            |(id, project)| {
                let invoiced = self.invoices.invoiced.get(id).copied().unwrap_or_default();
                let left = project.fee? - invoiced;
                (left != Amount::ZERO).then_some((*id, project, left))
            },
        )
    }

    fn open_fees(&self, places: &mut Places) -> OpenFeeColumns {
        let facts = &self.ground.facts;
        let left: Vec<(u32, Amount)> = self
            .fees_left()
            .map(|(id, project, left)| {
                (places.engagement(&facts.own_engagement(id, project)), left)
            })
            .collect();
        OpenFeeColumns {
            engagement: left.iter().map(|(engagement, _)| *engagement).collect(),
            amount: DecimalColumn::of(left.iter().map(|(_, amount)| *amount)),
        }
    }

    /// Work and expenses on no invoice, added up: both may be of one engagement and person.
    fn unbilled(&self, places: &mut Places) -> UnbilledColumns {
        let mut all: BTreeMap<(u32, Option<u32>), UnbilledSums> = BTreeMap::new();
        let mut add = |engagements: &[Engagement], sums: &BTreeMap<WorkKey, UnbilledSums>| {
            for (key, sums) in sums {
                let Some(engagement) = engagements.get(key.engagement as usize) else { continue };
                let place = (places.engagement(engagement), places.person(key.person));
                all.entry(place).or_default().join(sums);
            }
        };
        add(self.time.engagements.keys(), &self.time.unbilled);
        add(self.expenses.engagements.keys(), &self.expenses.unbilled);
        UnbilledColumns {
            engagement: all.keys().map(|(engagement, _)| *engagement).collect(),
            person: all.keys().map(|(_, person)| *person).collect(),
            rounded_hours: DecimalColumn::of(all.values().map(|sums| sums.rounded_hours)),
            hours_without_rate: DecimalColumn::of(all.values().map(|sums| sums.hours_without_rate)),
            time_amount: DecimalColumn::of(all.values().map(|sums| sums.time_amount)),
            expense_amount: DecimalColumn::of(all.values().map(|sums| sums.expense_amount)),
            oldest_day: all.values().map(|sums| sums.oldest).collect(),
        }
    }

    fn flows(&self, places: &Places) -> Vec<FlowEntry> {
        let mut all: BTreeMap<&FlowKey, FlowSums> = BTreeMap::new();
        for (key, sums) in self.invoices.flows.iter().chain(&self.payments.flows) {
            all.entry(key).or_default().join(sums);
        }
        all.into_iter()
            .map(|(key, sums)| FlowEntry {
                month: key.month,
                client: places.client(key.client),
                currency: key.currency.clone(),
                invoiced: text(sums.invoiced),
                invoiced_without_taxes: text(sums.without_taxes),
                written_off: text(sums.written_off),
                paid: text(sums.paid),
            })
            .collect()
    }
}

/// Places of ids, in their order.
fn numbered(ids: BTreeSet<i64>) -> BTreeMap<i64, u32> {
    ids.into_iter().zip(0..).collect()
}
