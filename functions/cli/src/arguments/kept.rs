//! Arguments of the commands on stored data (reset, upgrade, quarantine, erase).
#![expect(clippy::doc_markdown, reason = "the comments are the help text: backticks would show")]

use clap::{Args, Subcommand};

use super::flags::{API, PLACE, PRIVACY, SettingFlags};

/// Arguments of `upgrade`.
#[derive(Clone, Debug, Default, Args)]
pub struct UpgradeArguments {
    /// The streams [default: all]
    #[arg(value_name = "STREAM")]
    pub streams: Vec<String>,
    #[command(flatten)]
    pub settings: SettingFlags<API>,
}

/// Arguments of the commands that destroy what cannot be brought back.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ConsentArguments {
    /// Do it without a question
    #[arg(long, short)]
    pub yes: bool,
    /// Say what would go, and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
}

/// Arguments of `erase`.
#[derive(Clone, Debug, Default, Args)]
pub struct EraseArguments {
    /// Id of the user
    #[arg(long, value_name = "ID")]
    pub user: i64,
    #[command(flatten)]
    pub consent: ConsentArguments,
    #[command(flatten)]
    pub settings: SettingFlags<API>,
}

/// Arguments of `quarantine`.
#[derive(Clone, Debug, Default, Args)]
pub struct QuarantineArguments {
    /// Command on the quarantine [default: list]
    #[command(subcommand)]
    pub what: Option<QuarantineCommand>,
    #[command(flatten)]
    pub settings: SettingFlags<PLACE>,
}

/// The commands on the quarantine.
#[derive(Clone, Debug, Subcommand)]
pub enum QuarantineCommand {
    /// Decode the records with this version of harvest-lake; if any can become a row now, a full
    /// pass reads them from Harvest as they are now.
    Retry(RetryArguments),
}

/// Arguments of `quarantine retry`.
#[derive(Clone, Debug, Default, Args)]
pub struct RetryArguments {
    /// The streams [default: all]
    #[arg(value_name = "STREAM")]
    pub streams: Vec<String>,
    #[command(flatten)]
    pub settings: SettingFlags<{ API | PRIVACY }>,
}

/// Arguments of `reset`.
#[derive(Clone, Debug, Default, Args)]
pub struct ResetArguments {
    /// The streams; STREAM_changes for a table of changes alone.
    #[arg(required = true, value_name = "STREAM")]
    pub streams: Vec<String>,
    #[command(flatten)]
    pub consent: ConsentArguments,
    #[command(flatten)]
    pub settings: SettingFlags<API>,
}
