//! The command line.
#![expect(clippy::doc_markdown, reason = "the comments are the help text: backticks would show")]
#![allow(rustdoc::broken_intra_doc_links, reason = "the help text names variables in brackets")]

mod give;
mod kept;

use clap::{Args, Parser, Subcommand, ValueEnum};
use engine::pass::Pass;

pub(crate) use kept::{
    EraseArguments, PrivacyArguments, QuarantineArguments, QuarantineCommand, ResetArguments,
    RetryArguments, UpgradeArguments,
};

/// Keeps an exact, queryable copy of a Harvest account as Delta Lake tables.
///
/// The help names in brackets the environment variable that stands for a flag; the flag wins. Exit
/// codes: 0 done (also when the rate budget leaves work for later), 1 some streams failed, or the
/// answer could not be written, 2 the command line or a setting is wrong, 3 Harvest does not accept
/// the credentials; 130, 143 or 129 a sync was stopped by Ctrl-C, SIGTERM or SIGHUP.
#[derive(Clone, Debug, Parser)]
#[command(name = "harvest-lake", version, max_term_width = 100)]
pub struct CliArguments {
    /// Command to run.
    #[command(subcommand)]
    pub command: CliCommand,
    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log events to write to standard error, such as warn or runtime=debug [HARVEST_LOG]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// Let other users of this machine read the files that are written, as the umask permits;
    /// otherwise lake, state and exports are readable for you alone [HARVEST_SHARED]
    #[arg(long, global = true)]
    pub shared: bool,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum CliCommand {
    /// Bring the lake up to date.
    Sync(SyncArguments),
    /// Read streams whole: embedded names are repaired, and what is gone from Harvest is deleted.
    Sweep(SweepArguments),
    /// Read a made-up account, served on this machine, into a lake; let time pass in it; read it
    /// again.
    Demo(DemoArguments),
    /// Ask Harvest whose token it is and how many records each stream has, without reading them.
    Check(CheckArguments),
    /// Show the state of each stream, without asking Harvest.
    Status(StatusArguments),
    /// Show which runs are due when, how many requests they take, and how long the rate limits make
    /// them last.
    Plan(PlanArguments),
    /// List all streams.
    Streams,
    /// Show the columns of a stream's table, or the statement that registers it with an engine.
    Schema(SchemaArguments),
    /// List the files that a stream's table consists of, now or at an older version.
    Files(FilesArguments),
    /// Check the tables for damage; on request, also compare them with Harvest.
    Verify(VerifyArguments),
    /// Write plain Parquet of tables in Hive-style folders, for readers without Delta.
    Export(ExportArguments),
    /// Throw a stream's table away, so that the next sync loads it anew.
    Reset(ResetArguments),
    /// Rewrite files that hold in extra_json fields for which this version of harvest-lake has
    /// columns.
    Upgrade(UpgradeArguments),
    /// List the records that could not become rows, or try them again.
    Quarantine(QuarantineArguments),
    /// Remove a person's own data (names, addresses, notes); their hours, costs and days stay.
    Erase(EraseArguments),
}

/// Account, lake and state.
#[derive(Clone, Debug, Default, Args)]
pub struct PlaceArguments {
    /// The Harvest account, a number [HARVEST_ACCOUNT_ID]
    #[arg(long, value_name = "ID")]
    pub account_id: Option<String>,
    #[command(flatten)]
    pub lake: LakeArguments,
    /// Cursors, leases, budgets: a file, or dynamodb://table [HARVEST_STATE; default: .state.sqlite
    /// in the lake]
    #[arg(long, value_name = "PLACE")]
    pub state: Option<String>,
}

/// Place of the lake.
#[derive(Clone, Debug, Default, Args)]
pub struct LakeArguments {
    /// The lake: a folder, or s3://bucket/prefix [HARVEST_LAKE; default: ./lake]
    #[arg(long, value_name = "PLACE")]
    pub lake: Option<String>,
}

/// Access to the Harvest API.
#[derive(Clone, Debug, Default, Args)]
pub struct ApiArguments {
    /// File that holds the access token; otherwise the variable HARVEST_ACCESS_TOKEN does
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<String>,
    /// The API [HARVEST_BASE_URL; default: https://api.harvestapp.com/v2]
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Mail address or URL where Harvest can reach you, sent with each request [HARVEST_CONTACT]
    #[arg(long)]
    pub contact: Option<String>,
    /// Rate limit of requests outside of reports [HARVEST_GENERAL; default: 100/15s]
    #[arg(long, value_name = "N/TIME")]
    pub general: Option<String>,
    /// Rate limit of report requests [HARVEST_REPORTS; default: 100/900s]
    #[arg(long, value_name = "N/TIME")]
    pub reports: Option<String>,
    /// Share of the limits to use [HARVEST_BUDGET_PERCENT; default: 95]
    #[arg(long, value_name = "PERCENT")]
    pub budget_percent: Option<String>,
}

/// Part of the history to read.
#[derive(Clone, Debug, Default, Args)]
pub struct HistoryArguments {
    /// First day of dated listings and reports to read [HARVEST_START_DATE; default: all history]
    #[arg(long, value_name = "DAY")]
    pub start_date: Option<String>,
    /// Windows of reports: month, quarter or year [HARVEST_REPORT_WINDOW; default: month]
    #[arg(long, value_name = "WINDOW")]
    pub report_window: Option<String>,
    /// Years before today that reports read whole; older entries have windows of their own
    /// [HARVEST_REPORT_YEARS_BACK; default: 10]
    #[arg(long, value_name = "YEARS")]
    pub report_years_back: Option<String>,
}

/// Choice of streams.
#[derive(Clone, Debug, Default, Args)]
pub struct StreamArguments {
    /// Only these streams, with commas between [HARVEST_STREAMS; default: all]
    #[arg(long, value_name = "A,B")]
    pub streams: Option<String>,
    /// Streams to leave out, with commas between [HARVEST_EXCLUDE]
    #[arg(long, value_name = "A,B")]
    pub exclude: Option<String>,
}

/// Value of `--pass`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PassArgument {
    /// Read everything again: embedded names are repaired, and what is gone from Harvest is
    /// deleted.
    Full,
    /// Read only what changed.
    Incremental,
}

impl From<PassArgument> for Pass {
    fn from(pass: PassArgument) -> Self {
        match pass {
            PassArgument::Full => Self::Full,
            PassArgument::Incremental => Self::Incremental,
        }
    }
}

/// Arguments of `sync`.
#[derive(Clone, Debug, Default, Args)]
pub struct SyncArguments {
    /// Pass that each stream runs [default: the one it needs]
    #[arg(long, value_enum)]
    pub pass: Option<PassArgument>,
    #[command(flatten)]
    pub run: RunArguments,
}

/// Arguments of the commands that read streams.
#[derive(Clone, Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is given or not")]
pub struct RunArguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub api: ApiArguments,
    #[command(flatten)]
    pub streams: StreamArguments,
    #[command(flatten)]
    pub privacy: PrivacyArguments,
    /// Go on until nothing is left, waiting for the rate budget
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub history: HistoryArguments,
    /// Streams that run at once [HARVEST_MAX_WORKERS; default: 8]
    #[arg(long, value_name = "N")]
    pub max_workers: Option<String>,
    /// Time that old log files stay, and removed files with --keep [HARVEST_RETENTION; default: 7d]
    #[arg(long, value_name = "TIME")]
    pub retention: Option<String>,
    /// Keep removed files for the retention, for readers of older versions [HARVEST_KEEP]
    #[arg(long)]
    pub keep: bool,
    /// Keep no table of changes of these streams, or of `all` [HARVEST_NO_CHANGES]
    #[arg(long, value_name = "A,B", num_args = 0..=1, default_missing_value = "all")]
    pub no_changes: Option<String>,
    /// Months before this one whose changes are kept [HARVEST_CHANGES_RETENTION; default: all]
    #[arg(long, value_name = "MONTHS")]
    pub changes_retention: Option<String>,
    /// Accept a token that sees less than the one that wrote the rows [HARVEST_ACCEPT_ROLE]
    #[arg(long)]
    pub accept_role: bool,
    /// Accept this as the account's new address, such as acme.harvestapp.com [HARVEST_ACCEPT_DOMAIN]
    #[arg(long, value_name = "DOMAIN")]
    pub accept_domain: Option<String>,
    /// Accept that any number of rows is deleted
    #[arg(long)]
    pub accept_deletes: bool,
}

/// Arguments of `sweep`.
#[derive(Clone, Debug, Default, Args)]
pub struct SweepArguments {
    /// The streams [default: all]
    #[arg(value_name = "STREAM")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub run: RunArguments,
}

impl SweepArguments {
    /// Returns the sync that a sweep stands for: full passes over the named streams.
    #[must_use]
    pub fn as_sync(&self) -> SyncArguments {
        let mut run = self.run.clone();
        if !self.names.is_empty() {
            run.streams.streams = Some(self.names.join(","));
        }
        SyncArguments { pass: Some(PassArgument::Full), run }
    }
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// Folder of the demo's lake; that of an earlier demo is replaced
    #[arg(long, value_name = "FOLDER", default_value = "./demo-lake")]
    pub lake: String,
    /// Size of the made-up account: tiny, demo or issue
    #[arg(long, default_value = "demo")]
    pub scale: String,
    /// Seed of the made-up account: the same seed makes the same account
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Arguments of `check`.
#[derive(Clone, Debug, Default, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub api: ApiArguments,
    #[command(flatten)]
    pub streams: StreamArguments,
}

/// Arguments of `status`.
#[derive(Clone, Debug, Default, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub streams: StreamArguments,
}

/// Arguments of `plan`.
#[derive(Clone, Debug, Default, Args)]
pub struct PlanArguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub api: ApiArguments,
    #[command(flatten)]
    pub streams: StreamArguments,
    /// Ask Harvest for the number of records, with a few dozen requests; otherwise the stored
    /// numbers count
    #[arg(long)]
    pub ask: bool,
    /// Interval at which changes are read [HARVEST_SYNC_INTERVAL; default: 1h]
    #[arg(long, value_name = "TIME")]
    pub sync_interval: Option<String>,
    #[command(flatten)]
    pub history: HistoryArguments,
}

/// Query engine for which `--ddl` prints a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QueryEngine {
    /// Amazon Athena.
    Athena,
    /// DuckDB.
    Duckdb,
}

/// Arguments of `schema`.
#[derive(Clone, Debug, Args)]
pub struct SchemaArguments {
    /// The stream; `<stream>_changes` for the table of its changes.
    pub stream: String,
    /// Print the statement for this engine
    #[arg(long, value_enum)]
    pub ddl: Option<QueryEngine>,
    /// Folder or URL of the lake, for the statement [HARVEST_LAKE; default: ./lake]
    #[arg(long, value_name = "PLACE")]
    pub lake: Option<String>,
}

/// Arguments of `files`.
#[derive(Clone, Debug, Default, Args)]
pub struct FilesArguments {
    /// The stream; `<stream>_changes` for the table of its changes.
    pub stream: String,
    /// Print only the paths, one a line
    #[arg(long)]
    pub paths: bool,
    /// Older version of the table whose files are listed
    #[arg(long, value_name = "N", conflicts_with = "at")]
    pub version: Option<u64>,
    /// Time of the version whose files are listed: 2026-11-23T06:15:00Z, or a day, for its end
    /// (UTC)
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    #[command(flatten)]
    pub lake: LakeArguments,
}

/// Arguments of `verify`.
#[derive(Clone, Debug, Default, Args)]
pub struct VerifyArguments {
    /// The streams [default: all that have a table]
    #[arg(value_name = "STREAM")]
    pub streams: Vec<String>,
    /// Also read records from Harvest and compare them, within the rate budget
    #[arg(long)]
    pub against_harvest: bool,
    /// Approximate number of records to read of each stream [default: 200]
    #[arg(long, value_name = "N", requires = "against_harvest", conflicts_with = "all")]
    pub sample: Option<u64>,
    /// Read everything: as many requests as a full pass takes
    #[arg(long, requires = "against_harvest")]
    pub all: bool,
    #[command(flatten)]
    pub privacy: PrivacyArguments,
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub api: ApiArguments,
}

/// Arguments of `export`.
#[derive(Clone, Debug, Default, Args)]
pub struct ExportArguments {
    /// The streams, and last the target: a folder, or s3://bucket/prefix
    #[arg(required = true, num_args = 2.., value_name = "STREAM... TARGET")]
    pub names: Vec<String>,
    /// Divide by this column, or by a date's year, month or day: spent_month, issue_year, client_id
    #[arg(long, value_name = "COLUMN")]
    pub partition_by: Option<String>,
    #[command(flatten)]
    pub lake: LakeArguments,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use deployment::config::{GivenSettings, SettingName};

    use super::*;

    fn parsed(line: &str) -> Result<CliArguments, clap::Error> {
        CliArguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_consistent() {
        CliArguments::command().debug_assert();
    }

    #[test]
    fn a_flag_wins_over_its_variable() {
        let line = "harvest-lake sync --account-id 7 --max-workers 2 --streams clients --keep";
        let CliCommand::Sync(arguments) = parsed(line).unwrap().command else { panic!("not sync") };
        let mut given = GivenSettings::default();
        given.set(SettingName::MAX_WORKERS, "5");
        given.set(SettingName::EXCLUDE, "tasks");
        arguments.run.give(&mut given);
        let values = [
            SettingName::MAX_WORKERS,
            SettingName::EXCLUDE,
            SettingName::STREAMS,
            SettingName::KEEP,
        ]
        .map(|setting| given.get(setting).unwrap());
        assert_eq!(values, ["2", "tasks", "clients", "true"]);
    }

    #[test]
    fn global_flags_stand_anywhere() {
        assert!(parsed("harvest-lake --json streams").unwrap().json);
        assert!(parsed("harvest-lake streams --json").unwrap().json);
        assert_eq!(parsed("harvest-lake status --log debug").unwrap().log.unwrap(), "debug");
    }

    #[test]
    fn a_sweep_is_a_full_pass_over_the_named_streams() {
        let line = "harvest-lake sweep clients tasks --account-id 7 --accept-deletes --wait";
        let CliCommand::Sweep(sweep) = parsed(line).unwrap().command else { panic!("not sweep") };
        let sync = sweep.as_sync();
        assert_eq!(sync.pass, Some(PassArgument::Full));
        assert_eq!(sync.run.streams.streams.as_deref(), Some("clients,tasks"));
        assert!(sync.run.wait && sync.run.accept_deletes);
        assert!(parsed("harvest-lake sweep --pass incremental").is_err());
    }

    #[test]
    fn wrong_usage_ends_with_2() {
        for line in ["harvest-lake", "harvest-lake synch", "harvest-lake sync --pass half"] {
            assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert_eq!(parsed("harvest-lake --help").unwrap_err().exit_code(), 0);
    }

    #[test]
    fn no_flag_takes_the_token_and_help_names_every_variable() {
        let mut command = CliArguments::command();
        let sync = command.find_subcommand_mut("sync").unwrap().render_long_help().to_string();
        assert!(parsed("harvest-lake sync --token x").is_err());
        for setting in deployment::config::SETTINGS {
            let unused = [
                SettingName::SECRET,
                SettingName::SHARED,
                SettingName::TOKEN_FILE,
                SettingName::SYNC_INTERVAL,
                SettingName::LOG,
                SettingName::WORKER,
                SettingName::EVENT_BUS,
            ];
            let free = [SettingName::ACCEPT_DELETES];
            if !unused.contains(setting) {
                assert!(sync.contains(setting.flag), "{} is missing", setting.flag);
            }
            if !unused.contains(setting) && !free.contains(setting) {
                assert!(sync.contains(setting.variable), "{} is missing", setting.variable);
            }
        }
    }
}
