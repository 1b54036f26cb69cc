//! The command line.
#![expect(clippy::doc_markdown, reason = "the comments are the help text: backticks would show")]
#![allow(rustdoc::broken_intra_doc_links, reason = "the help text names variables in brackets")]

mod begin;
mod flags;
mod forecast;
mod help;
mod history;
mod kept;
mod names;
mod read;
mod report;

use clap::{Args, Parser, Subcommand, ValueEnum};
use engine::pass::Pass;
use sim::AccountScale;

pub(crate) use begin::{CompletionsArguments, InitArguments, ManArguments, SchedulerKind};
use flags::{API, EVERYWHERE, INTERVAL, LOGIN, NOTICE, PLACE, RUN, STREAMS, SettingFlags};
pub(crate) use forecast::{CostArguments, CostExtra, PlanArguments};
pub(crate) use help::declared;
pub(crate) use history::HistoryArguments;
pub(crate) use kept::{
    ConsentArguments, EraseArguments, QuarantineArguments, QuarantineCommand, ResetArguments,
    RetryArguments, UpgradeArguments,
};
pub(crate) use names::StreamNames;
pub(crate) use read::{
    ExportArguments, ExportFormat, FilesArguments, HeadArguments, LakeEngine, QueryEngine,
    SchemaArguments, SqlArguments, VerifyArguments,
};
pub(crate) use report::ReportArguments;

/// Keeps an exact, queryable copy of a Harvest account as Delta Lake tables.
///
/// The help names in brackets the environment variable that stands for a flag; the flag wins. Both
/// win over the file harvest-lake.toml, in this folder or above it. Exit
/// codes: 0 done (also when the rate budget leaves work for later), 1 some streams failed, or the
/// answer could not be written, 2 the command line or a setting is wrong, or nobody agreed to what
/// would be lost, 3 Harvest does not accept the credentials, or shows no such account to them; 130,
/// 143 or 129 a sync was stopped by Ctrl-C, SIGTERM or SIGHUP.
#[derive(Clone, Debug, Parser)]
#[command(name = "harvest-lake", version, max_term_width = 100)]
pub struct CliArguments {
    /// Command to run.
    #[command(subcommand)]
    pub command: CliCommand,
    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print failures alone, and nothing if all is well
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Print all rows, and log each request
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    #[command(flatten)]
    pub(crate) settings: SettingFlags<EVERYWHERE>,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum CliCommand {
    /// Bring the lake up to date.
    Sync(SyncArguments),
    /// Read streams whole: repair embedded names, delete what is gone.
    ///
    /// A row is deleted only after proof that Harvest no longer has its record.
    Sweep(SweepArguments),
    /// Read a made-up account, let time pass in it, read it again.
    ///
    /// The account is served on this machine.
    Demo(DemoArguments),
    /// Log in to Harvest, for later commands or for a stack.
    ///
    /// Finds the account, and stores its token.
    Login(LoginArguments),
    /// Write the settings of this folder, and check them.
    ///
    /// Asks for a token and a place, and finds the account. Settings that are given as flags are
    /// written, too.
    Init(InitArguments),
    /// Ask Harvest whose token it is and what a sync would find.
    ///
    /// One small request for each stream tells its number of records. No lake is made.
    Check(CheckArguments),
    /// Say whether all is well, and what needs a person.
    ///
    /// Sends no request to Harvest. Exit code 1 if a stream fails, is refused or is late.
    Status(StatusArguments),
    /// List the last runs: what each read and changed, and how it ended.
    ///
    /// Sends no request to Harvest. Exit code 1 if the last run of a stream failed.
    History(HistoryArguments),
    /// Show which runs are due when, and how long they last.
    ///
    /// The rate limits and the number of requests tell that.
    Plan(PlanArguments),
    /// Estimate what a month costs in AWS.
    Cost(CostArguments),
    /// List all streams.
    Streams,
    /// Show the columns of a table, or the statement that declares it.
    Schema(SchemaArguments),
    /// Print tables, views and answers for a query engine.
    Sql(SqlArguments),
    /// List the files of a table, now or at an older version.
    Files(FilesArguments),
    /// Check the tables for damage, or compare them with Harvest.
    Verify(VerifyArguments),
    /// Show the newest rows of a table.
    Head(HeadArguments),
    /// Write plain Parquet, CSV or JSON lines, for readers without Delta.
    Export(ExportArguments),
    /// Write one HTML page with figures and the state of the lake.
    ///
    /// Utilisation, margins, unbilled work, budgets, cash; streams, drift, requests, quarantine.
    Report(ReportArguments),
    /// Throw tables away, so that the next sync loads them anew.
    Reset(ResetArguments),
    /// Move fields from extra_json to the columns of this version.
    Upgrade(UpgradeArguments),
    /// List the records that cannot become rows, or try them again.
    Quarantine(QuarantineArguments),
    /// Remove a person's own data; their hours, costs and days stay.
    ///
    /// Names, addresses and notes go, from tables, changes, older versions and the quarantine.
    Erase(EraseArguments),
    /// Print the completions for a shell.
    Completions(CompletionsArguments),
    /// Print a manual page, or write all of them.
    Man(ManArguments),
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
    #[command(flatten)]
    pub streams: StreamNames,
    /// Pass that each stream runs [default: the one it needs]
    #[arg(long, value_enum)]
    pub pass: Option<PassArgument>,
    #[command(flatten)]
    pub run: RunArguments,
}

/// Arguments of the commands that read streams.
#[derive(Clone, Debug, Default, Args)]
pub struct RunArguments {
    /// Go on until nothing is left, waiting for the rate budget
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub settings: SettingFlags<RUN>,
}

/// Arguments of `sweep`.
#[derive(Clone, Debug, Default, Args)]
pub struct SweepArguments {
    #[command(flatten)]
    pub streams: StreamNames,
    #[command(flatten)]
    pub run: RunArguments,
}

impl SweepArguments {
    /// Returns the sync that a sweep stands for: full passes over the named streams.
    #[must_use]
    pub fn as_sync(&self) -> SyncArguments {
        let (streams, run) = (self.streams.clone(), self.run.clone());
        SyncArguments { streams, pass: Some(PassArgument::Full), run }
    }
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// Folder of the demo's lake; that of an earlier demo is replaced
    #[arg(long, value_name = "FOLDER", default_value = "./demo-lake")]
    pub lake: String,
    /// Size of the made-up account: tiny, demo or issue
    #[arg(long, default_value = "demo", value_parser = scale)]
    pub scale: AccountScale,
    /// Seed of the made-up account: the same seed makes the same account
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Go on serving the made-up account until Ctrl-C, for commands in another terminal
    #[arg(long, conflicts_with = "json")]
    pub serve: bool,
}

fn scale(name: &str) -> Result<AccountScale, &'static str> {
    AccountScale::named(name).ok_or("tiny, demo or issue")
}

/// Arguments of `login`. What is secret is asked for; without a terminal it is a line of standard
/// input.
#[derive(Clone, Debug, Args)]
pub struct LoginArguments {
    /// Log in by browser with the OAuth application of this client id; otherwise a personal access
    /// token is asked for
    #[arg(long, value_name = "CLIENT_ID")]
    pub oauth: Option<String>,
    /// Port of this machine to which the browser comes back: the application's redirect URL is
    /// http://localhost:PORT/
    #[arg(long, value_name = "PORT", default_value_t = 8271, requires = "oauth")]
    pub port: u16,
    /// The browser is on another machine: ask for the address at which it ends
    #[arg(long, requires = "oauth")]
    pub no_browser: bool,
    /// Store the token in this SecureString parameter of Systems Manager, a stack's output
    /// TokenParameter
    #[arg(long, value_name = "NAME", conflicts_with_all = ["secret", "oauth"])]
    pub parameter: Option<String>,
    /// KMS key of that parameter [default: that of AWS]
    #[arg(long, value_name = "ARN", requires = "parameter")]
    pub key: Option<String>,
    /// Store the token in this secret of Secrets Manager, a stack's output SecretArn
    #[arg(long, value_name = "ARN")]
    pub secret: Option<String>,
    #[command(flatten)]
    pub settings: SettingFlags<LOGIN>,
}

/// Arguments of `check`.
#[derive(Clone, Debug, Default, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    pub streams: StreamNames,
    /// Call the receivers of --on-failure and --on-recovery, too, with news of nothing
    #[arg(long)]
    pub notify: bool,
    #[command(flatten)]
    pub settings: SettingFlags<{ API | STREAMS | NOTICE }>,
}

/// Arguments of `status`.
#[derive(Clone, Debug, Default, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    pub streams: StreamNames,
    /// Show all streams, also those that need nobody
    #[arg(long)]
    pub all: bool,
    /// Show it again and again, until Ctrl-C, each time after so many seconds [default: 10]
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10",
        value_parser = clap::value_parser!(u16).range(1..),
        conflicts_with = "json"
    )]
    pub watch: Option<u16>,
    #[command(flatten)]
    pub settings: SettingFlags<{ PLACE | STREAMS | INTERVAL }>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use deployment::config::{
        GivenSettings, SETTINGS, SettingDefault, SettingForm, SettingName, SettingScope,
    };

    use super::*;

    fn parsed(line: &str) -> Result<CliArguments, clap::Error> {
        CliArguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_consistent() {
        CliArguments::command().debug_assert();
    }

    /// Settings that a line of the command line leaves of those that variables give.
    fn given(line: &str, variables: &[(SettingName, &str)]) -> GivenSettings {
        let mut given = GivenSettings::default();
        for (setting, value) in variables {
            given.set(*setting, *value);
        }
        let CliArguments { command, settings, .. } = parsed(line).unwrap();
        settings.give(&mut given);
        if let CliCommand::Sync(sync) = command {
            sync.run.settings.give(&mut given);
        } else if let CliCommand::Plan(plan) = command {
            plan.settings.give(&mut given);
        }
        given
    }

    #[test]
    fn a_flag_wins_over_its_variable() {
        for setting in SETTINGS {
            let (words, value) = match setting.form {
                SettingForm::Value { flag, .. } => (format!("{flag} flag"), "flag"),
                SettingForm::Switch { flag } => (flag.to_owned(), "true"),
                SettingForm::Variable { .. } => continue,
            };
            let command = if setting.scope == SettingScope::Plan { "plan" } else { "sync" };
            let line = format!("harvest-lake {command} {words}");
            let variables = [(*setting, "variable")];
            assert_eq!(given(&line, &variables).get(*setting), Some(value), "{line}");
            let line = format!("harvest-lake {command}");
            assert_eq!(given(&line, &variables).get(*setting), Some("variable"), "{line}");
            // An empty flag is a mistake, whatever the variable says.
            if let Some((flag, "flag")) = words.split_once(' ') {
                let line = format!("harvest-lake {command} {flag}=");
                given(&line, &variables).check().unwrap_err();
            }
        }
    }

    #[test]
    fn a_flag_alone_has_the_declared_value() {
        let all = given("harvest-lake sync --no-changes --keep", &[]);
        assert_eq!(all.get(SettingName::NO_CHANGES), Some("all"));
        assert_eq!(all.get(SettingName::KEEP), Some("true"));
        assert!(parsed("harvest-lake sync --streams").is_err());
        assert!(parsed("harvest-lake sync --keep=false").is_err());
    }

    #[test]
    fn global_flags_stand_anywhere() {
        assert!(parsed("harvest-lake --json streams").unwrap().json);
        assert!(parsed("harvest-lake streams --json").unwrap().json);
        for line in ["harvest-lake --log x plan", "harvest-lake plan --log x"] {
            assert_eq!(given(line, &[]).get(SettingName::LOG), Some("x"));
        }
    }

    #[test]
    fn a_sweep_is_a_full_pass_over_the_named_streams() {
        let line = "harvest-lake sweep clients tasks --account-id 7 --accept-deletes --wait";
        let CliCommand::Sweep(sweep) = parsed(line).unwrap().command else { panic!("not sweep") };
        let sync = sweep.as_sync();
        assert_eq!(sync.pass, Some(PassArgument::Full));
        let mut given = GivenSettings::default();
        sync.run.settings.give(&mut given);
        sync.streams.give(&mut given);
        assert_eq!(given.get(SettingName::STREAMS), Some("clients,tasks"));
        assert_eq!(given.get(SettingName::ACCEPT_DELETES), Some("true"));
        assert!(sync.run.wait);
        assert!(parsed("harvest-lake sweep --pass incremental").is_err());
    }

    #[test]
    fn streams_are_named_with_or_without_a_flag_but_not_both() {
        for command in ["sync", "sweep", "check", "status", "plan"] {
            parsed(&format!("harvest-lake {command} clients tasks")).unwrap();
            parsed(&format!("harvest-lake {command} --streams clients,tasks")).unwrap();
            parsed(&format!("harvest-lake {command} clients --streams tasks")).unwrap_err();
        }
    }

    #[test]
    fn wrong_usage_ends_with_2() {
        for line in ["harvest-lake", "harvest-lake synch", "harvest-lake sync --pass half"] {
            assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert_eq!(parsed("harvest-lake --help").unwrap_err().exit_code(), 0);
    }

    #[test]
    fn a_person_wants_more_or_less_but_not_both() {
        assert!(parsed("harvest-lake sync -q").unwrap().quiet);
        assert!(parsed("harvest-lake --verbose sync").unwrap().verbose);
        parsed("harvest-lake sync -q -v").unwrap_err();
    }

    /// Long help of all commands, each with its name.
    fn helps(command: &mut clap::Command, helps: &mut Vec<(String, String)>) {
        let help = command.render_long_help().to_string();
        helps.push((command.get_name().to_owned(), help));
        for command in command.get_subcommands_mut() {
            self::helps(command, helps);
        }
    }

    /// Text with one space for all white space, as the help is wrapped.
    fn unwrapped(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn help_has_every_flag_with_its_variable_and_default_and_no_flag_takes_a_secret() {
        let mut all = Vec::new();
        helps(&mut CliArguments::command(), &mut all);
        for setting in SETTINGS {
            let Some(flag) = setting.flag() else {
                continue;
            };
            let has = |(command, help): &&(String, String)| {
                let flag = help.lines().any(|line| line.trim().split(' ').next() == Some(flag));
                flag && command != "demo"
            };
            let with: Vec<_> = all.iter().filter(has).collect();
            assert!(!with.is_empty(), "no command has {flag}");
            for (command, help) in with {
                let help = unwrapped(help);
                let text = unwrapped(setting.help);
                assert!(help.contains(&format!("{text} [{}", setting.variable)), "{command}");
                if let SettingForm::Value { .. } = setting.form
                    && let SettingDefault::Text(default) = setting.default
                {
                    let variable = format!("[{}; default: {default}]", setting.variable);
                    assert!(help.contains(&variable), "{command}: {variable}");
                }
            }
        }
        assert!(parsed("harvest-lake sync --token x").is_err());
        for setting in [SettingName::TOKEN, SettingName::HASH_KEY, SettingName::SECRET] {
            assert_eq!(setting.flag(), None);
        }
    }
}
