//! Arguments of the commands on stored data (reset, upgrade, quarantine, erase), and of privacy.
#![expect(clippy::doc_markdown, reason = "the comments are the help text: backticks would show")]

use clap::{Args, Subcommand};

use super::{ApiArguments, PlaceArguments};

/// Fields of records that are left out or stored as hashes.
#[derive(Clone, Debug, Default, Args)]
pub struct PrivacyArguments {
    /// Fields never to write, such as users.email,time_entries.notes [HARVEST_EXCLUDE_FIELDS]
    #[arg(long, value_name = "STREAM.MEMBER,..")]
    pub exclude_fields: Option<String>,
    /// Text fields to write only as HMAC-SHA-256, with the key in the variable HARVEST_HASH_KEY
    /// [HARVEST_HASH_FIELDS]
    #[arg(long, value_name = "STREAM.MEMBER,..")]
    pub hash_fields: Option<String>,
}

/// Arguments of `upgrade`.
#[derive(Clone, Debug, Default, Args)]
pub struct UpgradeArguments {
    /// The streams [default: all]
    #[arg(value_name = "STREAM")]
    pub streams: Vec<String>,
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub api: ApiArguments,
}

/// Arguments of `erase`.
#[derive(Clone, Debug, Default, Args)]
pub struct EraseArguments {
    /// Id of the user
    #[arg(long, value_name = "ID")]
    pub user: i64,
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub api: ApiArguments,
}

/// Arguments of `quarantine`.
#[derive(Clone, Debug, Default, Args)]
pub struct QuarantineArguments {
    /// Command on the quarantine [default: list]
    #[command(subcommand)]
    pub what: Option<QuarantineCommand>,
    #[command(flatten)]
    pub place: PlaceArguments,
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
    pub place: PlaceArguments,
    #[command(flatten)]
    pub api: ApiArguments,
    #[command(flatten)]
    pub privacy: PrivacyArguments,
}

/// Arguments of `reset`.
#[derive(Clone, Debug, Default, Args)]
pub struct ResetArguments {
    /// The streams; STREAM_changes for a table of changes alone.
    #[arg(required = true, value_name = "STREAM")]
    pub streams: Vec<String>,
    #[command(flatten)]
    pub place: PlaceArguments,
    #[command(flatten)]
    pub api: ApiArguments,
}
