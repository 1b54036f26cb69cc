//! Invoices and payments: what is due, what was invoiced and paid, and what fees brought in.
//!
//! Follows `infra/queries/invoice_ageing.sql` and `revenue_and_cash_by_month.sql`, and the parts of
//! `unbilled_work.sql` and `infra/model/fact_revenue_and_cost.sql` that are about lines of invoices.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::calendar::DayNumber;
use crate::fixed::Amount;
use crate::register::{CurrencyCode, Engagement, RepeatedNames, note};
use crate::work::WorkGround;

/// Columns of an invoice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InvoiceRow<'a> {
    pub(crate) id: i64,
    pub(crate) number: Option<&'a str>,
    pub(crate) client: Option<i64>,
    pub(crate) client_name: Option<&'a str>,
    pub(crate) currency: Option<&'a str>,
    pub(crate) state: Option<&'a str>,
    pub(crate) issued: Option<DayNumber>,
    pub(crate) due: Option<DayNumber>,
    pub(crate) closed: Option<DayNumber>,
    pub(crate) amount: Option<Amount>,
    pub(crate) taxes: Amount,
    pub(crate) due_amount: Option<Amount>,
}

/// Line of an invoice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InvoiceLine<'a> {
    pub(crate) project: Option<i64>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) amount: Amount,
}

/// Open invoice of which something is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenInvoice {
    pub(crate) number: Option<String>,
    pub(crate) client: Option<i64>,
    pub(crate) currency: Option<CurrencyCode>,
    pub(crate) issued: Option<DayNumber>,
    pub(crate) due: Option<DayNumber>,
    pub(crate) amount: Amount,
}

/// Place of flows of money. Those of an invoice without a day have no month.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FlowKey {
    pub(crate) month: Option<DayNumber>,
    pub(crate) client: Option<i64>,
    pub(crate) currency: Option<CurrencyCode>,
}

/// Flows of money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FlowSums {
    pub(crate) invoiced: Amount,
    pub(crate) without_taxes: Amount,
    pub(crate) written_off: Amount,
    pub(crate) paid: Amount,
}

/// Sums of the invoices.
#[derive(Clone, Debug)]
pub struct InvoiceSums {
    ground: WorkGround,
    pub(crate) names: RepeatedNames,
    pub(crate) open: Vec<OpenInvoice>,
    pub(crate) flows: BTreeMap<FlowKey, FlowSums>,
    /// Lines for work on fixed fees, by slot.
    pub(crate) fees: BTreeMap<(u32, Engagement), Amount>,
    /// Lines for work, by project, drafts included.
    pub(crate) invoiced: BTreeMap<i64, Amount>,
    /// Client and currency of each invoice, for its payments.
    payers: BTreeMap<i64, InvoicePayer>,
}

/// Client and currency of an invoice.
#[derive(Clone, Debug)]
struct InvoicePayer {
    client: Option<i64>,
    currency: Option<CurrencyCode>,
}

/// Sums of the payments.
#[derive(Clone, Debug)]
pub struct PaymentSums {
    invoices: Arc<InvoiceSums>,
    pub(crate) flows: BTreeMap<FlowKey, FlowSums>,
}

impl FlowSums {
    /// Adds other flows.
    pub(crate) fn join(&mut self, other: &Self) {
        self.invoiced += other.invoiced;
        self.without_taxes += other.without_taxes;
        self.written_off += other.written_off;
        self.paid += other.paid;
    }
}

impl InvoiceSums {
    pub(crate) fn new(ground: WorkGround) -> Self {
        Self {
            ground,
            names: RepeatedNames::default(),
            open: Vec::new(),
            flows: BTreeMap::new(),
            fees: BTreeMap::new(),
            invoiced: BTreeMap::new(),
            payers: BTreeMap::new(),
        }
    }

    /// Adds an invoice and its lines.
    pub(crate) fn add<'a>(
        &mut self,
        invoice: &InvoiceRow<'a>,
        lines: impl Iterator<Item = InvoiceLine<'a>>,
    ) {
        let currency = self.ground.facts.currency(invoice.currency, invoice.client);
        note(&mut self.names.clients, invoice.client, invoice.client_name);
        self.add_due(invoice, currency.as_ref());
        self.add_flows(invoice, currency.as_ref());
        for line in lines {
            self.add_line(invoice, currency.as_ref(), &line);
        }
        self.payers.insert(invoice.id, InvoicePayer { client: invoice.client, currency });
    }

    fn add_due(&mut self, invoice: &InvoiceRow<'_>, currency: Option<&CurrencyCode>) {
        let Some(amount) = invoice.due_amount.filter(|amount| *amount != Amount::ZERO) else {
            return;
        };
        if invoice.state == Some("open") {
            self.open.push(OpenInvoice {
                number: invoice.number.map(str::to_owned),
                client: invoice.client,
                currency: currency.cloned(),
                issued: invoice.issued,
                due: invoice.due,
                amount,
            });
        }
    }

    fn add_flows(&mut self, invoice: &InvoiceRow<'_>, currency: Option<&CurrencyCode>) {
        if invoice.state.is_some_and(|state| state != "draft") {
            let amount = invoice.amount.unwrap_or_default();
            let net = invoice.amount.map_or(Amount::ZERO, |amount| amount - invoice.taxes);
            if let Some(flows) = self.flows(invoice.issued, invoice.client, currency) {
                flows.invoiced += amount;
                flows.without_taxes += net;
            }
        }
        if invoice.state == Some("closed")
            && let Some(lost) = invoice.due_amount.filter(|amount| *amount != Amount::ZERO)
            && let Some(flows) = self.flows(invoice.closed, invoice.client, currency)
        {
            flows.written_off += lost;
        }
    }

    fn flows(
        &mut self,
        day: Option<DayNumber>,
        client: Option<i64>,
        currency: Option<&CurrencyCode>,
    ) -> Option<&mut FlowSums> {
        if !counts(&self.ground, day) {
            return None;
        }
        let month = day.map(DayNumber::month);
        let key = FlowKey { month, client, currency: currency.cloned() };
        Some(self.flows.entry(key).or_default())
    }

    fn add_line(
        &mut self,
        invoice: &InvoiceRow<'_>,
        currency: Option<&CurrencyCode>,
        line: &InvoiceLine<'_>,
    ) {
        let (facts, calendar) = (&self.ground.facts, &self.ground.calendar);
        let Some(project) = line.project.filter(|_| !facts.is_expense(line.kind)) else { return };
        *self.invoiced.entry(project).or_default() += line.amount;
        let is_revenue =
            facts.is_fixed_fee(line.project) && invoice.state.is_some_and(|state| state != "draft");
        if let Some(slot) = invoice.issued.and_then(|day| calendar.slot(day))
            && is_revenue
        {
            let (client, project) = (invoice.client, line.project);
            let engagement = Engagement { client, project, currency: currency.cloned() };
            *self.fees.entry((slot, engagement)).or_default() += line.amount;
        }
    }
}

impl PaymentSums {
    pub(crate) fn new(invoices: Arc<InvoiceSums>) -> Self {
        Self { invoices, flows: BTreeMap::new() }
    }

    /// Adds a payment; one without an invoice that is known has no client and no currency.
    pub(crate) fn add(&mut self, invoice: i64, day: Option<DayNumber>, amount: Amount) {
        if !counts(&self.invoices.ground, day) {
            return;
        }
        let month = day.map(DayNumber::month);
        let payer = self.invoices.payers.get(&invoice);
        let client = payer.and_then(|payer| payer.client);
        let currency = payer.and_then(|payer| payer.currency.clone());
        self.flows.entry(FlowKey { month, client, currency }).or_default().paid += amount;
    }
}

/// Whether a flow of this day counts: it is in the twelve months that end with that of today, or has
/// no day.
fn counts(ground: &WorkGround, day: Option<DayNumber>) -> bool {
    let calendar = &ground.calendar;
    day.is_none_or(|day| calendar.first_month() <= day && day <= calendar.today())
}
