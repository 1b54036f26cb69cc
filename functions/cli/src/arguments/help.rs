//! Help, completions and manual pages, from the declaration of the command line.
//!
//! Two tables add what the declaration has no place for: the groups in which the help lists the
//! commands, and examples of each command. Tests parse every example.

use core::fmt::Write as _;
use std::ffi::OsString;

use clap::{Command, CommandFactory as _, FromArgMatches as _};

use super::CliArguments;

/// Commit of the build, where the variable names it, as for the files of a release.
const COMMIT: Option<&str> = option_env!("HARVEST_LAKE_COMMIT");

/// Groups of commands, in the order of a person's way.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Begin", &["init", "login", "check", "plan", "demo", "cost"]),
    ("Every day", &["sync", "status", "history", "sweep"]),
    ("Read the tables", &["report", "sql", "head", "streams", "schema", "files", "export"]),
    ("Look after the lake", &["verify", "upgrade", "quarantine", "reset", "erase"]),
    ("This program", &["completions", "man", "help"]),
];

/// Examples of each command.
const EXAMPLES: [(&str, &[&str]); 24] = [
    (
        "init",
        &[
            "init",
            "init --lake s3://bucket/harvest --state ./state.sqlite",
            "init --schedule systemd",
        ],
    ),
    ("login", &["login", "login --oauth CLIENT_ID", "login --parameter /harvest/token"]),
    ("check", &["check", "check time_entries expenses", "check --notify"]),
    ("plan", &["plan --ask", "plan time_entries"]),
    ("demo", &["demo", "demo --serve", "demo --scale tiny --lake ./demo"]),
    ("cost", &["cost --people 40 --sync-interval 6h"]),
    ("sync", &["sync", "sync time_entries", "sync --wait", "sync --quiet"]),
    ("status", &["status", "status --all", "status time_entries invoices", "status --watch"]),
    (
        "history",
        &["history", "history time_entries --number 50", "history --since 2026-11-23 --json"],
    ),
    ("sweep", &["sweep", "sweep time_entries --accept-deletes"]),
    ("report", &["report", "report --out week.html --today 2026-06-30"]),
    ("sql", &["sql --engine duckdb --lake ./lake"]),
    ("streams", &["streams", "streams --json"]),
    ("schema", &["schema time_entries", "schema clients --ddl duckdb"]),
    ("files", &["files time_entries", "files clients --at 2026-11-23 --paths"]),
    ("head", &["head time_entries", "head clients_changes -n 3 --columns op,changed_at,name"]),
    (
        "export",
        &[
            "export time_entries ./parquet --partition-by spent_month",
            "export clients projects ./sheets --format csv",
            "export time_entries - --format jsonl",
        ],
    ),
    ("verify", &["verify", "verify time_entries --against-harvest"]),
    ("upgrade", &["upgrade"]),
    ("quarantine", &["quarantine", "quarantine retry clients"]),
    ("reset", &["reset clients --dry-run", "reset clients tasks_changes"]),
    ("erase", &["erase --user 1234567 --dry-run", "erase --user 1234567"]),
    ("completions", &["completions bash", "completions zsh"]),
    ("man", &["man", "man sync", "man --folder ~/.local/share/man/man1"]),
];

/// Template of the help of the program: the list of commands is its `after_help`, and stands before
/// the options.
const TEMPLATE: &str =
    "{about-with-newline}\n{usage-heading} {usage}{after-help}\n\nOptions:\n{options}\n";

impl CliArguments {
    /// Parses the command line of this process.
    ///
    /// # Errors
    /// Fails if it is wrong, or asks for help or the version.
    pub fn typed() -> Result<Self, clap::Error> {
        let matches = declared().try_get_matches_from(words(std::env::args_os().collect()))?;
        Self::from_arg_matches(&matches)
    }
}

/// Returns the words of a command line. `version` alone is what many other programs have for `--version`.
fn words(mut words: Vec<OsString>) -> Vec<OsString> {
    if let [_, word] = words.as_mut_slice()
        && word == "version"
    {
        *word = "--version".into();
    }
    words
}

/// Returns the declaration with groups and examples.
pub(crate) fn declared() -> Command {
    let mut command = CliArguments::command();
    if let Some(commit) = COMMIT.filter(|commit| !commit.is_empty()) {
        command = command.version(format!("{} ({commit})", env!("CARGO_PKG_VERSION")));
    }
    for (name, lines) in EXAMPLES {
        command = command.mut_subcommand(name, |command| command.after_help(examples(lines)));
    }
    let groups = groups(&command);
    command.help_template(TEMPLATE).after_help(groups).arg_required_else_help(true)
}

/// Returns the examples as a section of a command's help.
fn examples(lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| format!("  harvest-lake {line}")).collect();
    format!("Examples:\n{}", lines.join("\n"))
}

/// Returns the list of commands, in groups.
fn groups(command: &Command) -> String {
    let about = |name: &str| {
        let about = command.find_subcommand(name).and_then(Command::get_about);
        about.map_or_else(|| "Print the help of a command".to_owned(), ToString::to_string)
    };
    let mut text = String::new();
    for (title, names) in GROUPS {
        writeln!(text, "\n{title}:").unwrap_or_default();
        for name in names {
            writeln!(text, "  {name:<12} {}", about(name)).unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_is_in_one_group_and_has_examples_that_can_be_typed() {
        let command = declared();
        let names: BTreeSet<_> = command.get_subcommands().map(Command::get_name).collect();
        let grouped: Vec<_> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let listed: BTreeSet<_> = grouped.iter().copied().filter(|name| *name != "help").collect();
        assert_eq!(grouped.len(), listed.len() + 1, "a command is listed twice");
        assert_eq!(listed, names);
        let with: BTreeSet<_> = EXAMPLES.iter().map(|(name, _)| *name).collect();
        assert_eq!(with, names);
        for line in EXAMPLES.iter().flat_map(|(_, lines)| lines.iter()) {
            let words = ["harvest-lake"].into_iter().chain(line.split(' '));
            let parsed = declared().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
    }

    #[test]
    fn the_help_lists_the_commands_in_groups_and_each_has_its_examples() {
        let help = declared().render_help().to_string();
        let place = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text}: {help}"));
        assert!(place("Begin:") < place("  init ") && place("  init ") < place("Every day:"));
        assert!(place("  help ") < place("Options:"), "{help}");
        assert_eq!(help.matches("  sync ").count(), 1, "{help}");
        let mut command = declared();
        let sync = command.find_subcommand_mut("sync").unwrap().render_long_help().to_string();
        assert!(sync.contains("Examples:\n  harvest-lake sync\n"), "{sync}");
    }

    #[test]
    fn version_is_a_word_for_its_flag_and_begins_with_that_of_the_package() {
        let typed = |line: &str| words(line.split(' ').map(OsString::from).collect());
        for line in ["harvest-lake version", "harvest-lake --version"] {
            let error = declared().try_get_matches_from(typed(line)).unwrap_err();
            let said = error.to_string();
            assert_eq!(error.exit_code(), 0, "{line}: {said}");
            assert!(
                said.starts_with(concat!("harvest-lake ", env!("CARGO_PKG_VERSION"))),
                "{said}"
            );
        }
        assert_eq!(typed("harvest-lake head version").last().unwrap(), "version");
    }

    #[test]
    fn without_a_command_there_is_the_help() {
        let error = declared().try_get_matches_from(["harvest-lake"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("Every day:"), "{error}");
    }
}
