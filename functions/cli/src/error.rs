//! Errors of commands.

mod class;

use deployment::config::ConfigError;
use deployment::parts::PartsError;
use runtime::RunError;
use streams::UnknownStream;

use crate::login_error::LoginError;

/// Error that kept a command from doing its work. A stream that fails inside a command that goes on
/// with others is no such error: it is part of the answer.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The name is not that of a stream.
    #[error(transparent)]
    Stream(#[from] UnknownStream),
    /// The parts of the deployment cannot be set up: lake, state, locks, token.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// Harvest or a store failed before any stream could run, or in a step that concerns all
    /// streams.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No one was logged in.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A table cannot be read.
    #[error(transparent)]
    Table(#[from] delta::table::TableError),
    /// The older version of the table cannot be told: it is not there yet, or the log no longer has
    /// it.
    #[error(transparent)]
    Past(#[from] delta::table::PastError),
    /// The value of `--at` is neither an instant nor a day.
    #[error(
        "`{found}` is no time: write an instant such as 2026-11-23T06:15:00Z, or a day such as \
         2026-11-23"
    )]
    Time {
        /// Text that was given.
        found: String,
    },
    /// The target of an export cannot be used.
    #[error("the target of the export: {why}")]
    Target {
        /// Fault of the target, and its remedy.
        why: String,
    },
    /// The table cannot be divided by the value of `--partition-by`.
    #[error(transparent)]
    Partition(#[from] lake::export::NoPartition),
    /// The export of a table failed.
    #[error("`{stream}` could not be exported")]
    Export {
        /// The stream.
        stream: &'static str,
        /// Cause.
        #[source]
        source: lake::export::ExportError,
    },
    /// The target of an export could not be written.
    #[error("`{stream}` could not be exported: `{place}` could not be written: {advice}")]
    Unwritten {
        /// The stream.
        stream: &'static str,
        /// The file, or the place of the snapshot.
        place: String,
        /// Next step of a person.
        advice: &'static str,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Rows of a table could not be read, or written as text.
    #[error("the rows of `{stream}` could not be shown or exported")]
    Rows {
        /// The stream.
        stream: &'static str,
        /// Cause.
        #[source]
        source: lake::text::TextError,
    },
    /// A sync replaced files of the table while its rows were written to standard output, which
    /// cannot begin anew.
    #[error(
        "the rows of `{stream}` are not whole: a sync replaced files of the table meanwhile. The \
         table is not damaged: run again, or name a folder, into which an export begins anew by \
         itself"
    )]
    Overtaken {
        /// The stream.
        stream: &'static str,
    },
    /// The table has no such column.
    #[error("`{table}` has no column `{column}`: `harvest-lake schema {table}` lists them")]
    NoColumn {
        /// Name of the table.
        table: String,
        /// Name that was given.
        column: String,
    },
    /// The verification of a table failed.
    #[error("`{stream}` could not be verified")]
    Verify {
        /// The stream.
        stream: &'static str,
        /// Cause.
        #[source]
        source: lake::verify::VerifyError,
    },
    /// A table could not be read for the report.
    #[error("`{stream}` could not be read")]
    Scan {
        /// The stream.
        stream: &'static str,
        /// Cause.
        #[source]
        source: lake::partition::PartitionError,
    },
    /// The page could not be made: a bug of this program.
    #[error("the page could not be made")]
    Page(#[source] serde_json::Error),
    /// The page could not be written.
    #[error("the page could not be written to `{place}`")]
    PageWrite {
        /// Place of the page.
        place: String,
        /// Cause.
        #[source]
        source: delta::store::StoreError,
    },
    /// The value of `--out` is no name of a file.
    #[error(
        "`--out` is empty or a folder (`{found}`): name a file for the page, such as report.html"
    )]
    PageName {
        /// Text that was given.
        found: String,
    },
    /// The folder has settings already.
    #[error("this folder has a harvest-lake.toml already: edit it, or replace it with `--force`")]
    Initialized,
    /// A file of settings cannot be written.
    #[error("{file} could not be written")]
    Init {
        /// The file.
        file: &'static str,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// There is no such command to print the manual page of.
    #[error("there is no command `{command}`: `harvest-lake --help` lists them all")]
    NoCommand {
        /// Name that was given.
        command: String,
    },
    /// A manual page cannot be written.
    #[error("the manual page could not be written")]
    Manual {
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// There is no lake.
    #[error("there is no lake in `{lake}`{}: name it with `--lake`", if *is_file { ", which is a file" } else { "" })]
    NoLake {
        /// Place of the lake.
        lake: String,
        /// Whether a file is in its place.
        is_file: bool,
    },
    /// The lake has no row about the person.
    #[error(
        "the lake `{lake}` has no row about user {user}: nothing was erased, and nothing was noted \
         (`SELECT id, first_name, last_name FROM users` lists them)"
    )]
    NoPerson {
        /// Place of the lake.
        lake: String,
        /// Id that was given.
        user: i64,
    },
    /// An erasure has not ended, so that rows and changes may differ.
    #[error(
        "the erasure of user {user} has not ended: run `harvest-lake erase --user {user}` again, \
         then `verify`; what it has not reached yet is no damage"
    )]
    ErasureUnfinished {
        /// Id of the user.
        user: i64,
    },
    /// There is no screen to draw on.
    #[error(
        "`--watch` needs a terminal: without it, `harvest-lake status` shows the state once, and \
         `--json` prints it for programs"
    )]
    NoTerminal,
    /// A person wants to try receivers of news, and there are none.
    #[error(
        "there is nobody to notify: set `--on-failure` (`HARVEST_ON_FAILURE`) or `--on-recovery` \
         (`HARVEST_ON_RECOVERY`) to a command or to the URL of a webhook"
    )]
    NoReceiver,
    /// A person did not agree to what would be lost.
    #[error("nothing was done: {why}")]
    Unconfirmed {
        /// Reason, and the next step.
        why: &'static str,
    },
    /// There is no table yet.
    #[error(
        "there is no table `{table}` in the lake `{lake}` yet: run `harvest-lake sync`{} first, or name another lake with `--lake`",
        if table.ends_with("_changes") { " without `--no-changes`" } else { "" }
    )]
    NoTable {
        /// Name of the table: the stream's, or that of its changes.
        table: String,
        /// Place of the lake.
        lake: String,
    },
    /// The demo would write into a folder that is not its own.
    #[error(
        "`{lake}` is not empty and not the lake of an earlier demo: name another with `--lake`"
    )]
    NotADemo {
        /// The folder.
        lake: String,
    },
    /// The demo cannot be set up.
    #[error("the demo could not {what}")]
    Demo {
        /// Step that failed.
        what: String,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
}

impl CliError {
    /// Returns the message and its causes, with colons between. Messages do not repeat their cause,
    /// so only the chain tells why.
    #[must_use]
    pub fn chain(&self) -> String {
        engine::causes::chained(self)
    }
}
