//! `time_report_team`: hours of a window by user.

use engine::spec::{
    PartitionSpec, PersonalFields, RateClass, ReportWindow, StreamKind, StreamSpec, decimal, flag,
    int, money, text,
};

use crate::stubs::OWN_WORK;

/// Hours of one user in one currency within one window.
///
/// Read by windows, as described in the documentation of this crate. Harvest added
/// `weekly_capacity` and `avatar_url` to the report in 2023. `personal`: the report repeats name
/// and picture of the user, which `erase` removes here, too.
pub static TIME_REPORT_TEAM: StreamSpec = StreamSpec {
    name: "time_report_team",
    doc: "Hours of one user in one currency within one window.",
    path: "/reports/time/team",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: true,
    }),
    rate_class: RateClass::Reports,
    primary_key: &["period_start", "period_end", "user_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    readers: OWN_WORK,
    personal: Some(PersonalFields { person: "user_id", members: &["user_name", "avatar_url"] }),
    fields: &[
        int("user_id"),
        text("user_name"),
        flag("is_contractor"),
        int("weekly_capacity").doc("seconds"),
        text("avatar_url"),
        decimal("total_hours").doc("rounded by the setting of the account"),
        decimal("billable_hours").doc("rounded by the setting of the account"),
        text("currency").doc("ISO 4217 code; null without the permission to see rates"),
        money("billable_amount").doc("in currency; null without the permission to see rates"),
    ],
    ..StreamSpec::USUAL
};
