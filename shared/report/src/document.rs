//! The data of the page: what `harvest-lake report --json` prints (`docs/schemas/report.json`).
//!
//! Lists of sums are stored by column, one list of values for each. Clients, projects, people,
//! engagements and slots stand in lists of their own, and sums name them by their places.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::calendar::{DayNumber, DaySlot, ReportPeriods};
use crate::capacity::PeopleVersions;
use crate::fixed::FixedPoint;
use crate::flows::{InvoiceSums, PaymentSums};
use crate::register::CurrencyCode;
use crate::work::{ExpenseSlotSums, TimeSlotSums, WorkCube, WorkGround};

/// Data of the page.
#[derive(Clone, Debug, Serialize)]
pub struct ReportDocument {
    pub(crate) today: DayNumber,
    pub(crate) company: Option<String>,
    pub(crate) cost_currency: Option<CurrencyCode>,
    pub(crate) week_start_day: &'static str,
    pub(crate) lacking: Vec<String>,
    pub(crate) periods: ReportPeriods,
    pub(crate) slots: Vec<DaySlot>,
    pub(crate) clients: Vec<NamedId>,
    pub(crate) projects: Vec<ProjectEntry>,
    pub(crate) people: Vec<PersonEntry>,
    pub(crate) engagements: Vec<EngagementEntry>,
    pub(crate) time: TimeColumns,
    pub(crate) expenses: ExpenseColumns,
    pub(crate) fees: FeeColumns,
    pub(crate) unbilled: UnbilledColumns,
    pub(crate) open_fees: OpenFeeColumns,
    pub(crate) capacity: CapacityColumns,
    pub(crate) invoices: Vec<InvoiceEntry>,
    pub(crate) flows: Vec<FlowEntry>,
    pub(crate) budgets: Vec<BudgetEntry>,
    /// Heads of the answers whose definitions the figures follow.
    pub answers: Value,
    /// Answers of other commands about the lake.
    pub machine: Value,
}

/// Sums, apart from each other, of which a document is made.
#[derive(Clone, Debug)]
pub struct ReportParts {
    pub(crate) ground: WorkGround,
    /// Sums of the time entries.
    pub time: TimeCube,
    /// Sums of the expenses.
    pub expenses: ExpenseCube,
    /// Sums of the invoices.
    pub invoices: Arc<InvoiceSums>,
    /// Sums of the payments.
    pub payments: PaymentSums,
    /// Rows of the report on budgets.
    pub budgets: BudgetRows,
    /// Versions of the people.
    pub versions: PeopleVersions,
    /// Names of tables that there are not.
    pub lacking: Vec<String>,
}

/// Sums of the time entries.
pub type TimeCube = WorkCube<TimeSlotSums>;
/// Sums of the expenses.
pub type ExpenseCube = WorkCube<ExpenseSlotSums>;

/// Budgets of active projects, as Harvest's report has them.
#[derive(Clone, Debug, Default)]
pub struct BudgetRows(pub(crate) Vec<BudgetRow>);

/// Budget of a project.
#[derive(Clone, Debug)]
pub(crate) struct BudgetRow {
    pub(crate) project: Option<i64>,
    pub(crate) project_name: Option<String>,
    pub(crate) client: Option<i64>,
    pub(crate) client_name: Option<String>,
    pub(crate) budget_by: Option<String>,
    pub(crate) is_monthly: Option<bool>,
    pub(crate) budget: FixedPoint<6>,
    pub(crate) spent: Option<FixedPoint<6>>,
    pub(crate) remaining: Option<FixedPoint<6>>,
}

/// Record by id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NamedId {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
}

/// Project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ProjectEntry {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
    pub(crate) client: Option<u32>,
}

/// Person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PersonEntry {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
    pub(crate) is_active: bool,
}

/// Client's project in one currency, by places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EngagementEntry {
    pub(crate) client: Option<u32>,
    pub(crate) project: Option<u32>,
    pub(crate) currency: Option<CurrencyCode>,
    pub(crate) is_fixed_fee: bool,
}

/// Values of a column, without their point. `scale` is the least number of digits after it that all
/// of them need, which keeps the page small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct DecimalColumn {
    pub(crate) scale: u32,
    pub(crate) values: Vec<PlainNumber>,
}

/// Integer, written as text where `JavaScript` could not hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlainNumber(pub(crate) i128);

impl Serialize for PlainNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // 2^53 and greater numbers are not all told apart.
        const LEAST_INEXACT: u128 = 1 << 53;
        match i64::try_from(self.0) {
            Ok(number) if self.0.unsigned_abs() < LEAST_INEXACT => serializer.serialize_i64(number),
            _ => serializer.collect_str(&self.0),
        }
    }
}

impl DecimalColumn {
    /// Column of numbers.
    pub(crate) fn of<const SCALE: u32>(numbers: impl Iterator<Item = FixedPoint<SCALE>>) -> Self {
        let mut values: Vec<i128> = numbers.map(|number| number.0).collect();
        let mut scale = SCALE;
        while scale > 0 && values.iter().all(|value| value % 10 == 0) {
            for value in &mut values {
                *value /= 10;
            }
            scale -= 1;
        }
        Self { scale, values: values.into_iter().map(PlainNumber).collect() }
    }
}

/// Decimal as text.
pub(crate) fn text<const SCALE: u32>(number: FixedPoint<SCALE>) -> String {
    let digits = 10_u128.saturating_pow(SCALE);
    let (whole, rest) = (number.0.unsigned_abs() / digits, number.0.unsigned_abs() % digits);
    let sign = if number.0 < 0 { "-" } else { "" };
    let width = SCALE as usize;
    let rest = format!("{rest:0width$}");
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{rest}")
}

/// Sums of time entries, by slot, engagement and person.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct TimeColumns {
    pub(crate) slot: Vec<u32>,
    pub(crate) engagement: Vec<u32>,
    pub(crate) person: Vec<Option<u32>>,
    pub(crate) hours: DecimalColumn,
    pub(crate) rounded_hours: DecimalColumn,
    pub(crate) billable_hours: DecimalColumn,
    pub(crate) hours_without_rate: DecimalColumn,
    pub(crate) hours_without_cost: DecimalColumn,
    pub(crate) amount: DecimalColumn,
    pub(crate) fixed_fee_at_rates: DecimalColumn,
    pub(crate) cost: DecimalColumn,
}

/// Sums of expenses, by slot, engagement and person.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct ExpenseColumns {
    pub(crate) slot: Vec<u32>,
    pub(crate) engagement: Vec<u32>,
    pub(crate) person: Vec<Option<u32>>,
    pub(crate) billable: DecimalColumn,
    pub(crate) cost: DecimalColumn,
}

/// Invoiced lines for work on fixed fees, by slot and engagement.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct FeeColumns {
    pub(crate) slot: Vec<u32>,
    pub(crate) engagement: Vec<u32>,
    pub(crate) amount: DecimalColumn,
}

/// Work and expenses on no invoice, by engagement and person.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct UnbilledColumns {
    pub(crate) engagement: Vec<u32>,
    pub(crate) person: Vec<Option<u32>>,
    pub(crate) rounded_hours: DecimalColumn,
    pub(crate) hours_without_rate: DecimalColumn,
    pub(crate) time_amount: DecimalColumn,
    pub(crate) expense_amount: DecimalColumn,
    pub(crate) oldest_day: Vec<Option<DayNumber>>,
}

/// Parts of fixed fees that no invoice has asked for yet, by engagement.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct OpenFeeColumns {
    pub(crate) engagement: Vec<u32>,
    pub(crate) amount: DecimalColumn,
}

/// Capacity, by slot and person.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct CapacityColumns {
    pub(crate) slot: Vec<u32>,
    pub(crate) person: Vec<u32>,
    pub(crate) hours: DecimalColumn,
}

/// Open invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct InvoiceEntry {
    pub(crate) number: Option<String>,
    pub(crate) client: Option<u32>,
    pub(crate) currency: Option<CurrencyCode>,
    pub(crate) issue_date: Option<DayNumber>,
    pub(crate) due_date: Option<DayNumber>,
    pub(crate) due_amount: String,
}

/// Money invoiced, written off and paid in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FlowEntry {
    pub(crate) month: Option<DayNumber>,
    pub(crate) client: Option<u32>,
    pub(crate) currency: Option<CurrencyCode>,
    pub(crate) invoiced: String,
    pub(crate) invoiced_without_taxes: String,
    pub(crate) written_off: String,
    pub(crate) paid: String,
}

/// Budget of an active project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BudgetEntry {
    pub(crate) project: Option<u32>,
    pub(crate) client: Option<u32>,
    pub(crate) budget_by: Option<String>,
    /// `hours`, or the currency of a budget in money.
    pub(crate) unit: Option<String>,
    pub(crate) is_monthly: Option<bool>,
    pub(crate) budget: String,
    pub(crate) spent: Option<String>,
    pub(crate) remaining: Option<String>,
    pub(crate) warning_percent: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_keeps_no_digits_that_all_its_values_lack() {
        let of =
            |values: &[i128]| DecimalColumn::of(values.iter().map(|one| FixedPoint::<4>(*one)));
        assert_eq!(of(&[]).scale, 0);
        assert_eq!(of(&[0, 10_000]).values, [PlainNumber(0), PlainNumber(1)]);
        let cents = of(&[12_300, -2_500]);
        assert_eq!((cents.scale, cents.values), (2, vec![PlainNumber(123), PlainNumber(-25)]));
    }

    #[test]
    fn a_number_that_javascript_cannot_hold_is_a_text() {
        let written = |number| serde_json::to_string(&PlainNumber(number)).unwrap();
        assert_eq!(written((1 << 53) - 1), "9007199254740991");
        assert_eq!(written(1 << 53), "\"9007199254740992\"");
        assert_eq!(written(-(1 << 70)), "\"-1180591620717411303424\"");
    }

    #[test]
    fn a_decimal_is_written_without_digits_that_say_nothing() {
        let of = |number| text(FixedPoint::<4>(number));
        assert_eq!([of(0), of(-25_000), of(8_305_001)], ["0", "-2.5", "830.5001"]);
    }
}
