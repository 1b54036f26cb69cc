//! `uninvoiced_report`: uninvoiced work of a window, by project.

use engine::spec::{
    Module, PartitionSpec, RateClass, ReportWindow, StreamKind, StreamReaders, StreamSpec,
    SweepCadence, decimal, int, money, text,
};

use crate::stubs::INVOICING;

/// Hours and expenses of one project within one window that are not invoiced yet.
///
/// Read by windows, as described in the documentation of this crate.
///
/// An invoice of today changes windows of long ago, since it bills their hours. So all windows are
/// read daily (`SweepCadence::Daily`), whereas other reports change with entries, mostly recent
/// ones.
///
/// Windows also cover the days of issue of invoices (`includes_issue_date`), and amounts may be
/// negative (recorded). Harvest includes projects with a fixed fee unless `include_fixed_fee` is
/// `false` (documented), which is never sent.
pub static UNINVOICED_REPORT: StreamSpec = StreamSpec {
    name: "uninvoiced_report",
    doc: "Hours and expenses of one project within one window that no invoice bills yet.",
    path: "/reports/uninvoiced",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: true,
        values_fixed_fees: false,
    }),
    rate_class: RateClass::Reports,
    module: Some(Module::Invoice),
    primary_key: &["period_start", "period_end", "project_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    sweep: SweepCadence::Daily,
    readers: StreamReaders::Managers { with: INVOICING, read: "projects that they manage" },
    personal: None,
    dated: None,
    fields: &[
        int("client_id"),
        text("client_name"),
        int("project_id"),
        text("project_name"),
        text("currency").doc("ISO 4217 code"),
        decimal("total_hours").doc("rounded by the setting of the account"),
        decimal("uninvoiced_hours").doc("billable hours that no invoice bills"),
        money("uninvoiced_expenses").doc("in currency"),
        money("uninvoiced_amount").doc("in currency; may be negative"),
    ],
};
