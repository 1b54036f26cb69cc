//! All settings: a flag of the command line and a variable each.

/// One setting and its two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingName {
    /// The flag of the command line.
    pub flag: &'static str,
    /// The variable of the environment.
    pub variable: &'static str,
}

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $flag:literal, $variable:literal;)*) => {
        impl SettingName {
            $($(#[$doc])* pub const $name: Self = Self { flag: $flag, variable: $variable };)*
        }

        /// All settings.
        pub const SETTINGS: &[SettingName] = &[$(SettingName::$name),*];
    };
}

settings! {
    /// The Harvest account.
    ACCOUNT: "--account-id", "HARVEST_ACCOUNT_ID";
    /// The access token itself. It has no flag, because other users of the machine see those.
    TOKEN: "--token-file", "HARVEST_ACCESS_TOKEN";
    /// A file whose content is the access token.
    TOKEN_FILE: "--token-file", "HARVEST_TOKEN_FILE";
    /// The secret that holds the token of the functions.
    SECRET: "--token-file", "HARVEST_SECRET_ARN";
    /// Base URL of Harvest's API.
    BASE_URL: "--base-url", "HARVEST_BASE_URL";
    /// Mail address or URL for the User-Agent.
    CONTACT: "--contact", "HARVEST_CONTACT";
    /// The lake.
    LAKE: "--lake", "HARVEST_LAKE";
    /// The state.
    STATE: "--state", "HARVEST_STATE";
    /// Streams to read.
    STREAMS: "--streams", "HARVEST_STREAMS";
    /// Streams not to read.
    EXCLUDE: "--exclude", "HARVEST_EXCLUDE";
    /// Streams whose changes are not kept.
    NO_CHANGES: "--no-changes", "HARVEST_NO_CHANGES";
    /// Number of months that changes are kept.
    CHANGES_RETENTION: "--changes-retention", "HARVEST_CHANGES_RETENTION";
    /// Members that are not kept.
    EXCLUDE_FIELDS: "--exclude-fields", "HARVEST_EXCLUDE_FIELDS";
    /// Members that are kept as hashes.
    HASH_FIELDS: "--hash-fields", "HARVEST_HASH_FIELDS";
    /// The key of the hashes. It has no flag, because other users of the machine see those.
    HASH_KEY: "--hash-fields", "HARVEST_HASH_KEY";
    /// First day of dated listings and reports.
    START_DATE: "--start-date", "HARVEST_START_DATE";
    /// Interval between incremental passes.
    SYNC_INTERVAL: "--sync-interval", "HARVEST_SYNC_INTERVAL";
    /// Largest number of streams that run at once.
    MAX_WORKERS: "--max-workers", "HARVEST_MAX_WORKERS";
    /// Time that removed files and old log files stay.
    RETENTION: "--retention", "HARVEST_RETENTION";
    /// Whether removed files stay for the retention locally, too.
    KEEP: "--keep", "HARVEST_KEEP";
    /// Whether a token that sees less is accepted.
    ACCEPT_ROLE: "--accept-role", "HARVEST_ACCEPT_ROLE";
    /// New address of the account at Harvest that is accepted.
    ACCEPT_DOMAIN: "--accept-domain", "HARVEST_ACCEPT_DOMAIN";
    /// Whether deletes of any number of rows are accepted.
    ACCEPT_DELETES: "--accept-deletes", "HARVEST_ACCEPT_DELETES";
    /// Grid of the windows of reports.
    REPORT_WINDOW: "--report-window", "HARVEST_REPORT_WINDOW";
    /// Years before today that report windows cover.
    REPORT_YEARS_BACK: "--report-years-back", "HARVEST_REPORT_YEARS_BACK";
    /// Limit of requests outside of reports.
    GENERAL: "--general", "HARVEST_GENERAL";
    /// Limit of requests of reports.
    REPORTS: "--reports", "HARVEST_REPORTS";
    /// Share of the limits to use.
    BUDGET_PERCENT: "--budget-percent", "HARVEST_BUDGET_PERCENT";
    /// The function that works on one stream.
    WORKER: "(the function only)", "HARVEST_WORKER";
    /// The event bus for completed and failed passes.
    EVENT_BUS: "(the functions only)", "HARVEST_EVENT_BUS";
    /// Whether other users of this machine may read the files written, as the umask says.
    SHARED: "--shared", "HARVEST_SHARED";
    /// Filter of the log events that are written.
    LOG: "--log", "HARVEST_LOG";
}
