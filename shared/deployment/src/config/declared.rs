//! The table of all settings. CONTRIBUTING.md says what a new one needs besides its entry here.
//!
//! Longer than other files: it is one table, whose order is that of help and documentation.
#![expect(clippy::doc_markdown, reason = "the comments are the help text: backticks would show")]

use super::setting::SettingDefault::{Described, Found, Required, Text, Unset};
use super::setting::SettingScope::{
    Account, Api, Everywhere, Functions, History, Identity, Lake, Notice, Place, Plan, Privacy,
    Run, Streams,
};
use super::setting::{
    SettingDeclaration, SettingForm, SettingName, StackSource, nothing, parameter, switch, value,
    variable,
};

macro_rules! settings {
    ($($name:ident: $help:literal { $($field:ident: $content:expr),* $(,)? })*) => {
        impl SettingName {
            $(
                #[doc = $help]
                pub const $name: Self = Self(const {
                    &SettingDeclaration { help: $help, $($field: $content),* }
                });
            )*
        }

        /// All settings, in the order of help and documentation.
        pub const SETTINGS: &[SettingName] = &[$(SettingName::$name),*];
    };
}

/// Default contact: the package's repository, where it has one.
const CONTACT: &str = if env!("CARGO_PKG_REPOSITORY").is_empty() {
    "no contact given"
} else {
    env!("CARGO_PKG_REPOSITORY")
};
const OTHERS_SEE_FLAGS: &str = "no flag: other users of the machine see flags";

settings! {
    ACCOUNT: "The Harvest account, a number" {
        variable: "HARVEST_ACCOUNT_ID",
        form: value("--account-id", "ID"),
        default: Found("the account of the only login, or of the lake"),
        scope: Account,
        stack: parameter("HarvestAccountId"),
    }
    CONFIG: "File of settings" {
        variable: "HARVEST_CONFIG",
        form: value("--config", "FILE"),
        default: Described("the nearest harvest-lake.toml, in this folder or above it"),
        scope: Everywhere,
        stack: nothing("a function has variables alone"),
    }
    LAKE: "The lake: a folder, or s3://bucket/prefix" {
        variable: "HARVEST_LAKE",
        form: value("--lake", "PLACE"),
        default: Text("./lake"),
        scope: Lake,
        stack: StackSource::Resources { of: "the bucket, and `LakePrefix`" },
    }
    STATE: "Cursors, leases, budgets: a file, or dynamodb://table; a lake in S3 needs one of the two" {
        variable: "HARVEST_STATE",
        form: value("--state", "PLACE"),
        default: Described(".state.sqlite in the lake"),
        scope: Place,
        stack: StackSource::Resources { of: "the table" },
    }
    TOKEN_FILE: "File with the access token; otherwise the variable HARVEST_ACCESS_TOKEN has it" {
        variable: "HARVEST_TOKEN_FILE",
        form: value("--token-file", "FILE"),
        default: Unset,
        scope: Api,
        stack: nothing("a function has no such file"),
    }
    TOKEN: "The access token itself, where HARVEST_TOKEN_FILE names no file" {
        variable: "HARVEST_ACCESS_TOKEN",
        form: variable(OTHERS_SEE_FLAGS),
        default: Unset,
        scope: Api,
        stack: nothing("it is in the parameter or secret"),
    }
    PARAMETER: "Name of a SecureString parameter of Systems Manager with the token, where neither gives one" {
        variable: "HARVEST_TOKEN_PARAMETER",
        form: variable("no flag: for the functions"),
        default: Unset,
        scope: Api,
        stack: StackSource::Resources { of: "the name of the stack" },
    }
    SECRET: "Name or ARN of a secret with the token in Secrets Manager, where none of them is set" {
        variable: "HARVEST_SECRET_ARN",
        form: variable("no flag: for the functions"),
        default: Unset,
        scope: Api,
        stack: StackSource::Resources { of: "`OAuth` and `ExistingSecretArn`" },
    }
    LOGIN_FOLDER: "Folder of logins, used for an account where nothing else gives a token" {
        variable: "HARVEST_LOGIN_FOLDER",
        form: value("--login-folder", "FOLDER"),
        default: Described("harvest-lake in the person's folder of configuration, ~/.config"),
        scope: Identity,
        stack: nothing("a function has no such folder"),
    }
    BASE_URL: "The API" {
        variable: "HARVEST_BASE_URL",
        form: value("--base-url", "URL"),
        default: Text("https://api.harvestapp.com/v2"),
        scope: Identity,
        stack: nothing("there is one Harvest"),
    }
    CONTACT: "Mail address or URL where Harvest can reach you, sent with each request" {
        variable: "HARVEST_CONTACT",
        form: value("--contact", "CONTACT"),
        default: Text(CONTACT),
        scope: Identity,
        stack: parameter("Contact"),
    }
    GENERAL: "Rate limit of requests outside of reports" {
        variable: "HARVEST_GENERAL",
        form: value("--general", "N/TIME"),
        default: Text("100/15s"),
        scope: Api,
        stack: nothing("it is Harvest's documented limit"),
    }
    REPORTS: "Rate limit of report requests" {
        variable: "HARVEST_REPORTS",
        form: value("--reports", "N/TIME"),
        default: Text("100/900s"),
        scope: Api,
        stack: nothing("it is Harvest's documented limit"),
    }
    BUDGET_PERCENT: "Share of the limits to use" {
        variable: "HARVEST_BUDGET_PERCENT",
        form: value("--budget-percent", "PERCENT"),
        default: Text("95"),
        scope: Api,
        stack: parameter("BudgetPercent"),
    }
    STREAMS: "Only these streams, with commas between" {
        variable: "HARVEST_STREAMS",
        form: value("--streams", "A,B"),
        default: Described("all"),
        scope: Streams,
        stack: parameter("Streams"),
    }
    EXCLUDE: "Streams to leave out, with commas between" {
        variable: "HARVEST_EXCLUDE",
        form: value("--exclude", "A,B"),
        default: Unset,
        scope: Streams,
        stack: parameter("Exclude"),
    }
    EXCLUDE_FIELDS: "Fields never to write, such as users.email,time_entries.notes" {
        variable: "HARVEST_EXCLUDE_FIELDS",
        form: value("--exclude-fields", "STREAM.MEMBER,.."),
        default: Unset,
        scope: Privacy,
        stack: parameter("ExcludeFields"),
    }
    HASH_FIELDS: "Text fields to write only as HMAC-SHA-256, with the key in the variable \
                  HARVEST_HASH_KEY" {
        variable: "HARVEST_HASH_FIELDS",
        form: value("--hash-fields", "STREAM.MEMBER,.."),
        default: Unset,
        scope: Privacy,
        stack: parameter("HashFields"),
    }
    HASH_KEY: "Key of the hashes, at least 16 characters; the token's secret may hold it as hash_key" {
        variable: "HARVEST_HASH_KEY",
        form: variable(OTHERS_SEE_FLAGS),
        default: Described("required with hashes"),
        scope: Privacy,
        stack: nothing("it is in the secret"),
    }
    START_DATE: "First day of dated listings and reports to read" {
        variable: "HARVEST_START_DATE",
        form: value("--start-date", "DAY"),
        default: Described("all history"),
        scope: History,
        stack: parameter("StartDate"),
    }
    REPORT_WINDOW: "Windows of reports: month, quarter or year" {
        variable: "HARVEST_REPORT_WINDOW",
        form: value("--report-window", "WINDOW"),
        default: Text("month"),
        scope: History,
        stack: parameter("ReportWindow"),
    }
    REPORT_FIXED_FEES: "Amounts of time reports for hours of a fixed fee: zero, or rates for hours at \
                        their rates" {
        variable: "HARVEST_REPORT_FIXED_FEES",
        form: value("--report-fixed-fees", "AMOUNTS"),
        default: Text("zero"),
        scope: History,
        stack: parameter("ReportFixedFees"),
    }
    REPORT_YEARS_BACK: "Years before today that reports read whole; older entries have windows of \
                        their own" {
        variable: "HARVEST_REPORT_YEARS_BACK",
        form: value("--report-years-back", "YEARS"),
        default: Text("10"),
        scope: History,
        stack: parameter("ReportYearsBack"),
    }
    SYNC_INTERVAL: "Interval at which changes are read" {
        variable: "HARVEST_SYNC_INTERVAL",
        form: value("--sync-interval", "TIME"),
        default: Text("1h"),
        scope: Plan,
        stack: parameter("SyncInterval"),
    }
    MAX_WORKERS: "Streams that run at once" {
        variable: "HARVEST_MAX_WORKERS",
        form: value("--max-workers", "N"),
        default: Text("8"),
        scope: Run,
        stack: parameter("MaxWorkers"),
    }
    RETENTION: "Time that old log files stay, and removed files with --keep or in S3" {
        variable: "HARVEST_RETENTION",
        form: value("--retention", "TIME"),
        default: Text("7d"),
        scope: Run,
        stack: parameter("Retention"),
    }
    KEEP: "Keep removed files for the retention, for readers of older versions" {
        variable: "HARVEST_KEEP",
        form: switch("--keep"),
        default: Text("false"),
        scope: Run,
        stack: nothing("in a bucket removed files always stay for the retention"),
    }
    NO_CHANGES: "Keep no table of changes of these streams, or of `all`" {
        variable: "HARVEST_NO_CHANGES",
        form: SettingForm::Value {
            flag: "--no-changes",
            placeholder: "A,B",
            alone: Some("all"),
        },
        default: Unset,
        scope: Run,
        stack: parameter("NoChanges"),
    }
    CHANGES_RETENTION: "Months before this one whose changes are kept" {
        variable: "HARVEST_CHANGES_RETENTION",
        form: value("--changes-retention", "MONTHS"),
        default: Described("all"),
        scope: Run,
        stack: parameter("ChangesRetention"),
    }
    ACCEPT_ROLE: "Accept a token that sees less than the one that wrote the rows" {
        variable: "HARVEST_ACCEPT_ROLE",
        form: switch("--accept-role"),
        default: Text("false"),
        scope: Run,
        stack: parameter("AcceptRole"),
    }
    ACCEPT_DOMAIN: "Accept this as the account's new address, such as acme.harvestapp.com" {
        variable: "HARVEST_ACCEPT_DOMAIN",
        form: value("--accept-domain", "DOMAIN"),
        default: Unset,
        scope: Run,
        stack: parameter("AcceptDomain"),
    }
    ACCEPT_DELETES: "Accept that any number of rows is deleted" {
        variable: "HARVEST_ACCEPT_DELETES",
        form: switch("--accept-deletes"),
        default: Text("false"),
        scope: Run,
        stack: nothing("accepted by event, for once"),
    }
    ON_FAILURE: "Command, or URL of a webhook, to call once when streams come into trouble" {
        variable: "HARVEST_ON_FAILURE",
        form: value("--on-failure", "RECEIVER"),
        default: Unset,
        scope: Notice,
        stack: nothing("a stack sends mails and events"),
    }
    ON_RECOVERY: "The same for when they are out of trouble" {
        variable: "HARVEST_ON_RECOVERY",
        form: value("--on-recovery", "RECEIVER"),
        default: Unset,
        scope: Notice,
        stack: nothing("a stack sends mails and events"),
    }
    TROUBLE_AFTER: "Age of a stream's data from which on the stream counts as in trouble" {
        variable: "HARVEST_TROUBLE_AFTER",
        form: value("--trouble-after", "TIME"),
        default: Text("26h"),
        scope: Notice,
        stack: parameter("TroubleAfter"),
    }
    WORKER: "Name or ARN of the function that works on one stream" {
        variable: "HARVEST_WORKER",
        form: variable("the orchestrator only"),
        default: Required,
        scope: Functions,
        stack: StackSource::Resources { of: "the worker" },
    }
    METRICS: "Metrics to write: none or all" {
        variable: "HARVEST_METRICS",
        form: variable("the functions only"),
        default: Text("none"),
        scope: Functions,
        stack: StackSource::Resources { of: "`Dashboard`" },
    }
    SMALL_WORKER: "Name or ARN of the same function with little memory, for short incremental passes" {
        variable: "HARVEST_SMALL_WORKER",
        form: variable("the orchestrator only"),
        default: Unset,
        scope: Functions,
        stack: StackSource::Resources { of: "the small worker" },
    }
    EVENT_BUS: "Event bus that hears of completed and failed passes, and of streams in trouble" {
        variable: "HARVEST_EVENT_BUS",
        form: variable("the functions only"),
        default: Unset,
        scope: Functions,
        stack: StackSource::Resources { of: "`EventBusName` and `AlarmEmail`" },
    }
    SHARED: "Let other users of this machine read the files that are written, as the umask \
             permits; otherwise lake, state and exports are readable for you alone" {
        variable: "HARVEST_SHARED",
        form: switch("--shared"),
        default: Text("false"),
        scope: Everywhere,
        stack: nothing("a function writes no files that others could read"),
    }
    LOG_FORMAT: "Form of log events: text, or json for an object in each line" {
        variable: "HARVEST_LOG_FORMAT",
        form: value("--log-format", "FORM"),
        default: Text("text"),
        scope: Everywhere,
        stack: nothing("functions write objects"),
    }
    LOG: "Log events to write to standard error, such as warn or runtime=debug" {
        variable: "HARVEST_LOG",
        form: value("--log", "FILTER"),
        default: Text("warn"),
        scope: Everywhere,
        stack: nothing("Lambda's own log level applies"),
    }
}
