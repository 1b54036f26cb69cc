//! The settings as texts: from the environment, from flags.

#![expect(clippy::disallowed_methods, reason = "this module alone reads the environment")]

use std::collections::{BTreeMap, BTreeSet};

use super::error::ConfigError;

/// One setting and its two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// The flag of the command line.
    pub flag: &'static str,
    /// The variable of the environment.
    pub variable: &'static str,
}

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $flag:literal, $variable:literal;)*) => {
        impl Setting {
            $($(#[$doc])* pub const $name: Self = Self { flag: $flag, variable: $variable };)*
        }

        /// All settings.
        pub const SETTINGS: &[Setting] = &[$(Setting::$name),*];
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

/// The given settings, as texts. `Debug` shows no value, because one of them is the token.
#[derive(Clone, Default)]
pub struct Given {
    values: BTreeMap<Setting, String>,
    /// Settings with an empty value.
    empty: BTreeSet<Setting>,
}

impl core::fmt::Debug for Given {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.values.keys().map(|setting| setting.variable)).finish()
    }
}

impl Given {
    /// Reads the environment of a function. An empty variable counts as not set: a template has no
    /// other way to say so.
    ///
    /// # Errors
    /// Where a variable is no text.
    pub fn from_environment() -> Result<Self, ConfigError> {
        let mut given = Self::from_shell()?;
        given.empty.clear();
        Ok(given)
    }

    /// Reads the environment of a person. An empty variable is a mistake that
    /// [`check`](Self::check) reports, unless a flag gives the setting a value.
    ///
    /// # Errors
    /// Where a variable is no text.
    pub fn from_shell() -> Result<Self, ConfigError> {
        let mut given = Self::default();
        for setting in SETTINGS {
            match std::env::var_os(setting.variable).map(std::ffi::OsString::into_string) {
                None => {}
                Some(Ok(value)) => given.set(*setting, value),
                Some(Err(_)) => {
                    return Err(ConfigError::NoText { variable: setting.variable });
                }
            }
        }
        Ok(given)
    }

    /// Sets `setting` in place of its former value. An empty value is recorded as a mistake.
    pub fn set(&mut self, setting: Setting, value: impl Into<String>) {
        let value = value.into();
        self.unset(setting);
        if value.trim().is_empty() {
            self.empty.insert(setting);
        } else {
            self.values.insert(setting, value);
        }
    }

    /// Removes `setting`.
    pub fn unset(&mut self, setting: Setting) {
        self.values.remove(&setting);
        self.empty.remove(&setting);
    }

    /// Checks that every given setting has a value: an empty name of the lake, most likely from an
    /// unset variable, must not become the default lake.
    ///
    /// # Errors
    /// The first setting that is empty.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self.empty.first() {
            Some(&setting) => Err(ConfigError::Empty { setting }),
            None => Ok(()),
        }
    }

    /// Returns the value of `setting`, without white space around it.
    #[must_use]
    pub fn get(&self, setting: Setting) -> Option<&str> {
        self.values.get(&setting).map(|value| value.trim())
    }
}

/// Whether the person wants no colours (`NO_COLOR` is set and not empty), or the terminal has none.
#[must_use]
pub fn refuses_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb")
}

/// Whether another server, such as an emulator, takes the place of AWS's S3.
#[must_use]
pub fn has_own_s3_endpoint() -> bool {
    let given = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    given("AWS_ENDPOINT_URL_S3") || given("AWS_ENDPOINT_URL")
}

/// Memory of the Lambda function that this process runs, in megabytes; `None`: it runs none.
pub(super) fn function_memory() -> Option<u64> {
    std::env::var_os("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?.to_str()?.parse().ok()
}

/// Name of the Lambda function that this process runs; `None`: it runs none.
#[must_use]
pub fn function_name() -> Option<String> {
    let name = std::env::var_os("AWS_LAMBDA_FUNCTION_NAME")?.into_string().ok()?;
    (!name.is_empty()).then_some(name)
}
