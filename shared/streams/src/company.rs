//! `company`: the account itself.

use engine::spec::{
    Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec, SweepCadence, flag, int, text,
};

/// The account with its settings and active modules. One row.
///
/// `GET /company` answers one object without a list around it, hence no `records_key` and no
/// paging. It has neither an id nor `updated_at` (documented): the row is known by `full_domain`,
/// and the object is read whole each time.
///
/// The `*_feature` members say which modules are on. Other declarations name theirs in `module`,
/// and their streams are skipped while it is off.
pub static COMPANY: StreamSpec = StreamSpec {
    name: "company",
    doc: "The account: its settings and which modules are on. One row.",
    path: "/company",
    records_key: None,
    kind: StreamKind::Snapshot(Paging::Single),
    primary_key: &["full_domain"],
    partition: PartitionSpec::None,
    sweep: SweepCadence::Always,
    readers: StreamReaders::Everybody {
        managers_read: "all; older documentation has it refused",
        members_read: "all; older documentation has it refused",
    },
    personal: None,
    fields: &[
        text("base_uri"),
        text("full_domain")
            .required()
            .doc("identifies the account; an account has no numeric id in this answer"),
        text("name"),
        flag("is_active").doc("false: the account is archived"),
        text("week_start_day").doc("Saturday, Sunday or Monday"),
        flag("wants_timestamp_timers")
            .doc("true: time is tracked by start and end, false: by duration"),
        text("time_format").doc("how hours are shown: decimal or hours_minutes"),
        text("date_format").doc("how days are shown, strftime; the API always uses YYYY-MM-DD"),
        text("plan_type").doc("trial, free, simple-v4 and others"),
        text("clock").doc("12h or 24h; sets the form of started_time and ended_time"),
        text("currency_code_display"),
        text("currency_symbol_display"),
        text("decimal_symbol"),
        text("thousands_separator"),
        text("color_scheme"),
        int("weekly_capacity").doc("seconds"),
        flag("expense_feature").doc("whether the expense module is on"),
        flag("invoice_feature").doc("whether the invoice module is on"),
        flag("estimate_feature").doc("whether the estimate module is on"),
        flag("approval_feature"),
        flag("team_feature"),
        text("currency").doc("ISO 4217 code; Harvest does not document this member"),
        flag("saml_sign_in_required").doc("Harvest does not document this member"),
        flag("day_entry_notes_required").doc("Harvest does not document this member"),
    ],
    ..StreamSpec::USUAL
};
