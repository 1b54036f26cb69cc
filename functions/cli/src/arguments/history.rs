//! Arguments of `history`.

use clap::Args;

use super::flags::{PLACE, SettingFlags};

/// Arguments of `history`.
#[derive(Clone, Debug, Default, Args)]
pub struct HistoryArguments {
    /// The streams [default: all]
    #[arg(value_name = "STREAM")]
    pub streams: Vec<String>,
    /// Earliest start of a run: 2026-11-23T06:15:00Z, or a day (UTC) [default: 31 days ago]
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Largest number of runs, the newest ones [default: 20; with --since, all]
    #[arg(long, short = 'n', value_name = "N")]
    pub number: Option<usize>,
    #[command(flatten)]
    pub settings: SettingFlags<PLACE>,
}
