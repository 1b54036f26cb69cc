//! `expense_report_team`: expenses of a window by user.

use engine::spec::{
    Module, PartitionSpec, PersonalFields, RateClass, ReportWindow, StreamKind, StreamSpec, flag,
    int, money, text,
};

use crate::stubs::OWN_WORK;

/// Expenses of one user in one currency within one window.
///
/// Read by windows, as described in the documentation of this crate. `personal`: the report repeats
/// the user's name, which `erase` removes here, too.
pub static EXPENSE_REPORT_TEAM: StreamSpec = StreamSpec {
    name: "expense_report_team",
    doc: "Expenses of one user in one currency within one window.",
    path: "/reports/expenses/team",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: false,
    }),
    rate_class: RateClass::Reports,
    module: Some(Module::Expense),
    primary_key: &["period_start", "period_end", "user_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    readers: OWN_WORK,
    personal: Some(PersonalFields { person: "user_id", members: &["user_name"] }),
    fields: &[
        int("user_id"),
        text("user_name"),
        flag("is_contractor"),
        money("total_amount").doc("in currency"),
        money("billable_amount").doc("in currency"),
        text("currency").doc("ISO 4217 code"),
    ],
    ..StreamSpec::USUAL
};
