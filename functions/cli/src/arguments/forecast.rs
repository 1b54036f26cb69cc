//! Arguments of the commands that look ahead: `plan` and `cost`.

use clap::{Args, ValueEnum};

use super::flags::{COST, PLAN, SettingFlags};
use super::names::StreamNames;

/// Arguments of `plan`.
#[derive(Clone, Debug, Default, Args)]
pub struct PlanArguments {
    #[command(flatten)]
    pub streams: StreamNames,
    /// Ask Harvest for the number of records, with a few dozen requests; otherwise the stored
    /// numbers count
    #[arg(long)]
    pub ask: bool,
    #[command(flatten)]
    pub settings: SettingFlags<PLAN>,
}

/// Value of `cost --with`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CostExtra {
    /// Mails and alarms to an address.
    Alarms,
    /// The dashboard, with its metrics.
    Dashboard,
    /// A KMS key of your own.
    Key,
    /// The token in Secrets Manager.
    Secret,
}

/// Arguments of `cost`.
#[derive(Clone, Debug, Args)]
pub struct CostArguments {
    /// People who track time
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub people: u32,
    /// Time entries that the account has [default: 1,000 for each person]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    pub entries: Option<u64>,
    /// Extras that are to be in it
    #[arg(long, value_enum, value_name = "EXTRA", value_delimiter = ',')]
    pub with: Vec<CostExtra>,
    #[command(flatten)]
    pub settings: SettingFlags<COST>,
}
