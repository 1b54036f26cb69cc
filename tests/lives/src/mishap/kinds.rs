//! Declarations of the kinds of faults.

use super::Mishap;

/// Declaration of a kind.
#[derive(Clone, Copy, Debug)]
pub struct MishapKind {
    /// Kind.
    pub mishap: Mishap,
    /// Name in `SIM_KINDS` and in stories.
    pub name: &'static str,
    /// Whether it happens in histories.
    pub on: bool,
    /// Percentage of the rounds in which it happens.
    pub percent: u32,
}

const fn kind(mishap: Mishap, name: &'static str, on: bool, percent: u32) -> MishapKind {
    MishapKind { mishap, name, on, percent }
}

/// All kinds. `SIM_KINDS=all`, `none`, or names with commas between overrides their switch `on`.
pub const KINDS: &[MishapKind] = &[
    kind(Mishap::SmallTotals, "small_totals", true, 8),
    kind(Mishap::LargeTotals, "large_totals", true, 8),
    kind(Mishap::TotalsOfPage, "totals_of_page", true, 8),
    kind(Mishap::EarlyEnds, "early_ends", true, 8),
    kind(Mishap::DoubledRecords, "doubled_records", true, 8),
    kind(Mishap::BrokenLinks, "broken_links", true, 8),
    kind(Mishap::Circles, "circles", true, 6),
    kind(Mishap::EmptyPages, "empty_pages", true, 6),
    kind(Mishap::IgnoredPages, "ignored_pages", true, 6),
    kind(Mishap::ClockAhead, "clock_ahead", true, 10),
    kind(Mishap::ClockBehind, "clock_behind", true, 10),
    kind(Mishap::ClockJump, "clock_jump", true, 10),
    kind(Mishap::Compaction, "compaction", true, 15),
    kind(Mishap::ForeignDelete, "foreign_delete", true, 15),
    kind(Mishap::ForeignRestore, "foreign_restore", true, 15),
    kind(Mishap::ForeignAppend, "foreign_append", true, 8),
    kind(Mishap::ForeignVacuum, "foreign_vacuum", true, 8),
    kind(Mishap::RefusedParent, "refused_parent", true, 10),
    kind(Mishap::RefusedWindow, "refused_window", true, 10),
    kind(Mishap::Spelling, "spelling", true, 10),
    kind(Mishap::AccountSpelling, "account_spelling", true, 10),
    kind(Mishap::MistypedDays, "mistyped_days", true, 10),
    kind(Mishap::UnusableDays, "unusable_days", true, 10),
    kind(Mishap::OddCounts, "odd_counts", true, 10),
    kind(Mishap::DeepPages, "deep_pages", true, 10),
    kind(Mishap::Throttled, "throttled", true, 5),
    kind(Mishap::SmallLimits, "small_limits", true, 15),
    kind(Mishap::BadAnswers, "bad_answers", true, 12),
    kind(Mishap::OddPages, "odd_pages", true, 6),
    kind(Mishap::HiddenRecords, "hidden_records", true, 8),
    kind(Mishap::EmptyUnits, "empty_units", true, 10),
    kind(Mishap::BrokenRecords, "broken_records", true, 6),
    kind(Mishap::LateRecords, "late_records", true, 40),
    kind(Mishap::LiveChanges, "live_changes", true, 25),
    kind(Mishap::SmallPages, "small_pages", true, 10),
    kind(Mishap::WrongDates, "wrong_dates", true, 8),
    kind(Mishap::Killed, "killed", true, 20),
    kind(Mishap::DiedAtCall, "died_at_call", true, 15),
    kind(Mishap::Frozen, "frozen", true, 10),
    kind(Mishap::Overtaken, "overtaken", true, 8),
    kind(Mishap::StoreFailures, "store_failures", true, 10),
    kind(Mishap::RepeatedWrites, "repeated_writes", true, 10),
    kind(Mishap::SlowStores, "slow_stores", true, 6),
    kind(Mishap::StaleListings, "stale_listings", true, 5),
    kind(Mishap::DuplicateEvents, "duplicate_events", true, 15),
    kind(Mishap::LateEvents, "late_events", true, 12),
    kind(Mishap::ShortRuns, "short_runs", true, 15),
    kind(Mishap::ModuleOff, "module_off", true, 6),
    kind(Mishap::RoleLost, "role_lost", true, 6),
    kind(Mishap::TokenRevoked, "token_revoked", true, 4),
    kind(Mishap::OtherAccount, "other_account", true, 3),
    kind(Mishap::StateLost, "state_lost", true, 4),
    kind(Mishap::StateRestored, "state_restored", true, 6),
    kind(Mishap::LakeRestored, "lake_restored", true, 3),
    kind(Mishap::BothRestored, "both_restored", true, 3),
    kind(Mishap::Reset, "reset", true, 6),
    kind(Mishap::Upgrade, "upgrade", true, 4),
    kind(Mishap::Export, "export", true, 3),
    kind(Mishap::Verification, "verification", true, 4),
    kind(Mishap::Comparison, "comparison", true, 4),
    kind(Mishap::Erasure, "erasure", true, 3),
    kind(Mishap::Privacy, "privacy", true, 30),
    kind(Mishap::Masses, "masses", true, 2),
    kind(Mishap::RunningTimers, "running_timers", true, 30),
    kind(Mishap::InterruptedEnd, "interrupted_end", true, 30),
    kind(Mishap::OtherSettings, "other_settings", true, 15),
];
