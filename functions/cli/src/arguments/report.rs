//! Arguments of `report`.

use clap::Args;

use super::flags::{PLACE, STREAMS, SettingFlags};

/// Arguments of `report`.
#[derive(Clone, Debug, Default, Args)]
pub struct ReportArguments {
    /// File of the page [default: report.html, unless it is published]
    #[arg(long, value_name = "FILE")]
    pub out: Option<String>,
    /// Write the page into the lake, as report.html
    #[arg(long)]
    pub publish: bool,
    /// Day that figures call today [default: the present day in UTC]
    #[arg(long, value_name = "DAY")]
    pub today: Option<String>,
    #[command(flatten)]
    pub settings: SettingFlags<{ PLACE | STREAMS }>,
}
