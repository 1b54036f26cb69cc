//! Arguments of the commands that set up a folder or a shell (init, completions, man).

use clap::{Args, ValueEnum};

use super::flags::{INTERVAL, RUN, SettingFlags};

/// Value of `init --schedule`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchedulerKind {
    /// Units of systemd.
    Systemd,
    /// A line of a crontab.
    Cron,
    /// A property list of launchd.
    Launchd,
}

impl SchedulerKind {
    /// Returns the word of the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Cron => "cron",
            Self::Launchd => "launchd",
        }
    }
}

/// Arguments of `init`. Settings that are given as flags are written into the file.
#[derive(Clone, Debug, Default, Args)]
pub struct InitArguments {
    /// Print the entry of a scheduler that syncs this folder, and write nothing
    #[arg(long, value_enum, value_name = "SCHEDULER")]
    pub schedule: Option<SchedulerKind>,
    /// Replace the settings that the folder has
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub settings: SettingFlags<{ RUN | INTERVAL }>,
}

/// Arguments of `completions`.
#[derive(Clone, Copy, Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Clone, Debug, Default, Args)]
pub struct ManArguments {
    /// The command [default: the program]
    pub command: Option<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub folder: Option<String>,
}
