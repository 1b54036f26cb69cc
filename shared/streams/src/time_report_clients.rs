//! `time_report_clients`: hours of a window by client.

use engine::spec::{
    PartitionSpec, RateClass, ReportWindow, StreamKind, StreamSpec, decimal, int, money, text,
};

use crate::stubs::OWN_WORK;

/// Hours for one client in one currency within one window.
///
/// Read by windows, as described in the documentation of this crate. Hours are rounded by the
/// setting of the account (documented): compare them with `rounded_hours` of time entries, not with
/// `hours`. Currency and amount are null without the permission to see rates.
pub static TIME_REPORT_CLIENTS: StreamSpec = StreamSpec {
    name: "time_report_clients",
    doc: "Hours for one client in one currency within one window.",
    path: "/reports/time/clients",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: true,
    }),
    rate_class: RateClass::Reports,
    primary_key: &["period_start", "period_end", "client_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    readers: OWN_WORK,
    personal: None,
    fields: &[
        int("client_id"),
        text("client_name"),
        decimal("total_hours").doc("rounded by the setting of the account"),
        decimal("billable_hours").doc("rounded by the setting of the account"),
        text("currency").doc("ISO 4217 code; null without the permission to see rates"),
        money("billable_amount").doc("in currency; null without the permission to see rates"),
    ],
    ..StreamSpec::USUAL
};
